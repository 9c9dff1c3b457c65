"""The write side from end to end: facts → mapping → derived statements → validation → release.

Nothing that does not conform is published; the release that was current stays current.

Spec: docs/reference/cli.md, "kg build"
"""

import gc
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

import kg
from kg.errors import ConfigError, KgError, KgErrors, ResourceError
from kg.resources import folder
from kg.vocab import DCTERMS, PROV, RDF, RDFS, SCHEMA, data_iri, graph_iri, literal, term

if TYPE_CHECKING:
    from kg.dataset import Dataset
    from kg.facts import FactSet, RuleBreak
    from kg.feed import Feed
    from kg.identity import ReleaseSettings
    from kg.increment import Notes
    from kg.ingest import Issue
    from kg.manifest import Input, Manifest, Question
    from kg.mapping import Counts, Quads
    from kg.pipeline import Cut, Engine, FeedInput, Ingested, SettledGraph
    from kg.register import Register
    from kg.report import Report
    from kg.sssom import LinkRow
    from kg.validate import Shapes
    from kg.vocab import Vocabulary
    from kg.writer import Content, ReportFiles

_log = logging.getLogger(__name__)

TITLE: Final = "Chancery"
LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
ABOUT: Final = (
    "Who says what about which event, with what evidence: facts extracted from reporting, each "
    "with its speaker, source, evidence and disputes."
)
RIGHTS: Final = (
    "CC BY 4.0, but for the scheme of PLOVER event categories and its concepts in the vocabulary "
    "graph (names that begin with plover-), which are CC BY-SA 4.0."
)
DEFAULT_BASE: Final = "https://chancery.example/"
_TIME: Final = re.compile(
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
LINKS: Final = "wikidata.sssom.tsv"


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build made: every quad, where nodes came from, and what validation says.

    `breaks` are rules that well-formed records broke before they could be mapped; then there is
    no report and no dataset to speak of. `suppressed` says that something was left out because it
    was suppressed. `private` are the graphs that may not be handed on: those of documents that say
    so of their facts, and what was concluded or corrected with them.
    """

    dataset: "Dataset"
    origins: Mapping[str, str]
    counts: "Sequence[Counts]"
    breaks: "Sequence[RuleBreak]"
    report: "Report | None"
    suppressed: bool = False
    private: frozenset[str] = frozenset()
    ingested: "Ingested | None" = None

    @property
    def conforms(self) -> bool:
        """Return whether nothing keeps the data from being published."""
        return (
            not self.breaks
            and self.report is not None
            and not self.report.blocks
            and not (self.ingested and self.ingested.problem)
        )

    def report_json(self) -> str:
        """Return the report as JSON text; broken rules come before the results of shapes."""
        if self.report is not None:
            return self.report.to_json()
        value = {
            "conforms": False,
            "blocks": True,
            "counts": {"Violation": len(self.breaks)},
            "results": [msgspec.to_builtins(b) for b in self.breaks],
        }
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    def report_table(self) -> str:
        """Return the report for people."""
        if self.ingested and self.ingested.problem:
            return self.ingested.problem
        if self.report is not None:
            return self.report.to_table()
        lines = [f"    {b.origin}  {b.record}\n      {b.message}\n" for b in self.breaks]
        many = "1 record breaks a rule" if len(lines) == 1 else f"{len(lines)} records break rules"
        return f"Does not conform: {many}.\n\n" + "".join(lines)

    def report_turtle(self) -> str:
        """Return the report as a SHACL validation report; a broken rule is a result."""
        return self._shown.to_turtle()

    def report_html(self) -> str:
        """Return the report as a page; a broken rule is a result."""
        return self._shown.to_html()

    @property
    def _shown(self) -> "Report":
        if self.report is not None:
            return self.report
        from kg.report import Report, Result

        results = tuple(
            Result(
                focus=f"urn:kg:record:{b.record}",
                path="",
                value="",
                severity="http://www.w3.org/ns/shacl#Violation",
                component="http://www.w3.org/ns/shacl#SPARQLConstraintComponent",
                shape=f"urn:kg:rule:{b.rule}",
                constraint="",
                message=b.message,
                origin=b.origin,
            )
            for b in self.breaks
        )
        return Report(results)


def build_dataset(
    facts_folders: Sequence[Path],
    base: str,
    links: Path | None = None,
    notes: "Notes | None" = None,
    register: "Register | None" = None,
    feeds: "Callable[[Mapping[str, tuple[str, str]]], Ingested] | None" = None,
) -> Built:
    """Return every quad of a build with the report on it; nothing is published.

    Of feeds it returns graphs that lie in files.

    Args:
        facts_folders: one or more folders of facts files; their records are one set.
        base: the base IRI, ending in `/` or `#`.
        links: the authority of outside links; the built-in one by default.
        notes: takes what the next build may need to know.
        register: of what was suppressed, which is left out with all that goes with it.
        feeds: makes the graphs of feeds, given the states that the facts have: kind and key of the
            agent and its label, by the item of Wikidata that it is.
    Raises:
        KgErrors: what cannot be read as records, all of one stage together.
        KgError: a folder or file is missing; a collision; an unused field.
    """
    from kg.derive import derive
    from kg.facts import read_facts, rule_breaks
    from kg.link import link_breaks, read_links
    from kg.mapping import Counts, Quads
    from kg.validate import data_shapes, load_shapes, validate
    from kg.vocab import load_vocabulary

    vocabulary = load_vocabulary(folder("ontology"))
    _log.info("reading facts")
    facts = read_facts(facts_folders, vocabulary.keys())
    rows = read_links(links or folder("mappings") / LINKS)
    breaks = [*rule_breaks(facts), *link_breaks(facts, rows)]
    if breaks:
        nothing = Quads(base, vocabulary).dataset
        bad = len({b.record for b in breaks})
        counts = [Counts("articles", facts.count, facts.count - bad, bad)]
        return Built(dataset=nothing, origins={}, counts=counts, breaks=breaks, report=None)
    _tell_of_strangers(facts, rows)
    ingested = feeds(_states(facts, rows)) if feeds else None
    out, count = map_facts(facts, rows, vocabulary, base, register=register)
    private = _private(facts, base)
    absent = _absent(facts, ingested, base)
    if absent:
        out.dataset = _without_links(out.dataset, absent)
    if ingested:
        private |= _join_feeds(out.dataset, ingested, base, _states(facts, rows))
        for iri, lines in ingested.links(out.dataset, base).items():
            out.dataset.add_lines(iri, lines)
    left_out = bool(out.suppressed or out.went)
    if left_out:
        notes = None  # nothing of it may be remembered
    if notes:
        notes.note(facts, out)
    del facts  # many records take much memory, which what follows needs
    if left_out:
        _leave_out(out)
    if register:
        from kg.register import CORRECTIONS

        out.dataset.add_lines(graph_iri(base, CORRECTIONS), register.lines(base))
    _log.info("deriving statements from %d quads", len(out.dataset))
    derived = derive(out.dataset, base)
    out.dataset.update(derived)
    _log.info("validating %d quads", len(out.dataset))
    origins = {**_derived_origins(derived, out.origins), **out.origins}
    shapes = load_shapes(data_shapes())
    keep = notes.save if notes else None
    if ingested:
        report = _validated_apart(out.dataset, shapes, origins)
    else:
        report = validate(out.dataset, shapes, origins=origins, keep=keep)
    return Built(
        dataset=out.dataset,
        origins=out.origins,
        counts=[count, *(ingested.counts if ingested else ())],
        breaks=[],
        report=report,
        suppressed=left_out,
        private=private,
        ingested=ingested,
    )


def map_facts(
    facts: "FactSet",
    rows: "Sequence[LinkRow]",
    vocabulary: "Vocabulary",
    base: str,
    *,
    whole: bool = True,
    register: "Register | None" = None,
) -> "tuple[Quads, Counts]":
    """Return the quads of checked records and of the build itself, before anything is derived.

    Args:
        facts: records that break no rule (`kg.facts.rule_breaks`, `kg.link.link_breaks`).
        rows: the authority of outside links.
        vocabulary: the ontology; it becomes a graph.
        base: the base IRI, ending in `/` or `#`.
        whole: whether these are all records, so many as the source declares.
        register: of what was suppressed; what it holds is noted, not left out.
    Raises:
        KgError: a collision; an unused field.
    """
    from kg.link import map_links
    from kg.mapping import Quads, load_mapping, run_mapping

    out = Quads(base, vocabulary, register)
    say = _log.info if whole else _log.debug
    say("mapping %d records", facts.count)
    count = run_mapping(load_mapping(folder("mappings"), "articles"), facts, out, whole=whole)
    linked = map_links(rows, facts, out)
    say("%d rows of links concern these records", linked)
    _vocabulary_graph(out.dataset, vocabulary, base)
    _provenance_graph(out.dataset, facts, base)
    return out, count


def _private(facts: "FactSet", base: str) -> frozenset[str]:
    """Return the graphs that may not be handed on."""
    documents = [file.document for file in facts.files if file.document]
    found = {one.id for one in documents if one.redistribution == "none"}
    if found:  # what was concluded may say what only these say
        found |= {"status", "uncontested", "event-links", "corrections"}
    return frozenset(graph_iri(base, key) for key in found)


def _absent(facts: "FactSet", ingested: "Ingested | None", base: str) -> set[str]:
    """Return the events of feeds that links lead to and this release does not have."""
    from kg.facts import Link

    found: set[str] = set()
    for file in facts.files:
        for record, origin in zip(file.records, file.origins, strict=True):
            for key in record.feed_events if isinstance(record, Link) else ():
                node = f"<{data_iri(base, 'event', key)}>"
                if not (ingested and ingested.has(node)):
                    found.add(node)
                    _log.warning("%s: the link to %s is left out: no such event", origin, key)
    return found


def _without_links(dataset: "Dataset", absent: set[str]) -> "Dataset":
    """Return a dataset without the links that lead to some events."""
    links: dict[str, list[str]] = {}
    gone: set[str] = set()
    for graph in dataset.graphs():
        if graph.endswith("/event-links"):
            for line in dataset.lines(graph):
                subject, predicate, rest = line.split(" ", 2)
                links.setdefault(subject, []).append(line)
                if predicate == term("links") and rest[: rest.index(" ")] in absent:
                    gone.add(subject)
    return dataset.without({line for subject in gone for line in links[subject]})


def _validated_apart(dataset: "Dataset", shapes: "Shapes", origins: Mapping[str, str]) -> "Report":
    """Return the report on all but the graphs of feeds, which were validated piece by piece.

    Of their events that links lead to no more is said here than that they are some.
    """
    import itertools

    from kg.report import WHOLE_GRAPH, Report
    from kg.validate import MAX_RESULTS, validate

    a, event = f"<{RDF}type>", term("Event")
    linked: set[str] = set()
    here: set[str] = set()
    for line in dataset:
        subject, predicate, rest = line.split(" ", 2)
        if predicate == term("links"):
            linked.add(rest[: rest.index(" ")])
        elif predicate == a and rest.startswith(event):
            here.add(subject)
    stubs = sorted(linked - here)
    lines = (f"{node} {a} {kind} .\n" for node in stubs for kind in (event, term("Proposition")))
    most = MAX_RESULTS + len(stubs)  # what is told of these is left out below
    every = itertools.chain(dataset, lines)
    report = validate(every, shapes, origins=origins, max_results=most)
    away = {node[1:-1] for node in stubs}
    return Report(
        tuple(
            one
            for one in report.results
            if (one.value if one.focus == WHOLE_GRAPH else one.focus) not in away
        ),
        report.omitted,
        report.checked,
    )


def _states(facts: "FactSet", rows: "Sequence[LinkRow]") -> dict[str, tuple[str, str]]:
    """Return the states of the facts, by the items of Wikidata that they are."""
    from kg.facts import Agent

    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        record = facts.by_id.get(row.subject)
        if row.published and isinstance(record, Agent) and record.type == "State":
            labels = record.labels
            label = labels.get("en") or next(iter(labels.values()))
            found[row.object_id.removeprefix("wd:")] = (f"agent/{record.id}", label)
    return found


def _join_feeds(
    dataset: "Dataset", ingested: "Ingested", base: str, states: Mapping[str, tuple[str, str]]
) -> frozenset[str]:
    """Add what the build itself says of feeds; return their graphs that may not be handed on.

    Args:
        states: those of the facts, which say what they are themselves.
    """
    from kg.pipeline import CLOSED_LINKS, state_lines

    own = {key for key, _ in states.values()}
    others = {key: label for key, label in ingested.states.items() if key not in own}
    dataset.add_lines(graph_iri(base, "registry"), state_lines(others, base))
    graph = graph_iri(base, "provenance")
    run = f"<{data_iri(base, 'run', 'build')}>"
    for iri in ingested.graphs:
        words, feed = ingested.names[iri]
        dataset.add(graph, f"<{iri}>", f"<{RDF}type>", f"<{PROV}Entity>")
        dataset.add(graph, f"<{iri}>", f"<{RDFS}label>", literal(words, lang="en"))
        dataset.add(graph, f"<{iri}>", f"<{PROV}wasGeneratedBy>", run)
        dataset.add(graph, f"<{iri}>", f"<{DCTERMS}license>", f"<{feed.licence}>")
        citation = literal(feed.citation, lang="en")
        dataset.add(graph, f"<{iri}>", f"<{DCTERMS}bibliographicCitation>", citation)
    closed = {feed.key for feed in ingested.feeds if feed.redistribution == "none"}
    found = {iri for iri in ingested.graphs if ingested.names[iri][1].key in closed}
    return frozenset(found | {graph_iri(base, CLOSED_LINKS)} if found else ())


def _tell_of_strangers(facts: "FactSet", rows: "Sequence[LinkRow]") -> None:
    """Warn of who decided on a link that is published and is no agent of the facts."""
    from kg.facts import Agent

    strangers = {
        who: row.origin
        for row in reversed(rows)
        if facts.by_id.get(row.subject) is not None
        for who in (row.author_id, row.reviewer_id)
        if who and not isinstance(facts.by_id.get(who.removeprefix("kg:agent/")), Agent)
    }
    for who, where in sorted(strangers.items()):
        _log.warning("%s: %s decided on a link, and the facts have no such agent", where, who)


def _leave_out(out: "Quads") -> None:
    """Take what was suppressed out of what was mapped, with all that goes with it."""
    from kg.removal import InDataset, removal

    named, perhaps = ({f"<{one}>" for one in some} for some in (out.suppressed, out.went))
    found = removal(InDataset(out.dataset), named, out.base, perhaps)
    asked = {address for address in out.suppressed | out.went if f"<{address}>" in found.nodes}
    places = sorted({out.origins[one] for one in asked | out.suppressed if one in out.origins})
    if places:
        _log.warning(
            "what was suppressed is still in the facts and is left out; take it out there: %s%s",
            ", ".join(places[:20]),
            " …" if len(places) > 20 else "",
        )
    out.dataset = out.dataset.without(found.lines)


def _derived_origins(derived: "Dataset", origins: Mapping[str, str]) -> dict[str, str]:
    """Return the place of the first event that each assessment is about."""
    out: dict[str, str] = {}
    for line in derived:
        subject, predicate, value = line.split(" ", 3)[:3]
        if predicate == term("assesses"):
            out.setdefault(subject[1:-1], origins.get(value[1:-1], ""))
    return out


def load_facts(facts_folders: Sequence[Path]) -> "FactSet":
    """Return the checked records of some folders, against the built-in ontology.

    Raises:
        KgErrors: what cannot be read as records, all of one stage together.
    """
    from kg.facts import read_facts
    from kg.vocab import load_vocabulary

    return read_facts(facts_folders, load_vocabulary(folder("ontology")).keys())


def check_facts(
    facts_folders: Sequence[Path],
) -> "tuple[dict[str, dict[str, int]], list[RuleBreak]]":
    """Return the number of records by file and kind, and the rules that records break.

    Raises:
        KgErrors: what cannot be read as records, all of one stage together.
    """
    from kg.facts import kind_of, rule_breaks
    from kg.link import link_breaks, read_links

    facts = load_facts(facts_folders)
    counts: dict[str, dict[str, int]] = {}
    for file in facts.files:
        kinds = counts.setdefault(file.file, {})
        for record in file.records:
            kinds[kind_of(record)] = kinds.get(kind_of(record), 0) + 1
    rows = read_links(folder("mappings") / LINKS)
    return counts, [*rule_breaks(facts), *link_breaks(facts, rows)]


def new_facts(
    key: str, text: Path, language: str, date: str, out: Path, *, with_registry: bool
) -> list[Path]:
    """Return the files that were written: `<out>/<key>.yaml`, and the registry if asked for.

    The JSON Schema stands beside them as `schema.json`, for completion in editors.

    Raises:
        FactError: a file is there already; the text cannot be read; an argument is no id, tag or
            date.
    """
    import datetime
    import shutil

    from kg.errors import FactError
    from kg.facts import facts_template, json_schema

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    written = {out / f"{key}.yaml": facts_template(key, text, language, date, today)}
    registry = out / "registry.yaml"
    for path in [*written, *([registry] if with_registry else [])]:
        if path.exists():
            raise FactError("the file is there already", where=str(path), hint="name another key")
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, content in {**written, out / "schema.json": schema}.items():
            path.write_text(content, encoding="utf-8")
        if with_registry:
            shutil.copyfile(folder("facts") / "registry.yaml", registry)
    except OSError as e:
        raise ConfigError(
            "the folder cannot be written", where=str(out), seen=str(e.strerror)
        ) from None
    return [*written, *([registry] if with_registry else [])]


def publish(
    facts_folders: Sequence[Path],
    out: Path,
    *,
    base: str,
    agent: str = "",
    time: str | None = None,
    links: Path | None = None,
    force: bool = False,
    full: bool = False,
    sources: "Sequence[FeedInput]" = (),
    engine: "Engine | None" = None,
    mappings: Sequence[Path] = (),
    retrieved: Mapping[str, str] | None = None,
) -> "tuple[Path | None, Built | None]":
    """Return the release folder, and what was built; the folder is None if it does not conform.

    Where a release of exactly these inputs stands already, whole, it is made current and the
    second value is None. Where only facts have changed since the release that is current, only
    what that concerns is done again; the release is the same. A build that does not conform leaves
    its report in `<out>/rejected/`.

    Args:
        facts_folders: see `build_dataset`.
        out: the folder of releases.
        agent: who is responsible, as the provenance names them.
        time: xsd:dateTime of the build, or None: then the release carries no time.
        force: build even if a release of these inputs stands already, all of it.
        full: do everything again, whatever has changed.
        sources: files of feeds; what was done for those that did not change is taken as it is.
        engine: runs the jobs of feeds; processes of this machine by default.
        mappings: further folders of mappings, beside that of the package. Those from which a
            feed is taken are inputs, but for tests (`test_*.py`).
        retrieved: the day on which the files of a feed were fetched, by its id; of others it is
            not told, and what their mappings say holds for the day that is named there.
    Raises:
        KgErrors: what cannot be read as records.
        FactError: a file of a feed cannot be read.
        MappingError: there is no such feed, or it sets more rows aside than it allows.
        ReleaseError: the folder cannot be written.
    """
    from kg import identity, release
    from kg.increment import Notes, tidy
    from kg.register import Register

    if time is not None and not _is_time(time):
        raise ConfigError(
            "no date and time",
            where="--time",
            seen=time,
            expected="an xsd:dateTime with a zone, e.g. 2026-11-21T12:00:00Z",
        )

    code = Path(kg.__file__).resolve().parent
    folders: dict[str, Path] = {
        "kg": code,
        "ontology": folder("ontology"),
        "shapes": folder("shapes"),
        "mappings": folder("mappings"),
        "queries": folder("queries"),
    }
    for n, path in enumerate(facts_folders):
        folders["facts" if n == 0 else f"facts-{n + 1}"] = path
    _require(facts_folders)
    for facts_folder in facts_folders:
        if out.resolve().is_relative_to(facts_folder.resolve()):
            raise ConfigError(
                "the releases would lie among the facts",
                where="--out",
                seen=str(out),
                expected=f"a folder outside {facts_folder}",
            )

    register = Register(out)
    feeds = _Feeds(out, sources, base, mappings, retrieved or {}, suppressed=bool(register))

    def again() -> "Sequence[Input]":
        found = identity.collect_inputs(folders)
        for n, path in enumerate(feeds.folders, 2):  # whatever else lies there is not read
            scripts = sorted(one for one in path.glob("*.py") if not one.name.startswith("test_"))
            found = (*found, *(_input(f"mappings-{n}/{one.name}", one) for one in scripts))
        if (one := register.input()) is not None:
            found = (*found, one)
        if feeds:
            lexicon = identity.collect_inputs({"lexicon": folder("lexicon")})
            found = (*found, *lexicon, *feeds.inputs)
        return found if links is None else (*found, _input("links", links))

    inputs = again()
    settings = identity.ReleaseSettings(
        base_iri=base,
        title=TITLE,
        licence=LICENCE,
        agent=agent,
        time=time,
        versions={**identity.engine_versions(), "ontology": ontology_version()},
        options={"sources": " ".join(["articles", *feeds.ids]), **feeds.options},
        about=ABOUT,
        rights=" ".join([RIGHTS, *feeds.rights]),
        licences=feeds.licences,
    )
    tidy(out)
    if not force:
        known = release.reuse_release(out, inputs, settings)
        if known is not None:
            feeds.sweep(None)
            return known, None
        if not full and not feeds:
            extended = _extend(facts_folders, out, base, links, inputs, settings, again, register)
            if extended is not None:
                return extended
    with Notes(out) as notes, feeds:
        built = build_dataset(
            facts_folders,
            base,
            links,
            None if feeds else notes,
            register,
            feeds.maker(inputs, engine, register) if feeds else None,
        )
        texts = _report_files(built)
        if not built.conforms:
            with release.locked(out):
                release.must_know(out, inputs, settings)
                return _rejected(out, built)
        _log.info("writing the release")
        content = _content(built, inputs, base)
        path = release.write_release(
            out,
            graphs={**built.dataset.sorted_graphs(), **feeds.graphs(built)},
            settings=settings,
            inputs=inputs,
            report=texts,
            issues=content.issues,
            sources=content.sources,
            questions=content.questions,
            ontology=content.ontology,
            private_graphs=built.private,
            force=force,
        )
        if again() == inputs:  # what was read is what was summed up
            clean = built.report is not None and not built.report.results
            notes.keep(path.name, clean=clean and not built.suppressed)
        feeds.sweep(built)
    return path, built


class _Feeds:
    """The files of feeds of a build. It is false where there are none.

    Used with `with`, nothing of them is left in between where anything was suppressed, however the
    build ends.
    """

    def __init__(
        self,
        out: Path,
        sources: "Sequence[FeedInput]",
        base: str,
        mappings: Sequence[Path] = (),
        retrieved: Mapping[str, str] | None = None,
        *,
        suppressed: bool = False,
    ) -> None:
        import os
        import weakref

        from kg.identity import io_errors
        from kg.manifest import Input
        from kg.pipeline import hold
        from kg.sources import Sources, unfinished

        self._known = Sources(mappings)
        self.folders: list[Path] = []
        """The folders from which feeds are taken, but for that of the package."""
        self._out = out
        self._base = base
        self._suppressed = suppressed
        self._days = dict(sorted((retrieved or {}).items()))
        self.inputs: list[Input] = []
        self._cuts: list[tuple[Feed, list[Cut]]] = []
        by_id: dict[str, list[Path]] = {}
        for one in sources:
            by_id.setdefault(one.source, []).append(one.path)
        if others := sorted(self._days.keys() - by_id.keys()):
            raise ConfigError(
                "no files are given of a feed whose day is told",
                where="--retrieved",
                seen=", ".join(others),
                expected="a feed that is named with --source",
            )
        if by_id:
            with io_errors(self._work, "the folder cannot be written"):
                self._held = hold(self._work)
            weakref.finalize(self, os.close, self._held)
        for source in sorted(by_id):
            place = self._known.path(source).parent
            if place not in (folder("mappings"), *self.folders):
                self.folders.append(place)
            feed = self._known.feed(source).source
            if source in self._days:
                feed = msgspec.structs.replace(feed, retrieved=self._days[source])
            if left := unfinished(feed):
                _log.warning("the mapping %s still has to say: %s", feed.id, ", ".join(left))
            for other, _ in self._cuts:
                if feed.key.startswith(f"{other.key}-"):
                    raise ConfigError(
                        "the addresses of two feeds begin alike, so that they could be the same",
                        where="--source",
                        seen=f"{other.id} and {feed.id}",
                        hint="give one of them another id",
                    )
            self._cuts.append((feed, self._cut(feed, by_id[source])))

    def __bool__(self) -> bool:
        return bool(self._cuts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._suppressed:
            self.sweep(None)

    def _cut(self, feed: "Feed", paths: "Sequence[Path]") -> "list[Cut]":
        """Return the pieces of the files of a feed, in the order of their names."""
        from kg.manifest import Input
        from kg.pipeline import cut_file
        from kg.rows import NoTable, files_of

        files = dict.fromkeys(file for path in paths for file in files_of(path))
        found: dict[tuple[str, str], list[Cut]] = {}
        for n, path in enumerate(files, 1):
            _log.info("reading %s (%d of %d files of %s)", path.name, n, len(files), feed.id)
            try:
                sha256, size, cuts = cut_file(self._work, feed, path)
            except NoTable as error:
                raise self._known.of_another(feed, error.first, error) from error
            name = "stdin" if str(path) == "-" else path.name
            if (name, sha256) in found:
                _log.warning("%s: a file of this name and content was read before", path)
                continue
            if any(known == name for known, _ in found):
                raise ConfigError(
                    "two files of one feed have one name",
                    where="--source",
                    seen=str(path),
                    hint="rename one: the name is a part of what the release is made of",
                )
            for cut in cuts:
                if cut.first and cut.form.unknown:
                    unknown = ", ".join(cut.form.unknown)
                    _log.warning("%s: columns left out that nothing knows: %s", cut.file, unknown)
            found[name, sha256] = cuts
            self.inputs.append(Input(name=f"feeds/{feed.id}/{name}", sha256=sha256, bytes=size))
        return [cut for key in sorted(found) for cut in found[key]]

    @property
    def _work(self) -> Path:
        from kg.index import FOLDER as BUILD
        from kg.pipeline import FOLDER

        return (self._out / BUILD / FOLDER).absolute()

    @property
    def ids(self) -> list[str]:
        """Return the ids of the feeds, sorted."""
        return [feed.id for feed, _ in self._cuts]

    @property
    def options(self) -> dict[str, str]:
        """Return the days on which files were fetched, as an option of the release."""
        days = " ".join(f"{source}={day}" for source, day in self._days.items())
        return {"retrieved": days} if days else {}

    @property
    def rights(self) -> list[str]:
        """Return a sentence on the licence of each feed that may be handed on."""
        return [
            f"Graphs whose keys begin with {feed.key}- are made of {feed.title}"
            f" ({feed.licence}, {'retrieved' if feed.id in self._days else 'terms as of'} "
            f"{feed.retrieved}), mapped to another model and without the texts in it; "
            f"cite: {feed.citation}"
            for feed, _ in self._cuts
            if feed.redistribution != "none"
        ]

    @property
    def licences(self) -> dict[str, str]:
        """Return the licence of each feed, by what the keys of its graphs begin with."""
        return {f"{feed.key}-": feed.licence for feed, _ in self._cuts}

    def maker(
        self, inputs: "Sequence[Input]", engine: "Engine | None", register: "Register | None"
    ) -> "Callable[[Mapping[str, tuple[str, str]]], Ingested]":
        """Return what makes the graphs, given the states of the facts."""
        import hashlib

        from kg.identity import engine_versions
        from kg.pipeline import STATES, Local, Setup, TooMany, ingest, put
        from kg.validate import data_shapes

        def make(states: Mapping[str, tuple[str, str]]) -> "Ingested":
            text = json.dumps(dict(sorted(states.items())), ensure_ascii=False).encode()
            path = self._work / STATES.format(hashlib.sha256(text).hexdigest()[:16])
            put(path, [text])
            # Neither facts nor pages change what rows become.
            engines = sorted(engine_versions().items())
            version = hashlib.sha256(text + repr(engines).encode())
            for one in sorted(inputs, key=lambda one: one.name):
                if not one.name.startswith(("facts", "feeds/", "queries/", "kg/web/", "links")):
                    version.update(f"{one.name} {one.sha256}\n".encode())
            setup = Setup(
                work=str(self._work.absolute()),
                base=self._base,
                ontology=str(folder("ontology")),
                shapes=tuple(map(str, data_shapes())),
                mappings=str(folder("mappings")),
                own=tuple(str(one.absolute()) for one in self.folders),
                states=str(path.absolute()),
                version=version.hexdigest(),
                register=str(self._out.absolute()) if register else "",
                retrieved=tuple(self._days.items()),
            )
            try:
                return ingest(setup, self._cuts, engine or Local())
            except TooMany as error:
                _leave(self._out, {}, error.issues)
                raise

        return make

    def graphs(self, built: Built) -> "Mapping[str, SettledGraph]":
        """Return the graphs of the feeds."""
        found = built.ingested.graphs if built.ingested else {}
        taken = {*built.dataset.graphs(), *(graph_iri(self._base, key) for key in _GRAPHS)}
        if both := sorted(taken & found.keys()):
            raise ConfigError(
                "two graphs have one address",
                where="--source",
                seen=", ".join(both),
                hint="rename the document, or the file of the feed",
            )
        return found

    def sweep(self, built: Built | None) -> None:
        """Remove what lies in between and was not used for this build.

        Where anything was suppressed nothing is kept: pieces of files hold that too.
        """
        from kg.pipeline import sweep

        if self and self._suppressed:
            sweep(self._work, (), self._held)
        elif built and built.ingested:
            sweep(self._work, built.ingested.used, self._held)


def _extend(
    facts_folders: Sequence[Path],
    out: Path,
    base: str,
    links: Path | None,
    inputs: "Sequence[Input]",
    settings: "ReleaseSettings",
    again: "Callable[[], Sequence[Input]]",
    register: "Register",
) -> "tuple[Path | None, Built | None] | None":
    """Return what `publish` returns, if only facts changed since the current release; else None."""
    from kg import release
    from kg.dataset import Dataset
    from kg.errors import ReleaseError
    from kg.increment import Memory
    from kg.link import read_links
    from kg.manifest import read_manifest
    from kg.mapping import Counts, load_mapping
    from kg.validate import data_shapes, load_shapes
    from kg.vocab import load_vocabulary
    from kg.writer import Unfit

    try:
        current = release.find_release(out)
        before = read_manifest(current)
    except ReleaseError:
        return None
    if not _only_facts_changed(before, inputs, settings):
        return None
    vocabulary = load_vocabulary(folder("ontology"))
    rows = read_links(links or folder("mappings") / LINKS)

    def mapped(facts: "FactSet", some: "Sequence[LinkRow]") -> "Quads":
        return map_facts(facts, some, vocabulary, base, whole=False, register=register)[0]

    collecting = gc.isenabled()
    gc.disable()  # there are many things and few cycles: it would look through all of them
    try:
        with Memory(out, current) as memory:
            try:
                found = memory.increment(
                    before,
                    inputs,
                    facts_folders,
                    rows,
                    load_shapes(data_shapes()),
                    vocabulary,
                    mapped,
                )
            except KgError:  # a whole build tells all that is wrong, and in its order
                return None
            low, high = load_mapping(folder("mappings"), "articles").source.expected
            if not low <= found.records <= high:
                return None  # which says what is wrong
            built = Built(
                dataset=Dataset(),
                origins={},
                counts=[Counts("articles", found.records, found.records, 0)],
                breaks=[],
                report=found.report,
            )
            _log.info("writing what changed")
            path = release.extend_release(
                out,
                current.name,
                found.changes,
                _content(built, inputs, base, shared=True),
                settings,
            )
            if again() == inputs:  # what was read is what was summed up
                memory.update(path.name, found)
    except KgError:
        raise
    except (LookupError, Unfit) as error:
        _log.debug("everything is built again: %s", error)
        return None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with what is remembered
        _log.debug("everything is built again: %s", error, exc_info=True)
        return None
    finally:
        if collecting:
            gc.enable()
    return path, built


def _only_facts_changed(
    before: "Manifest", inputs: "Sequence[Input]", settings: "ReleaseSettings"
) -> bool:
    """Return whether nothing but facts is otherwise than in a release."""

    def others(some: "Sequence[Input]") -> set[tuple[str, str]]:
        return {(one.name, one.sha256) for one in some if not one.name.startswith("facts")}

    versions = {name: value for name, value in before.versions.items() if name != "ontology"}
    known = {name: value for name, value in settings.versions.items() if name != "ontology"}
    return (
        others(before.inputs) == others(inputs)
        and versions == known
        and before.options == dict(settings.options)
        and before.base_iri == settings.base_iri
    )


def _content(
    built: Built, inputs: "Sequence[Input]", base: str, *, shared: bool = False
) -> "Content":
    """Return what a release holds besides its quads.

    Args:
        built: what was built.
        inputs: what was read.
        base: the base IRI.
        shared: whether the files of the vocabulary are those of another release.
    """
    from kg.manifest import SourceCount
    from kg.writer import Content

    return Content(
        inputs=inputs,
        report=_report_files(built),
        issues=built.ingested.issues() if built.ingested else (),
        sources=[
            SourceCount(
                id=c.id,
                records=c.records,
                mapped=c.mapped,
                rejected=c.rejected,
                repeated=c.repeated,
                unresolved=c.unresolved,
            )
            for c in built.counts
        ],
        questions=read_questions(folder("queries"), base),
        ontology={} if shared else served_files(),
    )


def _report_files(built: Built) -> "ReportFiles":
    from kg.writer import ReportFiles

    return ReportFiles(
        conforms=built.report is not None and built.report.conforms,
        blocks=not built.conforms,
        ttl=built.report_turtle(),
        json=built.report_json(),
        text=built.report_table(),
        html=built.report_html(),
    )


def _rejected(out: Path, built: Built) -> tuple[None, Built]:
    """Write the report on what is not published; return what `publish` returns."""
    texts = _report_files(built)
    files = {
        "report.ttl": texts.ttl,
        "report.json": texts.json,
        "report.txt": texts.text,
        "report.html": texts.html,
    }
    _leave(out, files, built.ingested.issues() if built.ingested else None)
    return None, built


_LEFT: Final = ("report.ttl", "report.json", "report.txt", "report.html")


def _leave(out: Path, files: Mapping[str, str], issues: "Iterable[Issue] | None") -> None:
    """Write what is to be known of a build that is not published; nothing of others stays."""
    rejected = out / "rejected"
    rejected.mkdir(parents=True, exist_ok=True)
    for name in _LEFT:
        if name in files:
            (rejected / name).write_text(files[name], encoding="utf-8")
        else:
            (rejected / name).unlink(missing_ok=True)
    listed = rejected / "issues.jsonl"
    if issues is None:
        listed.unlink(missing_ok=True)
        return
    with listed.open("wb") as file:
        file.writelines(msgspec.json.encode(one) + b"\n" for one in issues)


def _input(name: str, path: Path) -> "Input":
    """Return a file that is no part of an input folder as an input of its own."""
    import hashlib

    from kg.manifest import Input

    try:
        data = path.read_bytes()
    except OSError as e:
        raise ConfigError("the file cannot be read", where=str(path), seen=str(e)) from None
    return Input(name=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def _is_time(text: str) -> bool:
    """Return whether a text is an xsd:dateTime with a zone, on a day of the calendar."""
    import datetime

    try:
        return bool(_TIME.fullmatch(text) and datetime.datetime.fromisoformat(text).tzinfo)
    except ValueError:
        return False


def _require(folders: Sequence[Path]) -> None:
    from kg.errors import FactError

    missing = [
        FactError("no such folder", where=str(p), hint="name an existing one with --facts")
        for p in folders
        if not p.is_dir()
    ]
    if missing:
        raise KgErrors(missing)


def ontology_version() -> str:
    """Return the `owl:versionInfo` of the ontology.

    Raises:
        ResourceError: it has none.
    """
    path = folder("ontology") / "chancery.ttl"
    match = re.search(r'owl:versionInfo\s+"([^"]+)"', path.read_text(encoding="utf-8"))
    if not match:
        raise ResourceError("the ontology has no owl:versionInfo", where=path.name)
    return match[1]


_HEADER: Final = re.compile(r"^#\s*(question|keywords|description|variables):\s*(.*)$")


def read_questions(queries: Path, base: str) -> "list[Question]":
    """Return the public questions, one per `*.rq` file, in the order of the files' names.

    Args:
        queries: the folder; each file begins with comments `# question: …`, `# keywords: a, b`,
            `# description: …` (a further line `#   …` goes on).
        base: replaces the default base IRI in the queries.
    Raises:
        ResourceError: a file has no question.
    """
    from kg.manifest import Question

    out = []
    for path in sorted(queries.glob("*.rq")):
        text = path.read_text(encoding="utf-8")
        fields: dict[str, str] = {}
        last = ""
        for line in text.splitlines():
            if not line.startswith("#"):
                break
            match = _HEADER.match(line)
            if match:
                last = match[1]
                fields[last] = match[2].strip()
            elif last:
                fields[last] += " " + line.lstrip("# ").strip()
        if "question" not in fields:
            raise ResourceError(
                "the query has no question", where=path.name, expected="# question: …"
            )
        out.append(
            Question(
                id=path.stem,
                question=fields["question"],
                keywords=tuple(k.strip() for k in fields.get("keywords", "").split(",") if k),
                query=text.replace(DEFAULT_BASE, base),
                description=fields.get("description", ""),
            )
        )
    return out


def served_files() -> dict[str, str]:
    """Return the vocabulary's files as they are served, by name."""
    from kg.facts import json_schema

    def joined(name: Any) -> str:
        files = sorted(folder(name).glob("*.ttl"))
        return "\n".join(f.read_text(encoding="utf-8") for f in files)

    return {
        "ontology.ttl": joined("ontology"),
        "shapes.ttl": joined("shapes"),
        "schema.json": json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n",
    }


def _vocabulary_graph(dataset: "Dataset", vocabulary: "Vocabulary", base: str) -> None:
    graph = graph_iri(base, "vocabulary")
    dataset.add_lines(graph, (f"{triple} <{graph}> .\n" for triple in vocabulary.lines))


_GRAPHS: Final = {
    "registry": "Agents, places, things and offices, with their labels",
    "vocabulary": "The ontology and its concept schemes",
    "links": "Links to things outside, each with its justification",
    "event-links": "Events of several documents that are perhaps the same",
    "status": "Derived: who affirms and who denies each described event",
    "uncontested": "Derived: plain statements that nobody disputes",
    "corrections": "What editors corrected, withdrew or suppressed, and why",
    "provenance": "How this release was made",
}


def _provenance_graph(dataset: "Dataset", facts: "FactSet", base: str) -> None:
    """Say what the graphs are and which activity made them; no sizes, no clock."""
    graph = graph_iri(base, "provenance")
    run = f"<{data_iri(base, 'run', 'build')}>"
    a, label = f"<{RDF}type>", f"<{RDFS}label>"
    dataset.add(graph, run, a, f"<{PROV}Activity>")
    dataset.add(graph, run, label, literal("The build of this release", lang="en"))
    dataset.add(graph, run, f"<{SCHEMA}softwareVersion>", literal(f"chancery-kg {kg.__version__}"))
    names = dict(_GRAPHS)
    for file in facts.files:
        if file.document and file.document.id not in file.withdrawn:
            titles = file.document.title
            names[file.document.id] = titles.get("en") or next(iter(titles.values()))
            document = f"<{data_iri(base, 'document', file.document.id)}>"
            dataset.add(graph, run, f"<{PROV}used>", document)
    for key, words in names.items():
        node = f"<{graph_iri(base, key)}>"
        dataset.add(graph, node, a, f"<{PROV}Entity>")
        dataset.add(graph, node, label, literal(words, lang="en"))
        dataset.add(graph, node, f"<{PROV}wasGeneratedBy>", run)
        dataset.add(graph, node, f"<{DCTERMS}license>", f"<{LICENCE}>")
