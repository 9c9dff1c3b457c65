"""How messages are written: a line of text, or of JSON, for each.

A message may carry fields beside its words: `say(log, logging.INFO, "query", ms=12.5)`. Whatever is
said while a request is answered carries its id. `kg.cli` sets it up, and nothing else does.

Spec: docs/how-to/operate.md (what is logged)
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

request: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered; empty outside of one."""

_PLAIN = re.compile(r"[!#-<>-~]*")


_UNKNOWN = {
    **dict.fromkeys(("pathname", "filename", "module", "funcName", "threadName"), ""),
    **dict.fromkeys(("processName", "taskName"), ""),
    **dict.fromkeys(("lineno", "thread", "process", "relativeCreated"), 0),
    **dict.fromkeys(("exc_info", "exc_text", "stack_info"), None),
}
"""What other handlers may ask a record for."""


class _Message(logging.LogRecord):
    """A message with fields, made without looking up thread, process and place of the code.

    That takes longer than all the rest, and one message is written for each query.
    """

    def __init__(self, logger: str, level: int, words: str, fields: Mapping[str, object]) -> None:
        self.__dict__.update(_UNKNOWN)
        self.name = logger
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.msg = words
        self.args = ()
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.fields = fields


def say(logger: logging.Logger, level: int, words: str, **fields: object) -> None:
    """Log a message with fields, which are written in this order."""
    if not logger.isEnabledFor(level):
        return
    handlers = logging.root.handlers
    if len(handlers) == 1 and isinstance(handlers[0], _Handler) and not logger.handlers:
        handlers[0].write(logger.name, level, words, fields)
    else:
        logger.handle(_Message(logger.name, level, words, fields))


def set_up(level: str, form: str, *, times: bool = False) -> None:
    """Write messages to stderr from now on.

    Args:
        level: the least severe that are written: debug, info, warning or error.
        form: text, or json for one object in a line.
        times: whether text begins with the time and the level, as a server's log does.
    """
    handler = _Handler(Json() if form == "json" else Text(times=times))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # The client of HTTP tells of each request, with its address.
    logging.getLogger("httpx2").setLevel(logging.DEBUG if level == "debug" else logging.WARNING)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to stderr; a message with fields without what other handlers need in between."""

    def __init__(self, formatter: Text | Json) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(formatter)
        self._line = formatter.line

    def write(self, logger: str, level: int, words: str, fields: Mapping[str, object]) -> None:
        """Write a message with fields."""
        try:
            self.stream.write(
                self._line(time.time(), level, logger, words, _with_request(fields)) + "\n"
            )
            if not self.stream.line_buffering:
                self.stream.flush()
        except Exception:  # noqa: BLE001 - as `emit` does
            self.handleError(_Message(logger, level, words, fields))


class Text(logging.Formatter):
    """Writes the message, and its fields behind it as `name=value`.

    >>> Text().format(_Message("kg", logging.INFO, "query", {"form": "ASK", "ms": 1.5}))
    'query form=ASK ms=1.5'
    """

    def __init__(self, *, times: bool = False) -> None:
        super().__init__()
        self._times = times
        self._clock = _Clock()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback in the lines after it."""
        words = record.getMessage().strip()
        text = self.line(record.created, record.levelno, record.name, words, _fields(record))
        trace = _traceback(self, record)
        return f"{text}\n{trace}" if trace else text

    def line(
        self, created: float, level: int, logger: str, words: str, fields: Mapping[str, object]
    ) -> str:
        """Return the line."""
        text = words
        if self._times:
            text = f"{self._clock.time(created)} {_level(level)} {words}"
        for name, value in fields.items():
            kind = type(value)
            if kind is not int and kind is not float:
                value = str(value)
                if _PLAIN.fullmatch(value) is None:
                    value = json.dumps(value)
            text += f" {name}={value}"
        return text


class Json(logging.Formatter):
    """Writes one JSON object: time, level, logger, message, and the fields.

    >>> json.loads(Json().format(_Message("kg", logging.INFO, "ready", {})))["level"]
    'info'
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock = _Clock()

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, in one line."""
        fields = _fields(record)
        if trace := _traceback(self, record):
            fields = {**fields, "exception": trace}
        words = record.getMessage().strip()
        return self.line(record.created, record.levelno, record.name, words, fields)

    def line(
        self, created: float, level: int, logger: str, words: str, fields: Mapping[str, object]
    ) -> str:
        """Return the object, in one line."""
        found: dict[str, object] = {
            "time": self._clock.time(created),
            "level": _level(level),
            "logger": logger,
            "message": words,
            **fields,
        }
        return json.dumps(found, ensure_ascii=False, default=str)


class _Clock:
    """Writes times as RFC 3339 has them; most messages share their second with the one before."""

    def __init__(self) -> None:
        self._last = -1, ""

    def time(self, moment: float) -> str:
        """Return the time of a moment, to the millisecond."""
        second = int(moment)
        known, text = self._last  # one object: other threads have messages, too
        if second != known:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._last = second, text
        return f"{text}.{int(1000 * (moment - second)):03}Z"


@lru_cache
def _level(number: int) -> str:
    return logging.getLevelName(number).lower()


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    return _with_request(record.fields if isinstance(record, _Message) else {})


def _with_request(fields: Mapping[str, object]) -> Mapping[str, object]:
    if "request" not in fields and (name := request.get()):
        return {"request": name, **fields}
    return fields


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
