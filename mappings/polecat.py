"""POLECAT: events that a program codes from news reports by PLOVER, as tab-separated tables.

Source: POLECAT Weekly Data, Harvard Dataverse. Language: codes and names in English; the reports
are in several languages. Licence: its terms were not evaluated here, so nothing made of it is
handed on; it is a source of its own beside `plover`, whose records are CC BY-SA 4.0.

A row is the description of an event and a claim by the report's own voice, machine-coded. A report
is known by outlet, day and the part of the event's id before the first underscore, which the
events of one report share. `None` in a cell means that there is nothing.
"""

import datetime
from collections.abc import Mapping

from kg.feed import FORMER, NOUNS, Feed, MapRow, Node, Row, Scribe, Table

_TEXT = "text of others"
_SCORE = "follows from the type of the event"
_STORY = "named somewhere in the report; need not have a part in the event"

SOURCE = Feed(
    id="polecat",
    title="POLECAT Weekly Data",
    publisher="The authors of POLECAT",
    url="https://doi.org/10.7910/DVN/AJGVIT",
    languages=("en",),
    licence="https://rightsstatements.org/page/CNE/1.0/",
    redistribution="none",
    citation=(
        "Scarborough, Bagozzi, Beger, Berrie, Halterman, Schrodt, Spivey: POLECAT Weekly Data, "
        "Harvard Dataverse, https://doi.org/10.7910/DVN/AJGVIT"
    ),
    retrieved="2026-11-28",
    method="A program reads news reports in several languages and codes events by PLOVER.",
    machine=True,
    tables=(
        Table(
            id="events",
            form="tsv",
            columns=(
                "Event ID",
                "Event Date",
                "Event Type",
                "Event Mode",
                "Intensity",
                "Quad Code",
                "Contexts",
                "Actor Name",
                "Actor Country",
                "Actor COW",
                "Primary Actor Sector",
                "Actor Sectors",
                "Actor Title",
                "Actor Name Raw",
                "Wikipedia Actor ID",
                "Recipient Name",
                "Recipient Country",
                "Recipient COW",
                "Primary Recipient Sector",
                "Recipient Sectors",
                "Recipient Title",
                "Recipient Name Raw",
                "Wikipedia Recipient ID",
                "Placename",
                "City",
                "District",
                "Province",
                "Country",
                "Latitude",
                "Longitude",
                "GeoNames ID",
                "Raw Placename",
                "Feature Type",
                "Source",
                "Publication Date",
                "Story People",
                "Story Organizations",
                "Story Locations",
                "Language",
                "Version",
                "County",
                "Event Intensity",
                "Headline",
                "Event Text",
                "Feed",
                "Story ID",
            ),
            required=("Event ID", "Event Date", "Event Type", "Actor Name", "Source"),
            key=("Event ID",),
            ignored={
                "Intensity": _SCORE,
                "Event Intensity": _SCORE,
                "Quad Code": _SCORE,
                "Actor COW": "the same state as Actor Country in another scheme",
                "Recipient COW": "the same state as Recipient Country in another scheme",
                "Actor Sectors": "the primary sector is taken",
                "Recipient Sectors": "the primary sector is taken",
                "Actor Title": "an office of no stated date",
                "Recipient Title": "an office of no stated date",
                "City": "the place is named by Placename",
                "District": "the place is named by Placename",
                "County": "the place is named by Placename",
                "Raw Placename": "the place is named by Placename",
                "Feature Type": "what GeoNames calls the place",
                "Story People": _STORY,
                "Story Organizations": _STORY,
                "Story Locations": _STORY,
                "Headline": "in few files",
                "Event Text": _TEXT,
                "Feed": "how the report reached the program",
                "Story ID": "part of the event's id",
            },
        ),
    ),
)

HEDGES: Mapping[str, str] = {
    "hypothetical": "hypothetical",
    "future": "expected",
    "historical": "actual",
}
"""Contexts that say that it is not of now, the first one first, and the modality of each."""

TITLES: Mapping[str, str] = {
    "ATG": "Antigua and Barbuda",
    "BHS": "The Bahamas",
    "BIH": "Bosnia and Herzegovina",
    "CIV": "Ivory Coast",
    "COD": "Democratic Republic of the Congo",
    "COG": "Republic of the Congo",
    "CPV": "Cape Verde",
    "CZE": "Czech Republic",
    "FSM": "Federated States of Micronesia",
    "GEO": "Georgia (country)",
    "GMB": "The Gambia",
    "IRL": "Republic of Ireland",
    "KNA": "Saint Kitts and Nevis",
    "LCA": "Saint Lucia",
    "MMR": "Myanmar",
    "STP": "São Tomé and Príncipe",
    "TLS": "East Timor",
    "TTO": "Trinidad and Tobago",
    "TUR": "Turkey",
    "VAT": "Vatican City",
    "VCT": "Saint Vincent and the Grenadines",
}
"""Titles of articles on states, where the registry's label is another."""

LONGEST = 120
"""Characters of a name; what is longer is a text."""


def mapper(table: str, out: Scribe) -> MapRow:
    """Return what maps one row."""
    columns = SOURCE.table(table).columns
    at = {name: n for n, name in enumerate(columns)}
    identifier_at, date_at, type_at, mode_at, contexts_at = (
        at[f"Event {name}"] if name != "Contexts" else at[name]
        for name in ("ID", "Date", "Type", "Mode", "Contexts")
    )
    source_at, published_at, language_at, version_at = (
        at[name] for name in ("Source", "Publication Date", "Language", "Version")
    )
    sides = {
        role: tuple(
            at[name]
            for name in (
                f"{side} Name",
                f"{side} Name Raw",
                f"{side} Country",
                f"Primary {side} Sector",
                f"Wikipedia {side} ID",
            )
        )
        for role, side in (("actor", "Actor"), ("recipient", "Recipient"))
    }
    place_at = tuple(
        at[name]
        for name in ("Placename", "Province", "Country", "Latitude", "Longitude", "GeoNames ID")
    )

    def actors(row: Row, role: str, story: str) -> list[Node]:
        name_at, raw_at, country_at, sector_at, wiki_at = sides[role]
        names = _several(row[name_at])
        raws = _several(row[raw_at])
        # Lists of one length go together; of others it is not told what belongs to whom.
        lists = [
            found if len(found) == max(len(names), len(raws)) else []
            for found in (
                names,
                raws,
                *(_several(row[n]) for n in (country_at, sector_at, wiki_at)),
            )
        ]
        found: dict[Node, None] = {}
        for n in range(max(len(names), len(raws))):
            name, raw, country, sector, wiki = (one[n] if one else "" for one in lists)
            node = actor(story, name, raw, country, sector, wiki)
            if node:
                found[node] = None
        return list(found)

    def actor(story: str, name: str, raw: str, country: str, sector: str, wiki: str) -> Node | None:
        state = out.state("iso3", country) if len(country) == 3 else None
        if state and sector in ("", "GOV") and name in (state.label, TITLES.get(country)):
            return state
        coded = " ".join(filter(None, (country, sector)))
        called = (name or raw) if len(name or raw) <= LONGEST else ""
        if not called and not coded:
            return None
        if wiki and name:
            # Which person or body it is, the program decided.
            return out.agent(
                ("wikipedia", wiki),
                called or f"actor coded {coded}",
                identifier=f"Wikipedia {wiki}",
                basis=f"POLECAT, coded {coded}" if coded else "POLECAT",
                country=state,
            )
        # The same words in another report may be somebody else.
        words = f"“{called}” ({coded})" if coded else f"“{called}”"
        return out.agent(
            (story, called, country, sector),
            words if called else f"actor coded {coded}",
            identifier=" ".join(filter(None, (called, country, sector))),
            basis="POLECAT, as the report has it",
            country=state,
        )

    def place(row: Row) -> Node | None:
        name, province, country, latitude, longitude, geonames = (_cell(row[n]) for n in place_at)
        if not name or len(name) > LONGEST:
            return None
        state = out.state("iso3", country) if len(country) == 3 else None
        # Of a country or a region the coordinates are those of its middle.
        whole = name in (province, TITLES.get(country), state.label if state else country)
        # A town may be called like its region: then the point may be its own.
        can = "may stand" if name == province else "stands"
        words = f"The point {can} for the whole of it." if whole and latitude else ""
        if not whole and province:
            words = f"In {province}."
        return out.place(
            (name, province, country, latitude, longitude, geonames),
            name,
            identifier=f"GeoNames {geonames}" if geonames else name,
            basis="POLECAT, as GeoNames has it" if geonames else "POLECAT",
            description=words,
            latitude=latitude,
            longitude=longitude,
            country=state,
            exact=not whole,
        )

    def map_event(row: Row) -> None:
        identifier = row[identifier_at].strip()
        kind = _cell(row[type_at]).lower()
        kind = FORMER.get(kind, kind)
        if kind not in NOUNS:
            out.reject("Event Type", row[type_at], "expected one of PLOVER's 16 categories")
        outlet = _cell(row[source_at])
        published = _day(out, "Publication Date", row[published_at])
        happened = _day(out, "Event Date", row[date_at])
        contexts = [one.lower() for one in _several(row[contexts_at])]
        mark = next((one for one in HEDGES if one in contexts), "")
        modality = HEDGES.get(mark, "actual")
        if happened and published and modality == "actual" and _later(happened, published):
            # A report can only foresee what is dated after it. One day may be a time zone.
            modality = "expected"
        when = out.time(happened, column="Event Date") if happened and not mark else None
        story = identifier.partition("_")[0]
        voice = out.voice(
            ("polecat", outlet, published, story),
            f"{outlet or 'Report'}{f', {published}' if published else ''} (report {story})",
            issued=published,
            publisher=out.agent(("outlet", outlet), outlet, kind="NewsOrganization")
            if outlet
            else None,
        )
        who, whom, where = actors(row, "actor", story), actors(row, "recipient", story), place(row)
        label = NOUNS[kind]
        if who:
            label += f": {', '.join(one.label for one in who)}"
        if whom:
            label += f" toward {', '.join(one.label for one in whom)}"
        if where:
            label += f"; {where.label}"
        mode = _cell(row[mode_at])
        plain = [one for one in contexts if one not in HEDGES and one != "negation"]
        description = f"Coded with the mode {mode}." if mode else ""
        if plain:
            description += f"{' ' if description else ''}Coded in the context {', '.join(plain)}."
        event = out.event(
            identifier,
            label,
            f"plover-{kind}",
            time=when,
            description=description,
            unstated=() if who else ("actor",),
            actor=who,
            recipient=whom,
            place=where,
        )
        where_said = f"report from which POLECAT coded {identifier}"[:150]
        for before, n in (("in ", language_at), ("version ", version_at)):
            if 0 < len(_cell(row[n])) <= 20:
                where_said += f"; {before}{_cell(row[n])}"
        out.claim(
            voice,
            event,
            stance="denies" if "negation" in contexts else "affirms",
            modality=modality,
            basis="machine-coded",
            attribution="inferred",
            locator=[where_said],
        )

    return map_event


def _cell(value: str) -> str:
    """Return what stands in a cell; nothing where it says so."""
    value = value.strip()
    return "" if value in ("None", "NA", "nan", "NULL") else value


def _several(value: str) -> list[str]:
    """Return the values of a cell, the empty ones too: they keep their place."""
    if not _cell(value):
        return []
    return [_cell(one) for one in value.split(";")]


def _day(out: Scribe, column: str, value: str) -> str:
    """Return a day as EDTF, empty where there is none; times of day are left out."""
    text = _cell(value)[:10]
    if not text:
        return ""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        return out.reject(column, value, "expected a day such as 2023-10-18")


def _later(day: str, other: str) -> bool:
    """Return whether a day is more than one after another."""
    first, second = (datetime.date.fromisoformat(one) for one in (day, other))
    return first - second > datetime.timedelta(days=1)
