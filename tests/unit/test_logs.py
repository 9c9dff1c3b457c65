"""Messages with fields, seen by handlers that are not ours."""

from __future__ import annotations

import io
import logging

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
