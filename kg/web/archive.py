"""The files of a release, how releases differ, corrections, and the feed of changes."""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
import re
from collections.abc import (
    AsyncIterator,
    Iterable,
    Iterator,
    Mapping,
)
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from kg import changes
from kg.diff import Difference
from kg.dumps import GRAPHS, MEDIA_TYPES, NQ, PACKINGS
from kg.manifest import (
    MANIFEST,
    FileEntry,
    read_manifest,
    read_publications,
)
from kg.sssom import TSV_FILE
from kg.vocab import MARKS
from kg.web import corrections, describe, history, pages
from kg.web.ask import (
    PLAIN_JSON,
    Ask,
    cached,
    form_of,
    format_links,
    format_of,
    jsonld_documents,
    lacking,
    turtle_answer,
    varied,
)
from kg.web.citation import Citation
from kg.web.crawl import begins, published_at
from kg.web.downloads import Files, answer
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.manual import LOCAL, TOOLS, Article, manual, words
from kg.web.negotiation import (
    CSV,
    HTML,
    PAGE_FORMATS,
    TABLED,
    Format,
)
from kg.web.numbers import sums
from kg.web.site import Site
from kg.web.tables import Table, one_of, table_links

_log = logging.getLogger(__name__)

A_DAY: Final = "public, max-age=86400"
"""How long caches may keep what never changes, unless something in it is suppressed."""
PAGES_OF_CHANGES: Final = 5000
"""Pages that the root of the feed of changes names: the last ones."""
CHANGES_SHOWN: Final = 500
"""Lines of a list of changes."""
GRAPHS_SHOWN: Final = 500
"""Named graphs that the page of downloads lists."""
REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
ATOM: Final = Format("atom", "application/atom+xml", ".atom")
RDF_PATCH: Final = Format("rdfp", "application/rdf-patch", ".rdfp")


TABLES: Final = {
    "events": N_("an event as it is described, with its category, days, status and who takes part"),
    "claims": N_("who says what of it: stance, modality, certainty, basis and source"),
    "participants": N_("an agent, a place or a thing in one role of an event"),
    "relations": N_("what is described to hold between things"),
    "entities": N_("an agent, a place, a thing or an office"),
    "sources": N_("a document, or a record of a feed, that claims are in"),
}
"""What a row of each table is."""
FORMATS: Final = (
    (".nq", N_("one statement in a line, with the named graph that it is in; the one to load")),
    (".trig", N_("the same, grouped by graph and thing, for people to read")),
    (".ttl", N_("the triples without their graphs, grouped by thing, for people to read")),
    (".jsonld", N_("the triples as JSON, one object for each thing")),
)
"""What each form of the whole graph is for."""
LICENCES_SHOWN: Final = 200
LICENCES_QUERY: Final = f"""
SELECT DISTINCT ?s ?licence WHERE {{ ?s dcterms:license ?licence . FILTER(isIRI(?s)) }}
ORDER BY STR(?licence) STR(?s) LIMIT {LICENCES_SHOWN}"""


async def download_page(request: Request) -> Response:
    """Return the files of the current release, how to load and how to cite them; HTML or CSV.

    CSV is a table of the page, which `table` names (files, others, graphs, licences).
    """
    return await _download_page(request, "")


async def download_page_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _download_page(request, suffix)


async def _download_page(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    form = form_of(request, (HTML, CSV), suffix)
    ask.path = "/download"
    served, manifest = ask.served, ask.served.manifest
    current = f"{ask.root}/download/current/"
    # Where nobody owns the base, it is where somebody asks, and so in no answer that others get.
    host = begins(ask)
    headers = {"Vary": "Accept, Accept-Language"}
    if form is HTML and (ask.static or published_at(manifest)):
        headers["ETag"] = ask.etag("/download", *ask.reader)
        if (same := ask.known(headers["ETag"], headers)) is not None:
            return same
    numbered = f"{ask.root}/download/{manifest.id}/"
    said = words(ask.root, ask.language)

    def shown(entry: FileEntry, address: str) -> dict[str, object]:
        return {
            "href": address + quote(entry.path),
            "name": entry.path,
            "what": entry.media_type,
            "bytes": entry.bytes,
            "sha256": entry.sha256,
        }

    async def tools() -> list[Article]:
        where = {f"{LOCAL}/download/current/": f"{host}download/{manifest.id}/"}
        where[f"{LOCAL}/"] = host
        guides = await manual(ask)
        found = await asyncio.to_thread(guides.parts, TOOLS, said, where if host else {})
        # A copy has no endpoint, and perhaps nobody knows where it will be.
        out = ("/sparql?", *([] if host else [LOCAL])) if ask.static else ()
        return [one for one in found if not any(word in one.html for word in out)]

    async def licences() -> tuple[list[tuple[str, str]], describe.Description]:
        [rows] = await served.engine.rows([LICENCES_QUERY])
        pairs = [(row["licence"].value, row["s"].value) for row in rows]
        return pairs, await describe.named(
            served.engine, served.base, [subject for _, subject in pairs]
        )

    pairs, named = await cached(served, "licences", licences)
    view = ask.view(named)
    by_licence: dict[str, list[pages.Ref]] = {}
    for licence, subject in pairs:
        by_licence.setdefault(licence, []).append(view.ref(subject))
    graphs = [graph for graph in manifest.graphs if not graph.private]
    dumps = [shown(entry, current) for entry in manifest.dumps]
    files = [shown(entry, numbered) for entry in manifest.files if not entry.private]
    counted = await sums(served)
    rows = counted.rows if counted else {}
    flat = [
        shown(entry, numbered)
        | {
            "row": TABLES.get(key, ""),
            "rows": rows.get(key),
        }
        for entry in manifest.files
        if not entry.private and entry.path.startswith("tables/")
        for key in [entry.path.removeprefix("tables/").removesuffix(".parquet")]
    ]
    tables = {
        "files": _files_table(ask, dumps),
        "others": _files_table(ask, files),
        "graphs": Table(
            ("graph", "quads", "graph_iri", "address"),
            [
                (
                    graph.key,
                    str(graph.quads),
                    graph.iri,
                    _absolute(ask, f"{current}{GRAPHS}{graph.key}{NQ}"),
                )
                for graph in graphs
            ],
        ),
        "licences": Table(
            ("licence", "of", "of_iri"),
            [
                (licence, pages.plain(ref), ref.iri)
                for licence, refs in by_licence.items()
                for ref in refs
            ],
        ),
    }
    if form is CSV:
        table = one_of(tables, request.query_params.get("table", ""))
        return ask.answer(table.csv(), CSV.media_type, {**headers, "Cache-Control": "no-cache"})
    return ask.page(
        "download.html",
        headers=headers,
        title=ask.language.gettext(N_("Downloads")),
        formats=table_links(
            ask.language,
            () if ask.static else tables,
            f"{ask.root}/download{CSV.suffix}?table={{table}}",
        ),
        dumps=dumps,
        files=[one for one in files if not str(one["name"]).startswith("tables/")],
        flat=flat,
        links=manifest.offers(TSV_FILE),
        graphs=[
            {
                "key": graph.key,
                "iri": graph.iri,
                "quads": graph.quads,
                "href": f"{current}{GRAPHS}{graph.key}",
            }
            for graph in graphs[:GRAPHS_SHOWN]
        ],
        all_graphs=len(graphs),
        private=len(graphs) < len(manifest.graphs),
        suffixes=tuple(MEDIA_TYPES),
        packings=tuple(packing for packing in PACKINGS if packing),
        forms=FORMATS,
        tools=await cached(served, ("tools", bool(ask.static), said), tools)
        if "ETag" in headers
        else await tools(),
        tools_page=TOOLS,
        licences=[
            {"href": licence, "of": refs, "cut": len(pairs) == LICENCES_SHOWN}
            for licence, refs in by_licence.items()
        ],
        cite=Citation(
            manifest.title,
            manifest.agent or manifest.title,
            manifest.id,
            await _day(ask),
            f"{host or served.base}releases/{manifest.id}",
        ),
    )


def _files_table(ask: Ask, files: Iterable[Mapping[str, object]]) -> Table:
    columns = ("name", "what", "bytes", "sha256")
    rows = [
        [*(_cell(one[name]) for name in columns), _absolute(ask, str(one["href"]))] for one in files
    ]
    return Table(("file", "media_type", "bytes", "sha256", "address"), rows)


async def _day(ask: Ask) -> str:
    """Return the day of the release: of its data, else on which it was first published."""
    manifest = ask.served.manifest
    if manifest.time or ask.static:
        return (manifest.time or "")[:10]
    found = await asyncio.to_thread(read_publications, ask.site.releases)
    return next((one.time[:10] for one in found if one.id == manifest.id), "")


async def download(request: Request, release: str, path: str = "") -> Response:
    """Return one file of a release, or a range of it.

    `release` is `current` or the number of a release; `path` is a name such as `graph.ttl.gz` or
    `graphs/registry.nq`, or the path of a file in the release. Answers to a number never change.
    """
    ask = Ask(request)
    served = ask.served
    if release == "current" or release == served.manifest.id:
        files = served.files
    elif re.fullmatch("[0-9a-f]{64}", release) and (ask.site.releases / release).is_dir():
        files = await _earlier(ask, ask.site.releases / release)
    else:
        raise QueryFailure("not-found", f"There is no release {release!r}")
    if not path:
        return await download_page(request)
    found = await asyncio.to_thread(files.find, path)
    number = files.manifest.id
    if found is None:
        raise QueryFailure("not-found", f"Release {number[:12]} has no file {path!r} to download")
    etag = f'"{found.etag}"'
    headers = {
        "Cache-Control": "no-cache" if release == "current" else A_DAY,
        "ETag": etag,
        "Content-Location": f"{ask.root}/download/{number}/{quote(found.name)}",
    }
    if found.sha256:
        digest = base64.b64encode(bytes.fromhex(found.sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    if found.media_type == "text/html":  # the report, whose style is in it
        headers["Content-Security-Policy"] = REPORT_POLICY
    if (same := ask.known(etag, headers, there=True)) is not None:
        return same
    head = bool(request.scope.get("kg.head"))
    return await asyncio.to_thread(answer, found, files, request.headers, headers, head=head)


async def _earlier(ask: Ask, folder: Path) -> Files:
    """Return the files of a release that is kept and not served."""

    async def make() -> Files:
        return Files(folder, await asyncio.to_thread(read_manifest, folder), ask.served.files)

    files: Files = await cached(ask.served, ("files", folder.name), make)
    return files


async def release_list(request: Request) -> Response:
    """Return the releases that are kept, the one published last first; HTML, JSON or CSV."""
    return await _release_list(request, "")


async def release_list_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _release_list(request, suffix)


async def _release_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    form = form_of(request, (HTML, PLAIN_JSON, CSV), suffix)
    ask.path = "/releases"
    found = await asyncio.to_thread(history.kept, ask.site.releases)
    shown = [
        {
            "id": one.manifest.id,
            "current": one.manifest.id == ask.served.manifest.id,
            "published": one.published,
            "quads": one.manifest.quads,
            "triples": one.manifest.triples,
            "before": one.before,
            "href": f"{ask.root}/releases/{one.manifest.id}",
        }
        for one in found
    ]
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    if form is PLAIN_JSON:
        return ask.json(shown, headers)
    if form is CSV:
        columns = ("id", "current", "published", "quads", "triples", "before")
        rows = [
            [*(_cell(one[name]) for name in columns), _absolute(ask, str(one["href"]))]
            for one in shown
        ]
        table = Table(("release", *columns[1:], "address"), rows)
        return ask.answer(table.csv(), CSV.media_type, headers)
    return ask.page(
        "releases.html",
        formats=() if ask.static else ask.as_data(PLAIN_JSON, CSV),
        headers={"Vary": "Accept, Accept-Language"},
        title=ask.language.gettext("Releases"),
        releases=shown,
    )


def _absolute(ask: Ask, path: str) -> str:
    """Return an address for who reads it elsewhere."""
    return begins(ask) + path.removeprefix(f"{ask.root}/")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


async def release_page(request: Request, release: str) -> Response:
    """Return what a release that is kept says of itself; HTML, or its manifest as JSON."""
    ask = Ask(request)
    folder = await asyncio.to_thread(history.find, ask.site.releases, release)
    if form_of(request, (HTML, PLAIN_JSON)) is PLAIN_JSON:
        found = await asyncio.to_thread((folder / MANIFEST).read_bytes)
        headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
        return ask.answer(found, PLAIN_JSON.media_type, headers)
    everything = await asyncio.to_thread(history.kept, ask.site.releases)
    one = next((one for one in everything if one.folder.name == folder.name), None)
    if one is None:
        raise QueryFailure("not-found", f"The release {folder.name[:12]} cannot be read")
    return ask.page(
        "release.html",
        headers={"Vary": "Accept, Accept-Language"},
        title=ask.language.gettext("Release %(id)s") % {"id": one.manifest.id[:12]},
        one=one,
        shown=one.manifest,
        current=one.manifest.id == ask.served.manifest.id,
        others=[other for other in everything if other is not one],
    )


async def release_difference(request: Request, old: str, new: str) -> Response:
    """Return what changed from one release to another: HTML by thing, JSON, CSV or an RDF Patch.

    `.json`, `.csv` and `.rdfp` at the end of the address choose the form; else it is negotiated.
    CSV is a table of the page, which `table` names (things, graphs).
    """
    ask = Ask(request)
    name, dot, suffix = new.partition(".")
    before = await asyncio.to_thread(history.find, ask.site.releases, old)
    after = await asyncio.to_thread(history.find, ask.site.releases, name)
    form = form_of(request, (HTML, PLAIN_JSON, CSV, RDF_PATCH), dot + suffix)
    ask.path = f"/releases/{before.name}/diff/{after.name}"
    wanted = request.query_params.get("table", "") if form is CSV else ""
    if wanted not in ("things", "graphs", ""):
        raise QueryFailure(
            "not-found", f"This page has no table {wanted[:40]!r}; there are: things, graphs"
        )
    languages = ask.reader if form in (HTML, CSV) else ()
    etag = ask.etag("diff", before.name, after.name, form.name, ask.number, wanted, *languages)
    headers = {"ETag": etag, "Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if (same := ask.known(etag, headers, there=True)) is not None:
        return same
    if form is RDF_PATCH:
        headers = varied(headers)
        if request.scope.get("kg.head"):
            return Response(b"", 200, headers, RDF_PATCH.media_type)
        found = await asyncio.to_thread(Difference, before, after)
        patch = _one_by_one(ask.site, found)
        return StreamingResponse(patch, 200, headers, RDF_PATCH.media_type)
    async with ask.site.comparing:  # one at a time: each may take a second of a core
        compared = await asyncio.to_thread(history.compare, before, after, ask.number)
    if form is PLAIN_JSON:
        return ask.json(history.as_json(compared, ask.number), headers)
    address = f"{ask.root}/releases/{before.name}/diff/{after.name}"
    _ = ask.language.gettext
    tables = _difference_tables(ask, compared)
    if form is CSV:
        return ask.answer(one_of(tables, wanted).csv(), CSV.media_type, headers)
    page = f"&page={ask.number}" if ask.number > 1 else ""
    return ask.page(
        "diff.html",
        headers=headers,
        formats=table_links(ask.language, tables, f"{address}{CSV.suffix}?table={{table}}{page}"),
        title=_("What changed"),
        compared=compared,
        changes={what: _(words) for what, words in history.CHANGES.items()},
        kinds={kind: _(words) for kind, words in history.KINDS.items()},
        local=ask.local,
        patch=f"{address}.rdfp",
        json=f"{address}.json",
        backwards=f"{ask.root}/releases/{after.name}/diff/{before.name}",
    )


def _difference_tables(ask: Ask, compared: history.Compared) -> dict[str, Table]:
    """Return what changed as tables: a thing with its mark, and what is said there by whom.

    There are none where it is too much to be shown.
    """
    if compared.counts is None:
        return {}
    _ = ask.language.gettext

    def marked(mark: str, label: str) -> str:
        words = _(mark)
        return f"{words[:1].upper()}{words[1:]}: {label}" if mark else label

    return {
        "things": Table(
            (
                *("thing", "kind", "change", "said_by", "positions_at", "graph"),
                *("thing_iri", "graph_iri"),
            ),
            [
                (
                    marked(one.mark, one.label),
                    one.kind,
                    one.what,
                    "; ".join(marked(MARKS["claim"], claim) for claim in one.said_by),
                    _absolute(ask, there) if (there := ask.local(one.thing)) and one.mark else "",
                    one.source,
                    one.thing,
                    one.graph,
                )
                for one in compared.changes
            ],
        ),
        "graphs": Table(
            ("graph", "removed", "added", "graph_iri"),
            [(one.source, str(one.removed), str(one.added), one.graph) for one in compared.counts],
        ),
    }


async def correction_list(request: Request) -> Response:
    """Return what editors corrected, withdrew and suppressed, and why, the last act first.

    HTML, RDF, JSON (`.json`) or an Atom feed (`.atom`).
    """
    return await _correction_list(request, "")


async def correction_list_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _correction_list(request, suffix)


async def _correction_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    served, number = ask.served, ask.number
    if served.manifest.imported:
        raise lacking(ask, "notices of corrections")
    form = form_of(request, (*PAGE_FORMATS, ATOM, PLAIN_JSON), suffix)
    languages = ask.reader if form in (HTML, ATOM) else ()
    etag = ask.etag("corrections", form.name, number, *languages)
    headers = {"ETag": etag, "Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if (same := ask.known(etag, headers)) is not None:
        return same
    found, more = await describe.notices(served.engine, served.base, number)
    if form.name in describe.FORMATS and form is not HTML:
        data = describe.serialize(
            found.statements(form.name),
            form.name,
            served.release.prefixes,
            await jsonld_documents(served),
        )
        return ask.answer(data, form.media_type, headers)
    view = ask.view(found)
    notices = [view.notice(iri) for iri in view.d.sections["nodes"]]
    if form is PLAIN_JSON:
        value = corrections.as_json(view, notices, served.manifest.id, number, more=more)
        return ask.json(value, headers)
    if form is ATOM:
        if number > 1:
            raise QueryFailure("not-found", "The feed has one page: the last notices")
        text = corrections.as_atom(view, notices, served.base, served.manifest.title)
        return ask.answer(text, ATOM.media_type, headers)
    address = f"{ask.root}/corrections"
    query = f"?page={number}" if number > 1 else ""
    further = [
        {"name": "JSON", "type": PLAIN_JSON.media_type, "href": f"{address}.json{query}"},
        {"name": "Atom", "type": ATOM.media_type, "href": f"{address}.atom"},
    ]
    return ask.page(
        "corrections.html",
        headers=headers,
        formats=[*further, *format_links(address, query)],
        title=ask.language.gettext("Corrections"),
        view=view,
        notices=notices,
        more=more,
    )


async def change_list(request: Request) -> Response:
    """Return the feed of changes: a Linked Data Event Stream, or a page for people, or CSV."""
    return await _change_list(request, "")


async def change_list_as(request: Request, suffix: str) -> Response:
    """Return the feed of changes in the format of the suffix."""
    return await _change_list(request, suffix)


async def _change_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = format_of(request, suffix, TABLED)
    ask.path = "/changes"
    publications = await asyncio.to_thread(read_publications, ask.site.releases)
    first = max(0, len(publications) - PAGES_OF_CHANGES)
    shown = publications[first:]
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if chosen not in (HTML.name, CSV.name):
        text = changes.stream(ask.served.base, ask.served.manifest.title, shown, first)
        return await turtle_answer(ask, text, chosen, headers)
    kept = {one.folder.name for one in await asyncio.to_thread(history.kept, ask.site.releases)}
    if chosen == CSV.name:
        table = Table(
            ("number", "time", "action", "release", "kept", "address"),
            [
                (
                    str(number),
                    one.time,
                    one.action,
                    one.id,
                    _cell(one.id in kept),
                    _absolute(ask, f"{ask.root}/changes/{number}"),
                )
                for number, one in reversed(list(enumerate(shown, first)))
            ],
        )
        return ask.answer(table.csv(), CSV.media_type, headers)
    return ask.page(
        "changes.html",
        headers=headers,
        formats=[*format_links(f"{ask.root}/changes"), *ask.as_data(CSV)],
        title=ask.language.gettext("Changes"),
        pages=[
            {
                "number": number,
                "one": one,
                "before": publications[number - 1].id if number else None,
                "kept": one.id in kept,
            }
            for number, one in reversed(list(enumerate(shown, first)))
        ][:CHANGES_SHOWN],
        kept=kept,
    )


async def change_page(request: Request, number: str) -> Response:
    """Return one page of the feed of changes: what happened to which things.

    It changes only if something is suppressed. `.ttl` and so on at its end choose the format.
    """
    ask = Ask(request)
    digits, dot, suffix = number.partition(".")
    chosen = format_of(request, dot + suffix)
    page = None
    if re.fullmatch("0|[1-9][0-9]{0,8}", digits):
        page = await asyncio.to_thread(
            changes.read_page, ask.site.releases, ask.served.base, int(digits)
        )
    if page is None:
        raise QueryFailure("not-found", f"The feed of changes has no page {digits!r}")
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if chosen != "html":
        if page.known:
            headers["Cache-Control"] = A_DAY
        text = changes.page_turtle(ask.served.base, page)
        return await turtle_answer(ask, text, chosen, headers)
    kept = {one.folder.name for one in await asyncio.to_thread(history.kept, ask.site.releases)}
    return ask.page(
        "change.html",
        headers=headers,
        formats=format_links(f"{ask.root}/changes/{page.number}"),
        title=ask.language.gettext("Changes of %(time)s") % {"time": page.time},
        changed=page,
        compared=page.before in kept and page.release in kept and page.before != page.release,
        local=ask.local,
        most=CHANGES_SHOWN,
    )


async def _one_by_one(site: Site, difference: Difference) -> AsyncIterator[bytes]:
    """Yield a patch, while no other is made: each holds what changed of one graph in memory."""
    async with site.comparing:
        chunks = _together(difference.patch())
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk


def _together(lines: Iterator[str]) -> Iterator[bytes]:
    """Yield lines in chunks."""
    while chunk := "".join(itertools.islice(lines, 1000)):
        yield chunk.encode()
