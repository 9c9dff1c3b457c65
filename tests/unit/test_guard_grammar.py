"""The guard, held to the grammar of the standard: SERVICE and FROM where they are, and only there.

Queries are derived from the productions of SPARQL 1.1, so it is known what stands in them, with
words such as SERVICE in every terminal that may hold them. rdflib's parser, which shares nothing
with the guard or the engine, confirms the derivations and judges queries that were changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyparsing import ParseBaseException
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from kg.web.guard import Checked, QueryFailure, check
from kg.web.syntax import explain

# SPARQL 1.1 Query Language, section 19.8, productions 2 to 138 without those of updates.
GRAMMAR = """
Query ::= Prologue ( SelectQuery | ConstructQuery | DescribeQuery | AskQuery ) ValuesClause
Prologue ::= ( BaseDecl | PrefixDecl )*
BaseDecl ::= 'BASE' BASE
PrefixDecl ::= 'PREFIX' DECLARED NAMESPACE
SelectQuery ::= SelectClause DatasetClause* WhereClause SolutionModifier
SubSelect ::= SelectClause WhereClause SolutionModifier ValuesClause
SelectClause ::= 'SELECT' ( 'DISTINCT' | 'REDUCED' )?
  ( ( Var | ( '(' Expression 'AS' Var ')' ) )+ | '*' )
ConstructQuery ::= 'CONSTRUCT' ( ConstructTemplate DatasetClause* WhereClause SolutionModifier
  | DatasetClause* 'WHERE' '{' TriplesTemplate? '}' SolutionModifier )
DescribeQuery ::= 'DESCRIBE' ( VarOrIri+ | '*' ) DatasetClause* WhereClause? SolutionModifier
AskQuery ::= 'ASK' DatasetClause* WhereClause SolutionModifier
DatasetClause ::= 'FROM' ( DefaultGraphClause | NamedGraphClause )
DefaultGraphClause ::= GRAPH
NamedGraphClause ::= 'NAMED' GRAPH
WhereClause ::= 'WHERE'? GroupGraphPattern
SolutionModifier ::= GroupClause? HavingClause? OrderClause? LimitOffsetClauses?
GroupClause ::= 'GROUP' 'BY' GroupCondition+
GroupCondition ::= BuiltInCall | FunctionCall | '(' Expression ( 'AS' Var )? ')' | Var
HavingClause ::= 'HAVING' HavingCondition+
HavingCondition ::= Constraint
OrderClause ::= 'ORDER' 'BY' OrderCondition+
OrderCondition ::= ( 'ASC' | 'DESC' ) BrackettedExpression | Constraint | Var
LimitOffsetClauses ::= LimitClause OffsetClause? | OffsetClause LimitClause?
LimitClause ::= 'LIMIT' INTEGER
OffsetClause ::= 'OFFSET' INTEGER
ValuesClause ::= ( 'VALUES' DataBlock )?
TriplesTemplate ::= TriplesSameSubject ( '.' TriplesTemplate? )?
GroupGraphPattern ::= '{' ( SubSelect | GroupGraphPatternSub ) '}'
GroupGraphPatternSub ::= TriplesBlock? ( GraphPatternNotTriples '.'? TriplesBlock? )*
TriplesBlock ::= TriplesSameSubjectPath ( '.' TriplesBlock? )?
GraphPatternNotTriples ::= GroupOrUnionGraphPattern | OptionalGraphPattern | MinusGraphPattern
  | GraphGraphPattern | ServiceGraphPattern | Filter | Bind | InlineData
OptionalGraphPattern ::= 'OPTIONAL' GroupGraphPattern
GraphGraphPattern ::= 'GRAPH' VarOrIri GroupGraphPattern
ServiceGraphPattern ::= 'SERVICE' 'SILENT'? VarOrIri GroupGraphPattern
Bind ::= 'BIND' '(' Expression 'AS' Var ')'
InlineData ::= 'VALUES' DataBlock
DataBlock ::= InlineDataOneVar | InlineDataFull
InlineDataOneVar ::= Var '{' DataBlockValue* '}'
InlineDataFull ::= ( NIL | '(' Var* ')' ) '{' ( '(' DataBlockValue* ')' | NIL )* '}'
DataBlockValue ::= iri | RDFLiteral | NumericLiteral | BooleanLiteral | 'UNDEF'
MinusGraphPattern ::= 'MINUS' GroupGraphPattern
GroupOrUnionGraphPattern ::= GroupGraphPattern ( 'UNION' GroupGraphPattern )*
Filter ::= 'FILTER' Constraint
Constraint ::= BrackettedExpression | BuiltInCall | FunctionCall
FunctionCall ::= iri ArgList
ArgList ::= NIL | '(' 'DISTINCT'? Expression ( ',' Expression )* ')'
ExpressionList ::= NIL | '(' Expression ( ',' Expression )* ')'
ConstructTemplate ::= '{' ConstructTriples? '}'
ConstructTriples ::= TriplesSameSubject ( '.' ConstructTriples? )?
TriplesSameSubject ::= VarOrTerm PropertyListNotEmpty | TriplesNode PropertyList
PropertyList ::= PropertyListNotEmpty?
PropertyListNotEmpty ::= Verb ObjectList ( ';' ( Verb ObjectList )? )*
Verb ::= VarOrIri | 'a'
ObjectList ::= Object ( ',' Object )*
Object ::= GraphNode
TriplesSameSubjectPath ::= VarOrTerm PropertyListPathNotEmpty | TriplesNodePath PropertyListPath
PropertyListPath ::= PropertyListPathNotEmpty?
PropertyListPathNotEmpty ::= ( VerbPath | VerbSimple ) ObjectListPath
  ( ';' ( ( VerbPath | VerbSimple ) ObjectList )? )*
VerbPath ::= Path
VerbSimple ::= Var
ObjectListPath ::= ObjectPath ( ',' ObjectPath )*
ObjectPath ::= GraphNodePath
Path ::= PathAlternative
PathAlternative ::= PathSequence ( '|' PathSequence )*
PathSequence ::= PathEltOrInverse ( '/' PathEltOrInverse )*
PathElt ::= PathPrimary PathMod?
PathEltOrInverse ::= PathElt | '^' PathElt
PathMod ::= '?' | '*' | '+'
PathPrimary ::= iri | 'a' | '!' PathNegatedPropertySet | '(' Path ')'
PathNegatedPropertySet ::= PathOneInPropertySet
  | '(' ( PathOneInPropertySet ( '|' PathOneInPropertySet )* )? ')'
PathOneInPropertySet ::= iri | 'a' | '^' ( iri | 'a' )
TriplesNode ::= Collection | BlankNodePropertyList
BlankNodePropertyList ::= '[' PropertyListNotEmpty ']'
TriplesNodePath ::= CollectionPath | BlankNodePropertyListPath
BlankNodePropertyListPath ::= '[' PropertyListPathNotEmpty ']'
Collection ::= '(' GraphNode+ ')'
CollectionPath ::= '(' GraphNodePath+ ')'
GraphNode ::= VarOrTerm | TriplesNode
GraphNodePath ::= VarOrTerm | TriplesNodePath
VarOrTerm ::= Var | GraphTerm
VarOrIri ::= Var | iri
Var ::= VAR
GraphTerm ::= iri | RDFLiteral | NumericLiteral | BooleanLiteral | BlankNode | NIL
Expression ::= ConditionalOrExpression
ConditionalOrExpression ::= ConditionalAndExpression ( '||' ConditionalAndExpression )*
ConditionalAndExpression ::= ValueLogical ( '&&' ValueLogical )*
ValueLogical ::= RelationalExpression
RelationalExpression ::= NumericExpression ( '=' NumericExpression | '!=' NumericExpression
  | '<' NumericExpression | '>' NumericExpression | '<=' NumericExpression
  | '>=' NumericExpression | 'IN' ExpressionList | 'NOT' 'IN' ExpressionList )?
NumericExpression ::= AdditiveExpression
AdditiveExpression ::= MultiplicativeExpression
  ( '+' MultiplicativeExpression | '-' MultiplicativeExpression )*
MultiplicativeExpression ::= UnaryExpression ( '*' UnaryExpression | '/' UnaryExpression )*
UnaryExpression ::= '!' PrimaryExpression | '+' PrimaryExpression | '-' PrimaryExpression
  | PrimaryExpression
PrimaryExpression ::= BrackettedExpression | BuiltInCall | iriOrFunction | RDFLiteral
  | NumericLiteral | BooleanLiteral | Var
BrackettedExpression ::= '(' Expression ')'
BuiltInCall ::= Aggregate | 'STR' '(' Expression ')' | 'LANG' '(' Expression ')'
  | 'LANGMATCHES' '(' Expression ',' Expression ')' | 'BOUND' '(' Var ')'
  | 'IRI' '(' Expression ')' | 'BNODE' ( '(' Expression ')' | NIL ) | 'RAND' NIL
  | 'CEIL' '(' Expression ')' | 'CONCAT' ExpressionList | SubstringExpression | 'NOW' NIL
  | StrReplaceExpression | 'ENCODE_FOR_URI' '(' Expression ')' | 'UUID' NIL | 'STRUUID' NIL
  | 'COALESCE' ExpressionList | 'IF' '(' Expression ',' Expression ',' Expression ')'
  | 'sameTerm' '(' Expression ',' Expression ')' | 'isBLANK' '(' Expression ')'
  | RegexExpression | ExistsFunc | NotExistsFunc
RegexExpression ::= 'REGEX' '(' Expression ',' Expression ( ',' Expression )? ')'
SubstringExpression ::= 'SUBSTR' '(' Expression ',' Expression ( ',' Expression )? ')'
StrReplaceExpression ::= 'REPLACE' '(' Expression ',' Expression ',' Expression
  ( ',' Expression )? ')'
ExistsFunc ::= 'EXISTS' GroupGraphPattern
NotExistsFunc ::= 'NOT' 'EXISTS' GroupGraphPattern
Aggregate ::= 'COUNT' '(' 'DISTINCT'? ( '*' | Expression ) ')'
  | 'SUM' '(' 'DISTINCT'? Expression ')'
  | 'GROUP_CONCAT' '(' 'DISTINCT'? Expression ( ';' 'SEPARATOR' '=' String )? ')'
iriOrFunction ::= iri ArgList?
RDFLiteral ::= String ( LANGTAG | ( '^^' iri ) )?
NumericLiteral ::= INTEGER | DECIMAL | DOUBLE | SIGNED
BooleanLiteral ::= 'true' | 'false'
String ::= STRING
iri ::= IRIREF | PrefixedName
PrefixedName ::= PNAME_LN | PNAME_NS
BlankNode ::= BLANK_NODE_LABEL | ANON
"""
GRAPHS = ("http://example.org/g", "http://example.org/FROM")
OTHERS = ("http://example.org/other", "file:///etc/passwd", "http://example.org/SERVICE")
NAMESPACE = "http://example.org/"
PREFIXES = dict.fromkeys(("", "ex", "service", "SERVICE", "FROM", "Load", "a.b"), NAMESPACE)
HIDDEN = (
    "SERVICE",
    "service <http://127.0.0.1:9/> {}",
    "SERVICE SILENT",
    "FROM <file:///etc/passwd>",
    "LOAD",
    "# } SERVICE",
    "INSERT DATA {",
    "কিম service",
    "{([",
)
TERMINALS = {
    "VAR": ("?x", "$y", "?SERVICE", "$service", "?FROM", "?from1", "?LOAD", "?কিম"),
    "IRIREF": (
        "<http://example.org/a>",
        "<http://example.org/SERVICE>",
        "<http://example.org/#SERVICE(x)>",
        "<http://example.org/'SERVICE'>",
        "<urn:x:LOAD:FROM>",
        "<SERVICE>",
        "<>",
        r"<http://example.org/\u0053ERVICE>",
    ),
    "PNAME_LN": (
        "ex:a",
        ":SERVICE",
        "SERVICE:SERVICE",
        "service:silent",
        "FROM:FROM",
        "Load:a.SERVICE",
        "a.b:c.d",
        r"ex:a\'SERVICE\#",
        "ex:%53ERVICE",
        "ex:1:2",
        "ex:কিম",
    ),
    "PNAME_NS": ("ex:", ":", "SERVICE:"),
    "DECLARED": ("ex:", "SERVICE:", ":", "FROM:"),
    "NAMESPACE": (f"<{NAMESPACE}>",),  # so that names mean the same everywhere
    "BASE": ("<http://example.org/>", "<http://example.org/SERVICE/#LOAD>"),
    "BLANK_NODE_LABEL": ("_:b", "_:SERVICE", "_:from.LOAD", "_:0"),
    "ANON": ("[]", "[ ]", "[#SERVICE\n]"),
    "NIL": ("()", "( )", "(# SERVICE <x> {}\n)"),
    "LANGTAG": ("@en", "@service", "@from-LOAD"),
    "INTEGER": ("0", "42"),
    "DECIMAL": ("1.5", ".5"),
    "DOUBLE": ("1e6", "1.5E-7", ".5e1"),
    "SIGNED": ("-2", "+1.5", "-3.0e7"),
}
VOLATILE = frozenset({"NOW", "RAND", "UUID", "STRUUID", "BNODE"})
SYMBOL = re.compile(r"'[^']+'|\w+|[()|*+?]")
ALONE = frozenset("{}()[],;")
SOUGHT = ["ServiceGraphPattern"]
"""What is taken more often than by chance."""


# --- deriving queries ---


@dataclass
class Derived:
    """A query, and what was put into it."""

    tokens: list[str] = field(default_factory=list)
    service: bool = False
    default: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def volatile(self) -> bool:
        return bool(VOLATILE & {token.upper() for token in self.tokens})

    @property
    def form(self) -> str:
        forms = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
        return next(token.upper() for token in self.tokens if token.upper() in forms)

    @property
    def foreign(self) -> bool:
        return not {*self.default, *self.named} <= {*GRAPHS}

    @property
    def doubtful(self) -> bool:
        """Return whether a name such as `service:x` stands before a brace.

        The engine reads that as a SERVICE, so the guard refuses it where it may be none.
        """
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return any(after == "{" and re.match("(?i)service:", name) for name, after in pairs)


class Grammar:
    """Productions as choices between sequences, with the depth of the shortest derivation."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, Any] = {}
        for rule in re.split(r"\n(?=\w+ ::=)", text.strip()):
            name, _, body = rule.partition("::=")
            self.rules[name.strip()] = self._choice(SYMBOL.findall(body))
        self.depths: dict[str, int] = {}
        while True:
            known = len(self.depths)
            for name, rule in self.rules.items():
                depth = self.depth(rule)
                if name not in self.depths and depth is not None:
                    self.depths[name] = depth + 1
            if len(self.depths) == known:
                break
        assert self.depths.keys() == self.rules.keys()

    def _choice(self, symbols: list[str]) -> Any:
        choices: list[list[Any]] = [[]]
        while symbols and symbols[0] != ")":
            symbol: Any = symbols.pop(0)
            if symbol == "|":
                choices.append([])
                continue
            if symbol == "(":
                symbol = self._choice(symbols)
                symbols.pop(0)
            if symbols and symbols[0] in "*+?":
                symbol = (symbols.pop(0), symbol)
            choices[-1].append(symbol)
        return choices

    def depth(self, symbol: Any) -> int | None:
        """Return how deep the shortest derivation of a symbol is, or None if that is not known."""
        if isinstance(symbol, str):
            return self.depths.get(symbol) if symbol in self.rules else 0
        if isinstance(symbol, tuple):
            return self.depth(symbol[1]) if symbol[0] == "+" else 0
        found = [self._deepest(choice) for choice in symbol]
        return min((one for one in found if one is not None), default=None)

    def _deepest(self, sequence: list[Any]) -> int | None:
        found = [self.depth(symbol) for symbol in sequence]
        return None if None in found else max((one for one in found if one), default=0)

    def derive(self, random: Random) -> Derived:
        """Return a query; the same for the same state of `random`."""
        derived = Derived()
        self._expand("Query", random, random.randrange(16, 26), derived)
        derived.text = written(derived.tokens, random)
        return derived

    def _expand(self, symbol: Any, random: Random, left: int, derived: Derived) -> None:
        if isinstance(symbol, tuple):
            mark, inner = symbol
            times = 1 if mark == "+" else 0
            while left > (self.depth(inner) or 0) and times < 4 and random.random() < 0.35:
                times += 1
                if mark == "?":
                    break
            for _ in range(times):
                self._expand(inner, random, left, derived)
        elif isinstance(symbol, list):
            depths = [self._deepest(choice) or 0 for choice in symbol]
            fits = [one for one, depth in zip(symbol, depths, strict=True) if depth < left]
            fits = fits or [symbol[depths.index(min(depths))]]
            if SOUGHT in fits and random.random() < 0.6:
                fits = [SOUGHT]
            for part in random.choice(fits):
                self._expand(part, random, left, derived)
        elif symbol in self.rules:
            derived.service |= symbol == "ServiceGraphPattern"
            self._expand(self.rules[symbol], random, left - 1, derived)
        elif symbol == "GRAPH":
            named = derived.tokens[-1].upper() == "NAMED"
            iri = random.choice(GRAPHS if random.random() < 0.8 else OTHERS)
            (derived.named if named else derived.default).append(iri)
            short = iri.removeprefix(NAMESPACE)
            declared = random.choice(("ex:", ":", "SERVICE:", "FROM:"))
            named_ = short != iri and random.random() < 0.5
            derived.tokens.append(f"{declared}{short}" if named_ else f"<{iri}>")
        elif symbol == "STRING":
            derived.tokens.append(string(random))
        elif symbol in TERMINALS:
            derived.tokens.append(random.choice(TERMINALS[symbol]))
        else:
            word = symbol.strip("'")
            derived.tokens.append(word if word == "a" else recased(word, random))


def recased(word: str, random: Random) -> str:
    return random.choice((word, word.lower(), word.title(), word.upper()))


def string(random: Random) -> str:
    """Return a string of one of the four kinds, with something of a query in it."""
    quote = random.choice(('"', "'", '"""', "'''"))
    inner = random.choice(HIDDEN)
    if len(quote) == 3:
        other = random.choice((quote[0], quote[0] * 2, "\n", "\\" + quote[0] * 2, ""))
        return f"{quote}{other}{inner} {other} {quote}"
    other = random.choice(("\\" + quote, '"' if quote == "'" else "'", "\\\\", "\\u0053", ""))
    return f"{quote}{other}{inner}{other}{quote}"


def written(tokens: list[str], random: Random) -> str:
    """Return tokens as text, with comments, and with nothing between them where they stay apart."""
    parts: list[str] = [random.choice(("", "# SERVICE <x> {\n", "\n "))]
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        parts.append(token)
        blank = random.choice((" ", "\n", "\r\n", "\t", " # SERVICE <x> {\"'\n", " #FROM <x>\r"))
        tight = (token in ALONE or after in ALONE) and token != "<" and random.random() < 0.5
        # rdflib lets nothing stand here.
        tight = tight or token == "^^" or after == "^^" or after.startswith("@")
        parts.append("" if tight else blank)
    return "".join(parts)


THE = Grammar(GRAMMAR)


def checked(text: str) -> Checked | QueryFailure:
    try:
        return check(text, prefixes=PREFIXES, graphs=frozenset(GRAPHS))
    except QueryFailure as failure:
        return failure


# --- what another parser says ---


def components(node: Any) -> Iterator[str]:
    """Yield the names of the productions that rdflib has found."""
    if isinstance(node, CompValue):
        yield node.name
        node = node.values()
    if hasattr(node, "__iter__") and not isinstance(node, str):
        for part in node:
            yield from components(part)


def reference(text: str) -> set[str] | None:
    """Return the names of the productions of a query, or None if it is none to rdflib."""
    try:
        # It ends a comment at a line feed only.
        return set(components(parseQuery(text.replace("\r", "\n"))))
    except (ParseBaseException, RecursionError, TypeError, ValueError):
        return None


def engine_takes(text: str) -> bool:
    """Return whether the engine parses a query; nothing of its answer is computed."""
    try:
        ox.Store().query(text, prefixes=PREFIXES)
    except SyntaxError:
        return False
    except (OSError, RuntimeError, ValueError):
        pass
    return True


# --- the tests ---


@settings(max_examples=1500)
@given(st.integers(0, 2**48))
def test_refuses_what_has_service_or_another_graph_and_nothing_else(seed: int) -> None:
    query = THE.derive(Random(seed))
    found = checked(query.text)
    expected = {"service"} if query.service or query.doubtful else set()
    if query.foreign:
        expected.add("graph")
    if isinstance(found, QueryFailure):
        assert found.reason in expected, (query.text, str(found))
        assert found.line >= 1
        assert found.column >= 1
        return
    assert not query.service, query.text
    assert not query.foreign, query.text
    assert found.form == query.form
    assert found.volatile == query.volatile
    if query.default or query.named:
        assert found.default_graphs == tuple(dict.fromkeys(query.default))
        assert found.named_graphs == tuple(dict.fromkeys(query.named))
    else:
        assert found.default_graphs is None


def test_what_is_derived_is_what_another_parser_reads() -> None:
    read = services = datasets = 0
    for seed in range(120):
        query = THE.derive(Random(seed))
        names = reference(query.text)
        if names is None:  # such as `^ex:a?`, which rdflib does not know
            continue
        read += 1
        assert ("ServiceGraphPattern" in names) == query.service, query.text
        assert ("DatasetClause" in names) == bool(query.default or query.named), query.text
        services += query.service
        datasets += "DatasetClause" in names
    assert read > 90
    assert 15 < services < read - 15
    assert 15 < datasets < read - 15


def test_every_token_of_what_is_derived_fits() -> None:
    for seed in range(300):
        query = THE.derive(Random(seed))
        if not query.service:
            assert explain(query.text) is None, query.text


PIECES = (
    *(token for tokens in TERMINALS.values() for token in tokens),
    *("SERVICE", "service ", " SERVICE", "SILENT", "FROM", "NAMED", "LOAD", "SERVICE<x>{}"),
    *("{", "}", "(", ")", "[", "]", "<", ">", "#", "\n", "'", '"', '"""', "\\", ".", ";", ":"),
    *("true", "a", "1", "1.", "^^", "@", "?", "_:", "FILTER(1<2)", "\\u0053", " ", "*", "/"),
)


def mutated(text: str, random: Random) -> str:
    """Return a text with a few places taken out, doubled, or with something put in."""
    for _ in range(random.randrange(1, 4)):
        start = random.randrange(len(text) + 1)
        end = start + random.choice((0, 0, 1, 1, 2, random.randrange(30)))
        middle = random.choice(("", random.choice(PIECES), text[start:end] * 2))
        text = text[:start] + middle + text[end:]
    return text


@settings(max_examples=120)
@given(st.integers(0, 2**48))
def test_changed_queries_are_judged_as_another_parser_does(seed: int) -> None:
    random = Random(seed)
    text = mutated(THE.derive(random).text, random)
    names = reference(text)
    if names is None:
        return
    found = checked(text)
    if isinstance(found, Checked):
        assert "ServiceGraphPattern" not in names, text
        # rdflib reads `FROM:a` as FROM and a name; the longest match makes it one name.
        dataset = "DatasetClause" in names and not re.search("(?i)(from|named)\\S*:", text)
        assert not dataset or found.default_graphs is not None, text
    elif found.reason == "service":
        # A word such as `trueSERVICE` or a name such as `service:x` before a brace may be refused.
        plain = {"ServiceGraphPattern"} & names
        assert plain or re.search(r"(?i)service:[^\s{]*\s*(#[^\n\r]*\s*)*\{|\wSERVICE", text), text
    elif found.reason == "graph":
        assert "DatasetClause" in names, text
    else:
        assert found.reason == "syntax", (text, str(found))
        if "a comparison" not in found.what and "is not declared" not in found.what:
            assert not engine_takes(text), (text, str(found))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("ASK { FILTER(?a<<urn:x>) }", "syntax"),
        ("ASK { ?s ?p (?x <urn:a#b>) }", "syntax"),
        ("PREFIX service: <http://example.org/> ASK { ?s ?p service:x { } }", "service"),
        ("ASK { ?s ?p '1'^^<urn:x>, trueSERVICE <urn:x> {} }", "service"),
        (r"ASK { ?s ?p ?\u0061 }", "syntax"),
    ],
)
def test_what_is_refused_without_need_is_known(query: str, reason: str) -> None:
    # Each could be meant well; the reference page says how to write it.
    found = checked(query)
    assert isinstance(found, QueryFailure)
    assert found.reason == reason
