"""The addresses of data: things, the ontology, the shapes, the contracts, the dataset.

Spec: Cool URIs for the Semantic Web (303); RFC 9110, section 12 (content negotiation)
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from kg.manifest import Manifest
from kg.vocab import CH
from kg.web import describe, pages, pictures
from kg.web.ask import (
    Ask,
    cached,
    form_of,
    format_links,
    format_of,
    jsonld_documents,
    release_file,
    release_path,
    report_page,
    reviews,
    turtle_file,
)
from kg.web.front import KIND_NAMES
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.negotiation import (
    CSV,
    GRAPH_FORMATS,
    PAGE_FORMATS,
    TABLED,
    TURTLE,
    Format,
    choose,
)
from kg.web.tables import Table, one_of, table_links
from kg.web.tables import tables as tables_of
from kg.web.texts import Passage

_log = logging.getLogger(__name__)

IN_DOCUMENT: Final = CH + "inDocument"


async def thing(request: Request, kind: str, key: str) -> Response:
    """Redirect from a thing to the document about it.

    The answer is 303 with a host-relative location; 404 where the release says nothing of it.
    """
    ask = Ask(request)
    await _must_exist(ask, kind, key)
    query = f"?{request.url.query}" if request.url.query else ""
    where = f"{ask.root}/doc/{kind}/{key}"
    return Response(
        status_code=303,
        headers={
            "Location": where + query,
            "Link": f'<{where}>; rel="describedby"',
            "Cache-Control": "no-cache",
        },
    )


async def _must_exist(ask: Ask, kind: str, key: str) -> None:
    iri = f"{ask.served.base}id/{kind}/{key}"
    if kind in describe.KINDS and describe.KEY.fullmatch(key):
        if any(graph.iri == iri for graph in ask.served.manifest.graphs):
            return
        [rows] = await ask.served.engine.rows(
            [f"SELECT ?p WHERE {{ {{ <{iri}> ?p ?o }} UNION {{ ?s ?p <{iri}> }} }} LIMIT 1"]
        )
        if rows:
            return
    raise QueryFailure("not-found", f"This release says nothing of {iri}")


async def document(request: Request, kind: str, name: str) -> Response:
    """Return what the release says of one resource, in HTML or as RDF.

    By suffix (`.html .ttl .jsonld .nt .nq .trig .rdf`), `format` or the header Accept. RDF holds
    every statement about the resource, its parts, the claims on it with their denials and replies,
    and the labels of what is named; `.nq` and `.trig` name the graph of each statement. `.csv` is a
    table of the page, which `table` names (claims, descriptions, names). 410 says that it was
    withdrawn, with the notice.
    """
    return await _document(request, kind, name, TABLED)


async def _document(request: Request, kind: str, name: str, offers: tuple[Format, ...]) -> Response:
    ask = Ask(request)
    key, dot, suffix = name.partition(".")
    served, number = ask.served, ask.number
    try:
        chosen = form_of(request, offers, dot + suffix).name
    except QueryFailure:
        await _must_exist(ask, kind, key)
        raise
    ask.path = f"/doc/{kind}/{key}"  # one page, whichever address it was asked by
    path = ask.root + ask.path
    for_people = chosen in ("html", TABLE)
    wanted = request.query_params.get("table", "") if chosen == TABLE else ""
    etag = ask.etag(path, chosen, number, wanted, *(ask.reader if for_people else ()))
    vary = [] if suffix else ["Accept"]
    headers = {
        "Cache-Control": "no-cache",
        "Link": _links(ask, kind, key, chosen, number, more=False),
        "Content-Location": _address(f"{path}.{chosen}", number, wanted),
    }
    if for_people:
        vary.append("Accept-Language")
    if vary:
        headers["Vary"] = ", ".join(vary)
    private = chosen == "html" and ask.texts is not None
    if not private and (same := ask.known(etag, headers)) is not None:
        return same
    found = await served.described(kind, key, number)
    if found is None:
        raise QueryFailure(
            "not-found", f"This release says nothing of {served.base}id/{kind}/{key}"
        )
    gone = pages.withdrawn(found)
    if not gone and not private:  # a precondition is for what is there: RFC 9110, section 13.2.1
        headers["ETag"] = etag
    view = ask.view(found)
    credited = view.credits(served.manifest.licence)
    headers["Link"] = _links(
        ask, kind, key, chosen, number, more=found.more, licences=_licences(ask, view, credited)
    )
    if found.cut or found.partial:
        headers[describe.POSITIONS_CUT] = str(describe.AGAINST if found.cut else describe.POSITIONS)
    if not for_people:
        data = describe.serialize(
            found.statements(chosen),
            chosen,
            served.release.prefixes,
            await jsonld_documents(served),
        )
        return ask.answer(data, describe.FORMATS[chosen], headers, 410 if gone else 200)
    if private:
        view.passages = await _passages(ask, found)
        headers |= ask.of_this_machine()
    template, context = pages.resource_page(view)
    tables = {} if gone or ask.static else tables_of(view, context)
    page_of_table = f"&page={number}" if number > 1 else ""
    if chosen == TABLE and gone:
        return ask.answer(_notices(view).csv(), CSV.media_type, headers, 410)
    if chosen == TABLE:
        if not (tables or suffix or "format" in request.query_params):
            return await _document(request, kind, name, PAGE_FORMATS)  # it has no such format
        return ask.answer(one_of(tables, wanted).csv(), CSV.media_type, headers)
    for graph in served.manifest.graphs:
        if graph.iri == found.iri:
            context["parts"] = pages.graph_parts(view, graph.iri, graph.quads)
    return ask.page(
        template,
        status=410 if gone else 200,
        headers=headers,
        formats=[
            *format_links(path, f"?page={number}" if number > 1 else ""),
            *table_links(ask.language, tables, f"{path}.{TABLE}?table={{table}}{page_of_table}"),
        ],
        title=ask.language.gettext("Withdrawn") if gone else view.title,
        summary="" if gone else view.summary,
        view=view,
        data=describe.island(found.triples),
        pictures=pictures.of_thing(ask, kind, key),
        credits=credited,
        **context,
    )


def _licences(ask: Ask, view: pages.View, credited: Iterable[pages.Credit]) -> list[str]:
    """Return the licences of a page: those of its sources, and ours if anything is of ours."""
    found = dict.fromkeys(one.licence.iri for one in credited if one.licence)
    graph, theirs = view.d.graph, {ref.iri for one in credited for ref in one.graphs}
    about = {quad.graph for quad in graph.quads if quad.subject == view.d.iri}
    ours = ask.served.manifest.licence
    if ours and not about <= theirs:
        return [ours, *(one for one in found if one != ours)]
    return list(found)


TABLE: Final = CSV.name


def _notices(view: pages.View) -> Table:
    """Return what editors did to a thing, as a table."""
    return Table(
        ("thing_iri", "act", "reason", "authority", "date"),
        [
            (
                view.d.iri,
                one.called,
                pages.plain(one.reason) if one.reason else "",
                one.authority,
                one.date,
            )
            for one in view.notices
        ],
    )


def _address(path: str, number: int, table: str) -> str:
    given = {"table": table, "page": str(number) if number > 1 else ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{path}?{query}" if query else path


async def _passages(
    ask: Ask, found: describe.Description
) -> Callable[[str, str, str, str], Passage | None]:
    """Return what finds the words of the spans of a page, in the texts of who runs this server."""
    texts = ask.texts
    assert texts is not None
    spans = {quad.object.value for quad in found.graph.quads if quad.predicate == IN_DOCUMENT}
    [rows] = await ask.served.engine.rows(
        [describe.fill(describe.TEXTS_QUERY, nodes=describe.values_of(spans))]
    )
    known = {row["s"].value: (row["hash"].value, row["lang"].value) for row in rows}

    def passage(document: str, start: str, end: str, sha256: str) -> Passage | None:
        text, lang = known.get(document, ("", ""))
        return texts.passage(text, start, end, sha256, lang) if text else None

    return passage


async def resource(request: Request, iri: str = "") -> Response:
    """Return what a release of imported RDF says of any IRI, in HTML or as RDF.

    `iri` is the address. The data formats hold its statements with the blank nodes that they lead
    to, those that name it, and the names of everything in them.
    """
    return await _resource(request, iri, "")


async def resource_as(request: Request, suffix: str, iri: str = "") -> Response:
    """Return the same by suffix."""
    return await _resource(request, iri, suffix)


async def _resource(request: Request, iri: str, suffix: str) -> Response:
    ask = Ask(request)
    chosen = format_of(request, suffix)
    served, number = ask.served, ask.number
    if not served.manifest.imported:
        raise QueryFailure("not-found", "Only of imported RDF there is a page for every IRI")
    if not describe.is_iri(iri):
        raise QueryFailure("parameter", f"iri is {iri!r}; expected an absolute IRI")
    local = ask.view(await describe.named(served.engine, served.base, ())).href(iri)
    if local.startswith(f"{ask.root}/doc/"):
        return Response(status_code=303, headers={"Location": local, "Cache-Control": "no-cache"})
    path, query = f"{ask.root}/resource", {"iri": iri} | ({"page": number} if number > 1 else {})
    html_page = chosen == "html"
    etag = ask.etag(path, iri, chosen, number, *(ask.reader if html_page else ()))
    headers = {
        "Cache-Control": "no-cache",
        "Vary": "Accept, Accept-Language",
        "Content-Location": f"{path}.{chosen}?{urlencode(query)}",
        "Link": f'<{ask.root}/dataset>; rel="describedby"',
    }
    if (same := ask.known(etag, headers)) is not None:
        return same
    found = await served.described_iri(iri, number)
    if found is None:
        raise QueryFailure("not-found", f"This release says nothing of {iri}")
    headers["ETag"] = etag
    if not html_page:
        data = describe.serialize(
            found.statements(chosen),
            chosen,
            served.release.prefixes,
            await jsonld_documents(served),
        )
        return ask.answer(data, describe.FORMATS[chosen], headers)
    view = ask.view(found)
    parts = [g for g in served.manifest.graphs if g.iri == iri]
    return ask.page(
        "resource_imported.html",
        headers=headers,
        formats=format_links(path, f"?{urlencode(query)}"),
        title=view.title,
        summary=view.title,
        view=view,
        data=describe.island(found.triples),
        parts=[pages.graph_parts(view, iri, graph.quads) for graph in parts],
        **pages.imported_page(view),
    )


def _links(
    ask: Ask,
    kind: str,
    key: str,
    chosen: str,
    number: int,
    *,
    more: bool,
    licences: Sequence[str] | None = None,
) -> str:
    path, page = f"{ask.root}/doc/{kind}/{key}", f"?page={number}" if number > 1 else ""
    base, manifest = ask.served.base, ask.served.manifest
    links = [
        f'<{path}.{suffix}{page}>; rel="alternate"; type="{media}"'
        for suffix, media in describe.FORMATS.items()
        if suffix != chosen
    ]
    links += [
        f'<{ask.root}/dataset>; rel="describedby"',
        f'<{base}id/{kind}/{key}>; rel="describes"',
        f'<{base}doc/{kind}/{key}{page}>; rel="canonical"',
    ]
    if kind in KIND_NAMES:
        links.append(f'<{ask.root}/search?kind={kind}>; rel="collection"')
    if licences is None:
        licences = [manifest.licence] if manifest.licence else []
    links += [f'<{one}>; rel="license"' for one in licences]
    if number > 1:
        links.append(f'<{path}?page={number - 1}>; rel="prev"')
    if more:
        links.append(f'<{path}?page={number + 1}>; rel="next"')
    return ", ".join(links)


async def shapes(request: Request) -> Response:
    """Return the SHACL shapes that every release conforms to, in HTML or as RDF."""
    return await _shapes(request, "")


async def shapes_as(request: Request, suffix: str) -> Response:
    """Return the same by suffix."""
    return await _shapes(request, suffix)


async def _shapes(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = format_of(request, suffix)
    if chosen != "html":
        return await turtle_file(ask, "ontology/shapes.ttl", chosen, "/shapes", not suffix)
    ask.path = "/shapes"
    headers = {"Vary": "Accept, Accept-Language", "ETag": ask.etag("/shapes", *ask.reader)}
    if (same := ask.known(headers["ETag"], headers)) is not None:
        return same
    text = release_path(ask, "ontology/shapes.ttl").read_text(encoding="utf-8")
    return ask.page(
        "shapes.html",
        headers=headers,
        formats=format_links(f"{ask.root}/shapes"),
        title=ask.language.gettext("Shapes"),
        text=text,
    )


async def dataset(request: Request) -> Response:
    """Return the description of the dataset: numbers, graphs, files; VoID and DCAT as RDF.

    `.csv` is a table of the page, which `table` names (sources, graphs, classes).
    """
    return await _dataset(request, "")


async def dataset_as(request: Request, suffix: str) -> Response:
    """Return the same by suffix."""
    return await _dataset(request, suffix)


async def _dataset(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = format_of(request, suffix, TABLED)
    ask.path = "/dataset"
    if chosen not in ("html", TABLE):
        return await turtle_file(ask, "void.ttl", chosen, "/dataset", not suffix)
    served, manifest = ask.served, ask.served.manifest
    wanted = request.query_params.get("table", "") if chosen == TABLE else ""
    headers = {
        "Vary": "Accept-Language" if suffix else "Accept, Accept-Language",
        "Cache-Control": "no-cache",
        "ETag": ask.etag("/dataset", chosen, wanted, *ask.reader),
    }
    if (same := ask.known(headers["ETag"], headers)) is not None:
        return same
    names = [graph.iri for graph in manifest.graphs] + list(manifest.classes)
    description = await cached(
        served, "dataset", lambda: describe.named(served.engine, served.base, names)
    )
    view = ask.view(description)

    async def report() -> dict[str, Any]:
        path = served.folder / "report.json"
        found: dict[str, Any] = json.loads(await asyncio.to_thread(path.read_bytes))
        return found

    graphs = [(view.ref(graph.iri), graph.quads) for graph in manifest.graphs]
    classes = [
        (view.ref(iri), count)
        for iri, count in sorted(manifest.classes.items(), key=lambda c: (-c[1], c[0]))
    ]
    tables = {} if ask.static else _dataset_tables(manifest, graphs, classes)
    if chosen == TABLE:
        return ask.answer(one_of(tables, wanted).csv(), CSV.media_type, headers)
    said = await cached(served, "report", report)
    counts = said.get("counts", {})
    return ask.page(
        "dataset.html",
        headers=headers,
        formats=[
            *format_links(f"{ask.root}/dataset"),
            *table_links(ask.language, tables, f"{ask.root}/dataset.{TABLE}?table={{table}}"),
        ],
        title=ask.language.gettext("About the dataset"),
        # What the shapes call a warning or a remark makes `conforms` false, but violates nothing.
        conforms=None if manifest.conforms is None else counts.get("Violation", 0) == 0,
        rewritten=said.get("rewritten", 0),
        report=report_page(ask),
        reviews=await reviews(ask),
        counts=[
            ask.language.gettext(words) % {"number": ask.language.number(counts[key])}
            for key, words in (
                ("Violation", N_("violations %(number)s")),
                ("Warning", N_("warnings %(number)s")),
                ("Info", N_("remarks %(number)s")),
            )
            if key in counts
        ],
        graphs=[{"ref": ref, "quads": quads} for ref, quads in graphs],
        classes=[{"ref": ref, "count": count} for ref, count in classes],
    )


def _dataset_tables(
    manifest: Manifest,
    graphs: Iterable[tuple[pages.Ref, int]],
    classes: Iterable[tuple[pages.Ref, int]],
) -> dict[str, Table]:
    """Return the tables of the description of the dataset by name."""
    sources = Table(
        ("source", "records", "mapped", "rejected"),
        [(s.id, str(s.records), str(s.mapped), str(s.rejected)) for s in manifest.sources],
    )
    if manifest.imported:
        inputs = {entry.name: entry for entry in manifest.inputs}
        sources = Table(
            ("file", "graph", "statements", "bytes", "sha256"),
            [
                (s.id, manifest.options[f"graph of {s.id}"], str(s.records), str(f.bytes), f.sha256)
                for s in manifest.sources
                if (f := inputs.get(f"rdf/{s.id}"))
            ],
        )
    return {
        "files" if manifest.imported else "sources": sources,
        "graphs": _counted("graph", "quads", graphs),
        "classes": _counted("class", "instances", classes),
    }


def _counted(name: str, number: str, rows: Iterable[tuple[pages.Ref, int]]) -> Table:
    """Return a table of things with their numbers."""
    return Table(
        (name, number, f"{name}_iri"),
        [(pages.plain(ref), str(count), ref.iri) for ref, count in rows],
    )


async def void(request: Request) -> Response:
    """Return the VoID and DCAT description of the dataset as RDF; Turtle unless asked otherwise."""
    found = choose(request.headers.get("accept"), GRAPH_FORMATS)
    form = found[0] if found else TURTLE
    return await turtle_file(Ask(request), "void.ttl", form.name, "/dataset", True)


async def facts_schema(request: Request) -> Response:
    """Return the JSON Schema of facts files."""
    return release_file(Ask(request), "ontology/schema.json", "application/schema+json")


async def context(request: Request) -> Response:
    """Return the JSON-LD context of the downloads."""
    return release_file(Ask(request), "ontology/context.jsonld", "application/ld+json")
