"""Content negotiation: which of the formats on offer a request asks for.

The tables here are the only place that names media types, suffixes and the short names of
`?format=`; the endpoint, the Graph Store Protocol and the pages all read them.

Spec: RFC 9110 sections 12.5.1 (Accept) and 12.5.3 (Accept-Encoding); SPARQL 1.1 Protocol; W3C
"Unique URIs for file formats"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

_FORMATS = "http://www.w3.org/ns/formats/"


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One format: its name in `?format=`, media type, suffix of files, and IRI; equal to itself
    only.

    `aliases` are media types that are answered with the same bytes under the name that was asked
    for.
    """

    name: str
    media_type: str
    suffix: str
    iri: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """Return the value of Content-Type: with a charset for `text/*`."""
        return content_type(self.media_type)


JSON: Final = Format(
    "json",
    "application/sparql-results+json",
    ".srj",
    f"{_FORMATS}SPARQL_Results_JSON",
    ("application/json",),
)
XML: Final = Format(
    "xml",
    "application/sparql-results+xml",
    ".srx",
    f"{_FORMATS}SPARQL_Results_XML",
    ("application/xml",),
)
CSV: Final = Format("csv", "text/csv", ".csv", f"{_FORMATS}SPARQL_Results_CSV")
TSV: Final = Format("tsv", "text/tab-separated-values", ".tsv", f"{_FORMATS}SPARQL_Results_TSV")

TURTLE: Final = Format("ttl", "text/turtle", ".ttl", f"{_FORMATS}Turtle", ("application/x-turtle",))
JSONLD: Final = Format("jsonld", "application/ld+json", ".jsonld", f"{_FORMATS}JSON-LD")
NTRIPLES: Final = Format("nt", "application/n-triples", ".nt", f"{_FORMATS}N-Triples")
NQUADS: Final = Format("nq", "application/n-quads", ".nq", f"{_FORMATS}N-Quads")
TRIG: Final = Format("trig", "application/trig", ".trig", f"{_FORMATS}TriG")
RDFXML: Final = Format("rdf", "application/rdf+xml", ".rdf", f"{_FORMATS}RDF_XML")

HTML: Final = Format("html", "text/html", ".html", aliases=("application/xhtml+xml",))

RESULT_FORMATS: Final = (JSON, XML, CSV, TSV)
"""What the answers to SELECT and ASK can be; the first is the default."""
GRAPH_FORMATS: Final = (TURTLE, JSONLD, NTRIPLES, NQUADS, TRIG, RDFXML)
"""What the answers to CONSTRUCT and DESCRIBE, and graphs, can be; the first is the default."""
PAGE_FORMATS: Final = (
    HTML,
    *(
        replace(one, aliases=("application/json",)) if one is JSONLD else one
        for one in GRAPH_FORMATS
    ),
)
"""What the document of a resource can be; the first is the default. JSON is JSON-LD here."""
TABLED: Final = (*PAGE_FORMATS, CSV)
"""What such a document can be that has tables too."""

_NAMES = {
    "turtle": "ttl",
    "n3": "ttl",
    "json-ld": "jsonld",
    "application/x-json+ld": "jsonld",
    "n-triples": "nt",
    "n-quads": "nq",
    "rdfxml": "rdf",
    "rdf+xml": "rdf",
}
_FOR_GRAPHS = {"json": "jsonld", "xml": "rdf"}
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE = re.compile(rf"\s*({_TOKEN})/({_TOKEN})\s*((?:;[^,]*)?)", re.ASCII)
_PARAMETER = re.compile(rf";\s*({_TOKEN})\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;\s]*)", re.ASCII)
_CODING = re.compile(rf"\s*({_TOKEN})\s*(?:;\s*[qQ]\s*=\s*([0-9.]*)\s*)?", re.ASCII)
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_LONGEST = 4096


def content_type(media_type: str) -> str:
    """Return the value of Content-Type for a media type: with a charset for `text/*`."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def media_types(formats: Iterable[Format]) -> list[str]:
    """Return the media types of `formats`, in their order: the list that a 406 shows."""
    return [one.media_type for one in formats]


def by_name(name: str, formats: Iterable[Format]) -> Format | None:
    """Return the format with this short name or media type, e.g. `turtle` or `text/turtle`.

    >>> by_name("Turtle", GRAPH_FORMATS).suffix
    '.ttl'
    """
    low = name.strip().lower()
    low = _NAMES.get(low, low)
    for one in formats:
        if low == one.name or low == one.media_type or low in one.aliases:
            return one
    return None


def accept_of(names: Iterable[str], formats: Sequence[Format]) -> str | None:
    """Return the Accept header that says what `?format=` does; None if it means no one format.

    Of graphs, `json` is JSON-LD and `xml` RDF/XML. Clients may name a format more than once, also
    with commas between, and a `+` that nobody encoded arrives as a space.

    >>> accept_of(["xml"], (*RESULT_FORMATS, *GRAPH_FORMATS))
    'application/sparql-results+xml, application/rdf+xml'
    """
    found: dict[Format | None, None] = {}
    for name in ",".join(names).split(","):
        low = name.strip().lower().replace(" ", "+")
        found[by_name(low, formats) or by_name(_FOR_GRAPHS.get(low, low), formats)] = None
    if len(found) != 1 or None in found:
        return None
    wanted = [one for one in found if one is not None]
    also = by_name(_FOR_GRAPHS.get(wanted[0].name, ""), formats)
    return ", ".join(media_types([*wanted, *([also] if also else [])]))


def by_suffix(path: str, formats: Iterable[Format] = PAGE_FORMATS) -> Format | None:
    """Return the format whose suffix `path` ends in.

    >>> by_suffix("/doc/agent/tass.nq").name
    'nq'
    """
    return next((one for one in formats if path.endswith(one.suffix)), None)


def choose(accept: str | None, formats: tuple[Format, ...]) -> tuple[Format, str] | None:
    """Return the format to answer with and the media type to name it by; None means 406.

    The highest quality wins; among equal ones, what was named outright wins over what a wildcard
    covers, then the order of `formats`. For each format the most specific range decides, so
    `text/turtle;q=0, */*` means "anything but Turtle". Without a header, and with one in which
    nothing can be read, the first format is chosen.

    Args:
        accept: the value of the Accept header; several headers joined by commas.
        formats: what is on offer, the preferred one first.
    Spec: RFC 9110 section 12.5.1

    >>> choose("text/csv;q=0.5, application/*", RESULT_FORMATS)[1]
    'application/sparql-results+json'
    """
    return _choose((accept or "")[:_LONGEST], formats)


@lru_cache(maxsize=256)
def _choose(accept: str, formats: tuple[Format, ...]) -> tuple[Format, str] | None:
    ranges = _ranges(accept)
    if not ranges:
        return formats[0], formats[0].media_type
    best: tuple[float, int] = (0.0, 0)
    found: tuple[Format, str] | None = None
    for one in formats:
        for name in (one.media_type, *one.aliases):
            kind = name.partition("/")[0]
            # An alias is answered only where it is named: a wildcard means the format itself.
            keys = (name, f"{kind}/*", "*/*") if name == one.media_type else (name,)
            for specificity, key in zip((2, 1, 0), keys, strict=False):
                if key in ranges:
                    if ranges[key] > 0 and (ranges[key], specificity) > best:
                        best, found = (ranges[key], specificity), (one, name)
                    break
    return found


def _ranges(accept: str) -> Mapping[str, float]:
    """Return the quality of each media range of an Accept header; what cannot be read is left out.

    Parameters but `q` are not looked at: `text/turtle;charset=utf-8` is `text/turtle`. A range
    that stands there twice has its highest quality.
    """
    found: dict[str, float] = {}
    for part in accept.split(","):
        match = _RANGE.fullmatch(part)
        if match is None or (match[1] == "*" and match[2] != "*"):
            continue
        quality = 1.0
        for name, value in _PARAMETER.findall(match[3]):
            if name.lower() == "q":
                if not _QUALITY.fullmatch(value):
                    break
                quality = float(value)
        else:
            key = f"{match[1]}/{match[2]}".lower()
            found[key] = max(quality, found.get(key, 0.0))
    return found


@dataclass(frozen=True, slots=True)
class Coding:
    """How an answer may be sent: whether compressed is wanted, and whether plain is accepted."""

    gzip: bool
    identity: bool


def coding(accept_encoding: str) -> Coding:
    """Return how an answer is to be sent, by the header Accept-Encoding; empty for none.

    Compressed only where gzip is named and wanted no less than plain, or where plain is refused.
    Where neither is accepted, both fields are false: that is 406.

    Spec: RFC 9110 section 12.5.3

    >>> coding("gzip, deflate, br"), coding("*, identity;q=0").gzip, coding("*").gzip
    (Coding(gzip=True, identity=True), True, False)
    """
    return _coding(accept_encoding[:_LONGEST])


@lru_cache(maxsize=256)
def _coding(header: str) -> Coding:
    found: dict[str, float] = {}
    for part in header.split(","):
        match = _CODING.fullmatch(part)
        if match is None or (match[2] is not None and not _QUALITY.fullmatch(match[2])):
            continue
        name = match[1].lower().removeprefix("x-")
        found[name] = max(float(match[2] or 1), found.get(name, 0.0))
    other = found.get("*")
    gzip = found.get("gzip", 0.0 if other is None else other)
    identity = found.get("identity", other)
    if identity == 0:
        return Coding(gzip > 0, False)
    wanted = found.get("gzip", 0.0)
    return Coding(wanted > 0 and wanted >= found.get("identity", 0.0), True)
