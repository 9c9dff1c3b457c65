"""Messages with fields, seen by handlers that are not ours."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys

import pytest

from kg import logs


def test_any_handler_can_write_a_message_with_fields() -> None:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    names = [*vars(logging.makeLogRecord({})), "message"]
    handler.setFormatter(logging.Formatter(" ".join(f"%({name})s" for name in names)))
    logger = logging.Logger("kg.test", logging.INFO)
    logger.addHandler(handler)
    logs.say(logger, logging.INFO, "100 % done", form="ASK")
    logs.say(logger, logging.DEBUG, "not shown")
    assert "100 % done" in text.getvalue()
    assert "kg.test" in text.getvalue()
    assert "not shown" not in text.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_one_handler_or_several_write_the_same(form: str) -> None:
    script = f"""
import logging
from kg import logs
logs.set_up("info", {form!r}, times=True)
logger = logging.getLogger("kg.test")
logs.request.set("r-1")
for _ in range(2):
    logs.say(logger, logging.WARNING, "দুই words", form="ASK", ms=1.5, text='a "b" c')
    logs.say(logger, logging.INFO, "words", request="r-2")
    logs.say(logger, logging.DEBUG, "not shown")
    logging.root.addHandler(logging.NullHandler())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [re.sub(r"[0-9T:.-]{23}Z", "NOW", line) for line in done.stderr.splitlines()]
    assert len(lines) == 4
    assert lines[:2] == lines[2:]
    assert "NOW" in lines[0]
    assert "দুই words" in lines[0]
    assert "r-1" in lines[0]
    assert "r-1" not in lines[1]
