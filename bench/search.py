"""Measures the search of names: how long, how large, and how many misspelt names are found.

    python bench/search.py [--labels 100000] [--asked 200]

The names are invented, put together from syllables: a fifth of the labels in each of English,
Bengali, Hindi, Korean and Russian, two words each, in Korean one. Equal numbers give equal names.
Asked are names as they are, their beginnings, and names in one word of which one letter was added,
left out, changed, or swapped with the next one; in Korean a vowel was changed. Beside our index
stands rapidfuzz, which compares what is asked with every label: what it does not find among its
first ten can hardly be found. Times are of the processor, of one thread. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from unicodedata import normalize

from kg.context import Terms
from kg.labels import Labels, Wording
from kg.names import fold
from kg.vocab import CH, RDF, RDFS
from kg.web.search import search, suggest

SEED: Final = 20231018
BASE: Final = "https://chancery.example/"
FIRST: Final = 10
"""Things among which the one that was meant has to be."""
LETTERS: Final = {
    "en": ("bdfghjklmnprstvz", "aeiou"),
    "bn": ("কখগচজটডতদনপবভমরলশসহ", ("া", "ি", "ু", "ে", "ো", "")),
    "hi": ("कखगचजटडतदनपबभमरलशसह", ("ा", "ि", "ु", "े", "ो", "")),
    "ko": (
        "가거고구기나너노누니다더도두디라러로루리마머모무미바버보부비사서소수시",
        ("", "ᆨ", "ᆫ", "ᆼ"),
    ),
    "ru": ("бвгдзклмнпрстфхш", "аеиоуы"),
}
SYLLABLES: Final = {
    tag: [normalize("NFC", one + other) for one in first for other in then]
    for tag, (first, then) in LETTERS.items()
}


def name(language: str, chance: random.Random) -> str:
    """Return an invented name."""
    sizes = [chance.randint(3, 4)] if language == "ko" else [chance.randint(2, 4) for _ in "12"]
    return " ".join(
        "".join(chance.choice(SYLLABLES[language]) for _ in range(size)) for size in sizes
    )


def misspelt(text: str, language: str, chance: random.Random) -> str:
    """Return the name with one error in its longest word."""
    words = text.split()
    place = max(range(len(words)), key=lambda number: len(words[number]))
    letters = list(words[place])
    at = chance.randrange(len(letters))
    if language == "ko":  # another vowel: what is typed is letters, not syllables
        parts = list(normalize("NFD", letters[at]))
        parts[1] = chance.choice([vowel for vowel in "ᅡᅥᅩᅮᅵᅳᅢᅦ" if vowel != parts[1]])
        letters[at] = normalize("NFC", "".join(parts))
    else:
        other = chance.choice("".join(SYLLABLES[language]).replace(letters[at], ""))
        match chance.choice(("add", "leave out", "change", "swap")):
            case "add":
                letters.insert(at, other)
            case "leave out":
                del letters[at]
            case "change":
                letters[at] = other
            case _:
                at = min(at, len(letters) - 2)
                letters[at : at + 2] = letters[at + 1], letters[at]
    words[place] = "".join(letters)
    return " ".join(words)


def timed(action: Callable[[str], Sequence[str]], asked: Sequence[str]) -> tuple[str, list[bool]]:
    """Return the median and the 95th percentile in words, and what was found for each."""
    taken, found = [], []
    for text in asked:
        start = time.thread_time()
        answer = action(text)
        taken.append((time.thread_time() - start) * 1000)
        found.append(answer)
    taken.sort()
    words = f"{statistics.median(taken):6.1f} ms, p95 {taken[len(taken) * 95 // 100]:6.1f} ms"
    return words, found


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=100_000)
    parser.add_argument("--asked", type=int, default=200)
    options = parser.parse_args()
    try:
        from rapidfuzz import fuzz, process
    except ImportError:
        sys.exit("rapidfuzz is missing: pip install -e '.[bench]' -c constraints.txt")
    chance = random.Random(SEED)
    names = [
        {tag: name(tag, chance) for tag in SYLLABLES}
        for _ in range(options.labels // len(SYLLABLES))
    ]
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "labels.sqlite"
        start = time.thread_time()
        wording = Wording(BASE, Terms([]), ())
        with Labels(index) as labels:
            for number, some in enumerate(names):
                pairs = [(f"<{RDFS}label>", f'"{text}"@{tag}') for tag, text in some.items()]
                pairs.append((f"<{RDF}type>", f"<{CH}Person>"))
                labels.add(wording.rows(f"<{BASE}id/agent/a{number}>", pairs))
        print(f"index of {options.labels} labels: {time.thread_time() - start:.1f} s of processor,")
        print(f"  {index.stat().st_size / options.labels:.0f} bytes for each label")
        labelled = [(text, number) for number, some in enumerate(names) for text in some.values()]
        folded = [fold(text) for text, _ in labelled]

        def ours(text: str) -> list[int]:
            return [int(h.iri.rsplit("/a", 1)[1]) for h in search(index, text, limit=FIRST).hits]

        def suggested(text: str) -> list[int]:
            return [int(h.iri.rsplit("/a", 1)[1]) for h in suggest(index, text, limit=FIRST)]

        def peer(text: str) -> list[int]:
            best = process.extract(fold(text), folded, scorer=fuzz.ratio, limit=FIRST)
            return [labelled[place][1] for _, _, place in best]

        for tag in SYLLABLES:
            meant = chance.sample(range(len(names)), options.asked)
            exact = [names[number][tag] for number in meant]
            begun = [text[: len(text) // 2 + 1] for text in exact]
            wrong = [misspelt(text, tag, chance) for text in exact]
            for what, asked, ways in (
                ("exact", exact, (("search", ours),)),
                ("begun", begun, (("suggest", suggested),)),
                ("misspelt", wrong, (("search", ours), ("suggest", suggested), ("peer", peer))),
            ):
                for way, action in ways:
                    taken, found = timed(action, asked)
                    right = sum(one in some for one, some in zip(meant, found, strict=True))
                    share = f"{right / len(asked):5.1%} found" if what != "begun" else ""
                    print(f"{tag} {what:9} {way:8} {taken}  {share}", flush=True)


if __name__ == "__main__":
    main()
