"""Sentences of texts in several languages, found without a model of any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.facts import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Gen. A. B. Rell left the U.S. Army on Jan. 5.", "It took 2.5 hours.", "Why?", "Go!"],
        ["He said no.", "No. 5 is closed.", "He left the U.S.", "The port is open."],
        ["“It is so.”", "She left..."],
        ["রেল বুধবার পৌঁছেছেন।", "ডা. সেন কি জানেন?", "না!"],
        ["रेल सोमवार को पहुँचे।", "डॉ. सेन 2.5 घंटे रुके।", "क्या वे लौटेंगे?"],
        ["Он родился в 1980 г. в Порт-Солене.", "Д. С. Рель уехал, т. е. вышел.", "Да."],
        ["Это было в 1980 г.", "Потом он уехал."],
        ["렐 장관은 말했다.", "2.5시간이 걸렸다.", '"그렇다."'],
        ["雷尔到了。", "他说了！"],
    ],
)
def test_sentences_are_found(sentences: list[str]):
    text = " ".join(sentences)
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


def test_lines_are_sentences_and_a_mark_of_order_is_none():
    text = "\ufeffA headline\r\n\r\nA line. And more\n...\n"
    assert [text[a:b] for a, b in split_sentences(text)] == ["A headline", "A line.", "And more"]


@given(st.text(st.sampled_from("aA. ।?!\n”“5г"), max_size=40))
def test_nothing_but_marks_and_spaces_is_left_out(text: str):
    last, kept = 0, ""
    for start, end in split_sentences(text):
        assert last <= start < end
        assert not text[last:start].strip(" .।?!\n”“")
        kept, last = text[start:end], end
        assert kept == kept.strip()
    assert not text[last:].strip(" .।?!\n”“")
