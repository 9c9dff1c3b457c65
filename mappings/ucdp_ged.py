"""UCDP GED: incidents in which an organised side used armed force and somebody was killed.

Source: the Georeferenced Event Dataset of the Uppsala Conflict Data Program, all releases: coded by
people, from reports. Language: English; headlines in any. Licence: CC BY 4.0, citation required.

A row gives one event and one number of people killed. The record speaks for the coding project:
its narrator claims the event, and it alone claims the number, which is the coders' estimate. Each
report that the row names is a source of its own: where the row says from whom the information
came, this speaker claims the event and the outlet relays it; else the report's own voice claims it.
"""

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

from kg.feed import Feed, MapRow, Node, Row, Scribe, Table, Voice, clean, number_of

COLUMNS = (
    *("id", "relid", "year", "active_year", "code_status", "type_of_violence"),
    *("conflict_dset_id", "conflict_new_id", "conflict_name"),
    *("dyad_dset_id", "dyad_new_id", "dyad_name"),
    *("side_a_dset_id", "side_a_new_id", "side_a"),
    *("side_b_dset_id", "side_b_new_id", "side_b"),
    *("number_of_sources", "source_article", "source_office", "source_date"),
    *("source_headline", "source_original"),
    *("where_prec", "where_coordinates", "where_description", "adm_1", "adm_2"),
    *("latitude", "longitude", "geom_wkt", "priogrid_gid", "country", "country_id", "region"),
    *("event_clarity", "date_prec", "date_start", "date_end"),
    *("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "best", "high", "low"),
    *("gwnoa", "gwnob"),
)
"""In the order of the releases that come without a header."""

OLDER = (
    *("conflict_id", "dyad_id", "side_a_id", "side_b_id", "gwno"),
    *("best_est", "high_est", "low_est"),
)
"""What some of those were called before."""

SOURCE = Feed(
    id="ucdp_ged",
    title="UCDP Georeferenced Event Dataset",
    publisher="Uppsala Conflict Data Program",
    url="https://ucdp.uu.se/downloads/",
    languages=("en",),
    licence="https://creativecommons.org/licenses/by/4.0/",
    redistribution="open",
    citation="Sundberg, Ralph, and Erik Melander (2013): Introducing the UCDP Georeferenced Event "
    "Dataset. Journal of Peace Research 50(4), 523-532, doi:10.1177/0022343313484347. "
    "Davies, Shawn, Therése Pettersson and Magnus Öberg (2023): Organized violence 1989-2022, and "
    "the return of conflict between states. Journal of Peace Research 60(4), 691-708, "
    "doi:10.1177/00223433231185169; of another release, the article of its year instead.",
    retrieved="2026-11-28",
    method="People code incidents from news and other reports by the project's codebook.",
    machine=False,
    tables=(
        Table(
            id="events",
            form="csv",
            columns=(*COLUMNS, *OLDER),
            key=("id",),
            header="either",
            required=("id", "type_of_violence", "side_a", "side_b", "date_prec", "date_start"),
            lengths=(len(COLUMNS),),
            ignored={
                "active_year": "whether a pair of sides counts 25 deaths a year: a sum of rows",
                "dyad_dset_id": "the pair of sides, which the event names",
                "dyad_new_id": "the pair of sides, which the event names",
                "dyad_id": "the pair of sides, which the event names",
                "dyad_name": "the pair of sides, which the event names",
                "where_description": "text of the project, not republished",
                "geom_wkt": "the coordinates again",
                "priogrid_gid": "a cell of a grid, which follows from the coordinates",
                "region": "a part of the world, which follows from the country",
            },
        ),
    ),
)

KINDS = {
    "1": "Violence in which a government is a side.",
    "2": "Violence between sides that are no government.",
    "3": "Violence of one side against civilians.",
}
DATES = {
    "1": "The day is known.",
    "2": "The days are known to within two to six.",
    "3": "The week is known.",
    "4": "The month is known.",
    "5": "Known to within more than a month and at most a year.",
}
CLARITY = {
    "": "",
    "1": "",
    "2": " The reports give several incidents as one.",
}
PLACES = {
    "": "",
    "1": "The place itself (precision 1 of 7).",
    "2": "Within about 25 km of this point, or a small area around it (precision 2 of 7).",
    "3": "The point stands for a division of the second order (precision 3 of 7).",
    "4": "The point stands for a division of the first order (precision 4 of 7).",
    "5": "The point stands for a line or an area that is no division (precision 5 of 7).",
    "6": "The point stands for a whole country (precision 6 of 7).",
    "7": "The point stands for a stretch of water or airspace (precision 7 of 7).",
}

_WORDS = (
    "a administrative administrator aid an and anonymous area army authorities by chief citizen "
    "citizens civilian civilians commander commanders community deputy diplomat diplomats district "
    "doctor doctors elder elders eye eyewitness eyewitnesses family fighter fighters force forces "
    "from government governor ground head hospital human humanitarian in intelligence journalist "
    "journalists leader leaders local mayor medical member members militant militants military of "
    "officer officers official officials on opposition paramilitary people police politician "
    "politicians provincial rebel rebels regional relative relatives reporter reporters resident "
    "residents rights security senior source sources spokesman spokesmen spokesperson spokeswoman "
    "staff state survivor survivors the troops unidentified unknown unnamed villager villagers "
    "witness witnesses worker workers"
)
UNNAMED = frozenset(_WORDS.split())
"""Words of which alone no name is made: a speaker of such words is an unnamed one."""

_ISO = re.compile("([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T][0-9:.]+Z?)?")
_DMY = re.compile("([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})(?: [0-9:.]+)?")
_REPORT = re.compile("(.*?),([0-9]{4}-[0-9]{2}-[0-9]{2}),(.*)", re.DOTALL)
_ADDRESS = re.compile(r"https?://\S+")
_BETWEEN = re.compile(r"[;\n]|///")
_ACRONYM = re.compile("[A-Z][A-Z0-9]{1,9}")
_NAME = 300
"""Characters of a name at most; a longer one is none."""


class Report(NamedTuple):
    """A report that a row rests on: outlet, day and headline, or a free citation."""

    outlet: str
    day: str
    title: str
    cited: str = ""


def short(text: str, most: int = 120) -> str:
    """Return a text, cut where it is longer.

    >>> short("In the north", 6)
    'In th…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def fold(text: str) -> str:
    """Return a name as it is compared within one row."""
    return " ".join(text.casefold().split()).strip(' ."')


def day_of(text: str) -> str:
    """Return a date as `YYYY-MM-DD`, empty if it is none: `2021-05-28 00:00:00.000`, `28/5/2021`.

    >>> day_of("2021-05-28 00:00:00.000"), day_of("28/5/2021"), day_of("5/28/2021")
    ('2021-05-28', '2021-05-28', '')
    """
    text = text.strip()
    if found := _ISO.fullmatch(text):
        year, month, day = found.groups()
    elif found := _DMY.fullmatch(text):
        day, month, year = found.groups()
    else:
        return ""
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def edtf_of(start: str, end: str, precision: str) -> str:
    """Return the EDTF text of a first and a last day.

    What is known by its month or year, and is given with its first and last day, is written so; one
    day that is not the exact one is about that day.

    >>> edtf_of("2021-05-01", "2021-05-31", "4"), edtf_of("2021-05-28", "2021-05-28", "2")
    ('2021-05', '2021-05-28~')
    """
    if start == end:
        return start if precision == "1" else f"{start}~"
    if precision in "45" and start.endswith("-01"):
        if start[:4] == end[:4] and start[5:] == "01-01" and end[5:] == "12-31":
            return start[:4]
        last = monthrange(int(start[:4]), int(start[5:7]))[1]
        if start[:7] == end[:7] and int(end[8:]) == last:
            return start[:7]
    return f"{start}/{end}"


def reports_of(article: str, offices: str, dates: str, headlines: str) -> list[Report]:
    """Return the reports that a row names, each once, in the order of the row.

    Releases since 2013 list them as `"outlet,day,headline"`, with semicolons between; before that
    the citation is free text, which may hold several and is taken as one.
    """
    text = article.strip()
    found: list[Report] = []
    if text[:1] == '"' and text[-1:] == '"':
        for part in text[1:-1].split('";"'):
            if not (match := _REPORT.fullmatch(part)) or not fold(match[1]):
                found = []
                break
            found.append(Report(short(clean(match[1]), _NAME), match[2], clean(match[3])))
    if not found and offices.strip():
        names = offices.split(";")
        days, titles = (
            parts if len(parts) == len(names) else [""] * len(names)
            for parts in (dates.split(";"), headlines.split(";"))
        )
        found = [
            Report(short(clean(name), _NAME), day_of(day), clean(title))
            for name, day, title in zip(names, days, titles, strict=True)
            if fold(name)
        ]
    if not found and any(c.isalnum() for c in text):
        found = [Report("", "", "", clean(text))]
    return list(dict.fromkeys(found))


def speakers_of(text: str, outlets: frozenset[str]) -> list[str]:
    """Return from whom a row says that the information came, each once.

    Semicolons and new lines part them. A comma does only where each part is an outlet of the row,
    is of words that name nobody, or is an acronym: it may as well stand between name and office.

    >>> speakers_of("police, witnesses; spokesman of the governor, A. Rell", frozenset())
    ['police', 'witnesses', 'spokesman of the governor, A. Rell']
    """
    out: dict[str, str] = {}
    for part in _BETWEEN.split(text):
        some = [one.strip() for one in part.split(",")]
        if not all(
            fold(one) in outlets or is_unnamed(one) or _ACRONYM.fullmatch(one) for one in some
        ):
            some = [part]
        for one in some:
            if any(c.isalnum() for c in one):
                out.setdefault(fold(one), clean(one))
    return list(out.values())


def is_unnamed(text: str) -> bool:
    """Return whether a speaker is described without any name.

    >>> is_unnamed("Local security sources"), is_unnamed("Ministry of Defence")
    (True, False)
    """
    words = fold(text).replace("/", " ").split()
    return bool(words) and UNNAMED.issuperset(word.strip('"(),.') for word in words)


def mapper(table: str, out: Scribe) -> MapRow:
    """Return what maps a row."""
    at = SOURCE.table(table).columns.index
    i_id, i_relid, i_year, i_status = at("id"), at("relid"), at("year"), at("code_status")
    i_type, i_clarity = at("type_of_violence"), at("event_clarity")
    i_conflict = (at("conflict_new_id"), at("conflict_dset_id"), at("conflict_id"))
    i_conflict_name = at("conflict_name")
    i_a = (at("side_a_new_id"), at("side_a_dset_id"), at("side_a_id"))
    i_b = (at("side_b_new_id"), at("side_b_dset_id"), at("side_b_id"))
    i_side_a, i_side_b, i_gwnoa, i_gwnob = at("side_a"), at("side_b"), at("gwnoa"), at("gwnob")
    i_sources, i_article, i_office = (
        at("number_of_sources"),
        at("source_article"),
        at("source_office"),
    )
    i_date, i_headline, i_original = at("source_date"), at("source_headline"), at("source_original")
    i_where, i_coordinates, i_adm_1, i_adm_2 = (
        at("where_prec"),
        at("where_coordinates"),
        at("adm_1"),
        at("adm_2"),
    )
    i_latitude, i_longitude = at("latitude"), at("longitude")
    i_country, i_country_id = at("country"), (at("country_id"), at("gwno"))
    i_prec, i_start, i_end = at("date_prec"), at("date_start"), at("date_end")
    i_deaths = tuple(map(at, ("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown")))
    i_low, i_best, i_high = (
        (at("low"), at("low_est")),
        (at("best"), at("best_est")),
        (at("high"), at("high_est")),
    )
    reject, columns = out.reject, SOURCE.table(table).columns
    days: dict[str, str] = {}

    def code(row: Row, n: int, known: dict[str, str]) -> str:
        """Return a code, of those that are known; some programs write 1 as 1.0."""
        found = row[n].strip().removesuffix(".0")
        if found not in known:
            wanted = ", ".join(filter(None, known))
            reject(columns[n], row[n], f"no such code; expected one of {wanted}")
        return str(found)

    def first(row: Row, places: tuple[int, ...]) -> str:
        """Return the first of some columns that has a value."""
        for n in places:
            if found := row[n].strip():
                return str(found)
        return ""

    def number(row: Row, places: tuple[int, ...], value: str) -> str:
        """Return a number of people, the first of some columns that has a value."""
        if value.isascii() and value.isdigit():
            return number_of(value)
        try:
            found = number_of(value)
        except ValueError:
            found = "-"
        if not found.isdigit():
            reject(columns[places[0]], value, "no number of people; expected a whole one from 0")
        return found

    def name(row: Row, n: int) -> str:
        """Return a name, empty where there is none."""
        found = clean(row[n])
        if len(found) > _NAME:
            reject(columns[n], found, f"no name: more than {_NAME} characters")
        return found if any(map(str.isalnum, found)) else ""

    def day(row: Row, n: int) -> str:
        text = row[n]
        found = days.get(text)
        if found is None:
            found = day_of(text)
            if len(days) < 100_000:
                days[text] = found
        if not found:
            reject(columns[n], text, "no such day; expected YYYY-MM-DD or D/M/YYYY")
        return found

    def state(code: str, start: str) -> Node | None:
        return out.state("gw", code, start) if code else None

    def side(row: Row, n: int, ids: tuple[int, ...], gw: int, start: str) -> Node:
        """Return a side. A government acts for its state, where the number tells which."""
        called = name(row, n)
        if not called:
            reject(columns[n], "", "a side without a name")
        actor = first(row, ids).removesuffix(".0")
        number = row[gw].strip().removesuffix(".0")
        identifier = f"UCDP actor {actor}" if actor else called
        if not number or not called.startswith("Government of "):
            return out.agent(
                ("side", actor) if actor else ("side", "", called),
                called,
                kind="ArmedActor",
                identifier=identifier,
                description="A side that used armed force, as UCDP codes it. Where the name is "
                "that of a community or a party, it stands for those of it who fought.",
            )
        if not number.isdigit():
            return out.agent(
                ("side", actor or called, number),
                called,
                identifier=identifier,
                description="Governments that UCDP codes together as one side.",
            )
        whose = state(number, start)
        return out.agent(
            ("side", actor or called, number, whose.key if whose else ""),
            called,
            kind="GovernmentBody",
            identifier=identifier,
            acts_for=whose,
        )

    def place(row: Row, start: str) -> Node:
        """Return the place, in its divisions and its country."""
        number = first(row, i_country_id).removesuffix(".0")
        country = name(row, i_country)
        land = state(number, start)
        # Which state a number stands for may depend on the day, so it tells places apart.
        home = (number, land.key if land else country)
        inside = None
        if not land and country:
            inside = out.place(("country", *home), country, identifier=f"GW {number or country}")
        adm_1, adm_2 = name(row, i_adm_1), name(row, i_adm_2)
        if adm_1:
            inside = out.place(("adm-1", *home, adm_1), adm_1, country=land, located_in=inside)
        if adm_2:
            inside = out.place(
                ("adm-2", *home, adm_1, adm_2), adm_2, country=land, located_in=inside
            )
        called = name(row, i_coordinates) or adm_2 or adm_1 or country
        latitude, longitude = row[i_latitude].strip(), row[i_longitude].strip()
        if not called:
            reject("where_coordinates", "", "a place without a name, a division or a country")
        if not latitude or not longitude:
            reject("latitude, longitude", f"{latitude}, {longitude}", "expected both")
        precision = code(row, i_where, PLACES)
        return out.place(
            ("point", *home, adm_1, adm_2, called, latitude, longitude, precision),
            called,
            latitude=latitude,
            longitude=longitude,
            country=land,
            located_in=inside,
            description=PLACES[precision],
            exact=precision in ("1", "2", "3"),
        )

    def outlet(called: str) -> Node:
        return out.agent(
            ("outlet", called),
            called,
            identifier=called,
            description="Named by UCDP as the outlet of a report.",
        )

    def speaker(identifier: str, called: str) -> Node:
        """Return who is cited: another one in each row, for equal words are no identity."""
        unnamed = is_unnamed(called)
        return out.agent(
            ("speaker", identifier, called),
            f"{short(called)} (cited in UCDP GED {identifier})",
            kind="UnnamedSource" if unnamed else "",
            identifier=f"{identifier} {short(called)}",
            description=f"Cited in row {identifier} of UCDP GED"
            + (
                " without a name."
                if unnamed
                else ", in these words. Who that is, and whether one or several, is left open."
            ),
        )

    def said(row: Row, identifier: str, record: Voice, event: Node, reports: list[Report]) -> None:
        """Write what the reports claim, and those whom they cite."""
        outlets = frozenset(fold(one.outlet) for one in reports if one.outlet)
        cited = speakers_of(row[i_original], outlets)
        # An outlet that is its own origin speaks for itself.
        themselves = {fold(one) for one in cited if fold(one) in outlets}
        others = [speaker(identifier, one) for one in cited if fold(one) not in outlets]
        if cited and not reports:
            out.claim(
                record,
                event,
                by=others,
                attribution="stated" if len(others) == 1 else "inferred",
                locator=(f"row {identifier} of UCDP GED, which names no report",),
            )
        alone = themselves >= outlets and bool(outlets)
        first_named = {fold(one.outlet): one.outlet for one in reversed(reports)}
        for n, report in enumerate(reports, 1):
            own = fold(report.outlet) in themselves
            many = len(reports) > 1
            where = (
                f"cited in row {identifier} of UCDP GED"
                + (f", report {n} of {len(reports)}" if many else ""),
            )
            office = outlet(report.outlet) if report.outlet else None
            if report.cited:
                # Known by its place in the row: a headline that is corrected moves no address.
                voice = out.voice(
                    ("cited", identifier, str(n)),
                    f"Cited by UCDP: {short(report.cited)}",
                    url=report.cited if _ADDRESS.fullmatch(report.cited) else "",
                )
            else:
                # Known by outlet, day and place in the row: a headline that is corrected moves no
                # address.
                same = sum((r.outlet, r.day) == (report.outlet, report.day) for r in reports[:n])
                fields = ("report", identifier, report.outlet, report.day, str(same))
                label = ", ".join(filter(None, (report.outlet, report.day)))
                voice = out.voice(
                    fields,
                    f"{label}: {short(report.title)}" if report.title else label,
                    issued=report.day,
                    publisher=office,
                )
            if own or not cited:
                # Where the row names no origin, it was not coded: nobody knows who said it.
                told = "stated" if own else "inferred"
                out.claim(voice, event, attribution=told, locator=where)
            if not cited or (own and not (others and alone)):
                continue
            who = others or [outlet(first_named[one]) for one in sorted(themselves)]
            # Of several the row does not say which report cites whom, or who said how much.
            told = "inferred" if many or len(who) > 1 else "stated"
            inner = out.claim(voice, event, by=who, attribution=told, locator=where)
            if office:
                out.claim(voice, event, by=office, relays=inner, attribution=told, locator=where)

    def map_row(row: Row) -> None:
        identifier = row[i_id].strip()
        if len(identifier) > 80:
            reject("id", identifier, "no identifier: more than 80 characters")
        kind = code(row, i_type, KINDS)
        precision = code(row, i_prec, DATES)
        clarity = code(row, i_clarity, CLARITY)
        start, end = day(row, i_start), day(row, i_end)
        if start > end:
            reject("date_start, date_end", f"{start}, {end}", "the end lies before the start")
        year = row[i_year].strip().removesuffix(".0")
        if year and not start[:4] <= year <= end[:4]:
            reject("year", year, f"another one than that of the dates, {start} to {end}")
        time = out.time(
            edtf_of(start, end, precision),
            certainty="certain" if precision == "1" else "unstated",
            column="date_start, date_end",
        )
        where = place(row, start)
        side_a = side(row, i_side_a, i_a, i_gwnoa, start)
        hurt: Node | None = None
        if kind == "3":
            if fold(row[i_side_b]) == "civilians":
                hurt = side_b = out.agent(
                    ("civilians", identifier),
                    f"Civilians (UCDP GED {identifier})",
                    kind="Group",
                    description=f"Those whom row {identifier} of UCDP GED calls civilians.",
                )
                whom = "civilians"
            else:
                hurt = side_b = side(row, i_side_b, i_b, i_gwnob, start)
                whom = side_b.label
            actors: tuple[Node, ...] = (side_a,)
            label = f"Use of armed force by {side_a.label} against {whom}, {where.label}"
        else:
            side_b = side(row, i_side_b, i_b, i_gwnob, start)
            # Both took part; who attacked whom is not coded.
            actors = (side_a, side_b)
            label = f"Use of armed force between {side_a.label} and {side_b.label}, {where.label}"
        conflict = name(row, i_conflict_name)
        topic = None
        if conflict:
            number_there = first(row, i_conflict).removesuffix(".0")
            topic = out.thing(
                ("conflict", number_there, conflict),
                conflict,
                kind="Topic",
                identifier=f"UCDP conflict {number_there}" if number_there else conflict,
            )
        low, best, high = (
            number(row, places, value) if (value := first(row, places)) else ""
            for places in (i_low, i_best, i_high)
        )
        if not best:
            reject("best", "", "no estimate of how many were killed")
        numbers = [float(one) for one in (low, best, high) if one]
        killed = None
        if numbers == sorted(numbers):
            killed = out.amount("deaths", low=low, best=best, high=high, column="low, best, high")
        else:  # what is odd about a number is no reason to keep silent about the event
            out.leave_out("low, best, high", f"{low}, {best}, {high}", "expected low ≤ best ≤ high")

        record = out.record(identifier, f"UCDP GED {identifier}")
        event = out.event(
            identifier,
            label,
            "plover-assault",
            time=time,
            description=f"{KINDS[kind]} {DATES[precision]}{CLARITY[clarity]}",
            aspect="repeated" if clarity == "2" else "single",
            unstated=() if kind == "3" else ("recipient",),
            actor=actors,
            recipient=hurt,
            place=where,
            topic=topic,
        )
        reports = reports_of(row[i_article], row[i_office], row[i_date], row[i_headline])
        status = short(clean(row[i_status]), 40)
        sources = row[i_sources].strip().removesuffix(".0")
        words = f"row {identifier} of UCDP GED"
        if sources.isascii() and sources.isdigit():
            words += f", by {sources} {'report' if sources == '1' else 'reports'}"
        if status:
            words += f", coding status {status}"
        out.claim(
            record,
            event,
            basis="document" if reports else "none-stated",
            locator=(words,),
            identifier=clean(row[i_relid]),
        )
        parts = [
            f"{label}: {number(row, (n,), value)}"
            for label, n in zip(
                (side_a.label, side_b.label, "civilians", "not known of which side"),
                i_deaths,
                strict=True,
            )
            if (value := row[n].strip())
        ]
        if killed:
            count = out.relation(
                event,
                "number-killed",
                quantity=killed,
                description=f"The best estimate by side: {'; '.join(parts)}." if parts else "",
            )
            out.claim(record, count, basis="analysis", locator=(words,))
        said(row, identifier, record, event, reports)

    return map_row
