"""Names are linked to the right item, or to nothing: in every script, inflected, and in context."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.hints import HINTS, read_hint
from kg.lexicon import Lexicon, key_of
from kg.linker import Linker, Mention, is_day

LINKER = Linker(Lexicon.load())
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WORDS = st.text(
    st.sampled_from("রাশিয়াের উত্তরको नेरूस भारतRusiaКитйя북한은의ا لروس'’-()."), max_size=24
)
HINT = st.one_of(st.sampled_from(["", *HINTS, "state(adj)", "government(metonym)"]), TEXT)


def meant(surface: str, lang: str, hint: str = "", date: str = "") -> str:
    return LINKER.one(Mention(surface, lang, hint, date)).qid


def literal(surface: str, lang: str, hint: str = "", date: str = "") -> str:
    return LINKER.one(Mention(surface, lang, hint, date)).literal_qid


@pytest.mark.parametrize(
    ("surface", "lang", "hint", "qid"),
    [
        # Case endings, glued or apart, with and without a hyphen
        ("জাপানের", "bn", "state", "Q17"),
        ("ইরানকেও", "bn", "state", "Q794"),
        ("সিউল-এ", "bn", "city", "Q8684"),
        ("কানাডায়", "bn", "state", "Q16"),
        ("भारत ने", "hi", "state", "Q668"),
        ("जापान की ओर से", "hi", "state", "Q17"),
        ("Северной Корее", "ru", "state", "Q423"),
        ("Южной Кореей", "ru", "state", "Q884"),
        ("Беларуси", "ru", "state", "Q184"),
        ("України", "uk", "state", "Q212"),
        ("일본에서도", "ko", "state", "Q17"),
        ("北朝鮮の", "ja", "state", "Q423"),
        ("Russia’s", "en", "state", "Q159"),
        ("واليابان", "ar", "state", "Q17"),
        # Adjectives and demonyms, of states only
        ("ভারতীয়", "bn", "state(adj)", "Q668"),
        ("ইরানিদের", "bn", "state(demonym)", "Q794"),
        ("जापानियों", "hi", "state(demonym)", "Q17"),
        ("американской", "ru", "state(adj)", "Q30"),
        ("россиянам", "ru", "state(demonym)", "Q159"),
        ("日本人", "ja", "state(demonym)", "Q17"),
        ("South Koreans", "en", "state(demonym)", "Q884"),
        ("ایرانی", "fa", "state(adj)", "Q794"),
        # Persons, with titles and in other cases
        ("পুতিনের", "bn", "person", "Q7747"),
        ("राष्ट्रपति ज़ेलेंस्की ने", "hi", "person", "Q3874799"),
        ("министра обороны России Сергея Шойгу", "ru", "person", "Q32024"),
        ("Зеленского", "ru", "person", "Q3874799"),
        ("김정은에게", "ko", "person", "Q56226"),
        ("푸틴은", "ko", "person", "Q7747"),
        ("習近平", "ja", "person", "Q15031"),
        ("Secretary of State Antony Blinken", "en", "person", "Q7821917"),
        # Bodies
        ("ন্যাটোর", "bn", "organisation", "Q7184"),
        ("Совета Безопасности ООН", "ru", "organisation", "Q37470"),
        ("TASS", "hi", "media", "Q223799"),
        # What a hint says of it
        ("Georgia", "en", "state", "Q230"),
        ("Georgia", "en", "US state", "Q1428"),
        ("Congo", "en", "state; capital Brazzaville", "Q971"),
        ("Moscow", "en", "city; Idaho", "Q499927"),
        ("Kim", "en", "person; North Korea leader", "Q56226"),
        ("San José", "en", "city; Costa Rica", "Q3070"),
        ("RUS", "en", "state", "Q159"),
        ("Georgia", "en", "state; United States", "Q1428"),
        ("Putin", "en", "person; Kremlin", "Q7747"),
        ("TASS", "en", "Russian news agency", "Q223799"),
        # A city that is a division too, a union that CLDR lists
        ("Киеве", "ru", "city", "Q1899"),
        ("ベルリン", "ja", "city", "Q64"),
        ("ইউরোপীয় ইউনিয়নের", "bn", "organisation", "Q458"),
        # A name before the state and the office, and titles one after the other
        ("조 바이든 미국 대통령", "ko", "person", "Q6279"),
        ("美国总统拜登", "zh", "person", "Q6279"),
        ("ロシアのラブロフ外相", "ja", "person", "Q58217"),
        ("former US President Donald Trump", "en", "person", "Q22686"),
        ("la Russie", "fr", "state", "Q159"),
        # A capital before its namesakes
        ("Moscow", "en", "city", "Q649"),
        # What is said of it is understood
        ("White House", "en", "building; Washington", "Q35525"),
        ("Vladimir Putin", "en", "person; president of Russia", "Q7747"),
        # A part of a federation, also where a state has the name
        ("পশ্চিমবঙ্গের", "bn", "subdivision", "Q1356"),
        ("जॉर्जिया", "hi", "US state", "Q1428"),
        ("জর্জিয়া", "bn", "state", "Q230"),
        # Names that are written as in English or Hindi, under endings of the language
        ("Türkiye’nin", "tr", "state", "Q43"),
        ("le président Joe Biden", "fr", "person", "Q6279"),
        ("US-Präsident Biden", "de", "person", "Q6279"),
        ("Rusya Devlet Başkanı Vladimir Putin", "tr", "person", "Q7747"),
        ("रशियाच्या", "mr", "state", "Q159"),
        ("अमेरिकेने", "mr", "state", "Q30"),
        ("सेर्गेई लावरोव यांनी", "mr", "person", "Q58217"),
        ("भारतको", "ne", "state", "Q668"),
        ("ரஷ்யாவின்", "ta", "state", "Q159"),
        ("ஈரானில்", "ta", "state", "Q794"),
        # Whose he is
        ("Russia’s Putin", "en", "person", "Q7747"),
        ("Russian FM Sergey Lavrov", "en", "person", "Q58217"),
        ("राष्ट्राध्यक्ष पुतिन", "mr", "person", "Q7747"),
        ("Putin", "en", "person; Russia's president", "Q7747"),
        ("Putin", "en", "person; Vladimir", "Q7747"),
        ("White House", "en", "building; residence of the US president", "Q35525"),
        ("Moscow", "en", "city; Europe", "Q649"),
        ("Delhi", "en", "city(metonym)", "Q668"),
        ("दिल्ली", "ne", "government(metonym)", "Q668"),
        ("UN chief Antonio Guterres", "en", "person", "Q311440"),
        ("Dr. Antony Blinken", "en", "person", "Q7821917"),
        ("Ambassador to Russia Jon Huntsman", "en", "person", "Q11607"),
        # English names without a type, and acronyms that are not written in capitals
        ("Paris", "es", "", "Q90"),
        ("Canada", "es", "", "Q16"),
        ("Usa", "it", "state", "Q30"),
        # A city that is none of the lexicon, and the capital that it stands for
        ("Delhi", "en", "government(metonym)", "Q668"),
        ("दिल्ली", "hi", "government(metonym)", "Q668"),
    ],
)
def test_right(surface: str, lang: str, hint: str, qid: str) -> None:
    assert meant(surface, lang, hint) == qid


@pytest.mark.parametrize(
    ("surface", "lang", "hint"),
    [
        # Nobody in particular
        ("spokesman", "en", "role; nobody named"),
        ("two ships", "en", "ships; unnamed"),
        ("मंत्री", "hi", "person"),
        ("पश्चिमी अधिकारियों", "hi", "group"),
        ("Russian officials", "en", "person"),
        # Women of a surname, a syllable more, titles of a wife
        ("Зеленская", "ru", "person"),
        ("Зеленській", "uk", "person"),
        ("박진만", "ko", "person"),
        ("Mrs Putin", "en", "person"),
        # What is said of it speaks for another one, or is not understood of a surname
        ("Paris", "en", "city; United States"),
        ("Rome", "en", "city; North Carolina"),
        ("Sudan", "en", "state; South"),
        ("Putin", "en", "person; boxer"),
        ("Medvedev", "en", "person; Russian tennis player"),
        ("Kim Jong-nam", "en", "person; half-brother of Kim Jong Un"),
        ("Mike Moore", "en", "person; film director"),
        ("Kevin Sullivan", "en", "person; wrestler"),
        ("White House", "en", "building; Moscow"),
        ("Kremlin", "en", "building; Kazan"),
        ("दिल्ली में", "hi", "city"),
        ("Delhi", "en", "city; India"),
        ("Delhi", "en", "government"),
        ("दिल्लीमा", "ne", ""),
        ("Security Council", "en", "organisation; Russia"),
        ("Trump", "en", "person; US woman"),
        ("Victoria", "en", "government(metonym)"),
        # Of whom somebody is called the like, and who has no such office
        ("Hungary's Putin", "en", "person"),
        ("NATO chief Putin", "en", "person"),
        ("NATO chief Kofi Annan", "en", "person"),
        ("UN chief Sergey Lavrov", "en", "person"),
        ("European Union’s Pascal Lamy", "en", "person"),
        ("Georgia’s Senator Obama", "en", ""),
        ("spokeswoman Obama", "en", "person"),
        ("Dr. Biden", "en", "person"),
        ("Dr Biden", "en", ""),
        # A particle of persons after a place
        ("ईरानी यांनी", "mr", ""),
        # A code under an ending, or in small letters
        ("Care", "tr", "state"),
        ("us", "de", "state"),
        ("Kor", "tr", ""),
        # Another one with other letters
        ("Granada", "es", ""),
        ("Sam", "tr", ""),
        ("ডোমিনিকান", "bn", "state(adj)"),
        ("আব্দুল মোমেন", "bn", "person"),
        # A name of another language that is written alike
        ("Para", "es", "region"),
        # Surnames and names of several
        ("Kim", "en", "person"),
        ("किम", "hi", "person"),
        ("Kim", "en", "surname"),
        ("Congo", "en", "state"),
        ("Korea", "en", "state"),
        ("Victoria", "en", "city"),
        ("Washington", "en", ""),
        ("Wagner", "en", "person"),
        ("Dominican", "en", "state(adj)"),
        # Another type, or another one of the name
        ("वैगनर", "hi", "armed group"),
        ("Russia", "en", "person"),
        ("Moscow", "en", "city; Ohio"),
        ("Paris", "en", "state"),
        ("Alexander Lavrov", "en", "person"),
        ("Kim Yo-jong", "en", "person"),
        ("Washington Post", "en", ""),
        ("Biden administration", "en", "government"),
        # Ordinary words
        ("us", "en", "state"),
        ("it", "en", "state"),
        ("того", "ru", ""),
        ("চিনি", "bn", ""),
        ("मालेको", "ne", ""),
        ("মালিকেরা", "bn", ""),
        ("আসামিদের", "bn", ""),
        ("मिश्र ने", "hi", ""),
        ("साना", "ne", ""),
        ("বিহার", "bn", "place"),
        ("того", "uk", ""),
        ("हवाई", "hi", ""),
        ("Male", "en", ""),
        ("Maurice", "fr", ""),
        # No building that was left speaks for a government
        ("Blue House", "en", "government(metonym)"),
        # A type that nobody knows, nothing at all, and too much
        ("Russia", "en", "zebra"),
        ("", "en", "state"),
        ("  ", "bn", ""),
        ("Russia " * 40, "en", "state"),
    ],
)
def test_nothing(surface: str, lang: str, hint: str) -> None:
    answer = LINKER.one(Mention(surface, lang, hint))
    assert (answer.qid, answer.literal_qid, answer.confidence) == ("", "", "")
    assert answer.features["reason"]


@pytest.mark.parametrize(
    ("surface", "lang", "hint", "qid", "words"),
    [
        ("White House", "en", "government(metonym)", "Q48525", "Q35525"),
        ("হোয়াইট হাউস", "bn", "government", "Q48525", "Q35525"),
        ("White House", "en", "building", "Q35525", "Q35525"),
        ("Кремль", "ru", "government(metonym)", "Q1140115", "Q133274"),
        ("मॉस्को", "hi", "government(metonym)", "Q1140115", "Q649"),
        ("मॉस्को ने", "hi", "city(metonym)", "Q159", "Q649"),
        ("Moscow", "en", "city", "Q649", "Q649"),
        ("Beijing", "en", "government(metonym)", "Q148", "Q956"),
        ("टोक्यो", "hi", "government(metonym)", "Q17", "Q1490"),
        ("Russia", "en", "government", "Q1140115", "Q159"),
        ("Russia", "en", "state", "Q159", "Q159"),
        ("Russia", "en", "organisation", "", ""),
        ("डोनेट्स्क", "hi", "separatist entity", "Q16150196", "Q16150196"),
        ("Donetsk", "en", "city", "Q43070", "Q43070"),
        ("भारत सरकार", "hi", "government", "Q668", ""),
    ],
)
def test_both_readings(surface: str, lang: str, hint: str, qid: str, words: str) -> None:
    answer = LINKER.one(Mention(surface, lang, hint))
    assert (answer.qid, answer.literal_qid) == (qid, words)


def test_without_a_hint_the_other_reading_is_said() -> None:
    answer = LINKER.one(Mention("the Kremlin", "en"))
    assert answer.qid == "Q133274"
    assert answer.features["may_stand_for"] == "Q1140115"
    assert float(answer.confidence) <= 0.9


@pytest.mark.parametrize("hint", ["agent", "state", "person", "organisation", "government"])
def test_no_agent_is_a_building(hint: str) -> None:
    for lang in ("en", "bn", "hi", "ru", "ko"):
        for names in LINKER.lexicon.names(lang).by_key.values():
            for name in names:
                if LINKER.lexicon.entities[name.qid].kind == "building":
                    found = meant(name.text, lang, hint)
                    assert not found or LINKER.lexicon.entities[found].kind != "building"


@pytest.mark.parametrize(
    ("surface", "lang", "date", "qid"),
    [
        ("Russia's defence minister", "en", "2023-09", "Q32024"),
        ("रूस के रक्षा मंत्री", "hi", "2023-09-11", "Q32024"),
        ("রাশিয়ার প্রতিরক্ষামন্ত্রী", "bn", "2023", "Q32024"),
        ("министром обороны России", "ru", "2014", "Q32024"),
        ("러시아 국방장관", "ko", "2023-09", "Q32024"),
        ("president of Ukraine", "en", "2023", "Q3874799"),
        ("US Secretary of State", "en", "2022", "Q7821917"),
        ("Secretary-General of the United Nations", "en", "2023-10", "Q311440"),
        # After what is known, between two, and before
        ("Russia's defence minister", "en", "2024-06", ""),
        ("Russia's defence minister", "en", "2024", ""),
        ("Ukraine's defence minister", "en", "2023-09", ""),
        ("Ukraine's defence minister", "en", "2023-08", "Q4392444"),
        ("China's foreign minister", "en", "2023-10-18", "Q701801"),
        ("China's foreign minister", "en", "2023-03", ""),
        ("Ukraine's president", "en", "2019", ""),
        ("Ukraine's president", "en", "2031", ""),
        ("Russia's defence minister", "en", "", ""),
        ("defence minister", "en", "2023-09", ""),
    ],
)
def test_who_held_an_office(surface: str, lang: str, date: str, qid: str) -> None:
    assert meant(surface, lang, "person", date) == qid


@pytest.mark.parametrize(
    ("surface", "lang"),
    [("Russian foreign minister", "en"), ("রাশিয়ার পররাষ্ট্রমন্ত্রী", "bn"), ("रूस के विदेश मंत्री", "hi")],
)
def test_an_office_with_a_date_is_who_held_it_whatever_its_name_is(surface: str, lang: str) -> None:
    for hint in ("", "person", "person/office"):
        assert meant(surface, lang, hint, "2019") == "Q58217"
        assert literal(surface, lang, hint, "2019") == "Q1418873"
    assert meant(surface, lang, "office", "2019") == "Q1418873"


def test_an_office_is_no_person() -> None:
    assert meant("Russia's defence minister", "en", "office", "2023-09") == "Q17287317"
    assert literal("Russia's defence minister", "en", "person", "2023-09") == "Q17287317"
    assert meant("Japan's prime minister", "en", "office") == ""


def links(*rows: tuple[str, str, str]) -> list[str]:
    mentions = [Mention(s, lang, "person", "", document) for s, lang, document in rows]
    return [answer.qid for answer in LINKER.link(mentions)]


def test_a_full_name_introduces_its_surname() -> None:
    assert links(("Kim Jong Un", "en", "a"), ("Kim", "en", "a"), ("Kim", "en", "b")) == [
        "Q56226",
        "Q56226",
        "",
    ]
    assert links(("किम ने", "hi", "a"), ("किम जोंग उन", "hi", "a")) == ["Q56226", "Q56226"]
    assert links(("Sung Kim", "en", "a"), ("Kim's", "en", "a")) == ["Q1526335", "Q1526335"]


def test_a_given_name_introduces_nothing() -> None:
    assert links(("Sergei Lavrov", "en", "a"), ("Sergei", "en", "a"))[1] == ""
    assert links(("जो बिडेन", "hi", "a"), ("जो", "hi", "a"))[1] == ""


def test_two_of_a_surname_name_nobody() -> None:
    assert links(("Kim Jong Un", "en", "a"), ("Sung Kim", "en", "a"), ("Kim", "en", "a"))[2] == ""
    assert (
        links(("Kim Jong Un", "en", "a"), ("Kim Yo-jong", "en", "a"), ("Kim", "en", "a"))[2] == ""
    )


def test_a_known_surname_yields_to_the_document() -> None:
    assert links(("Lavrov", "en", "a")) == ["Q58217"]
    assert links(("Anna Lavrov", "en", "a"), ("Lavrov", "en", "a")) == ["", ""]


def test_what_a_hint_says_outlives_the_document() -> None:
    rows = [
        Mention("Kim Jong Un", "en", "person", "", "a"),
        Mention("Kim", "en", "person; US special representative", "", "a"),
    ]
    assert [a.qid for a in LINKER.link(rows)] == ["Q56226", "Q1526335"]


def test_an_unknown_wife_silences_no_husband() -> None:
    rows = [("Людмила Путина", "ru", "a"), ("Путин", "ru", "a"), ("Путину", "ru", "a")]
    assert links(*rows) == ["", "Q7747", "Q7747"]


@pytest.mark.parametrize("surface", ["President Putin", "Russia's government", "Kyiv"])
def test_without_a_hint_nothing_is_surer_than_that(surface: str) -> None:
    assert 0 < float(LINKER.one(Mention(surface, "en", "", "2022")).confidence) <= 0.9


def test_a_name_is_read_as_a_name_where_it_is_an_adjective_too() -> None:
    assert "use" not in LINKER.one(Mention("US", "en", "state")).features


def test_nothing_is_accepted_because_it_is_alike() -> None:
    mention = Mention("Lavrof", "en", "person")
    assert LINKER.one(mention).qid == ""
    proposed = LINKER.propose(mention)
    assert proposed[0].qid == "Q58217"
    assert all(0 <= float(c.score) <= 1 for c in proposed)
    assert [float(c.score) for c in proposed] == sorted(
        (float(c.score) for c in proposed), reverse=True
    )


def test_proposals_have_the_type_that_was_asked_for() -> None:
    for hint in ("state", "person", "city"):
        for candidate in LINKER.propose(Mention("রাশীয়া", "bn", hint)):
            assert candidate.kind in HINTS[hint]


def test_a_name_in_latin_letters_is_found_in_any_language() -> None:
    assert meant("NATO", "bn", "organisation") == "Q7184"
    assert meant("Vladimir Putin", "ko", "person") == "Q7747"
    assert meant("Vladimir Putin", "", "person") == "Q7747"
    assert meant("Россия", "und", "state") == "Q159"
    assert meant("Россия", "en", "state") == ""


@given(WORDS | TEXT, st.sampled_from(["bn", "hi", "en", "ru", "ko", "ar", "ja", "", "xx"]), HINT)
def test_any_text_has_an_answer(surface: str, lang: str, hint: str) -> None:
    answer = LINKER.one(Mention(surface, lang, hint))
    entities = LINKER.lexicon.entities
    assert not answer.qid or answer.qid in entities
    assert not answer.literal_qid or answer.qid
    assert bool(answer.qid) == bool(answer.confidence) == ("reason" not in answer.features)
    kinds = read_hint(hint).kinds
    if answer.qid and kinds is not None and not read_hint(hint).government:
        kind = entities[answer.qid].kind
        assert kind in kinds or read_hint(hint).metonym


NAMES = st.sampled_from(
    [
        (name.text, lang)
        for lang in ("en", "bn", "hi", "ru", "ko", "uk", "ja", "ar")
        for names in LINKER.lexicon.names(lang).by_key.values()
        for name in names
        if name.use == "name"
    ]
)


@given(NAMES)
def test_the_form_of_unicode_changes_nothing(name: tuple[str, str]) -> None:
    text, lang = name
    answers = {meant(unicodedata.normalize(form, text), lang, "") for form in ("NFC", "NFD")}
    assert len(answers) == 1


@given(NAMES)
def test_a_name_is_linked_to_what_has_it_or_to_nothing(name: tuple[str, str]) -> None:
    """What a name of the lexicon is linked to has a name of the same folded form."""
    text, lang = name
    qid = literal(text, lang)
    named = {n.qid for n in LINKER.lexicon.names(lang).by_key[key_of(text, lang)]}
    assert not qid or qid in named


@given(st.lists(st.tuples(NAMES, st.sampled_from(["", "a", "b"])), max_size=6))
def test_documents_are_apart(rows: list[tuple[tuple[str, str], str]]) -> None:
    """What stands in another document, or in none, changes no answer."""
    mentions = [Mention(text, lang, "", "", document) for (text, lang), document in rows]
    together = LINKER.link(mentions)
    alone = {
        document: iter(LINKER.link([m for m in mentions if m.document == document]))
        for document in ("", "a", "b")
    }
    assert together == [next(alone[m.document]) for m in mentions]


def test_days() -> None:
    assert all(map(is_day, ("2023", "2023-02", "2023-02-28")))
    assert not any(map(is_day, ("", "2023-2", "2023-02-30", "20230228", "2023-13", "2023-02-28T")))
