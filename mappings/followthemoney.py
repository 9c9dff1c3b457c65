"""FollowTheMoney: entities (persons, companies, ships …) and statements about them.

Source: any data set in the FollowTheMoney model, as entities (JSON, one object a line) or as
statements (CSV). Language: of the data set. Licence: of the data set; none is assumed here, so
nothing is handed on. To publish, copy this file under another id and name the licence.

What an entity is called and what kind of thing it is goes to the registry, with the data set as
basis. All else that is taken over, its country, legal form, owner, office or listing, is a
relation and a claim by the data set in its own voice. Topics such as "sanction" are
characterisations by the data set, never facts of the registry.

Where statements are given beside the entities, they and not the merged entities say what data set
says what. Where a merged entity alone is given, its record is the speaker: which of its data sets
says a value is not told.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from kg.feed import Feed, Kind, MapRow, Node, Row, Scribe, Table, Time, Voice

_MERGED = "which entities are one is decided by whoever merged them; not taken over"
_STEP = "a step of the programs that made the data set"

SOURCE = Feed(
    id="followthemoney",
    title="FollowTheMoney entities and statements",
    publisher="Publishers of data sets in the FollowTheMoney model",
    url="https://followthemoney.tech/",
    languages=("en",),
    licence="https://rightsstatements.org/page/CNE/1.0/",
    redistribution="none",
    citation="Cite the data set that the files were taken from, in its publisher's words.",
    retrieved="2026-11-28",
    method="Registers and lists, brought into one model by programs of their publishers.",
    machine=False,
    tables=(
        Table(
            id="entities",
            form="json",
            columns=(
                "id",
                "schema",
                "properties",
                "datasets",
                "caption",
                "first_seen",
                "last_seen",
                "referents",
                "last_change",
                "target",
                "origin",
            ),
            required=("id", "schema", "properties"),
            key=("id",),
            index=("schema", "id"),
            seeks=("entities", "statements"),
            ignored={
                "referents": _MERGED,
                "last_change": "when the publisher's copy changed; not when anything was said",
                "target": "whether the publisher's list is about the entity; its topics say why",
                "origin": _STEP,
            },
        ),
        Table(
            id="statements",
            form="csv",
            columns=(
                "canonical_id",
                "entity_id",
                "prop",
                "prop_type",
                "schema",
                "value",
                "dataset",
                "origin",
                "lang",
                "original_value",
                "external",
                "first_seen",
                "last_seen",
                "id",
            ),
            required=("id", "canonical_id", "prop", "schema", "value", "dataset"),
            key=("id",),
            index=("prop", "canonical_id"),
            needs=("entities", ("canonical_id",)),
            seeks=("entities",),
            ignored={
                "prop_type": "follows from prop",
                "origin": _STEP,
                "original_value": "the text before it was cleaned",
            },
        ),
    ),
)

_AGENT: Kind = "agent"
_PLACE: Kind = "place"
_THING: Kind = "thing"
_POSITION: Kind = "position"

KINDS: Mapping[str, tuple[Kind, str]] = {
    "Company": (_AGENT, "Organization"),
    "Person": (_AGENT, "Person"),
    "Organization": (_AGENT, "Organization"),
    # A person or an organisation: not told which.
    "LegalEntity": (_AGENT, ""),
    # A ministry, but a company of the state or a body of a union as well.
    "PublicBody": (_AGENT, "Organization"),
    "Vessel": (_THING, "Vehicle"),
    "Airplane": (_THING, "Vehicle"),
    "Vehicle": (_THING, "Vehicle"),
    "Security": (_THING, ""),
    "Asset": (_THING, ""),
    "RealEstate": (_THING, ""),
    "CryptoWallet": (_THING, ""),
    "Contract": (_THING, ""),
    "License": (_THING, ""),
    "CallForTenders": (_THING, ""),
    "Project": (_THING, ""),
    "CourtCase": (_THING, ""),
    "Position": (_POSITION, ""),
    "Territory": (_PLACE, ""),
    "Document": (_THING, "Work"),
    "Article": (_THING, "Work"),
    "HyperText": (_THING, "Work"),
    "PlainText": (_THING, "Work"),
    "Pages": (_THING, "Work"),
    "Image": (_THING, "Work"),
    "Audio": (_THING, "Work"),
    "Video": (_THING, "Work"),
    "Table": (_THING, "Work"),
    "Workbook": (_THING, "Work"),
}
"""What is in the registry: kind of address and class, by schema."""

EDGES: Mapping[str, tuple[str, str, str]] = {
    "Ownership": ("owner", "owns", "asset"),
    "Control": ("controller", "controls", "controlled"),
    "Directorship": ("director", "directs", "organization"),
    "Membership": ("member", "member-of", "organization"),
    "Employment": ("employee", "employed-by", "employer"),
    "Occupancy": ("holder", "holds-office", "post"),
    "Family": ("person", "family-of", "relative"),
    "Associate": ("person", "connected-to", "associate"),
    "Representation": ("agent", "represents", "client"),
    "Succession": ("successor", "successor-of", "predecessor"),
    "UnknownLink": ("subject", "connected-to", "object"),
    # No narrower type of relation: the schema is told in the locator.
    "ContractAward": ("supplier", "connected-to", "contract"),
    "ProjectParticipant": ("participant", "connected-to", "project"),
    "CourtCaseParty": ("party", "connected-to", "case"),
    "Debt": ("debtor", "connected-to", "creditor"),
    "Payment": ("payer", "connected-to", "beneficiary"),
    "Documentation": ("document", "connected-to", "entity"),
}
"""Schemata of links: property of the subject, type of relation, property of the object."""

LISTING = "Sanction"

LEFT_OUT: Mapping[str, str] = {
    "Address": "those of persons are private, and an address need not be a seat",
    "Identification": "papers of persons are private",
    "Passport": "papers of persons are private",
    "TaxRoll": "what persons earn is private",
    "BankAccount": "accounts are private",
    "UserAccount": "accounts are private",
    "Call": "who calls whom is private",
    "Email": "letters are private",
    "Message": "letters are private",
    "Folder": "no thing but where files lie",
    "Package": "no thing but where files lie",
    "Page": "part of a document",
    "Mention": "found in a text by a program; what is meant is not decided",
    "Similar": "two entities that may be one; nobody decided",
    "Note": "text of others",
    "Risk": "a judgement on an entity in words of others; its topics say of what kind",
    "EconomicActivity": "a declaration to customs; no type of event for it yet",
    "Event": "no type of event is told",
    "Trip": "no type of event is told",
    "Analyzable": "no entity of its own",
    "Interest": "no entity of its own",
    "Interval": "no entity of its own",
    "Thing": "not told what it is",
    "Value": "no entity of its own",
}
"""Schemata that are read and left out, and why: they are no fault of the file."""

NAMES = ("name", "alias", "weakAlias", "previousName", "abbreviation")
TITLES = ("title", "fileName")

IDENTIFIERS: Mapping[str, str] = {
    "registrationNumber": "registration number",
    "leiCode": "LEI",
    "imoNumber": "IMO",
    "mmsi": "MMSI",
    "callSign": "call sign",
    "crsNumber": "class register number",
    "icaoCode": "ICAO",
    "serialNumber": "serial number",
    "isin": "ISIN",
    "isinCode": "ISIN",
    "figiCode": "FIGI",
    "ticker": "ticker",
    "ogrnCode": "OGRN",
    "innCode": "INN",
    "kppCode": "KPP",
    "okpoCode": "OKPO",
    "uscCode": "USCC",
    "cikCode": "CIK",
    "dunsCode": "DUNS",
    "uniqueEntityId": "UEI",
    "cageCode": "CAGE",
    "giiNumber": "GIIN",
    "permId": "PermID",
    "swiftBic": "BIC",
    "vatCode": "VAT",
    "taxNumber": "tax number",
    "idNumber": "ID number",
    "licenseNumber": "licence number",
    "cadastralCode": "cadastral code",
    "titleNumber": "title number",
    "publicKey": "address",
    "cryptoAddress": "address",
    "caseNumber": "case number",
    "projectId": "project number",
    "wikidataId": "Wikidata",
}
"""Properties with numbers and codes, and what these are called."""

PERSONAL = frozenset(("innCode", "taxNumber", "idNumber", "vatCode", "licenseNumber"))
"""Numbers that are private where the entity is, or may be, a person."""

COUNTRIES = frozenset(
    ("country", "mainCountry", "jurisdiction", "flag", "nationality", "citizenship")
)

ENTITIES: Mapping[str, tuple[str, bool]] = {
    "parent": ("subsidiary-of", False),
    "partOf": ("part-of", False),
    "owner": ("owns", True),
    "holder": ("possesses", True),
    "operator": ("connected-to", False),
    "issuer": ("connected-to", False),
    "organization": ("connected-to", False),
    "authority": ("connected-to", False),
    "project": ("connected-to", False),
}
"""Properties that lead to another entity: type of relation, and whether that is the subject."""

TEXTS: Mapping[str, tuple[str, str]] = {
    "legalForm": ("has-legal-form", ""),
    "position": ("holds-office", ""),
    "topics": ("characterised-as", "topic of FollowTheMoney: "),
}
"""Properties with a word or title: type of relation, and what stands before the value."""

LANGUAGES: Mapping[str, str] = dict(
    re.findall(
        "([a-z]{3}):([a-z]{2})",
        "ara:ar aze:az bel:be ben:bn bul:bg ces:cs dan:da deu:de ell:el eng:en est:et fas:fa "
        "fin:fi fra:fr guj:gu heb:he hin:hi hrv:hr hun:hu hye:hy ind:id ita:it jpn:ja kan:kn "
        "kat:ka kaz:kk kor:ko lav:lv lit:lt mal:ml mar:mr mkd:mk msa:ms nld:nl nor:no pan:pa "
        "pol:pl por:pt pus:ps ron:ro rus:ru slk:sk slv:sl spa:es sqi:sq srp:sr swa:sw swe:sv "
        "tam:ta tel:te tgk:tg tha:th tur:tr ukr:uk urd:ur uzb:uz vie:vi zho:zh",
    )
)
"""Codes of languages of three letters, and the shorter ones by which literals are tagged."""

LONGEST = 200
"""Characters of a name, title, number or code; what is longer is a text of others."""

_DATE = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:[T ].*)?")
_LANGUAGE = re.compile("[a-z]{2,3}")


def tag(name: str, language: str = "") -> str:
    """Return the tag of a name: its language if it is told, else English or undetermined by script.

    >>> tag("Пётр"), tag("Зоря", "ukr"), tag("José")
    ('und', 'uk', 'en')
    """
    if language and _LANGUAGE.fullmatch(language):
        return LANGUAGES.get(language, language)
    if name.isascii():
        return "en"
    letters = (one for one in name if one.isalpha())
    return "en" if all(unicodedata.name(one, "").startswith("LATIN") for one in letters) else "und"


def ordinal(identifier: str) -> int:
    """Return what tells the claims of different records on one relation in one data set apart."""
    return 2 + int(hashlib.sha256(identifier.encode()).hexdigest()[:12], 16)


def mapper(table: str, out: Scribe) -> MapRow:
    """Return what maps one row of a table."""
    kinds: dict[str, Kind | None] = {}

    def kind_of(identifier: str, schema: str = "") -> Kind | None:
        """Return the kind of address of an entity that the files have, else None."""
        if identifier not in kinds:
            found = next(
                (KINDS[one][0] for one in (schema, *KINDS) if one and out.has(one, identifier)),
                _THING if out.has(LISTING, identifier) else None,
            )
            kinds[identifier] = found
        return kinds[identifier]

    def voice_of(identifier: str, datasets: list[str]) -> Voice:
        if len(datasets) == 1:
            return out.voice(
                ("followthemoney data set", datasets[0]), f"Data set {datasets[0][:LONGEST]}"
            )
        return out.record(identifier, f"FollowTheMoney entity {identifier}")

    def country(value: str) -> Node | None:
        return out.state("iso2", value.upper()) if len(value) == 2 else None

    def told(
        subject: Node, identifier: str, schema: str, prop: str, value: str
    ) -> tuple[Node, str, Node | None, str] | None:
        """Return subject, type, object and value of what a property says, or None."""
        person = schema == "Person"
        if prop in COUNTRIES:
            if prop in ("nationality", "citizenship"):
                kind = "national-of"
            elif person:
                kind = "connected-to"
            else:
                kind = "has-jurisdiction" if prop == "jurisdiction" else "of-country"
            state = country(value)
            return subject, kind, state, "" if state else f"country code {value}"
        if prop in TEXTS:
            kind, before = TEXTS[prop]
            return subject, kind, None, before + value
        if prop in IDENTIFIERS:
            if person and prop != "wikidataId":
                return None
            if schema == "LegalEntity" and prop in PERSONAL:
                return None
            return subject, "has-identifier", None, f"{IDENTIFIERS[prop]} {value}"
        if prop in ENTITIES:
            kind, turned = ENTITIES[prop]
            if prop == "parent" and KINDS[schema][0] != "agent":
                kind = "part-of"
            if prop == "authority" and schema == "CourtCase":
                return None
            # Other records may say the same of the two: then all must call them alike.
            this = Node(subject.iri, subject.key, identifier)
            found = kind_of(value)
            if found:
                other = out.name(found, value)
                return (other, kind, this, "") if turned else (this, kind, other, "")
            if turned:
                return None
            return this, kind, None, f"entity {value}"
        return None

    def map_entity(row: Row) -> None:
        identifier, schema, properties = row.get("id"), row.get("schema"), row.get("properties")
        if not isinstance(identifier, str) or len(identifier) > LONGEST:
            out.reject("id", str(identifier), f"expected a text of at most {LONGEST} characters")
        if not isinstance(schema, str) or not (
            schema in KINDS or schema in EDGES or schema == LISTING or schema in LEFT_OUT
        ):
            out.reject("schema", str(schema), "no schema of FollowTheMoney that is known here")
        if not isinstance(properties, dict):
            out.reject("properties", str(properties), "expected an object of lists of texts")
        if schema in LEFT_OUT:
            return
        given = row.get("datasets") or ()
        datasets = sorted({one for one in given if isinstance(one, str) and one})
        seen = _seen(row.get("first_seen"), row.get("last_seen"))
        if schema in EDGES:
            map_edge(identifier, schema, properties, datasets, seen)
        elif schema == LISTING:
            map_listing(identifier, properties, datasets, seen)
        else:
            map_thing(identifier, schema, properties, datasets, seen, row.get("caption"))

    def map_thing(
        identifier: str,
        schema: str,
        properties: dict[str, Any],
        datasets: list[str],
        seen: str,
        caption: Any,
    ) -> None:
        titles = TITLES if KINDS[schema][1] == "Work" or schema in ("Contract", "License") else ()
        called = list(
            dict.fromkeys(
                one
                for prop in (*NAMES, *titles)
                for one in _values(out, properties, prop)
                if len(one) <= LONGEST
            )
        )
        label = called[0] if called else identifier
        if isinstance(caption, str) and caption in called:
            label = caption
        basis = f"FollowTheMoney schema {schema}"
        if datasets:
            basis += f", data set{'s' if len(datasets) > 1 else ''} {', '.join(datasets[:20])}"
        kind, what = KINDS[schema]
        write: Any = {
            "agent": out.agent,
            "place": out.place,
            "thing": out.thing,
            "position": out.position,
        }[kind]
        more = {"kind": what} if kind in ("agent", "thing") else {}
        subject: Node = write(
            (identifier,),
            label,
            lang=tag(label),
            variants=[(one, tag(one)) for one in called if one != label],
            basis=basis,
            **more,
        )
        if out.has("id", identifier):
            # There are statements about it: they say which data set says what.
            return
        voice = voice_of(identifier, datasets)
        facts: dict[tuple[str, str, str, str], tuple[tuple[Any, ...], list[str]]] = {}
        for prop in properties:
            if prop not in TAKEN:
                continue
            for value in _values(out, properties, prop):
                if len(value) > LONGEST:
                    continue
                found = told(subject, identifier, schema, prop, value)
                if found:
                    one, relation, other, text = found
                    key = (one.key, relation, other.key if other else "", text)
                    facts.setdefault(key, (found, []))[1].append(prop)
        origin = next(iter(_values(out, properties, "sourceUrl")), "")
        for (one, relation, other, text), props in facts.values():
            about = out.relation(one, relation, other, value=text)
            where = f"entity {identifier}, {', '.join(dict.fromkeys(props))}"
            out.claim(voice, about, locator=[_locator(where, seen, origin)])

    def map_edge(
        identifier: str,
        schema: str,
        properties: dict[str, Any],
        datasets: list[str],
        seen: str,
    ) -> None:
        first, relation, second = EDGES[schema]
        subjects = []
        for one in _values(out, properties, first):
            kind = kind_of(one)
            if kind is None:
                out.reject(first, one, "the files have no such entity")
            subjects.append(out.name(kind, one))
        objects: list[tuple[Node | None, str]] = []
        for one in _values(out, properties, second):
            kind = kind_of(one)
            objects.append((out.name(kind, one), "") if kind else (None, f"entity {one}"))
        if not subjects or not objects:
            out.reject(f"{first}, {second}", "", f"expected both ends of a link ({schema})")
        when = _validity(out, properties, "startDate")
        details = [
            f"{name} {value}"
            for name in ("role", "percentage", "relationship")
            for value in _values(out, properties, name)
            if len(value) <= 60
        ]
        where = _locator(f"entity {identifier} ({schema})", "; ".join(details), seen)
        voice = voice_of(identifier, datasets)
        for subject in dict.fromkeys(subjects):
            for other, text in dict.fromkeys(objects):
                about = out.relation(subject, relation, other, value=text, time=when)
                out.claim(voice, about, locator=[where], n=ordinal(identifier))

    def map_listing(
        identifier: str, properties: dict[str, Any], datasets: list[str], seen: str
    ) -> None:
        words = [
            one
            for prop in ("program", "authority")
            for one in _values(out, properties, prop)
            if len(one) <= LONGEST
        ]
        measure = out.thing(
            (identifier,),
            f"Listing: {words[0] if words else identifier}",
            kind="Measure",
            variants=[f"Listing: {one}" for one in words[1:]],
            basis=f"FollowTheMoney schema {LISTING}, {', '.join(datasets[:20]) or 'no data set'}",
        )
        when = _validity(out, properties, "startDate", "listingDate")
        voice = voice_of(identifier, datasets)
        listed = _values(out, properties, "entity")
        if not listed:
            out.reject("entity", "", "expected who or what is listed")
        where = _locator(f"entity {identifier} ({LISTING})", seen)
        for one in listed:
            kind = kind_of(one)
            if kind is None:
                out.reject("entity", one, "the files have no such entity")
            about = out.relation(out.name(kind, one), "under-sanctions", measure, time=when)
            out.claim(voice, about, locator=[where])
        for value in _values(out, properties, "country"):
            state = country(value)
            text = "" if state else f"country code {value}"
            about = out.relation(measure, "of-country", state, value=text)
            out.claim(voice, about, locator=[where])

    def map_statement(row: Row) -> None:
        (
            canonical,
            original,
            prop,
            _,
            schema,
            value,
            dataset,
            _,
            language,
            _,
            external,
            first,
            last,
            identifier,
        ) = row
        if schema in LEFT_OUT or schema in EDGES or schema == LISTING or prop == "id":
            # Links are said by their entities, which have both ends.
            return
        if schema not in KINDS:
            out.reject("schema", schema, "no schema of FollowTheMoney that is known here")
        if not dataset:
            out.reject("dataset", dataset, "expected the data set that says it")
        naming = prop in NAMES or (prop in TITLES and KINDS[schema][1] == "Work")
        if not naming and prop not in TAKEN:
            return
        value = value.strip()
        if not value:
            out.reject("value", value, "expected a value")
        if len(value) > LONGEST:
            return
        subject = out.name(kind_of(canonical, schema) or KINDS[schema][0], canonical)
        found = (
            (subject, "has-name", None, value)
            if naming
            else told(subject, canonical, schema, prop, value)
        )
        if not found:
            return
        one, relation, other, text = found
        about = out.relation(
            one, relation, other, value=text, lang=tag(value, language) if naming else "en"
        )
        where = f"statement {identifier}, {prop}"
        if original and original != canonical:
            where += f" of {original}"
        if external[:1] in ("t", "T", "1"):
            where += ", from outside the data set"
        out.claim(
            voice_of(canonical, [dataset]),
            about,
            locator=[_locator(where, _seen(first, last))],
            n=ordinal(identifier),
        )

    return map_entity if table == "entities" else map_statement


TAKEN = frozenset((*COUNTRIES, *TEXTS, *IDENTIFIERS, *ENTITIES))
"""Properties of which something is said."""


def _values(out: Scribe, properties: Mapping[str, Any], prop: str) -> list[str]:
    """Return the values of a property, each once; of an entity in its place, its id."""
    given = properties.get(prop)
    if given is None:
        return []
    found: dict[str, None] = {}
    for one in given if isinstance(given, list) else [given]:
        value = one.get("id") if isinstance(one, dict) else one
        if not isinstance(value, str):
            out.reject(f"properties.{prop}", str(value), "expected texts")
        if value.strip():
            found[value.strip()] = None
    return list(found)


def _validity(out: Scribe, properties: Mapping[str, Any], *starts: str) -> Time | None:
    """Return the time for which a link holds: the widest that its dates give."""

    def dates(prop: str) -> Iterator[str]:
        for value in _values(out, properties, prop):
            match = _DATE.fullmatch(value)
            if not match:
                out.reject(prop, value, "expected a date such as 2020, 2020-05 or 2020-05-17")
            yield match[1]

    def first(text: str) -> str:
        return text.ljust(10, "-")  # a year begins before each of its days

    def last(text: str) -> str:
        return text.ljust(10, "~")  # and ends after them

    start = next((min(found, key=first) for p in starts if (found := list(dates(p)))), "")
    end = max(dates("endDate"), default="", key=last)
    if start and end:
        text = f"{start}/{end}"
    elif start or end:
        text = f"{start}/.." if start else f"../{end}"
    else:
        text = next(dates("date"), "")
    return out.time(text, column=f"{starts[0]}, endDate") if text else None


def _seen(first: Any, last: Any) -> str:
    """Return when a statement was seen by the data set, in words."""
    days = [one[:10] for one in (first, last) if isinstance(one, str) and one]
    return f"seen {' to '.join(dict.fromkeys(days))}" if days else ""


def _locator(*parts: str) -> str:
    """Return a place in a source in words, as many of the parts as there is room for."""
    text = parts[0][:LONGEST]
    for part in parts[1:]:
        if part and len(text) + len(part) + 2 <= LONGEST:
            text += f"; {part}"
    return text
