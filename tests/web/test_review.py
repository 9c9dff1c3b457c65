"""The page on which links are reviewed: on this machine only, with a token, without JavaScript."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kg.build import load_facts
from kg.link import read_links
from kg.linking import (
    LINKER,
    Act,
    Authority,
    Item,
    Review,
    accept,
    proposals_of,
    reject,
    subjects,
    write_proposals,
)
from kg.resources import folder
from kg.review import MOST_BYTES, Page
from kg.sssom import EXACT, LinkRow
from kg.web.app import ROUTES

REVIEWER = """\
- kind: agent
  id: ada-verma
  type: Person
  labels: {en: Ada Verma}
  basis: Invented for a test
  as_of: "2026-11-21"
  extracted: registry-curation
"""
PORT = 8123
DAY = "2026-11-27"
AD = "kg:agent/ada-verma"


def proposal(subject: str, label: str, qid: str, item: str, kind: str) -> LinkRow:
    return LinkRow(
        subject_id=subject,
        subject_label=label,
        predicate_id="skos:exactMatch",
        predicate_modifier="",
        object_id=f"wd:{qid}",
        object_label=item,
        object_kind=kind,
        mapping_justification="semapv:LexicalMatching",
        author_id=LINKER,
        reviewer_id="",
        mapping_date="",
        confidence="0.8",
        evidence="the <same> words",
        revisit_on="",
        comment="",
    )


PROPOSED = [
    proposal("kg:agent/chinese-government", "Government of China", "Q4", "A body", "government"),
    proposal("kg:agent/us-executive", "White House", "Q5", "A palace", "building"),
]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("facts") / "facts"
    shutil.copytree(folder("facts"), found)
    (found / "reviewers.yaml").write_text(REVIEWER, encoding="utf-8")
    return found


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "links.sssom.tsv"
    shutil.copyfile(folder("mappings") / "wikidata.sssom.tsv", path)
    write_proposals(proposals_of(path), PROPOSED)
    return path


@pytest.fixture
def page(facts: Path, authority: Path) -> Page:
    return Page(Review(load_facts([facts]), authority, "ada-verma", "2026-11-27"), PORT)


@pytest.fixture
def client(page: Page) -> TestClient:
    """Return a client that has the cookie."""
    found = TestClient(page.app, f"http://127.0.0.1:{PORT}", follow_redirects=False)
    answer = found.get(f"/?token={page.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.token.lower() not in cookie
    return found


class _Form(HTMLParser):
    """The fields of the form of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.inputs: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input":
            self.inputs.append(given.get("type") or "text")
            if given.get("type") == "hidden":
                self.fields[given["name"] or ""] = given["value"] or ""
        if tag == "button":
            self.buttons.append(given.get("value") or "")


def form(client: TestClient, address: str = "/") -> dict[str, str]:
    return _Form(client.get(address).text).fields


def test_the_page_shows_what_a_reviewer_needs(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    text = answer.text
    for words in (
        '<span lang="bn" dir="auto">চীনের সরকার</span>',
        '<span lang="hi" dir="auto">चीन की सरकार</span>',
        "the &lt;same&gt; words",
        "GovernmentBody",
        "2 left",
        "match 38",
        "kim-train-hi.yaml",
    ):
        assert words in text
    assert "<script" not in text
    assert _Form(text).buttons == [
        *("", "exact", "close", "broad", "related", "reject", "unsure", "not-found"),
    ]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert client.get("/review.css").headers["content-type"].startswith("text/css")


def test_a_decision_is_a_row_and_leads_on(client: TestClient, authority: Path) -> None:
    fields = {**form(client), "evidence": "a list that says so", "what": "exact", "kind": ""}
    answer = client.post("/decide", data=fields)
    assert answer.status_code == 303, answer.text
    [row] = [one for one in read_links(authority) if one.object_id == "wd:Q4"]
    assert (row.decision, row.reviewer_id, row.evidence) == (
        "match",
        "kg:agent/ada-verma",
        "a list that says so",
    )
    text = client.get(answer.headers["location"]).text
    assert "Written: match: Government of China" in text
    assert "1 left" in text
    assert "it is a building, and an agent never gets one" in text


def test_what_cannot_be_is_said_and_what_was_written_stays_in_the_form(
    client: TestClient, authority: Path
) -> None:
    before = authority.read_bytes()
    fields = form(client, "/?at=kg:agent/us-executive+wd:Q5")
    answer = client.post("/decide", data={**fields, "evidence": "seen there", "what": "exact"})
    assert answer.status_code == 422
    assert "an agent never gets an exact match to a building" in answer.text
    assert ">seen there</textarea>" in answer.text
    wrong = {**fields, "evidence": "seen there", "what": "exact", "kind": "government"}
    assert client.post("/decide", data=wrong).status_code == 422, "a building stays one"
    answer = client.post("/decide", data={**fields, "evidence": " ", "what": "reject"})
    assert answer.status_code == 422
    for wrong in ({"what": "whatever"}, {"what": ""}, {"what": "close", "kind": "palace"}):
        answer = client.post("/decide", data={**fields, "evidence": "x", **wrong})
        assert answer.status_code == 422
    assert authority.read_bytes() == before


def test_the_enter_key_decides_nothing(client: TestClient, authority: Path) -> None:
    """What a browser takes for Enter is the first button of a form; it says nothing."""
    before = authority.read_bytes()
    found = _Form(client.get("/").text)
    assert found.buttons[0] == ""
    assert "text" not in found.inputs, "Enter in a line of text would send the form"
    answer = client.post("/decide", data={**found.fields, "evidence": "a list", "comment": "so"})
    assert answer.status_code == 422
    assert "Nothing was written" in answer.text
    assert ">a list</textarea>" in answer.text
    assert ">so</textarea>" in answer.text
    assert authority.read_bytes() == before


def test_several_lines_become_one(client: TestClient, authority: Path) -> None:
    fields = {**form(client), "evidence": "a list\r\nof bodies", "what": "unsure"}
    assert client.post("/decide", data=fields).status_code == 303
    [row] = [one for one in read_links(authority) if one.object_id == "wd:Q4"]
    assert row.evidence == "a list of bodies"


def test_who_was_shown_other_rows_is_told(page: Page, client: TestClient, authority: Path) -> None:
    fields = {**form(client), "evidence": "a list", "what": "unsure"}
    task = page.review.tasks()[0]
    Authority(authority).write(
        task.subject,
        task.decided,
        lambda rows: reject(
            rows, task.subject, Item(qid="Q99"), EXACT, Act(reviewer=AD, day=DAY, evidence="x")
        ),
    )
    before = authority.read_bytes()
    answer = client.post("/decide", data=fields)
    assert answer.status_code == 409
    assert "in the meantime" in answer.text
    assert authority.read_bytes() == before


def test_a_form_that_is_sent_twice_decides_once(client: TestClient, authority: Path) -> None:
    fields = {**form(client), "evidence": "a list", "what": "unsure"}
    assert client.post("/decide", data=fields).status_code == 303
    before = authority.read_bytes()
    answer = client.post("/decide", data=fields)
    assert answer.status_code == 409
    assert "decided already" in answer.text
    assert authority.read_bytes() == before


def test_not_found_asks_no_more_about_the_record(
    page: Page, client: TestClient, authority: Path
) -> None:
    write_proposals(
        proposals_of(authority),
        [*PROPOSED, proposal("kg:agent/chinese-government", "x", "Q7", "Another", "government")],
    )
    fields = {**form(client), "evidence": "a list", "what": "not-found"}
    assert client.post("/decide", data=fields).status_code == 303
    assert [task.subject.id for task in page.review.tasks()] == ["us-executive"]


def test_what_was_written_is_said_in_words_of_our_own(client: TestClient) -> None:
    for given in ("Pay+here", "1", "999999", "-1", "%C2%B2"):
        text = client.get(f"/?done={given}").text
        assert "Written" not in text
        assert "Pay here" not in text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"\xff\n"), "not UTF-8"),
        (lambda path: path.write_text("nothing\n", encoding="utf-8"), "has other columns"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
    ids=["bytes", "columns", "gone"],
)
def test_a_file_that_cannot_be_read_is_said_on_the_page(
    client: TestClient, authority: Path, spoil: Callable[[Path], object], words: str
) -> None:
    fields = {**form(client), "evidence": "typed <long>", "comment": "so", "what": "exact"}
    spoil(authority)
    for answer in (client.get("/"), client.post("/decide", data=fields)):
        assert answer.status_code == 503
        assert words in answer.text
        assert answer.headers["x-frame-options"] == "DENY"
    assert "typed &lt;long&gt;</textarea>" in answer.text
    assert ">so</textarea>" in answer.text


def test_a_file_that_cannot_be_written_is_said_on_the_page(
    client: TestClient, authority: Path
) -> None:
    authority.chmod(0o444)
    before = authority.read_bytes()
    fields = {**form(client), "evidence": "typed", "what": "exact"}
    answer = client.post("/decide", data=fields)
    assert answer.status_code == 422
    assert "to be read only" in answer.text
    assert ">typed</textarea>" in answer.text
    assert authority.read_bytes() == before


def test_an_error_of_ours_has_the_headers(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(
        page.app, f"http://127.0.0.1:{PORT}", follow_redirects=False, raise_server_exceptions=False
    )
    client.get(f"/?token={page.token}")
    monkeypatch.setattr(page.review, "tasks", lambda: 1 / 0)
    answer = client.get("/")
    assert answer.status_code == 500
    assert answer.headers["x-frame-options"] == "DENY"


def test_what_is_due_is_asked_again_and_overturned_on_purpose(facts: Path, authority: Path) -> None:
    read = load_facts([facts])
    write_proposals(proposals_of(authority), [])
    subject = subjects(read)["kg:agent/japan"]
    held = Authority(authority)
    seen = [row for row in held.read() if row.subject_id == subject.curie]
    act = Act(reviewer=AD, day=DAY, evidence="ISO 3166", revisit="2027-05-01")
    held.write(subject, seen, lambda rows: accept(rows, subject, Item(qid="Q17"), EXACT, act))
    page = Page(Review(read, authority, "ada-verma", "2027-05-02"), PORT)
    client = TestClient(page.app, f"http://127.0.0.1:{PORT}", follow_redirects=False)
    client.get(f"/?token={page.token}")
    text = client.get("/").text
    assert "1 left" in text
    assert 'name="overturn"' in text
    fields = {**_Form(text).fields, "evidence": "ISO 3166 again"}
    answer = client.post("/decide", data={**fields, "what": "reject"})
    assert answer.status_code == 422
    assert "somebody has decided otherwise" in answer.text
    answer = client.post("/decide", data={**fields, "what": "exact"})
    assert answer.status_code == 303, answer.text
    [row] = [row for row in held.read() if row.subject_id == subject.curie]
    assert (row.mapping_date, row.revisit_on) == ("2027-05-02", "")
    again = Page(Review(read, authority, "ada-verma", "2027-05-22"), PORT)
    assert "sssom:NoTermFound" in {task.row.object_id for task in again.review.tasks()}
    client = TestClient(again.app, f"http://127.0.0.1:{PORT}", follow_redirects=False)
    client.get(f"/?token={again.token}")
    text = client.get("/").text
    assert "None was found" in text
    assert _Form(text).buttons == ["", "not-found"]
    answer = client.post(
        "/decide", data={**_Form(text).fields, "evidence": "again", "what": "not-found"}
    )
    assert answer.status_code == 303, answer.text


def test_nobody_comes_in_without_the_token(page: Page) -> None:
    stranger = TestClient(page.app, f"http://127.0.0.1:{PORT}", follow_redirects=False)
    for path in ("/", "/?token=", "/?token=wrong", f"/?token={page.token}x", "/?token=%C3%A9"):
        answer = stranger.get(path)
        assert answer.status_code == 403, path
        assert "set-cookie" not in answer.headers
        assert "China" not in answer.text
    assert stranger.post("/decide", data={"csrf": "x"}).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", "", "0.0.0.0:8123"],
)
def test_another_name_of_this_machine_is_refused(page: Page, client: TestClient, host: str) -> None:
    """A name of somebody else may lead to loopback (DNS rebinding)."""
    for path in ("/", f"/?token={page.token}", "/review.css"):
        assert client.get(path, headers={"Host": host}).status_code == 403
    assert client.post("/decide", data={}, headers={"Host": host}).status_code == 403


def test_another_site_cannot_decide(page: Page, client: TestClient, authority: Path) -> None:
    before = authority.read_bytes()
    good = {**form(client), "evidence": "a list", "what": "exact"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert client.post("/decide", data=good, headers=headers).status_code == 403
    for csrf in ("", "wrong", page.token):
        assert client.post("/decide", data={**good, "csrf": csrf}).status_code == 403
    assert client.get("/decide").status_code == 405
    assert authority.read_bytes() == before


def test_what_is_sent_has_an_end(client: TestClient, authority: Path) -> None:
    before = authority.read_bytes()
    good = {**form(client), "what": "exact"}
    assert client.post("/decide", data={**good, "evidence": "x" * MOST_BYTES}).status_code == 413
    assert client.post("/decide", json=good).status_code == 415
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"\xff", b"a", b"&".join([b"a=b"] * 30)):
        assert client.post("/decide", content=body, headers=headers).status_code == 400
    assert authority.read_bytes() == before


def test_rows_without_a_reviewer_are_confirmed(facts: Path, authority: Path) -> None:
    review = Review(load_facts([facts]), authority, "ada-verma", "2026-11-27", unreviewed=True)
    page = Page(review, PORT)
    client = TestClient(page.app, f"http://127.0.0.1:{PORT}")
    text = client.get(f"/?token={page.token}").text
    assert _Form(text).buttons == ["", "exact", "close", "broad", "related", "reject"]
    assert ">Confirm: the same</button>" in text
    fields = {**_Form(text).fields, "evidence": "ISO 3166", "what": "exact"}
    assert client.post("/decide", data=fields).status_code == 200
    [row] = [one for one in read_links(authority) if one.subject_id == "kg:agent/china"]
    assert row.reviewer_id == "kg:agent/ada-verma"


def test_the_site_has_no_such_page(checkout: Path) -> None:
    assert not [path for path, _, _ in ROUTES if path.startswith(("/review", "/decide"))]
    for path in (checkout / "kg/web").rglob("*.py"):
        assert not re.search(r"kg[. ](import )?review\b", path.read_text(encoding="utf-8")), path


@pytest.fixture
def address(facts: Path, authority: Path) -> Iterator[str]:
    """Return the address that the command prints."""
    command = [sys.executable, "-m", "kg", "link", "review", "--web", "--reviewer", "ada-verma"]
    given = ["--facts", str(facts), "--links", str(authority), "--date", "2026-11-27"]
    process = subprocess.Popen([*command, *given], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.requires("chromium", "chromedriver")
def test_a_reviewer_accepts_in_a_browser(browser: Any, address: str, authority: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/\?token=[\w-]{43}", address)
    browser.get(address)
    assert "token" not in browser.current_url
    assert browser.find_element("css selector", ".name").text == "Government of China"
    for width in (360, 768, 1280):
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width
    before = authority.read_bytes()
    for name in ("comment", "kind"):
        browser.find_element("id", name).send_keys("\n")
    assert authority.read_bytes() == before, "Enter decides nothing"
    browser.find_element("id", "evidence").send_keys("a list that says so")
    browser.find_element("css selector", "button.exact").click()
    [done] = WebDriverWait(browser, 20).until(lambda b: b.find_elements("css selector", ".done"))
    assert "Written: match" in done.text
    [row] = [one for one in read_links(authority) if one.object_id == "wd:Q4"]
    assert row.decision == "match"
    complaints = [one for one in browser.get_log("browser") if "favicon" not in one["message"]]
    assert complaints == []
