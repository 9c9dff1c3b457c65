"""The operator's own copies of the texts, shown beside their evidence on this machine only.

A text is the file whose SHA-256 is that of the document, under any name, as for `kg facts verify`.
It is read when it is shown, and compared again. It enters no release, no data format, no cache and
no static copy. Shown it is only to a browser that came by the address in the log of this server,
which holds a secret, and that asks from this machine, under a name of this machine and from no
other site: a proxy may hide where somebody asks from, but does not know the secret.

Spec: docs/how-to/read-the-pages.md; docs/reference/facts.md, "Evidence"
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from kg.errors import ConfigError

_log = logging.getLogger(__name__)

LARGEST: Final = 16 << 20
"""Bytes of a text."""
FILES: Final = 100_000
"""Files that are looked at."""
TOKEN: Final = "texts"
"""Parameter and cookie of the secret."""
AROUND: Final = 120
"""Characters shown before and after a span."""
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Passage:
    """The words of a span, with some of the text around them."""

    before: str
    words: str
    after: str
    lang: str = ""
    damaged: bool = False
    """The hash of the span is not that of the words: the facts and this copy do not fit."""


class Texts:
    """The texts in a folder, by their hash.

    Args:
        folder: read once, with all folders in it.
    Raises:
        ConfigError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(
                "there is no such folder of texts",
                where=str(folder),
                hint="name the folder of your own copies with --texts, or leave it out",
            )
        self._paths: dict[str, Path] = {}
        left = FILES
        for path in folder.rglob("*"):
            if path.is_file() and path.stat().st_size <= LARGEST:
                if not left:
                    _log.warning("only %d files of %s are looked at", FILES, folder)
                    break
                left -= 1
                self._paths[hashlib.sha256(path.read_bytes()).hexdigest()] = path
        self._read = lru_cache(maxsize=8)(self._text)
        self.token = secrets.token_urlsafe(18)
        """A secret of this run: who sends it read it in the log."""

    def shown_to(self, request: Request) -> bool:
        """Return whether who asks may see words: from this machine, and with the secret."""
        given = request.query_params.get(TOKEN) or request.cookies.get(TOKEN) or ""
        known = secrets.compare_digest(given.encode(), self.token.encode())
        return known and asked_here(request)

    def __len__(self) -> int:
        return len(self._paths)

    def passage(
        self, document: str, start: str, end: str, span: str = "", lang: str = ""
    ) -> Passage | None:
        """Return the words of a span, or None where this folder has not got the text.

        Args:
            document: SHA-256 of the text, hexadecimal.
            start, end: half-open offsets in code points.
            span: SHA-256 of the words in UTF-8; empty where the facts have none.
            lang: the language of the text, for the page.
        """
        path = self._paths.get(document)
        if path is None or not (start.isdecimal() and end.isdecimal()):
            return None
        try:
            text = self._read(path, path.stat().st_mtime_ns, document)
        except OSError:
            return None
        first, last = int(start), int(end)
        if text is None or last > len(text) or first > last:
            return None
        words = text[first:last]
        return Passage(
            text[max(0, first - AROUND) : first],
            words,
            text[last : last + AROUND],
            lang,
            bool(span) and hashlib.sha256(words.encode()).hexdigest() != span,
        )

    @staticmethod
    def _text(path: Path, modified: int, sha256: str) -> str | None:
        """Return a text, or None where the file is another one by now."""
        del modified  # part of the key
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            return None
        return data.decode("utf-8", "replace")


def is_here(host: str) -> bool:
    """Return whether only this machine can ask a server that listens on `host`.

    >>> is_here("localhost"), is_here("::1"), is_here("0.0.0.0")
    (True, True, False)
    """
    return host == "localhost" or _loopback(host)


def must_be_here(host: str) -> None:
    """Return if only this machine can ask a server that listens on `host`.

    Raises:
        ConfigError: others can.
    """
    if not is_here(host):
        raise ConfigError(
            "texts are shown on this machine only",
            seen=f"--texts with --host {host}",
            expected="127.0.0.1, ::1 or localhost",
            hint="most texts may not be handed on; leave out --texts to serve others",
        )


def asked_here(request: Request) -> bool:
    """Return whether a request comes from a browser of this machine, and from no other site.

    The name of the host is looked at because a page elsewhere can have its name lead here.
    """
    headers: Mapping[str, str] = request.headers
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return (
        request.client is not None
        and _loopback(request.client.host)
        and host in _NAMES
        and not any(name in headers for name in _FORWARDED)
        and headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    )


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
