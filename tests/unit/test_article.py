"""Offsets are those of the file as hashed, whatever form its text has."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.article import MAX_BYTES, Article
from kg.errors import FactError


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["ময়দান", "फ़ौज", "Café", "평양", "Ёлка"])
def test_a_name_is_found_where_the_file_has_it(form: str, name: str):
    text = normalize(form, f"А {name}, {name}.")
    article = Article("a", text.encode())
    plain = normalize("NFC", name)
    start = article.plain.index(plain)
    first, last = article.span(start, start + len(plain))
    assert text[first:last] == normalize(form, name)
    assert article.at(start, start + len(plain)) == f"{first}-{last}"
    assert (
        article.hash(start, start + len(plain))
        == sha256(normalize(form, name).encode()).hexdigest()
    )


@given(st.text(max_size=40))
def test_the_normalised_text_is_that_of_unicode(text: str):
    text = text.replace("\x00", "") + "x"
    try:
        article = Article("a", text.encode())
    except UnicodeEncodeError:
        return
    assert article.plain == normalize("NFC", text)
    for n in range(len(article.plain)):
        first, last = article.span(n, n + 1)
        assert 0 <= first < last <= len(text)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ab\xff", "a, byte 2: the article is not UTF-8; seen 0xFF"),
        (b" \n", "a: the article is empty"),
        (b"a\x00", "a, character 1: the article holds a NUL"),
        (b"a" * (MAX_BYTES + 1), "the article is too large"),
    ],
)
def test_what_is_no_article_is_refused(data: bytes, message: str):
    with pytest.raises(FactError, match=message.replace("(", r"\(")):
        Article("a", data)


def test_a_file_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(FactError, match=r"nowhere.txt: the article cannot be read"):
        Article.read(tmp_path / "nowhere.txt")
