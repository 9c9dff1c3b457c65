"""A build after a change of some facts is what a whole build of them is, whatever has changed."""

from __future__ import annotations

import importlib.util
import json
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg import increment
from kg.build import DEFAULT_BASE, publish
from kg.errors import KgErrors
from kg.increment import forget
from kg.release import verify_release

ROOT = Path(__file__).resolve().parent.parent.parent
Facts = dict[str, list[dict[str, Any]]]


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_generate", ROOT / "bench/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


START: Facts = {
    file: json.loads(json.dumps(list(records))) for file, records in _generate().Maker(90).files()
}


def write(facts: Facts, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for file, records in facts.items():
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / file).write_text(text, encoding="utf-8")


def files(release: Path) -> dict[str, bytes]:
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and not path.relative_to(release).as_posix().startswith("store")
    }


def stored(release: Path) -> set[str]:
    return {str(quad) for quad in ox.Store.read_only(str(release / "store/quads"))}


# --- edits ----------------------------------------------------------------------------------


def some(facts: Facts, rnd: random.Random, kind: str) -> dict[str, Any]:
    found = [one for file in sorted(facts) for one in facts[file] if one["kind"] == kind]
    return rnd.choice(found)


def reports(facts: Facts) -> list[str]:
    return sorted(file for file in facts if file.startswith("report-"))


def copy_report(facts: Facts, rnd: random.Random) -> None:
    """Report the same again in another document: its events are perhaps the same ones."""
    file = rnd.choice(reports(facts))
    key, new = file.removesuffix(".jsonl"), f"report-{rnd.randrange(10**5, 10**6)}"
    text = json.dumps(facts[file]).replace(key, new)
    facts[f"{new}.jsonl"] = json.loads(text)


def drop_report(facts: Facts, rnd: random.Random) -> None:
    if len(reports(facts)) > 1 and "links.jsonl" not in facts:
        del facts[rnd.choice(reports(facts))]


def change_stance(facts: Facts, rnd: random.Random) -> None:
    claim = some(facts, rnd, "claim")
    if "about" in claim:
        claim["stance"] = rnd.choice(["affirms", "denies", "questions", "cannot-verify"])


def change_certainty(facts: Facts, rnd: random.Random) -> None:
    claim = some(facts, rnd, "claim")
    claim["certainty"] = rnd.choice(["certain", "probable", "unstated"])


def rename_agent(facts: Facts, rnd: random.Random) -> None:
    agent = some(facts, rnd, "agent")
    agent["labels"] = {**agent["labels"], "en": f"Renamed {rnd.randrange(1000)}"}


def move_event(facts: Facts, rnd: random.Random) -> None:
    event = some(facts, rnd, "event")
    event["time"] = {
        "edtf": f"202{rnd.randrange(1, 5)}-0{rnd.randrange(1, 9)}",
        "rule": "month-of-year",
    }


def change_part(facts: Facts, rnd: random.Random) -> None:
    event = some(facts, rnd, "event")
    event["participants"][0]["who"] = some(facts, rnd, "agent")["id"]


def change_side(facts: Facts, rnd: random.Random) -> None:
    agents = [one for one in facts["registry.jsonl"] if one.get("acts_for")]
    states = [one["id"] for one in facts["registry.jsonl"] if one.get("type") == "State"]
    if agents and states:
        rnd.choice(agents)["acts_for"] = rnd.choice(states)


def link_events(facts: Facts, rnd: random.Random) -> None:
    one, two = some(facts, rnd, "event"), some(facts, rnd, "event")
    if one["id"] != two["id"]:
        facts["links.jsonl"] = [
            {
                "kind": "link",
                "id": "link-1",
                "events": sorted([one["id"], two["id"]]),
                "certainty": rnd.choice(["certain", "possible"]),
                "accepted": rnd.choice([True, False]),
                "reason": "A test links them.",
                "extracted": "generated",
            }
        ]


def unlink_events(facts: Facts, rnd: random.Random) -> None:
    facts.pop("links.jsonl", None)


def new_agent(facts: Facts, rnd: random.Random) -> None:
    agent = json.loads(json.dumps(facts["registry.jsonl"][-1]))
    states = [one for one in facts["registry.jsonl"] if one.get("type") == "State"]
    agent = json.loads(json.dumps(rnd.choice(states)))
    agent["id"] = f"new-{rnd.randrange(10**6)}"
    facts["registry.jsonl"].append(agent)
    some(facts, rnd, "event")["participants"][0]["who"] = agent["id"]


def _notice(kind: str, claim: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": f"{claim['id']}-{kind}",
        "of": [claim["id"]],
        "reason": "inaccurate",
        "authority": "The editor",
        "date": "2026-11-26",
        "summary": {"en": "In other words."},
    }


def correct(facts: Facts, rnd: random.Random) -> None:
    file = rnd.choice(reports(facts))
    known = {one["id"] for one in facts[file]}
    for claim in [one for one in facts[file] if one["kind"] == "claim"][:1]:
        if not {f"{claim['id']}-correction", f"{claim['id']}-withdrawal"} & known:
            facts[file].append(_notice("correction", claim))


def withdraw(facts: Facts, rnd: random.Random) -> None:
    """Withdraw a claim that nothing refers to."""
    file = rnd.choice(reports(facts))
    text = json.dumps(facts)
    known = {one["id"] for one in facts[file]}
    for claim in [one for one in facts[file] if one["kind"] == "claim"]:
        if text.count(f'"{claim["id"]}"') == 1 and f"{claim['id']}-withdrawal" not in known:
            facts[file].append(_notice("withdrawal", claim))
            return


def nothing(facts: Facts, rnd: random.Random) -> None:
    """Change the bytes of a file and nothing else: the order of its records."""
    file = rnd.choice(reports(facts))
    facts[file] = [facts[file][0], *reversed(facts[file][1:])]


EDITS: list[Callable[[Facts, random.Random], None]] = [
    copy_report,
    copy_report,
    drop_report,
    change_stance,
    change_certainty,
    rename_agent,
    move_event,
    change_part,
    change_side,
    link_events,
    unlink_events,
    new_agent,
    correct,
    withdraw,
    nothing,
]


@pytest.mark.timeout(600)
def test_every_edit_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each kind of edit, one after another on one folder."""
    caplog.set_level(logging.INFO, "kg")
    check([[(edit, number)] for number, edit in enumerate(EDITS)], tmp_path)
    said = [record.getMessage() for record in caplog.records]
    # Not so: a change of sides, what was there before, and what comes after that.
    assert said.count("writing what changed") == len(EDITS) - 3, said


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 10**6)), min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.timeout(600)
def test_any_edits(steps: list[list[tuple[Callable[[Facts, random.Random], None], int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(steps, Path(folder))


def check(
    steps: list[list[tuple[Callable[[Facts, random.Random], None], int]]], tmp_path: Path
) -> None:
    with mock.patch.object(increment, "_FEW", 1000):  # of so few files most change at once
        _check(steps, tmp_path)


def _check(
    steps: list[list[tuple[Callable[[Facts, random.Random], None], int]]], tmp_path: Path
) -> None:
    facts: Facts = json.loads(json.dumps(START))
    source, chain, whole = (tmp_path / name for name in ("facts", "chain", "whole"))
    write(facts, source)
    publish([source], chain, base=DEFAULT_BASE)
    for step in steps:
        for edit, seed in step:
            edit(facts, random.Random(seed))
        write(facts, source)
        expected, _ = publish([source], whole, base=DEFAULT_BASE, full=True)
        found, _ = publish([source], chain, base=DEFAULT_BASE)
        if expected is None:
            assert found is None
            return
        assert found is not None
        assert files(found) == files(expected)
        assert stored(found) == stored(expected)
        assert verify_release(chain) == []


# --- what is done again ---------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path) -> tuple[Facts, Path, Path]:
    facts: Facts = json.loads(json.dumps(START))
    write(facts, tmp_path / "facts")
    publish([tmp_path / "facts"], tmp_path / "out", base=DEFAULT_BASE)
    return facts, tmp_path / "facts", tmp_path / "out"


def again(source: Path, out: Path, caplog: pytest.LogCaptureFixture, **options: bool) -> list[str]:
    """Return what a build says that it does."""
    caplog.clear()
    caplog.set_level(logging.DEBUG, "kg")
    path, _ = publish([source], out, base=DEFAULT_BASE, **options)
    assert path is not None
    return [record.getMessage() for record in caplog.records]


def test_one_document_is_mapped_again_and_no_other(
    published: tuple[Facts, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    facts, source, out = published
    change_certainty(facts, random.Random(1))
    write(facts, source)
    said = again(source, out, caplog)
    assert "mapping 1 of 4 files again" in said
    assert "writing what changed" in said
    assert "writing the release" not in said


def test_documents_that_name_a_changed_record_are_mapped_again(
    published: tuple[Facts, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    facts, source, out = published
    named = {
        who: sum(f'"{who}"' in json.dumps(facts[file]) for file in reports(facts))
        for who in (one["id"] for one in facts["registry.jsonl"] if one["kind"] == "agent")
    }
    who = next(who for who, count in named.items() if count == 1)
    next(one for one in facts["registry.jsonl"] if one["id"] == who)["labels"]["en"] = "Renamed"
    write(facts, source)
    assert "mapping 2 of 4 files again" in again(source, out, caplog)


@pytest.mark.parametrize("lost", ["forgotten", "--full", "index", "graph", "another release"])
def test_what_is_not_remembered_is_built_as_a_whole(
    published: tuple[Facts, Path, Path], caplog: pytest.LogCaptureFixture, lost: str
) -> None:
    facts, source, out = published
    if lost == "another release":
        publish([source], out, base="https://another.example/")
    change_certainty(facts, random.Random(1))
    write(facts, source)
    if lost == "forgotten":
        forget(out)
    elif lost == "index":
        (out / ".build/facts.sqlite").write_bytes(b"nonsense")
    elif lost == "graph":
        (out / ".build/graph/pairs.npy").unlink()
    said = again(source, out, caplog, full=lost == "--full")
    assert "writing the release" in said
    change_certainty(facts, random.Random(2))
    write(facts, source)
    assert "writing what changed" in again(source, out, caplog)


def test_a_change_that_does_not_conform_is_not_published(
    published: tuple[Facts, Path, Path],
) -> None:
    facts, source, out = published
    current = (out / "current").resolve()
    claims = [one for one in facts["report-000000.jsonl"] if one["kind"] == "claim"]
    claims[0]["confidence"] = "1.75"
    write(facts, source)
    path, built = publish([source], out, base=DEFAULT_BASE)
    assert path is None
    assert built is not None
    assert built.report is not None
    assert not built.report.conforms
    assert built.report.results[0].origin.startswith("facts/report-000000.jsonl:")
    whole, reference = publish([source], out, base=DEFAULT_BASE, full=True)
    assert whole is None
    assert reference is not None
    assert built.report_json() == reference.report_json()
    assert (out / "current").resolve() == current


def test_the_same_claim_twice_in_two_files_is_an_error_at_both_places(
    published: tuple[Facts, Path, Path],
) -> None:
    facts, source, out = published
    facts["report-000001.jsonl"].append(
        {**facts["report-000000.jsonl"][-1], "kind": facts["report-000000.jsonl"][-1]["kind"]}
    )
    write(facts, source)
    messages = []
    for full in (False, True):
        with pytest.raises(KgErrors) as caught:
            publish([source], out, base=DEFAULT_BASE, full=full)
        messages.append(str(caught.value))
    assert "two records have one id" in messages[0]
    assert "report-000000.jsonl" in messages[0]


# --- what reviewers found -------------------------------------------------------------------


def same_as_whole(source: Path, out: Path, tmp_path: Path) -> None:
    """Build what changed and build it whole: both the same release, or both the same errors."""
    results: list[object] = []
    for folder, full in ((tmp_path / "whole", True), (out, False)):
        try:
            path, built = publish([source], folder, base=DEFAULT_BASE, full=full)
        except KgErrors as error:
            results.append(str(error))
        else:
            assert built is not None
            results.append(files(path) if path else built.report_json())
    assert results[0] == results[1]


def records(facts: Facts, file: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in facts[file] if one["kind"] == kind]


def test_another_file_with_something_else_under_one_address_is_found(
    published: tuple[Facts, Path, Path], tmp_path: Path
) -> None:
    facts, source, out = published
    one, two = "report-000000.jsonl", "report-000001.jsonl"
    relation = {**records(facts, one, "relation")[0]}
    claim = next(c for c in records(facts, one, "claim") if c.get("about") == relation["id"])
    for file, low in ((one, "2"), (two, "3")):
        facts[file] += [
            {**relation, "id": f"{file[:13]}-rq", "quantity": quantity(low), "type": "ally-of"},
            {**claim, "id": f"{file[:13]}-cq", "about": f"{file[:13]}-rq", "evidence": EVIDENCE},
        ]
        for made in facts[file][-1:]:
            made.pop("via", None), made.pop("responds_to", None), made.pop("contrasts_with", None)
        write(facts, source)
        same_as_whole(source, out, tmp_path)


EVIDENCE = [{"sentence": 0}]


def quantity(low: str) -> dict[str, str]:
    return {"low": low, "precision": "at-least", "unit": "persons"}


def test_a_document_with_another_name_changes_what_refers_to_its_claims(
    published: tuple[Facts, Path, Path], tmp_path: Path
) -> None:
    facts, source, out = published
    one, two = "report-000000.jsonl", "report-000001.jsonl"
    claim = next(c for c in records(facts, one, "claim") if "about" in c and "via" not in c)
    answer = next(c for c in records(facts, two, "claim") if "about" in c)
    answer["responds_to"] = [claim["id"]]
    write(facts, source)
    same_as_whole(source, out, tmp_path)
    records(facts, one, "document")[0]["id"] = "renamed"
    write(facts, source)
    same_as_whole(source, out, tmp_path)


def test_the_order_of_labels_counts(published: tuple[Facts, Path, Path], tmp_path: Path) -> None:
    facts, source, out = published
    one, two = "report-000000.jsonl", "report-000001.jsonl"
    event = records(facts, one, "event")[0]
    event["label"] = {"bn": "এক", "hi": "एक"}
    claim = next(c for c in records(facts, two, "claim") if "about" in c)
    other = {**claim, "id": "about-another", "about": event["id"], "by": ["a1"]}
    facts[two].append({k: v for k, v in other.items() if k not in ("via", "responds_to", "n")})
    write(facts, source)
    same_as_whole(source, out, tmp_path)
    event["label"] = {"hi": "एक", "bn": "এক"}
    write(facts, source)
    same_as_whole(source, out, tmp_path)


def test_facts_in_a_folder_of_no_inputs_are_not_lost(
    published: tuple[Facts, Path, Path], tmp_path: Path
) -> None:
    _, source, out = published
    (source / "x_cache").mkdir()
    (source / "report-000002.jsonl").rename(source / "x_cache/report-000002.jsonl")
    same_as_whole(source, out, tmp_path)


def test_facts_that_change_while_they_are_built_are_not_remembered(
    published: tuple[Facts, Path, Path],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    facts, source, out = published
    before = json.loads(json.dumps(facts))
    change_certainty(facts, random.Random(1))
    write(facts, source)
    read = increment.read_files

    def meanwhile(*arguments: Any) -> Any:
        found = read(*arguments)
        write(before, source)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(increment, "read_files", meanwhile)
        again(source, out, caplog)
    rename_agent(before, random.Random(3))
    write(before, source)
    assert "writing the release" in again(source, out, caplog)
    assert verify_release(out) == []


def test_two_builds_at_once_remember_one_of_them(
    published: tuple[Facts, Path, Path], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    facts, source, out = published
    change_certainty(facts, random.Random(1))
    write(facts, source)
    with increment.Memory(out, (out / "current").resolve()):
        assert "writing the release" in again(source, out, caplog)  # another one has the lock
    rename_agent(facts, random.Random(2))
    write(facts, source)
    same_as_whole(source, out, tmp_path)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("graph.json", b"null"),
        ("graph.json", b"[]"),
        ("graph.json", b""),
        ("facts.sqlite", None),
        ("graph/pairs.npy", b""),
        ("graph/terms", None),
        ("graph/tails", None),
        ("graph/term-ends.npy", b""),
        ("journal.nt", b""),
        ("journal.nt", b"\xff\n"),
    ],
)
def test_whatever_is_damaged_the_release_is_right(
    published: tuple[Facts, Path, Path], tmp_path: Path, name: str, damage: bytes | None
) -> None:
    """None: what comes after the first thousand bytes is gone."""
    facts, source, out = published
    change_certainty(facts, random.Random(1))
    write(facts, source)
    publish([source], out, base=DEFAULT_BASE)
    path = out / ".build" / name
    path.write_bytes(path.read_bytes()[:1000] if damage is None else damage)
    rename_agent(facts, random.Random(2))
    write(facts, source)
    same_as_whole(source, out, tmp_path)
