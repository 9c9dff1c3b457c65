from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.web.cache import Asked, Cache, Kept, matches

ENTRY = 2048


def kept(key: str, size: int = 100) -> Kept:
    return Kept(key.encode(), "sparql", "SELECT", b'W/"%b"' % key.encode(), [], b"x" * size)


def asked(text: str) -> Asked:
    return (text.encode(), b"", b"")


def test_an_answer_is_found_by_its_question_and_by_its_request() -> None:
    cache = Cache(1 << 20)
    one = kept("one")
    assert cache.put(one, asked("/a"))
    assert cache.find(asked("/a")) is one
    assert cache.find(asked("/b")) is None
    assert cache.get(b"one", asked("/b")) is one
    assert cache.find(asked("/b")) is one
    assert cache.get(b"two", asked("/c")) is None
    assert cache.find(asked("/c")) is None


def test_what_was_asked_for_longest_ago_gives_way() -> None:
    cache = Cache(8 * (ENTRY + 100) + 20)
    for n in range(8):
        assert cache.put(kept(str(n)), asked(f"{n}"))
    assert cache.find(asked("0")) is not None
    assert cache.get(b"1", None) is not None
    assert cache.put(kept("8"), None)
    assert cache.put(kept("9"), None)
    assert [n for n in range(10) if cache.get(str(n).encode(), None)] == [0, 1, 4, 5, 6, 7, 8, 9]
    assert cache.find(asked("2")) is None


def test_too_large_an_answer_is_not_kept() -> None:
    cache = Cache(80_000)
    assert not cache.put(kept("large", 10_000), asked("/a"))
    assert cache.put(kept("less", 7_000), asked("/b"))
    assert len(cache) == 1
    assert not Cache(0).put(kept("one", 0), None)


def test_an_answer_that_comes_again_takes_its_own_place() -> None:
    cache = Cache(1 << 20)
    cache.put(kept("one", 500), asked("/a"))
    taken = cache.bytes
    other = kept("one", 500)
    cache.put(other, asked("/a"))
    assert cache.bytes == taken
    assert cache.find(asked("/a")) is other


def test_the_addresses_of_one_answer_are_bounded() -> None:
    cache = Cache(1 << 20)
    cache.put(kept("one"), None)
    taken = cache.bytes
    for n in range(1000):
        assert cache.get(b"one", asked(f"/{n:04}")) is not None
    assert cache.bytes == taken + 8 * 5
    assert [n for n in range(1000) if cache.find(asked(f"/{n:04}"))] == list(range(992, 1000))
    assert cache.get(b"one", asked("/" * 20_000)) is not None
    assert cache.bytes == taken + 8 * 5


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3000), st.integers(0, 40)), max_size=200)
)
def test_the_bytes_are_counted(steps: list[tuple[int, int, int]]) -> None:
    cache = Cache(20_000)
    for key, size, address in steps:
        name = asked("/" * address)
        if cache.find(name) is None and cache.get(str(key).encode(), name) is None:
            cache.put(kept(str(key), size), name)
        assert 0 <= cache.bytes <= 20_000
    found = {id(one): one for one in cache._answers.values()}
    assert cache.bytes == sum(
        ENTRY + len(one.body) + sum(len(a) + len(b) + len(c) for a, b, c in one.asked)
        for one in found.values()
    )
    assert set(cache._asked) == {name for one in found.values() for name in one.asked}


def test_entity_tags_are_remembered_for_a_while() -> None:
    cache = Cache(0)
    for n in range(20_000):
        cache.give(b"%d" % n)
        cache.give(b"0")
    assert cache.given(b"0")
    assert cache.given(b"19999")
    assert not cache.given(b"1")
    assert len(cache._tags) == 1 << 14


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b'W/"a"', True),
        (b'"a"', True),
        (b'"b", W/"a"', True),
        (b'"b",W/"a","c"', True),
        (b"*", True),
        (b" * ", True),
        (b"", False),
        (b"a", False),
        (b'"b"', False),
        (b'"A"', False),
        (b'"a', False),
        (b'"x, W/"', False),
        (b'"*"', False),
        (b'"b, \xc3\xa4", "a"', True),
    ],
)
def test_if_none_match(header: bytes, found: bool) -> None:
    assert matches(header, b'W/"a"') is found
    assert matches(header, b'"a"') is found
