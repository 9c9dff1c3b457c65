"""The SPARQL that stands in shapes: read as far as validation needs, and answered by Oxigraph.

A query is read for three things: what SHACL forbids in it, which predicates it looks at (only their
triples are loaded), and how its variables hang together (to find what a change concerns).

Spec: SHACL (W3C Recommendation, 20 July 2017), sections 5 and 6, appendix A; SPARQL 1.1 Query
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from kg.errors import QueryError
from kg.literals import RDF, XSD, unescape

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\r\n]*)
    |(?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>)
    |(?P<string>\"{3}(?:(?:"|"")?(?:[^"\\]|\\.))*\"{3}|'{3}(?:(?:'|'')?(?:[^'\\]|\\.))*'{3}
        |"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')
    |(?P<var>[?$][\w\xB7]+)
    |(?P<blank>_:[\w.\-]*[\w\-])
    |(?P<name>(?:[^\W\d_](?:[\w.\-]*[\w\-])?)?:(?:(?:[\w:]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%])
        (?:(?:[\w:.\-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%])*
        (?:[\w:\-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]))?)?)
    |(?P<tag>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    |(?P<number>[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<word>[A-Za-z_][\w]*)
    |(?P<sign>\^\^|&&|\|\||!=|<=|>=|[{}()\[\].,;/|^*+?!<>=\-&])""",
    re.VERBOSE,
)


class Path(NamedTuple):
    """A property path. `op` is `iri` (`parts` holds it), `^`, `/`, `|`, `*`, `+` or `?`."""

    op: str
    parts: tuple[Path | str, ...]

    def __str__(self) -> str:
        """Return the path as SPARQL 1.1 writes it, with full IRIs.

        >>> str(Path("^", (Path("iri", ("<u:p>",)),)))
        '^<u:p>'
        """
        if self.op == "iri":
            return str(self.parts[0])
        if self.op in ("/", "|"):
            return "(" + self.op.join(map(str, self.parts)) + ")"
        inner = self.parts[0]
        of = inner.op if isinstance(inner, Path) else ""
        if self.op == "^":
            return f"^({inner})" if of == "^" else f"^{inner}"
        return f"({inner}){self.op}" if of and of in "^*+?" else f"{inner}{self.op}"

    def inverted(self) -> Path:
        """Return the path that leads back."""
        if self.op == "iri":
            return Path("^", (self,))
        parts = [part for part in self.parts if isinstance(part, Path)]
        if self.op == "^":
            return parts[0]
        inner = [part.inverted() for part in parts]
        return Path(self.op, tuple(reversed(inner) if self.op == "/" else inner))

    def predicates(self) -> set[str]:
        """Return the predicates that the path is made of."""
        if self.op == "iri":
            return {str(self.parts[0])}
        return {p for part in self.parts if isinstance(part, Path) for p in part.predicates()}


class Token(NamedTuple):
    """A token: its kind (a group of the expression above), its text, where it begins."""

    kind: str
    text: str
    at: int


class Triple(NamedTuple):
    """A triple pattern: terms as text, variables as `?name`; the predicate a path or a variable."""

    subject: str
    predicate: Path | str
    object: str


class Exists(NamedTuple):
    """EXISTS with its group."""

    group: Group


class Call(NamedTuple):
    """A function or operator (`=`, `&&`, `!`, `IN`, `STR` …) with its operands."""

    name: str
    args: tuple[Expression, ...]


Expression = str | Call | Exists
"""A term or variable as in a triple pattern, a call, or EXISTS."""


class Filter(NamedTuple):
    """FILTER."""

    expression: Expression


class Bind(NamedTuple):
    """BIND (expression AS variable)."""

    expression: Expression
    variable: str


class Optional(NamedTuple):
    """OPTIONAL with its group."""

    group: Group


class Union(NamedTuple):
    """Groups of which each gives solutions."""

    groups: tuple[Group, ...]


class Group:
    """What stands between braces, in order.

    `outer` is the group around it. A subquery, VALUES, GRAPH, SERVICE or MINUS is not in
    `elements`: then `Query.simple` is false.
    """

    def __init__(self, outer: Group | None) -> None:
        self.outer = outer
        self.elements: list[Triple | Filter | Bind | Optional | Union] = []

    def triples(self) -> list[Triple]:
        """Return the triple patterns of this group alone."""
        return [element for element in self.elements if isinstance(element, Triple)]

    def groups(self) -> Iterator[Group]:
        """Yield this group and all within it."""
        yield self
        for element in self.elements:
            if isinstance(element, Optional):
                yield from element.group.groups()
            elif isinstance(element, Union):
                for group in element.groups:
                    yield from group.groups()
            elif isinstance(element, Filter | Bind):
                yield from _groups_in(element.expression)


def _groups_in(expression: Expression) -> Iterator[Group]:
    if isinstance(expression, Exists):
        yield from expression.group.groups()
    elif isinstance(expression, Call):
        for arg in expression.args:
            yield from _groups_in(arg)


def tokens(text: str) -> list[Token]:
    """Return the tokens of a query, without spaces and comments.

    Raises:
        QueryError: a character begins no token.
    """
    out, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError("a query is no SPARQL", seen=text[at : at + 40])
        if match.lastgroup != "space":
            out.append(Token(match.lastgroup or "", match[0], at))
        at = match.end()
    return out


class Query:
    """What a query looks at.

    `triples` are its triple patterns, of all groups; `features` the keywords that matter for
    evaluation (`UNION`, `SELECT` for a subquery …); `plain` says that all of them were understood,
    so that `triples` is the whole truth.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens(text)
        self._at = 0
        self.prefixes: dict[str, str] = {}
        self.triples: list[Triple] = []
        self.features: set[str] = set()
        self.named: set[str] = set()
        """The variables that `AS` names."""
        self.subqueries: list[set[str]] = []
        """The variables that each subquery returns; `*` for all."""
        self.variables = {t.text[1:] for t in self._tokens if t.kind == "var"}
        self.hides_literals = False
        """Whether numbers or typed literals stand in brackets, which are not read."""
        self.plain = True
        self.simple = True
        """Whether `group` says all that there is to it."""
        self._lists: list[tuple[int, int]] = []
        self.select: set[str] = set()
        self.body = 0
        """Where the group of the query begins."""
        try:
            self._read()
        except RecursionError:
            raise QueryError("a query is nested too deeply", seen=text[:80]) from None

    def _read(self) -> None:
        self._prologue()
        self.form = self._word()
        self.select = self._projection()
        self.body = self._peek().at
        self.group = self._group(None)
        for token in self._tokens[self._at :]:
            if token.kind == "word":
                self.features.add(token.text.upper())
            self.simple = False
        self.simple = self.simple and self.plain and "FROM" not in self.features

    # --- reading ---

    def _peek(self) -> Token:
        if self._at < len(self._tokens):
            return self._tokens[self._at]
        return Token("end", "", len(self.text))

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _word(self) -> str:
        token = self._peek()
        return token.text.upper() if token.kind == "word" else ""

    def _prologue(self) -> None:
        while self._word() in ("PREFIX", "BASE"):
            if self._next().text.upper() == "BASE":
                self._next()
                self.plain = False
                continue
            name = self._next().text
            self.prefixes[name.removesuffix(":")] = self._next().text[1:-1]

    def _projection(self) -> set[str]:
        """Return the variables before a group, and stop there."""
        found: set[str] = set()
        depth, first = 0, self._at
        while (token := self._peek()).kind != "end" and token.text != "{":
            self._at += 1
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if token.kind == "word" and token.text.upper() == "AS":
                self._name()
                found.add(self._tokens[self._at - 1].text[1:])
            elif token.kind == "var" and depth == 0:
                found.add(token.text[1:])
            elif token.text == "*" and depth == 0:
                found.add("*")
            elif token.kind == "word" and token.text.upper() in ("FROM", "DISTINCT", "REDUCED"):
                self.features.add(token.text.upper())
        self._lists.append((first, self._at))
        return found

    def _name(self) -> None:
        token = self._next()
        if token.kind == "var":
            self.named.add(token.text[1:])

    def _group(self, outer: Group | None) -> Group:
        group = Group(outer)
        if self._next().text != "{":
            self.plain = False
            return group
        if self._word() == "SELECT":
            self._subquery(group)
        else:
            self._members(group)
        return group

    def _subquery(self, group: Group) -> None:
        self.features.add("SELECT")
        self.simple = False
        self._next()
        returned, before = self._projection(), len(self.triples)
        self._group(group)
        if "*" in returned:
            inner = self.triples[before:]
            returned |= {x[1:] for t in inner for x in map(str, t) if x.startswith("?")}
        self.subqueries.append(returned)
        while self._peek().kind != "end" and self._peek().text != "}":
            token = self._next()
            if token.kind == "word":
                self.features.add(token.text.upper())
            if token.text == "{":
                self._at -= 1
                self._group(group)
        self._next()

    def _members(self, group: Group) -> None:
        """Read what stands in a group, and its end."""
        while (token := self._peek()).kind != "end" and token.text != "}":
            word = self._word()
            if token.text == "{":
                self._union(group)
            elif token.text == ".":
                self._next()
            elif word == "OPTIONAL":
                self.features.add(word)
                self._next()
                group.elements.append(Optional(self._group(group)))
            elif word == "MINUS":
                self.features.add(word)
                self.simple = False
                self._next()
                self._group(group)
            elif word in ("GRAPH", "SERVICE"):
                self.features.add(word)
                self.plain = False
                while self._peek().kind != "end" and self._peek().text != "{":
                    self._next()
                self._group(group)
            elif word == "FILTER":
                self._next()
                expression = self._constraint(group)
                if expression is not None:
                    group.elements.append(Filter(expression))
            elif word == "BIND":
                self.features.add("BIND")
                self._next()
                self._bind(group)
            elif word == "VALUES":
                self.features.add("VALUES")
                self.simple = False
                while self._peek().kind != "end" and self._next().text != "}":
                    pass
            else:
                self._triples(group)
        self._next()

    def _union(self, group: Group) -> None:
        groups = [self._group(group)]
        while self._word() == "UNION":
            self.features.add("UNION")
            self._next()
            groups.append(self._group(group))
        if len(groups) == 1:
            self.simple = False
        group.elements.append(Union(tuple(groups)))

    def _bind(self, group: Group) -> None:
        first = self._at
        if self._next().text == "(":
            expression = self._or(group)
            if expression is not None and self._word() == "AS":
                self._next()
                name = self._peek().text[1:]
                self._name()
                if self._next().text == ")":
                    group.elements.append(Bind(expression, f"?{name}"))
                    return
        self._skip_from(first)

    # --- expressions ---

    def _constraint(self, group: Group) -> Expression | None:
        """Return what FILTER asks, or None (and read over it) where it is not understood."""
        first = self._at
        expression = self._unary(group)
        if expression is None:
            self._skip_from(first)
        return expression

    def _skip_from(self, first: int) -> None:
        """Read over a constraint: a call, EXISTS and its group, or what is in parentheses."""
        self.simple = False
        self._at = first
        depth = 0
        while (token := self._peek()).kind != "end":
            word = self._word()
            if word == "EXISTS":
                self.features.add("EXISTS")
                self._next()
                self._group(None)
                if depth == 0:
                    return
                continue
            self._next()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if word == "AS":
                self._name()
            if depth == 0 and token.text == ")":
                return

    def _or(self, group: Group) -> Expression | None:
        return self._chain(group, ("||",), self._and)

    def _and(self, group: Group) -> Expression | None:
        return self._chain(group, ("&&",), self._relation)

    def _relation(self, group: Group) -> Expression | None:
        left = self._sum(group)
        word = self._word()
        if left is not None and self._peek().text in ("=", "!=", "<", ">", "<=", ">="):
            sign = self._next().text
            right = self._sum(group)
            return None if right is None else Call(sign, (left, right))
        negated = word == "NOT"
        if left is not None and (negated or word == "IN"):
            self._next()
            if negated and self._next().text.upper() != "IN":
                return None
            members = self._arguments(group)
            if members is None:
                return None
            found = Call("IN", (left, *members))
            return Call("!", (found,)) if negated else found
        return left

    def _sum(self, group: Group) -> Expression | None:
        return self._chain(group, ("+", "-"), self._product)

    def _product(self, group: Group) -> Expression | None:
        return self._chain(group, ("*", "/"), self._unary)

    def _chain(
        self,
        group: Group,
        signs: tuple[str, ...],
        inner: Callable[[Group], Expression | None],
    ) -> Expression | None:
        left = inner(group)
        while left is not None and self._peek().text in signs:
            sign = self._next().text
            right = inner(group)
            if right is None:
                return None
            left = Call(sign, (left, right))
        return left

    def _unary(self, group: Group) -> Expression | None:
        token, word = self._peek(), self._word()
        if token.text == "!":
            self._next()
            inner = self._unary(group)
            return None if inner is None else Call("!", (inner,))
        if token.text == "(":
            self._next()
            inner = self._or(group)
            return inner if self._next().text == ")" else None
        if token.text in ("+", "-"):
            return self._signed(group)
        if word in ("NOT", "EXISTS"):
            self.features.add("EXISTS")
            if word == "NOT":
                self._next()
            if self._next().text.upper() != "EXISTS":
                return None
            found = Exists(self._group(group))
            return Call("!", (found,)) if word == "NOT" else found
        if token.kind == "word" and word not in ("TRUE", "FALSE"):
            self._next()
            arguments = self._arguments(group)
            return None if arguments is None else Call(word, tuple(arguments))
        if token.kind in ("var", "iri", "name", "string", "number") or word:
            term = self._term()
            return None if self._peek().text == "(" else term
        return None

    def _signed(self, group: Group) -> Expression | None:
        """Return what follows a sign with it: a number, or what is added to or taken from zero."""
        sign = self._peek().text
        following = self._tokens[self._at + 1 : self._at + 2]
        if following and following[0].kind == "number":
            return self._term()
        self._next()
        inner = self._unary(group)
        return None if inner is None else Call(sign, (f'"0"^^<{XSD}integer>', inner))

    def _arguments(self, group: Group) -> list[Expression] | None:
        if self._next().text != "(":
            return None
        out: list[Expression] = []
        while self._peek().text != ")":
            one = self._or(group)
            if one is None:
                return None
            out.append(one)
            if self._peek().text == ",":
                self._next()
            elif self._peek().text != ")":
                return None
        self._next()
        return out

    # --- triples ---

    def _triples(self, group: Group) -> None:
        subject = self._term()
        if subject is None:
            return
        while True:
            predicate = self._verb()
            if predicate is None:
                return
            while True:
                value = self._term()
                if value is None:
                    return
                triple = Triple(subject, predicate, value)
                self.triples.append(triple)
                group.elements.append(triple)
                if self._peek().text != ",":
                    break
                self._next()
            if self._peek().text != ";":
                return
            while self._peek().text == ";":
                self._next()
            following = self._peek()
            if following.text in (".", "}") or (following.kind == "word" and following.text != "a"):
                return

    def _term(self) -> str | None:
        """Return a term or variable, or None (and read over it) where it is more than that."""
        token, sign = self._next(), ""
        if token.text in ("+", "-") and self._peek().kind == "number":
            token, sign = self._next(), token.text
        if token.kind == "var":
            return "?" + token.text[1:]
        if token.kind in ("iri", "name"):
            return self._iri(token)
        if token.kind == "string":
            return self._literal(token)
        if token.kind == "number":
            kind = "double" if "e" in token.text.lower() else "decimal"
            if kind == "decimal" and "." not in token.text:
                kind = "integer"
            return f'"{sign}{token.text}"^^<{XSD}{kind}>'
        if token.text.lower() in ("true", "false"):
            return f'"{token.text.lower()}"^^<{XSD}boolean>'
        if token.kind == "blank":
            return "?" + token.text
        self.plain = False
        if token.text in ("(", "["):
            depth = 1
            while depth and self._peek().kind != "end":
                token = self._next()
                depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
                if token.kind == "number" or token.text == "^^":
                    self.hides_literals = True
            return "_:"
        return None

    def _literal(self, token: Token) -> str:
        """Return a literal as N-Triples writes it."""
        size = 3 if token.text[:3] in ('"""', "'''") else 1
        text = unescape(token.text[size:-size])
        if self._peek().kind == "tag":
            return f"{quoted(text)}{self._next().text.lower()}"
        if self._peek().text == "^^":
            self._next()
            datatype = self._iri(self._next())
            return quoted(text) if datatype == f"<{XSD}string>" else f"{quoted(text)}^^{datatype}"
        return quoted(text)

    def _verb(self) -> Path | str | None:
        if self._peek().kind == "var":
            return "?" + self._next().text[1:]
        return self._path()

    def _path(self) -> Path | None:
        parts = [self._sequence()]
        while self._peek().text == "|":
            self._next()
            parts.append(self._sequence())
        return _joined("|", parts)

    def _sequence(self) -> Path | None:
        parts = [self._element()]
        while self._peek().text == "/":
            self._next()
            parts.append(self._element())
        return _joined("/", parts)

    def _element(self) -> Path | None:
        if self._peek().text == "^":
            self._next()
            inner = self._element()
            return Path("^", (inner,)) if inner else None
        token = self._next()
        if token.kind in ("iri", "name"):
            path: Path | None = Path("iri", (self._iri(token),))
        elif token.text == "a":
            path = Path("iri", (f"<{RDF}type>",))
        elif token.text == "(":
            path = self._path()
            if self._next().text != ")":
                path = None
        else:
            path = None  # a negated property set, or no path
        if path is None:
            self.plain = False
            return None
        if self._peek().text in ("*", "+", "?"):
            path = Path(self._next().text, (path,))
        return path

    def _iri(self, token: Token) -> str:
        if token.kind == "iri":
            return unescape(token.text)
        prefix, _, local = token.text.partition(":")
        if prefix not in self.prefixes:
            self.plain = False
        local = re.sub(r"\\(.)", r"\1", local)
        return f"<{self.prefixes.get(prefix, '')}{local}>"

    # --- what follows from it ---

    def words(self) -> set[str]:
        """Return the keywords and functions of the query, in capitals; `(` for one that has an IRI.

        >>> sorted(Query("SELECT ?x { ?x ?p ?y FILTER (STR(?y) < <u:f>(?x)) }").words())
        ['(', 'FILTER', 'SELECT', 'STR']
        """
        out = {token.text.upper() for token in self._tokens if token.kind == "word"}
        for token, following in pairwise(self._tokens):
            if token.kind in ("iri", "name") and following.text == "(":
                out.add("(")
        return out

    def undeclared(self) -> list[str]:
        """Return the prefixes that the query uses and does not declare, sorted."""
        used = {t.text.partition(":")[0] for t in self._tokens if t.kind == "name"}
        return sorted(used - set(self.prefixes))

    def computed(self) -> tuple[set[str], bool]:
        """Return the variables whose values are worked out, and whether they may meet others.

        They are named by AS, for more than a variable or an IRI; and they meet others where such a
        name is in a triple pattern too, or is given twice.
        """
        given: list[str] = []
        out: set[str] = set()
        copies: list[tuple[str, str]] = []
        for at, token in enumerate(self._tokens[:-1]):
            if token.kind != "word" or token.text.upper() != "AS":
                continue
            name, first, depth = self._tokens[at + 1].text[1:], at - 1, 0
            while first >= 0 and (depth or self._tokens[first].text != "("):
                depth += {")": 1, "(": -1}.get(self._tokens[first].text, 0)
                first -= 1
            given.append(name)
            expression = self._tokens[first + 1 : at]
            if len(expression) != 1 or expression[0].kind not in ("var", "iri", "name"):
                out.add(name)
            elif expression[0].kind == "var":
                copies.append((name, expression[0].text[1:]))
        for _ in copies:  # what is a copy of something worked out is worked out, too
            out |= {name for name, of in copies if of in out}
        met = {x[1:] for t in self.triples for x in map(str, t) if x.startswith("?")}
        meets = not self.plain or bool(out & met) or len(set(given)) < len(given)
        return out, bool(out) and meets

    def has_typed_literals(self) -> bool:
        """Return whether numbers or other literals with a datatype stand anywhere in the query."""
        return any(token.kind == "number" or token.text == "^^" for token in self._tokens)

    def literals(self) -> set[str]:
        """Return the literals in the triple patterns of the query."""
        return {t for triple in self.triples for t in triple[::2] if str(t).startswith('"')}

    def predicates(self) -> set[str] | None:
        """Return the predicates whose triples the query looks at; None for all."""
        out: set[str] = set()
        if not self.plain:
            return None
        for triple in self.triples:
            if isinstance(triple.predicate, str):
                return None
            out |= triple.predicate.predicates()
        return out

    def is_plain(self) -> bool:
        """Return whether the query only returns $this: its solutions do not depend on it."""
        return not any(token.at >= self.body for token in self.occurrences("this"))

    def occurrences(self, name: str) -> Iterator[Token]:
        """Yield the tokens that are a variable."""
        for token in self._tokens:
            if token.kind == "var" and token.text[1:] == name:
                yield token

    def bound(self, bindings: Mapping[str, str]) -> str:
        """Return the query with terms in the place of variables.

        Args:
            bindings: terms by the names of variables.
        Spec: SHACL, appendix A (pre-binding of variables)
        """
        out: list[str] = []
        written, skip = 0, -1
        lists = {n: first for first, last in self._lists for n in range(first, last)}
        kept = {
            first: any(
                (token.kind == "var" and token.text[1:] not in bindings) or token.text in ("*", "(")
                for token in self._tokens[first:last]
            )
            for first, last in self._lists
        }
        for n, token in enumerate(self._tokens):
            text: str | None = None
            if n <= skip:
                text = ""
            elif token.kind == "var" and token.text[1:] in bindings:
                term = bindings[token.text[1:]]
                if n in lists and self._is_listed(n, lists[n]):
                    text = "" if kept[lists[n]] else f"(1 AS ?kg_{n})"
                    kept[lists[n]] = True
                else:
                    text = f"({term})" if self._is_grouping(n) else term
            elif token.text.upper() == "BOUND" and n + 3 < len(self._tokens):
                name = self._tokens[n + 2].text[1:]
                if bindings.get(name):
                    text, skip = "(true)", n + 3
            if text is not None:
                out += (self.text[written : token.at], text)
                written = token.at + len(token.text)
        return "".join([*out, self.text[written:]])

    def _is_listed(self, at: int, first: int) -> bool:
        """Return whether a token stands in a list of what is returned, in no expression."""
        between = [token.text for token in self._tokens[first:at]]
        return between.count("(") == between.count(")")

    def _is_grouping(self, at: int) -> bool:
        """Return whether a variable stands alone in GROUP BY or ORDER BY."""
        for token in reversed(self._tokens[:at]):
            if token.text.upper() == "BY":
                return True
            if token.kind != "var":
                return False
        return False

    def forbidden(self, bound: set[str]) -> str:
        """Return what SHACL forbids in a query with pre-bound variables; empty if nothing.

        Spec: SHACL, appendix A.1
        """
        for feature in ("MINUS", "SERVICE", "VALUES"):
            if feature in self.features:
                return feature
        for name in sorted(bound & self.named):
            return f"AS ?{name}"
        for returned in self.subqueries:
            missing = sorted((bound & self.variables) - returned)
            if missing:
                return f"a subquery that does not return ?{missing[0]}"
        return ""


def quoted(text: str) -> str:
    """Return a text as a literal of canonical N-Triples."""
    import pyoxigraph as ox

    return str(ox.Literal(text))


def _joined(op: str, parts: list[Path | None]) -> Path | None:
    found = [part for part in parts if part is not None]
    if len(found) != len(parts):
        return None
    return found[0] if len(found) == 1 else Path(op, tuple(found))
