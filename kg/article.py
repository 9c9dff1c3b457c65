"""The text of an article as it is hashed, beside its normalised form, in which names are found.

Spec: docs/reference/facts.md, "Offsets"; Unicode Standard Annex #15
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kg.errors import FactError
from kg.names import is_nfc, nfc

MAX_BYTES: Final = 2 * 1024 * 1024


class Article:
    """A text: its bytes, its code points, and the same in Normalization Form C.

    Attributes:
        name: the name of its file without the ending.
        sha256: of the bytes.
        text: the code points of the file as hashed; offsets in facts are of these.
        plain: the text in Form C.
    """

    def __init__(self, name: str, data: bytes) -> None:
        """Read the bytes of an article.

        Raises:
            FactError: they are too many, not UTF-8, or hold no text.
        """
        if len(data) > MAX_BYTES:
            raise FactError(
                "the article is too large",
                where=name,
                seen=f"{len(data)} bytes",
                expected=f"at most {MAX_BYTES}",
                hint="give one article, not a collection",
            )
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as e:
            raise FactError(
                "the article is not UTF-8",
                where=f"{name}, byte {e.start}",
                seen=f"0x{data[e.start]:02X}",
                expected="text encoded as UTF-8",
                hint="save the file as UTF-8",
            ) from None
        if not text.strip("\ufeff \t\r\n"):
            raise FactError("the article is empty", where=name, expected="text")
        if "\x00" in text:
            raise FactError(
                "the article holds a NUL",
                where=f"{name}, character {text.index(chr(0))}",
                expected="plain text",
            )
        self.name: Final = name
        self.sha256: Final = hashlib.sha256(data).hexdigest()
        self.text: Final = text
        self.plain, self._starts, self._ends = _normalised(text)

    @classmethod
    def read(cls, path: Path) -> "Article":
        """Return the article in a file.

        Raises:
            FactError: it cannot be read, is too large, not UTF-8, or empty.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as e:
            raise FactError(
                "the article cannot be read", where=str(path), seen=str(e.strerror)
            ) from None
        return cls(path.stem, data)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the file of what stands at some offsets in the normalised text."""
        if not self._starts:
            return start, end
        return self._starts[start], self._ends[end - 1]

    def at(self, start: int, end: int) -> str:
        """Return offsets in the normalised text as the facts write them: of the file."""
        first, last = self.span(start, end)
        return f"{first}-{last}"

    def hash(self, start: int, end: int) -> str:
        """Return the SHA-256 of what the file has at some offsets of the normalised text."""
        first, last = self.span(start, end)
        return hashlib.sha256(self.text[first:last].encode()).hexdigest()


def _normalised(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """Return the text in Form C, and for each of its characters where its source starts and ends.

    Both lists are empty where nothing changes.
    """
    if is_nfc(text):
        return text, (), ()
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    first = 0
    while first < len(text):
        last = first + 1
        while last < len(text) and _joins(text[last]):
            last += 1
        cluster = text[first:last]
        composed = nfc(cluster)
        out.append(composed)
        if composed == cluster:
            starts.extend(range(first, last))
            ends.extend(range(first + 1, last + 1))
        else:
            starts.extend([first] * len(composed))
            ends.extend([last] * len(composed))
        first = last
    return "".join(out), starts, ends


def _joins(char: str) -> bool:
    """Return whether a character may compose with, or be put in order with, the one before it."""
    return unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff"
