"""What the hint of a mention says: kinds of item, whether it is a metonym, and what else is known.

Hints are English words as people write them into a column: "state", "state(adj)",
"government(metonym)", "US state", "person; US special representative".

Spec: docs/reference/linking.md, "Hints"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from kg.names import fold

STATELIKE: Final = frozenset(
    ("state", "territory", "former state", "former territory", "subdivision", "separatist entity")
)
_PLACES: Final = frozenset(
    ("city", "region", "subdivision", "territory", "building", "state", "former territory")
)
_BODIES: Final = frozenset(
    (
        *("agency", "armed force", "government", "intergovernmental organ", "ministry"),
        *("intergovernmental organisation", "news agency", "organisation"),
    )
)
HINTS: Final[Mapping[str, frozenset[str]]] = {
    "state": frozenset(("state", "territory", "former state")),
    "country": frozenset(("state", "territory", "former state")),
    "nation": frozenset(("state", "territory", "former state")),
    "territory": frozenset(("territory", "state", "former territory")),
    "former state": frozenset(("former state", "historical state")),
    "historical state": frozenset(("historical state", "former state")),
    "separatist entity": frozenset(("separatist entity",)),
    "republic": frozenset(("separatist entity", "state", "subdivision")),
    "subdivision": frozenset(("subdivision",)),
    "province": frozenset(("subdivision",)),
    "oblast": frozenset(("subdivision",)),
    "region": frozenset(("region", "subdivision")),
    "peninsula": frozenset(("region",)),
    "continent": frozenset(("region",)),
    "city": frozenset(("city",)),
    "capital": frozenset(("city",)),
    "town": frozenset(("city",)),
    "place": _PLACES,
    "location": _PLACES,
    "building": frozenset(("building",)),
    "facility": frozenset(("building",)),
    "government": frozenset(("government",)),
    "governmentbody": frozenset(("government", "ministry", "agency", "armed force")),
    "ministry": frozenset(("ministry",)),
    "agency": frozenset(("agency", "intergovernmental organ", "news agency")),
    "news agency": frozenset(("news agency",)),
    "media": frozenset(("news agency",)),
    "newsorganization": frozenset(("news agency",)),
    "organisation": _BODIES,
    "organization": _BODIES,
    "intergovernmentalorganization": frozenset(
        ("intergovernmental organisation", "intergovernmental organ")
    ),
    "intergovernmental organisation": frozenset(
        ("intergovernmental organisation", "intergovernmental organ")
    ),
    "intergovernmental organ": frozenset(("intergovernmental organ",)),
    "armed force": frozenset(("armed force",)),
    "person": frozenset(("person",)),
    "office": frozenset(("office",)),
    "position": frozenset(("office",)),
    "conflict": frozenset(("conflict",)),
    "war": frozenset(("conflict",)),
    "event": frozenset(("conflict",)),
    "agent": frozenset(("state", "person", "former state", "separatist entity", *_BODIES)),
    # These are kinds of which the lexicon has none, so that nothing is linked.
    **dict.fromkeys(
        (
            *("role", "surname", "group", "armed group", "ship", "ships", "vehicle", "vessel"),
            *("newspaper", "thing", "work", "programme", "measure", "weapon", "materiel"),
            *("unnamedsource", "narrator", "unattributed", "armedactor", "company", "party"),
        ),
        frozenset(),
    ),
}
"""The words for a type that are understood, each with the kinds of item that it admits."""

_FEDERATIONS: Final = frozenset(
    (
        *("us", "usa", "american", "federal", "indian", "german", "brazilian", "mexican"),
        *("australian", "malaysian", "nigerian"),
    )
)
"""Words that make of a state one of a federation."""
_FLAGS: Final = frozenset(("adj", "adjective", "demonym", "metonym"))
_NAMELESS: Final = frozenset(("unnamed", "nobody", "generic", "anonymous"))
_EMPTY: Final = frozenset(
    (
        *("a", "an", "and", "at", "by", "document", "for", "from", "government", "in", "of", "on"),
        *("no", "not", "or", "s", "the", "to", "context", "with"),
    )
)


class Hint(NamedTuple):
    """What a hint says.

    Attributes:
        kinds: the kinds of item that are admitted; None where the hint names no type.
        metonym: the name is said to stand for something else.
        nameless: nobody in particular is named, so that nothing is linked.
        qualifiers: further words, folded: a state, an office, a place.
        known: the type is one that is understood.
        government: a government is asked for, so that a state or its capital may stand for it.
    """

    kinds: frozenset[str] | None
    metonym: bool
    nameless: bool
    qualifiers: tuple[str, ...]
    known: bool
    government: bool = False


def read_hint(text: str) -> Hint:
    """Return what a hint says; an empty one says nothing.

    >>> read_hint("US state").kinds, read_hint("person; US").qualifiers
    (frozenset({'subdivision'}), ('us',))
    """
    head, _, rest = text.lower().partition(";")
    flags = set(re.findall(r"\(([^)]*)\)", head))
    head = re.sub(r"\([^)]*\)", " ", head)
    words = re.findall(r"\w+", f"{rest} {' '.join(sorted(flags - _FLAGS))}")
    kinds: set[str] = set()
    known = not head.strip()
    government = False
    qualifiers: list[str] = []
    for part in re.split("[/,|]", head):
        tokens = part.split()
        for size in (2, 1):
            kind = " ".join(tokens[-size:])
            if len(tokens) >= size and kind in HINTS:
                before = tokens[:-size]
                admitted = HINTS[kind]
                if kind == "state" and not _FEDERATIONS.isdisjoint(before):
                    admitted = frozenset(("subdivision",))
                kinds |= admitted
                government = government or kind == "government"
                qualifiers += before
                known = True
                break
    qualifiers += words
    kept = tuple(dict.fromkeys(fold(w) for w in qualifiers if w not in _EMPTY))
    return Hint(
        frozenset(kinds) if head.strip() else None,
        "metonym" in flags,
        not _NAMELESS.isdisjoint(words),
        kept,
        known,
        government,
    )
