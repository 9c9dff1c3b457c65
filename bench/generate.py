"""Makes facts of any size from nothing but a number, and a release of them, to measure with.

    python bench/generate.py [--claims 100000] [--data bench/.data] [--fresh]

The facts are records like those in `facts/`, one JSON Lines file for each document, and go through
our own reading, mapping, derivation and release; only the shapes are left out, and the report in
the release says so. Equal numbers give equal facts: no clock, one seed. Every name is put together
from syllables; none is meant to be anybody's. A release that stands already is used again.

Prints seconds and the highest resident memory of each step.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from kg import identity, release, writer
from kg.build import (
    DEFAULT_BASE,
    LICENCE,
    LINKS,
    map_facts,
    ontology_version,
    read_questions,
    served_files,
)
from kg.manifest import FORMAT, SourceCount
from kg.resources import folder

CLAIMS: Final = 100_000
DATA: Final = Path(__file__).parent / ".data"
SEED: Final = 20260101
IN_DOCUMENT: Final = 40
"""Claims of one document; every number below is for so many."""
EVENTS, RELATIONS, MENTIONS, SENTENCES = 5, 4, 4, 10

Fields = dict[str, Any]

# --- names ----------------------------------------------------------------------------------

_CONSONANTS: Final = tuple(zip("ktnmrlspbdghjc", "কতনমরলসপবদগহজচ", "कतनमरलसपबदगहजच", strict=True))
_VOWELS: Final = (("a", "া", "ा"), ("i", "ি", "ि"), ("u", "ু", "ु"), ("e", "ে", "े"), ("o", "ো", "ो"))
_SYLLABLES: Final = tuple(
    tuple("".join(letters) for letters in zip(c, v, strict=True))
    for c in _CONSONANTS
    for v in _VOWELS
)
_NAMES: Final = len(_SYLLABLES) ** 3
_LANGUAGES: Final = ("en", "bn", "hi")


def name(number: int) -> dict[str, str]:
    """Return an invented name in three languages; another number gives another name."""
    rest = number * 104_729 % _NAMES  # a prime that shares no factor with the number of names
    parts = []
    for _ in range(3):
        rest, n = divmod(rest, len(_SYLLABLES))
        parts.append(_SYLLABLES[n])
    made = ("".join(p[n] for p in parts) for n in range(3))
    return {
        lang: unicodedata.normalize("NFC", text.capitalize())
        for lang, text in zip(_LANGUAGES, made, strict=True)
    }


def phrase(pattern: Mapping[str, str], *names: Mapping[str, str]) -> dict[str, str]:
    """Return the pattern of each language with the names of that language in it."""
    return {lang: text.format(*(n[lang] for n in names)) for lang, text in pattern.items()}


def _words(en: str, bn: str, hi: str) -> dict[str, str]:
    return {"en": en, "bn": bn, "hi": hi}


_AGENTS: Final[Sequence[tuple[str, dict[str, str]]]] = (
    ("State", _words("Republic of {}", "{} প্রজাতন্ত্র", "{} गणराज्य")),
    ("GovernmentBody", _words("Ministry of {}", "{} মন্ত্রণালয়", "{} मंत्रालय")),
    ("GovernmentBody", _words("{} Council", "{} পরিষদ", "{} परिषद")),
    *(("Person", _words("{} {}", "{} {}", "{} {}")),) * 7,
    ("NewsOrganization", _words("{} Courier", "{} বার্তা", "{} समाचार")),
    ("NewsOrganization", _words("Radio {}", "বেতার {}", "रेडियो {}")),
    ("Organization", _words("{} Society", "{} সমিতি", "{} समिति")),
    ("IntergovernmentalOrganization", _words("{} League", "{} জোট", "{} संघ")),
    ("ResearchOrganization", _words("{} Institute", "{} ইনস্টিটিউট", "{} संस्थान")),
    ("ArmedActor", _words("{} Front", "{} ফ্রন্ট", "{} मोर्चा")),
    *(("UnnamedSource", _words("An official in {}", "{} এর এক কর্মকর্তা", "{} का एक अधिकारी")),) * 2,
    ("Group", _words("Residents of {}", "{} এর বাসিন্দারা", "{} के निवासी")),
    ("Person", _words("{} {}", "{} {}", "{} {}")),
)
"""Twenty agents: types and how they are called."""

_EVENTS: Final[Sequence[tuple[str, dict[str, str]]]] = (
    ("meeting", _words("Meeting of {} and {}", "{} ও {} এর বৈঠক", "{} और {} की बैठक")),
    ("official-visit", _words("Visit of {} to {}", "{} এর {} সফর", "{} की {} यात्रा")),
    ("talks", _words("Talks of {} with {}", "{} ও {} এর আলোচনা", "{} और {} की वार्ता")),
    ("arms-transfer", _words("Arms of {} for {}", "{} থেকে {} এর অস্ত্র", "{} से {} को हथियार")),
    ("blame", _words("Blame of {} for {}", "{} কর্তৃক {} কে দোষারোপ", "{} का {} पर आरोप")),
    (
        "sanction-imposition",
        _words("Sanctions of {} on {}", "{} এর {} নিষেধাজ্ঞা", "{} के {} पर प्रतिबंध"),
    ),
    ("military-exercise", _words("Exercise of {} with {}", "{} ও {} এর মহড়া", "{} और {} का अभ्यास")),
    ("invitation", _words("Invitation by {} of {}", "{} এর {} কে আমন্ত্রণ", "{} का {} को निमंत्रण")),
    ("material-aid", _words("Aid of {} for {}", "{} থেকে {} এর সাহায্য", "{} से {} को सहायता")),
    (
        "weapons-test",
        _words("Test by {} seen by {}", "{} এর পরীক্ষা, {} এর চোখে", "{} का परीक्षण, {} की नज़र में"),
    ),
    ("cooperation", _words("Cooperation of {} and {}", "{} ও {} এর সহযোগিতা", "{} और {} का सहयोग")),
    ("inspection", _words("Inspection by {} of {}", "{} এর {} পরিদর্শন", "{} द्वारा {} का निरीक्षण")),
)
_RELATIONS: Final = (
    "ally-of", "member-of", "recognises", "has-relations-with", "supports", "backs", "possesses",
    "produces", "interested-in", "responsible-for",
)  # fmt: skip
_THINGS: Final = ("Vehicle", "Materiel", "Programme", "Measure", "Work", "Topic")
_STANCES: Final = {
    "affirms": 70, "denies": 10, "disputes-evidence": 4, "questions": 5, "does-not-confirm": 6,
    "cannot-verify": 5,
}  # fmt: skip
_MODALITIES: Final = {
    "actual": 60, "ongoing": 8, "planned": 10, "expected": 8, "intended": 6, "conditional": 4,
    "hypothetical": 4,
}  # fmt: skip
_CERTAINTIES: Final = {"unstated": 60, "certain": 20, "probable": 12, "possible": 8}
_BASES: Final = {
    "none-stated": 40, "official-statement": 20, "named-source": 10, "unnamed-source": 10,
    "own-observation": 5, "document": 5, "analysis": 5, "satellite-imagery": 3, "intelligence": 2,
}  # fmt: skip


# --- records --------------------------------------------------------------------------------


class Maker:
    """Makes the records of one world; the same numbers make the same world."""

    def __init__(self, claims: int, seed: int = SEED) -> None:
        self.claims = claims
        self._random = random.Random(seed)
        self._used = 0
        self._agents = max(60, claims // 50)
        self._places = max(30, claims // 200)
        self._things = max(30, claims // 200)
        self._labels: list[dict[str, str]] = []
        self._outlets = [n for n in range(self._agents) if self._agent(n)[0] == "NewsOrganization"]
        self._twins: list[Fields] = []

    def files(self) -> Iterator[tuple[str, list[Fields]]]:
        """Yield the name of each file and its records, the registry first."""
        yield "registry.jsonl", list(self._registry())
        left, number = self.claims, 0
        while left > 0:
            quota = min(IN_DOCUMENT, left)
            yield f"report-{number:06}.jsonl", self._document(number, quota)
            left -= quota
            number += 1

    # The registry

    @staticmethod
    def _agent(n: int) -> tuple[str, dict[str, str]]:
        return _AGENTS[n % len(_AGENTS)]

    def _new_name(self) -> dict[str, str]:
        self._used += 1
        return name(self._used)

    def _registry(self) -> Iterator[Fields]:
        common = {
            "basis": "invented by bench/generate.py",
            "as_of": "2026-01-01",
            "extracted": "generated",
        }
        yield {
            "kind": "run", "id": "generated", "type": "extraction", "agent": "generator",
            "date": "2026-01-01", "method": "Made from random numbers; nobody read anything.",
            "label": {"en": "The making of these facts"},
        }  # fmt: skip
        yield {
            "kind": "agent", "id": "generator", "type": "SoftwareAgent",
            "labels": {"en": "The generator of the benchmark"}, **common,
        }  # fmt: skip
        for n in range(self._agents):
            kind, pattern = self._agent(n)
            labels = phrase(pattern, self._new_name(), self._new_name())
            self._labels.append(labels)
            record = {"kind": "agent", "id": f"a{n}", "type": kind, "labels": labels, **common}
            state = n - n % len(_AGENTS)
            place = n % len(_AGENTS)
            if kind == "GovernmentBody" or 3 <= place <= 7:
                record["acts_for"] = f"a{state if kind == 'GovernmentBody' else state + 1}"
            if kind in ("NewsOrganization", "Organization", "ResearchOrganization"):
                record["located_in"] = f"p{n % self._places}"
            if kind in ("UnnamedSource", "Group"):
                record["description"] = {"en": f"Not named; number {n} of the generated world."}
                record["quantity"] = {"precision": "unstated", "unit": "persons"}
            if kind == "State":
                record["variants"] = {"en": [labels["en"].split()[-1]]}
            yield record
        for n in range(self._places):
            labels = self._new_name()
            record = {"kind": "place", "id": f"p{n}", "labels": labels, **common}
            record["located_in"] = f"a{n * len(_AGENTS) % (self._agents // 20 * 20)}"
            if n % 3 == 0:
                record["type"] = "Facility"
                record["labels"] = phrase(_words("Port {}", "{} বন্দর", "{} बंदरगाह"), labels)
            if n % 2 == 0:
                record |= {"latitude": f"{n % 60}.5", "longitude": f"{n % 150}.25"}
            yield record
        for n in range(self._things):
            yield {
                "kind": "thing", "id": f"t{n}", "type": _THINGS[n % len(_THINGS)],
                "labels": phrase(_words("The {} matter", "{} বিষয়", "{} मामला"), self._new_name()),
                **common,
            }  # fmt: skip
        for n in range(self._agents // 20):
            yield {
                "kind": "position", "id": f"o{n}",
                "labels": phrase(_words("Envoy of {}", "{} এর দূত", "{} का दूत"), self._new_name()),
                "position_for": f"a{n * 20}", **common,
            }  # fmt: skip

    # Documents

    def _pick(self, weights: Mapping[str, int]) -> str:
        return self._random.choices(tuple(weights), tuple(weights.values()))[0]

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _document(self, number: int, quota: int) -> list[Fields]:
        rnd = self._random
        key = f"report-{number:06}"
        day = date(2021, 1, 1) + timedelta(days=number % 1800)
        title = phrase(_words("Report on {}", "{} নিয়ে প্রতিবেদন", "{} पर रिपोर्ट"), self._new_name())
        records: list[Fields] = [
            {
                "kind": "document", "id": key, "identifier": key, "title": title,
                "language": _LANGUAGES[number % 3], "sha256": _sha(key),
                "characters": 120 * SENTENCES,
                "sentences": [
                    {"at": f"{120 * n}-{120 * n + 119}", "sha256": _sha(f"{key}/{n}")}
                    for n in range(SENTENCES)
                ],
                "reference_date": day.isoformat(), "reference_basis": "dateline",
                "publisher": f"a{self._outlets[number % len(self._outlets)]}",
                "published": day.isoformat(),
                "custody": {"reason": "The report is invented."},
                "extracted": "generated", "review": "drafted",
            }
        ]  # fmt: skip
        events = [self._event(f"{key}-e{n}", day) for n in range(min(EVENTS, quota))]
        left = quota - len(events)
        relations = [self._relation(f"{key}-r{n}", day) for n in range(min(RELATIONS, left))]
        records += events
        records += relations
        speaker = f"a{rnd.randrange(self._agents)}"
        of_set = number % 3 == 0 and quota > EVENTS + RELATIONS
        claims = self._claims(
            key, quota - of_set, [e["id"] for e in events], [r["id"] for r in relations]
        )
        records += claims
        if of_set:
            plain = [c["id"] for c in claims if "about" in c]
            records.append(
                {
                    "kind": "claimset", "id": f"{key}-set",
                    "label": {"en": f"Such statements ({key})"},
                    "stated": plain[:2], "inferred": plain[2:4], "evidence": [{"sentence": 1}],
                }
            )  # fmt: skip
            records.append(
                {
                    "kind": "claim", "id": f"{key}-on-set", "by": [speaker],
                    "about": f"{key}-set", "stance": "denies", "modality": "actual",
                    "certainty": "unstated", "basis": "none-stated", "evidence": [{"sentence": 2}],
                }
            )  # fmt: skip
        for n in range(MENTIONS):
            who = rnd.randrange(self._agents)
            surface = self._labels[who][_LANGUAGES[number % 3]]
            start = 120 * n + 3
            records.append(
                {
                    "kind": "mention", "id": f"{key}-m{n}", "at": f"{start}-{start + len(surface)}",
                    "surface": surface, "names": f"a{who}", "sha256": _sha(surface),
                }
            )  # fmt: skip
        return records

    def _event(self, key: str, day: date) -> Fields:
        rnd = self._random
        if self._twins and self._chance(0.02):  # another report of what was reported before
            twin = self._twins.pop()
            return {**twin, "id": key}
        kind, pattern = _EVENTS[rnd.randrange(len(_EVENTS))]
        one, two = rnd.sample(range(self._agents), 2)
        happened = day - timedelta(days=rnd.randrange(30))
        exact = self._chance(0.7)
        event: Fields = {
            "kind": "event", "id": key, "type": kind,
            "label": phrase(pattern, self._labels[one], self._labels[two]),
            "participants": [
                {"role": "actor", "who": f"a{one}"},
                {"role": "recipient", "who": f"a{two}"},
            ],
            "time": {
                "edtf": happened.isoformat() if exact else happened.isoformat()[:7],
                "rule": "stated-date" if exact else "month-of-year",
            },
        }  # fmt: skip
        if self._chance(0.5):
            event["participants"].append(
                {"role": "place", "who": f"p{rnd.randrange(self._places)}"}
            )
        if self._chance(0.2):
            event["participants"].append(
                {"role": "topic", "who": f"t{rnd.randrange(self._things)}"}
            )
        if self._chance(0.1):
            low = rnd.randrange(2, 900)
            event["quantity"] = {"low": str(low), "precision": "at-least", "unit": "persons"}
        elif self._chance(0.1):
            event["quantity"] = {
                "best": str(rnd.randrange(2, 900)), "precision": "approximate", "unit": "tonnes",
                "wording": "about so many",
            }  # fmt: skip
        if self._chance(0.02):
            event["reading"] = {
                "quality": "ambiguous", "literal": "a word of two senses",
                "chosen": "the first sense", "reason": "The next sentence goes on with it.",
            }  # fmt: skip
        if self._chance(0.02) and exact:
            self._twins.append(event)
        return event

    def _relation(self, key: str, day: date) -> Fields:
        rnd = self._random
        one, two = rnd.sample(range(self._agents), 2)
        relation: Fields = {
            "kind": "relation", "id": key, "type": _RELATIONS[rnd.randrange(len(_RELATIONS))],
            "subject": f"a{one}",
            "object": f"t{rnd.randrange(self._things)}" if self._chance(0.3) else f"a{two}",
        }  # fmt: skip
        if self._chance(0.3):
            relation["time"] = {"edtf": day.isoformat()[:7], "rule": "month-of-year"}
        return relation

    def _claims(
        self, key: str, quota: int, events: Sequence[str], relations: Sequence[str]
    ) -> list[Fields]:
        """Return records that become `quota` claims: one each, and one for each outlet."""
        rnd = self._random
        out: list[Fields] = []
        ordinals: Counter[tuple[tuple[str, ...], str]] = Counter()
        depth: dict[str, int] = {}
        about: dict[str, list[str]] = {}
        unsaid = [*events, *relations]  # each needs one claim at least
        left = quota
        while left > 0:
            claim: Fields = {"kind": "claim", "id": f"{key}-c{len(out)}"}
            plain = [c["id"] for c in out if depth[c["id"]] < 3 and "via" not in c]
            depth[claim["id"]] = 0
            if plain and left > len(unsaid) and self._chance(0.08):
                target = plain[rnd.randrange(len(plain))]
                claim |= {"relays": target, "stance": "affirms", "modality": "actual"}
                claim |= {"certainty": "unstated", "basis": "named-source"}
                by = [f"a{self._outlets[rnd.randrange(len(self._outlets))]}"]
                depth[claim["id"]] = depth[target] + 1
            else:
                among = events if self._chance(0.8) or not relations else relations
                target = unsaid.pop() if unsaid else among[rnd.randrange(len(among))]
                claim |= {
                    "about": target, "stance": self._pick(_STANCES),
                    "modality": self._pick(_MODALITIES), "certainty": self._pick(_CERTAINTIES),
                    "basis": self._pick(_BASES),
                }  # fmt: skip
                by = self._speakers()
            claim["by"] = by
            fields = (tuple(sorted(by)), target)
            ordinals[fields] += 1
            if ordinals[fields] > 1:
                claim["n"] = ordinals[fields]
            claim["evidence"] = [{"sentence": len(out) % SENTENCES}]
            left -= 1
            if (
                "about" in claim
                and left > len(unsaid)
                and by[0].startswith("a")
                and self._chance(0.05)
            ):
                outlets = rnd.sample(self._outlets, min(left - len(unsaid), 1 + self._chance(0.3)))
                claim["via"] = [f"a{n}" for n in outlets]
                left -= len(outlets)
            if "about" in claim:
                others = about.setdefault(target, [])
                if others and self._chance(0.1):
                    claim["responds_to"] = [others[rnd.randrange(len(others))]]
                if others and self._chance(0.05):
                    claim["contrasts_with"] = [others[rnd.randrange(len(others))]]
                others.append(claim["id"])
            if self._chance(0.02):
                claim["confidence"] = "0.75"
            out.append(claim)
        return out

    def _speakers(self) -> list[str]:
        which = self._random.random()
        if which < 0.12:
            return ["narrator"]
        if which < 0.16:
            return ["unattributed"]
        many = 2 if which > 0.9 else 1
        return [f"a{n}" for n in self._random.sample(range(self._agents), many)]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_facts(out: Path, claims: int, seed: int = SEED) -> None:
    """Write the facts files of so many claims into a new folder."""
    out.mkdir(parents=True)
    for file, records in Maker(claims, seed).files():
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (out / file).write_text("".join(lines), encoding="utf-8")


# --- the release ----------------------------------------------------------------------------


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print how long the block takes, and the highest resident memory in it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    start = time.perf_counter()
    yield
    taken = time.perf_counter() - start
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM"))
    print(f"{what:44}{taken:8.1f} s {peak / 1024:8.0f} MiB", file=sys.stderr, flush=True)


def release_of(claims: int, data: Path = DATA, *, fresh: bool = False) -> Path:
    """Return the folder of releases whose current one is of generated facts, made if need be.

    Args:
        claims: how many claims the graph holds.
        data: where facts and releases are kept, by number of claims.
        fresh: make it again even if it is there.
    """
    mark = hashlib.sha256(f"{FORMAT} {claims} {SEED}".encode())
    for _, records in Maker(10 * IN_DOCUMENT).files():
        mark.update(json.dumps(records).encode())
    for path in (
        *sorted(folder("mappings").glob("*.py")),
        *sorted(folder("ontology").glob("*.ttl")),
    ):
        mark.update(path.read_bytes())
    place = data / f"{claims}-claims-{mark.hexdigest()[:12]}"
    releases = place / "releases"
    if (releases / "current").is_dir() and not fresh:
        return releases
    if place.exists():
        for path in place.rglob("*"):  # a release cannot be written to
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(place)
    _publish(place / "facts", releases, claims)
    return releases


def _publish(facts_folder: Path, releases: Path, claims: int) -> None:
    from kg.derive import derive
    from kg.facts import read_facts, rule_breaks
    from kg.link import read_links
    from kg.vocab import load_vocabulary

    with step(f"generate {claims} claims"):
        write_facts(facts_folder, claims)
    vocabulary = load_vocabulary(folder("ontology"))
    with step("read and check the facts"):
        facts = read_facts([facts_folder], vocabulary.keys())
    with step("rules on records"):
        if breaks := rule_breaks(facts):
            sys.exit(f"{len(breaks)} records break rules; the first: {breaks[0]}")
    rows = read_links(folder("mappings") / LINKS)
    with step("map"):
        out, count = map_facts(facts, rows, vocabulary, DEFAULT_BASE)
    dataset = out.dataset
    del facts, out
    with step("derive"):
        dataset.update(derive(dataset, DEFAULT_BASE))
    graphs = dataset.sorted_graphs()
    settings = identity.ReleaseSettings(
        base_iri=DEFAULT_BASE,
        title="Generated data",
        licence=LICENCE,
        versions={**identity.engine_versions(), "ontology": ontology_version()},
        options={"claims": str(claims), "seed": str(SEED)},
    )
    note = "Generated data, not validated against the shapes.\n"
    report = writer.ReportFiles(
        conforms=False,
        blocks=False,
        ttl=f"# {note}",
        json=json.dumps({"validated": False, "note": note.strip()}) + "\n",
        text=note,
    )
    with step("write the release"):
        release.write_release(
            releases,
            graphs=graphs,
            inputs=identity.collect_inputs({"facts": facts_folder}),
            settings=settings,
            report=report,
            issues=(),
            sources=[
                SourceCount(id=count.id, records=count.records, mapped=count.mapped, rejected=0)
            ],
            questions=read_questions(folder("queries"), DEFAULT_BASE),
            ontology=served_files(),
        )


def main() -> None:
    """Make a release, or say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=CLAIMS)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--fresh", action="store_true", help="make it again")
    options = parser.parse_args()
    print(release_of(options.claims, options.data, fresh=options.fresh))


if __name__ == "__main__":
    main()
