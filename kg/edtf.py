"""The part of EDTF that facts may use, and the first and last day that it covers.

Level 0 dates and intervals with a year, a month or a day as precision; of level 1 the qualifiers
`~` (approximate), `?` (uncertain), `%` (both) at the end of a date, and open ends (`..`). A
qualifier does not widen the bounds: how sure a date is, is said beside it.

Spec: Extended Date/Time Format, ISO 8601-2:2019, levels 0 and 1.
"""

import calendar
import re
from datetime import date

_DATE = re.compile("([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?[~?%]?")


def bounds(edtf: str) -> tuple[str | None, str | None]:
    """Return the first and the last day covered, each `YYYY-MM-DD`, None where the end is open.

    Args:
        edtf: e.g. `2023-10-18`, `2023-09~`, `2022`, `2023-10-09/2023-10-15`, `2023-08/..`.
    Raises:
        ValueError: not in the supported part of EDTF, no such day, or an end before its start.
    Spec: ISO 8601-2:2019; `earliest` and `latest` in docs/model.md.

    >>> bounds("2022-02")
    ('2022-02-01', '2022-02-28')
    >>> bounds("2023-08/..")
    ('2023-08-01', None)
    """
    parts = edtf.split("/")
    if len(parts) == 1:
        return _day(parts[0])
    if len(parts) != 2 or parts == ["..", ".."]:
        raise ValueError(f"{edtf!r} is no EDTF date or interval")
    first = None if parts[0] == ".." else _day(parts[0])[0]
    last = None if parts[1] == ".." else _day(parts[1])[1]
    if first and last and first > last:
        raise ValueError(f"{edtf!r} ends before it starts")
    return first, last


def _day(text: str) -> tuple[str, str]:
    match = _DATE.fullmatch(text)
    if not match or match[1] == "0000":
        raise ValueError(f"{text!r} is no EDTF date such as 2023, 2023-10 or 2023-10-18")
    year = int(match[1])
    first_month = last_month = int(match[2]) if match[2] else 0
    if not first_month:
        first_month, last_month = 1, 12
    if not 1 <= first_month <= 12:
        raise ValueError(f"{text!r} has no such month")
    if match[3]:
        day = date(year, first_month, int(match[3])).isoformat()
        return day, day
    last_day = calendar.monthrange(year, last_month)[1]
    return date(year, first_month, 1).isoformat(), date(year, last_month, last_day).isoformat()
