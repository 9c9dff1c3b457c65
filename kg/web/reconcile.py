"""Reconciliation: which things of the release the names in a table may mean.

One base address answers clients of both versions of the interface. Version 0.2 sends forms to the
base (`queries`, `extend`) and reads the addresses of the other services in the manifest; the draft
of 1.0 sends JSON to `/match` and `/extend` below the base. Candidates come from the index of labels
of the release; what is said of them comes from a worker: labels, the record in the registry, and
links. A proposition keeps its mark in every name, and comes after everything else unless it is
asked for. Of claims there are numbers only.

Spec: W3C Entity Reconciliation Community Group, Reconciliation Service API 0.2 and 1.0-draft
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import msgspec
from fastapi import Request
from fastapi.responses import Response

import kg
from kg.manifest import LABELS
from kg.names import fold
from kg.vocab import CH, MARKS
from kg.web import describe, pages, search
from kg.web.ask import LANG, PLAIN_JSON, TITLE, Ask, accepted, form_of, lacking
from kg.web.batches import (
    BATCH,
    LIMIT,
    USUAL,
    Extension,
    Query,
    extension_of,
    queries_of_form,
    queries_of_json,
    text_of,
    wrong,
)
from kg.web.candidates import FEATURES, Answered, answer
from kg.web.front import KIND_NAMES, Shown, as_shown
from kg.web.guard import QueryFailure
from kg.web.language import INTERFACE, interface, language
from kg.web.negotiation import HTML
from kg.web.pool import client
from kg.web.properties import (
    DEFAULT_TYPES,
    DESCRIBED,
    KINDS,
    PROPERTIES,
    THINGS,
    TOMBSTONE,
    WIKIDATA,
    Facts,
    Value,
    class_of,
    facts,
    id_of,
    iri_of,
    known,
    property_ids,
    property_name,
    property_of,
    scheme,
    type_id,
)
from kg.web.search import Hit
from kg.web.site import POLICY

VERSIONS: Final = ("0.2", "1.0-draft")
SKIPPED: Final = 1000
"""Suggestions that can be left out before the first."""
BODY: Final = 1 << 20
"""Bytes of a request."""
FIELDS: Final = 20
"""Fields of a form."""
PREVIEW: Final = (430, 300)
"""Width and height of a card, in pixels."""
NAMES_SHOWN: Final = 12
_REASONS: Final = (
    "identifier",
    "exact_label",
    "folded_label",
    "inflected",
    "shortened",
    "all_words",
    "beginnings",
)
"""Features of which the page says the first that a candidate has."""
_FRAMED: Final = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}")


# --- what is answered ----------------------------------------------------------------------------


def _here(ask: Ask) -> str:
    """Return the address of this site as the client has reached it."""
    return str(ask.request.base_url)


def _type(view: pages.View, iri: str) -> dict[str, str]:
    return {"id": type_id(iri), "name": view.label(iri).text}


async def _names(ask: Ask, iris: Iterable[str]) -> pages.View:
    """Return what names classes."""
    served = ask.served
    return ask.view(await describe.named(served.engine, served.base, sorted(set(iris))))


def _language(ask: Ask) -> str:
    """Return the language that the address asks for; empty where it asks for none."""
    asked = ask.request.query_params.get(LANG) or ask.request.scope.get("kg.lang", "")
    return asked if asked in (*INTERFACE, *ask.served.languages) else ""


def _address(ask: Ask, tag: str) -> str:
    """Return the address of the service, which keeps a language if there is one."""
    return f"{_here(ask)}reconcile" + (f"/{tag}" if tag else "")


async def manifest(ask: Ask, version: str) -> dict[str, Any]:
    """Return what the service can do, for clients of both versions.

    The versions contradict each other: `suggest` holds addresses in 0.2, and says yes or no in the
    draft of 1.0; a template has `{{id}}` in 0.2, and `{id}` as in RFC 6570 in the draft. All else
    is valid in both. What the manifest leads to is in the language that its address asks for.

    Args:
        version: that which is wanted.
    """
    here, base, title = _here(ask), ask.served.base, ask.served.manifest.title
    classes_ = await scheme(ask)
    view = await _names(ask, classes_.kinds)
    tag = _language(ask)
    address = _address(ask, tag)
    service = {"service_url": address}
    id_ = "{id}" if version == "1.0-draft" else "{{id}}"
    suggest: dict[str, Any] = {
        what: {**service, "service_path": f"/suggest/{what}"}
        for what in ("entity", "property", "type")
    }
    if version == "1.0-draft":
        suggest = dict.fromkeys(suggest, True)
    return {
        "versions": list(VERSIONS),
        "name": title if title == TITLE else f"{TITLE}: {title}",
        "identifierSpace": f"{base}id/",
        "schemaSpace": CH,
        "documentation": f"{here}docs/how-to/reconcile",
        "serviceVersion": kg.__version__,
        "logo": f"{here}assets/icon.svg",
        "view": {"url": f"{here}doc/{id_}" + (f"?{LANG}={tag}" if tag else "")},
        "defaultTypes": [
            _type(view, CH + name) for name in DEFAULT_TYPES if CH + name in classes_.kinds
        ],
        "suggest": suggest,
        "preview": {
            "url": f"{address}/preview?id={id_}",
            "width": PREVIEW[0],
            "height": PREVIEW[1],
        },
        "extend": {
            "propose_properties": {**service, "service_path": "/extend/propose"},
            "property_settings": [],
            "proposeProperties": True,
            "propertySettings": [],
        },
        "batchSize": BATCH,
        "standardizedScore": True,
        "lang": ask.language.tag,
    }


def _candidates(ask: Ask, found: Answered) -> Iterator[list[dict[str, Any]]]:
    """Yield the candidates of each query for programs."""
    _ = ask.language.gettext
    for query, some in zip(found.queries, found.found, strict=True):
        yield [
            {
                **_entity(ask, found.view, found.shown[one.hit.iri, one.hit.label], found.facts),
                "score": one.score,
                "match": one.match,
                "features": [
                    {
                        "id": name,
                        "name": _feature_name(ask, name),
                        "value": value,
                    }
                    for name, value in one.features(
                        query, bool(found.facts.values(one.hit.iri, "wikidata"))
                    )
                ],
            }
            for one in some
        ]


def _feature_name(ask: Ask, name: str) -> str:
    if name in FEATURES:
        return ask.language.gettext(FEATURES[name])
    return property_name(ask, name.removeprefix("property:"))


def _entity(
    ask: Ask, view: pages.View, one: Shown, said: Facts, types: str = "type"
) -> dict[str, Any]:
    """Return a thing for programs: a proposition with its mark, and who takes which position.

    Args:
        said: knows the status and the modalities of what is only described.
    """
    ours = [iri for iri in view.d.graph.iris(one.ref.iri, "rdf:type") if iri.startswith(CH)]
    ours.sort(key=lambda iri: (iri != one.hit.type, iri))
    return {
        "id": id_of(ask, one.ref.iri),
        "name": pages.plain(one.ref),
        "description": " · ".join(_notes(ask, view, one, said)),
        types: [_type(view, iri) for iri in ours],
    }


def _notes(ask: Ask, view: pages.View, one: Shown, said: Facts) -> list[str]:
    """Return what is said of a thing, and before the positions on it as what it is spoken of."""
    found = [note.text for note in one.notes(view, affirmed=True)]
    if one.hit.kind not in DESCRIBED:
        return found
    spoken = (
        [f"{property_name(ask, 'status')}: {one.ref.status.label.text}"] if one.ref.status else []
    )
    if modalities := _modalities(said, one.ref.iri):
        words = ", ".join(ref.label.text for ref in modalities)
        spoken.append(f"{ask.language.pgettext('modality of a claim', 'As')}: {words}")
    begin = 1 if one.type else 0
    return [*found[:begin], *spoken, *found[begin:]]


def _modalities(said: Facts, iri: str) -> list[pages.Ref]:
    """Return as what claims speak of a proposition; none where all speak of it as actual."""
    found = [value.text for value in said.values(iri, "modality")]
    return [said.view.ref(one) for one in found] if found != [f"{CH}modality-actual"] else []


async def results_of_form(ask: Ask, queries: Mapping[str, Query]) -> dict[str, Any]:
    """Return what version 0.2 answers."""
    found = _candidates(ask, await answer(ask, list(queries.values())))
    return {key: {"result": some} for key, some in zip(queries, found, strict=True)}


async def results_of_json(ask: Ask, queries: Sequence[Query]) -> dict[str, Any]:
    """Return what the draft of 1.0 answers."""
    found = _candidates(ask, await answer(ask, queries))
    return {"results": [{"candidates": some} for some in found]}


async def extended(ask: Ask, wanted: Extension, version: str) -> dict[str, Any]:
    """Return the values of properties of things, as a version has them.

    Raises:
        QueryFailure: there is no such property.
    """
    for name in wanted.properties:
        if property_of(ask, name) is None:
            ids = ", ".join(property_ids(ask))
            raise wrong("the id of a property", name, f"one of {ids}")
    classes_ = await scheme(ask)
    iris = {one: iri for one in wanted.ids if (iri := iri_of(ask, one))}
    there = await known(ask, set(iris.values()), classes_)
    said = await facts(ask, there, wanted.properties)
    types = await _names(ask, [CH + "State", *(hit.type for hit in there.values() if hit.type)])
    meta = []
    for name in wanted.properties:
        column: dict[str, Any] = {"id": name, "name": property_name(ask, name)}
        if name == "country":
            column["type"] = _type(types, CH + "State")
        meta.append(column)

    def cells(one: str, name: str) -> list[dict[str, Any]]:
        hit = there.get(iris.get(one, ""))
        if hit is None:
            return []
        return list(_cells(ask, hit, name, said, types, version))

    if version == "0.2":
        rows: Any = {
            one: {name: cells(one, name) for name in wanted.properties} for one in wanted.ids
        }
    else:
        rows = [
            {
                "id": one,
                "properties": [
                    {"id": name, "values": cells(one, name)} for name in wanted.properties
                ],
            }
            for one in wanted.ids
        ]
    return {"meta": meta, "rows": rows}


def _cells(
    ask: Ask, hit: Hit, name: str, said: Facts, types: pages.View, version: str
) -> Iterator[dict[str, Any]]:
    """Yield the values of one property of one thing."""
    _, one = property_of(ask, name) or ("", PROPERTIES["iri"])
    if name == "type":
        if hit.type:
            yield {"str": types.label(hit.type).text}
        return
    if one.form == "int":
        numbers = said.values(hit.iri, name)
        yield {"int": int(numbers[0].text) if numbers else 0}
        return
    for value in said.values(hit.iri, name):
        if one.form == "id":
            thing = said.view.ref(value.text)
            yield {"id": id_of(ask, value.text), "name": pages.plain(thing)}
        elif one.form == "term":
            term = said.view.label(value.text)
            yield {"str": term.text} | (
                {"lang": term.lang or ask.language.tag} if version != "0.2" else {}
            )
        elif one.form == "float":
            yield {"float": float(value.text)}
        else:
            found = {"str": _marked(hit.kind, value) if one.path == "rdfs:label" else value.text}
            if value.lang and version != "0.2":
                found["lang"] = value.lang
            yield found


def _marked(kind: str, value: Value) -> str:
    """Return a label with the mark of its kind, in the language of the label if there is one."""
    if kind not in MARKS:
        return value.text
    words = language(value.lang.split("-")[0]).gettext(MARKS[kind])
    return f"{words[:1].upper()}{words[1:]}: {value.text}"


# --- requests ------------------------------------------------------------------------------------


def _ask(request: Request) -> Ask:
    """Return the request, if this release can be reconciled with."""
    ask = Ask(request)
    if ask.served.manifest.imported:
        raise lacking(ask, "reconciliation service")
    tag = request.scope.get("kg.lang", "")
    if tag and not _language(ask):
        raise QueryFailure("not-found", f"There are no names and no words in the language {tag!r}")
    return ask


def _languages(ask: Ask) -> str:
    """Return the languages of an answer: that of its words, and that of names."""
    return ", ".join(dict.fromkeys((ask.language.tag, ask.languages[0])))


def _data(ask: Ask, **more: str) -> dict[str, str]:
    """Return the headers of an answer in JSON."""
    return {
        "Cache-Control": "no-cache",
        "Vary": "Accept-Language",
        "Content-Language": _languages(ask),
        **more,
    }


async def reconcile(request: Request) -> Response:
    """Return the manifest of the service as JSON, or for a browser a page that explains it.

    It speaks version 0.2 of the Reconciliation Service API and the draft of 1.0. With `queries` or
    `extend`, as 0.2 has them, it answers those, as it does by POST. The versions contradict each
    other in `suggest` and in the templates of the manifest: `version=1.0-draft` gives what the
    draft has. A language may stand in the path, here and below: `/reconcile/bn/preview`.
    """
    ask = _ask(request)
    given = [name for name in ("queries", "extend") if name in request.query_params]
    if given:
        return await _answer_form(ask, request.query_params.multi_items(), kept=True)
    if "query" in request.query_params:
        raise QueryFailure(
            "parameter",
            "there is a parameter query, which is of a version before 0.2",
            expected='queries={"q0": {"query": "…"}}',
        )
    form = form_of(request, (PLAIN_JSON, HTML))
    version = request.query_params.get("version", VERSIONS[0])
    if version not in VERSIONS:
        raise QueryFailure(
            "parameter", f"version is {version[:60]!r}; expected {' or '.join(VERSIONS)}"
        )
    q = request.query_params.get("q", "")
    type_ = request.query_params.get("type", "")
    etag = ask.etag(
        "/reconcile", form.name, version, _address(ask, _language(ask)), q, type_, *ask.reader
    )
    headers = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Language", "ETag": etag}
    if (same := ask.known(etag, headers)) is not None:
        return same
    if form is PLAIN_JSON:
        headers["Content-Language"] = _languages(ask)
        return ask.json(await manifest(ask, version), headers)
    return await _page(ask, q, type_, headers)


async def _page(ask: Ask, q: str, type_: str, headers: Mapping[str, str]) -> Response:
    """Return the page that explains the service, with what is found for a name."""
    classes_ = await scheme(ask)
    view = await _names(ask, classes_.kinds)
    types = sorted(
        ((type_id(iri), view.label(iri)) for iri in classes_.kinds), key=lambda one: one[1].text
    )
    tried: list[dict[str, Any]] = []
    if q.strip():
        query = Query(
            (text_of(q, "q"),),
            (text_of(type_, "type"),) if type_ else (),
            conditions=(),
            limit=USUAL,
        )
        found = await answer(ask, [query])
        tried = [
            {
                "shown": found.shown[one.hit.iri, one.hit.label],
                "id": id_of(ask, one.hit.iri),
                "score": ask.language.number(one.score),
                "match": one.match,
                "why": [
                    ask.language.gettext(FEATURES[name])
                    for name, value in one.features(query, linked=False)
                    if value is True and name in _REASONS
                ][:1],
            }
            for one in found.found[0]
        ]
    return ask.page(
        "reconcile.html",
        headers=headers,
        title=ask.language.gettext("Match names in a table"),
        address=_address(ask, ask.language.tag if ask.language.tag != INTERFACE[0] else ""),
        tried_name=q,
        tried_type=type_,
        types=types,
        tried=tried,
        batch=BATCH,
        properties=[(name, property_name(ask, name)) for name in property_ids(ask)],
        settled=sum(one["match"] for one in tried),
    )


async def reconcile_posted(request: Request) -> Response:
    """Return the candidates of a batch of queries, or values of properties.

    As version 0.2 sends it: a form with `queries`, a JSON object of queries by key, or `extend`, a
    JSON object with `ids` and `properties`. JSON with `queries` as a list is answered as `/match`
    of the draft of 1.0 does. At most 50 queries with 100 candidates each, 1000 candidates in all.
    """
    ask = _ask(request)
    media, body = await _body(request)
    if media == _JSON:
        value = _decoded(body, "the request")
        given = value.get("queries") if isinstance(value, dict) else None
        if isinstance(given, dict):
            return await _answered(ask, results_of_form(ask, queries_of_form(given)))
        return await _answered(ask, results_of_json(ask, queries_of_json(value)))
    if media != _FORM:
        raise _not_taken(media, _FORM, _JSON)
    return await _answer_form(ask, _fields(body))


async def match_posted(request: Request) -> Response:
    """Return the candidates of a batch of queries, as the draft of 1.0 has it: JSON to JSON.

    `{"queries": [{"conditions": [{"matchType": "name", "propertyValue": "…"}]}]}`. Earlier
    spellings of the draft are taken too, and its earlier address, `/reconcile/reconcile`.
    """
    ask = _ask(request)
    queries = queries_of_json(await _json(request))
    return await _answered(ask, results_of_json(ask, queries))


async def extend_posted(request: Request) -> Response:
    """Return values of properties of things, as the draft of 1.0 has it: JSON to JSON.

    Values are what the registry of the release, its links and its labels say; of claims there are
    numbers only.
    """
    ask = _ask(request)
    wanted = extension_of(await _json(request))
    return await _answered(ask, extended(ask, wanted, "1.0-draft"))


async def proposed(request: Request) -> Response:
    """Return the properties that things of a class can have; of every class without `type`."""
    ask = _ask(request)
    classes_ = await scheme(ask)
    type_ = request.query_params.get("type", "")
    limit = _number(request, "limit", LIMIT, 1, LIMIT)
    kinds = classes_.kinds.get(class_of(classes_, type_), frozenset()) if type_ else KINDS
    names = property_ids(ask, kinds)[:limit]
    return ask.json(
        {
            "type": type_,
            "limit": limit,
            "properties": [{"id": name, "name": property_name(ask, name)} for name in names],
        },
        _data(ask),
    )


async def suggested(request: Request, what: str) -> Response:
    """Return what begins with `prefix`: an `entity`, a `type` or a `property`.

    `cursor` (0.2) or `offset` (draft of 1.0) says how many to leave out, `limit` how many to give.
    Names are in any script; an id finds its own thing.
    """
    ask = _ask(request)
    if what not in ("entity", "type", "property"):
        raise QueryFailure(
            "not-found", f"There are no suggestions of {what[:60]!r}; of entity, type and property"
        )
    prefix = request.query_params.get("prefix")
    if prefix is None:
        raise QueryFailure("parameter", "prefix is missing; expected the beginning of a name")
    prefix = text_of(prefix, "prefix")
    limit = _number(request, "limit", USUAL, 1, LIMIT)
    begin = _number(request, "cursor", 0, 0, SKIPPED) or _number(request, "offset", 0, 0, SKIPPED)
    etag = ask.etag("/reconcile/suggest", what, prefix, limit, begin, *ask.reader)
    headers = _data(ask, **{"Cache-Control": "private, max-age=60", "ETag": etag})
    if (same := ask.known(etag, headers)) is not None:
        return same
    if what == "entity":
        found = await _suggested_things(ask, prefix, begin, limit)
    else:
        every = await (_suggested_types(ask) if what == "type" else _suggested_properties(ask))
        found = _beginning(prefix, every)[begin : begin + limit]
    return ask.json({"result": found}, headers)


async def _suggested_things(ask: Ask, prefix: str, begin: int, limit: int) -> list[dict[str, Any]]:
    classes_ = await scheme(ask)
    iri = iri_of(ask, prefix)
    there = await known(ask, [iri], classes_) if iri else {}
    searched = await asyncio.to_thread(
        lambda: list(
            search.candidates(
                ask.served.folder / LABELS,
                [search.Sought(prefix, THINGS), search.Sought(prefix, DESCRIBED)],
                limit=begin + limit,
                typing=True,
            )
        )
    )
    hits = [hit for some in searched for hit in some]
    hits = [hit for hit in hits if hit.type != TOMBSTONE and hit.iri not in there]
    found = [*there.values(), *hits][begin : begin + limit]
    view, shown = await as_shown(ask, found, brief=True)
    said = await facts(ask, [hit.iri for hit in found if hit.kind in DESCRIBED], ("modality",))
    return [_entity(ask, view, one, said, "notable") for one in shown]


async def _suggested_types(ask: Ask) -> list[tuple[dict[str, Any], list[str]]]:
    """Return every class with what it may be called."""
    classes_ = await scheme(ask)
    view = await _names(ask, classes_.kinds)
    found = []
    for iri in classes_.kinds:
        names = [one.value for one in view.d.graph.terms(iri, "rdfs:label")]
        names += [one.value for one in view.d.graph.terms(iri, "skos:prefLabel")]
        one = _type(view, iri)
        one["description"] = classes_.definition(iri, ask.languages)
        found.append((one, [type_id(iri), *names]))
    return sorted(found, key=lambda one: (one[0]["name"], one[0]["id"]))


async def _suggested_properties(ask: Ask) -> list[tuple[dict[str, Any], list[str]]]:
    """Return every property with what it may be called."""
    found = []
    for name in property_ids(ask):
        lang, one = property_of(ask, name) or ("", PROPERTIES["label"])
        named = property_name(ask, name)
        words = [name, named, *((one.name,) if not lang else ())]
        words += [language(tag).gettext(one.name) for tag in ("bn", "hi") if not lang]
        found.append(({"id": name, "name": named}, words))
    return found


def _beginning(
    prefix: str, every: Iterable[tuple[dict[str, Any], list[str]]]
) -> list[dict[str, Any]]:
    """Return those of which a name, or a word of it, begins with a text; those called so first."""
    wanted = fold(prefix) if prefix.strip() else ""
    ranked = []
    for one, words in every:
        names = [fold(word) for word in words]
        parts = [part for name in names for part in name.split()]
        if any(part.startswith(wanted) for part in (*names, *parts)):
            ranked.append((wanted not in names, one))
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


async def preview(request: Request) -> Response:
    """Return a card about a thing, to be shown in a frame on another site.

    It holds its names, its class, its link to Wikidata, and for what is only described its status
    and who takes which position on it. What is not there is on a card too, with status 404.
    """
    ask = _ask(request)
    accepted(request, (HTML,))
    given = text_of(request.query_params.get("id"), "id")
    classes_ = await scheme(ask)
    iri = iri_of(ask, given)
    etag = ask.etag("/reconcile/preview", iri, _here(ask), *ask.reader)
    headers = {
        "Cache-Control": "no-cache",
        "Vary": "Accept, Accept-Language",
        "ETag": etag,
        "Content-Security-Policy": _FRAMED,
    }
    if (same := ask.known(etag, headers)) is not None:
        return same
    hit = (await known(ask, [iri], classes_)).get(iri) if iri else None
    if hit is None:
        return ask.page(
            "reconcile_preview.html",
            status=404,
            headers={**headers, "Cache-Control": "no-store"},
            title=ask.language.gettext("Not in this release"),
            one=None,
            given=given[:100],
        )
    view, [one] = await as_shown(ask, [hit], brief=True)
    said = await facts(ask, [iri], ("label", "description", "wikidata", "claims", "modality"))
    mark = one.ref.mark
    described = said.values(iri, "description")
    words = {value.lang: value.text for value in described}
    chosen = pages.choose(words, ask.languages)
    return ask.page(
        "reconcile_preview.html",
        headers=headers,
        title=pages.plain(one.ref),
        one=one,
        names=[
            {"text": value.text, "lang": value.lang, "mark": mark and _mark_in(ask, mark, value)}
            for value in said.values(iri, "label")
            if value.text != one.ref.label.text
        ][:NAMES_SHOWN],
        said=pages.Label(words[chosen], view.foreign(chosen)) if chosen is not None else None,
        items=[
            {"id": value.text, "href": WIKIDATA + quote(value.text)}
            for value in said.values(iri, "wikidata")
        ],
        claims=int(found[0].text) if (found := said.values(iri, "claims")) else 0,
        modalities=_modalities(said, iri),
        kind_name=ask.language.gettext(KIND_NAMES[hit.kind]),
        here=_here(ask),
    )


def _mark_in(ask: Ask, mark: str, value: Value) -> str:
    """Return a mark in the language of what it marks, if the interface has it; else as it is."""
    tag = value.lang.split("-")[0]
    found = interface((tag,)) if tag else ask.language
    return found.gettext(MARKS["event"]) if found.tag == tag else mark


_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


async def _answer_form(
    ask: Ask, fields: Sequence[tuple[str, str]], *, kept: bool = False
) -> Response:
    """Return the answer to a form of version 0.2.

    Args:
        kept: whether the whole request is in its address, so that its answer has an entity tag.
    """
    given = [(name, value) for name, value in fields if name in ("queries", "extend")]
    if len(given) != 1:
        raise QueryFailure(
            "parameter",
            f"there are {len(given)} fields called queries or extend",
            expected="one: queries={…} or extend={…}",
        )
    [(name, text)] = given
    headers = {}
    if kept:
        etag = ask.etag("/reconcile", name, text, *ask.reader)
        headers = {"ETag": etag}
        if (same := ask.known(etag, _data(ask, **headers))) is not None:
            return same
    value = _decoded(text.encode("utf-8", "surrogatepass"), name)
    if name == "queries":
        return await _answered(ask, results_of_form(ask, queries_of_form(value)), headers)
    return await _answered(ask, extended(ask, extension_of(value), "0.2"), headers)


async def _answered(
    ask: Ask, work: Coroutine[Any, Any, dict[str, Any]], headers: Mapping[str, str] | None = None
) -> Response:
    """Return what comes of some work, of which a client may only have so much."""
    try:
        ask.site.quota.take(client.get())
        async with asyncio.timeout(ask.site.settings.query_timeout_s):
            found = await work
    except TimeoutError:
        raise QueryFailure(
            "timeout", "the batch takes too long", hint="send fewer queries at once"
        ) from None
    finally:
        work.close()
    return ask.json(found, _data(ask, **(headers or {"Cache-Control": "no-store"})))


async def _json(request: Request) -> Any:
    media, body = await _body(request)
    if media != _JSON:
        raise _not_taken(media, _JSON)
    return _decoded(body, "the request")


def _not_taken(media: str, *expected: str) -> QueryFailure:
    return QueryFailure(
        "media-type",
        "the body is of a media type that is not taken",
        seen=media[:100] or "none",
        expected=" or ".join(expected),
    )


async def _body(request: Request) -> tuple[str, bytes]:
    """Return the media type and the bytes of a request.

    Raises:
        QueryFailure: `length`.
    """
    long = QueryFailure("length", "the request is too long", expected=f"at most {BODY:,} bytes")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > BODY:
        raise long
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            raise long
    return request.headers.get("content-type", "").partition(";")[0].strip().lower(), bytes(body)


def _decoded(text: bytes, what: str) -> Any:
    """Return JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise QueryFailure("parameter", f"{what}: this is not JSON: {error}") from None


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form."""
    try:
        return parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
        )
    except ValueError as error:
        raise QueryFailure("parameter", f"the form cannot be read: {error}") from None


def _number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    """Return a number among the parameters."""
    text = request.query_params.get(name)
    if text is None:
        return usual
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise QueryFailure(
            "parameter",
            f"{name} is {text[:60]!r}; expected a whole number from {least} to {most}",
        )
    return int(text)
