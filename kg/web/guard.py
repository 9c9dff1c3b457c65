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
    "request",
    "format",
    "media-type",
    "method",
    "not-found",
    "range",
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
ADDRESS_BYTES: Final = (1 << 16) - 1
"""Bytes of an address with its query string; the server's parser takes no more."""
TOKENS: Final = 200_000
NAME: Final = 128
"""Characters of a prefix, or of a keyword: so that no character is looked at more often."""
DEPTH: Final = 100
"""Brackets of any kind that are open at once. The engine dies between 400 and 1,000."""
CHAIN: Final = 1000
"""Patterns, operators or terms beside each other in one pair of brackets; list elements and what
stands in square brackets count where they stand. The engine dies from 2,000 on."""
WEIGHT: Final = 10_000
"""Patterns, operators and terms of a whole query."""
PATH: Final = 100
"""Steps of one property path, with those in its parentheses."""
DECLARATIONS: Final = 1000
"""PREFIX, BASE and VERSION: what one of them names is resolved against the BASE before it."""
BASE: Final = 8192
"""Characters of a base IRI."""


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


_LETTER = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_VAR = f"{_LETTER}_0-9\u00b7\u0300-\u036f\u203f\u2040"
_CHARS = rf"{_VAR}\-"
_HEX = "[0-9A-Fa-f]"
_ESCAPE = rf"\\(?:[tbnrf\"'\\]|u{_HEX}{{4}}|U{_HEX}{{8}})"
_PREFIX = rf"(?:[{_LETTER}][{_CHARS}.]{{0,{NAME - 1}}}+(?<!\.))?:"
_PLX = rf"%{_HEX}{{2}}|\\[_~.\-!$&'()*+,;=/?#@%]"
# Possessive, so that a long name needs no memory: full stops belong to it if more of it follows.
_LOCAL = rf"(?:[{_LETTER}_:0-9]|{_PLX})(?:[{_CHARS}:]++|{_PLX}|\.++(?=[{_CHARS}:]|{_PLX}))*+"

TOKEN = re.compile(
    rf"""
    (?P<skip>(?:[ \t\r\n]++|\#[^\r\n]*+)++)
  | (?P<iri><(?:[^<>"{{}}|^`\\\x00-\x20]++|\\u{_HEX}{{4}}|\\U{_HEX}{{8}})*+>)
  | (?P<string>\"\"\"(?:\"{{0,2}}+(?:[^"\\]++|{_ESCAPE}))*+\"\"\"
             | '''(?:'{{0,2}}+(?:[^'\\]++|{_ESCAPE}))*+'''
             | "(?!"")(?:[^"\\\n\r]++|{_ESCAPE})*+"
             | '(?!'')(?:[^'\\\n\r]++|{_ESCAPE})*+')
  | (?P<var>[?$][{_LETTER}_0-9][{_VAR}]*+)
  | (?P<blank>_:[{_LETTER}_0-9](?:[{_CHARS}.]*[{_CHARS}])?)
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
_CODE_POINT = re.compile(rf"\\u{_HEX}{{4}}|\\U{_HEX}{{8}}")
# What may end an operand, so that a `<` behind it may be "less than".
_OPERANDS = frozenset({"iri", "string", "var", "blank", "name", "number", "lang", "close"})
_DECLARING = frozenset({"word", "name", "iri"})
_PARTS = frozenset({"iri", "string", "var", "blank", "name", "number"})
_FORMS: Final[Mapping[str, Form]] = {
    "SELECT": "SELECT",
    "ASK": "ASK",
    "CONSTRUCT": "CONSTRUCT",
    "DESCRIBE": "DESCRIBE",
}
_UPDATES = frozenset(
    {"INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"}
)
_VOLATILE = ("NOW", "RAND", "UUID", "BNODE")  # and STRUUID, which ends in one of them
_JOINING = re.compile("UNION|OPTIONAL|MINUS|FILTER|BIND|VALUES|GRAPH|LATERAL")
_NAMES_A_GRAPH = frozenset({"GRAPH", "FROM", "NAMED", "DESCRIBE"})
_STEPS = frozenset({"/", "|"})
_SIGNS = frozenset({"+", "-"})
# Words that a parenthesis with terms in it may follow; behind every other one is an expression.
_TERMS = frozenset({"A", "TRUE", "FALSE"})
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
            chains, steps of paths, number of parts), `length`; all but the last with line and
            column.
    """
    return _Guard(query, prefixes, graphs).run()


class _Level:
    """One open bracket: its kind, and what has been seen directly in it.

    Kinds: `query`, the outermost and a SELECT in braces; `group`, other braces; `terms`, property
    lists and triple terms; `list`, collections and parts of paths; `expression`; `data`, values.
    """

    __slots__ = ("chain", "kind", "path", "scope", "verb")

    def __init__(self, kind: str, outer: _Level | None = None) -> None:
        self.kind = kind
        self.chain = 0
        self.path = 0
        # The engine joins the terms of a group in one list, however they are nested.
        self.scope: _Level = outer.scope if outer and kind in ("terms", "list") else self
        """Where patterns and operators are counted."""
        self.verb: _Level = outer.verb if outer and kind == "list" else self
        """Where the steps of a path are counted."""


class _Guard:
    """One pass over the tokens of one query."""

    def __init__(
        self, query: str, prefixes: Mapping[str, str], graphs: frozenset[str] | None
    ) -> None:
        self._query = query
        self._prefixes = dict(prefixes)
        self._graphs = graphs
        self._base = ""
        self._weight = 0
        self._declarations = 0

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
        levels = [_Level("query")]
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
                    elif text in ("PREFIX", "BASE", "VERSION"):
                        self._declarations += 1
                        if self._declarations > DECLARATIONS:
                            raise self._at(
                                start,
                                "complexity",
                                "too many prefixes are declared",
                                f"at most {DECLARATIONS:,}",
                            )
                        declared = "" if text == "VERSION" else text
                    else:
                        raise self._no_query(start)
                elif text in ("FROM", "NAMED") and len(levels) == 1:
                    clause = text
                if text == "VALUES":
                    values = True
                # The engine reads `BYRAND()` and `trueFILTER(…)`, each as two words.
                volatile = volatile or text.endswith(_VOLATILE)
                if level.kind == "group" and text.startswith("SELECT"):
                    level.kind = "query"
                if _JOINING.search(text):
                    level.path = 0
                    self._grow(level, start)
                elif level.kind == "list":
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
                    self._declare(declared, text, start)
                    declared = ""
                elif clause:
                    self._from(from_, clause, self._resolve(text, start), start)
                    clause = ""
                elif last_kind in _OPERANDS and level.kind in ("expression", "list"):
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
                if text == "{" or level.kind == "list" or (text == "(" and level.kind == "query"):
                    self._grow(level, start)
                levels.append(_Level(_inside(text, level, values, last_kind, last, before), level))
                values = values and text != "{"
            elif kind == "close":
                if len(levels) > 1:
                    levels.pop()
                if text == "}":
                    levels[-1].path = 0
            elif kind == "op":
                self._operator(level, text, last, start)
            elif kind == "number" and last in _SIGNS and query[start - 1] not in _SIGNS:
                self._apart(level, before, last, text, start)
            elif kind == "bad":
                raise self._bad(start)
            if form is None and kind not in _DECLARING and (kind, last) != ("string", "VERSION"):
                raise self._no_query(start)
            # Of a list and of a clause such as SELECT or DESCRIBE, every part is one more.
            if (
                form is not None
                and level.kind in ("list", "query")
                and kind in _PARTS
                and last != "^^"
            ):
                self._grow(level, start)
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

    def _operator(self, level: _Level, text: str, last: str, start: int) -> None:
        """Count an operator, a full stop, a comma or a semicolon."""
        if text == "^^":
            return
        triples = level.kind in ("group", "terms")
        if text in _STEPS and (triples or level.kind == "list"):
            level.verb.path += 1
            if level.verb.path >= PATH:
                raise self._at(
                    start, "complexity", "the property path is too long", f"at most {PATH} steps"
                )
        if triples:
            # A path is followed once more for each further object.
            self._grow(level, start, 1 + level.path if text == "," else 1)
            if text in ".;":
                level.path = 0
        elif level.kind == "query" or (
            level.kind == "expression" and text != "," and last not in (",", "(")
        ):
            self._grow(level, start)

    def _apart(self, level: _Level, before: str, sign: str, number: str, start: int) -> None:
        """Return if a number with something between it and a sign is no signed number.

        It is one in expressions only, and `+` may end a path. The engine takes it for one
        everywhere, with what stands between as a part of it.
        """
        path = before[:1] == "<" or before in ("A", ")") or ":" in before
        if level.kind != "expression" and (
            sign == "-" or level.kind in ("data", "list") or not path
        ):
            raise self._at(
                start,
                "syntax",
                "the number does not stand directly behind its sign",
                seen=f"{sign} {number}",
                hint="leave out what stands between them",
            )

    def _grow(self, level: _Level, start: int, weight: int = 1) -> None:
        """Count more patterns, operators or terms in a pair of brackets and in the query."""
        if level.kind == "data":
            return
        level.scope.chain += weight
        self._weight += weight
        if level.scope.chain > CHAIN or self._weight > WEIGHT:
            beside = level.scope.chain > CHAIN
            raise self._at(
                start,
                "complexity",
                "too many patterns or operators stand beside each other"
                if beside
                else "the query has too many patterns and operators",
                f"at most {CHAIN:,} in one pair of brackets" if beside else f"at most {WEIGHT:,}",
                hint="put many values into VALUES ?x { … } or IN ( … ), which may be long",
            )

    def _declare(self, what: str, iri: str, start: int) -> None:
        """Take note of `PREFIX name: <…>` or `BASE <…>`."""
        resolved = self._resolve(iri, start)
        if what != "BASE":
            self._prefixes[what[:-1]] = resolved
        elif len(resolved) > BASE:
            raise self._at(
                start,
                "complexity",
                "the base IRI is too long",
                f"at most {BASE:,} characters",
                seen=f"{len(resolved):,}",
            )
        else:
            self._base = resolved

    def _resolve(self, iri: str, start: int) -> str:
        """Return the IRI that `<…>` stands for, by escapes and BASE."""
        text = _CODE_POINT.sub(lambda m: chr(int(m[0][2:], 16) % 0x110000), iri[1:-1])
        try:
            return urljoin(self._base, text) if self._base else text
        except ValueError as error:
            raise self._at(start, "syntax", f"this is no IRI: {error}", seen=iri) from None

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


def _inside(
    bracket: str, outer: _Level, values: bool, last_kind: str, last: str, before: str
) -> str:
    """Return the kind of what a bracket opens."""
    if outer.kind == "data" or (values and bracket == "{"):
        return "data"
    if bracket == "{":
        return "group"
    if bracket != "(":
        return "terms"
    if values or outer.kind in ("list", "terms"):
        return "list"
    calls = last_kind == "word" and last not in _TERMS
    calls = calls or (last_kind in ("iri", "name") and before.endswith("FILTER"))
    return "expression" if calls or outer.kind != "group" else "list"


def position(query: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1, in characters.

    >>> position("ASK\\n{ x", 6)
    (2, 3)
    """
    head = query[:offset]
    return head.count("\n") + 1, offset - (head.rfind("\n") + 1) + 1
