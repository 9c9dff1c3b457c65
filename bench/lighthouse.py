"""Has Lighthouse look at the pages of the built-in facts, as a telephone shows them.

    python bench/lighthouse.py [--releases FOLDER] [--pages N]

Lighthouse (npm) loads each page in Chromium as a slow telephone would, and gives it marks of 0 to
100 for speed, access, good practice and what search engines need. Printed are the marks, what the
page transferred, and each audit that was not passed. Lighthouse is installed into `bench/.data` the
first time; it needs Node and Debian's Chromium. Nothing is asserted; tests hold pages to axe, to
the width of the smallest screen and to requests of our own (`tests/web`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import serving
from crawl import built
from generate import DATA

VERSION: Final = "12.8.2"
PAGES: Final = (
    "/",
    "$event",
    "$claim",
    "$person",
    "$document",
    "/timeline",
    "/map",
    "/network",
    "/search?q=kim",
    "/query",
    "/questions",
    "/ontology",
    "/download",
    "/docs",
    "/?lang=bn",
    "/?lang=hi",
)
"""Addresses; a name after `$` stands for the thing of that kind with the most claims on it."""
THINGS: Final = {
    "event": "?x a ch:Event . ?c ch:concerns ?x",
    "claim": "?x a ch:Claim . ?c ch:respondsTo ?x",
    "person": "?x a ch:Person . ?c ch:claimant|ch:actor ?x",
    "document": "?x a ch:Document . ?c ch:inSource ?x",
}
FLAGS: Final = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run"
)


def installed(folder: Path) -> Path:
    """Return the command of Lighthouse, installed into a folder where it is not there yet."""
    command = folder / "node_modules/.bin/lighthouse"
    if not command.exists():
        folder.mkdir(parents=True, exist_ok=True)
        wanted = ["npm", "install", "--silent", "--prefix", folder, f"lighthouse@{VERSION}"]
        subprocess.run(wanted, check=True)
    return command


def looked_at(command: Path, address: str) -> dict[str, Any]:
    """Return what Lighthouse says of a page."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "report.json"
        chromium = os.environ.get("CHROME_PATH") or shutil.which("chromium") or ""
        subprocess.run(
            [
                *(command, address, "--quiet", "--output=json", f"--output-path={found}"),
                f"--chrome-flags={FLAGS} --user-data-dir={folder}/profile",
            ],
            check=True,
            timeout=300,
            env={**os.environ, "CHROME_PATH": chromium},
        )
        report: dict[str, Any] = json.loads(found.read_bytes())
        return report


def addressed(server: serving.Server, base: str, page: str) -> str:
    """Return the path of a page."""
    if not page.startswith("$"):
        return page
    query = (
        f"SELECT ?x (COUNT(*) AS ?n) WHERE {{ {THINGS[page[1:]]} }} "
        "GROUP BY ?x ORDER BY DESC(?n) STR(?x) LIMIT 1"
    )
    (row,) = json.loads(server.ask(serving.PREFIXES + query))["results"]["bindings"]
    return str(row["x"]["value"]).replace(f"{base}id/", "/doc/")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--releases", type=Path)
    parser.add_argument("--pages", type=int, default=len(PAGES))
    given = parser.parse_args()
    if not shutil.which("npm"):
        sys.exit("npm is not here: install Node")
    command = installed(DATA / "lighthouse")
    with built(given.releases) as releases, serving.running(serving.ours(releases)) as server:
        base = json.loads((releases / "current/manifest.json").read_bytes())["base_iri"]
        left: dict[str, list[str]] = {}
        for page in PAGES[: given.pages]:
            path = addressed(server, base, page)
            report = looked_at(command, f"http://127.0.0.1:{server.port}{path}")
            marks = {one["id"]: one["score"] or 0 for one in report["categories"].values()}
            audits = report["audits"]
            sent = audits["total-byte-weight"]["numericValue"] / 1000
            shown = "  ".join(f"{name} {round(mark * 100):3}" for name, mark in marks.items())
            print(f"{page:16} {shown}  {sent:6.0f} kB", flush=True)
            for name, audit in audits.items():
                failed = audit["score"] is not None and audit["score"] < 0.9
                if failed and audit["scoreDisplayMode"] in ("binary", "numeric"):
                    words = f"{name}: {audit['title']} {audit.get('displayValue', '')}".rstrip()
                    left.setdefault(words.partition(":")[0], []).append(page)
        for audit, pages in sorted(left.items()):
            print(f"not passed: {audit} ({', '.join(pages)})")


if __name__ == "__main__":
    main()
