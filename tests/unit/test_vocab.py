"""Terms, keys and literals: what is written is what a store gives back."""

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.edtf import bounds
from kg.names import fold, is_nfc, nfc
from kg.vocab import (
    CH,
    EDTF,
    boolean,
    claim_key,
    data_iri,
    date,
    decimal,
    digest_key,
    integer,
    iri,
    literal,
)

TEXT = st.text(
    st.characters(
        codec="utf-8",
        exclude_characters=[chr(c) for c in range(32) if c not in (9, 10, 13)] + ["\x7f"],
    )
)
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,12})([.][0-9]{0,6}[1-9])?", fullmatch=True).filter(
    lambda n: n not in ("-0",)
)


def round_trip(value: str) -> str:
    """Return a term after loading it into a store and reading it back."""
    store = ox.Store()
    line = f"<urn:s> <urn:p> {value} <urn:g> .\n"
    store.bulk_load(input=line.encode(), format=ox.RdfFormat.N_QUADS)
    (quad,) = store
    return str(quad.object)


@given(TEXT, st.sampled_from(["", "bn", "hi", "en", "zh-hant"]))
def test_texts_come_back_unchanged(text: str, lang: str) -> None:
    written = literal(text, lang=lang)
    (quad,) = ox.parse(f"<urn:s> <urn:p> {written} .".encode(), format=ox.RdfFormat.N_TRIPLES)
    assert isinstance(quad.object, ox.Literal)
    assert quad.object.value == text
    assert (quad.object.language or "") == lang
    assert round_trip(written) == written


@given(NUMBER)
def test_numbers_come_back_unchanged(number: str) -> None:
    assert round_trip(decimal(number)) == decimal(number)


@given(st.integers(-(2**62), 2**62))
def test_integers_come_back_unchanged(value: int) -> None:
    assert round_trip(integer(value)) == integer(value)


@given(st.dates())
def test_dates_come_back_unchanged(day: object) -> None:
    assert round_trip(date(str(day))) == date(str(day))


@given(st.booleans(), st.sampled_from(["2023-10-18", "2023-09~", "2023-08/.."]))
def test_booleans_and_edtf_come_back_unchanged(value: bool, edtf: str) -> None:
    assert round_trip(boolean(value)) == boolean(value)
    assert round_trip(literal(edtf, datatype=EDTF)) == literal(edtf, datatype=EDTF)


def test_a_control_character_is_refused() -> None:
    with pytest.raises(ValueError, match="control"):
        literal("a\x00b")


@pytest.mark.parametrize("bad", ["no scheme", "http://a b", "http://a<b", "x", "http://a\nb"])
def test_what_is_no_iri_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="IRI"):
        iri(bad)


@pytest.mark.parametrize("bad", ["en us", "e\u0301", "1", "en_US", ""])
def test_what_is_no_language_tag_is_refused(bad: str) -> None:
    if bad:
        with pytest.raises(ValueError, match="language"):
            literal("x", lang=bad)
    else:
        assert literal("x", lang=bad) == '"x"'


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=4))
def test_equal_fields_give_equal_keys_and_others_do_not(one: list[str], two: list[str]) -> None:
    assert (digest_key(*one) == digest_key(*two)) == (one == two)
    assert len(digest_key(*one)) == 16


@given(st.permutations(["a", "b", "c"]))
def test_the_order_of_claimants_does_not_matter(claimants: list[str]) -> None:
    assert claim_key("doc", claimants, "event/x") == claim_key("doc", ["a", "b", "c"], "event/x")
    assert claim_key("doc", claimants, "event/x") != claim_key("doc", claimants, "event/x", 2)


def test_addresses() -> None:
    assert data_iri("https://a.example/", "agent", "x-y") == "https://a.example/id/agent/x-y"
    assert CH.endswith("#")


@given(st.text())
def test_nfc_is_stable_and_folding_too(text: str) -> None:
    assert is_nfc(nfc(text))
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2023-10-18", "2023-10-18", "2023-10-18"),
        ("2023-09~", "2023-09-01", "2023-09-30"),
        ("2022", "2022-01-01", "2022-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-08/..", "2023-08-01", None),
        ("../2023-09-11", None, "2023-09-11"),
        ("2023-10-09/2023-10-15", "2023-10-09", "2023-10-15"),
        ("2022-04?/2023-09%", "2022-04-01", "2023-09-30"),
    ],
)
def test_bounds(text: str, first: str | None, last: str | None) -> None:
    assert bounds(text) == (first, last)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "..",
        "../..",
        "2023-13",
        "2023-02-30",
        "18/10/23",
        "2023-10-18\n",
        "2023-10-09/2023-10-01",
        "0000",
        "2023-1-1",
        "2023-10-18T12:00",
        "199X",
        "a/b/c",
        " 2023",
    ],
)
def test_what_is_no_date_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        bounds(bad)
