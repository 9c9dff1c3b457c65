"""The feed of changes: for each time that a release became the current one, which things changed.

A page of the feed is one publication. It names things and says nothing of them, so that what has to
disappear from releases is not in it: a client asks for the thing, or takes the RDF Patch between
the two releases. Pages stand beside the releases, since they have times in them; they never change.

Spec: Linked Data Event Streams (LDES) and the TREE hypermedia specification; Activity Streams 2.0
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Final, Literal

import msgspec

from kg.diff import Difference
from kg.errors import KgError
from kg.manifest import QUADS, Publication, canonical_json, read_publications
from kg.serialise import PARTS, Prefixes
from kg.vocab import DCTERMS, XSD, literal

_log = logging.getLogger(__name__)

FOLDER: Final = "changes"
MOST: Final = 10_000
"""Things on a page: of more changes the page says only that the whole dataset changed."""
_LINES: Final = 1_000_000
"""Lines of differing parts that are read for a page."""

AS: Final = "https://www.w3.org/ns/activitystreams#"
LDES: Final = "https://w3id.org/ldes#"
TREE: Final = "https://w3id.org/tree#"
_TABLE: Final = {"as": AS, "dcterms": DCTERMS, "ldes": LDES, "tree": TREE, "xsd": XSD}

Act = Literal["Create", "Update", "Delete"]


class Activity(msgspec.Struct, frozen=True, array_like=True):
    """What happened to a thing, in the words of Activity Streams, and its address."""

    type: Act
    object: str


class Page(msgspec.Struct, frozen=True):
    """One publication. `number` counts from 0; `before` is the release that was current before."""

    number: int
    release: str
    before: str | None
    time: str
    activities: tuple[Activity, ...]
    known: bool = True
    """Whether it is known what changed, so that the page never changes."""


def note_changes(releases: Path, number: int, old: str | None, new: str) -> None:
    """Write a page of what changes with a publication; if that fails, only detail is lost.

    Args:
        releases: the folder of releases.
        number: that of the publication, which is not noted yet.
        old: the id of the release that is current before, or None if there is none or it is gone.
        new: that of the one which will be.
    """
    path = _path(releases, number)
    activities: Sequence[Activity] | None = None
    try:
        path.unlink(missing_ok=True)  # of a publication that never came about
        if old is not None:
            activities = _activities(releases / old, releases / new)
        if old is None or activities is None:
            return
        _write(path, old, new, activities)
    except (OSError, KgError, ValueError):
        # What is published is published; the page says then that the whole has changed.
        _log.warning("what changed cannot be noted; the feed says only that it did", exc_info=True)


def note_suppression(releases: Path, number: int, release: str, notice: str, base: str) -> None:
    """Write the page of a suppression: what it was of is not said, so the whole has changed.

    Args:
        releases: the folder of releases.
        number: that of the publication, which is not noted yet.
        release: the id of the one that is current.
        notice: the address of the notice.
        base: what the addresses of the data begin with.
    Raises:
        OSError: it cannot be written.
    """
    activities = (Activity("Delete", notice), Activity("Update", f"{base}dataset"))
    _write(_path(releases, number), release, release, activities)


def forget_things(releases: Path, things: Set[str], names: Mapping[str, str], base: str) -> None:
    """Take things out of every page of the feed, and name releases as they are called now.

    Where a thing was named, the page says that the dataset changed.

    Args:
        releases: the folder of releases.
        things: their addresses.
        names: the new ids of releases by the old ones.
        base: what the addresses of the data begin with.
    Raises:
        OSError: a page cannot be read or written.
    """
    for path in sorted((releases / FOLDER).glob("*")):
        if path.suffix != ".jsonl":
            path.unlink()  # it was never finished
            continue
        try:
            first, *lines = path.read_bytes().splitlines()
            old, new = msgspec.json.decode(first, type=tuple[str, str])
            activities = [msgspec.json.decode(line, type=Activity) for line in lines]
        except (ValueError, msgspec.MsgspecError):
            path.unlink()  # whatever it names: of this page only the detail is lost
            continue
        left = [
            Activity("Update", f"{base}dataset") if one.object in things else one
            for one in activities
        ]
        if left != activities or old in names or new in names:
            _write(path, names.get(old, old), names.get(new, new), left)


def _write(path: Path, old: str, new: str, activities: Iterable[Activity]) -> None:
    path.parent.mkdir(exist_ok=True)
    lines = [canonical_json([old, new]), *map(canonical_json, activities)]
    partial = path.with_suffix(".new")
    with partial.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _path(releases: Path, number: int) -> Path:
    return releases / FOLDER / f"{number:08}.jsonl"


def _activities(old: Path, new: Path) -> list[Activity] | None:
    """Return what happened to each thing, sorted by address; None if it is too much."""
    import pyoxigraph as ox

    difference = Difference(old, new)
    if difference.lines > _LINES:
        return None
    base = f"<{difference.new.base_iri}id/"
    parts = tuple(f"{base}{kind}/" for kind in (*PARTS, "graph"))
    things: set[str] = set()
    for change in difference.graphs():
        for line in (*change.removed, *change.added):
            subject = line[: line.index(" ")]
            if subject.startswith(base) and not subject.startswith(parts):
                things.add(subject)
        if len(things) > MOST:
            return None
    stores = [ox.Store.read_only(str(folder / QUADS)) for folder in (old, new)]
    default = ox.DefaultGraph()
    found = []
    for thing in sorted(things):
        node = ox.NamedNode(thing[1:-1])
        before, after = (
            next(iter(store.quads_for_pattern(node, None, None, default)), None) is not None
            for store in stores
        )
        act: Act = "Update" if before and after else "Create" if after else "Delete"
        found.append(Activity(act, thing[1:-1]))
    return found


def read_page(releases: Path, base_iri: str, number: int) -> Page | None:
    """Return a page of the feed, or None if there was no such publication.

    Where it is not known what changed, the dataset as a whole did.

    Args:
        releases: the folder of releases.
        base_iri: what the addresses of the data begin with.
        number: from 0.
    Raises:
        ReleaseError: the list of publications cannot be read.
    """
    publications = read_publications(releases)
    if not 0 <= number < len(publications):
        return None
    one = publications[number]
    before = publications[number - 1].id if number else None
    whole = Activity("Update" if number else "Create", f"{base_iri}dataset")
    known = True
    try:
        first, *lines = _path(releases, number).read_bytes().splitlines()
        activities = tuple(msgspec.json.decode(line, type=Activity) for line in lines)
        old, new = msgspec.json.decode(first, type=tuple[str, str])
        if new != one.id:
            raise ValueError("the page is of another publication")
        before = old
    except (OSError, ValueError, msgspec.MsgspecError):
        activities, known = (whole,), False
    return Page(number, one.id, before, one.time, activities, known)


def stream(base_iri: str, title: str, publications: Sequence[Publication], first: int) -> str:
    """Return the root of the event stream as Turtle: where its pages are, and from when on each.

    Args:
        base_iri: what the addresses of the data begin with.
        title: what the dataset is called.
        publications: those of which pages are listed, oldest first.
        first: the number of the first of them.
    """
    root, events = f"<{base_iri}changes>", f"<{base_iri}changes#stream>"
    parts = [
        Prefixes(_TABLE).header,
        f"{events} a ldes:EventStream ;\n"
        f"    dcterms:title {literal(f'Changes of {title}', lang='en')} ;\n"
        f"    ldes:timestampPath as:published ;\n    tree:view {root} .\n",
    ]
    relations = []
    for number, one in enumerate(publications, first):
        relation = f"<{base_iri}changes#page-{number}>"
        relations.append(relation)
        parts.append(
            f"{relation} a tree:GreaterThanOrEqualToRelation ;\n"
            f"    tree:node <{base_iri}changes/{number}> ;\n    tree:path as:published ;\n"
            f'    tree:value "{one.time}"^^xsd:dateTime .\n'
        )
    node = f"{root} a tree:Node"
    if relations:
        node += f" ;\n    tree:relation {', '.join(relations)}"
    return "\n".join([*parts, f"{node} .\n"])


def page_turtle(base_iri: str, page: Page) -> str:
    """Return a page of the event stream as Turtle."""
    address = f"{base_iri}changes/{page.number}"
    events = f"<{base_iri}changes#stream>"
    blocks = [Prefixes(_TABLE).header, f"<{address}> a tree:Node .\n"]
    members = [f"<{address}#{n}>" for n in range(len(page.activities))]
    blocks.append(
        f"{events} a ldes:EventStream ;\n    ldes:timestampPath as:published ;\n"
        f"    tree:view <{base_iri}changes>"
        + (f" ;\n    tree:member {', '.join(members)}" if members else "")
        + " .\n"
    )
    release = f"<{base_iri}releases/{page.release}>"
    for member, one in zip(members, page.activities, strict=True):
        if one.type == "Delete" and one.object.startswith(f"{base_iri}id/notice/"):
            # Of what was suppressed only this is told: take the whole anew.
            blocks.append(
                f'<{one.object}> a as:Tombstone ;\n    as:deleted "{page.time}"^^xsd:dateTime .\n'
            )
        blocks.append(
            f"{member} a as:{one.type} ;\n    as:object <{one.object}> ;\n"
            f'    as:published "{page.time}"^^xsd:dateTime ;\n    as:instrument {release} .\n'
        )
    return "\n".join(blocks)
