"""What is refused before any SPARQL parser sees a query, decided on tokens in linear time.

The engine dies on deep nesting and on long chains, follows SERVICE to other hosts, and reads
keywords without looking at their end (`trueSERVICE`, `SERVICEex:a`). So the tokens here are those
of the SPARQL grammar, longest match first, and where the engine could read the same characters in
another way the query is refused. Strings, IRIs, comments, variables and prefixed names may hold
the word SERVICE.

Spec: SPARQL 1.1 Query Language, section 19.8 (terminals); docs/reference/sparql.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urljoin

from kg.errors import QueryError

Reason = Literal[
    "syntax",
    "service",
    "update",
    "graph",
    "parameter",
    "complexity",
    "length",
    "format",
    "media-type",
    "method",
    "not-found",
    "busy",
    "quota",
    "timeout",
    "memory",
    "result-size",
    "crash",
    "evaluation",
    "store",
    "internal",
]
"""Why a request fails; `kg.web.protocol.PROBLEMS` has a status and a title for each."""
Form = Literal["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]

LENGTH: Final = 1 << 20
"""Characters of a query, and bytes of one in UTF-8."""
TOKENS: Final = 200_000
NAME: Final = 128
"""Characters of a prefix, or of a keyword: so that no character is looked at more often."""
DEPTH: Final = 100
"""Brackets of any kind that are open at once. The engine dies between 400 and 1,000."""
CHAIN: Final = 1000
"""Patterns or operators beside each other in one pair of brackets. It dies from 2,000 on."""
PATH: Final = 100
"""Steps of one property path."""


class QueryFailure(QueryError):
    """A query was refused, failed or overstepped a limit: what, why and where in its text.

    Args:
        reason: which of a closed list; the table in `kg.web.protocol` gives it an HTTP status.
        what: as in `KgError`.
        line, column: place in the query, from 1, in characters; 0 where there is none.
        retry_after: seconds after which it may go better, or 0.
        available: what could have been asked for instead.
    """

    def __init__(
        self,
        reason: Reason,
        what: str,
        *,
        line: int = 0,
        column: int = 0,
        seen: str = "",
        expected: str = "",
        hint: str = "",
        retry_after: int = 0,
        available: Sequence[str] = (),
    ) -> None:
        where = f"line {line}, column {column}" if line else ""
        super().__init__(what, where=where, seen=seen, expected=expected, hint=hint)
        self.reason = reason
        self.line = line
        self.column = column
        self.retry_after = retry_after
        self.available = tuple(available)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the guard has learnt of a query that it let pass.

    `default_graphs` and `named_graphs` are the IRIs of FROM and FROM NAMED, or both None where the
    query has neither. `where` is the offset behind the brace that opens the WHERE clause, or None
    where nothing can be put there. `volatile` says that two answers to the same query may differ,
    because it calls NOW, RAND, UUID, STRUUID or BNODE.
    """

    form: Form
    default_graphs: tuple[str, ...] | None
    named_graphs: tuple[str, ...] | None
    where: int | None
    volatile: bool = False


_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_VAR = f"{_BASE}_0-9\u00b7\u0300-\u036f\u203f\u2040"
_CHARS = rf"{_VAR}\-"
_HEX = "[0-9A-Fa-f]"
_ESCAPE = rf"\\(?:[tbnrf\"'\\]|u{_HEX}{{4}}|U{_HEX}{{8}})"
_PREFIX = rf"(?:[{_BASE}][{_CHARS}.]{{0,{NAME - 1}}}+(?<!\.))?:"
_PLX = rf"%{_HEX}{{2}}|\\[_~.\-!$&'()*+,;=/?#@%]"
_LOCAL = rf"(?:[{_BASE}_:0-9]|{_PLX})(?:(?:[{_CHARS}.:]|{_PLX})*(?:[{_CHARS}:]|{_PLX}))?"

TOKEN = re.compile(
    rf"""
    (?P<skip>(?:[ \t\r\n]++|\#[^\r\n]*+)++)
  | (?P<iri><(?:[^<>"{{}}|^`\\\x00-\x20]|\\u{_HEX}{{4}}|\\U{_HEX}{{8}})*+>)
  | (?P<string>\"\"\"(?:\"{{0,2}}+(?:[^"\\]|{_ESCAPE}))*+\"\"\"
             | '''(?:'{{0,2}}+(?:[^'\\]|{_ESCAPE}))*+'''
             | "(?!"")(?:[^"\\\n\r]|{_ESCAPE})*+"
             | '(?!'')(?:[^'\\\n\r]|{_ESCAPE})*+')
  | (?P<var>[?$][{_BASE}_0-9][{_VAR}]*+)
  | (?P<blank>_:[{_BASE}_0-9](?:[{_CHARS}.]*[{_CHARS}])?)
  | (?P<name>{_PREFIX}(?:{_LOCAL})?)
  | (?P<word>[A-Za-z][A-Za-z0-9_]*+)
  | (?P<number>[0-9]++\.[0-9]*+[eE][+-]?[0-9]++|\.?[0-9]++[eE][+-]?[0-9]++
             | [0-9]*+\.[0-9]++|[0-9]++)
  | (?P<lang>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+(?:--(?:ltr|rtl))?)
  | (?P<open><<\(|<<|\{{\||[({{\[])
  | (?P<close>\)>>|>>|\|\}}|[)}}\]])
  | (?P<op>\^\^|&&|\|\||!=|<=|>=|[\^|/*+\-!=<>?~.;,])
  | (?P<bad>[\s\S])
    """,
    re.VERBOSE,
)
"""The terminals of the grammar, longest match first; every character is in one of them."""
# What may end an operand, so that a `<` behind it may be "less than".
_OPERANDS = frozenset({"iri", "string", "var", "blank", "name", "number", "lang", "close"})
_FORMS: Final[Mapping[str, Form]] = {
    "SELECT": "SELECT",
    "ASK": "ASK",
    "CONSTRUCT": "CONSTRUCT",
    "DESCRIBE": "DESCRIBE",
}
_UPDATES = frozenset(
    {"INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"}
)
_VOLATILE = frozenset({"NOW", "RAND", "UUID", "STRUUID", "BNODE"})
_JOINING = frozenset({"UNION", "OPTIONAL", "MINUS", "FILTER", "BIND", "VALUES", "GRAPH", "LATERAL"})
_NAMES_A_GRAPH = frozenset({"GRAPH", "FROM", "NAMED", "DESCRIBE"})
_PATH_OPERATORS = frozenset({"/", "|", "^"})
_AROUND = (
    "ask the other endpoint first and pass what it answers: "
    "VALUES ?item { <http://…/a> <http://…/b> }"
)


def check(
    query: str, *, prefixes: Mapping[str, str], graphs: frozenset[str] | None = None
) -> Checked:
    """Return what a query is, if it may be given to the engine.

    Args:
        query: the text as it was sent.
        prefixes: those that are declared without being written: name to namespace.
        graphs: the named graphs of the release; None to let every FROM pass.
    Raises:
        QueryFailure: `syntax` (no token, undeclared prefix, no query), `service`, `update`,
            `graph` (FROM of something that is no graph of the release), `complexity` (depth,
            chains), `length`; with line and column.
    """
    return _Guard(query, prefixes, graphs).run()


class _Level:
    """One open bracket: its kind, and what has been seen directly in it."""

    __slots__ = ("chain", "data", "kind", "path")

    def __init__(self, kind: str, data: bool) -> None:
        self.kind = kind
        self.data = data
        self.chain = 0
        self.path = 0


class _Guard:
    """One pass over the tokens of one query."""

    def __init__(
        self, query: str, prefixes: Mapping[str, str], graphs: frozenset[str] | None
    ) -> None:
        self._query = query
        self._prefixes = dict(prefixes)
        self._graphs = graphs
        self._base = ""

    def run(self) -> Checked:
        """Return what the query is."""
        query = self._query
        if len(query) > LENGTH:
            raise QueryFailure(
                "length",
                "the query is too long",
                seen=f"{len(query):,} characters",
                expected=f"at most {LENGTH:,}",
            )
        levels = [_Level("", data=False)]
        form: Form | None = None
        where: int | None = None
        template = False
        # The token before this one and the one before that: kind, and text (words in capitals).
        last_kind = last = before = ""
        volatile = False
        values = False  # between VALUES and its braces
        clause = ""  # FROM or NAMED, until its IRI has come
        declared = ""  # PREFIX or BASE, or the prefix that is being declared
        from_: dict[str, list[str]] = {"FROM": [], "NAMED": []}
        count = 0
        for match in TOKEN.finditer(query):
            kind = match.lastgroup or ""
            if kind == "skip":
                continue
            text = match[0]
            start = match.start()
            level = levels[-1]
            count += 1
            if count > TOKENS:
                raise self._at(
                    start, "complexity", "the query has too many parts", f"at most {TOKENS:,}"
                )
            if kind == "word":
                text = text.upper()
                if "SERVICE" in text:
                    raise self._service(start)
                if form is None:
                    if text in _FORMS:
                        form = _FORMS[text]
                    elif text in _UPDATES:
                        raise self._at(
                            start,
                            "update",
                            f"{text} changes data, and this service only answers queries",
                        )
                    elif text in ("PREFIX", "BASE"):
                        declared = text
                    else:
                        raise self._no_query(start)
                elif text in ("FROM", "NAMED") and len(levels) == 1:
                    clause = text
                if text == "VALUES":
                    values = True
                if text in _VOLATILE:
                    volatile = True
                if text in _JOINING:
                    self._grow(level, start)
            elif kind == "name":
                prefix, _, local = text.partition(":")
                if declared == "PREFIX":
                    declared = text
                elif prefix not in self._prefixes:
                    raise self._undeclared(start, prefix)
                elif clause:
                    local = re.sub(r"\\(.)", r"\1", local)
                    self._from(from_, clause, self._prefixes[prefix] + local, start)
                    clause = ""
            elif kind == "iri":
                if declared:
                    self._declare(declared, text)
                    declared = ""
                elif clause:
                    self._from(from_, clause, self._resolve(text), start)
                    clause = ""
                elif last_kind in _OPERANDS and level.kind == "(" and not level.data:
                    self._less_than(text, start)
            elif kind == "open":
                if len(levels) > DEPTH:
                    raise self._at(
                        start,
                        "complexity",
                        "the brackets are nested too deep",
                        f"at most {DEPTH} of them open at once",
                    )
                if text == "{":
                    if last_kind == "name" and "SERVICE" in last.partition(":")[0].upper():
                        self._named_like_service(before, start, last)
                    # The short form CONSTRUCT WHERE { … } is its own template: nothing but
                    # triples can be put there.
                    if len(levels) == 1 and last == "CONSTRUCT":
                        template = True
                    elif len(levels) == 1 and where is None:
                        where = match.end() if template or form != "CONSTRUCT" else None
                if text == "{" or len(levels) == 1:
                    self._grow(level, start)
                levels.append(_Level(text[-1], data=level.data or (values and text == "{")))
                values = values and text != "{"
            elif kind == "close":
                if len(levels) > 1:
                    levels.pop()
            elif kind == "op":
                if level.kind == "{" and text in _PATH_OPERATORS:
                    level.path += 1
                    if level.path > PATH:
                        raise self._at(
                            start,
                            "complexity",
                            "the property path is too long",
                            f"at most {PATH} steps",
                        )
                elif text in ".;,":
                    level.path = 0
                listed = level.kind == "(" and (text == "," or last in (",", "("))
                if not listed:
                    self._grow(level, start)
            elif kind == "bad":
                raise self._bad(start)
            if form is None and kind not in ("word", "name", "iri"):
                raise self._no_query(start)
            before, last, last_kind = last, text, kind
        if form is None:
            raise self._no_query(len(query.rstrip()))
        dataset = any(from_.values())
        return Checked(
            form=form,
            default_graphs=tuple(dict.fromkeys(from_["FROM"])) if dataset else None,
            named_graphs=tuple(dict.fromkeys(from_["NAMED"])) if dataset else None,
            where=where,
            volatile=volatile,
        )

    def _grow(self, level: _Level, start: int) -> None:
        """Count one more pattern or operator in a pair of brackets."""
        level.chain += 1
        if level.chain > CHAIN and not level.data:
            raise self._at(
                start,
                "complexity",
                "too many patterns or operators stand beside each other",
                f"at most {CHAIN:,} in one pair of brackets",
                hint="put many values into VALUES ?x { … } or IN ( … ), which may be long",
            )

    def _declare(self, what: str, iri: str) -> None:
        """Take note of `PREFIX name: <…>` or `BASE <…>`."""
        if what == "BASE":
            self._base = self._resolve(iri)
        else:
            self._prefixes[what[:-1]] = self._resolve(iri)

    def _resolve(self, iri: str) -> str:
        """Return the IRI that `<…>` stands for, by escapes and BASE."""
        text = re.sub(r"\\[uU]([0-9A-Fa-f]+)", lambda m: chr(int(m[1], 16) % 0x110000), iri[1:-1])
        return urljoin(self._base, text) if self._base else text

    def _from(self, into: dict[str, list[str]], clause: str, iri: str, start: int) -> None:
        """Take note of one graph of FROM or FROM NAMED."""
        if self._graphs is not None and iri not in self._graphs:
            raise self._at(
                start,
                "graph",
                "FROM names something that is not a graph of this release, and nothing is loaded",
                seen=iri,
                hint="list the graphs with SELECT DISTINCT ?g { GRAPH ?g {} }",
            )
        into[clause].append(iri)

    def _less_than(self, text: str, start: int) -> None:
        """Return if `<…>` behind an operand is an IRI however it is read.

        The engine takes `<` for "less than" there, so that `FILTER(1<2)SERVICE#>` is a SERVICE to
        it and an IRI to the grammar. Only text that no expression can begin with is certain.
        """
        inner = text[1:-1]
        if re.match(r"[A-Za-z][A-Za-z0-9+.\-]*://", inner) or not re.search(r"[()\[\]#]", inner):
            return
        raise self._at(
            start,
            "syntax",
            "this can be read as an IRI and as a comparison",
            seen=text,
            hint="put a space behind < if it means less than, or use a prefixed name",
        )

    def _named_like_service(self, before: str, start: int, name: str) -> None:
        """Return if a name such as `service:x` before a brace is the name of a graph."""
        if before not in _NAMES_A_GRAPH:
            raise self._at(
                start,
                "service",
                "a name that begins like SERVICE stands before a brace",
                seen=f"{name} {{",
                hint="end the pattern before the brace with a full stop, or declare another prefix",
            )

    def _service(self, start: int) -> QueryFailure:
        """Return the refusal of SERVICE."""
        return self._at(
            start,
            "service",
            "SERVICE is refused: this service asks no other host",
            hint=_AROUND,
        )

    def _undeclared(self, start: int, prefix: str) -> QueryFailure:
        """Return the error for a prefix that nobody has declared."""
        return self._at(
            start,
            "syntax",
            f"the prefix {prefix}: is not declared",
            hint=f"begin the query with PREFIX {prefix}: <…>; without a declaration there are: "
            + " ".join(f"{name}:" for name in sorted(self._prefixes)),
        )

    def _bad(self, start: int) -> QueryFailure:
        """Return the error for characters that begin no token."""
        seen = self._query[start]
        if seen in "\"'":
            return self._at(start, "syntax", "this string has no end, or an unknown escape in it")
        if seen == "\ufeff":
            return self._at(start, "syntax", "the text begins with a byte order mark")
        return self._at(start, "syntax", "no part of a query begins like this", seen=repr(seen))

    def _no_query(self, start: int) -> QueryFailure:
        """Return the error for a text in which no query begins."""
        return self._at(
            start, "syntax", "there is no query here", "SELECT, ASK, CONSTRUCT or DESCRIBE"
        )

    def _at(
        self,
        start: int,
        reason: Reason,
        what: str,
        expected: str = "",
        *,
        seen: str = "",
        hint: str = "",
    ) -> QueryFailure:
        """Return a failure at an offset of the query."""
        line, column = position(self._query, start)
        return QueryFailure(
            reason, what, line=line, column=column, seen=seen, expected=expected, hint=hint
        )


def position(query: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1, in characters.

    >>> position("ASK\\n{ x", 6)
    (2, 3)
    """
    head = query[:offset]
    return head.count("\n") + 1, offset - (head.rfind("\n") + 1) + 1
