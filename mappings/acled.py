"""ACLED: political violence, demonstrations and other developments, coded by people.

Source: an export of the Armed Conflict Location & Event Data project that the user brings: its
terms allow use by those who registered and forbid to hand the data on, so nothing that is made of
it goes into downloads. Language: English. Licence: ACLED's terms and conditions.

A row gives one event. The record's narrator claims it for the project, and each outlet that the row
names is a report that claims it in its own voice. Where people were killed, their number is a
relation of its own, which the project alone claims. The notes are text of the project: left out.
"""

import re
from datetime import date, timedelta
from typing import Final

from kg.feed import Feed, MapRow, Node, Row, Scribe, Table, clean, number_of

COLUMNS = (
    *("event_id_cnty", "event_date", "year", "time_precision"),
    *("disorder_type", "event_type", "sub_event_type"),
    *("actor1", "assoc_actor_1", "inter1", "actor2", "assoc_actor_2", "inter2", "interaction"),
    *("civilian_targeting", "iso", "region", "country", "admin1", "admin2", "admin3", "location"),
    *("latitude", "longitude", "geo_precision", "source", "source_scale", "notes", "fatalities"),
    *("tags", "timestamp"),
)
OLDER = ("data_id", "event_id_no_cnty", "iso3")

SOURCE = Feed(
    id="acled",
    title="Armed Conflict Location & Event Data",
    publisher="Armed Conflict Location & Event Data project",
    url="https://acleddata.com/",
    languages=("en",),
    licence="https://acleddata.com/terms-and-conditions/",
    redistribution="none",
    citation="Raleigh, Clionadh, Roudabeh Kishi and Andrew Linke (2023): Political instability "
    "patterns are obscured by conflict dataset scope conditions, sources, and coding choices. "
    "Humanities and Social Sciences Communications 10, 74, doi:10.1057/s41599-023-01559-4. With "
    "it the day of the download, as ACLED asks.",
    retrieved="2026-11-28",
    method="People code events from reports of outlets and partners by the project's codebook.",
    machine=False,
    tables=(
        Table(
            id="events",
            form="csv",
            columns=(*COLUMNS, *OLDER),
            key=("event_id_cnty",),
            required=("event_id_cnty", "event_date", "event_type", "sub_event_type", "actor1"),
            ignored={
                "disorder_type": "follows from the type of the event",
                "interaction": "the kinds of both actors again",
                "region": "a part of the world, which follows from the country",
                "notes": "text of the project, not republished",
                "tags": "words of the project about the notes, not republished",
                "timestamp": "when the project last changed the row",
                "data_id": "a number of the export, not of the event",
                "event_id_no_cnty": "the identifier without its country",
                "iso3": "the country again",
            },
        ),
    ),
)

_FORCE: Final = "plover-assault"
_POWER: Final = "plover-coerce"
_TURN: Final = "conflict-development"
ARRESTS: Final = "Arrests"
AGAINST_PROTESTERS: Final = "Force against protesters"
TYPES = {
    "armed clash": (_FORCE, "Fighting"),
    "government regains territory": (_FORCE, "Fighting in which a government took ground"),
    "non-state actor overtakes territory": (
        _FORCE,
        "Fighting in which a side that is no state took ground",
    ),
    "chemical weapon": (_FORCE, "Use of a chemical weapon"),
    "air/drone strike": (_FORCE, "Strike from the air"),
    "suicide bomb": (_FORCE, "Suicide bombing"),
    "shelling/artillery/missile attack": (_FORCE, "Shelling or missile fire"),
    "remote explosive/landmine/ied": (_FORCE, "Explosion of a device"),
    "grenade": (_FORCE, "Use of a grenade"),
    "sexual violence": (_FORCE, "Sexual violence"),
    "attack": (_FORCE, "Use of force"),
    "abduction/forced disappearance": (_FORCE, "Abduction"),
    "excessive force against protesters": (_FORCE, AGAINST_PROTESTERS),
    "protest with intervention": ("plover-protest", "Protest with an intervention"),
    "peaceful protest": ("plover-protest", "Protest"),
    "violent demonstration": ("plover-protest", "Demonstration with violence"),
    "mob violence": (_FORCE, "Violence by a crowd"),
    "agreement": ("plover-support", "Agreement"),
    "arrests": (_POWER, ARRESTS),
    "change to group/activity": (_TURN, "Change of a group or of what it does"),
    "disrupted weapons use": (_POWER, "Weapons found or made harmless"),
    "headquarters or base established": ("plover-mobilize", "Setting up of a base"),
    "looting/property destruction": (_FORCE, "Looting or destruction of property"),
    "non-violent transfer of territory": (_TURN, "Change of control without fighting"),
    "other": (_TURN, "Development"),
}
"""Event type and words for each of ACLED's sub-types. Signing is support, as PLOVER has it; to take
or destroy weapons and to arrest is power short of violence; what harms property is assault. Who
gave up ground without a fight, and to whom, the order of the actors does not tell."""

BROADER = {
    "battles": (_FORCE, "Fighting"),
    "explosions/remote violence": (_FORCE, "Use of explosives or of arms from afar"),
    "violence against civilians": (_FORCE, "Use of force"),
    "protests": ("plover-protest", "Protest"),
    "riots": ("plover-protest", "Riot"),
    "strategic developments": (_TURN, "Development"),
}
"""The same for the types, where a sub-type is not known here."""

STATE, PROTESTERS, CIVILIANS = "1", "6", "7"
CROWDS = frozenset(("5", PROTESTERS, CIVILIANS))
"""Kinds of actors that name no organisation: they are other people in each row."""
INTER = {
    "state forces": STATE,
    "rebel group": "2",
    "rebel groups": "2",
    "rebel forces": "2",
    "political militia": "3",
    "political militias": "3",
    "identity militia": "4",
    "identity militias": "4",
    "rioters": "5",
    "protesters": PROTESTERS,
    "civilians": CIVILIANS,
    "external/other forces": "8",
    "other forces": "8",
}
CLASSES = {STATE: "GovernmentBody", "2": "ArmedActor", "3": "ArmedActor", "4": "ArmedActor"}

DATES = {
    "1": "The day is known.",
    "2": "The week is known; the row has a day of it.",
    "3": "The month is known; the row has a day of it.",
}
PLACES = {
    "": "",
    "1": "The place itself (precision 1 of 3).",
    "2": "A place near by, or the chief one of a small area (precision 2 of 3).",
    "3": "The point stands for a larger region (precision 3 of 3).",
}
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
)
_ISO = re.compile("([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T][0-9:.]+Z?)?")
_WORDS = re.compile("([0-9]{1,2})[ -]([A-Za-z]{3,9})[ -]([0-9]{4})")
_NAME = 300
"""Characters of a name at most; a longer one is none."""


def day_of(text: str) -> date | None:
    """Return a date, or None: `2024-03-05`, `05 March 2024`, `5-Mar-2024`.

    >>> day_of("05 March 2024")
    datetime.date(2024, 3, 5)
    """
    text = text.strip()
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _WORDS.fullmatch(text):
        if found[2][:3].lower() not in _MONTHS:
            return None
        day, year = int(found[1]), int(found[3])
        month = _MONTHS.index(found[2][:3].lower()) + 1
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def edtf_of(day: date, precision: str) -> str:
    """Return the EDTF text of a date.

    Of a week that is known by one of its days, all that it can cover: six days to either side.

    >>> edtf_of(date(2024, 3, 5), "2"), edtf_of(date(2024, 3, 5), "3")
    ('2024-02-28~/2024-03-11~', '2024-03')
    """
    if precision == "3":
        return day.isoformat()[:7]
    if precision == "2":
        six = timedelta(days=6)
        return f"{(day - six).isoformat()}~/{(day + six).isoformat()}~"
    return day.isoformat()


def aim(type_: str, words: str, one: str, two: str) -> int:
    """Return which of two actors is the one at whom it was done, 1 or 2; 0 where none can tell.

    The order of the actors does not say. Their kinds may: civilians, as the project has them, use
    no force, nor do protesters against whom it was used; and no crowd arrests anybody. Of two
    sides that may have arms none is guessed.

    >>> aim("plover-assault", "Abduction", "7", "3"), aim("plover-assault", "Fighting", "1", "3")
    (1, 0)
    """
    kinds = (one, two)
    if words == ARRESTS:
        others = [kind in CROWDS for kind in kinds]
    elif words == AGAINST_PROTESTERS:
        others = [kind == PROTESTERS for kind in kinds]
    elif type_ == _FORCE:
        others = [kind == CIVILIANS for kind in kinds]
    else:
        return 0
    return others.index(True) + 1 if sum(others) == 1 else 0


def mapper(table: str, out: Scribe) -> MapRow:
    """Return what maps a row."""
    columns = SOURCE.table(table).columns
    at = columns.index
    i_id, i_date, i_year, i_time = (
        at("event_id_cnty"),
        at("event_date"),
        at("year"),
        at("time_precision"),
    )
    i_type, i_sub, i_targeted = at("event_type"), at("sub_event_type"), at("civilian_targeting")
    i_actor = ((at("actor1"), at("inter1")), (at("actor2"), at("inter2")))
    i_with = (at("assoc_actor_1"), at("assoc_actor_2"))
    i_iso, i_country, i_location = at("iso"), at("country"), at("location")
    i_admin = (at("admin1"), at("admin2"), at("admin3"))
    i_latitude, i_longitude, i_geo = at("latitude"), at("longitude"), at("geo_precision")
    i_source, i_scale, i_killed = at("source"), at("source_scale"), at("fatalities")
    reject = out.reject

    def code(row: Row, n: int, known: dict[str, str]) -> str:
        found = row[n].strip().removesuffix(".0")
        if found not in known:
            wanted = ", ".join(filter(None, known))
            reject(columns[n], row[n], f"no such code; expected one of {wanted}")
        return str(found)

    def name(row: Row, n: int) -> str:
        """Return a name, empty where there is none."""
        found = clean(row[n])
        if len(found) > _NAME:
            reject(columns[n], found, f"no name: more than {_NAME} characters")
        return found if any(map(str.isalnum, found)) else ""

    def place(row: Row) -> Node:
        """Return the place. ISO's numbers are no codes by which states are known here."""
        country, iso = name(row, i_country), row[i_iso].strip().removesuffix(".0")
        inside = None
        home: tuple[str, ...] = (iso, country)
        if country:
            inside = out.place(
                ("country", *home),
                country,
                identifier=f"ISO 3166-1 {iso}" if iso else country,
            )
        called, last = name(row, i_location), ""
        for level, n in enumerate(i_admin, 1):
            division = name(row, n)
            home = (*home, division)
            if division:
                inside = out.place((f"admin-{level}", *home), division, located_in=inside)
                last = division
        if not called:
            called = last or country
        if not called:
            reject("location", "", "a place without a name, a division or a country")
        latitude, longitude = row[i_latitude].strip(), row[i_longitude].strip()
        if not latitude or not longitude:
            reject("latitude, longitude", f"{latitude}, {longitude}", "expected both")
        precision = code(row, i_geo, PLACES)
        return out.place(
            ("point", *home, called, latitude, longitude, precision),
            called,
            latitude=latitude,
            longitude=longitude,
            located_in=inside,
            description=PLACES[precision],
            exact=precision in ("1", "2"),
        )

    def inter(row: Row, n: int) -> str:
        """Return the kind of an actor as a digit, empty where it is not told."""
        found = row[n].strip().removesuffix(".0").lower()
        found = INTER.get(found, found)
        if found in ("", "0"):
            return ""
        if found not in "12345678" or len(found) != 1:
            reject(columns[n], row[n], "no kind of actor; expected 0 to 8, or its words")
        return str(found)

    def actor(identifier: str, called: str, kind: str, n: int) -> Node:
        if kind in CROWDS or called.lower().startswith("unidentified"):
            return out.agent(
                ("crowd", identifier, str(n)),
                f"{called} (ACLED {identifier})",
                kind="Group",
                identifier=f"{identifier} {called}",
                description=f"Those whom row {identifier} of ACLED calls so; no organisation.",
            )
        return out.agent(
            ("actor", called, kind),
            called,
            kind=CLASSES.get(kind, ""),
            identifier=called,
            description="An actor as ACLED names it.",
        )

    def map_row(row: Row) -> None:
        identifier = row[i_id].strip()
        if len(identifier) > 80:
            reject("event_id_cnty", identifier, "no identifier: more than 80 characters")
        day = day_of(row[i_date])
        if day is None:
            reject("event_date", row[i_date], "no such day; expected 2024-03-05 or 05 March 2024")
        year = row[i_year].strip().removesuffix(".0")
        if year and year != str(day.year):
            reject("year", row[i_year], f"another one than that of the date, {day.isoformat()}")
        precision = code(row, i_time, DATES)
        kind = TYPES.get(row[i_sub].strip().lower()) or BROADER.get(row[i_type].strip().lower())
        if kind is None:
            reject(
                "event_type, sub_event_type",
                f"{row[i_type]}, {row[i_sub]}",
                f"no such type; expected one of ACLED's since 2019, such as {', '.join(BROADER)}",
            )
        type_, words = kind
        time = out.time(
            edtf_of(day, precision),
            certainty="certain" if precision == "1" else "unstated",
            column="event_date",
        )
        where = place(row)
        sides = []
        for n, (named, kinds) in enumerate(i_actor, 1):
            if called := name(row, named):
                group = inter(row, kinds)
                sides.append((actor(identifier, called, group, n), called, group))
        if not name(row, i_actor[0][0]):
            reject("actor1", row[i_actor[0][0]], "an event without an actor")
        acting, hurt = sides, None
        if len(sides) == 2 and (target := aim(type_, words, sides[0][2], sides[1][2])):
            hurt = sides[target - 1]
            acting = [sides[2 - target]]
        elif words == AGAINST_PROTESTERS and [one[2] for one in sides] == [PROTESTERS]:
            acting, hurt = [], sides[0]
        unstated = () if acting else ("actor",)
        if type_ == _FORCE and not hurt:
            unstated = ("recipient",)
        who = " and ".join(one[1] for one in acting)
        if hurt and not acting:
            label = f"{words}: {hurt[1]}, {where.label}"
        elif hurt:
            label = f"{words} by {who} against {hurt[1]}, {where.label}"
        elif len(acting) == 2:
            link = "between" if words.startswith("Fighting") else "involving"
            label = f"{words} {link} {who}, {where.label}"
        else:
            label = f"{words} involving {who}, {where.label}"
        description = DATES[precision]
        for order, n in zip(("first", "second"), i_with, strict=True):
            if named_with := [one for one in map(clean, row[n].split(";")) if one]:
                listed = "; ".join(named_with)[: 2 * _NAME]
                description += f" Coded with the {order} actor: {listed}."
        if row[i_targeted].strip():
            description += " Coded as aimed at civilians mainly or only."
        killed = row[i_killed].strip()
        try:
            killed = number_of(killed) if killed else "0"
        except ValueError:
            killed = "-"
        if not killed.isdigit():
            reject("fatalities", row[i_killed], "no number of people; expected a whole one from 0")
        outlets = list(dict.fromkeys(filter(None, map(clean, row[i_source].split(";")))))

        record = out.record(identifier, f"ACLED {identifier}")
        event = out.event(
            identifier,
            label,
            type_,
            time=time,
            description=description,
            unstated=unstated,
            actor=[one[0] for one in acting],
            recipient=hurt[0] if hurt else None,
            place=where,
        )
        scale = clean(row[i_scale])[:60]
        locator = (f"row {identifier} of ACLED" + (f", sources: {scale}" if scale else ""),)
        basis = "document" if outlets else "none-stated"
        out.claim(record, event, basis=basis, locator=locator)
        if killed != "0":
            amount = out.amount("deaths", best=killed, column="fatalities")
            count = out.relation(event, "number-killed", quantity=amount)
            out.claim(record, count, basis="analysis", locator=locator)
        cited = (f"named in row {identifier} of ACLED",)
        for outlet in outlets:
            called = outlet if len(outlet) <= _NAME else f"{outlet[:_NAME]}…"
            publisher = out.agent(
                ("outlet", called),
                called,
                identifier=called,
                description="Named by ACLED as a source.",
            )
            # Neither day nor headline is told: another report in each row.
            voice = out.voice(
                ("acled", identifier, outlet),
                f"{called}, cited in ACLED {identifier}",
                publisher=publisher,
            )
            out.claim(voice, event, attribution="inferred", locator=cited)

    return map_row
