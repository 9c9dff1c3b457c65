"""What was suppressed is nowhere: on disk, on the site, after rollbacks, builds and crashes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg import suppress as module
from kg.build import publish
from kg.config import Settings
from kg.dumps import Dumps
from kg.errors import ReleaseError
from kg.manifest import read_manifest, read_publications
from kg.register import Register
from kg.release import list_releases, prune, rollback, verify_release
from kg.suppress import occurrences, preview, resume, suppress
from kg.web.app import create_app
from kg.web.static import export_site

BASE = "https://chancery.example/"
OFFICIAL = "harbour-official"
WORDS = ("harbour official (unnamed source", "drones-unloading-port-solen", "Unloading of drones")
"""What only the official's account says: who gave it, and what it describes."""


def text(checkout: Path) -> str:
    return (checkout / "docs/tutorial/facts/harbour-visit.yaml").read_text(encoding="utf-8")


def build(place: Path, facts: str, out: Path | None = None, **options: bool) -> Path:
    folder = place / "facts"
    folder.mkdir(exist_ok=True)
    (folder / "harbour-visit.yaml").write_text(facts, encoding="utf-8")
    path, built = publish([folder], out or place / "out", base=BASE, **options)
    assert path, built and built.report_table()
    return path


CHANGES = (
    ("certainty: probable\n  basis: none-stated", "certainty: possible\n  basis: none-stated"),
    ("labels: {en: A fishing treaty}", "labels: {en: A treaty on fishing}"),
    ("stance: does-not-confirm", "stance: cannot-verify"),
)


def published(place: Path, facts: str) -> Path:
    """Return a folder of four releases, each with another change of the facts."""
    build(place, facts)
    for old, new in CHANGES:
        assert old in facts
        facts = facts.replace(old, new)
        build(place, facts)
    return place / "out"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    return published(tmp_path_factory.mktemp("suppress"), text(checkout)).parent


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(workers=2)


@pytest.fixture
def place(original: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "place"
    shutil.copytree(original, folder, symlinks=True)
    yield folder
    for parent, _, _ in os.walk(folder):
        os.chmod(parent, 0o700)


def claim(out: Path, name: str) -> str:
    """Return the address of a claim of the current release by its id."""
    for line in Dumps(out / "current").get("graphs/harbour-visit.nq").read():
        for one in line.decode().splitlines():
            if f'identifier> "{name}" ' in one:
                return one[1 : one.index(">")]
    raise AssertionError(name)


def served(out: Path, settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Yield every address that leads from one to another on the site, with what it answers.

    But for the manual: it is this program's, the same whatever is published, and its examples are
    of the facts that these tests suppress.
    """
    import re

    suffixes = (".ttl", ".jsonld", ".nq")
    with TestClient(create_app(out, settings), follow_redirects=True) as client:
        todo, seen = ["/"], {"/"}
        todo += ["/corrections", "/corrections.json", "/corrections.atom", "/changes", "/releases"]
        todo += ["/changes.ttl", "/.well-known/void", "/dataset.ttl", "/report", "/search?q=har"]
        todo += ["/search?q=unload", "/search?q=official"]
        number = len(read_publications(out))
        todo += [f"/changes/{n}{end}" for n in range(number) for end in ("", ".ttl")]
        dumps = Dumps(out / "current")
        todo += [f"/download/current/{name}" for name in dumps.names() if "." in name]
        for one in list_releases(out):
            todo += [f"/releases/{one.id}", f"/download/{one.id}/graph.nq"]
            todo += [f"/download/{one.id}/manifest.json", f"/download/{one.id}/provenance.ttl"]
            for other in list_releases(out):
                todo.append(f"/releases/{other.id}/diff/{one.id}.rdfp")
                todo.append(f"/releases/{other.id}/diff/{one.id}.json")
        query = "SELECT ?s ?p ?o WHERE { ?s ?p ?o }"
        answer = client.post("/sparql", data={"query": query}, headers={"Accept": "text/csv"})
        yield "/sparql", answer.content
        while todo:
            address = todo.pop()
            answer = client.get(address, headers={"Accept": "text/html, */*;q=0.5"})
            yield address, answer.content
            if "text/html" not in answer.headers.get("content-type", ""):
                continue
            for found in re.findall(r'href="(/[^"#]*)', answer.text):
                found = found.replace("&amp;", "&")
                if found.startswith("/docs"):
                    continue
                if found not in seen and "?" not in found and len(seen) < 3000:
                    seen.add(found)
                    todo.append(found)
                    if found.startswith("/doc/") and "." not in found:
                        todo += [found + suffix for suffix in suffixes]


def nowhere(out: Path, words: tuple[str, ...], settings: Settings | None = None) -> None:
    assert list(occurrences(out, words)) == []
    if settings:
        for address, body in served(out, settings):
            for word in words:
                assert word.encode() not in body, (word, address)


def test_the_drill(place: Path, settings: Settings, checkout: Path) -> None:
    out = place / "out"
    account = claim(out, "hv-c04")
    words = (*WORDS, account)
    assert len(list(occurrences(out, words))) > 20  # or nothing would be shown by what follows
    old = [one.id for one in reversed(list_releases(out))]
    found = preview(out, [account])
    assert [one.release for one in found.held] == old
    # The denial is about the same event, and the event is nobody's without it.
    also = [claim(out, name) for name in ("hv-c05", "hv-c06")]
    done = suppress(out, [account, *also], "protected-person", "Order 12 of a court", "2026-11-26")
    assert sorted(done.renamed) == sorted(old)
    words = (*words, *also)
    nowhere(out, words, settings)
    new = [one.id for one in reversed(list_releases(out))]
    assert new == [done.renamed[one] for one in old]
    for one in list_releases(out):
        assert not one.problem
        assert verify_release(out, one.id) == []
        assert done.notice in (b"".join(Dumps(out / one.id).get("graph.nq").read())).decode()
    # Neither a rollback nor a build of the same facts brings it back.
    rollback(out)
    nowhere(out, words)
    facts = text(checkout)
    again = build(place, facts)
    nowhere(out, words, settings)
    assert verify_release(out) == []
    assert build(place, facts.replace("Port Solen, and", "Port Solen and")) != again
    build(place, facts, full=True, force=True)
    nowhere(out, words)
    prune(out, 1)
    nowhere(out, words)


def test_what_stays_stays(place: Path) -> None:
    out = place / "out"
    before = {
        one.id: set(b"".join(Dumps(out / one.id).get("graph.nq").read()).decode().splitlines())
        for one in list_releases(out)
    }
    done = suppress(out, [claim(out, "hv-c02")], "privacy", "The editor", "2026-11-26")
    for old, new in done.renamed.items():
        lines = b"".join(Dumps(out / new).get("graph.nq").read()).decode().splitlines()
        gone = before[old] - set(lines)
        came = set(lines) - before[old]
        assert {line.split(" ")[0] for line in came} == {f"<{done.notice}>"}
        assert 20 < len(gone) < 90
        assert not [line for line in gone if "drones" in line]
        for line in gone:
            assert "id/agent/ilse-rell> " not in line.split(" ", 1)[0]
        assert any("rell-talks-port-solen" in line for line in gone)
        assert not any("rell-talks-port-solen" in line for line in lines)


def test_a_release_that_was_rewritten_is_the_one_that_a_build_makes(
    place: Path, checkout: Path
) -> None:
    """The quads are those of a build of the same facts under the same register."""
    out = place / "out"
    address = claim(out, "hv-c05")
    done = suppress(out, [address], "defamatory", "The editor", "2026-11-26")
    facts = text(checkout)
    expected = []
    for old, new in (("", ""), *CHANGES):
        facts = facts.replace(old, new) if old else facts
        path = build(place, facts)
        expected.append(b"".join(Dumps(path).get("graph.nq").read()))
    ids = [one.id for one in reversed(list_releases(out))]
    rewritten = [one for one in ids if one in done.renamed.values()]
    assert len(rewritten) == 4
    found = [b"".join(Dumps(out / one).get("graph.nq").read()) for one in rewritten]
    assert found == expected


def test_statuses_are_derived_again(place: Path) -> None:
    out = place / "out"

    def status() -> set[str]:
        lines = b"".join(Dumps(out / "current").get("graphs/status.nq").read()).decode()
        return {word for word in ("contested", "claimed", "denied") if f"status-{word}>" in lines}

    assert "contested" in status()
    suppress(out, [claim(out, "hv-c05")], "inaccurate", "The editor", "2026-11-26")
    assert "contested" not in status()
    assert "claimed" in status()


def test_the_feed_tells_mirrors_and_names_nothing(place: Path, settings: Settings) -> None:
    out = place / "out"
    number = len(read_publications(out))
    address = claim(out, "hv-c04")
    done = suppress(out, [address], "privacy", "The editor", "2026-11-26")
    last = read_publications(out)[-1]
    assert (last.action, last.id) == ("suppress", (out / "current").resolve().name)
    with TestClient(create_app(out, settings)) as client:
        page = client.get(f"/changes/{number}.ttl").text
        assert "as:Delete" in page
        assert "as:Tombstone" in page
        assert f"<{done.notice}>" in page
        assert "/dataset>" in page
        html_page = client.get(f"/changes/{number}", headers={"Accept": "text/html"}).text
        assert "something was suppressed" in html_page
        assert "/diff/" not in html_page
        listed = client.get("/changes", headers={"Accept": "text/html"}).text
        assert listed.count("rewritten without something") == 1
        for name in (address.removeprefix(f"{BASE}id"), "/claim/0000000000000000"):
            answer = client.get(f"/doc{name}", headers={"Accept": "application/json"})
            assert answer.status_code == 404
            told = answer.json()
            told.pop("detail")
        told = client.get("/corrections.json").json()["notices"]
        assert [(one["act"], one["of"]) for one in told] == [("suppression", [])]
        html = client.get("/corrections", headers={"Accept": "text/html"}).text
        assert "Suppression" in html
        assert "minor" not in html


def test_nothing_on_disk_tells_what_it_was(place: Path) -> None:
    """Neither the notice nor the ids of releases can be computed from what was suppressed."""
    out = place / "out"
    copy = place / "copy"
    shutil.copytree(out, copy, symlinks=True)
    address = claim(out, "hv-c04")
    one = suppress(out, [address], "privacy", "The editor", "2026-11-26")
    two = suppress(copy, [address], "privacy", "The editor", "2026-11-26")
    assert one.notice != two.notice
    assert not set(one.renamed.values()) & set(two.renamed.values())
    [mine] = Register(out).entries
    [yours] = Register(copy).entries
    assert mine.marks != yours.marks
    assert Register(out).holds(address.removeprefix(f"{BASE}id/"))
    assert not Register(out).holds("claim/0000000000000000")
    for path in (out / "suppressed").iterdir():
        assert path.stat().st_mode & 0o077 == 0
    names = {one.name for one in read_manifest(out / "current").inputs}
    assert not any(name.startswith("facts") for name in names)
    for parent, _, _ in os.walk(copy):
        os.chmod(parent, 0o700)


def test_a_build_that_began_before_is_not_published(
    place: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = place / "out"
    address = claim(out, "hv-c04")
    import kg.build

    real = kg.build.build_dataset

    def meanwhile(*arguments: object, **options: object) -> object:
        built = real(*arguments, **options)  # type: ignore[arg-type]
        suppress(out, [address], "privacy", "The editor", "2026-11-26")
        return built

    monkeypatch.setattr(kg.build, "build_dataset", meanwhile)
    with pytest.raises(ReleaseError, match="suppressed while this was built"):
        build(place, text(checkout).replace("A fishing treaty", "Another treaty"), full=True)
    nowhere(out, (address,))


STEPS = (
    "register.add",
    "_rewritten",
    "put",
    "_note",
    "rename_publications",
    "feed.forget_things",
    "_published",
    "replace_current",
    "set_aside",
    "forget",
)


AFTER = ("register.add", "put", "rename_publications", "replace_current")


@pytest.mark.parametrize(
    ("step", "after"),
    [*((step, False) for step in STEPS), *((step, True) for step in AFTER)],
)
def test_whoever_is_interrupted_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, checkout: Path
) -> None:
    class Stopped(BaseException):
        pass

    out = place / "out"
    address = claim(out, "hv-c04")
    where, _, name = step.rpartition(".")
    target = {"": module, "register": Register, "feed": module.feed}[where]
    real = getattr(target, name)
    calls = 0

    def stops(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls < (2 if step in ("_rewritten", "put", "_note") else 1):
            return real(*arguments, **options)
        if after:
            real(*arguments, **options)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(target, name, stops)
        with pytest.raises(Stopped):
            suppress(out, [address], "privacy", "The editor", "2026-11-26")
    with pytest.raises(ReleaseError, match="interrupted"):
        build(place, text(checkout))
    with pytest.raises(ReleaseError, match="interrupted"):
        rollback(out)
    assert verify_release(out) == []  # what is current is whole at any time
    done = resume(out)
    assert len(done.renamed) == 4
    nowhere(out, (address, "harbour official (unnamed source"))
    assert [one.action for one in read_publications(out)].count("suppress") == 1
    assert len(list_releases(out)) == 4
    for one in list_releases(out):
        assert verify_release(out, one.id) == []
    assert len(Register(out).entries) == 1
    with pytest.raises(ReleaseError, match="no suppression was interrupted"):
        resume(out)
    build(place, text(checkout))
    nowhere(out, (address,))


def test_two_suppressions_one_after_the_other(place: Path) -> None:
    out = place / "out"
    one, two = claim(out, "hv-c04"), claim(out, "hv-c02")
    suppress(out, [one], "privacy", "The editor", "2026-11-25")
    done = suppress(out, [two], "outdated", "The editor", "2026-11-26")
    nowhere(out, (one, two))
    options = read_manifest(out / "current").options["suppressed"].split()
    assert [entry.id for entry in Register(out).entries] == options
    assert done.notice.endswith(options[1])
    assert verify_release(out) == []


def test_an_agent_goes_with_all_that_it_said(place: Path, settings: Settings) -> None:
    out = place / "out"
    suppress(out, [f"/doc/agent/{OFFICIAL}.html"], "protected-person", "The editor", "2026-11-26")
    nowhere(out, (f"agent/{OFFICIAL}", "unnamed source of the Bostmark"), settings)


def test_a_document_goes_with_all_that_is_in_it(place: Path) -> None:
    out = place / "out"
    suppress(out, ["document/harbour-visit"], "other", "The editor", "2026-11-26")
    nowhere(out, ("document/harbour-visit", "graph/harbour-visit", "hv-c01"))
    assert verify_release(out) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["claim/0000000000000000"], "privacy", "x", "2026-11-26"), "no release that is kept"),
        ((["graph/harbour-visit"], "privacy", "x", "2026-11-26"), "no address"),
        ((["https://elsewhere.example/x"], "privacy", "x", "2026-11-26"), "no address"),
        ((["agent/arvenia"], "because", "x", "2026-11-26"), "no such reason"),
        ((["agent/arvenia"], "privacy", " ", "2026-11-26"), "not in words"),
        ((["agent/arvenia"], "privacy", "x", "2026-02-30"), "no day"),
    ],
)
def test_what_cannot_be_suppressed_is_refused(
    place: Path, arguments: tuple[list[str], str, str, str], message: str
) -> None:
    before = sorted(path.name for path in (place / "out").iterdir())
    with pytest.raises(ReleaseError, match=message):
        suppress(place / "out", *arguments)
    assert sorted(path.name for path in (place / "out").iterdir()) == before


def test_the_register_is_needed(place: Path, checkout: Path) -> None:
    out = place / "out"
    suppress(out, [claim(out, "hv-c04")], "privacy", "The editor", "2026-11-26")
    register = out / "suppressed/register.jsonl"
    register.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="cannot be read"):
        build(place, text(checkout))


def test_the_command(place: Path) -> None:
    out = place / "out"
    address = claim(out, "hv-c04")

    def kg(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kg", "release", *arguments, "--releases", str(out)]
        return subprocess.run(command, input=said, capture_output=True, text=True, check=False)

    words = ("--reason", "privacy", "--authority", "The editor")
    refused = kg("suppress", address, *words, said="n\n")
    assert refused.returncode == 1
    assert "Unloading of drones" in refused.stderr
    assert kg("search", address).returncode == 1
    assert kg("suppress", address).returncode == 2
    done = kg("suppress", address, *words, "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{BASE}id/notice/")
    assert kg("search", address).returncode == 0
    assert kg("suppress", "--resume").returncode == 2
    assert json.loads(kg("show").stdout)["options"]["suppressed"]


def test_a_server_that_runs_forgets_it_too(place: Path, settings: Settings) -> None:
    """Pages, answers that were kept, and whoever asks whether an answer is still good."""
    out = place / "out"
    address = claim(out, "hv-c04")
    page = address.removeprefix(BASE.rstrip("/")).replace("/id/", "/doc/")
    query = {"query": f"SELECT ?p ?o WHERE {{ <{address}> ?p ?o }}"}
    csv = {"Accept": "text/csv"}
    with TestClient(create_app(out, settings)) as client:
        assert client.get(page).status_code == 200
        first = client.get("/sparql", params=query, headers=csv)
        assert "harbour-official" in first.text
        found = client.get(f"{page}.ttl")
        old = client.get("/readyz").json()["release"]
        suppress(out, [address], "privacy", "The editor", "2026-11-26")
        new = (out / "current").resolve().name
        deadline = time.monotonic() + 60
        while client.get("/readyz").json()["release"] != new:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        tag = {"If-None-Match": found.headers["etag"]}
        assert client.get(f"{page}.ttl", headers=tag).status_code == 404
        tag = {"If-None-Match": first.headers["etag"], **csv}
        again = client.get("/sparql", params=query, headers=tag)
        assert again.status_code == 200
        assert "harbour-official" not in again.text
        assert client.get(f"/releases/{old}", headers=csv).status_code == 404
        assert client.get(f"/download/{old}/graph.nq").status_code == 404
        assert address not in client.get("/download/current/graph.nq").text


WITHDRAWAL = """
- kind: withdrawal
  id: hv-withdrawal
  of: [hv-c06]
  reason: outdated
  authority: The editor
  date: 2026-11-26
"""
BOTH = """
- kind: correction
  id: hv-correction
  of: [hv-c05, hv-c06]
  reason: inaccurate
  authority: The editor
  date: 2026-11-26
  summary: {en: In other words.}
"""


def graph(release: Path) -> str:
    return b"".join(Dumps(release).get("graph.nq").read()).decode()


def test_releases_that_say_nothing_of_it_lose_it_too(place: Path, checkout: Path) -> None:
    """They share files with one that said it, and an engine that deletes keeps texts."""
    out = place / "out"
    address = claim(out, "hv-c02")
    facts = text(checkout)
    start = facts.index("- kind: event\n  id: rell-talks-port-solen")
    cleaned = facts[:start] + facts[facts.index("- kind: relation\n  id: hv-r01") :]
    build(place, cleaned)
    build(place, cleaned.replace("A fishing treaty", "Another treaty"))
    words = (address, "rell-talks-port-solen", "Talks of Ilse Rell")
    assert address not in graph(out / "current")
    suppress(out, [address], "privacy", "The editor", "2026-11-26")
    nowhere(out, words)
    for one in list_releases(out):
        assert verify_release(out, one.id) == []


def test_what_is_only_in_files_any_more_is_made_away_with(place: Path, checkout: Path) -> None:
    out = place / "out"
    address = claim(out, "hv-c02")
    facts = text(checkout)
    start = facts.index("- kind: event\n  id: rell-talks-port-solen")
    build(place, facts[:start] + facts[facts.index("- kind: relation\n  id: hv-r01") :])
    prune(out, 1)
    assert list(occurrences(out, ["Talks of Ilse Rell"]))
    with pytest.raises(ReleaseError, match="says anything of this"):
        suppress(out, [address], "privacy", "The editor", "2026-11-26")
    suppress(out, [address], "privacy", "The editor", "2026-11-26", absent=True)
    nowhere(out, (address, "Talks of Ilse Rell"))
    build(place, facts)
    nowhere(out, (address,))


def test_a_withdrawal_of_it_does_not_bring_it_back(place: Path, checkout: Path) -> None:
    out = place / "out"
    address = claim(out, "hv-c06")
    suppress(out, [address], "privacy", "The editor", "2026-11-26")
    build(place, text(checkout) + WITHDRAWAL)
    nowhere(out, (address, "hv-withdrawal"))
    assert verify_release(out) == []


def test_what_was_withdrawn_is_suppressed_with_its_tombstone(place: Path, checkout: Path) -> None:
    out = place / "out"
    address = claim(out, "hv-c06")
    build(place, text(checkout) + WITHDRAWAL)
    assert "Tombstone" in graph(out / "current")
    suppress(out, [address], "privacy", "The editor", "2026-11-26")
    nowhere(out, (address, "hv-withdrawal"))
    build(place, text(checkout) + WITHDRAWAL)
    nowhere(out, (address, "hv-withdrawal"))


def test_a_notice_stays_while_it_is_of_something(place: Path, checkout: Path) -> None:
    out = place / "out"
    one, two = claim(out, "hv-c05"), claim(out, "hv-c06")
    build(place, text(checkout) + BOTH)
    suppress(out, [one], "privacy", "The editor", "2026-11-26")
    lines = graph(out / "current")
    assert f"#corrects> <{two}>" in lines
    suppress(out, [two], "privacy", "The editor", "2026-11-26")
    nowhere(out, (one, two, "hv-correction"))


def test_what_went_along_stays_away_when_half_of_it_is_taken_out(
    place: Path, checkout: Path
) -> None:
    """Nobody says that the record of the source has to go too."""
    out = place / "out"
    claims = [claim(out, name) for name in ("hv-c04", "hv-c05", "hv-c06")]
    suppress(out, claims, "protected-person", "The editor", "2026-11-26")
    facts = text(checkout)
    start = facts.index("# sentence 1\n")
    cleaned = facts[:start] + facts[facts.index("# names\n") :]
    assert OFFICIAL in cleaned
    build(place, cleaned)
    nowhere(out, (f"agent/{OFFICIAL}", "unnamed source of the Bostmark"))
    # Whoever needs the source again has it.
    again = """
- kind: claim
  id: hv-c10
  by: [harbour-official]
  about: rell-talks-port-solen
  stance: affirms
  modality: planned
  certainty: unstated
  basis: none-stated
  evidence: [{sentence: 1}]
"""
    build(place, cleaned + again)
    assert f"agent/{OFFICIAL}" in graph(out / "current")


def test_one_wrong_address_of_several_stops_it(place: Path) -> None:
    out = place / "out"
    with pytest.raises(ReleaseError, match="says anything of this") as caught:
        suppress(
            out, [claim(out, "hv-c04"), "claim/0000000000000001"], "privacy", "x", "2026-11-26"
        )
    assert "0000000000000001" in str(caught.value)
    assert not (out / "suppressed").exists()


@pytest.mark.parametrize("address", ["agent/narrator-harbour-visit", "span/0000000000000001"])
def test_what_is_part_of_something_else_is_refused(place: Path, address: str) -> None:
    with pytest.raises(ReleaseError, match="no address"):
        suppress(place / "out", [address], "privacy", "x", "2026-11-26")


def test_a_lost_register_stops_builds(place: Path, checkout: Path) -> None:
    out = place / "out"
    suppress(out, [claim(out, "hv-c04")], "privacy", "The editor", "2026-11-26")
    shutil.rmtree(out / "suppressed")
    with pytest.raises(ReleaseError, match="is lost"):
        build(place, text(checkout))


def test_one_that_changed_nothing_yet_is_given_up(
    place: Path, monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    out = place / "out"
    address = claim(out, "hv-c04")

    def fails(*_: object, **__: object) -> str:
        raise ReleaseError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_rewritten", fails)
        with pytest.raises(ReleaseError, match="the disk is full"):
            suppress(out, [address], "privacy", "The editor", "2026-11-26")
    with pytest.raises(ReleaseError, match="interrupted"):
        build(place, text(checkout))
    module.abandon(out)
    build(place, text(checkout), full=True, force=True)
    assert address in graph(out / "current")


def test_ids_of_releases_that_are_not_kept_are_told_no_more(place: Path) -> None:
    out = place / "out"
    old = {one.id for one in read_publications(out)}
    prune(out, 2)
    suppress(out, [claim(out, "hv-c04")], "privacy", "The editor", "2026-11-26")
    nowhere(out, tuple(old))


def test_a_release_that_was_rewritten_does_not_say_that_it_conforms(
    place: Path, settings: Settings
) -> None:
    out = place / "out"
    suppress(out, [claim(out, "hv-c04")], "privacy", "The editor", "2026-11-26")
    assert read_manifest(out / "current").conforms is None
    html = {"Accept": "text/html"}
    with TestClient(create_app(out, settings)) as client:
        for path in ("/", "/dataset", "/releases/current"):
            page = client.get(path, headers=html)
            assert page.status_code == 200
            assert "before something was suppressed, and not again" in page.text, path


def test_a_static_copy_that_is_written_again_loses_it_too(
    place: Path, tmp_path: Path, settings: Settings
) -> None:
    out, site = place / "out", tmp_path / "site"
    address = claim(out, "hv-c02")
    words = (address, address.removeprefix(BASE), "rell-talks-port-solen", "Talks of Ilse Rell")
    export_site((out / "current").resolve(), site, settings)
    assert list(occurrences(site, words))
    suppress(out, [address], "privacy", "The editor", "2026-11-26")
    export_site((out / "current").resolve(), site, settings)
    assert list(occurrences(site, words)) == []


def test_what_may_not_be_handed_on_is_suppressed_all_the_same(
    tmp_path: Path, checkout: Path
) -> None:
    facts = text(checkout).replace(
        "  review: drafted\n", "  review: drafted\n  redistribution: none\n", 1
    )
    release = build(tmp_path, facts)
    out = tmp_path / "out"
    assert any(graph.private for graph in read_manifest(release).graphs)
    lines = b"".join(
        b"".join(Dumps(release, private=True).get("graphs/harbour-visit.nq").read()).splitlines()
    ).decode()
    address = next(one for one in lines.split("<") if one.startswith(f"{BASE}id/claim/"))
    address = address[: address.index(">")]
    suppress(out, [address], "privacy", "The editor", "2026-11-26")
    nowhere(out, (address,))
    assert verify_release(out) == []
    private = {graph.key for graph in read_manifest(out / "current").graphs if graph.private}
    assert "harbour-visit" in private
    assert "harbour-visit" not in Dumps(out / "current").parts
