"""Loads a release into a SPARQL server, and counts there what has arrived.

A graph is sent in pieces; what was loaded is told by a marker, a graph of a few triples in the
server itself. So a run that was interrupted goes on where it was, a second run sends nothing, and
one for another release sends the graphs that differ and removes those that are gone.

Spec: SPARQL 1.1 Graph Store HTTP Protocol; docs/decisions/0019-other-servers.md
"""

from __future__ import annotations

import hashlib
import itertools
import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from kg.dumps import Dumps, part_lines
from kg.errors import ConfigError, ServerError, raise_all
from kg.identity import io_errors
from kg.manifest import Manifest
from kg.remote import (
    Access,
    Marker,
    Server,
    check_address,
    differences,
    marker_graph,
    marker_lines,
    union_graph,
)

Kind = Literal["virtuoso", "oxigraph", "gsp"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Union = Literal["default", "named"]

_EVERY_S: Final = 5.0
"""How often the progress is told."""
_BULK: Final = 64 << 20
"""Bytes of a file for a bulk loader."""
_ISQL: Final = ("isql-vt", "isql-v", "isql")
_BULK_S: Final = 24 * 3600.0
_ANSWER_S: Final = 30.0
_BLANK_SUBJECT: Final = re.compile(r"\A_:(\S+) ")
_BLANK_OBJECT: Final = re.compile(r' _:([^\s"]+)\Z')
_QUOTED: Final = re.compile(r"[\w./+-]+")


@dataclass(frozen=True, kw_only=True)
class Target:
    """The server that is loaded.

    Args:
        kind: what it is.
        access: where it is; `target` finds the addresses of a kind.
        union: which graph of it is to hold the union of all graphs.
        piece: bytes that are sent at once.
        load_dir: a folder that Virtuoso may read, for its bulk loader.
        isql: host and port for SQL of Virtuoso.
    """

    kind: Kind
    access: Access
    union: Union
    piece: int = 4 << 20
    load_dir: Path | None = None
    isql: str = "127.0.0.1:1111"


class Loaded(NamedTuple):
    """What was done: graphs that were sent, left as they were and removed; triples and bytes."""

    release: str
    query: str
    sent: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    private: tuple[str, ...]
    triples: int
    bytes: int


def target(
    kind: str,
    address: str,
    *,
    store: str = "",
    union: str = "",
    user: str = "",
    password: str = "",
    timeout_s: float = 120.0,
    piece: int = 4 << 20,
    load_dir: Path | None = None,
    isql: str = "",
) -> Target:
    """Return a server as it is loaded, with the addresses that its kind has.

    Args:
        kind: one of `KINDS`.
        address: of the server (`oxigraph`, `virtuoso`), or the one that takes queries.
        store: the address of the Graph Store, where it is another one than that of the kind.
        union: `default` or `named`; without it, what suits the kind.
        user, password, timeout_s: as for `Access`.
        piece, load_dir, isql: as for `Target`.
    Raises:
        ConfigError: one of them cannot be used.

    >>> target("oxigraph", "http://127.0.0.1:7878").access.query
    'http://127.0.0.1:7878/query'
    """
    if kind not in KINDS:
        raise ConfigError(
            "no such kind of server", where="--to", seen=kind, expected=", ".join(KINDS)
        )
    if union not in ("", *get_args(Union)):
        raise ConfigError("no such union", where="--union", seen=union, expected="default or named")
    if (load_dir is not None or isql) and kind != "virtuoso":
        raise ConfigError("--load-dir and --isql are for Virtuoso", where="--to", seen=kind)
    if load_dir is not None and not load_dir.is_dir():
        raise ConfigError(
            "there is no such folder",
            where="--load-dir",
            seen=str(load_dir),
            expected="a folder in DirsAllowed of virtuoso.ini",
        )
    if kind == "virtuoso" and union == "default":
        raise ConfigError(
            "Virtuoso has no default graph of its own: it takes all graphs together",
            where="--union",
            seen=union,
            expected="named",
        )
    if kind == "virtuoso" and not user:
        raise ConfigError(
            "Virtuoso lets nobody write who does not say who they are",
            where="--user",
            hint="set KG_SERVER_USER and KG_SERVER_PASSWORD, e.g. to dba and its password",
        )
    check_address(address, "the address of the server")
    root = address.rstrip("/")
    query, writable = address, store or address
    if kind == "oxigraph":
        root = root.removesuffix("/query").removesuffix("/store")
        query, writable = f"{root}/query", store or f"{root}/store"
    elif kind == "virtuoso":
        root = root.removesuffix("/sparql")
        query, writable = f"{root}/sparql", store or f"{root}/sparql-graph-crud-auth"
    check_address(writable, "--store")
    access = Access(query=query, store=writable, user=user, password=password, timeout_s=timeout_s)
    chosen: Union = "named" if union == "named" or kind == "virtuoso" else "default"
    return Target(
        kind=kind,
        access=access,
        union=chosen,
        piece=piece,
        load_dir=load_dir,
        isql=isql or "127.0.0.1:1111",
    )


def load_release(
    folder: Path,
    to: Target,
    *,
    private: bool = False,
    full: bool = False,
    force: bool = False,
    say: Callable[[str], None],
) -> Loaded:
    """Return what was done so that a server holds a release and nothing older of it.

    Args:
        folder: that of the release.
        to: the server.
        private: also the graphs that may not be handed on.
        full: send every graph again, whatever the server says of itself.
        force: replace a default graph that nobody has loaded in this way.
        say: takes lines on how it goes.
    Raises:
        ConfigError: the server has another default graph, or a tool is missing.
        ReleaseError: the release cannot be read, or is not what was published.
        ServerError: the server cannot be reached or refuses, or holds something else in the end.
        KgErrors: several numbers of triples differ.
    """
    dumps = Dumps(folder, private=private)
    with Server(to.access, say=say) as server:
        return _Loading(dumps, to, server, private, say).run(full=full, force=force)


class _Loading:
    """One release on its way to one server."""

    def __init__(
        self,
        dumps: Dumps,
        to: Target,
        server: Server,
        private: bool,
        say: Callable[[str], None],
    ) -> None:
        self._dumps, self._to, self._server, self._say = dumps, to, server, say
        manifest = self._manifest = dumps.manifest
        self._graphs = {one.iri: one for one in manifest.graphs if one.key in dumps.parts}
        self._hidden = tuple(one.iri for one in manifest.graphs if one.key not in dumps.parts)
        self._triples = manifest.public.triples if self._hidden else manifest.triples
        base = manifest.base_iri
        self._union = union_graph(base)
        self._digests = _digests(dumps, self._union)
        self._done = 0
        self._told = time.monotonic()
        self._total = 0

    def run(self, *, full: bool, force: bool) -> Loaded:
        """Return what was done."""
        server, say, base = self._server, self._say, self._manifest.base_iri
        if self._hidden:
            say(
                f"{len(self._hidden)} graphs may not be handed on and are left out: "
                f"{', '.join(self._hidden)}; --private takes them along"
            )
        before = server.marker(base)
        self._may_replace(before, force)
        held = before.graphs if before is not None else {}
        named = self._union if self._to.union == "named" else ""
        moved = before is not None and before.union != named
        if moved:
            held = {one: digest for one, digest in held.items() if one != self._union}
        changed = [g for g in self._graphs if full or held.get(g) != self._digests[g]]
        gone = sorted(set(held) - {*self._graphs, self._union})
        whole = (
            not changed
            and not gone
            and not full
            and held.get(self._union) == self._digests[self._union]
        )
        if not whole:
            # Until all is there, the marker says so; it never forgets a graph that may be ours.
            states = {**dict.fromkeys(held, ""), **dict.fromkeys(self._digests, "")}
            states |= {g: self._digests[g] for g in self._graphs if g not in changed}
            self._mark(states, "")
            if before is not None and moved:
                say(f"removing the union of before ({before.union or 'default graph'})")
                server.delete(before.union or None)
            for graph in gone:
                say(f"removing {graph}")
                server.delete(graph)
            self._send(changed)
        expected: list[tuple[str, str | None, int]] = [
            (g, g, entry.quads) for g, entry in self._graphs.items()
        ]
        expected.append((f"the union ({named or 'default graph'})", named or None, self._triples))
        say(f"counting the triples of {len(self._graphs)} graphs and of their union")
        found = differences(server, expected)
        if found:
            self._mark(dict.fromkeys(self._digests, ""), "")
            raise_all(
                [
                    ServerError(
                        "the server does not hold what was sent",
                        where=self._to.access.query,
                        seen=one,
                        hint="run it again; if that does not help, look into the server's log",
                    )
                    for one in found
                ]
            )
        told = Marker(self._manifest.id, dict(sorted(self._digests.items())), named)
        if not whole or before != told:
            self._mark(self._digests, self._manifest.id)
        sent = (*changed, *(() if whole else (self._union,)))
        return Loaded(
            self._manifest.id,
            self._to.access.query,
            sent,
            tuple(g for g in self._digests if g not in sent),
            tuple(gone),
            self._hidden,
            self._triples,
            self._done,
        )

    def _may_replace(self, before: Marker | None, force: bool) -> None:
        """Return if the default graph is ours, empty or not to be touched."""
        ours = before is not None and not before.union
        if self._to.union != "default" or ours or force:
            return
        if count := self._server.count(None):
            raise ConfigError(
                "the default graph of this server holds triples of somebody else",
                where=self._to.access.query,
                seen=f"{count:,} triples",
                expected="an empty one",
                hint="--union named puts the union into a graph with a name; --force replaces "
                "what is there",
            )

    def _mark(self, states: Mapping[str, str], release: str) -> None:
        """Have the server say which graphs are ours, and which of them are whole."""
        named = self._union if self._to.union == "named" else ""
        base = self._manifest.base_iri
        lines = marker_lines(base, Marker(release, states, named))
        self._server.put(marker_graph(base), lines)

    def _send(self, changed: Sequence[str]) -> None:
        """Send the graphs that differ, and the union."""
        to = self._to
        parts = [part for group in self._dumps.parts.values() for part in group]
        self._total = sum(part.members[0].bytes for part in parts)
        how = "Virtuoso's bulk loader" if to.load_dir else f"pieces of {to.piece >> 20} MiB"
        self._say(
            f"loading {len(changed)} of {len(self._graphs)} graphs and the union of all, "
            f"{self._total / 1e6:,.1f} MB, into {to.access.store} by {how}"
        )
        if to.load_dir is not None:
            self._bulk(changed, to.load_dir)
        elif to.kind == "oxigraph":
            self._quads(changed)
        else:
            self._pieces(changed)

    def _pieces(self, changed: Sequence[str]) -> None:
        """Send by the Graph Store Protocol: one PUT for each graph, then POSTs.

        The union is sent in pieces of its own, which do not end with a graph: there may be many.
        """
        server, base = self._server, self._manifest.base_iri
        union = self._union if self._to.union == "named" else None
        add = server.put
        held: list[bytes] = []
        size = 0
        for graph in self._graphs:
            for number, lines in enumerate(self._split(graph, self._to.piece)):
                data = b"".join(lines)
                if graph in changed:
                    (server.post if number else server.put)(graph, data)
                if held and size + len(data) > self._to.piece:
                    add(union, b"".join(held))
                    add, held, size = server.post, [], 0
                held.append(data)
                size += len(data)
                self._tell(len(data), graph)
            if graph in changed:
                done = Marker("", {graph: self._digests[graph]}, "")
                server.post(marker_graph(base), marker_lines(base, done))
        add(union, b"".join(held))

    def _quads(self, changed: Sequence[str]) -> None:
        """Send N-Quads of all graphs, after what they replace was removed."""
        server = self._server
        union = self._union if self._to.union == "named" else None
        for graph in (*changed, union):
            server.delete(graph)
        held: list[bytes] = []
        size = 0
        for graph in self._graphs:
            for lines in self._split(graph, self._to.piece // 2):
                text = _quads(lines, graph if graph in changed else None, self._union, union)
                if held and size + len(text) > self._to.piece:
                    server.post_quads(b"".join(held))
                    held, size = [], 0
                held.append(text)
                size += len(text)
                self._tell(sum(map(len, lines)), graph)
        if held:
            server.post_quads(b"".join(held))

    def _bulk(self, changed: Sequence[str], load_dir: Path) -> None:
        """Write N-Quads files where Virtuoso may read them, and have it load them."""
        for graph in (*changed, self._union):
            self._server.delete(graph)
        stem = f"kg-export-{self._manifest.id[:12]}-{os.getpid()}"
        files: list[Path] = []
        try:
            with io_errors(load_dir, "the files for the bulk loader cannot be written"):
                room = 0
                for graph in self._graphs:
                    wanted = graph if graph in changed else None
                    for lines in self._split(graph, _BULK):
                        if room <= 0:
                            files.append(load_dir / f"{stem}-{len(files):06}.nq")
                            files[-1].touch(0o644)
                            room = _BULK
                        with files[-1].open("ab") as file:
                            room -= file.write(_quads(lines, wanted, self._union, self._union))
                        self._tell(sum(map(len, lines)), graph)
            self._say(f"Virtuoso loads {len(files)} files of {load_dir}")
            run_loader(self._to, load_dir, stem)
        finally:
            for path in files:
                path.unlink(missing_ok=True)

    def _split(self, graph: str, most: int) -> Iterator[list[bytes]]:
        """Yield the triples of a graph as lines of N-Triples, at most so many bytes at a time."""
        held: list[bytes] = []
        size = 0
        for part in self._dumps.parts[self._graphs[graph].key]:
            for line in part_lines(self._dumps.folder, part):
                text = _triple(line, self._manifest).encode()
                if held and size + len(text) > most:
                    yield held
                    held, size = [], 0
                held.append(text)
                size += len(text)
        if held:
            yield held

    def _tell(self, count: int, graph: str) -> None:
        self._done += count
        if time.monotonic() - self._told >= _EVERY_S:
            self._told = time.monotonic()
            share = min(100, 100 * self._done // max(self._total, 1))
            self._say(f"{share} %: {self._done / 1e6:,.1f} MB sent, in {graph}")


def _digests(dumps: Dumps, union: str) -> dict[str, str]:
    """Return a digest of what each graph holds, and the union of them, by IRI."""
    found: dict[str, str] = {}
    for entry in dumps.manifest.graphs:
        if entry.key in dumps.parts:
            hashes = " ".join(part.nq_sha256 for part in dumps.parts[entry.key])
            found[entry.iri] = hashlib.sha256(hashes.encode()).hexdigest()[:32]
    together = " ".join(itertools.chain.from_iterable(sorted(found.items())))
    return {**found, union: hashlib.sha256(together.encode()).hexdigest()[:32]}


def _triple(line: str, manifest: Manifest) -> str:
    """Return a line of N-Quads as one of N-Triples, with names instead of blank nodes.

    Pieces of a graph could not share a blank node, and one that is sent again would be another.

    Spec: RDF 1.1 Concepts, section 3.5 (skolemization)
    """
    text = line[: line.rindex(" <")]
    if manifest.imported:
        names = f"<{manifest.base_iri}.well-known/genid/\\1>"
        text = _BLANK_SUBJECT.sub(f"{names} ", text)
        text = _BLANK_OBJECT.sub(f" {names}", text)
    return f"{text} .\n"


def _quads(lines: Sequence[bytes], graph: str | None, name: str, union: str | None) -> bytes:
    """Return triples as N-Quads: in a graph where one is given, and in the union.

    Args:
        lines: N-Triples.
        graph: the graph that they are of, or None if it is not sent.
        name: that of the union.
        union: the same where it has a name in the server, or None for the default graph.
    """
    ending = f" <{name}> .\n".encode() if union else b" .\n"
    found = [line[:-3] + ending for line in lines]
    if graph is not None:
        ending = f" <{graph}> .\n".encode()
        found += [line[:-3] + ending for line in lines]
    return b"".join(found)


# --- Virtuoso's own loader ---


def run_loader(to: Target, load_dir: Path, stem: str) -> None:
    """Return when Virtuoso has loaded the N-Quads files of a folder whose names begin with `stem`.

    Raises:
        ConfigError: there is no isql, or the folder has a name that cannot be given to it.
        ServerError: it cannot log in, or a file was not loaded.
    """
    folder = str(load_dir.resolve())
    if not _QUOTED.fullmatch(folder):
        raise ConfigError(
            "the path of the folder has characters that SQL would have to quote",
            where="--load-dir",
            seen=folder,
            expected="letters, digits and . _ + - /",
        )
    done = f"{stem} is loaded"
    files = f"{folder}/{stem}-%"
    said = isql(
        to,
        f"ld_dir('{folder}', '{stem}-*.nq', 'urn:none'); rdf_loader_run(); checkpoint; "
        f"SELECT CONCAT('not loaded: ', ll_file, ' ', COALESCE(ll_error, '')) FROM DB.DBA.load_list"
        f" WHERE ll_file LIKE '{files}' AND (ll_state <> 2 OR ll_error IS NOT NULL); "
        f"SELECT CONCAT('files: ', COUNT(*)) FROM DB.DBA.load_list WHERE ll_file LIKE '{files}'; "
        f"DELETE FROM DB.DBA.load_list WHERE ll_file LIKE '{files}'; "
        f"ECHOLN '{done}';",
    )
    failed = [line.strip() for line in said.splitlines() if line.startswith("not loaded: ")]
    errors = [line.strip() for line in said.splitlines() if line.startswith("*** Error")]
    if failed or errors or done not in said:
        raise ServerError(
            "Virtuoso's loader has not loaded all files",
            where=to.isql,
            seen="; ".join((failed + errors)[:3]) or said[-200:].strip(),
            hint=f"is {folder} in DirsAllowed of virtuoso.ini, and can the server read it? "
            "Without --load-dir the graphs are sent by HTTP",
        )


def isql(to: Target, statements: str) -> str:
    """Return what Virtuoso's isql prints for some statements.

    The password goes in as somebody types it: an argument would stand in the list of processes.

    Raises:
        ConfigError: there is no isql.
        ServerError: it does not log in, or does not end.
    """
    command = next(filter(None, map(shutil.which, _ISQL)), None)
    if command is None:
        raise ConfigError(
            "Virtuoso's isql is not here",
            where="--load-dir",
            expected=f"a command {', '.join(_ISQL)}",
            hint="leave out --load-dir: then the graphs are sent by HTTP",
        )
    ours, theirs = pty.openpty()
    arguments = [command, to.isql, to.access.user, "VERBOSE=OFF", "BANNER=OFF", "PROMPT=OFF"]
    process = subprocess.Popen(
        [*arguments, "ERRORS=STDOUT", f"EXEC={statements}"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_control,
    )
    os.close(theirs)
    said, asked = b"", False
    until = time.monotonic() + _BULK_S
    try:
        while time.monotonic() < until:
            ready, _, _ = select.select([ours], [], [], 1.0)
            if ready:
                try:
                    more = os.read(ours, 1 << 16)
                except OSError:  # the other end is closed
                    break
                said += more
                if not asked and b"Enter password" in said:
                    asked = True
                    os.write(ours, to.access.password.encode() + b"\n")
                elif asked and said.count(b"Enter password") > 1:
                    break
            elif process.poll() is not None:
                break
        else:
            raise ServerError("isql does not end", where=to.isql, seen=f"{_BULK_S:g} s")
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
    text = said.decode(errors="replace").replace("\r\n", "\n")
    before, _, after = text.partition("Enter password")
    if (asked and "Bad login" in after) or (not asked and "Bad login" in before):
        raise ServerError(
            "Virtuoso does not let us in",
            where=to.isql,
            seen=f"user {to.access.user}",
            hint="set KG_SERVER_USER and KG_SERVER_PASSWORD",
        )
    failed = [line for line in text.splitlines() if "Connect failed" in line]
    if failed:
        raise ServerError(
            "Virtuoso cannot be reached by SQL",
            where=to.isql,
            seen=failed[0],
            expected="the host and port of ServerPort in [Parameters] of virtuoso.ini",
            hint="give it with --isql HOST:PORT",
        )
    return after if asked else text


def _control() -> None:
    """Make the standard input the terminal of this process: passwords are read from there."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
