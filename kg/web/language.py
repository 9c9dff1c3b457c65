"""The languages of the interface: its words, numbers and dates.

Messages are those of `kg/web/locale/<tag>.po`, in the format of GNU gettext; English is in the
code. Labels of data are not messages: they are in any language, and `kg.web.pages` chooses.

Spec: GNU gettext, PO files; Unicode CLDR for numbers, dates and names of languages
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

import babel
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

INTERFACE: Final = ("en", "bn", "hi")
"""Languages in which every word of the interface is written, the one of the code first."""
LOCALE: Final = Path(__file__).parent / "locale"
VERB_LAST: Final = ("bn", "hi")
"""Languages in which what is said of two things stands behind both."""
_LOCALES: Final = {"en": "en_GB", "bn": "bn", "hi": "hi"}
_DIGITS: Final = {"bn": str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")}
RANGE_RULES: Final = ("since-month", "duration", "past-years", "as-of-document")
"""How the names of those concepts end that say that something lasted for all of an interval."""


def N_(message: str) -> str:  # noqa: N802 - the name by which gettext's tools find messages
    """Return `message` as it is: it is translated where it is shown."""
    return message


class Language:
    """One language of the interface.

    Args:
        tag: one of `INTERFACE`.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.verb_last = tag in VERB_LAST
        self._locale = babel.Locale.parse(_LOCALES[tag])
        self._messages = _messages(tag)
        self.date = lru_cache(maxsize=4096)(self._date)

    def gettext(self, message: str) -> str:
        """Return the message in this language; in English where it is not translated."""
        return self._messages.gettext(message) if message else ""

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the message for `count` things in this language."""
        return self._messages.ngettext(one, many, count)

    def pgettext(self, context: str, message: str) -> str:
        """Return the message in this language, where English has one word for two things."""
        return self._messages.pgettext(context, message)

    def number(self, value: int | float | str, *, grouped: bool = True) -> str:
        """Return a number with the digits and the grouping of this language.

        Args:
            grouped: False for what is counted through, such as the characters of a text.

        >>> Language("bn").number(1234567)
        '১২,৩৪,৫৬৭'
        """
        text = str(value)
        if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text):
            return text
        whole = float(text) if "." in text else int(text)
        words = format_decimal(whole, locale=self._locale, group_separator=grouped)
        return words.translate(_DIGITS.get(self.tag, {}))

    def quantity(
        self, low: str, best: str, high: str, precision: str, unit: str, wording: str = ""
    ) -> str:
        """Return a quantity in words, with our wording of it where there is one.

        >>> english = Language("en")
        >>> english.quantity("", "2", "", "exact", "ships")
        '2 ships'
        >>> english.quantity("20", "", "", "at-least", "crates", "some twenty")
        'at least 20 crates (“some twenty”)'
        """
        _, bounds = self.gettext, {"low": self.number(low), "high": self.number(high)}
        if precision == "at-least" and (low or best):
            amount = _("at least %(number)s") % {"number": self.number(low or best)}
        elif precision == "at-most" and (high or best):
            amount = _("at most %(number)s") % {"number": self.number(high or best)}
        elif best:
            amount = self.number(best)
            if precision in ("approximate", "vague"):
                amount = _("about %(number)s") % {"number": amount}
            if low and high and (low, high) != (best, best):
                amount += " " + _("(between %(low)s and %(high)s)") % bounds
        elif low and high:
            amount = bounds["low"] if low == high else _("between %(low)s and %(high)s") % bounds
        elif low:
            amount = _("at least %(number)s") % {"number": bounds["low"]}
        elif high:
            amount = _("at most %(number)s") % {"number": bounds["high"]}
        elif precision == "unstated":
            amount = _("an unstated number of")
        else:
            amount = _("a vague number of")
        words = f"{amount} {unit}".strip()
        return f"{words} (“{wording}”)" if wording else words

    def _date(self, edtf: str, rule: str = "") -> str:
        """Return an EDTF date or interval of level 0 or 1 in words; empty for empty.

        Args:
            edtf: e.g. `2023-10-18`, `2023-09~`, `2023-08/..`.
            rule: local name of the concept that says how it was read; tells whether an interval is
                one that the thing lasted, or one within which it lies.
        Spec: ISO 8601-2:2019.

        >>> english = Language("en")
        >>> english.date("2023-10-18")
        '18 October 2023'
        >>> english.date("2023-10-09/2023-10-15", "time-rule-last-week")
        'some time from 9 October 2023 to 15 October 2023'
        >>> english.date("2023-08/..")
        'from August 2023 on, end open'
        >>> english.date("2023-09~")
        'about September 2023'
        >>> Language("bn").date("2023-10-18")
        '১৮ অক্টোবর, ২০২৩'
        """
        if not edtf:
            return ""
        _ = self.gettext
        start, slash, end = edtf.partition("/")
        if not slash:
            return self._day(start)
        if end == "..":
            return _("from %(start)s on, end open") % {"start": self._day(start)}
        if end == "":
            return _("from %(start)s on, end not known") % {"start": self._day(start)}
        if start == "..":
            return _("until %(end)s, start open") % {"end": self._day(end)}
        if start == "":
            return _("until %(end)s, start not known") % {"end": self._day(end)}
        ends = {"start": self._day(start), "end": self._day(end)}
        if not rule or any(rule.endswith(name) for name in RANGE_RULES):
            return _("from %(start)s to %(end)s") % ends
        return _("some time from %(start)s to %(end)s") % ends

    def _day(self, date: str) -> str:
        """Return a date of EDTF that is no interval in words; what is not one as it is."""
        match = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?([~?%]?)", date)
        if not match:
            return date
        year, month, day, qualifier = match.groups()
        try:
            first = datetime.date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            return date
        if day:
            words = format_date(first, "long", locale=self._locale)
        elif month:
            words = format_skeleton("yMMMM", first, locale=self._locale)
        else:
            words = year
        words = words.translate(_DIGITS.get(self.tag, {}))
        _ = self.gettext
        return {
            "": words,
            "~": _("about %(date)s") % {"date": words},
            "?": _("%(date)s (uncertain)") % {"date": words},
            "%": _("about %(date)s (uncertain)") % {"date": words},
        }[qualifier]

    def name_of(self, tag: str) -> str:
        """Return the name of a language in this language; the tag where there is none."""
        return str(self._locale.languages.get(tag.split("-")[0], tag))


@cache
def language(tag: str) -> Language:
    """Return a language of the interface by its tag; English for any other."""
    return Language(tag if tag in INTERFACE else "en")


def interface(wanted: Iterable[str]) -> Language:
    """Return the first language of the interface among those that are wanted; else English."""
    return language(next((tag for tag in wanted if tag in INTERFACE), "en"))


@cache
def own_name(tag: str) -> str:
    """Return the name of a language in itself; the tag where nobody knows it.

    >>> own_name("bn"), own_name("en"), own_name("zxx-none")
    ('বাংলা', 'English', 'zxx-none')
    """
    try:
        found = babel.Locale.parse(tag, sep="-").get_display_name(tag)
    except (ValueError, babel.UnknownLocaleError):
        return tag
    return found[:1].upper() + found[1:] if found else tag


def _messages(tag: str) -> NullTranslations:
    """Return the messages of a language."""
    path = LOCALE / f"{tag}.po"
    if tag == INTERFACE[0] or not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalog = read_po(file, locale=tag)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
