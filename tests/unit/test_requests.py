"""What is read of a request: fields of a form, and the room for long bodies."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs, quote_plus, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.web import protocol
from kg.web.guard import QueryFailure

PIECES = st.sampled_from([b"%", b"%%", b"%4", b"%41", b"%zz", b"%C3%A9", b"\\x41", b"\\", b"N{a}"])


@given(st.lists(PIECES | st.binary(max_size=3)).map(b"".join))
@example(b"%25" * 20_000)
@example(b"x" * (protocol._STEP - 1) + b"%41%42")
@example(b"x" * (protocol._STEP - 2) + b"%41%42")
@example(b"\\" * protocol._STEP + b"%")
def test_percent_encoding_is_decoded_as_by_the_standard_library(data: bytes) -> None:
    expected = unquote_to_bytes(data)
    try:
        text = expected.decode()
    except UnicodeDecodeError:
        with pytest.raises(QueryFailure) as error:
            protocol._unquoted(data)
        assert error.value.reason == "parameter"
    else:
        assert protocol._unquoted(data) == text


@given(st.dictionaries(st.text(min_size=1), st.lists(st.text(), min_size=1)))
def test_forms_are_read_as_by_the_standard_library(fields: dict[str, list[str]]) -> None:
    pairs = [(name, value) for name, values in fields.items() for value in values]
    form = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    assert protocol._fields(form.encode()) == fields
    assert protocol._fields(form.encode()) == parse_qs(form, keep_blank_values=True)


class Asking:
    """A request, as far as the room for its body goes."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.held = 0


def asking(client: str) -> Any:
    return cast("Any", Asking(client))


def test_short_bodies_are_always_let_in() -> None:
    room = protocol._Room()
    for _ in range(10_000):
        room.enter(asking("a"), protocol._SHORT)


def test_one_client_has_a_quarter_of_the_room() -> None:
    room = protocol._Room()
    first, second, third = asking("a"), asking("a"), asking("b")
    most = protocol._ROOM // 4
    for length in (most // 4, most // 2):
        room.enter(first, length)  # it grows
    room.enter(second, most // 2)
    with pytest.raises(QueryFailure) as error:
        room.enter(second, most // 2 + 1)
    assert (error.value.reason, error.value.retry_after > 0) == ("busy", True)
    room.leave(second)
    room.enter(third, most)
    room.enter(first, most)
    for one in (first, second, third):
        room.leave(one)
        room.leave(one)
    assert not room._held


def test_all_clients_have_the_room_together() -> None:
    room = protocol._Room()
    most = protocol._ROOM // 4
    several = [asking(name) for name in "abcd"]
    for one in several:
        room.enter(one, most)
    with pytest.raises(QueryFailure):
        room.enter(asking("e"), protocol._SHORT + 1)
