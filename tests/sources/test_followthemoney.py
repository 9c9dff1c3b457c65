"""Entities and statements of FollowTheMoney: what becomes of them, on rows made up for this."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from feeding import feed_file, known_of, lines_of, scribe
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.feed import load_feed, slug
from kg.ingest import Issue, Mapped
from kg.resources import folder
from kg.vocab import CH, RDF, RDFS, SKOS

SOURCE = load_feed(folder("mappings"), "followthemoney").source
MODULE = load_feed(folder("mappings"), "followthemoney").mapper.__globals__
ID = "https://chancery.example/id/"
A, LABEL, ALT = f"<{RDF}type>", f"<{RDFS}label>", f"<{SKOS}altLabel>"


def entity(identifier: Any, schema: Any, datasets: Any = ("ports",), **properties: Any) -> dict:
    return {"id": identifier, "schema": schema, "datasets": datasets, "properties": properties}


SAMPLE = [
    json.loads(line)
    for line in (Path(__file__).parent / "samples/followthemoney/followthemoney.json")
    .read_text("utf-8")
    .splitlines()
]


def write(path: Path, entities: list[Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in entities), encoding="utf-8")
    return path


def mapped(tmp_path: Path, entities: list[Any], known: set[int] | None = None) -> Mapped:
    path = write(tmp_path / "entities.json", entities)
    [found] = feed_file(
        "followthemoney", path, known=known_of("followthemoney", path) | (known or set())
    )
    assert found.report is not None
    assert found.report.results == ()
    return found


def issues(found: Mapped) -> list[tuple[str, str, str]]:
    return [(one.column, one.value, one.reason) for one in found.issues]


def told(found: Mapped) -> set[tuple[str, str, str, str, str]]:
    """Return what is claimed: subject, type, object or value, time, who says so."""
    nodes: dict[str, dict[str, str]] = {}
    for line in lines_of(found):
        subject, predicate, rest = line.split(" ", 2)
        value = rest.rpartition(" <")[0].strip()
        nodes.setdefault(subject, {})[predicate.rpartition("#")[2].rstrip(">")] = value
    out = set()
    for claim in nodes.values():
        if "claimant" in claim:
            about = nodes[claim["about"]]
            when = nodes[about["time"]]["edtf"] if "time" in about else ""
            out.add(
                (
                    about["subject"].removeprefix(f"<{ID}").rstrip(">"),
                    about["relationType"].rpartition("#relation-")[2].rstrip(">"),
                    about.get("object", about.get("value", "")).removeprefix(f"<{ID}").rstrip(">"),
                    when.partition("^")[0].strip('"'),
                    nodes[claim["inSource"]]["label"],
                )
            )
    return out


PORTS = '"Data set ports"@en'
FERRY = "agent/followthemoney-ferry-co"


def test_all_but_names_is_claimed_by_the_data_set(tmp_path: Path):
    found = mapped(tmp_path, SAMPLE)
    assert issues(found) == []
    ship = f"thing/followthemoney-{slug('MV-1')}"
    assert told(found) == {
        (FERRY, "has-jurisdiction", "agent/united-states", "", PORTS),
        (FERRY, "of-country", '"country code zz"@en', "", PORTS),
        (FERRY, "has-legal-form", '"limited"@en', "", PORTS),
        (FERRY, "characterised-as", '"topic of FollowTheMoney: sanction"@en', "", PORTS),
        (FERRY, "has-identifier", '"registration number 0417"@en', "", PORTS),
        (FERRY, "subsidiary-of", "agent/followthemoney-trust", "", PORTS),
        (FERRY, "owns", ship, "2018/2020-01-31", PORTS),
        ("agent/followthemoney-trust", "has-identifier", '"INN 77"@en', "", PORTS),
        ("agent/followthemoney-p1", "national-of", "agent/australia", "", PORTS),
        (
            "agent/followthemoney-p1",
            "holds-office",
            "position/followthemoney-post",
            "2021/..",
            PORTS,
        ),
        (ship, "of-country", "agent/united-states", "", PORTS),
        (ship, "has-identifier", '"IMO 1234567"@en', "", PORTS),
        (ship, "under-sanctions", "thing/followthemoney-lis-1", "2022-03-01", PORTS),
        ("position/followthemoney-post", "of-country", "agent/united-states", "", PORTS),
    }
    claim = next(one for one in found.scribe.claims if one[1].startswith("relation/"))
    assert claim[5:9] == ("affirms", "actual", "unstated", "none-stated")
    text = "".join(lines_of(found))
    assert "nobody may see" not in text
    assert "a@b.c" not in text
    assert "Quay" not in text
    assert "entity ferry-co, jurisdiction; https://ports.example/7" in text
    assert "entity own-1 (Ownership); percentage 25" in text


def test_names_are_in_the_registry_and_topics_are_not(tmp_path: Path):
    found = mapped(tmp_path, SAMPLE)
    node = f"<{ID}{FERRY}>"
    registry = found.scribe.shared[node]
    assert f'{node} {LABEL} "Ferry Company of Solen"@en' in registry
    assert f'{node} {ALT} "FCS"@en' in registry
    assert f'{node} {ALT} "Паром"@und' in registry
    assert f"{node} {A} <{CH}Organization>" in registry
    assert 'Basis> "FollowTheMoney schema Company, data set ports"@en' in registry
    assert "sanction" not in registry
    assert "country" not in registry


def test_a_merged_entity_speaks_for_itself(tmp_path: Path):
    both = [entity("x", "Company", ["ports", "ships"], name=["X"], country=["us"])]
    none = [entity("x", "Company", None, name=["X"], country=["us"])]
    for one in (both, none):
        [(*_, who)] = told(mapped(tmp_path, one))
        assert who == '"FollowTheMoney entity x"@en'


@pytest.mark.parametrize(
    ("bad", "column", "value", "reason"),
    [
        (entity(["a"], "Person"), "id", "['a']", "expected a text of at most 200 characters"),
        (entity("a" * 201, "Person"), "id", "a" * 200, "expected a text of at most 200 characters"),
        (entity("a", "Ghost"), "schema", "Ghost", "no schema of FollowTheMoney that is known here"),
        (
            {"id": "a", "schema": "Person", "properties": []},
            "properties",
            "[]",
            "expected an object of lists of texts",
        ),
        (entity("a", "Person", name=[1]), "properties.name", "1", "expected texts"),
        (
            entity("a", "Ownership", owner=["gone"], asset=["trust"]),
            "owner",
            "gone",
            "the files have no such entity",
        ),
        (
            entity("a", "Ownership", owner=["trust"]),
            "owner, asset",
            "",
            "expected both ends of a link (Ownership)",
        ),
        (
            entity("a", "Ownership", owner=["trust"], asset=["trust"], startDate=["May 2020"]),
            "startDate",
            "May 2020",
            "expected a date such as 2020, 2020-05 or 2020-05-17",
        ),
        (
            entity(
                "a",
                "Ownership",
                owner=["trust"],
                asset=["trust"],
                startDate=["2020"],
                endDate=["2019"],
            ),
            "startDate, endDate",
            "2020/2019",
            "'2020/2019' ends before it starts",
        ),
        (entity("a", "Sanction"), "entity", "", "expected who or what is listed"),
        (
            entity("a", "Sanction", entity=["gone"]),
            "entity",
            "gone",
            "the files have no such entity",
        ),
    ],
)
def test_a_bad_entity_is_set_aside_alone(
    tmp_path: Path, bad: Any, column: str, value: str, reason: str
):
    good = entity("trust", "Organization", name=["Harbour Trust"])
    found = mapped(tmp_path, [good, bad])
    assert issues(found) == [(column, value, reason)]
    assert found.mapped == 1


def test_a_record_without_id_and_one_that_was_there_before(tmp_path: Path):
    one = entity("a", "Person", name=["A"])
    found = mapped(tmp_path, [one, one, entity(None, "Person")])
    assert issues(found) == [
        ("id", "a", "a record with this key came before"),
        ("id", "", "a record without its identifier"),
    ]


def test_what_a_link_leads_to_may_be_missing(tmp_path: Path):
    found = mapped(
        tmp_path,
        [
            entity("t", "Organization", name=["T"], parent=["gone"]),
            entity("o", "Ownership", owner=["t"], asset=["gone"]),
        ],
    )
    assert {one[1:3] for one in told(found)} == {
        ("subsidiary-of", '"entity gone"@en'),
        ("owns", '"entity gone"@en'),
    }


def test_two_links_of_one_kind_are_two_claims_on_one_relation(tmp_path: Path):
    one = {"director": ["p"], "organization": ["t"]}
    found = mapped(
        tmp_path,
        [
            entity("p", "Person", name=["P"]),
            entity("t", "Company", name=["T"]),
            entity("d1", "Directorship", role=["chair"], **one),
            entity("d2", "Directorship", role=["secretary"], **one),
        ],
    )
    assert len(found.scribe.claims) == 2
    assert len({claim[0] for claim in found.scribe.claims}) == 2
    assert len({claim[1] for claim in found.scribe.claims}) == 1
    assert len({subject for subject, _ in found.scribe.blocks}) == len(found.scribe.blocks) == 3


def test_numbers_of_persons_are_left_out(tmp_path: Path):
    found = mapped(
        tmp_path,
        [
            entity("a", "Person", name=["A"], registrationNumber=["1"], wikidataId=["Q42"]),
            entity("b", "LegalEntity", name=["B"], registrationNumber=["2"], taxNumber=["3"]),
        ],
    )
    assert {one[2] for one in told(found)} == {'"Wikidata Q42"@en', '"registration number 2"@en'}


def test_hostile_texts_are_names_and_nothing_else(tmp_path: Path):
    names = [
        'A "quoted" \\ name',
        "line\nbreak\x00\x07 and  spaces",
        "שלום עולם",
        "বাংলাদেশ রেলওয়ে",
        "भारतीय रेल",
        "x" * 201,
    ]
    found = mapped(tmp_path, [entity("a", "Company", name=names)])
    registry = next(text for key, text in found.scribe.shared.items() if key.endswith("-a>"))
    assert f'{LABEL} "A \\"quoted\\" \\\\ name"@en' in registry
    assert f'{ALT} "line break and spaces"@en' in registry
    assert "xxx" not in registry
    # ড় and য় are two code points in NFC.
    assert "রেলওয\u09bcে" in registry
    assert '"भारतीय रेल"@und' in registry


HEADER = SOURCE.table("statements").columns


def statement(
    identifier: str, canonical: str, prop: str, value: str, **more: str
) -> dict[str, str]:
    row = dict.fromkeys(HEADER, "")
    return row | {
        "id": identifier,
        "canonical_id": canonical,
        "entity_id": canonical,
        "prop": prop,
        "schema": "Company",
        "value": value,
        "dataset": "ports",
        **more,
    }


STATEMENTS = [
    statement("s1", "ferry-co", "id", "checksum"),
    statement("s2", "ferry-co", "name", "Паром", lang="rus", first_seen="2023-01-02T03:04:05"),
    statement("s3", "ferry-co", "jurisdiction", "us", dataset="ships", entity_id="s-7"),
    statement("s4", "ferry-co", "topics", "sanction", external="t", last_seen="2023-02-01"),
    statement("s5", "own-1", "owner", "ferry-co", schema="Ownership"),
    statement("s6", "ferry-co", "description", "A text."),
    statement("s7", "ferry-co", "jurisdiction", "us"),
]


def write_statements(path: Path, some: list[dict[str, str]], header: list[str]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(some)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def mapped_statements(
    tmp_path: Path, some: list[dict[str, str]], header: list[str] | None = None
) -> Mapped:
    entities = write(tmp_path / "entities.json", SAMPLE)
    path = write_statements(tmp_path / "statements.csv", some, header or list(HEADER))
    [found] = feed_file("followthemoney", path, known=known_of("followthemoney", entities))
    assert found.report is not None
    assert found.report.results == ()
    return found


def test_a_statement_is_a_claim_by_its_data_set(tmp_path: Path):
    found = mapped_statements(tmp_path, STATEMENTS)
    assert issues(found) == []
    ships = '"Data set ships"@en'
    assert told(found) == {
        (FERRY, "has-name", '"Паром"@ru', "", PORTS),
        (FERRY, "has-jurisdiction", "agent/united-states", "", ships),
        (FERRY, "has-jurisdiction", "agent/united-states", "", PORTS),
        (FERRY, "characterised-as", '"topic of FollowTheMoney: sanction"@en', "", PORTS),
    }
    text = "".join(lines_of(found))
    assert '"statement s2, name; seen 2023-01-02"@en' in text
    assert '"statement s3, jurisdiction of s-7"@en' in text
    assert '"statement s4, topics, from outside the data set; seen 2023-02-01"@en' in text
    assert found.scribe.shared == {}
    assert len(found.scribe.claims) == 4
    assert len({claim[1] for claim in found.scribe.claims}) == 3


def test_columns_may_stand_in_any_order_and_more_may_come(tmp_path: Path):
    usual = mapped_statements(tmp_path, STATEMENTS)
    other = mapped_statements(tmp_path, STATEMENTS, [*reversed(HEADER), "future"])
    assert lines_of(usual) == lines_of(other)


def test_where_there_are_statements_the_entity_says_no_more_than_names(tmp_path: Path):
    path = write_statements(tmp_path / "s.csv", STATEMENTS, list(HEADER))
    found = mapped(tmp_path, SAMPLE, known_of("followthemoney", path))
    assert not any(one[0] == FERRY and one[1] != "owns" for one in told(found))
    assert any(one[0] == FERRY and one[1] == "owns" for one in told(found))
    assert any(one[0] == "agent/followthemoney-p1" for one in told(found))


@pytest.mark.parametrize(
    ("bad", "column", "value", "reason", "kind"),
    [
        (
            statement("s", "nobody", "country", "us"),
            "canonical_id",
            "nobody",
            "the files have no such record of entities",
            "unresolved",
        ),
        (
            statement("s", "ferry-co", "country", "us", schema="Ghost"),
            "schema",
            "Ghost",
            "no schema of FollowTheMoney that is known here",
            "rejected",
        ),
        (
            statement("s", "ferry-co", "country", "us", dataset=""),
            "dataset",
            "",
            "expected the data set that says it",
            "rejected",
        ),
        (
            statement("s", "ferry-co", "country", "  "),
            "value",
            "",
            "expected a value",
            "rejected",
        ),
    ],
)
def test_a_bad_statement_is_set_aside_alone(
    tmp_path: Path, bad: dict[str, str], column: str, value: str, reason: str, kind: str
):
    found = mapped_statements(tmp_path, [*STATEMENTS, bad])
    assert found.issues == [
        Issue("statements.csv", len(STATEMENTS) + 2, column, value, reason, SOURCE.id, kind)
    ]


class Recorded(dict[str, Any]):
    """Notes which fields are read."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


def test_every_field_is_read_or_left_out_for_a_reason(tmp_path: Path):
    script = load_feed(folder("mappings"), "followthemoney")
    for table in SOURCE.tables:
        assert set(table.ignored) <= set(table.columns)
        assert all(table.ignored.values())
    row = Recorded(SAMPLE[0])
    script.mapper("entities", scribe(script))(row)
    table = SOURCE.table("entities")
    assert row.read == set(table.columns) - set(table.ignored)
    # The mapping of statements takes all columns apart by position: their number is fixed.
    assert len(HEADER) == 14


def test_every_schema_and_property_has_one_place():
    kinds, edges, out = MODULE["KINDS"], MODULE["EDGES"], MODULE["LEFT_OUT"]
    assert not set(kinds) & set(edges)
    assert not (set(kinds) | set(edges)) & set(out)
    parts = [MODULE[name] for name in ("COUNTRIES", "TEXTS", "IDENTIFIERS", "ENTITIES")]
    assert len(MODULE["TAKEN"]) == sum(map(len, parts))


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=60), st.text(max_size=5))
def test_every_name_has_a_tag(name: str, language: str):
    tag = MODULE["tag"](name, language)
    assert tag.isascii()
    assert 2 <= len(tag) <= 3


@settings(max_examples=40)
@given(
    st.lists(st.dates().map(str), max_size=3),
    st.lists(st.dates().map(lambda day: str(day)[:7]), max_size=3),
)
def test_a_validity_is_the_widest_or_none(starts: list[str], ends: list[str]):
    import tempfile

    ends = [end for end in ends if all(start[:7] <= end for start in starts)]
    link = entity("l", "Ownership", owner=["t"], asset=["t"], startDate=starts, endDate=ends)
    with tempfile.TemporaryDirectory() as place:
        path = write(Path(place) / "e.json", [entity("t", "Company", name=["T"]), link])
        [found] = feed_file(
            "followthemoney", path, known=known_of("followthemoney", path), check=False
        )
    assert issues(found) == []
    [(_, _, _, when, _)] = told(found)
    first, last = min(starts, default=""), max(ends, default="")
    assert when == (f"{first or '..'}/{last or '..'}" if first or last else "")


def test_two_runs_give_the_same_and_lines_are_sorted(tmp_path: Path):
    one, other = (mapped(tmp_path, SAMPLE) for _ in range(2))
    assert lines_of(one) == lines_of(other)
    assert one.scribe.blocks == other.scribe.blocks
    for text in (*one.scribe.shared.values(), *(text for _, text in one.scribe.blocks)):
        lines = text.split("\n")[:-1]
        assert lines == sorted(set(lines))


def test_golden_quads(tmp_path: Path, checkout: Path):
    golden = checkout / "tests/sources/golden/followthemoney.nq"
    assert "".join(lines_of(mapped(tmp_path, SAMPLE))) == golden.read_text(encoding="utf-8")


def test_the_real_file(checkout: Path):
    path = checkout.parent / "shared/feeds/ftm/eu_authorities.ftm.json"
    if not path.is_file():
        pytest.skip("no real files here")
    [found] = feed_file("followthemoney", path, known=known_of("followthemoney", path))
    assert (found.records, found.mapped, found.issues) == (151, 151, [])
    assert len(found.scribe.shared) == 151
    assert len(found.scribe.claims) == 323  # 172 legal forms and 151 jurisdictions
    assert found.report is not None
    assert found.report.results == ()
