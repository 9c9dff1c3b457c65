"""How messages are written: a line of text, or of JSON, for each.

A message may carry fields beside its words: `log.info("query", extra=fields(ms=12.5))`. Whatever is
said while a request is answered carries its id. `kg.cli` sets it up, and nothing else does.

Spec: docs/how-to/operate.md (what is logged)
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

request: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered; empty outside of one."""

_FIELDS: Final = "kg_fields"


def fields(**values: object) -> Mapping[str, object]:
    """Return what `extra` takes to give a message these fields, in this order."""
    return {_FIELDS: values}


def set_up(level: str, form: str, *, times: bool = False) -> None:
    """Write messages to stderr from now on.

    Args:
        level: the least severe that are written: debug, info, warning or error.
        form: text, or json for one object in a line.
        times: whether text begins with the time and the level, as a server's log does.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Text(times=times))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class Text(logging.Formatter):
    """Writes the message, and its fields behind it as `name=value`.

    >>> record = logging.LogRecord("kg", logging.INFO, "", 0, "query", None, None)
    >>> record.kg_fields = {"form": "ASK", "ms": 1.5}
    >>> Text().format(record)
    'query form=ASK ms=1.5'
    """

    def __init__(self, *, times: bool = False) -> None:
        super().__init__()
        self._times = times

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback in the lines after it."""
        words = [f"{_time(record)} {record.levelname.lower()}"] if self._times else []
        words.append(record.getMessage().strip())
        words += [f"{name}={_value(value)}" for name, value in _fields(record).items()]
        text = " ".join(words)
        trace = _traceback(self, record)
        return f"{text}\n{trace}" if trace else text


class Json(logging.Formatter):
    """Writes one JSON object: time, level, logger, message, and the fields.

    >>> record = logging.LogRecord("kg", logging.INFO, "", 0, "ready", None, None)
    >>> json.loads(Json().format(record))["level"]
    'info'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, in one line."""
        found: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
            **_fields(record),
        }
        if trace := _traceback(self, record):
            found["exception"] = trace
        return json.dumps(found, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    found = dict(getattr(record, _FIELDS, {}))
    if "request" not in found and (name := request.get()):
        found = {"request": name, **found}
    return found


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _value(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and not set(text) & {" ", '"', "="} else json.dumps(text)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
