"""How a release is cited: as a sentence, in BibTeX, and as CSL-JSON.

Spec: BibTeX; CSL-JSON 1.0.2, the type `dataset`
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Citation:
    """What is cited.

    Args:
        title: of the dataset.
        publisher: who is responsible for it; the title where nobody is named.
        release: the id of the release.
        date: the day of the release, or as much of it as is known: `2024-05-02`; empty for none.
        address: where this release is found.
    """

    title: str
    publisher: str
    release: str
    date: str
    address: str

    @property
    def sentence(self) -> str:
        """Return a reference as APA writes one.

        >>> Citation("Chancery", "A. Desk", "a1b2" * 16, "", "https://a.example/").sentence
        'A. Desk. (n.d.). Chancery (release a1b2a1b2a1b2) [Data set]. https://a.example/'
        """
        author = self.publisher.removesuffix(".")
        year = self.date[:4] or "n.d."
        return (
            f"{author}. ({year}). {self.title} (release {self.release[:12]}) [Data set]. "
            f"{self.address}"
        )

    @property
    def bibtex(self) -> str:
        """Return an entry of BibTeX."""
        key = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or "dataset"
        fields = {
            "author": f"{{{_plain(self.publisher)}}}",
            "title": f"{{{_plain(self.title)}}} (release {self.release[:12]})",
            **({"year": self.date[:4]} if self.date else {}),
            "howpublished": "Data set",
            "url": self.address,
            "note": f"Release {self.release}",
        }
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
        return f"@misc{{{key}-{self.release[:12]},\n{lines}}}"

    @property
    def csl(self) -> str:
        """Return CSL-JSON, which programs for references read."""
        parts = [int(part) for part in self.date.split("-") if part]
        item = {
            "id": f"{self.release[:12]}",
            "type": "dataset",
            "title": self.title,
            "author": [{"literal": self.publisher}],
            "version": self.release,
            "URL": self.address,
            **({"issued": {"date-parts": [parts]}} if parts else {}),
        }
        return json.dumps([item], ensure_ascii=False, indent=2)


def _plain(text: str) -> str:
    """Return a text without what BibTeX takes for its own signs.

    >>> _plain("A {desk} & Co.")
    'A desk \\\\& Co.'
    """
    return re.sub(r"([&%$#_])", r"\\\1", re.sub(r"[{}\\\\]", "", text))
