"""The description of the interface for programs: every address, parameter, answer and error.

Errors are those of `kg.web.protocol.PROBLEMS`, formats those of `kg.web.negotiation`; what is said
here of an address is held to what it does by requests that are made from this description
(`tests/faults/test_fuzz.py`).

Spec: OpenAPI 3.1; RFC 9457 (problem details)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from kg.web.negotiation import (
    GRAPH_FORMATS,
    HTML,
    PAGE_FORMATS,
    RESULT_FORMATS,
    TABLED,
    Format,
)
from kg.web.protocol import PROBLEM, PROBLEMS

Json = dict[str, Any]
"""A JSON object."""

_OBJECT: Final[Json] = {"type": "object"}
_TEXT: Final[Json] = {"type": "string"}
_IRI: Final[Json] = {"type": "string", "format": "iri"}
_NUMBERS: Final[Json] = {
    "type": "object",
    "additionalProperties": {"type": "integer", "minimum": 1},
}
_PROBLEM_TYPE: Final = "application/problem+json"
_FORM: Final = "application/x-www-form-urlencoded"
_QUERY: Final = "application/sparql-query"
_EXAMPLES: Final[Mapping[str, str]] = {
    "rows": "SELECT * { ?s ?p ?o } LIMIT 3",
    "truth": "ASK { ?s ?p ?o }",
    "triples": "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o } LIMIT 3",
    "description": "DESCRIBE ?s WHERE { ?s ?p ?o } LIMIT 1",
    "mistake": "SELECT * { ?s ?p }",
}

# --- what is answered ----------------------------------------------------------------------------


def _object(required: Mapping[str, Json], **optional: Json) -> Json:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


def _one_of(values: Iterable[str]) -> Json:
    return {"type": "string", "enum": list(values)}


_WORDS_IN: Final = _object({"text": _TEXT, "lang": _TEXT})
_PROPOSITION: Final[Mapping[str, Json]] = {
    "iri": _IRI,
    "described": {**_TEXT, "description": "What is described, with the mark that says so."},
    "type": {"type": ["string", "null"]},
    "status": {"type": ["string", "null"], "description": "The derived status."},
    "when": _TEXT,
    "affirmed_by": _list(_TEXT),
    "denied_by": _list(_TEXT),
    "evidence_disputed_by": _list(_TEXT),
    "answered_by": _list(_TEXT),
    "questioned_by": _list(_TEXT),
    "not_confirmed_by": _list(_TEXT),
    "not_verified_by": _list(_TEXT),
    "on_what_is_possibly_the_same_event": _list(_TEXT),
    "on_what_it_names": _list(_TEXT),
    "nobody_takes_another_position": {"type": "boolean"},
    "positions_left_out": {"type": "boolean"},
}
"""What the pictures say of each event or relation."""
_SCHEMAS: Final[Mapping[str, Json]] = {
    "Problem": _object(
        {
            "type": _one_of(PROBLEM + reason for reason in PROBLEMS),
            "title": _one_of(dict.fromkeys(title for _, title in PROBLEMS.values())),
            "status": {"type": "integer", "enum": sorted({code for code, _ in PROBLEMS.values()})},
            "detail": {**_TEXT, "minLength": 1},
        },
        line={"type": "integer", "minimum": 1, "description": "Where in the query, from 1."},
        column={"type": "integer", "minimum": 1, "description": "In characters, from 1."},
        hint={**_TEXT, "description": "What to do."},
        available={**_list(_TEXT), "description": "What could be asked for."},
        release={**_TEXT, "description": "The id of the release that is served."},
    ),
    "Results": {
        "description": "SPARQL 1.1 Query Results JSON Format.",
        "type": "object",
        "required": ["head"],
        "properties": {
            "head": {
                "type": "object",
                "properties": {"vars": _list(_TEXT), "link": _list(_TEXT)},
            },
            "boolean": {"type": "boolean"},
            "results": {
                "type": "object",
                "required": ["bindings"],
                "properties": {
                    "bindings": _list(
                        {
                            "type": "object",
                            "additionalProperties": {
                                "type": "object",
                                "required": ["type", "value"],
                                "properties": {
                                    "type": _one_of(("uri", "literal", "bnode", "triple")),
                                },
                            },
                        }
                    )
                },
            },
        },
        "oneOf": [{"required": ["boolean"]}, {"required": ["results"]}],
    },
    "Hits": _object(
        {
            "query": _TEXT,
            "hits": _list(
                _object(
                    {
                        "iri": _IRI,
                        "kind": _TEXT,
                        "class": {"type": ["string", "null"], "format": "iri"},
                        "label": _TEXT,
                        "lang": _TEXT,
                        "similar": {
                            "type": "boolean",
                            "description": "Whether its name is only like what was asked for.",
                        },
                        "matched": {
                            "type": ["object", "null"],
                            "description": "Another name of it, by which it was found.",
                            "required": ["label", "lang"],
                            "properties": {"label": _TEXT, "lang": _TEXT},
                        },
                        "positions": {
                            "type": ["array", "null"],
                            "description": "Who takes which stance on it, or on what it is about.",
                            "items": _object({"stance": _IRI, "speakers": _list(_IRI)}),
                        },
                    }
                )
            ),
            "more": {"type": "boolean", "description": "Whether there is another page."},
            "kinds": {**_NUMBERS, "description": "How many things there are, by kind."},
            "classes": {**_NUMBERS, "description": "The same by class, of the kind asked for."},
            "counted": {
                "type": "boolean",
                "description": "Whether these numbers are of all; else there are more.",
            },
        }
    ),
    "Suggestions": _object(
        {
            "query": _TEXT,
            "suggestions": _list(
                _object(
                    {
                        "iri": _IRI,
                        "href": _TEXT,
                        "kind": _TEXT,
                        "label": _TEXT,
                        "lang": _TEXT,
                        "similar": {"type": "boolean"},
                        "notes": _list(_object({"text": _TEXT, "lang": _TEXT})),
                    }
                )
            ),
            "announcement": {**_TEXT, "description": "How many there are, in words."},
        }
    ),
    "Releases": _list(
        _object(
            {
                "id": _TEXT,
                "current": {"type": "boolean"},
                "published": {"type": ["string", "null"]},
                "quads": {"type": "integer"},
                "triples": {"type": "integer"},
                "before": {"type": ["string", "null"]},
                "href": _TEXT,
            }
        )
    ),
    "Release": {"type": "object", "description": "The manifest of the release."},
    "Difference": _object(
        {
            "from": _TEXT,
            "to": _TEXT,
            "page": {"type": "integer"},
            "more": {"type": "boolean", "description": "Whether there is another page."},
            "changes": {"type": "array", "items": {"type": "object"}},
            "graphs": {"type": ["array", "null"], "items": {"type": "object"}},
        }
    ),
    "Corrections": _object(
        {
            "release": _TEXT,
            "page": {"type": "integer"},
            "more": {"type": "boolean", "description": "Whether there is another page."},
            "notices": _list(
                _object(
                    {
                        "id": _IRI,
                        "act": {"enum": ["correction", "withdrawal", "suppression"]},
                        "reason": _TEXT,
                        "authority": _TEXT,
                        "date": {"type": "string", "format": "date"},
                        "of": _list(_IRI),
                        "summary": {"type": "object", "additionalProperties": _TEXT},
                    }
                )
            ),
        }
    ),
    "Questions": _list(
        _object(
            {
                "id": _TEXT,
                "question": _TEXT,
                "keywords": _list(_TEXT),
                "description": _TEXT,
                "query": _TEXT,
            }
        )
    ),
    "Terms": _object(
        {
            "prefixes": {"type": "object", "additionalProperties": _TEXT},
            "terms": _list(
                _object(
                    {
                        "name": {**_TEXT, "description": "As a query writes it."},
                        "kind": _one_of(("class", "property", "concept")),
                        "label": _WORDS_IN,
                        "definition": {"anyOf": [_WORDS_IN, {"type": "null"}]},
                        "scheme": {"type": ["string", "null"]},
                        "count": {"type": "integer", "description": "How often it is used."},
                    }
                )
            ),
            "values": {
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "The scheme of the values of a property.",
            },
            "more": {"type": "boolean", "description": "Whether terms were left out."},
        }
    ),
    "Timeline": _object(
        {
            "release": _TEXT,
            "query": _TEXT,
            "page": {"type": "integer"},
            "more": {"type": "boolean", "description": "Whether there is another page."},
            "events": {"type": "integer"},
            "undated": {"type": "integer"},
            "cut": {"type": "boolean", "description": "Whether more fit than were looked at."},
            "timeline": _list(
                _object(
                    {
                        **_PROPOSITION,
                        "described_actors": _list(_TEXT),
                        "time": {"enum": ["day", "lasting", "within", "about", None]},
                        "earliest": {"type": ["string", "null"], "format": "date"},
                        "latest": {"type": ["string", "null"], "format": "date"},
                    }
                )
            ),
        }
    ),
    "Map": _object(
        {
            "release": _TEXT,
            "query": _TEXT,
            "page": {"type": "integer"},
            "more": {"type": "boolean", "description": "Whether there is another page."},
            "places": _list(
                _object(
                    {
                        "iri": _IRI,
                        "label": _TEXT,
                        "latitude": {"type": ["number", "null"]},
                        "longitude": {"type": ["number", "null"]},
                        "located_in": _list(_TEXT),
                        "described_events": {"type": "integer"},
                        "disputed": {"type": "boolean"},
                        "examples": _list(_object(_PROPOSITION)),
                    }
                )
            ),
        }
    ),
    "Network": _object(
        {
            "release": _TEXT,
            "query": _TEXT,
            "more": {"type": "boolean", "description": "Whether there are ties not shown."},
            "agents": _list(
                _object(
                    {
                        "iri": _IRI,
                        "label": _TEXT,
                        "shape": _TEXT,
                        "acts_for": _list(_TEXT),
                        "ties": {"type": "integer"},
                    }
                )
            ),
            "ties": _list(
                _object(
                    {
                        "described_actor": _IRI,
                        "described_recipient": _IRI,
                        "described": _TEXT,
                        "type": {"type": ["string", "null"]},
                        "events": {"type": "integer"},
                        "standing": {"enum": ["described", "disputed", "planned"]},
                        "examples": _list(_object(_PROPOSITION)),
                    }
                )
            ),
        }
    ),
    "Reconciliation": {
        "type": "object",
        "description": "The manifest of the service; with `queries` or `extend`, the answer to it.",
    },
    "ReconciliationSuggestions": _object(
        {
            "result": _list(
                _object(
                    {"id": _TEXT, "name": _TEXT},
                    description=_TEXT,
                    notable=_list(_object({"id": _TEXT, "name": _TEXT})),
                )
            )
        }
    ),
    "ReconciliationProperties": _object(
        {
            "type": _TEXT,
            "limit": {"type": "integer"},
            "properties": _list(_object({"id": _TEXT, "name": _TEXT})),
        }
    ),
    "ReconciliationBatch": _object(
        {
            "results": _list(
                _object(
                    {
                        "candidates": _list(
                            _object(
                                {
                                    "id": _TEXT,
                                    "name": {
                                        **_TEXT,
                                        "description": "With a mark where it is only described.",
                                    },
                                    "description": _TEXT,
                                    "type": _list(_object({"id": _TEXT, "name": _TEXT})),
                                    "score": {"type": "number", "minimum": 0, "maximum": 100},
                                    "match": {"type": "boolean"},
                                    "features": _list(
                                        _object(
                                            {
                                                "id": _TEXT,
                                                "name": _TEXT,
                                                "value": {"type": ["boolean", "number"]},
                                            }
                                        )
                                    ),
                                }
                            )
                        )
                    }
                )
            )
        }
    ),
    "ReconciliationExtension": _object(
        {
            "meta": _list(
                _object({"id": _TEXT, "name": _TEXT}, type=_object({"id": _TEXT, "name": _TEXT}))
            ),
            "rows": _list(
                _object(
                    {
                        "id": _TEXT,
                        "properties": _list(
                            _object({"id": _TEXT, "values": {"type": "array", "items": _OBJECT}})
                        ),
                    }
                )
            ),
        }
    ),
    "Readiness": _object(
        {"ready": {"type": "boolean"}, "release": {"type": ["string", "null"]}},
    ),
}


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _types(formats: Sequence[Format]) -> list[str]:
    """Return the media types of formats, with those that are other names for them."""
    return [name for one in formats for name in (one.media_type, *one.aliases)]


def _bodies(media_types: Iterable[str], json: str = "") -> Json:
    """Return the contents of an answer by media type; `json` names the schema of those in JSON."""
    schemas = {
        "application/sparql-results+json": _schema("Results"),
        "application/json": _schema(json) if json else {},
        "application/ld+json": {"type": ["object", "array"]},
        "application/schema+json": _OBJECT,
        _PROBLEM_TYPE: _schema("Problem"),
    }
    return {name: {"schema": schemas.get(name, _TEXT)} for name in media_types}


# --- parameters ----------------------------------------------------------------------------------


def _parameter(
    name: str, words: str, schema: Json, *, where: str = "query", required: bool = False
) -> Json:
    return {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "description": words,
        "schema": schema,
    }


def _named(formats: Sequence[Format]) -> Json:
    """Return the schema of the parameter `format`."""
    return _one_of(dict.fromkeys([*(one.name for one in formats), *_types(formats)]))


def _release(name: str) -> Json:
    words = "The id of a release, or the beginning of it (7 digits or more)."
    return _parameter(name, words, {**_TEXT, "minLength": 1}, where="path")


_PAGE: Final = _parameter(
    "page", "The number of the page, from 1.", {"type": "integer", "minimum": 1, "maximum": 999_999}
)
_LANG: Final = _parameter(
    "lang",
    "The language of the page and of names, as a language tag; wins over Accept-Language.",
    {**_TEXT, "examples": ["en", "bn", "hi"]},
)
_KIND: Final = _parameter(
    "kind", "The kind of thing, such as agent or event.", {**_TEXT, "minLength": 1}, where="path"
)
_KEY: Final = _parameter("key", "The key of the thing.", {**_TEXT, "minLength": 1}, where="path")


def _by_suffix(*names: str) -> Json:
    """Return the parameter of a path that ends in a format, such as `.ttl`."""
    return _parameter("suffix", "The format.", _one_of(f".{n}" for n in names), where="path")


def _by_format(*names: str) -> Json:
    """Return the parameter `format`."""
    return _parameter("format", "The format; wins over Accept.", _one_of(names))


_DATA: Final = tuple(one.name for one in PAGE_FORMATS)
_TABLED: Final = tuple(one.name for one in TABLED)
_SUFFIX: Final = _by_suffix(*_DATA)
_FORMAT: Final = _by_format(*_DATA)
_PICTURE_SUFFIX: Final = _by_suffix("html", "json", "csv")
_PICTURE_FORM: Final = _by_format("html", "json", "csv")
_TABLE: Final = _parameter(
    "table", "Of CSV: which table of the page, such as graphs; without it the main one.", _TEXT
)
_DAY: Final[Json] = {**_TEXT, "examples": ["2023-10-18", "2023-10", "2023"]}
_NARROWED: Final = (
    _parameter(
        "agent",
        "The key of who takes part; given twice, both do.",
        {**_list(_TEXT), "maxItems": 2, "examples": [["russia"]]},
    ),
    _parameter("place", "The key of the place or state where it happens.", _TEXT),
    _parameter("type", "The type of event, as a name of the ontology such as type-meeting.", _TEXT),
    _parameter("status", "The derived status, such as contested.", _TEXT),
    _parameter("from", "The first day, month or year.", _DAY),
    _parameter("to", "The last day, month or year.", _DAY),
    _parameter("relations", "Whether relations with dates are shown too.", _one_of(("yes", "no"))),
    _parameter("rows", "What the rows are grouped by.", _one_of(("event", "agent"))),
    _PAGE,
    _PICTURE_FORM,
    _LANG,
)
_NARROWED_AS: Final = (
    _PICTURE_SUFFIX,
    *(one for one in _NARROWED if one["name"] != "format"),
)
_SKIPPED: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 1000}
_SEARCHED: Final = (
    _parameter("q", "Words of a name or beginnings of them, in any script.", _TEXT),
    _parameter("kind", "One kind of thing only, such as agent or event.", _TEXT),
    _parameter("class", "One class only, such as State, or its address.", _TEXT),
    _PAGE,
)
_JSON_OR_HTML: Final = _by_format("html", "json")
_QUERY_FIELDS: Final[Mapping[str, tuple[str, Json]]] = {
    "query": ("The query.", _TEXT),
    "default-graph-uri": (
        "A graph of the release, for the default graph; any number of them.",
        _list(_IRI),
    ),
    "named-graph-uri": ("A graph of the release, for GRAPH; any number of them.", _list(_IRI)),
    "format": (
        "The format of the answer, as a short name or a media type; wins over Accept.",
        _named((*RESULT_FORMATS, *GRAPH_FORMATS)),
    ),
    "timeout": (
        "Seconds; a shorter deadline than that of the service, never a longer one.",
        {"type": "number", "exclusiveMinimum": 0},
    ),
}


def _query_parameters(*, query: bool) -> list[Json]:
    found = [_parameter(name, *what) for name, what in _QUERY_FIELDS.items()]
    if not query:
        return found[1:]
    found[0]["examples"] = {name: {"value": text} for name, text in _EXAMPLES.items()}
    return found


# --- addresses -----------------------------------------------------------------------------------

_EVERYWHERE: Final = (400, 413, 500, 503)
_ASKS: Final = (*_EVERYWHERE, 504)
_HEADERS: Final[Mapping[str, Json]] = {
    "X-Request-Id": {
        "description": "The id of the request, as it stands in the log.",
        "schema": _TEXT,
    },
    "Kg-Release": {"description": "The id of the release that has answered.", "schema": _TEXT},
    "Kg-Rows-Cut": {
        "description": "Rows after which the answer was cut; absent where it is whole.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {"description": "The entity tag of the answer.", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds after which it may go better.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Location": {"description": "Where it is.", "schema": _TEXT},
    "Content-Range": {"description": "Which part of the file this is.", "schema": _TEXT},
}
_OF_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    200: ("ETag",),
    206: ("Content-Range",),
    303: ("Location",),
    304: ("ETag",),
    416: ("Content-Range",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_WORDS: Final[Mapping[int, str]] = {
    200: "The answer.",
    206: "A range of the file.",
    303: "Where the document is.",
    304: "The client has the answer already.",
}


@dataclass(frozen=True, slots=True)
class _Address:
    """What one address takes and gives.

    Args:
        gives: media types of what it answers.
        json: the name of the schema of what it answers as JSON.
        errors: statuses of problems.
        others: further statuses, which have no content or that of the answer.
        pages: whether a browser gets an error as a page.
        data: whether a thing that is not there is an empty RDF document to who asks for RDF.
    """

    gives: tuple[str, ...]
    parameters: tuple[Json, ...] = (_LANG,)
    json: str = ""
    errors: tuple[int, ...] = _EVERYWHERE
    others: tuple[int, ...] = (304,)
    pages: bool = True
    data: bool = False

    def responses(self) -> Json:
        """Return the responses by status."""
        found: Json = {}
        for status in sorted({200, *self.others, *self.errors}):
            media_types: Iterable[str] = ()
            if status in self.errors:
                data = _types(GRAPH_FORMATS) if self.data and status == 404 else ()
                pages = (HTML.media_type,) if self.pages else ()
                media_types = dict.fromkeys((_PROBLEM_TYPE, *pages, *data))
            elif status in (200, 206):
                media_types = self.gives
            found[str(status)] = _response(status, _bodies(media_types, self.json))
        return found


def _response(status: int, content: Json, *more: str) -> Json:
    names = ("X-Request-Id", *_OF_STATUS.get(status, ()), *more)
    titles = dict.fromkeys(title for code, title in PROBLEMS.values() if code == status)
    words = _WORDS.get(status) or ". ".join(titles) + "."
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {
        "description": words if status in _WORDS else f"{HTTPStatus(status).phrase}: {words}",
        "headers": headers,
        **({"content": content} if content else {}),
    }


_PAGE_OR_DATA: Final = (HTML.media_type, *(one.media_type for one in GRAPH_FORMATS))
_PAGE_OR_TABLE: Final = (*_PAGE_OR_DATA, "text/csv")
_LINKS: Final = (*_PAGE_OR_TABLE, "text/tab-separated-values")
_CORRECTIONS: Final = (*_PAGE_OR_DATA, "application/json", "application/atom+xml")
_PICTURE: Final = (HTML.media_type, "application/json", "text/csv")
_PLAIN: Final = ("text/plain", "application/openmetrics-text")
_AS_ASKED: Final = (*_EVERYWHERE, 406)
_NEGOTIATED: Final = (*_EVERYWHERE, 404, 406)
_FOUND: Final = (*_ASKS, 404)
_FOUND_AS: Final = (*_ASKS, 404, 406)
_FILES: Final = (
    "application/gzip",
    "application/json",
    "application/ld+json",
    "application/n-quads",
    "application/n-triples",
    "application/octet-stream",
    "application/rdf+xml",
    "application/trig",
    "application/x-ndjson",
    "application/zstd",
    "text/html",
    "text/plain",
    "text/tab-separated-values",
    "text/turtle",
)
_ADDRESSES: Final[Mapping[str, _Address]] = {
    "/": _Address((HTML.media_type,), errors=(*_ASKS, 406)),
    "/id/{kind}/{key}": _Address((), (_KIND, _KEY), errors=_FOUND, others=(303,), data=True),
    "/doc/{kind}/{name}": _Address(
        _PAGE_OR_TABLE,
        (
            _KIND,
            _parameter(
                "name",
                "The key of the thing, and perhaps a format: .html .ttl .jsonld .nt .nq .trig .rdf "
                ".csv",
                {**_TEXT, "minLength": 1},
                where="path",
            ),
            _by_format(*_TABLED),
            _parameter(
                "table",
                "Of CSV: which table of the page, such as claims; without it the main one.",
                _TEXT,
            ),
            _PAGE,
            _LANG,
        ),
        errors=(*_FOUND_AS, 410),
        data=True,
    ),
    "/resource": _Address(
        _PAGE_OR_DATA,
        (_parameter("iri", "The IRI.", _IRI, required=True), _FORMAT, _PAGE, _LANG),
        errors=_FOUND_AS,
        others=(303, 304),
        data=True,
    ),
    "/ontology": _Address(
        _PAGE_OR_TABLE, (_by_format(*_TABLED), _LANG), errors=_FOUND_AS, data=True
    ),
    "/ontology{suffix}": _Address(
        _PAGE_OR_TABLE, (_by_suffix(*_TABLED), _LANG), errors=_FOUND, data=True
    ),
    "/ontology/{name}": _Address(
        _PAGE_OR_DATA,
        (
            _parameter(
                "name",
                "The name of a term, such as Event, and perhaps a format: .html .ttl .jsonld …",
                {**_TEXT, "minLength": 1, "examples": ["stance-denies", "Event.ttl"]},
                where="path",
            ),
            _FORMAT,
            _PAGE,
            _LANG,
        ),
        errors=_FOUND_AS,
        data=True,
    ),
    "/shapes": _Address(_PAGE_OR_DATA, (_FORMAT, _LANG), errors=_NEGOTIATED, data=True),
    "/shapes{suffix}": _Address(_PAGE_OR_DATA, (_SUFFIX, _LANG), errors=_FOUND, data=True),
    "/facts/schema.json": _Address(("application/schema+json",), (), errors=_FOUND, data=True),
    "/context.jsonld": _Address(("application/ld+json",), (), errors=_FOUND, data=True),
    "/query": _Address(
        (HTML.media_type,),
        (*_query_parameters(query=True)[:1], _LANG),
        errors=(*_ASKS, 406, 429),
    ),
    "/query/terms.json": _Address(("application/json",), (_LANG,), "Terms", errors=_ASKS),
    "/dataset": _Address(
        _PAGE_OR_TABLE, (_by_format(*_TABLED), _TABLE, _LANG), errors=_FOUND_AS, data=True
    ),
    "/dataset{suffix}": _Address(
        _PAGE_OR_TABLE, (_by_suffix(*_TABLED), _TABLE, _LANG), errors=_FOUND, data=True
    ),
    "/.well-known/void": _Address(
        tuple(one.media_type for one in GRAPH_FORMATS), (), errors=_FOUND, data=True
    ),
    "/download": _Address(
        (HTML.media_type, "text/csv"),
        (_by_format("html", "csv"), _TABLE, _LANG),
        errors=_FOUND_AS,
        data=True,
    ),
    "/download{suffix}": _Address(
        (HTML.media_type, "text/csv"),
        (_by_suffix("html", "csv"), _TABLE, _LANG),
        errors=_FOUND,
        data=True,
    ),
    "/download/{release}/{path}": _Address(
        _FILES,
        (
            _parameter(
                "release",
                "current, or the id of a release.",
                {**_TEXT, "minLength": 1},
                where="path",
            ),
            _parameter(
                "path",
                "The name of a download, such as graph.ttl.gz, or the path of a file.",
                {**_TEXT, "minLength": 1, "examples": ["graph.nq.gz", "manifest.json"]},
                where="path",
            ),
            _parameter(
                "Range",
                "Which bytes.",
                {**_TEXT, "examples": ["bytes=0-99"]},
                where="header",
            ),
        ),
        errors=(*_EVERYWHERE, 404, 416),
        others=(206, 304),
        data=True,
    ),
    "/releases": _Address(_PICTURE, (_PICTURE_FORM, _LANG), "Releases", _AS_ASKED),
    "/releases{suffix}": _Address(
        _PICTURE, (_PICTURE_SUFFIX, _LANG), "Releases", errors=_FOUND, data=True
    ),
    "/releases/{release}": _Address(
        (HTML.media_type, "application/json"),
        (_release("release"), _JSON_OR_HTML, _LANG),
        "Release",
        errors=_FOUND_AS,
    ),
    "/releases/{old}/diff/{new}": _Address(
        (*_PICTURE, "application/rdf-patch"),
        (
            _release("old"),
            _release("new"),
            _by_format("html", "json", "csv", "rdfp"),
            _TABLE,
            _PAGE,
            _LANG,
        ),
        "Difference",
        errors=_FOUND_AS,
    ),
    "/corrections": _Address(
        _CORRECTIONS,
        (_by_format(*_DATA, "atom", "json"), _PAGE, _LANG),
        "Corrections",
        errors=_FOUND_AS,
        data=True,
    ),
    "/corrections{suffix}": _Address(
        _CORRECTIONS,
        (_by_suffix(*_DATA, "atom", "json"), _PAGE, _LANG),
        "Corrections",
        errors=_FOUND,
        data=True,
    ),
    "/links": _Address(
        _LINKS, (_by_format(*_TABLED, "tsv"), _PAGE, _LANG), errors=_FOUND_AS, data=True
    ),
    "/links{suffix}": _Address(
        _LINKS, (_by_suffix(*_TABLED, "sssom.tsv"), _PAGE, _LANG), errors=_FOUND, data=True
    ),
    "/changes": _Address(
        _PAGE_OR_TABLE, (_by_format(*_TABLED), _LANG), errors=_FOUND_AS, data=True
    ),
    "/changes{suffix}": _Address(
        _PAGE_OR_TABLE, (_by_suffix(*_TABLED), _LANG), errors=_FOUND, data=True
    ),
    "/changes/{number}": _Address(
        _PAGE_OR_DATA,
        (
            _parameter(
                "number",
                "The number of a page, from 0, perhaps with a suffix such as .ttl.",
                {**_TEXT, "minLength": 1},
                where="path",
            ),
            _FORMAT,
            _LANG,
        ),
        errors=_FOUND_AS,
        data=True,
    ),
    "/search": _Address(_PICTURE, (*_SEARCHED, _PICTURE_FORM, _LANG), "Hits", errors=(*_ASKS, 406)),
    "/search{suffix}": _Address(
        _PICTURE, (_PICTURE_SUFFIX, *_SEARCHED, _LANG), "Hits", errors=_FOUND, data=True
    ),
    "/suggest": _Address(
        ("application/json",),
        (
            _parameter("q", "What was written so far.", _TEXT),
            _parameter("kind", "One kind of thing only, such as agent or event.", _TEXT),
            _LANG,
        ),
        "Suggestions",
        errors=_ASKS,
    ),
    "/reconcile": _Address(
        ("application/json", HTML.media_type),
        (
            _parameter("queries", "Queries by key, as JSON; as version 0.2 has them.", _TEXT),
            _parameter("extend", "Things and properties, as JSON; as version 0.2 has it.", _TEXT),
            _parameter("version", "What `suggest` holds.", _one_of(("0.2", "1.0-draft"))),
            _parameter("q", "Of the page: a name to look for.", _TEXT),
            _parameter("type", "Of the page: a class that it should have.", _TEXT),
            _JSON_OR_HTML,
            _LANG,
        ),
        "Reconciliation",
        errors=(*_FOUND_AS, 429),
    ),
    "/reconcile/suggest/{what}": _Address(
        ("application/json",),
        (
            _parameter("what", "Of what.", _one_of(("entity", "type", "property")), where="path"),
            _parameter("prefix", "The beginning of a name, or an id.", _TEXT, required=True),
            _parameter("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100}),
            _parameter("cursor", "How many to leave out: 0.2.", _SKIPPED),
            _parameter("offset", "How many to leave out: draft of 1.0.", _SKIPPED),
            _LANG,
        ),
        "ReconciliationSuggestions",
        errors=_FOUND,
    ),
    "/reconcile/preview": _Address(
        (HTML.media_type,),
        (
            _parameter(
                "id",
                "The id of a thing.",
                {**_TEXT, "examples": ["agent/north-korea"]},
                required=True,
            ),
            _LANG,
        ),
        errors=_FOUND_AS,
    ),
    "/reconcile/extend/propose": _Address(
        ("application/json",),
        (
            _parameter("type", "A class.", {**_TEXT, "examples": ["State"]}),
            _parameter("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100}),
            _LANG,
        ),
        "ReconciliationProperties",
        errors=_FOUND,
        others=(),
    ),
    "/timeline": _Address(_PICTURE, _NARROWED, "Timeline", errors=_FOUND_AS, data=True),
    "/timeline{suffix}": _Address(_PICTURE, _NARROWED_AS, "Timeline", errors=_FOUND, data=True),
    "/map": _Address(_PICTURE, _NARROWED, "Map", errors=_FOUND_AS, data=True),
    "/map{suffix}": _Address(_PICTURE, _NARROWED_AS, "Map", errors=_FOUND, data=True),
    "/network": _Address(_PICTURE, _NARROWED, "Network", errors=_FOUND_AS, data=True),
    "/network{suffix}": _Address(_PICTURE, _NARROWED_AS, "Network", errors=_FOUND, data=True),
    "/numbers": _Address((HTML.media_type,), errors=_FOUND_AS, data=True),
    "/questions": _Address(_PICTURE, (_PICTURE_FORM, _LANG), "Questions", _AS_ASKED),
    "/questions{suffix}": _Address(
        _PICTURE, (_PICTURE_SUFFIX, _LANG), "Questions", errors=_FOUND, data=True
    ),
    "/questions/{name}": _Address(
        (HTML.media_type,),
        (
            _parameter("name", "The id of the question.", {**_TEXT, "minLength": 1}, where="path"),
            _LANG,
        ),
        errors=_FOUND_AS,
        data=True,
    ),
    "/docs": _Address((HTML.media_type,), errors=_AS_ASKED),
    "/docs/api": _Address((HTML.media_type,), errors=_AS_ASKED),
    "/docs/{path}": _Address(
        (HTML.media_type,),
        (
            _parameter(
                "path",
                "The name of a page, such as how-to/read-the-pages.",
                {**_TEXT, "minLength": 1, "examples": ["model"]},
                where="path",
            ),
            _LANG,
        ),
        errors=_FOUND_AS,
        data=True,
    ),
    "/healthz": _Address(_PLAIN[:1], (), errors=(413,), others=()),
    "/readyz": _Address(
        ("application/json",), (), "Readiness", errors=(413,), others=(503,), pages=False
    ),
    "/metrics": _Address(_PLAIN, (), errors=(413,), others=()),
}


_JSON_BODY: Final = "application/json"
_MATCHES: Final[Json] = {
    "type": "array",
    "maxItems": 50,
    "items": {
        "type": "object",
        "required": ["conditions"],
        "properties": {
            "conditions": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["matchType", "propertyValue"],
                    "properties": {"matchType": _one_of(("name", "property"))},
                },
            }
        },
    },
}
_MATCHED: Final[Json] = {
    "schema": {
        "type": "object",
        "required": ["queries"],
        "properties": {"queries": _MATCHES},
    },
    "examples": {
        "name": {
            "value": {
                "queries": [{"conditions": [{"matchType": "name", "propertyValue": "Pyongyang"}]}]
            }
        }
    },
}
_MATCHED_BY_KEY: Final[Json] = {
    **_MATCHED,
    "schema": {
        "type": "object",
        "required": ["queries"],
        "properties": {"queries": {"anyOf": [_MATCHES, {"type": "object", "maxProperties": 50}]}},
    },
}
_EXTENDED: Final[Json] = {
    "schema": {
        "type": "object",
        "required": ["ids", "properties"],
        "properties": {
            "ids": _list(_TEXT),
            "properties": _list(
                {"type": "object", "required": ["id"], "properties": {"id": _TEXT}}
            ),
        },
    },
    "examples": {
        "item": {"value": {"ids": ["agent/north-korea"], "properties": [{"id": "wikidata"}]}}
    },
}
_BY_FORM: Final[Json] = {
    "schema": {"type": "object", "properties": {"queries": _TEXT, "extend": _TEXT}},
    "examples": {
        "queries": {"value": {"queries": '{"q0": {"query": "Pyongyang"}}'}},
        "extend": {
            "value": {
                "extend": '{"ids": ["agent/north-korea"], "properties": [{"id": "wikidata"}]}'
            }
        },
    },
}
_POSTED: Final[Mapping[str, tuple[Json, str]]] = {
    "/reconcile": ({_FORM: _BY_FORM, _JSON_BODY: _MATCHED_BY_KEY}, "Reconciliation"),
    "/reconcile/match": ({_JSON_BODY: _MATCHED}, "ReconciliationBatch"),
    "/reconcile/extend": ({_JSON_BODY: _EXTENDED}, "ReconciliationExtension"),
}
"""What is posted to an address, by media type, and the name of the schema of the answer."""


def _posted(page: Page) -> Json:
    """Return the operation of a POST."""
    content, json = _POSTED[page.path]
    errors = (*_ASKS, 404, 415, 429)
    address = _Address((_JSON_BODY,), (), json, errors=errors, others=())
    return {
        "operationId": page.name,
        "summary": page.summary,
        "description": page.description,
        "parameters": [_LANG],
        "requestBody": {"required": True, "content": content},
        "responses": address.responses(),
    }


def _sparql(method: str) -> Json:
    """Return the operation of the SPARQL endpoint."""
    graphs = _types(GRAPH_FORMATS)
    asked = (HTML.media_type,) if method == "get" else ()
    statuses = (400, 406, 413, 429, 500, 503, 504) + ((415,) if method == "post" else ())
    address = _Address(
        (*_types(RESULT_FORMATS), *graphs, *asked),
        json="Results",
        errors=statuses,
        others=(304,) if method == "get" else (),
        pages=method == "get",
    )
    responses = address.responses()
    for name, statuses_ in (("Kg-Release", responses), ("Kg-Rows-Cut", ("200",))):
        for status in statuses_:
            responses[status]["headers"][name] = {"$ref": f"#/components/headers/{name}"}
    operation: Json = {
        "operationId": f"sparql_{method}",
        "summary": "SPARQL 1.1 Protocol: query",
        "description": "Return the answer to a query.\n\nSELECT and ASK give JSON, XML, CSV or "
        "TSV; CONSTRUCT and DESCRIBE give RDF, by the header Accept or `format`. The default graph "
        "is the union of all graphs. Without a query, a browser gets a form and everybody else the "
        "Service Description.",
        "parameters": _query_parameters(query=method == "get"),
        "responses": responses,
    }
    if method == "get":
        return operation
    fields = {
        name: {**schema, "description": words} for name, (words, schema) in _QUERY_FIELDS.items()
    }
    form = {"type": "object", "required": ["query"], "properties": fields}
    operation["requestBody"] = {
        "required": True,
        "content": {
            _QUERY: {
                "schema": _TEXT,
                "examples": {name: {"value": text} for name, text in _EXAMPLES.items()},
            },
            _FORM: {
                "schema": form,
                "examples": {name: {"value": {"query": text}} for name, text in _EXAMPLES.items()},
            },
        },
    }
    for one in operation["parameters"]:
        one["description"] += " In the address or in the form, not in both."
    return operation


def _graphs() -> Json:
    """Return the operation of the Graph Store."""
    address = _Address(
        tuple(_types(GRAPH_FORMATS)),
        errors=(400, 404, 406, 413, 429, 500, 503, 504),
        pages=False,
    )
    return {
        "operationId": "graphs",
        "summary": "SPARQL 1.1 Graph Store Protocol: read a graph",
        "description": "Return a graph.\n\nOne of `graph` and `default` has to be there.",
        "parameters": [
            _parameter("graph", "The IRI of a graph of the release.", _IRI),
            {
                **_parameter("default", "The default graph, which is the union of all.", _TEXT),
                "allowEmptyValue": True,
            },
            _parameter("format", _QUERY_FIELDS["format"][0], _named(GRAPH_FORMATS)),
        ],
        "responses": address.responses(),
    }


@dataclass(frozen=True, slots=True)
class Page:
    """An address that is not the endpoint's: its path, the name of its operation, and words."""

    path: str
    name: str
    summary: str
    description: str


def described(
    title: str, summary: str, version: str, pages: Iterable[Page], posts: Iterable[Page]
) -> Json:
    """Return the description of the interface, in the order of `pages`, then the endpoint.

    Args:
        title, summary, version: of the interface.
        pages: what is asked for by GET.
        posts: what is asked for by POST.

    Raises:
        KeyError: nothing is known of the address of a page.
    Spec: OpenAPI 3.1
    """
    paths: Json = {}
    for page in pages:
        path = page.path.replace(":path}", "}")
        address = _ADDRESSES[path]
        paths[path] = {
            "get": {
                "operationId": page.name,
                "summary": page.summary,
                "description": page.description,
                "parameters": list(address.parameters),
                "responses": address.responses(),
            }
        }
    for page in posts:
        paths.setdefault(page.path, {})["post"] = _posted(page)
    paths["/sparql"] = {method: _sparql(method) for method in ("get", "post")}
    paths["/graphs"] = {"get": _graphs()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "summary": summary,
            "version": version,
            "description": "HEAD gives the headers of GET; OPTIONS says what an address allows; "
            "another method is 405. Where there are several formats, the suffix of the path says "
            "which (`/search.csv`), else `format`, else the header Accept; pages with tables have "
            "them as `csv`. Errors are problem details, or a page for a browser.",
        },
        "paths": paths,
        "components": {"schemas": dict(_SCHEMAS), "headers": dict(_HEADERS)},
    }
