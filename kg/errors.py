"""The errors that a user can cause or mend, one tree.

    KgError
    ├── ConfigError     a setting is unknown or has a value that cannot be used
    │   └── ShapesError shapes are ill-formed, so that nothing can be said of data
    ├── ResourceError   a file that the package needs is not where it can be
    ├── FactError       a record cannot be read: syntax, encoding, schema, reference, offset
    ├── MappingError    a record that was read cannot be mapped without guessing
    ├── ReleaseError    a release is missing, incomplete or not what its manifest says
    ├── QueryError      a query is refused, fails or oversteps a limit
    ├── TooLarge        the work is more than this machine should be given
    ├── ServerError     a server elsewhere cannot be reached, refuses or cuts what it gives
    └── KgErrors        several of one stage, reported together

They carry fields and no HTTP status or exit code: `kg.web` and `kg.cli` each have one table.
Data that does not conform to the shapes is a result and no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

_SEEN_LIMIT = 200
_KEPT = "\u200c\u200d"  # the joiners of Indic scripts, invisible and meant


class KgError(Exception):
    """What went wrong, where, what was seen, what was expected, and what to do next.

    Args:
        what: what is wrong, without a full stop at its end.
        where: the place, as file, line and field: "facts/a.yaml:12".
        seen: the value that was found; shown in one line, at most 200 characters of it.
        expected: what would have been accepted.
        hint: what to do next.

    >>> print(KgError("the date cannot be read", where="a.yaml:12", seen="18/10/23",
    ...               expected="an EDTF date such as 2023-10-18"))
    a.yaml:12: the date cannot be read; seen 18/10/23; expected an EDTF date such as 2023-10-18
    """

    def __init__(
        self, what: str, *, where: str = "", seen: str = "", expected: str = "", hint: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.seen = seen
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        seen = self.seen
        if len(seen) > _SEEN_LIMIT:
            seen = f"{seen[:_SEEN_LIMIT]}… ({len(seen)} characters)"
        parts = [self.what]
        if seen:
            parts.append(f"seen {seen}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.hint:
            parts.append(self.hint)
        text = "; ".join(parts)
        return one_line(f"{self.where}: {text}" if self.where else text)


class ConfigError(KgError):
    """A setting is unknown or has a value that cannot be used."""


class ShapesError(ConfigError):
    """The shapes are ill-formed, so that nothing can be said of the data."""


class ResourceError(KgError):
    """A file that the package needs is not where it can be."""


class FactError(KgError):
    """A record cannot be read: its syntax, encoding, schema, a reference or an offset is wrong."""


class MappingError(KgError):
    """A record that was read cannot be mapped without guessing."""


class ReleaseError(KgError):
    """A release is missing, incomplete or not what its manifest says."""


class QueryError(KgError):
    """A query is refused, fails or oversteps a limit."""


class TooLarge(KgError):
    """The work is more than this machine should be given."""


ServerReason = Literal["store", "timeout", "result-size", "evaluation"]
"""Why a server elsewhere has given no whole answer, in the words of `kg.web.guard.Reason`."""


class ServerError(KgError):
    """A server elsewhere cannot be reached, refuses, fails, or cuts what it gives.

    Args:
        reason: why.
        passing: whether the same may go better in a while.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        seen: str = "",
        expected: str = "",
        hint: str = "",
        reason: ServerReason = "store",
        passing: bool = False,
    ) -> None:
        super().__init__(what, where=where, seen=seen, expected=expected, hint=hint)
        self.reason: ServerReason = reason
        self.passing = passing


class KgErrors(KgError):
    """Several errors of one stage, in the order in which they were found, one line each.

    Args:
        errors: at least one; those of a nested `KgErrors` are taken one by one.

    >>> print(KgErrors([FactError("one", where="a"), FactError("two", where="b")]))
    a: one
    b: two
    """

    errors: tuple[KgError, ...]

    def __init__(self, errors: Sequence[KgError]) -> None:
        flat: list[KgError] = []
        for error in errors:
            flat.extend(error.errors if isinstance(error, KgErrors) else [error])
        if not flat:
            raise ValueError("KgErrors needs at least one error")
        super().__init__(f"{len(flat)} errors" if len(flat) > 1 else flat[0].what)
        self.errors = tuple(flat)
        self.args = (self.errors,)  # what pickle passes to __init__

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def raise_all(errors: Sequence[KgError]) -> None:
    """Return nothing if there are no errors.

    Raises:
        KgError: the only one of `errors`, as itself.
        KgErrors: all of `errors`, if there are two or more.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise KgErrors(errors)


def one_line(text: str) -> str:
    """Return `text` with what a terminal would obey (controls, direction marks) written out."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _KEPT else c.encode("unicode_escape").decode("ascii")
        for c in text
    )
