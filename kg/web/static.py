"""A static copy: the whole site of one release as files, for hosts that serve files and no more.

The pages are those of the server. Its application answers every address in this process, under a
root that occurs nowhere else; then each address with that root is written as the relative path of
its file. An address without a file, because it needs a server, is no link in the copy.

A page says nothing that differs between releases but for what it is about, so that a copy of the
next release has few files that are new: the id of the release is in `assets/release.css`.

Spec: docs/how-to/publish-static-files.md
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import hashlib
import html
import itertools
import logging
import multiprocessing
import os
import re
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import msgspec

from kg import resources
from kg.bounded import end_with_parent
from kg.config import Settings
from kg.dumps import GRAPHS, Dumps, part_lines
from kg.errors import ConfigError, KgError, QueryError, ReleaseError
from kg.identity import digest, io_errors
from kg.manifest import LABELS, MANIFEST, FileEntry, Manifest, canonical_json, read_manifest
from kg.sssom import TSV_FILE
from kg.vocab import graph_iri
from kg.web import describe
from kg.web.app import create_app
from kg.web.ask import TITLE, Static
from kg.web.crawl import published_at, site_map
from kg.web.front import HITS_SHOWN, KIND_NAMES
from kg.web.language import INTERFACE, interface
from kg.web.links import LINKS_SHOWN
from kg.web.manual import Manual
from kg.web.numbers import COUNTS
from kg.web.pictures import FORMATS as PICTURE_FORMATS
from kg.web.pictures import PICTURES
from kg.web.search import Hits, kinds, listing
from kg.web.site import Served

_log = logging.getLogger(__name__)

MARKER: Final = ".chancery-static.json"
"""Says that a folder is a static copy, of which release, and which files are of it."""
_PARTIAL: Final = ".chancery-static.partial"
"""What the file is called that is being written; each process has one of its own."""
_DONE: Final = ".chancery-static.done"
"""Which things are done, while an export runs: what is broken off there goes on there."""
_FORMAT: Final = 1
_AT_ONCE: Final = 3
"""Things whose pages a process makes at a time: while one waits for the store, another is written.
"""
_SHARE: Final = 24
"""Things that a process is asked for at a time."""
_WORTH: Final = 100
"""Things for which it is worth while to have a process."""
_PATIENCE_S: Final = 3600.0
_PROGRESS_S: Final = 5.0
_LOCK_S: Final = 5.0
"""What the processes of an export that was killed may take to end."""
_SITEMAP: Final = 50_000
"""Addresses that one site map may have."""
_NAMED: Final = {
    "ontology": "ontology/ontology.ttl",
    "shapes": "ontology/shapes.ttl",
    "dataset": "void.ttl",
}
"""Pages that are the document of an address, and the file that has to be there for them."""
_DATA: Final = tuple(suffix for suffix in describe.FORMATS if suffix != "html")


class _Marker(msgspec.Struct, frozen=True, kw_only=True):
    """What an export leaves behind for the next one.

    `things` are the beginnings of the paths of the files of each thing, `files` all other paths.
    Until `complete` is true, files of the export before may be there as well, and are named.
    """

    format: int
    release: str
    base_iri: str
    complete: bool
    files: tuple[str, ...]
    things: tuple[str, ...]


@dataclass(frozen=True)
class Exported:
    """What an export did: how many things have pages, and what became of the files."""

    things: int
    written: int
    unchanged: int
    removed: int


def export_site(release: Path, out: Path, settings: Settings, language: str = "en") -> Exported:
    """Write the whole site of a release as files, and return what was done.

    In a folder that has a static copy already, only files that differ are written, and those that
    are not of this release are removed; other files there are left alone. What was broken off is
    finished by the next export. Equal releases give equal files.

    Args:
        release: the folder of a release.
        out: is made where it is missing.
        settings: how many workers answer the queries, and how much memory one may take.
        language: of the pages, one of `kg.web.language.INTERFACE`; names come in it first.
    Raises:
        ConfigError: the folder holds something else, or another export is writing there, or pages
            are not in this language.
        ReleaseError: the release has what may not be handed on, is damaged or cannot be opened, or
            the files cannot be written.
        QueryError: a page cannot be made.
    """
    if language not in INTERFACE:
        raise ConfigError(
            "pages are not in this language",
            where="--language",
            seen=language,
            expected=" or ".join(INTERFACE),
        )
    manifest = read_manifest(release)
    _must_be_public(manifest)
    with io_errors(out, "the static copy cannot be written"), _Folder(out) as folder:
        return _Copy(release, folder, settings, language).write()


def _must_be_public(manifest: Manifest) -> None:
    private = [graph.key for graph in manifest.graphs if graph.private]
    if private:
        raise ReleaseError(
            "the release has graphs that may not be handed on, and its pages show what they say",
            where=manifest.id[:12],
            seen=", ".join(private),
            expected="no source with `redistribution: none`",
            hint="build a release without these sources (`kg build --facts DIR --out DIR`) and "
            "export that; `kg export` writes dumps without them",
        )


# --- the folder ----------------------------------------------------------------------------------


class _Folder:
    """The folder of a static copy: writes what differs, and removes what is no longer of it."""

    def __init__(self, out: Path, writer: int = 0) -> None:
        self.out = out
        self.written = self.unchanged = self.removed = 0
        self._partial = out / f"{_PARTIAL}-{writer}"
        self.done: set[str] = set()
        """Things that the export which was broken off has done already."""
        self._before: _Marker | None = None
        self._made: set[str] = set()
        self.lock = -1
        """Locks the folder as long as a process has it open: each that writes there has."""

    def __enter__(self) -> _Folder:
        """Take the folder.

        Raises:
            ConfigError: it holds something else, or another export is writing there.
            OSError: it cannot be made or read.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        self.lock = os.open(self.out, os.O_RDONLY)
        try:
            self._take_lock()
            self._clear()
            self._before = self._read()
        except BaseException:
            os.close(self.lock)
            raise
        return self

    def _take_lock(self) -> None:
        until = time.monotonic() + _LOCK_S
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ConfigError(
                        "another export is writing into this folder",
                        where=str(self.out),
                        hint="wait for its end",
                    ) from None
                time.sleep(0.05)
            else:
                return

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._clear()
        os.close(self.lock)

    def _clear(self) -> None:
        """Remove what was being written when an export was broken off."""
        for path in self.out.glob(f"{_PARTIAL}-*"):
            path.unlink()

    def _read(self) -> _Marker | None:
        path = self.out / MARKER
        if not path.is_file():
            found = sorted(set(os.listdir(self.out)) - {".git"})
            if found:
                raise ConfigError(
                    "the folder is not empty, and no static copy of ours",
                    where=str(self.out),
                    seen=", ".join(found[:5]) + (", …" if len(found) > 5 else ""),
                    expected=f"a new folder, or one with {MARKER}",
                    hint="name another folder",
                )
            return None
        try:
            marker = msgspec.json.decode(path.read_bytes(), type=_Marker)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"what says which files are of the static copy cannot be read: {error}",
                where=str(path),
                hint="remove the folder, or name another one",
            ) from error
        if marker.format != _FORMAT:
            raise ConfigError(
                "the static copy was written by another version of chancery",
                where=str(path),
                seen=f"format {marker.format}",
                expected=f"format {_FORMAT}",
                hint="remove the folder, or name another one",
            )
        for name in (*marker.files, *marker.things):
            if name.startswith("/") or ".." in name.split("/"):
                raise ConfigError(
                    "a file of the static copy would be outside of it", where=str(path), seen=name
                )
        return marker

    def begin(
        self, manifest: Manifest, build: str, files: Iterable[str], things: Iterable[str]
    ) -> None:
        """Note what will be there, besides what is there: whatever happens, it is known as ours.

        Args:
            manifest: of the release.
            build: tells the software that makes the pages from any other.
            files, things: as in the marker.
        """
        before = self._before
        head = f"{manifest.id} {build}"
        files, things = set(files), set(things)
        if before is not None and not before.complete:
            with contextlib.suppress(FileNotFoundError):
                first, *lines = (self.out / _DONE).read_text(encoding="utf-8").split("\n")
                self.done = things.intersection(lines) if first == head else set()
        if before is not None:
            files.update(before.files)
            things.update(before.things)
        self._note(manifest, files, things, complete=False)
        lines = [head, *sorted(self.done), ""]
        self._put(_DONE, lambda file: file.write("\n".join(lines).encode()))

    def note_done(self, things: Iterable[str]) -> None:
        """Note that these things are done."""
        with (self.out / _DONE).open("a", encoding="utf-8") as file:
            file.writelines(f"{stem}\n" for stem in things)

    def finish(self, manifest: Manifest, files: Iterable[str], things: Iterable[str]) -> None:
        """Remove what is no longer of the copy, and note what is."""
        files, things = set(files), set(things)
        if self._before is not None:
            for name in self._before.files:
                if name not in files:
                    self.remove(name)
            for stem in self._before.things:
                if stem not in things:
                    self.remove_pages(stem, 1)
                    self.remove(_address_file(stem))
        self._note(manifest, files, things, complete=True)
        (self.out / _DONE).unlink()

    def _note(
        self, manifest: Manifest, files: Iterable[str], things: Iterable[str], *, complete: bool
    ) -> None:
        marker = _Marker(
            format=_FORMAT,
            release=manifest.id,
            base_iri=manifest.base_iri,
            complete=complete,
            files=tuple(sorted(files)),
            things=tuple(sorted(things)),
        )
        self._put(MARKER, lambda file: file.write(canonical_json(marker)))

    def remove_pages(self, stem: str, number: int) -> None:
        """Remove the files of a thing from a page on."""
        while sum(self.remove(_page_file(stem, number, suffix)) for suffix in describe.FORMATS):
            number += 1

    def remove(self, name: str) -> bool:
        """Remove a file, and return whether there was one; folders that become empty go with it."""
        path = self.out / name
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        self.removed += 1
        with contextlib.suppress(OSError):
            while (path := path.parent) != self.out:
                path.rmdir()
        return True

    def write(self, name: str, data: bytes) -> None:
        """Write a file, unless it is there with the same bytes."""
        path = self.out / name
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                self.unchanged += 1
                return
        self._put(name, lambda file: file.write(data))
        self.written += 1

    def write_large(
        self, name: str, size: int, sha256: str, make: Callable[[IO[bytes]], object]
    ) -> None:
        """Write a file that `make` writes, unless it is there already.

        Args:
            name: its path.
            size, sha256: of its bytes; without a checksum it is written in any case.
            make: writes it, and raises where it is damaged.
        """
        path = self.out / name
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if sha256 and path.stat().st_size == size and digest(path) == (size, sha256):
                self.unchanged += 1
                return
        self._put(name, make)
        self.written += 1

    def _put(self, name: str, make: Callable[[IO[bytes]], object]) -> None:
        path = self.out / name
        folder, _, _ = name.rpartition("/")
        if folder not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            if folder.count("/") < 2:
                self._made.add(folder)
        with self._partial.open("wb") as file:
            make(file)
        self._partial.replace(path)


# --- where everything stands ---------------------------------------------------------------------


def _page_file(stem: str, number: int, suffix: str) -> str:
    """Return the file of a page of a thing.

    >>> _page_file("doc/agent/mira-odan", 1, "ttl"), _page_file("doc/agent/mira-odan", 2, "html")
    ('doc/agent/mira-odan.ttl', 'doc/agent/mira-odan.2.html')
    """
    return f"{stem}.{suffix}" if number == 1 else f"{stem}.{number}.{suffix}"


def _address_file(stem: str) -> str:
    """Return the file that leads from the address of a thing to its document.

    >>> _address_file("doc/agent/mira-odan")
    'id/agent/mira-odan/index.html'
    """
    return f"id/{stem.removeprefix('doc/')}/index.html"


def _list_file(kind: str, number: int) -> str:
    return _page_file(f"list/{kind or 'index'}", number, "html")


class _Layout:
    """Which file an address of the site has in the copy.

    Args:
        manifest: of the release.
        fixed: the files that are not of a thing.
        things: the beginnings of the paths of the files of each thing.
    """

    def __init__(self, manifest: Manifest, fixed: Iterable[str], things: Iterable[str]) -> None:
        self.manifest = manifest
        self.fixed = frozenset(fixed)
        self.things = frozenset(things)
        self._keys = {graph.iri: graph.key for graph in manifest.graphs}
        self.file_of = lru_cache(maxsize=1 << 16)(self._file_of)

    def stem(self, iri: str) -> str:
        """Return the beginning of the paths of the files of a thing; empty where it has no page."""
        local = iri.removeprefix(f"{self.manifest.base_iri}id/")
        if local != iri:
            kind, _, key = local.partition("/")
            if kind in describe.KINDS and describe.KEY.fullmatch(key):
                return f"doc/{local}"
        if self.manifest.imported:
            return f"resource/{hashlib.sha256(iri.encode()).hexdigest()[:16]}"
        return ""

    def _file_of(self, address: str) -> str:
        """Return the path of the file with its fragment as a reference; empty where it has none.

        Args:
            address: of the site, such as `/doc/agent/mira-odan.ttl?page=2`.
        """
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        number = int(query.get("page", "1"))
        path = unquote(parts.path)
        first, _, rest = path[1:].partition("/")
        name, _, suffix = first.partition(".")
        stem, found = "", ""
        if first == "doc":
            key, _, suffix = rest.partition(".")
            stem = f"doc/{key}"
        elif name == "resource" and not rest:
            stem = self.stem(query.get("iri", ""))
        elif name in ("corrections", "links") and not rest:
            found = _page_file(name, number, suffix or "html")
        elif path in ("/", ""):
            found = "index.html"
        elif path == "/search" and not query.get("q"):
            found = _list_file(query.get("kind", ""), number)
        elif path == "/graphs":
            key = self._keys.get(query.get("graph", ""), "")
            found = f"download/{self.manifest.id}/{GRAPHS}{key}.ttl"
        elif first == "releases":
            found = "releases/index.html" if rest in ("", self.manifest.id) else ""
        elif name in PICTURES and not rest:
            found = "" if parts.query else f"{name}.{suffix or 'html'}"
        elif path == "/numbers":
            found = "numbers.html"
        elif path in ("/questions", "/download", "/docs"):
            found = f"{first}/index.html"
        elif first in ("questions", "docs"):
            found = f"{first}/{rest}.html"
        elif path.startswith("/download/current/"):
            found = f"download/{self.manifest.id}/{path.removeprefix('/download/current/')}"
        elif path in ("/ontology", "/shapes", "/dataset"):
            found = f"{first}.html"
        else:
            found = path[1:]
        if stem:
            found = _page_file(stem, number, suffix or "html") if stem in self.things else ""
        elif found not in self.fixed:
            found = ""
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return quote(found) + fragment if found else ""


def _things(manifest: Manifest, dumps: Dumps, stem: Callable[[str], str]) -> dict[str, str]:
    """Return the address of everything that has a page, by the beginning of its files' paths.

    Raises:
        OSError: a part cannot be read.
        ReleaseError: it is not what was published.
    """
    found: dict[str, str] = {}
    ours = f"<{manifest.base_iri}id/"
    for graph in manifest.graphs:
        found[stem(graph.iri)] = graph.iri
    for part in itertools.chain.from_iterable(dumps.parts.values()):
        seen: set[str] = set()
        for line in part_lines(dumps.folder, part):
            subject, predicate, rest = line.split(" ", 2)
            seen.update((subject, predicate))
            if rest[0] == "<":
                seen.add(rest[: rest.index(">") + 1])
        for token in seen:
            if token.startswith(ours) or (manifest.imported and token[0] == "<"):
                iri = token[1:-1]
                found[stem(iri)] = iri
    found.pop("", None)
    return dict(sorted(found.items()))


# --- the copy ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    """A page that is not of a thing: its file, its address, and what it lists if it is a list."""

    file: str
    address: str
    hits: Hits | None = None


class _Copy:
    """Writes a static copy of one release."""

    def __init__(
        self,
        release: Path,
        folder: _Folder,
        settings: Settings,
        language: str,
        things: Mapping[str, str] | None = None,
    ) -> None:
        self.language = language
        manifest = read_manifest(release)
        self.release = release
        self.manifest = manifest
        self.folder = folder
        self.settings = dataclasses.replace(
            settings,
            workers=1 if things else 2,
            spare_workers=0,
            query_timeout_s=max(settings.query_timeout_s, _PATIENCE_S),
            first_byte_s=_PATIENCE_S,
            slow_after_s=_PATIENCE_S,  # here nobody has to wait for others
            row_limit=0,
            client_rate=0,
            cache_mib=0,
        )
        self.dumps = Dumps(release, manifest)
        # Nothing in the data can be called so, and no page is shown with it.
        self.root = f"/static-{hashlib.sha256(f'root of {manifest.id}'.encode()).hexdigest()}"
        self.links = re.compile(rf'\s(href|src|action|data-fine)="{re.escape(self.root)}([^"]*)"')
        self.live = published_at(manifest)
        self.files = {entry.path: entry for entry in manifest.files if not entry.private}
        index = release / LABELS
        counts = kinds(index)
        self.static = Static(
            self.live,
            {}
            if manifest.imported
            else {kind: counts[kind] for kind in KIND_NAMES if kind in counts},
        )
        self.listed = sum(counts.values())
        self.site = create_app(release.parent, self.settings)
        stem = _Layout(manifest, (), ()).stem
        self.things = things or _things(manifest, self.dumps, stem)
        self.fixed = self._fixed()
        self.layout = _Layout(manifest, self.fixed, self.things)

    def write(self) -> Exported:
        """Write all files, and return what was done."""
        _log.info(
            "release %s: %d things, each with a page and %d files of data; %d other files",
            self.manifest.id[:12],
            len(self.things),
            len(_DATA),
            len(self.fixed),
        )
        build = f"{self.site.build} {_fingerprint()} {self.language}"
        self.folder.begin(self.manifest, build, self.fixed, self.things)
        self._write_downloads()
        self._write_plain()
        asyncio.run(self._write_pages())
        self._share_out()
        self.folder.finish(self.manifest, self.fixed, self.things)
        done = self.folder
        return Exported(len(self.things), done.written, done.unchanged, done.removed)

    async def _write_pages(self) -> None:
        await self._open()
        try:
            for page in self._pages():
                await self._write_page(page)
        finally:
            await self.site.aclose()

    async def _open(self) -> None:
        await self.site.open(self.release)
        assert self.site.served is not None
        self.site.served.files.closed = True  # what is handed on is compared here

    # what there is

    def _fixed(self) -> set[str]:
        """Return every file that is not of a thing."""
        found = {page.file for page in self._pages(hits=False)}
        found.update(self._plain())
        found.update(f"download/{self.manifest.id}/{name}" for name in self.dumps.names())
        found.update(f"download/{self.manifest.id}/{path}" for path in (*self.files, MANIFEST))
        return found

    def _pages(self, *, hits: bool = True) -> Iterator[_Page]:
        """Yield every page that is not of a thing.

        Args:
            hits: whether the lists are wanted with what they hold.
        """
        manifest = self.manifest
        yield _Page("index.html", "/")
        for name, path in _NAMED.items():
            if path in self.files:
                known = {one.iri for one in manifest.graphs}
                if name != "ontology" or graph_iri(manifest.base_iri, "vocabulary") in known:
                    yield _Page(f"{name}.html", f"/{name}.html")
                for suffix in _DATA:
                    yield _Page(f"{name}.{suffix}", f"/{name}.{suffix}")
        for address, path in (
            ("facts/schema.json", "ontology/schema.json"),
            ("context.jsonld", "ontology/context.jsonld"),
        ):
            if path in self.files:
                yield _Page(address, f"/{address}")
        if not manifest.imported:
            yield from self._corrections()
            yield from self._links()
            for name in PICTURES:
                for form in PICTURE_FORMATS:
                    yield _Page(f"{name}{form.suffix}", f"/{name}{form.suffix}")
            if manifest.offers(COUNTS):
                yield _Page("numbers.html", "/numbers")
        yield _Page("download/index.html", "/download")
        yield _Page("docs/index.html", "/docs")
        for name in sorted(Manual(resources.folder("docs")).names):
            yield _Page(f"docs/{name}.html", f"/docs/{name}")
        yield _Page("releases/index.html", f"/releases/{manifest.id}")
        if manifest.questions:
            yield _Page("questions/index.html", "/questions")
        for question in manifest.questions:
            yield _Page(f"questions/{question.id}.html", f"/questions/{question.id}")
        if not manifest.imported:
            yield _Page(_list_file("", 1), "/search")
        for kind, count in (
            self.static.listed.items() if not manifest.imported else [("", self.listed)]
        ):
            yield from self._lists(kind, count, hits=hits)

    def _corrections(self) -> Iterator[_Page]:
        """Yield the pages of what editors did, and their data."""
        notices = sum(stem.startswith("doc/notice/") for stem in self.things)
        for number in range(1, max(1, -(-notices // describe.PAGE)) + 1):
            query = f"?page={number}" if number > 1 else ""
            for suffix in ("html", "json", *_DATA, *(["atom"] if number == 1 else [])):
                file = _page_file("corrections", number, suffix)
                yield _Page(file, f"/corrections.{suffix}{query}")

    def _links(self) -> Iterator[_Page]:
        """Yield the pages of the links to outside, and their data."""
        if TSV_FILE in self.files:
            lines = (self.release / TSV_FILE).read_bytes().splitlines()
            rows = sum(not line.startswith(b"#") for line in lines) - 1  # without their head
            for number in range(1, max(1, -(-rows // LINKS_SHOWN)) + 1):
                query = f"?page={number}" if number > 1 else ""
                yield _Page(_page_file("links", number, "html"), f"/links.html{query}")
            for suffix in (*_DATA, "sssom.tsv"):
                yield _Page(f"links.{suffix}", f"/links.{suffix}")

    def _lists(self, kind: str, count: int, *, hits: bool) -> Iterator[_Page]:
        """Yield the pages of a list."""
        found = listing(self.release / LABELS, kind) if hits else iter(())
        last = max(1, -(-count // HITS_SHOWN))
        for number in range(1, last + 1):
            given = {"kind": kind} if kind else {}
            query = urlencode(given | ({"page": str(number)} if number > 1 else {}))
            shown = Hits(tuple(itertools.islice(found, HITS_SHOWN)), number < last)
            yield _Page(_list_file(kind, number), f"/search?{query}", shown)

    def _plain(self) -> dict[str, Callable[[], bytes]]:
        """Return what makes each small file that is no page of the server, by its path."""
        found: dict[str, Callable[[], bytes]] = {
            f"assets/{name}": partial(bytes, data) for name, data in self.site.assets.items()
        }
        found[".nojekyll"] = lambda: b""
        found["404.html"] = lambda: self._render("missing.html", title=TITLE, live=self.live)
        found["robots.txt"] = self._robots
        words = f'.this-release::after {{ content: "{self.manifest.id[:12]}"; }}\n'
        found["assets/release.css"] = words.encode
        # These are addresses of the data too; a host of files answers them with a folder's page.
        names = [name for name, path in _NAMED.items() if path in self.files]
        names += [] if self.manifest.imported else ["corrections"]
        names += ["links"] if TSV_FILE in self.files else []
        for name in names:
            file, iri = f"{name}/index.html", f"{self.manifest.base_iri}{name}"
            found[file] = partial(self._moved, file, iri, name)
        if "void.ttl" in self.files:
            found[".well-known/void/index.html"] = lambda: self._moved(
                ".well-known/void/index.html", f"{self.manifest.base_iri}dataset", "dataset"
            )
        if self.live:
            found.update(self._sitemaps())
        return found

    # writing

    def _write_downloads(self) -> None:
        below = f"download/{self.manifest.id}/"
        for name in self.dumps.names():
            size, sha256 = self.dumps.get(name).size, self.dumps.sums.get(name, "")
            self.folder.write_large(below + name, size, sha256, partial(self.dumps.write, name))
        for entry in self.files.values():
            self.folder.write_large(
                below + entry.path,
                entry.bytes,
                entry.sha256,
                partial(self._copy, entry),
            )
        self.folder.write(below + MANIFEST, (self.release / MANIFEST).read_bytes())

    def _copy(self, entry: FileEntry, file: IO[bytes]) -> None:
        path = self.release / entry.path
        if digest(path) != (entry.bytes, entry.sha256):
            raise ReleaseError(
                "the release is damaged: this file is not what was published",
                where=str(path),
                hint="see `kg release verify`",
            )
        with path.open("rb") as source:
            shutil.copyfileobj(source, file)

    def _write_plain(self) -> None:
        for name, make in self._plain().items():
            self.folder.write(name, make())

    async def _write_page(self, page: _Page) -> None:
        status, data = await self._answer(page.address, page.hits)
        if status != 200:
            raise _not_made(page.address, status, data)
        self.folder.write(page.file, self._relative(page.file, data))

    def _share_out(self) -> None:
        """Have other processes write the pages of things, as many as there are processors.

        Raises:
            ReleaseError: one was ended, or cannot write.
            QueryError: a page cannot be made.
        """
        todo = [stem for stem in self.things if stem not in self.folder.done]
        if self.folder.done:
            _log.info("%d of them are done already", len(self.folder.done))
        number = max(1, min(len(os.sched_getaffinity(0)), len(todo) // _WORTH))
        context = multiprocessing.get_context("spawn")
        left = iter(todo)
        tell = _progress(len(todo))
        hands: dict[Connection, BaseProcess] = {}
        shares: dict[Connection, list[str]] = {}
        try:
            for writer in range(1, number + 1):
                here, there = context.Pipe()
                hand: BaseProcess = context.Process(
                    target=_write_share,
                    args=(
                        there,
                        self.release,
                        self.folder.out,
                        writer,
                        self.settings,
                        self.language,
                        self.things,
                    ),
                )
                hand.start()
                there.close()
                hands[here] = hand
                assert hand.pid is not None
                with contextlib.suppress(ConnectionError):  # it has ended: that is heard below
                    send_handle(here, self.folder.lock, hand.pid)
            while hands:
                for connection in wait(list(hands)):
                    assert isinstance(connection, Connection)
                    self._hear(connection, hands[connection])
                    done = shares.get(connection, [])
                    self.folder.note_done(done)
                    tell(len(done))
                    share = shares[connection] = list(itertools.islice(left, _SHARE))
                    connection.send(share)
                    if not share:
                        hands.pop(connection).join()
                        connection.close()
        finally:
            for connection in hands:
                connection.close()  # then they end by themselves
            for hand in hands.values():
                hand.join()

    def _hear(self, connection: Connection, hand: BaseProcess) -> None:
        """Count what a process wrote since it was asked.

        Raises:
            KgError: what it said instead.
            ReleaseError: it was ended.
        """
        try:
            said = connection.recv()
        except (EOFError, ConnectionError):
            hand.join()
            if (hand.exitcode or 0) > 0:
                raise RuntimeError("a process that wrote pages has failed, see above") from None
            raise ReleaseError(
                "a process that wrote pages has been ended",
                seen=f"signal {-(hand.exitcode or 0)}",
                hint="it may have been short of memory; export again to go on",
            ) from None
        if isinstance(said, KgError):
            raise said
        written, unchanged, removed = said
        self.folder.written += written
        self.folder.unchanged += unchanged
        self.folder.removed += removed

    async def write_shares(self, connection: Connection) -> None:
        """Write the pages of those things that are asked for, until none are.

        Raises:
            EOFError, ConnectionError: nobody asks any more.
        """
        await self._open()
        try:
            folder = self.folder
            while True:
                connection.send((folder.written, folder.unchanged, folder.removed))
                share = await asyncio.to_thread(connection.recv)
                if not share:
                    return
                folder.written = folder.unchanged = folder.removed = 0
                left = iter(share)

                async def work(left: Iterator[str] = left) -> None:
                    for stem in left:
                        await self._write_thing(stem, self.things[stem])

                await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        finally:
            await self.site.aclose()

    async def _write_thing(self, stem: str, iri: str) -> None:
        """Write every page of a thing, its data, and what leads to it from its address."""
        served = self.site.served
        assert served is not None
        number, more = 1, True
        while more:
            found = await self._described(served, stem, iri, number)
            absent: set[str] = set()
            for suffix in (*_DATA, "html"):
                file = _page_file(stem, number, suffix)
                address = self._address(stem, iri, number, suffix)
                status, data = await self._answer(address)
                if status in (200, 410):  # what was withdrawn has its notice
                    self.folder.write(file, self._relative(file, data, absent))
                elif found is None and suffix == "html" and status == 404:
                    # It is named and nothing is said of it: the server has no more to say either.
                    self.folder.write(file, self._relative(file, data, absent))
                elif status in (404, 406) and suffix != "html":  # RDF/XML cannot hold everything
                    absent.add(quote(file))
                    self.folder.remove(file)
                else:
                    raise _not_made(address, status, data)
            more = found is not None and found.more
            number += 1
        self.folder.remove_pages(stem, number)
        if stem.startswith("doc/"):
            file = _address_file(stem)
            self.folder.write(file, self._moved(file, iri, stem))

    def _described(
        self, served: Served, stem: str, iri: str, number: int
    ) -> Awaitable[describe.Description | None]:
        if stem.startswith("doc/"):
            _, kind, key = stem.split("/")
            return served.described(kind, key, number)
        return served.described_iri(iri, number)

    def _address(self, stem: str, iri: str, number: int, suffix: str) -> str:
        given: dict[str, object] = {} if stem.startswith("doc/") else {"iri": iri}
        if number > 1:
            given["page"] = number
        path = stem if stem.startswith("doc/") else "resource"
        return f"/{path}.{suffix}?{urlencode(given)}"

    async def _answer(self, address: str, hits: Hits | None = None) -> tuple[int, bytes]:
        """Return status and body of what the application of the server answers at an address."""
        path, _, query = address.partition("?")
        page = "." not in path.rpartition("/")[2] or path.endswith(".html")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "root_path": self.root,
            "query_string": query.encode(),
            "headers": [
                *([(b"accept", b"text/html")] if page else []),
                (b"accept-language", self.language.encode()),
            ],
            "client": None,
            "server": None,
            "kg.served": self.site.served,
            "kg.static": self.static,
            "kg.hits": hits,
        }
        status, body = 0, bytearray()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body.extend(message.get("body", b""))

        await self.site.app(scope, receive, send)
        return status, bytes(body)

    def _relative(self, file: str, data: bytes, absent: Iterable[str] = ()) -> bytes:
        """Return a page with the relative paths of files in place of addresses.

        Args:
            file: the path of the page.
            data: the page; anything else is returned as it is.
            absent: files that are not there, though their names say so.
        """
        if not file.endswith(".html"):
            return data
        up = "../" * file.count("/")

        def link(match: re.Match[str]) -> str:
            found = self.layout.file_of(html.unescape(match[2]))
            if not found or found in absent:
                return ""
            return f' {match[1]}="{up}{html.escape(found)}"'

        text = self.links.sub(link, data.decode())
        if self.root in text:
            raise AssertionError(f"an address that is no link in {file}")
        return text.encode()

    # small files

    def _render(self, template: str, **given: object) -> bytes:
        page = self.site.templates.get_template(template)
        return page.render(language=interface([self.language]), **given).encode()

    def _moved(self, file: str, iri: str, stem: str) -> bytes:
        """Return the page that leads from an address to a document."""
        up = "../" * file.count("/")
        return self._render(
            "moved.html",
            iri=iri,
            icon=f"{up}assets/icon.svg",
            there=f"{up}{stem}.html",
            formats=[
                {"name": name, "type": describe.FORMATS[suffix], "href": f"{up}{stem}.{suffix}"}
                for suffix, name in describe.FORMAT_NAMES.items()
            ],
        )

    def _robots(self) -> bytes:
        lines = ["User-agent: *", "Allow: /"]
        if self.live:
            lines.append(f"Sitemap: {self.live}sitemap.xml")
        return "\n".join([*lines, ""]).encode()

    def _sitemaps(self) -> dict[str, Callable[[], bytes]]:
        """Return what makes the site map; of many addresses, its parts and the list of them."""
        pages = sorted(page.file for page in self._pages(hits=False) if page.file.endswith(".html"))
        everything = [*pages, *(f"{stem}.html" for stem in self.things)]
        parts = [
            everything[first : first + _SITEMAP] for first in range(0, len(everything), _SITEMAP)
        ]
        if len(parts) == 1:
            return {"sitemap.xml": lambda: self._sitemap("url", everything)}
        names = [f"sitemap-{number}.xml" for number in range(1, len(parts) + 1)]
        found: dict[str, Callable[[], bytes]] = {
            name: partial(self._sitemap, "url", part)
            for name, part in zip(names, parts, strict=True)
        }
        return {**found, "sitemap.xml": lambda: self._sitemap("sitemap", names)}

    def _sitemap(self, element: str, files: Sequence[str]) -> bytes:
        return site_map(element, (self.live + quote(file) for file in files))


def _fingerprint() -> str:
    """Return a hash of the code that makes the pages."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _not_made(address: str, status: int, data: bytes) -> QueryError:
    words = re.search(r'<p class="lede">(.*?)</p>', data.decode(errors="replace"), re.DOTALL)
    return QueryError(
        f"a page cannot be made: {status}",
        where=address,
        seen=html.unescape(words[1]) if words else data[:200].decode(errors="replace"),
        hint="export again: what is written already stays",
    )


def _write_share(
    connection: Connection,
    release: Path,
    out: Path,
    writer: int,
    settings: Settings,
    language: str,
    things: Mapping[str, str],
) -> None:
    """Write pages of things as they are asked for: what another process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks ends, and then this does
    end_with_parent()
    try:
        folder = _Folder(out, writer)
        try:
            folder.lock = recv_handle(connection)  # open until this process has ended
            os.set_inheritable(folder.lock, False)
        except (EOFError, ConnectionError):
            return
        copy = _Copy(release, folder, settings, language, things)
        with contextlib.suppress(EOFError, ConnectionError):
            asyncio.run(copy.write_shares(connection))
    except OSError as error:
        where = str(error.filename or out)
        connection.send(ReleaseError(f"a page cannot be written: {error.strerror}", where=where))
    except KgError as error:
        kind = ReleaseError if isinstance(error, ReleaseError) else QueryError
        connection.send(
            kind(
                error.what,
                where=error.where,
                seen=error.seen,
                expected=error.expected,
                hint=error.hint,
            )
        )


def _progress(total: int) -> Callable[[int], None]:
    """Return what is told how many more things are done, and tells of it every few seconds."""
    began = last = time.monotonic()
    done = 0

    def tell(number: int) -> None:
        nonlocal last, done
        done += number
        now = time.monotonic()
        if now - last > _PROGRESS_S and 0 < done < total:
            last = now
            rate = done / (now - began)
            _log.info(
                "%d of %d things, %.0f a second, about %s to go",
                done,
                total,
                rate,
                _words((total - done) / rate),
            )

    return tell


def _words(seconds: float) -> str:
    """Return a duration in words.

    >>> _words(40), _words(61), _words(7300)
    ('40 s', '1 min', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
