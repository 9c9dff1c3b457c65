"""The contract that every mapping script keeps, held against each file in `mappings/`.

Feeds are held to it by made-up rows in `samples/<id>/`, one file at least for each of their tables,
and by the golden files that `update_golden.py` writes of them.
"""

import csv
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import msgspec
import pytest

from kg.build import Built, build_dataset, load_facts
from kg.errors import KgErrors, MappingError
from kg.facts import RECORD_TYPES, Agent, Claim, FactSet, Records
from kg.feed import Feed, FeedScript, Table, load_feed
from kg.mapping import Quads, load_mapping, mappings, reading, run_mapping
from kg.pipeline import Ingested, batch_of, state_lines
from kg.resources import folder
from kg.rows import files_of
from kg.sources import noting, problems, trials, unfinished
from kg.validate import data_shapes, load_shapes, validate
from kg.vocab import CH, PROV, RDF, RDFS, load_vocabulary

BASE = "https://chancery.example/"
HERE = Path(__file__).resolve().parent


def _feeding() -> ModuleType:
    """Return `feeding.py`, which lies beside this file and is no test."""
    spec = importlib.util.spec_from_file_location("feeding", HERE / "feeding.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


feeding = _feeding()
ARTICLES = mappings(folder("mappings"))
PLACES: dict[str, Path] = feeding.places(HERE.parents[1])
SAMPLES: dict[str, Path] = feeding.samples(HERE.parents[1])
FEEDS = sorted(PLACES)
SHARED = {"agent", "place", "thing", "position", "time", "quantity", "run"}
NODES = re.compile(rf"<{BASE}id/([a-z]+)/")


@pytest.fixture(scope="module")
def sample(checkout: Path) -> Path:
    return checkout / "docs/tutorial/facts"


@pytest.fixture(scope="module")
def built(sample: Path) -> Built:
    return build_dataset([sample], BASE)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ingested]:
    """Return the function that returns what a feed gives for its samples."""

    @cache
    def settle(source: str) -> Ingested:
        work = tmp_path_factory.mktemp(source)
        return cast("Ingested", feeding.settle(PLACES[source], source, SAMPLES[source], work))

    return settle


# --- what it says of itself -----------------------------------------------------------------------


def test_every_file_with_a_source_is_a_mapping() -> None:
    files = sorted(path.stem for path in folder("mappings").glob("*.py"))
    assert sorted([*ARTICLES, *(one for one in FEEDS if one != "port_calls")]) == files


@pytest.mark.parametrize("source", [*ARTICLES, *FEEDS])
def test_a_source_says_what_it_is(source: str) -> None:
    place = PLACES.get(source, folder("mappings"))
    script = load_feed(place, source) if source in PLACES else load_mapping(place, source)
    assert problems(place / f"{source}.py", script.source) == []
    if isinstance(script.source, Feed):
        assert unfinished(script.source) == []


@pytest.mark.parametrize("source", ARTICLES)
def test_the_fields_that_are_left_out_exist(source: str) -> None:
    known = load_mapping(folder("mappings"), source).source
    assert known.expected[0] <= known.expected[1]
    fields = {
        f"{kind}.{f.encode_name}"
        for kind, record in RECORD_TYPES.items()
        for f in msgspec.structs.fields(record)
    }
    for name, why in known.ignored.items():
        first = name.split(".")
        assert first[0] == "*" or f"{first[0]}.{first[1]}" in fields, name
        assert why


def test_no_key_of_a_feed_begins_like_another() -> None:
    """Else two of them could make one address."""
    keys = [one.replace("_", "-") for one in FEEDS]
    assert not [(a, b) for a in keys for b in keys if b.startswith(f"{a}-")]


TABLE = Table(id="rows", form="csv", columns=("a", "b"), key=("a",))
FEED = Feed(
    id="some",
    title="Some",
    publisher="Somebody",
    url="https://some.example/",
    languages=("en",),
    licence="https://some.example/licence",
    redistribution="open",
    citation="Somebody: Some",
    retrieved="2024-03-12",
    method="Somebody writes them.",
    machine=False,
    tables=(TABLE,),
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "other"}, "id 'other'"),
        ({"title": " "}, "title: it is empty"),
        ({"publisher": ""}, "publisher: it is empty"),
        ({"citation": ""}, "citation: it is empty"),
        ({"method": ""}, "method: it is empty"),
        ({"url": "some.example"}, "url 'some.example'"),
        ({"licence": "CC BY"}, "licence 'CC BY'"),
        ({"languages": ()}, "languages: there is none"),
        ({"languages": ("english",)}, "language 'english'"),
        ({"languages": ("en_GB",)}, "language 'en_GB'"),
        ({"redistribution": "free"}, "redistribution 'free'"),
        ({"retrieved": "2024-03"}, "retrieved '2024-03'"),
        ({"retrieved": "2024-02-30"}, "retrieved '2024-02-30'"),
        ({"retrieved": "20240312"}, "retrieved '20240312'"),
        ({"quarantine": "5 %"}, "quarantine '5 %'"),
        ({"tables": ()}, "tables: there is none"),
        ({"tables": (TABLE, TABLE)}, "two have one id"),
    ],
)
def test_what_a_feed_says_wrongly_is_told(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = tmp_path / "some.py"
    path.write_text("import csv\nfrom kg.feed import Feed\n", encoding="utf-8")
    assert problems(path, FEED) == []
    found = problems(path, msgspec.structs.replace(FEED, **change))
    assert [one for one in found if one.startswith(told) or told in one], found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "Rows"}, "an id of letters"),
        ({"columns": ("a", "A")}, "two columns have one name"),
        ({"key": ()}, "it has no key"),
        ({"key": ("c",)}, "key names 'c'"),
        ({"required": ("c",)}, "required names 'c'"),
        ({"ignored": {"c": "why"}}, "ignored names 'c'"),
        ({"ignored": {"b": " "}}, "b is left out without a reason"),
        ({"needs": ("others", ("a",))}, "needs 'others', which is no table"),
        ({"needs": ("more", ("a", "b"))}, "it needs 1 columns, the key of more"),
        ({"needs": ("more", ("c",))}, "needs names 'c'"),
        ({"index": ("c",)}, "index names 'c'"),
        ({"seeks": ("more",)}, "it seeks in 'more', which is no table with an index"),
        ({"needs": ("rows", ("a",))}, "in a circle"),
        ({"needs": ("circle", ("a",))}, "in a circle"),
    ],
)
def test_what_a_table_says_wrongly_is_told(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = tmp_path / "some.py"
    path.write_text("", encoding="utf-8")
    more = msgspec.structs.replace(TABLE, id="more")
    circle = msgspec.structs.replace(TABLE, id="circle", needs=("rows", ("a",)))
    table = msgspec.structs.replace(TABLE, **change)
    tables = (table, more, circle) if "circle" in str(change) else (table, more)
    found = problems(path, msgspec.structs.replace(FEED, tables=tables))
    assert [one for one in found if told in one], found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import rdflib", "rdflib"),
        ("from kg.build import publish", "kg.build"),
        ("import kg.store", "kg.store"),
        ("from . import other", "."),
        ("from kg.facts import Claim", "kg.facts"),
        ("def f():\n    import requests", "requests"),
    ],
)
def test_what_a_mapping_may_not_import_is_told(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "some.py"
    path.write_text(f"import re\n{line}\n", encoding="utf-8")
    (found,) = problems(path, FEED)
    assert f"it imports {told}; expected kg.feed, kg.vocab" in found


# --- what a feed makes of its samples -------------------------------------------------------------


@pytest.mark.parametrize("source", FEEDS)
def test_a_feed_has_samples_of_every_table(source: str) -> None:
    assert source in SAMPLES, f"write made-up rows to tests/sources/samples/{source}/"
    script = load_feed(PLACES[source], source)
    found = {one.form.table for one in trials(script, SAMPLES[source], BASE, 1)}
    assert found == {table.id for table in script.source.tables}


def test_there_are_no_samples_of_nothing() -> None:
    assert [one for one in SAMPLES if one not in PLACES] == []


@pytest.mark.parametrize("source", FEEDS)
def test_a_feed_gives_its_golden_quads(settled: Callable[[str], Ingested], source: str) -> None:
    """A changed address, and a row that is set aside otherwise, show here."""
    for end, text in feeding.golden(settled(source)).items():
        golden = HERE / f"golden/feeds/{source}{end}"
        assert golden.is_file(), "write it with tests/sources/update_golden.py, and read it"
        assert text == golden.read_text(encoding="utf-8"), (
            "if the change is meant, write the new lines with tests/sources/update_golden.py "
            "and say in CHANGELOG.md which addresses changed"
        )


def test_feeds_give_the_same_bytes_again(tmp_path: Path) -> None:
    """Under another hash seed, in another folder, in another zone."""
    place = tmp_path / "some where"
    subprocess.run(
        [sys.executable, str(HERE / "update_golden.py"), str(place)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONHASHSEED": "4242",
            "TZ": "America/Lima",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        check=True,
    )
    files = [one for one in sorted(place.rglob("*")) if one.is_file()]
    assert {one.name.partition(".")[0] for one in files} == {*FEEDS, "harbour-visit"}
    for one in files:
        known = HERE / "golden" / one.relative_to(place)
        assert one.read_bytes() == known.read_bytes(), one.name


@pytest.mark.parametrize("source", FEEDS)
def test_what_a_feed_gives_conforms(settled: Callable[[str], Ingested], source: str) -> None:
    """To all shapes, and as one graph: pieces were held to them one by one."""
    found = settled(source)
    assert found.problem == ""
    lines = [f"{line} .\n" for line in load_vocabulary(folder("ontology")).lines]
    lines += [line for some in feeding.graphs_of(found).values() for line in some]
    lines += state_lines(found.states, BASE)
    for key, label in feeding.FACTS_STATES.values():
        lines += feeding.state(load_feed(PLACES[source], source), key, label)
    report = validate(lines, load_shapes(data_shapes()))
    assert report.results == (), report.to_table()


@pytest.mark.parametrize("source", FEEDS)
def test_each_quad_of_a_feed_is_in_its_graph(
    settled: Callable[[str], Ingested], source: str
) -> None:
    key = source.replace("_", "-")
    kinds: dict[str, set[str]] = {}
    for iri, lines in feeding.graphs_of(settled(source)).items():
        name = iri.removeprefix(f"{BASE}id/graph/")
        assert name.startswith(f"{key}-")
        end = name.removeprefix(f"{key}-")
        where = end if end in ("registry", "status") else "batch"
        for line in lines:
            assert line.endswith(f" <{iri}> .\n")
            node = NODES.match(line)
            assert node, line
            narrator = line.startswith(f"<{BASE}id/agent/narrator-")
            kinds.setdefault(where, set()).add("narrator" if narrator else node[1])
            if where == "status" and node[1] == "event":
                assert f" <{CH}status> " in line
    assert kinds["batch"] <= {"event", "relation", "claim", "document", "record", "narrator"}
    assert kinds["registry"] <= SHARED
    assert kinds.get("status", set()) <= {"event", "status"}
    files = files_of(SAMPLES[source])
    batches = {batch_of(load_feed(PLACES[source], source).source, one.name) for one in files}
    graphs = {iri.rpartition("/")[2] for iri in settled(source).graphs}
    assert graphs - {f"{key}-registry", f"{key}-status"} <= batches


@pytest.mark.parametrize("source", FEEDS)
def test_everything_of_a_feed_has_provenance_and_a_label(
    settled: Callable[[str], Ingested], source: str
) -> None:
    found = feeding.graphs_of(settled(source))
    lines = [line for some in found.values() for line in some]
    assert not [x for x in lines if x.startswith("_:") or " _:" in x.split('"')[0]]
    run = f"<{BASE}id/run/{source.replace('_', '-')}>"
    made = {x.split(" ")[0] for x in lines if f" <{PROV}wasGeneratedBy> {run} " in x}
    drafted = {x.split(" ")[0] for x in lines if f" <{CH}reviewState> " in x}
    labelled = {x.split(" ")[0] for x in lines if f" <{RDFS}label> " in x}
    subjects = {x.split(" ")[0] for x in lines}
    states = {f"<{BASE}id/{key}>" for key in settled(source).states}
    assert subjects - labelled == set()
    records = {
        one
        for one in subjects
        if re.match(rf"<{BASE}id/(event|relation|claim|agent|place|thing)/(?!narrator-)", one)
    }
    assert records
    assert records - made == set()
    assert records - drafted == set()
    assert not records & states
    for kind, needs in (("claim", "inSource"), ("document", None), ("record", None)):
        nodes = {one for one in subjects if one.startswith(f"<{BASE}id/{kind}/")}
        if needs:
            assert nodes == {x.split(" ")[0] for x in lines if f" <{CH}{needs}> " in x}


def _rows(source: str, path: Path) -> int:
    """Return how many records a file of samples has, read otherwise than a build reads it."""
    (one,) = trials(load_feed(PLACES[source], source), path, BASE, 1)
    table = load_feed(PLACES[source], source).source.table(one.form.table)
    text = path.read_text(encoding="utf-8-sig")
    if table.form == "json":
        found = json.loads(text) if text.lstrip()[0] == "[" else text.split("\n")
        return len([record for record in found if record and record != "\r"])
    if table.form == "tsv":
        lines: list[Any] = [line for line in text.split("\n") if line.strip()]
    else:
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    return len(lines) - one.form.header


@pytest.mark.parametrize("source", FEEDS)
def test_every_row_of_a_feed_is_counted(settled: Callable[[str], Ingested], source: str) -> None:
    (counts,) = settled(source).counts
    issues = list(settled(source).issues())
    assert counts.records == sum(_rows(source, file) for file in files_of(SAMPLES[source]))
    assert counts.records == counts.mapped + counts.rejected
    assert counts.rejected == sum(one.kind != "partly" for one in issues)
    assert len({(one.file, one.row) for one in issues}) == len(issues)
    for one in issues:
        assert one.source == source
        assert one.reason
        assert one.kind in ("rejected", "repeated", "unresolved", "partly")


@pytest.mark.parametrize("source", FEEDS)
def test_every_column_of_a_feed_is_read_or_left_out_for_a_reason(source: str) -> None:
    script = load_feed(PLACES[source], source)
    unread: dict[str, set[str]] = {}
    for one in trials(script, SAMPLES[source], BASE, 10_000):
        if one.mapped:
            known = unread.setdefault(one.form.table, set(one.unread))
            known &= set(one.unread)
    assert {table: names for table, names in unread.items() if names} == {}


@pytest.mark.parametrize("source", FEEDS)
def test_another_base_changes_the_base_of_a_feed_only(
    settled: Callable[[str], Ingested], source: str, tmp_path: Path
) -> None:
    other = "https://graph.example.org/kg/"
    found = feeding.settle(PLACES[source], source, SAMPLES[source], tmp_path, base=other)
    back = sorted(
        line.replace(other, BASE) for some in feeding.graphs_of(found).values() for line in some
    )
    assert "".join(back) == feeding.golden(settled(source))[".nq"]


ROW = ("1", "2", "3")
RECORD = {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("row", "way", "expected"),
    [
        (ROW, lambda row: row[1], {"b"}),
        (ROW, itemgetter(0, 2), {"a", "c"}),
        (ROW, lambda row: row[-1], {"c"}),
        (ROW, lambda row: row[1:], {"b", "c"}),
        (ROW, lambda row: dict(enumerate(row)), {"a", "b", "c"}),
        (ROW, lambda row: None, set()),
        (RECORD, lambda row: row.get("b", ""), {"b"}),
        (RECORD, lambda row: "c" in row and row["a"], {"a", "c"}),
    ],
)
def test_a_column_that_nothing_reads_is_noticed(
    row: Any, way: Callable[[Any], Any], expected: set[str]
) -> None:
    table = msgspec.structs.replace(TABLE, columns=("a", "b", "c"))
    read: set[str] = set()
    script = FeedScript(FEED, lambda _table, _out: way)
    noting(script, table, read).mapper("rows", cast("Any", None))(row)
    assert read == expected


# --- articles -------------------------------------------------------------------------------------


def test_a_mapping_that_breaks_the_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such mapping"):
        load_mapping(tmp_path, "none")
    (tmp_path / "empty.py").write_text('"""Nothing."""\n', encoding="utf-8")
    with pytest.raises(MappingError, match="breaks the contract"):
        load_mapping(tmp_path, "empty")


def test_every_record_is_counted(built: Built, sample: Path) -> None:
    (counts,) = built.counts
    assert counts.records == load_facts([sample]).count
    assert counts.records == counts.mapped + counts.rejected
    assert counts.rejected == 0


def test_the_sample_conforms(built: Built) -> None:
    assert built.conforms, built.report_table()


def test_golden_quads(built: Built, checkout: Path) -> None:
    """The document's graph is the golden file; a changed IRI shows here."""
    golden = checkout / "tests/sources/golden/harbour-visit.nq"
    lines = "".join(built.dataset.lines(f"{BASE}id/graph/harbour-visit"))
    assert lines == golden.read_text(encoding="utf-8"), (
        "if the change is meant, write the new lines with tests/sources/update_golden.py "
        "and say in CHANGELOG.md which addresses changed"
    )


def test_each_quad_is_in_the_right_graph(built: Built) -> None:
    assert [g.rpartition("/")[2] for g in built.dataset.graphs()] == [
        "harbour-visit",
        "provenance",
        "registry",
        "status",
        "vocabulary",
    ]
    for line in built.dataset.lines(f"{BASE}id/graph/harbour-visit"):
        assert not line.startswith(f"<{BASE}id/agent/arvenia>")
    registry = "".join(built.dataset.lines(f"{BASE}id/graph/registry"))
    assert "/id/claim/" not in registry
    assert "/id/event/" not in registry


def test_every_claim_event_and_relation_has_provenance(built: Built) -> None:
    lines = list(built.dataset.lines(f"{BASE}id/graph/harbour-visit"))
    made = {x.split(" ")[0] for x in lines if f" <{PROV}wasGeneratedBy> " in x}
    stated = {x.split(" ")[0] for x in lines if f" <{CH}reviewState> " in x}
    for kind in ("Claim", "Event", "Relation", "Document"):
        nodes = {x.split(" ")[0] for x in lines if f" <{RDF}type> <{CH}{kind}> " in x}
        assert nodes
        assert nodes <= made
        assert nodes <= stated


def test_everything_has_a_label_and_nothing_is_blank(built: Built) -> None:
    everything = list(built.dataset)
    assert not [x for x in everything if x.startswith("_:") or " _:" in x.split('"')[0]]
    labelled = {x.split(" ")[0] for x in everything if f" <{RDFS}label> " in x}
    subjects = {x.split(" ")[0] for x in everything if x.startswith(f"<{BASE}")}
    assert subjects <= labelled


def test_the_narrator_never_says_what_only_a_source_says(built: Built) -> None:
    """What the official alone says is claimed by the official, and relayed by the outlet."""
    store = built.dataset.store()
    ask = (
        "PREFIX ch: <https://w3id.org/chancery/ontology#> ASK { ?c ch:claimant ?n ;"
        f" ch:concerns <{BASE}id/event/drones-unloading-port-solen> . ?n a ch:Narrator }}"
    )
    assert not bool(store.query(ask, use_default_graph_as_union=True))


_DIGEST = """
import hashlib, sys
from pathlib import Path
from kg.build import build_dataset
built = build_dataset([Path(sys.argv[1])], "https://chancery.example/")
print(hashlib.sha256("".join(built.dataset).encode()).hexdigest())
print(hashlib.sha256(built.report_json().encode()).hexdigest())
"""


def test_two_builds_are_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    """Under another hash seed, in another folder, on another day."""
    seen = set()
    for seed, zone in (("1", "Asia/Dhaka"), ("4242", "America/Lima")):
        place = tmp_path / f"run {seed}"
        shutil.copytree(sample, place / "facts")
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST, str(place / "facts")],
            cwd=place,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            check=True,
            capture_output=True,
            text=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_another_base_changes_the_base_only(built: Built, sample: Path) -> None:
    other = "https://graph.example.org/kg/"
    again = build_dataset([sample], other)
    one = hashlib.sha256("".join(sorted(built.dataset)).encode()).hexdigest()
    back = sorted(x.replace(other, BASE) for x in again.dataset)
    assert hashlib.sha256("".join(back).encode()).hexdigest() == one


def _agent(**fields: object) -> Agent:
    return Agent(
        id="x", type="Person", labels={"en": "X"}, basis="test", as_of="2024-01-01", **fields
    )


def test_a_field_that_is_not_used_stops_the_mapping() -> None:
    source = load_mapping(folder("mappings"), "articles").source
    with reading(_agent(acts_for="y"), source, "here:1") as a:
        used = (a.id, a.type, a.labels, a.basis, a.as_of, a.acts_for)
        assert used[-1] == "y"
    forgetful = reading(_agent(acts_for="y"), source, "here:1")
    a = forgetful.__enter__()
    assert (a.id, a.type, a.labels, a.basis, a.as_of)[0] == "x"
    with pytest.raises(MappingError, match="does not use every field") as stop:
        forgetful.__exit__(None, None, None)
    assert "agent.acts_for" in str(stop.value)
    assert "here:1" in str(stop.value)


def test_a_collision_stops_the_mapping(sample: Path) -> None:
    facts = load_facts([sample])
    claim = facts.by_id["hv-c05"]
    assert isinstance(claim, Claim)
    twin = msgspec.structs.replace(claim, id="hv-c05b")
    (file,) = facts.files
    more = msgspec.structs.replace(
        file, records=(*file.records, twin), origins=(*file.origins, file.origins[-1])
    )
    doubled = FactSet((more,), Records([more]))
    mapping = load_mapping(folder("mappings"), "articles")
    out = Quads(BASE, load_vocabulary(folder("ontology")))
    with pytest.raises(KgErrors, match="two different things have one address"):
        run_mapping(mapping, doubled, out)


def test_a_correction_keeps_the_address(sample: Path, tmp_path: Path) -> None:
    """Stance, certainty and evidence are no part of a claim's address."""
    copy = tmp_path / "facts"
    shutil.copytree(sample, copy)
    file = copy / "harbour-visit.yaml"
    text = file.read_text(encoding="utf-8")
    changed = text.replace("  stance: denies\n", "  stance: disputes-evidence\n")
    assert changed != text
    file.write_text(changed, encoding="utf-8")

    def addresses(path: Path) -> set[str]:
        lines = build_dataset([path], BASE).dataset
        return {x.split(" ")[0] for x in lines if f" <{RDF}type> <{CH}Claim> " in x}

    assert addresses(copy) == addresses(sample)
