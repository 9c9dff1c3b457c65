"""Reconciliation over HTTP: both versions of the interface, what is certain, and what is refused.

The rules that answers are held to are those of the specifications' JSON schemas, written down anew:
https://reconciliation-api.github.io/specs/0.2/schemas/ and …/specs/draft/schemas/.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from kg.build import publish
from kg.config import Settings
from kg.importing import import_release
from kg.resources import folder
from kg.vocab import CH
from kg.web import batches, candidates
from kg.web import reconcile as service
from kg.web.app import create_app
from kg.web.batches import BATCH, COLUMNS, EXTENDED, LIMIT, Query
from kg.web.candidates import ANSWERED
from kg.web.guard import QueryFailure
from kg.web.language import INTERFACE
from kg.web.properties import KINDS
from kg.web.reconcile import BODY

BASE = "https://chancery.example/"
FORM = "application/x-www-form-urlencoded"
ISLES = " ".join(f'pl:isle-{n} a ch:Place ; rdfs:label "Isle {n}"@en .' for n in range(30))
TWINS = """
g:registry {
  a:harbour-guild a ch:Organization, ch:Agent ; rdfs:label "Harbour Guild"@en .
  pl:harbour-guild a ch:Place ; rdfs:label "Harbour Guild"@en .
  a:harbour-gild a ch:Group, ch:Agent ; rdfs:label "Harbour Gild"@en .
  a:gone a ch:Tombstone ; rdfs:label "Gone Ministry"@en .
  pl:mill-town a ch:Place ; rdfs:label "Mill Town"@en ; ch:locatedIn a:bostmark .
  a:bostmark skos:altLabel "BMK"@en .
  ISLES
  a:arvenian-guard a ch:GovernmentBody, ch:Agent ; ch:actsFor a:arvenia ;
    rdfs:label "Border Guard Service"@en, "आरवेनिया की सीमा सेवा"@hi, "সীমান্ত সেবা"@bn ;
    skos:altLabel "BGS"@en, "सीमा सेवा"@hi, "Border Guard of Arvenia"@en .
  a:dara-venn a ch:Person, ch:Agent ; rdfs:label "Dara Venn"@en ;
    skos:altLabel "Dara"@en ; ch:actsFor a:cordia .
  a:ilo-dara a ch:Person, ch:Agent ; rdfs:label "Ilo Dara"@en .
  a:tovin a ch:Person, ch:Agent ; rdfs:label "Tovin Ree"@en, "Товин Рея"@ru, "토빈"@ko ;
    skos:altLabel "Tovin"@en ; ch:actsFor a:bostmark .
  pl:guild-square a ch:Place ; rdfs:label "Guild Square"@en .
  a:ols a ch:Organization, ch:Agent ; rdfs:label "OLS"@en .
}
g:links {
  a:arvenia skos:exactMatch <http://www.wikidata.org/entity/Q1> .
  pl:bost-city skos:exactMatch <http://elsewhere.example/Q2> .
}
g:harbour-bn {
  e:mill-talks a ch:Event, ch:Proposition ; rdfs:label "Mill Town talks"@en ;
    ch:eventType ch:type-talks .
  e:guild-square a ch:Event, ch:Proposition ; rdfs:label "Guild Square"@en ;
    ch:eventType ch:type-talks .
  r:mill a ch:Relation, ch:Proposition ; rdfs:label "Arvenia owns Mill Town"@en ;
    ch:wikidata "Q7" ; ch:locatedIn a:cordia .
  a:mira-odan skos:altLabel "Odanova"@en ; ch:actsFor a:cordia ;
    dcterms:description "Spy"@en .
  a:bostmark skos:altLabel "Bosty"@en .
  c:00000000000000e1 a ch:Claim ; rdfs:label "OLS on itself"@en ; ch:claimant a:ols ;
    ch:concerns a:ols ; ch:stance ch:stance-affirms .
}
""".replace("ISLES", ISLES).encode()


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def an_object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
    }


def only(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {**an_object(required, **optional), "additionalProperties": False}


def a_list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


NAMED = an_object({"id": text(minLength=1), "name": text(minLength=1)})
SERVICE = only({"service_url": text(pattern="^https?://"), "service_path": text(pattern="^/")})
WHOLE = {"type": "integer"}
COMMON = {
    "versions": {**a_list(text()), "contains": {"const": "0.2"}},
    "name": text(minLength=1),
    "documentation": text(format="uri"),
    "serviceVersion": text(),
    "logo": text(),
    "defaultTypes": {**a_list(NAMED), "uniqueItems": True},
}
MANIFEST = {
    "0.2": an_object(
        {
            **COMMON,
            "identifierSpace": text(),
            "schemaSpace": text(),
            "view": an_object({"url": text(pattern=r"\{\{id\}\}")}),
            "suggest": an_object({"entity": SERVICE, "property": SERVICE, "type": SERVICE}),
            "preview": an_object(
                {"url": text(pattern=r"\{\{id\}\}"), "width": WHOLE, "height": WHOLE}
            ),
            "extend": an_object({"propose_properties": SERVICE, "property_settings": a_list({})}),
        }
    ),
    "1.0-draft": an_object(
        {
            **COMMON,
            "versions": {**a_list(text()), "contains": {"const": "1.0-draft"}},
            "view": an_object({"url": text(pattern=r"\{.*id.*\}")}),
            "suggest": an_object(
                {name: {"type": "boolean"} for name in ("entity", "property", "type")}
            ),
            "preview": an_object({"width": WHOLE, "height": WHOLE}),
            "extend": an_object({}, proposeProperties={"type": "boolean"}, propertySettings={}),
            "batchSize": WHOLE,
            "standardizedScore": {"const": True},
            "lang": text(),
        }
    ),
}
FEATURE = an_object(
    {"id": text(minLength=1), "name": text(minLength=1), "value": {"type": ["boolean", "number"]}}
)
CANDIDATES = a_list(
    an_object(
        {
            "id": text(pattern=f"^({'|'.join(KINDS)})/"),
            "name": text(minLength=1),
            "description": text(),
            "score": {"type": "number", "minimum": 0, "maximum": 100},
            "match": {"type": "boolean"},
            "type": a_list(NAMED),
            "features": a_list(FEATURE),
        }
    )
)
RESULTS = {
    "0.2": {"type": "object", "additionalProperties": an_object({"result": CANDIDATES})},
    "1.0-draft": only({"results": a_list(only({"candidates": CANDIDATES}))}),
}
META = a_list(an_object({"id": text(), "name": text(minLength=1)}, type=NAMED))


def values(**of_text: Any) -> dict[str, Any]:
    return a_list(
        {
            "oneOf": [
                only({}),
                only({"id": text(), "name": text()}),
                only({"str": text()}, **of_text),
                only({"float": {"type": "number"}}),
                only({"int": WHOLE}),
            ]
        }
    )


EXTENDED_ROWS = {
    "0.2": only(
        {
            "meta": META,
            "rows": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": values()},
            },
        }
    ),
    "1.0-draft": only(
        {
            "meta": META,
            "rows": a_list(
                only(
                    {
                        "id": text(),
                        "properties": a_list(only({"id": text(), "values": values(lang=text())})),
                    }
                )
            ),
        }
    ),
}
SUGGESTED = only({"result": a_list(an_object({"id": text(), "name": text()}))})
PROPOSED = an_object({"properties": a_list(NAMED), "type": text(), "limit": WHOLE})


def held(schema: dict[str, Any], value: Any) -> Any:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(value)
    return value


@pytest.fixture(scope="module")
def invented(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path], settings: Settings
) -> Iterator[TestClient]:
    out = tmp_path_factory.mktemp("reconcile")
    write_sample(out, extra=TWINS)
    with TestClient(create_app(out, settings)) as client:
        yield client


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    serving: Callable[[Path], AbstractContextManager[str]],
) -> Iterator[str]:
    """Return where the built-in facts are served over HTTP."""
    out = tmp_path_factory.mktemp("reconcile-built-in")
    release, _ = publish([folder("facts")], out, base=BASE)
    assert release is not None
    with serving(out) as found:
        yield found


def asked(client: TestClient, lang: str = "en", **query: Any) -> list[dict[str, Any]]:
    """Return the candidates of one query of version 0.2."""
    data = {"queries": json.dumps({"q0": query})}
    answer = client.post(f"/reconcile?lang={lang}", data=data)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = held(RESULTS["0.2"], answer.json())["q0"]["result"]
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    return found


def features(candidate: dict[str, Any]) -> dict[str, Any]:
    return {one["id"]: one["value"] for one in candidate["features"]}


def certain(found: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in found if one["match"]]


# --- both versions -------------------------------------------------------------------------------


def test_one_manifest_is_for_both_versions(invented: TestClient) -> None:
    found = held(MANIFEST["0.2"], invented.get("/reconcile").json())
    other = held(MANIFEST["1.0-draft"], invented.get("/reconcile?version=1.0-draft").json())
    for name, of_2, of_draft in (
        ("view", "doc/{{id}}", "doc/{id}"),
        ("preview", "reconcile/preview?id={{id}}", "reconcile/preview?id={id}"),
    ):
        assert found.pop(name)["url"] == f"http://testserver/{of_2}"
        assert other.pop(name)["url"] == f"http://testserver/{of_draft}"
    assert found.pop("suggest") != other.pop("suggest")
    assert found == other
    assert found["identifierSpace"] == f"{BASE}id/"
    assert {one["id"] for one in found["defaultTypes"]} >= {"State", "Person", "Place"}


def test_what_the_manifest_leads_to_keeps_the_language(invented: TestClient) -> None:
    query = {"queries": json.dumps({"q0": {"query": "Mill Town talks", "type": "Event"}})}
    for lang, mark, name in (("bn", "বর্ণিত: ", "নাম"), ("hi", "वर्णित: ", "नाम")):
        for address in (f"/reconcile?lang={lang}", f"/reconcile/{lang}", f"/reconcile/{lang}/"):
            answer = invented.get(address, headers={"Accept-Language": "en"})
            assert answer.headers["content-language"] == lang
            found = held(MANIFEST["0.2"], answer.json())
            assert found["lang"] == lang
            assert found["view"]["url"] == f"http://testserver/doc/{{{{id}}}}?lang={lang}"
            posted = invented.post(address, data=query)
            assert posted.headers["content-language"] == lang
            assert posted.json()["q0"]["result"][0]["name"].startswith(mark)
            invented.cookies.clear()  # a browser would know the language by now
            card = found["preview"]["url"].replace("{{id}}", "event/mill-talks")
            assert mark in invented.get(card).text
            services = [*found["suggest"].values(), found["extend"]["propose_properties"]]
            urls = [one["service_url"] + one["service_path"] for one in services]
            things, properties, types, proposed = [
                invented.get(f"{url}?prefix={prefix}")
                for url, prefix in zip(urls, ("Mill", "label", "State", ""), strict=True)
            ]
            for one in (things, properties, types, proposed):
                assert one.headers["content-language"] == lang
            assert mark in things.text
            assert name in properties.json()["result"][0]["name"]
            invented.cookies.clear()
        match = {"queries": [{"conditions": [{"matchType": "name", "v": "Mill Town talks"}]}]}
        draft = invented.post(f"/reconcile/{lang}/match", json=match)
        assert mark in draft.text
        page = invented.get("/reconcile", headers={"Accept": "text/html", "Accept-Language": lang})
        assert f"http://testserver/reconcile/{lang}<" in page.text
    assert invented.get("/reconcile").headers["content-language"] == "en"
    assert invented.options("/reconcile/bn/match").headers["allow"] == "POST, OPTIONS"
    for path in (
        "bn/flyout",
        "xx",
        "map",
        "xx/suggest/type?prefix=",
        "xx/preview?id=agent/arvenia",
    ):
        assert invented.get(f"/reconcile/{path}").status_code == 404, path
    russian = invented.get("/reconcile/ru")
    assert russian.headers["content-language"] == "en, ru"
    assert russian.json()["suggest"]["entity"]["service_url"] == "http://testserver/reconcile/ru"


def test_addresses_and_spellings_of_earlier_drafts_are_taken(invented: TestClient) -> None:
    new = {
        "matchType": "property",
        "propertyId": "type",
        "propertyValue": ["State", "Place"],
        "matchQuantifier": "all",
        "matchQualifier": "",
        "required": True,
    }
    old = {
        "match_type": "property",
        "property_id": "type",
        "v": ["State", "Place"],
        "match_quantifier": "all",
        "match_qualifier": "",
        "required": True,
    }
    for condition, name in ((new, "matchType"), (old, "match_type")):
        for quantifier, there in (("any", True), ("all", False), ("none", False)):
            how = "matchQuantifier" if condition is new else "match_quantifier"
            query = [{name: "name", "v": "Arvenia"}, {**condition, how: quantifier}]
            for path in ("/reconcile/match", "/reconcile/reconcile", "/reconcile/match/"):
                answer = invented.post(path, json={"queries": [{"conditions": query}]})
                [found] = held(RESULTS["1.0-draft"], answer.json())["results"]
                ids = [one["id"] for one in found["candidates"]]
                assert ("agent/arvenia" in ids) is there, (path, query)
    form = {"queries": json.dumps({"q0": {"query": "Arvenia"}})}
    assert certain(invented.post("/reconcile/", data=form).json()["q0"]["result"])
    by_id = [{"matchType": "id", "propertyValue": ["agent/arvenia", "Mill Town", "Q1"]}]
    answer = invented.post("/reconcile/match", json={"queries": [{"conditions": by_id}]})
    [found] = answer.json()["results"]
    assert certain(found["candidates"]) == ["agent/arvenia"]
    assert len(found["candidates"]) == 1
    not_it = [{**by_id[0], "matchQuantifier": "none", "required": True}]
    query = [{"matchType": "name", "propertyValue": "Arvenia"}, *not_it]
    answer = invented.post("/reconcile/match", json={"queries": [{"conditions": query}]})
    assert '"agent/arvenia"' not in answer.text


def test_what_openrefine_sends_is_answered(address: str) -> None:
    """As its StandardReconConfig, DataExtension and suggest widgets do, over HTTP."""

    def get(url: str, **parameters: str) -> Any:
        mark = "&" if "?" in url else "?"
        request = Request(
            url + (mark + urlencode(parameters) if parameters else ""),
            headers={
                "Accept": "application/json, text/javascript, */*; q=0.01",
                "Origin": "http://127.0.0.1:3333",
            },
        )
        with urlopen(request) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            return json.load(answer)

    def post(url: str, **fields: Any) -> Any:
        data = urlencode({name: json.dumps(value) for name, value in fields.items()}).encode()
        headers = {"Content-Type": f"{FORM}; charset=UTF-8", "Accept": "*/*"}
        with urlopen(Request(url, data, headers)) as answer:
            return json.load(answer)

    base = f"{address}/reconcile"
    manifest = held(MANIFEST["0.2"], get(base))

    guessed = post(base, queries={f"q{n}": {"query": q, "limit": 3} for n, q in enumerate(NAMES)})
    held(RESULTS["0.2"], guessed)
    assert {one["id"] for some in guessed.values() for one in some["result"][0]["type"]} >= {
        "State",
        "Person",
    }

    batch = {
        f"q{n}": {
            "query": name,
            "type": "State",
            "type_strict": "should",
            "properties": [{"pid": "wikidata", "v": "Q423"}] if "Korea" in name else [],
        }
        for n, name in enumerate(NAMES)
    }
    for one in batch.values():  # empty lists are left out
        if not one["properties"]:
            del one["properties"]
    found = held(RESULTS["0.2"], post(base, queries=batch))
    assert list(found) == list(batch)
    best = {NAMES[int(key[1:])]: some["result"][0] for key, some in found.items()}
    assert (best["North Korea"]["id"], best["North Korea"]["match"]) == ("agent/north-korea", True)
    assert best["उत्तर कोरिया"]["id"] == "agent/north-korea"
    assert best["Kim Jong Un"]["match"] is False  # no state

    view = manifest["view"]["url"].replace("{{id}}", quote("agent/north-korea", safe=""))
    with urlopen(Request(view, headers={"Accept": "text/html"})) as page:
        assert "North Korea" in page.read().decode()

    def suggest(what: str, prefix: str) -> list[Any]:
        service = manifest["suggest"][what]
        url = service["service_url"] + service["service_path"]
        some: list[Any] = held(SUGGESTED, get(url, prefix=prefix))["result"]
        return some

    for prefix in ("Mosc", "মস্ক", "मॉस्क", "agent/russia"):
        assert suggest("entity", prefix), prefix
    assert suggest("type", "sta")[0]["id"] == "State"
    assert suggest("property", "count")[0]["id"] == "country"

    proposing = manifest["extend"]["propose_properties"]
    proposals = held(
        PROPOSED, get(proposing["service_url"] + proposing["service_path"], type="State")
    )
    ids = [one["id"] for one in proposals["properties"]]
    assert {"label-bn", "label-hi", "wikidata", "country", "claims"} <= set(ids)
    assert "latitude" not in ids

    wanted = [{"id": one, "settings": {}} for one in ("label-bn", "wikidata", "country", "claims")]
    rows = held(
        EXTENDED_ROWS["0.2"],
        post(base, extend={"ids": ["agent/north-korea", "place/moscow"], "properties": wanted}),
    )["rows"]
    assert rows["agent/north-korea"]["wikidata"] == [{"str": "Q423"}]
    assert rows["place/moscow"]["country"] == [{"id": "agent/russia", "name": "Russia"}]
    assert rows["place/moscow"]["label-bn"] == [{"str": "মস্কো"}]

    card = manifest["preview"]["url"].replace("{{id}}", quote("agent/north-korea", safe=""))
    with urlopen(card) as page:
        assert "Q423" in page.read().decode()


NAMES = (
    "North Korea",
    "Russia",
    "Kim Jong Un",
    "উত্তর কোরিয়া",
    "उत्तर कोरिया",
    "मॉस्को",
    "Moscow",
    "Vladimir Putin",
    "Joe Biden",
    "United States",
)


INFLECTED = {
    "মস্কোর": "place/moscow",
    "রাশিয়ার": "agent/russia",
    "উত্তর কোরিয়ার": "agent/north-korea",
    "পুতিনের": "agent/vladimir-putin",
    "रूस के": "agent/russia",
    "रूस ने": "agent/russia",
    "России": "agent/russia",
    "Москвы": "place/moscow",
    "Северной Кореи": "agent/north-korea",
    "Соединенных Штатов": "agent/united-states",
    "한국의": "agent/south-korea",
}
LONGER = {
    "President Putin": "agent/vladimir-putin",
    "Russian President Vladimir Putin": "agent/vladimir-putin",
    "रूसी राष्ट्रपति पुतिन ने": "agent/vladimir-putin",
    "Mr. Putin": "agent/vladimir-putin",
    "Russia (country)": "agent/russia",
    "The White House": "agent/us-executive",
    "the Kremlin": "agent/russian-presidency",
    "Seoul, South Korea": "place/seoul",
}
"""Names with more than the name of what they mean."""
OF_MANY = ("रक्षा मंत्रालय", "NIS", "Kim", "kim", "किम", "us", "un", "Moscow", "Washington", "Seoul")
"""Names of one thing in this release, and of others anywhere else."""


def test_names_with_case_endings_or_more_words_find_their_thing(address: str) -> None:
    def results(**more: Any) -> list[list[dict[str, Any]]]:
        names = [*INFLECTED, *LONGER, *OF_MANY, "रूस"]
        found = []
        for begin in range(0, len(names), BATCH):
            some = {one: {"query": one, **more} for one in names[begin : begin + BATCH]}
            data = urlencode({"queries": json.dumps(some)}).encode()
            with urlopen(f"{address}/reconcile", data) as answer:
                found += [one["result"] for one in json.load(answer).values()]
        return found

    names = list({**INFLECTED, **LONGER}.items())
    for (name, thing), found in zip(names, results(), strict=False):
        assert found[0]["id"] == thing, name
        assert features(found[0])["inflected"] == (name in INFLECTED), name
        assert features(found[0])["shortened"] == (name in LONGER), name
    every = results()
    assert not any(one["match"] for found in every[:-1] for one in found)
    assert every[-1][0]["match"]
    among = dict(zip(names, results(type="state"), strict=False))
    assert among["রাশিয়ার", "agent/russia"][0]["id"] == "agent/russia"
    assert among["Seoul, South Korea", "place/seoul"][0]["id"] == "agent/south-korea"


def test_the_draft_has_json_and_lists(invented: TestClient) -> None:
    queries = [
        {"type": "State", "conditions": [{"matchType": "name", "propertyValue": "Arvenia"}]},
        {"conditions": [{"matchType": "name", "v": ["Nothing", "Mira Odan"]}], "limit": 1},
        {
            "conditions": [
                {"matchType": "name", "propertyValue": "Town"},
                {
                    "matchType": "property",
                    "propertyId": "country",
                    "propertyValue": {"id": "agent/bostmark", "name": "Bostmark"},
                    "required": True,
                },
            ]
        },
        {
            "conditions": [
                {"matchType": "name", "propertyValue": "Arvenia"},
                {
                    "matchType": "property",
                    "pid": "type",
                    "v": ["State"],
                    "matchQuantifier": "none",
                    "required": True,
                },
            ]
        },
    ]
    answer = invented.post("/reconcile/match", json={"queries": queries})
    found = held(RESULTS["1.0-draft"], answer.json())["results"]
    ids = [[one["id"] for one in some["candidates"]] for some in found]
    assert ids[0] == ["agent/arvenia"]
    assert ids[1] == ["agent/mira-odan"]
    assert ids[2] == ["place/mill-town"]
    assert "agent/arvenia" not in ids[3]
    assert invented.post("/reconcile", json={"queries": queries}).json() == answer.json()

    wanted = {"ids": ["place/bost-city"], "properties": [{"id": "label-bn"}, {"id": "latitude"}]}
    rows = held(EXTENDED_ROWS["1.0-draft"], invented.post("/reconcile/extend", json=wanted).json())[
        "rows"
    ]
    assert rows == [
        {
            "id": "place/bost-city",
            "properties": [
                {"id": "label-bn", "values": [{"str": "বস্ট সিটি", "lang": "bn"}]},
                {"id": "latitude", "values": [{"float": 12.5}]},
            ],
        }
    ]


def test_what_says_nothing_is_no_constraint(invented: TestClient) -> None:
    assert certain(asked(invented, query="Arvenia", type="", limit=1000)) == ["agent/arvenia"]
    assert certain(asked(invented, query="Arvenia", type=[""])) == ["agent/arvenia"]
    match = {"queries": [{"type": "", "conditions": [NAME]}]}
    [found] = invented.post("/reconcile/match", json=match).json()["results"]
    assert certain(found["candidates"]) == ["agent/arvenia"]
    wanted = {"ids": ["agent/arvenia"], "properties": [{"id": "label-bn", "settings": None}]}
    assert "আরভেনিয়া" in invented.post("/reconcile/extend", json=wanted).text
    assert len(asked(invented, query="a", limit=1000)) <= LIMIT


def test_numbers_are_compared_as_numbers(invented: TestClient) -> None:
    city = {"query": "Bost City", "type": "Place"}
    for value, met in ((12.5, True), ("12.50", True), (12.500001, False), (13, False)):
        some = [{"pid": "latitude", "v": value}]
        assert features(asked(invented, **city, properties=some)[0])["property:latitude"] is met
    for number in (1234567.0, 12345678, 0.1234567891, 1e21):
        text_, want = batches._value(number, ""), number
        assert float(text_) == want, text_


def test_what_is_asked_by_get_is_what_is_asked_by_post(invented: TestClient) -> None:
    form = {"queries": json.dumps({"a b": {"query": "Arvenia"}})}
    posted, got = invented.post("/reconcile", data=form), invented.get("/reconcile", params=form)
    assert posted.json() == got.json()
    assert posted.headers["cache-control"] == "no-store"
    same = invented.get("/reconcile", params=form, headers={"If-None-Match": got.headers["etag"]})
    assert same.status_code == 304


# --- what is certain -----------------------------------------------------------------------------


def test_only_a_name_that_one_thing_has_is_matched(invented: TestClient) -> None:
    assert certain(asked(invented, query="arvenia ")) == ["agent/arvenia"]
    assert certain(asked(invented, query="আরভেনিয়া")) == ["agent/arvenia"]
    twins = asked(invented, query="Harbour Guild")
    assert {one["id"] for one in twins[:2]} == {"agent/harbour-guild", "place/harbour-guild"}
    assert {one["score"] for one in twins[:2]} == {100.0}
    assert certain(twins) == []
    assert certain(asked(invented, query="Harbour Guild", type="Place")) == ["place/harbour-guild"]
    should = asked(invented, query="Harbour Guild", type="Place", type_strict="should")
    assert len(should) > 1
    assert certain(should) == []
    for near in ("Arveni", "Arvania", "Árvenia", "Mira-Odan", "আরভেনিয়ার"):
        found = asked(invented, query=near)
        assert found, near
        assert certain(found) == [], near


def test_a_name_that_others_may_have_is_matched_by_nobody(invented: TestClient) -> None:
    def of(query: str, country: str = "", **more: Any) -> list[str]:
        if country:
            more["properties"] = [{"pid": "country", "v": country}]
        return certain(asked(invented, query=query, **more))

    # Another name of one word, unless something confirms it; not where others have the word
    assert asked(invented, query="HN")[0]["id"] == "agent/harbour-news"
    assert of("HN") == of("Tovin") == of("Dara") == []
    assert of("Tovin", "Bostmark") == ["agent/tovin"]
    assert of("Tovin", "Cordia") == []
    assert of("Dara", "Cordia") == []
    assert of("Dara Venn") == ["agent/dara-venn"]
    # Letters of an acronym are as they are written
    assert of("OLS") == ["agent/ols"]
    assert of("ols") == []
    assert asked(invented, query="ols")[0]["score"] < 100
    for query, there in (("OLS archive", True), ("ols archive", False)):
        ids = [one["id"] for one in asked(invented, query=query)]
        assert ("agent/ols" in ids) is there, query
    # The name of a place stands for who sits there as well
    assert of("Bost City") == of("Bost City", "Bostmark") == []
    assert of("Bost City", type="Place") == ["place/bost-city"]
    # Each state has such a body: its English name, one that names the state, or its state
    assert of("Border Guard Service") == of("आरवेनिया की सीमा सेवा") == ["agent/arvenian-guard"]
    assert of("Border Guard of Arvenia") == ["agent/arvenian-guard"]
    assert of("सीमा सेवा") == of("সীমান্ত সেবা") == of("BGS") == []
    assert of("सीमा सेवा", "आरवेनिया") == of("BGS", "Arvenia") == ["agent/arvenian-guard"]
    assert of("सीमा सेवा", "Cordia") == []


def test_what_is_certain_is_so_among_all_that_was_found(invented: TestClient) -> None:
    for limit in (1, 2):
        assert certain(asked(invented, query="Harbour Guild", limit=limit)) == []
    # An identifier of another type
    assert asked(invented, query="agent/arvenia", type="Person") == []
    found = asked(invented, query="agent/arvenia", type="Person", type_strict="should")
    assert (found[0]["id"], certain(found)) == ("agent/arvenia", [])


def test_similar_names_are_for_what_has_no_name_like_the_text(invented: TestClient) -> None:
    exact = asked(invented, query="Harbour Guild", type="Place")[0]
    assert features(exact)["likeness"] == 100
    near = asked(invented, query="Harbour Guld")
    assert all(60 < features(one)["likeness"] < 100 for one in near[:2])
    ids = [one["id"] for one in near]
    assert {"agent/harbour-guild", "agent/harbour-gild"} <= set(ids)
    assert "agent/harbour-gild" not in {o["id"] for o in asked(invented, query="Harbour Guild")}


def test_what_does_not_have_the_type_is_not_certain(invented: TestClient) -> None:
    assert asked(invented, query="Arvenia", type="Person") == []
    assert asked(invented, query="Arvenia", type="Vehicle") == []
    for name in ("State", "state", "ch:State", "রাষ্ট্র", "राष्ट्र"):
        assert certain(asked(invented, query="Arvenia", type=name)) == ["agent/arvenia"], name
    refused = sent(invented, "queries", {"q0": {**ONE, "type": "Stat"}})
    assert "type is 'Stat'; expected a class, such as" in refused.json()["detail"]
    assert "State" in refused.json()["detail"]
    found = asked(invented, query="Arvenia", type="Person", type_strict="should")
    assert found[0]["id"] == "agent/arvenia"
    assert (found[0]["match"], features(found[0])["type"]) == (False, False)
    both = asked(invented, query="Arvenia", type=["Person", "State"])
    assert certain(both) == ["agent/arvenia"]
    assert asked(invented, query="Arvenia", type=["Person", "State"], type_strict="all") == []
    above = asked(invented, query="Arvenia", type=["Agent", "State"], type_strict="all")
    assert certain(above) == ["agent/arvenia"]


def test_properties_that_are_not_met_leave_the_choice(invented: TestClient) -> None:
    right = [{"pid": "wikidata", "v": "https://www.wikidata.org/wiki/Q1"}]
    wrong = [{"pid": "wikidata", "v": "Q2"}]
    met, unmet = (asked(invented, query="Arvenia", properties=some)[0] for some in (right, wrong))
    assert (met["id"], met["match"], features(met)["property:wikidata"]) == (
        "agent/arvenia",
        True,
        True,
    )
    assert (unmet["match"], features(unmet)["property:wikidata"]) == (False, False)
    assert unmet["score"] < met["score"]
    town = {"query": "Mill Town", "type": "Place"}
    for name in ("বস্টমার্ক", "Bostmark", "BMK", "agent/bostmark", {"id": "agent/bostmark"}):
        named = asked(invented, **town, properties=[{"pid": "country", "v": name}])
        assert certain(named) == ["place/mill-town"], name
    other = asked(invented, **town, properties=[{"pid": "country", "v": "Cordia"}])
    assert certain(other) == []
    both = asked(invented, query="Arvenia", properties=[*right, *wrong])[0]
    assert (both["match"], features(both)["property:wikidata"]) == (False, False)
    assert len(both["features"]) == len(features(both))
    unknown = asked(invented, **town, properties=[{"pid": "nope", "v": 1}])
    assert certain(unknown) == []


def test_properties_alone_find_what_has_them(invented: TestClient) -> None:
    item = asked(invented, properties=[{"pid": "wikidata", "v": ["Q1", "Q2"]}])
    assert [one["id"] for one in item] == ["agent/arvenia"]
    assert certain(item) == []
    there = asked(invented, properties=[{"pid": "country", "v": {"id": "agent/bostmark"}}])
    assert {"place/mill-town", "agent/bostmark"} <= {one["id"] for one in there}
    by_name = asked(invented, properties=[{"pid": "locatedIn", "v": "Bostmark"}])
    assert [one["id"] for one in by_name] == ["place/mill-town"]
    for name in ("description", "label", "iri", "type"):
        alone = {"properties": [{"pid": name, "v": "minister"}]}
        refused = sent(invented, "queries", {"q0": alone})
        assert refused.status_code == 400
        assert "expected one of wikidata, country, locatedIn" in refused.json()["detail"]


def test_an_identifier_finds_its_thing(invented: TestClient) -> None:
    for name in ("agent/arvenia", f"{BASE}id/agent/arvenia"):
        found = asked(invented, query=name)
        assert (found[0]["id"], found[0]["score"]) == ("agent/arvenia", 100.0)
        prefix = invented.get("/reconcile/suggest/entity", params={"prefix": name}).json()
        assert prefix["result"][0]["id"] == "agent/arvenia"
    for name in (
        "http://testserver/doc/agent/arvenia",
        "http://testserver/doc/agent%2Farvenia?x#y",
    ):
        assert certain(asked(invented, query=name)) == ["agent/arvenia"]
    for name in ("Q1", "wd:Q1", "https://www.wikidata.org/wiki/Q1"):
        assert certain(asked(invented, query=name)) == ["agent/arvenia"]
    assert asked(invented, query="Q2") == []
    assert asked(invented, query="claim/0000000000000001") == []


# --- nothing is asserted -------------------------------------------------------------------------


def test_what_is_only_described_comes_last_with_its_mark(invented: TestClient) -> None:
    marks = {"en": "Described: ", "bn": "বর্ণিত: ", "hi": "वर्णित: "}
    for lang in INTERFACE:
        found = asked(invented, lang, query="Mill Town")
        kinds = [one["id"].partition("/")[0] for one in found]
        assert kinds[0] == "place"
        assert {"event", "relation"} <= set(kinds)
        described = [one for one in found if one["id"].startswith(("event/", "relation/"))]
        assert all(one["name"].startswith(marks[lang]) for one in described)
        assert all(features(one)["described"] for one in described)
        assert min(o["score"] for o in found if o not in described) > max(
            one["score"] for one in described
        )
        assert all(one["description"].count("·") for one in described)  # the positions on it
    exact = asked(invented, query="Mill Town talks")
    assert (exact[0]["id"], certain(exact)) == ("event/mill-talks", [])
    wanted = asked(invented, query="Mill Town talks", type="Event")
    assert (wanted[0]["score"], certain(wanted)) == (100.0, ["event/mill-talks"])
    # Last, even after what is hardly meant; and not there beside another type
    guess = asked(
        invented,
        query="Mill Town talks",
        type=["Event", "State"],
        properties=[{"pid": "country", "v": "Cordia"}],
    )
    assert guess[0]["id"] == "event/mill-talks"
    for strict in ("any", "should"):
        found = asked(invented, query="Mill Town talks", type="State", type_strict=strict)
        assert not any(features(one)["described"] for one in found), strict
    both = asked(invented, query="Guild Square", type=["Event", "Place"])
    assert [(one["id"], one["score"]) for one in both[:2]] == [
        ("place/guild-square", 100.0),
        ("event/guild-square", 100.0),
    ]
    unmet = [{"pid": name, "v": "Q9"} for name in ("wikidata", "country")]
    poor = asked(invented, query="Mill Towm", properties=unmet)
    assert [features(one)["described"] for one in poor][:2] == [False, True]


def test_who_takes_which_position_is_said(invented: TestClient) -> None:
    found = asked(invented, query="Delivery of radar parts", type="Event")[0]
    assert found["name"].startswith("Described: ")
    for part in ("affirms: ", "denies: Arvenian foreign ministry"):
        assert part in found["description"]


def test_what_is_planned_or_contested_is_said_to_be_so(invented: TestClient) -> None:
    handover = {"query": "Handover of radar equipment", "type": "Event"}
    found = asked(invented, **handover)[0]
    assert found["id"] == "event/radar-handover"
    begin = "event · Derived status: contested · As: planned · affirms: "
    assert found["description"].startswith(begin)
    assert (
        "As: "
        not in asked(invented, query="Delivery of radar parts", type="Event")[0]["description"]
    )
    [one] = invented.get("/reconcile/suggest/entity?prefix=Handover of radar").json()["result"]
    assert one["description"].startswith(begin)
    for lang, status, modality in (("bn", "বিতর্কিত", "পরিকল্পনাধীন"), ("hi", "विवादित", "योजना में")):
        text = asked(invented, lang, **handover)[0]["description"]
        card = invented.get(f"/reconcile/preview?id=event/radar-handover&lang={lang}").text
        for words in (status, modality):
            assert words in text
            assert words in card
        assert "status-contested" in card
    extend = {
        "ids": ["event/radar-handover", "agent/arvenia"],
        "properties": [{"id": "status"}, {"id": "modality"}],
    }
    rows = invented.post("/reconcile", data={"extend": json.dumps(extend)}).json()["rows"]
    assert rows == {
        "event/radar-handover": {
            "status": [{"str": "contested"}],
            "modality": [{"str": "planned"}],
        },
        "agent/arvenia": {"status": [], "modality": []},
    }
    answer = invented.post("/reconcile/extend?lang=hi", json=extend).json()["rows"]
    held(EXTENDED_ROWS["1.0-draft"], {"meta": [], "rows": answer})
    assert answer[0]["properties"][0]["values"] == [{"str": "विवादित", "lang": "hi"}]
    for value, met in (("planned", True), ("actual", False), ("পরিকল্পনাধীন", True)):
        [one, *_] = asked(invented, **handover, properties=[{"pid": "modality", "v": value}])
        assert features(one)["property:modality"] is met


def test_values_are_of_the_registry_and_claims_are_numbers(invented: TestClient) -> None:
    wanted = ("label", "wikidata", "locatedIn", "country", "claims", "description", "kind", "iri")
    ids = ["relation/mill", "event/radar-delivery", "agent/arvenian-ministry", "place/bost-city"]
    extend = {"ids": ids, "properties": [{"id": one} for one in wanted]}
    data = {"extend": json.dumps(extend)}
    answer = held(EXTENDED_ROWS["0.2"], invented.post("/reconcile", data=data).json())
    rows = answer["rows"]
    # A document's graph says where it lies: that is no fact of the registry.
    assert rows["relation/mill"]["locatedIn"] == rows["relation/mill"]["country"] == []
    assert rows["relation/mill"]["label"] == [{"str": "Described: Arvenia owns Mill Town"}]
    labels = [one["str"] for one in rows["event/radar-delivery"]["label"]]
    assert labels[0].startswith("Described: ")
    assert any(one.startswith("বর্ণিত: ") for one in labels)
    assert rows["event/radar-delivery"]["claims"][0]["int"] > 1
    assert rows["agent/arvenian-ministry"]["claims"] == [{"int": 1}]
    assert rows["agent/arvenian-ministry"]["country"] == [
        {"id": "agent/arvenia", "name": "Arvenia"}
    ]
    extend = {"ids": ["agent/ols"], "properties": [{"id": "claims"}]}
    counted = invented.post("/reconcile", data={"extend": json.dumps(extend)}).json()["rows"]
    assert counted["agent/ols"]["claims"] == [{"int": 1}]  # by it and about it
    assert rows["place/bost-city"]["wikidata"] == []  # it is a link, but to something else
    assert rows["place/bost-city"]["iri"] == [{"str": f"{BASE}id/place/bost-city"}]


def test_what_only_a_document_says_is_no_value(invented: TestClient) -> None:
    names = ("alias", "actsFor", "country", "description")
    extend = {"ids": ["agent/mira-odan"], "properties": [{"id": one} for one in names]}
    data = {"extend": json.dumps(extend)}
    found = invented.post("/reconcile", data=data).json()["rows"]["agent/mira-odan"]
    assert {one["str"] for one in found["alias"]} == {"M. Odan", "মিরা ওদান"}
    assert [one["id"] for one in found["actsFor"]] == ["agent/arvenian-ministry"]
    assert [one["id"] for one in found["country"]] == ["agent/arvenia"]
    assert "Spy" not in str(found["description"])
    for name, met in (("BMK", True), ("Bosty", False)):
        town = {"query": "Mill Town", "properties": [{"pid": "country", "v": name}]}
        assert features(asked(invented, **town)[0])["property:country"] is met


def test_what_is_gone_does_not_show(invented: TestClient) -> None:
    assert "agent/gone" not in {one["id"] for one in asked(invented, query="Gone Ministry")}
    assert asked(invented, query="agent/gone") == []
    found = invented.get("/reconcile/suggest/entity?prefix=Gone").json()["result"]
    assert "agent/gone" not in {one["id"] for one in found}
    assert invented.get("/reconcile/preview?id=agent/gone").status_code == 404
    data = {"extend": '{"ids": ["agent/gone"], "properties": [{"id": "label"}]}'}
    assert invented.post("/reconcile", data=data).json()["rows"] == {"agent/gone": {"label": []}}


# --- suggestions, cards, the page ----------------------------------------------------------------


def test_suggestions_go_on_where_the_last_ended(invented: TestClient) -> None:
    def suggest(what: str, **parameters: Any) -> list[str]:
        answer = invented.get(f"/reconcile/suggest/{what}", params=parameters)
        return [one["id"] for one in held(SUGGESTED, answer.json())["result"]]

    for what in ("entity", "type", "property"):
        prefix = "a" if what == "entity" else ""
        every = suggest(what, prefix=prefix, limit=100)
        assert len(every) == len(set(every)) > 4
        for name in ("cursor", "offset"):
            parts = [suggest(what, prefix=prefix, limit=2, **{name: at}) for at in (0, 2)]
            assert parts[0] + parts[1] == every[:4]
    assert suggest("entity", prefix="মীরা") == ["agent/mira-odan"]
    assert suggest("type", prefix="রাষ্ট্র") == ["State", "Agent"]
    assert suggest("property", prefix="দেশ") == ["country"]
    assert suggest("entity", prefix="") == []
    marked = invented.get("/reconcile/suggest/entity?prefix=Mill").json()["result"]
    assert marked[0]["id"] == "place/mill-town"
    assert all(
        one["name"].startswith("Described: ")
        for one in marked
        if one["id"].startswith(("event/", "relation/"))
    )


def test_only_a_card_may_stand_in_a_frame(invented: TestClient) -> None:
    for lang, mark in (("en", "described: "), ("bn", "বর্ণিত: "), ("hi", "वर्णित: ")):
        card = invented.get(f"/reconcile/preview?id=event/radar-delivery&lang={lang}")
        again = invented.get(f"/reconcile/preview?id=event/radar-delivery&lang={lang}")
        for one in (card, again):
            assert one.headers["content-security-policy"].endswith("frame-ancestors *")
            assert "default-src 'self'" in one.headers["content-security-policy"]
        assert mark in card.text
        assert "<script" not in card.text
        assert f'<html lang="{lang}">' in card.text
    assert "/doc/agent/arvenian-ministry" in card.text  # who denies it
    item = invented.get("/reconcile/preview?id=agent%2Farvenia").text
    assert "http://www.wikidata.org/entity/Q1" in item
    assert "আরভেনিয়া" in item
    for lang, words in (("en", "Not in this release"), ("bn", "এই রিলিজে নেই")):
        gone = invented.get(f"/reconcile/preview?id=agent/nope&lang={lang}")
        assert gone.status_code == 404
        assert gone.headers["content-security-policy"].endswith("frame-ancestors *")
        assert words in gone.text
        assert "agent/nope" in gone.text
    for other in ("/reconcile", "/doc/agent/arvenia", "/reconcile/preview"):
        policy = invented.get(other).headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'none'"), other


def test_a_browser_gets_a_page_on_which_a_name_can_be_tried(
    invented: TestClient, walk: Any
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    for lang in INTERFACE:
        page = invented.get(f"/reconcile?q=Mill+Town&type=&lang={lang}", headers=browser)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "http://testserver/reconcile" in page.text
        assert "place/mill-town" in page.text
        assert "event/mill-talks" in page.text
        assert walk(page.text).bare({"Mill Town talks", "Arvenia owns Mill Town"}) == []
        assert f'lang="{lang}"' in page.text
    assert "Accept" in page.headers["vary"]
    assert invented.get("/reconcile", headers={"Accept": "*/*"}).json()["versions"]
    assert invented.get("/reconcile", headers={"Accept": "image/png"}).status_code == 406
    assert 'href="/reconcile"' in invented.get("/download", headers=browser).text


# --- what is refused -----------------------------------------------------------------------------

ONE = {"query": "Arvenia"}
NAME = {"matchType": "name", "propertyValue": "Arvenia"}
WRONG: list[tuple[str, Any, str]] = [
    ("queries", [], "queries is []; expected an object"),
    ("queries", {"q0": 1}, "queries.q0 is 1; expected an object"),
    ("queries", {"q0": {}}, "queries.q0 is {}; expected a query, or properties"),
    ("queries", {"q0": {"query": 5}}, "queries.q0.query is 5; expected a text"),
    ("queries", {"q0": {"query": "x" * 1001}}, "has 1,001 characters; expected at most 1,000"),
    ("queries", {"q0": {"query": None}}, "queries.q0.query is null; expected a text"),
    ("queries", {"q0": {"properties": [{"pid": "x", "v": 1, "w": 2}]}}, 'has a field "w"'),
    ("extend", {"ids": [], "properties": [{"id": "x", "settings": 1}]}, "settings is 1; expected"),
    ("queries", {"q0": {**ONE, "limit": 0}}, "queries.q0.limit is 0"),
    ("queries", {"q0": {**ONE, "limit": True}}, "queries.q0.limit is true"),
    ("queries", {"q0": {**ONE, "limit": 1.5}}, "queries.q0.limit is 1.5"),
    ("queries", {"q0": {**ONE, "type": 1}}, "queries.q0.type is 1; expected a list"),
    ("queries", {"q0": {**ONE, "type_strict": "x"}}, "expected any, should or all"),
    ("queries", {"q0": {**ONE, "what": 1}}, 'queries.q0 has a field "what"; expected only query'),
    ("queries", {"q0": {"properties": [{"v": 1}]}}, "properties[0].pid is missing"),
    ("queries", {"q0": {"properties": [{"pid": "x"}]}}, "properties[0].v is missing"),
    ("queries", {"q0": {"properties": [{"pid": "", "v": 1}]}}, "expected the id of a property"),
    ("queries", {str(n): ONE for n in range(BATCH + 1)}, "has 51; expected at most 50 queries"),
    ("extend", {"ids": []}, "extend.properties is missing; expected a list"),
    ("extend", {"ids": [1], "properties": []}, "extend.ids[0] is 1; expected a text"),
    ("extend", {"ids": [], "properties": [{"id": "nope"}]}, 'is "nope"; expected one of label'),
    ("extend", {"ids": [], "properties": ["x"]}, "extend.properties[0] is"),
    ("extend", {"ids": ["x"] * (EXTENDED + 1), "properties": []}, "extend.ids has 101"),
    ("extend", {"ids": [], "properties": [{"id": "x"}] * (COLUMNS + 1)}, "properties has 31"),
    ("match", {}, "expected an object with"),
    ("match", [], "the request is []; expected an object"),
    ("match", {"queries": {}}, "queries is {}; expected a list"),
    ("match", {"queries": [{"conditions": []}]}, "expected one condition or more"),
    ("match", {"queries": [{"conditions": [{}]}]}, "matchType is missing; expected name, prop"),
    ("match", {"queries": [{"conditions": [{**NAME, "x": 1}]}]}, 'has a field "x"'),
    (
        "match",
        {"queries": [{"conditions": [{**NAME, "match_quantifier": "some"}]}]},
        "match_quantifier is",
    ),
    ("match", {"queries": [{"conditions": [NAME], "type": ["x"]}]}, "type is ["),
    ("match", {"queries": [{"conditions": [NAME], "query": "x"}]}, 'has a field "query"'),
    (
        "match",
        {"queries": [{"conditions": [{**NAME, "matchQuantifier": "some"}]}]},
        "expected any, all or none",
    ),
    (
        "match",
        {"queries": [{"conditions": [{"matchType": "property", "propertyValue": 1}]}]},
        "conditions[0].propertyId is missing",
    ),
]


def sent(client: TestClient, where: str, value: Any) -> Any:
    if where in ("queries", "extend"):
        return client.post("/reconcile", data={where: json.dumps(value)})
    return client.post(f"/reconcile/{where}", json=value)


@pytest.mark.parametrize(("where", "value", "words"), WRONG)
def test_what_is_malformed_is_refused_with_its_place(
    invented: TestClient, where: str, value: Any, words: str
) -> None:
    answer = sent(invented, where, value)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_bodies_are_bounded_and_of_a_known_type(invented: TestClient) -> None:
    long = "x" * (BODY + 1)
    for path, media in (("", FORM), ("/match", "application/json"), ("/extend", FORM)):
        headers = {"Content-Type": media}
        assert invented.post(f"/reconcile{path}", content=long, headers=headers).status_code == 413
        said = {**headers, "Content-Length": str(BODY + 1)}  # more than there is: known before
        assert invented.post(f"/reconcile{path}", content="{}", headers=said).status_code == 413
    for path, media in (("", "text/plain"), ("/match", FORM), ("/extend", "application/xml")):
        headers = {"Content-Type": media}
        answer = invented.post(f"/reconcile{path}", content="{}", headers=headers)
        assert answer.status_code == 415, (path, answer.text)
    for body in ("queries=%ff", "queries=", "x=1", "queries={}&queries={}", "queries={}&extend={}"):
        answer = invented.post("/reconcile", content=body, headers={"Content-Type": FORM})
        assert answer.status_code == 400, body
    for body in (b"\xff", b"[" * 100_000, b'{"queries": NaN}', b'"\\ud800"', b""):
        answer = invented.post(
            "/reconcile/match", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, body[:20]


@pytest.mark.parametrize(
    "path",
    [
        "suggest/entity",
        "suggest/entity?prefix=a&limit=101",
        "suggest/entity?prefix=a&cursor=1001",
        "suggest/entity?prefix=a&offset=-1",
        "suggest/type?prefix=" + "a" * 1001,
        "extend/propose?limit=0",
        "preview",
        "?version=2",
        "?query=Arvenia",
        "extend/propose?type=Stat",
        "?queries=",
    ],
)
def test_parameters_that_cannot_be_used_are_refused(invented: TestClient, path: str) -> None:
    address = f"/reconcile{path}" if path.startswith("?") else f"/reconcile/{path}"
    assert invented.get(address).status_code == 400


def test_what_is_not_there_is_not_found(invented: TestClient) -> None:
    for path in ("suggest/thing?prefix=a", "preview?id=agent/nope", "preview?id=%00", "flyout"):
        assert invented.get(f"/reconcile/{path}").status_code == 404, path


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "queries",
                        "q0",
                        "query",
                        "type",
                        "limit",
                        "properties",
                        "type_strict",
                        "pid",
                    ),
                    *("v", "id", "ids", "conditions", "matchType", "propertyId", "propertyValue"),
                    *("required", "matchQuantifier", "settings", "name", "property"),
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
VALUE = (
    st.text(max_size=30) | st.integers() | st.booleans() | st.fixed_dictionaries({"id": st.text()})
)
QUERIES = st.dictionaries(
    st.text(max_size=5),
    st.fixed_dictionaries(
        {"query": st.text(max_size=40)},
        optional={
            "limit": st.integers(1, 100),
            "type": st.sampled_from(["", "State", "state", "রাষ্ট্র", CH + "Place"])
            | st.lists(st.sampled_from(["State", "Event", "ch:Vehicle"]), max_size=3),
            "type_strict": st.sampled_from(["any", "all", "should"]),
            "properties": st.lists(
                st.fixed_dictionaries(
                    {
                        "pid": st.sampled_from(["wikidata", "country", "label", "kind", "type"])
                        | st.text(min_size=1, max_size=5).filter(str.strip),
                        "v": VALUE | st.lists(VALUE, max_size=3),
                    }
                ),
                max_size=3,
            ),
        },
    ),
    max_size=4,
)


@bounded(max_examples=60, deadline=None)
@given(value=JSON_VALUES)
def test_arbitrary_json_is_never_an_error_of_the_server(invented: TestClient, value: Any) -> None:
    for where in ("queries", "extend", "match"):
        if where == "match":
            body = json.dumps(value).encode("utf-8", "surrogatepass")
            answer = invented.post(
                "/reconcile/match", content=body, headers={"Content-Type": "application/json"}
            )
        else:
            answer = sent(invented, where, value)
        assert answer.status_code in (200, 400), (where, value, answer.text)


@bounded(max_examples=40, deadline=None)
@given(queries=QUERIES)
def test_whatever_is_asked_is_answered(invented: TestClient, queries: dict[str, Any]) -> None:
    answer = sent(invented, "queries", queries)
    if any("\ud800" <= c <= "\udfff" for c in json.dumps(queries, ensure_ascii=False)):
        return
    assert answer.status_code == 200, answer.text
    assert list(held(RESULTS["0.2"], answer.json())) == list(queries)


def test_pages_of_other_sites_may_ask(invented: TestClient) -> None:
    for path, allowed in (
        ("/reconcile", "GET, HEAD, POST, OPTIONS"),
        ("/reconcile/match", "POST, OPTIONS"),
        ("/reconcile/extend", "POST, OPTIONS"),
        ("/reconcile/suggest/entity", "GET, HEAD, OPTIONS"),
    ):
        asking = {
            "Origin": "http://127.0.0.1:3333",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        answer = invented.options(path, headers=asking)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-methods"] == allowed
        assert answer.headers["access-control-allow-headers"] == "content-type"
        assert answer.headers["access-control-allow-origin"] == "*"
        refused = invented.request("DELETE", path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
    assert sent(invented, "queries", 1).headers["access-control-allow-origin"] == "*"


def test_a_batch_has_a_deadline_and_an_end(
    invented: TestClient, releases: Path, settings: Settings
) -> None:
    ask: Any = SimpleNamespace(served=SimpleNamespace(folder=(releases / "current").resolve()))
    with pytest.raises(QueryFailure) as refused:
        candidates._searched(ask, [(Query(("Arvenia",)), KINDS, ())], time.monotonic() - 1)
    assert refused.value.reason == "timeout"
    queries = {str(n): {"query": "a", "limit": 100} for n in range(BATCH)}
    answer = sent(invented, "queries", queries)
    assert sum(len(one["result"]) for one in answer.json().values()) <= ANSWERED
    assert len(asked(invented, query="Isle", limit=100)) > ANSWERED // BATCH
    many = {str(n): {"query": "Isle", "limit": 100} for n in range(BATCH)}
    each = sent(invented, "queries", many).json().values()
    assert {len(one["result"]) for one in each} == {ANSWERED // BATCH}
    with TestClient(create_app(releases, dataclasses.replace(settings, client_rate=2))) as slow:
        statuses = [sent(slow, "queries", {"q": ONE}).status_code for _ in range(4)]
    assert statuses[0] == 200
    assert 429 in statuses


def test_a_batch_that_takes_too_long_is_broken_off(
    releases: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any) -> Any:
        await asyncio.sleep(20)

    monkeypatch.setattr(service, "answer", slow)
    short = dataclasses.replace(settings, query_timeout_s=1)
    with TestClient(create_app(releases, short)) as client:
        begin = time.monotonic()
        answer = sent(client, "queries", {"q": ONE})
    assert "the batch takes too long" in answer.json()["detail"]
    assert time.monotonic() - begin < 15


def test_what_an_answer_depends_on_is_in_its_headers(invented: TestClient) -> None:
    def etags(*addresses: str, **headers: str) -> list[str]:
        answers = [invented.get(one, headers=headers) for one in addresses]
        assert {one.status_code for one in answers} == {200}
        for one in answers:
            assert "Accept-Language" in one.headers["vary"], one.url
        invented.cookies.clear()
        return [one.headers["etag"] for one in answers]

    page = [f"/reconcile?{more}" for more in ("", "q=Arvenia", "q=Cordia", "q=Arvenia&type=State")]
    things = [
        f"/reconcile/suggest/{what}?prefix={more}"
        for what in ("entity", "type")
        for more in ("a", "b", "a&limit=2", "a&cursor=1", "a&limit=2&offset=1")
    ]
    cards = [f"/reconcile/preview?id={one}" for one in ("agent/arvenia", "agent/cordia")]
    rest = ["/reconcile", "/reconcile/bn", "/reconcile?version=1.0-draft"]
    every = [*etags(*page, Accept="text/html"), *etags(*things), *etags(*cards), *etags(*rest)]
    assert len(set(every)) == len(every)
    for lang in ("bn", "hi"):
        some = {"Accept-Language": lang}
        assert not set(every) & set(etags(*things, *cards, "/reconcile", **some))
    for answer in (
        invented.get("/reconcile/extend/propose"),
        sent(invented, "queries", {"q": ONE}),
        sent(invented, "match", {"queries": [{"conditions": [NAME]}]}),
        sent(invented, "extend", {"ids": [], "properties": []}),
    ):
        assert "Accept-Language" in answer.headers["vary"].split(", ")
    assert "Accept" in invented.get("/reconcile").headers["vary"].split(", ")


def test_the_description_of_the_interface_has_both_kinds_of_body(invented: TestClient) -> None:
    paths = invented.get("/openapi.json").json()["paths"]
    content = paths["/reconcile"]["post"]["requestBody"]["content"]
    assert set(content) == {FORM, "application/json"}
    assert paths["/reconcile/match"]["post"]["requestBody"]["content"].keys() == {
        "application/json"
    }


def test_imported_rdf_has_none(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "cities.ttl"
    file.write_text('<http://data.example/x> <http://www.w3.org/2000/01/rdf-schema#label> "X" .')
    import_release([str(file)], tmp_path / "releases", base=BASE)
    with TestClient(create_app(tmp_path / "releases", settings)) as client:
        for path in ("", "/suggest/type?prefix=", "/preview?id=agent/x", "/extend/propose"):
            answer = client.get(f"/reconcile{path}")
            assert answer.status_code == 404
            assert "no reconciliation service" in answer.json()["detail"]
        assert sent(client, "queries", {"q": ONE}).status_code == 404
        assert "/reconcile" not in client.get("/download", headers={"Accept": "text/html"}).text
