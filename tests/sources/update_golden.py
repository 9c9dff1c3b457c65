"""Writes the golden files anew: `python tests/sources/update_golden.py [FOLDER]`.

In `golden/feeds/` stands what a build makes of the samples of each feed, and what it sets aside.
"""

import sys
import tempfile
from pathlib import Path

from kg.build import build_dataset

BASE = "https://chancery.example/"
HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    from feeding import feed_file, golden, known_of, lines_of, places, samples, settle

    checkout = HERE.parents[1]
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "golden"
    (to / "feeds").mkdir(exist_ok=True, parents=True)
    built = build_dataset([checkout / "docs/tutorial/facts"], BASE)
    lines = "".join(built.dataset.lines(f"{BASE}id/graph/harbour-visit"))
    (to / "harbour-visit.nq").write_text(lines, encoding="utf-8")
    where = places(checkout)
    for source, sample in samples(checkout).items():
        found: set[str] = set()
        single = HERE / f"golden/{source}.nq"
        for file in (
            [*sample.glob(f"{source}.*")] or sorted(sample.iterdir()) if single.exists() else []
        ):
            known = known_of(source, file) if file.suffix == ".json" else None
            (mapped,) = feed_file(source, file, known=known)
            found.update(lines_of(mapped))
        if single.exists():
            (to / f"{source}.nq").write_text("".join(sorted(found)), encoding="utf-8")
        if source in where:
            with tempfile.TemporaryDirectory() as work:
                texts = golden(settle(where[source], source, sample, Path(work)))
            for end, text in texts.items():
                (to / f"feeds/{source}{end}").write_text(text, encoding="utf-8")
