"""Answers that are kept to be given again, and the entity tags that were given out.

A cache belongs to one release, so nothing in it is ever stale: another release has a cache of its
own. Its size is bounded in bytes; what was asked for longest ago gives way.

An answer is found in two ways: by the key of its question, and, before anything is parsed, by the
very bytes of a request (`Asked`).

Spec: RFC 9110 section 8.8.3 (ETag) and 13.1.2 (If-None-Match); docs/reference/sparql.md
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

Headers = list[tuple[bytes, bytes]]
Asked = tuple[bytes, bytes, bytes]
"""Address with its query string, Accept, Accept-Encoding: all that an answer to GET depends on."""

_TAGS: Final = 1 << 14
_ADDRESSES: Final = 8
"""Requests by which one answer is known: there is no end of addresses with the same meaning."""
_LONGEST: Final = 1 << 14
_ENTRY: Final = 1 << 11
"""Bytes that an answer takes beside its body and the requests for it."""
_SHARE: Final = 8
"""A single answer may have one part in so many of the cache."""
_TAG = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(slots=True, eq=False)
class Kept:
    """A whole answer, ready to be sent.

    Args:
        key: of its question.
        route, form: under which it is counted.
        etag: its entity tag.
        headers: those of the answer to GET, without the id of the request.
        body: the bytes, as they are sent.
        head: status line and headers as they are sent, up to where more of them can follow.
    """

    key: bytes
    route: str
    form: str
    etag: bytes
    headers: Headers
    body: bytes
    head: bytes = b""
    cost: int = 0
    asked: list[Asked] = field(default_factory=list)


class Cache:
    """The kept answers of one release.

    Args:
        size: bytes that it may take; 0 for a cache that keeps nothing.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[bytes, Kept] = OrderedDict()
        self._asked: dict[Asked, Kept] = {}
        self._tags: OrderedDict[bytes, None] = OrderedDict()
        self.bytes = 0
        """Bytes that are taken."""

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, asked: Asked) -> Kept | None:
        """Return the answer that this very request had before."""
        kept = self._asked.get(asked)
        if kept is not None:
            self._answers.move_to_end(kept.key)
        return kept

    def get(self, key: bytes, asked: Asked | None) -> Kept | None:
        """Return the answer to a question; from now on this request finds it too."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        self._answers.move_to_end(key)
        self._learn(kept, asked)
        return kept

    def fits(self, length: int) -> bool:
        """Return whether an answer with a body of so many bytes would be kept."""
        return _ENTRY + length <= self._size // _SHARE

    def put(self, kept: Kept, asked: Asked | None) -> bool:
        """Return whether an answer is kept now: one that does not fit is not."""
        if not self.fits(len(kept.body)):
            return False
        cost = _ENTRY + len(kept.body)
        self._drop(kept.key)
        kept.cost = cost
        self.bytes += cost
        self._answers[kept.key] = kept
        self._learn(kept, asked)
        self._make_room()
        return kept.key in self._answers

    def give(self, etag: bytes) -> None:
        """Remember that an answer with this entity tag was sent to its end."""
        self._tags[etag] = None
        self._tags.move_to_end(etag)
        if len(self._tags) > _TAGS:
            self._tags.popitem(last=False)

    def given(self, etag: bytes) -> bool:
        """Return whether an answer with this entity tag was sent to its end, not too long ago."""
        return etag in self._tags

    def _learn(self, kept: Kept, asked: Asked | None) -> None:
        if asked is None or asked in self._asked:
            return
        cost = sum(map(len, asked))
        if cost > _LONGEST:
            return
        if len(kept.asked) == _ADDRESSES:
            forgotten = kept.asked.pop(0)
            del self._asked[forgotten]
            self._charge(kept, -sum(map(len, forgotten)))
        kept.asked.append(asked)
        self._asked[asked] = kept
        self._charge(kept, cost)
        self._make_room()

    def _charge(self, kept: Kept, cost: int) -> None:
        kept.cost += cost
        self.bytes += cost

    def _make_room(self) -> None:
        while self.bytes > self._size:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: bytes) -> None:
        kept = self._answers.pop(key, None)
        if kept is not None:
            self.bytes -= kept.cost
            for asked in kept.asked:
                del self._asked[asked]


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Return whether a client has an answer already: by weak comparison, or `*` for any.

    >>> matches(b'"a", W/"b"', b'W/"a"'), matches(b"*", b'W/"a"'), matches(b"a", b'W/"a"')
    (True, True, False)
    """
    if if_none_match.strip() == b"*":
        return True
    return etag.removeprefix(b"W/") in _TAG.findall(if_none_match)
