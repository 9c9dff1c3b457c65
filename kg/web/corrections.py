"""What editors did, as JSON and as a feed: corrections, withdrawals and suppressions.

Spec: RFC 4287 (Atom)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree

from kg.vocab import CH
from kg.web.pages import Notice, View

_ATOM: Final = "http://www.w3.org/2005/Atom"
_NAMED: Final = 20
"""Things that an entry of the feed names; the notice has them all."""


def _reason(notice: Notice) -> str:
    """Return the key of the reason, such as `inaccurate`."""
    return notice.reason.iri.removeprefix(f"{CH}notice-reason-") if notice.reason else ""


def as_json(
    view: View, notices: Sequence[Notice], release: str, page: int, *, more: bool
) -> dict[str, Any]:
    """Return one page of the notices for programs, the last act first.

    `act` is `correction`, `withdrawal` or `suppression`; `of` has the addresses that it is of, none
    for a suppression; `summary` has its words by language.
    """
    graph = view.d.graph
    return {
        "release": release,
        "page": page,
        "more": more,
        "notices": [
            {
                "id": one.ref.iri,
                "act": one.act.lower(),
                "reason": _reason(one),
                "authority": one.authority,
                "date": one.date,
                "of": [ref.iri for ref in one.of],
                "summary": {
                    term.lang: term.value
                    for term in graph.terms(one.ref.iri, "dcterms:description")
                },
            }
            for one in notices
        ],
    }


def as_atom(view: View, notices: Sequence[Notice], base: str, title: str) -> bytes:
    """Return the last notices as an Atom feed; the day of each is the only time that is known.

    Spec: RFC 4287, sections 4.1.1 and 4.1.2
    """
    _ = view.language.gettext
    feed = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": view.ui})
    _text(feed, "title", _("Corrections of %(title)s") % {"title": title})
    _text(feed, "id", f"{base}corrections")
    ElementTree.SubElement(feed, "link", rel="self", href=f"{base}corrections.atom")
    ElementTree.SubElement(feed, "link", rel="alternate", href=f"{base}corrections")
    days = [one.date for one in notices]
    _text(feed, "updated", f"{max(days, default='1970-01-01')}T00:00:00Z")
    _text(ElementTree.SubElement(feed, "author"), "name", title)
    for one in notices:
        entry = ElementTree.SubElement(feed, "entry")
        _text(entry, "title", view.label(one.ref.iri).text)
        _text(entry, "id", one.ref.iri)
        _text(entry, "updated", f"{one.date}T00:00:00Z")
        ElementTree.SubElement(entry, "link", rel="alternate", href=one.ref.iri)
        for ref in one.of[:_NAMED]:
            ElementTree.SubElement(entry, "link", rel="related", href=ref.iri)
        ElementTree.SubElement(entry, "category", term=_reason(one))
        who = {"act": one.called, "authority": one.authority}
        words = _("%(act)s on the authority of: %(authority)s.") % who
        if len(one.of) > _NAMED:
            words += " " + _("It is of %(number)s things.") % {
                "number": view.language.number(len(one.of))
            }
        summary = ElementTree.SubElement(entry, "summary")
        summary.text = f"{words} {one.summary.text}" if one.summary else words
        if one.summary and one.summary.lang:
            summary.set("xml:lang", one.summary.lang)
    data: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return data


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
