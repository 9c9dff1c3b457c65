"""RDF literals by value: which lexical forms a datatype allows, and which of two values is less.

Forms are those of XML Schema 1.1 as RDF 1.1 takes them; order is that of the SPARQL operators,
with the operators of XPath for dates, times and durations, which SPARQL leaves to extensions.

Spec: RDF 1.1 Concepts, 5.1; XML Schema 1.1 Part 2; SPARQL 1.1 Query, 17.3
"""

from __future__ import annotations

import math
import re
import struct
import warnings
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

XSD: Final = "http://www.w3.org/2001/XMLSchema#"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

_INTEGERS: Final[dict[str, tuple[int | None, int | None]]] = {
    "integer": (None, None),
    "long": (-(2**63), 2**63 - 1),
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-(2**7), 2**7 - 1),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedByte": (0, 2**8 - 1),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_DOUBLE: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([Ee][+-]?[0-9]+)?|[+-]?INF|NaN")
_ZONE: Final = r"(?P<zone>Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_YEAR: Final = r"(?P<year>-?(?:[1-9][0-9]{3,}|0[0-9]{3}))"
_MONTH: Final = r"(?P<month>0[1-9]|1[0-2])"
_DAY: Final = r"(?P<day>0[1-9]|[12][0-9]|3[01])"
_CLOCK: Final = (
    r"(?:(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9](?:\.[0-9]+)?)"
    r"|(?P<midnight>24:00:00(?:\.0+)?))"
)
_CALENDAR: Final = {
    "dateTime": re.compile(f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}"),
    "dateTimeStamp": re.compile(f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE[:-1]}"),
    "date": re.compile(f"{_YEAR}-{_MONTH}-{_DAY}{_ZONE}"),
    "time": re.compile(f"{_CLOCK}{_ZONE}"),
    "gYear": re.compile(f"{_YEAR}{_ZONE}"),
    "gYearMonth": re.compile(f"{_YEAR}-{_MONTH}{_ZONE}"),
    "gMonth": re.compile(f"--{_MONTH}{_ZONE}"),
    "gMonthDay": re.compile(f"--{_MONTH}-{_DAY}{_ZONE}"),
    "gDay": re.compile(f"---{_DAY}{_ZONE}"),
}
_DURATION: Final = re.compile(
    r"(?P<minus>-)?P(?=[0-9T])(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?"
    r"(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9.])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?"
    r"(?:(?P<seconds>[0-9]+(?:\.[0-9]+)?)S)?)?"
)
_NAME_START: Final = (
    r"A-Z_a-z\xC0-\xD6\xD8-\xF6\xF8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F"
    r"\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_NAME: Final = _NAME_START + r"\-.0-9\xB7\u0300-\u036F\u203F-\u2040"
_TOKENS: Final = {
    "language": re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*"),
    "NMTOKEN": re.compile(f"[:{_NAME}]+"),
    "Name": re.compile(f"[:{_NAME_START}][:{_NAME}]*"),
    "NCName": re.compile(f"[{_NAME_START}][{_NAME}]*"),
    "boolean": re.compile("true|false|1|0"),
    "hexBinary": re.compile("([0-9A-Fa-f]{2})*"),
    "base64Binary": re.compile(
        "(([A-Za-z0-9+/] ?){4})*"
        "(([A-Za-z0-9+/] ?){3}[A-Za-z0-9+/]|([A-Za-z0-9+/] ?){2}[AEIMQUYcgkosw048] ?="
        "|[A-Za-z0-9+/] ?[AQgw] ?= ?=)?"
    ),
}
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Literal(NamedTuple):
    """A literal: lexical form, datatype IRI, language tag (empty where there is none)."""

    lexical: str
    datatype: str
    language: str


_ESCAPE: Final = re.compile(r'\\(?:([tbnrf"\'\\])|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))')
_ESCAPED: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def _unescaped(match: re.Match[str]) -> str:
    char, four, eight = match.groups()
    return _ESCAPED.get(char, char) if char else chr(int(four or eight, 16))


def unescape(text: str) -> str:
    """Return a text with the escapes of N-Triples and SPARQL replaced by what they stand for."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def parse_literal(text: str) -> Literal:
    """Return the parts of a literal that is written as N-Triples writes it.

    >>> parse_literal('"a"@en').language
    'en'
    >>> parse_literal('"1"^^<http://www.w3.org/2001/XMLSchema#int>').datatype[-3:]
    'int'
    """
    end = text.rindex('"')
    lexical, rest = text[1:end], text[end + 1 :]
    lexical = unescape(lexical)
    if not rest:
        return Literal(lexical, XSD + "string", "")
    if rest[0] == "@":
        return Literal(lexical, RDF + "langString", rest[1:].partition("--")[0])
    return Literal(lexical, rest[3:-1], "")


def is_valid(lexical: str, datatype: str) -> bool:
    """Return whether a datatype allows a lexical form; True for datatypes that are not known.

    Known are the datatypes of RDF 1.1, 5.1, but rdf:HTML and rdf:XMLLiteral.

    >>> is_valid("2023-02-29", XSD + "date")
    False
    >>> is_valid("128", XSD + "byte")
    False
    """
    if not datatype.startswith(XSD):
        return True
    name = datatype[len(XSD) :]
    if name in _INTEGERS:
        if not _INTEGER.fullmatch(lexical):
            return False
        low, high = _INTEGERS[name]
        if low is None and high is None:
            return True
        digits = lexical.lstrip("+-").lstrip("0")
        if len(digits) > 20 and (high if lexical[0] != "-" else low) is not None:
            return False
        value = int(f"{'-' if lexical[0] == '-' else ''}{digits[:21] or 0}")
        return (low is None or value >= low) and (high is None or value <= high)
    if name == "decimal":
        return _DECIMAL.fullmatch(lexical) is not None
    if name in ("double", "float"):
        return _DOUBLE.fullmatch(lexical) is not None
    if name in _CALENDAR:
        match = _CALENDAR[name].fullmatch(lexical)
        return match is not None and _is_day(match.groupdict())
    if name in ("duration", "dayTimeDuration", "yearMonthDuration"):
        match = _DURATION.fullmatch(lexical)
        if match is None:
            return False
        dated = match["years"] or match["months"]
        timed = any(match[part] for part in ("days", "hours", "minutes", "seconds"))
        return not (dated and name == "dayTimeDuration") and not (
            timed and name == "yearMonthDuration"
        )
    if name in _TOKENS:
        return _TOKENS[name].fullmatch(lexical) is not None
    if name == "string":
        return _NOT_XML.search(lexical) is None
    if name == "normalizedString":
        return not re.search("[\t\n\r]", lexical) and _NOT_XML.search(lexical) is None
    if name == "token":
        return not re.search("[\t\n\r]|^ | $|  ", lexical) and _NOT_XML.search(lexical) is None
    return True


def is_known(datatype: str) -> bool:
    """Return whether there is a datatype of its name; True for those of other namespaces.

    >>> is_known(XSD + "integr"), is_known("https://x.example/own")
    (False, True)
    """
    name = datatype.removeprefix(XSD)
    return not datatype.startswith(XSD) or any(
        name in known for known in (_INTEGERS, _CALENDAR, _TOKENS, _OTHERS)
    )


_OTHERS: Final = frozenset(
    (
        *("decimal", "double", "float", "duration", "dayTimeDuration", "yearMonthDuration"),
        *("string", "normalizedString", "token", "anyURI", "QName", "NOTATION", "ENTITY"),
        *("ID", "IDREF", "IDREFS", "ENTITIES", "NMTOKENS", "anySimpleType", "anyAtomicType"),
    )
)


def _is_day(parts: dict[str, str | None]) -> bool:
    """Return whether the day, if there is one, is in its month."""
    day, month, year = (parts.get(part) for part in ("day", "month", "year"))
    if day is None or month is None:
        return True
    leap = True if year is None else _is_leap(int(year))
    longest = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return int(day) <= longest[int(month) - 1]


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


# --- order ------------------------------------------------------------------------------------


class _Number(NamedTuple):
    exact: int | Fraction | None  # of integers and decimals
    approximate: float


class _Instant(NamedTuple):
    seconds: Fraction
    zoned: bool


class _Duration(NamedTuple):
    months: Fraction
    seconds: Fraction


Value = tuple[str, object]
"""The family of values that a value is compared with, and what is compared."""

_HOURS_14: Final = 14 * 3600


def value(literal: Literal) -> Value | None:
    """Return the value of a literal for `compare_values`, or None where it has no order."""
    lexical, datatype, language = literal
    if language or not datatype.startswith(XSD) or not is_valid(lexical, datatype):
        return None
    name = datatype[len(XSD) :]
    if name == "string":
        return ("string", lexical)
    if name in _INTEGERS:
        whole = int(Decimal(lexical))
        return ("number", _Number(whole, _float(whole)))
    if name == "decimal":
        exact = Fraction(Decimal(lexical))
        return ("number", _Number(exact, _float(exact)))
    if name in ("double", "float"):
        real = float(lexical.replace("INF", "inf").replace("NaN", "nan"))
        if name == "float":
            real = _single(real)
        return ("number", _Number(None, real))
    if name == "boolean":
        return ("boolean", lexical in ("true", "1"))
    if name in _CALENDAR:
        match = _CALENDAR[name].fullmatch(lexical)
        assert match is not None
        family = "dateTime" if name == "dateTimeStamp" else name
        return (family, _instant(match.groupdict()))
    if name in ("dayTimeDuration", "yearMonthDuration", "duration"):
        return _duration(lexical)
    return None


def _float(exact: int | Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def _single(value: float) -> float:
    """Return a number as xsd:float holds it."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _instant(parts: dict[str, str | None]) -> _Instant:
    year = int(parts.get("year") or 1972)  # a leap year, as XML Schema takes it
    month, day = int(parts.get("month") or 1), int(parts.get("day") or 1)
    cycles, year = divmod(year, 400)
    days = 146_097 * cycles + date(year + 400, month, day).toordinal()
    seconds = Fraction(days * 86_400)
    if parts.get("midnight"):
        seconds += 86_400 if parts.get("year") else 0  # a time wraps around
    elif parts.get("hour"):
        seconds += int(parts["hour"] or 0) * 3600 + int(parts["minute"] or 0) * 60
        seconds += Fraction(parts["second"] or 0)
    zone = parts.get("zone")
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return _Instant(seconds, bool(zone))


def _duration(lexical: str) -> Value:
    match = _DURATION.fullmatch(lexical)
    assert match is not None
    number = {k: Fraction(v or 0) for k, v in match.groupdict().items() if k != "minus"}
    sign = -1 if match["minus"] else 1
    months = sign * (12 * number["years"] + number["months"])
    hours = 24 * number["days"] + number["hours"]
    seconds = sign * (3600 * hours + 60 * number["minutes"] + number["seconds"])
    return ("duration", _Duration(months, seconds))


def compare(a: Literal, b: Literal) -> int | None:
    """Return -1, 0 or 1 as `a` is less than, equal to or greater than `b`; None if unordered.

    Unordered are values of different families (a number and a text), texts with a language, forms
    that their datatype does not allow, NaN, and an instant with a time zone beside one without
    where the zone of the other could decide (14 hours apart or less; XML Schema 1.1, D.2.2).

    >>> compare(Literal("2", XSD + "int", ""), Literal("2.50", XSD + "decimal", ""))
    -1
    """
    return compare_values(value(a), value(b))


def compare_values(one: Value | None, two: Value | None) -> int | None:
    """Return what `compare` returns, for values that `value` returned."""
    if one is None or two is None or one[0] != two[0]:
        return None
    x, y = one[1], two[1]
    if isinstance(x, _Number) and isinstance(y, _Number):
        if x.exact is not None and y.exact is not None:
            return (x.exact > y.exact) - (x.exact < y.exact)
        if math.isnan(x.approximate) or math.isnan(y.approximate):
            return None
        return (x.approximate > y.approximate) - (x.approximate < y.approximate)
    if isinstance(x, _Instant) and isinstance(y, _Instant):
        if x.zoned != y.zoned and abs(x.seconds - y.seconds) <= _HOURS_14:
            return None
        return (x.seconds > y.seconds) - (x.seconds < y.seconds)
    if isinstance(x, _Duration) and isinstance(y, _Duration):
        signs = {(a > b) - (a < b) for a, b in zip(x, y, strict=True)}  # a month has no length
        return None if signs == {-1, 1} else max(signs, key=abs)
    return int(x > y) - int(x < y)  # type: ignore[operator]  # of one family


# --- regular expressions ----------------------------------------------------------------------

_CLASS_ESCAPES: Final = {
    "d": r"\d",
    "D": r"\D",
    "s": r" \t\n\r",
    "w": r"\w",
    "W": r"\W",
}
_GROUPS: Final = frozenset("123456789")
_PLAIN_ESCAPES: Final = frozenset("nrt\\|.?*+(){}-[]^$")


@lru_cache(maxsize=512)
def matcher(pattern: str, flags: str = "") -> Callable[[str], bool] | None:
    """Return the test of SPARQL's REGEX, or None where Python cannot express the pattern.

    Expressed are the regular expressions of XPath without categories (`\\p`), name characters
    (`\\i`, `\\c`) and subtraction; `\\w` is Python's. `$` is the end and nothing before it. Not
    expressed are repetitions of what repeats or has choices, `(a+)+`: Python can take for ever.

    Raises:
        re.error: the pattern is no regular expression.
    Spec: XPath and XQuery Functions 3.1, 5.6; SPARQL 1.1 Query, 17.4.3.14
    """
    if not set(flags) <= set("smixq"):
        raise re.error(f"no such flag: {flags}", pattern)
    options = 0
    for flag, option in (("i", re.IGNORECASE), ("m", re.MULTILINE)):
        options |= option if flag in flags else 0
    if "q" in flags:
        return _test(re.compile(re.escape(pattern), options & re.IGNORECASE))
    text = _to_python(pattern, dot_all="s" in flags, lines="m" in flags, spaced="x" in flags)
    if text is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of signs that another Python may read
        try:
            return _test(re.compile(text, options))
        except (RecursionError, OverflowError) as e:
            raise re.error(f"too much: {e}", pattern[:80]) from None


_DELIMITED: Final = re.compile(r"([^\\\[\](){}*+?|.^$])(\[[^\[\]\\]+\]|[A-Za-z0-9])[*+]")


def _is_delimited(group: str) -> bool:
    """Return whether what a group matches ends where the next begins, as of `(-[a-z]+)*`."""
    match = _DELIMITED.fullmatch(group)
    return match is not None and not re.fullmatch(match[2], match[1])


def _test(expression: re.Pattern[str]) -> Callable[[str], bool]:
    search = expression.search
    return lambda text: search(text) is not None


def _to_python(pattern: str, *, dot_all: bool, lines: bool, spaced: bool) -> str | None:
    out: list[str] = []
    at, inside = 0, False
    # Of each open group: where it begins, and whether something in it repeats or is a choice.
    groups = [(0, False)]
    closed = False  # whether a group that varies has just been closed
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if not inside:
            repeats = char in "*+" or (char == "{" and pattern[at : at + 1].isdigit())
            if repeats and closed:
                return None
            closed = False
            if char == "(":
                groups.append((at, False))
            elif char == ")" and len(groups) > 1:
                begin, varies = groups.pop()
                closed = varies and not _is_delimited(pattern[begin : at - 1])
                groups[-1] = (groups[-1][0], groups[-1][1] or varies)
            elif repeats or char == "|":
                groups[-1] = (groups[-1][0], True)
        if char == "\\":
            escape = pattern[at : at + 1]
            at += 1
            if escape in _CLASS_ESCAPES:
                text = _CLASS_ESCAPES[escape]
                out.append(f"[{text}]" if escape == "s" and not inside else text)
            elif escape == "S" and not inside:
                out.append(r"[^ \t\n\r]")
            elif escape in _PLAIN_ESCAPES or (escape in _GROUPS and not inside):
                out.append("\\" + escape)
            elif not escape:
                raise re.error("an escape without a character", pattern)
            else:
                return None  # none of XPath's, but perhaps of the engine's
        elif inside:
            if char == "[":
                raise re.error("a class within a class, which is not supported", pattern)
            inside = char != "]"
            out.append(r"\&" if char == "&" else r"\~" if char == "~" else char)
        elif char == "[":
            inside = True
            out.append("[")
            if pattern[at : at + 1] == "^":
                out.append("^")
                at += 1
            if pattern[at : at + 1] == "]":
                raise re.error("an empty class", pattern)
        elif spaced and char in " \t\n\r":
            continue
        elif char == ".":
            out.append(r"(?s:.)" if dot_all else r"[^\n\r]")
        elif char == "$":
            out.append(r"(?=\n|\Z)" if lines else r"\Z")
        elif char == "(" and pattern[at : at + 1] == "?" and pattern[at : at + 2] != "?:":
            return None
        else:
            out.append(char)
    return "".join(out)
