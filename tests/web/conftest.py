"""A release made of invented facts, and the site that serves it."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

import pyoxigraph as ox
import pytest
import uvicorn
from starlette.testclient import TestClient

from kg import vocab
from kg.config import Settings
from kg.dumps import dump
from kg.identity import ReleaseSettings, engine_versions
from kg.manifest import Question, SourceCount
from kg.release import write_release
from kg.resources import folder
from kg.web.app import create_app
from kg.web.gather import CALLS
from kg.web.language import INTERFACE, Language
from kg.web.server import House
from kg.writer import ReportFiles

BASE = "https://chancery.example/"

QUESTIONS = (
    Question(
        id="who-denies",
        question="Who denies the delivery of radar parts?",
        keywords=("denial",),
        query="SELECT ?who ?name WHERE {\n  ?claim ch:stance ch:stance-denies ;\n"
        "    ch:claimant ?who .\n  ?who rdfs:label ?name .\n}",
        description="Denials only; disputed evidence is another stance.",
    ),
    Question(
        id="is-it-asserted",
        question="Is it asserted that Arvenia delivered radar parts?",
        keywords=("assertion",),
        query="ASK { ?claim ch:claimant/a ch:Narrator ; ch:about event:radar-delivery }",
    ),
    Question(
        id="described-labels",
        question="Which events are described?",
        keywords=("labels",),
        query="SELECT ?event ?label WHERE { ?event a ch:Event ; rdfs:label ?label }",
    ),
    Question(
        id="broken",
        question="What does a query that cannot be answered look like?",
        keywords=(),
        query="SELECT ?x WHERE { SERVICE <http://other.example/> { ?x ?y ?z } }",
    ),
)


def _graphs(trig: bytes) -> dict[str, list[str]]:
    """Return the sorted N-Quads lines of each graph, with the ontology as the vocabulary."""
    graphs: dict[str, set[str]] = {}
    for quad in ox.parse(trig, format=ox.RdfFormat.TRIG):
        graphs.setdefault(quad.graph_name.value, set()).add(f"{quad} .\n")
    vocabulary = f"{BASE}id/graph/vocabulary"
    terms = ox.parse(_ontology().encode(), format=ox.RdfFormat.TURTLE)
    graphs[vocabulary] = {f"{quad.triple} <{vocabulary}> .\n" for quad in terms}
    return {name: sorted(lines) for name, lines in graphs.items()}


def _ontology() -> str:
    files = sorted(folder("ontology").glob("*.ttl"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _write(
    out: Path,
    *,
    extra: bytes = b"",
    title: str = "Invented facts",
    report: str = "{}",
    private: frozenset[str] = frozenset(),
) -> Path:
    trig = (Path(__file__).parent / "data" / "sample.trig").read_bytes()
    return write_release(
        out,
        graphs=_graphs(trig + extra),
        inputs=(),
        settings=ReleaseSettings(
            base_iri=BASE,
            title=title,
            licence="https://creativecommons.org/licenses/by/4.0/",
            versions=engine_versions(),
        ),
        report=ReportFiles(
            conforms=report == "{}", blocks=False, ttl="", json=report, text="conforms\n"
        ),
        issues=(),
        sources=(SourceCount(id="invented", records=9, mapped=9, rejected=0),),
        questions=QUESTIONS,
        ontology={
            "ontology.ttl": _ontology(),
            "shapes.ttl": "# no shapes\n",
            "schema.json": "{}\n",
        },
        private_graphs=private,
    )


@pytest.fixture(scope="session")
def gathers_here() -> Callable[[Any], AbstractContextManager[Any]]:
    """Return what has an engine make descriptions here, where a test may change their bounds."""

    def patched(engine: Any) -> AbstractContextManager[Any]:
        async def gathered(call: str, **options: Any) -> Any:
            return await CALLS[call](engine, **options)

        return mock.patch.object(engine, "gathered", gathered)

    return patched


@pytest.fixture(scope="session")
def write_sample() -> Callable[..., Path]:
    """Return what writes the release of the invented facts into a folder."""
    return _write


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(workers=1)


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of releases with the invented facts as the current one."""
    out = tmp_path_factory.mktemp("releases")
    _write(out)
    return out


@pytest.fixture(scope="session")
def client(releases: Path, settings: Settings) -> Iterator[TestClient]:
    """Return a client of the site, as it is with its workers."""
    with TestClient(create_app(releases, settings), follow_redirects=False) as found:
        yield found


@pytest.fixture(scope="session")
def serving(settings: Settings) -> Callable[[Path], AbstractContextManager[str]]:
    """Return what serves a folder of releases over HTTP while its context lasts."""

    @contextmanager
    def serve(folder: Path) -> Iterator[str]:
        listener = socket.create_server(("127.0.0.1", 0))
        site = create_app(folder, settings)
        house = House(instant=site.instant)
        server = uvicorn.Server(
            uvicorn.Config(
                site,
                http=house.connection(),  # type: ignore[arg-type]
                log_level="warning",
                lifespan="on",
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)

    return serve


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a Chromium with an empty profile that notes what it asks for and complains of."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for command in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(command):
            options.binary_location = found
            break
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        with suppress(OSError):
            driver.quit()


@pytest.fixture(scope="session")
def quads(releases: Path) -> list[ox.Quad]:
    """Return every quad of the release."""
    data = dump(releases / "current", "graph.nq")
    return list(ox.parse(data, format=ox.RdfFormat.N_QUADS))


@pytest.fixture(scope="session")
def addresses(releases: Path) -> list[str]:
    """Return `kind/key` of every IRI under the base in the release, sorted."""
    text = dump(releases / "current", "graph.nq").decode()
    return sorted(set(re.findall(re.escape(BASE) + r"id/([a-z]+/[^>]+)", text)))


class Walker(HTMLParser):
    """Collects the text of a page with the classes of the elements around it, and its links.

    What stands in scripts is in `data`: it is for programs, and tests compare it with the RDF.
    """

    void = frozenset(("base", "meta", "link", "input", "br", "hr", "img"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, frozenset[str]]] = []
        self.texts: list[tuple[str, frozenset[str], str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.data: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        for name, value in values.items():
            self.attributes.append((tag, name, value))
        if tag not in self.void:
            self.stack.append((tag, frozenset(values.get("class", "").split())))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack[-1][0] == tag, f"</{tag}> closes <{self.stack[-1][0]}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1][0] == "script":
            self.data.append(data)
            return
        classes = frozenset().union(*(c for _, c in self.stack))
        self.texts.append((data, classes, self.stack[-1][0] if self.stack else ""))

    def links(self) -> set[str]:
        return {value for tag, name, value in self.attributes if name in ("href", "src", "action")}

    @staticmethod
    def strings(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
        """Yield every string in JSON, keys too, with the name of the property that it is in."""
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            for one in value:
                yield from Walker.strings(one, name)
        elif isinstance(value, dict):
            for key, one in value.items():
                yield "", key
                yield from Walker.strings(one, key)

    @staticmethod
    def marked(text: str) -> bool:
        """Return whether a text begins with the mark of a proposition or a claim."""
        return text.startswith((*MARKS, *map(_lower, MARKS)))

    def bare(self, labels: set[str]) -> list[str]:
        """Return the texts with one of the labels in it that nobody is said to say."""

        def named(text: str) -> bool:
            """Return whether a label is in it without its mark."""
            for one in sorted(labels, key=len, reverse=True):
                if one in text:
                    for mark in MARKS:
                        text = text.replace(mark + one, "").replace(_lower(mark) + one, "")
            return any(one in text for one in labels)

        found = [
            text
            for text, classes, tag in self.texts
            if not classes & {"described", "attributed"}
            and not (tag == "title" and text.startswith(MARKS))
            and named(text)
        ]
        found += [
            value
            for tag, name, value in self.attributes
            if name != "href" and not value.startswith(MARKS) and named(value)
        ]
        return found


def _lower(mark: str) -> str:
    return mark[:1].lower() + mark[1:]


MARKS = tuple(
    f"{words[:1].upper()}{words[1:]}: "
    for tag in INTERFACE
    for kind, mark in vocab.MARKS.items()
    for words in [Language(tag).gettext(mark)]
    if kind != "record"
)
"""What the title of a page of a proposition or a claim begins with, in each language; that of a
record marks no event that it names."""


@pytest.fixture(scope="session")
def walk() -> type[Walker]:
    """Return what reads a page."""
    return Walker
