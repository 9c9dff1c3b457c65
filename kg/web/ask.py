"""One request for a page: its release, its languages, its format, and how its answer is written."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import re
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import Response

from kg.serialise import Documents
from kg.vocab import CH
from kg.web import describe, pages
from kg.web.cache import Headers, Kept, matches
from kg.web.guard import QueryFailure
from kg.web.language import INTERFACE, interface, own_name
from kg.web.negotiation import (
    HTML,
    PAGE_FORMATS,
    Format,
    by_name,
    choose,
    coding,
    content_type,
    media_types,
)
from kg.web.site import Served, Site, nothing_served
from kg.web.texts import TOKEN

_log = logging.getLogger(__name__)

LANGUAGES_SHOWN: Final = 16
LANG: Final = "lang"
"""Parameter and cookie of the language that a reader chose."""
A_YEAR: Final = 365 * 24 * 3600
WORTH_IT: Final = 1024
"""Bytes from which on an answer is compressed."""
COMPRESSION: Final = 5
REVIEWS_COUNTED: Final = 100_000
"""Records in one state of review that are counted."""
LONGEST_CITED: Final = 2000
"""Characters of the parameters in the address of a page that is cited."""


@dataclass(frozen=True)
class Static:
    """What the pages of a static copy must know: they offer nothing that needs a server.

    Args:
        live: what the addresses of the data begin with; empty where nobody owns that.
        listed: how many things of each kind the lists have.
    """

    live: str
    listed: Mapping[str, int]


class Ask:
    """One request: the release that answers it, the languages, and how its page is written."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.site: Site = request.app.state.site
        served: Served | None = request.scope.get("kg.served")
        if served is None:
            raise nothing_served()
        self.served = served
        self.static: Static | None = request.scope.get("kg.static")
        self.root: str = request.scope.get("root_path", "").rstrip("/")
        self.path: str = quote(request.url.path)
        wanted = wanted_languages(request)
        self.languages = tuple(tag for tag in wanted if tag in served.languages) or ("en",)
        self.language = interface(wanted)
        self.reader = (self.language.tag, *self.languages)
        """What a page depends on beside what it shows: the language of its words, then of names."""
        self.gzip = coding(request.headers.get("accept-encoding", "")).gzip
        texts = self.site.texts
        self.texts = texts if texts is not None and texts.shown_to(request) else None
        """The texts of the operator, where somebody on this machine asks."""

    @property
    def number(self) -> int:
        """Return the page number, from 1."""
        text = self.request.query_params.get("page", "1")
        if not re.fullmatch("[1-9][0-9]{0,5}", text):
            raise QueryFailure("parameter", f"page is {text!r}; expected a number from 1")
        return int(text)

    def view(self, description: describe.Description) -> pages.View:
        """Return the description as this reader sees it."""
        imported = self.served.manifest.imported
        return pages.View(description, self.languages, self.root, self.language, imported=imported)

    def of_this_machine(self) -> dict[str, str]:
        """Return the headers of a page that no other site and no cache may have."""
        host = self.request.headers.get("host", "")
        return {
            "Access-Control-Allow-Origin": f"{self.request.url.scheme}://{host}",
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    def cited(self, title: str, credited: Sequence[pages.Credit] = ()) -> dict[str, Any]:
        """Return how a page is cited, and where an error in it is reported; empty for nowhere.

        Args:
            title: of the page, with its marks.
            credited: whose data it shows.
        """
        manifest = self.served.manifest
        address = f"{self.served.base}{self.path.lstrip('/')}"
        given = self.request.query_params.multi_items()
        shown = urlencode([(k, v) for k, v in given if k not in (LANG, TOKEN)])
        if 0 < len(shown) <= LONGEST_CITED:
            address += f"?{shown}"
        site = manifest.title if manifest.imported else TITLE
        day = f" ({manifest.time[:10]})" if manifest.time else ""
        release = f"{self.language.gettext('Release')} {manifest.id[:12]}{day}"
        return {
            "text": f"{title}. {site}. {release}. {address}",
            "sources": list(dict.fromkeys(one.citation for one in credited if one.citation)),
            "report": _report(self.site.settings.contact, address, manifest.id, title),
        }

    def link(self, **changed: object) -> str:
        """Return this address with some parameters changed; None removes one."""
        params = dict(self.request.query_params) | {TOKEN: None} | changed
        text = urlencode({k: v for k, v in params.items() if v is not None})
        return f"{self.root}{self.path}" + (f"?{text}" if text else "")

    def as_data(self, *forms: Format) -> list[dict[str, str]]:
        """Return links to what this page shows in other formats, by the suffix of the path."""
        path, mark, query = self.link(format=None).partition("?")
        return [
            {
                "name": form.name.upper(),
                "type": form.media_type,
                "href": f"{path}{form.suffix}{mark}{query}",
            }
            for form in forms
        ]

    def local(self, iri: str) -> str:
        """Return where a thing of the release is described here; its address if it is not ours."""
        base = self.served.base
        if iri.startswith(f"{base}id/"):
            return f"{self.root}/doc/{quote(iri[len(base) + 3 :])}"
        if iri.startswith(CH):
            return f"{self.root}/ontology#{quote(iri[len(CH) :])}"
        return iri if iri.startswith(("http://", "https://")) else ""

    def etag(self, *parts: object) -> str:
        """Return the entity tag of an answer: release, software, and what tells answers apart."""
        text = json.dumps([self.served.manifest.id, self.site.build, self.gzip, *map(str, parts)])
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'

    def known(
        self, etag: str, headers: Mapping[str, str], *, there: bool = False
    ) -> Response | None:
        """Return 304 where the reader has this answer already, or the answer where it is kept.

        Args:
            there: whether the caller knows that there is something at this address, so that `*` is
                had; else `answer` finds that out.
        """
        if self._has(etag) or (there and self._any):
            return self._unchanged(etag, headers)
        kept = self.served.pages.get(self._key(etag), None)
        if kept is None:
            return None
        if self._any:
            return self._unchanged(etag, headers)
        # One answer may have several addresses, which depend on more or less of the request.
        named = {**_texts(kept.headers), "vary": _compressible(varied(headers))}
        return self._chosen(Response(kept.body, 200, named))

    def answer(
        self, body: str | bytes, media_type: str, headers: Mapping[str, str], status: int = 200
    ) -> Response:
        """Return an answer, compressed where the reader takes that; with an ETag it is kept."""
        data = body.encode() if isinstance(body, str) else body
        if status == 200 and self._any:
            return self._unchanged(headers.get("ETag", ""), headers)
        named = varied({**headers, "Content-Type": content_type(media_type)})
        named["Vary"] = _compressible(named)
        if self.gzip and len(data) >= WORTH_IT:
            data = gzip.compress(data, COMPRESSION, mtime=0)
            named["Content-Encoding"] = "gzip"
        response = Response(data, status, named)
        etag = headers.get("ETag")
        if etag and status == 200:
            key, pairs = self._key(etag), list(response.raw_headers)
            self.served.pages.put(Kept(key, "page", "", etag.encode(), pairs, data), None)
        return self._chosen(response)

    def json(self, value: object, headers: Mapping[str, str]) -> Response:
        """Return an answer in JSON, as `answer` does."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return self.answer(text, PLAIN_JSON.media_type, headers)

    def _key(self, etag: str) -> bytes:
        """Return the key of a kept answer, whose links hold the parameters of its address."""
        return hashlib.sha256(f"{etag} {self.request.url.query}".encode()).digest()

    @property
    def _any(self) -> bool:
        """Return whether the reader says that they have whatever there is: RFC 9110, 13.1.2."""
        return self.request.headers.get("if-none-match", "").strip() == "*"

    def _has(self, etag: str) -> bool:
        """Return whether the reader has the answer with this entity tag; `*` is another matter."""
        given = self.request.headers.get("if-none-match", "")
        return not self._any and matches(given.encode("latin-1"), etag.encode("latin-1"))

    def _unchanged(self, etag: str, headers: Mapping[str, str]) -> Response:
        named = varied(headers)
        named["Vary"] = _compressible(named)
        if etag:
            named["ETag"] = etag
        return self._chosen(Response(status_code=304, headers=named))

    def _chosen(self, response: Response) -> Response:
        """Return the response; a language that was chosen on a page of ours is remembered.

        Who was only sent an address keeps their own language.
        """
        chosen = self.request.query_params.get(LANG)
        here = self.request.headers.get("sec-fetch-site") == "same-origin"
        if chosen and here and chosen in (*INTERFACE, *self.served.languages):
            response.set_cookie(LANG, chosen, A_YEAR, path=f"{self.root}/", samesite="lax")
        if self.texts is not None and TOKEN in self.request.query_params:
            response.set_cookie(
                TOKEN, self.texts.token, path=f"{self.root}/", samesite="strict", httponly=True
            )
        return response

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        formats: Sequence[Mapping[str, str]] = (),
        data: str = "",
        **context: Any,
    ) -> Response:
        """Return an HTML page.

        Args:
            formats: the same as data, for links.
            data: what the page shows as JSON-LD that can stand in HTML.
        """
        offered = dict.fromkeys((*self.served.languages[:LANGUAGES_SHOWN], self.languages[0]))
        text = self.site.templates.get_template(template).render(
            site={
                "title": TITLE,
                "asset": partial(self.site.asset, root=self.root),
            },
            release=self.served.manifest,
            root=self.root,
            static=self.static,
            formats=formats,
            data=data,
            language=self.language,
            citation=self.cited(context["title"], context.get("credits", ()))
            if status == 200 and not self.static
            else None,
            texts=self.texts is not None,
            languages=() if self.static else self._switch(INTERFACE, self.language.tag),
            names_in=()
            if self.static
            else self._switch([tag for tag in offered if tag not in INTERFACE], self.languages[0]),
            page={
                "number": self.number if status == 200 else 1,
                "previous": self.link(page=self.number - 1) if status == 200 else "",
                "next": self.link(page=self.number + 1) if status == 200 else "",
            },
            **context,
        )
        named = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Language", **(headers or {})}
        return self.answer(text, HTML.media_type, named, status)

    def _switch(self, tags: Iterable[str], current: str) -> list[dict[str, Any]]:
        """Return links to this page in other languages."""
        return [
            {
                "tag": tag,
                "name": own_name(tag),
                "href": self.link(lang=tag),
                "current": tag == current,
            }
            for tag in tags
        ]


def wanted_languages(request: Request) -> tuple[str, ...]:
    """Return the languages that a reader wants, best first.

    By parameter, by the path, by cookie, then by header.
    """
    asked = request.query_params.get(LANG) or request.scope.get("kg.lang")
    asked = asked or request.cookies.get(LANG)
    return pages.languages(asked, request.headers.get("accept-language"))


def _report(contact: str, address: str, release: str, title: str) -> str:
    """Return the address by which an error is reported; empty where nobody wants to hear of it.

    >>> _report("https://a.example/new?on={address}", "https://b.example/x?page=2", "12ab", "X")
    'https://a.example/new?on=https%3A%2F%2Fb.example%2Fx%3Fpage%3D2'
    """
    values = {"address": address, "release": release, "title": title}
    if contact.startswith(("https://", "http://")):
        return re.sub(
            r"\{(address|release|title)\}", lambda m: quote(values[m[1]], safe=""), contact
        )
    if "@" not in contact:
        return ""
    body = f"{title}\n{address}\nRelease {release}\n\n"
    letter = urlencode({"subject": title, "body": body}, quote_via=quote)
    return f"mailto:{quote(contact, safe='@')}?{letter}"


def _texts(headers: Headers) -> dict[str, str]:
    """Return headers as they are given to a response, without what it finds out itself."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name != b"content-length"
    }


def _compressible(headers: Mapping[str, str]) -> str:
    """Return the value of Vary for an answer that may be compressed."""
    return ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))


def varied(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers that say that an answer depends on the cookie where it does on languages."""
    found = dict(headers)
    if "Accept-Language" in found.get("Vary", ""):
        found["Vary"] += ", Cookie"
    return found


TITLE: Final = "Chancery"
PLAIN_JSON: Final = Format("json", "application/json", ".json")


def accepted(request: Request, offers: tuple[Format, ...]) -> Format:
    """Return which of the formats on offer the header Accept asks for; the first without one.

    Raises:
        QueryFailure: none of them is.
    """
    found = choose(request.headers.get("accept"), offers)
    if found is None:
        raise QueryFailure(
            "format", "none of the formats asked for is offered", available=media_types(offers)
        )
    return found[0]


def form_of(request: Request, offers: tuple[Format, ...], suffix: str = "") -> Format:
    """Return which of the formats on offer is asked for.

    The suffix of the address says it, else the parameter `format`, else the header Accept: so it is
    on every page that has several formats.

    Raises:
        QueryFailure: none of them is.
    """
    if suffix:
        for form in offers:
            if form.suffix == suffix:
                return form
        there = ", ".join(form.suffix for form in offers)
        raise QueryFailure("not-found", f"There is no format {suffix}; there are: {there}")
    name = request.query_params.get("format")
    if name is None:
        return accepted(request, offers)
    found = by_name(name, offers)
    if found is None:
        *names, last = (form.name for form in offers)
        raise QueryFailure(
            "parameter", f"format is {name!r}; expected {', '.join(names)} or {last}"
        )
    return found


def format_of(request: Request, suffix: str, offers: tuple[Format, ...] = PAGE_FORMATS) -> str:
    """Return the name of the format that is asked for, which is one of data unless said otherwise.

    Raises:
        QueryFailure: none on offer is.
    """
    return form_of(request, offers, suffix).name


def format_links(path: str, query: str = "") -> list[dict[str, str]]:
    """Return the data formats of a page, each with its name, media type and address."""
    return [
        {"name": name, "type": describe.FORMATS[suffix], "href": f"{path}.{suffix}{query}"}
        for suffix, name in describe.FORMAT_NAMES.items()
    ]


def release_path(ask: Ask, path: str) -> Path:
    """Return a file of the release that is offered to the public."""
    for entry in ask.served.manifest.files:
        if entry.path == path and not entry.private:
            return ask.served.folder / path
    raise lacking(ask, f"file {path}")


def lacking(ask: Ask, what: str) -> QueryFailure:
    """Return the failure for what this release does not have."""
    imported = ask.served.manifest.imported
    why = "; it is RDF that was imported, with what its files hold and no more" if imported else ""
    return QueryFailure("not-found", f"This release has no {what}{why}")


def release_file(ask: Ask, path: str, media: str) -> Response:
    """Return a file of the release as it is.

    Raises:
        QueryFailure: the release has none, or does not offer it.
    """
    etag = ask.etag(path)
    headers = {"Cache-Control": "no-cache", "ETag": etag}
    return ask.known(etag, headers) or ask.answer(
        release_path(ask, path).read_bytes(), media, headers
    )


async def turtle_file(ask: Ask, path: str, suffix: str, address: str, negotiated: bool) -> Response:
    """Return a Turtle file of the release in one of the data formats."""
    etag = ask.etag(path, suffix)
    headers = {
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Content-Location": f"{ask.root}{address}.{suffix}",
        "Link": ", ".join(
            f'<{ask.root}{address}.{s}>; rel="alternate"; type="{m}"'
            for s, m in describe.FORMATS.items()
            if s != suffix
        ),
    }
    if negotiated:
        headers["Vary"] = "Accept, Accept-Language"
    if (same := ask.known(etag, headers)) is not None:
        return same
    data = release_path(ask, path).read_bytes()

    async def convert() -> bytes:
        documents = await jsonld_documents(ask.served)
        return await asyncio.to_thread(describe.convert, data, suffix, documents)

    if suffix != "ttl":
        data = await cached(ask.served, (path, suffix), convert)
    return ask.answer(data, describe.FORMATS[suffix], headers)


async def jsonld_documents(served: Served) -> Documents:
    """Return what writes JSON-LD as the dump of the release does."""

    async def make() -> Documents:
        path = served.folder / "ontology/context.jsonld"
        return Documents(json.loads(await asyncio.to_thread(path.read_bytes))["@context"])

    found: Documents = await cached(served, "documents", make)
    return found


async def cached(served: Served, key: object, make: Callable[[], Awaitable[Any]]) -> Any:
    """Return what `make` gives, computed once for each release; a failure is not kept."""
    if key not in served.cache:
        async with served.locks.setdefault(key, asyncio.Lock()):
            if key not in served.cache:
                served.cache[key] = await make()
    return served.cache[key]


async def reviews(ask: Ask) -> tuple[tuple[pages.Ref, int, bool], ...]:
    """Return in which states of review the records of the release are; none if it was imported."""
    served = ask.served
    if served.manifest.imported:
        return ()

    async def make() -> tuple[dict[str, int], describe.Description]:
        counted = await describe.reviews(served.engine, REVIEWS_COUNTED)
        return counted, await describe.named(served.engine, served.base, list(counted))

    counted, named = await cached(served, "reviews", make)
    return ask.view(named).states(counted, REVIEWS_COUNTED)


def report_page(ask: Ask) -> str:
    """Return the address of the validation report as a page; empty where the release has none."""
    manifest = ask.served.manifest
    if any(file.path == "report.html" for file in manifest.files):
        return f"{ask.root}/download/{manifest.id}/report.html"
    return ""


async def turtle_answer(ask: Ask, text: str, suffix: str, headers: Mapping[str, str]) -> Response:
    """Return Turtle that was made for this request in one of the data formats."""
    etag = f'"{hashlib.sha256(f"{suffix} {ask.gzip} {text}".encode()).hexdigest()[:32]}"'
    headers = {**headers, "ETag": etag}
    if (same := ask.known(etag, headers)) is not None:
        return same
    data = text.encode()
    if suffix != "ttl":
        documents = await jsonld_documents(ask.served)
        data = await asyncio.to_thread(describe.convert, data, suffix, documents)
    return ask.answer(data, describe.FORMATS[suffix], headers)
