"""Decisions on links: what is proposed is no link, and each decision is one row that stays."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import multiprocessing
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import cli_link, link, linking
from kg.build import load_facts, publish
from kg.cli import main
from kg.errors import KgError, KgErrors, MappingError
from kg.facts import FactSet
from kg.identity import collect_inputs
from kg.link import read_links, read_proposals
from kg.linker import Candidate
from kg.linking import Act, Authority, Item, Review
from kg.resources import folder
from kg.sssom import EXACT, NO_TERM, LinkRow

REVIEWERS = """\
- kind: agent
  id: ada-verma
  type: Person
  labels: {en: Ada Verma, bn: আডা ভার্মা, hi: एडा वर्मा}
  basis: Invented for a test
  as_of: "2026-11-21"
  extracted: registry-curation
"""
DAY = "2026-11-27"
BY = Act(reviewer="kg:agent/ada-verma", day=DAY, evidence="a list of bodies that says so")
Kg = Callable[..., tuple[int, str, str]]


CHINA = Candidate("Q148", "China", "state", "0.90", "part of the name")
ITALY = Candidate("Q38", "Italy", "state", "0.89", "alike")
COUNCIL_KIND = {"kind": "government"}
HOUSE = Candidate("Q35525", "White House", "building", "0.95", "the same words")


def ask(surface: str, lang: str, hint: str) -> Sequence[Candidate]:
    """Return what a linker might say of a few names."""
    assert lang
    if "White House" in surface and hint == "government":
        return [HOUSE]
    if "hines" in surface:
        council = Candidate(
            "Q37070", "State Council", COUNCIL_KIND["kind"], "0.95", "the same words"
        )
        return [CHINA, council, ITALY]
    return []


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the built-in facts and a reviewer."""
    found = tmp_path_factory.mktemp("facts") / "facts"
    shutil.copytree(folder("facts"), found)
    (found / "reviewers.yaml").write_text(REVIEWERS, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def read(facts: Path) -> FactSet:
    return load_facts([facts])


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Return a copy of the authority."""
    path = tmp_path / "links.sssom.tsv"
    shutil.copyfile(folder("mappings") / "wikidata.sssom.tsv", path)
    return path


@pytest.fixture
def kg(
    facts: Path,
    authority: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Kg:
    """Return what runs `kg link` on these facts and this authority."""

    def run(*args: str) -> tuple[int, str, str]:
        given = ["kg", "link", *args, "--facts", str(facts), "--links", str(authority)]
        monkeypatch.setattr(sys, "argv", given)
        monkeypatch.setattr(cli_link, "_linker", lambda _: ask)
        now = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
        monkeypatch.setattr(cli_link, "_now", lambda: now)
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return stop.value.code if isinstance(stop.value.code, int) else 0, out, err

    return run


def decided(
    kg: Kg, verb: str, subject: str, qid: str, *more: str, evidence: str = "a list that says so"
) -> tuple[int, str, str]:
    given = ("--evidence", evidence, "--reviewer", "ada-verma", "--date", DAY)
    return kg(verb, subject, qid, *given, *more)


def of(authority: Path, subject: str) -> list[LinkRow]:
    return [row for row in read_links(authority) if row.subject_id == subject]


# --- the file -------------------------------------------------------------------------------------


def test_a_decision_changes_one_row_and_nothing_else(kg: Kg, authority: Path) -> None:
    """Diffable: every other line stays as it is, and where it is."""
    before = authority.read_text(encoding="utf-8").splitlines()
    code, out, err = decided(
        kg, "accept", "agent/chinese-government", "Q37070", "--kind", "government", "--label", "X"
    )
    assert code == 0, err
    after = authority.read_text(encoding="utf-8").splitlines()
    new = [line for line in after if line not in before]
    assert len(new) == 1
    assert [line for line in after if line in before] == before
    assert out == f"{new[0]}\n"
    [row] = of(authority, "kg:agent/chinese-government")
    assert (row.object_id, row.author_id, row.reviewer_id, row.mapping_date) == (
        "wd:Q37070",
        "kg:agent/ada-verma",
        "kg:agent/ada-verma",
        DAY,
    )
    assert row.mapping_justification == "semapv:ManualMappingCuration"
    assert [one.order for one in read_links(authority)] == sorted(
        one.order for one in read_links(authority)
    )
    assert not list(authority.parent.glob(".*"))


def test_a_decision_survives_a_build(
    kg: Kg,
    facts: Path,
    authority: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And who decided without being an agent of the facts is told of."""
    decided(kg, "accept", "agent/chinese-government", "Q37070", "--kind", "government")
    decided(kg, "reject", "agent/kyodo", "Q1")
    text = authority.read_bytes().replace(
        b"Q1\t\t\tsemapv:ManualMappingCuration\tkg:agent/ada-verma",
        b"Q1\t\t\tsemapv:ManualMappingCuration\tkg:agent/nobody-known",
    )
    authority.write_bytes(text)
    release, _ = publish(
        [facts], tmp_path / "releases", base="https://chancery.example/", links=authority
    )
    assert release is not None
    told = capsys.readouterr().err.splitlines()
    [warning] = [line for line in told if "no such agent" in line]
    assert "kg:agent/nobody-known decided on a link" in warning
    assert authority.read_bytes() == text
    table = (release / "links.sssom.tsv").read_text(encoding="utf-8")
    assert "kg:agent/chinese-government\tGovernment of China\tskos:exactMatch\t\twd:Q37070" in table


def test_quotation_marks_are_written_as_the_standard_wants(kg: Kg, authority: Path) -> None:
    code, _, err = decided(kg, "reject", "agent/kyodo", "Q1", evidence='he said "no"')
    assert code == 0, err
    assert '"he said ""no"""' in authority.read_text(encoding="utf-8")
    assert of(authority, "kg:agent/kyodo")[-1].evidence == 'he said "no"'


def _is_one_line(before: bytes, after: bytes) -> list[bytes]:
    """Return the lines that are new; the others are as they were, and where they were."""
    old, now = before.split(b"\n"), after.split(b"\n")
    new = [line for line in now if line not in old]
    assert [line for line in now if line not in new] == old
    return new


@pytest.mark.parametrize("kind", ["CRLF", "unsorted", "comments", "older", "no end"])
def test_a_table_of_another_hand_stays_as_it_is(kg: Kg, authority: Path, kind: str) -> None:
    text = authority.read_bytes()
    head, _, rows = text.partition(b"reviewer_agreement\n")
    if kind == "CRLF":
        text = text.replace(b"\n", b"\r\n")
    elif kind == "unsorted":
        text = head + b"reviewer_agreement\n"
        text += b"".join(sorted(rows.splitlines(keepends=True), reverse=True))
    elif kind == "comments":
        text += "# written \u2028 below\n".encode()
    elif kind == "older":
        text = head.removesuffix(b"\t") + b"\n" + rows.replace(b"\t\n", b"\n")
    else:
        text = text.removesuffix(b"\n")
    authority.write_bytes(text)
    last = "thing/unsc-resolutions-forbidding-cooperation"
    for subject in ("agent/chinese-government", "agent/us-executive", last):
        before = authority.read_bytes()
        code, _, err = decided(kg, "reject", subject, "Q1")
        assert code == 0, err
        if kind == "no end" and subject == last:
            before += b"\n"
        [line] = _is_one_line(before, authority.read_bytes())
        assert line.startswith(b"kg:" + subject.encode())
        assert line.endswith(b"\r") == (kind == "CRLF")


def test_a_table_without_the_column_takes_no_doubt(kg: Kg, authority: Path) -> None:
    text = authority.read_text(encoding="utf-8")
    text = text.replace("\treviewer_agreement\n", "\n").replace("\t\n", "\n")
    authority.write_text(text, encoding="utf-8")
    code, _, err = decided(kg, "unsure", "agent/kyodo", "Q1")
    assert code == 2
    assert "add it to line" in err
    assert authority.read_text(encoding="utf-8") == text


def test_a_table_to_be_read_only_is_refused(kg: Kg, authority: Path) -> None:
    before = authority.read_bytes()
    authority.chmod(0o444)
    code, _, err = decided(kg, "reject", "agent/kyodo", "Q1")
    assert code == 2
    assert "the table is there to be read only" in err
    assert authority.read_bytes() == before
    assert not list(authority.parent.glob(".*"))


def test_what_a_symbolic_link_leads_to_is_written(kg: Kg, authority: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    target = authority.rename(other / "real.tsv")
    authority.symlink_to(target)
    code, _, err = decided(kg, "reject", "agent/kyodo", "Q1")
    assert code == 0, err
    assert authority.is_symlink()
    assert "wd:Q1\t" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["reject", "propose"])
def test_a_disk_that_takes_nothing_is_an_error_of_use(
    kg: Kg, authority: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = authority.read_bytes()
    monkeypatch.setattr(linking.os, "replace", full)
    code, _, err = decided(kg, "reject", "agent/kyodo", "Q1") if verb == "reject" else kg(verb)
    assert code == 2
    assert "cannot be written: No space left on device" in err
    assert authority.read_bytes() == before
    assert not list(authority.parent.glob(".*"))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"# a\n\xff\n", "proposals.sssom.tsv:2: the table of links is not UTF-8"), (b"no", ":1: ")],
)
def test_proposals_that_cannot_be_read_are_an_error_of_use(
    kg: Kg, authority: Path, data: bytes, words: str
) -> None:
    linking.proposals_of(authority).write_bytes(data)
    for args in (("status",), ("review", "--reviewer", "ada-verma")):
        code, _, err = kg(*args)
        assert code == 2
        assert words in err


TEXT = st.text(max_size=30) | st.sampled_from(
    ["র\u200d্যাব", "علی\u200cرضا", "a\u00a0b", '"', "a\tb", "#", "\u2028", "\x85", "\ud800"]
)


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
def test_what_is_proposed_can_be_read_back(label: str, item: str) -> None:
    subject = linking.Subject(
        id="a",
        kind="agent",
        sort="organisation",
        type="Organization",
        label=label,
        labels={"en": (label,)},
        description="",
        basis="",
    )
    found = Candidate("Q7", item, "government", "0.95", item)
    made = linking.propose([subject], [], lambda *_: [found])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.proposals.sssom.tsv"
        linking.write_proposals(path, made)
        assert [msgspec.structs.replace(row, origin="") for row in read_proposals(path)] == made


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
def test_what_is_decided_can_be_read_back_or_is_refused(
    read: FactSet, evidence: str, comment: str
) -> None:
    known = linking.subjects(read)["kg:agent/kyodo"]
    act = msgspec.structs.replace(BY, evidence=evidence, comment=comment)
    with tempfile.TemporaryDirectory() as folder_:
        path = Path(folder_) / "links.sssom.tsv"
        shutil.copyfile(folder("mappings") / "wikidata.sssom.tsv", path)
        before = path.read_bytes()
        held, item = Authority(path), Item(qid="Q1")
        seen = of(path, known.curie)
        try:
            row = held.write(
                known, seen, lambda rows: linking.reject(rows, known, item, EXACT, act)
            )
        except KgError:
            assert path.read_bytes() == before
            assert not (link.is_text(evidence) and evidence and link.is_text(comment))
        else:
            assert (row.evidence, row.comment) == (evidence, comment)
            assert [one.evidence for one in of(path, known.curie)][-1] == evidence


def test_joiners_are_text(kg: Kg, authority: Path) -> None:
    words = "র\u200d্যাব, علی\u200cرضا"
    code, _, err = decided(kg, "reject", "agent/kyodo", "Q1", evidence=words)
    assert code == 0, err
    assert of(authority, "kg:agent/kyodo")[-1].evidence == words


def _many(args: tuple[Path, Path, int]) -> None:
    facts, authority, number = args
    found = load_facts([facts])
    known = linking.subjects(found)
    subject = known["kg:agent/kyodo"]
    for item in range(number * 100, number * 100 + 5):
        held = Authority(authority)
        given = Item(qid=f"Q{item + 1}")
        for _ in range(1000):
            seen = [row for row in held.read() if row.subject_id == subject.curie]
            with contextlib.suppress(MappingError):  # somebody else was quicker
                held.write(
                    subject,
                    seen,
                    lambda rows, given=given: linking.reject(rows, subject, given, EXACT, BY),
                )
                break


@pytest.mark.timeout(300)
def test_reviewers_at_the_same_time_lose_no_row(facts: Path, authority: Path) -> None:
    before = len(read_links(authority))
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_many, [(facts, authority, number) for number in range(3)])
    assert len(read_links(authority)) == before + 15


def test_who_was_shown_other_rows_is_refused(read: FactSet, authority: Path) -> None:
    known = linking.subjects(read)
    subject = known["kg:agent/kyodo"]
    held = Authority(authority)
    seen = of(authority, subject.curie)
    held.write(subject, seen, lambda rows: linking.reject(rows, subject, Item(qid="Q1"), EXACT, BY))
    with pytest.raises(MappingError, match=r"in the meantime.*Q1"):
        held.write(
            subject, seen, lambda rows: linking.reject(rows, subject, Item(qid="Q2"), EXACT, BY)
        )
    assert [row.object_id for row in of(authority, subject.curie)] == [NO_TERM, "wd:Q1"]


def test_rows_of_others_stay(read: FactSet, authority: Path) -> None:
    """What was written on another subject since the file was read is kept."""
    known = linking.subjects(read)
    one, other = known["kg:agent/kyodo"], known["kg:agent/rusi"]
    held = Authority(authority)
    seen = of(authority, one.curie)
    held.write(
        other,
        of(authority, other.curie),
        lambda rows: linking.reject(rows, other, Item(qid="Q5"), EXACT, BY),
    )
    held.write(one, seen, lambda rows: linking.reject(rows, one, Item(qid="Q6"), EXACT, BY))
    assert "wd:Q5" in {row.object_id for row in of(authority, other.curie)}
    assert "wd:Q6" in {row.object_id for row in of(authority, one.curie)}


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "qid", "more", "words"),
    [
        ("agent/china", "Q37070", ("--kind", "state"), "this record has an exact match already"),
        ("agent/us-executive", "Q48525", ("--kind", "government"), "this item has an exact"),
        ("agent/us-executive", "Q35525", (), "never gets an exact match to a building"),
        ("agent/us-executive", "Q1", ("--kind", "building"), "never gets an exact match"),
        ("agent/us-executive", "Q1", (), "not known what the item is"),
        ("agent/us-executive", "Q1", ("--kind", "palace"), "no such kind of item"),
        ("agent/us-executive", "Q1", ("--kind", "person"), "of this kind cannot be"),
        ("agent/us-executive", "Q1", ("--predicate", "owl:sameAs"), "no such predicate"),
        ("agent/nobody", "Q1", (), "no such record"),
        ("agent/us-executive", "P31", (), "this is no item"),
        ("agent/us-executive", "Q1", ("--date", "2026-02-30"), "no day of the calendar"),
        ("agent/us-executive", "Q1", ("--date", "2026-11-29"), "of a day to come"),
        ("agent/us-executive", "Q200000001", (), "there is no such item"),
        ("agent/us-executive", "Q1", ("--reviewer", "japan"), "only a person or a program"),
        ("agent/us-executive", "Q1", ("--reviewer", "nobody"), "no agent of the facts"),
        ("agent/us-executive", "Q1", ("--evidence", " "), "this is needed"),
    ],
)
def test_what_cannot_be_accepted(
    kg: Kg, authority: Path, subject: str, qid: str, more: tuple[str, ...], words: str
) -> None:
    before = authority.read_bytes()
    code, out, err = decided(kg, "accept", subject, qid, *more)
    assert (code, out) == (2, "")
    assert words in err
    assert authority.read_bytes() == before


def test_a_second_exact_match_says_what_to_do(kg: Kg) -> None:
    _, _, err = decided(kg, "accept", "agent/china", "Q37070", "--kind", "state")
    for words in (
        "links.sssom.tsv:",
        "seen kg:agent/china skos:exactMatch wd:Q148",
        "expected exact matches that are one to one",
        "use --predicate skos:closeMatch",
    ):
        assert words in err


def test_a_building_may_be_related(kg: Kg, authority: Path) -> None:
    code, _, err = decided(
        kg, "accept", "agent/us-executive", "Q35525", "--predicate", "skos:relatedMatch"
    )
    assert code == 0, err
    found = {(row.decision, row.predicate_id) for row in of(authority, "kg:agent/us-executive")}
    assert found == {("match", "skos:relatedMatch")}, "one pair has one decision"


def test_the_lexicon_knows_a_building_whatever_is_said(
    kg: Kg, authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "entities.tsv").write_text(
        "qid\tkind\tlabel\nQ99\tbuilding\tA palace\n", encoding="utf-8"
    )
    monkeypatch.setattr(cli_link, "_lexicon", lambda: tmp_path)
    code, _, err = decided(kg, "accept", "agent/chinese-government", "Q99", "--kind", "government")
    assert code == 2
    assert "never gets an exact match to a building" in err


def test_the_lexicon_knows_a_building_in_a_review_too(
    kg: Kg, authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "entities.tsv").write_text(
        "qid\tkind\tlabel\nQ37070\tbuilding\tA palace\n", encoding="utf-8"
    )
    monkeypatch.setattr(cli_link, "_lexicon", lambda: tmp_path)
    kg("propose", "agent/chinese-government")  # as a government
    before = authority.read_bytes()
    answers = iter(["e", "a list", "", "q"])
    monkeypatch.setattr(cli_link, "_asked", lambda words: next(answers))
    code, out, err = kg("review", "--reviewer", "ada-verma")
    assert (code, out) == (0, "")
    assert "against it: it is a building, and an agent never gets one" in err
    assert "never gets an exact match to a building" in err
    assert authority.read_bytes() == before


def test_a_wrong_name_is_warned_of_and_found_by_the_check(kg: Kg, authority: Path) -> None:
    """The label that a wrong decision has written does not speak for it."""
    code, _, err = kg("check")
    assert code == 0, err
    code, _, err = decided(kg, "accept", "agent/dmitry-peskov", "Q207")
    assert code == 0, err
    words = "it is called George W. Bush: no word is in common"
    assert f"warning: kg:agent/dmitry-peskov wd:Q207: {words}" in err
    [row] = [row for row in of(authority, "kg:agent/dmitry-peskov") if row.decision == "match"]
    assert row.object_label == "George W. Bush"
    code, out, _ = kg("check")
    assert code == 1
    assert f"kg:agent/dmitry-peskov wd:Q207: the lexicon says: {words}" in out


def test_a_wrong_name_is_said_in_a_review(read: FactSet) -> None:
    known = linking.subjects(read)
    subject = known["kg:agent/japan"]
    row = msgspec.structs.replace(
        read_links(folder("mappings") / "wikidata.sssom.tsv")[0],
        subject_id=subject.curie,
        object_id="wd:Q5",
        object_label="",
    )
    item = Item(qid="Q5", label="Ministry of Peru", names={"es": ("Nada",)})
    [task] = linking.tasks(known, [], [row], items={"Q5": item})
    assert task.against == "it is called Ministry of Peru: no word is in common"
    same = Item(qid="Q5", names={"en": (f"the Government of {subject.label}",)})
    [task] = linking.tasks(known, [], [row], items={"Q5": same})
    assert task.against == ""
    foreign = Item(qid="Q5", names={"es": ("Nada",)})
    [task] = linking.tasks(known, [], [row], items={"Q5": foreign})
    assert task.against == "", "no language in common"


def test_kinds_are_those_that_the_shapes_know(checkout: Path) -> None:
    text = (checkout / "shapes/links.ttl").read_text(encoding="utf-8")
    inner = text[text.index('BIND (IF(?word = "person"') : text.index("owl:Nothing")]
    assert set(re.findall('"([^"]+)"', inner)) == set(linking.KINDS)


# --- decisions ------------------------------------------------------------------------------------


def test_a_match_that_nobody_has_reviewed_is_confirmed(kg: Kg, authority: Path) -> None:
    code, _, err = decided(kg, "accept", "agent/japan", "Q17", evidence="ISO 3166")
    assert code == 0, err
    [row] = of(authority, "kg:agent/japan")
    assert row.author_id == "kg:agent/cross-document-curator"
    assert row.reviewer_id == "kg:agent/ada-verma"
    assert row.evidence.startswith("identifier confirmed by")
    assert row.evidence.endswith("; ISO 3166")
    code, _, err = decided(kg, "accept", "agent/japan", "Q17")
    assert code == 2
    assert "already" in err


def test_a_match_that_is_wrong_is_taken_back(kg: Kg, authority: Path) -> None:
    code, _, err = decided(kg, "reject", "agent/japan", "Q17")
    assert code == 0, err
    [row] = of(authority, "kg:agent/japan")
    assert (row.decision, row.object_label, row.object_kind) == ("refused", "Japan", "state")


def test_what_was_not_found_is_found_later(kg: Kg, authority: Path) -> None:
    assert [row.decision for row in of(authority, "kg:agent/kyodo")] == ["not-found"]
    code, _, err = decided(kg, "accept", "agent/kyodo", "Q1", "--kind", "news agency")
    assert code == 0, err
    assert [row.decision for row in of(authority, "kg:agent/kyodo")] == ["match"]


def test_a_program_reviews_nothing(kg: Kg, authority: Path) -> None:
    program = ("--reviewer", "cross-document-curator")
    kind = ("--kind", "news agency")
    code, _, err = decided(kg, "accept", "agent/kyodo", "Q1", *kind, *program)
    assert code == 0, err
    [row] = of(authority, "kg:agent/kyodo")
    assert row.reviewer_id == ""
    assert row.mapping_justification == "semapv:BackgroundKnowledgeBasedMatching"
    decided(kg, "unsure", "agent/chinese-government", "Q148", *program)
    [row] = of(authority, "kg:agent/chinese-government")
    assert (row.decision, row.reviewer_id) == ("unsure", "")
    before = authority.read_bytes()
    code, _, err = decided(kg, "accept", "agent/japan", "Q17", *program)
    assert code == 2
    assert "already" in err
    assert authority.read_bytes() == before


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (("accept", "agent/japan", "Q17"), ("reject", "agent/japan", "Q17")),
        (
            ("accept", "agent/japan", "Q17"),
            ("accept", "agent/japan", "Q17", "--predicate", "skos:broadMatch"),
        ),
        (
            ("reject", "agent/japan", "Q17"),
            ("accept", "agent/japan", "Q17", "--kind", "state"),
        ),
        (
            ("notfound", "agent/chinese-government"),
            ("accept", "agent/chinese-government", "Q1", "--kind", "government"),
        ),
        (
            ("unsure", "agent/chinese-government", "Q1"),
            ("accept", "agent/chinese-government", "Q1", "--kind", "government"),
        ),
    ],
)
def test_a_program_replaces_nothing_that_a_person_has_reviewed(
    kg: Kg, authority: Path, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    given = ("--evidence", "a list", "--date", DAY)
    code, _, err = kg(*first, *given, "--reviewer", "ada-verma")
    assert code == 0, err
    before = authority.read_bytes()
    more = ("--overturn",) if then[0] in ("accept", "reject") else ()
    code, _, err = kg(*then, *given, *more, "--reviewer", "cross-document-curator")
    assert code == 2
    assert "a program does not replace what somebody has reviewed" in err
    assert authority.read_bytes() == before


def test_what_somebody_has_decided_is_overturned_on_purpose_only(kg: Kg, authority: Path) -> None:
    decided(kg, "accept", "agent/japan", "Q17")
    before = authority.read_bytes()
    for verb, more in (
        ("reject", ()),
        ("accept", ("--predicate", "skos:broadMatch")),
    ):
        code, _, err = decided(kg, verb, "agent/japan", "Q17", *more)
        assert code == 2
        assert "somebody has decided otherwise" in err
        assert "--overturn" in err
        assert authority.read_bytes() == before
    code, _, err = decided(kg, "reject", "agent/japan", "Q17", "--overturn", "--comment", "Oh")
    assert code == 0, err
    [row] = of(authority, "kg:agent/japan")
    assert row.decision == "refused"
    assert row.comment == f"Oh; before: match {EXACT}, by kg:agent/ada-verma, on {DAY}"
    code, _, err = decided(kg, "accept", "agent/japan", "Q17")
    assert code == 2
    code, _, err = decided(kg, "accept", "agent/japan", "Q17", "--overturn")
    assert code == 0, err
    [row] = of(authority, "kg:agent/japan")
    assert row.comment == f"before: refused {EXACT}, by kg:agent/ada-verma, on {DAY}"


def test_a_pair_has_one_decision(kg: Kg, authority: Path) -> None:
    code, _, err = decided(kg, "accept", "agent/japan", "Q17", "--predicate", "skos:broadMatch")
    assert code == 0, err
    [row] = of(authority, "kg:agent/japan")
    assert (row.predicate_id, row.reviewer_id) == ("skos:broadMatch", "kg:agent/ada-verma")
    code, _, err = decided(kg, "reject", "agent/japan", "Q17", "--overturn")
    assert code == 0, err
    [row] = of(authority, "kg:agent/japan")
    assert (row.decision, row.object_label) == ("refused", "Japan")


@pytest.mark.parametrize(
    ("column", "value"), [(2, "skos:broadMatch"), (3, "Not")], ids=["predicates", "match and Not"]
)
def test_two_rows_of_a_pair_are_refused_with_their_lines(
    kg: Kg, facts: Path, authority: Path, tmp_path: Path, column: int, value: str
) -> None:
    lines = authority.read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if line.startswith("kg:agent/japan\t"))
    cells = lines[number].split("\t")
    cells[column] = value
    authority.write_text("".join([*lines, "\t".join(cells)]), encoding="utf-8")
    for run in (
        lambda: kg("check"),
        lambda: decided(kg, "accept", "agent/kyodo", "Q1", "--kind", "news agency"),
    ):
        code, _, err = run()
        assert code == 2
        assert f":{len(lines) + 1}: two rows are of one record and one item" in err
        assert f"also at {authority.parent.name}/links.sssom.tsv:{number + 1}" in err
    with pytest.raises(KgErrors, match="two rows are of one record"):
        publish([facts], tmp_path / "out", base="https://chancery.example/", links=authority)


# --- unsure ---------------------------------------------------------------------------------------


def review(read: FactSet, authority: Path) -> Review:
    return Review(read, authority, "ada-verma", DAY)


def test_what_nobody_could_decide_is_kept_and_is_no_link(
    read: FactSet, facts: Path, kg: Kg, authority: Path, tmp_path: Path
) -> None:
    kg("propose", "agent/chinese-government")
    session = review(read, authority)
    task = session.tasks()[0]
    assert task.item.qid == "Q37070"
    row = session.decide(task, "unsure", "two lists that disagree")
    assert (row.decision, row.reviewer_agreement, row.revisit_on) == ("unsure", "0", "2027-05-27")
    assert not row.published
    release, _ = publish(
        [facts], tmp_path / "releases", base="https://chancery.example/", links=authority
    )
    assert release is not None
    for path in release.rglob("*"):
        if path.is_file() and path.suffix in (".nq", ".tsv", ".ttl", ".json"):
            assert b"Q37070" not in path.read_bytes(), path
    code, out, _ = kg("status", "--json", "--date", "2027-05-27")
    assert code == 0
    told = json.loads(out)
    assert [one["object_id"] for one in told["unsure"]] == ["wd:Q37070"]
    assert "kg:agent/chinese-government" in {one["subject_id"] for one in told["due"]}
    assert "kg:agent/chinese-government" in told["undecided"]
    code, _, err = decided(
        kg, "accept", "agent/chinese-government", "Q37070", "--kind", "government"
    )
    assert code == 0, err
    assert [one.decision for one in of(authority, "kg:agent/chinese-government")] == ["match"]


def test_unsure_and_not_found_need_no_proposal(kg: Kg, authority: Path) -> None:
    code, _, err = decided(kg, "unsure", "agent/chinese-government", "Q148")
    assert code == 0, err
    [row] = of(authority, "kg:agent/chinese-government")
    assert (row.decision, row.object_label, row.revisit_on) == ("unsure", "China", "2027-05-27")
    kg("propose", "agent/chinese-government", "agent/us-executive")
    args = ("--evidence", "three names, no hit", "--reviewer", "ada-verma", "--date", DAY)
    code, _, err = kg("notfound", "agent/us-executive", *args)
    assert code == 0, err
    [row] = [one for one in of(authority, "kg:agent/us-executive") if one.object_id == NO_TERM]
    assert (row.decision, row.reviewer_id) == ("not-found", "kg:agent/ada-verma")
    left = {row.subject_id for row in read_proposals(linking.proposals_of(authority))}
    assert left == {"kg:agent/chinese-government"}
    code, _, err = kg("notfound", "agent/us-executive", *args)
    assert code == 2
    assert "already" in err
    code, _, err = kg("notfound", "agent/japan", *args)
    assert code == 2
    assert "this has an exact match" in err


def test_not_found_is_reviewed_and_due_again(read: FactSet, authority: Path) -> None:
    session = Review(read, authority, "ada-verma", DAY, unreviewed=True)
    [task] = [one for one in session.tasks() if one.subject.id == "kyodo"]
    assert task.offered == ("not-found",)
    row = session.decide(task, "not-found", "looked again")
    assert (row.author_id, row.reviewer_id) == (
        "kg:agent/cross-document-curator",
        "kg:agent/ada-verma",
    )
    assert "kyodo" not in {one.subject.id for one in session.tasks()}
    due = Review(read, authority, "ada-verma", row.revisit_on)
    [task] = [one for one in due.tasks() if one.subject.id == "kyodo"]
    with pytest.raises(MappingError, match="no such decision"):
        due.decide(task, "exact", "a list")
    again = due.decide(task, "not-found", "and again")
    assert again.mapping_date == row.revisit_on
    assert again.revisit_on > row.revisit_on


# --- proposals ------------------------------------------------------------------------------------


def test_proposals_are_sorted_and_the_same_each_time(kg: Kg, authority: Path) -> None:
    code, out, err = kg("propose")
    assert code == 0, err
    path = linking.proposals_of(authority)
    assert out.strip() == str(path)
    first = path.read_bytes()
    rows = read_proposals(path)
    assert [(row.subject_id, row.object_id) for row in rows] == [
        ("kg:agent/chinese-government", "wd:Q37070"),
        ("kg:agent/chinese-government", "wd:Q148"),
    ]
    assert {row.author_id for row in rows} == {linking.LINKER}
    assert {row.reviewer_id for row in rows} == {""}
    assert rows[1].comment == (
        "it is of the kind state, and this is of the class GovernmentBody; "
        "it is the exact match of kg:agent/china already"
    )
    assert rows[1].predicate_id == "skos:relatedMatch"
    kg("propose")
    assert path.read_bytes() == first
    kg("propose", "agent/us-executive")
    assert path.read_bytes() == first


def test_the_linker_makes_proposals(facts: Path, authority: Path) -> None:
    """Of the real one: each is a table that can be read, and none of a pair that is decided."""
    rows = read_links(authority)
    known = linking.subjects(load_facts([facts]))
    wanted = [one for one in known.values() if one.kind == "agent" and not one.nameless]
    ask = cli_link._linker([lang for one in wanted for lang in one.labels])
    made = linking.propose(wanted, rows, ask)
    assert made == linking.propose(wanted, rows, ask)
    assert made
    path = linking.proposals_of(authority)
    linking.write_proposals(path, made)
    assert [msgspec.structs.replace(row, origin="") for row in read_proposals(path)] == made
    decided = {(row.subject_id, row.object_id) for row in rows}
    assert not [row for row in made if (row.subject_id, row.object_id) in decided]
    for row in made:
        building = row.object_kind == "building"
        assert not (building and row.predicate_id == EXACT), row


def test_what_is_alike_in_words_of_many_names_is_not_proposed(read: FactSet) -> None:
    subject = linking.subjects(read)["kg:agent/chinese-government"]
    ghana = Candidate("Q117", "Government of Ghana", "government", "0.89", "alike")
    low = Candidate("Q5", "Chines", "government", "0.69", "alike")
    good = Candidate("Q6", "Government of Chine", "government", "0.89", "alike")
    found = {"Government of China": [ghana, low, good], "चीन की सरकार": [ghana]}
    items = {"Q117": Item(qid="Q117", names={"hi": ("घाना की सरकार",)})}

    def ask(surface: str, lang: str, hint: str) -> Sequence[Candidate]:
        return found.get(surface, [])

    made = linking.propose([subject], [], ask, items=items)
    assert [row.object_id for row in made] == ["wd:Q6"]


def test_what_is_decided_is_never_proposed_again(kg: Kg, authority: Path) -> None:
    decided(kg, "reject", "agent/chinese-government", "Q37070")
    kg("propose", "agent/chinese-government", "agent/us-executive")
    rows = read_proposals(linking.proposals_of(authority))
    assert [row.object_id for row in rows] == ["wd:Q148"]


def test_no_build_reads_proposals(facts: Path, authority: Path, tmp_path: Path) -> None:
    """A release has the same id and the same bytes, whatever is proposed beside the authority."""
    mappings = tmp_path / "mappings"
    shutil.copytree(folder("mappings"), mappings)
    before = collect_inputs({"mappings": mappings})
    for name in ("wikidata.proposals.sssom.tsv", ".wikidata.sssom.tsv-x1.sssom.tsv.tmp"):
        (mappings / name).write_text("not even a table", encoding="utf-8")
    assert collect_inputs({"mappings": mappings}) == before
    linking.proposals_of(authority).write_text("not even a table", encoding="utf-8")
    given = {"base": "https://chancery.example/", "links": authority}
    one, _ = publish([facts], tmp_path / "one", **given)  # type: ignore[arg-type]
    linking.proposals_of(authority).unlink()
    other, _ = publish([facts], tmp_path / "other", **given)  # type: ignore[arg-type]
    assert one is not None
    assert other is not None
    assert one.name == other.name
    assert (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()


# --- reviewing in a terminal ----------------------------------------------------------------------


def test_a_reviewer_decides_in_a_dialogue(
    kg: Kg, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kg("propose")
    answers = iter(["z", "e", "", "e", "a list that says so", "a remark", "x", "another state", ""])
    monkeypatch.setattr(cli_link, "_asked", lambda words: next(answers, "q"))
    code, out, err = kg("review", "--reviewer", "ada-verma", "--date", DAY)
    assert code == 0, err
    assert "no such key" in err
    assert "has to say what it rests on" in err
    assert "bn: চীনের সরকার" in err
    assert "it is the exact match of kg:agent/china already" in err
    assert "nothing is left to decide" in err
    assert len(out.splitlines()) == 2
    rows = of(authority, "kg:agent/chinese-government")
    assert [(row.decision, row.object_id) for row in rows] == [
        ("match", "wd:Q37070"),
        ("refused", "wd:Q148"),
    ]
    assert rows[0].comment == "a remark"


@pytest.mark.parametrize(
    ("key", "decision", "predicate"),
    [
        ("e", "match", EXACT),
        ("c", "match", "skos:closeMatch"),
        ("b", "match", "skos:broadMatch"),
        ("r", "match", "skos:relatedMatch"),
        ("x", "refused", EXACT),
        ("u", "unsure", EXACT),
        ("n", "not-found", EXACT),
    ],
)
def test_each_key_is_a_decision(
    kg: Kg,
    authority: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    decision: str,
    predicate: str,
) -> None:
    kg("propose", "agent/chinese-government")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{key}\na list\na remark\nq\n"))
    code, _, err = kg("review", "--reviewer", "ada-verma")
    assert code == 0, err
    [row] = of(authority, "kg:agent/chinese-government")
    assert (row.decision, row.predicate_id, row.comment) == (decision, predicate, "a remark")
    left = [row.object_id for row in read_proposals(linking.proposals_of(authority))]
    assert left == ([] if key == "n" else ["wd:Q37070", "wd:Q148"])


def test_what_the_item_is_is_asked(
    kg: Kg, authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_link, "_lexicon", lambda: tmp_path)
    monkeypatch.setitem(COUNCIL_KIND, "kind", "")
    kg("propose", "agent/chinese-government")
    asked: list[str] = []
    answers = iter(["e", "government", "a list", "", "q"])
    monkeypatch.setattr(cli_link, "_asked", lambda words: asked.append(words) or next(answers))
    code, _, err = kg("review", "--reviewer", "ada-verma")
    assert code == 0, err
    assert asked[1].startswith("what the item is: person")
    [row] = of(authority, "kg:agent/chinese-government")
    assert (row.decision, row.object_kind) == ("match", "government")


@pytest.mark.parametrize("sure", ["y", "n"])
def test_a_reviewer_is_asked_before_they_overturn(
    kg: Kg, read: FactSet, authority: Path, monkeypatch: pytest.MonkeyPatch, sure: str
) -> None:
    subject = linking.subjects(read)["kg:agent/japan"]
    act = msgspec.structs.replace(BY, day="2026-01-01", revisit="2026-11-01")
    Authority(authority).write(
        subject,
        of(authority, subject.curie),
        lambda rows: linking.accept(rows, subject, Item(qid="Q17"), EXACT, act),
    )
    answers = iter(["x", sure, "a list", "", "q"] if sure == "y" else ["x", sure, "q"])
    monkeypatch.setattr(cli_link, "_asked", lambda words: next(answers))
    code, _, err = kg("review", "--reviewer", "ada-verma")
    assert code == 0, err
    assert "stands there already" in err
    [row] = of(authority, subject.curie)
    assert row.decision == ("refused" if sure == "y" else "match")
    assert ("before: match" in row.comment) == (sure == "y")


def test_a_reviewer_skips_quits_and_is_told_what_cannot_be(
    kg: Kg, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kg("propose")
    before = authority.read_bytes()
    answers = iter(["s", "e", "a list", "", "q"])  # the second is a state
    monkeypatch.setattr(cli_link, "_asked", lambda words: next(answers))
    code, out, err = kg("review", "--reviewer", "ada-verma")
    assert (code, out) == (0, "")
    assert "of this kind cannot be an exact match" in err
    assert authority.read_bytes() == before


@pytest.mark.parametrize("said", [(), ("e",), ("e", "a list that says so")])
def test_who_leaves_in_the_middle_has_decided_nothing(
    kg: Kg, authority: Path, monkeypatch: pytest.MonkeyPatch, said: tuple[str, ...]
) -> None:
    kg("propose")
    before = authority.read_bytes()
    text = "".join(f"{one}\n" for one in said)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    code, out, err = kg("review", "--reviewer", "ada-verma")
    assert (code, out) == (0, ""), err
    assert authority.read_bytes() == before


def test_rows_that_nobody_has_reviewed_are_worked_through(
    kg: Kg, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["e", "ISO 3166", "", "q"])
    monkeypatch.setattr(cli_link, "_asked", lambda words: next(answers))
    code, out, err = kg("review", "--unreviewed", "--reviewer", "ada-verma", "--json")
    assert code == 0, err
    assert json.loads(out)["subject_id"] == "kg:agent/china"
    assert of(authority, "kg:agent/china")[0].reviewer_id == "kg:agent/ada-verma"


# --- status ---------------------------------------------------------------------------------------


def test_status_counts_what_there_is(kg: Kg, authority: Path) -> None:
    kg("propose")
    code, out, err = kg("status", "--json", "--date", DAY)
    assert code == 0, err
    told = json.loads(out)
    rows = read_links(authority)
    assert sum(told["decisions"].values()) == len(rows)
    assert told["unreviewed"] == len(rows)
    assert told["proposals"] == 2
    assert told["due"] == []
    assert "kg:agent/chinese-government" in told["undecided"]
    assert "kg:agent/cross-document-curator" not in told["undecided"]
    assert "kg:agent/ada-verma" not in told["undecided"], "who reviews is not asked about"
    code, out, _ = kg("status", "--date", "2027-05-21")
    assert "due again: kg:agent/kyodo sssom:NoTermFound , again on 2027-05-21" in out
    assert "unreviewed" in out
