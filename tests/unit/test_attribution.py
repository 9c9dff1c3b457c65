"""Words of saying: four stances that are never confused, in five languages."""

from __future__ import annotations

import pytest

from kg import facts
from kg.attribution import NO_STANCE, _rows, find_cues, find_unnamed, languages
from kg.names import is_nfc

STANCES = {
    "affirms": {
        "en": "The ministry said that the port is open.",
        "bn": "মন্ত্রণালয় বলেছে বন্দর খোলা।",
        "hi": "मंत्रालय ने कहा कि बंदरगाह खुला है।",
        "ru": "Министерство заявило, что порт открыт.",
        "ko": "외교부는 항구가 열려 있다고 밝혔다.",
    },
    "denies": {
        "en": "The ministry denied the report.",
        "bn": "মন্ত্রণালয় খবরটি অস্বীকার করেছে।",
        "hi": "मंत्रालय ने खबर से इनकार किया।",
        "ru": "Министерство опровергло сообщение.",
        "ko": "외교부는 보도를 부인했다.",
    },
    "disputes-evidence": {
        "en": "The ministry spoke of accusations without evidence.",
        "bn": "মন্ত্রণালয় মনে করে, এর কোনো প্রমাণ নেই।",
        "hi": "मंत्रालय का मानना है कि इसका कोई सबूत नहीं है।",
        "ru": "По мнению министерства, доказательств нет.",
        "ko": "외교부는 증거가 없다는 입장이다.",
    },
    "does-not-confirm": {
        "en": "The ministry did not immediately confirm the report.",
        "bn": "মন্ত্রণালয় খবরটি নিশ্চিত করেনি।",
        "hi": "मंत्रालय ने खबर की पुष्टि नहीं की।",
        "ru": "Министерство не подтвердило сообщение.",
        "ko": "외교부는 보도를 확인하지 않았다.",
    },
    "cannot-verify": {
        "en": "The paper could not independently verify the report.",
        "bn": "পত্রিকাটি খবরটি যাচাই করতে পারেনি।",
        "hi": "अखबार खबर की पुष्टि नहीं कर सका।",
        "ru": "Газете не удалось проверить сообщение.",
        "ko": "신문은 보도를 검증할 수 없었다.",
    },
    "questions": {
        "en": "The ministry questioned the report.",
        "bn": "মন্ত্রণালয় খবরটি নিয়ে প্রশ্ন তুলেছে।",
        "hi": "मंत्रालय ने खबर पर सवाल उठाए।",
        "ru": "Министерство поставило под сомнение сообщение.",
        "ko": "외교부는 보도에 의문을 제기했다.",
    },
}


@pytest.mark.parametrize("stance", STANCES)
@pytest.mark.parametrize("language", ["bn", "en", "hi", "ko", "ru"])
def test_each_stance_is_that_one_and_no_other(stance: str, language: str):
    cues, left = find_cues(STANCES[stance][language], language)
    found = {cue.stance for cue in cues if cue.act != "according-to"}
    assert found == {stance}
    assert left == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The ministry did not say so."),
        ("en", "The ministry never denied it."),
        ("bn", "মন্ত্রণালয় তা বলেনি।"),
        ("hi", "मंत्रालय ने यह नहीं कहा।"),
        ("hi", "मंत्रालय ने इनकार नहीं किया।"),
        ("ru", "Министерство не заявило об этом."),
        ("ru", "Министерство не отрицает этого."),
        ("ko", "외교부는 밝히지 않았다."),
        ("ko", "외교부는 부인하지 않았다."),
    ],
)
def test_what_is_negated_is_left_open(language: str, text: str):
    cues, left = find_cues(text, language)
    assert cues == []
    assert len(left) == 1


def test_neither_confirmed_nor_denied_is_no_denial():
    cues, _ = find_cues("The ministry neither confirmed nor denied it.", "en")
    assert [cue.stance for cue in cues] == ["does-not-confirm"]


def test_offsets_are_those_of_the_text_and_of_the_sentence():
    text = "It denied it. It said so."
    cues, _ = find_cues(text, "en-GB", 14, len(text))
    assert [text[cue.start : cue.end] for cue in cues] == ["said"]


def test_speakers_without_a_name_are_nouns():
    found = find_unnamed("रूसी अधिकारियों और विश्लेषकों ने कहा", "hi")
    assert [(one.label, one.type) for one in found] == [
        ("officials", "UnnamedSource"),
        ("analysts", "UnnamedSource"),
    ]


def test_the_tables_are_sound():
    assert languages() == {"bn", "en", "hi", "ko", "ru"}
    rows = _rows("attribution.tsv", 6)
    stances = {*facts.Stance.__args__, NO_STANCE}
    assert len({(row[0], row[1]) for row in rows}) == len(rows)
    for lang, form, stance, act, speaker, _ in rows:
        assert is_nfc(form), form
        assert stance in stances, form
        assert speaker in ("before", "after", "either", "nobody"), form
        assert lang, act
    # Each language has words for each stance, so that none is taken for another.
    for lang in languages():
        assert {row[2] for row in rows if row[0] == lang} == stances
    for _, form, kind, label in _rows("unnamed-sources.tsv", 4):
        assert is_nfc(form), form
        assert kind in facts.AgentType.__args__, label
