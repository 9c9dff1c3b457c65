"""Names are found in texts: where they stand, the longest, each with its answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.lexicon import Lexicon
from kg.linker import Linker
from kg.scan import find

LINKER = Linker(Lexicon.load())


def found(text: str, lang: str) -> list[tuple[str, str]]:
    return [(f.surface, f.answer.qid) for f in find(LINKER, text, lang)]


@pytest.mark.parametrize(
    ("text", "lang", "names"),
    [
        (
            "ঢাকায় রুশ পররাষ্ট্রমন্ত্রী লাভরভের সঙ্গে জাপানের মন্ত্রীর দেখা হয়।",
            "bn",
            [("ঢাকায়", "Q1354"), ("রুশ", "Q159"), ("লাভরভের", "Q58217"), ("জাপানের", "Q17")],
        ),
        (
            "भारत ने जापान को बताया, पर रूसी पक्ष चुप रहा।",
            "hi",
            [("भारत", "Q668"), ("जापान", "Q17"), ("रूसी", "Q159")],
        ),
        (
            "Того не было: президент Путин говорил с Ким Чен Ыном в Пхеньяне.",
            "ru",
            [("Того", ""), ("Путин", "Q7747"), ("Ким Чен Ыном", "Q56226"),
             ("Пхеньяне", "Q18808")],
        ),
        (
            "북한은 푸틴 대통령과 평양에서 만났다.",
            "ko",
            [("북한은", "Q423"), ("푸틴", "Q7747"), ("평양에서", "Q18808")],
        ),
        (
            "。プーチン大統領は平壌で金正恩氏と会談。",
            "ja",
            [("プーチン", "Q7747"), ("平壌", "Q18808"), ("金正恩", "Q56226")],
        ),
        (
            "He told us that Turkey and Chad agreed; Kim Jong Un did not. Kim left Seoul.",
            "en",
            [("Turkey", "Q43"), ("Chad", "Q657"), ("Kim Jong Un", "Q56226"), ("Kim", "Q56226"),
             ("Seoul", "Q8684")],
        ),
    ],
)  # fmt: skip
def test_names_in_sentences(text: str, lang: str, names: list[tuple[str, str]]) -> None:
    assert found(text, lang) == names


@pytest.mark.parametrize(
    ("text", "lang", "names"),
    [
        ("Kim Jong Un came. His sister Kim Yo Jong left.", "en", ["Kim Jong Un"]),
        ("Hunter Biden spoke. But Biden did not.", "en", ["Biden"]),
        ("タイトルとインドア、タイとインド、インド洋。", "ja", ["タイ", "インド"]),
        ("In St. Lucia it rained.", "en", ["St. Lucia"]),
        ("이란 인도 관계", "ko", ["이란", "인도"]),
        ("CNN and AFP", "en", []),
        ("இந்தியா ரஷ்யா", "ta", ["இந்தியா", "ரஷ்யா"]),
    ],
)
def test_names_within_other_names(text: str, lang: str, names: list[str]) -> None:
    assert [surface for surface, _ in found(text, lang)] == names


@pytest.mark.parametrize(
    "text", ["Then Jordan Peterson spoke.", "The Moscow Times wrote.", "He met Michael Jordan."]
)
def test_a_half_of_a_name_is_a_candidate_only(text: str) -> None:
    (one,) = find(LINKER, text, "en")
    assert one.answer.qid == ""
    assert len(one.answer.candidates) == 1


def test_two_kims_and_one_surname() -> None:
    text = "Sung Kim spoke of Kim Jong Un. Kim was calm."
    assert [qid for _, qid in found(text, "en")] == ["Q1526335", "Q56226"]


def test_what_several_are_called_is_there_without_an_item() -> None:
    (one,) = find(LINKER, "Washington spoke.", "en")
    assert one.answer.qid == ""
    assert [c.qid for c in one.answer.candidates] == ["Q61", "Q1223"]


def test_no_name_goes_over_a_stop() -> None:
    assert found("North. Korea", "en")[0][1] != "Q423"
    assert found("उत्तर, कोरिया", "hi")[0][1] != "Q423"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.text(st.sampled_from("রাশিয়ার उत्तर कोरिया NATO. Путин 北朝鮮平壌の'-, "), max_size=60),
    st.sampled_from(["bn", "hi", "en", "ru", "ko", "ja", "zh", "", "xx"]),
)
def test_offsets_are_of_the_text(text: str, lang: str) -> None:
    last = 0
    for one in find(LINKER, text, lang):
        assert last <= one.start < one.end <= len(text)
        assert text[one.start : one.end] == one.surface
        assert one.answer.qid or one.answer.candidates
        last = one.end
