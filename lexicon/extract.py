"""Takes facts out of packages and files that are not in this repository, into `lexicon/sources/`.

It is run when a source has a new version, not by a build; `lexicon/build.py` reads what it wrote.
Taken are identifiers, codes, names and dates: no descriptions and no code. `ontology/NOTICE` says
where each file comes from and under which licence.

    python lexicon/extract.py --verified DIR --country-coder borders.json --subdivisions DIR \\
        --brands wikidata.json --places capitals.tsv

needs `pip install rigour`, and the files of the npm packages `@rapideditor/country-coder`
(`src/data/borders.json`), `cldr-subdivisions-full` (`subdivisions/`) and `name-suggestion-index`
(`dist/wikidata/wikidata.json`). What is not given is left as it is.
"""

from __future__ import annotations

import argparse
import csv
import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "sources"

REGIONS = {
    # Names of these come from CLDR, by their code in UN M49.
    "Q2": "001",
    "Q15": "002",
    "Q49": "003",
    "Q18": "005",
    "Q538": "009",
    "Q4412": "011",
    "Q27611": "013",
    "Q27407": "014",
    "Q27381": "015",
    "Q27433": "017",
    "Q27394": "018",
    "Q828": "019",
    "Q664609": "029",
    "Q27231": "030",
    "Q771405": "034",
    "Q11708": "035",
    "Q27449": "039",
    "Q37394": "054",
    "Q35942": "061",
    "Q48": "142",
    "Q27275": "143",
    "Q27293": "145",
    "Q46": "150",
    "Q27468": "151",
    "Q27479": "154",
    "Q27496": "155",
    "Q132959": "202",
}
ALONE = {"Q7835": ("Crimea", "UA"), "Q36678": ("West Bank", "PS"), "Q39760": ("Gaza Strip", "PS")}
"""Regions of country-coder that have no code."""

BODIES = {
    "Q458": "intergovernmental organisation",
    "Q1065": "intergovernmental organisation",
    "Q7184": "intergovernmental organisation",
    "Q7768": "intergovernmental organisation",
    "Q41550": "intergovernmental organisation",
    "Q472311": "intergovernmental organisation",
    "Q356694": "intergovernmental organisation",
    "Q42944": "intergovernmental organisation",
    "Q132551": "intergovernmental organ",
    "Q204344": "intergovernmental organ",
    "Q846656": "intergovernmental organ",
    "Q7178": "organisation",
    "Q49330": "organisation",
    "Q8333": "agency",
    "Q1146492": "ministry",
    "Q9212": "armed force",
    "Q1194749": "government",
    "Q390947": "government",
    "Q16733607": "government",
    "Q5589242": "government",
}
"""Bodies of name-suggestion-index that reporting on geopolitics names, each with its kind."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("verified", "country-coder", "subdivisions", "brands", "places"):
        parser.add_argument(f"--{name}", type=Path)
    given = parser.parse_args()
    SOURCES.mkdir(exist_ok=True)
    if given.verified:
        entities(given.verified)
        holders(given.verified)
    if given.verified and given.country_coder:
        territories(given.verified, given.country_coder)
    if given.subdivisions:
        subdivisions(given.subdivisions)
    if given.brands:
        bodies(given.brands)
    if given.places:
        capitals(given.places)


def entities(folder: Path) -> None:
    """Writes the verified entities, and their names as found."""
    found = json.loads((folder / "entities.json").read_text(encoding="utf-8"))["entities"]
    verified = [e for e in found if e["status"] == "verified"]
    rows = [
        (
            e["qid"],
            e["kind"].partition(";")[0],
            e["label"],
            e.get("country", ""),
            ", ".join(s.partition(" html")[0].partition(" enwiki")[0] for s in e["sources"]),
        )
        for e in verified
    ]
    write("entities.tsv", ("qid", "kind", "label", "country", "sources"), rows)
    names = [
        (e["qid"], lang, name, ", ".join(sorted(sources)))
        for e in verified
        for lang, by_name in e.get("label_sources", {}).items()
        for name, sources in by_name.items()
    ]
    write("names.tsv", ("qid", "lang", "name", "sources"), names)


def holders(folder: Path) -> None:
    """Writes who held which office from when until when."""
    with (folder / "office-holders-21c.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    write("holders.tsv", ("repository", "position", "person", "qid", "start", "end"), rows)


def territories(folder: Path, borders: Path) -> None:
    """Writes states and territories, with what each witness says of their identifier."""
    from rigour.territories import get_territories

    seen = {t.code: t for t in get_territories()}
    features = [f["properties"] for f in json.loads(borders.read_text())["features"]]
    coder = {p["iso1A2"]: p["wikidata"] for p in features if "iso1A2" in p and "wikidata" in p}
    with (folder / "territories.tsv").open(encoding="utf-8", newline="") as file:
        known = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = []
    for row in known:
        iso = row["iso2"]
        other = seen.get(iso.lower())
        kind = "state" if other and other.is_country else "territory"
        capital = other.places[0] if other and other.is_country and other.places else ""
        rows.append(
            (
                *(row["qid"], iso, row["iso3"], kind, row["en"] or (other.name if other else "")),
                *(coder.get(iso, ""), (other.qid or "") if other else ""),
                other.parent.code.upper() if other and other.parent else "",
                capital.partition(",")[0],
            )
        )
    columns = (
        "qid",
        "iso2",
        "iso3",
        "kind",
        "name",
        "country_coder",
        "rigour",
        "parent",
        "capital",
    )
    write("territories.tsv", columns, [r for r in rows if r[4]])
    by_qid = {p["wikidata"]: p["nameEn"] for p in features if "wikidata" in p}
    regions = [(q, code, by_qid[q], "") for q, code in REGIONS.items()]
    regions += [(q, "", name, iso) for q, (name, iso) in ALONE.items() if by_qid[q] == name]
    write("regions.tsv", ("qid", "m49", "name", "within"), regions)
    former = [
        (t.qid, t.code, "former state" if t.is_country else "former territory", t.name)
        for t in seen.values()
        if t.is_historical and t.qid
    ]
    parts = [
        (t.qid, t.code, "subdivision", t.name.partition(" (")[0], t.parent.code.upper())
        for t in seen.values()
        if t.parent and t.qid and "-" in t.code and not t.is_historical
    ]
    former = [(*row, "") for row in former]
    write("divisions.tsv", ("qid", "code", "kind", "name", "within"), former + parts)


def subdivisions(folder: Path) -> None:
    """Writes the names that CLDR has for divisions of states whose identifier rigour gives."""
    with (SOURCES / "divisions.tsv").open(encoding="utf-8", newline="") as file:
        codes = {r["code"].replace("-", ""): r for r in csv.DictReader(file, delimiter="\t")}
    english = _divisions(folder / "en" / "en.json")
    same = {c: r for c, r in codes.items() if _plain(english.get(c, "")) == _plain(r["name"])}
    rows = []
    for path in sorted(folder.glob("*/*.json")):
        lang = path.stem.partition("-")[0]
        for code, name in _divisions(path).items():
            if code in same:
                rows.append((same[code]["qid"], lang, name))
    write("division-names.tsv", ("qid", "lang", "name"), rows)


def _divisions(path: Path) -> dict[str, str]:
    names = json.loads(path.read_text(encoding="utf-8"))["subdivisions"]["localeDisplayNames"]
    found: dict[str, str] = names["subdivisions"]
    return found


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def bodies(path: Path) -> None:
    """Writes the bodies that were chosen."""
    found = json.loads(path.read_text(encoding="utf-8"))["wikidata"]
    rows = [(q, kind, found[q]["label"]) for q, kind in BODIES.items()]
    write("bodies.tsv", ("qid", "kind", "name"), rows)


def capitals(path: Path) -> None:
    """Writes capitals and their names, from a table of places of Natural Earth."""
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    langs = ("en", "bn", "hi", "ko", "ru", "zh", "ja", "ar", "uk", "fa", "ur")
    rows = [
        (r["qid"], r["iso_a2"], r["featurecla"], r["name"], *(r[x] for x in langs)) for r in found
    ]
    write("capitals.tsv", ("qid", "iso2", "kind", "name", *langs), rows)


def write(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a table: UTF-8, NFC, tab-separated, sorted, each row once."""
    lines = {"\t".join(_cell(cell) for cell in row) for row in rows}
    text = "\n".join(["\t".join(columns), *sorted(lines)]) + "\n"
    (SOURCES / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(lines)} rows")


def _cell(text: str) -> str:
    kept = "".join(c for c in text if unicodedata.category(c) != "Cf" or c in "\u200c\u200d")
    return " ".join(unicodedata.normalize("NFC", kept).split())


if __name__ == "__main__":
    main()
