"""GDELT: what a program read out of news reports: who does what to whom, and which articles say so.

Source: the GDELT Project, files of events (`export`) and of mentions of GDELT 2.0, and the older
files of events of GDELT 1.0; tab-separated, as a rule without a header. Language of names: English,
also for articles that were translated by machine. Licence: any use, with citation of the GDELT
Project and a link.

A row of events becomes the description of an event and a claim by the article at SOURCEURL; a row
of mentions becomes a claim by its article, the same one where event and address are the same. No
row says that anything happened. What is taken from which column stands in docs/reference/feeds.md.

Kinds of events are CAMEO's codes, which stand in labels as they are; no label or definition of its
manual is used. `CATEGORIES` sorts them by meaning under the categories of PLOVER, in our own words.
"""

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Final, NamedTuple

from kg.feed import Feed, MapRow, Node, Rejected, Row, Scribe, Table, Voice

_ACTOR: Final = (
    "Code", "Name", "CountryCode", "KnownGroupCode", "EthnicCode", "Religion1Code",
    "Religion2Code", "Type1Code", "Type2Code", "Type3Code",
)  # fmt: skip
_GEO: Final = (
    "Type",
    "FullName",
    "CountryCode",
    "ADM1Code",
    "ADM2Code",
    "Lat",
    "Long",
    "FeatureID",
)
_GEO_1: Final = tuple(name for name in _GEO if name != "ADM2Code")


def _events(geo: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a file of events, by those of its places."""
    return (
        "GLOBALEVENTID", "SQLDATE", "MonthYear", "Year", "FractionDate",
        *(f"Actor1{name}" for name in _ACTOR), *(f"Actor2{name}" for name in _ACTOR),
        "IsRootEvent", "EventCode", "EventBaseCode", "EventRootCode", "QuadClass",
        "GoldsteinScale", "NumMentions", "NumSources", "NumArticles", "AvgTone",
        *(f"Actor1Geo_{name}" for name in geo), *(f"Actor2Geo_{name}" for name in geo),
        *(f"ActionGeo_{name}" for name in geo), "DATEADDED", "SOURCEURL",
    )  # fmt: skip


_IGNORED: Final = {
    "MonthYear": "the date again",
    "Year": "the date again",
    "FractionDate": "the date again",
    **{
        f"Actor{n}{name}": f"spelled out from Actor{n}Code, set only beside the first of a kind"
        for n in (1, 2)
        for name in ("Religion2Code", "Type2Code", "Type3Code")
    },
    "IsRootEvent": "whether an article names it early: a measure of coverage, not of the event",
    "EventBaseCode": "the beginning of EventCode",
    "QuadClass": "follows from EventRootCode",
    "GoldsteinScale": "a number that the coders' table gives to every event of this code",
    "NumMentions": "a count of the first quarter of an hour; mentions are claims of their own",
    "NumSources": "a count of the first quarter of an hour",
    "NumArticles": "a count of the first quarter of an hour",
    "AvgTone": "how the words of articles sound to a program; nothing that the event is",
    **{
        f"Actor{n}Geo_{name}": "where an article names a place next to the actor: not its seat"
        for n in (1, 2)
        for name in _GEO
    },
    "ActionGeo_ADM1Code": "the region of the place, which ActionGeo_FullName names",
    "ActionGeo_ADM2Code": "the district of the place; ActionGeo_FeatureID is narrower",
    "DATEADDED": "when the feed took it in: of the file, not of the event or the article",
}

SOURCE = Feed(
    id="gdelt",
    title="GDELT",
    publisher="The GDELT Project",
    url="https://www.gdeltproject.org/",
    languages=("en",),
    licence="https://www.gdeltproject.org/about.html",
    redistribution="open",
    citation="The GDELT Project, https://www.gdeltproject.org/",
    retrieved="2026-11-28",
    method="Programs read news reports, translated into English by machine where they are in "
    "another language, and code who does what to whom, where and when. Nobody checks it.",
    machine=True,
    quarantine="0.05",
    tables=(
        Table(
            id="events",
            form="tsv",
            columns=_events(_GEO),
            header="either",
            required=("GLOBALEVENTID", "SQLDATE", "EventCode"),
            key=("GLOBALEVENTID",),
            ignored=_IGNORED,
        ),
        Table(
            id="mentions",
            form="tsv",
            columns=(
                "GLOBALEVENTID", "EventTimeDate", "MentionTimeDate", "MentionType",
                "MentionSourceName", "MentionIdentifier", "SentenceID", "Actor1CharOffset",
                "Actor2CharOffset", "ActionCharOffset", "InRawText", "Confidence",
                "MentionDocLen", "MentionDocTone", "MentionDocTranslationInfo", "Extras",
            ),
            header="either",
            required=("GLOBALEVENTID", "MentionType", "MentionIdentifier"),
            key=("GLOBALEVENTID", "MentionIdentifier"),
            again="number",
            needs=("events", ("GLOBALEVENTID",)),
            ignored={
                "EventTimeDate": "DATEADDED of the event",
                "MentionTimeDate": "when the feed took it in, not when the article appeared",
                "InRawText": "whether the sentence had to be rewritten first; Confidence has it",
                "MentionDocLen": "the length of the article in English",
                "MentionDocTone": "how the words of the article sound to a program",
                "Extras": "kept free by the feed",
            },
        ),
        Table(
            id="history",
            form="tsv",
            columns=_events(_GEO_1),
            header="never",
            lengths=(58, 57),
            required=("GLOBALEVENTID", "SQLDATE", "EventCode"),
            key=("GLOBALEVENTID",),
            ignored={k: v for k, v in _IGNORED.items() if not k.endswith("ADM2Code")},
        ),
    ),
)  # fmt: skip


class Kind(NamedTuple):
    """What a code is taken for: an event type by its key, and how labels call it."""

    type: str
    words: str


_CONCEDE: Final = Kind("plover-concede", "Concession")
_RETREAT: Final = Kind("plover-retreat", "Retreat or release")
_COERCE: Final = Kind("plover-coerce", "Coercion")
_ASSAULT: Final = Kind("plover-assault", "Use of force")

CATEGORIES: Final = {
    # Words in public have no category in PLOVER; they are statements here. An act that is to show
    # something is signalling.
    "01": Kind("statement", "Statement"),
    "017": Kind("signalling", "Symbolic act"),
    "02": Kind("plover-request", "Request"),
    # Whoever says that he will do something agrees, whatever it is that he will do.
    "03": Kind("plover-agree", "Agreement or offer"),
    "04": Kind("plover-consult", "Consultation"),
    "05": Kind("plover-support", "Support"),
    "06": Kind("plover-cooperate", "Cooperation"),
    "07": Kind("plover-aid", "Aid"),
    # To yield is two categories: in words or by easing a rule, and in deed.
    "08": _CONCEDE,
    "0831": _RETREAT,  # who led leaves office
    "084": _RETREAT,  # persons or goods are given back
    "086": _RETREAT,  # others are let in
    "087": _RETREAT,  # fighting is halted or left
    "09": Kind("plover-accuse", "Investigation"),
    "10": Kind("plover-request", "Demand"),
    "11": Kind("plover-accuse", "Criticism or accusation"),
    "12": Kind("plover-reject", "Rejection"),
    "13": Kind("plover-threaten", "Threat"),
    "14": Kind("plover-protest", "Protest"),
    "15": Kind("plover-mobilize", "Readying or showing of force"),
    "16": Kind("plover-sanction", "Reduction of relations"),
    # Administrative sanctions of 172 are bans and curfews: they coerce. What is a sanction between
    # states is coded under 16.
    "17": _COERCE,
    "1712": _ASSAULT,  # property is destroyed
    "175": _ASSAULT,  # physical force against people
    "18": _ASSAULT,
    "19": _ASSAULT,
    "191": _COERCE,  # movement is blocked
    "20": _ASSAULT,
}
"""Event types by CAMEO code: that of the longest beginning counts."""

# The short and the full names by which states are called in English, in capitals as the feed writes
# them. Forms that name others too are left out: CONGO, KOREA, AMERICA.
_NAMES: Final = {
    "AFG": "AFGHANISTAN", "AGO": "ANGOLA", "ALB": "ALBANIA", "AND": "ANDORRA",
    "ARE": "UNITED ARAB EMIRATES", "ARG": "ARGENTINA", "ARM": "ARMENIA",
    "ATG": "ANTIGUA AND BARBUDA", "AUS": "AUSTRALIA", "AUT": "AUSTRIA", "AZE": "AZERBAIJAN",
    "BDI": "BURUNDI", "BEL": "BELGIUM", "BEN": "BENIN", "BFA": "BURKINA FASO",
    "BGD": "BANGLADESH", "BGR": "BULGARIA", "BHR": "BAHRAIN", "BHS": "BAHAMAS|THE BAHAMAS",
    "BIH": "BOSNIA AND HERZEGOVINA|BOSNIA-HERZEGOVINA", "BLR": "BELARUS", "BLZ": "BELIZE",
    "BOL": "BOLIVIA", "BRA": "BRAZIL", "BRB": "BARBADOS", "BRN": "BRUNEI", "BTN": "BHUTAN",
    "BWA": "BOTSWANA", "CAF": "CENTRAL AFRICAN REPUBLIC", "CAN": "CANADA", "CHE": "SWITZERLAND",
    "CHL": "CHILE", "CHN": "CHINA|PEOPLE'S REPUBLIC OF CHINA",
    "CIV": "IVORY COAST|COTE D'IVOIRE", "CMR": "CAMEROON",
    "COD": "DEMOCRATIC REPUBLIC OF THE CONGO|DEMOCRATIC REPUBLIC OF CONGO",
    "COG": "REPUBLIC OF THE CONGO|REPUBLIC OF CONGO", "COL": "COLOMBIA", "COM": "COMOROS",
    "CPV": "CAPE VERDE|CABO VERDE", "CRI": "COSTA RICA", "CUB": "CUBA", "CYP": "CYPRUS",
    "CZE": "CZECH REPUBLIC|CZECHIA", "DEU": "GERMANY", "DJI": "DJIBOUTI", "DMA": "DOMINICA",
    "DNK": "DENMARK", "DOM": "DOMINICAN REPUBLIC", "DZA": "ALGERIA", "ECU": "ECUADOR",
    "EGY": "EGYPT", "ERI": "ERITREA", "ESP": "SPAIN", "EST": "ESTONIA", "ETH": "ETHIOPIA",
    "FIN": "FINLAND", "FJI": "FIJI", "FRA": "FRANCE", "FSM": "MICRONESIA", "GAB": "GABON",
    "GBR": "UNITED KINGDOM|BRITAIN", "GHA": "GHANA", "GIN": "GUINEA",
    "GMB": "GAMBIA|THE GAMBIA", "GNB": "GUINEA-BISSAU|GUINEA BISSAU", "GNQ": "EQUATORIAL GUINEA",
    "GRC": "GREECE", "GRD": "GRENADA", "GTM": "GUATEMALA", "GUY": "GUYANA", "HND": "HONDURAS",
    "HRV": "CROATIA", "HTI": "HAITI", "HUN": "HUNGARY", "IDN": "INDONESIA", "IND": "INDIA",
    "IRL": "IRELAND", "IRN": "IRAN", "IRQ": "IRAQ", "ISL": "ICELAND", "ISR": "ISRAEL",
    "ITA": "ITALY", "JAM": "JAMAICA", "JPN": "JAPAN", "KAZ": "KAZAKHSTAN",
    "KEN": "KENYA", "KGZ": "KYRGYZSTAN", "KHM": "CAMBODIA", "KIR": "KIRIBATI",
    "KNA": "SAINT KITTS AND NEVIS", "KOR": "SOUTH KOREA|REPUBLIC OF KOREA", "KWT": "KUWAIT",
    "LAO": "LAOS", "LBN": "LEBANON", "LBR": "LIBERIA", "LBY": "LIBYA", "LCA": "SAINT LUCIA",
    "LIE": "LIECHTENSTEIN", "LKA": "SRI LANKA", "LSO": "LESOTHO", "LTU": "LITHUANIA",
    "LUX": "LUXEMBOURG", "LVA": "LATVIA", "MAR": "MOROCCO", "MCO": "MONACO", "MDA": "MOLDOVA",
    "MDG": "MADAGASCAR", "MDV": "MALDIVES", "MEX": "MEXICO", "MHL": "MARSHALL ISLANDS",
    "MKD": "MACEDONIA|NORTH MACEDONIA", "MLI": "MALI", "MLT": "MALTA", "MMR": "MYANMAR|BURMA",
    "MNE": "MONTENEGRO", "MNG": "MONGOLIA", "MOZ": "MOZAMBIQUE", "MRT": "MAURITANIA",
    "MUS": "MAURITIUS", "MWI": "MALAWI", "MYS": "MALAYSIA", "NAM": "NAMIBIA", "NER": "NIGER",
    "NGA": "NIGERIA", "NIC": "NICARAGUA", "NLD": "NETHERLANDS|THE NETHERLANDS", "NOR": "NORWAY",
    "NPL": "NEPAL", "NRU": "NAURU", "NZL": "NEW ZEALAND", "OMN": "OMAN", "PAK": "PAKISTAN",
    "PAN": "PANAMA", "PER": "PERU", "PHL": "PHILIPPINES|THE PHILIPPINES", "PLW": "PALAU",
    "PNG": "PAPUA NEW GUINEA", "POL": "POLAND", "PRK": "NORTH KOREA", "PRT": "PORTUGAL",
    "PRY": "PARAGUAY", "QAT": "QATAR", "ROM": "ROMANIA", "ROU": "ROMANIA",
    "RUS": "RUSSIA|RUSSIAN FEDERATION", "RWA": "RWANDA", "SAU": "SAUDI ARABIA", "SDN": "SUDAN",
    "SEN": "SENEGAL", "SGP": "SINGAPORE", "SLB": "SOLOMON ISLANDS", "SLE": "SIERRA LEONE",
    "SLV": "EL SALVADOR", "SMR": "SAN MARINO", "SOM": "SOMALIA", "SRB": "SERBIA",
    "SSD": "SOUTH SUDAN", "STP": "SAO TOME AND PRINCIPE", "SUR": "SURINAME", "SVK": "SLOVAKIA",
    "SVN": "SLOVENIA", "SWE": "SWEDEN", "SWZ": "SWAZILAND|ESWATINI", "SYC": "SEYCHELLES",
    "SYR": "SYRIA", "TGO": "TOGO", "THA": "THAILAND", "TJK": "TAJIKISTAN",
    "TKM": "TURKMENISTAN", "TLS": "EAST TIMOR|TIMOR-LESTE", "TMP": "EAST TIMOR|TIMOR-LESTE",
    "TON": "TONGA", "TTO": "TRINIDAD AND TOBAGO", "TUN": "TUNISIA", "TUR": "TURKEY|TURKIYE",
    "TUV": "TUVALU", "TWN": "TAIWAN", "TZA": "TANZANIA", "UGA": "UGANDA", "UKR": "UKRAINE",
    "URY": "URUGUAY", "USA": "UNITED STATES|UNITED STATES OF AMERICA", "UZB": "UZBEKISTAN",
    "VAT": "HOLY SEE", "VCT": "SAINT VINCENT AND THE GRENADINES", "VEN": "VENEZUELA",
    "VNM": "VIETNAM|VIET NAM", "VUT": "VANUATU", "WSM": "SAMOA", "YEM": "YEMEN",
    "ZAF": "SOUTH AFRICA", "ZMB": "ZAMBIA", "ZWE": "ZIMBABWE",
}  # fmt: skip
_OWN: Final = frozenset((code, name) for code, names in _NAMES.items() for name in names.split("|"))
"""Codes of states with the states' own names."""

_NONE: Final = ("-1", "")
_KINDS_OF_MENTION: Final = {
    "2": "a source cited",
    "3": "an article of CORE",
    "4": "a document of DTIC",
    "5": "an article of JSTOR",
    "6": "a source other than text",
}
"""How a source that is no web page is called where its name is not given."""

_WIDE: Final = {
    "1": "The point stands for a whole country.",
    "2": "The point stands for a whole state of the United States.",
    "5": "The point stands for a whole division of a country.",
}
"""What the point of a place stands for, by ActionGeo_Type, where it is no town or landmark."""
_CONFIDENCES: Final = {
    str(n): "1" if n == 100 else f"0.{n:02}".rstrip("0").rstrip(".") for n in range(101)
}
_CODE: Final = re.compile("(?:0[1-9]|1[0-9]|20)[0-9]{1,2}")
_USUAL: Final = re.compile("https?://(?:www[.])?([a-z0-9.-]+)/")
_TRANSLATED: Final = re.compile(r"srclc\s*:\s*([a-z]{2,3})\b", re.IGNORECASE)
_BASIS: Final = "GDELT: codes and a name, as a program took them from articles"


def kind_of(code: str) -> Kind | None:
    """Return what a CAMEO code is taken for, or None if it is none.

    >>> kind_of("0841").type, kind_of("082").type, kind_of("21")
    ('plover-retreat', 'plover-concede', None)
    """
    if not _CODE.fullmatch(code):
        return None
    return next(CATEGORIES[code[:n]] for n in (4, 3, 2) if code[:n] in CATEGORIES)


def host_of(address: str) -> str:
    """Return the host of a web address without `www.`, empty if it is none.

    >>> host_of("https://www.outlet-1.example:8080/a?b"), host_of("BBC Monitoring")
    ('outlet-1.example', '')
    """
    if usual := _USUAL.match(address):
        return usual[1]
    scheme, _, rest = address.partition("://")
    if scheme.lower() not in ("http", "https"):
        return ""
    host = re.split(r"[/?#\\\s]", rest)[0].rpartition("@")[2].partition(":")[0]
    return host.lower().removeprefix("www.")


def mapper(table: str, out: Scribe) -> MapRow:
    """Return the function that maps one row of a table."""
    if table == "mentions":
        return _mentions(out)
    return _descriptions(SOURCE.table(table), out)


def _descriptions(table: Table, out: Scribe) -> MapRow:
    """Return the function that maps a row of events."""
    places = {name: n for n, name in enumerate(table.columns)}

    def pick(*names: str) -> Callable[[Row], tuple[str, ...]]:
        return itemgetter(*(places[name] for name in names))

    actor_columns: tuple[str, ...] = ("Code", "Name", "CountryCode", "KnownGroupCode", "EthnicCode")
    actor_columns += ("Religion1Code", "Type1Code")
    first = pick(*(f"Actor1{name}" for name in actor_columns))
    second = pick(*(f"Actor2{name}" for name in actor_columns))
    where = pick(*(f"ActionGeo_{name}" for name in _GEO if not name.startswith("ADM")))
    rest = pick("GLOBALEVENTID", "SQLDATE", "EventCode", "EventRootCode", "SOURCEURL")
    kinds: dict[str, Kind | None] = {}

    def actor(cells: tuple[str, ...], identifier: str) -> Node | None:
        code, name, country, group, ethnic, religion, kind = cells
        # Whom an office or a trade alone names is somebody else in each event.
        fields = (code, name, country) if country or group else (code, name, "", identifier)
        if known := out.known("agent", fields):
            return known
        if not code and not name:
            return None
        own = (code, name) in _OWN and code == country
        alone = not (group or ethnic or religion or kind)
        if own and alone and (found := out.state("cameo", code)):
            return found
        label = f"{name} ({code})" if name and code else name or f"an actor coded {code}"
        return out.agent(
            fields,
            label,
            identifier=f"{code} {name}".strip(),
            basis=_BASIS,
            country=out.state("cameo", country) if country else None,
        )

    def place(cells: tuple[str, ...]) -> Node | None:
        if known := out.known("place", cells):
            return known
        kind, name, country, latitude, longitude, feature = cells
        if kind in ("", "0"):
            return None
        if kind not in ("1", "2", "3", "4", "5"):
            out.reject("ActionGeo_Type", kind, "expected 0 to 5")
        state = out.state("fips", country) if country else None
        if kind == "1" and state and feature in ("", country):
            return state
        if not (name or feature):
            return None
        if bool(latitude) != bool(longitude):
            out.reject(
                "ActionGeo_Lat, ActionGeo_Long",
                f"{latitude}, {longitude}",
                "one without the other; expected both or none",
            )
        try:
            return out.place(
                cells,
                name or f"a place coded {feature}",
                identifier=feature or name,
                basis=_BASIS,
                latitude=latitude,
                longitude=longitude,
                country=state,
                description=_WIDE.get(kind, "") if latitude else "",
                exact=kind not in _WIDE,
            )
        except Rejected as error:
            column = "ActionGeo_Lat" if error.column == "latitude" else "ActionGeo_Long"
            out.reject(column, error.value, error.reason)

    def map_row(row: Row) -> None:
        identifier, day, code, root, url = rest(row)
        if not (identifier.isdigit() and identifier.isascii()):
            out.reject("GLOBALEVENTID", identifier, "expected a whole number")
        try:
            kind = kinds[code]
        except KeyError:
            kind = kinds[code] = kind_of(code)
        if kind is None:
            out.reject(
                "EventCode", code, "no CAMEO code; expected three or four digits such as 043"
            )
        if root and code[:2] != root:
            out.reject("EventRootCode", root, f"expected {code[:2]}, as EventCode begins")
        if not (len(day) == 8 and day.isdigit() and day.isascii()):
            out.reject("SQLDATE", day, "expected a day as YYYYMMDD, such as 20231018")
        try:
            time = out.time(f"{day[:4]}-{day[4:6]}-{day[6:]}", column="SQLDATE")
        except Rejected:
            out.reject("SQLDATE", day, "there is no such day; expected YYYYMMDD, such as 20231018")
        one = actor(first(row), identifier)
        two = actor(second(row), identifier)
        there = place(where(row))
        label = kind.words
        if one:
            label += f" by {one.label}"
        if two:
            label += f" toward {two.label}"
        if there:
            label += f" in {there.label}"
        event = out.event(
            identifier,
            f"{label} (CAMEO {code})",
            kind.type,
            time=time,
            actor=one,
            recipient=two,
            place=there,
        )
        if host := host_of(url):
            voice = out.voice((url,), host, url=url)
        elif "://" in url:
            out.reject("SOURCEURL", url, "expected a web address, or the name of an outlet")
        elif url:
            # A source that is no page of the web goes by the name of its outlet alone: the document
            # is another one for every event, as far as is known.
            voice = out.voice((url, identifier), url, url=url)
        else:
            voice = out.record(identifier, f"GDELT event {identifier}")
        _claim(out, voice, event, identifier, f"event {identifier}", "", 1)

    return map_row


def _claim(
    out: Scribe, voice: Voice, event: Node, identifier: str, locator: str, confidence: str, n: int
) -> None:
    """Write what an article says of an event: the same node from events and from mentions.

    Which voice within the article says it, the coder does not tell: it is put down to the article.
    """
    out.claim(
        voice,
        event,
        label=f"{voice.narrator.label} affirmed: GDELT event {identifier}",
        basis="machine-coded",
        attribution="inferred",
        locator=(locator,),
        confidence=confidence,
        n=n,
    )


def _mentions(out: Scribe) -> MapRow:
    """Return the function that maps a row of mentions."""
    table = SOURCE.table("mentions")
    pick = itemgetter(
        *map(
            table.columns.index,
            (
                "GLOBALEVENTID", "MentionType", "MentionSourceName", "MentionIdentifier",
                "SentenceID", "Actor1CharOffset", "Actor2CharOffset", "ActionCharOffset",
                "Confidence", "MentionDocTranslationInfo",
            ),
        )
    )  # fmt: skip

    def locate(sentence: str, offsets: tuple[str, str, str], translation: str) -> str:
        text = "English text"
        if translation:
            found = _TRANSLATED.search(translation)
            text = "English translation by machine"
            text += f" from {found[1].lower()}" if found else ""
        where = ""
        if sentence not in _NONE and sentence != "0":
            if not sentence.isdecimal():
                out.reject("SentenceID", sentence, "expected a whole number")
            where = f"sentence {int(sentence)}"
        found_at = [offset for offset in offsets if offset not in _NONE]
        if found_at:
            if not "".join(found_at).isdecimal():
                n = next(n for n, x in enumerate(offsets) if x not in _NONE and not x.isdecimal())
                column = f"{('Actor1', 'Actor2', 'Action')[n]}CharOffset"
                out.reject(column, offsets[n], "expected a whole number, or -1 for none")
            numbers = list(map(int, found_at))
            low, high = min(numbers), max(numbers)
            where += ", " if where else ""
            where += f"characters {low}–{high}" if low < high else f"character {low}"
        return f"{where} of the {text}" if where else f"somewhere in the {text}"

    def map_row(row: Row) -> None:
        identifier, kind, source, address, sentence, a, b, c, confidence, translation = pick(row)
        if not (identifier.isdigit() and identifier.isascii()):
            out.reject("GLOBALEVENTID", identifier, "expected a whole number")
        if kind == "1":
            host = host_of(address)
            if not host:
                out.reject(
                    "MentionIdentifier", address, "expected a web address, as MentionType is 1"
                )
            voice = out.voice((address,), host, url=address)
        elif kind in _KINDS_OF_MENTION:
            if not address:
                out.reject("MentionIdentifier", address, "expected what names the source")
            voice = out.voice(
                (kind, source, address), source or _KINDS_OF_MENTION[kind], url=address
            )
        else:
            out.reject("MentionType", kind, "expected 1 to 6")
        try:
            share = _CONFIDENCES[confidence] if confidence else ""
        except KeyError:
            out.reject("Confidence", confidence, "expected a whole number from 0 to 100")
        event = out.elsewhere(out.event_name(identifier))
        _claim(
            out, voice, event, identifier, locate(sentence, (a, b, c), translation), share, out.n
        )

    return map_row
