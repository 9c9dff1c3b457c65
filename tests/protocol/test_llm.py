"""A language model behind a server of OpenAI's protocol: real HTTP on loopback, and its faults."""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kg.annotate import Proposal, Request, propose, to_yaml, words_of
from kg.article import Article
from kg.errors import ConfigError
from kg.facts import Agent, Claim, Event, Run
from kg.llm import ANSWER_TOKENS, Outcome, Server, ask, check_server, fill, schema
from kg.scan import Found

TEXT = "Rell said that the port is open. Officials denied it. The Courier could not verify it."
TYPES = ["official-visit", "statement"]
SECRET = "sk-harbour-quvexojizy"  # no digits: the address that a message shows has a port


class Model:
    """A server that speaks the protocol; `reply` makes the answer to a sentence.

    A reply is text (the content), or status, headers and body.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.reply: Callable[[str, int], Any] = lambda sentence, turn: said()
        self.usage: dict[str, int] | None = {"prompt_tokens": 100, "completion_tokens": 10}
        self.turns: dict[str, int] = {}
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                model.asked.append({"path": self.path, **body})
                model.headers.append({k.lower(): v for k, v in self.headers.items()})
                sentence = json.loads(body["messages"][1]["content"])["sentence"]
                turn = model.turns[sentence] = model.turns.get(sentence, 0) + 1
                reply = model.reply(sentence, turn)
                if isinstance(reply, str):
                    message = {"role": "assistant", "content": reply}
                    whole = {"choices": [{"message": message, "finish_reason": "stop"}]}
                    reply = (200, {}, whole | ({"usage": model.usage} if model.usage else {}))
                status, headers, answer = reply
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *args: None  # a client that has gone
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.server.shutdown()
    made.server.server_close()


def position(**more: str) -> dict[str, str]:
    return {
        "words": "port is open",
        "speaker": "Rell",
        "stance": "affirms",
        "modality": "actual",
        "certainty": "unstated",
        "basis": "none-stated",
        "described": "Opening of a port",
        "type": "statement",
    } | more


def said(*positions: dict[str, str]) -> str:
    return json.dumps({"said": list(positions)})


def run(
    model: Model,
    journal: Path | None = None,
    text: str = TEXT,
    name: str = "m-1",
    **more: Any,
) -> tuple[dict[int, list[Any]], Outcome, list[str], list[float]]:
    lines: list[str] = []
    waits: list[float] = []
    server = Server(**{"url": model.url, "model": name, "timeout": 5, "retries": 2} | more)
    article = Article("harbour", text.encode())
    found, outcome = ask(
        article, "en", server, TYPES, journal, say=lines.append, sleep=waits.append
    )
    return found, outcome, lines, waits


def test_the_question_has_a_schema_and_the_answer_is_checked_against_the_text(model: Model):
    answers = {
        "Rell": said(
            position(),
            position(words="port will be closed"),  # not in the text
            position(speaker="The president"),  # not in the text
            position(speaker="Rell said that the port is open, as he had said before"),
            position(described="that the port is open said by Rell said that the port is"),
            position(described=""),
            position(),
        ),
        "Officials": said(position(words="denied it", speaker="Officials", stance="denies")),
        "The": said(),
    }
    model.reply = lambda sentence, turn: answers[sentence.split()[0]]
    found, outcome, _, _ = run(model, price_in=Decimal(2), price_out=Decimal(10))
    asked = model.asked[0]
    assert asked["path"] == "/v1/chat/completions"
    assert asked["response_format"]["type"] == "json_schema"
    sent = asked["response_format"]["json_schema"]
    assert sent["strict"] is True
    jsonschema.Draft202012Validator.check_schema(sent["schema"])
    jsonschema.validate(json.loads(said(position())), sent["schema"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(said(position(type="war-crime"))), sent["schema"])
    (one,) = found[0]
    assert TEXT[one.start : one.end] == "port is open"
    assert TEXT[slice(*one.speaker)] == "Rell"
    assert outcome.dropped == {
        "its words are not in the sentence": 1,
        "its speaker is not in the sentence": 2,
        "it copies the text": 1,
        "it describes nothing": 1,
        "it says the same twice": 1,
    }
    assert (found[1][0].stance, found[2]) == ("denies", [])
    assert (outcome.tokens_in, outcome.tokens_out) == (300, 30)
    assert outcome.cost(Server(url="", model="", price_in=Decimal(2), price_out=Decimal(10))) == (
        Decimal("0.0009")
    )


def test_a_speaker_is_a_name_and_no_sentence(model: Model):
    text = "The old man in the port knew well and said no."
    for speaker, kept in (
        ("The old man in the", True),
        ("The old man in the port", False),
    ):
        model.reply = lambda sentence, turn, speaker=speaker: said(
            position(words="said no", speaker=speaker)
        )
        found, outcome, _, _ = run(model, text=text)
        assert len(found[0]) == kept
        assert outcome.dropped == ({} if kept else {"its speaker is no name": 1})


def test_every_object_of_the_schema_is_closed_and_needs_all_its_fields():
    found = schema(TYPES)
    for part in (found, *found["$defs"].values()):
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])


def test_a_second_run_asks_only_what_is_missing(model: Model, tmp_path: Path):
    journal = tmp_path / "a.llm-journal"
    model.reply = lambda sentence, turn: (
        (500, {}, {}) if sentence.startswith("Officials") else said(position())
    )
    _, outcome, lines, _ = run(model, journal)
    assert (outcome.asked, outcome.failed) == (2, 1)
    assert lines == ["sentence 1: status 500"]
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert not any(words in journal.read_text() for words in ("port is open", "Rell said"))
    with journal.open("ab") as file:
        file.write(b'{"key":"cut')  # killed while it wrote
    model.asked.clear()
    model.reply = lambda sentence, turn: said()
    found, outcome, _, _ = run(model, journal)
    assert (outcome.asked, outcome.reused) == (1, 2)
    assert len(found) == 3
    assert run(model, journal)[1].reused == 3
    assert run(model, journal, name="m-2")[1].asked == 3, "another model is asked anew"
    assert run(model, journal, text=TEXT.replace("port", "bay"))[1].asked >= 2


def test_what_was_answered_is_found_again_where_the_sentence_now_stands(
    model: Model, tmp_path: Path
):
    journal = tmp_path / "a.llm-journal"
    text = f"A first line.\nAnother one.\n{TEXT}"
    model.reply = lambda sentence, turn: said(position()) if sentence.startswith("Rell") else said()
    (one,) = run(model, journal, text=text)[0][2]
    assert text[one.start : one.end] == "port is open"
    model.asked.clear()
    longer = f"More words before it.\n{text}"
    found, outcome, _, _ = run(model, journal, text=longer)
    (one,) = found[3]
    assert longer[one.start : one.end] == "port is open"
    assert longer[slice(*one.speaker)] == "Rell"
    assert (outcome.asked, outcome.reused) == (2, 4), "the first two have another neighbour"


def test_the_same_sentence_twice_has_its_own_words_each_time(model: Model, tmp_path: Path):
    text = "\n".join(["Rell said no."] * 5)
    model.reply = lambda sentence, turn: said(position(words="said no"))
    journal = tmp_path / "a.llm-journal"
    first = run(model, journal, text=text)[0]
    assert [one.start for (one,) in first.values()] == [5, 19, 33, 47, 61]
    assert run(model, journal, text=text)[0] == first
    assert len({json.loads(line)["key"] for line in journal.read_text().splitlines()}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"start": 9, "end": 21},
        {"start": 0, "end": 500},
        {"start": -5},
        {"speaker": [5, 9]},
        {"described": "Rell said that the port is open"},
        {"described": ""},
        {"type": "war-crime"},
        {"sha256": "0" * 64},
    ],
)
def test_a_journal_that_was_edited_is_not_believed(
    model: Model, tmp_path: Path, change: dict[str, Any]
):
    journal = tmp_path / "a.llm-journal"
    text = "Rell said that the port is open."
    model.reply = lambda sentence, turn: said(position())
    first = run(model, journal, text=text)[0]
    entry = json.loads(journal.read_text())
    entry["said"][0] |= change
    journal.write_text(json.dumps(entry) + "\n")
    found, outcome, lines, _ = run(model, journal, text=text)
    assert (found, outcome.asked, outcome.reused) == (first, 1, 0)
    assert lines == ["sentence 0: the journal does not fit the text and is not used"]


@pytest.mark.parametrize(
    "described",
    [
        "Rell said: that - the port, is open",
        "Rell-said-that-the-port-is-open",
        "Rellsaidthattheportisopenandthatitwillstayopen",
        "Rell\u200bsaid that\u00ad the port is",
        "RELL SAID THAT THE PORT IS",
        "Talk of all the old ships in the bay",  # of the sentence before
        "Claim that it would be far too late now",  # of the sentence after
        "Officials left",  # short, and not whole
        "Officials denied it",  # short, and the whole sentence
    ],
)
def test_no_description_is_a_copy_of_what_was_sent(model: Model, described: str):
    text = (
        "They spoke of all the old ships in the bay.\n"
        "Rell said that the port is open and that it will stay open.\n"
        "He added it would be far too late now.\nIt rained.\nOfficials denied it."
    )
    model.reply = lambda sentence, turn: said(
        position(words="it", speaker="", described=described)
        if sentence.startswith("Officials")
        else position(described=described)
    )
    found, _, _, _ = run(model, text=text)
    assert [one.described for one in found[1]] == (
        [described] if described.startswith("Officials") else []
    )
    assert len(found[4]) == (described != "Officials denied it")


@pytest.mark.parametrize(
    ("text", "described", "kept"),
    [
        ("市長は港が来週から再開すると記者団に述べた。", "港が来週から再開する", True),
        ("市長は港が来週から再開すると記者団に述べた。", "港が来週から再開すると記", False),
        ("市長は港が来週から再開すると記者団に述べた。", "港が、来週から、再開すると記", False),
        (
            "시장은 항구가 다음 주에 다시 열린다고 기자들에게 말했다.",
            "항구가다음주에다시열린다고",
            False,
        ),
    ],
)
def test_scripts_without_spaces_are_counted_by_characters(
    model: Model, text: str, described: str, kept: bool
):
    model.reply = lambda sentence, turn: said(
        position(words=text[:2], speaker="", described=described)
    )
    found, _, _, _ = run(model, text=text)
    assert [one.described for one in found[0]] == ([described] if kept else [])


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("port", "They reported ports, and the port.", "port"),
        ("port", "They reported ports.", None),
        ("لا", "قال لا", "لا"),
        ("লাভরভ", "তিনি লাভরভকে বলেছেন।", "লাভরভকে"),
        ("लाव", "उनके लावरोव ने कहा।", "लावरोव"),
        ("াভরভ", "তিনি লাভরভকে বলেছেন।", None),
        ("렐", "어제 렐은 말했다.", "렐은"),
        ("港", "市長は港が開くと述べた。", "港"),
    ],
)
def test_words_are_whole_words(model: Model, words: str, text: str, found: str | None):
    model.reply = lambda sentence, turn: said(position(words=words, speaker=""))
    kept = run(model, text=text)[0][0]
    assert [text[one.start : one.end] for one in kept] == ([found] if found else [])


def test_a_rate_limit_is_waited_for_as_the_server_says(model: Model):
    soon = format_datetime(
        __import__("datetime").datetime(2020, 1, 1, tzinfo=__import__("datetime").UTC), usegmt=True
    )
    headers = {1: {"retry-after": "7"}, 2: {"retry-after": soon}}
    model.reply = lambda sentence, turn: (429, headers[turn], {}) if turn < 3 else said()
    found, outcome, _, waits = run(model, text="Rell left.")
    assert waits == [7.0, 0.0]
    assert (outcome.failed, found) == (0, {0: []})


def test_without_a_header_it_waits_longer_each_time_and_never_more_than_a_minute(model: Model):
    model.reply = lambda sentence, turn: (503, {}, b"")
    _, outcome, _, waits = run(model, text="Rell left.", retries=8)
    assert outcome.failed == 1
    assert all(0.75 * 2**n <= min(w * 1.0001, 75) for n, w in enumerate(waits[:5]))
    assert max(waits) <= 60
    model.turns.clear()
    model.reply = lambda sentence, turn: (429, {"retry-after": "100000"}, b"")
    assert run(model, text="Rell left.", retries=1)[3] == [60.0]


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        '{"said": [{"words": "x"}]}',
        '{"said": [], "more": 1}',
        said(position(stance="agrees")),
        "```json\n" + said() + "\n```",
        "[" * 100_000,
    ],
)
def test_an_answer_that_is_not_of_the_schema_is_asked_once_more_then_dropped(
    model: Model, content: str
):
    model.reply = lambda sentence, turn: content
    found, outcome, lines, _ = run(model, text="Rell left.")
    assert (outcome.asked, outcome.failed, found) == (2, 1, {})
    assert lines == ["sentence 0: the answer is not of the schema, twice"]
    model.turns.clear()
    model.reply = lambda sentence, turn: content if turn == 1 else said()
    assert run(model, text="Rell left.")[0] == {0: []}


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"choices": []},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": said()}, "finish_reason": "length"}]},
        {"choices": [{"message": "x"}]},
        [],
    ],
)
def test_a_reply_without_a_whole_answer_is_invalid(model: Model, reply: Any):
    model.reply = lambda sentence, turn: (200, {}, reply)
    assert run(model, text="Rell left.")[1].failed == 1


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": None, "refusal": "I cannot help with that."}},
        {"message": {"content": ""}, "finish_reason": "content_filter"},
    ],
)
def test_a_refusal_is_counted_and_kept_and_not_asked_again(
    model: Model, tmp_path: Path, choice: dict[str, Any]
):
    model.reply = lambda sentence, turn: (200, {}, {"choices": [choice]})
    journal = tmp_path / "a.llm-journal"
    found, outcome, _, _ = run(model, journal, text="Rell left.")
    assert (outcome.refused, outcome.kept, found) == (1, 0, {0: []})
    assert run(model, journal, text="Rell left.")[1].reused == 1


def test_a_slow_answer_is_given_up(model: Model):
    def slow(sentence: str, turn: int) -> str:
        time.sleep(1.5 if turn == 1 else 0)
        return said()

    model.reply = slow
    found, outcome, _, _ = run(model, text="Rell left.", timeout=1)
    assert (found, outcome.failed) == ({0: []}, 0)
    assert len(model.asked) == 2
    assert outcome.estimated == 1
    assert outcome.tokens_out == ANSWER_TOKENS + 10, "what was given up may have been written"
    assert outcome.tokens_in > 100


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_drips_is_given_up(head: bytes):
    """Each byte comes in time: in the status line, in the headers, in the body."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            for _ in range(100):
                connection.sendall(b"H" if not head else b"x")
                time.sleep(0.1)

    threading.Thread(target=drip, daemon=True).start()
    server = Server(
        url=f"http://127.0.0.1:{listener.getsockname()[1]}", model="m", timeout=0.6, retries=0
    )
    lines: list[str] = []
    started = time.monotonic()
    with listener:
        ask(Article("a", b"Rell left."), "en", server, TYPES, None, say=lines.append)
    assert time.monotonic() - started < 3
    assert lines == ["sentence 0: no answer within 0.6 seconds"]


def test_an_answer_without_end_is_given_up(model: Model):
    model.reply = lambda sentence, turn: (200, {}, b" " * (2 * 1024 * 1024))
    _, outcome, lines, _ = run(model, text="Rell left.", retries=0)
    assert outcome.failed == 1
    assert "ReadError" in lines[0]


def test_the_key_is_sent_and_never_shown(model: Model, tmp_path: Path):
    journal = tmp_path / "a.llm-journal"
    model.reply = lambda sentence, turn: said(position(described=f"Port of {sentence[:4]}"))
    run(model, journal, text="Rell said that the port is open.", key=SECRET)
    assert model.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert len(journal.read_text()) > 100
    assert SECRET not in journal.read_text()
    assert SECRET not in repr(Server(url=model.url, model="m", key=SECRET))


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"message": f"bad key {SECRET}"}},
        {"error": {"message": f"bad key {SECRET[:12]}"}},
        {"error": {"message": f"bad key {SECRET[:6]}****{SECRET[-4:]}"}},
        {"error": {"message": f"bad key {'x' * 140}{SECRET}"}},
        f"bad key {'x' * 380}{SECRET}".encode(),
        f"bad key {'x' * 145}{SECRET}".encode(),
    ],
)
def test_a_refusal_shows_no_part_of_the_key(model: Model, answer: Any):
    model.reply = lambda sentence, turn: (401, {}, answer)
    with pytest.raises(ConfigError) as refused:
        run(model, text="Rell left.", key=SECRET)
    shown = str(refused.value)
    assert not [n for n in range(len(SECRET) - 3) if SECRET[n : n + 4] in shown]
    assert "the server refuses the request; seen status 401: bad key " in shown
    assert "--llm-key-env" in shown
    assert len(model.asked) == 1, "a refusal for good is not asked again"


@pytest.mark.parametrize("key", [f"{SECRET}\n", "sk-гавань", "sk harbour", "\x00"])
def test_a_key_that_cannot_be_sent_is_named_by_its_variable(model: Model, key: str):
    with pytest.raises(ConfigError, match="HARBOUR_KEY: the key holds characters") as wrong:
        run(model, key=key, key_env="HARBOUR_KEY")
    assert key.strip() not in str(wrong.value)
    assert model.asked == []


def test_a_key_goes_over_the_network_with_tls_only():
    for url in ("http://example.org/v1", "http://127.example.org"):
        with pytest.raises(ConfigError, match="in the open"):
            check_server(Server(url=url, model="m", key=SECRET))
    wrong_ones = ["ftp://x", "x", "http://", "http://me:pw@127.0.0.1/v1", "http://[::1"]
    wrong_ones += ["http://x/v1#a", "http://x/v 1", "http://x/v1\n", "http://x:99999"]
    for url in wrong_ones:
        with pytest.raises(ConfigError, match="no address of a server") as wrong:
            check_server(Server(url=url, model="m"))
        assert "pw" not in str(wrong.value)
    assert check_server(Server(url="https://example.org", model="m", key=SECRET)) == (
        "https://example.org/v1/chat/completions"
    )
    for path in ("api/", "api/chat/completions", "api/chat/completions/"):
        assert check_server(Server(url=f"http://localhost:1/{path}", model="m")) == (
            "http://localhost:1/api/chat/completions"
        )


def test_a_redirect_is_not_followed(model: Model):
    model.reply = lambda sentence, turn: (302, {"location": "http://127.0.0.1:1/"}, b"")
    with pytest.raises(ConfigError, match="status 302"):
        run(model, text="Rell left.", key=SECRET)


def test_three_sentences_without_an_answer_end_the_run(model: Model):
    model.reply = lambda sentence, turn: (500, {}, b"")
    with pytest.raises(ConfigError, match="3 sentences in a row had no answer"):
        run(model, retries=0)


def test_a_server_that_is_not_there_is_named():
    server = Server(url="http://127.0.0.1:9/v1", model="m", retries=0)
    with pytest.raises(ConfigError, match=r"http://127.0.0.1:9/v1: 3 sentences"):
        ask(Article("a", TEXT.encode()), "en", server, TYPES, None, sleep=lambda s: None)


def test_the_budget_is_kept(model: Model, tmp_path: Path):
    journal = tmp_path / "a.llm-journal"
    run(model, text="Rell left.")
    size = len(json.dumps(model.asked[0]).encode()) // 3
    model.asked.clear()
    model.usage = {"prompt_tokens": size, "completion_tokens": 10}
    limit = size + ANSWER_TOKENS + 100
    _, outcome, _, _ = run(model, journal, max_tokens=limit)
    assert (outcome.asked, outcome.left) == (1, 2)
    assert outcome.tokens <= limit
    assert model.asked[0]["max_tokens"] == ANSWER_TOKENS
    _, outcome, _, _ = run(model, journal)
    assert (outcome.reused, outcome.asked, outcome.left) == (1, 2, 0)


def test_nothing_is_asked_that_could_not_be_answered(model: Model):
    _, outcome, _, _ = run(model, max_tokens=ANSWER_TOKENS)
    assert (outcome.asked, outcome.left, model.asked) == (0, 3, [])


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 900, "completion_tokens": 0},
        {"prompt_tokens": True, "completion_tokens": True},
        {"prompt_tokens": -1, "completion_tokens": 5},
    ],
)
def test_where_the_server_does_not_count_tokens_are_estimated(
    model: Model, usage: dict[str, int] | None
):
    model.usage = usage
    _, outcome, _, _ = run(model, max_tokens=4000)
    size = len(json.dumps(model.asked[0]).encode()) // 3
    assert outcome.estimated == outcome.asked == len(model.asked) > 0
    assert outcome.tokens_in >= outcome.asked * size * 0.9
    assert outcome.tokens_out > 0
    assert outcome.left == 3 - outcome.asked > 0


def test_attempts_that_were_given_up_count_too(model: Model):
    def slow(sentence: str, turn: int) -> str:
        time.sleep(1)
        return said()

    model.reply = slow
    _, outcome, _, _ = run(model, text="Rell left.", timeout=0.3, retries=9, max_tokens=7000)
    assert 1 <= len(model.asked) <= 3, "the budget ends the attempts"
    assert (outcome.left, outcome.failed, outcome.estimated) == (1, 0, len(model.asked))
    assert outcome.tokens <= 7000


def test_an_answer_that_was_twice_of_no_use_is_remembered(model: Model, tmp_path: Path):
    journal = tmp_path / "a.llm-journal"
    model.reply = lambda sentence, turn: "no JSON"
    run(model, journal, text="Rell left.")
    model.asked.clear()
    found, outcome, lines, _ = run(model, journal, text="Rell left.")
    assert (model.asked, found, outcome.reused, outcome.failed) == ([], {}, 1, 1)
    assert lines == ["sentence 0: the answer is not of the schema, twice"]


def test_a_server_that_names_the_limit_otherwise_is_understood_once(model: Model):
    def newer(sentence: str, turn: int) -> Any:
        if "max_tokens" in model.asked[-1]:
            said_ = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, {}, {"error": {"message": said_}}
        return said()

    model.reply = newer
    found, outcome, _, waits = run(model)
    assert (len(found), outcome.asked, waits) == (3, 3, [])
    assert [("max_tokens" in a, "max_completion_tokens" in a) for a in model.asked] == [
        (True, False),
        *[(False, True)] * 3,
    ]
    assert not any("temperature" in asked for asked in model.asked)
    model.reply = lambda sentence, turn: (400, {}, {"error": {"message": "no max_tokens"}})
    model.asked.clear()
    with pytest.raises(ConfigError, match="status 400"):
        run(model)
    assert len(model.asked) == 2


# --- what becomes of a proposal -----------------------------------------------------------------


def nobody(text: str, lang: str) -> list[Found]:
    return []


def filled(model: Model, *answers: str) -> Proposal:
    article = Article("harbour", TEXT.encode())
    request = Request(key="harbour", language="en", today="2024-03-20")
    proposal = propose(article, request, nobody, [], {})
    replies = iter(answers)
    model.reply = lambda sentence, turn: next(replies)
    found, _, _, _ = run(model)
    return fill(proposal, article, request, "m-1", found, ["rell"])


def test_claims_are_filled_others_are_added_and_all_stay_proposed(model: Model):
    proposal = filled(
        model,
        said(
            position(certainty="probable"),
            position(words="port", stance="questions", type="war-crime"),
        ),
        said(position(words="denied it", speaker="Officials", stance="denies")),
        said(),
    )
    records = {r.id: r for r in proposal.records}
    claims = [r for r in proposal.records if isinstance(r, Claim)]
    assert [(c.stance, c.extracted) for c in claims] == [
        ("affirms", "harbour-model-run"),
        ("denies", "harbour-model-run"),
        ("cannot-verify", None),
        ("questions", "harbour-model-run"),
    ]
    assert claims[0].certainty == "probable"
    assert TEXT[slice(*map(int, claims[0].evidence[0].at.split("-")))] == "port is open"
    events = {r.id: r for r in proposal.records if isinstance(r, Event)}
    assert events[claims[0].about].label == {"en": "Opening of a port"}
    assert events[claims[0].about].type == "statement"
    assert events[claims[3].about].type == "todo", "a type that is none is left to be filled in"
    assert {r.review for r in proposal.records if not isinstance(r, Run)} == {"proposed"}
    made = records["harbour-model-run"]
    assert "m-1" in made.method
    assert "version 2" in made.method
    speaker = records[claims[0].by[0]]
    assert isinstance(speaker, Agent)
    assert speaker.labels == {"en": "Rell"}
    assert speaker.description["en"].startswith("TODO")
    assert records[claims[1].by[0]].type == "UnnamedSource"
    assert to_yaml(proposal, "harbour").count("review: proposed") > 10
    assert len(records) == len(proposal.records)


def test_no_more_of_the_text_is_in_the_file_than_may_be_shown(model: Model):
    copied = "Rell said that the port is open and more"
    proposal = filled(
        model,
        said(
            position(described=copied),
            position(described="Rell: said - that the port, is"),
            position(words="Rell said that the port is open", speaker="Rell said that the port is"),
            position(words="Rell said that the port is open", described="Use of a port"),
        ),
        said(position(words="denied it", speaker="Officials", stance="denies")),
        said(position(described="Officials denied it")),  # the sentence before
    )
    file = " ".join(words_of(to_yaml(proposal, "harbour")))
    words = words_of(TEXT)
    assert "use of a port" in file
    assert not [n for n in range(len(words) - 5) if " ".join(words[n : n + 6]) in file]
    assert "officials denied it" not in file


def test_what_no_file_can_hold_is_left_out_of_what_a_model_says(model: Model):
    proposal = filled(
        model,
        said(position(described="Opening\x07 of\x85a\ufffe port\u2028\u202e", speaker="")),
        said(),
        said(),
    )
    file = to_yaml(proposal, "harbour")
    records = yaml.safe_load(file)
    assert len(records) == len(proposal.records)
    assert {"en": "Opening of a port"} in [r.get("label") for r in records]


def test_where_model_and_tables_differ_both_are_proposed_and_say_so(model: Model):
    proposal = filled(
        model,
        said(position(stance="denies")),
        said(position(words="denied it", speaker="Officials", stance="denies")),
        said(),
    )
    claims = [r for r in proposal.records if isinstance(r, Claim)]
    table, other = (next(c for c in claims if c.stance == s) for s in ("affirms", "denies"))
    other = next(c for c in claims if c.id == "harbour-l01")
    assert "conflict: the model m-1 has denies by harbour-model-speaker-01" in table.note
    assert "conflict: the tables of words have affirms by unattributed" in other.note
    assert {c.review for c in claims} == {"proposed"}
    assert sum("conflict" in c.note for c in claims) == 2


def test_a_speaker_that_the_tables_guess_otherwise_is_a_conflict(model: Model):
    text = "Officials denied it, and the mayor left."
    article = Article("harbour", text.encode())
    request = Request(key="harbour", language="en", today="2024-03-20")
    proposal = propose(article, request, nobody, [], {})
    model.reply = lambda sentence, turn: said(
        position(words="denied it", speaker="the mayor", stance="denies")
    )
    done = fill(proposal, article, request, "m-1", run(model, text=text)[0], [])
    claims = [r for r in done.records if isinstance(r, Claim)]
    assert [c.by for c in claims] == [["harbour-speaker-01"], ["harbour-model-speaker-01"]]
    assert all("conflict" in c.note for c in claims)


def test_a_model_that_names_nobody_makes_no_narrator(model: Model):
    proposal = filled(model, said(position(speaker="")), said(), said())
    claims = [r for r in proposal.records if isinstance(r, Claim)]
    assert claims[0].by == ["unattributed"]
    assert not any("narrator" in c.by for c in claims)


def test_the_command_asks_a_model_and_shows_tokens_and_cost(
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    import sys

    from kg.cli import main

    text, out = tmp_path / "a.txt", tmp_path / "a.yaml"
    text.write_text(TEXT, encoding="utf-8")
    model.reply = lambda sentence, turn: said(position(), position(words="no such words"))
    monkeypatch.setenv("HARBOUR_KEY", SECRET)
    arguments = ["kg", "annotate", str(text), "--lang", "en", "--out", str(out), "--json", "--llm"]
    arguments += ["--llm-url", model.url, "--llm-model", "m-1", "--llm-key-env", "HARBOUR_KEY"]
    arguments += ["--price-in", "1.5", "--price-out", "6"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as stop:
        main()
    shown, err = capsys.readouterr()
    assert stop.value.code == 0, err
    figures = json.loads(shown)["model"]
    assert figures["asked"] == 3
    assert figures["kept"] == 1
    assert figures["cost"] == "0.00063"
    assert "tokens: 300 read, 30 written; cost 0.00063" in err
    assert "dropped" in err
    assert model.headers[0]["authorization"].endswith(SECRET)
    assert SECRET not in shown + err + out.read_text() + (tmp_path / "a.llm-journal").read_text()
    assert "harbour" not in out.read_text()
    assert "HTTP" not in err, "no line for each request"
    assert "Opening of a port" in out.read_text()
