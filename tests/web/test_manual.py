"""The documentation in the site: every page, every link, every anchor, in every language."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.web.app import create_app

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(
    path.relative_to(ROOT / "docs").with_suffix("").as_posix()
    for path in ROOT.glob("docs/**/*.md")
    if path.name != "README.md"
)
HTML = {"Accept": "text/html"}


class Page(HTMLParser):
    """The links, anchors, buttons and words of a page, and in which language each word is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.buttons: list[dict[str, str | None]] = []
        self.words: list[tuple[str, str]] = []
        self.inline: list[str] = []
        self._languages: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.anchors.append(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag == "button":
            self.buttons.append(given)
        if "style" in given or tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        if tag not in ("meta", "link", "input", "br", "hr", "img", "path", "rect", "marker"):
            inherited = self._languages[-1][1] if self._languages else ""
            self._languages.append((tag, str(given.get("lang") or inherited)))

    def handle_endtag(self, tag: str) -> None:
        while self._languages:
            if self._languages.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if data.strip() and self._languages:
            self.words.append((self._languages[-1][1], data.strip()))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(client: TestClient, name: str) -> None:
    answer = client.get(f"/docs/{name}", headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    page = Page(answer.text)
    assert len(set(page.anchors)) == len(page.anchors)
    assert page.inline == []
    source = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    fences = len(re.findall(r"^```", source, re.MULTILINE)) // 2
    [article] = re.findall(r"<main.*</main>", answer.text, re.DOTALL)
    assert sum("data-copy" in one for one in Page(article).buttons) == fences
    assert "<!--" not in answer.text
    assert "&lt;!--" not in answer.text.split('<div class="code">')[0]


def test_every_link_and_anchor_resolves(client: TestClient) -> None:
    found: dict[str, Page] = {}
    broken = []
    for name in ["", *PAGES]:
        here = f"/docs/{name}".removesuffix("/")
        for link in Page(client.get(here, headers=HTML).text).links:
            address, anchor = urldefrag(urljoin(here, link))
            if not address.startswith("/"):
                continue
            if address not in found:
                answer = client.get(address, headers=HTML, follow_redirects=True)
                assert answer.status_code == 200, f"{here} links to {address}"
                found[address] = Page(answer.text)
            if anchor and anchor not in found[address].anchors:
                broken.append(f"{here}: {link}")
    assert broken == []
    assert {f"/docs/{name}" for name in PAGES} <= set(found)


def test_the_index_has_every_page_in_its_section(client: TestClient) -> None:
    text = client.get("/docs", headers=HTML).text
    page = Page(text)
    assert sorted(set(page.links) & {f"/docs/{name}" for name in PAGES}) == [
        f"/docs/{name}" for name in PAGES
    ]
    assert "/docs/api" in page.links
    assert (
        text.index('id="how-to"')
        < text.index("/docs/how-to/operate")
        < text.index('id="reference"')
    )


def test_a_link_to_a_file_that_is_not_here_is_text(client: TestClient) -> None:
    text = client.get("/docs/tutorial", headers=HTML).text
    assert '<span class="file" title="docs/tutorial/facts/harbour-visit.yaml">' in text
    assert "harbour-visit.yaml</a>" not in text


@pytest.mark.parametrize(
    "name", ["nope", "README", "README.md", "model.md", "../pyproject", "generate", "api/x"]
)
def test_what_is_no_page_is_not_found(client: TestClient, name: str) -> None:
    answer = client.get(f"/docs/{name}", headers={"Accept": "application/json"})
    assert answer.status_code == 404


@pytest.mark.parametrize("tag", ["bn", "hi"])
def test_the_documentation_says_that_it_is_english(client: TestClient, tag: str) -> None:
    """Every word of a page of documentation stands within `lang="en"`, whatever else does not."""
    text = client.get(f"/docs/how-to/correct?lang={tag}", headers=HTML).text
    source = (ROOT / "docs/how-to/correct.md").read_text(encoding="utf-8")
    assert f'<html lang="{tag}">' in text
    assert '<article class="manual" lang="en">' in text
    start = text.index("<main")
    words = Page(f'<div lang="{tag}">{text[start : text.index("</main>")]}').words
    outside = " ".join(said for lang, said in words if lang == tag)
    for heading in re.findall(r"^#+ (.+)$", source, re.MULTILINE):
        assert heading.replace("`", "") not in outside
    assert {lang for lang, _ in words} == {"en", tag}


def test_a_page_is_answered_once(client: TestClient) -> None:
    first = client.get("/docs/model", headers=HTML)
    again = client.get("/docs/model", headers={**HTML, "If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    other = client.get("/docs/model?lang=bn", headers=HTML)
    assert other.headers["etag"] != first.headers["etag"]


def test_code_is_coloured_by_classes(client: TestClient) -> None:
    text = client.get("/docs/model", headers=HTML).text
    assert re.search(r'<code class="language-sparql">.*<span class="k">SELECT</span>', text)


def test_what_is_copied_of_a_session_is_what_is_typed(client: TestClient) -> None:
    buttons = Page(client.get("/docs/tutorial", headers=HTML).text).buttons
    copied = [str(one["data-copy"]) for one in buttons if "data-copy" in one]
    assert 'mkdir texts\ncp "$CHANCERY"/docs/tutorial/texts/harbour-visit.txt texts/\n' in (
        copied[1] + "\n"
    )
    assert [text for text in copied if text.startswith("$ ")] == []


def test_where_the_site_stands_under_a_path_links_stay_in_it(
    releases: Path, settings: Settings
) -> None:
    with TestClient(create_app(releases, settings), root_path="/kg") as below:
        links = Page(below.get("/kg/docs/how-to/correct", headers=HTML).text).links
    ours = [one for one in links if one.startswith("/")]
    assert ours
    assert [one for one in ours if not one.startswith("/kg/")] == []


def test_drawings_stand_in_the_page_and_take_its_colours(client: TestClient) -> None:
    text = client.get("/docs/model", headers=HTML).text
    names = re.findall(r"diagrams/([a-z]+)\.svg", (ROOT / "docs/model.md").read_text("utf-8"))
    assert len(names) == 4
    for name in names:
        assert f'aria-labelledby="{name}-title {name}-desc"' in text
        assert "<style>" in (ROOT / f"docs/diagrams/{name}.svg").read_text("utf-8")
    assert text.count("<svg") == len(names)
    assert "<style" not in text
    assert "<img" not in text


@pytest.mark.requires("chromium", "chromedriver", "assets")
def test_a_button_copies_code(browser: Any, releases: Path, serving: Any) -> None:
    with serving(releases) as address:
        browser.execute_cdp_cmd(
            "Browser.grantPermissions",
            {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": address},
        )
        browser.get(f"{address}/docs/tutorial")
        button = browser.find_element("css selector", ".code button")
        assert button.is_displayed()
        button.click()
        script = "const done = arguments[0]; navigator.clipboard.readText().then(done, done)"
        copied = browser.execute_async_script(script)
        assert str(copied).startswith("export CHANCERY=")
        assert button.text == "Copied"
