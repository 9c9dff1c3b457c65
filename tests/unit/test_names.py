"""Names are folded alike however they are spelt, in every script, and never to nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.names import errors_allowed, fold, joined, loosen, pairs_of_units, plain, stems, units

ANY = st.text(st.characters())
"""Any code points, halves of surrogate pairs among them."""
SCRIPTS = st.text(
    st.sampled_from("aéøßİﬁ '-ёйїґкিকতঙ্ৎয়়ংঁ৩ক़न्दंँऑ४\u200c\u200d각각أآىک٣ـ—"), max_size=12
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P'yŏngyang", "PYONGYANG"),
        ("P’yŏngyang", "pyongyang"),
        ("Kim Jong-Un", "kim  jong un"),
        ("Łódź", "lodz"),
        ("Ørsted", "orsted"),
        ("Đà Nẵng", "da nang"),
        ("Ærø", "aero"),
        ("Straße", "STRASSE"),
        ("Diyarbakır", "DİYARBAKIR"),
        ("ﬁnal ＡＢＣ", "final abc"),
        ("Семён", "семен"),
        ("Сергей", "Сергеи"),
        ("Київ", "киів"),
        ("Ґданськ", "гданськ"),
        ("Ким Чен Ын", "КИМ ЧЕН ЫН"),
        ("हिन्दी", "हिंदी"),
        ("सम्बन्ध", "संबंध"),
        ("पाञ्च", "पांच"),
        ("ख़रीद", "खरीद"),
        ("चाँद", "चांद"),
        ("दुःख", "दुख"),
        ("मॉस्को", "मास्को"),
        ("किम जोंग उन", "किम जोङ्ग उन"),
        ("क्\u200dष", "क्ष"),
        ("বাঙলা", "বাংলা"),
        ("বাঙ্\u200cলা", "বাংলা"),
        ("উৎসব", "উত্সব"),
        ("রাশিয়া", "রাশিয\u09bcা"),
        ("রাশিয়া", "রাশিযা"),
        ("দুঃখ", "দুখ"),
        ("কিম জং উন", "কিম  জং\u00a0উন"),
        ("김정은", unicodedata.normalize("NFD", "김정은")),
        ("أحمد", "احمد"),
        ("مُحَمَّد", "محمد"),
        ("كتـــاب", "كتاب"),
        ("ایران", "ايران"),
        ("১৯৭১", "1971"),
        ("२०२३ ٢٠٢٣", "2023 2023"),
    ],
)
def test_spellings_of_one_name_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert plain(one) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("কাল", "কালো"),
        ("দিন", "দীন"),
        ("শব", "সব"),
        ("বান", "বাণ"),
        ("दिन", "दीन"),
        ("कम", "काम"),
        ("अन्न", "अन"),
        ("стол", "стул"),
        ("김정은", "김정일"),
        ("Iran", "Iraq"),
        ("東京", "京都"),
        ("か", "が"),
    ],
)
def test_other_words_stay_other_words(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.one_of(ANY, SCRIPTS))
@example("\u200d")
@example("'")
@example("\u0301")
@example("½﷽")
@example("\x00")
def test_folding_is_stable_and_leaves_something(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert bool(folded) == bool(text.split())
    assert folded == " ".join(folded.split())


@given(st.one_of(st.text(), SCRIPTS))
def test_composed_and_decomposed_are_one(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_every_character_alone_and_between_letters_is_stable() -> None:
    for code in range(0x20000):
        for text in (chr(code), f"ক{chr(code)}া", f"a{chr(code)}b"):
            folded = fold(text)
            assert folded or not text.strip(), hex(code)
            assert fold(folded) == folded, hex(code)


@given(st.one_of(ANY, SCRIPTS))
def test_what_measures_likeness_takes_any_word(text: str) -> None:
    for word in fold(text).split():
        assert loosen(word)
        assert "".join(units(word)) in (word, unicodedata.normalize("NFD", word))
        assert errors_allowed(word) in (0, 1, 2)
        assert len(pairs_of_units(word)) <= len(units(word)) + 1
        assert all(word.startswith(stem) and stem for stem in stems(word))
    assert " " not in joined(fold(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [("শি", "সী"), ("पुतिन", "पूतिन"), ("বাণিজ্য", "বানিজ্য"), ("чаты", "чати"), ("مدينة", "مدينه")],
)
def test_sounds_that_are_confused_are_alike(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert loosen(fold(one)) == loosen(fold(other))


@pytest.mark.parametrize(
    ("word", "errors"),
    [
        *(("kim", 0), ("iran", 1), ("russian", 1), ("pyongyang", 2)),
        *(("조", 0), ("서울", 1), ("김정은", 1), ("조선인민", 2)),
        *(("কিম", 0), ("মস্কো", 1), ("পিয়ংইয়াং", 2), ("उन", 0), ("मास्को", 1)),
    ],
)
def test_longer_words_may_have_more_errors(word: str, errors: int) -> None:
    assert errors_allowed(fold(word)) == errors


@pytest.mark.parametrize(
    ("word", "stem"),
    [("কিমের", "কিম"), ("মস্কোতে", "মস্কো"), ("রাশিয়ায়", "রাশিয়া"), ("पुतिनने", "पुतिन")],
)
def test_endings_are_taken_off(word: str, stem: str) -> None:
    assert fold(stem) in stems(fold(word))
