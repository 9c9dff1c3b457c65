"""Writes the golden files anew: `python tests/sources/update_golden.py [FOLDER]`."""

import sys
import tempfile
from pathlib import Path

from kg.build import build_dataset

BASE = "https://chancery.example/"
HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    from feeding import golden, places, samples, settle

    checkout = HERE.parents[1]
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "golden"
    to.mkdir(exist_ok=True, parents=True)
    built = build_dataset([checkout / "docs/tutorial/facts"], BASE)
    lines = "".join(built.dataset.lines(f"{BASE}id/graph/harbour-visit"))
    (to / "harbour-visit.nq").write_text(lines, encoding="utf-8")
    where = places(checkout)
    for source, rows in samples(checkout).items():
        if source in where:
            with tempfile.TemporaryDirectory() as work:
                found = golden(settle(where[source], source, rows, Path(work)))
            for end, text in found.items():
                (to / f"{source}{end}").write_text(text, encoding="utf-8")
