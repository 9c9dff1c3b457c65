"""Nothing that a program proposed is published before somebody has taken it over."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from kg.cli import main
from kg.errors import KgErrors
from kg.facts import read_files


@pytest.fixture
def facts(tmp_path: Path, checkout: Path) -> Path:
    shutil.copytree(checkout / "docs/tutorial/facts", tmp_path / "facts")
    return tmp_path / "facts"


def kg(patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str):
    patch.setattr(sys, "argv", ["kg", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_file_with_a_proposal_is_refused_with_its_line(
    facts: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    file = facts / "harbour-visit.yaml"
    text = file.read_text(encoding="utf-8").replace(
        "  id: hv-c04\n", "  id: hv-c04\n  review: proposed\n"
    )
    file.write_text(text, encoding="utf-8")
    line = text[: text.index("review: proposed")].count("\n") + 1
    if command == "check":
        code, _, err = kg(monkeypatch, capsys, "facts", "check", "--facts", str(facts))
    else:
        out = facts.parent / "releases"
        code, _, err = kg(monkeypatch, capsys, "build", "--facts", str(facts), "--out", str(out))
        assert not (out / "current").exists()
    assert code == 2
    assert f"harbour-visit.yaml:{line}: the claim is only proposed" in err
    assert "complete the record and mark it so, or delete it" in err
    file.write_text(text.replace("review: proposed", "review: drafted"), encoding="utf-8")
    assert kg(monkeypatch, capsys, "facts", "check", "--facts", str(facts))[0] == 0


def test_records_inherit_it_and_many_are_summed_up(facts: Path):
    file = facts / "harbour-visit.yaml"
    text = file.read_text(encoding="utf-8").replace("  review: drafted\n", "  review: proposed\n")
    file.write_text(text, encoding="utf-8")
    schemes = {"event-type": (), "relation-type": (), "role": (), "time-rule": ()}
    with pytest.raises(KgErrors) as found:
        read_files({"facts/harbour-visit.yaml": file}, schemes)
    lines = [str(e) for e in found.value.errors if "only proposed" in str(e)]
    assert len(lines) == 11
    assert "more records are only proposed" in lines[-1]
    assert "the last of them stands at line" in lines[-1]


def test_a_name_is_compared_with_a_text_that_is_not_normalised(tmp_path: Path):
    from hashlib import sha256
    from unicodedata import normalize

    from kg.build import load_facts
    from kg.facts import verify_texts

    name = "ঢাকার ময়দান"  # ya with a nukta in one code point, as no NFC text has it
    text = normalize("NFC", name).replace("\u09af\u09bc", "\u09df")
    assert text != normalize("NFC", name)
    digest = sha256(text.encode()).hexdigest()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text(text, encoding="utf-8")
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "a.yaml").write_text(
        f"""
- {{kind: document, id: a, identifier: a, title: {{en: A place}}, language: bn, sha256: {digest},
    characters: {len(text)}, sentences: [{{at: 0-{len(text)}, sha256: {digest}}}],
    reference_date: 2024-03-12, reference_basis: dateline, publisher_unstated: invented,
    custody: {{reason: invented}}}}
- {{kind: place, id: square, labels: {{en: A square}}, basis: invented, as_of: 2024-03-12}}
- {{kind: mention, id: a-m1, at: 0-{len(text)}, surface: {normalize("NFC", name)}, names: square,
    sha256: {digest}}}
""",
        encoding="utf-8",
    )
    assert verify_texts(load_facts([tmp_path / "facts"]), tmp_path / "texts").errors == ()
