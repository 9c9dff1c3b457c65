"""Flat tables of a release, as Parquet: what data analysts open first, and what is counted by.

    events        what is described, with category, days, status and who takes part
    claims        who says what of it, with stance, modality, certainty and basis
    participants  one row for each agent, place or thing in a role of an event
    relations     what is described to hold between things
    entities      agents, places, things and offices
    sources       documents, and records of feeds, that claims are in

They are made from the union of all graphs that may be handed on, so they say what is queried and
nothing else. Addresses are whole IRIs, concepts the last part of theirs. `counts.json` has sums
over them which would take long to ask for: pages and questions read it.

Spec: docs/reference/tables.md; Apache Parquet
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kg.serialise import Pairs, read_literal
from kg.vocab import CH, DCTERMS, PROV, RDF, RDFS, ROLES

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER: Final = "tables"
COUNTS: Final = f"{FOLDER}/counts.json"
NAMES: Final = ("events", "claims", "participants", "relations", "entities", "sources")

_GROUP: Final = 100_000
"""Rows of a row group."""
_TOP: Final = 1_000
"""Participants that are counted one by one."""

_TEXT, _LIST, _DATE, _NUMBER = "text", "list", "date", "number"
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "events": {
            "event": _TEXT,
            "label": _TEXT,
            "identifier": _TEXT,
            "type": _TEXT,
            "category": _TEXT,
            "aspect": _TEXT,
            "status": _TEXT,
            "edtf": _TEXT,
            "earliest": _DATE,
            "latest": _DATE,
            "actors": _LIST,
            "recipients": _LIST,
            "places": _LIST,
            "low": _NUMBER,
            "best": _NUMBER,
            "high": _NUMBER,
            "unit": _TEXT,
            "run": _TEXT,
        },
        "claims": {
            "claim": _TEXT,
            "label": _TEXT,
            "about": _TEXT,
            "concerns": _LIST,
            "relays": _TEXT,
            "ultimately": _TEXT,
            "claimants": _LIST,
            "source": _TEXT,
            "stance": _TEXT,
            "modality": _TEXT,
            "certainty": _TEXT,
            "basis": _TEXT,
            "manner": _TEXT,
            "attribution": _TEXT,
            "confidence": _NUMBER,
            "locators": _LIST,
            "earliest": _DATE,
            "latest": _DATE,
            "run": _TEXT,
        },
        "participants": {"event": _TEXT, "role": _TEXT, "participant": _TEXT},
        "relations": {
            "relation": _TEXT,
            "label": _TEXT,
            "type": _TEXT,
            "subject": _TEXT,
            "object": _TEXT,
            "value": _TEXT,
            "low": _NUMBER,
            "best": _NUMBER,
            "high": _NUMBER,
            "unit": _TEXT,
            "earliest": _DATE,
            "latest": _DATE,
            "run": _TEXT,
        },
        "entities": {
            "entity": _TEXT,
            "kind": _TEXT,
            "classes": _LIST,
            "label": _TEXT,
            "country": _TEXT,
            "acts_for": _TEXT,
            "located_in": _TEXT,
            "latitude": _NUMBER,
            "longitude": _NUMBER,
            "run": _TEXT,
        },
        "sources": {
            "source": _TEXT,
            "kind": _TEXT,
            "label": _TEXT,
            "identifier": _TEXT,
            "address": _TEXT,
            "issued": _TEXT,
            "publisher": _TEXT,
            "languages": _LIST,
            "run": _TEXT,
        },
    }
)
"""The columns of each table, each with what it holds: a text, a list of texts, a day, a number."""

_LABEL: Final = f"<{RDFS}label>"
_TYPE: Final = f"<{RDF}type>"
_IDENTIFIER: Final = f"<{DCTERMS}identifier>"
_RUN: Final = f"<{PROV}wasGeneratedBy>"
_CH: Final = f"<{CH}"
_ENTITIES: Final = ("agent", "place", "thing", "position")
_SOURCES: Final = ("document", "record")


class Rows(msgspec.Struct):
    """Rows of the tables, not yet joined: times and quantities stand in `times` and `amounts`."""

    events: list[tuple[Any, ...]] = []
    claims: list[tuple[Any, ...]] = []
    participants: list[tuple[str, str, str]] = []
    relations: list[tuple[Any, ...]] = []
    entities: list[tuple[Any, ...]] = []
    sources: list[tuple[Any, ...]] = []
    times: dict[str, tuple[str, str, str]] = {}
    amounts: dict[str, tuple[str, str, str, str]] = {}


class Tables:
    """Takes what is said of subjects, and gives rows.

    Args:
        base_iri: what our addresses begin with.
    """

    def __init__(self, base_iri: str) -> None:
        self._start = f"<{base_iri}id/"
        self.rows = Rows()
        self._takes = {
            "event": self._event,
            "claim": self._claim,
            "relation": self._relation,
            "time": self._time,
            "quantity": self._amount,
            **dict.fromkeys(_ENTITIES, self._entity),
            **dict.fromkeys(_SOURCES, self._source),
        }

    def add(self, subject: str, pairs: Pairs) -> None:
        """Take all that is said of a subject: predicates and objects as N-Triples tokens."""
        if subject.startswith(self._start):
            kind, sign, _ = subject[len(self._start) :].partition("/")
            take = self._takes.get(kind) if sign else None
            if take:
                values: dict[str, list[str]] = {}
                for predicate, value in pairs:
                    if predicate in values:
                        values[predicate].append(value)
                    else:
                        values[predicate] = [value]
                take(subject[1:-1], values)

    def missing(self) -> list[str]:
        """Return the times and quantities that rows name and nothing was said of, as tokens."""
        rows = self.rows
        named = {row[n] for some, n in ((rows.events, 7), (rows.claims, 16)) for row in some}
        named |= {row[7] for row in rows.relations}
        counted = {row[11] for row in rows.events} | {row[6] for row in rows.relations}
        wanted = (named - rows.times.keys()) | (counted - rows.amounts.keys())
        return sorted(f"<{iri}>" for iri in wanted if iri)

    def _event(self, iri: str, values: dict[str, list[str]]) -> None:
        if f"{_CH}Event>" not in values.get(_TYPE, ()):
            return
        roles = {role: _iris(values, role) for role in ROLES}
        self.rows.events.append(
            (
                iri,
                _label(values),
                _text(values, _IDENTIFIER),
                _concept(values, "eventType"),
                _concept(values, "category"),
                _concept(values, "aspect"),
                _concept(values, "status"),
                _iri(values, "time"),
                roles["actor"],
                roles["recipient"],
                roles["place"],
                _iri(values, "quantity"),
                _first(values, _RUN)[1:-1],
            )
        )
        self.rows.participants += [
            (iri, role, one) for role in ROLES for one in sorted(set(roles[role]))
        ]

    def _claim(self, iri: str, values: dict[str, list[str]]) -> None:
        if f"{_CH}Claim>" not in values.get(_TYPE, ()):
            return
        self.rows.claims.append(
            (
                iri,
                _label(values),
                _iri(values, "about"),
                _iris(values, "concerns"),
                _iri(values, "relays"),
                _iri(values, "ultimately"),
                _iris(values, "claimant"),
                _iri(values, "inSource"),
                _concept(values, "stance"),
                _concept(values, "modality"),
                _concept(values, "certainty"),
                _concept(values, "basis"),
                _concept(values, "manner"),
                _concept(values, "attribution"),
                _text(values, f"{_CH}extractionConfidence>"),
                [read_literal(one)[0] for one in values.get(f"{_CH}locator>", ())],
                _iri(values, "time"),
                _first(values, _RUN)[1:-1],
            )
        )

    def _relation(self, iri: str, values: dict[str, list[str]]) -> None:
        if f"{_CH}Relation>" not in values.get(_TYPE, ()):
            return
        self.rows.relations.append(
            (
                iri,
                _label(values),
                _concept(values, "relationType"),
                _iri(values, "subject"),
                _iri(values, "object"),
                _text(values, f"{_CH}value>"),
                _iri(values, "quantity"),
                _iri(values, "time"),
                _first(values, _RUN)[1:-1],
            )
        )

    def _time(self, iri: str, values: dict[str, list[str]]) -> None:
        self.rows.times[iri] = (
            _text(values, f"{_CH}edtf>"),
            _text(values, f"{_CH}earliest>"),
            _text(values, f"{_CH}latest>"),
        )

    def _amount(self, iri: str, values: dict[str, list[str]]) -> None:
        low, best, high, unit = (
            _text(values, f"{_CH}{name}>") for name in ("low", "best", "high", "unit")
        )
        self.rows.amounts[iri] = (low, best, high, unit)

    def _entity(self, iri: str, values: dict[str, list[str]]) -> None:
        classes = sorted(one[len(_CH) : -1] for one in values.get(_TYPE, ()) if one.startswith(_CH))
        if not classes or "Tombstone" in classes:
            return
        self.rows.entities.append(
            (
                iri,
                iri.rsplit("/", 2)[1],
                classes,
                _label(values),
                _iri(values, "country"),
                _iri(values, "actsFor"),
                _iri(values, "locatedIn"),
                _text(values, f"{_CH}latitude>"),
                _text(values, f"{_CH}longitude>"),
                _first(values, _RUN)[1:-1],
            )
        )

    def _source(self, iri: str, values: dict[str, list[str]]) -> None:
        if f"{_CH}Source>" not in values.get(_TYPE, ()):
            return
        self.rows.sources.append(
            (
                iri,
                iri.rsplit("/", 2)[1],
                _label(values),
                _text(values, _IDENTIFIER),
                _text(values, f"<{DCTERMS}source>"),
                _text(values, f"<{DCTERMS}issued>"),
                _first(values, f"<{DCTERMS}publisher>")[1:-1],
                [read_literal(one)[0] for one in values.get(f"<{DCTERMS}language>", ())],
                _first(values, _RUN)[1:-1],
            )
        )


def _first(values: Mapping[str, Sequence[str]], predicate: str) -> str:
    return values[predicate][0] if predicate in values else ""


def _iri(values: Mapping[str, Sequence[str]], name: str) -> str:
    return _first(values, f"{_CH}{name}>")[1:-1]


def _iris(values: Mapping[str, Sequence[str]], name: str) -> list[str]:
    return [one[1:-1] for one in values.get(f"{_CH}{name}>", ())]


def _concept(values: Mapping[str, Sequence[str]], name: str) -> str:
    """Return the local name of a concept, without that of its scheme where it has one."""
    local = _first(values, f"{_CH}{name}>")[len(_CH) : -1]
    prefix = _SCHEMES.get(name, "")
    return local.removeprefix(prefix)


_SCHEMES: Final = {
    "category": "plover-",
    "aspect": "aspect-",
    "status": "status-",
    "stance": "stance-",
    "modality": "modality-",
    "certainty": "certainty-",
    "basis": "basis-",
    "manner": "manner-",
    "attribution": "attribution-",
    "relationType": "relation-",
}


def _text(values: Mapping[str, Sequence[str]], predicate: str) -> str:
    token = _first(values, predicate)
    return read_literal(token)[0] if token else ""


def _label(values: Mapping[str, Sequence[str]]) -> str:
    """Return the English label, or the first one."""
    tokens = values.get(_LABEL, ())
    english = [token for token in tokens if token.endswith('"@en')]
    return read_literal((english or list(tokens))[0])[0] if tokens else ""


# --- writing --------------------------------------------------------------------------------------


def write_tables(folder: Path, pieces: Iterable[bytes]) -> None:
    """Write the tables of a release.

    Args:
        folder: that of the release.
        pieces: rows as `Rows`, packed with `pack`, in the order in which they are to stand.
    Raises:
        OSError: a file cannot be written.
    """
    place = folder / FOLDER
    place.mkdir()
    packed = list(pieces)
    times: dict[str, tuple[str, str, str]] = {}
    amounts: dict[str, tuple[str, str, str, str]] = {}
    for piece in packed:
        rows = unpack(piece)
        times |= rows.times
        amounts |= rows.amounts
    writers = {name: _Table(place / f"{name}.parquet", name) for name in NAMES}
    counts = Sums()
    try:
        for piece in packed:
            rows = unpack(piece)
            for name, some in joined(rows, times, amounts).items():
                writers[name].add(some)
                counts.add(name, some)
    finally:
        for writer in writers.values():
            writer.close()
    (folder / COUNTS).write_text(counts.to_json(), encoding="utf-8", newline="\n")


def pack(rows: Rows) -> bytes:
    """Return rows as bytes."""
    import zstandard

    return zstandard.ZstdCompressor(level=1).compress(msgspec.msgpack.encode(rows))


def unpack(data: bytes) -> Rows:
    """Return rows that were packed."""
    import zstandard

    return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(data), type=Rows)


def joined(
    rows: Rows,
    times: Mapping[str, tuple[str, str, str]],
    amounts: Mapping[str, tuple[str, str, str, str]],
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each table in the order of its columns, with their times and quantities.

    They are in the order of `place_of`.
    """
    none, nothing = ("", "", ""), ("", "", "", "")
    events = [
        (*e[:7], *times.get(e[7], none), *e[8:11], *amounts.get(e[11], nothing), e[12])
        for e in rows.events
    ]
    claims = [(*c[:16], *times.get(c[16], none)[1:], c[17]) for c in rows.claims]
    relations = [
        (*r[:6], *amounts.get(r[6], nothing), *times.get(r[7], none)[1:], r[8])
        for r in rows.relations
    ]
    return {
        "events": sorted(events, key=place_of),
        "claims": sorted(claims, key=place_of),
        "participants": sorted(rows.participants, key=place_of),
        "relations": sorted(relations, key=place_of),
        "entities": sorted(rows.entities, key=place_of),
        "sources": sorted(rows.sources, key=place_of),
    }


def place_of(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return what rows are sorted by: bits of the hash of their address, address, other cells.

    So the rows of a shard of the union stand together, however many shards there are.
    """
    number = int.from_bytes(hashlib.sha256(f"<{row[0]}>".encode()).digest()[:4])
    return number >> 22, *row[:3]


def schema(name: str) -> pa.Schema:
    """Return the Arrow schema of a table."""
    import pyarrow as pa

    forms = {
        _TEXT: pa.string(),
        _LIST: pa.list_(pa.string()),
        _DATE: pa.date32(),
        _NUMBER: pa.float64(),
    }
    return pa.schema([(column, forms[form]) for column, form in COLUMNS[name].items()])


def change_tables(old: Path, new: Path, gone: set[str], rows: Rows) -> None:
    """Write the tables of a release that is another one with some subjects otherwise.

    Those that do not change are shared. They are the same bytes as those of a whole build.

    Args:
        old, new: the folders of the releases.
        gone: the addresses of all subjects that changed.
        rows: what there is of them now, with the times and quantities that are named.
    Raises:
        OSError: a file cannot be read or written.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    (new / FOLDER).mkdir()
    found = joined(rows, rows.times, rows.amounts)
    values = pa.array(sorted(gone), type=pa.string())
    changed = False
    for name in NAMES:
        path = f"{FOLDER}/{name}.parquet"
        key = pq.read_table(old / path, columns=[next(iter(COLUMNS[name]))]).column(0)
        keep = pc.invert(pc.is_in(key, value_set=values))
        if not found[name] and pc.all(keep).as_py() is not False:
            os.link(old / path, new / path)
            continue
        changed = True
        before = pq.read_table(old / path).filter(keep)
        added = pa.Table.from_arrays(_arrays(found[name], name), schema=schema(name))
        both = pa.concat_tables([before, added]).combine_chunks()
        columns = [both.column(n).to_pylist() for n in range(min(3, both.num_columns))]
        order = sorted(
            range(both.num_rows), key=lambda n: place_of([column[n] or "" for column in columns])
        )
        writer = _Table(new / path, name)
        try:
            writer.take(both.take(pa.array(order, type=pa.int64())))
        finally:
            writer.close()
    if not changed:
        os.link(old / COUNTS, new / COUNTS)
        return
    counts = Sums()
    for name in NAMES:
        columns = [c for c in COLUMNS[name] if c in _COUNTED]
        table = pq.read_table(new / FOLDER / f"{name}.parquet", columns=columns)
        counts.add_columns(name, {c: table.column(c).to_pylist() for c in columns})
    (new / COUNTS).write_text(counts.to_json(), encoding="utf-8", newline="\n")


class _Table:
    """Writes one table, in row groups of as many rows."""

    def __init__(self, path: Path, name: str) -> None:
        import pyarrow.parquet as pq

        self._name = name
        self._schema = schema(name)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._held: list[tuple[Any, ...]] = []

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Take some rows."""
        self._held += rows
        while len(self._held) >= _GROUP:
            self._write(self._held[:_GROUP])
            del self._held[:_GROUP]

    def take(self, table: pa.Table) -> None:
        """Write all rows of a table that is sorted."""
        for start in range(0, table.num_rows, _GROUP):
            self._writer.write_table(table.slice(start, _GROUP).combine_chunks())

    def _write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        import pyarrow as pa

        arrays = _arrays(rows, self._name)
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write what is left."""
        if self._held:
            self._write(self._held)
        self._writer.close()


def _arrays(rows: Sequence[tuple[Any, ...]], name: str) -> list[pa.Array]:
    """Return the columns of some rows."""
    import pyarrow as pa

    forms = COLUMNS[name].values()
    columns = zip(*rows, strict=True) if rows else [()] * len(forms)
    return [
        pa.array([_value(one, form) for one in column], type=field.type)
        for column, form, field in zip(columns, forms, schema(name), strict=True)
    ]


def _value(value: Any, form: str) -> Any:
    """Return a value as Arrow takes it: nothing is null."""
    if form == _LIST:
        return value
    if value == "":
        return None
    if form == _DATE:
        return datetime.date.fromisoformat(value)
    return float(value) if form == _NUMBER else value


# --- counting -------------------------------------------------------------------------------------


_COUNTED: Final = frozenset(
    (
        *("type", "category", "earliest", "status", "stance", "modality", "basis", "relays"),
        *("participant", "role", "relation", "entity", "source"),
    )
)
"""The columns that are counted by."""


class Sums:
    """Sums over the tables."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._events: Counter[tuple[str, ...]] = Counter()
        self._claims: Counter[tuple[str, str, str]] = Counter()
        self._participants: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Count the rows of a table."""
        names = list(COLUMNS[name])
        columns = {one: [row[names.index(one)] for row in rows] for one in names if one in _COUNTED}
        self.add_columns(name, columns)

    def add_columns(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Count the rows of a table, of which the columns are given that count."""
        texts = {one: [str(v or "") for v in column] for one, column in columns.items()}

        def several(*names: str) -> Iterator[tuple[str, ...]]:
            return zip(*(texts[one] for one in names), strict=True)

        self._rows[name] += len(next(iter(texts.values())))
        if name == "events":
            self._events.update(
                (t, c, day[:7], s)
                for t, c, day, s in several("type", "category", "earliest", "status")
            )
        elif name == "claims":
            self._claims.update(
                (s, m, b)
                for s, m, b, relays in several("stance", "modality", "basis", "relays")
                if not relays
            )
        elif name == "participants":
            self._participants.update((p, r) for p, r in several("participant", "role"))

    def to_json(self) -> str:
        """Return the sums as JSON: equal tables give equal text."""
        most = sorted(self._participants.items(), key=lambda one: (-one[1], one[0]))[:_TOP]
        value = {
            "rows": {name: self._rows[name] for name in NAMES},
            "events": [
                {"type": t, "category": c, "month": m, "status": s, "number": n}
                for (t, c, m, s), n in sorted(self._events.items())
            ],
            "claims": [
                {"stance": s, "modality": m, "basis": b, "number": n}
                for (s, m, b), n in sorted(self._claims.items())
            ],
            "participants": [{"participant": p, "role": r, "number": n} for (p, r), n in most],
        }
        return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
