"""Each kind of bad input is one clear error with its place; nothing is published, nothing lost."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kg.cli import main


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
