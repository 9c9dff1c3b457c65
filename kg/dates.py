"""Dates that a text names, resolved against its reference date: by which rule, and how surely.

Absolute dates, weekdays, "yesterday", "last week", months with and without a year, "since", parts
of the day, in Bengali, English, Hindi, Korean and Russian, with the digits of any script. What
needs a reference date and has none is found and left unresolved. Names of days and months are
those of CLDR; a weekday or month alone lies before or after the reference date as the nearest
words of tense say, and where there are none it is only possible.

Spec: docs/how-to/annotate-an-article.md; rules are concepts of the scheme time-rule.
"""

import calendar
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from functools import cache
from typing import Final, Literal

import msgspec

from kg.edtf import bounds

LANGUAGES: Final = ("bn", "en", "hi", "ko", "ru")
Certainty = Literal["certain", "probable", "possible", "unstated"]
PartOfDay = Literal["early", "morning", "afternoon", "evening", "night"]
Tense = Literal["past", "future", ""]
Unit = Literal["day", "week", "month", "year"]


class DateFound(msgspec.Struct, frozen=True, kw_only=True):
    """A date in a text: where, what it covers, and how it was read.

    `edtf` is empty where nothing could be resolved; `wording` says in English what the words say,
    `why` what decided the direction or what is missing.
    """

    start: int
    end: int
    edtf: str
    rule: str
    certainty: Certainty
    wording: str
    why: str = ""
    part: PartOfDay | None = None
    relative: bool = False


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a language says: regular expressions, and the names of days and months by form.

    `months` needs no boundary after it where endings are glued on (`end`). `since_before` and
    `since_after` stand around a date that has an open end; `before`, `by` (in front of it) and
    `after_before`, `after_by` (behind it) around one that is such an end, without its day and with
    it; `to` between the two ends of a range. `perhaps_future` are forms of verbs that are future if
    nothing else is said.
    """

    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    day_words: Mapping[str, int]
    last: str
    this: str
    next: str
    units: Mapping[Unit, str]
    fused: Mapping[str, tuple[Unit, int]] = {}
    dates: tuple[str, ...]
    since_before: str = ""
    since_after: str = ""
    parts: Mapping[PartOfDay, str]
    part_alone: str
    recent: str
    past_span: str
    past: str
    future: str
    verb_last: bool
    glued: bool = False
    ago: str
    numbers: Mapping[str, int]
    last_night: str
    perhaps_future: str = "(?!)"
    to: str
    before: str = "(?!)"
    by: str = "(?!)"
    after_before: str = "(?!)"
    after_by: str = "(?!)"


_LETTER: Final = r"[\w\u0900-\u0963\u0966-\u09ff]"
_B: Final = f"(?<!{_LETTER})"
_E: Final = f"(?!{_LETTER})"
_Y: Final = r"(?P<year>(?:1[89]|20)\d\d)(?!\d)"
_D: Final = r"(?P<day>\d{1,2})(?!\d)"
_M: Final = "(?P<month>MONTH)"


def supported(language: str) -> bool:
    """Return whether dates in the language are read; regions and scripts do not matter.

    >>> supported("bn-BD"), supported("fr")
    (True, False)
    """
    return language.partition("-")[0] in LANGUAGES


def find_dates(
    text: str, language: str, reference: date | None = None, start: int = 0, end: int | None = None
) -> list[DateFound]:
    """Return the dates in a sentence, in the order of the text; they do not overlap.

    Args:
        text: in Normalization Form C.
        language: its language tag; others than `LANGUAGES` have no dates here.
        reference: the day from which "Tuesday" is counted.
        start: where the sentence begins in the text; offsets are those of the text.
        end: where it ends.

    >>> found, = find_dates("He left on Tuesday evening.", "en", date(2024, 3, 13))
    >>> found.edtf, found.rule, found.part, found.certainty
    ('2024-03-12', 'weekday', 'evening', 'certain')
    """
    if not supported(language):
        return []
    tag = language.partition("-")[0]
    words = _words()[tag]
    sentence = _ascii_digits(text[start:end])
    found: list[DateFound] = []
    reader = _Reader(sentence, words, reference)
    matches = sorted(
        (
            (match.start(), -match.end(), n, match)
            for n, (pattern, _) in enumerate(_patterns(tag))
            for match in pattern.finditer(sentence)
        ),
        key=lambda item: item[:3],
    )
    last = 0
    for first, minus_end, n, match in matches:
        if first < last:
            continue
        try:
            one = _patterns(tag)[n][1](reader, match)
            if one is None or (one.edtf and not bounds(one.edtf)):
                continue
        except (ValueError, OverflowError):  # before the year 1 or after 9999
            continue
        last = -minus_end
        found.append(one)
    found = _without_doubles(sentence, found)
    with suppress(ValueError, OverflowError):  # no such day: then each stands for itself
        found = [
            _until(sentence, words, one) for one in _ranges(reader, _of_weeks(sentence, found))
        ]
    return [
        msgspec.structs.replace(one, start=one.start + start, end=one.end + start) for one in found
    ]


def tense(text: str, language: str, at: int) -> tuple[Tense, bool]:
    """Return the tense that the words of a sentence give to what stands at an offset.

    The second is whether words of the other tense stand there too. Where the verb comes last, the
    first words after the offset decide, else the nearest ones, of the same clause if it has any.
    """
    words = _words()[language.partition("-")[0]]
    return _tense(text, words, at)


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _without_doubles(sentence: str, found: list[DateFound]) -> list[DateFound]:
    """Return the dates without a weekday's name beside its own date."""
    out: list[DateFound] = []
    for n, one in enumerate(found):
        beside = [
            other
            for other in (*found[max(n - 1, 0) : n], *found[n + 1 : n + 2])
            if other.rule == "stated-date"
            and len(other.edtf) == 10
            and re.fullmatch(
                r"[\s,(–—-]*(?:the )?",
                sentence[min(one.end, other.end) : max(one.start, other.start)],
            )
        ]
        if one.rule not in ("weekday", "unresolved") or not beside or one.wording not in _DAYS:
            out.append(one)
    return out


def _of_weeks(sentence: str, found: list[DateFound]) -> list[DateFound]:
    """Return the dates with a weekday and the week beside it as one: "Tuesday last week"."""
    out: list[DateFound] = []
    for one in found:
        pair = (out[-1], one) if out else (one, one)
        days = [d for d in pair if d.rule == "weekday" and d.wording.partition(",")[0] in _DAYS]
        weeks = [d for d in pair if d.wording.endswith(" week") and d.edtf and d.rule != "duration"]
        between = sentence[pair[0].end : pair[1].start]
        if len(days) != 1 or len(weeks) != 1 or not re.fullmatch(_OF_WEEK, between, re.IGNORECASE):
            out.append(one)
            continue
        first = date.fromisoformat(weeks[0].edtf.partition("/")[0])
        day = first + timedelta(date.fromisoformat(days[0].edtf.partition("/")[0]).weekday())
        out[-1] = msgspec.structs.replace(
            days[0],
            start=pair[0].start,
            end=pair[1].end,
            edtf=day.isoformat(),
            certainty="certain",
            wording=f"{days[0].wording}, of {weeks[0].wording}",
            why="",
        )
    return out


def _ranges(reader: "_Reader", found: list[DateFound]) -> list[DateFound]:
    """Return the dates with the two ends of a range as one interval: "March 5 to 7"."""
    sentence, words = reader.sentence, reader.words
    out: list[DateFound] = []
    for one in found:
        start = sentence[max(0, one.start - 20) : one.start]
        rest = sentence[one.end : one.end + 20]
        joint = f"\\s*(?:[–—~-]|(?:{words.to}))\\s*"
        whole = one.rule in ("stated-date", "since-month") and len(one.edtf.partition("/")[0]) == 10
        before = re.search(
            rf"(?<![\d.,:/-])(\d{{1,2}})(?:st|nd|rd|th|ই|শে|লা|রা|ঠা)?{joint}$", start, re.I
        )
        after = re.match(
            rf"(?:[–—-]|\s+(?:{words.to})\s+)(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+{_Y})?(?![\d%:]|[.,]\d)",
            rest,
            re.I,
        )
        if out and _joined(reader, out[-1], one):
            out[-1] = _interval(reader, out[-1], one)
        elif whole and before and _opens(words, start[: before.start()], before[0]):
            other = _with_day(one, int(before[1]), one.start - len(before[0]), one.start)
            out.append(_interval(reader, other, one) if other else one)
        elif (
            whole
            and after
            and _MONTH_FIRST.search(sentence[one.start : one.end])
            and _opens(words, start, after[0])
        ):
            year = after["year"]
            if year and one.relative:
                one = msgspec.structs.replace(one, edtf=f"{year}{one.edtf[4:]}", relative=False)
            last = _with_day(one, int(after[1]), one.end, one.end + after.end())
            out.append(_interval(reader, one, last) if last else one)
        else:
            out.append(one)
    return out


_OF_WEEK: Final = r"[\s,]*(?:(?:on|of|the|в|во|на|के|की|का|में|को|র|এর)\s+)*|['’]s\s+"
_MONTH_FIRST: Final = re.compile(r"[^\W\d]\.?\s+\d{1,2}(?:st|nd|rd|th)?$")
_KINDS: Final[Mapping[str, str]] = {"since-month": "stated-date", "month-of-year": "stated-date"}


def _opens(words: _Words, before: str, joint: str) -> bool:
    """Return whether a joint is one of a range: "and" is so only after "between"."""
    return not re.search(r"\band\b", joint) or bool(re.search(r"\bbetween\s+$", before, re.I))


def _joined(reader: "_Reader", one: DateFound, other: DateFound) -> bool:
    sentence, words = reader.sentence, reader.words
    between = sentence[one.end : other.start]
    first, last = one.edtf, other.edtf
    if not first or not last or "/" in first.removesuffix("/..") or "/" in last or "~" in last:
        return False
    if first.endswith("/.."):  # "from" is read already
        return bool(re.fullmatch(rf"\s*(?:{words.to}|[–—~-])?\s*", between, re.I))
    kinds = {_KINDS.get(d.rule, d.rule) for d in (one, other)}
    if re.search("[–—~-]", between) and len(kinds) > 1:
        return False  # a dash that ends a dateline
    found = re.fullmatch(rf"\s*(?:[–—~-]|(?:{words.to}))\s*(?:the\s+)?", between, re.I)
    return bool(found) and _opens(words, sentence[: one.start], between)


def _with_day(one: DateFound, day: int, start: int, end: int) -> DateFound | None:
    """Return a date with another day of its month; None where that has no such day."""
    try:
        edtf = date.fromisoformat(one.edtf[:10]).replace(day=day).isoformat()
    except ValueError:
        return None
    wording = re.sub(r"(?<!\d)\d{1,2}(?!\d)", str(day), one.wording, count=1)
    return msgspec.structs.replace(one, start=start, end=end, edtf=edtf, wording=wording)


def _interval(reader: "_Reader", one: DateFound, other: DateFound) -> DateFound:
    """Return the interval between two dates; where the second is before the first, one is moved."""
    first, last = one.edtf.partition("/")[0], other.edtf
    if other.wording.startswith("day ") and len(first) == len(last) == 10:
        last = first[:8] + last[8:]  # its month is that of the first
    if one.relative and not other.relative and "weekday" not in (one.rule, other.rule):
        first = last[:4] + first[4:]
        if bounds(first)[0] > bounds(last)[0]:  # type: ignore[operator]  # no open ends
            first = f"{int(last[:4]) - 1:04}{first[4:]}"
    elif other.relative and not one.relative and "weekday" not in (one.rule, other.rule):
        last = first[:4] + last[4:]
    if bounds(first)[0] > bounds(last)[1]:  # type: ignore[operator]  # no open ends
        towards, _ = _tense(reader.sentence, reader.words, other.end)
        if {one.rule, other.rule} == {"weekday"}:
            if towards == "future":
                last = (date.fromisoformat(last) + timedelta(7)).isoformat()
            else:
                first = (date.fromisoformat(first) - timedelta(7)).isoformat()
        elif towards == "future" or not one.relative:
            last = f"{int(last[:4]) + 1:04}{last[4:]}"
        else:
            first = f"{int(first[:4]) - 1:04}{first[4:]}"
    order = ("unstated", "possible", "probable", "certain")
    weaker = min(one, other, key=lambda d: order.index(d.certainty))
    try:
        bounds(f"{first}/{last}")
    except ValueError:
        return other
    return msgspec.structs.replace(
        other,
        start=one.start,
        edtf=f"{first}/{last}",
        wording=f"from {one.wording.removeprefix('since ')} to {other.wording}",
        certainty=weaker.certainty,
        why=weaker.why,
        relative=one.relative or other.relative,
        part=None,
    )


def _until(sentence: str, words: _Words, one: DateFound) -> DateFound:
    """Return a date that is an end as an interval with an open start: "before Monday"."""
    start, rest = sentence[max(0, one.start - 40) : one.start], sentence[one.end :]
    open_end = one.edtf.endswith("/..")
    if not one.edtf or one.edtf.startswith("..") or one.wording.startswith("from "):
        return one
    if re.search(f"{_B}(?:{words.before})\\s+(?:the\\s+)?$", start, re.I) or re.match(
        f"\\s*(?:{words.after_before})", rest, re.I
    ):
        first = bounds(one.edtf)[0]
        edtf = f"../{(date.fromisoformat(first) - timedelta(1)).isoformat()}" if first else ""
        wording = f"before {one.wording.removeprefix('since ')}"
    elif not open_end and (
        re.search(f"{_B}(?:{words.by})\\s+(?:the\\s+)?$", start, re.I)
        or re.match(f"\\s*(?:{words.after_by})", rest, re.I)
    ):
        edtf, wording = f"../{one.edtf.rpartition('/')[2]}", f"by {one.wording}"
    else:
        return one
    return msgspec.structs.replace(one, edtf=edtf, wording=wording, part=None)


# --- reading one match ------------------------------------------------------------------------

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = tuple(calendar.month_name)


class _Reader(msgspec.Struct, frozen=True):
    """A sentence, the words of its language and the reference date."""

    sentence: str
    words: _Words
    reference: date | None

    def found(
        self,
        match: re.Match[str],
        edtf: str,
        rule: str,
        wording: str,
        certainty: Certainty = "certain",
        why: str = "",
        relative: bool = True,
    ) -> DateFound:
        """Return a date with what every match has: offsets, part of the day, an open end."""
        groups = match.groupdict()
        part = self.part(groups.get("part_before") or groups.get("part_after"))
        if part:
            wording += f", {part}"
        if edtf and (groups.get("since_before") or groups.get("since_after")):
            edtf = edtf.partition("/")[0] + "/.."
            wording = f"since {wording}"
            if rule == "month-of-year" or (rule == "stated-date" and len(edtf) == 10):
                rule = "since-month"
        return DateFound(
            start=match.start(),
            end=match.end(),
            edtf=edtf,
            rule=rule,
            certainty=certainty,
            wording=wording,
            why=why,
            part=part,
            relative=relative,
        )

    def unresolved(self, match: re.Match[str], wording: str) -> DateFound:
        """Return a date that needs a reference date and has none."""
        why = "without a reference date it is no day"
        return self.found(match, "", "unresolved", wording, "unstated", why)

    def part(self, text: str | None) -> PartOfDay | None:
        """Return the part of the day that some words name."""
        for part, pattern in self.words.parts.items():
            if text and re.fullmatch(pattern, text, re.IGNORECASE):
                return part
        return None

    def iso(self, match: re.Match[str]) -> DateFound | None:
        """Read a date in figures."""
        groups = match.groupdict()
        try:
            day = date(int(groups["year"]), int(groups["monthnumber"]), int(groups["day"]))
        except ValueError:
            return None
        text = day.isoformat()
        return self.found(match, text, "stated-date", text, relative=False)

    def figures(self, match: re.Match[str]) -> DateFound | None:
        """Read 12/03/2024: which is the month is left open where it can be either."""
        one, other, year = int(match["one"]), int(match["other"]), int(match["year"])
        days = []
        for day, month in dict.fromkeys(((one, other), (other, one))):
            try:
                days.append(date(year, month, day).isoformat())
            except ValueError:
                continue
        if len(days) == 1:
            return self.found(match, days[0], "stated-date", days[0], relative=False)
        if not days:
            return None
        why = f"it may be {' or '.join(days)}"
        return self.found(match, "", "unresolved", match[0], "unstated", why, relative=False)

    def ago(self, match: re.Match[str]) -> DateFound | None:
        """Read "two days ago"."""
        groups = match.groupdict()
        text = (groups.get("count") or groups.get("days") or "").casefold()
        count = int(text) if text.isdecimal() else self.words.numbers.get(text, 0) if text else 1
        unit: Unit = next((u for u in self.words.units if groups.get(f"unit_{u}")), "day")
        if not count:
            return None
        wording = f"{count} {unit}{'s' if count > 1 else ''} ago"
        if not self.reference:
            return self.unresolved(match, wording)
        if unit == "day":
            day = self.reference - timedelta(count)
            return self.found(match, day.isoformat(), "relative-day", wording)
        return self.found(
            match, _period(self.reference, unit, -count), "relative-period", wording, "probable"
        )

    def last_night(self, match: re.Match[str]) -> DateFound:
        """Read "last night": of the day before."""
        if not self.reference:
            return self.unresolved(match, "last night")
        day = (self.reference - timedelta(1)).isoformat()
        found = self.found(match, day, "relative-day", "last night", "probable")
        return msgspec.structs.replace(found, part="night")

    def stated(self, match: re.Match[str]) -> DateFound | None:
        """Read a date with a month or a year: what is missing comes from the reference date."""
        groups = match.groupdict()
        number, name = groups.get("monthnumber"), groups.get("month")
        month = int(number) if number else _number(self.words.months, name) if name else 0
        year, day = int(groups.get("year") or 0), int(groups.get("day") or 0)
        if (number and not 1 <= month <= 12) or (groups.get("day") and not 1 <= day <= 31):
            return None
        wording = " ".join(
            str(x) for x in (day or "", _MONTHS[month] if month else "", year or "") if x
        )
        if not year and not self.reference:
            return self.unresolved(match, wording)
        certainty: Certainty = "certain"
        why = ""
        if not year and self.reference and not month:  # a day alone, as Korean news has it
            return self._day_alone(match, day)
        if not year and self.reference and not day:
            return self._month(match, month)
        today = self.reference or date.min
        if not year and self.reference:
            same = (month, day) == (self.reference.month, self.reference.day)
            towards, _ = _tense(self.sentence, self.words, match.end())
            years = [
                y
                for y in (self.reference.year, self.reference.year - 1, self.reference.year + 1)
                if same
                or not towards
                or (_clamped(y, month, day) > self.reference) == (towards == "future")
            ]
            year = min(years, key=lambda y: abs((_clamped(y, month, day) - today).days))
            certainty = "certain" if same else "probable"
            why = f"the year is that of the nearest such day{towards and f', {towards} tense'}"
        try:
            if day:
                date(year, month, day)
        except ValueError:
            return None
        edtf = f"{year:04}" + (f"-{month:02}" if month else "") + (f"-{day:02}" if day else "")
        relative = not groups.get("year")
        return self.found(match, edtf, "stated-date", wording, certainty, why, relative)

    def _day_alone(self, match: re.Match[str], day: int) -> DateFound | None:
        assert self.reference
        try:
            found = self.reference.replace(day=day)
        except ValueError:
            return None
        return self.found(
            match,
            found.isoformat(),
            "stated-date",
            f"day {day} of the month",
            "certain" if found == self.reference else "probable",
            "the month is that of the reference date",
        )

    def _month(self, match: re.Match[str], month: int) -> DateFound:
        assert self.reference
        towards, both = _tense(self.sentence, self.words, match.end())
        year = self.reference.year
        since = match.groupdict().get("since_before") or match.groupdict().get("since_after")
        coming = month == self.reference.month % 12 + 1 and not since
        if coming and towards == "past":
            why = "past tense, and the month is the next one: of which year is not said"
            return self.found(match, "", "unresolved", _MONTHS[month], "unstated", why)
        if coming and not towards:
            year += month == 1
            why = "no words of tense: the next month"
            edtf = f"{year:04}-{month:02}"
            return self.found(match, edtf, "month-of-year", _MONTHS[month], "possible", why)
        if towards == "future":
            year += month < self.reference.month
        else:
            year -= month > self.reference.month
        certainty, why = _direction(towards, both)
        if since:
            certainty, why = "certain", "since then"
            year = self.reference.year - (month > self.reference.month)
        elif month == self.reference.month:
            certainty, why = "probable", "the month of the reference date"
        return self.found(
            match, f"{year:04}-{month:02}", "month-of-year", _MONTHS[month], certainty, why
        )

    def weekday(self, match: re.Match[str]) -> DateFound:
        """Read a weekday: the nearest one before or after the reference date, itself included."""
        groups = match.groupdict()
        number = _number(self.words.weekdays, groups["weekday"])
        way = "last" if groups.get("last") else "next" if groups.get("next") else ""
        wording = (f"{way} " if way else "") + _DAYS[number]
        if not self.reference:
            return self.unresolved(match, wording)
        back = (self.reference.weekday() - number) % 7
        if groups.get("week"):
            monday = self.reference - timedelta(self.reference.weekday())
            shift = 7 if way == "next" else -7 if way == "last" else 0
            day = monday + timedelta(number + shift)
            return self.found(match, day.isoformat(), "weekday", f"{wording}, of that week")
        certainty: Certainty = "certain"
        why = ""
        if way == "last":
            back = back or 7
        elif way == "next":
            back -= 7
            certainty, why = "probable", "the nearest such day; in some usage a week later"
        elif back:
            towards, both = _tense(self.sentence, self.words, match.end())
            if towards == "future":
                back -= 7
            certainty, why = _direction(towards, both)
        else:
            why = "the day of the reference date"
        day = self.reference - timedelta(back)
        return self.found(match, day.isoformat(), "weekday", wording, certainty, why)

    def day_word(self, match: re.Match[str]) -> DateFound:
        """Read yesterday, today, tomorrow."""
        shift = _number(self.words.day_words, match["dayword"])
        wording = _SHIFTED[shift] if abs(shift) < 9 else "yesterday or tomorrow"
        if not self.reference:
            return self.unresolved(match, wording)
        certainty: Certainty = "certain"
        why = ""
        if abs(shift) > 9:  # one word for both: tense decides
            towards, both = _tense(self.sentence, self.words, match.end())
            certainty, why = _direction(towards, both)
            shift = (shift - 10) if towards == "future" else 10 - shift
            wording = _SHIFTED[shift]
        day = self.reference + timedelta(shift)
        return self.found(match, day.isoformat(), "relative-day", wording, certainty, why)

    def period(self, match: re.Match[str]) -> DateFound:
        """Read last, this and next week, month and year."""
        groups = match.groupdict()
        if fused := groups.get("fused"):
            unit, shift = self.words.fused[fused.casefold()]
        else:
            shift = -1 if groups.get("last") else 1 if groups.get("next") else 0
            unit = next(u for u in self.words.units if groups.get(f"unit_{u}"))
        wording = {-2: "before last", -1: "last", 0: "this", 1: "next"}[shift] + f" {unit}"
        if not self.reference:
            return self.unresolved(match, wording)
        edtf = _period(self.reference, unit, shift)
        rule = {
            ("week", -1): "last-week",
            ("month", 0): "this-month",
            ("year", -1): "past-years",
            ("year", -2): "past-years",
        }.get((unit, shift), "relative-period")
        return self.found(match, edtf, rule, wording)

    def recently(self, match: re.Match[str]) -> DateFound:
        """Read recently: before the reference date, with an open start."""
        if not self.reference:
            return self.unresolved(match, "recently")
        edtf = f"../{self.reference.isoformat()}"
        return self.found(match, edtf, "recent", "recently", "unstated")

    def past_span(self, match: re.Match[str]) -> DateFound | None:
        """Read "in the past 17 months": up to the reference date."""
        groups = match.groupdict()
        unit = next(u for u in self.words.units if groups.get(f"unit_{u}"))
        count = int(groups["count"])
        wording = f"the past {count} {unit}s"
        if not count or count > 999:
            return None
        if not self.reference:
            return self.unresolved(match, wording)
        today = self.reference
        try:
            if unit == "year":
                edtf = f"{date(today.year - count, 1, 1).year:04}/{today.year:04}"
            elif unit == "month":
                months = today.year * 12 + today.month - 1 - count
                edtf = f"{date(months // 12, months % 12 + 1, 1):%Y-%m}/{today:%Y-%m}"
            else:
                first = today - timedelta(count * (7 if unit == "week" else 1))
                edtf = f"{first.isoformat()}/{today.isoformat()}"
        except (ValueError, OverflowError):
            return None
        rule = "past-years" if unit == "year" else "duration"
        return self.found(match, edtf, rule, wording)

    def part_alone(self, match: re.Match[str]) -> DateFound | None:
        """Read "in the evening": of the reference date, if of no other day."""
        part = self.part(match["part_after"])
        if not part:
            return None
        if not self.reference:
            return self.unresolved(match, "part of a day")
        return self.found(
            match,
            self.reference.isoformat(),
            "part-of-day",
            "that day",
            "possible",
            "only a part of the day is named",
        )


_SHIFTED: Final = {
    -2: "the day before yesterday",
    -1: "yesterday",
    0: "today",
    1: "tomorrow",
    2: "the day after tomorrow",
}


_CLAUSE: Final = (
    r"[,;:]|\b(?:that|which|who|whether|and|but|after|before|when|while|once|"
    r"что|и|но|а|как|когда)\b"
)


def _number(names: Mapping[str, int], form: str) -> int:
    folded = form.casefold()
    return next(n for name, n in names.items() if name.casefold() == folded)


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _direction(towards: Tense, both: bool) -> tuple[Certainty, str]:
    if not towards:
        return "possible", "no words of tense: taken as past"
    certainty: Certainty = "probable" if both else "certain"
    return certainty, f"{towards} tense" + (", not surely" if both else "")


def _period(reference: date, unit: Unit, shift: int) -> str:
    if unit == "year":
        return f"{reference.year + shift:04}"
    if unit == "month":
        months = reference.year * 12 + reference.month - 1 + shift
        return f"{months // 12:04}-{months % 12 + 1:02}"
    monday = reference - timedelta(reference.weekday()) + timedelta(7 * shift)
    return f"{monday.isoformat()}/{(monday + timedelta(6)).isoformat()}"


def _tense(sentence: str, words: _Words, at: int) -> tuple[Tense, bool]:
    # "will be held", "is expected": future, whatever else its words look like
    future = [m.span() for m in re.finditer(words.future, sentence, re.IGNORECASE)]
    marks: list[tuple[int, Tense]] = [
        (match.start(), "past")
        for match in re.finditer(words.past, sentence, re.IGNORECASE)
        if not any(a <= match.start() < b for a, b in future)
    ]
    marks += [(a, "future") for a, _ in future]
    perhaps = [m.start() for m in re.finditer(words.perhaps_future, sentence, re.IGNORECASE)]
    if perhaps:
        here = [m for m, _ in marks if not _apart(sentence, m, at)]
        near = [m for m in perhaps if not _apart(sentence, m, at)]
        if (near and not here) or not marks:
            return "future", True
    if not marks:
        return "", False
    if not words.verb_last:  # the verb of its own clause decides
        own = [(place, name) for place, name in marks if not _apart(sentence, place, at)]
        marks = own or marks
    after = [mark for mark in marks if mark[0] >= at]
    if words.verb_last and after:
        nearest = min(after)
    else:
        nearest = min(marks, key=lambda mark: (abs(mark[0] - at), mark[0]))
    return nearest[1], len({name for _, name in marks}) > 1


def _apart(sentence: str, one: int, other: int) -> bool:
    """Return whether two places stand in different clauses."""
    return bool(re.search(_CLAUSE, sentence[min(one, other) : max(one, other)]))


# --- patterns of a language -------------------------------------------------------------------

_Handler = Callable[[_Reader, re.Match[str]], DateFound | None]


def _any(forms: Mapping[str, object]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda f: (-len(f), f)))


@cache
def _patterns(tag: str) -> tuple[tuple[re.Pattern[str], _Handler], ...]:
    words = _words()[tag]
    end = "" if words.glued else _E
    parts = "|".join(words.parts.values())
    after = rf"(?:[\s,]*(?P<part_after>{parts}){end})?"
    before = rf"(?:(?P<part_before>{parts})\s+(?:в\s+|во\s+|on\s+)?)?"
    since = (
        f"(?:{_B}(?P<since_before>{words.since_before})\\s+)?" if words.since_before else "",
        f"(?:\\s*(?P<since_after>{words.since_after}){end})?" if words.since_after else "",
    )
    way = f"(?:(?:(?P<last>{words.last})|(?P<next>{words.next})|(?P<this>{words.this}))\\s*)"
    named = [f"(?P<unit_{unit}>{form})" for unit, form in words.units.items()]
    units, periods = "|".join(named), "|".join(n for n in named if "unit_day" not in n)

    def wrapped(middle: str, part: bool = True) -> str:
        head, tail = (before, after) if part else ("", "")
        return f"{since[0]}{_B}{head}{middle}{tail}{since[1]}"

    month = _any(words.months)
    week = f"(?:(?P<week>{words.units['week']})\\s*)?" if words.glued else ""
    rows: list[tuple[str, _Handler, int]] = [
        (
            wrapped(r"(?P<year>\d{4})-(?P<monthnumber>\d\d)-(?P<day>\d\d)(?!\d)", part=False),
            _Reader.iso,
            0,
        ),
        (
            wrapped(r"(?P<day>\d{1,2})[.](?P<monthnumber>\d\d)[.](?P<year>\d{4})(?!\d)", False),
            _Reader.iso,
            0,
        ),
        *(
            (wrapped(form.replace("MONTH", month), part="day" in form), _Reader.stated, 0)
            for form in words.dates
        ),
        (
            wrapped(f"{way}?{week}(?P<weekday>{_any(words.weekdays)}){end}"),
            _Reader.weekday,
            re.IGNORECASE,
        ),
        (
            wrapped(f"(?P<dayword>{_any(words.day_words)}){end}"),
            _Reader.day_word,
            re.IGNORECASE,
        ),
        (wrapped(f"{way}(?:{periods}){end}", part=False), _Reader.period, re.IGNORECASE),
        (f"{_B}(?:{words.recent}){end}", _Reader.recently, re.IGNORECASE),
        (
            f"{_B}{words.past_span}\\s*(?:{units})s?{end}",
            _Reader.past_span,
            re.IGNORECASE,
        ),
        (f"{_B}{words.part_alone}{end}", _Reader.part_alone, re.IGNORECASE),
        (
            f"{_B}{words.ago.replace('UNITS', units)}{end}",
            _Reader.ago,
            re.IGNORECASE,
        ),
        (f"{_B}(?:{words.last_night}){end}", _Reader.last_night, re.IGNORECASE),
        (
            rf"(?<![\w/.-])(?P<one>\d{{1,2}})(?P<sign>[/-])(?P<other>\d{{1,2}})(?P=sign){_Y}(?![/-])",
            _Reader.figures,
            0,
        ),
    ]
    if words.fused:
        rows.append(
            (
                wrapped(f"(?P<fused>{_any(words.fused)}){end}", part=False),
                _Reader.period,
                re.IGNORECASE,
            )
        )
    flags = 0 if tag == "en" else re.IGNORECASE
    return tuple((re.compile(form, own or flags), handler) for form, handler, own in rows)


def _names(tag: str, kind: Literal["days", "months"], widths: tuple[str, ...]) -> dict[str, int]:
    """Return the names of weekdays (from 0) or months (from 1) that CLDR has, in their cases."""
    from babel.dates import get_day_names, get_month_names

    get = get_day_names if kind == "days" else get_month_names
    out: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in widths:
            for number, name in get(width, context, tag).items():  # type: ignore[arg-type]  # one of babel's words
                out.setdefault(unicodedata.normalize("NFC", name.rstrip(".")), number)
    return out


def _russian(name: str) -> Iterator[str]:
    """Yield the cases of a weekday or month in Russian."""
    name = name.lower()
    stem = name[:-1]
    if name.endswith(("ь", "й")):
        yield from (name, *(stem + e for e in ("я", "е", "ю", "ем")))
    elif name.endswith(("а", "я")):
        yield from (name, *(stem + e for e in ("у", "ы", "и", "е", "ой", "ю")))
    elif name.endswith("е"):
        yield from (name, *(stem + e for e in ("я", "ю", "и")))
    else:
        yield from (name, *(name + e for e in ("а", "у", "е", "ом")))


def _glue(names: Mapping[str, int], endings: tuple[str, ...]) -> dict[str, int]:
    return {name + ending: n for name, n in names.items() for ending in ("", *endings)}


_NUMBERS: Final[Mapping[str, Mapping[str, int]]] = {
    tag: {name: number for number, names in enumerate(all_.split(), 1) for name in names.split("|")}
    for tag, all_ in {
        "en": "one two three four five six seven eight nine ten",
        "bn": "এক দুই|দু তিন চার পাঁচ ছয় সাত আট নয় দশ",
        "hi": "एक दो तीन चार पांच|पाँच छह|छः सात आठ नौ दस",
        "ru": "один|одну два|две|двое три|трое четыре пять шесть семь восемь девять десять",
        "ko": "하루|한 이틀|두 사흘|세 나흘|네 닷새|다섯 엿새|여섯 이레|일곱 "
        "여드레|여덟 아흐레|아홉 열흘|열",
    }.items()
}
"""The numbers from one to ten as words; of Korean also one to ten days."""


@cache
def _words() -> Mapping[str, _Words]:
    """Return the words of each language."""
    english_months = _names("en", "months", ("wide",))
    short = {**_names("en", "months", ("abbreviated",)), "Sept": 9}
    months_en = {**english_months, **short, **{f"{n}.": i for n, i in short.items()}}
    months_en |= {name.upper(): number for name, number in months_en.items()}
    days_en = _names("en", "days", ("wide",))
    cases_bn = ("ের", "ে", "কে", "র", "ই", "ও", "েই")
    days_bn = {**_names("bn", "days", ("wide",)), "মঙ্গলবার": 1, "বৃহস্পতিবার": 3}
    months_bn = {**_names("bn", "months", ("wide",)), "আগষ্ট": 8, "ফেব্রুয়ারী": 2, "জানুয়ারী": 1}
    days_hi = {**_names("hi", "days", ("wide",)), "बृहस्पतिवार": 3, "वीरवार": 3, "इतवार": 6}
    months_hi = {
        **_names("hi", "months", ("wide",)),
        "फरवरी": 2,
        "सितम्बर": 9,
        "अक्टूबर": 10,
        "अक्तूबर": 10,
        "नवम्बर": 11,
        "दिसम्बर": 12,
    }
    days_ru = {
        form: n for name, n in _names("ru", "days", ("wide",)).items() for form in _russian(name)
    }
    from babel.dates import get_month_names

    months_ru = {
        form: n
        for n, name in get_month_names("wide", "stand-alone", "ru").items()
        for form in _russian(name)
    }
    days_ko = _names("ko", "days", ("wide",))
    return {
        "en": _Words(
            weekdays=days_en,
            months=months_en,
            day_words={"yesterday": -1, "today": 0, "tomorrow": 1, "tonight": 0},
            last="last|past|previous",
            this="this|current",
            next="next|coming|upcoming",
            units={"week": "week", "month": "month", "year": "year", "day": "day"},
            dates=(
                rf"{_D}(?:st|nd|rd|th)?\s+(?:of\s+)?{_M}(?:,?\s+{_Y})?",
                rf"{_M}\s+{_D}(?:st|nd|rd|th)?(?![.,:]?\d)(?:,?\s+{_Y})?",
                rf"{_M},?\s+{_Y}",
                rf"(?:(?<=[Ii]n )|(?<=[Ss]ince )|(?<=[Ff]rom )|(?<=[Bb]efore )|"
                rf"(?<=[Bb]y )|(?<=[Uu]ntil )|(?<=early )|(?<=late )|(?<=mid-)){_M}{_E}",
                rf"(?:(?<=[Ii]n )|(?<=[Ss]ince )|(?<=[Ff]rom )|(?<=[Bb]efore )|"
                rf"(?<=[Bb]y )|(?<=[Uu]ntil )|(?<=[Dd]uring )){_Y}",
            ),
            since_before="[Ss]ince(?:\\s+early|\\s+late)?",
            parts={
                "early": "early|early hours",
                "morning": "morning",
                "afternoon": "afternoon",
                "evening": "evening",
                "night": "night|overnight",
            },
            part_alone="(?:in|during|at)(?: the)? (?P<part_after>morning|afternoon|evening|night)",
            recent="recently|lately",
            past_span=r"(?:in|over|for|during)\s+the\s+(?:past|last)\s+(?P<count>\d{1,3})",
            past=r"\b(?!expected|scheduled|planned|need|intend|supposed|speed|indeed)[a-z]{2,}ed\b|"
            r"\b(?:said|told|was|were|had|met|went|came|held|took|gave|left|began|spoke|wrote|sent|"
            r"saw|made|found|did|flew|sold|bought|fell|rose|led|won|lost|set out)\b",
            future=r"\b(?:will|shall|must|should|may|might|could|would|to|can)(?:\s+(?:not|also|be|have))*\s+"
            rf"(?!the\b|a\b|(?:{'|'.join((*_MONTHS[1:], *_DAYS))})\b)[a-z]+\b|"
            r"\b(?:due|expected|scheduled|planned|plans?|planning|going to|"
            r"upcoming|possible|intends?|hopes?|supposed)\b",
            verb_last=False,
            ago=rf"(?P<count>\d{{1,3}}|an?|{_any(_NUMBERS['en'])})\s+(?:UNITS)s?\s+ago",
            numbers={**_NUMBERS["en"], "a": 1, "an": 1},
            last_night="last night",
            to="to|until|till|through|and",
            before="before|prior to|ahead of",
            by="by|until|till|up to|no later than|not later than",
        ),
        "bn": _Words(
            weekdays=_glue(days_bn, cases_bn),
            months=_glue(months_bn, cases_bn),
            day_words={"গতকাল": -1, "আজ": 0, "আজকে": 0, "আগামীকাল": 1, "পরশু": 12, "গতকালের": -1},
            last="গত|বিগত",
            this="এই|চলতি",
            next="আগামী|পরের",
            units={
                "week": "সপ্তাহ(?:ে|ের|েই)?",
                "month": "মাস(?:ে|ের|েই)?",
                "year": "বছর(?:ে|ের|েই)?",
                "day": "দিন(?:ে|ের)?",
            },
            dates=(
                rf"{_D}(?:ই|শে|লা|রা|ঠা|এ)?\s+{_M}{_E}(?:,?\s*{_Y})?",
                rf"{_M}\s+{_D}(?:,?\s*{_Y})?",
                rf"{_M},?\s+{_Y}",
                rf"{_Y}\s+সালের\s+{_M}{_E}",
                rf"{_Y}\s+সাল(?:ের|ে)?{_E}",
                rf"{_M}{_E}",
            ),
            since_after="থেকে|হতে",
            parts={
                "early": "ভোর(?:ে|ের)?|প্রথম প্রহরে",
                "morning": "সকাল(?:ে|ের)?",
                "afternoon": "দুপুর(?:ে|ের)?|বিকেল(?:ে|ের)?|বিকাল(?:ে|ের)?",
                "evening": "সন্ধ্যা(?:য়|র)?",
                "night": "রাত(?:ে|ের)?",
            },
            part_alone="(?P<part_after>ভোরে|সকালে|দুপুরে|বিকেলে|বিকালে|সন্ধ্যায়|রাতে)",
            recent="সম্প্রতি|সাম্প্রতিককালে",
            past_span=r"(?:গত|বিগত)\s+(?P<count>\d{1,3})",
            past=f"(?!রয়েছে){_LETTER}*(?:েছে|েছেন|েছি|েছিল|েছিলেন|েছিলাম){_E}|"
            f"{_B}(?:ছিল|ছিলেন|বললেন|করলেন|বলেন|জানান|জানায়){_E}",
            future=f"(?:কথা\\s+(?:রয়েছে|আছে|ছিল))|{_B}(?!তবে|সবে|কবে|ভাবে){_LETTER}{{2,}}"
            f"(?<!ভা)(?:বে|বেন|বো){_E}|{_B}(?:হবে|হবেন|পারে|পারেন|সম্ভাব্য|সম্ভব|আসন্ন){_E}",
            verb_last=True,
            ago=rf"(?P<count>\d{{1,3}}|{_any(_NUMBERS['bn'])})\s*(?:টি\s*)?(?:UNITS)\s+(?:আগে|পূর্বে)",
            numbers=_NUMBERS["bn"],
            last_night="গত\\s*রাতে?|গতকাল\\s+রাতে?",
            to="থেকে|হতে",
            after_before="(?:এর\\s+)?(?:আগে|পূর্বে|আগেই)",
            after_by="পর্যন্ত|(?:এর\\s+)?মধ্যে",
        ),
        "hi": _Words(
            weekdays=days_hi,
            months=months_hi,
            day_words={"कल": 11, "आज": 0, "परसों": 12, "बीते कल": -1},
            last="पिछले|पिछली|पिछला|बीते|बीती|गत",
            this="इस|इसी|चालू|मौजूदा",
            next="अगले|अगली|अगला|आगामी|आने वाले",
            units={
                "week": "सप्ताह|हफ़्ते|हफ्ते|हफ़्ता|हफ्ता|हफ़्तों|हफ्तों|सप्ताहों",
                "month": "महीने|महीनों|महीना|माह",
                "year": "साल|वर्ष|सालों|वर्षों",
                "day": "दिन|दिनों",
            },
            dates=(
                rf"{_D}\s+{_M}{_E}(?:,?\s+{_Y})?",
                rf"{_M}\s+{_D}(?:,?\s+{_Y})?",
                rf"{_M},?\s+{_Y}",
                rf"(?:सन्?\s+{_Y})",
                rf"{_Y}(?=\s+(?:में|से|के|की|तक){_E})",
                rf"{_M}{_E}",
            ),
            since_after="से",
            parts={
                "early": "(?:की\\s+)?शुरुआत(?:\\s+में)?|(?:की\\s+)?तड़के|तड़के|भोर",
                "morning": "(?:की\\s+)?सुबह|सवेरे",
                "afternoon": "(?:की\\s+)?दोपहर",
                "evening": "(?:की\\s+)?शाम",
                "night": "(?:की\\s+)?रात",
            },
            part_alone="(?P<part_after>तड़के|सुबह|दोपहर|शाम|रात)(?=\\s+(?:को|में))",
            recent="हाल ही में|हाल में",
            past_span=r"(?:पिछले|बीते|गत)\s+(?P<count>\d{1,3})",
            past=f"{_B}(?:था|थे|थी|थीं|कहा|बताया|हुआ|हुई|हुए|गया|गई|गए|दिया|दी|लिया|ली|किया|आया|आई|"
            f"पहुंचा|पहुंचे|पहुंची|पहुँचा|पहुँचे|पहुँची|चुका|चुके|चुकी|जताया|जताई){_E}",
            future=f"{_LETTER}+(?:(?:े|ए)(?:गा|गी|ंगे|ंगी|ँगे|ँगी)|(?:ू|ऊ)(?:ंगा|ंगी|ँगा|ँगी)){_E}|"
            f"{_B}(?:होगा|होगी|होंगे|संभव|संभावना|उम्मीद|आशंका|संभावित|"
            f"(?:वाला|वाले|वाली)\\s+(?:है|हैं)|सकता|सकती|सकते){_E}",
            verb_last=True,
            ago=rf"(?P<count>\d{{1,3}}|{_any(_NUMBERS['hi'])})\s+(?:UNITS)\s+(?:पहले|पूर्व)",
            numbers=_NUMBERS["hi"],
            last_night="(?:बीती|पिछली|गत)\\s+रात",
            to="से(?:\\s+लेकर)?|लेकर",
            after_before="(?:(?:से|के)\\s+)?(?:पहले|पूर्व)",
            after_by="तक",
        ),
        "ru": _Words(
            weekdays=days_ru,
            months=months_ru,
            day_words={"вчера": -1, "позавчера": -2, "сегодня": 0, "завтра": 1, "послезавтра": 2},
            last="прошл(?:ой|ого|ом|ую|ый|ое|ая)|минувш(?:ей|его|ем|ую|ий|ее)",
            this="эт(?:ой|ого|ом|у|от|о)|нынешн(?:ей|его|ем)|текущ(?:ей|его|ем)",
            next="следующ(?:ей|его|ем|ую|ий|ее)|будущ(?:ей|его|ем)|ближайш(?:ий|ую|ее)",
            units={
                "week": "недел[еиюя]|недель",
                "month": "месяц(?:а|е|ев)?",
                "year": "год(?:а|у)?|лет",
                "day": "д(?:ень|ня|ней|ни)",
            },
            dates=(
                rf"{_D}\s+{_M}{_E}(?:\s+{_Y}(?:\s+(?:года|г\.?){_E})?)?",
                rf"{_M}\s+{_Y}(?:\s+(?:года|г\.?){_E})?",
                rf"{_Y}\s+(?:году|года|год){_E}",
                rf"{_M}{_E}",
            ),
            since_before="с|со|начиная\\s+с",
            parts={
                "early": "рано",
                "morning": "утром|утра",
                "afternoon": "дн[её]м|после\\s+полудня",
                "evening": "вечером|вечера",
                "night": "ночью|ночи",
            },
            part_alone="(?P<part_after>утром|вечером|ночью)",
            recent="недавно|в последнее время",
            past_span=r"за\s+последние\s+(?P<count>\d{1,3})",
            past=f"{_B}(?!если|после|или|числ|больше){_LETTER}{{2,}}"
            f"(?<![оё]с)(?:[аяиеёыу]л(?:а|о|и)?(?:с[ья])?|ш[её]л|шла|шли|смог|смогла){_E}",
            future=f"{_B}(?:будет|будут|предстоит|состоится|состоятся|пройд[её]т|пройдут|прибудет|"
            f"прибудут|ожидается|ожидают|намерен\\w*|планиру\\w+|собира\\w+|должен|должна|должны|"
            f"может|могут|возможн\\w+|{_LETTER}+(?:ится|ётся|ется)\\s+{_LETTER}+ть){_E}",
            verb_last=False,
            ago=rf"(?:(?P<count>\d{{1,3}}|{_any(_NUMBERS['ru'])})\s+)?(?:UNITS)\s+(?:тому\s+)?назад",
            numbers=_NUMBERS["ru"],
            last_night="(?:прошлой|минувшей|прошедшей)\\s+ночью",
            perhaps_future=f"{_B}(?!{_NO_VERB})(?:по|при|у|вы|на|про|до|за|с|от|об|под|воз|вос|вер|вст|"
            f"раз|рас|пере){_LETTER}{{2,}}(?<!а)(?<!я)(?<!у)(?<!ход)(?<!вод)(?<!нос)(?<!воз)"
            f"(?:[её]т|ит|ут|ют|ат|ят)(?:ся)?{_E}|{_B}(?:будет|даст|дадут|станет|станут){_E}",
            to="по|до",
            before="до|перед|раньше",
            by="к|ко|не\\s+позднее|вплоть\\s+до",
        ),
        "ko": _Words(
            weekdays=days_ko,
            months={},
            day_words={"어제": -1, "그제": -2, "오늘": 0, "내일": 1, "모레": 2},
            last="지난|저번",
            this="이번",
            next="다음|오는",
            units={"week": "주", "month": "달|개월", "year": "해|년", "day": "일"},
            fused={
                "지난해": ("year", -1),
                "작년": ("year", -1),
                "재작년": ("year", -2),
                "올해": ("year", 0),
                "내년": ("year", 1),
                "이달": ("month", 0),
                "지난달": ("month", -1),
                "내달": ("month", 1),
                "금주": ("week", 0),
            },
            dates=(
                rf"(?:{_Y}년\s*)?(?P<monthnumber>\d{{1,2}})월\s*{_D}일(?!간|째)",
                rf"{_Y}년\s*(?P<monthnumber>\d{{1,2}})월",
                rf"{_Y}년(?!간|째)",
                r"(?P<monthnumber>\d{1,2})월",
                rf"{_D}일(?!간|째|\s*(?:동안|만에|뒤|후|전))",
            ),
            since_after="부터|이후|이래",
            parts={
                "early": "새벽|초반",
                "morning": "아침|오전",
                "afternoon": "오후",
                "evening": "저녁",
                "night": "밤",
            },
            part_alone="(?P<part_after>새벽|아침|오전|오후|저녁|밤)(?=에)",
            recent="최근",
            past_span=r"(?:지난|최근)\s*(?P<count>\d{1,3})\s*",
            past="[가-힣]*[" + "".join(_ssang()) + "](?:다|고|으며|으나|지만|는데|습니다|던)",
            future="예정|것이다|것으로\\s*(?:보인|예상|전망)|계획이|가능성|전망이|[가-힣]*겠다|수\\s*있다",
            verb_last=True,
            glued=True,
            ago=r"(?:(?P<days>하루|이틀|사흘|나흘|닷새|엿새|이레|여드레|아흐레|열흘)|"
            rf"(?P<count>\d{{1,3}}|{_any(_NUMBERS['ko'])})\s*(?:UNITS)일?)"
            r"\s*전(?=에|부터|까지|의|[^가-힣]|$)",
            numbers=_NUMBERS["ko"],
            last_night="어젯밤|지난밤|간밤",
            to="부터|에서",
            after_before="(?:이?전에?)(?![가-힣])|이전",
            after_by="까지",
        ),
    }


_NO_VERB: Final = (
    "(?:совет|ответ|запрет|привет|предмет|приоритет|паритет|университет|сенат|солдат|захват|закат|"
    "прокат|возврат|обыч|состоит|находит|стоит|происходит|следит|смотр|сид|спит|строит|служ|спор|"
    "суд|выгляд|завис|подлеж|предсто|принадлеж)"
)
"""Words of Russian that only look like verbs of the future."""


def _ssang() -> Iterator[str]:
    """Yield the syllables of Hangul that end as the past tense does, but for "is" and "will"."""
    for code in range(0xAC00, 0xD7A4):
        if (code - 0xAC00) % 28 == 20 and chr(code) not in "있겠":
            yield chr(code)
