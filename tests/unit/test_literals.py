"""kg.literals: forms, order and regular expressions, as the standards define them."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.literals import RDF, XSD, Literal, compare, is_valid, matcher, parse_literal

VALID = {
    "integer": ["0", "-0", "+1", "007", "9" * 400],
    "decimal": ["1", "1.", ".5", "-0.50", "+3.14"],
    "double": ["1", "1e5", "-1.5E-3", "INF", "-INF", "NaN", ".5e1"],
    "float": ["1", "INF", "1e39"],
    "boolean": ["true", "false", "1", "0"],
    "byte": ["-128", "127", "+5", "000001"],
    "unsignedByte": ["0", "255", "-0"],
    "positiveInteger": ["1", "+0010"],
    "negativeInteger": ["-1"],
    "nonPositiveInteger": ["0", "-5"],
    "long": ["9223372036854775807", "-9223372036854775808"],
    "date": ["2024-02-29", "2023-10-18Z", "2023-10-18+14:00", "-0044-03-15", "12023-01-01"],
    "dateTime": ["2023-10-18T24:00:00", "2023-10-18T23:59:59.999Z", "0000-01-01T00:00:00"],
    "dateTimeStamp": ["2023-10-18T00:00:00Z"],
    "time": ["00:00:00", "23:59:59.5-05:00", "24:00:00"],
    "gYear": ["2023", "-0001", "20000"],
    "gYearMonth": ["2023-10"],
    "gMonth": ["--12"],
    "gDay": ["---31"],
    "gMonthDay": ["--02-29"],
    "duration": ["P1Y", "-P1Y2M3DT4H5M6.7S", "PT0S"],
    "dayTimeDuration": ["P1D", "PT36H"],
    "yearMonthDuration": ["P14M"],
    "hexBinary": ["", "0aFF"],
    "base64Binary": ["", "AA==", "YWJj"],
    "anyURI": ["", "http://x.example/ a"],
    "language": ["bn", "zh-Hant-TW"],
    "string": ["", "a\tb", "কিম"],
    "normalizedString": ["a  b"],
    "token": ["a b"],
    "NCName": ["a-b", "é"],
}
INVALID = {
    "integer": ["", "1.0", "1e5", " 1", "1\n", "٣"],
    "decimal": ["", ".", "1e5", "INF"],
    "double": ["", "inf", "1e", "0x1"],
    "boolean": ["", "True", "yes"],
    "byte": ["128", "-129", "1" * 50],
    "unsignedByte": ["-1", "256"],
    "positiveInteger": ["0", "-1"],
    "negativeInteger": ["0", "1"],
    "long": ["9223372036854775808"],
    "date": [
        "2023-02-29",
        "1900-02-29",
        "2023-13-01",
        "23-10-18",
        "2023-10-18T00:00:00",
        "02023-01-01",
    ],
    "dateTime": ["2023-10-18", "2023-10-18T24:00:01", "2023-10-18T25:00:00", "2023-10-18T12:00"],
    "dateTimeStamp": ["2023-10-18T00:00:00"],
    "time": ["24:00:00.1", "1:00:00"],
    "gMonthDay": ["--02-30"],
    "duration": ["P", "PT", "P1S", "1Y"],
    "dayTimeDuration": ["P1Y"],
    "yearMonthDuration": ["P1D"],
    "hexBinary": ["a"],
    "base64Binary": ["A", "AB=="],
    "string": ["\x01"],
    "normalizedString": ["a\tb"],
    "token": [" a", "a  b"],
    "NCName": ["1a", "a:b"],
}


@pytest.mark.parametrize("name", VALID)
def test_forms_that_a_datatype_allows(name: str) -> None:
    for lexical in VALID[name]:
        assert is_valid(lexical, XSD + name), lexical


@pytest.mark.parametrize("name", INVALID)
def test_forms_that_a_datatype_does_not_allow(name: str) -> None:
    for lexical in INVALID[name]:
        assert not is_valid(lexical, XSD + name), lexical


def test_unknown_datatypes_allow_everything() -> None:
    assert is_valid("?", "https://x.example/type")
    assert is_valid("?", XSD + "none")
    assert is_valid("<p>", RDF + "HTML")


def literal(lexical: str, name: str) -> Literal:
    return Literal(lexical, XSD + name, "")


def test_order_of_numbers_is_exact_and_across_types() -> None:
    assert compare(literal("9007199254740993", "integer"), literal("9007199254740992", "long")) == 1
    assert compare(literal("0.1", "decimal"), literal("0.10", "decimal")) == 0
    assert compare(literal("1", "integer"), literal("1.0", "decimal")) == 0
    assert compare(literal("0.1", "float"), literal("0.1", "double")) == 1  # of 24 bits
    assert compare(literal("INF", "double"), literal("9" * 400, "integer")) == 0  # as doubles
    assert compare(literal("NaN", "double"), literal("NaN", "double")) is None


def test_unordered() -> None:
    assert compare(literal("1", "integer"), literal("1", "string")) is None
    assert compare(literal("true", "boolean"), literal("1", "integer")) is None
    assert compare(literal("x", "integer"), literal("1", "integer")) is None
    assert compare(Literal("a", RDF + "langString", "en"), literal("a", "string")) is None
    assert compare(literal("P1M", "duration"), literal("P30D", "duration")) is None
    assert compare(literal("P1M1D", "duration"), literal("P1M", "duration")) == 1
    assert compare(literal("P0M", "yearMonthDuration"), literal("P1M", "duration")) == -1
    assert compare(literal("P0M", "yearMonthDuration"), literal("PT0S", "dayTimeDuration")) == 0
    assert compare(literal("2023", "gYear"), literal("2023-01-01", "date")) is None


def test_time_zones() -> None:
    noon = "2023-10-18T12:00:00"
    assert compare(literal(noon + "Z", "dateTime"), literal(noon + "+01:00", "dateTime")) == 1
    assert compare(literal(noon, "dateTime"), literal(noon + "Z", "dateTime")) is None
    later = literal("2023-10-19T12:00:00Z", "dateTime")
    assert compare(literal(noon, "dateTime"), later) == -1
    end = literal("2023-10-18T24:00:00Z", "dateTime")
    assert compare(end, literal("2023-10-19T00:00:00Z", "dateTime")) == 0


@given(st.dates(), st.dates())
def test_dates_have_the_order_of_the_calendar(a: datetime.date, b: datetime.date) -> None:
    wanted = (a > b) - (a < b)
    assert compare(literal(a.isoformat(), "date"), literal(b.isoformat(), "date")) == wanted


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
    ),
    st.integers(),
)
def test_decimals_and_integers_are_compared_exactly(a: Decimal, b: int) -> None:
    wanted = (a > b) - (a < b)
    assert compare(literal(f"{a:f}", "decimal"), literal(str(b), "integer")) == wanted


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_literals_are_read_as_they_are_written(text: str) -> None:
    assert parse_literal(str(ox.Literal(text))) == literal(text, "string")
    assert parse_literal(str(ox.Literal(text, language="bn"))).lexical == text
    typed = ox.Literal(text, datatype=ox.NamedNode("https://x.example/t"))
    assert parse_literal(str(typed)) == Literal(text, "https://x.example/t", "")


# --- regular expressions ----------------------------------------------------------------------

MATCHING = [
    ("^a$", "", "a", True),
    ("^a$", "", "a\n", False),  # the end is the end
    ("^b$", "m", "a\nb", True),
    ("a.b", "", "a\nb", False),
    ("a.b", "s", "a\nb", True),
    ("A", "i", "xay", True),
    ("a b", "x", "ab", True),
    ("a.b", "q", "a.b", True),
    ("a.b", "q", "axb", False),
    (r"^\d{2}$", "", "12", True),
    (r"^[\s]$", "", "\u00a0", False),  # four characters are space
    (r"\s", "", "\t", True),
    ("[a&&b]", "", "&", True),
    ("[^a-c]", "", "d", True),
    ("(a)\\1", "", "aa", True),
    (r"\-", "", "-", True),
    ("^x(-[a-z]+)*$", "", "x-ab-c", True),
    ("(ab)+$", "", "abab", True),
]


@pytest.mark.parametrize(("pattern", "flags", "text", "matches"), MATCHING)
def test_patterns_match_as_xpath_says(pattern: str, flags: str, text: str, matches: bool) -> None:
    test = matcher(pattern, flags)
    assert test is not None
    assert test(text) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        r"\p{L}",
        r"\i\c*",
        "(?i)a",
        r"[^\S]",
        r"a\/b",
        "(a+)+$",
        "(a|b)*",
        "((a*))+",
    ],
)
def test_patterns_that_python_cannot_express_are_left_to_others(pattern: str) -> None:
    assert matcher(pattern) is None


@pytest.mark.parametrize("pattern", ["(", "[", "[a-z-[aeiou]]", "a{2,1}", "[]a]", "*", "\\"])
def test_what_is_no_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(re.error):
        matcher(pattern)


def test_flags_that_are_none_are_an_error() -> None:
    with pytest.raises(re.error):
        matcher("a", "g")
