"""kg.edtf gives the bounds that python-edtf, an implementation of its own, gives."""

from __future__ import annotations

from datetime import date

import edtf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.edtf import bounds

days = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(date.isoformat)
dates = st.builds(
    lambda day, length, qualifier: day[:length] + qualifier,
    days,
    st.sampled_from([4, 7, 10]),  # year, month, day
    st.sampled_from(["", "", "~", "?", "%"]),
)


def peer(text: str) -> tuple[str, str]:
    parsed = edtf.parse_edtf(text)
    lower, upper = parsed.lower_strict(), parsed.upper_strict()
    return date(*lower[:3]).isoformat(), date(*upper[:3]).isoformat()


@given(dates)
def test_a_date_covers_the_same_days(text: str):
    assert bounds(text) == peer(text)


@given(dates, dates)
def test_an_interval_covers_the_same_days(one: str, other: str):
    first, last = sorted((one, other), key=lambda text: (bounds(text)[0], bounds(text)[1]))
    if bounds(first)[1] <= bounds(last)[1]:
        assert bounds(f"{first}/{last}") == peer(f"{first}/{last}")


@pytest.mark.parametrize(
    "text", ["", "18/10/23", "2023-02-30", "2023-13", "1990s", "2023-10-17T22"]
)
def test_what_one_refuses_the_other_refuses(text: str):
    with pytest.raises(edtf.EDTFParseException):
        edtf.parse_edtf(text)
    with pytest.raises(ValueError):
        bounds(text)
