"""Codes of states name one item at a time, of a state or territory, and are nothing else."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path

import pytest

from kg.errors import ResourceError
from kg.lexicon import SCHEMES, Lexicon
from kg.names import fold
from kg.resources import folder

HERE = folder("lexicon")
LEXICON = Lexicon.load()
WEST_BANK, GAZA = "Q36678", "Q39760"
OTHER_THAN_ISO = {
    "ANT": "Q25227",
    "GZS": GAZA,
    "IMY": "Q9676",
    "MTN": "Q236",
    "ROM": "Q218",
    "TMP": "Q574",
    "WSB": WEST_BANK,
}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


ROWS = table(HERE / "codes.tsv")


def qid(scheme: str, code: str, day: str = "") -> str:
    found = LEXICON.state(scheme, code, day)
    return found.qid if found else ""


@pytest.mark.parametrize(
    ("scheme", "code", "item"),
    [
        ("iso2", "KP", "Q423"),
        ("iso2", "GB", "Q145"),
        ("iso3", "PRK", "Q423"),
        ("iso3", "XKX", "Q1246"),
        ("gw", "2", "Q30"),
        ("gw", "731", "Q423"),
        ("gw", "732", "Q884"),
        ("gw", "260", "Q183"),
        ("gw", "265", "Q16957"),
        ("gw", "490", "Q974"),
        ("gw", "983", "Q709"),
        ("cameo", "RUS", "Q159"),
        ("cameo", "ROM", "Q218"),
        ("cameo", "GZS", GAZA),
        ("cameo", "PSE", "Q219060"),
        ("fips", "SF", "Q258"),
        ("fips", "AS", "Q408"),
        ("fips", "RS", "Q159"),
        ("fips", "KN", "Q423"),
        ("fips", "KS", "Q884"),
        ("fips", "CH", "Q148"),
        ("fips", "SZ", "Q39"),
        ("fips", "GM", "Q183"),
        ("fips", "NI", "Q1033"),
        ("fips", "NG", "Q1032"),
        ("fips", "WE", WEST_BANK),
    ],
)
def test_a_code_is_one_state(scheme: str, code: str, item: str) -> None:
    assert qid(scheme, code) == item
    assert qid(scheme, code, "2023-09-13") == item


@pytest.mark.parametrize(
    ("code", "day", "item"),
    [
        ("365", "1990-01-20", "Q15180"),
        ("365", "1991-12-25", "Q15180"),
        ("365", "1991-12-26", "Q159"),
        ("365", "1990", "Q15180"),
        ("365", "1991-11", "Q15180"),
        ("365", "1991", ""),
        ("365", "1991-12", ""),
        ("365", "", ""),
        ("345", "1991-06-27", "Q83286"),
        ("345", "1999-03-24", ""),
        ("345", "2004-03-17", "Q37024"),
        ("345", "2007-01-01", ""),
        ("345", "", ""),
        ("340", "1914-07-28", ""),
        ("340", "2008-02-17", "Q403"),
        ("678", "1989-01-01", ""),
        ("678", "1994-05-05", "Q805"),
        ("678", "", "Q805"),
        ("710", "1947-01-01", ""),
        ("816", "1970-01-01", ""),
        ("816", "1979-02-17", "Q881"),
    ],
)
def test_a_number_goes_from_one_state_to_another(code: str, day: str, item: str) -> None:
    assert qid("gw", code, day) == item


@pytest.mark.parametrize(
    ("scheme", "code"),
    [
        ("iso2", "ZZ"),
        ("iso2", "kp"),
        ("iso2", "🇰🇵"),
        ("iso3", "JAP"),
        ("cameo", "JAP"),
        ("cameo", "BAG"),
        ("gw", "817"),
        ("gw", "327"),
        ("gw", "679"),
        ("gw", "365.0"),
        ("fips", "OS"),
        ("fips", ""),
    ],
)
def test_what_is_not_known_is_nothing(scheme: str, code: str) -> None:
    assert LEXICON.state(scheme, code) is None


@pytest.mark.parametrize("code", ["AFR", "ASA", "EAF", "EUR", "LAM", "MEA", "SAS", "WAF", "WST"])
def test_regions_are_no_states(code: str) -> None:
    assert LEXICON.state("cameo", code) is None


def test_unions_of_states_are_no_states() -> None:
    for code in ("EU", "UN"):
        assert LEXICON.state("iso2", code) is None
    assert LEXICON.iso3("Q458") == ""


def test_a_scheme_that_is_not_known_is_told() -> None:
    with pytest.raises(KeyError):
        LEXICON.state("cow", "2")


@pytest.mark.parametrize("day", ["19900120", "1990-01-20 00:00:00.000", "20/01/1990"])
def test_a_day_that_is_written_otherwise_is_told(day: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        LEXICON.state("gw", "365", day)


def test_the_table_is_well_formed() -> None:
    text = (HERE / "codes.tsv").read_text(encoding="utf-8")
    header, *lines = text.removesuffix("\n").split("\n")
    assert header == "scheme\tcode\tqid\tfrom\tuntil\tnote"
    assert lines == sorted(set(lines))
    forms = {"cameo": "[A-Z]{3}", "fips": "[A-Z]{2}", "gw": "[1-9][0-9]{0,2}"}
    for row in ROWS:
        assert re.fullmatch(forms[row["scheme"]], row["code"]), row
        for day in (row["from"], row["until"]):
            assert re.fullmatch(r"([0-9]{4}-[01][0-9]-[0-3][0-9])?", day), row
        assert not (row["from"] and row["until"]) or row["from"] <= row["until"], row
        if row["from"] or row["until"]:
            assert row["scheme"] == "gw", row


def test_every_item_is_a_state_or_like_one() -> None:
    for row in ROWS:
        kind = LEXICON.entities[row["qid"]].kind
        if kind == "region":
            assert row["qid"] in (WEST_BANK, GAZA), row
            assert LEXICON.entities[row["qid"]].country == "Q219060"
        else:
            assert kind in ("state", "territory", "former state", "former territory"), row


def test_no_code_leads_to_two_on_one_day() -> None:
    by_code: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in ROWS:
        by_code.setdefault((row["scheme"], row["code"]), []).append(row)
    for rows in by_code.values():
        rows.sort(key=lambda row: row["from"])
        for one, other in pairwise(rows):
            assert one["until"], (one, other)
            assert one["until"] < other["from"], (one, other)


def test_no_state_has_two_codes_of_a_scheme() -> None:
    """But for one that is no state any more, and whose number the next one took."""
    for scheme in ("cameo", "fips", "gw"):
        items = [row["qid"] for row in ROWS if row["scheme"] == scheme]
        assert len(items) == len(set(items)), scheme


def test_cameo_agrees_with_iso_where_both_have_a_code() -> None:
    codes = {row["code"]: row["qid"] for row in ROWS if row["scheme"] == "cameo"}
    differing = {code: item for code, item in codes.items() if qid("iso3", code) != item}
    assert differing == OTHER_THAN_ISO
    assert not [code for code in OTHER_THAN_ISO if LEXICON.state("iso3", code)]


def test_every_state_with_a_number_has_a_code_of_three_letters() -> None:
    for row in ROWS:
        if row["scheme"] == "gw" and LEXICON.entities[row["qid"]].kind == "state":
            assert qid("iso3", LEXICON.iso3(row["qid"])) == row["qid"], row


def test_there_is_a_way_back_to_three_letters() -> None:
    assert LEXICON.iso3("Q423") == "PRK"
    assert LEXICON.iso3("Q15180") == ""
    assert LEXICON.iso3("Q1") == ""


@pytest.mark.parametrize(
    ("item", "language", "label"),
    [
        ("Q423", "en", "North Korea"),
        ("Q423", "bn", "উত্তর কোরিয়া"),
        ("Q423", "hi", "उत्तर कोरिया"),
        ("Q423", "pt-BR", "Coreia do Norte"),
        ("Q159", "ru", "Россия"),
        ("Q15180", "bn", "সোভিয়েত ইউনিয়ন"),
        ("Q1042", "bn", "সেশেলস"),  # CLDR has Sicily, which was refused
        ("Q15180", "xx", ""),
        ("Q423", "xx", ""),
        ("Q423", "", ""),
        ("Q1", "en", ""),
        ("Q1", "bn", ""),
    ],
)
def test_a_label_is_in_the_language(item: str, language: str, label: str) -> None:
    assert fold(LEXICON.label(item, language)) == fold(label)


def test_every_state_has_a_label_that_is_a_name_of_it() -> None:
    for lang in ("bn", "hi"):
        names = {
            (name.qid, fold(name.text))
            for some in LEXICON.names(lang).by_key.values()
            for name in some
        }
        for code in (row["qid"] for row in ROWS if row["scheme"] == "gw"):
            label = LEXICON.label(code, lang)
            if LEXICON.entities[code].kind == "state":
                assert (code, fold(label)) in names, (code, lang, label)


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    for name in ("entities.tsv", "names/mul.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((HERE / name).read_bytes())
    lexicon = Lexicon(tmp_path)
    with pytest.raises(ResourceError, match=r"codes\.tsv"):
        lexicon.state(SCHEMES[0], "USA")
