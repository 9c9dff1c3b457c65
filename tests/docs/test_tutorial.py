"""The tutorial does what it says: its commands run in order in an empty folder.

In the page, `$ ` begins a command and `> ` goes on with it; what follows is its output, where `…`
stands for anything. Comments before a block say what a reader does or sees there: `todo` (lines
that replace those with TODO), `append` (to the facts file), `write: NAME`, `exit: CODE` (of the
last command).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<lang>\w+)\n(?P<body>.*?)```\n", re.DOTALL
)


def _commands(body: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output that is shown."""
    found: list[tuple[str, str]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def _stable(text: str) -> str:
    """Return a text without what differs between machines and releases."""
    text = re.sub(r"\b[0-9a-f]{12,64}\b", "ID", text)
    text = re.sub(r"\d+ quads", "N quads", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text)


def _matches(shown: str, seen: str) -> bool:
    """Return whether an output is the one shown; rows of a table may stand in any order."""
    if "…" not in shown and shown.startswith("?"):
        return sorted(_stable(shown).splitlines()) == sorted(_stable(seen).splitlines())
    pattern = "".join(
        "(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in _stable(shown).strip("\n").splitlines()
    )
    text = "".join(f"{line}\n" for line in _stable(seen).strip("\n").splitlines())
    return re.fullmatch(pattern, text) is not None


@pytest.mark.parametrize(
    ("shown", "seen", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n…\nz\n", "a\nb\nc\nz\n", True),
        ("a\n…\nz\n", "a\nb\n", False),
        ("x …\n", "x anything\n", True),
        ("release 0123456789ab: 5 quads\n", "release ba9876543210: 17 quads\n", True),
        ("?x\na\nb\n", "?x\nb\na\n", True),
        ("?x\na\n", "?x\na\nb\n", False),
    ],
)
def test_outputs_are_compared(shown: str, seen: str, same: bool):
    assert _matches(shown, seen) is same


@pytest.mark.timeout(600)
def test_the_tutorial_works(checkout: Path, tmp_path: Path):
    page = (checkout / "docs/tutorial.md").read_text(encoding="utf-8")
    start = page.index("## 1.")
    facts = tmp_path / "facts/harbour-visit.yaml"
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CHANCERY": str(checkout),
        "KG_PORT": "0",
        "LANG": "C.UTF-8",
    }
    ran = 0
    for block in _BLOCK.finditer(page, start):
        mark, body = block["mark"] or "", block["body"]
        if mark == "append":
            facts.write_text(f"{facts.read_text('utf-8')}\n{body}", encoding="utf-8")
        elif mark == "todo":
            lines = iter(body.splitlines())
            text = facts.read_text("utf-8").split("\n")
            facts.write_text("\n".join(next(lines) if "TODO" in x else x for x in text), "utf-8")
            assert list(lines) == []
        elif mark.startswith("write: "):
            (tmp_path / mark.removeprefix("write: ")).write_text(body, encoding="utf-8")
        elif block["lang"] == "console":
            commands = _commands(body)
            for n, (command, shown) in enumerate(commands):
                last = n == len(commands) - 1
                code = int(mark.removeprefix("exit: ")) if mark and last else 0
                if command == "kg serve":
                    seen = _serve(tmp_path, environment)
                else:
                    done = subprocess.run(
                        command,
                        shell=True,
                        cwd=tmp_path,
                        env=environment,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        check=False,
                    )
                    seen = done.stdout
                    assert done.returncode == code, f"{command}\n{seen}"
                assert _matches(shown, seen), f"{command}\nshown:\n{shown}\nseen:\n{seen}"
                ran += 1
        else:
            pytest.fail(f"what is to be done with this block?\n{body}")
    assert ran > 15


def _serve(folder: Path, environment: dict[str, str]) -> str:
    """Return what `kg serve` says; the pages that the tutorial names answer meanwhile."""
    with subprocess.Popen(
        ["kg", "serve"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        seen = ""
        try:
            for line in server.stdout:
                seen += line
                found = re.search(r"http://127\.0\.0\.1:[1-9]\d*", seen)
                if found and "query workers" in seen:
                    break
            assert found, seen
            for path in ("/", "/doc/event/drones-unloading-port-solen.ttl", "/sparql"):
                with urllib.request.urlopen(found[0] + path) as answer:
                    assert answer.status == 200
        finally:
            server.send_signal(signal.SIGINT)
            rest, _ = server.communicate()
        return seen + rest
