"""Writes the lexicon that the linker reads, from what is in this folder and from CLDR.

    python lexicon/build.py            writes entities.tsv, tenures.tsv, and names/ by language
    python lexicon/build.py --check    fails where one of them is not what it would write

The same files, the same CLDR (the version of Babel in `constraints.txt`) give the same bytes.
Where two sources give a name, the first in the order of `ORDER` is named.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import yaml
from babel import Locale, localedata
from babel.core import get_global

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
ORDER = (
    "curated",
    "registry",
    "cldr",
    "verified",
    "holders",
    "natural-earth",
    "rigour",
    "nsi",
    "iso",
)

REPOSITORIES = {
    "china-ministers": "CN",
    "japan-ministers": "JP",
    "north-korea": "KP",
    "russia-cabinet": "RU",
    "south-korea-ministers": "KR",
    "ukraine-cabinet": "UA",
    "us-cabinet": "US",
    "world": "UN",
}
UN = "Q1065"
GOVERNMENTS = {"Q1194749": "Q29", "Q390947": "Q31", "Q16733607": "Q117", "Q5589242": "Q233"}
MINISTRIES = {"Q1146492": "Q159", "Q8333": "Q30", "Q9212": "Q30"}
KINDS = {
    "unrecognised separatist entity": "separatist entity",
    "building; metonym of the US executive": "building",
}
SEATS = {"Q35525": "Q30", "Q133274": "Q159", "Q494577": ""}
"""Buildings that stand for the executive of a state: the Blue House was its seat until 2022."""
NAMED_AFTER = {"Q16150196": "Q43070", "Q16746854": "Q134279"}
"""What is called by the name of its city in short."""
NO_CAPITAL = {"Johannesburg", "Yangon", "Lagos", "Kyoto", "Baguio", "Bujumbura", "Melekeok",
              "Vatican City", "Monaco", "Singapore", "Basseterre", "Laayoune", "Bir Lehlou",
              "Valparaíso", "Hargeisa"}  # fmt: skip
"""Places that Natural Earth calls a capital and that are none now, are a state, or are garbled."""


SHARED = {"Georgetown", "Hamilton", "Kingston", "Saint George's", "Saint John's", "San José",
          "Victoria"}  # fmt: skip
"""Capitals with the name of another place that reporting names as often."""


LIKE_THEIR_CITY = {
    *("Geneva", "Zürich", "New York", "São Paulo", "Rio de Janeiro", "Quebec", "Québec", "Bern"),
    *("Lucerne", "Basel-Stadt", "Fribourg", "Zug", "Schaffhausen", "Solothurn", "Neuchâtel"),
    *(
        "Dubai",
        "Sharjah",
        "Abu Dhabi",
        "Bremen",
        "Donetsk",
        "Luhansk",
        "Kherson",
        "Odessa",
        "Odesa",
    ),
    *("Kharkiv", "Lviv", "Poltava", "Sumy", "Rivne", "Ternopil", "Vinnytsia", "Zhytomyr"),
    *("Chernihiv", "Chernivtsi", "Cherkasy", "Dnipropetrovsk", "Zaporizhzhia", "Mykolaiv"),
    *("Acre", "Alagoas", "Maine", "Uri", "Jura", "Victoria", "Goa", "Malacca", "Penang"),
}
"""Divisions with the name of a city, or an ordinary word."""
CITIES = {"de-be", "de-hh", "ua-30", "ua-40", "cn-sh", "cn-tj", "cn-cq", "cn-bj", "ru-mow",
          "ru-spe", "us-dc"}  # fmt: skip
"""Divisions that are a city, by one item."""
SEPARATIST = {"md-pmr", "so-som", "cy-trnc", "x-so"}
LEFT_OUT = {"Q2", "Q15925436", "Q31354462"}
"""The world, which is a word; two items of occupied lands whose sense is not sure."""
NO_SEAT = {"Abidjan", "Dar es Salaam", "Cotonou"}
ALSO_SEATS = {"Dodoma", "The Hague", "Porto-Novo"}
FAMILY_FIRST = {"Q423", "Q884", "Q148"}
MANY = 5
"""Holders of one family name from which on it is frequent."""
NAMESAKES = {"James Jones", "Tom Price", "John Lynch", "Ken Saito", "Lee Sang-hee", "John White",
             "David Johnson", "John Thurston", "Jesse White", "Tom Schedler"}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    build = Build()
    build.run()
    files = dict(build.files())
    wrong = [name for name, text in files.items() if not _written(HERE / name, text, check)]
    for path in sorted((HERE / "names").glob("*.tsv")):
        if f"names/{path.name}" not in files and check:
            wrong.append(f"names/{path.name}")
        elif f"names/{path.name}" not in files:
            path.unlink()
    if wrong:
        print(f"not what build.py writes: {', '.join(wrong)}", file=sys.stderr)
        sys.exit(1)


def _written(path: Path, text: str, check: bool) -> bool:
    if check:
        return path.exists() and path.read_text(encoding="utf-8") == text
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


class Build:
    """What is gathered: entities by id, names by language, tenures."""

    def __init__(self) -> None:
        self.entities: dict[str, tuple[str, str, str, str, str, str]] = {}
        self.names: dict[tuple[str, str, str, str], str] = {}
        self.tenures: list[tuple[str, ...]] = []
        self.iso: dict[str, str] = {}
        self.registered: set[str] = set()
        self.dropped = {
            (r["qid"], r["lang"], r["name"]): r["kept_as"] for r in table(HERE / "dropped.tsv")
        }

    def run(self) -> None:
        for row in table(SOURCES / "territories.tsv"):
            self.iso[row["iso2"]] = row["qid"]
        self.iso["UN"] = UN
        self.curated_entities()
        self.verified()
        self.bodies()
        self.capitals()
        self.territories()
        self.holders()
        self.cldr()
        self.registry()
        self.curated()
        missing = {q for _, q, _, _ in self.names} - set(self.entities)
        if missing:
            sys.exit(f"names of items that no source describes: {sorted(missing)}")

    def entity(
        self, qid: str, kind: str, label: str, country: str = "", seat_of: str = "", words: str = ""
    ) -> None:
        """Adds an item; of two sources the first is kept, and the words of both."""
        old = self.entities.get(qid)
        if old:
            words = " ".join(dict.fromkeys(f"{old[5]} {words}".split()))
            kind, label, country, seat_of = old[1], old[2], old[3] or country, old[4] or seat_of
        self.entities[qid] = (qid, kind, label, country, seat_of, " ".join(words.split()))

    def name(self, lang: str, qid: str, name: str, use: str, source: str) -> None:
        """Adds a name, unless it was dropped for this item, or has to be kept for another use."""
        name = clean(name)
        if lang in ("ja", "ko", "zh") and len(name) == 1 and use == "name":
            use = "short"
        use = self.dropped.get((qid, lang, name), use)
        if not name or not use:
            return
        key = (lang, qid, name, "name" if use == "surname" and " " in name else use)
        old = self.names.get(key)
        if old is None or ORDER.index(source) < ORDER.index(old):
            self.names[key] = source

    def curated_entities(self) -> None:
        for row in table(HERE / "curated-entities.tsv"):
            self.entity(row["qid"], row["kind"], row["label"], row["country"], "", row["words"])

    def verified(self) -> None:
        for row in table(SOURCES / "entities.tsv"):
            kind, qid = KINDS.get(row["kind"], row["kind"]), row["qid"]
            seat = SEATS.get(qid, "")
            if kind == "city" and qid not in NAMED_AFTER.values():
                seat = row["country"]
            self.entity(qid, kind, row["label"], row["country"], seat)
            self.name("en", qid, row["label"].partition(" (")[0], "name", "verified")
        for row in table(SOURCES / "names.tsv"):
            lang, name = row["lang"], row["name"]
            if re.fullmatch("[a-z]{2}|.*[\U0001f1e6-\U0001f1ff].*", name):
                continue
            self.name(lang, row["qid"], name, "name", "verified")
            last, comma, first = name.partition(", ")
            if comma and self.entities[row["qid"]][1] == "person":
                self.name(lang, row["qid"], f"{first} {last}", "name", "verified")

    def territories(self) -> None:
        for row in table(SOURCES / "territories.tsv"):
            parent = self.iso.get(row["parent"], "")
            self.entity(row["qid"], row["kind"], row["name"], parent, "", row["capital"])
            self.name("en", row["qid"], row["name"], "name", "cldr")
            for code in filter(None, (row["iso2"], row["iso3"])):
                self.name("mul", row["qid"], code, "code", "iso")
            flag = "".join(chr(ord(letter) + 0x1F1A5) for letter in row["iso2"])
            self.name("mul", row["qid"], flag, "code", "iso")
        for row in table(SOURCES / "regions.tsv"):
            if row["qid"] in LEFT_OUT:
                continue
            within = self.iso.get(row["within"], "")
            self.entity(row["qid"], "region", row["name"], within)
            self.name("en", row["qid"], row["name"], "name", "cldr")
        for row in table(SOURCES / "divisions.tsv"):
            within = self.iso.get(row["within"].partition("-")[0], "")
            if row["qid"] in LEFT_OUT:
                continue
            kind = row["kind"]
            if row["code"] in CITIES:
                kind = "city"
            elif row["code"] in SEPARATIST:
                kind = "separatist entity"
            self.entity(row["qid"], kind, row["name"], within)
            if row["qid"] not in NAMED_AFTER:
                use = "shared" if row["name"] in LIKE_THEIR_CITY else "name"
                self.name("en", row["qid"], row["name"], use, "rigour")
        for row in table(SOURCES / "division-names.tsv"):
            if row["qid"] in LEFT_OUT:
                continue
            use = "shared" if row["name"] in LIKE_THEIR_CITY else "name"
            self.name(row["lang"].partition("_")[0], row["qid"], row["name"], use, "cldr")

    def bodies(self) -> None:
        for row in table(SOURCES / "bodies.tsv"):
            qid = row["qid"]
            country = GOVERNMENTS.get(qid) or MINISTRIES.get(qid, "")
            self.entity(qid, row["kind"], row["name"], country)
            self.name("en", qid, row["name"], "name", "nsi")

    def capitals(self) -> None:
        for row in table(SOURCES / "capitals.tsv"):
            qid, country = row["qid"], self.iso.get(row["iso2"], "")
            if row["name"] in NO_CAPITAL or qid in self.iso.values() or not country:
                continue
            capital = row["kind"] == "Admin-0 capital" and row["name"] not in NO_SEAT
            capital = capital or row["name"] in ALSO_SEATS
            use = "shared" if row["name"] in SHARED else "name"
            self.entity(qid, "city", row["en"], country, country if capital else "", row["name"])
            for lang in ("en", "bn", "hi", "ko", "ru", "zh", "ja", "ar", "uk", "fa", "ur"):
                self.name(lang, qid, row[lang], use, "natural-earth")
            self.name("en", qid, row["name"], use, "natural-earth")

    def holders(self) -> None:
        rows = table(SOURCES / "holders.tsv")
        until: dict[str, str] = {}
        for row in rows:
            newest = max(row["start"], row["end"])
            until[row["repository"]] = max(until.get(row["repository"], ""), newest)
        curated = table(HERE / "tenures-curated.tsv")
        closed = {
            (r["qid"], r["repository"], r["position"]): (r["end"], r["seen"])
            for r in curated
            if not r["start"]
        }
        wanted = {
            (p, country)
            for r in table(HERE / "offices.tsv")
            for p in r["positions"].split(" | ")
            for country in (REPOSITORIES.values() if r["country"] == "*" else [r["country"]])
        }
        for row in rows + [r | {"person": ""} for r in curated if r["start"]]:
            qid, place = row["qid"], REPOSITORIES[row["repository"]]
            end, seen = row["end"], row.get("seen") or until[row["repository"]]
            if not end and row["person"]:
                end, seen = closed.get((qid, row["repository"], row["position"]), ("", seen))
                seen = seen or end
            if row["person"]:
                words = re.sub("[^a-z ]", " ", row["position"].lower())
                country = "" if place == "UN" else self.iso[place]
                self.entity(qid, "person", row["person"], country, "", words)
                for name in person_names(row["person"]):
                    self.name(language_of(name, place), qid, name, "name", "holders")
            if (row["position"], place) in wanted:
                self.tenures.append((place, row["position"], qid, row["start"], end, seen))

    def cldr(self) -> None:
        zones = self.zones()
        regions = {r["m49"]: r["qid"] for r in table(SOURCES / "regions.tsv") if r["m49"]}
        regions = {code: qid for code, qid in regions.items() if qid not in LEFT_OUT}
        wanted = {**{c: q for c, q in self.iso.items() if c != "UN"}, **regions}
        for identifier in localedata.locale_identifiers():
            locale = Locale.parse(identifier)
            lang = locale.language
            for code, qid in wanted.items():
                name = locale.territories.get(code)
                if name and name != code:
                    self.name(lang, qid, name, "name", "cldr")
                    short, bracket, _ = name.partition(" (")
                    if bracket:
                        self.name(lang, qid, short, "name", "cldr")
            for zone, qid in zones.items():
                try:
                    city = locale.time_zones[zone]["city"]
                except KeyError:
                    continue
                self.name(lang, qid, city, "name", "cldr")

    def zones(self) -> dict[str, str]:
        """Returns the zones whose city is a capital, with the item of that capital."""
        cities = {
            (country, plain(label)): qid
            for qid, kind, label, country, seat_of, _ in self.entities.values()
            if kind == "city" and seat_of
        }
        english = Locale.parse("en").time_zones
        found = {}
        for zone, country in get_global("zone_territories").items():
            city = english.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " ")
            qid = cities.get((self.iso.get(country, ""), plain(city)))
            if qid:
                found[zone] = qid
        return found

    def registry(self) -> None:
        """Adds the names of what the facts' registry links exactly."""
        records = yaml.load(
            (HERE.parent / "facts/registry.yaml").read_text("utf-8"), yaml.BaseLoader
        )
        by_id = {f"kg:{r['kind']}/{r['id']}": r for r in records}
        lines = (HERE.parent / "mappings/wikidata.sssom.tsv").read_text("utf-8").splitlines()
        rows = csv.DictReader(
            (x for x in lines if not x.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        for row in rows:
            record = by_id.get(row["subject_id"])
            exact = row["predicate_id"] == "skos:exactMatch" and not row["predicate_modifier"]
            qid = row["object_id"].removeprefix("wd:")
            if not record or not exact or qid not in self.entities:
                continue
            if self.entities[qid][1] == "person":
                self.registered.add(qid)
            for tag, label in record.get("labels", {}).items():
                lang = tag.partition("-")[0]
                self.name(lang, qid, label, "name", "registry")
            for tag, variants in record.get("variants", {}).items():
                lang = tag.partition("-")[0]
                for variant in variants:
                    use = "name"
                    if self.entities[qid][1] == "person" and " " not in variant:
                        continue  # a short form of one document
                    self.name(lang, qid, variant, use, "registry")

    def curated(self) -> None:
        for row in table(HERE / "curated.tsv"):
            qid = self.iso.get(row["item"], row["item"])
            for name in row["names"].split(" | "):
                self.name(row["lang"], qid, name, row["use"], "curated")
        self.alone()
        for qid, city in NAMED_AFTER.items():
            for (lang, of, name, _use), source in list(self.names.items()):
                if of == city:
                    self.name(lang, qid, name, "short", source)

    def alone(self) -> None:
        """Takes out surnames that another holder of a high office of state, or another person of
        the registry, has too; and marks names that many may have.

        Of the other holders of offices those whose family name is frequent among them, in Korea and
        China, have namesakes that are not in the lexicon.
        """
        bearers: dict[tuple[str, str], set[str]] = {}
        high = {qid for _, _, qid, *_ in self.tenures} | self.registered
        families: dict[str, set[str]] = {}
        for lang, qid, name, _use in self.names:
            if lang == "en" and self.entities[qid][3] in FAMILY_FIRST:
                families.setdefault(name.split()[0], set()).add(qid)
        for key, source in list(self.names.items()):
            lang, qid, name, use = key
            family = families.get(name.split()[0], set())
            many = name in NAMESAKES or (qid in family and len(family) >= MANY)
            if many and source == "holders" and qid not in high and use == "name":
                del self.names[key]
                self.names[lang, qid, name, "shared"] = source
        for lang, qid, name, _use in self.names:
            words = name.replace("-", " ").split()
            if qid in high:
                for word in {words[0], words[-1]}:
                    bearers.setdefault((lang, word), set()).add(qid)
        for key in [k for k in self.names if k[3] == "surname"]:
            if len(bearers.get((key[0], key[2]), {key[1]}) | {key[1]}) > 1:
                del self.names[key]

    def files(self) -> Iterator[tuple[str, str]]:
        """Yields the name and the text of each file."""
        columns = "qid\tkind\tlabel\tcountry\tseat_of\twords"
        rows = sorted(self.entities.values(), key=lambda e: (int(e[0][1:]), e))
        yield "entities.tsv", text(columns, rows)
        names = [(*key, source) for key, source in self.names.items()]
        # Whoever looks up a word in Latin script also looks among the English names.
        english = {(qid, name) for lang, qid, name, *_ in names if lang == "en"}
        kept = [n for n in names if n[0] == "en" or n[4] != "cldr" or n[1:3] not in english]
        by_lang: dict[str, list[tuple[str, ...]]] = {}
        for lang, *row in sorted(kept):
            by_lang.setdefault(lang, []).append(tuple(row))
        for lang, rows in sorted(by_lang.items()):
            yield f"names/{lang}.tsv", text("qid\tname\tuse\tsource", rows)
        yield "tenures.tsv", text("country\tposition\tqid\tstart\tend\tseen", sorted(self.tenures))


def language_of(name: str, country: str) -> str:
    """Returns the language of a holder's name by its script."""
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in name if c.isalpha()}
    if "HANGUL" in scripts:
        return "ko"
    if "CJK" in scripts:
        return "ja" if country == "JP" else "zh"
    if "CYRILLIC" in scripts:
        return "uk" if country == "UA" else "ru"
    return "en"


def person_names(name: str) -> Iterator[str]:
    """Yields a name, and the same without the initials between the first and the last word.

    Without what stands in brackets or after a comma, but for a family name that comes first.
    """
    name = re.sub(r"\s*\([^)]*\)", "", name)
    name = re.sub(r",? (Jr|Sr)\.?$|,? (II|III|IV)$", "", name)
    family, comma, given = name.partition(", ")
    name = f"{given} {family}" if comma else name
    yield name
    first, *between, last = name.split() if " " in name else (name, name)
    kept = [word for word in between if not re.fullmatch(r"\w\.", word)]
    if len(kept) < len(between) and first != last:
        yield " ".join((first, *kept, last))


def clean(name: str) -> str:
    """Returns a name in NFC with single spaces, without characters that are drawn as nothing."""
    kept = "".join(
        c for c in name if unicodedata.category(c) not in ("Cf", "Cc") or c in "\u200c\u200d"
    )
    return " ".join(unicodedata.normalize("NFC", kept).split())


def plain(name: str) -> str:
    kept = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in kept if c.isalnum())


def table(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def text(columns: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join([columns, *("\t".join(row) for row in dict.fromkeys(rows))]) + "\n"


if __name__ == "__main__":
    main()
