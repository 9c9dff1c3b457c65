"""Other SPARQL servers in processes of their own, in folders of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ROWS = 10_000
"""Rows that the Virtuoso of the tests gives at most."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Other:
    """A server: its address, who may write there, and options of `kg export`."""

    kind = ""
    address = ""
    query = ""
    environment: Mapping[str, str] = {}

    def __init__(self, *command: str, folder: Path, ports: tuple[int, ...]) -> None:
        self.folder = folder
        self._command, self._ports = command, ports
        self.start()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        for port in self._ports:
            until = time.monotonic() + 60
            while True:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


class Oxigraph(Other):
    kind = "oxigraph"

    def __init__(self, folder: Path) -> None:
        port = free_port()
        beside = str(Path(sys.executable).parent)
        command = shutil.which("oxigraph", path=f"{os.environ['PATH']}{os.pathsep}{beside}")
        assert command is not None
        self.address = f"http://127.0.0.1:{port}"
        self.query = f"{self.address}/query"
        super().__init__(
            *(command, "serve", "--location", "data", "--bind", f"127.0.0.1:{port}"),
            folder=folder,
            ports=(port,),
        )


class Virtuoso(Other):
    kind = "virtuoso"
    environment = {"KG_SERVER_USER": "dba", "KG_SERVER_PASSWORD": "dba"}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        sql, http = free_port(), free_port()
        self.address = f"http://127.0.0.1:{http}"
        self.query = f"{self.address}/sparql"
        self.isql = f"127.0.0.1:{sql}"
        self.loads = folder / "loads"
        self.loads.mkdir()
        (folder / "virtuoso.ini").write_text(
            "[Database]\nDatabaseFile = virtuoso.db\nTransactionFile = virtuoso.trx\n"
            "ErrorLogFile = virtuoso.log\nLockFile = virtuoso.lck\n"
            f"[Parameters]\nServerPort = {self.isql}\nDirsAllowed = {self.loads}\n"
            "NumberOfBuffers = 10000\nMaxDirtyBuffers = 6000\n"
            f"[HTTPServer]\nServerPort = 127.0.0.1:{http}\nServerThreads = 8\n"
            f"[SPARQL]\nResultSetMaxRows = {ROWS}\n",
            encoding="utf-8",
        )
        command = shutil.which("virtuoso-t") or "virtuoso"
        super().__init__(
            *(command, "+foreground", "+configfile", "virtuoso.ini"),
            folder=folder,
            ports=(sql, http),
        )
