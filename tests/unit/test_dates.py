"""Dates in five languages: what they cover, by which rule, and what a wrong day would be."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

import edtf as peer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.dates import LANGUAGES, DateFound, find_dates, supported, tense
from kg.edtf import bounds

WEDNESDAY = date(2024, 3, 13)


def one(text: str, language: str, reference: date | None = WEDNESDAY) -> DateFound:
    (found,) = find_dates(text, language, reference)
    return found


@pytest.mark.parametrize(
    ("language", "text", "edtf", "rule"),
    [
        # absolute
        ("en", "PORT SOLEN, MARCH 12 – Rell left.", "2024-03-12", "stated-date"),
        ("en", "It opened on 5 May 2019.", "2019-05-05", "stated-date"),
        ("en", "It opened on Tuesday, March 12, 2024.", "2024-03-12", "stated-date"),
        ("en", "It opened on 2019-05-05.", "2019-05-05", "stated-date"),
        ("en", "It opened on Sept. 5.", "2023-09-05", "stated-date"),
        ("en", "It will open on Sept. 5.", "2024-09-05", "stated-date"),
        ("en", "It opened in February 2022.", "2022-02", "stated-date"),
        ("en", "It opened in 2019.", "2019", "stated-date"),
        ("bn", "রেল ১২ মার্চ ২০২৪ তারিখে গেছেন।", "2024-03-12", "stated-date"),
        ("bn", "২০২২ সালের ফেব্রুয়ারি মাসে", "2022-02", "stated-date"),
        ("hi", "रेल १२ मार्च २०२४ को गए।", "2024-03-12", "stated-date"),
        ("ru", "Рель уехал 12 марта 2024 года.", "2024-03-12", "stated-date"),
        ("ru", "Рель уехал 12.03.2024.", "2024-03-12", "stated-date"),
        ("ko", "렐은 2024년 3월 12일 떠났다.", "2024-03-12", "stated-date"),
        ("ko", "렐은 11일 떠났다.", "2024-03-11", "stated-date"),
        # weekdays, by tense
        ("en", "Rell left on Tuesday.", "2024-03-12", "weekday"),
        ("en", "Talks will be held on Tuesday.", "2024-03-19", "weekday"),
        ("en", "Rell is due on Wednesday.", "2024-03-13", "weekday"),
        ("en", "Rell left last Wednesday.", "2024-03-06", "weekday"),
        ("bn", "রেল মঙ্গলবার বলেছেন।", "2024-03-12", "weekday"),
        ("bn", "রেল শুক্রবার পৌঁছাবেন।", "2024-03-15", "weekday"),
        ("bn", "রেলের শুক্রবার পৌঁছানোর কথা রয়েছে।", "2024-03-15", "weekday"),
        ("hi", "रेल ने मंगलवार को कहा।", "2024-03-12", "weekday"),
        ("hi", "वार्ता शुक्रवार को होगी।", "2024-03-15", "weekday"),
        ("ru", "Во вторник Рель заявила об этом.", "2024-03-12", "weekday"),
        ("ru", "Рель прибудет в пятницу.", "2024-03-15", "weekday"),
        ("ko", "렐은 화요일 말했다.", "2024-03-12", "weekday"),
        ("ko", "렐은 금요일에 방문할 예정이다.", "2024-03-15", "weekday"),
        ("ko", "렐은 지난주 화요일 말했다.", "2024-03-05", "weekday"),
        # days, weeks, months and years counted from the reference date
        ("en", "Rell left yesterday.", "2024-03-12", "relative-day"),
        ("bn", "রেল আগামীকাল যাবেন।", "2024-03-14", "relative-day"),
        ("hi", "रेल कल जाएंगी।", "2024-03-14", "relative-day"),
        ("hi", "रेल ने कल कहा।", "2024-03-12", "relative-day"),
        ("ru", "Рель уехала позавчера.", "2024-03-11", "relative-day"),
        ("ko", "렐은 오늘 떠났다.", "2024-03-13", "relative-day"),
        ("en", "Rell left last week.", "2024-03-04/2024-03-10", "last-week"),
        ("bn", "গত সপ্তাহে", "2024-03-04/2024-03-10", "last-week"),
        ("hi", "अगले सप्ताह", "2024-03-18/2024-03-24", "relative-period"),
        ("ru", "на этой неделе", "2024-03-11/2024-03-17", "relative-period"),
        ("ko", "지난주", "2024-03-04/2024-03-10", "last-week"),
        ("en", "this month", "2024-03", "this-month"),
        ("bn", "আগামী মাসে", "2024-04", "relative-period"),
        ("hi", "पिछले महीने", "2024-02", "relative-period"),
        ("ru", "в прошлом году", "2023", "past-years"),
        ("ko", "내년", "2025", "relative-period"),
        ("hi", "पिछले साल से", "2023/..", "past-years"),
        # months without a year, since, spans
        ("en", "Rell came in July.", "2023-07", "month-of-year"),
        ("en", "Rell will come in July.", "2024-07", "month-of-year"),
        ("bn", "আগস্ট থেকে", "2023-08/..", "since-month"),
        ("en", "since February 2022", "2022-02/..", "since-month"),
        ("ru", "с февраля 2022 года", "2022-02/..", "since-month"),
        ("ko", "2022년 2월부터", "2022-02/..", "since-month"),
        ("hi", "पिछले 17 महीनों में", "2022-10/2024-03", "duration"),
        ("en", "over the past 3 years", "2021/2024", "past-years"),
        ("en", "recently", "../2024-03-13", "recent"),
    ],
)
def test_a_date_is_read(language: str, text: str, edtf: str, rule: str):
    found = one(text, language)
    assert (found.edtf, found.rule) == (edtf, rule)


@pytest.mark.parametrize(
    ("language", "text", "edtf"),
    [
        # a weekday and its week
        ("en", "It happened on Tuesday last week.", "2024-03-05"),
        ("en", "Last week on Tuesday it happened.", "2024-03-05"),
        ("en", "It will open on Tuesday next week.", "2024-03-19"),
        ("ru", "Это случилось во вторник на прошлой неделе.", "2024-03-05"),
        ("ru", "На прошлой неделе во вторник это случилось.", "2024-03-05"),
        ("hi", "पिछले हफ्ते मंगलवार को हुआ।", "2024-03-05"),
        ("bn", "গত সপ্তাহের মঙ্গলবার হয়েছে।", "2024-03-05"),
        # verbs of Russian that are future without saying so
        ("ru", "Рель нанесёт визит в пятницу.", "2024-03-15"),
        ("ru", "Рель поедет в пятницу в Солен.", "2024-03-15"),
        ("ru", "Рель сказала, что поедет в пятницу.", "2024-03-15"),
        ("ru", "В пятницу совет проходит в Солене.", "2024-03-08"),
        ("ru", "В пятницу прошла встреча.", "2024-03-08"),
        # ranges
        ("ru", "3–5 марта прошли учения.", "2024-03-03/2024-03-05"),
        ("ru", "с 3 по 5 марта", "2024-03-03/2024-03-05"),
        ("bn", "৩ থেকে ৫ মার্চ মহড়া হয়েছে।", "2024-03-03/2024-03-05"),
        ("hi", "3 से 5 मार्च तक बैठक हुई।", "2024-03-03/2024-03-05"),
        ("en", "It was held between March 5 and 7.", "2024-03-05/2024-03-07"),
        ("en", "It ran from March 5 to March 7.", "2024-03-05/2024-03-07"),
        ("en", "It ran from 5 to 7 March 2023.", "2023-03-05/2023-03-07"),
        ("en", "It ran March 5-7, 2023.", "2023-03-05/2023-03-07"),
        ("en", "It ran from December 20 to January 5, 2023.", "2022-12-20/2023-01-05"),
        ("en", "It ran from December 20, 2022 to January 5.", "2022-12-20/2023-01-05"),
        ("en", "It ran from Monday to Friday.", "2024-03-04/2024-03-08"),
        ("hi", "बुधवार से शुक्रवार तक बैठक होगी।", "2024-03-13/2024-03-15"),
        ("hi", "सोमवार से गुरुवार तक बैठक होगी।", "2024-03-18/2024-03-21"),
        ("bn", "সোমবার থেকে বুধবার পর্যন্ত", "2024-03-11/2024-03-13"),
        ("ko", "5일부터 7일까지 열렸다.", "2024-03-05/2024-03-07"),
        ("ko", "2월 5일부터 7일까지 열렸다.", "2024-02-05/2024-02-07"),
        ("ru", "с 15 марта по 20 апреля", "2024-03-15/2024-04-20"),
        ("en", "from February to March 2022", "2022-02/2022-03"),
        # ends without a start
        ("en", "It must end before Monday.", "../2024-03-17"),
        ("en", "It must end by Monday.", "../2024-03-18"),
        ("en", "It was to end before March 2025.", "../2025-02-28"),
        ("en", "It was closed until 2023.", "../2023"),
        ("hi", "सोमवार से पहले होगी।", "../2024-03-17"),
        ("hi", "सोमवार तक होगी।", "../2024-03-18"),
        ("ru", "Он уехал до понедельника.", "../2024-03-10"),
        ("bn", "সোমবারের আগে হবে।", "../2024-03-17"),
        ("ko", "월요일까지 끝날 예정이다.", "../2024-03-18"),
        ("ko", "월요일 전에 끝날 예정이다.", "../2024-03-17"),
        # so long ago
        ("en", "He left two days ago.", "2024-03-11"),
        ("en", "He left a week ago.", "2024-03-04/2024-03-10"),
        ("bn", "দুই দিন আগে গেছেন।", "2024-03-11"),
        ("hi", "दो दिन पहले गए।", "2024-03-11"),
        ("ru", "Два дня назад он уехал.", "2024-03-11"),
        ("ru", "Месяц назад он уехал.", "2024-02"),
        ("ko", "이틀 전 떠났다.", "2024-03-11"),
        ("ko", "3일 전에 떠났다.", "2024-03-10"),
        ("ko", "두 달 전에 떠났다.", "2024-01"),
        ("en", "He left last night.", "2024-03-12"),
        ("bn", "গত রাতে গেছেন।", "2024-03-12"),
        ("ru", "Прошлой ночью он уехал.", "2024-03-12"),
        ("ko", "어젯밤 떠났다.", "2024-03-12"),
        # figures, and the next month
        ("en", "on 13/03/2024", "2024-03-13"),
        ("en", "on 03-13-2024", "2024-03-13"),
        ("en", "on 03/03/2024", "2024-03-03"),
        ("en", "The talks in April", "2024-04"),
        ("hi", "अप्रैल में", "2024-04"),
    ],
)
def test_what_stands_beside_a_date_is_read_with_it(language: str, text: str, edtf: str):
    found = one(text, language)
    assert found.edtf == edtf
    assert found.start < found.end


@pytest.mark.parametrize(
    ("language", "text", "edtf"),
    [
        ("en", "SOLEN, March 5 – 12 people died.", ["2024-03-05"]),
        ("en", "SOLEN, March 5 – Tuesday's talks ended.", ["2024-03-05"]),
        ("en", "SOLEN, March 12 – Last week Rell left.", ["2024-03-12", "2024-03-04/2024-03-10"]),
        ("en", "Rell left on Monday and Tuesday.", ["2024-03-11", "2024-03-12"]),
        ("en", "Rell came on March 5 and 7 ships left.", ["2024-03-05"]),
        ("ko", "3일 전쟁이 끝났다.", []),
        ("ko", "한전은 말했다.", []),
    ],
)
def test_what_only_looks_like_a_range_is_none(language: str, text: str, edtf: list[str]):
    assert [d.edtf for d in find_dates(text, language, WEDNESDAY)] == edtf


@pytest.mark.parametrize(
    ("language", "text", "days"),
    [
        ("en", "Rell will meet them on Friday after she met him on Monday.", (15, 11)),
        ("en", "Rell left on Monday and will return on Friday.", (11, 15)),
        ("ru", "Рель приехала в понедельник и уедет в пятницу.", (11, 15)),
        ("hi", "रेल सोमवार को आई और शुक्रवार को जाएंगी।", (11, 15)),
        ("bn", "রেল সোমবার এসেছেন এবং শুক্রবার যাবেন।", (11, 15)),
        ("ko", "렐은 월요일 도착했고 금요일 떠날 예정이다.", (11, 15)),
    ],
)
def test_each_weekday_has_the_tense_of_its_own_clause(
    language: str, text: str, days: tuple[int, int]
):
    found = find_dates(text, language, WEDNESDAY)
    assert [d.edtf for d in found] == [f"2024-03-{day}" for day in days]


def test_a_future_that_only_may_be_one_is_probable():
    assert one("Рель поедет в пятницу.", "ru").certainty == "probable"
    assert one("Рель прибудет в пятницу.", "ru").certainty == "certain"


def test_which_figure_is_the_month_is_left_open_where_both_can_be():
    found = one("It opened on 12/03/2024.", "en")
    assert (found.edtf, found.rule) == ("", "unresolved")
    assert found.why == "it may be 2024-03-12 or 2024-12-03"
    assert find_dates("on 45/03/2024 and 1/2/03", "en", WEDNESDAY) == []


def test_no_past_year_is_taken_for_the_next_month():
    found = one("Rell came in April.", "en")
    assert (found.edtf, found.rule) == ("", "unresolved")
    december = find_dates("Talks in January", "en", date(2024, 12, 5))
    assert [d.edtf for d in december] == ["2025-01"]


@pytest.mark.parametrize(
    ("language", "text", "part"),
    [
        ("en", "Rell left on Sunday evening.", "evening"),
        ("en", "Rell left early on Sunday.", "early"),
        ("bn", "রেল রবিবার সন্ধ্যায় গেছেন।", "evening"),
        ("hi", "बैठक रविवार की शुरुआत में हुई।", "early"),
        ("ru", "Рель уехала в воскресенье вечером.", "evening"),
        ("ko", "렐은 일요일 저녁 떠났다.", "evening"),
    ],
)
def test_a_part_of_the_day_is_kept(language: str, text: str, part: str):
    found = one(text, language)
    assert (found.edtf, found.part) == ("2024-03-10", part)


@pytest.mark.parametrize(
    "text",
    ["He may march.", "They march on.", "The second may sit.", "It costs 2024 crowns.", "31 June"],
)
def test_what_is_no_date_is_none(text: str):
    assert find_dates(text, "en", WEDNESDAY) == []


def test_former_is_not_last_in_korean():
    assert find_dates("전 일본 총리가 3일간 머물렀다.", "ko", WEDNESDAY) == []


def test_without_words_of_tense_a_weekday_is_only_possible():
    assert one("The Tuesday talks", "en").certainty == "possible"
    clause = one("Rell said on Monday that talks will begin.", "en")
    assert (clause.edtf, clause.certainty) == ("2024-03-11", "certain")
    both = one("Rell said talks will begin on Tuesday.", "en")
    assert (both.edtf, both.certainty) == ("2024-03-19", "probable")
    assert tense("रविवार को रवाना हुई, मंगलवार को संभव है", "hi", 6) == ("past", True)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "on Tuesday"), ("bn", "গত সপ্তাহে"), ("hi", "जुलाई में"), ("ru", "вчера"), ("ko", "18일")],
)
def test_without_a_reference_date_it_stays_unresolved_and_says_so(language: str, text: str):
    found = one(text, language, None)
    assert (found.edtf, found.rule, found.certainty) == ("", "unresolved", "unstated")
    assert "without a reference date" in found.why


def test_what_is_stated_in_full_needs_no_reference_date():
    assert one("on 12 March 2024", "en", None).edtf == "2024-03-12"


def test_offsets_are_those_of_the_text():
    text = "One. Rell left on Tuesday."
    (found,) = find_dates(text, "en", WEDNESDAY, 5, len(text))
    assert text[found.start : found.end] == "Tuesday"


def test_a_language_without_words_has_no_dates():
    assert not supported("fr")
    assert find_dates("mardi", "fr", WEDNESDAY) == []


WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "bn": "সোমবার মঙ্গলবার বুধবার বৃহস্পতিবার শুক্রবার শনিবার রবিবার",
    "hi": "सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार",
    "ru": "понедельник вторник среду четверг пятницу субботу воскресенье",
    "ko": "월요일 화요일 수요일 목요일 금요일 토요일 일요일",
}
TENSES = {
    "en": ("Rell left on {}", "Rell will leave on {}", "last {}", "next {}", "{}"),
    "bn": ("রেল {} গেছেন", "রেল {} যাবেন", "গত {}", "আগামী {}", "{}"),
    "hi": ("रेल {} को गई", "रेल {} को जाएगी", "पिछले {}", "अगले {}", "{}"),
    "ru": ("Рель уехала в {}", "Рель прибудет в {}", "прошлый {}", "следующий {}", "{}"),
    "ko": ("렐은 {} 떠났다", "렐은 {} 떠날 예정이다", "지난 {}", "다음 {}", "{}"),
}
days = st.dates(date(1902, 1, 1), date(2098, 12, 31))


@given(st.sampled_from(LANGUAGES), st.integers(0, 6), st.integers(0, 4), days)
def test_a_weekday_is_that_weekday_within_seven_days(
    language: str, number: int, form: int, reference: date
):
    text = TENSES[language][form].format(WEEKDAYS[language].split()[number])
    found = one(unicodedata.normalize("NFC", text), language, reference)
    day = date.fromisoformat(found.edtf)
    assert day.weekday() == number
    assert abs(day - reference) <= timedelta(7)
    if form in (0, 2, 4):
        assert day <= reference
    else:
        assert day >= reference


TEXTS = [
    *("Rell left in July.", "since May", "March 12", "last month", "next week", "tomorrow", "2019"),
    *("গত বছর", "আগস্ট থেকে", "৩১ জানুয়ারি", "সম্প্রতি", "চলতি মাসে", "গত ১১ মাসে", "২০২২ সালে"),
    *("पिछले 17 महीनों में", "अगले साल", "२९ फरवरी", "परसों", "हाल ही में", "दिसंबर से", "शाम को"),
    *("за последние 5 лет", "с марта", "29 февраля", "в этом году", "на следующей неделе"),
    *("지난 3년", "2월", "31일", "이달", "내년", "2월 29일", "새벽에", "최근"),
    *("March 5 to 7", "from Monday to Friday", "before March", "by Friday", "Tuesday last week"),
    *("March 30 to 31", "from December 20 to January 5", "Monday before Friday", "9 months ago"),
    *("с 30 по 31 января", "до понедельника", "3 года назад", "29–31 марта", "30-31 февраля"),
    *("बुधवार से शुक्रवार तक", "सोमवार से पहले", "30 से 31 मार्च", "৩০ থেকে ৩১ জানুয়ারি পর্যন্ত"),
    *("5일부터 7일까지", "30일부터 2일까지", "월요일 전에", "이틀 전", "3/4/2021", "before 2020"),
]


@given(st.sampled_from(TEXTS), days)
def test_bounds_are_in_order_and_are_edtf(text: str, reference: date):
    for language in LANGUAGES:
        for found in find_dates(text, language, reference):
            assert bool(found.edtf) == (found.rule != "unresolved")
            if not found.edtf:
                continue
            first, last = bounds(found.edtf)
            assert not (first and last) or first <= last
            peer.parse_edtf(found.edtf)
            assert 0 <= found.start < found.end <= len(text)


@pytest.mark.parametrize("reference", [date.min, date.max])
def test_the_ends_of_the_calendar_are_no_error(reference: date):
    for text in TEXTS:
        for language in LANGUAGES:
            found = find_dates(text, language, reference)
            assert all(bounds(f.edtf) for f in found if f.edtf)


@given(st.sampled_from(LANGUAGES), st.text(max_size=60), st.none() | st.dates())
def test_any_text_is_read(language: str, text: str, reference: date | None):
    for found in find_dates(unicodedata.normalize("NFC", text), language, reference):
        assert not found.edtf or bounds(found.edtf)
