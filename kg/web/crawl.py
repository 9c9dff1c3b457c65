"""What crawlers ask for: robots.txt and the map of the site.

Spec: RFC 9309 (robots.txt); Sitemaps 0.90
"""

from __future__ import annotations

import asyncio
import gzip
import html
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from kg.config import Settings
from kg.manifest import LABELS, Manifest
from kg.web.ask import Ask, cached
from kg.web.guard import QueryFailure
from kg.web.search import addresses

XML: Final = "application/xml"
MOST: Final = 50_000
"""Addresses that one map may have."""
MAPS: Final = 100
"""Maps that are offered: the things after the first five millions are found through those."""
NEVER: Final = (
    "/query",
    "/sparql",
    "/graphs",
    "/suggest",
    "/reconcile/",
    "/reconcile?",
    "/search?*q=",
    "/search.",
    "/releases/*/diff/",
)
"""What costs the server a query and gives a crawler nothing that is not elsewhere."""
_SPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_PAGES: Final = ("", "questions", "ontology", "dataset", "download", "docs", "corrections", "links")


def published_at(manifest: Manifest) -> str:
    """Return what addresses begin with; empty where it was never set, so that nobody owns it."""
    return manifest.base_iri if manifest.base_iri != Settings().base_iri else ""


def site_map(element: str, addresses: Iterable[str]) -> bytes:
    """Return a map of pages (`url`), or a list of maps (`sitemap`), as XML.

    Args:
        element: which of the two.
        addresses: absolute; they are escaped here.
    """
    outer = "urlset" if element == "url" else "sitemapindex"
    lines = [f"<{element}><loc>{html.escape(one)}</loc></{element}>" for one in addresses]
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return "\n".join([head, f'<{outer} xmlns="{_SPACE}">', *lines, f"</{outer}>", ""]).encode()


def begins(ask: Ask) -> str:
    """Return what the addresses of pages begin with: the base IRI, or the host that was asked.

    It is the host where nobody owns the base; in a static copy nobody knows it, and it is empty.
    """
    here = "" if ask.static else str(ask.request.base_url)[:300]
    return published_at(ask.served.manifest) or here


async def robots(request: Request) -> Response:
    """Return what crawlers may ask for: all but queries."""
    ask = Ask(request)
    base = published_at(ask.served.manifest)
    lines = ["User-agent: *", *(f"Disallow: {ask.root}{path}" for path in NEVER), "Allow: /"]
    if base:
        lines.append(f"Sitemap: {base}sitemap.xml")
    headers = {"Cache-Control": "no-cache", "ETag": ask.etag("/robots.txt")}
    text = "\n".join([*lines, ""])
    return ask.known(headers["ETag"], headers) or ask.answer(text, "text/plain", headers)


async def site_maps(request: Request) -> Response:
    """Return the list of the maps of the site; 404 where the base IRI of the release was not set.

    The maps name the pages of all things with a name, by their canonical addresses.
    """
    ask = Ask(request)
    maps, base = await _maps(ask)
    listed = [f"{base}sitemap/{number}.xml" for number in range(1, len(maps) + 1)]
    headers = {"Cache-Control": "no-cache", "ETag": ask.etag("/sitemap.xml")}
    return ask.known(headers["ETag"], headers) or ask.answer(
        site_map("sitemap", listed), XML, headers
    )


async def site_map_part(request: Request, name: str) -> Response:
    """Return one map: at most 50,000 addresses."""
    ask = Ask(request)
    maps, _ = await _maps(ask)
    match = re.fullmatch(r"([1-9][0-9]{0,3})\.xml", name)
    if match is None or int(match[1]) > len(maps):
        raise QueryFailure("not-found", f"There is no map {name!r}; there are 1 to {len(maps)}")
    headers = {"Cache-Control": "no-cache", "ETag": ask.etag("/sitemap", name)}
    if (same := ask.known(headers["ETag"], headers)) is not None:
        return same
    return ask.answer(gzip.decompress(maps[int(match[1]) - 1]), XML, headers)


async def _maps(ask: Ask) -> tuple[list[bytes], str]:
    """Return the maps of the site, compressed, and what addresses begin with.

    Raises:
        QueryFailure: the base IRI was not set, or it is imported RDF, whose IRIs are elsewhere.
    """
    served, base = ask.served, published_at(ask.served.manifest)
    if not base or served.manifest.imported:
        raise QueryFailure(
            "not-found",
            "This release has no map of the site: nobody owns what its addresses begin with",
            hint="set base_iri before you build, if the release is to be found by crawlers",
        )

    def make() -> list[bytes]:
        pages = [f"{base}{name}" for name in _PAGES]
        pages += [f"{base}questions/{question.id}" for question in served.manifest.questions]
        things = f"{base}id/"
        pages += [
            f"{base}doc/{quote(iri[len(things) :])}"
            for iri in addresses(served.folder / LABELS, MOST * MAPS)
            if iri.startswith(things)
        ]
        parts = range(0, len(pages), MOST)
        return [gzip.compress(site_map("url", pages[at : at + MOST])) for at in parts][:MAPS]

    return await cached(served, "site map", lambda: asyncio.to_thread(make)), base
