"""kg.errors: what a person reads, and what a program can take apart."""

from __future__ import annotations

import pickle

import pytest

from kg import errors
from kg.errors import ConfigError, FactError, KgError, KgErrors, QueryError, raise_all


def test_message_has_its_parts_in_order():
    error = FactError(
        'field "published" is no date',
        where="facts/seoul-2023-10-18.yaml:112",
        seen='"18/10/23"',
        expected="an EDTF date such as 2023-10-18",
        hint="see docs/facts.md",
    )
    assert str(error) == (
        'facts/seoul-2023-10-18.yaml:112: field "published" is no date; seen "18/10/23"; '
        "expected an EDTF date such as 2023-10-18; see docs/facts.md"
    )


def test_message_with_nothing_but_what():
    assert str(KgError("the store is empty")) == "the store is empty"


def test_bengali_and_hindi_are_shown_as_they_are():
    zwj = "\u0995\u09cd\u200d\u09af"
    assert str(KgError("x", seen=f"পিয়ংইয়ং प्योंगयांग {zwj}")) == (f"x; seen পিয়ংইয়ং प्योंगयांग {zwj}")


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("\x00", "\\x00"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(seen: str, shown: str):
    assert str(KgError("x", seen=seen)) == f"x; seen {shown}"


def test_a_long_value_is_cut_and_its_length_said():
    text = str(KgError("x", seen="ক" * 5000))
    assert text == f"x; seen {'ক' * 200}… (5000 characters)"


def test_several_errors_are_one_line_each_and_nested_ones_are_flat():
    inner = KgErrors([FactError("two", where="b"), FactError("three", where="c")])
    outer = KgErrors([ConfigError("one", where="a"), inner])
    assert [type(error) for error in outer.errors] == [ConfigError, FactError, FactError]
    assert str(outer).splitlines() == ["a: one", "b: two", "c: three"]


def test_no_errors_are_no_error():
    raise_all([])
    with pytest.raises(ValueError, match="at least one"):
        KgErrors([])


def test_one_error_is_raised_as_itself():
    with pytest.raises(QueryError) as caught:
        raise_all([QueryError("refused")])
    assert not isinstance(caught.value, KgErrors)


def test_two_errors_are_raised_together():
    with pytest.raises(KgErrors) as caught:
        raise_all([QueryError("refused"), FactError("bad")])
    assert len(caught.value.errors) == 2


@pytest.mark.parametrize(
    "error",
    [
        FactError("what", where="w", seen="s", expected="e", hint="h"),
        KgErrors([FactError("one", where="a"), ConfigError("two", seen="b")]),
    ],
)
def test_errors_cross_a_process_boundary_whole(error: KgError):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_the_tree_in_the_docstring_is_the_tree():
    named = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, KgError) and value is not KgError
    }
    assert errors.__doc__ is not None
    drawn = {
        line.split("── ")[1].split()[0] for line in errors.__doc__.splitlines() if "── " in line
    }
    assert drawn == named
