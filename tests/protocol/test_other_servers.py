"""A release in Oxigraph's server and in Virtuoso: loaded, counted, asked, and served from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pyoxigraph as ox
import pytest

from kg.build import read_questions
from kg.errors import ConfigError, KgError, ServerError
from kg.manifest import Manifest, read_manifest
from kg.release import write_release
from kg.remote import Access, Server, marker_graph, union_graph
from kg.resources import folder
from kg.servers import Loaded, load_release, target
from kg.store import Store, current_release, open_release
from kg.web.guard import check

from .others import ROWS, Other, Oxigraph, Virtuoso, free_port

pytestmark = pytest.mark.timeout(300)

BASE = "https://chancery.example/"
MADE: dict[str, type[Other]] = {"oxigraph": Oxigraph, "virtuoso": Virtuoso}
KINDS = [pytest.param(kind, marks=pytest.mark.requires(kind)) for kind in MADE]
QUESTIONS = {one.id: one.query for one in read_questions(folder("queries"), BASE)}
REGISTRY = f"{BASE}id/graph/registry"
VOCABULARY = f"{BASE}id/graph/vocabulary"
OTHERS = {
    "construct": "CONSTRUCT { ?s rdfs:label ?l } WHERE { ?s a ch:Event ; rdfs:label ?l }",
    "construct short": "CONSTRUCT WHERE { ?s a ch:Person ; rdfs:label ?l }",
    "construct one graph": f"CONSTRUCT {{ ?s a ?o }} FROM <{REGISTRY}> WHERE {{ ?s a ?o }}",
    "construct no variable": "CONSTRUCT { ch:a ch:b true } WHERE { ?s a ch:State }",
    "describe": "DESCRIBE agent:kim-jong-un",
    "describe some": "DESCRIBE ?x agent:russia WHERE { ?x a ch:State } ORDER BY ?x LIMIT 3",
    "count": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "count a graph": f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{REGISTRY}> {{ ?s ?p ?o }} }}",
    "graphs": "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g",
    "graphs beside": "SELECT (COUNT(*) AS ?n) { ?s a ch:Claim OPTIONAL { GRAPH ?g { ?s ?p ?o } } }",
    "from": f"SELECT (COUNT(*) AS ?n) FROM <{REGISTRY}> {{ ?s ?p ?o }}",
    "from two": f"SELECT (COUNT(*) AS ?n) FROM <{REGISTRY}> FROM <{VOCABULARY}> {{ ?s ?p ?o }}",
    "from, and a graph": f"SELECT * FROM <{REGISTRY}> {{ GRAPH ?g {{ ?s a ch:State }} }}",
    "from named": f"SELECT ?g (COUNT(*) AS ?n) FROM NAMED <{REGISTRY}> FROM NAMED <{VOCABULARY}>"
    " { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g",
    "from named alone": f"SELECT (COUNT(*) AS ?n) FROM NAMED <{REGISTRY}> {{ ?s ?p ?o }}",
    "truth": "SELECT ?s ?x { ?s ch:accepted ?x } ORDER BY ?s",
    "by truth": "SELECT (COUNT(*) AS ?n) { ?s ch:accepted ?x FILTER(?x = false) }",
    "yes": "ASK { ?s a ch:Claim }",
    "no": "ASK { ?s a <urn:nothing> }",
    "optional": "SELECT ?p ?i { ?p a ch:Person OPTIONAL { ?p skos:exactMatch ?i } } ORDER BY ?p ?i",
    "language": 'SELECT ?l { agent:russia rdfs:label ?l FILTER(LANGMATCHES(LANG(?l), "bn")) }',
    "dates": "SELECT ?t ?e { ?t ch:earliest ?e } ORDER BY ?t ?e",
    "missing": "SELECT (COUNT(?x) AS ?n) { ?x a ch:Event FILTER NOT EXISTS { ?c ch:about ?x } }",
    "page": "SELECT ?s { ?s a ch:Claim } ORDER BY ?s LIMIT 5 OFFSET 3",
    "groups": "SELECT ?w (COUNT(?c) AS ?n) { ?c ch:claimant ?w } GROUP BY ?w ORDER BY DESC(?n) ?w",
}
ALL = QUESTIONS | OTHERS
PAGES = (
    "/doc/agent/kim-jong-un.nq",
    "/doc/agent/tass.ttl",
    "/doc/document/lavrov-visit-bn.jsonld",
    "/ontology.ttl",
    "/graphs?graph=https%3A%2F%2Fchancery.example%2Fid%2Fgraph%2Fstatus&format=nt",
)
SEEN = ("/", "/doc/agent/kim-jong-un.html", "/doc/document/lavrov-visit-bn.html", "/search?q=Putin")


@pytest.fixture(scope="session")
def here(built: Path) -> Callable[[str], Any]:
    """Return what answers a query with our own engine: rows, yes or no, or statements."""
    release = open_release(current_release(built))
    store = Store(release.store, release.prefixes, disjoint=release.disjoint)

    def answer(text: str) -> Any:
        checked = check(text, prefixes=release.prefixes, graphs=release.graphs)
        found: Any = store._evaluate(text, checked.default_graphs, checked.named_graphs)
        if checked.form == "ASK":
            return bool(found)
        if checked.form == "SELECT":
            names = [v.value for v in found.variables]
            return names, [tuple(str(row[name]) for name in names) for row in found]
        return {str(triple) for triple in found}

    return answer


@pytest.fixture(scope="session")
def others(
    tmp_path_factory: pytest.TempPathFactory, built: Path
) -> Iterator[Callable[[str], Other]]:
    """Return the function that gives a server with the built-in facts in it, one of each kind."""
    running: dict[str, Other] = {}

    def other(kind: str) -> Other:
        if kind not in running:
            running[kind] = MADE[kind](tmp_path_factory.mktemp(kind))
            load(running[kind], current_release(built))
        return running[kind]

    yield other
    for one in running.values():
        one.stop()


@pytest.fixture(scope="session")
def sites(
    others: Callable[[str], Other], built: Path, serve: Callable[..., Any]
) -> Callable[[str], Any]:
    """Return the function that gives `kg serve` with a server of a kind behind it, or none."""
    running: dict[str, Any] = {}

    def site(kind: str) -> Any:
        if kind not in running:
            more = {"backend": others(kind).query} if kind else {}
            running[kind] = serve(built, workers=2, cache_mib=0, **more)
        return running[kind]

    return site


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Other]]:
    """Return the function that starts an empty server of a kind for one test."""
    running: list[Other] = []

    def other(kind: str) -> Other:
        running.append(MADE[kind](tmp_path_factory.mktemp(kind)))
        return running[-1]

    yield other
    for one in running:
        one.stop()


def load(other: Other, release: Path, **options: Any) -> Loaded:
    said = options.pop("said", [])
    ours = {name: options.pop(name) for name in ("private", "full", "force") if name in options}
    user = other.environment.get("KG_SERVER_USER", "")
    password = other.environment.get("KG_SERVER_PASSWORD", "")
    options = {"user": user, "password": password, "piece": 1 << 20} | options
    to = target(other.kind, other.address, **options)
    return load_release(release, to, say=said.append, **ours)


def same(here: Any, answer: httpx2.Response, text: str) -> None:
    """Fail if an answer is another one than ours, by value and in order where there is one."""
    assert answer.status_code == 200, answer.text
    if isinstance(here, set):
        quads = ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES)
        assert {str(quad.triple) for quad in quads} == here
        return
    found: Any = ox.parse_query_results(answer.content, ox.QueryResultsFormat.JSON)
    if isinstance(here, bool):
        seen = bool(found) if isinstance(found, ox.QueryBoolean) else len(list(found)) == 1
        assert seen is here
        return
    names, rows = here
    there = [tuple(str(row[name]) for name in names) for row in found]
    if "ORDER BY" in text:
        assert there == rows
    else:
        assert sorted(there) == sorted(rows)


# --- the same answers ---


@pytest.mark.parametrize("slug", sorted(QUESTIONS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_question_has_the_same_answer_there(
    kind: str, slug: str, others: Callable[[str], Other], built: Path, here: Any
) -> None:
    text = QUESTIONS[slug]
    form = {"query": text}
    if kind == "virtuoso":  # it would take all its graphs together
        graphs = [one.iri for one in read_manifest(current_release(built)).graphs]
        form |= {"default-graph-uri": union_graph(BASE), "named-graph-uri": graphs}  # type: ignore[dict-item]
    answer = httpx2.post(
        others(kind).query,
        data=form,
        headers={"accept": "application/sparql-results+json"},
        timeout=60,
    )
    same(here(text), answer, text)


@pytest.mark.parametrize("slug", sorted(ALL))
@pytest.mark.parametrize("kind", KINDS)
def test_a_question_has_the_same_answer_through_our_server(
    kind: str, slug: str, sites: Callable[[str], Any], here: Any
) -> None:
    text = ALL[slug]
    accept = "application/sparql-results+json, application/n-triples"
    same(here(text), sites(kind).get(text, headers={"accept": accept}), text)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_data_of_pages_are_the_same_bytes(
    kind: str, path: str, sites: Callable[[str], Any]
) -> None:
    ours, theirs = (sites(one).client.get(path) for one in ("", kind))
    assert ours.status_code == 200
    assert (theirs.status_code, theirs.content) == (200, ours.content)


@pytest.mark.parametrize("path", SEEN)
@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_the_same(kind: str, path: str, sites: Callable[[str], Any]) -> None:
    ours, theirs = (sites(one).client.get(path) for one in ("", kind))
    assert (ours.status_code, theirs.status_code) == (200, 200)
    hosts = [str(sites(one).client.base_url).rstrip("/") for one in ("", kind)]
    assert theirs.text.replace(hosts[1], hosts[0]) == ours.text


@pytest.mark.parametrize("media_type", ["text/csv", "application/sparql-results+xml"])
@pytest.mark.parametrize("kind", KINDS)
def test_results_come_in_the_format_that_is_asked_for(
    kind: str, media_type: str, sites: Callable[[str], Any]
) -> None:
    text = "SELECT ?s ?l { ?s a ch:State ; rdfs:label ?l } ORDER BY ?s LANG(?l)"
    ours, theirs = (sites(one).get(text, headers={"accept": media_type}) for one in ("", kind))
    assert theirs.headers["content-type"].startswith(media_type)
    assert theirs.content == ours.content
    assert theirs.headers["kg-release"] == ours.headers["kg-release"]


# --- our protocol and limits stay in front ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", 400, "service"),
        ("INSERT DATA { <urn:a> <urn:b> <urn:c> }", 400, "update"),
        ("SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }", 400, "graph"),
        ("SELECT * { ?s ?p }", 400, "syntax"),
        ('SELECT (<bif:getenv>("HOME") AS ?x) {}', 400, "evaluation"),
        ('SELECT * { ?s <bif:contains> "x" }', 400, "evaluation"),
        ("define input:storage virtrdf:x SELECT * { ?s ?p ?o }", 400, "syntax"),
    ],
)
def test_what_our_server_refuses_never_gets_there(
    kind: str, text: str, status: int, reason: str, sites: Callable[[str], Any]
) -> None:
    answer = sites(kind).get(text)
    assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (status, reason)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.requires("virtuoso")
@pytest.mark.parametrize(
    "text", ["SELECT * { ?s ?p ?o }", "CONSTRUCT WHERE { ?s ?p ?o }", "DESCRIBE ?s { ?s ?p ?o }"]
)
def test_what_virtuoso_cuts_at_its_row_limit_never_looks_whole(
    text: str, sites: Callable[[str], Any]
) -> None:
    answer = sites("virtuoso").get(text)
    assert answer.status_code == 413
    assert answer.json()["type"].endswith("#result-size")
    assert str(ROWS) in answer.json()["detail"]


@pytest.mark.requires("oxigraph")
def test_a_row_limit_of_ours_cuts_and_says_so(
    others: Callable[[str], Other], built: Path, serve: Callable[..., Any]
) -> None:
    site = serve(built, workers=1, row_limit=7, backend=others("oxigraph").query)
    answer = site.get("SELECT ?s { ?s a ch:Claim }")
    assert answer.headers["kg-rows-cut"] == "7"
    assert len(answer.json()["results"]["bindings"]) == 7


@pytest.mark.requires("oxigraph")
def test_a_server_that_is_gone_is_503_and_comes_back(
    fresh: Callable[[str], Other],
    built: Path,
    serve: Callable[..., Any],
    eventually: Callable[..., None],
) -> None:
    other = fresh("oxigraph")
    release = current_release(built)
    load(other, release)
    site = serve(built, workers=1, cache_mib=0, backend=other.query)
    query = "SELECT * { ?s a ch:State }"
    assert site.get(query).status_code == 200
    other.stop()
    answer = site.get(query)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("#store")
    assert other.address not in answer.text
    assert other.address in site.log.read_text()
    for path in ("/", "/doc/agent/tass.html", "/readyz"):
        assert site.client.get(path).status_code == 200
    other.start()
    eventually(lambda: site.get(query).status_code == 200, "it does not come back")
    # Another release in it, or one that is being loaded, is not answered from.
    with Server(Access(query=other.query, store=f"{other.address}/store")) as server:
        server.put(marker_graph(BASE), b"<urn:a> <urn:b> <urn:c> .\n")
    eventually(lambda: site.get(query).status_code == 503, "it answers from something else")
    assert "does not hold this release" in site.log.read_text()


@pytest.mark.requires("oxigraph")
def test_a_server_without_the_release_is_refused_at_the_start(
    fresh: Callable[[str], Other], built: Path
) -> None:
    other = fresh("oxigraph")
    done = command("serve", "--releases", str(built), "--port", "0", "--backend", other.query)
    assert done.returncode == 2
    assert "does not hold this release" in done.stderr
    assert "kg export --to" in done.stderr


# --- loading ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_run_sends_nothing(kind: str, others: Callable[[str], Other], built: Path) -> None:
    loaded = load(others(kind), current_release(built))
    assert loaded.sent == ()
    assert loaded.bytes == 0
    assert loaded.triples == read_manifest(current_release(built)).triples


@pytest.mark.parametrize(
    "kind", [*KINDS, pytest.param("gsp", marks=pytest.mark.requires("oxigraph"))]
)
def test_another_release_replaces_what_differs(
    kind: str, fresh: Callable[[str], Other], tmp_path: Path
) -> None:
    other = fresh("oxigraph" if kind == "gsp" else kind)
    options: dict[str, Any] = {}
    if kind == "gsp":
        other.kind = kind
        other.address, options = other.query, {"store": f"{other.address}/store"}
    first = small(tmp_path / "a", a=200, b=3000, c=1)
    second = small(tmp_path / "b", a=200, b=10, d=5)
    said: list[str] = []
    loaded = load(other, first, said=said, **options)
    union = union_graph("https://kg.example/")
    assert set(loaded.sent) == {graph("a"), graph("b"), graph("c"), union}
    loaded = load(other, second, **options)
    assert set(loaded.sent) == {graph("b"), graph("d"), union}
    assert loaded.kept == (graph("a"),)
    assert loaded.removed == (graph("c"),)
    with Server(Access(query=other.query)) as server:
        assert server.count(graph("c")) == 0
        assert server.count(graph("b")) == 10
        assert server.count(union if kind == "virtuoso" else None) == 200
        marker = server.marker("https://kg.example/")
    assert marker is not None
    assert marker.release == read_manifest(second).id
    assert set(load(other, second, full=True, **options).sent) >= {graph("a"), graph("b")}
    with Server(Access(query=other.query)) as server:
        assert server.marker("https://kg.example/") == marker
    # What was changed by somebody else is found by counting, and mended by the next run.
    with Server(target(other.kind, other.address, **options, **who(other)).access) as server:
        server.put(graph("a"), b"<urn:a> <urn:b> <urn:c> .\n")
    with pytest.raises(ServerError, match="1 triples; expected 200"):
        load(other, second, **options)
    assert load(other, second, **options).sent
    # So is a run that was interrupted.
    with pytest.raises(InterruptedError):
        load(other, first, said=_Interrupting(), **options)
    with Server(Access(query=other.query)) as server:
        marker = server.marker("https://kg.example/")
    assert marker is not None
    assert marker.release == ""
    load(other, first, **options)
    with Server(Access(query=other.query)) as server:
        assert server.count(graph("b")) == 3000
        assert server.count(graph("d")) == 0


class _Interrupting(list[str]):
    def append(self, line: str) -> None:
        if line.startswith(("counting", "removing")):
            raise InterruptedError


@pytest.mark.requires("virtuoso")
def test_virtuoso_loads_files_itself(
    fresh: Callable[[str], Other], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fresh("virtuoso")
    assert isinstance(other, Virtuoso)
    release = small(tmp_path / "a", a=200, b=3000)
    started: list[list[str]] = []
    popen = subprocess.Popen

    def noted(arguments: list[str], **options: Any) -> Any:
        started.append(arguments)
        return popen(arguments, **options)

    sql(other, "USER_CHANGE_PASSWORD('dba', 'dba', 'kept-secret')")
    monkeypatch.setattr(subprocess, "Popen", noted)
    options = {"load_dir": other.loads, "isql": other.isql}
    loaded = load(other, release, password="kept-secret", **options)
    assert len(loaded.sent) == 3
    assert len(started) == 1
    assert "kept-secret" not in " ".join(started[0])
    assert list(other.loads.iterdir()) == []
    with Server(Access(query=other.query)) as server:
        assert server.count(graph("b")) == 3000
    with pytest.raises(KgError, match="does not let us in"):
        load(other, release, password="wrong", full=True, **options)
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(ServerError, match="cannot be reached by SQL"):
        load(other, release, **{**options, "isql": nobody, "password": "kept-secret"}, full=True)


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_not_be_handed_on_stays_here(
    kind: str, fresh: Callable[[str], Other], tmp_path: Path
) -> None:
    other = fresh(kind)
    release = small(tmp_path / "a", private=frozenset({graph("b")}), a=5, b=7)
    said: list[str] = []
    loaded = load(other, release, said=said)
    assert loaded.private == (graph("b"),)
    assert any("may not be handed on" in line for line in said)
    union = union_graph("https://kg.example/") if kind == "virtuoso" else None
    with Server(Access(query=other.query)) as server:
        assert (server.count(graph("b")), server.count(union)) == (0, 5)
    load(other, release, private=True)
    with Server(Access(query=other.query)) as server:
        assert (server.count(graph("b")), server.count(union)) == (7, 12)
    load(other, release)
    with Server(Access(query=other.query)) as server:
        assert (server.count(graph("b")), server.count(union)) == (0, 5)


@pytest.mark.requires("oxigraph")
def test_a_default_graph_of_somebody_else_is_left_alone(
    fresh: Callable[[str], Other], tmp_path: Path
) -> None:
    other = fresh("oxigraph")
    release = small(tmp_path / "a", a=5)
    with Server(Access(query=other.query, store=f"{other.address}/store")) as server:
        server.put(None, b"<urn:a> <urn:b> <urn:c> .\n")
        with pytest.raises(ConfigError, match="somebody else"):
            load(other, release)
        load(other, release, union="named")
        assert (server.count(None), server.count(union_graph("https://kg.example/"))) == (1, 5)
        load(other, release, force=True)
        assert (server.count(None), server.count(union_graph("https://kg.example/"))) == (5, 0)


@pytest.mark.requires("oxigraph")
def test_the_command_says_where_to_ask(others: Callable[[str], Other], built: Path) -> None:
    other = others("oxigraph")
    done = command("export", "--to", "oxigraph", other.address, "--releases", str(built))
    assert (done.returncode, done.stdout) == (0, f"{other.query}\n")
    assert "all counted" in done.stderr
    done = command("export", "--to", "oxigraph", other.address, "--releases", str(built), "--json")
    assert json.loads(done.stdout)["sent"] == []


@pytest.mark.requires("virtuoso")
def test_a_wrong_password_is_said_and_not_shown(
    others: Callable[[str], Other], built: Path
) -> None:
    other = others("virtuoso")
    done = command(
        *("export", "--to", "virtuoso", other.address, "--releases", str(built), "--full"),
        KG_SERVER_USER="dba",
        KG_SERVER_PASSWORD="not-the-one",
    )
    assert done.returncode == 2
    assert "does not let us in" in done.stderr
    assert "KG_SERVER_PASSWORD" in done.stderr
    assert "not-the-one" not in done.stderr


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kg", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def sql(other: Virtuoso, statement: str) -> None:
    """Have Virtuoso run a statement, as it comes: with the password of everybody."""
    done = subprocess.run(
        ["isql-vt", other.isql, "dba", "dba", f"EXEC={statement};"], capture_output=True, text=True
    )
    assert "Error" not in done.stdout + done.stderr, done


def who(other: Other) -> dict[str, str]:
    names = {"user": "KG_SERVER_USER", "password": "KG_SERVER_PASSWORD"}
    return {name: other.environment.get(variable, "") for name, variable in names.items()}


def graph(key: str) -> str:
    return f"https://kg.example/id/graph/{key}"


def small(out: Path, *, private: frozenset[str] = frozenset(), **counts: int) -> Path:
    """Return a release with some graphs of as many triples as are given; they repeat each other."""
    from kg.identity import ReleaseSettings, engine_versions
    from kg.writer import ReportFiles

    def lines(key: str, count: int) -> list[str]:
        start = 1000 if private and graph(key) in private else 0
        return sorted(
            f'<https://kg.example/id/thing/t{n}> <http://www.w3.org/2000/01/rdf-schema#label> "{n} '
            f'\\"সিউল\\"\\n"@bn <{graph(key)}> .\n'
            for n in range(start, start + count)
        )

    return write_release(
        out,
        graphs={graph(key): lines(key, count) for key, count in counts.items()},
        inputs=(),
        settings=ReleaseSettings(
            base_iri="https://kg.example/",
            title=f"Things {sorted(counts.items())}",
            licence="https://creativecommons.org/licenses/by/4.0/",
            versions=engine_versions(),
        ),
        report=ReportFiles(conforms=True, blocks=False, ttl="", json="{}", text="conforms\n"),
        issues=(),
        sources=(),
        questions=(),
        ontology={"ontology.ttl": "", "shapes.ttl": "", "schema.json": "{}\n"},
        private_graphs=private,
    )


def test_a_release_of_many_graphs_is_the_one_that_is_made(tmp_path: Path) -> None:
    manifest: Manifest = read_manifest(small(tmp_path, a=5, b=7))
    assert (manifest.quads, manifest.triples) == (12, 7)
