"""Events of several sources that are perhaps the same."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from kg.matching import MOST, NEAR, Happening, comparable, lines_of, matches

KABUL = (34.53, 69.17)
AFG, USA = "agent/afghanistan", "agent/united-states"


def happening(
    key: str,
    where: tuple[float, float] = KABUL,
    first: str = "2021-05-28",
    last: str = "",
    states: tuple[str, ...] = (AFG, USA),
    category: str = "assault",
) -> Happening:
    return Happening(f"event/{key}", category, first, last or first, *where, states)


def pairs(*sources: list[Happening]) -> list[tuple[str, str, str]]:
    given = [(str(n), events) for n, events in enumerate(sources)]
    return [(m.one[6:], m.two[6:], m.certainty) for m in matches(given)]


def test_the_same_day_place_and_states_are_probable() -> None:
    assert pairs([happening("b")], [happening("a")]) == [("a", "b", "probable")]


def test_fewer_things_in_common_are_possible_only() -> None:
    assert pairs([happening("a", states=(AFG,))], [happening("b")]) == [("a", "b", "possible")]
    assert pairs([happening("a", (34.7, 69.17))], [happening("b")]) == [("a", "b", "possible")]
    days = happening("a", first="2021-05-26", last="2021-05-28")
    assert pairs([days], [happening("b")]) == [("a", "b", "possible")]


def test_what_differs_is_no_match() -> None:
    one = [happening("a")]
    assert not pairs(one, [happening("b", first="2021-05-29")])
    assert not pairs(one, [happening("b", category="protest")])
    assert not pairs(one, [happening("b", states=("agent/iran",))])
    assert not pairs(one, [happening("b", (36.0, 69.17))])


def test_one_source_is_not_compared_with_itself() -> None:
    assert not pairs([happening("a"), happening("b")])
    assert not pairs([happening("a"), happening("b")], [])


def test_where_many_are_as_near_none_is_taken() -> None:
    many = [happening(f"m{n}") for n in range(MOST + 1)]
    assert not pairs([happening("a")], many)
    assert len(pairs([happening("a")], many[:MOST])) == MOST
    near = [happening(f"n{n}", (34.53 + n / 1000, 69.17)) for n in range(MOST + 4)]
    assert len(pairs([happening("a")], near)) == MOST


def test_over_the_date_line_and_at_a_pole() -> None:
    assert pairs([happening("a", (10.0, 179.95))], [happening("b", (10.0, -179.95))])
    assert pairs([happening("a", (89.9, 0.0))], [happening("b", (89.9, 180.0))])


def test_long_or_unknown_days_are_not_compared() -> None:
    assert comparable(happening("a"))
    assert comparable(happening("a", first="2021-05-01", last="2021-05-07"))
    assert not comparable(happening("a", first="2021-05-01", last="2021-05-08"))
    assert not comparable(happening("a", first=""))
    assert not comparable(happening("a", states=()))
    assert not comparable(happening("a", category=""))


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(places, st.floats(0, 40), st.floats(0, 2 * math.pi))
def test_whatever_lies_near_is_found(where: tuple[float, float], far: float, way: float) -> None:
    """Also across cells, the date line and the poles, as the distance on the sphere has it."""
    latitude, longitude = map(math.radians, where)
    angle = far / 6371.0
    lat = math.asin(
        math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(way)
    )
    lon = longitude + math.atan2(
        math.sin(way) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(lat),
    )
    other = (math.degrees(lat), (math.degrees(lon) + 180) % 360 - 180)
    assert far < NEAR
    assert pairs([happening("a", where)], [happening("b", other)])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_the_order_of_sources_does_not_matter(some: list[tuple[int, int]]) -> None:
    one = [happening(f"a{n}", (34 + x / 20, 69 + y / 20)) for n, (x, y) in enumerate(some)]
    two = [happening(f"b{n}", (34 + y / 20, 69 + x / 20)) for n, (x, y) in enumerate(some)]
    assert pairs(one, two) == pairs(two, one)


def test_the_lines_of_a_link() -> None:
    [match] = matches([("x", [happening("a")]), ("y", [happening("b")])])
    graph = "https://x.example/id/graph/event-links"
    lines = lines_of([match], {"event/a": "A", "event/b": "B"}, "https://x.example/", graph)
    assert lines == sorted(set(lines))
    text = "".join(lines)
    assert '"Perhaps the same event (described: A; described: B)"@en' in text
    assert "places 0 km apart; states in common: afghanistan, united-states" in text
    assert '#accepted> "false"' in text
    assert text.count("#possiblySameAs>") == 2
