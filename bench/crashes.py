"""Kills builds, and changes the release under clients; counts what did not go well.

    python bench/crashes.py kill [--points 50] [--seed 1] [--claims 1000]
    python bench/crashes.py switches [--switches 20] [--clients 8] [--queries 200] [--claims 400]

kill: a release is published. Then, for each point, facts change, a command of `kg` is started as a
process group of its own, and the whole group gets SIGKILL after a random share of the time that the
command takes, from its first moment to a little after its end. Of ten points four are builds of
what changed, four are whole builds (`--full`), one is a `kg release rollback` and one a `kg release
prune`. A point is recovered if all of this is so:

- `current` names the old release or the new one, and `kg release verify` finds nothing;
- `kg serve` gets ready on it, and a query has the rows of that release; the feed can be read;
- the same command, and then `kg build`, succeed and give what a build into an empty folder gives:
  the same id, and the same bytes in every file but the store;
- nothing else is left in the folder of releases, in `.build`, in `changes` or in TMPDIR;
- `kg release list` and all pages of the feed can be read, and both end in this release.

switches: one `kg serve`, three releases in which every English label is another one. Clients ask
for queries, pages and downloads over connections that are kept open, while `kg build` and `kg
release rollback` make one release after the other the current one, the first of them built
meanwhile. Each answer has to be the whole body that this release gives when nothing else happens.

Every process has a time after which it is ended. Data: bench/generate.py. Nothing is asserted: the
exit code is 1 if something did not go well.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from generate import write_facts
from releases import CHANGES

from kg.changes import read_page
from kg.manifest import read_manifest, read_publications
from kg.release import prune

COMMAND: Final = (sys.executable, "-m", "kg")
PATIENCE_S: Final = 300
"""Seconds after which a command is ended, or a server that is not ready."""
STATES: Final = 9
"""States that facts go through, again and again; releases are pruned before they come again."""
_BUILDS: Final = ("changed", "whole", "changed", "whole")
ROUND: Final = (*_BUILDS, "rollback", *_BUILDS, "prune")
LATER: Final = 1.05
"""The last moment of a kill, as a share of the time that the command takes."""
STANCES: Final = "SELECT ?c ?s WHERE { ?c ch:stance ?s }"
JSON: Final = "application/sparql-results+json"


class Trouble(Exception):
    """What did not go well."""


# --- commands and servers -------------------------------------------------------------------


def start(*arguments: str | Path, tmp: Path) -> subprocess.Popen[str]:
    """Return a command of `kg` that has just been started, as a process group of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, "TMPDIR": str(tmp)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Kill a command that was started here, with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kg(*arguments: str | Path, tmp: Path) -> str:
    """Return what a command says.

    Raises:
        Trouble: it fails, or takes too long.
    """
    process = start(*arguments, tmp=tmp)
    what = " ".join(str(one) for one in arguments[:2])
    try:
        said, told = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        end(process)
        raise Trouble(f"kg {what} is not at its end after {PATIENCE_S} s") from None
    if process.returncode:
        raise Trouble(f"kg {what} ends with {process.returncode}: {(said + told)[-500:]}")
    return said


class Server(NamedTuple):
    """A server that is ready: its port, and the seconds from its start until it was."""

    port: int
    ready: float

    def get(self, path: str, accept: str = "*/*") -> tuple[http.client.HTTPMessage, bytes]:
        """Return headers and body of an answer.

        Raises:
            OSError: there is none, or it is an error.
        """
        request = urllib.request.Request(self.address + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.headers, response.read()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def served(releases: Path, tmp: Path) -> Iterator[Server]:
    """Yield `kg serve` on a folder of releases; it is ended afterwards.

    Raises:
        Trouble: it ends, or is not ready in a long time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.perf_counter()
    with (tmp / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *COMMAND,
                "serve",
                "--releases",
                str(releases),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            env={**os.environ, "TMPDIR": str(tmp)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    break
            except OSError:
                if process.poll() is not None or time.perf_counter() > begin + PATIENCE_S:
                    said = (tmp / "log").read_text(encoding="utf-8", errors="replace")
                    raise Trouble(f"kg serve is not ready: {said[-500:]}") from None
                time.sleep(0.005)
        yield Server(port, time.perf_counter() - begin)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        (tmp / "log").unlink()


def address_of(query: str) -> str:
    return f"/sparql?query={urllib.parse.quote(query, safe='')}"


def remove(folder: Path) -> None:
    """Remove a folder in which there may be releases, which cannot be written to."""
    for parent, _, _ in os.walk(folder):
        os.chmod(parent, 0o755)
    shutil.rmtree(folder)


def load() -> str:
    return f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


# --- kill -----------------------------------------------------------------------------------


class Known(NamedTuple):
    """A release as a build into an empty folder makes it."""

    id: str
    files: Mapping[str, str]
    rows: Sequence[str]


def files_of(release: Path) -> dict[str, str]:
    """Return the checksum of every file of a release, but for those of its store."""
    found = {}
    for path in sorted(release.rglob("*")):
        name = path.relative_to(release).as_posix()
        if path.is_file() and not name.startswith("store"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def rows_of(server: Server) -> list[str]:
    """Return the rows of a query of which every release here has others."""
    _, body = server.get(address_of(STANCES), "text/tab-separated-values")
    return sorted(body.decode().splitlines())


class Killing:
    """A folder of releases in which builds are killed.

    Args:
        place: a folder for all of it.
        claims: of the facts.
    """

    def __init__(self, place: Path, claims: int) -> None:
        self.facts, self.out, self.tmp = (place / name for name in ("facts", "releases", "tmp"))
        self.tmp.mkdir()
        write_facts(self.facts, claims)
        self._texts = list(self._all_states())
        self._now: dict[str, str] = self._texts[0]
        self.taken: dict[str, list[float]] = {kind: [] for kind in ROUND}
        self.ready: list[float] = []
        """Seconds until a server was ready where nothing had been killed."""
        self._known = [self._reference(place / "reference", n) for n in range(STATES)]
        self.state = 0

    def _all_states(self) -> Iterator[dict[str, str]]:
        """Yield the files of each state: what is generated, with one change of its own."""
        first = {path.name: path.read_text(encoding="utf-8") for path in self.facts.iterdir()}
        for number in range(STATES):
            CHANGES[number % len(CHANGES)][1](self.facts, number)
            found = {path.name: path.read_text(encoding="utf-8") for path in self.facts.iterdir()}
            yield found
            self._now = found
            self._write(first)

    def _write(self, texts: dict[str, str]) -> None:
        for name in self._now.keys() - texts.keys():
            (self.facts / name).unlink()
        for name, text in texts.items():
            if self._now.get(name) != text:
                (self.facts / name).write_text(text, encoding="utf-8")
        self._now = texts

    def put(self, state: int) -> None:
        """Let the facts be in a state."""
        self.state = state % STATES
        self._now = {p.name: p.read_text(encoding="utf-8") for p in self.facts.iterdir()}
        self._write(self._texts[self.state])

    def _reference(self, folder: Path, state: int) -> Known:
        self.put(state)
        self.taken["whole"].append(self.timed(*self.build(folder)))
        release = (folder / "current").resolve()
        with served(folder, self.tmp) as server:
            known = Known(release.name, files_of(release), rows_of(server))
            self.ready.append(server.ready)
        remove(folder)
        return known

    def timed(self, *arguments: str | Path) -> float:
        """Return the seconds that a command takes."""
        begin = time.perf_counter()
        kg(*arguments, tmp=self.tmp)
        return time.perf_counter() - begin

    def build(self, out: Path | None = None) -> tuple[str | Path, ...]:
        """Return the command that builds the facts."""
        return ("build", "--facts", self.facts, "--out", out or self.out)

    def begin(self) -> None:
        """Make a folder of releases with two of them, anew."""
        if self.out.exists():
            remove(self.out)
        for _ in range(2):
            self.put(self.state + 1)
            kg(*self.build(), tmp=self.tmp)

    def measure(self) -> None:
        """Let every command come to its end twice, to know how long it takes."""
        for _ in range(2):
            self.put(self.state + 1)
            self.taken["changed"].append(self.timed(*self.build()))
            self.taken["rollback"].append(self.timed("release", "rollback", "--releases", self.out))
            kg(*self.build(), tmp=self.tmp)
            self.taken["prune"].append(self.timed(*self._prune))

    @property
    def _prune(self) -> tuple[str | Path, ...]:
        return ("release", "prune", "--keep", "1", "--releases", self.out)

    @property
    def known(self) -> Known:
        """Return the release that the facts as they are have to become."""
        return self._known[self.state]

    def current(self) -> str:
        return os.readlink(self.out / "current")

    def prepare(self, kind: str) -> tuple[tuple[str | Path, ...], str, str]:
        """Return the command to be killed, and the releases that are current before and after."""
        prune(self.out, 2)
        if kind == "changed" and self._remembered() != self.current():
            self.put(self.state + 1)  # a whole build, after which there is something to extend
            kg(*self.build(), tmp=self.tmp)
            prune(self.out, 2)
        old = self.known
        if kind == "prune":
            return self._prune, old.id, old.id
        if kind == "rollback":
            [before] = {path.name for path in self.out.iterdir() if len(path.name) == 64} - {old.id}
            return ("release", "rollback", before, "--releases", self.out), old.id, before
        self.put(self.state + 1)
        if (self.out / self.known.id).exists():
            raise Trouble("the release to be built stands already")
        more = ("--full",) if kind == "whole" else ()
        return (*self.build(), *more), old.id, self.known.id

    def _remembered(self) -> str:
        try:
            found = json.loads((self.out / ".build/graph.json").read_bytes())
        except OSError:
            return ""
        return str(found["release"])

    def strike(self, command: Sequence[str | Path], after: float) -> bool:
        """Start a command and kill it; return whether it came to its end before that."""
        process = start(*command, tmp=self.tmp)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        done = process.poll() is not None
        end(process)
        return done

    def survives(self, old: str, new: str) -> float:
        """Return how long a server on what is left takes to be ready.

        Raises:
            Trouble: what is left is no whole release, old or new.
        """
        found = self.current()
        if found not in (old, new):
            raise Trouble(f"{found[:12]} is current: not the old release, nor the new one")
        kg("release", "verify", "--releases", self.out, tmp=self.tmp)
        expected = next(one for one in self._known if one.id == found)
        with served(self.out, self.tmp) as server:
            headers, body = server.get("/readyz")
            if json.loads(body)["release"] != found:
                raise Trouble(f"{body!r} is served, and not {found}")
            if rows_of(server) != expected.rows:
                raise Trouble("a query has not the rows of the release that is current")
            server.get("/changes", "text/turtle")
            server.get("/releases", "text/html")
            headers, _ = server.get("/download/current/graph.nq.gz")
            if headers["kg-release"] != found:
                raise Trouble("a download is of another release")
        return server.ready

    def recovers(self, command: Sequence[str | Path], current: str) -> None:
        """Do it again, to the end, and then build.

        Raises:
            Trouble: this fails, or is not what a build into an empty folder gives.
        """
        if command[0] == "release":
            kg(*command, tmp=self.tmp)
            if self.current() != current:
                raise Trouble("the command succeeds and has no effect")
        kg(*self.build(), tmp=self.tmp)
        if self.current() != self.known.id:
            raise Trouble("the next build makes another release")
        if files_of(self.out / self.known.id) != self.known.files:
            raise Trouble("the next build makes other bytes than one into an empty folder")
        kg("release", "verify", "--releases", self.out, tmp=self.tmp)
        self._nothing_left()
        self._history()

    def _nothing_left(self) -> None:
        here = {path.name for path in self.out.iterdir() if len(path.name) != 64}
        left = here - {".build", ".lock", "changes", "current", "published.jsonl"}
        build = {path.name for path in (self.out / ".build").iterdir()}
        left |= build - {"facts.sqlite", "graph", "graph.json", "journal.nt", "lock"}
        pages = (self.out / "changes").iterdir()
        left |= {path.name for path in pages if path.suffix != ".jsonl"}
        left |= {path.name for path in self.tmp.iterdir()}
        if left:
            raise Trouble(f"left behind: {', '.join(sorted(left))}")

    def _history(self) -> None:
        listed = json.loads(kg("release", "list", "--json", "--releases", self.out, tmp=self.tmp))
        if [one["id"] for one in listed if one["current"]] != [self.known.id]:
            raise Trouble("the list of releases names another one as the current one")
        if any(one["problem"] or one["published"] is None for one in listed):
            raise Trouble("a release of the list cannot be read, or was never published")
        publications = read_publications(self.out)
        lines = (self.out / "published.jsonl").read_bytes().splitlines()
        if not lines or publications[-1].id != self.known.id:
            raise Trouble("what was published last is not noted")
        base = read_manifest(self.out / self.known.id).base_iri
        for number, one in enumerate(publications):
            page = read_page(self.out, base, number)
            if page is None or page.release != one.id or (number and not page.known):
                raise Trouble(f"page {number} of the feed is lost")
            if number and page.before != publications[number - 1].id:
                raise Trouble(f"page {number} of the feed does not go on from the one before")


def kill(place: Path, points: int, seed: int, claims: int) -> bool:
    """Print what came of every point; return whether all went well."""
    rnd = random.Random(seed)
    world = Killing(place, claims)
    world.begin()
    world.measure()
    whole = {kind: statistics.median(taken) for kind, taken in world.taken.items()}
    quads = read_manifest((world.out / "current").resolve()).quads
    print(f"{quads:,} quads; seed {seed}; {load()}")
    print("a command takes " + ", ".join(f"{k}: {s:.2f} s" for k, s in whole.items()))
    print(f"{'point':>5} {'command':9} {'killed after':>17}  {'current is':17} ready", flush=True)
    ready, lost, found = list[float](), 0, {"old": 0, "new": 0, "ended": 0}
    for point in range(1, points + 1):
        kind = ROUND[(point - 1) % len(ROUND)]
        share = LATER * rnd.random()
        told = f"{point:5} {kind:9} {share * whole[kind]:7.2f} s {100 * share:5.0f} %  "
        try:
            command, old, new = world.prepare(kind)
            ended = world.strike(command, share * whole[kind])
            now = "new" if kind == "prune" and ended else "old" if world.current() == old else "new"
            found["ended" if ended else now] += 1
            told += f"{now + (', at its end' if ended else ''):17} "
            seconds = world.survives(old, new)
            ready.append(seconds)
            told += f"{seconds:5.2f} s"
            world.recovers(command, new)
        except (Trouble, OSError, ValueError) as error:
            lost += 1
            told += f"  NOT RECOVERED: {error}"
            world.begin()
        print(told, flush=True)
    print(
        f"{points} points: {points - lost} recovered; {found['old']} killed before the switch, "
        f"{found['new']} after it, {found['ended']} at their end already"
    )
    for where, some in (("", ready), (" where nothing was killed", world.ready)):
        if some:
            median = statistics.median(some)
            print(f"ready after {median:.2f} s (median), {max(some):.2f} s (worst){where}")
    print(load())
    return not lost


# --- switches -------------------------------------------------------------------------------

MARKS: Final = ("alpha", "beta", "gamma")
"""What every English label of a release ends in."""
LABELS: Final = """SELECT ?x ?what ?label WHERE {
  { ?x a ch:Agent ; rdfs:label ?label . BIND("agent" AS ?what) }
  UNION { ?x a ch:Event ; rdfs:label ?label . BIND("event" AS ?what) }
  UNION { ?x a ch:Document ; dcterms:title ?label . BIND("document" AS ?what) }
  UNION { SELECT (1 AS ?x) ("count" AS ?what) (COUNT(*) AS ?label)
          WHERE { ?s rdfs:label ?l FILTER(CONTAINS(?l, "alpha")) } }
  FILTER(?what = "count" || LANG(?label) = "en") } ORDER BY ?what ?x ?label"""
ALL: Final = "SELECT ?s ?p ?o WHERE { ?s ?p ?o }"
SLOW: Final = """SELECT ?one ?two (COUNT(*) AS ?n) WHERE {
  ?c ch:concerns ?e ; ch:claimant ?a . ?d ch:concerns ?e ; ch:claimant ?b .
  ?a rdfs:label ?one . ?b rdfs:label ?two FILTER(LANG(?one) = "en" && LANG(?two) = "en")
} GROUP BY ?one ?two ORDER BY ?one ?two"""
GRAPH: Final = "CONSTRUCT { ?s rdfs:label ?o } WHERE { ?s rdfs:label ?o }"


class Asked(NamedTuple):
    """What is asked: an address, what is accepted, and whether it is made anew each time."""

    path: str
    accept: str
    anew: bool = False

    def at(self, number: int) -> str:
        """Return the address, which no answer is kept for if it is to be made anew."""
        return self.path + (urllib.parse.quote(f" # {number}") if self.anew else "")


class Whole(NamedTuple):
    """An answer as a release gives it when nothing else happens."""

    body: bytes
    etag: str


@dataclass
class Seen:
    """What clients have seen. `last` is the release of the latest answer to each client."""

    answers: int = 0
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    last: dict[int, str] = field(default_factory=dict)


def write_marked(folder: Path, claims: int, mark: str) -> None:
    """Write facts of so many claims in which every English label ends in a mark."""
    write_facts(folder, claims)
    for path in folder.iterdir():
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            for name in ("label", "labels", "title"):
                if "en" in record.get(name, ()):
                    record[name]["en"] += f" {mark}"
            lines.append(json.dumps(record, ensure_ascii=False) + "\n")
        path.write_text("".join(lines), encoding="utf-8")


def asked_of(server: Server) -> list[Asked]:
    """Return what clients ask: queries, pages and downloads."""
    first = "SELECT ?x WHERE { ?x a $class } ORDER BY ?x LIMIT 1"
    things = []
    for name in ("ch:Agent", "ch:Event"):
        _, body = server.get(address_of(first.replace("$class", name)), JSON)
        [row] = json.loads(body)["results"]["bindings"]
        things.append(row["x"]["value"].partition("/id/")[2])
    return [
        Asked(address_of(LABELS), JSON),
        Asked(address_of(LABELS), JSON, anew=True),
        Asked(address_of(ALL), "text/tab-separated-values", anew=True),
        Asked(f"/doc/{things[0]}.html", "text/html"),
        Asked(address_of(SLOW), "text/csv", anew=True),
        Asked(address_of(GRAPH), "application/n-triples", anew=True),
        Asked("/download/current/graph.nq", "*/*"),
        Asked(f"/doc/{things[1]}.ttl", "text/turtle"),
        Asked("/download/current/graphs/registry.ttl", "*/*"),
        Asked(f"/doc/{things[1]}.html", "text/html"),
        Asked(address_of(ALL), "application/sparql-results+xml", anew=True),
    ]


def alone(server: Server, asked: Sequence[Asked]) -> tuple[str, list[Whole]]:
    """Return the id of the release that is served, and its answers.

    Raises:
        Trouble: one of them is not the same when it is asked for again.
    """
    release, found = "", list[Whole]()
    for one in asked:
        twice = [server.get(one.at(number), one.accept) for number in (1, 2)]
        if twice[0][1] != twice[1][1]:
            raise Trouble(f"{one.path} is not the same twice")
        headers, body = twice[0]
        release = headers["kg-release"]
        found.append(Whole(body, headers["etag"] or ""))
    return release, found


class Client(threading.Thread):
    """Asks one thing after the other over one connection, and looks at the answers.

    Args:
        number: of the client, from 0.
        least: how many queries it sends, until `done` at least.
        history: the releases that were made current, oldest first; one is named there before it is.
    """

    def __init__(
        self,
        port: int,
        number: int,
        least: int,
        asked: Sequence[Asked],
        known: Mapping[str, Sequence[Whole]],
        history: Sequence[str],
        seen: Seen,
        done: threading.Event,
    ) -> None:
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._number = number
        self._least = least
        self._asked = asked
        self._known = known
        self._history = history
        self._seen = seen
        self._done = done
        self._place = 0

    def run(self) -> None:
        """Ask until all is done."""
        until, number = time.monotonic() + 4 * PATIENCE_S, 0
        while (number < self._least or not self._done.is_set()) and time.monotonic() < until:
            which = (self._number + number) % len(self._asked)
            try:
                self._ask(which, 1000 * number + self._number + 3)
            except (OSError, http.client.HTTPException) as error:
                self._seen.errors.append(f"{self._asked[which].path[:60]}: {error!r}")
                self._connection.close()
            number += 1
        self._connection.close()

    def _ask(self, which: int, number: int) -> None:
        one = self._asked[which]
        self._connection.request("GET", one.at(number), headers={"Accept": one.accept})
        answer = self._connection.getresponse()
        body = answer.read()
        self._seen.answers += 1
        release = answer.headers["kg-release"] or ""
        if answer.status != 200 or release not in self._known:
            self._seen.errors.append(f"{one.path[:60]}: {answer.status} {body[:200]!r}")
            return
        whole = self._known[release][which]
        if body != whole.body:
            others = [n for n, some in self._known.items() if some[which].body == body]
            what = f"that of {others[0][:12]}" if others else f"that of no release: {len(body)} B"
            self._seen.mixed.append(f"{one.path[:60]}: names {release[:12]}, the body is {what}")
        if not one.anew and (answer.headers["etag"] or "") != whole.etag:
            self._seen.mixed.append(f"{one.path[:60]}: the ETag is of another release")
        later = self._history[self._place :]
        if release not in later:
            self._seen.mixed.append(f"{one.path[:60]}: an older release after a newer one")
        else:
            self._place += later.index(release)
        self._seen.last[self._number] = release


def switches(place: Path, count: int, clients: int, queries: int, claims: int) -> bool:
    """Print what clients have seen; return whether all went well."""
    tmp, out = place / "tmp", place / "releases"
    tmp.mkdir()
    known: dict[str, Sequence[Whole]] = {}
    order: list[tuple[str, Path]] = []
    asked: list[Asked] = []
    for mark in MARKS:
        facts, folder = place / f"facts-{mark}", place / mark
        write_marked(facts, claims, mark)
        kg("build", "--facts", facts, "--out", folder, tmp=tmp)
        with served(folder, tmp) as server:
            asked = asked or asked_of(server)
            release, known[release] = alone(server, asked)
        order.append((release, facts))
    for which, one in enumerate(asked):
        if len({some[which].body for some in known.values()}) != len(MARKS):
            raise Trouble(f"{one.path} is the same in two releases")
    for _, facts in (order[2], order[0]):  # the one between is built while clients ask
        kg("build", "--facts", facts, "--out", out, tmp=tmp)
    history, waits, seen, done = [order[0][0]], list[float](), Seen(), threading.Event()
    sizes = [len(whole.body) for whole in known[history[0]]]
    print(f"{claims:,} claims; answers of {min(sizes):,} to {max(sizes):,} bytes; {load()}")
    with served(out, tmp) as server:
        if alone(server, asked) != (history[0], known[history[0]]):
            raise Trouble("a release answers otherwise than the same one in another folder")
        several = [
            Client(server.port, number, queries, asked, known, history, seen, done)
            for number in range(clients)
        ]
        begin = time.perf_counter()
        for client in several:
            client.start()
        try:
            for number in range(count):
                release, facts = order[(number + 1) % len(order)]
                history.append(release)
                if number % 2:
                    kg("release", "rollback", release, "--releases", out, tmp=tmp)
                else:
                    kg("build", "--facts", facts, "--out", out, tmp=tmp)
                since = os.lstat(out / "current").st_mtime
                while server.get(address_of("ASK {}"), JSON)[0]["kg-release"] != release:
                    if time.time() > since + PATIENCE_S:
                        raise Trouble("the server does not change to the release that is current")
                    time.sleep(0.01)
                waits.append(time.time() - since)
                while set(seen.last.values()) != {release} and any(c.is_alive() for c in several):
                    time.sleep(0.01)
        finally:
            done.set()
            for client in several:
                client.join()
        taken = time.perf_counter() - begin
    for line in (*seen.errors[:10], *seen.mixed[:10]):
        print(line)
    print(
        f"{count} switches under {clients} clients, {seen.answers:,} answers in {taken:.0f} s: "
        f"{len(seen.errors)} errors, {len(seen.mixed)} mixed"
    )
    print(
        "answered from the new release "
        f"{statistics.median(waits):.2f} s after the switch (median), {max(waits):.2f} s (worst)"
    )
    print(load())
    return not seen.errors and not seen.mixed and seen.answers >= clients * queries


def main() -> None:
    """Do one of the two and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("kill", "switches"))
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--claims", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kg-crashes-") as folder:
        place = Path(folder)
        try:
            if options.what == "kill":
                well = kill(place, options.points, options.seed, options.claims or 1000)
            else:
                how = (options.switches, options.clients, options.queries)
                well = switches(place, *how, options.claims or 400)
        finally:
            for parent, _, _ in os.walk(place):
                os.chmod(parent, 0o755)
    sys.exit(not well)


if __name__ == "__main__":
    main()
