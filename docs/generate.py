"""Writes the generated pages of the documentation; with --check, says which are not current.

To add a page: a function that returns its text, and a line in PAGES.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from kg.config import settings_page

DOCS = Path(__file__).resolve().parent

PAGES: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
}
"""Path below docs/ of each generated page, and what returns its text."""


def stale() -> list[str]:
    """Return the generated pages that are missing or not current, in the order of PAGES."""
    return [
        name
        for name, text in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_bytes() != text().encode()
    ]


def main(arguments: list[str]) -> int:
    """Write the pages and return 0; with --check write nothing and return 1 if one is stale."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    names = stale()
    for name in names:
        if arguments:
            print(f"docs/{name} is not current; run python docs/generate.py", file=sys.stderr)
        else:
            path = DOCS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PAGES[name]().encode())
            print(f"docs/{name} written")
    return 1 if names and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
