"""The releases that are kept, and what changed between two of them, as pages show it.

Everything here reads files; none of it is for the event loop.

Spec: docs/reference/release.md, "Differences"
"""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kg.diff import Change, Counted, Difference
from kg.errors import ReleaseError, TooLarge
from kg.manifest import CURRENT, Manifest, read_manifest, read_publications
from kg.web.guard import QueryFailure
from kg.web.language import N_

PAGE: Final = 50
"""Things on a page."""
LINES: Final = 400_000
"""Lines of parts that are read for a page; a patch has no such bound."""
CHANGES: Final = {"added": N_("added"), "removed": N_("removed"), "changed": N_("changed")}
"""The words of what happened to a thing, by `kg.diff.Change.what`."""
KINDS: Final = {
    "agent": N_("agent"),
    "place": N_("place"),
    "thing": N_("thing"),
    "position": N_("office"),
    "document": N_("document"),
    "time": N_("time"),
    "span": N_("span of text"),
    "quantity": N_("quantity"),
    "graph": N_("graph"),
    "run": N_("run"),
    "notice": N_("notice"),
    "term": N_("term"),
}
"""What a thing is called that changed and has no mark, by its kind."""
_ID: Final = re.compile("[0-9a-f]{64}")
_BEGINNING: Final = re.compile("[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Kept:
    """A release that is kept: when it was published last, and what it says of itself."""

    folder: Path
    manifest: Manifest
    published: str | None
    before: str | None
    """The id of the release that was current before it, if that is kept too."""
    number: int
    """Its place in the list, from 0."""


def kept(releases: Path) -> list[Kept]:
    """Return the releases in a folder that can be read, the one that was published last first."""
    times: dict[str, tuple[int, str]] = {}
    before: dict[str, str | None] = {}
    last: str | None = None
    for number, one in enumerate(read_publications(releases)):
        times[one.id] = (number, one.time)
        if one.action == "publish" and one.id != last:
            before[one.id] = last
        last = one.id
    there = {path.name for path in releases.iterdir() if _ID.fullmatch(path.name)}
    found: list[Kept] = []
    never = (-1, None)
    for name in sorted(there, key=lambda name: (times.get(name, never)[0], name), reverse=True):
        with contextlib.suppress(ReleaseError):
            manifest = read_manifest(releases / name)
            previous = before.get(name)
            found.append(
                Kept(
                    releases / name,
                    manifest,
                    times.get(name, never)[1],
                    previous if previous in there else None,
                    len(found),
                )
            )
    return found


def find(releases: Path, name: str) -> Path:
    """Return the folder of a release: by its id, the beginning of it, or `current`.

    Raises:
        QueryFailure: there is none, or there are several.
    """
    if name == CURRENT and (releases / CURRENT).is_dir():
        return (releases / CURRENT).resolve()
    found = []
    if _BEGINNING.fullmatch(name):
        ids = (path.name for path in releases.iterdir() if _ID.fullmatch(path.name))
        found = [one for one in ids if one.startswith(name)]
    if len(found) != 1:
        raise QueryFailure(
            "not-found",
            "Several releases begin so" if found else "There is no such release; it may be pruned",
            seen=name,
            expected="an id as /releases lists them, or its beginning",
        )
    return releases / found[0]


@dataclass(frozen=True)
class Compared:
    """A page of what changed. `counts` is None where it is too much to be counted."""

    difference: Difference
    counts: list[Counted] | None
    changes: list[Change]
    more: bool


def compare(old: Path, new: Path, page: int) -> Compared:
    """Return what changed between two releases: numbers, and one page of things.

    Args:
        page: its number, from 1.
    Raises:
        ReleaseError: a release cannot be read.
    """
    found = Difference(old, new)
    if found.lines > LINES:
        return Compared(found, None, [], more=False)
    first = (page - 1) * PAGE
    try:
        changes = list(itertools.islice(found.things(), first, first + PAGE + 1))
    except TooLarge:
        return Compared(found, None, [], more=False)
    return Compared(found, found.counts(), changes[:PAGE], more=len(changes) > PAGE)


def as_json(compared: Compared, page: int) -> dict[str, Any]:
    """Return the same for programs."""
    import msgspec

    value: dict[str, Any] = msgspec.to_builtins(
        {"changes": compared.changes, "graphs": compared.counts}
    )
    found = compared.difference
    return {"from": found.old.id, "to": found.new.id, "page": page, "more": compared.more, **value}
