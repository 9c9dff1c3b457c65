"""The lexicon is what its script writes, of verified items only, and each of its names is one."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from kg.errors import ResourceError
from kg.lexicon import Lexicon, key_of
from kg.resources import folder

HERE = folder("lexicon")
SOURCES = HERE / "sources"
LEXICON = Lexicon.load()
KINDS = {
    *("agency", "armed force", "building", "city", "conflict", "former state"),
    *("former territory", "government", "historical state", "intergovernmental organ"),
    *("intergovernmental organisation", "ministry", "news agency", "office", "organisation"),
    *("person", "region", "separatist entity", "state", "subdivision", "territory"),
}
USES = {"adjective", "code", "demonym", "metonym", "name", "shared", "short", "surname"}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def all_names() -> list[dict[str, str]]:
    paths = sorted((HERE / "names").glob("*.tsv"))
    return [{"lang": path.stem, **row} for path in paths for row in table(path)]


def test_it_is_what_its_script_writes() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "build.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_item_is_in_a_source() -> None:
    """Nothing is from memory: an identifier stands in a file that was taken from somewhere."""
    verified = {
        row["qid"]
        for path in (*SOURCES.glob("*.tsv"), HERE / "curated-entities.tsv")
        for row in table(path)
    }
    assert set(LEXICON.entities) <= verified
    curated = table(HERE / "curated-entities.tsv")
    assert all(row["sources"] for row in curated)


def test_witnesses_agree_on_states() -> None:
    rows = table(SOURCES / "territories.tsv")
    differing = {
        row["iso2"] for row in rows if not row["qid"] == row["country_coder"] == row["rigour"]
    }
    # Western Sahara as a state and as a land; two pairs of islands and towns that CLDR joins.
    assert differing == {"EA", "EH", "SJ"}


def test_entities_are_well_formed() -> None:
    for entity in LEXICON.entities.values():
        assert re.fullmatch("Q[1-9][0-9]*", entity.qid)
        assert entity.kind in KINDS, entity
        assert not entity.country or entity.country in LEXICON.entities, entity
        assert not entity.seat_of or LEXICON.entities[entity.seat_of].kind in ("state", "territory")


def test_names_are_well_formed() -> None:
    rows = all_names()
    for row in rows:
        assert unicodedata.is_normalized("NFC", row["name"]), row
        assert row["name"] == " ".join(row["name"].split()), row
        assert row["use"] in USES, row
        assert row["qid"] in LEXICON.entities, row
        assert re.fullmatch("[a-z]{2,3}", row["lang"]), row
        assert key_of(row["name"], row["lang"]), row
    keys = Counter((r["lang"], r["qid"], r["name"], r["use"]) for r in rows)
    assert max(keys.values()) == 1


def test_tenures_are_well_formed() -> None:
    for row in table(HERE / "tenures.tsv"):
        assert row["start"], row
        assert not row["end"] or row["start"] <= row["end"], row
        assert row["end"] or row["seen"], row
        assert LEXICON.entities[row["qid"]].kind == "person", row


def test_dropped_names_are_gone() -> None:
    names = {(r["qid"], r["lang"], r["name"]): r["use"] for r in all_names()}
    for row in table(HERE / "dropped.tsv"):
        assert names.get((row["qid"], row["lang"], row["name"]), "") == row["kept_as"]
        assert row["reason"]


def test_languages_of_the_articles_and_their_subject_are_there() -> None:
    assert {"ar", "bn", "en", "fa", "hi", "ja", "ko", "ru", "uk", "ur", "zh"} <= set(
        LEXICON.languages
    )
    assert len(LEXICON.languages) > 150


def test_every_state_has_a_name_in_the_languages_of_the_articles() -> None:
    states = {q for q, e in LEXICON.entities.items() if e.kind == "state"}
    for lang in ("bn", "hi", "ko", "ru"):
        named = {n.qid for names in LEXICON.names(lang).by_key.values() for n in names}
        assert states <= named, lang


def test_every_source_is_in_the_notice() -> None:
    notice = (folder("ontology") / "NOTICE").read_text(encoding="utf-8")
    for path in sorted(SOURCES.glob("*.tsv")):
        assert f"sources/{path.name}" in notice, path.name


def test_a_missing_lexicon_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"entities\.tsv"):
        Lexicon(tmp_path)
