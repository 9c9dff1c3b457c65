"""Every address, on top of one finished release.

`create_app` returns a plain ASGI application. `/sparql` and `/graphs` are answered before FastAPI
sees the request; everything else is a route of the table `ROUTES`. No query is evaluated in this
process: pages ask the pool of workers.

Spec: RFC 9110 (HTTP), RFC 9457 (problem details)
"""

from __future__ import annotations

import html
import inspect
import json
import logging
from collections.abc import (
    Callable,
    Mapping,
)
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import kg
from kg.errors import KgError
from kg.vocab import RDF
from kg.web.cache import matches
from kg.web.guard import QueryFailure, Reason
from kg.web.language import N_, interface
from kg.web.negotiation import (
    HTML,
    PAGE_FORMATS,
    Format,
    by_suffix,
    choose,
    coding,
)
from kg.web.openapi import Page, described
from kg.web.protocol import PROBLEMS, failure_of
from kg.web.protocol import problem as problem_json

if TYPE_CHECKING:
    from kg.config import Settings
from kg.web.archive import (
    change_list,
    change_list_as,
    change_page,
    correction_list,
    correction_list_as,
    download,
    download_page,
    download_page_as,
    release_difference,
    release_list,
    release_list_as,
    release_page,
)
from kg.web.ask import TITLE, Ask, accepted, wanted_languages
from kg.web.crawl import robots, site_map_part, site_maps
from kg.web.editor import query_page, query_terms
from kg.web.front import (
    home,
    question_list,
    question_list_as,
    question_page,
    search_page,
    search_page_as,
    suggestions,
)
from kg.web.links import link_list, link_list_as
from kg.web.manual import guide_index, guide_page, guide_root, slug
from kg.web.numbers import number_page
from kg.web.pictures import map_page, map_page_as, network, network_as, timeline, timeline_as
from kg.web.reconcile import (
    extend_posted,
    match_posted,
    preview,
    proposed,
    reconcile,
    reconcile_posted,
    suggested,
)
from kg.web.resources import (
    context,
    dataset,
    dataset_as,
    document,
    facts_schema,
    resource,
    resource_as,
    shapes,
    shapes_as,
    thing,
    void,
)
from kg.web.site import METHODS, READING, Served, Site
from kg.web.terms import ontology, ontology_as, term

_log = logging.getLogger(__name__)

FOREVER: Final = "public, max-age=31536000, immutable"


def create_app(releases: Path, settings: Settings) -> Site:
    """Return the ASGI application that serves the current release of the folder `releases`.

    Nothing is opened before its lifespan starts.

    Args:
        releases: the folder of releases, with the link `current` in it.
        settings: number of workers and limits of queries.
    """
    return Site(releases, settings, _application, ROUTE_NAMES)


async def healthz() -> Response:
    """Return 200 while the server runs."""
    return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """Return 200 while a release is served, else 503."""
    served: Served | None = request.scope.get("kg.served")
    return JSONResponse(
        {"ready": served is not None, "release": served.manifest.id if served else None},
        200 if served else 503,
        {"Cache-Control": "no-store"},
    )


async def metrics(request: Request) -> Response:
    """Return what was counted, for Prometheus; as OpenMetrics where that is asked for."""
    site: Site = request.app.state.site
    media_type, text = site.exposition.text(request.headers.get("accept", ""))
    headers = {"Cache-Control": "no-store", "Vary": "Accept", "Content-Type": media_type}
    return Response(text, headers=headers)


MEDIA_OF_ASSETS: Final[Mapping[str, str]] = {
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}


async def asset(request: Request, name: str) -> Response:
    """Return a style sheet, a script or an image of the pages."""
    site: Site = request.app.state.site
    if name not in site.assets:
        raise QueryFailure("not-found", f"There is no asset {name!r}")
    media = MEDIA_OF_ASSETS[name.rsplit(".", 1)[-1]]
    lasting = "v" in request.query_params
    zipped = coding(request.headers.get("accept-encoding", "")).gzip
    etag = f'"{site.hashes[name]}{"-gz" if zipped else ""}"'
    headers = {
        "Cache-Control": FOREVER if lasting else "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if matches(request.headers.get("if-none-match", "").encode("latin-1"), etag.encode()):
        return Response(status_code=304, headers=headers)
    if not zipped:
        return Response(site.assets[name], 200, headers, media)
    headers["Content-Encoding"] = "gzip"
    return Response(site.zipped(name), 200, headers, media)


async def api_page(request: Request) -> Response:
    """Return the description of this interface for people."""
    ask = Ask(request)
    accepted(request, (HTML,))
    routes = []
    for path, methods in request.app.openapi()["paths"].items():
        for method, item in methods.items():
            paragraphs = item.get("description", "").split("\n\n", 1)
            routes.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "anchor": f"{method}-{slug(path)}",
                    "summary": item.get("summary", ""),
                    "description": paragraphs[1] if len(paragraphs) > 1 else "",
                    "parameters": [
                        {
                            "name": p["name"],
                            "where": p["in"],
                            "description": p.get("description", ""),
                        }
                        for p in item.get("parameters", ())
                    ],
                }
            )
    title = ask.language.gettext(N_("Interface for programs"))
    return ask.page("interface.html", title=title, routes=routes)


REASONS: Final[Mapping[int, Reason]] = {
    400: "parameter",
    404: "not-found",
    405: "method",
    413: "length",
    415: "media-type",
    422: "parameter",
}
"""What the framework refuses by itself, in the words of the one table of problems."""


async def problem(request: Request, error: Exception) -> Response:
    """Return an error in the format asked for: a page or problem+json.

    Of a resource that is not there, an empty RDF document says just that; other errors have no RDF,
    because it would be taken for an answer.
    """
    failure = _failure(error)
    served: Served | None = request.scope.get("kg.served")
    status, pairs, body = problem_json(failure, served.manifest.id if served else "")
    headers = {name.decode(): value.decode() for name, value in pairs if name != b"content-type"}
    headers |= {"cache-control": "no-store", "vary": "Accept, Accept-Language, Cookie"}
    if failure.reason == "method":
        headers["allow"] = METHODS.get(request.scope["path"], READING)
    wanted = None
    if request.url.path.startswith(("/doc/", "/resource.", "/ontology", "/shapes", "/dataset")):
        wanted = by_suffix(request.url.path)
    if request.url.path.endswith((".json", ".csv")):
        wanted = PROBLEM_JSON
    if wanted is None:
        accept = request.headers.get("accept", "")
        found = choose(accept, (PROBLEM_JSON, *PAGE_FORMATS))
        wanted = found[0] if found and failure.reason != "format" else PROBLEM_JSON
        if "text/html" in accept:
            wanted = HTML
    if wanted is not HTML and failure.reason != "not-found":
        wanted = PROBLEM_JSON
    if wanted is HTML:
        return _error_page(request, failure, headers)
    if wanted is PROBLEM_JSON:
        return Response(body, status, headers, PROBLEM_JSON.media_type)
    return Response(_empty(wanted, json.loads(body)), status, headers, wanted.media_type)


def _failure(error: Exception) -> QueryFailure:
    if isinstance(error, HTTPException):
        return QueryFailure(REASONS.get(error.status_code, "internal"), str(error.detail))
    if isinstance(error, RequestValidationError):
        words = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in error.errors())
        return QueryFailure("parameter", words)
    return failure_of(error)


PROBLEM_JSON: Final = Format(
    "problem", "application/problem+json", ".json", aliases=("application/json",)
)


def _empty(form: Format, body: Mapping[str, object]) -> str:
    """Return a document without a triple that says what went wrong to whoever reads it."""
    words = f"{body['status']} {body['title']}: {body['detail']}"
    if form.name == "jsonld":
        return json.dumps({"@context": {}, **body}, ensure_ascii=False)
    if form.name == "rdf":
        comment = html.escape(words).replace("--", "- -")
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<!-- {comment} -->\n<rdf:RDF xmlns:rdf="{RDF}"/>\n'
        )
    return "# " + " ".join(words.split()) + "\n"


def _error_page(request: Request, failure: QueryFailure, headers: Mapping[str, str]) -> Response:
    site: Site = request.app.state.site
    served: Served | None = request.scope.get("kg.served")
    root = request.scope.get("root_path", "").rstrip("/")
    status, title = PROBLEMS[failure.reason]
    language = interface(wanted_languages(request))
    text = site.templates.get_template("error.html").render(
        site={"title": TITLE, "asset": partial(site.asset, root=root)},
        release=served.manifest if served else None,
        root=root,
        static=request.scope.get("kg.static"),
        formats=(),
        data="",
        language=language,
        languages=(),
        citation=None,
        texts=False,
        names_in=(),
        title=language.gettext(title),
        detail=str(failure),
        offers=failure.available,
    )
    return Response(text, status, dict(headers), "text/html")


Route = tuple[str, Callable[..., Any], str]


ROUTES: Final[tuple[Route, ...]] = (
    ("/", home, "Home page"),
    ("/id/{kind}/{key}", thing, "A thing itself: 303 to its document"),
    ("/doc/{kind}/{name}", document, "The document about a thing"),
    ("/resource", resource, "What imported RDF says of an IRI"),
    ("/resource{suffix}", resource_as, ""),
    ("/ontology", ontology, "The ontology"),
    ("/ontology{suffix}", ontology_as, "The ontology, in one format"),
    ("/ontology/{name}", term, "A term of the ontology"),
    ("/shapes", shapes, "The shapes"),
    ("/shapes{suffix}", shapes_as, "The shapes, in one format"),
    ("/facts/schema.json", facts_schema, "The JSON Schema of facts files"),
    ("/context.jsonld", context, "The JSON-LD context"),
    ("/query", query_page, "A query and its result as a page"),
    ("/query/terms.json", query_terms, "What the query editor completes with"),
    ("/sparql", query_page, ""),
    ("/sparql/", query_page, ""),
    ("/dataset", dataset, "The description of the dataset"),
    ("/dataset{suffix}", dataset_as, "The description of the dataset, in one format"),
    ("/.well-known/void", void, "The description of the dataset, as RDF"),
    ("/download", download_page, "The list of files"),
    ("/download{suffix}", download_page_as, "The same, in one format"),
    ("/download/{release}/", download, ""),
    ("/download/{release}/{path:path}", download, "A file of a release"),
    ("/releases", release_list, "The releases"),
    ("/releases{suffix}", release_list_as, "The same, in one format"),
    ("/releases/{old}/diff/{new}", release_difference, "What changed between two releases"),
    ("/releases/{release}", release_page, "A release"),
    ("/corrections", correction_list, "What editors corrected, withdrew and suppressed"),
    ("/corrections{suffix}", correction_list_as, "The same, in one format"),
    ("/links", link_list, "The links to things outside, with refusals and what was not found"),
    ("/links{suffix}", link_list_as, "The same, in one format"),
    ("/changes", change_list, "The feed of changes"),
    ("/changes{suffix}", change_list_as, "The feed of changes, in one format"),
    ("/changes/{number}", change_page, "A page of the feed of changes"),
    ("/search", search_page, "Search names in any script"),
    ("/search{suffix}", search_page_as, "The same, in one format"),
    ("/suggest", suggestions, "Suggestions while somebody types"),
    ("/reconcile", reconcile, "Reconciliation: what the service can do, or a batch of queries"),
    ("/reconcile/suggest/{what}", suggested, "Reconciliation: suggestions"),
    ("/reconcile/preview", preview, "Reconciliation: a thing on a card"),
    ("/reconcile/extend/propose", proposed, "Reconciliation: the properties of a class"),
    ("/timeline", timeline, "What is described, on a timeline"),
    ("/timeline{suffix}", timeline_as, "The same, in one format"),
    ("/map", map_page, "Where it is described to take place"),
    ("/map{suffix}", map_page_as, "The same, in one format"),
    ("/network", network, "Who is described as acting on whom"),
    ("/network{suffix}", network_as, "The same, in one format"),
    ("/numbers", number_page, "Sums over the described events and the claims"),
    ("/questions", question_list, "The questions"),
    ("/questions{suffix}", question_list_as, "The same, in one format"),
    ("/questions/{name}", question_page, "A question with its answer"),
    ("/robots.txt", robots, ""),
    ("/sitemap.xml", site_maps, ""),
    ("/sitemap/{name}", site_map_part, ""),
    ("/docs", guide_index, "The documentation"),
    ("/docs/", guide_root, ""),
    ("/docs/api", api_page, "This interface for people"),
    ("/docs/{path:path}", guide_page, "A page of the documentation"),
    ("/healthz", healthz, "Whether the server runs"),
    ("/readyz", readyz, "Whether a release is served"),
    ("/metrics", metrics, "Counters for Prometheus"),
    ("/assets/{name:path}", asset, ""),
)
"""Path, function, and its line in the description of the interface; without one it is not in it."""
POSTS: Final[tuple[Route, ...]] = (
    ("/reconcile", reconcile_posted, "Reconciliation: a batch of queries, or a data extension"),
    ("/reconcile/match", match_posted, "Reconciliation: a batch of queries, of the draft of 1.0"),
    ("/reconcile/extend", extend_posted, "Reconciliation: a data extension, of the draft of 1.0"),
)
"""The same of what is asked by POST."""
ROUTE_NAMES: Final = frozenset(
    {"home", "sparql", *(path.split("/")[1].split("{")[0] for path, _, _ in ROUTES)}
)


def _application(site: Site) -> FastAPI:
    """Return the routes, the description of the interface, and how errors are answered."""
    app = FastAPI(
        title=TITLE,
        summary="Who says what, about which event, with what evidence",
        version=kg.__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=site.lifespan,
        redirect_slashes=False,
    )
    app.state.site = site
    for path, function, _ in ROUTES:
        app.add_api_route(path, function, methods=["GET"], response_class=Response)
    for path, function, _ in POSTS:
        app.add_api_route(path, function, methods=["POST"], response_class=Response)
    for error in (HTTPException, RequestValidationError, KgError, OSError, Exception):
        app.add_exception_handler(error, problem)
    pages, posts = (
        [
            Page(path, function.__name__, words, inspect.getdoc(function) or "")
            for path, function, words in routes
            if words
        ]
        for routes in (ROUTES, POSTS)
    )
    description = described(TITLE, app.summary or "", app.version, pages, posts)
    app.openapi = lambda: description  # type: ignore[method-assign] # as FastAPI documents it
    return app
