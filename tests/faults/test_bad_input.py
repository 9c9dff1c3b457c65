"""Each kind of bad input is one clear error with its place; nothing is published, nothing lost."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kg.cli import main
from kg.dumps import dump
from kg.manifest import read_manifest


class Kg:
    """Runs the command in a folder with the tutorial's facts and a release of them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch):
        self.facts = folder / "facts"
        self.out = folder / "releases"
        self._capsys = capsys
        self._patch = patch

    def __call__(self, *args: str) -> tuple[int, str, str]:
        self._patch.setattr(sys, "argv", ["kg", *args])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = self._capsys.readouterr()
        code = stop.value.code
        return code if isinstance(code, int) else 0, out, err

    def build(self) -> tuple[int, str, str]:
        return self("build", "--facts", str(self.facts), "--out", str(self.out), "--json")

    @property
    def file(self) -> Path:
        return self.facts / "harbour-visit.yaml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    from kg.build import publish

    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(checkout / "docs/tutorial/facts", folder / "facts")
    path, _ = publish([folder / "facts"], folder / "releases", base="https://chancery.example/")
    assert path is not None
    return folder


@pytest.fixture
def kg(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Kg:
    folder = tmp_path / "work"
    shutil.copytree(built, folder, symlinks=True)
    return Kg(folder, capsys, monkeypatch)


def _line(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


def _replace(old: str, new: str) -> Callable[[str], tuple[str, int]]:
    def edit(text: str) -> tuple[str, int]:
        assert old in text
        changed = text.replace(old, new, 1)
        return changed, _line(text, old) + old[: len(old) - len(old.lstrip("\n"))].count("\n")

    return edit


UNREADABLE = {
    "not YAML": (_replace("  type: arrival\n", "  type: [arrival\n"), "not YAML", False),
    "unknown field": (
        _replace("  type: arrival\n", "  typo: arrival\n"),
        'field "typo" is not known',
        True,
    ),
    "missing field": (
        _replace("  stance: denies\n", ""),
        'field "stance" is missing',
        False,
    ),
    "dangling reference": (
        _replace("{role: destination, who: port-solen}", "{role: destination, who: nowhere}"),
        "refers to nothing",
        True,
    ),
    "reference to another kind": (
        _replace("by: [bostmark-defence-ministry]", "by: [port-solen]"),
        "refers to a record of another kind",
        True,
    ),
    "offset outside the document": (
        _replace("at: 0-10", "at: 0-1000"),
        "is outside the document",
        True,
    ),
    "sentence outside the document": (
        _replace("evidence: [{sentence: 3}]", "evidence: [{sentence: 4}]"),
        "is outside the document",
        True,
    ),
    "unknown language tag": (
        _replace("labels: {en: Ilse Rell}", "labels: {zz: Ilse Rell}"),
        "unknown language tag",
        True,
    ),
    "unparsable date": (
        _replace('edtf: "2024-03-11"', 'edtf: "2024-02-30"'),
        "is no date",
        True,
    ),
    "no such concept": (
        _replace("type: cargo-movement", "type: cargo-movment"),
        "perhaps cargo-movement",
        True,
    ),
    "not of the closed list": (
        _replace("stance: denies", "stance: refutes"),
        "one of affirms denies",
        True,
    ),
    "one id twice": (
        _replace("  id: hv-c06\n", "  id: hv-c05\n"),
        "two records have one id",
        False,
    ),
    "one field twice": (
        _replace("  type: arrival\n", "  type: arrival\n  type: talks\n"),
        "a field is given twice",
        False,
    ),
    "an alias": (
        _replace("labels: {en: Arvenia}", "labels: &a {en: Arvenia}"),
        "anchors and aliases",
        True,
    ),
    "not in NFC": (
        _replace("labels: {en: Bostmark}", "labels: {en: Bostma\u0301rk}"),
        "Normalization Form C",
        True,
    ),
    "a quotation too long": (
        _replace(
            "  stance: denies\n",
            "  stance: denies\n  quoted: [{lang: en, text: one two three four five six}]\n",
        ),
        "at most five words",
        False,
    ),
    "a placeholder": (
        _replace("  method: read by hand, for the tutorial", '  method: "TODO: say how"'),
        "still to be filled in",
        True,
    ),
    "both about and relays": (
        _replace("  stance: denies\n", "  stance: denies\n  relays: hv-c04\n"),
        "exactly one target",
        False,
    ),
    "an id that the build uses": (
        _replace("  id: harbour-visit\n", "  id: status\n"),
        "taken by the build",
        True,
    ),
    "an id that ends in a line feed": (
        _replace("  id: fishing-treaty\n", '  id: "fishing-treaty\\n"\n'),
        'field "id" is not of its form',
        True,
    ),
    "a control character": (
        _replace("labels: {en: Port Solen}", 'labels: {en: "Port\\u007f Solen"}'),
        "a character that no text holds",
        True,
    ),
    "an optional field that is no id": (
        _replace("  acts_for: arvenia\n", "  acts_for: Arvenia State\n"),
        "expected an id",
        True,
    ),
    "a hash beside a sentence": (
        _replace("[{sentence: 2}]", "[{sentence: 2, sha256: " + "0" * 64 + "}]"),
        "stands beside a sentence",
        True,
    ),
    "one coordinate": (
        _replace("  located_in: bostmark\n", "  located_in: bostmark\n  latitude: 12.5\n"),
        "both latitude and longitude",
        False,
    ),
    "an outlet twice": (
        _replace("via: [bostmark-courier]", "via: [bostmark-courier, bostmark-courier]"),
        "names an outlet twice",
        True,
    ),
    "published on no date": (
        _replace(
            "  reference_basis: dateline\n", "  reference_basis: dateline\n  published: 18/10/23\n"
        ),
        "is no date",
        False,
    ),
    "two claims with one address": (
        _replace("  by: [arvenian-foreign-ministry]\n", "  by: [bostmark-defence-ministry]\n"),
        "two different things have one address",
        False,
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_exits_2_with_file_and_line(kg: Kg, case: str) -> None:
    edit, message, exact = UNREADABLE[case]
    before = (kg.out / "current").readlink()
    text, line = edit(kg.file.read_text(encoding="utf-8"))
    kg.file.write_text(text, encoding="utf-8")
    code, out, err = kg.build()
    assert code == 2, err
    errors = [x for x in err.splitlines() if "harbour-visit.yaml:" in x]
    assert any(message in x for x in errors), err
    place = "(" + re.escape(str(kg.file)) + "|facts/harbour-visit.yaml)"
    assert all(re.match(place + r":\d+: ", x) for x in errors)
    if exact:
        assert any(f"facts/harbour-visit.yaml:{line}: " in x for x in errors), err
    assert out == ""
    assert (kg.out / "current").readlink() == before
    assert kg("facts", "check", "--facts", str(kg.facts))[0] == (
        0 if case == "two claims with one address" else 2
    )


def test_a_file_that_is_not_utf_8(kg: Kg) -> None:
    data = kg.file.read_bytes().replace(b"labels: {en: Arvenia}", b"labels: {en: Arv\xe9nia}")
    kg.file.write_bytes(data)
    code, _, err = kg.build()
    assert code == 2
    line = data[: data.index(b"\xe9")].count(b"\n") + 1
    assert f"facts/harbour-visit.yaml:{line}: the file is not UTF-8; seen byte 0xE9" in err.replace(
        '"', ""
    )


def test_all_errors_of_a_stage_come_together(kg: Kg) -> None:
    text = kg.file.read_text(encoding="utf-8")
    text = text.replace("who: port-solen", "who: nowhere").replace("type: talks", "type: talk")
    kg.file.write_text(text.replace('edtf: "2024-03-11"', 'edtf: "11 March"'), encoding="utf-8")
    code, _, err = kg.build()
    assert code == 2
    errors = [x for x in err.splitlines() if "harbour-visit.yaml:" in x]
    assert len(errors) == text.count("who: nowhere") + 2


def test_json_lines_have_the_same_checks(kg: Kg) -> None:
    (kg.facts / "more.jsonl").write_text(
        '{"kind": "agent", "id": "x"}\n{"kind": "agent",\n', encoding="utf-8"
    )
    code, _, err = kg.build()
    assert code == 2
    assert "facts/more.jsonl:2: the line is not JSON" in err
    (kg.facts / "more.jsonl").write_text('{"kind": "agent", "id": "x"}\n', encoding="utf-8")
    code, _, err = kg.build()
    assert code == 2
    assert 'facts/more.jsonl:1: field "type" is missing' in err
    assert 'facts/more.jsonl:1: field "labels" is missing' in err


RULES = {
    "an event that nobody claims": (
        lambda t: (
            t
            + "\n- kind: event\n  id: nobody-says\n  label: {en: A strike in Port Solen}\n"
            + "  type: plover-protest\n"
        ),
        "nobody-says",
    ),
    "a relay cycle": (
        lambda t: t.replace(
            "  about: drones-unloading-port-solen\n  stance: denies",
            "  relays: hv-c06\n  stance: denies",
        ).replace(
            "  about: drones-unloading-port-solen\n  stance: does-not-confirm",
            "  relays: hv-c05\n  stance: does-not-confirm",
        ),
        "hv-c05 → hv-c06 → hv-c05",
    ),
    "an identifier that is not in the authority": (
        lambda t: t.replace("labels: {en: Arvenia}", "labels: {en: Arvenia}\n  wikidata: Q423"),
        'field "wikidata" is "Q423"',
    ),
    "a relation that contains itself": (
        lambda t: t.replace("  subject: ilse-rell\n", "  subject: hv-r01\n"),
        "hv-r01 → hv-r01",
    ),
    "actsFor in a circle": (
        lambda t: t.replace(
            "  labels: {en: Arvenia}\n", "  labels: {en: Arvenia}\n  acts_for: ilse-rell\n"
        ),
        "ilse-rell",
    ),
    "low above high": (
        lambda t: t.replace(
            "{best: 1, precision: exact, unit: persons}",
            "{low: 5, high: 2, precision: approximate, unit: persons}",
        ),
        "quantity/",
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_what_breaks_a_rule_exits_1_and_publishes_nothing(kg: Kg, case: str) -> None:
    edit, message = RULES[case]
    before = (kg.out / "current").readlink()
    text = kg.file.read_text(encoding="utf-8")
    changed = edit(text)
    assert changed != text
    kg.file.write_text(changed, encoding="utf-8")
    code, out, err = kg.build()
    assert code == 1, err
    assert message in err
    assert re.search(r"facts/harbour-visit\.yaml:\d+", err)
    answer = json.loads(out)
    assert answer["release"] is None
    assert answer["conforms"] is False
    assert all(s["records"] == s["mapped"] + s["rejected"] for s in answer["sources"])
    assert (kg.out / "current").readlink() == before
    assert "Does not conform" in (kg.out / "rejected/report.txt").read_text(encoding="utf-8")
    report = json.loads((kg.out / "rejected/report.json").read_text(encoding="utf-8"))
    assert report["blocks"] is True
    assert any("harbour-visit.yaml:" in r["origin"] for r in report["results"])
    assert "sh:conforms false" in (kg.out / "rejected/report.ttl").read_text(encoding="utf-8")


def test_a_folder_without_facts_says_what_to_do(kg: Kg, tmp_path: Path) -> None:
    code, _, err = kg("build", "--facts", str(tmp_path / "none"), "--out", str(kg.out))
    assert code == 2
    assert "no such folder" in err
    (tmp_path / "empty").mkdir()
    code, _, err = kg("build", "--facts", str(tmp_path / "empty"), "--out", str(kg.out))
    assert code == 2
    assert "no facts file" in err


def test_a_second_build_of_the_same_facts_reuses_the_release(kg: Kg) -> None:
    code, out, err = kg.build()
    assert code == 0
    assert "already there" in err
    assert json.loads(out)["release"] == (kg.out / "current").readlink().name


def test_json_lines_may_hold_numbers(kg: Kg) -> None:
    (kg.facts / "more.jsonl").write_text(
        '{"kind": "place", "id": "cape-orn", "labels": {"en": "Cape Orn"}, "basis": "test",'
        ' "as_of": "2024-03-12", "extracted": "harbour-visit-first-reading",'
        ' "latitude": 12.5, "longitude": -3}\n',
        encoding="utf-8",
    )
    code, _, err = kg.build()
    assert code == 0, err
    text = dump(kg.out / "current", "graph.nq").decode()
    assert '/id/place/cape-orn> <https://w3id.org/chancery/ontology#latitude> "12.5"^^' in text
    assert '#longitude> "-3"^^' in text


@pytest.mark.parametrize("events", ["[]", '["drones-unloading-port-solen"]'])
def test_a_list_of_the_wrong_length(kg: Kg, events: str) -> None:
    (kg.facts / "more.jsonl").write_text(
        '{"kind": "link", "id": "l", "certainty": "possible", "reason": "x", "events": '
        + events
        + "}\n",
        encoding="utf-8",
    )
    code, _, err = kg.build()
    assert code == 2, err
    assert 'field "events"' in err
    assert "Traceback" not in err


def test_what_an_editor_leaves_behind_is_no_facts_file(kg: Kg) -> None:
    (kg.facts / ".#harbour.yaml").symlink_to("nowhere")
    (kg.facts / "folder.yaml").mkdir()
    assert kg("facts", "check", "--facts", str(kg.facts))[0] == 0


def test_releases_do_not_lie_among_the_facts(kg: Kg) -> None:
    code, _, err = kg("build", "--facts", str(kg.facts), "--out", str(kg.facts / "out"))
    assert code == 2
    assert "among the facts" in err


@pytest.mark.parametrize("time", ["yesterday", "2026-02-31T12:00:00Z", "2026-02-03T12:00:00"])
def test_a_time_that_is_none(kg: Kg, time: str) -> None:
    code, _, err = kg("build", "--facts", str(kg.facts), "--out", str(kg.out), "--time", time)
    assert code == 2
    assert "--time" in err


@pytest.mark.parametrize("text", ["yesterday", "1e3", "9" * 30])
def test_a_source_date_that_is_none(kg: Kg, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    code, _, err = kg("build", "--facts", str(kg.facts), "--out", str(kg.out))
    assert code == 2
    assert "SOURCE_DATE_EPOCH" in err
    assert "seconds since 1970" in err


def test_the_source_date_is_the_time_unless_one_is_given(
    kg: Kg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1697587200")
    for options, time in (((), "2023-10-18T00:00:00Z"), (("--time", NOON), NOON)):
        code, _, err = kg("build", "--facts", str(kg.facts), "--out", str(kg.out), *options)
        assert code == 0, err
        assert read_manifest(kg.out / "current").time == time
        provenance = (kg.out / "current/provenance.ttl").read_text(encoding="utf-8")
        assert f'prov:endedAtTime "{time}"^^xsd:dateTime' in provenance


NOON = "2026-02-03T12:00:00Z"


def test_an_identifier_that_the_authority_holds(kg: Kg, checkout: Path) -> None:
    authority = checkout / "mappings/wikidata.sssom.tsv"
    lines = authority.read_text(encoding="utf-8").splitlines()
    header = next(x for x in lines if x.startswith("subject_id"))
    row = {
        "subject_id": "kg:agent/arvenia",
        "subject_label": "Arvenia",
        "predicate_id": "skos:exactMatch",
        "object_id": "wd:Q423",
        "object_label": "an item",
        "object_kind": "state",
        "mapping_justification": "semapv:ManualMappingCuration",
        "author_id": "kg:agent/tutorial-reader",
        "mapping_date": "2026-11-21",
        "confidence": "0.9",
        "evidence": "invented for this test",
    }
    links = kg.facts.parent / "links.tsv"
    cells = "\t".join(row.get(column, "") for column in header.split("\t"))
    links.write_text(f"{header}\n{cells}\n", encoding="utf-8")
    text = kg.file.read_text(encoding="utf-8")
    changed = text.replace("labels: {en: Arvenia}", "labels: {en: Arvenia}\n  wikidata: Q423")
    kg.file.write_text(changed, encoding="utf-8")
    code, _, err = kg(
        "build", "--facts", str(kg.facts), "--out", str(kg.out), "--links", str(links)
    )
    assert code == 0, err
    text = dump(kg.out / "current", "graph.nq").decode()
    assert "/id/agent/arvenia> <http://www.w3.org/2004/02/skos/core#exactMatch>" in text


def test_a_position_on_a_denial_is_none_on_what_was_denied(kg: Kg) -> None:
    """Who rejects a denial of an event neither denies nor affirms the event."""
    text = kg.file.read_text(encoding="utf-8")
    text += (
        "\n- kind: claimset\n  id: such-denials\n  label: {en: Such denials}\n"
        "  stated: [hv-c05]\n  evidence: [{sentence: 3}]\n"
        "\n- kind: claim\n  id: hv-c07\n  by: [arvenian-foreign-ministry]\n"
        "  about: such-denials\n  stance: denies\n  modality: actual\n  certainty: unstated\n"
        "  basis: none-stated\n  evidence: [{sentence: 3}]\n"
    )
    kg.file.write_text(text, encoding="utf-8")
    code, _, err = kg.build()
    assert code == 0, err
    text = dump(kg.out / "current", "graph.nq").decode()
    denied = [
        x for x in text.splitlines() if " <https://w3id.org/chancery/ontology#deniedBy> " in x
    ]
    assert denied
    assert all("/id/agent/bostmark>" in x for x in denied)


@pytest.mark.parametrize("flags", [["--csv"], ["--json"], []])
@pytest.mark.parametrize("query", ["ASK { ?s a ch:Claim }", "SELECT ?s { ?s a ch:Document }"])
def test_every_answer_ends_its_last_line(kg: Kg, flags: list[str], query: str) -> None:
    code, out, err = kg("query", "--releases", str(kg.out), *flags, query)
    assert code == 0, err
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


def test_a_query_that_is_none_says_where(kg: Kg) -> None:
    code, out, err = kg("query", "--releases", str(kg.out), "SELECT ?s {\n ?s a }")
    assert (code, out) == (2, "")
    assert "line 2" in err or ":2:" in err
