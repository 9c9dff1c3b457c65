"""What contradicts a link: witnesses, the lexicon, and a Wikibase on this machine."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from kg.build import load_facts
from kg.cli import main
from kg.errors import ConfigError, QueryError
from kg.link import read_links
from kg.linking import Subject, subjects
from kg.resources import folder
from kg.sssom import LinkRow
from kg.witness import BATCH, Finding, Known, check, check_online, read_known

TERRITORIES = (
    "qid\tiso2\tiso3\tkind\tname\tcountry_coder\trigour\n"
    "Q17\tJP\tJPN\tstate\tJapan\tQ17\tQ17\n"
    "Q148\tCN\tCHN\tstate\tChina\tQ148\tQ999\n"
    "Q1\tUA\tUKR\tstate\tUkraine\tQ1\tQ1\n"
)
ENTITIES = (
    "qid\tkind\tlabel\tcountry\tseat_of\twords\n"
    "Q884\tbuilding\tSouth Korea\t\t\t\n"
    "Q159\tstate\tAtlantis\t\t\t\n"
    "Q6279\tperson\tJoe Biden\t\t\t\n"
)


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return subjects(load_facts([folder("facts")]))


@pytest.fixture(scope="module")
def rows() -> list[LinkRow]:
    return read_links(folder("mappings") / "wikidata.sssom.tsv")


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/territories.tsv").write_text(TERRITORIES, encoding="utf-8")
    (tmp_path / "entities.tsv").write_text(ENTITIES, encoding="utf-8")
    return tmp_path


def told(found: list[Finding]) -> dict[str, str]:
    return {one.subject: f"{one.rule}: {one.message}" for one in found}


def test_witnesses_and_the_lexicon_contradict(
    known: dict[str, Subject], rows: list[LinkRow], lexicon: Path
) -> None:
    assert told(check(known, rows, read_known(lexicon))) == {
        "kg:agent/china": "witness: rigour gives Q999 for the same territory",
        "kg:agent/ukraine": "witness: witnesses give Q1 for this name",
        "kg:agent/south-korea": "kind: the lexicon says: it is a building, and an agent never "
        "gets one",
        "kg:agent/russia": "label: the lexicon says: it is called Atlantis: no word is in common",
    }


def test_nothing_known_contradicts_nothing(
    known: dict[str, Subject], rows: list[LinkRow], tmp_path: Path
) -> None:
    assert check(known, rows, read_known(tmp_path)) == []


def test_a_row_without_a_record_is_a_note(known: dict[str, Subject], rows: list[LinkRow]) -> None:
    left = {name: one for name, one in known.items() if name != "kg:agent/japan"}
    [found] = check(left, rows, Known())
    assert (found.subject, found.rule, found.contradiction) == (
        "kg:agent/japan",
        "no-record",
        False,
    )


class Wikibase:
    """An action API that knows what it is told, and fails when it is told to."""

    def __init__(self) -> None:
        self.entities: dict[str, Any] = {}
        self.failures: list[tuple[int, str]] = []
        self.asked: list[dict[str, list[str]]] = []
        self.agents: set[str] = set()
        self.refused: set[str] = set()
        self.says_which = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(parse_qs(urlsplit(self.path).query))
                outer.agents.add(self.headers["User-Agent"])
                status, text = 200, ""
                if outer.failures:
                    status, text = outer.failures.pop(0)
                else:
                    wanted = outer.asked[-1]["ids"][0].split("|")
                    refused = next((one for one in wanted if one in outer.refused), None)
                    error = {"code": "no-such-entity", "info": "no", "id": refused}
                    if not outer.says_which:
                        del error["id"]
                    text = json.dumps(
                        {"error": error}
                        if refused
                        else {"entities": dict(map(outer.of, wanted)), "success": 1}
                    )
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/w/api.php"

    def of(self, qid: str) -> tuple[str, Any]:
        return self.entities.get(qid, {}).get("id", qid), self.entities.get(
            qid, {"id": qid, "missing": True}
        )


def entity(qid: str, label: str, *classes: str) -> dict[str, Any]:
    claims = [
        {"rank": "normal", "mainsnak": {"datavalue": {"value": {"id": one}}}} for one in classes
    ]
    return {
        "id": qid,
        "labels": {"en": {"language": "en", "value": label}},
        "claims": {"P31": [*claims, {"rank": "normal", "mainsnak": {"snaktype": "novalue"}}]},
    }


@pytest.fixture
def wikibase(rows: list[LinkRow], known: dict[str, Subject]) -> Iterator[Wikibase]:
    """Return a Wikibase that says what the authority says, in the words of the lexicon."""
    found = Wikibase()
    about = read_known(folder("lexicon"))
    for row in rows:
        if row.published:
            qid = row.object_id.removeprefix("wd:")
            sort = known[row.subject_id].sort
            one = {"person": "Q5", "state": "Q6256"}.get(sort, "Q1234567")
            found.entities[qid] = entity(qid, about.items[qid].label, one)
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        thread.join()
        found.server.server_close()


def test_wikidata_agrees(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase
) -> None:
    assert check_online(known, rows, wikibase.endpoint) == []
    assert all(len(asked["ids"][0].split("|")) <= BATCH for asked in wikibase.asked)
    assert wikibase.asked[0]["action"] == ["wbgetentities"]
    [agent] = wikibase.agents
    assert agent.startswith("chancery-kg/")


def test_wikidata_contradicts(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase
) -> None:
    at = wikibase.entities
    del at["Q17"]
    at["Q148"] = {
        **entity("Q29520", "China", "Q6256"),
        "redirects": {"from": "Q148", "to": "Q29520"},
    }
    at["Q6279"] = entity("Q6279", "Joe Biden", "Q41176")
    at["Q884"] = entity("Q884", "South Korea", "Q5")
    at["Q159"] = entity("Q159", "Atlantis", "Q6256")
    at["Q423"] = entity("Q423", "North Korea", "Q4167410")
    assert told(check_online(known, rows, wikibase.endpoint)) == {
        "kg:agent/japan": "deleted: Wikidata has no such item",
        "kg:agent/china": "redirected: Wikidata leads from Q148 to Q29520",
        "kg:agent/joe-biden": "kind: Wikidata does not say that it is a human being",
        "kg:agent/south-korea": "kind: Wikidata says: it is of the kind person, and this is of "
        "the class State",
        "kg:agent/russia": "label: Wikidata says: it is called Atlantis: no word is in common",
        "kg:agent/north-korea": "kind: Wikidata says that it is a disambiguation page",
    }


def test_a_failure_that_passes_is_tried_again(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase
) -> None:
    behind = json.dumps({"error": {"code": "maxlag", "info": "2 seconds"}})
    wikibase.failures = [(503, "no"), (429, "no"), (200, behind)]
    assert check_online(known, rows, wikibase.endpoint, wait_s=0.01) == []
    assert len(wikibase.asked) == 4


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ([(500, "no")] * 4, "500"),
        ([(404, "no")], "404"),
        ([(200, "<html>")], "no JSON"),
        ([(200, "[]")], "no JSON object"),
        ([(200, "[" * 200_000)], "no JSON"),
        ([(200, '{"entities": []}')], "no entities"),
        ([(200, '{"entities": {}}')], "nothing of Q17"),
        ([(200, '{"entities": {"Q17": 3, "Q148": null}}')], "nothing of Q17"),
        ([(200, '{"error": {"code": "x", "info": "bad ids"}}')], "bad ids"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_one_error(
    known: dict[str, Subject],
    rows: list[LinkRow],
    wikibase: Wikibase,
    failures: list[tuple[int, str]],
    words: str,
) -> None:
    wikibase.failures = list(failures)
    with pytest.raises(QueryError, match=words):
        check_online(known, rows, wikibase.endpoint, wait_s=0.01)


@pytest.mark.parametrize(
    "odd",
    [
        {"claims": {"P31": None}},
        {"claims": {"P31": {}}},
        {"claims": {"P31": [None, 3, {"mainsnak": {"datavalue": {"value": {"id": ["Q5"]}}}}]}},
        {"claims": [], "labels": [], "aliases": {"en": None}},
        {"labels": {"en": {"value": 3}}, "aliases": {"en": [3, {"value": None}]}},
        {"id": ["Q17"], "redirects": ["Q17"]},
    ],
)
def test_what_is_odd_in_an_item_is_passed_over(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase, odd: dict[str, Any]
) -> None:
    wikibase.of = lambda qid: (  # type: ignore[method-assign]
        qid,
        {**wikibase.entities[qid], **(odd if qid == "Q17" else {})},
    )
    found = check_online(known, rows, wikibase.endpoint)
    assert {one.rule for one in found} <= {"redirected"}


@pytest.mark.parametrize("says_which", [True, False])
def test_one_item_that_the_api_refuses_is_told_of_and_the_others_are_checked(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase, says_which: bool
) -> None:
    wikibase.refused, wikibase.says_which = {"Q17"}, says_which
    wikibase.entities["Q159"] = entity("Q159", "Atlantis", "Q6256")
    assert told(check_online(known, rows, wikibase.endpoint)) == {
        "kg:agent/japan": "deleted: Wikidata has no such item",
        "kg:agent/russia": "label: Wikidata says: it is called Atlantis: no word is in common",
    }


def test_the_row_speaks_for_itself_no_more(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase
) -> None:
    """A wrong label that a decision has written is no name of the record."""
    wrong = [
        msgspec.structs.replace(row, object_label="Atlantis")
        if row.subject_id == "kg:agent/japan"
        else row
        for row in rows
    ]
    wikibase.entities["Q17"] = entity("Q17", "Atlantis", "Q6256")
    assert "kg:agent/japan" in told(check_online(known, wrong, wikibase.endpoint))


def test_asking_has_an_end(
    known: dict[str, Subject], rows: list[LinkRow], wikibase: Wikibase
) -> None:
    wikibase.failures = [(503, "no")] * 10
    start = time.monotonic()
    with pytest.raises(QueryError, match="there is no answer"):
        check_online(known, rows, wikibase.endpoint, wait_s=30, patience_s=0.3)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "endpoint",
    ["", "x", "ftp://a.example/", "http://", "http://[", "http://a:b/", "http://a b/", "http://ü"],
)
def test_an_endpoint_that_is_no_address_is_refused(
    known: dict[str, Subject], rows: list[LinkRow], endpoint: str
) -> None:
    with pytest.raises(ConfigError, match="this is no address"):
        check_online(known, rows, endpoint)


@pytest.fixture
def kg(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kg", "link", "check", *args])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return stop.value.code if isinstance(stop.value.code, int) else 0, out, err

    return run


def test_contradictions_end_with_one(
    kg: Callable[..., tuple[int, str, str]], lexicon: Path, tmp_path: Path, wikibase: Wikibase
) -> None:
    code, out, err = kg("--lexicon", str(lexicon))
    assert code == 1
    assert "wikidata.sssom.tsv:" in out
    assert "rigour gives Q999" in out
    assert "4 contradictions" in err
    code, out, _ = kg("--lexicon", str(lexicon), "--json")
    assert code == 1
    assert json.loads(out)["contradictions"] == 4
    shutil.rmtree(lexicon / "sources")
    (lexicon / "entities.tsv").unlink()
    code, out, err = kg("--lexicon", str(lexicon))
    assert (code, out) == (0, "")
    assert not wikibase.asked, "nothing goes to the network unless it is asked for"
    code, out, err = kg("--lexicon", str(lexicon), "--online", "--endpoint", wikibase.endpoint)
    assert code == 0, out + err
    assert wikibase.asked


def test_wrong_use_ends_with_two(kg: Callable[..., tuple[int, str, str]]) -> None:
    for given in (
        ("--endpoint", "http://127.0.0.1:1/"),
        ("--online", "--endpoint", "file:///etc/passwd"),
        ("--lexicon", "/nowhere/at/all"),
    ):
        code, out, err = kg(*given)
        assert (code, out) == (2, ""), err


def test_the_built_in_links_are_not_contradicted(kg: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = kg()
    assert code == 0, out + err
