"""Suppression: something that was published is in no release any more, and cannot come back.

A release never changes, so one that held it is replaced by another that does not: with an id of its
own, parts of its own where they differ, and a store and an index of labels that never saw it. The
first of them is filled anew; each further one is the one before with what changed between the two
(`kg.writer.Writer.extend`), so that many releases cost little more than one. What is to be done is
written down first, and whoever is interrupted goes on where it was.

Spec: docs/decisions/0014-acts-of-an-editor.md
"""

from __future__ import annotations

import contextlib
import datetime
import hmac
import json
import logging
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast, get_args

import msgspec

from kg import changes as feed
from kg.build import ABOUT, RIGHTS
from kg.derive import Unclear, by_graph, derive, derived_changes
from kg.diff import Difference
from kg.dumps import PACK
from kg.errors import ReleaseError
from kg.facts import VOICES
from kg.identity import ReleaseSettings, release_id
from kg.increment import forget
from kg.load import Change
from kg.manifest import (
    CURRENT,
    QUADS,
    Input,
    Manifest,
    Publication,
    canonical_json,
    read_manifest,
    read_publications,
    rename_publications,
    write_publication,
)
from kg.register import (
    BLINDED,
    CORRECTIONS,
    INPUT,
    PENDING,
    REASONS,
    Entry,
    Register,
    write_private,
)
from kg.release import current_id, locked, put, release_ids, replace_current, set_aside, stands
from kg.removal import InView, Removal, removal
from kg.report import Report, Result
from kg.view import View, changes_between, together
from kg.vocab import RDFS, SKOS, Kind, graph_iri, term
from kg.writer import Content, ReportFiles, Unfit, Writer

if TYPE_CHECKING:
    import pyoxigraph

_log = logging.getLogger(__name__)

_OPTION: Final = "suppressed"
_KEPT: Final = ("kg/", "ontology/", "shapes/", "mappings/", "queries/")
"""Inputs of which the hashes stay: there are no facts in them."""
_REPORTS: Final = ("report.ttl", "report.json", "report.txt", "report.html")
_PARTS: Final = frozenset(("participation", "quantity", "span", "time"))
_KINDS: Final = frozenset(get_args(Kind)) - {"graph", "status", "run"} - _PARTS
"""What can be suppressed: parts go with what they are of, and the rest is made by the build."""
_NAME: Final = re.compile("[a-z]+/[a-z0-9]+(-[a-z0-9]+)*")
_LONG: Final = 12
"""Characters from which a label tells its thing from others, where it stands in a report."""
_WORDS: Final = frozenset(
    (f"<{RDFS}label>", f"<{SKOS}altLabel>", f"<{SKOS}prefLabel>", term("surface"))
)


class Held(msgspec.Struct, frozen=True):
    """What one release holds of what is to be suppressed: things and statements that would go."""

    release: str
    things: int
    statements: int


class Preview(msgspec.Struct, frozen=True):
    """What a suppression would take away: by release, and by name in the last one that has it."""

    held: tuple[Held, ...]
    things: tuple[tuple[str, str], ...]
    """Address and label of each thing, sorted."""


class Done(msgspec.Struct, frozen=True):
    """What a suppression did: the address of its notice, and the new ids of releases by the old."""

    notice: str
    renamed: dict[str, str]
    things: int


class _Pending(msgspec.Struct):
    """A suppression that is under way; gone when it is done."""

    entry: Entry
    names: list[str]
    key: str
    kept: list[str]
    """The releases to be rewritten, oldest first."""
    renamed: dict[str, str] = {}
    gone: list[str] = []
    others: dict[str, str] | None = None
    """What the ids of releases that are not kept are called from now on."""


def name_of(address: str, base: str) -> str:
    """Return kind and key of a thing from its address, that of its page, or `kind/key`.

    Raises:
        ReleaseError: it is none of these.
    """
    name = address.removeprefix(base)
    name = re.sub(r"^(https?://[^/]+)?/?doc/|^/?id/", "", name)
    name = re.sub(r"[.](html|ttl|jsonld|nt|nq|trig|rdf)$", "", name)
    voice = name.startswith(tuple(f"agent/{voice}-" for voice in VOICES))
    if not _NAME.fullmatch(name) or name.partition("/")[0] not in _KINDS or voice:
        raise ReleaseError(
            "this is no address of something that can be suppressed",
            seen=address,
            expected=f"{base}id/<kind>/<key>, the kind one of {' '.join(sorted(_KINDS))}",
            hint="a document's own voice goes with the document" if voice else "",
        )
    return name


def preview(out: Path, addresses: Sequence[str], *, absent: bool = False) -> Preview:
    """Return what suppressing some things would take away; nothing is done.

    Args:
        out: the folder of releases.
        addresses: of what is suppressed; see `name_of`.
        absent: whether it may be that no release says anything of one of them.
    Raises:
        ReleaseError: no release holds one of them, or one that holds them cannot be rewritten.
    """
    held: list[Held] = []
    things: dict[str, str] = {}
    found_names: set[str] = set()
    for name in release_ids(out):
        manifest = read_manifest(out / name)
        base = manifest.base_iri
        names = {name_of(one, base) for one in addresses}
        found = _removal(out / name, manifest, names)
        _changes(out / name, manifest, found)  # if that fails, it fails before anything is done
        found_names |= {one for one in names if f"<{base}id/{one}>" in found.nodes}
        if found.lines:
            held.append(Held(name, len(found.nodes), len(found.lines)))
            things = {node[1:-1]: "" for node in sorted(found.nodes)}
            for line in sorted(found.lines):
                subject, predicate, value = line.split(" ", 2)
                if predicate == f"<{RDFS}label>" and subject[1:-1] in things:
                    things[subject[1:-1]] = json.loads(value[: value.rindex('"') + 1])
    base = read_manifest(out / CURRENT).base_iri
    if not absent and (
        missing := [one for one in addresses if name_of(one, base) not in found_names]
    ):
        raise ReleaseError(
            "no release that is kept says anything of this",
            where=str(out),
            seen=" ".join(missing),
            hint="look it up on its page; if it was in the facts only, or in releases that are not "
            "kept, add --absent: then no build brings it back, and all files are made anew",
        )
    return Preview(tuple(held), tuple(things.items()))


def suppress(
    out: Path,
    addresses: Sequence[str],
    reason: str,
    authority: str,
    day: str,
    *,
    absent: bool = False,
) -> Done:
    """Take things out of every release that is kept, with all that goes with them.

    Args:
        out: the folder of releases.
        addresses: of what is suppressed; see `name_of`.
        reason: a key of `kg.register.REASONS`.
        authority: who decided it, in words; it is published.
        day: when it was decided, `YYYY-MM-DD`; it is published.
        absent: see `preview`.
    Raises:
        ReleaseError: as of `preview`; something cannot be written; another suppression was
            interrupted.
    """
    if reason not in REASONS:
        raise ReleaseError("no such reason", seen=reason, expected=" ".join(REASONS))
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        raise ReleaseError("no day of the calendar", seen=day, expected="YYYY-MM-DD") from None
    if not authority.strip() or any(char < " " for char in authority):
        raise ReleaseError(
            "the authority is not in words",
            seen=authority,
            expected="who decided it, or which order of a court, on one line",
        )
    with locked(out):
        preview(out, addresses, absent=absent)
        base = read_manifest(out / CURRENT).base_iri
        names = sorted({name_of(one, base) for one in addresses})
        entry = Register(out).entry(names, reason, authority.strip(), day)
        pending = _Pending(
            entry=entry, names=names, key=secrets.token_hex(32), kept=release_ids(out)
        )
        _note(out, pending)
    return resume(out)


def resume(out: Path) -> Done:
    """Finish a suppression that was interrupted; see `suppress`.

    Raises:
        ReleaseError: there is none, or something cannot be written.
    """
    with locked(out, pending=True):
        pending = _read_pending(out)
        return _finish(out, pending)


def abandon(out: Path) -> None:
    """Give a suppression up that was interrupted before any release was rewritten.

    Raises:
        ReleaseError: there is none, or it has to be finished.
    """
    with locked(out, pending=True):
        pending = _read_pending(out)
        if pending.renamed:
            raise ReleaseError(
                "releases were rewritten already, so this can only be finished",
                where=str(out),
                hint="use --resume",
            )
        Register(out).drop(pending.entry)
        (out / PENDING).unlink()


def _read_pending(out: Path) -> _Pending:
    try:
        return msgspec.json.decode((out / PENDING).read_bytes(), type=_Pending)
    except FileNotFoundError:
        raise ReleaseError("no suppression was interrupted", where=str(out)) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ReleaseError(
            "what was to be suppressed cannot be read", where=str(out / PENDING)
        ) from error


def _note(out: Path, pending: _Pending) -> None:
    write_private(out / PENDING, canonical_json(pending))


def _finish(out: Path, pending: _Pending) -> Done:
    """Do what is left to be done; the lock is held."""
    register = Register(out)
    register.add(pending.entry)  # from here on no build brings it back
    before: Path | None = None
    current = current_id(out)
    for name in pending.kept:
        known = pending.renamed.get(name)
        if known is None or not stands(out / known, known):
            known = _rewritten(out, name, before, pending, register)
        if known:
            pending.renamed[name] = known
            _note(out, pending)
            before = out / known
    gone, new = set(pending.gone), set(pending.renamed.values())
    manifest = read_manifest(out / (pending.renamed.get(current or "") or CURRENT))
    register.add(pending.entry, _nowhere(out, gone, new, manifest.base_iri))
    # Of a release that is not kept the id is told no more: it is made of hashes of the facts.
    if pending.others is None:
        told = {one.id for one in read_publications(out)} - pending.renamed.keys() - new
        pending.others = {one: secrets.token_hex(32) for one in told if not (out / one).is_dir()}
        _note(out, pending)
    renamed = {**pending.others, **pending.renamed}
    rename_publications(out, renamed)
    named = {f"{manifest.base_iri}id/{name}" for name in pending.names}
    feed.forget_things(out, gone | named, renamed, manifest.base_iri)
    _published(out, pending.entry, manifest)
    if current in renamed:
        replace_current(out, renamed[current])
    with contextlib.suppress(FileNotFoundError):
        forget(out)
    set_aside(out, [*(name for name in renamed if name not in new), "rejected"])
    (out / PENDING).unlink()
    return Done(pending.entry.address(manifest.base_iri), dict(pending.renamed), len(gone))


def _nowhere(out: Path, gone: Iterable[str], kept: Iterable[str], base: str) -> list[str]:
    """Return kind and key of what went and is in none of the releases that are kept."""
    import pyoxigraph as ox

    left = {address for address in gone if address.startswith(f"{base}id/")}
    for name in kept:
        store = _opened(out / name)
        for address in list(left):
            node = ox.NamedNode(address)
            if next(iter(store.quads_for_pattern(node, None, None, None)), None) is not None:
                left.discard(address)
    return [address.removeprefix(f"{base}id/") for address in left]


def _published(out: Path, entry: Entry, manifest: Manifest) -> None:
    """Note that the current release is another one now, once."""
    publications = read_publications(out)
    if any(one.notice == entry.id for one in publications):
        return
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    address = entry.address(manifest.base_iri)
    feed.note_suppression(out, len(publications), manifest.id, address, manifest.base_iri)
    write_publication(
        out,
        Publication(
            id=manifest.id, action="suppress", time=now.replace("+00:00", "Z"), notice=entry.id
        ),
    )


def _removal(folder: Path, manifest: Manifest, names: Iterable[str]) -> Removal:
    """Return what of a release goes with some things.

    Raises:
        ReleaseError: it cannot be rewritten.
    """
    base = manifest.base_iri
    store = _opened(folder)
    found = removal(InView(View(store, base)), {f"<{base}id/{name}>" for name in names}, base)
    if found.lines and manifest.imported:
        raise ReleaseError(
            "a release of imported RDF holds it, and cannot be rewritten",
            where=str(folder),
            hint="take it out of the RDF, import that, and remove this release with "
            "`kg release prune`",
        )
    return found


def _opened(folder: Path) -> pyoxigraph.Store:
    import pyoxigraph as ox

    return ox.Store.read_only(str(folder / QUADS))


def _changes(folder: Path, manifest: Manifest, found: Removal) -> dict[str, Change]:
    """Return what a removal changes in a release, with what is derived, by graph.

    Raises:
        ReleaseError: it cannot be found out.
    """
    import pyoxigraph as ox

    if not found.lines:
        return {}
    base = manifest.base_iri
    store = _opened(folder)
    removed: dict[str, set[str]] = {}
    for line in found.lines:
        removed.setdefault(line[line.rindex("<") + 1 : line.rindex(">")], set()).add(line)
    changes = {graph: Change(frozenset(one), frozenset()) for graph, one in removed.items()}
    agents = f"<{base}id/agent/"
    passing = {node for node in found.nodes if node.startswith(agents)}
    try:
        derived = derived_changes(store, changes, base, passing)
        if not _fits(store, derived):
            raise Unclear
    except Unclear:
        _log.info("deriving all statements of release %s again", folder.name[:12])
        view = View(store, base)
        after = derive(View(store, base, changes).lines(None), base)
        derived = changes_between(by_graph(derive(view.lines(None), base)), by_graph(after))
    changes = together(changes, derived)
    if not _fits(store, changes):
        raise ReleaseError(
            "what has to be derived again cannot be found out",
            where=str(folder),
            hint="please report this; nothing was done",
        )
    left: dict[str, set[str]] = {}
    for node in found.nodes:
        one = ox.NamedNode(node[1:-1])
        for subject, value in ((one, None), (None, one)):
            for quad in store.quads_for_pattern(subject, None, value, None):
                if not isinstance(quad.graph_name, ox.DefaultGraph):
                    left.setdefault(quad.graph_name.value, set()).add(f"{quad} .\n")
    rest = {graph: Change(frozenset(lines), frozenset()) for graph, lines in left.items()}
    return together(changes, rest)


def _fits(store: pyoxigraph.Store, changes: Mapping[str, Change]) -> bool:
    """Return whether what goes is there and what comes is not."""
    import pyoxigraph as ox

    def there(lines: Iterable[str]) -> list[bool]:
        quads = ox.parse("".join(lines).encode(), format=ox.RdfFormat.N_QUADS)
        return [quad in store for quad in quads]

    return all(all(there(one.removed)) and not any(there(one.added)) for one in changes.values())


def _rewritten(
    out: Path,
    name: str,
    before: Path | None,
    pending: _Pending,
    register: Register,
) -> str | None:
    """Return the id of the release that replaces another one; None for imported RDF.

    All are rewritten: also of a release that says nothing of it the files may hold it, since they
    are shared with others and keep texts of what is there no more.

    Args:
        out: the folder of releases.
        name: the id of the other one.
        before: the folder of the release that replaced the one before it.
        pending: what is suppressed.
        register: of what was.
    """
    folder = out / name
    manifest = read_manifest(folder)
    if manifest.imported:
        return None
    found = _removal(folder, manifest, pending.names)
    nodes, changes = found.nodes, _changes(folder, manifest, found)
    pending.gone = sorted({*pending.gone, *(node[1:-1] for node in nodes)})
    _note(out, pending)
    notices = graph_iri(manifest.base_iri, CORRECTIONS)
    nothing = Change(frozenset(), frozenset())
    notice = Change(frozenset(), frozenset(pending.entry.lines(manifest.base_iri)))
    changes[notices] = together({"": changes.get(notices, nothing)}, {"": notice})[""]
    settings = _settings(manifest, pending.entry)
    inputs = _blinded(manifest.inputs, pending.key, register)
    content = _content(folder, manifest, inputs, changes, nodes)
    new = release_id(inputs, settings.identity())
    if stands(out / new, new):
        return new
    _log.info("rewriting release %s without %d things", name[:12], len(nodes))
    temporary = out / f".tmp-{new}-{os.getpid()}"
    writer = Writer(temporary, new, settings, frozenset(), None)
    if before is None or not _alike(before, folder):
        writer.renew(folder, changes, content)
    else:
        try:
            further = _further(before, folder, changes)
            writer.extend(before, further, msgspec.structs.replace(content, ontology={}))
        except Unfit:
            shutil.rmtree(temporary, ignore_errors=True)
            writer = Writer(temporary, new, settings, frozenset(), None)
            writer.renew(folder, changes, content)
    put(temporary, out / new)
    return new


def _alike(before: Path, folder: Path) -> bool:
    """Return whether a release can be written from another one: only their facts differ."""
    one, other = read_manifest(before), read_manifest(folder)

    def rest(manifest: Manifest) -> tuple[object, ...]:
        inputs = {(i.name, i.sha256) for i in manifest.inputs if i.name.startswith(_KEPT)}
        return manifest.base_iri, dict(manifest.versions), inputs

    private = any(graph.private for graph in (*one.graphs, *other.graphs))
    return not private and rest(one) == rest(other)


def _further(before: Path, folder: Path, changes: Mapping[str, Change]) -> dict[str, Change]:
    """Return what leads from a release that was rewritten to the next one without something.

    Args:
        before: the folder of the one that was rewritten.
        folder: that of the next one, as it is.
        changes: what the next one loses and gains.
    """
    found: dict[str, Change] = {}
    nothing = Change(frozenset(), frozenset())
    differing = {one.graph: one for one in Difference(before, folder).graphs()}
    for graph in differing.keys() | changes.keys():
        change = changes.get(graph, nothing)
        gone: frozenset[str] = frozenset()
        came: frozenset[str] = frozenset()
        if graph in differing:
            gone = frozenset(differing[graph].removed)
            came = frozenset(differing[graph].added)
        # What is to go is in both or in the next one only; what is to come may be in the first.
        removed = (gone - change.added) | (change.removed - came)
        added = (came - change.removed) | (change.added - gone)
        if removed or added:
            found[graph] = Change(removed, added)
    return found


def _settings(manifest: Manifest, entry: Entry) -> ReleaseSettings:
    earlier = manifest.options.get(_OPTION, "").split()
    return ReleaseSettings(
        base_iri=manifest.base_iri,
        title=manifest.title,
        licence=manifest.licence,
        agent=manifest.agent,
        time=manifest.time,
        versions=manifest.versions,
        options={**manifest.options, _OPTION: " ".join([*earlier, entry.id])},
        about=ABOUT,
        rights=RIGHTS,
    )


def _blinded(inputs: Iterable[Input], key: str, register: Register) -> list[Input]:
    """Return the inputs of a release with keyed hashes in place of those of what held facts.

    Nobody has the key afterwards, so nobody can try which facts they were made of.
    """
    found = [one for one in inputs if one.name.startswith(_KEPT)]
    for one in inputs:
        if not one.name.startswith(_KEPT) and one.name != INPUT:
            text = f"{one.name} {one.sha256}"
            sha256 = hmac.digest(bytes.fromhex(key), text.encode(), "sha256").hex()
            found.append(Input(name=f"{BLINDED}{sha256[:16]}", sha256=sha256, bytes=0))
    if (own := register.input()) is not None:
        found.append(own)
    return found


def _content(
    folder: Path,
    manifest: Manifest,
    inputs: Sequence[Input],
    changes: Mapping[str, Change],
    nodes: Iterable[str],
) -> Content:
    """Return what a release holds besides its quads, without what names something that goes."""
    words = {node[1:-1] for node in nodes}
    for change in changes.values():
        for line in change.removed:
            _, predicate, value = line.split(" ", 2)
            if predicate in _WORDS and value[0] == '"':
                word = json.loads(value[: value.rindex('"') + 1])
                if len(word) >= _LONG:
                    words |= {word, json.dumps(word, ensure_ascii=False)[1:-1]}
    texts = {
        name: (folder / name).read_text(encoding="utf-8") if (folder / name).exists() else ""
        for name in _REPORTS
    }

    def names(text: str) -> bool:
        return any(word in text for word in words)

    if any(map(names, texts.values())):
        texts = _reported(json.loads(texts["report.json"]), names)
    return Content(
        inputs=inputs,
        report=ReportFiles(
            conforms=None,  # what is left was not validated
            blocks=False,
            ttl=texts["report.ttl"],
            json=texts["report.json"],
            text=texts["report.txt"],
            html=texts["report.html"],
        ),
        issues=_Without(folder / "issues.jsonl", names),
        sources=manifest.sources,
        questions=manifest.questions,
        ontology={
            path.name: path.read_text(encoding="utf-8")
            for path in sorted((folder / "ontology").iterdir())
            if path.name != "context.jsonld"
        },
    )


class _Without:
    """The lines of a file of JSON that do not name what goes; there may be too many to hold."""

    def __init__(self, path: Path, names: Callable[[str], bool]) -> None:
        self._path = path
        self._names = names

    def __iter__(self) -> Iterator[object]:
        with self._path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                if not self._names(line):
                    yield json.loads(line)


def _reported(report: Mapping[str, Any], names: Any) -> dict[str, str]:
    """Return a report in its forms, without the results that name something that goes."""
    results = tuple(
        Result(**{**one, "detail": ()})
        for one in report["results"]
        if not names(json.dumps(one, ensure_ascii=False))
    )
    left = Report(results)
    forms = (left.to_turtle(), left.to_json(), left.to_table(), left.to_html())
    return dict(zip(_REPORTS, forms, strict=True))


# --- looking for what must not be there ------------------------------------------------------


def occurrences(out: Path, words: Sequence[str]) -> Iterator[str]:
    """Yield where some words stand in the folder of releases: each file once, by its path.

    Every byte is looked at: files as they are, what is packed in parts unpacked, and what is
    compressed in stores as the engine gives it back. Files that releases share are read once.

    Args:
        out: the folder of releases.
        words: texts, each looked for as its UTF-8 bytes, as JSON escapes it and as N-Quads does.
    """
    wanted = sorted({form for word in words for form in _forms(word)})
    seen: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(out):
        folders.sort()
        if "CURRENT" in files and _stored(Path(parent), wanted):
            yield f"{parent} (as the engine gives it back)"
        for name in sorted(files):
            path = Path(parent) / name
            status = path.lstat()
            if (status.st_dev, status.st_ino) in seen or path.is_symlink():
                continue
            seen.add((status.st_dev, status.st_ino))
            chunks = _unpacked(path) if path.suffix == PACK else _plain(path)
            if any(word in chunk for chunk in chunks for word in wanted):
                yield str(path)
            elif any(word in str(path).encode() for word in wanted):
                yield f"{path} (its name)"


def _forms(word: str) -> set[bytes]:
    escaped = json.dumps(word)[1:-1]
    return {word.encode(), escaped.encode(), word.replace('"', '\\"').encode()}


def _plain(path: Path) -> Iterator[bytes]:
    """Yield a file piece by piece; each begins with the end of the one before."""
    with path.open("rb") as file:
        end = b""
        while piece := file.read(1 << 22):
            yield end + piece
            end = piece[-4096:]


def _unpacked(path: Path) -> Iterator[bytes]:
    """Yield a file of packed members, and what is in each of them."""
    import zstandard

    data = path.read_bytes()
    yield data
    at = data.find(b"\x1f\x8b\x08")
    while at >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(wbits=31).decompress(data[at:])
        at = data.find(b"\x1f\x8b\x08", at + 1)
    at = data.find(b"\x28\xb5\x2f\xfd")
    while at >= 0:
        with contextlib.suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        at = data.find(b"\x28\xb5\x2f\xfd", at + 1)


class _Sieve:
    """Looks for words in what is written to it."""

    def __init__(self, words: Sequence[bytes]) -> None:
        self._words = words
        self._end = b""
        self.found = False

    def write(self, data: bytes) -> int:
        """Take some more bytes."""
        text = self._end + data
        self.found = self.found or any(word in text for word in self._words)
        self._end = text[-4096:]
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is nothing to write."""


def _stored(folder: Path, words: Sequence[bytes]) -> bool:
    """Return whether a store gives back one of some words."""
    import pyoxigraph as ox

    sieve = _Sieve(words)
    ox.Store.read_only(str(folder)).dump(cast("IO[bytes]", sieve), ox.RdfFormat.N_QUADS)
    return sieve.found
