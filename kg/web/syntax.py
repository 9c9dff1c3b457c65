"""Says where a query that the engine refuses stops being SPARQL, and what could stand there; or, if
every token fits, what is wrong with its meaning.

The positions in the engine's own messages are those of the longest keyword that it has tried,
often the end of the text. So the grammar is followed here, token by token, only after the engine
has refused a query; it decides nothing. It is LL(1), so one token decides each step and the first
token that does not fit is the place.

Spec: SPARQL 1.1 Query Language, section 19.8
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kg.web.guard import TOKEN

# Capitals are kinds of tokens, quoted words and signs are themselves. A sign before a number is a
# token of its own here.
_GRAMMAR: Final = """
Unit = Prologue ( Select | Construct | Describe | Ask ) ValuesClause END
Prologue = ( 'BASE' IRI | 'PREFIX' PREFIX IRI | 'VERSION' STRING )*
Select = SelectClause Dataset* Where Modifier
SubSelect = SelectClause Where Modifier ValuesClause
SelectClause = 'SELECT' ( 'DISTINCT' | 'REDUCED' )? ( ( VAR | '(' Expression 'AS' VAR ')' )+ | '*' )
Construct = 'CONSTRUCT' ( '{' Template? '}' Dataset* Where | Dataset* 'WHERE' '{' Template? '}' )
  Modifier
Describe = 'DESCRIBE' ( VarOrIri+ | '*' ) Dataset* Where? Modifier
Ask = 'ASK' Dataset* Where Modifier
Dataset = 'FROM' 'NAMED'? Iri
Where = 'WHERE'? Group
Modifier = GroupBy? Having? OrderBy? Slice?
GroupBy = 'GROUP' 'BY' ( BuiltIn | Call | '(' Expression ( 'AS' VAR )? ')' | VAR )+
Having = 'HAVING' Constraint+
OrderBy = 'ORDER' 'BY' ( ( 'ASC' | 'DESC' ) '(' Expression ')' | Constraint | VAR )+
Slice = 'LIMIT' INTEGER ( 'OFFSET' INTEGER )? | 'OFFSET' INTEGER ( 'LIMIT' INTEGER )?
ValuesClause = ( 'VALUES' DataBlock )?
Group = '{' ( SubSelect | Patterns ) '}'
Patterns = Triples? ( Pattern '.'? Triples? )*
Pattern = Group ( 'UNION' Group )* | 'OPTIONAL' Group | 'MINUS' Group | 'GRAPH' VarOrIri Group
  | 'FILTER' Constraint | 'BIND' '(' Expression 'AS' VAR ')' | 'VALUES' DataBlock
DataBlock = VAR '{' DataValue* '}'
  | ( NIL | '(' VAR* ')' ) '{' ( '(' DataValue* ')' | NIL )* '}'
DataValue = Iri | Literal | 'UNDEF'
Constraint = '(' Expression ')' | BuiltIn | Call
Call = Iri Arguments
Arguments = NIL | '(' 'DISTINCT'? Expression More* ')'
More = ',' Expression
Template = ( Term TemplateList | Node TemplateList? ) ( '.' Template? )?
TemplateList = Verb Objects ( ';' ( Verb Objects )? )*
Verb = VarOrIri | 'a'
Objects = Object ( ',' Object )*
Object = Term | Node
Node = '(' Object+ ')' | '[' TemplateList ']'
Triples = ( Term PathList | PathNode PathList? ) ( '.' Triples? )?
PathList = PathVerb PathObjects ( ';' ( PathVerb PathObjects )? )*
PathVerb = VAR | Path
PathObjects = PathObject ( ',' PathObject )*
PathObject = Term | PathNode
PathNode = '(' PathObject+ ')' | '[' PathList ']'
Path = PathSequence ( '|' PathSequence )*
PathSequence = PathStep ( '/' PathStep )*
PathStep = '^'? ( Iri | 'a' | '!' Negated | '(' Path ')' ) ( '?' | '*' | '+' )?
Negated = NegatedOne | NIL | '(' ( NegatedOne ( '|' NegatedOne )* )? ')'
NegatedOne = '^'? ( Iri | 'a' )
Term = VAR | Iri | Literal | BLANK | ANON | NIL
VarOrIri = VAR | Iri
Iri = IRI | PREFIX | NAME
Literal = Text | ( '+' | '-' )? Number | BOOLEAN
Text = STRING ( LANGUAGE | '^^' Iri )?
Number = INTEGER | NUMBER
Expression = Conjunction ( '||' Conjunction )*
Conjunction = Comparison ( '&&' Comparison )*
Comparison = Sum ( ( '=' | '!=' | '<' | '>' | '<=' | '>=' ) Sum | 'IN' List | 'NOT' 'IN' List )?
Sum = Product ( ( '+' | '-' ) Product )*
Product = Unary ( ( '*' | '/' ) Unary )*
Unary = ( '!' | '+' | '-' )* Primary
Primary = '(' Expression ')' | BuiltIn | Iri Arguments? | Text | Number | BOOLEAN | VAR
List = NIL | '(' Expression More* ')'
BuiltIn = NULLARY NIL | UNARY '(' Expression ')' | BINARY '(' Expression More ')'
  | TERNARY '(' Expression More More ')' | 'BOUND' '(' VAR ')' | 'NOT'? 'EXISTS' Group
  | 'BNODE' ( NIL | '(' Expression ')' ) | ( 'COALESCE' | 'CONCAT' ) List
  | ( 'REGEX' | 'SUBSTR' ) '(' Expression More More? ')'
  | 'REPLACE' '(' Expression More More More? ')'
  | AGGREGATE '(' 'DISTINCT'? Expression ')'
  | 'COUNT' '(' 'DISTINCT'? ( '*' | Expression ) ')'
  | 'GROUP_CONCAT' '(' 'DISTINCT'? Expression ( ';' 'SEPARATOR' '=' STRING )? ')'
"""
_FUNCTIONS: Final = {
    "NULLARY": "RAND NOW UUID STRUUID",
    "UNARY": "STR LANG DATATYPE IRI URI ABS CEIL FLOOR ROUND STRLEN UCASE LCASE ENCODE_FOR_URI "
    "YEAR MONTH DAY HOURS MINUTES SECONDS TIMEZONE TZ MD5 SHA1 SHA256 SHA384 SHA512 ISIRI ISURI "
    "ISBLANK ISLITERAL ISNUMERIC",
    "BINARY": "LANGMATCHES CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER STRLANG STRDT SAMETERM",
    "TERNARY": "IF",
    "AGGREGATE": "SUM MIN MAX AVG SAMPLE",
}
_KINDS: Final = {
    "iri": "IRI",
    "string": "STRING",
    "var": "VAR",
    "blank": "BLANK",
    "lang": "LANGUAGE",
}
_NAMES: Final = {
    "IRI": "an IRI",
    "NAME": "a prefixed name",
    "VAR": "a variable",
    "STRING": "a string",
    "LANGUAGE": "a language tag",
    "INTEGER": "a whole number",
    "NUMBER": "a number",
    "BOOLEAN": "true",
    "BLANK": "a blank node",
    "UNARY": "a function",
    "NIL": "()",
    "PREFIX": "a prefix",
    "END": "the end of the query",
}
_HIDDEN: Final = frozenset({"ANON", *_FUNCTIONS})
_SYMBOL = re.compile(r"'[^']+'|[A-Za-z]+|[()|*+?]")
_SHOWN: Final = 12
# Of an escaped backslash, the second one begins nothing.
_ESCAPE = re.compile(
    r"(?<!\\)(?:\\\\)*+(\\(?:u[Dd][89A-Fa-f][0-9A-Fa-f]{2}"
    r"|U(?:0000[Dd][89A-Fa-f][0-9A-Fa-f]{2}|(?!000|0010)[0-9A-Fa-f]{8})))"
)
_ABSOLUTE = re.compile(r"<[A-Za-z][A-Za-z0-9+.\-]*:")
_LONG_SUBTAG = re.compile(r"[A-Za-z0-9]{9}")
_LARGEST: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first token that does not fit: where it begins, what it is and what would fit."""

    offset: int
    seen: str
    expected: str


def explain(query: str) -> Misfit | None:
    """Return where a query stops being SPARQL 1.1, or None if every token fits.

    >>> explain("ASK {} LIMIT x:y")
    Misfit(offset=13, seen='x:y', expected='a whole number')
    """
    rules = _Rules(_GRAMMAR)
    stack = ["Unit"]
    possible: set[str] = set()
    for terminal, text, offset in _tokens(query):
        while True:
            top = stack.pop()
            if top not in rules.choices:
                if top == terminal:
                    possible.clear()
                    break
                possible.add(top)
                return Misfit(offset, text or "the end of the query", _listed(possible))
            possible |= rules.first(top)
            choice = next(
                (one for one in rules.choices[top] if terminal in rules.firsts(one)), None
            )
            if choice is None:
                if not rules.empty(top):
                    return Misfit(offset, text or "the end of the query", _listed(possible))
                choice = next(one for one in rules.choices[top] if all(map(rules.empty, one)))
            stack.extend(reversed(choice))
    return None


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a query that has the form of SPARQL; the offset is -1 if it is unknown."""

    what: str
    hint: str
    seen: str = ""
    expected: str = ""
    offset: int = -1


_MEANINGS: Final = {
    "a variable that is unbound": Mistake(
        "SELECT names a variable that has no value there, or an aggregate stands where it cannot",
        "with GROUP BY or an aggregate only what is grouped by and aggregates have a value: put "
        "the variable behind GROUP BY, or into SAMPLE(…); aggregates stand in SELECT, HAVING and "
        "ORDER BY of a query that is grouped",
    ),
    "not authorized with GROUP BY": Mistake(
        "with GROUP BY or an aggregate the variables have to be named",
        "write SELECT and what is grouped by in place of SELECT *; aggregates stand in SELECT, "
        "HAVING and ORDER BY",
    ),
    "overrides an existing variable": Mistake(
        "SELECT gives a value to a variable that has one", "choose another name behind AS"
    ),
    "Duplicated variable": Mistake("SELECT names a variable twice", "name it once"),
    "IRI parsing failed": Mistake(
        "an IRI in the query is not well-formed", "percent-encode what an IRI cannot have"
    ),
}
"""What the engine says, and what it means."""
_UNKNOWN: Final = Mistake(
    "the query has the form of SPARQL, and no meaning",
    "it may give a variable a value twice (BIND), have rows of another length than the variables "
    "of VALUES, or use one blank node in two groups",
)


def mistake(query: str, message: str) -> Mistake:
    """Return what is wrong with a query in which `explain` finds nothing.

    Args:
        query: a query that the engine refuses.
        message: what it says of it.

    >>> mistake("ASK { <a> ?p ?o }", "").offset
    6
    """
    return next(_in_tokens(query), None) or next(
        (found for said, found in _MEANINGS.items() if said in message), _UNKNOWN
    )


def _in_tokens(query: str) -> Iterator[Mistake]:
    """Yield what is wrong with single tokens."""
    based, last = False, ""
    for terminal, text, offset in _tokens(query):
        escape = _ESCAPE.search(text) if terminal in ("STRING", "IRI") else None
        if escape is not None:
            yield Mistake(
                "this escape stands for no character",
                "write the character itself",
                seen=escape[1],
                offset=offset + escape.start(1),
            )
        elif terminal == "IRI" and not based and not _ABSOLUTE.match(text):
            yield Mistake(
                "this IRI is relative, and the query has no BASE",
                "write the whole IRI, or begin the query with BASE <…>",
                seen=text,
                offset=offset,
            )
        elif terminal == "LANGUAGE" and _LONG_SUBTAG.search(text):
            yield Mistake(
                "this is no language tag",
                "the parts of a tag have at most eight characters",
                seen=text,
                expected="a tag such as @bn or @zh-Hant",
                offset=offset,
            )
        elif last in ("'LIMIT'", "'OFFSET'") and terminal == "INTEGER" and _is_too_large(text):
            yield Mistake(
                "this number is too large",
                "leave it out if there is to be no limit",
                seen=text[:30],
                expected=f"at most {_LARGEST}",
                offset=offset,
            )
        based = based or last == "'BASE'"
        last = terminal


def _is_too_large(digits: str) -> bool:
    digits = digits.lstrip("0")
    return len(digits) > len(str(_LARGEST)) or int(digits or "0") > _LARGEST


def _tokens(query: str) -> Iterator[tuple[str, str, int]]:
    """Yield the terminal, the text and the offset of each token, and at last those of the end."""
    matches = [match for match in TOKEN.finditer(query) if match.lastgroup != "skip"]
    skip = False
    for number, match in enumerate(matches):
        if skip:
            skip = False
            continue
        text, kind = match[0], match.lastgroup or ""
        pair = text + "".join(after[0] for after in matches[number + 1 : number + 2])
        if pair in ("()", "[]"):
            skip = True
            yield ("NIL" if pair == "()" else "ANON"), pair, match.start()
        elif kind == "word":
            yield _word(text), text, match.start()
        elif kind == "name":
            yield ("PREFIX" if text.endswith(":") else "NAME"), text, match.start()
        elif kind == "number":
            yield ("INTEGER" if text.isdigit() else "NUMBER"), text, match.start()
        else:
            yield _KINDS.get(kind, f"'{text}'"), text, match.start()
    yield "END", "", len(query)


def _word(text: str) -> str:
    """Return the terminal that a word is."""
    upper = text.upper()
    if text == "a":
        return "'a'"
    if upper in ("TRUE", "FALSE"):
        return "BOOLEAN"
    kinds = (kind for kind, names in _FUNCTIONS.items() if f" {upper} " in f" {names} ")
    return next(kinds, f"'{upper}'")


def _listed(terminals: set[str]) -> str:
    """Return in words what would have fitted."""
    kinds = [name for kind, name in _NAMES.items() if kind in terminals]
    ranked = kinds + sorted(one.strip("'") for one in terminals - _HIDDEN - _NAMES.keys())
    more = len(ranked) - _SHOWN
    shown = ", ".join(ranked[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return shown if len(ranked) == 1 else f"one of {shown}"


class _Rules:
    """A grammar as plain choices between sequences; what is repeated gets a name of its own."""

    def __init__(self, text: str) -> None:
        self.choices: dict[str, list[list[str]]] = {}
        self._first: dict[str, set[str]] = {}
        self._empty: dict[str, bool] = {}
        for rule in re.split(r"\n(?=\w+ = )", text.strip()):
            name, _, body = rule.partition(" = ")
            symbols = _SYMBOL.findall(body)
            self.choices[name] = self._alternatives(symbols)

    def _alternatives(self, symbols: list[str]) -> list[list[str]]:
        """Take alternatives up to a closing bracket, and return them."""
        found: list[list[str]] = [[]]
        while symbols and symbols[0] != ")":
            symbol = symbols.pop(0)
            if symbol == "|":
                found.append([])
                continue
            if symbol == "(":
                symbol = self._named(self._alternatives(symbols))
                symbols.pop(0)
            mark = symbols[0] if symbols and symbols[0] in ("?", "*", "+") else ""
            if mark:
                symbols.pop(0)
                if mark == "+":
                    found[-1].append(symbol)
                repeated = self._named([])
                again = [] if mark == "?" else [repeated]
                self.choices[repeated] = [[symbol, *again], []]
                symbol = repeated
            found[-1].append(symbol)
        return found

    def _named(self, choices: list[list[str]]) -> str:
        name = f"#{len(self.choices)}"
        self.choices[name] = choices
        return name

    def empty(self, symbol: str) -> bool:
        """Return whether a symbol may stand for nothing."""
        if symbol not in self.choices:
            return False
        if symbol not in self._empty:
            self._empty[symbol] = any(all(map(self.empty, one)) for one in self.choices[symbol])
        return self._empty[symbol]

    def first(self, symbol: str) -> set[str]:
        """Return the terminals that a symbol may begin with."""
        if symbol not in self.choices:
            return {symbol}
        if symbol not in self._first:
            self._first[symbol] = set().union(*map(self.firsts, self.choices[symbol]))
        return self._first[symbol]

    def firsts(self, sequence: list[str]) -> set[str]:
        """Return the terminals that a sequence may begin with."""
        found: set[str] = set()
        for symbol in sequence:
            found |= self.first(symbol)
            if not self.empty(symbol):
                break
        return found
