"""Pages for everybody: axe finds nothing, the keyboard reaches everything, nothing is too small.

axe is injected by the driver: no page of ours loads it, and none could under our policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kg.store import current_release

pytestmark = pytest.mark.requires("chromium", "chromedriver", "assets")

AXE = Path("frontend/node_modules/axe-core/axe.min.js")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""What is held against a page; the last has the order of headings and the landmarks."""

PATHS = (
    "/",
    "/doc/event/radar-delivery",
    "/doc/event/radar-handover",
    "/doc/relation/00000000000000a2",
    "/doc/claim/0000000000000002",
    "/doc/claim/0000000000000003",
    "/doc/claimset/such-accusations",
    "/doc/document/harbour-bn",
    "/doc/agent/arvenia",
    "/doc/agent/mira-odan",
    "/doc/agent/dissolved-body",
    "/doc/place/bost-city",
    "/doc/thing/radar-parts",
    "/doc/position/arvenian-foreign-minister",
    "/doc/participation/1",
    "/doc/span/1",
    "/doc/time/last-week",
    "/doc/quantity/1",
    "/doc/status/0000000000000001",
    "/doc/record/00000000000000b1",
    "/doc/run/first-reading",
    "/doc/graph/harbour-bn",
    "/doc/notice/withdrawn-body",
    "/questions",
    "/questions/who-denies",
    "/query",
    "/query?query=SELECT+?event+?label+WHERE+%7B?event+a+ch:Event+;+rdfs:label+?label%7D",
    "/query?query=SELECT+*+WHERE+%7B?place+ch:latitude+?lat+;+ch:longitude+?long%7D",
    "/query?query=SELECT",
    "/search",
    "/search?q=radar",
    "/search?q=রাডার",
    "/search?kind=claim",
    "/timeline",
    "/map",
    "/network",
    "/ontology",
    "/ontology/Claim",
    "/ontology/stance-denies",
    "/shapes",
    "/dataset",
    "/download",
    "/releases",
    "/releases/{new}",
    "/releases/{old}/diff/{new}",
    "/corrections",
    "/changes",
    "/docs",
    "/docs/api",
    "/docs/model",
    "/docs/how-to/read-the-pages",
    "/nope",
)
"""A page of each kind."""
MORE = b"""
g:registry {
  <https://chancery.example/id/agent/dissolved-body> a ch:Tombstone ;
    dcterms:identifier "dissolved-body" .
  <https://chancery.example/id/notice/withdrawn-body> a ch:Notice ;
    rdfs:label "Withdrawal of a body"@en ; ch:withdraws a:dissolved-body ;
    dcterms:date "2031-05-06"^^xsd:date ; ch:authority "The editors" .
}
"""
SHOWN = (
    (360, "light", "en"),
    (360, "dark", "bn"),
    (1280, "light", "bn"),
    (1280, "dark", "en"),
)
"""Widths, schemes and languages: each with each of the others."""


@pytest.fixture(scope="module")
def axe(checkout: Path) -> str:
    """Return the source of axe."""
    file = checkout / AXE
    if not file.is_file():
        pytest.fail("axe is missing: cd frontend && npm ci")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]) -> Path:
    """Return a folder of two releases, the later with a withdrawal."""
    folder = tmp_path_factory.mktemp("access")
    write_sample(folder, title="Invented facts, earlier")
    write_sample(folder, extra=MORE)
    return folder


@pytest.fixture(scope="module")
def ids(out: Path) -> Mapping[str, str]:
    """Return the ids of the releases by the names that they have in `PATHS`."""
    new = current_release(out).name
    (old,) = (one.name for one in out.iterdir() if len(one.name) == 64 and one.name != new)
    return {"old": old, "new": new}


@pytest.fixture(scope="module")
def address(out: Path, serving: Any) -> Iterator[str]:
    with serving(out) as found:
        yield found


def show(browser: Any, width: int, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def visit(browser: Any, url: str) -> None:
    """Open a page, its pictures too, and wait until its scripts have drawn what they draw."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(url)
    for summary in browser.find_elements("css selector", ".drawn > summary"):
        summary.click()
    script = (
        "return document.readyState === 'complete' && "
        "[...document.querySelectorAll('figure.picture')]"
        ".every((one) => one.dataset.drawn || "
        "(one.querySelector('.drawing').hidden && !one.closest('details'))) && "
        "(!document.querySelector('form.editor') || document.querySelector('.editor .code'))"
    )
    WebDriverWait(browser, 20).until(lambda it: it.execute_script(script), f"{url} is not drawn")


def violations(browser: Any, axe: str) -> list[tuple[str, str, str]]:
    """Return what axe finds on the page that is open: rule, element, why."""
    browser.execute_script(axe)
    script = (
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {runOnly: {type: 'tag', values: arguments[0]},"
        " rules: {'target-size': {enabled: true}},"
        " resultTypes: ['violations']}).then((found) => done(found.violations), "
        "(error) => done([{id: String(error), nodes: []}]));"
    )
    found = browser.execute_async_script(script, list(RULES))
    return [
        (one["id"], node["html"][:160], node["failureSummary"])
        for one in found
        for node in one["nodes"] or [{"html": "", "failureSummary": ""}]
    ]


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing(
    browser: Any, address: str, ids: Mapping[str, str], axe: str, path: str
) -> None:
    browser.set_script_timeout(60)
    trouble = {}
    for width, scheme, lang in SHOWN:
        show(browser, width, scheme)
        visit(browser, f"{address}{path.format_map(ids)}{'&' if '?' in path else '?'}lang={lang}")
        dark = "return matchMedia('(prefers-color-scheme: dark)').matches"
        assert browser.execute_script(dark) == (scheme == "dark")
        if found := violations(browser, axe):
            trouble[width, scheme, lang] = found
    told = [f"{where}: {what}" for where, all_of_it in trouble.items() for what in all_of_it]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_wider_than_the_smallest_screen(
    browser: Any, address: str, ids: Mapping[str, str], path: str
) -> None:
    show(browser, 320)
    for lang in ("en", "bn"):
        visit(browser, f"{address}{path.format_map(ids)}{'&' if '?' in path else '?'}lang={lang}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 320, lang


FOCUS = """
const at = document.activeElement;
if (!at || at === document.body) return null;
const box = at.getBoundingClientRect(), style = getComputedStyle(at);
const outer = at.closest(":focus-within");
return {
  number: [...document.querySelectorAll("*")].indexOf(at),
  words: at.tagName + " " + (at.getAttribute("aria-label") || at.textContent).trim().slice(0, 60),
  size: box.width * box.height,
  inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  ring: at.querySelector(".reach") ?
    getComputedStyle(at.querySelector(".reach")).stroke !== "none" :
    (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) ||
    style.boxShadow !== "none",
  editor: Boolean(at.closest(".editor .code")) || at.shadowRoot !== null,
};
"""
STOPS = """
return [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((one) =>
  one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.tabIndex >= 0
).map((one) => [...document.querySelectorAll("*")].indexOf(one));
"""


@pytest.mark.parametrize(
    "path", ["/", "/doc/event/radar-delivery", "/query", "/timeline", "/map", "/network"]
)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    browser: Any, address: str, path: str
) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    show(browser, 1280)
    visit(browser, f"{address}{path}")
    wanted = set(browser.execute_script(STOPS))
    assert len(wanted) > 20
    reached: dict[int, str] = {}
    for _ in range(len(wanted) + 20):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        at = browser.execute_script(FOCUS)
        if at is None or (reached and at["number"] in reached and not at["editor"]):
            break
        reached[at["number"]] = at["words"]
        assert at["size"] > 0, at
        assert at["inside"], at
        assert at["ring"] or at["editor"], at
        if at["editor"]:  # Tab indents there: Escape first, as the page says
            ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert next(iter(reached.values())).startswith("A "), "the first stop skips to the content"
    missed = wanted - set(reached)
    names = browser.execute_script(
        "const all = [...document.querySelectorAll('*')];"
        "return arguments[0].map((one) => all[one].outerHTML.slice(0, 120));",
        sorted(missed),
    )
    assert names == []


def test_the_first_stop_skips_to_the_content(browser: Any, address: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    show(browser, 360)
    visit(browser, f"{address}/doc/event/radar-delivery")
    ActionChains(browser).send_keys(Keys.TAB).perform()
    link = browser.switch_to.active_element
    assert link.get_attribute("href").endswith("#content")
    assert link.is_displayed()
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    ActionChains(browser).send_keys(Keys.TAB).perform()
    inside = "return document.getElementById('content').contains(document.activeElement)"
    assert browser.execute_script(inside)


def test_axe_sees_what_is_wrong(browser: Any, address: str, axe: str) -> None:
    show(browser, 1280)
    visit(browser, f"{address}/dataset")
    browser.execute_script(
        "document.querySelector('main').insertAdjacentHTML('beforeend', "
        "'<h5>too deep</h5><img src=\"/assets/icon.svg\"><button></button>')"
    )
    found = {rule for rule, _, _ in violations(browser, axe)}
    assert {"heading-order", "image-alt", "button-name"} <= found
