"""Measures what `kg annotate` proposes against facts that people have, for texts that you hold.

    python bench/annotate.py --articles DIR [--facts DIR] [--list]

For each document of the facts whose text (by its hash) is in the folder: which of its mentions,
dates and attributions are proposed. Counted are

- mentions: same place; and of these, those that name the same record. Only names of agents, places
  and positions of the registry can be found: what an article alone describes is listed apart;
- dates: the different dates (EDTF, part of the day) that records say the text itself gives, by
  `reference` or a stated date; not those "as of the document" or relative to an event;
- attributions: each sentence with a claim of a stance by somebody else than the narrator, counted
  once for each speaker; speakers without a name are right as many as are proposed there.

What is proposed and stands in no facts is counted too: it is not always wrong. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

from kg.annotate import Item, Proposal, Request, propose
from kg.article import Article
from kg.build import load_facts
from kg.facts import (
    Agent,
    Claim,
    Document,
    Event,
    FactFile,
    FactSet,
    Mention,
    Relation,
    offsets,
    read_registry,
)
from kg.link import read_links
from kg.linker import Linker
from kg.resources import folder
from kg.scan import find

NOT_IN_WORDS = ("as-of-document", "relative-to-event", "unresolved")
UNNAMED = "(without a name)"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--articles", type=Path, required=True)
    parser.add_argument("--facts", type=Path, default=folder("facts"))
    parser.add_argument("--list", action="store_true", help="say what is missing and what is more")
    args = parser.parse_args(arguments)
    facts = load_facts([args.facts])
    registry = read_registry([args.facts])
    shared = {record.id for record in registry}
    identifiers = {
        row.object_id.removeprefix("wd:"): row.subject
        for row in read_links(folder("mappings") / "wikidata.sssom.tsv")
        if row.published and row.predicate_id == "skos:exactMatch"
    }
    texts = [Article.read(path) for path in sorted(args.articles.iterdir()) if path.is_file()]
    by_hash = {text.sha256: text for text in texts}
    measured = 0
    for file in facts.files:
        if not file.document or file.document.sha256 not in by_hash:
            continue
        document = file.document
        measured += 1
        linker = Linker.load([document.language])
        entities = linker.lexicon.entities
        proposal = propose(
            by_hash[document.sha256],
            Request(
                key="bench",
                language=document.language,
                today="2000-01-01",
                reference=date.fromisoformat(document.reference_date),
                reference_basis=document.reference_basis,
            ),
            functools.partial(find, linker),
            registry,
            identifiers,
            lambda qid, known=entities: (
                Item(known[qid].label, known[qid].kind) if qid in known else None
            ),
        )
        print(f"{document.id} ({document.language})")
        mentions(file, proposal, shared, args.list)
        dates(file, proposal, args.list)
        attributions(file, document, facts, proposal, args.list)
    if not measured:
        print("no text here has the hash of a document of the facts", file=sys.stderr)
        return 2
    return 0


def line(what: str, found: int, all_: int, more: str = "") -> None:
    share = f"{found / all_:.2f}" if all_ else "–"
    print(f"  {what:42} {found:4} of {all_:4}  {share}  {more}")


def mentions(file: FactFile, proposal: Proposal, shared: set[str], listed: bool) -> None:
    theirs = [r for r in file.records if isinstance(r, Mention)]
    ours = {r.at: r for r in proposal.records if isinstance(r, Mention)}
    for what, some in (
        ("mentions of the registry's records", [m for m in theirs if m.names in shared]),
        ("mentions of what only the article has", [m for m in theirs if m.names not in shared]),
    ):
        at = [m for m in some if m.at in ours]
        same = [m for m in at if ours[m.at].names == m.names]
        line(f"{what}: place", len(at), len(some))
        line(f"{what}: record", len(same), len(some))
        if listed:
            for m in some:
                if m not in same:
                    print(f"      {m.at} {m.surface}: {m.names}; ours {ours.get(m.at)}")
    meant = [m for m in theirs if m.means and m.at in ours]
    line("metonyms: means the same", sum(ours[m.at].means == m.means for m in meant), len(meant))
    line(
        "metonyms: that reading offered in the note",
        sum(f"may stand for {m.means}:" in (ours[m.at].note or "") for m in meant),
        len(meant),
    )
    places = {m.at for m in theirs}
    extra = [m for at, m in ours.items() if at not in places]
    print(f"  proposed beside them: {len(extra)} mentions")
    if listed:
        for m in extra:
            print(f"      {m.at} {m.surface}: {m.names}")


def times(file: FactFile) -> Iterator[tuple[str, str]]:
    for record in file.records:
        if isinstance(record, (Event, Relation, Claim)) and record.time:
            time = record.time
            if time.rule not in NOT_IN_WORDS:
                yield time.edtf, time.part or ""


def dates(file: FactFile, proposal: Proposal, listed: bool) -> None:
    theirs = sorted(set(times(file)))
    ours = {(one.edtf, one.part or "") for _, one in proposal.dates}
    line("dates that words of the text give", sum(t in ours for t in theirs), len(theirs))
    if listed:
        for time in theirs:
            if time not in ours:
                print(f"      missing {time}")
    print(f"  proposed beside them: {len(ours - set(theirs))} dates")
    said = {(r.id, r.time.edtf) for r in file.records if isinstance(r, Claim) and r.time}
    print(f"  ({len(said)} claims of the facts have a time of saying)")


def attributions(
    file: FactFile, document: Document, facts: FactSet, proposal: Proposal, listed: bool
) -> None:
    bounds = [offsets(sentence.at) for sentence in document.sentences]
    theirs = count(
        (number, claim.stance, key)
        for claim in file.records
        if isinstance(claim, Claim)
        for number in numbers(claim, bounds)[:1]
        for key in [*claim.by, *claim.via]
        if key != "narrator"
    )(facts.by_id.get)
    new = {r.id: r for r in proposal.records if isinstance(r, Agent)}
    ours = count(
        (one.sentence, one.claim.stance, key)
        for one in proposal.spoken
        for key in [*one.claim.by, *one.claim.via]
    )(lambda key: new.get(key) or facts.by_id.get(key))
    stances = {(number, stance) for number, stance, _ in theirs}
    found = {(number, stance) for number, stance, _ in ours}
    line("sentence and stance", len(stances & found), len(stances))
    line("sentence, stance and speaker", (theirs & ours).total(), theirs.total())
    for stance in sorted({stance for _, stance in stances if stance != "affirms"}):
        some = Counter({one: n for one, n in theirs.items() if one[1] == stance})
        line(f"  {stance}, with speaker", (some & ours).total(), some.total())
    more = ours - theirs
    named = sum(n for one, n in more.items() if one[2] != "unattributed")
    print(f"  proposed beside them: {more.total()}, of which {named} name a speaker")
    if listed:
        for one in sorted(theirs - ours):
            print(f"      missing {one}")
        for one in sorted(more):
            print(f"      more {one}")


def count(
    spoken: Iterable[tuple[int, str, str]],
) -> Callable[[Callable[[str], object]], Counter[tuple[int, str, str]]]:
    """Return what counts who takes which stance in which sentence, each speaker once."""
    different = set(spoken)

    def counted(record_of: Callable[[str], object]) -> Counter[tuple[int, str, str]]:
        out: Counter[tuple[int, str, str]] = Counter()
        for number, stance, key in different:
            record = record_of(key)
            unnamed = isinstance(record, Agent) and record.type in ("UnnamedSource", "Group")
            out[number, stance, UNNAMED if unnamed else key] += 1
        return out

    return counted


def numbers(claim: Claim, bounds: list[tuple[int, int]]) -> list[int]:
    """Return the sentences in which a claim's evidence stands, those of the stance first."""
    out = []
    for evidence in claim.evidence:
        if evidence.sentence is not None:
            out.append(evidence.sentence)
        elif evidence.at:
            start = offsets(evidence.at)[0]
            out.append(next(n for n, (a, b) in enumerate(bounds) if a <= start < b))
    # A claim that leans on a speaker named before is made in its last sentence.
    return sorted(set(out), reverse=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
