"""Measures the linker: how many names it gets right, by language and kind, and how fast it is.

    python bench/linking.py [--mentions FILE.tsv …] [--names 100000]

Without a file it reads `bench/mentions.tsv`. A file of mentions has the columns surface, lang,
type_hint (or type) and qid, and perhaps
also_acceptable (identifiers joined by |), literal_qid, status and document. A row whose qid is
empty or NIL is right where nothing is linked. `--literal` scores the reading of the words. With
`--one-document` the rows of one language are one document, as those of an article are.

Beside the linker stands rapidfuzz (WRatio, the nearest of the same names, accepted from 90 on),
which is what a script for a spreadsheet usually does. Speed is of the processor, of one thread, on
names with and without affixes, no two alike; the process is measured from its start. Nothing is
asserted.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

SEED: Final = 20231018
AFFIXES: Final = {
    "bn": ("", "র", "কে", "ের"),
    "en": ("", "'s"),
    "hi": ("", " ने", " को"),
    "ko": ("", "의", "는"),
    "ru": ("", "а", "у"),
}
HINTS: Final = ("state", "person", "city", "organisation", "")

Row = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=Path, action="append", default=[])
    parser.add_argument("--literal", action="store_true")
    parser.add_argument("--one-document", action="store_true")
    parser.add_argument("--names", type=int, default=100_000)
    given = parser.parse_args()
    for path in given.mentions or [Path(__file__).with_name("mentions.tsv")]:
        rows = read(path)
        print(f"\n{path.name}: {len(rows)} rows, read by "
              f"{'their words' if given.literal else 'what is meant'}")  # fmt: skip
        for name, link in (("linker", ours(given.one_document)), ("rapidfuzz", peer())):
            report(name, rows, link(rows, given.literal))
    speed(given.names)


def read(path: Path) -> list[Row]:
    """Return the rows of a file of mentions."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        row["hint"] = row.get("type_hint") or row.get("type") or ""
    return rows


def ours(one_document: bool) -> Callable[[Sequence[Row], bool], list[str]]:
    """Return a function that links rows with the linker."""
    from kg.linker import Linker, Mention

    linker = Linker.load()

    def link(rows: Sequence[Row], literal: bool) -> list[str]:
        documents = [row["lang"] if one_document else row.get("document", "") for row in rows]
        mentions = [
            Mention(row["surface"], row["lang"], row["hint"], row.get("date", ""), document)
            for row, document in zip(rows, documents, strict=True)
        ]
        return [a.literal_qid if literal else a.qid for a in linker.link(mentions)]

    return link


def peer() -> Callable[[Sequence[Row], bool], list[str]]:
    """Return a function that takes the nearest name."""
    from rapidfuzz import fuzz, process, utils

    from kg.lexicon import Lexicon

    lexicon = Lexicon.load()

    def link(rows: Sequence[Row], literal: bool) -> list[str]:
        del literal
        found = []
        for row in rows:
            names = [n for names in lexicon.names(row["lang"]).by_key.values() for n in names]
            best = process.extractOne(
                row["surface"],
                [name.text for name in names],
                scorer=fuzz.WRatio,
                processor=utils.default_process,
                score_cutoff=90,
            )
            found.append(names[best[2]].qid if best else "")
        return found

    return link


def report(name: str, rows: Sequence[Row], answers: Sequence[str]) -> None:
    """Print precision and recall: all, by language, and by kind."""
    counts: dict[str, Counter[str]] = {}
    for row, answer in zip(rows, answers, strict=True):
        wanted = row["qid"]
        right = {wanted, *(row.get("also_acceptable") or "").split("|")} - {""}
        if wanted in ("", "NIL"):
            wrongly = answer and answer not in right
            outcome = "linked where nothing is" if wrongly else "nothing, rightly"
        elif not answer:
            outcome = "missed"
        else:
            outcome = "right" if answer in right else "wrong"
        kind = row["hint"].partition(";")[0].strip() or "no hint"
        metonym = "metonyms" if "metonym" in row["hint"] else ""
        for group in ("all", f"language {row['lang']}", f"kind {kind}", metonym):
            if group:
                counts.setdefault(group, Counter())[outcome] += 1
    print(f"{name:12}{'':30} precision  recall  right  wrong  missed  rows of nothing")
    for group in sorted(counts, key=lambda g: (g != "all", g)):
        c = counts[group]
        linked = c["right"] + c["wrong"] + c["linked where nothing is"]
        named = c["right"] + c["wrong"] + c["missed"]
        precision = f"{c['right'] / linked:.3f}" if linked else "-"
        recall = f"{c['right'] / named:.3f}" if named else "-"
        nothing = c["nothing, rightly"] + c["linked where nothing is"]
        print(
            f"{'':12}{group:30} {precision:>9} {recall:>7} {c['right']:>6} {c['wrong']:>6} "
            f"{c['missed']:>7}  {c['nothing, rightly']}/{nothing}"
        )


def names(most: int) -> Iterator[tuple[str, str, str]]:
    """Yield surfaces of the lexicon's names with their languages and hints, no two alike."""
    from kg.lexicon import Lexicon

    lexicon = Lexicon.load()
    chance = random.Random(SEED)
    found = sorted(
        {
            (name.text + affix, lang)
            for lang, affixes in AFFIXES.items()
            for names in lexicon.names(lang).by_key.values()
            for name in names
            for affix in affixes
        }
    )
    chance.shuffle(found)
    for number in range(most):
        text, lang = found[number % len(found)]
        turn = number // len(found)
        yield (f"{text} {turn}" if turn >= len(HINTS) else text), lang, HINTS[turn % len(HINTS)]


def speed(most: int) -> None:
    """Print names per second, and the time and memory of a process that links one name."""
    from kg.linker import Linker, Mention

    linker = Linker.load(AFFIXES)
    mentions = [Mention(*row) for row in names(most)]
    begun = time.process_time()
    linker.link(mentions)
    spent = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{len(mentions):,} names no two alike: {len(mentions) / spent:,.0f} a second")
    print(f"memory at the end, with these names in it: {memory:.0f} MB")
    code = (
        "import time; t = time.perf_counter();"
        "from kg.linker import Linker, Mention; l = Linker.load();"
        "l.one(Mention('রাশিয়ার', 'bn', 'state'));"
        "d = time.perf_counter() - t;"
        "print(d, [int(x.split()[1]) // 1024 for x in open('/proc/self/status')"
        " if x.startswith('VmHWM')][0])"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            for _ in range(5)]  # fmt: skip
    times = sorted(float(run.stdout.split()[0]) for run in runs)
    print(f"from import to the first answer: {times[2]:.2f} s (median of 5), "
          f"{float(runs[0].stdout.split()[1]):.0f} MB")  # fmt: skip
    few = mentions[:500]
    link = peer()
    begun = time.process_time()
    link([{"surface": m.surface, "lang": m.lang} for m in few], False)
    slow = (time.process_time() - begun) / len(few)
    print(f"rapidfuzz: {1 / slow:,.0f} names a second; the linker is {slow / (spent / most):,.0f} "
          "times as fast")  # fmt: skip


if __name__ == "__main__":
    main()
