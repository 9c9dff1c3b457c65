"""Whatever is suppressed: releases are as a build makes them that never knew it."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kg.build import DEFAULT_BASE, build_dataset, publish
from kg.dumps import Dumps
from kg.errors import ReleaseError
from kg.manifest import QUADS
from kg.register import Register
from kg.release import list_releases, verify_release
from kg.suppress import occurrences, suppress

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = ("claim", "claim", "claim", "event", "relation", "agent", "place", "thing", "document")


Facts = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def start(generate: ModuleType) -> Facts:
    files = generate.Maker(60).files()
    return {file: json.loads(json.dumps(list(records))) for file, records in files}


def write(facts: Facts, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file, records in facts.items():
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / file).write_text(text, encoding="utf-8")


def lines(release: Path) -> list[str]:
    return b"".join(Dumps(release).get("graph.nq").read()).decode().splitlines()


def stored(release: Path) -> set[str]:
    store = ox.Store.read_only(str(release / QUADS))
    return {f"{q} ." for q in store if not isinstance(q.graph_name, ox.DefaultGraph)}


def changed(facts: Facts, seed: int) -> Facts:
    """Return the facts with a claim that has another stance, and a report that comes again."""
    rnd = random.Random(seed)
    new: Facts = json.loads(json.dumps(facts))
    reports = sorted(file for file in new if file.startswith("report-"))
    claim = next(one for one in new[rnd.choice(reports)] if one["kind"] == "claim")
    claim["stance"] = "questions"
    file = rnd.choice(reports)
    key = file.removesuffix(".jsonl")
    again = json.dumps(new[file]).replace(key, "report-again")
    new["report-again.jsonl"] = json.loads(again)
    return new


@given(
    seed=st.integers(0, 10**6),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=2),
)
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes longer than to look
    suppress_health_check=[HealthCheck.too_slow],
)
@pytest.mark.timeout(600)
def test_releases_are_as_if_it_had_never_been(start: Facts, seed: int, kinds: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), start, seed, kinds)


def check(place: Path, start: Facts, seed: int, kinds: list[str]) -> None:
    rnd = random.Random(seed)
    source, out = place / "facts", place / "out"
    versions: dict[str, Facts] = {}
    for facts in (start, changed(start, seed), changed(start, seed + 1)):
        write(facts, source)
        path, _ = publish([source], out, base=DEFAULT_BASE)
        assert path
        versions[path.name] = facts
    there = sorted({line[1 : line.index(">")] for line in lines(out / "current")})
    named = []
    for kind in kinds:
        beginning = f"{DEFAULT_BASE}id/{kind}/"
        found = [one for one in there if one.startswith(beginning)]
        named.append(rnd.choice(found))
    try:
        done = suppress(out, named, "other", "A test", "2026-11-26")
    except ReleaseError as error:  # pragma: no cover
        raise AssertionError(named) from error
    kept = [one.id for one in reversed(list_releases(out))]
    for one in kept:
        assert verify_release(out, one) == [], named
    assert list(occurrences(out, [f"<{one}>" for one in named])) == []
    for before, one in done.renamed.items():
        facts = versions[before]
        write(facts, source)
        other = place / f"other-{one[:8]}"
        other.mkdir()
        shutil.copytree(out / "suppressed", other / "suppressed")
        path, built = publish([source], other, base=DEFAULT_BASE)
        if path is None:  # what is left does not conform, which a build must tell
            assert built
            assert built.report
            assert built.report.blocks
            continue
        expected, found_lines = set(lines(path)), set(lines(out / one))
        assert found_lines == expected, (named, sorted(found_lines ^ expected)[:10])
        assert stored(out / one) == stored(path)


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a release of the built-in facts."""
    out = tmp_path_factory.mktemp("articles") / "out"
    publish([ROOT / "facts"], out, base=DEFAULT_BASE)
    return out


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["claimset", "document", "event", "position", "record"])
def test_of_the_articles_what_is_left_conforms(articles: Path, tmp_path: Path, kind: str) -> None:
    """Of links to outside the link goes too, and of a set what claims about it concern."""
    out = tmp_path / "out"
    shutil.copytree(articles, out, symlinks=True)
    beginning = f"<{DEFAULT_BASE}id/{kind}/"
    named = sorted({line[1 : line.index(">")] for line in lines(out / "current")
                    if line.startswith(beginning)})[0]  # fmt: skip
    suppress(out, [named], "other", "A test", "2026-11-26")
    assert verify_release(out) == []
    assert list(occurrences(out, [f"<{named}>"])) == []
    built = build_dataset([ROOT / "facts"], DEFAULT_BASE, register=Register(out))
    assert built.conforms, built.report_table()
    assert {line.rstrip("\n") for line in built.dataset} == set(lines(out / "current"))
