"""Words of saying: four stances that are never confused, in five languages."""

from __future__ import annotations

import pytest

from kg import facts
from kg.attribution import _MODIFIERS, NO_STANCE, _rows, find_cues, find_unnamed, languages
from kg.names import is_nfc

ACTS = {
    *("says", "claims", "announces", "reports", "confirms", "concedes", "accuses", "urges"),
    *("according-to", "cites", "seen-as", "denies", "does-not-confirm", "cannot-verify"),
    *("disputes-evidence", "questions", "left-open", *_MODIFIERS),
}
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
        "en": "The ministry spoke of accusations that are baseless.",
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


NO_STANCES = {
    # negated, before or after
    ("en", "The ministry did not say so."),
    ("en", "The ministry never denied it."),
    ("en", "The ministry never actually denied it."),
    ("en", "Nobody at the ministry of Arvenia denied it."),
    ("en", "It is not “baseless”."),
    ("bn", "মন্ত্রণালয় তা বলেনি।"),
    ("bn", "অভিযোগ ভিত্তিহীন নয়।"),
    ("bn", "মন্ত্রণালয় অস্বীকার করেছে কি না জানা যায়নি।"),
    ("hi", "मंत्रालय ने यह नहीं कहा।"),
    ("hi", "मंत्रालय ने इनकार नहीं किया।"),
    ("hi", "मंत्रालय ने आरोपों को खारिज नहीं किया।"),
    ("hi", "आरोप निराधार नहीं हैं।"),
    ("ru", "Министерство не заявило об этом."),
    ("ru", "Министерство не отрицает этого."),
    ("ru", "Обвинения не голословны."),
    ("ko", "외교부는 밝히지 않았다."),
    ("ko", "외교부는 부인하지 않았다."),
    ("ko", "근거 없는 것은 아니다."),
    ("ko", "외교부가 부인했는지 모른다."),
    # in doubt
    ("en", "Few in the ministry deny it."),
    ("en", "It is not clear if the ministry denied it."),
    ("en", "They asked whether the ministry had denied it."),
    ("en", "The ministry would deny it."),
    ("en", "If confirmed by the ministry, the report matters."),
    ("ru", "Министерство отрицало бы это, отрицал бы и он."),
    ("ru", "Вряд ли министр подтвердил это."),
    # refusing to deny
    ("en", "The ministry refused to deny it."),
    ("en", "The ministry declined to deny it."),
    ("en", "The ministry stopped short of denying it."),
    ("bn", "মন্ত্রণালয় খবরটি অস্বীকার করতে অস্বীকার করেছে।"),
    ("hi", "मंत्रालय ने खबर का खंडन करने से इनकार किया।"),
    ("hi", "मंत्रालय ने आरोपों को खारिज करने से इनकार किया।"),
    ("ru", "Власти не стали отрицать это."),
    # refusing to act, withholding, asking
    ("en", "Bostmark denied Arvenia access to the port."),
    ("en", "Bostmark denied Arvenia weapons."),
    ("en", "Bostmark denied a request for talks."),
    ("en", "The inspectors were denied access."),
    ("en", "Police questioned the diplomat about the report."),
    ("bn", "মন্ত্রণালয় বৈঠকে যোগ দিতে অস্বীকার করেছে।"),
    ("hi", "मंत्रालय ने मिलने से इनकार किया।"),
    ("hi", "मंत्रालय ने बातचीत से इनकार किया।"),
    ("hi", "मंत्रालय ने वीज़ा देने से इनकार किया।"),
}


@pytest.mark.parametrize(("language", "text"), sorted(NO_STANCES))
def test_what_is_negated_in_doubt_or_refused_has_no_stance_and_is_left_open(
    language: str, text: str
):
    cues, left = find_cues(text, language)
    assert cues == []
    assert left
    assert all(cue.why for cue in left)


@pytest.mark.parametrize(
    ("language", "text", "stance"),
    [
        ("en", "The ministry declined to confirm or deny it.", "does-not-confirm"),
        ("en", "The ministry refused to confirm or deny it.", "does-not-confirm"),
        ("en", "The ministry would neither confirm nor deny it.", "does-not-confirm"),
        ("en", "The ministry neither confirmed nor denied it.", "does-not-confirm"),
        ("en", "The ministry neither denied nor confirmed it.", "does-not-confirm"),
        ("en", "The ministry did not confirm or deny it.", "does-not-confirm"),
        ("en", "The ministry has yet to confirm it.", "does-not-confirm"),
        ("bn", "মন্ত্রণালয় মন্তব্য করতে অস্বীকৃতি জানিয়েছে।", "does-not-confirm"),
        ("ko", "외교부는 보도를 확인도 부인도 하지 않았다.", "does-not-confirm"),
        ("ko", "외교부는 확인해 줄 수 없다.", "does-not-confirm"),
        ("ko", "외교부는 사실이 아니라고 한다.", "denies"),
        ("en", "It cannot be confirmed.", "cannot-verify"),
        ("en", "It has not yet been independently verified.", "cannot-verify"),
        ("en", "The paper was not able to verify it.", "cannot-verify"),
        ("en", "The ministry denied Arvenia was involved.", "denies"),
        ("en", "The ministry denied Tuesday that it was so.", "denies"),
        ("en", "The ministry would not comment.", "does-not-confirm"),
        ("en", "The ministry denied Arvenia's claim.", "denies"),
        ("en", "The ministry continued to deny it.", "denies"),
        ("en", "The report was denied by Bostmark.", "denies"),
        ("en", "The ministry questioned whether it was so.", "questions"),
        ("hi", "मंत्रालय ने कहा कि नहीं।", "affirms"),
    ],
)
def test_what_is_confirmed_or_not_is_no_denial(language: str, text: str, stance: str):
    cues, left = find_cues(text, language)
    assert [cue.stance for cue in cues] == [stance]
    assert left == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The ministry claimed without evidence that it left."),
        ("en", "The ministry said baseless accusations must stop."),
        ("hi", "मंत्रालय ने बिना सबूत के दावा किया।"),
        ("ru", "Министерство без доказательств заявило об этом."),
        ("ru", "Министерство заявило о голословных обвинениях."),
        ("ko", "외교부는 근거 없이 주장했다."),
        ("bn", "মন্ত্রণালয় প্রমাণ ছাড়াই দাবি করেছে।"),
    ],
)
def test_a_remark_about_evidence_is_nobodys_stance(language: str, text: str):
    cues, left = find_cues(text, language)
    assert [cue.stance for cue in cues] == ["affirms"]
    assert len(left) == 1


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
        assert lang in languages(), form
        assert act in ACTS, form
        assert (stance == NO_STANCE) == (act in ("left-open", *_MODIFIERS)), form
    # Each language has words for each stance, so that none is taken for another.
    for lang in languages():
        assert {row[2] for row in rows if row[0] == lang} == stances
    for table in ("unnamed-sources.tsv", "outlets.tsv"):
        rows = _rows(table, 4)
        assert len({(row[0], row[1]) for row in rows}) == len(rows) > 0
        for _, form, kind, label in rows:
            assert is_nfc(form), form
            assert kind in facts.AgentType.__args__, label
