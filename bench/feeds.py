"""Makes files of feeds of any size from nothing but a number, and measures how rows are mapped.

    python bench/feeds.py generate --shape gdelt|ged|ftm --rows 1000000 --out FOLDER [--seed S]
    python bench/feeds.py map [--shape gdelt] [--rows 10000,100000,1000000] [--rounds 3] [--profile]
    python bench/feeds.py build [--shape gdelt] [--rows 2200000] [--events] [--keep]
    python bench/feeds.py peer --peer X/bin/python [--rows 100000] [--rounds 3]

`generate` writes files with the columns, lengths and frequencies of real ones: of GDELT one of
events and one of mentions, of UCDP GED one table, of FollowTheMoney one object a line. Equal
numbers give equal bytes, and rows are written as they are made, so that ten million are no matter
of memory. Names are put together from syllables and none is meant to be anybody's, but for those
of some states; addresses are under `example`.

`map` prints CPU seconds for a million rows, read and mapped in one process and held against no
shape, for each number of rows: the same figure for all, if the work for a row does not depend on
how many there are. `--profile` shows where the time goes instead.

`peer` has PyPI's morph-kgc turn the same GDELT rows into the same kinds of quads by an RML mapping,
and compares rows a second, each in one process from its start to a file of N-Quads, and the quads
of each. Then the file of each goes into a store of pyoxigraph, by the same command; and at last the
rows become a whole release, validated, with its downloads, labels and tables, which the peer has
not. RML has no hashes, no hosts of addresses and no texts with parts that may be absent without
functions of one's own: addresses and labels are templates there, the numbers of quads are to be
compared. The peer needs an environment of its own: `python -m venv X && X/bin/pip install
morph-kgc`, then `--peer X/bin/python`. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import itertools
import json
import logging
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from generate import DATA, SEED, name
from numpy.typing import NDArray
from writing import Watch

from kg.build import DEFAULT_BASE, publish
from kg.feed import FeedScript, Scribe, load_feed
from kg.ingest import Mapped, map_piece, uncollected
from kg.manifest import read_manifest
from kg.pipeline import FeedInput, Local
from kg.resources import folder
from kg.rows import form_of, members, pieces
from kg.vocab import (
    CH,
    DCTERMS,
    EDTF,
    PROV,
    RDFS,
    XSD,
    Vocabulary,
    data_iri,
    graph_iri,
    load_vocabulary,
)

CHUNK: Final = 20_000
"""Rows for which random numbers are drawn at once; what is made does not depend on the others."""
SHAPES: Final = {"gdelt": "gdelt", "ged": "ucdp_ged", "ftm": "followthemoney"}
"""The feed by which a shape is mapped."""
ROWS: Final = (10_000, 100_000, 1_000_000)

STATES: Final = (
    # CAMEO and ISO 3166-1, FIPS 10-4, Gleditsch and Ward, ISO of two letters, name
    ("USA", "US", "2", "us", "United States"), ("IND", "IN", "750", "in", "India"),
    ("CHN", "CH", "710", "cn", "China"), ("GBR", "UK", "200", "gb", "United Kingdom"),
    ("ZAF", "SF", "560", "za", "South Africa"), ("AUS", "AS", "900", "au", "Australia"),
    ("PAK", "PK", "770", "pk", "Pakistan"), ("YEM", "YM", "678", "ye", "Yemen"),
    ("ZWE", "ZI", "552", "zw", "Zimbabwe"), ("ZMB", "ZA", "551", "zm", "Zambia"),
    ("CAN", "CA", "20", "ca", "Canada"), ("TUR", "TU", "640", "tr", "Turkey"),
    ("BGD", "BG", "771", "bd", "Bangladesh"), ("AFG", "AF", "700", "af", "Afghanistan"),
    ("SYR", "SY", "652", "sy", "Syria"), ("RUS", "RS", "365", "ru", "Russia"),
    ("JPN", "JA", "740", "jp", "Japan"), ("KOR", "KS", "732", "kr", "South Korea"),
    ("PRK", "KN", "731", "kp", "North Korea"), ("FRA", "FR", "220", "fr", "France"),
    ("DEU", "GM", "260", "de", "Germany"), ("NGA", "NI", "475", "ng", "Nigeria"),
    ("BRA", "BR", "140", "br", "Brazil"), ("MEX", "MX", "70", "mx", "Mexico"),
)  # fmt: skip
_GROUPS: Final = (
    "GOV",
    "MIL",
    "COP",
    "JUD",
    "BUS",
    "MED",
    "CVL",
    "LEG",
    "REF",
    "EDU",
    "REL",
    "UAF",
)
_CODES: Final = {
    "042": 26, "043": 12, "010": 8, "020": 7, "051": 6, "071": 4, "120": 4, "030": 4, "040": 4,
    "036": 4, "112": 4, "190": 4, "111": 4, "173": 4, "013": 2, "193": 2, "114": 2, "050": 2,
    "046": 2, "084": 2, "057": 2, "012": 2, "141": 2, "172": 1, "130": 1, "154": 1, "163": 1,
    "180": 1, "061": 1, "1124": 1, "0874": 1, "0331": 1, "1823": 1, "138": 1, "091": 1, "195": 1,
    "202": 1, "175": 1, "055": 1,
}  # fmt: skip
"""CAMEO codes, and about how many events of a hundred and thirty have each."""

Numbers = NDArray[Any]


# --- making -------------------------------------------------------------------------------------


class _World:
    """Random numbers and what is drawn by them; equal seeds make equal worlds."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def chance(self, *what: int) -> np.random.Generator:
        """Return the random numbers of a part: the same ones whatever was drawn before."""
        return np.random.default_rng((self.seed, *what))

    @staticmethod
    def often(chance: np.random.Generator, number: int, size: int) -> list[int]:
        """Return so many numbers up to `number`: a few often, most of them seldom."""
        found = (number * chance.random(size) ** 5).astype(np.int64)
        return [int(n) for n in np.minimum(found, number - 1)]

    @staticmethod
    def weighted(chance: np.random.Generator, weights: Sequence[int], size: int) -> list[int]:
        """Return so many numbers, each as often as its weight says."""
        share = np.array(weights, dtype=np.float64)
        return [int(n) for n in chance.choice(len(weights), size, p=share / share.sum())]


def _english(number: int) -> str:
    return name(number)["en"]


def _actors(world: _World, number: int) -> list[str]:
    """Return ten columns of GDELT for each of so many actors, the first of them states."""
    chance = world.chance(1)
    states = [int(n) for n in chance.integers(len(STATES), size=number)]
    kinds = [int(n) for n in chance.integers(10, size=number)]
    out = [f"{s[0]}\t{s[4].upper()}\t{s[0]}" + "\t" * 7 for s in STATES]
    for n in range(len(STATES), number):
        country, group = STATES[states[n]][0], _GROUPS[n % len(_GROUPS)]
        called = _english(n).upper()
        if kinds[n] < 4:  # a town or a people, coded by its state
            out.append(f"{country}\t{called}\t{country}" + "\t" * 7)
        elif kinds[n] < 7:
            out.append(f"{country}{group}\t{called}\t{country}" + "\t" * 5 + f"{group}\t\t")
        elif kinds[n] < 9:
            out.append(f"{group}\t{called}\t" + "\t" * 5 + f"{group}\t\t")
        else:
            out.append(f"{called[:3].lower()}\t{called}\t\t\t{called[:3].lower()}" + "\t" * 5)
    return out


def _places(world: _World, number: int) -> list[str]:
    """Return eight columns of GDELT for each of so many places."""
    chance = world.chance(2)
    latitudes, longitudes = chance.integers(-55, 70, number), chance.integers(-170, 170, number)
    states, rest = chance.integers(len(STATES), size=number), chance.integers(9999, size=number)
    out = [
        f"1\t{s[4]}\t{s[1]}\t{s[1]}\t\t{n * 2 - 20}\t{n * 7 - 80}\t{s[1]}"
        for n, s in enumerate(STATES)
    ]
    for n in range(len(STATES), number):
        state, part = STATES[states[n]], int(rest[n])
        town, region = _english(n + 7), _english(n % 997 + 3)
        kind = "4" if n % 5 else "3"
        out.append(
            f"{kind}\t{town}, {region}, {state[4]}\t{state[1]}\t{state[1]}{part % 60:02}\t{part}"
            f"\t{latitudes[n]}.{part % 97 + 1}\t{longitudes[n]}.{part % 89 + 1}\t-{n + 1_000_000}"
        )
    return out


def _gdelt(out: Path, rows: int, seed: int, *, header: bool) -> None:
    """Write events, and mentions of them: most at once in the article that the event names, some
    later in others."""
    world = _World(seed)
    events = rows * 5 // 11
    actors, places = _actors(world, 6000), _places(world, 40_000)
    nobody, nowhere = "\t" * 9, "0" + "\t" * 7
    weights = list(_CODES.values())
    codes = [
        f"{code}\t{code[:3]}\t{code[:2]}\t{1 + (int(code[:2]) > 5) + (int(code[:2]) > 9)}\t"
        f"{(8 - int(code[:2])) / 2}"
        for code in _CODES
    ]
    words = [_english(n * 13 + 1).lower() for n in range(2000)]
    start = date(2015, 2, 18)
    script = load_feed(folder("mappings"), "gdelt").source
    with (
        (out / "20250101000000.export.CSV").open("w", encoding="utf-8", newline="") as first,
        (out / "20250101000000.mentions.CSV").open("w", encoding="utf-8", newline="") as second,
    ):
        if header:
            first.write("\t".join(script.table("events").columns) + "\n")
            second.write("\t".join(script.table("mentions").columns) + "\n")
        article, url, host = 0, "", ""
        for at in range(0, events, CHUNK):
            size = min(CHUNK, events - at)
            chance = world.chance(3, at)
            one, two = (world.often(chance, len(actors), size) for _ in range(2))
            there, gone = (world.often(chance, len(places), size) for _ in range(2))
            coded = world.weighted(chance, weights, size)
            lots = chance.integers(100, size=(size, 9)).tolist()
            outlets = world.often(chance, 4000, size)
            slugs = chance.integers(len(words), size=(size, 6)).tolist()
            tones = chance.integers(-900_000, 900_000, size).tolist()
            spots = chance.integers(20, 6000, size=(size, 3)).tolist()
            for n in range(size):
                key = 410_000_000 + at + n
                lot, spot = lots[n], spots[n]
                if n and lot[1] >= 49:  # one article tells of the same places and people again
                    if lot[1] % 10 < 7:
                        there[n] = there[n - 1]
                    if lot[1] % 10 < 5:
                        one[n] = one[n - 1]
                quarter = key // 2000
                day = start + timedelta(days=quarter // 96)
                stamp = f"{day:%Y%m%d}{quarter % 96 // 4:02}{quarter % 4 * 15:02}00"
                late = lot[0] if lot[0] > 5 else 365
                happened = day - timedelta(days=late if lot[0] < 12 else 0)
                if lot[1] < 49 or not url:
                    article += 1
                    host = f"outlet-{outlets[n]}.example"
                    path = "-".join(words[w] for w in slugs[n])
                    url = f"https://www.{host}/{day:%Y/%m/%d}/{path}-{article}.html"
                tone = f"{tones[n] / 100_000:.14g}"
                first.write(
                    f"{key}\t{happened:%Y%m%d}\t{happened:%Y%m}\t{happened:%Y}\t"
                    f"{happened.year + happened.timetuple().tm_yday / 366:.4f}\t"
                    f"{actors[one[n]] if lot[2] > 8 else nobody}\t"
                    f"{actors[two[n]] if lot[3] > 30 else nobody}\t{lot[4] % 2}\t"
                    f"{codes[coded[n]]}\t{lot[5] // 10 + 1}\t1\t{lot[5] // 10 + 1}\t{tone}\t"
                    f"{places[gone[n]] if lot[2] > 10 else nowhere}\t"
                    f"{places[there[n]] if lot[3] > 32 else nowhere}\t"
                    f"{places[there[n]] if lot[6] > 2 else nowhere}\t{stamp}\t{url}\n"
                )
                confidence = lot[7] // 10 * 10 + 10
                low, middle, high = spot
                translated = lot[8] < 40
                told = f"srclc:{('spa', 'fra', 'ara', 'hin', 'ben')[low % 5]}; eng:machine"
                rest = (
                    f"{1 + low // 150}\t{low if lot[2] > 8 else -1}\t"
                    f"{high if lot[3] > 30 else -1}\t{middle}\t{lot[4] % 2}\t{confidence}\t"
                    f"{high + 500}\t{tone}\t{told if translated else ''}\t\n"
                )
                second.write(f"{key}\t{stamp}\t{stamp}\t1\t{host}\t{url}\t{rest}")
                if lot[8] % 5 == 0:  # a paper of the same house has it too
                    other = f"outlet-{outlets[n - 1] + 5000}.example"
                    again = f"https://{other}/{url.split('/', 3)[3]}"
                    second.write(f"{key}\t{stamp}\t{stamp}\t1\t{other}\t{again}\t{rest}")


_GED: Final = (
    "id", "relid", "year", "active_year", "code_status", "type_of_violence", "conflict_dset_id",
    "conflict_new_id", "conflict_name", "dyad_dset_id", "dyad_new_id", "dyad_name",
    "side_a_dset_id", "side_a_new_id", "side_a", "side_b_dset_id", "side_b_new_id", "side_b",
    "number_of_sources", "source_article", "source_office", "source_date", "source_headline",
    "source_original", "where_prec", "where_coordinates", "where_description", "adm_1", "adm_2",
    "latitude", "longitude", "geom_wkt", "priogrid_gid", "country", "country_id", "region",
    "event_clarity", "date_prec", "date_start", "date_end", "deaths_a", "deaths_b",
    "deaths_civilians", "deaths_unknown", "best", "high", "low", "gwnoa", "gwnob",
)  # fmt: skip
_TYPES: Final = (("1", 70), ("2", 14), ("3", 16))
_WHERE: Final = (47, 22, 16, 8, 5, 1, 1)
_WHEN: Final = (84, 11, 2, 1, 2)


def _ged(out: Path, rows: int, seed: int, *, header: bool) -> None:
    """Write a table of events of violence."""
    world = _World(seed)
    with (out / "ged.csv").open("w", encoding="utf-8", newline="") as file:
        if header:
            file.write(",".join(_GED) + "\n")
        for at in range(0, rows, CHUNK):
            size = min(CHUNK, rows - at)
            chance = world.chance(4, at)
            fights, towns = world.often(chance, 900, size), world.often(chance, 30_000, size)
            kinds = world.weighted(chance, [w for _, w in _TYPES], size)
            where, when = world.weighted(chance, _WHERE, size), world.weighted(chance, _WHEN, size)
            outlets = world.often(chance, 400, size)
            days = chance.integers(0, 12_000, size).tolist()
            lots = chance.integers(100, size=(size, 6)).tolist()
            dead = (chance.pareto(1.4, size=(size, 4)) * 1.2).astype(np.int64).clip(0, 900).tolist()
            for n in range(size):
                key, fight, town, lot = 100_000 + at + n, fights[n], towns[n], lots[n]
                state = STATES[fight % len(STATES)]
                kind = _TYPES[kinds[n]][0]
                front, other = f"{_english(fight + 11)} Front", f"{_english(fight + 5000)} Movement"
                a = f"Government of {state[4]}" if kind == "1" else front
                b = {"1": front, "2": other, "3": "Civilians"}[kind]
                day = date(1990, 1, 1) + timedelta(days=days[n])
                length = (0, 2, 6, 29, 364)[when[n]]
                last = day + timedelta(days=length)
                deaths = [dead[n][k] if lot[k] < (28, 35, 30, 12)[k] else 0 for k in range(4)]
                best = sum(deaths)
                low, high = best - min(best, lot[4] // 30), best + lot[5] // 20
                paper = f"{_english(outlets[n] + 3)} Courier"
                head = f"{_english(n + 17)} hears of fighting near {_english(town)}"
                sources = 1 + (lot[4] > 70) + (lot[4] > 93)
                if lot[5] < 32:  # coded before sources were kept apart
                    article, offices, dates, heads = f"{paper} {day:%d %B %Y}", "", "", ""
                    told = "-1"
                else:
                    article = ";".join([f'""{paper},{last},{head}""'] * sources)
                    offices, dates = ";".join([paper] * sources), ";".join([str(last)] * sources)
                    heads = ";".join([head] * sources)
                    told = str(sources)
                latitude, longitude = (
                    town % 120 - 50 + lot[0] / 100,
                    town % 340 - 170 + lot[1] / 100,
                )
                original = ("", "police", "ministry of defence", f"{_english(fight)} radio")[
                    lot[2] % 4
                ]
                file.write(
                    f"{key},{state[0]}-{day.year}-{kind}-{fight}-{n},{day.year},1,Clear,{kind},"
                    f'{fight},{fight + 200},"{state[4]}: Government",{fight},{fight + 700},'
                    f'"{a} - {b}",{fight},{fight + 100},"{a}",{fight},{fight + 300},"{b}",{told},'
                    f'"{article}","{offices}","{dates}","{heads}",{original},{where[n] + 1},'
                    f"{_english(town)} town,{_english(town)} town,{_english(town % 300)} province,"
                    f"{_english(town % 2000)} district,{latitude:.4f},{longitude:.4f},"
                    f"POINT ({longitude:.4f} {latitude:.4f}),{town + 100_000},{state[4]},"
                    f"{state[2]},Asia,{1 + (lot[3] > 92)},{when[n] + 1},{day} 00:00:00.000,"
                    f"{last} 00:00:00.000,"
                    f"{deaths[0]},{deaths[1]},{deaths[2]},{deaths[3]},{best},{high},{low},"
                    f"{state[2] if kind == '1' else ''},\n"
                )


def _ftm(out: Path, rows: int, seed: int, *, header: bool) -> None:
    """Write entities: persons, companies, public bodies, and what ties them."""
    world = _World(seed)
    with (out / "entities.ftm.json").open("w", encoding="utf-8", newline="") as file:
        for at in range(0, rows, CHUNK):
            size = min(CHUNK, rows - at)
            chance = world.chance(5, at)
            lots = chance.integers(100, size=(size, 4)).tolist()
            for n in range(size):
                number, lot = at + n, lots[n]
                key, state = f"made-{number}", STATES[lot[0] % len(STATES)]
                one = name(number + 29)
                ten = number - number % 10  # four persons, three companies, a body, and two ties
                if number % 10 < 4:
                    schema: str = "Person"
                    properties: dict[str, list[str]] = {
                        "name": [f"{one['en']} {_english(number + 31)}"],
                        "alias": [one[("bn", "hi")[lot[2] % 2]]],
                        "birthDate": [f"{1940 + lot[3] % 60}-{1 + lot[1] % 12:02}"],
                        "nationality": [state[3]],
                    }
                elif number % 10 < 7:
                    schema = "Company"
                    properties = {
                        "name": [f"{one['en']} Trading Limited"],
                        "jurisdiction": [state[3]],
                        "registrationNumber": [str(1_000_000 + number)],
                        "sourceUrl": [f"https://register-{lot[2]}.example/{number}"],
                    }
                elif number % 10 < 8:
                    schema = "PublicBody"
                    properties = {
                        "name": [f"Office of {one['en']}"],
                        "weakAlias": [one["en"][:3].upper()],
                        "website": [f"https://office-{number}.example/"],
                        "jurisdiction": [state[3]],
                    }
                else:
                    schema = "Directorship" if number % 10 < 9 else "Ownership"
                    ends = ("director", "organization") if number % 10 < 9 else ("owner", "asset")
                    properties = {
                        ends[0]: [f"made-{ten + lot[1] % 4}"],
                        ends[1]: [f"made-{ten + 4 + lot[3] % 3}"],
                        "startDate": [
                            f"{1995 + lot[3] % 30}-{1 + lot[0] % 12:02}-{1 + lot[1] % 28:02}"
                        ],
                    }
                record = {
                    "id": key, "schema": schema, "referents": [], "datasets": ["made_registry"],
                    "properties": properties,
                }  # fmt: skip
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


_MAKERS: Final = {"gdelt": _gdelt, "ged": _ged, "ftm": _ftm}


def generate(
    shape: str, rows: int, out: Path, seed: int = SEED, *, header: bool | None = None
) -> None:
    """Write the files of a shape into a folder.

    Args:
        shape: `gdelt`, `ged` or `ftm`.
        rows: of all files together, about.
        out: the folder, made if need be.
        seed: another one makes other files.
        header: whether tables begin with the names of their columns; by default as real ones do.
    """
    out.mkdir(parents=True, exist_ok=True)
    _MAKERS[shape](out, rows, seed, header=shape == "ged" if header is None else header)


def _made(shape: str, rows: int, seed: int, *, header: bool | None = None) -> Path:
    """Return the folder of such files in `bench/.data`, made if need be."""
    mark = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    place = DATA / f"feeds-{shape}-{rows}-{seed}-{'' if header is None else 'header-'}{mark}"
    if not place.exists():
        temporary = place.with_suffix(".tmp")
        generate(shape, rows, temporary, seed, header=header)
        temporary.rename(place)
    return place


# --- mapping ------------------------------------------------------------------------------------


class _States:
    """The states of the generated world, by all their codes."""

    def __init__(self) -> None:
        self._found = {
            (scheme, code): (f"agent/{one[4].lower().replace(' ', '-')}", one[4])
            for one in STATES
            for scheme, code in zip(
                ("cameo", "iso3", "fips", "gw", "iso2"), (one[0], one[0], *one[1:4]), strict=True
            )
        }

    def find(self, scheme: str, code: str, day: str) -> tuple[str, str] | None:
        return self._found.get((scheme, code))


class Taken(NamedTuple):
    """What mapping took: rows, those set aside, quads, CPU seconds for reading and for all."""

    rows: int
    aside: int
    quads: int
    reading: float
    seconds: float


def _mapped(
    script: FeedScript, vocabulary: Vocabulary, place: Path
) -> Iterator[tuple[Mapped, float]]:
    """Yield what becomes of each piece of the files of a folder, and CPU seconds for reading it."""
    names = sorted(place.glob("*"))
    for path in names:
        for _, file in members(path):
            first = file.peek(1 << 16)  # type: ignore[attr-defined]
            form = form_of(script.source, first, path.name)
            at = time.process_time()
            cut = pieces(file, script.source.table(form.table).form)
            for n, piece in enumerate(cut):
                reading = time.process_time() - at
                mapped = map_piece(
                    script,
                    form,
                    piece,
                    lambda: Scribe(script.source, DEFAULT_BASE, "batch", vocabulary, _States()),
                    file=path.name,
                    first=n == 0,
                )
                yield mapped, reading
                at = time.process_time()


@uncollected()
def measure(script: FeedScript, vocabulary: Vocabulary, place: Path) -> Taken:
    """Return what it takes to map the files of a folder."""
    rows = aside = quads = 0
    cutting = seconds = 0.0
    start = time.process_time()
    for mapped, reading in _mapped(script, vocabulary, place):
        seconds += time.process_time() - start
        cutting += reading
        rows += mapped.records
        aside += len(mapped.issues)
        scribe = mapped.scribe
        texts = (scribe.shared.values(), scribe.sources.values(), (t for _, t in scribe.blocks))
        quads += sum(text.count("\n") for some in texts for text in some)
        del mapped, scribe, texts
        start = time.process_time()
    return Taken(rows, aside, quads, cutting, seconds + time.process_time() - start)


def _map_command(options: argparse.Namespace) -> None:
    script = load_feed(folder("mappings"), SHAPES[options.shape])
    vocabulary = load_vocabulary(folder("ontology"))
    sizes = [int(n) for n in options.rows.split(",")]
    if options.profile:
        profile = cProfile.Profile()
        place = _made(options.shape, sizes[0], options.seed)
        profile.runcall(measure, script, vocabulary, place)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    print(
        f"| {options.shape} rows | set aside | quads | CPU s for 10⁶ rows | spread | to the first |"
    )
    print("|---|---|---|---|---|---|")
    base = 0.0
    for size in sizes:
        place = _made(options.shape, size, options.seed)
        found = [measure(script, vocabulary, place) for _ in range(options.rounds)]
        each = [one.seconds / one.rows * 1e6 for one in found]
        middle = statistics.median(each)
        base = base or middle
        one = found[0]
        print(
            f"| {one.rows:,} | {one.aside:,} | {one.quads:,} | {middle:.1f} "
            f"| {min(each):.1f} to {max(each):.1f} | {middle / base:.2f} |",
            flush=True,
        )


# --- the peer -----------------------------------------------------------------------------------

_R2RML: Final = "http://www.w3.org/ns/r2rml#"


def _write_command(options: argparse.Namespace) -> None:
    """Map the files of a folder and write N-Quads, each line once: what the peer does too."""
    script = load_feed(folder("mappings"), SHAPES[options.shape])
    vocabulary = load_vocabulary(folder("ontology"))
    shared: set[str] = set()
    claims: dict[str, str] = {}
    with uncollected(), options.out.open("wb") as out:
        for mapped, _ in _mapped(script, vocabulary, options.place):
            scribe = mapped.scribe
            texts = []
            for subject, text in (*scribe.shared.items(), *scribe.sources.items()):
                if subject not in shared:
                    shared.add(subject)
                    texts.append(text)
            for subject, text in scribe.blocks:
                known = claims.setdefault(subject, text)
                if known is not text:
                    before = set(known.split("\n"))
                    text = "".join([f"{x}\n" for x in text.split("\n") if x not in before])
                texts.append(text)
            out.write("".join(texts).encode())


def _rml(place: Path) -> str:
    """Return an RML mapping of GDELT: what `mappings/gdelt.py` says, as far as RML can say it."""
    batch, registry = (graph_iri(DEFAULT_BASE, key) for key in ("batch", "gdelt-registry"))
    run = data_iri(DEFAULT_BASE, "run", "gdelt")
    maps: list[str] = []

    def node(local: str) -> str:
        return f'rr:objectMap [ rr:template "{DEFAULT_BASE}id/{local}" ]'

    def concept(local: str) -> str:
        return f"rr:objectMap [ rr:constant <{CH}{local}> ]"

    def text(template: str, lang: str = "", datatype: str = "") -> str:
        if "{" not in template:
            kind = f"@{lang}" if lang else f"^^<{datatype}>"
            return f'rr:object "{template}"{kind}'
        kind = f' ; rr:language "{lang}"' if lang else ""
        kind += f" ; rr:datatype <{datatype}>" if datatype else ""
        return f'rr:objectMap [ rr:template "{template}" ; rr:termType rr:Literal{kind} ]'

    def triples(
        file: str, subject: str, graph: str, types: Sequence[str], pairs: Mapping[str, str]
    ) -> None:
        kinds = " , ".join(f"<{CH}{one}>" for one in types)
        rest = "".join(
            f" ;\n  rr:predicateObjectMap [ rr:predicate <{predicate.split()[0]}> ; {value} ]"
            for predicate, value in pairs.items()
        )
        maps.append(
            f"<#map{len(maps)}> a rr:TriplesMap ;\n"
            f'  rml:logicalSource [ rml:source "{place / file}" ; '
            f"rml:referenceFormulation ql:CSV ] ;\n"
            f'  rr:subjectMap [ rr:template "{subject}" ; rr:class {kinds} ; '
            f"rr:graph <{graph}> ]{rest} ."
        )

    def said(url: str, file: str, event: str, more: Mapping[str, str]) -> None:
        """Write the claim by an article, and the article."""
        claim = f"{DEFAULT_BASE}id/claim/gdelt-{{GLOBALEVENTID}}-{{{url}}}"
        triples(file, claim, batch, ("Claim",), {
            f"{DCTERMS}identifier": text(f"gdelt-{{GLOBALEVENTID}}-{{{url}}}"),
            f"{RDFS}label": text(f"{{{url}}} (own voice) affirmed: GDELT event {event}", "en"),
            f"{PROV}wasGeneratedBy": f"rr:object <{run}>",
            f"{CH}about": node(f"event/gdelt-{event}"),
            f"{CH}concerns": node(f"event/gdelt-{event}"),
            f"{CH}claimant": node(f"agent/narrator-{{{url}}}"),
            f"{CH}inSource": node(f"document/{{{url}}}"),
            **{
                f"{CH}{one.split('-')[0]}": concept(one)
                for one in (
                    "attribution-inferred", "basis-machine-coded", "certainty-unstated",
                    "manner-stated", "modality-actual", "stance-affirms",
                )
            },
            f"{CH}reviewState": concept("review-state-drafted"),
            **more,
        })  # fmt: skip
        triples(file, f"{DEFAULT_BASE}id/document/{{{url}}}", batch, ("Source",), {
            f"{RDFS}label": text(f"{{{url}}}", "en"),
            f"{DCTERMS}source": text(f"{{{url}}}"),
        })  # fmt: skip
        narrator = f"{DEFAULT_BASE}id/agent/narrator-{{{url}}}"
        triples(file, narrator, batch, ("Agent", "Narrator"), {
            f"{RDFS}label": text(f"{{{url}}} (own voice)", "en"),
            f"{CH}voiceOf": node(f"document/{{{url}}}"),
        })  # fmt: skip

    shared = {
        f"{PROV}wasGeneratedBy": f"rr:object <{run}>",
        f"{CH}asOf": text("2026-11-28", datatype=f"{XSD}date"),
        f"{CH}registryBasis": text("GDELT: codes and a name, as a program took them", "en"),
        f"{CH}reviewState": concept("review-state-drafted"),
    }
    actor = "agent/gdelt-{Actor%dCode}-{Actor%dName}"
    there = "place/gdelt-{ActionGeo_Type}-{ActionGeo_FeatureID}-{ActionGeo_FullName}"
    events, number = "events.export.tsv", "{GLOBALEVENTID}"

    def joined(parent: str) -> str:
        return (
            f"rr:objectMap [ rr:parentTriplesMap <#{parent}> ; "
            'rr:joinCondition [ rr:child "EventCode" ; rr:parent "code" ] ]'
        )

    triples(events, f"{DEFAULT_BASE}id/event/gdelt-{number}", batch, ("Event", "Proposition"), {
        f"{DCTERMS}identifier": text(number),
        f"{RDFS}label": text(f"Event {number} (CAMEO {{EventCode}})", "en"),
        f"{PROV}wasGeneratedBy": f"rr:object <{run}>",
        f"{CH}aspect": concept("aspect-single"),
        f"{CH}category": joined("categories"),
        f"{CH}eventType": joined("types"),
        f"{CH}actor": node(actor % (1, 1)),
        f"{CH}recipient": node(actor % (2, 2)),
        f"{CH}place": node(there),
        f"{CH}time": node("time/{SQLDATE}"),
        f"{CH}reviewState": concept("review-state-drafted"),
    })  # fmt: skip
    for n in (1, 2):
        triples(events, f"{DEFAULT_BASE}id/{actor % (n, n)}", registry, ("Agent",), {
            f"{RDFS}label": text(f"{{Actor{n}Name}} ({{Actor{n}Code}})", "en"),
            f"{DCTERMS}identifier": text(f"{{Actor{n}Code}} {{Actor{n}Name}}"),
            f"{CH}country": node(f"agent/{{Actor{n}CountryCode}}"),
            **shared,
        })  # fmt: skip
    triples(events, f"{DEFAULT_BASE}id/{there}", registry, ("Place",), {
        f"{RDFS}label": text("{ActionGeo_FullName}", "en"),
        f"{DCTERMS}identifier": text("{ActionGeo_FeatureID}"),
        f"{CH}latitude": text("{ActionGeo_Lat}", datatype=f"{XSD}decimal"),
        f"{CH}longitude": text("{ActionGeo_Long}", datatype=f"{XSD}decimal"),
        f"{CH}country": node("agent/{ActionGeo_CountryCode}"),
        **shared,
    })  # fmt: skip
    triples(events, f"{DEFAULT_BASE}id/time/{{SQLDATE}}", registry, ("TimeExtent",), {
        f"{RDFS}label": text("{SQLDATE}", "en"),
        f"{CH}edtf": text("{SQLDATE}", datatype=EDTF),
        f"{CH}earliest": text("{SQLDATE}", datatype=f"{XSD}date"),
        f"{CH}latest": text("{SQLDATE}", datatype=f"{XSD}date"),
        f"{CH}timeRule": concept("time-rule-stated-date"),
        f"{CH}certainty": concept("certainty-unstated"),
    })  # fmt: skip
    said("SOURCEURL", events, number, {f"{CH}locator": text(f"event {number}", "en")})
    said("MentionIdentifier", "mentions.tsv", number, {
        f"{CH}locator": text(
            "sentence {SentenceID}, characters {Actor2CharOffset}–{ActionCharOffset} of the text",
            "en",
        ),
        f"{CH}extractionConfidence": text("{Confidence}", datatype=f"{XSD}decimal"),
    })  # fmt: skip
    for parent, column in (("types", "type"), ("categories", "category")):
        maps.append(
            f"<#{parent}> a rr:TriplesMap ;\n"
            f'  rml:logicalSource [ rml:source "{place / "codes.csv"}" ; '
            f"rml:referenceFormulation ql:CSV ] ;\n"
            f'  rr:subjectMap [ rr:template "{CH}{{{column}}}" ] .'
        )
    head = (
        f"@prefix rr: <{_R2RML}> .\n@prefix rml: <http://semweb.mmlab.be/ns/rml#> .\n"
        "@prefix ql: <http://semweb.mmlab.be/ns/ql#> .\n@base <https://bench.example/> .\n"
    )
    return head + "\n\n".join(maps) + "\n"


def _distinct(path: Path) -> int:
    """Return how many different quads a file has."""
    with path.open("rb") as file:
        return len({hashlib.blake2b(line, digest_size=8).digest() for line in file if line.strip()})


_LOAD: Final = """
import sys, pyoxigraph
store = pyoxigraph.Store(sys.argv[2])
store.bulk_load(path=sys.argv[1], format=pyoxigraph.RdfFormat.N_QUADS, lenient=True)
store.optimize()
store.flush()
"""


def _timed(what: str, command: list[str]) -> tuple[float, float]:
    """Return seconds, and CPU seconds of all processes, that a command takes."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{what} ended with {done.returncode}:\n{done.stderr}")
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _peer_command(options: argparse.Namespace) -> None:
    python = str(options.peer.absolute())  # not the file that it links to
    place = _made("gdelt", options.rows, options.seed, header=True)
    kind_of = load_feed(folder("mappings"), "gdelt").mapper.__globals__["kind_of"]
    vocabulary = load_vocabulary(folder("ontology"))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for file, kind in (("events.export", "export"), ("mentions", "mentions")):
            made = place / f"20250101000000.{kind}.CSV"
            (work / f"{file}.tsv").symlink_to(made.resolve(strict=True))
        codes = ["code,type,category"]
        for code in _CODES:
            concept = vocabulary.schemes["event-type"][kind_of(code).type].local
            codes.append(f"{code},{concept},{concept if concept.startswith('plover') else ''}")
        (work / "codes.csv").write_text("\n".join(codes) + "\n", encoding="utf-8")
        (work / "mapping.ttl").write_text(_rml(work), encoding="utf-8")
        (work / "morph.ini").write_text(
            "[CONFIGURATION]\n"
            f"output_file: {work / 'morph.nq'}\noutput_format: N-QUADS\n"
            "number_of_processes: 1\nlogging_level: ERROR\n"
            f"[GDELT]\nmappings: {work / 'mapping.ttl'}\n",
            encoding="utf-8",
        )
        ours = [sys.executable, __file__, "write", "--shape", "gdelt", str(place)]
        commands = {
            "kg": ([*ours, str(work / "kg.nq")], work / "kg.nq"),
            "morph-kgc": ([python, "-m", "morph_kgc", str(work / "morph.ini")], work / "morph.nq"),
        }
        with (place / "20250101000000.export.CSV").open("rb") as first:
            rows = sum(1 for _ in first) - 1
        with (place / "20250101000000.mentions.CSV").open("rb") as second:
            rows += sum(1 for _ in second) - 1
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        stored: dict[str, list[float]] = {name: [] for name in commands}
        released = []
        quads: dict[str, int] = {}
        for _ in range(options.rounds):
            for what, (command, out) in commands.items():
                taken[what].append(_timed(what, command))
                quads[what] = quads.get(what) or _distinct(out)
                load = [sys.executable, "-c", _LOAD, str(out), str(work / "store")]
                stored[what].append(taken[what][-1][0] + _timed(what, load)[0])
                shutil.rmtree(work / "store")
            build = [sys.executable, __file__, "build", "--rows", str(options.rows)]
            build += ["--seed", str(options.seed)]
            released.append(_timed("build", build)[0])
        print(f"{rows:,} rows; {options.rounds} rounds; the middle one, and the spread")
        for what, some in taken.items():
            walls, cpus = ([one[n] for one in some] for n in (0, 1))
            print(
                f"{what:10} {rows / statistics.median(walls):9,.0f} rows/s "
                f"({rows / max(walls):,.0f} to {rows / min(walls):,.0f}), "
                f"{statistics.median(cpus):6.1f} CPU s, {quads[what]:,} quads"
            )
        theirs = [wall for wall, _ in taken["morph-kgc"]]
        for what, one, two in (
            ("to N-Quads", [wall for wall, _ in taken["kg"]], theirs),
            ("to a store of pyoxigraph", stored["kg"], stored["morph-kgc"]),
            ("a whole release to that store", released, stored["morph-kgc"]),
        ):
            ratios = [b / a for a, b in zip(one, two, strict=True)]
            shown = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(
                f"kg : morph-kgc, {what}: {statistics.median(one):.1f} and "
                f"{statistics.median(two):.1f} s; rows a second, in one round: {shown}"
            )


def _build_command(options: argparse.Namespace) -> None:
    """Build a release, and print what each stage takes."""
    place = _made(options.shape, options.rows, options.seed)
    files = sorted(place.iterdir())
    if options.events:
        files = [file for file in files if "mentions" not in file.name]
    source = {"gdelt": "gdelt", "ged": "ucdp_ged", "ftm": "followthemoney"}[options.shape]
    out = Path(tempfile.mkdtemp(prefix="feeds-build-", dir=DATA))
    watch = Watch()
    log = logging.getLogger("kg")
    log.setLevel(logging.INFO)
    log.addHandler(watch)
    logging.getLogger("kg.writer").setLevel(logging.DEBUG)
    facts = Path(__file__).resolve().parent.parent / "docs/tutorial/facts"
    start = time.perf_counter()
    watch.begin("start")
    try:
        release, built = publish(
            [facts],
            out,
            base=DEFAULT_BASE,
            sources=[FeedInput(source, file) for file in files],
            engine=Local(),
        )
        wall = time.perf_counter() - start
        watch.end()
        assert release is not None, built.report_table() if built else ""
        manifest = read_manifest(release)
        for (what, begin, cpu, memory), (_, end, after, _) in itertools.pairwise(watch.stages):
            took, used = float(end) - float(begin), float(after) - float(cpu)
            print(f"{took:8.1f} s {used:8.1f} CPU s {float(memory):7.0f} MiB  {what}")
        most = max(float(stage[3]) for stage in watch.stages)
        size = sum(file.stat().st_size for file in release.rglob("*") if file.is_file())
        [counts] = [one for one in manifest.sources if one.id == source]
        print(
            f"{counts.records:,} rows, {manifest.quads:,} quads, {size / 1e6:,.0f} MB: "
            f"{wall:.1f} s, {float(watch.stages[-1][2]):.1f} CPU s, {most:,.0f} MiB at most"
        )
    finally:
        if not options.keep:
            shutil.rmtree(out, ignore_errors=True)


def main() -> None:
    """Make files, or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("generate", help="write files of a feed's shape")
    make.add_argument("--shape", choices=SHAPES, required=True)
    make.add_argument("--rows", type=int, required=True)
    make.add_argument("--out", type=Path, required=True)
    make.add_argument("--seed", type=int, default=SEED)
    make.add_argument("--header", action=argparse.BooleanOptionalAction, default=None)
    make.set_defaults(run=lambda o: generate(o.shape, o.rows, o.out, o.seed, header=o.header))
    mapping = commands.add_parser("map", help="CPU seconds for a million rows")
    mapping.add_argument("--shape", choices=SHAPES, default="gdelt")
    mapping.add_argument("--rows", default=",".join(map(str, ROWS)), help="numbers with commas")
    mapping.add_argument("--rounds", type=int, default=3)
    mapping.add_argument("--seed", type=int, default=SEED)
    mapping.add_argument("--profile", action="store_true", help="where the time of the first goes")
    mapping.set_defaults(run=_map_command)
    peer = commands.add_parser("peer", help="rows a second beside morph-kgc")
    peer.add_argument("--peer", type=Path, required=True, help="the Python that has morph-kgc")
    peer.add_argument("--rows", type=int, default=100_000)
    peer.add_argument("--rounds", type=int, default=3)
    peer.add_argument("--seed", type=int, default=SEED)
    peer.set_defaults(run=_peer_command)
    build = commands.add_parser("build", help="from files to a release, stage by stage")
    build.add_argument("--shape", choices=SHAPES, default="gdelt")
    build.add_argument("--rows", type=int, default=2_200_000)
    build.add_argument("--events", action="store_true", help="without the file of mentions")
    build.add_argument("--seed", type=int, default=SEED)
    build.add_argument("--keep", action="store_true", help="leave the release in bench/.data")
    build.set_defaults(run=_build_command)
    write = commands.add_parser("write", help="map the files of a folder into N-Quads")
    write.add_argument("--shape", choices=SHAPES, required=True)
    write.add_argument("place", type=Path)
    write.add_argument("out", type=Path)
    write.set_defaults(run=_write_command)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
