"""Measures what it takes to suppress a claim in many kept releases, and looks for what is left.

    python bench/releases.py --data DIR --changes 19
    python bench/suppression.py --data DIR [--claims 180000] [--number 1]

The first command makes twenty releases of 5 million quads; this one takes one claim out of all of
them with `kg release suppress`, as a user types it, and then searches every byte of the folder for
the addresses and the longer labels of all that went. With `--verify` each release is checked after
that. Prints seconds, the highest resident memory, how often the addresses stand in one dump before,
and in how many files anything of it stands after. Nothing else should run.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from generate import DATA
from releases import run

from kg.dumps import Dumps
from kg.manifest import QUADS, read_manifest
from kg.suppress import occurrences, preview


def claims(out: Path) -> list[str]:
    """Return the addresses of the claims of the current release that are about an event, sorted."""
    import pyoxigraph as ox

    store = ox.Store.read_only(str(out / "current" / QUADS))
    about = ox.NamedNode("https://w3id.org/chancery/ontology#about")
    found = store.quads_for_pattern(None, about, None, ox.DefaultGraph())
    return sorted({quad.subject.value for quad in found if "/id/event/" in str(quad.object)})


def size(folder: Path) -> int:
    """Return the bytes of the files of a folder; those that stand in several places count once."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[status.st_ino] = status.st_size
    return sum(found.values())


def main() -> None:
    """Suppress, search, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=180_000)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--verify", action="store_true")
    options = parser.parse_args()
    out = options.data / f"releases-{options.claims}" / "releases"
    manifest = read_manifest(out / "current")
    kept = [path for path in out.iterdir() if len(path.name) == 64]
    print(f"{len(kept)} releases, the current one of {manifest.quads:,} quads")
    print(f"{'on disk before':28}{size(out) / 1e9:8.2f} GB")
    address = claims(out)[options.number]
    found = preview(out, [address])
    print(f"{'releases that hold it':28}{len(found.held):8}")
    print(f"{'things that go with it':28}{len(found.things):8}", flush=True)
    words = [one for one, _ in found.things] + [label for _, label in found.things if label]
    words = [word for word in words if "/id/" in word or len(word) > 30]
    where = [address, *(one for one, _ in found.things if "/id/event/" in one)]
    print(f"{'words that are looked for':28}{len(words):8}")
    data = b"".join(Dumps(out / "current").get("graph.nq").read())
    print(f"{'found before, in one dump':28}{sum(data.count(w.encode()) for w in where):8}")
    del data
    taken, memory = run(
        "release", "suppress", address, "--yes", "--releases", str(out),
        "--reason", "privacy", "--authority", "A benchmark",
    )  # fmt: skip
    print(f"{'suppression':28}{taken:8.1f} s {memory:8.0f} MiB", flush=True)
    print(f"{'on disk after':28}{size(out) / 1e9:8.2f} GB")
    start = time.perf_counter()
    places = list(occurrences(out, words))
    print(
        f"{'found after, in everything':28}{len(places):8}  in {time.perf_counter() - start:.0f} s"
    )
    for place in places[:10]:
        print(f"    {place}")
    if options.verify:
        for path in sorted(path.name for path in out.iterdir() if len(path.name) == 64):
            run("release", "verify", path, "--releases", str(out))
            print(f"    {path[:12]} is whole", flush=True)
    if places:
        sys.exit(1)


if __name__ == "__main__":
    main()
