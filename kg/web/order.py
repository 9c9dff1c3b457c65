"""Makes ORDER BY sort values of several kinds in one order.

The engine compares two numbers by what they are worth and everything else that is no pair of a
kind by its characters: 9 < 10, 10 < "5" and "5" < 9. Sorted like that, numbers come in no order,
and the sort may end the process. So what is sorted by a variable is sorted by kind first: what is
no literal, then literals of each other datatype, numbers, strings. Within a kind the engine's
order is one.

Spec: SPARQL 1.1 Query Language, sections 15.1 and 17.3; docs/reference/sparql.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from kg.vocab import XSD
from kg.web.guard import TOKEN

# What is no literal has no datatype: an error, which sorts before everything else.
_KIND: Final = (
    f'IF(isNumeric({{0}}),0,IF(LANG({{0}})!=""||DATATYPE({{0}})=<{XSD}string>,1,DATATYPE({{0}})))'
)
_ORDER = re.compile(r"order", re.IGNORECASE)
_DIRECTIONS: Final = frozenset({"ASC", "DESC"})
_ENDS: Final = frozenset({"LIMIT", "OFFSET", "VALUES", "}"})
_OPEN: Final = frozenset("({[")
_CLOSE: Final = frozenset(")}]")


def ordered(query: str) -> str:
    """Return a query that sorts by the kind of a variable wherever `query` sorts by a variable.

    Expressions are left alone: most have values of one kind. Nothing else is changed.

    >>> ordered("ASK {} ORDER BY STR(?x) LIMIT 1")
    'ASK {} ORDER BY STR(?x) LIMIT 1'
    """
    if _ORDER.search(query) is None:
        return query
    tokens = [match for match in TOKEN.finditer(query) if match.lastgroup != "skip"]
    words = [match[0].upper() if match.lastgroup == "word" else match[0] for match in tokens]
    pieces, done = [], 0
    for number, direction, variable in _conditions(words):
        start = tokens[number].start()
        pieces += [query[done:start], f"{direction}({_KIND.format(variable)}) "]
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
            if word in _ENDS:
                sorting.pop()
            elif word[0] in "?$":
                yield number, "ASC", word
            elif word in _DIRECTIONS and number + 3 < len(words):
                opened, inner, closed = words[number + 1 : number + 4]
                if opened == "(" and inner[0] in "?$" and closed == ")":
                    yield number, word, inner
        depth += (word in _OPEN) - (word in _CLOSE)
        while sorting and sorting[-1] > depth:
            sorting.pop()
