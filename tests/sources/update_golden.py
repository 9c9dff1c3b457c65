"""Writes the golden files anew: `python tests/sources/update_golden.py`."""

from pathlib import Path

from feeding import feed_file, known_of, lines_of

from kg.build import build_dataset

BASE = "https://chancery.example/"
HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    built = build_dataset([HERE.parents[1] / "docs/tutorial/facts"], BASE)
    golden = HERE / "golden/harbour-visit.nq"
    golden.parent.mkdir(exist_ok=True)
    golden.write_text(
        "".join(built.dataset.lines(f"{BASE}id/graph/harbour-visit")), encoding="utf-8"
    )
    for sample in sorted((HERE / "samples").iterdir()):
        lines: set[str] = set()
        for path in sorted(sample.iterdir()) if sample.is_dir() else [sample]:
            known = known_of(sample.stem, path) if path.suffix == ".json" else None
            (mapped,) = feed_file(sample.stem, path, known=known)
            lines.update(lines_of(mapped))
        golden = HERE / "golden" / f"{sample.stem}.nq"
        golden.write_text("".join(sorted(lines)), encoding="utf-8")
