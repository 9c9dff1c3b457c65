"""Proposals for invented articles: what is proposed, and what a person makes of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.annotate import Item, Proposal, Request, plain_fields, propose, to_yaml, words_of
from kg.article import Article
from kg.cli import main
from kg.errors import KgErrors
from kg.facts import Agent, Claim, Event, Mention, Place, Run, read_registry, verify_texts
from kg.linker import Answer, Candidate
from kg.scan import Found

HARBOUR = """\
PORT SOLEN, March 12 – Arvenian Foreign Minister Ilse Rell is due in Port Solen on Wednesday.
The Bostmark Courier reported, citing a harbour official, that ships came on Monday.
Bostmark's defence ministry denied the report. The Arvenian ministry did not immediately confirm it.
Rell called the talks “very useful indeed” and did not say when they end.
"""
ITEMS = {
    "Q900001": Item("Arvenia", "state"),
    "Q900002": Item("Bostmark", "state"),
    "Q900003": Item("Port Solen", "city"),
    "Q900004": Item("Ilse Rell", "person"),
    "Q900005": Item("Solen War", "conflict"),
}


class Names:
    """A finder of a few invented names."""

    def __init__(self, **found: Answer) -> None:
        self._found = found

    def __call__(self, text: str, lang: str) -> Iterator[Found]:
        places = [
            (match.start(), match.end(), match[0], answer)
            for name, answer in self._found.items()
            for match in re.finditer(rf"{name.replace('_', ' ')}(?![a-z])", text, re.IGNORECASE)
        ]
        for start, end, surface, answer in sorted(places, key=lambda place: place[:2]):
            yield Found(start, end, surface, answer)


def linked(qid: str, rule: str = "name", literal: str | None = None, **more: str) -> Answer:
    kind = ITEMS[qid].kind
    return Answer(
        qid, qid if literal is None else literal, "0.9", {"rule": rule, "kind": kind} | more
    )


FINDER = Names(
    Arvenian=linked("Q900001", "adjective", affixes="adjective"),
    Bostmark=linked("Q900002"),
    Port_Solen=linked("Q900003", may_stand_for="Q900002"),
    Ilse_Rell=linked("Q900004"),
)

PLAIN = Names(
    Arvenian=linked("Q900001", "adjective", affixes="adjective"),
    Arvenia=linked("Q900001"),
    Bostmark=linked("Q900002"),
    Ilse_Rell=linked("Q900004"),
)


def request(**more: object) -> Request:
    fields = {
        "key": "harbour",
        "language": "en",
        "today": "2024-03-20",
        "reference": date(2024, 3, 12),
        "reference_basis": "dateline",
    }
    return Request(**{**fields, **more})


@pytest.fixture(scope="module")
def registry(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> list:
    """The agents and places of the tutorial, as a registry of their own."""
    import yaml

    text = (checkout / "docs/tutorial/facts/harbour-visit.yaml").read_text(encoding="utf-8")
    kept = [
        record
        for record in yaml.load(text, Loader=yaml.BaseLoader)
        if record["kind"] in ("place", "position")
        or (record["kind"] == "agent" and record["id"] != "harbour-official")
    ]
    for record in kept:
        for field in ("extracted", "review"):
            record.pop(field, None)
    folder = tmp_path_factory.mktemp("registry")
    (folder / "registry.jsonl").write_text(
        "\n".join(json.dumps(record) for record in kept), encoding="utf-8"
    )
    return read_registry([folder])


IDENTIFIERS = {"Q900001": "arvenia", "Q900002": "bostmark", "Q900003": "port-solen"}


def proposed(
    registry: list, text: str = HARBOUR, finder: Names = FINDER, **more: object
) -> Proposal:
    article = Article("harbour", text.encode())
    return propose(article, request(**more), finder, registry, IDENTIFIERS, ITEMS.get)


def of_kind(proposal: Proposal, kind: type) -> list:
    return [record for record in proposal.records if isinstance(record, kind)]


def test_everything_is_proposed_and_equal_inputs_are_equal_files(registry: list):
    proposal = proposed(registry)
    # A run has no state of its own: it is the document's.
    states = {r.review for r in proposal.records if not isinstance(r, Run)}
    assert states == {"proposed"}
    assert to_yaml(proposal, "harbour") == to_yaml(proposed(registry), "harbour")


def test_names_are_those_of_the_registry_or_new_records(registry: list):
    proposal = proposed(registry)
    mentions = {HARBOUR[slice(*map(int, m.at.split("-")))]: m for m in of_kind(proposal, Mention)}
    assert mentions["Arvenian"].names == "arvenia"
    assert mentions["Port Solen"].names == "port-solen"
    assert mentions["Ilse Rell"].names == "ilse-rell"
    assert "may stand for bostmark" in mentions["Port Solen"].note
    assert all(m.surface == surface for surface, m in mentions.items())
    unknown = proposed([], finder=FINDER)
    new = {r.id: r for r in unknown.records if isinstance(r, (Agent, Place))}
    assert new["ilse-rell"].type == "Person"
    assert new["arvenia"].type == "State"
    assert isinstance(new["port-solen"], Place)
    assert all(r.wikidata is None for r in new.values())
    assert "Wikidata Q900004" in new["ilse-rell"].note


def test_a_record_without_an_item_is_taken_by_its_label_and_none_with_another_item(registry: list):
    text = "Ilse Rell came."
    finder = Names(Ilse_Rell=linked("Q900004"))

    def names(identifiers: dict[str, str]) -> str:
        article = Article("harbour", text.encode())
        found = propose(article, request(language="hi"), finder, registry, identifiers, ITEMS.get)
        return of_kind(found, Mention)[0].names

    assert names({}) == "ilse-rell"
    assert names({"Q900009": "ilse-rell"}) == "ilse-rell-x"


def test_a_name_of_several_things_and_one_of_no_record_are_left_open(registry: list):
    both = Answer(
        "",
        "",
        "",
        {"reason": "several"},
        (Candidate("Q9", "Rell", "city", "1", ""), Candidate("Q8", "Rell", "person", "1", "")),
    )
    text = "Rell spoke after the Solen War."
    proposal = proposed([], text, Names(Rell=both, Solen_War=linked("Q900005")))
    assert of_kind(proposal, Mention) == []
    assert [what for _, what in proposal.open] == [
        "Solen War (conflict), Wikidata Q900005: no record proposed",
        "a name of several things: Rell (city, Q9) or Rell (person, Q8)",
    ]
    assert "# sentence 0: a name of several things" in to_yaml(proposal, "harbour")


def test_both_readings_of_a_metonym_are_kept(registry: list):
    text = "Port Solen said that the talks are over."
    (mention,) = of_kind(proposed(registry, text), Mention)
    assert (mention.names, mention.means) == ("port-solen", "bostmark")
    (claim,) = of_kind(proposed(registry, text), Claim)
    assert claim.by == ["bostmark"]
    meant = Names(Port_Solen=linked("Q900002", literal="Q900003"))
    (mention,) = of_kind(proposed(registry, "It was far from Port Solen.", meant), Mention)
    assert (mention.names, mention.means) == ("port-solen", "bostmark")


def test_speakers_are_guesses_and_stances_are_kept_apart(registry: list):
    claims = of_kind(proposed(registry), Claim)
    by = {(c.evidence[0].sentence, c.stance): c for c in claims}
    cited = by[1, "affirms"]
    assert cited.via == ["bostmark-courier"]
    assert cited.by == ["harbour-speaker-01"]
    assert by[2, "denies"].by == ["unattributed"], "a ministry of a state is not that state"
    confirm = by[3, "does-not-confirm"]
    assert confirm.by == ["unattributed"], "the state's adjective speaks for nobody"
    assert all(c.attribution == "inferred" for c in claims if c.by != ["unattributed"])
    assert "guess" in cited.note
    assert {key for c in claims for key in c.by} == {"harbour-speaker-01", "unattributed"}
    (claim,) = of_kind(proposed(registry, "The wife of Ilse Rell denied it."), Claim)
    assert "no speaker was found; names in the sentence: ilse-rell" in claim.note


def test_speakers_without_a_name_are_never_merged():
    text = "Officials said so. Later officials said more."
    agents = [a for a in of_kind(proposed([], text), Agent) if a.type == "UnnamedSource"]
    assert [a.id for a in agents] == ["harbour-speaker-01", "harbour-speaker-02"]
    assert len({a.labels["en"] for a in agents}) == 2


def test_words_that_only_introduce_a_dispute_are_no_claim_of_their_own(registry: list):
    claims = of_kind(proposed(registry, "Ilse Rell said there was no evidence for it."), Claim)
    assert [(c.by, c.stance) for c in claims] == [(["ilse-rell"], "disputes-evidence")]


@pytest.mark.parametrize(
    ("language", "text", "stance", "by"),
    [
        ("en", "Arvenia and Bostmark denied it.", "denies", ["arvenia", "bostmark"]),
        ("en", "In Bostmark, Arvenia denied it.", "denies", ["arvenia"]),
        ("en", "Arvenia left, and it denied that.", "denies", ["unattributed"]),
        ("en", "The Arvenian minister denied it.", "denies", ["unattributed"]),
        ("en", "Arvenia did not act, said Ilse Rell.", "affirms", ["ilse-rell"]),
        ("en", "“We left,” said Ilse Rell.", "affirms", ["ilse-rell"]),
        ("en", "Arvenia did not act, Ilse Rell said.", "affirms", ["ilse-rell"]),
        ("en", "On Monday Arvenia again denied it.", "denies", ["arvenia"]),
        ("en", "Arvenia's foreign minister Ilse Rell later denied it.", "denies", ["ilse-rell"]),
        ("en", "Ilse Rell, the minister, denied it.", "denies", ["ilse-rell"]),
        ("en", "Ilse Rell, who met Bostmark, denied it.", "denies", ["ilse-rell"]),
        ("en", "The man who met Ilse Rell denied it.", "denies", ["unattributed"]),
        ("en", "Arvenia met Bostmark and said so.", "affirms", ["arvenia"]),
        ("en", "Arvenia thanked Bostmark, who said so.", "affirms", ["unattributed"]),
        ("en", "The wife of Ilse Rell denied it.", "denies", ["unattributed"]),
        ("en", "Bostmark's envoy to Arvenia denied it.", "denies", ["unattributed"]),
        ("en", "Talks with Arvenia and Bostmark denied it.", "denies", ["unattributed"]),
        ("en", "The ministry denied it, and Arvenia left.", "denies", ["unattributed"]),
        ("en", "The report was denied by Arvenia.", "denies", ["arvenia"]),
        ("en", "Arvenia was accused by Bostmark of lying.", "affirms", ["bostmark"]),
        ("en", "Arvenia was accused of lying.", "affirms", ["unattributed"]),
        ("en", "Ilse Rell was told that it left.", "affirms", ["unattributed"]),
        ("en", "Arvenia told Bostmark it left.", "affirms", ["arvenia"]),
        ("en", "According to Ilse Rell, it left.", "affirms", ["ilse-rell"]),
        ("en", "According to the wife of Ilse Rell, it left.", "affirms", ["unattributed"]),
        ("en", "The Foobar Institute met Arvenia and denied it.", "denies", ["foobar-institute"]),
        ("en", "Residents denied it.", "denies", ["unattributed"]),
        ("ru", "Ilse Rell вчера опровергла это.", "denies", ["ilse-rell"]),
        ("ru", "Министр Ilse Rell опровергла это.", "denies", ["ilse-rell"]),
        ("ru", "«Мы ушли», — сказала Ilse Rell.", "affirms", ["ilse-rell"]),
        ("ru", "Bostmark обвинила Arvenia.", "affirms", ["unattributed"]),
        ("ru", "Ilse Rell сообщили, что порт открыт.", "affirms", ["unattributed"]),
        ("ru", "Ilse Rell встретила министра и заявила об этом.", "affirms", ["ilse-rell"]),
        ("ru", "По словам жены Ilse Rell, порт открыт.", "affirms", ["unattributed"]),
        ("ru", "Министерство Bostmark опровергло это.", "denies", ["unattributed"]),
        ("ru", "Ilse Rell уехала, сказал он.", "affirms", ["unattributed"]),
        ("hi", "Ilse Rell ने Arvenia और Bostmark पर कहा।", "affirms", ["ilse-rell"]),
        ("hi", "Arvenia और Bostmark के बारे में Ilse Rell ने कहा।", "affirms", ["ilse-rell"]),
        ("bn", "Ilse Rell মঙ্গলবার Arvenia নিয়ে বলেছেন।", "affirms", ["ilse-rell"]),
        ("bn", "Ilse Rell বলেছেন Arvenia মিথ্যা বলছে।", "affirms", ["ilse-rell"]),
        ("bn", "মন্ত্রীর বোন Bostmark এটি অস্বীকার করেছেন।", "denies", ["unattributed"]),
        ("ko", "Arvenia 외교부는 부인했다.", "denies", ["unattributed"]),
        ("ko", "Ilse Rell은 부인했다.", "denies", ["ilse-rell"]),
        ("ko", "Ilse Rell은 Arvenia가 거짓말을 했다고 말했다.", "affirms", ["ilse-rell"]),
        ("ko", "외교부는 Arvenia가 거짓말을 했다고 말했다.", "affirms", ["unattributed"]),
        ("ko", "당국자는 Arvenia가 거짓말을 했다고 말했다.", "affirms", ["harbour-speaker-01"]),
    ],
)
def test_who_is_guessed_to_speak(
    registry: list, language: str, text: str, stance: str, by: list[str]
):
    claims = of_kind(proposed(registry, text, PLAIN, language=language), Claim)
    assert [(c.stance, c.by) for c in claims] == [(stance, by)]


@pytest.mark.parametrize(
    ("language", "text", "stance", "by"),
    [
        ("en", "Ilse Rell said Arvenia had told Bostmark that it left.", "affirms", "ilse-rell"),
        ("en", "Ilse Rell said that Arvenia denied it.", "affirms", "ilse-rell"),
        ("en", "Arvenia denied that Bostmark said so.", "denies", "arvenia"),
        ("en", "According to Ilse Rell, Arvenia denied it.", "affirms", "ilse-rell"),
        (
            "en",
            "Officials told Reuters that TASS had reported that Arvenia denied it.",
            "affirms",
            "",
        ),
        ("ru", "Ilse Rell сказала, что Arvenia опровергла это.", "affirms", "ilse-rell"),
        ("hi", "Ilse Rell ने कहा कि Arvenia ने आरोपों से इनकार किया।", "affirms", "ilse-rell"),
        ("bn", "Ilse Rell বলেছেন যে Arvenia এটি অস্বীকার করেছে।", "affirms", "ilse-rell"),
        ("ko", "Ilse Rell은 Arvenia가 부인했다고 말했다.", "affirms", "ilse-rell"),
    ],
)
def test_what_somebody_says_that_others_say_is_no_claim_of_these(
    registry: list, language: str, text: str, stance: str, by: str
):
    proposal = proposed(registry, text, PLAIN, language=language)
    (claim,) = of_kind(proposal, Claim)
    assert (claim.stance, claim.by, claim.via) == (stance, [by or "harbour-speaker-01"], [])
    assert any("only what somebody else says" in what for _, what in proposal.open)


@pytest.mark.parametrize(
    ("language", "text", "stance", "by", "via"),
    [
        ("en", "Reuters reported that Arvenia denied it.", "denies", "arvenia", "reuters"),
        ("en", "Arvenia denied it, Reuters reported.", "denies", "arvenia", "reuters"),
        ("ko", "로이터는 Arvenia가 부인했다고 전했다.", "denies", "arvenia", "reuters"),
        (
            "en",
            "The Foobar Daily reported that Arvenia denied it.",
            "denies",
            "arvenia",
            "foobar-daily",
        ),
        (
            "en",
            "The BBC, citing a harbour official, said so.",
            "affirms",
            "harbour-speaker-01",
            "bbc",
        ),
    ],
)
def test_an_outlet_passes_on_what_others_say(
    registry: list, language: str, text: str, stance: str, by: str, via: str
):
    proposal = proposed(registry, text, PLAIN, language=language)
    (claim,) = of_kind(proposal, Claim)
    assert (claim.stance, claim.by, claim.via) == (stance, [by], [via])
    (outlet,) = [a for a in of_kind(proposal, Agent) if a.id == via]
    assert outlet.type == "NewsOrganization"
    assert via in {m.names for m in of_kind(proposal, Mention)}


def test_a_subject_that_nothing_knows_is_a_new_record_without_a_type(registry: list):
    proposal = proposed(registry, "The Foobar Institute said so. Later the Foobar Institute left.")
    (claim,) = of_kind(proposal, Claim)
    (agent,) = [a for a in of_kind(proposal, Agent) if a.id == "foobar-institute"]
    assert claim.by == [agent.id]
    assert (agent.labels, agent.type) == ({"en": "Foobar Institute"}, "todo")


def test_a_name_is_never_the_voice_of_the_article(registry: list):
    claims = of_kind(proposed(registry, "The Narrator said so. The Unattributed said so."), Claim)
    assert [c.by for c in claims] == [["narrator-x"], ["unattributed-x"]]


def test_an_acronym_with_an_article_is_a_name_and_without_one_an_adjective(registry: list):
    finder = Names(BM=linked("Q900002", use="adjective"))
    text = "The BM denied it. BM ships left, said the BM spokesman."
    claims = of_kind(proposed(registry, text, finder), Claim)
    assert [c.by for c in claims] == [["bostmark"], ["unattributed"]]


def test_who_cannot_verify_is_the_one_who_says_so(registry: list):
    text = "Reuters said it could not verify it. Ilse Rell said the report cannot be confirmed."
    claims = of_kind(proposed(registry, text, PLAIN), Claim)
    assert [(c.stance, c.by) for c in claims] == [
        ("cannot-verify", ["reuters"]),
        ("cannot-verify", ["ilse-rell"]),
    ]


def test_the_time_of_saying_is_not_after_the_reference_date(registry: list):
    proposal = proposed(registry, "Ilse Rell said the port will open on Friday.")
    assert of_kind(proposal, Claim)[0].time is None
    assert of_kind(proposal, Event)[0].time.edtf == "2024-03-15"


def test_what_is_negated_is_left_open_and_quotations_are_short(registry: list):
    proposal = proposed(registry)
    assert any("(did not say: negated)" in what for _, what in proposal.open)
    claims = of_kind(proposed(registry, "Ilse Rell said it was “very useful indeed”."), Claim)
    assert [q.text for q in claims[0].quoted] == ["very useful indeed"]
    claims = of_kind(proposed(registry, "Ilse Rell said “one two three four five six”."), Claim)
    assert claims[0].quoted == []


def test_dates_go_to_the_words_of_saying_or_to_events(registry: list):
    text = "Ilse Rell said on Monday that ships will come on Friday."
    proposal = proposed(registry, text)
    (claim,) = of_kind(proposal, Claim)
    (event,) = of_kind(proposal, Event)
    assert claim.time.edtf == "2024-03-11"
    assert (event.time.edtf, event.time.rule) == ("2024-03-15", "weekday")
    assert (event.time.reference, event.time.reference_basis) == ("2024-03-12", "dateline")
    assert [d.edtf for _, d in proposed(registry).dates][:2] == ["2024-03-12", "2024-03-13"]
    assert proposed(registry).records[0].dateline_place == "port-solen"


def test_without_a_reference_date_it_is_said_so(registry: list):
    proposal = proposed(registry, reference=None, reference_basis=None)
    assert all(not event.time for event in of_kind(proposal, Event))
    assert sum("is unresolved: without a reference date" in what for _, what in proposal.open) == 3
    assert "reference_date: TODO" in to_yaml(proposal, "harbour")


def test_no_more_of_the_text_is_in_the_file_than_names_and_short_quotations(registry: list):
    text = (
        HARBOUR
        + "Rell said it was “very useful indeed”. Rell said that it was “one two three” and "
        "“four five six”. “Seven eight,” “nine ten,” he said."
    )
    file = " ".join(words_of(to_yaml(proposed(registry, text), "harbour")))
    words = words_of(text)
    runs = {" ".join(words[n : n + 6]) for n in range(len(words) - 5)}
    assert "very useful indeed" in file
    assert not [run for run in runs if run in file]
    assert "one two three" in file
    assert not [words for words in ("four five six", "nine ten") if words in file]


# --- the command --------------------------------------------------------------------------------

BENGALI = (
    "সিউল, ১২ মার্চ – রাশিয়ার পররাষ্ট্রমন্ত্রী সের্গেই লাভরভ মঙ্গলবার বলেছেন তিনি শুক্রবার মস্কোয় ফিরবেন। "
    "মস্কো খবরটি নিশ্চিত করেনি। জাপান অভিযোগটি অস্বীকার করেছে।"
)


def kg(patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str):
    patch.setattr(sys, "argv", ["kg", *args])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def accepted(text: str, *, without_todo: bool = False) -> str:
    """Return a proposal as a person might leave it: completed, and taken over.

    Args:
        text: the file.
        without_todo: delete the events without a type, and the claims about them, instead.
    """
    import yaml

    records = yaml.load(text, Loader=yaml.BaseLoader)
    undone = {r["id"] for r in records if r.get("type") == "todo"} if without_todo else set()
    kept = [r for r in records if r["id"] not in undone and r.get("about") not in undone]
    left: list[str] = []

    def done(name: str, value: object) -> object:
        if isinstance(value, dict):
            return {k: done(k if len(k) > 2 else name, v) for k, v in value.items()}
        if isinstance(value, list):
            return [done(name, item) for item in value]
        if str(value).startswith("TODO"):
            left.append(name)
            return f"filled in for {name}"
        return value

    for record in kept:
        if record["kind"] != "run":
            assert record["review"] == "proposed"
            record["review"] = "drafted"
        if record.get("type") == "todo":
            assert record["kind"] == "event"
            record["type"] = "statement"
    completed = done("", kept)
    assert {*left} <= {"title", "publisher_unstated", "reason", "method", "labels", "label"}
    return json.dumps(completed, ensure_ascii=False)


def test_a_proposal_is_refused_then_completed_then_checked_verified_and_built(
    tmp_path: Path,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    texts, facts = tmp_path / "texts", tmp_path / "facts"
    texts.mkdir()
    facts.mkdir()
    (texts / "Visit 1.txt").write_text(BENGALI, encoding="utf-8")
    registry = (checkout / "facts/registry.yaml").read_text(encoding="utf-8")
    (facts / "registry.yaml").write_text(registry, encoding="utf-8")
    file = facts / "visit.yaml"
    options = ["--lang", "bn", "--reference-date", "2024-03-13", "--reference-basis", "dateline"]
    options += ["--facts", str(facts), "--out", str(file)]
    code, out, err = kg(
        monkeypatch, capsys, "annotate", str(texts / "Visit 1.txt"), *options, "--json"
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["document"] == "visit-1"
    assert found["stances"] == {"affirms": 1, "denies": 1, "does-not-confirm": 1}
    assert [d["edtf"] for d in found["dates"]] == ["2024-03-12", "2024-03-12", "2024-03-15"]
    assert "refuse the file" in err
    again = kg(monkeypatch, capsys, "annotate", str(texts / "Visit 1.txt"), *options)
    assert again[0] == 2
    assert "the file is there already" in again[2]

    out_folder = tmp_path / "releases"
    build = ("build", "--facts", str(facts), "--out", str(out_folder))
    code, _, err = kg(monkeypatch, capsys, "facts", "check", "--facts", str(facts))
    assert code == 2
    assert "is only proposed" in err
    assert "todo" in err
    code, _, err = kg(monkeypatch, capsys, *build)
    assert code == 2
    assert not (out_folder / "current").exists()

    file.write_text(accepted(file.read_text(encoding="utf-8")), encoding="utf-8")
    code, _, err = kg(monkeypatch, capsys, "facts", "check", "--facts", str(facts))
    assert code == 0, err
    code, out, err = kg(
        monkeypatch, capsys, "facts", "verify", "--facts", str(facts), "--texts", str(texts)
    )
    assert (code, "0 errors" in out) == (0, True), err
    code, _, err = kg(monkeypatch, capsys, *build)
    assert code == 0, err

    records = {r["id"]: r for r in found["records"]}
    claims = [r for r in records.values() if r["kind"] == "claim"]
    assert [(c["stance"], c["by"]) for c in claims] == [
        ("affirms", ["sergei-lavrov"]),
        ("does-not-confirm", ["russian-government"]),
        ("denies", ["japan"]),
    ]
    names = {r["surface"]: r for r in records.values() if r["kind"] == "mention"}
    assert names["মস্কোয়"]["names"] == "moscow"
    assert (names["মস্কো"]["names"], names["মস্কো"]["means"]) == ("moscow", "russian-government")
    assert names["রাশিয়ার"]["names"] == "russia"


def test_a_text_that_is_not_normalised_is_verified(tmp_path: Path):
    from unicodedata import normalize

    from kg.build import load_facts

    text = normalize("NFD", "Café Rell lies in Ängelby. Ilse Réll said so on Monday.")
    finder = Names(Ilse_Réll=linked("Q900004"), Ängelby=linked("Q900003"))
    article = Article("a", text.encode())
    proposal = propose(article, request(), finder, [], {}, ITEMS.get)
    (tmp_path / "texts").mkdir()
    (tmp_path / "facts").mkdir()
    (tmp_path / "texts/a.txt").write_text(text, encoding="utf-8")
    (tmp_path / "facts/a.yaml").write_text(accepted(to_yaml(proposal, "harbour")), encoding="utf-8")
    done = verify_texts(load_facts([tmp_path / "facts"]), tmp_path / "texts")
    assert (done.errors, done.without_hash) == ((), 0)
    assert {m.surface for m in of_kind(proposal, Mention)} == {"Ilse Réll", "Ängelby"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--lang", "xx-"], "--lang: not of its form"),
        (["--lang", "qx"], "--lang: unknown language tag"),
        (["--lang", "en", "--key", "A b"], "--key: not of its form; seen A b"),
        (["--lang", "en", "--key", "registry"], "--key: the id is taken by the build itself"),
        (["--lang", "en", "--key", "build"], "--key: the id is taken by the build itself"),
        (["--lang", "en", "--key", "narrator"], "--key: the id is taken by the build itself"),
        (["--lang", "en", "--key", "alleged-visit"], "--key: the id holds a word that judges"),
        (["--lang", "en", "--key", "a-so-called-visit"], "--key: the id holds a word that judges"),
        (["--lang", "en", "--key", "russia"], "--key: a record of the registry has this id"),
        (["--lang", "en", "--url", "example.org/a"], "--url: no address; seen example.org/a"),
        (["--lang", "en", "--url", "javascript:alert(1)"], "--url: no address"),
        (["--lang", "en", "--archive-url", "https://a b"], "--archive-url: no address"),
        (["--lang", "en", "--archive-url", "https://me:pw@a"], "--archive-url: no address"),
        (["--lang", "en", "--reference-date", "12.3.2024"], "--reference-date: no day"),
        (["--lang", "en", "--reference-date", "2024-02-30"], "--reference-date: no day"),
        (["--lang", "en", "--reference-basis", "dateline"], "a basis without a date"),
        (
            ["--lang", "en", "--reference-date", "2024-03-12", "--reference-basis", "guess"],
            "--reference-basis: no such basis; seen guess; expected dateline or",
        ),
        (["--lang", "en", "--captured", "soon"], "--captured: no day of the calendar"),
        (["--lang", "en", "--llm"], "--llm-url: not given"),
        (
            ["--lang", "en", "--llm", "--llm-url", "http://127.0.0.1:1/v1", "--llm-model", "m"],
            "--llm: a model's answers are kept beside the file",
        ),
    ],
)
def test_a_wrong_argument_is_named(
    args: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    text = tmp_path / "a.txt"
    text.write_text("Rell left.", encoding="utf-8")
    code, out, err = kg(monkeypatch, capsys, "annotate", str(text), *args)
    assert (code, out) == (2, "")
    assert message in err


def test_no_file_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    text, out = tmp_path / "a.txt", tmp_path / "a.yaml"
    text.write_text("Rell left.", encoding="utf-8")
    (tmp_path / "b.txt").symlink_to(text)

    def run(file: Path, *more: str) -> tuple[int, str]:
        code, _, err = kg(
            monkeypatch, capsys, "annotate", str(text), "--lang", "en", "--out", str(file), *more
        )
        return code, err

    for same in (text, tmp_path / "b.txt"):
        code, err = run(same, "--force", "--overwrite-edited")
        assert (code, "the article would be overwritten" in err) == (2, True)
    assert text.read_text(encoding="utf-8") == "Rell left."
    assert run(out)[0] == 0
    first = out.read_text(encoding="utf-8")
    assert run(out)[0] == 2
    assert run(out, "--force")[0] == 0
    for edited in (
        first.replace("  review: proposed", "  review: drafted", 1),
        first.replace("  review: proposed\n", "", 1),
        first.replace("  review: proposed", '  review: "checked"', 1),
        "my own notes",
        "- {",
    ):
        out.write_text(edited, encoding="utf-8")
        code, err = run(out, "--force")
        assert (code, "--overwrite-edited" in err) == (2, True)
        assert out.read_text(encoding="utf-8") == edited
    assert run(out, "--overwrite-edited")[0] == 0
    assert out.read_text(encoding="utf-8") == first

    def broken(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    assert run(out, "--force")[0] == 2
    assert out.read_text(encoding="utf-8") == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "a.yaml", "b.txt"]


def test_a_text_that_is_not_normalised_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for content, told in (("Ange\u0301l left.", True), ("Ang\u00e9l left.", False)):
        text = tmp_path / "a.txt"
        text.write_text(content, encoding="utf-8")
        code, _, err = kg(monkeypatch, capsys, "annotate", str(text), "--lang", "en")
        assert (code, "not in Unicode Normalization Form C (NFC)" in err) == (0, told)


def test_words_that_judge_are_those_of_the_shape(checkout: Path):
    from kg.cli_annotate import VERDICTS

    shape = (checkout / "shapes/addresses.ttl").read_text(encoding="utf-8")
    (words,) = re.findall(r"\(alleged\|([^)]*)\)", shape)
    assert {"alleged", *words.split("|")} == {*VERDICTS, "so-called"}


def test_an_article_in_a_language_without_words_has_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    text = tmp_path / "a.txt"
    text.write_text("Le Japon a dit non mardi.", encoding="utf-8")
    code, out, err = kg(monkeypatch, capsys, "annotate", str(text), "--lang", "fr")
    assert code == 0
    assert "names: japan" in out
    assert "no words of saying and of time are known in fr" in err


def test_a_text_without_sentences_is_cut_and_told_and_not_read_for_hours(registry: list):
    text = "Bostmark said on Tuesday, and " * 3_000
    proposal = proposed(registry, text)
    document = proposal.records[0]
    spans = [tuple(map(int, sentence.at.split("-"))) for sentence in document.sentences]
    assert max(end - start for start, end in spans) <= 5000
    assert "".join(text[a:b].replace(" ", "") for a, b in spans) == text.replace(" ", "")
    told = [number for number, what in proposal.open if what.startswith("cut off")]
    assert told == list(range(1, len(spans)))
    assert len(proposal.spoken) == 3_000


def test_what_opens_a_sentence_is_looked_for_near_a_word_only(monkeypatch: pytest.MonkeyPatch):
    """The time to read a text grows with its length, and not with the square of it."""
    from kg import scan
    from kg.linker import Linker

    seen: list[int] = []

    class Watched:
        def search(self, text: str, start: int, end: int) -> object:
            seen.append(end - start)
            return opens.search(text, start, end)

    opens = scan._OPENS
    monkeypatch.setattr(scan, "_OPENS", Watched())
    text = "Sergei Lavrov came, and " + "Big Lavrov went, " * 50
    assert list(scan.find(Linker.load(["en"]), text, "en"))
    assert len(seen) >= 50
    assert max(seen) <= 50


def test_a_date_without_words_of_saying_is_left_open_and_no_event(registry: list):
    proposal = proposed(registry, "Ships will come on Friday. Ilse Rell denied it.")
    events = of_kind(proposal, Event)
    assert {e.id for e in events} == {c.about for c in of_kind(proposal, Claim)}
    assert (0, proposal.open[0][1]) == proposal.open[0]
    assert "(Friday: 2024-03-15) has no words of saying" in proposal.open[0][1]
    assert [d.edtf for _, d in proposal.dates] == ["2024-03-15"]


@pytest.mark.parametrize("without_todo", [False, True])
def test_what_is_completed_or_deleted_builds(
    without_todo: bool,
    tmp_path: Path,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    facts = tmp_path / "facts"
    facts.mkdir()
    registry = (checkout / "facts/registry.yaml").read_text(encoding="utf-8")
    (facts / "registry.yaml").write_text(registry, encoding="utf-8")
    text = tmp_path / "a.txt"
    text.write_text(
        "Ships will come on Friday. Officials denied on Monday that ships came in 2023. It rained.",
        encoding="utf-8",
    )
    options = ["--lang", "en", "--reference-date", "2024-03-13", "--facts", str(facts)]
    code, out, err = kg(monkeypatch, capsys, "annotate", str(text), *options)
    assert code == 0, err
    (facts / "a.yaml").write_text(accepted(out, without_todo=without_todo), encoding="utf-8")
    code, _, err = kg(
        monkeypatch, capsys, "build", "--facts", str(facts), "--out", str(tmp_path / "out")
    )
    assert code == 0, err


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("en", "Ilse Rell said it was “one-two–three.four/five”.", 1),
        ("en", "Ilse Rell said it was “one-two–three.four/five six”.", 0),
        ("en", "Ilse Rell said it was “one—two—three—four—five—six”.", 0),
        ("en", "Ilse Rell said it was “extraordinarily disproportionate countermeasures”.", 0),
        ("en", "Ilse Rell said “one two”, “three four” and “five six”.", 1),
        ("en", "Ilse Rell said “one two” of ships that had come, and “three four”.", 2),
        ("en", "They said “one two.” “three four” said Ilse Rell.", 1),
        ("ko", "Ilse Rell은 “그는오늘아침에항구에서떠났다고말했다” 말했다.", 0),
        ("ko", "Ilse Rell은 “매우 유용한 회담이었다” 말했다.", 1),
        ("ja", "Ilse Rell said “港は来週から再開する”.", 1),
        ("ja", "Ilse Rell said “港は来週から再開すると言う”.", 0),
    ],
)
def test_quotations_are_short_whatever_joins_their_words(language: str, text: str, kept: int):
    from kg.annotate import _quotes, sentences_of

    spans = sentences_of(text)
    assert sum(len(_quotes(text, language, *span)) for span in spans) == kept


@given(
    st.text(min_size=1, max_size=20),
    st.text(max_size=20),
    st.text(alphabet="\x00\x07\x1b\x7f\x85\x9b\u2028\ufeff\ufffe\ud800\u202ea'\"", max_size=12),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_is_read_back(tmp_path: Path, name: str, quoted: str, odd: str):
    from kg.build import load_facts

    quoted = "".join(
        c for c in quoted if c not in '“”"«»「」\x00' and not "\ud800" <= c <= "\udfff"
    )
    inside = "".join(c for c in odd if c not in '\x00"' and not "\ud800" <= c <= "\udfff")
    text = f"Ilse Rell said “a{inside}” and it is so that all of it was “b {quoted}” again."
    finder = Names(Ilse_Rell=linked("Q900004"))
    article = Article(name + odd, text.encode())
    proposal = propose(article, request(tool=odd, url=odd), finder, [], {}, ITEMS.get)
    facts = tmp_path / "facts"
    facts.mkdir(exist_ok=True)
    whole = to_yaml(proposal, "harbour")
    import yaml

    assert len(yaml.safe_load(whole)) == len(proposal.records)
    (facts / "a.yaml").write_text(whole, encoding="utf-8")
    with pytest.raises(KgErrors) as refused:
        load_facts([facts])
    for error in refused.value.errors:
        assert re.search(
            "only proposed|still to be filled|todo|not shown|sentence|TODO", str(error)
        )


def test_a_name_that_no_record_can_hold_is_none():
    name = "Bost" + " mark" * 25
    finder = Names(**{name.replace(" ", "_"): linked("Q900002")})
    assert of_kind(proposed([], f"{name} left.", finder), Mention) == []


def test_fields_with_defaults_are_left_out(registry: list):
    (claim, *_) = of_kind(proposed(registry), Claim)
    assert "n" not in plain_fields(claim)
    assert plain_fields(claim)["kind"] == "claim"
