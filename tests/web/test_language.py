"""The words of the interface: complete in each language, and no page says some in English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from starlette.testclient import TestClient

from kg.config import Settings
from kg.importing import import_release
from kg.vocab import CH, MARKS
from kg.web.app import create_app
from kg.web.language import INTERFACE, LOCALE, Language

BASE: Final = "https://chancery.example/"
OTHERS: Final = INTERFACE[1:]
SCRIPTS: Final = {"bn": "\u0980-\u09ff", "hi": "\u0900-\u097f"}
HTML: Final = {"Accept": "text/html"}
NOTICES: Final = f"""
@prefix ch: <{CH}> .
@prefix id: <{BASE}id/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<{BASE}id/graph/corrections> {{
  <{BASE}id/notice/a> a ch:Correction, ch:Notice ; rdfs:label "ক"@bn, "क"@hi ;
    ch:corrects <{BASE}id/claim/0000000000000003> ; ch:noticeReason ch:notice-reason-unfair ;
    ch:authority "সম্পাদক" ; dcterms:date "2031-06-01"^^xsd:date .
  <{BASE}id/notice/b> a ch:Withdrawal, ch:Notice ; rdfs:label "খ"@bn, "ख"@hi ;
    ch:withdraws <{BASE}id/event/gone> ; ch:noticeReason ch:notice-reason-other ;
    ch:authority "সম্পাদক" ; dcterms:date "2031-06-02"^^xsd:date .
  <{BASE}id/notice/c> a ch:Suppression, ch:Notice ; rdfs:label "গ"@bn, "ग"@hi ;
    ch:noticeReason ch:notice-reason-privacy ;
    ch:authority "সম্পাদক" ; dcterms:date "2031-06-03"^^xsd:date .
  <{BASE}id/event/gone> a ch:Tombstone .
}}
"""
IMPORTED: Final = """
@prefix ex: <http://data.example/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:kolkata a ex:City ; rdfs:label "Kolkata"@en, "কলকাতা"@bn, "कोलकाता"@hi ; ex:people 4496694 .
ex:river ex:kolkata "x" .
"""


# --- catalogs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def messages() -> Catalog:
    """Return what the code and the templates say, as `make messages` finds it."""
    with (LOCALE / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog()
    keywords = {**DEFAULT_KEYWORDS, "N_": None}
    for _, _, message, comments, context in extract_from_dir(
        str(LOCALE.parent), methods, options, keywords
    ):
        found.add(message, auto_comments=comments, context=context)
    return found


def read(tag: str) -> Catalog:
    with (LOCALE / f"{tag}.po").open("rb") as file:
        return read_po(file, locale=tag)


def said(catalog: Catalog) -> dict[tuple[str | None, Any], Any]:
    return {(one.context, one.id): one.string for one in catalog if one.id}


@pytest.mark.parametrize("tag", OTHERS)
def test_every_message_is_translated_and_none_is_left_over(messages: Catalog, tag: str) -> None:
    catalog = read(tag)
    expected = said(messages)
    found = said(catalog)
    assert len(expected) > 400
    assert not expected.keys() - found.keys(), "new: `make messages`, then translate"
    assert not found.keys() - expected.keys(), "nobody says this any more: `make messages`"
    assert not catalog.obsolete
    for one in catalog:
        if one.id:
            forms = one.string if isinstance(one.string, tuple) else (one.string,)
            assert not one.fuzzy, one.id
            assert len(forms) == (1 if isinstance(one.id, str) else catalog.num_plurals), one.id
            assert all(form.strip() for form in forms), one.id


PLACES: Final = re.compile(r"%\(\w+\)s|%%")
SIGNS: Final = ("API", "%(change)s %(kind)s:", '<b><a href="%(href)s">%(act)s</a></b> of %(date)s')
"""What is no word of one language."""
TAGS: Final = re.compile(r"</?[a-z][^>]*>")


@pytest.mark.parametrize("tag", OTHERS)
def test_translations_keep_what_is_filled_in_and_are_in_their_script(tag: str) -> None:
    for (_, wanted), got in said(read(tag)).items():
        pairs = [(wanted, got)] if isinstance(wanted, str) else list(zip(wanted, got, strict=True))
        for english, words in pairs:
            assert words == unicodedata.normalize("NFC", words), english
            assert sorted(TAGS.findall(words)) == sorted(TAGS.findall(english)), english
            # One thing may be counted without its number: the only row, the only file.
            held = set(PLACES.findall(wanted if isinstance(wanted, str) else wanted[1]))
            assert set(PLACES.findall(words)) <= held, english
            if isinstance(wanted, str) or "%(number)s" in english:
                assert sorted(PLACES.findall(words)) == sorted(PLACES.findall(english)), english
            plain = PLACES.sub("", TAGS.sub("", words))
            if english not in SIGNS:
                assert re.search(f"[{SCRIPTS[tag]}।]", plain), english
            for other in set(OTHERS) - {tag}:  # the danda is of both
                assert not re.search(f"(?!।)[{SCRIPTS[other]}]", plain), english
            assert words[:1].isspace() == english[:1].isspace(), english
            assert words[-1:].isspace() == english[-1:].isspace(), english
            for end, same in ((".", "।"), (":", ":"), ("?", "?")):
                assert not english.endswith(end) or words.endswith(same), english


def test_marks_are_translated() -> None:
    for tag in OTHERS:
        for mark in MARKS.values():
            assert Language(tag).gettext(mark) != mark


def test_counting_follows_the_language() -> None:
    forms = ("%(count)s row", "%(count)s rows")
    assert [Language("hi").ngettext(*forms, n) for n in (1, 2)] == [
        "%(count)s पंक्ति",
        "%(count)s पंक्तियाँ",
    ]
    assert Language("bn").number(12345) == "১২,৩৪৫"
    assert Language("bn").number("12345", grouped=False) == "১২৩৪৫"


# --- pages -------------------------------------------------------------------------------------


class Texts(HTMLParser):
    """Collects what a reader sees in each language, but not code and addresses.

    In `named` are the texts that hold the name of the page, in whichever language that is.
    """

    void = frozenset(("meta", "link", "input", "br", "hr", "img"))
    seen = frozenset(("aria-label", "placeholder", "title", "alt", "data-also"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, str, bool]] = [("", "", False)]
        self.texts: list[tuple[str, str]] = []
        self.named: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        _, lang, code = self.stack[-1]
        lang = values.get("lang", lang)
        if tag == "html":
            self.language = lang
        classes = values.get("class", "").split()
        code = (
            code
            or tag in ("code", "pre", "textarea", "script", "style")
            or bool({"iri", "outside", "datatype"} & set(classes))
        )
        if tag != "link" and not code:
            self.texts += [(lang, value) for name, value in values.items() if name in self.seen]
        if tag not in self.void:
            self.stack.append((tag, lang, code))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, lang, code = self.stack[-1]
        if tag == "cite" or (tag == "title" and self.stack[-2][0] == "head"):
            self.named.append(" ".join(data.split()))
        elif not code and data.strip():
            self.texts.append((lang, " ".join(data.split())))


@pytest.fixture(scope="module")
def sample(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path], settings: Settings
) -> Iterator[tuple[TestClient, Path, Path]]:
    """Return a site with two releases of the invented facts: the later one has notices."""
    out = tmp_path_factory.mktemp("languages")
    old, new = write_sample(out), write_sample(out, extra=NOTICES.encode(), title="More facts")
    with TestClient(create_app(out, settings), follow_redirects=False) as found:
        yield found, old, new


def paths(old: Path, new: Path, addresses: list[str]) -> list[str]:
    return [
        *(f"/doc/{one}" for one in addresses),
        *(f"/doc/notice/{key}" for key in "abc"),
        "/doc/event/gone",
        "/",
        "/ontology",
        "/shapes",
        "/query",
        "/query?query=ASK{}",
        "/query?query=SELECT",
        "/query?query=SELECT * { ?s a ch:Claim } LIMIT 1",
        "/query?query=SELECT * { ?s a ch:Nothing }",
        "/query?query=CONSTRUCT WHERE { ?s ?p ?o } LIMIT 1",
        "/dataset",
        "/download",
        "/releases",
        f"/releases/{old.name}",
        f"/releases/{new.name}",
        f"/releases/{old.name}/diff/{new.name}",
        f"/releases/{old.name}/diff/{old.name}",
        "/corrections",
        "/corrections?page=2",
        "/changes",
        "/changes/1",
        "/search",
        "/search?q=radar",
        "/search?q=আর",
        "/search?kind=event",
        "/search?q=qqq",
        "/search?q=radr",
        "/questions",
        "/questions/who-denies",
        "/questions/is-it-asserted",
        "/questions/broken",
        "/timeline",
        "/timeline?rows=agent&relations=yes",
        "/timeline?from=1900&to=1901",
        "/map",
        "/map?from=1900&to=1901",
        "/network",
        "/network?from=1900&to=1901",
        "/docs",
        "/docs/api",
        "/docs/model",
        "/docs/how-to/read-the-pages",
        "/ontology/Claim",
        "/ontology/claimant",
        "/ontology/stance-denies",
        "/ontology/Claim?page=2",
        "/nothing",
        "/search?page=x",
    ]


MISSED: Final = {
    "/doc/event/gone": 410,
    "/query?query=SELECT": 400,
    "/nothing": 404,
    "/search?page=x": 400,
}
PHRASES: Final = ("Linked Data Event Stream", "RDF Patch", "Invented facts", "More facts")
"""Names of several words, and the titles of the releases, whose language nobody knows."""
NAMES: Final = frozenset(("API", "Turtle", "SHACL"))
"""Words of the interface that are the same in every language."""
RUN: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*(?: +[A-Za-z][A-Za-z'’-]*)+")


def in_english(page: Texts, tag: str, messages: Catalog) -> list[str]:
    """Return what a page in another language says in English: several words, or one of ours."""
    ours = {one.id for one in messages if isinstance(one.id, str) and one.id[:1].isupper()} - NAMES
    foreign = {text for lang, text in page.texts if lang != tag}
    named = page.named
    for text in sorted(foreign, key=len, reverse=True):
        named = [one.replace(text, "·") for one in named]
    found = []
    for text in (*named, *(text for lang, text in page.texts if lang == tag)):
        bare = text
        for phrase in PHRASES:
            bare = bare.replace(phrase, "·")
        bare = re.sub(r"https?://\S+|\S*[_\d#/.:]\S*", "·", bare)
        if RUN.search(bare) or text in ours:
            found.append(text)
    return found


@pytest.mark.parametrize("tag", OTHERS)
@pytest.mark.timeout(180)
def test_no_page_says_anything_in_english(
    sample: tuple[TestClient, Path, Path], addresses: list[str], messages: Catalog, tag: str
) -> None:
    site, old, new = sample
    found: dict[str, str] = {}
    for path in paths(old, new, addresses):
        answer = site.get(path, headers={**HTML, "Accept-Language": tag})
        assert answer.status_code == MISSED.get(path, 200), path
        page = Texts(answer.text)
        assert page.language == tag, path
        found |= {text: path for text in in_english(page, tag, messages) if text not in found}
    assert not found


@pytest.mark.parametrize("tag", OTHERS)
def test_pages_of_imported_rdf_say_nothing_in_english(
    tmp_path: Path, settings: Settings, messages: Catalog, tag: str
) -> None:
    file = tmp_path / "cities.ttl"
    file.write_text(IMPORTED, encoding="utf-8")
    import_release([str(file)], tmp_path / "releases", base=BASE)
    with TestClient(create_app(tmp_path / "releases", settings)) as site:
        for path in (
            "/",
            "/dataset",
            "/query",
            "/download",
            "/search",
            "/resource?iri=http://data.example/kolkata",
            "/resource?iri=http://data.example/river",
            "/ontology",
        ):
            answer = site.get(path, headers={**HTML, "Accept-Language": tag})
            assert answer.status_code == (404 if path == "/ontology" else 200), path
            page = Texts(answer.text)
            assert page.language == tag, path
            assert not in_english(page, tag, messages), path


def test_the_test_of_pages_finds_english(
    sample: tuple[TestClient, Path, Path], messages: Catalog
) -> None:
    site, _, _ = sample
    page = site.get("/search", headers={**HTML, "Accept-Language": "bn"}).text
    for wrong in (
        "<p>two words</p>",
        "<p>Claim</p>",
        '<p title="two words">ক</p>',
        "<cite>two words</cite>",
    ):
        assert in_english(Texts(page.replace("</main>", f"{wrong}</main>")), "bn", messages)
    right = '<p lang="en">two words</p><p>RDF <code>two words</code></p>'
    assert not in_english(Texts(page.replace("</main>", f"{right}</main>")), "bn", messages)


@pytest.mark.parametrize("path", ["/", "/doc/event/radar-delivery", "/search?q=radar", "/nothing"])
def test_the_language_is_switched_on_the_page(
    sample: tuple[TestClient, Path, Path], path: str
) -> None:
    site, _, _ = sample
    page = site.get(path, headers=HTML).text
    assert Texts(page).language == "en"
    if path == "/nothing":  # nothing to switch to: what is not there has no address
        assert 'class="languages"' not in page
        return
    for tag in OTHERS:
        [address] = re.findall(f'<a href="([^"]*)" hreflang="{tag}"', page)
        other = site.get(address.replace("&amp;", "&"), headers=HTML).text
        assert Texts(other).language == tag
        assert f'<strong lang="{tag}">' in other
        assert 'hreflang="en"' in other


def test_what_is_in_english_everywhere_says_so(sample: tuple[TestClient, Path, Path]) -> None:
    site, _, _ = sample
    for path, words in (
        ("/questions/who-denies", "Who denies the delivery of radar parts?"),
        ("/questions", "Who denies the delivery of radar parts?"),
        ("/search?page=x", "Input should be a valid integer"),
        ("/docs", "Read the pages"),
        ("/docs/api", "Counters for Prometheus"),
        ("/docs/model", "The named graphs"),
        ("/download", "Get the files, and check them"),
    ):
        there = site.get(path, headers={**HTML, "Accept-Language": "hi"}).text
        texts = {text: lang for lang, text in Texts(there).texts}
        assert {lang for text, lang in texts.items() if words in text} == {"en"}, path
        if path.startswith(("/docs", "/download")):
            continue
        here = site.get(path, headers=HTML).text
        assert words in here
        assert 'lang="en"' not in here.split("<main")[1].split("</main>")[0], path


def test_feeds_and_json_follow_the_reader(sample: tuple[TestClient, Path, Path]) -> None:
    site, _, _ = sample
    feed = site.get("/corrections.atom", headers={"Accept-Language": "bn"}).text
    assert 'xml:lang="bn"' in feed
    assert "সংশোধনী। সিদ্ধান্ত: সম্পাদক।" in feed
    hits = site.get("/search?q=radar&format=json", headers={"Accept-Language": "hi"}).json()["hits"]
    labels = [hit["label"] for hit in hits if hit["kind"] == "event"]
    assert labels
    assert all(label.startswith("वर्णित: ") for label in labels)
