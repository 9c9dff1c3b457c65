"""Search and suggestions over HTTP, and the box with its list in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from kg.vocab import CH

MIRA = "https://chancery.example/id/agent/mira-odan"
RADAR = "https://chancery.example/id/event/radar-delivery"
HTML = {"Accept": "text/html"}


def suggested(client: TestClient, q: str, **params: str) -> list[dict[str, Any]]:
    answer = client.get("/suggest", params={"q": q, **params})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["suggestions"]
    return found


@pytest.mark.parametrize("q", ["mira od", "মীরা", "মিরা ওদ", "मीरा", "M. ODAN", "mria odan", "mirz"])
def test_a_name_is_suggested_in_any_script(client: TestClient, q: str) -> None:
    first = suggested(client, q)[0]
    assert first["iri"] == MIRA
    assert first["href"] == "/doc/agent/mira-odan"
    assert first["label"] == "Mira Odan"
    in_bengali = suggested(client, q, lang="bn")[0]
    assert (in_bengali["label"], in_bengali["lang"]) == ("মীরা ওদান", "bn")


def test_suggestions_are_few_and_can_be_kept(client: TestClient) -> None:
    answer = client.get("/suggest", params={"q": "a"})
    assert len(answer.json()["suggestions"]) == 10
    assert answer.json()["announcement"] == "10 suggestions"
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert {"Accept-Language", "Cookie"} <= set(answer.headers["vary"].split(", "))
    again = client.get("/suggest?q=a", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for other in ("/suggest?q=b", "/suggest?q=a&kind=agent", "/suggest?q=a&lang=bn"):
        assert client.get(other).headers["etag"] != answer.headers["etag"]
    assert client.get("/suggest").json()["suggestions"] == []
    assert client.get("/suggest?q=a&kind=verdict").status_code == 400


def test_no_suggestion_says_what_only_a_source_says(client: TestClient) -> None:
    events = suggested(client, "delivery of radar", kind="event")
    assert events
    assert all(one["label"].startswith("Described: ") for one in events)
    [radar] = [one for one in events if one["iri"] == RADAR]
    notes = [note["text"] for note in radar["notes"]]
    assert any(note.startswith("denies: ") and "ministry" in note for note in notes)
    claims = suggested(client, "radar", kind="claim")
    assert claims
    assert all(one["label"].startswith("Claim: ") for one in claims)
    for one in (*events, *claims, *suggested(client, "", kind="relation")):
        said = [note["text"] for note in one["notes"][1:]]
        assert said, f"{one['label']}: neither who disagrees, nor that nobody does"
    [named_otherwise] = suggested(client, "আরভেনিয়া থেকে", kind="event")
    assert any(n["text"].startswith("Described: আর") for n in named_otherwise["notes"])


@pytest.mark.parametrize(
    "q", ["x" * 5000, "\x00", "*", '"', "NEAR(a", "\u0301", "\u200f", "‮abc", "' OR 1=1 --", "🙂"]
)
def test_nothing_that_is_typed_breaks_it(client: TestClient, q: str) -> None:
    for path in ("/suggest", "/search"):
        answer = client.get(path, params={"q": q, "format": "json"})
        assert answer.status_code == 200
        assert len(answer.content) < 60_000


def test_a_search_says_that_names_are_only_similar(client: TestClient) -> None:
    found = client.get("/search", params={"q": "mria odam", "format": "json"}).json()
    assert [hit["iri"] for hit in found["hits"]][:1] == [MIRA]
    assert all(hit["similar"] for hit in found["hits"])
    page = client.get("/search", params={"q": "mria odam"}, headers=HTML).text
    assert "Nothing in this release is called so. Similar names:" in page
    assert 'href="/doc/agent/mira-odan"' in page
    page = client.get("/search", params={"q": "mira odan"}, headers=HTML).text
    assert "Similar names:" not in page
    page = client.get("/search", params={"q": "xyzzyx"}, headers=HTML).text
    assert "Nothing in this release has such a name." in page


def test_a_search_is_narrowed_by_kind_and_by_class(client: TestClient) -> None:
    def found(**params: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get("/search", params={**params, "format": "json"}).json()
        return answer

    every = found(q="arvenia")
    agents = found(q="arvenia", kind="agent")
    assert agents["kinds"] == every["kinds"]
    assert {hit["kind"] for hit in agents["hits"]} == {"agent"}
    assert every["kinds"]["agent"] == len(agents["hits"])
    assert agents["classes"][f"{CH}State"] == 1
    for name in ("State", f"{CH}State"):
        [state] = found(q="arvenia", kind="agent", **{"class": name})["hits"]
        assert state["class"] == f"{CH}State"
    assert client.get("/search", params={"class": "no such/class"}).status_code == 400
    assert client.get("/search", params={"class": "<x>"}).status_code == 400
    page = client.get("/search", params={"q": "arvenia", "kind": "agent"}, headers=HTML).text
    assert 'href="/search?q=arvenia&amp;kind=agent&amp;class=State"' in page
    assert 'href="/search?q=arvenia&amp;kind=event"' in page


def test_a_hit_says_which_name_was_found_and_who_disagrees(client: TestClient) -> None:
    params = {"q": "রাডার যন্ত্রাংশ", "kind": "event", "format": "json"}
    [hit] = client.get("/search", params=params).json()["hits"]
    assert hit["label"].startswith("Described: Delivery")
    assert hit["matched"]["label"].startswith("Described: আরভেনিয়া")
    assert hit["matched"]["lang"] == "bn"
    assert f"{CH}stance-denies" in {position["stance"] for position in hit["positions"]}
    page = client.get("/search", params=params | {"format": "html"}).text
    assert "(Bangla)" in page


# --- in a browser ------------------------------------------------------------------------------

in_browser = pytest.mark.requires("chromium", "chromedriver", "assets")


@pytest.fixture(scope="module")
def address(releases: Path, serving: Any) -> Iterator[str]:
    """Return the address of a server with the invented facts."""
    with serving(releases) as found:
        yield found


def options(browser: Any, box: Any) -> list[Any]:
    """Return the suggestions below a box, once there are some."""
    listbox = browser.find_element("id", box.get_attribute("aria-controls"))
    for _ in range(200):
        if box.get_attribute("aria-expanded") == "true":
            return list(listbox.find_elements("css selector", "[role=option]"))
        time.sleep(0.05)
    raise AssertionError("nothing was suggested")


def until(true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


@in_browser
@pytest.mark.parametrize(("path", "name"), [("/", "q2"), ("/ontology", "q"), ("/search", "q2")])
def test_a_bengali_name_is_opened_by_keys(browser: Any, address: str, path: str, name: str) -> None:
    browser.get_log("browser")
    browser.get(address + path)
    box = browser.find_element("id", name)
    assert box.get_attribute("role") == "combobox"
    assert box.get_attribute("aria-expanded") == "false"
    box.send_keys("মীরা")
    [first, *_] = options(browser, box)
    assert "Mira Odan" in first.text
    assert "মীরা ওদান" in first.text
    assert first.find_element("css selector", "[lang=bn]").text == "মীরা ওদান"
    status = box.parent.find_element("css selector", f"#{name} ~ [role=status]")
    assert "suggestion" in status.get_attribute("textContent")
    assert box.get_attribute("aria-activedescendant") is None
    box.send_keys("\ue015")  # arrow down
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert first.get_attribute("aria-selected") == "true"
    box.send_keys("\ue007")  # Enter
    until(lambda: browser.current_url == f"{address}/doc/agent/mira-odan")
    assert browser.get_log("browser") == []


@in_browser
def test_escape_closes_and_enter_without_a_choice_searches(browser: Any, address: str) -> None:
    browser.get(f"{address}/")
    box = browser.find_element("id", "q2")
    box.send_keys("radar")
    said = [one.text for one in options(browser, box) if "Delivery of radar" in one.text]
    assert said
    marks = ("Described: ", "Claim: ", "Assessment of what is described: ", "Record: ")
    assert all(text.startswith(marks) for text in said)
    box.send_keys("\ue013")  # arrow up: the last one
    last = options(browser, box)[-1]
    assert box.get_attribute("aria-activedescendant") == last.get_attribute("id")
    box.send_keys("\ue00c")  # Escape
    assert box.get_attribute("aria-expanded") == "false"
    assert box.get_attribute("aria-activedescendant") is None
    assert box.get_attribute("value") == "radar"
    box.send_keys("\ue007")
    until(lambda: "/search?q=radar" in browser.current_url)


@in_browser
def test_a_suggestion_is_opened_by_a_click_and_is_of_the_chosen_kind(
    browser: Any, address: str
) -> None:
    browser.get(f"{address}/search?kind=place")
    box = browser.find_element("id", "q2")
    box.send_keys("b")
    found = options(browser, box)
    assert ["Bost City" in one.text for one in found] == [True]
    found[0].click()
    until(lambda: browser.current_url == f"{address}/doc/place/bost-city")


@in_browser
def test_what_is_slow_to_come_does_not_replace_what_was_typed_since(
    browser: Any, address: str
) -> None:
    browser.get(f"{address}/")
    # The first answer is held back until the second one is shown.
    browser.execute_script(
        """
        const real = window.fetch;
        window.fetch = (url, init) => url.includes("q=radar")
          ? new Promise((done) => { window.late = () => done(real(url)); })
          : real(url, init);
        """
    )
    box = browser.find_element("id", "q2")
    box.send_keys("radar")
    until(lambda: bool(browser.execute_script("return Boolean(window.late)")))
    box.clear()
    box.send_keys("mira")
    assert "Mira Odan" in options(browser, box)[0].text
    browser.execute_async_script("window.late(); setTimeout(arguments[0], 300)")
    assert "Mira Odan" in options(browser, box)[0].text


@in_browser
@pytest.mark.parametrize("width", [320, 1280])
def test_the_list_fits_on_the_screen(browser: Any, address: str, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    for path, name in (("/", "q2"), ("/search?q=x", "q2"), ("/ontology", "q")):
        browser.get(address + path)
        box = browser.find_element("id", name)
        box.clear()
        box.send_keys("radar")
        listed = options(browser, box)[0].find_element("xpath", "..").rect
        assert listed["x"] >= 0
        assert listed["x"] + listed["width"] <= width, path
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, path


def test_the_search_works_without_the_script(client: TestClient) -> None:
    page = client.get("/", headers=HTML).text
    assert 'action="/search"' in page
    assert 'role="combobox"' not in page, "the script makes it one"
    assert client.get(f"/search?q={quote('মীরা')}", headers=HTML).text.count("mira-odan") >= 1
