"""Makes ORDER BY sort values of several kinds in one order.

The engine compares two values of a kind by what they are worth, and all others by their characters:
9 < 10, 10 < "5" and "5" < 9. Sorted like that, numbers come in no order, and the sort may end the
process. So what is sorted by a variable is sorted by kind first: what is no literal, then literals
of each other datatype, strings, numbers. Of times it matters whether they have a zone and whether
they are times at all. Within a kind the engine's order is one, but for numbers of so many digits
that several of them are one to xsd:double.

Spec: SPARQL 1.1 Query Language, sections 15.1 and 17.3; docs/reference/sparql.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kg.vocab import XSD
from kg.web.guard import TOKEN

# What is no literal has no datatype: an error, which sorts before everything else. IRIs, here of
# kinds, sort before literals, and the empty one before all numbers. What is no time has no year.
_KIND: Final = (
    "IF(isNumeric(VAR),<XSDdouble>(VAR),"
    'IF(LANG(VAR)!=""||DATATYPE(VAR)=<XSDstring>,"",IRI(CONCAT(STR(DATATYPE(VAR)),'
    'IF(REGEX(STR(VAR),"(Z|[+-][0-9][0-9]:[0-9][0-9])$"),"/zone",""),'
    'COALESCE(IF(YEAR(VAR)=0,"",""),"/none")))))'
).replace("XSD", XSD)
_DIRECTIONS: Final = frozenset({"ASC", "DESC"})
_ENDS: Final = ("LIMIT", "OFFSET", "VALUES", "}")  # the engine reads LIMIT1OFFSET1 as four words
_OPEN: Final = frozenset("({[")
_CLOSE: Final = frozenset(")}]")


def ordered(query: str) -> str:
    """Return a query that sorts by the kind of a variable wherever `query` sorts by a variable.

    Expressions are left alone: most have values of one kind. Nothing else is changed.

    >>> ordered("ASK {} ORDER BY STR(?x) LIMIT 1")
    'ASK {} ORDER BY STR(?x) LIMIT 1'
    """
    if "order" not in query.lower():
        return query
    tokens = [match for match in TOKEN.finditer(query) if match.lastgroup != "skip"]
    words = [match[0].upper() if match.lastgroup == "word" else match[0] for match in tokens]
    pieces, done = [], 0
    for number, direction, variable in _conditions(words):
        start = tokens[number].start()
        pieces += [query[done:start], f" {direction}({_KIND.replace('VAR', variable)}) "]
        done = start
    return "".join([*pieces, query[done:]])


def _conditions(words: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield where a condition that is a variable begins, its direction and its variable.

    Args:
        words: the tokens of the query; keywords in capitals.
    """
    depth = 0
    sorting: list[int] = []  # how deep each ORDER BY stands that has not ended
    for number, word in enumerate(words):
        if number > 1 and words[number - 2] == "ORDER" and words[number - 1] == "BY":
            sorting.append(depth)
        if sorting and sorting[-1] == depth:
            start = number + (word in _DIRECTIONS)
            if word.startswith(_ENDS):
                sorting.pop()
            elif word[0] in "?$":
                yield number, "ASC", word
            elif start > number or words[number - 1] == "BY" or words[number - 1][0] in ")?$":
                variable = _bracketed(words, start)  # else it belongs to a call
                if variable:
                    yield number, word if start > number else "ASC", variable
        depth += (word in _OPEN) - (word in _CLOSE)
        while sorting and sorting[-1] > depth:
            sorting.pop()


def _bracketed(words: Sequence[str], start: int) -> str:
    """Return the variable that stands in brackets and alone there, or nothing."""
    inner = start
    while inner < len(words) and words[inner] == "(":
        inner += 1
    brackets = inner - start
    closing = words[inner + 1 : inner + 1 + brackets]
    found = words[inner] if inner < len(words) else ""
    return found if brackets and found[:1] in ("?", "$") and closing == [")"] * brackets else ""
