"""Measures what the documentation states of the commands, and prints one line for each figure.

    make bench

Each figure is the median of several runs on this machine, each in a process of its own and, where
it writes, in a folder of its own.
"""

from __future__ import annotations

import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

KG = Path(sys.executable).parent / "kg"


def seconds(action: Callable[[], object], times: int) -> list[float]:
    """Return how long `action` took, each time."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return taken


def kg(*arguments: str | Path) -> None:
    """Run the command kg; end the measurement if it fails."""
    done = subprocess.run([KG, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"kg {arguments[0]} ended with {done.returncode}:\n{done.stderr}")


def build_anew() -> None:
    """Build the built-in facts into an empty folder."""
    with tempfile.TemporaryDirectory() as out:
        kg("build", "--out", Path(out) / "releases")


def ready_after(releases: Path) -> float:
    """Return the seconds from the start of the server to its first 200 on /readyz."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    server = subprocess.Popen(
        [KG, "serve", "--releases", releases, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while time.perf_counter() - start < 60:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                    return time.perf_counter() - start
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.01)
        sys.exit("kg serve was not ready within 60 s")
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Measure and print."""
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        releases = Path(folder) / "releases"
        kg("build", "--out", releases)
        rows = [
            ("kg --help", "under 0.4 s", seconds(lambda: kg("--help"), 9)),
            ("kg build, nothing built yet", "under 10 s", seconds(build_anew, 3)),
            (
                "kg build, already built",
                "",
                seconds(lambda: kg("build", "--out", releases), 5),
            ),
            ("kg serve, until ready", "under 2 s", [ready_after(releases) for _ in range(5)]),
        ]
    for what, goal, taken in rows:
        figure = f"{statistics.median(taken):6.2f} s  ({min(taken):.2f} to {max(taken):.2f})"
        print(f"{what:30} {figure:28} {goal}")


if __name__ == "__main__":
    main()
