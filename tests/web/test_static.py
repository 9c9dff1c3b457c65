"""Static copies: every link leads to a file, data is the server's, and a second export is cheap."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import posixpath
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from starlette.testclient import TestClient

from kg.build import publish
from kg.config import Settings
from kg.dumps import Dumps
from kg.errors import ConfigError, ReleaseError
from kg.importing import import_release
from kg.vocab import graph_iri
from kg.web import describe, static
from kg.web.app import create_app
from kg.web.static import MARKER, Exported, export_site

BASE = "https://chancery.example/"
MANY = 110
REDIRECT = "0; url="
PATROLS = "\n".join(
    [
        "g:harbour-bn {",
        *(
            f'e:patrol-{n} a ch:Event, ch:Proposition ; rdfs:label "Patrol {n}"@en ; '
            "ch:actor a:cordia ."
            for n in range(MANY)
        ),
        "}",
    ]
).encode()
"""So many events that the page of who takes part, and the list of events, have further ones."""

IMPORTED = """
@prefix ex: <http://data.example/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
ex:kolkata foaf:name "Kolkata"@en, "কলকাতা"@bn ; a ex:City ; ex:on ex:hooghly ;
    ex:1 "no name of XML" ; ex:tags ( ex:a [ ex:b <urn:isbn:1> ] ) ;
    ex:odd <http://a.example/?b=c&d='e> .
<https://chancery.example/id/thing/bridge> foaf:name "Bridge" ; ex:over ex:hooghly .
"""


def alive(process: str) -> bool:
    """Return whether a process runs: one that nobody has heard of yet does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def has_open(process: str, path: Path) -> bool:
    """Return whether a process has a file or folder open."""
    found = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in the meantime
            found.add(str(link.readlink()))
    return str(path) in found


def eventually(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait until something is so; fail where it is not in half a minute."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)


def tree(top: Path) -> dict[str, str]:
    """Return the checksum of every file below a folder, by its path."""
    return {
        path.relative_to(top).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def dead_links(top: Path, walk: Callable[[str], Any]) -> list[str]:
    """Return every relative link of every page that leads to no file, or to no place in it."""
    there = set(tree(top))
    pages = {name: walk((top / name).read_text("utf-8")) for name in there if name[-5:] == ".html"}
    anchors = {
        name: {value for _, attribute, value in page.attributes if attribute == "id"}
        for name, page in pages.items()
    }
    found = []
    for name, page in pages.items():
        links = [
            value
            for tag, attribute, value in page.attributes
            if attribute in ("href", "src", "action")
            or (tag == "meta" and attribute == "content" and value.startswith(REDIRECT))
        ]
        for link in links:
            parts = urlsplit(link.removeprefix(REDIRECT))
            if parts.scheme:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            target = path if parts.path else name
            fragment = unquote(parts.fragment)
            if (
                link.startswith("/")
                or parts.query
                or target not in there
                or (fragment and fragment not in anchors[target])
            ):
                found.append(f"{name}: {link}")
    return found


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]) -> Path:
    """Return a folder of releases: the invented facts, and the same with many patrols."""
    out = tmp_path_factory.mktemp("releases")
    write_sample(out, extra=PATROLS)
    return out


@pytest.fixture(scope="module")
def copy(out: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a static copy of the release with the patrols."""
    site = tmp_path_factory.mktemp("copy") / "site"
    done = export_site((out / "current").resolve(), site, settings)
    assert done.written > 1000
    assert (done.unchanged, done.removed) == (0, 0)
    return site


@pytest.fixture(scope="module")
def server(out: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(out, settings), follow_redirects=False) as found:
        yield found


def test_every_link_leads_to_a_file(copy: Path, walk: Callable[[str], Any]) -> None:
    assert dead_links(copy, walk) == []
    text = (copy / "doc/agent/cordia.html").read_text("utf-8")
    assert 'href="../../doc/event/patrol-0.html"' in text
    assert "<form" not in "".join(path.read_text("utf-8") for path in copy.rglob("*.html"))


def test_every_thing_has_its_page_its_data_and_its_address(
    copy: Path, out: Path, settings: Settings
) -> None:
    data = (copy / f"download/{(out / 'current').resolve().name}/graph.nq").read_text("utf-8")
    things = {part.partition(">")[0] for part in data.split(f"<{BASE}id/")[1:]}
    assert len(things) > MANY
    for thing in things:
        for suffix in describe.FORMATS:
            assert (copy / f"doc/{thing}.{suffix}").is_file(), f"{thing}.{suffix}"
        moved = (copy / f"id/{thing}/index.html").read_text("utf-8")
        assert f'<meta http-equiv="refresh" content="0; url=../../../doc/{thing}.html">' in moved
        assert f'<link rel="canonical" href="../../../doc/{thing}.html">' in moved
        assert '<link rel="icon" type="image/svg+xml" href="../../../assets/icon.svg">' in moved
        assert f'<a href="../../../doc/{thing}.html">' in moved
    marker = json.loads((copy / MARKER).read_text())
    assert {name.removeprefix("doc/") for name in marker["things"]} == things
    assert marker["complete"]


def test_data_is_what_the_server_answers(copy: Path, server: TestClient) -> None:
    compared = 0
    for path in sorted(copy.rglob("*")):
        name, _, suffix = path.relative_to(copy).as_posix().rpartition(".")
        if suffix == "html" or suffix not in describe.FORMATS or name.startswith("download/"):
            continue
        stem, _, number = name.partition(".")
        query = f"?page={number}" if number else ""
        assert path.read_bytes() == server.get(f"/{stem}.{suffix}{query}").content, path
        compared += 1
    assert compared > 1000
    assert (copy / "doc/agent/cordia.2.ttl").is_file(), "data has further pages as well"
    schema = server.get("/facts/schema.json").content
    assert (copy / "facts/schema.json").read_bytes() == schema
    assert (copy / "context.jsonld").read_bytes() == server.get("/context.jsonld").content


def test_downloads_are_all_there_with_their_checksums(copy: Path, out: Path) -> None:
    release = (out / "current").resolve()
    below = copy / "download" / release.name
    for name in Dumps(release).names():
        assert (below / name).is_file(), name
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=below, check=True
    )
    assert (below / "manifest.json").read_bytes() == (release / "manifest.json").read_bytes()


def test_lists_and_pages_are_followed_to_their_end(copy: Path, walk: Callable[[str], Any]) -> None:
    first, last = (copy / "list/event.html").read_text("utf-8"), ""
    assert 'rel="next" href="../list/event.2.html"' in first
    shown: set[str] = set()
    for number in range(1, 100):
        path = copy / f"list/event{f'.{number}' if number > 1 else ''}.html"
        if not path.exists():
            break
        last = path.read_text("utf-8")
        shown |= {link for link in walk(last).links() if "/doc/event/" in link}
    assert number == 4
    assert "Next page" not in last
    events = {f"../doc/event/{path.name}" for path in (copy / "doc/event").glob("*.html")}
    assert len(shown) >= MANY
    assert shown == events
    second = (copy / "doc/agent/cordia.2.html").read_text("utf-8")
    assert 'href="../../doc/agent/cordia.html"' in second
    assert 'href="../../doc/agent/cordia.3.html"' in second
    assert "Next page" not in (copy / "doc/agent/cordia.3.html").read_text("utf-8")


def test_questions_are_answered_and_what_needs_a_server_is_not_offered(copy: Path) -> None:
    home = (copy / "index.html").read_text("utf-8")
    assert "Questions, answered from this release" in home
    assert "Arvenian foreign ministry" in home
    question = (copy / "questions/who-denies.html").read_text("utf-8")
    assert "Arvenian foreign ministry" in question
    assert "Open it in the editor" not in question
    for words in ("Search", "just now", "/sparql", "Ranges are answered"):
        assert words not in home, words
    release = json.loads((copy / MARKER).read_text())["release"]
    assert "A static copy of" in home
    assert f'content: "{release[:12]}"' in (copy / "assets/release.css").read_text()
    assert BASE not in (copy / "index.html").read_text("utf-8"), "nobody owns the default base"
    assert not (copy / "sitemap.xml").exists()
    assert (copy / "robots.txt").read_text() == "User-agent: *\nAllow: /\n"
    assert (copy / ".nojekyll").read_bytes() == b""
    missing = (copy / "404.html").read_text()
    assert "<a " not in missing
    assert '<link rel="icon" href="data:,">' in missing


def test_pictures_are_there_with_their_tables(copy: Path) -> None:
    for name in ("timeline", "map", "network"):
        page = (copy / f"{name}.html").read_text("utf-8")
        assert "Arvenian foreign ministry" in page
        assert "<form" not in page
        assert f'href="{name}.csv"' in page
        assert "agent=" not in page
        assert "denied_by" in (copy / f"{name}.csv").read_text("utf-8").splitlines()[0]
        assert json.loads((copy / f"{name}.json").read_text("utf-8"))["release"]
    place = (copy / "doc/place/bost-city.html").read_text("utf-8")
    assert 'data-latitude="12.5"' in place
    assert 'href="../../timeline.html"' in place


def test_the_documentation_is_in_the_copy(copy: Path) -> None:
    pages = {path.relative_to(copy / "docs").as_posix() for path in copy.glob("docs/**/*.html")}
    assert {"index.html", "model.html", "how-to/load-into-tools.html"} <= pages
    text = (copy / "docs/how-to/correct.html").read_text("utf-8")
    assert re.search(r'href="(\.\./)+docs/index\.html"', text)
    assert re.search(r'href="(\.\./)+assets/guide\.css', text)
    index = (copy / "docs/index.html").read_text("utf-8")
    assert "docs/api" not in index
    downloads = (copy / "download/index.html").read_text("utf-8")
    assert "pyoxigraph (Python)" in downloads
    assert "/sparql?" not in downloads
    assert "127.0.0.1" not in downloads
    terms = re.findall(r'href="[^"]*ontology/\w+"', (copy / "ontology.html").read_text("utf-8"))
    assert terms == []


def test_a_second_export_is_the_same_and_writes_nothing(
    releases: Path, settings: Settings, tmp_path: Path
) -> None:
    release = (releases / "current").resolve()
    export_site(release, tmp_path / "one", settings)
    before = tree(tmp_path / "one")
    done = export_site(release, tmp_path / "other", settings)
    assert tree(tmp_path / "other") == before
    times = {name: (tmp_path / "other" / name).stat().st_mtime_ns for name in before}
    again = export_site(release, tmp_path / "other", settings)
    assert again == Exported(done.things, 0, done.written, 0)
    for name, then in times.items():
        assert name == MARKER or (tmp_path / "other" / name).stat().st_mtime_ns == then, name


def test_a_copy_in_another_language(
    releases: Path, settings: Settings, tmp_path: Path, walk: Callable[[str], Any]
) -> None:
    """Pages and names are in it; data are the same; the language of a copy can be changed."""
    release, site = (releases / "current").resolve(), tmp_path / "site"
    export_site(release, site, settings)
    english = tree(site)
    done = export_site(release, site, settings, "hi")
    assert done.removed == 0
    assert dead_links(site, walk) == []
    for name, before in english.items():
        if name.endswith((".ttl", ".nq", ".jsonld", ".css")):
            assert tree(site)[name] == before, name
    for name in ("index.html", "doc/event/radar-delivery.html", "timeline.html", "list/event.html"):
        text = (site / name).read_text("utf-8")
        assert '<html lang="hi">' in text, name
        assert "वर्णित" in text, name
        assert "Described:" not in text, name
    for name, words in {
        "404.html": "इस प्रति में ऐसा कोई पृष्ठ नहीं है।",
        "id/event/radar-delivery/index.html": "/id/event/radar-delivery के बारे में",
        "dataset/index.html": "/dataset के बारे में",
    }.items():
        text = (site / name).read_text("utf-8")
        assert '<html lang="hi">' in text, name
        assert words in text, name
        for english_words in ("Not found", "copy"):
            assert english_words not in text, name
    export_site(release, site, settings)
    assert tree(site) == english
    with pytest.raises(ConfigError, match="not in this language"):
        export_site(release, site, settings, "fr")


def test_the_next_release_changes_only_what_differs(
    out: Path, write_sample: Callable[..., Path], settings: Settings, tmp_path: Path
) -> None:
    site, releases = tmp_path / "site", tmp_path / "releases"
    old = write_sample(releases)
    export_site(old, site, settings)
    (site / "CNAME").write_text("data.example.org\n")
    (site / "doc/agent/mine.txt").write_text("mine")
    before = tree(site)
    extra = PATROLS + b'g:registry { a:newcomer a ch:Agent ; rdfs:label "Newcomer"@en . }'
    new = write_sample(releases, extra=extra, title="Next")
    done = export_site(new, site, settings)
    after = tree(site)
    assert after["CNAME"] == before["CNAME"]
    assert "doc/agent/newcomer.html" in after
    assert "id/agent/newcomer/index.html" in after
    assert "doc/agent/cordia.2.html" in after
    assert before["doc/claim/0000000000000003.html"] == after["doc/claim/0000000000000003.html"]
    assert done.unchanged > 500
    assert not (site / "download" / old.name).exists()
    back = export_site(old, site, settings)
    assert tree(site) == before
    assert back.removed > 7 * MANY
    assert not (site / "id/agent/newcomer").exists()


def test_what_was_broken_off_is_finished(
    copy: Path, out: Path, write_sample: Callable[..., Path], settings: Settings, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    older = write_sample(tmp_path / "older", title="Older")
    export_site(older, site, settings)
    command = [sys.executable, "-m", "kg", "export", "--static", str(site), "--releases", str(out)]

    def done() -> list[str]:
        notes = site / ".chancery-static.done"
        return notes.read_text().splitlines()[1:] if notes.exists() else []

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        until = time.monotonic() + 60
        while not done() and time.monotonic() < until:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    assert not json.loads((site / MARKER).read_text())["complete"]
    assert tree(site) != tree(copy)
    assert len(done()) >= 24, "a share of them is done"
    before = len(done())
    finished = export_site((out / "current").resolve(), site, settings)
    assert tree(site) == tree(copy)
    looked_at = finished.written + finished.unchanged
    assert looked_at <= len(tree(copy)) - 7 * before, "what was done is not done again"


def test_the_folder_is_locked_until_the_last_that_writes_there_has_ended(
    out: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "_LOCK_S", 0.1)
    site = tmp_path / "site"
    command = [sys.executable, "-m", "kg", "export", "--static", str(site), "--releases", str(out)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        until = time.monotonic() + 60
        while not list(site.glob("doc/*/*.html")) and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(ConfigError, match="another export"):
            export_site((out / "current").resolve(), site, settings)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        command_of = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        writers = [child for child, words in command_of.items() if b"spawn_main" in words]
        assert writers
        eventually(
            lambda: all(has_open(one, site) for one in writers), "one does not hold the lock"
        )
        for writer in writers:
            os.kill(int(writer), signal.SIGSTOP)  # they would end by themselves, some time later
        running.send_signal(signal.SIGKILL)
    try:
        eventually(lambda: not any(map(alive, writers)), "one outlives the one that asks")
    finally:
        for writer in writers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(writer), signal.SIGKILL)


@pytest.mark.timeout(300)
def test_an_interrupt_ends_it_at_once(tmp_path: Path, checkout: Path) -> None:
    release, _ = publish([checkout / "docs/tutorial/facts"], tmp_path / "releases", base=BASE)
    assert release is not None
    site = tmp_path / "site"
    command = [sys.executable, "-m", "kg", "export", "--static", str(site)]
    command += ["--releases", str(tmp_path / "releases")]
    code = "import signal, sys, runpy; signal.signal(2, signal.default_int_handler); "
    code += "sys.argv = sys.argv[1:]; runpy.run_module('kg', run_name='__main__')"
    with subprocess.Popen([sys.executable, "-c", code, *command[2:]], stderr=subprocess.PIPE) as it:
        while not list(site.glob("doc/*/*.html")):  # pages of things are being written
            assert it.poll() is None
            time.sleep(0.05)
        it.send_signal(signal.SIGINT)
        it.communicate(timeout=60)
        assert it.returncode != 0
    done = len(list(site.glob("doc/*/*.html")))
    things = len(json.loads((site / MARKER).read_text())["things"])
    assert done < things


def test_a_folder_with_something_else_is_refused(
    out: Path, settings: Settings, tmp_path: Path
) -> None:
    release = (out / "current").resolve()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").write_text("keep me")
    with pytest.raises(ConfigError, match="not empty") as caught:
        export_site(release, tmp_path / "letters", settings)
    assert caught.value.seen == "a.txt"
    assert tree(tmp_path / "letters").keys() == {"a.txt"}
    (tmp_path / "letters" / MARKER).write_text("{}")
    with pytest.raises(ConfigError, match="cannot be read"):
        export_site(release, tmp_path / "letters", settings)
    outside = {"format": 1, "release": "", "base_iri": "", "complete": True, "things": []}
    (tmp_path / "letters" / MARKER).write_text(json.dumps({**outside, "files": ["../a"]}))
    with pytest.raises(ConfigError, match="outside"):
        export_site(release, tmp_path / "letters", settings)
    with pytest.raises(ReleaseError, match="cannot be written"):
        export_site(release, tmp_path / "letters/a.txt", settings)


def test_what_may_not_be_handed_on_is_refused(
    write_sample: Callable[..., Path], settings: Settings, tmp_path: Path
) -> None:
    private = frozenset([graph_iri(BASE, "harbour-bn")])
    release = write_sample(tmp_path / "releases", private=private)
    with pytest.raises(ReleaseError, match="may not be handed on") as caught:
        export_site(release, tmp_path / "site", settings)
    assert caught.value.seen == "harbour-bn"
    assert not (tmp_path / "site").exists()


def test_damage_is_an_error(
    write_sample: Callable[..., Path], settings: Settings, tmp_path: Path
) -> None:
    release = write_sample(tmp_path / "releases")
    report = release / "report.txt"
    report.chmod(0o644)
    report.write_text("all is well\n")
    with pytest.raises(ReleaseError, match="damaged"):
        export_site(release, tmp_path / "site", settings)


def test_the_command_says_what_it_wrote(releases: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kg", "export", "--releases", str(releases), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--static", str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'site'}\n"
    assert " things, each with a page and 6 files of data; " in done.stderr.splitlines()[0]
    assert done.stderr.endswith(" written, 0 unchanged, 0 removed\n")
    assert (tmp_path / "site/index.html").is_file()
    for more in (["graph.nq"], ["--to", "-"]):
        refused = run(*more, "--static", str(tmp_path / "other"))
        assert refused.returncode == 2
        assert "leave out names and --to" in refused.stderr
    assert not (tmp_path / "other").exists()


LEADING = ("id/", ".well-known/", "download/", "dataset/", "ontology/", "shapes/", "corrections/")
"""Folders of pages that only lead on, but for that of the downloads."""


def test_a_real_base_has_a_site_map_and_names_itself(
    settings: Settings, tmp_path: Path, walk: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.web.static._SITEMAP", 10)
    base = "https://data.example.org/kg/"
    (tmp_path / "cities.ttl").write_text(IMPORTED.replace(BASE, base), "utf-8")
    release, _ = import_release([str(tmp_path / "cities.ttl")], tmp_path / "releases", base=base)
    site = tmp_path / "site"
    export_site(release, site, settings)
    assert dead_links(site, walk) == []
    assert f"Sitemap: {base}sitemap.xml" in (site / "robots.txt").read_text()
    index = (site / "sitemap.xml").read_text()
    assert f"<sitemap><loc>{base}sitemap-1.xml</loc></sitemap>" in index
    listed = "".join(path.read_text() for path in sorted(site.glob("sitemap-*.xml")))
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    pages -= {name for name in pages if name.startswith(LEADING)}
    pages = (pages | {"download/index.html"}) - {"404.html"}
    assert listed.count("<loc>") == len(pages)
    assert all(f"<loc>{base}{name}</loc>" in listed for name in pages)
    assert f'<a href="{base}">' in (site / "index.html").read_text("utf-8")
    assert f'<a href="{base}">' in (site / "404.html").read_text("utf-8")
    assert f"curl -O {base}download/{release.name}/graph.nq.gz" in (
        site / "download/index.html"
    ).read_text("utf-8")


def test_imported_rdf_has_a_page_for_every_address(
    settings: Settings, tmp_path: Path, walk: Callable[[str], Any]
) -> None:
    (tmp_path / "cities.ttl").write_text(IMPORTED, "utf-8")
    release, _ = import_release([str(tmp_path / "cities.ttl")], tmp_path / "releases", base=BASE)
    site = tmp_path / "site"
    export_site(release, site, settings)
    assert dead_links(site, walk) == []
    key = hashlib.sha256(b"http://data.example/kolkata").hexdigest()[:16]
    page = (site / f"resource/{key}.html").read_text("utf-8")
    assert "<h1>Kolkata</h1>" in page
    assert "Imported RDF:" in page
    assert not (site / f"resource/{key}.rdf").exists(), "RDF/XML cannot hold ex:1"
    assert f"{key}.rdf" not in page
    with TestClient(create_app(release.parent, settings)) as server:
        for suffix in ("ttl", "nq", "jsonld"):
            answer = server.get(
                f"/resource.{suffix}", params={"iri": "http://data.example/kolkata"}
            )
            assert (site / f"resource/{key}.{suffix}").read_bytes() == answer.content
        bridge = server.get("/doc/thing/bridge.rdf").content
    assert (site / "doc/thing/bridge.rdf").read_bytes() == bridge
    assert f"../../resource/{key}.html" not in (site / "list/index.html").read_text("utf-8")
    assert f"../resource/{key}.html" in (site / "list/index.html").read_text("utf-8")


NOTICES = """
- {kind: correction, id: c04-correction, of: [hv-c04], reason: inaccurate, authority: The editor,
   date: 2026-11-25, summary: {en: It was said otherwise.}}
- {kind: withdrawal, id: c06-withdrawal, of: [hv-c06], reason: attribution, authority: The editor,
   date: 2026-11-26}
"""


@pytest.mark.timeout(300)
def test_corrections_and_what_was_withdrawn_are_in_the_copy(
    checkout: Path, settings: Settings, tmp_path: Path, walk: Callable[[str], Any]
) -> None:
    shutil.copytree(checkout / "docs/tutorial/facts", tmp_path / "facts")
    site, releases = tmp_path / "site", tmp_path / "releases"
    publish([tmp_path / "facts"], releases, base=BASE)
    with (tmp_path / "facts/harbour-visit.yaml").open("a", encoding="utf-8") as file:
        file.write(NOTICES)
    release, _ = publish([tmp_path / "facts"], releases, base=BASE)
    assert release is not None
    export_site(release, site, settings)
    assert dead_links(site, walk) == []
    with TestClient(create_app(releases, settings)) as server:
        for suffix in ("ttl", "nq", "json", "atom"):
            answer = server.get(f"/corrections.{suffix}").content
            assert (site / f"corrections.{suffix}").read_bytes() == answer
    text = (site / "corrections.html").read_text("utf-8")
    assert "It was said otherwise." in text
    withdrawn = [path for path in site.glob("doc/claim/*.html") if "Withdrawn" in path.read_text()]
    assert len(withdrawn) == 1
    assert withdrawn[0].with_suffix(".ttl").is_file()
    assert "Earlier releases" not in withdrawn[0].read_text()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, settings: Settings, checkout: Path) -> Path:
    """Return a static copy of a build; that of the built-in facts takes two minutes."""
    out = tmp_path_factory.mktemp("built")
    release, _ = publish([checkout / "docs/tutorial/facts"], out / "releases", base=BASE)
    assert release is not None
    export_site(release, out / "site", settings)
    return out / "site"


@pytest.mark.timeout(900)
def test_the_copy_of_a_build_has_no_dead_link(built: Path, walk: Callable[[str], Any]) -> None:
    assert dead_links(built, walk) == []
    things = json.loads((built / MARKER).read_text())["things"]
    assert len(things) > 60
    for thing in things:
        for suffix in describe.FORMATS:
            assert (built / f"{thing}.{suffix}").is_file(), f"{thing}.{suffix}"
    assert len(list((built / "questions").glob("*.html"))) == 62
    assert list((built / "download").glob("*/report.html"))


@pytest.fixture
def hosted(copy: Path) -> Iterator[str]:
    """Return where a host of files has the copy: in a folder of it."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        command, cwd=copy.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as host:
        assert host.stdout is not None
        port = host.stdout.readline().split(" port ")[1].split()[0]
        try:
            yield f"http://127.0.0.1:{port}/{copy.name}/"
        finally:
            host.terminate()


@pytest.mark.requires("chromium", "chromedriver")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_reader_goes_from_the_home_page_to_a_claim_and_its_source(
    browser: Any, hosted: str, copy: Path, width: int
) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("browser")
    release = json.loads((copy / MARKER).read_text())["release"]

    def heading() -> str:
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, browser.current_url
        return str(browser.find_element("css selector", "h1").text)

    for start in (hosted, (copy / "index.html").as_uri()):
        browser.get(start)
        assert heading().startswith("Who says what")
        shown = browser.execute_script(
            "return getComputedStyle(document.querySelector('.this-release'), '::after').content"
        )
        assert shown == f'"{release[:12]}"'
        browser.find_element("css selector", "section[aria-labelledby=disputed] .what a").click()
        assert "Delivery of radar parts" in heading()
        browser.find_element("css selector", ".column.denies .card footer a").click()
        assert "Claim:" in heading()
        assert "denies" in heading()
        source = browser.find_element("xpath", "//dt[text()='Source']/following-sibling::dd//a")
        source.click()
        assert "Outline of the evidence" in browser.find_element("css selector", "main").text
        assert browser.current_url.endswith("/doc/document/harbour-bn.html")
        browser.find_element("css selector", "a.brand").click()
        assert heading().startswith("Who says what")
        browser.find_element("link text", "Lists").click()
        browser.find_element("partial link text", "Events").click()
        assert heading() == "Events"
        browser.find_element("css selector", "a[rel=next]").click()
        assert "Page 2" in browser.find_element("css selector", ".paging").text
    browser.get(f"{hosted}id/agent/mira-odan")
    assert browser.current_url == f"{hosted}doc/agent/mira-odan.html"
    assert heading() == "Mira Odan"
    assert browser.get_log("browser") == []
