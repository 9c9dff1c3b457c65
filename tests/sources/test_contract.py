"""The contract that every mapping script keeps, held against each file in `mappings/`."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kg.build import Built, build_dataset, load_facts
from kg.errors import KgErrors, MappingError
from kg.facts import RECORD_TYPES, Agent, Claim, FactSet, Records, date_bounds
from kg.feed import feeds
from kg.mapping import Quads, load_mapping, reading, run_mapping
from kg.resources import folder
from kg.vocab import CH, PROV, RDF, RDFS, load_vocabulary

BASE = "https://chancery.example/"
SOURCES = sorted({p.stem for p in folder("mappings").glob("*.py")} - {*feeds(folder("mappings"))})


@pytest.fixture(scope="module")
def sample(checkout: Path) -> Path:
    return checkout / "docs/tutorial/facts"


@pytest.fixture(scope="module")
def built(sample: Path) -> Built:
    return build_dataset([sample], BASE)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_says_what_it_is(source: str) -> None:
    known = load_mapping(folder("mappings"), source).source
    assert known.id == source
    assert known.title
    assert known.publisher
    assert known.licence.startswith("https://")
    assert date_bounds(known.retrieved)[0] == known.retrieved
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
