"""docs/how-to/serve-your-own-rdf.md does what it says: its commands run in order, in one folder.

`$ ` begins a command; what follows is its output, where `…` stands for anything. Comments before a
block: `write: NAME`, and `exit: CODE`, which all its commands end with.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kg.importing import FORMATS

_BLOCK = re.compile(
    r"(?:<!-- (?P<verb>write|exit): (?P<what>[^>]*) -->\n)?```(?P<lang>\w+)\n(?P<body>.*?)```\n",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs/how-to/serve-your-own-rdf.md").read_text(encoding="utf-8")


def _matches(shown: str, seen: str) -> bool:
    """Return whether an output is the one shown; ids and ports are those of another day."""
    shown, seen = (
        re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"\b[0-9a-f]{12,64}\b", "ID", text))
        for text in (shown, seen)
    )
    pattern = "".join(
        "(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, seen.rstrip("\n") + "\n") is not None


def _serve(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Return what a server says until it is ready, and end it."""
    with subprocess.Popen(
        command.split(), cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        seen = ""
        for line in server.stderr:
            seen += line
            if "open http://" in line:
                break
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    return seen


@pytest.mark.timeout(300)
def test_its_commands_give_what_is_shown(page: str, tmp_path: Path):
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "KG_PORT": "0",
        "LANG": "C.UTF-8",
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    ran = 0
    for block in _BLOCK.finditer(page):
        if block["verb"] == "write":
            (tmp_path / block["what"]).write_text(block["body"], encoding="utf-8")
            continue
        assert block["lang"] == "console", block["body"]
        for one in block["body"].split("$ ")[1:]:
            command, shown = one.split("\n", 1)
            if "serve" in command:
                seen = _serve(command, tmp_path, environment)
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
                assert done.returncode == int(block["what"] or 0), seen
            assert _matches(shown, seen), f"{command}\nshown:\n{shown}\nseen:\n{seen}"
            ran += 1
    assert ran == 8
    assert list((tmp_path / "tmp").iterdir()) == []


def test_it_names_every_format(page: str):
    named = set(re.findall(r"`(\.[a-z]+)`", page[page.index("## Which files") :])) - {".gz"}
    assert named == set(FORMATS)
