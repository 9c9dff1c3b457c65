"""What clients of reconciliation ask, in both versions of the interface, as one kind of query.

Whatever is not as the specifications have it is refused with its place, what was seen, and what was
expected; so is more than one request may hold.

Spec: W3C Entity Reconciliation Community Group, Reconciliation Service API 0.2 and 1.0-draft
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from kg.web.guard import QueryFailure

BATCH: Final = 50
"""Queries in one request."""
LIMIT: Final = 100
"""Candidates of one query."""
USUAL: Final = 10
"""Candidates where nobody says how many."""
LONGEST: Final = 1000
"""Characters of a name or a value."""
CONDITIONS: Final = 20
"""Conditions of one query, and values of one condition."""
EXTENDED: Final = 100
"""Things in one data extension."""
COLUMNS: Final = 30
"""Properties in one data extension."""


MISSING: Final = object()
"""What stands for a field that is not there; `null` is one that is."""


class Condition(NamedTuple):
    """A value that a property of a candidate should have; `any`, `all` or `none` of several."""

    property: str
    values: tuple[str, ...]
    required: bool = False
    quantifier: str = "any"


class Query(NamedTuple):
    """A name, or several of which each will do, and what else is known of the thing.

    Args:
        texts: the names; none where only conditions are known.
        ids: things that are asked for by their ids, or by other identifiers.
        types: classes, by their ids; none for all.
        strict: `any` or `all` of the types must be there; `should` only prefers those with one.
        limit: how many candidates at most.
    """

    texts: tuple[str, ...]
    types: tuple[str, ...] = ()
    strict: str = "any"
    limit: int = USUAL
    conditions: tuple[Condition, ...] = ()
    ids: tuple[str, ...] = ()


class Extension(NamedTuple):
    """Which properties of which things are asked for."""

    ids: tuple[str, ...]
    properties: tuple[str, ...]


def queries_of_form(value: object) -> dict[str, Query]:
    """Return the queries of version 0.2 by their keys, in order.

    Raises:
        QueryFailure: `parameter`: something is not as the specification has it, or too much.

    >>> queries_of_form({"q0": {"query": "Pyongyang", "type": "Place"}})["q0"].types
    ('Place',)
    """
    given = _object(value, "queries")
    _at_most(given, BATCH, "queries", "queries in one batch")
    found = {}
    for key, one in given.items():
        where = f"queries.{key[:60]}"
        fields = _object(
            one, where, "query", "type", "limit", "properties", "type_strict", "lang", "dir"
        )
        properties = _list(fields.get("properties", []), f"{where}.properties")
        conditions = tuple(
            _condition(item, f"{where}.properties[{number}]", ("pid",), ("v",))
            for number, item in enumerate(properties)
        )
        _at_most(conditions, CONDITIONS, f"{where}.properties", "properties in one query")
        texts = (text_of(fields["query"], f"{where}.query"),) if "query" in fields else ()
        if not texts and not conditions:
            raise wrong(where, one, "a query, or properties")
        types = fields.get("type", [])
        some = [types] if isinstance(types, str) else _list(types, f"{where}.type")
        some = [one for one in some if one != ""]
        _at_most(some, CONDITIONS, f"{where}.type", "types in one query")
        strict = fields.get("type_strict", "any")
        if strict not in ("any", "should", "all"):
            raise wrong(f"{where}.type_strict", strict, "any, should or all")
        found[key] = Query(
            texts,
            tuple(text_of(one, f"{where}.type") for one in some),
            strict,
            _limit(fields.get("limit", USUAL), f"{where}.limit"),
            conditions,
        )
    return found


def queries_of_json(value: object) -> list[Query]:
    """Return the queries of the draft of 1.0, in order.

    Raises:
        QueryFailure: as for `queries_of_form`.
    """
    fields = _object(value, "the request")
    if "queries" not in fields:
        raise wrong("the request", value, 'an object with "queries"')
    given = _list(fields["queries"], "queries")
    _at_most(given, BATCH, "queries", "queries in one batch")
    return [_query_of_draft(one, f"queries[{number}]") for number, one in enumerate(given)]


def _query_of_draft(value: object, where: str) -> Query:
    fields = _object(value, where, "type", "limit", "lang", "dir", "conditions")
    given = _list(fields.get("conditions", MISSING), f"{where}.conditions")
    if not given:
        raise wrong(f"{where}.conditions", given, "one condition or more")
    _at_most(given, CONDITIONS, f"{where}.conditions", "conditions in one query")
    texts: list[str] = []
    ids: list[str] = []
    conditions = []
    for number, item in enumerate(given):
        place = f"{where}.conditions[{number}]"
        name, kind = _given(_object(item, place), "matchType", "match_type")
        if kind not in ("name", "property", "id"):
            raise wrong(f"{place}.{name}", kind, "name, property or id")
        names = ("propertyId", "property_id", "pid") if kind == "property" else ()
        condition = _condition(item, place, names, ("propertyValue", "property_value", "v"))
        if kind == "id":
            condition = condition._replace(property="iri")
        if kind == "property" or condition.quantifier != "any":
            conditions.append(condition)
        if condition.quantifier != "none":
            texts += condition.values if kind == "name" else ()
            ids += condition.values if kind == "id" else ()
    _at_most([*texts, *ids], CONDITIONS, f"{where}.conditions", "names in one query")
    type_ = text_of(fields.get("type", ""), f"{where}.type")
    types = (type_,) if type_ else ()
    limit = _limit(fields.get("limit", USUAL), f"{where}.limit")
    return Query(tuple(texts), types, "any", limit, tuple(conditions), tuple(ids))


def _condition(value: object, where: str, names: Sequence[str], values: Sequence[str]) -> Condition:
    """Return a condition.

    Args:
        names: what the field of the property may be called; without any it is about names.
        values: what the field of its values may be called.
    """
    others = ("required", *_QUANTIFIER, *_QUALIFIER)
    fields = _object(value, where, *names, *values, "matchType", "match_type", *others)
    property_ = "label"
    if names:
        name, given = _given(fields, *names)
        property_ = text_of(given, f"{where}.{name}")
        if not property_.strip():
            raise wrong(f"{where}.{name}", property_, "the id of a property")
    name, given = _given(fields, *values)
    some = given if isinstance(given, list) else [given]
    _at_most(some, CONDITIONS, f"{where}.{name}", "values in one condition")
    required = fields.get("required", False)
    if not isinstance(required, bool):
        raise wrong(f"{where}.required", required, "true or false")
    how, quantifier = _given(fields, *_QUANTIFIER, usual="any")
    if quantifier not in ("any", "all", "none"):
        raise wrong(f"{where}.{how}", quantifier, "any, all or none")
    how, qualifier = _given(fields, *_QUALIFIER, usual="")
    if not isinstance(qualifier, str):
        raise wrong(f"{where}.{how}", qualifier, "a text")
    found = tuple(_value(one, f"{where}.{name}") for one in some)
    return Condition(property_, found, required, quantifier)


_QUANTIFIER: Final = ("matchQuantifier", "match_quantifier")
_QUALIFIER: Final = ("matchQualifier", "match_qualifier")


def _given(fields: dict[str, Any], *names: str, usual: object = MISSING) -> tuple[str, Any]:
    """Return the first of the spellings of a field that is there, with its value."""
    return next(((one, fields[one]) for one in names if one in fields), (names[0], usual))


def extension_of(value: object) -> Extension:
    """Return a data extension of either version.

    Raises:
        QueryFailure: as for `queries_of_form`.
    """
    fields = _object(value, "extend")
    ids = _list(fields.get("ids", MISSING), "extend.ids")
    _at_most(ids, EXTENDED, "extend.ids", "things in one data extension")
    given = _list(fields.get("properties", MISSING), "extend.properties")
    _at_most(given, COLUMNS, "extend.properties", "properties in one data extension")
    properties = []
    for number, one in enumerate(given):
        where = f"extend.properties[{number}]"
        item = _object(one, where)
        if item.get("settings") is not None:
            _object(item["settings"], f"{where}.settings")
        properties.append(text_of(item.get("id", MISSING), f"{where}.id"))
    return Extension(
        tuple(text_of(one, f"extend.ids[{number}]") for number, one in enumerate(ids)),
        tuple(dict.fromkeys(properties)),
    )


def wrong(where: str, seen: object, expected: str) -> QueryFailure:
    """Return the failure of a value, as it was sent, at some place of a request."""
    return QueryFailure("parameter", f"{where} is {_shown(seen)}; expected {expected}")


def _shown(value: object) -> str:
    """Return a value as it was sent, in a few characters."""
    text = "missing" if value is MISSING else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _object(value: object, where: str, *names: str) -> dict[str, Any]:
    """Return an object of JSON; one that has no other fields than `names`, if there are any."""
    if not isinstance(value, dict):
        raise wrong(where, value, "an object")
    for name in value if names else ():
        if name not in names:
            raise QueryFailure(
                "parameter",
                f"{where} has a field {_shown(name)}; expected only {', '.join(names)}",
            )
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong(where, value, "a list")
    return value


def text_of(value: object, where: str) -> str:
    """Return a value that has to be a text, and no longer than one may be.

    Raises:
        QueryFailure: `parameter`.
    """
    if not isinstance(value, str):
        raise wrong(where, value, "a text")
    if len(value) > LONGEST:
        raise QueryFailure(
            "parameter", f"{where} has {len(value):,} characters; expected at most {LONGEST:,}"
        )
    return value


def _value(value: object, where: str) -> str:
    """Return a value of a property as text: that of an entity is its id."""
    if isinstance(value, dict):
        return text_of(value.get("id", MISSING), f"{where}.id")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        whole = isinstance(value, float) and value.is_integer()
        return str(int(value) if whole else value)[:LONGEST]
    if not isinstance(value, str):
        raise wrong(where, value, "a text, a number, true, false or an object with an id")
    return text_of(value, where)


def _limit(value: object, where: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong(where, value, "a whole number from 1")
    return min(value, LIMIT)


def _at_most(value: Collection[object], most: int, where: str, what: str) -> None:
    if len(value) > most:
        raise QueryFailure(
            "parameter", f"{where} has {len(value):,}; expected at most {most} {what}"
        )
