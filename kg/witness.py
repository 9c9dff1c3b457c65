"""Checks decisions on links against what others say: offline witnesses, the lexicon, Wikidata.

The witnesses are data of the repository: which item two packages give for each territory, noted
when they were read. Wikidata itself is asked only where the caller wants that.

Spec: docs/reference/links.md, "Checking"; Wikibase action API, wbgetentities
"""

from __future__ import annotations

import csv
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

import kg
from kg.errors import ConfigError, QueryError
from kg.linking import KINDS, Item, Subject, against, fits, kind_of_item, unlike
from kg.names import fold
from kg.sssom import EXACT, LinkRow

ENDPOINT: Final = "https://www.wikidata.org/w/api.php"
BATCH: Final = 50
"""Items that are asked for at once, which is what Wikidata allows."""
_MOST: Final = 16 << 20
"""Bytes of an answer."""
_TRIES: Final = 4
_PATIENCE_S: Final = 30.0
_ALL_S: Final = 600.0
"""Seconds that asking about all items may take."""
_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_AGENT: Final = f"chancery-kg/{kg.__version__} (kg link check; checks links that are published)"
_WITNESSES: Final = ("country_coder", "rigour")

_CLASSES: Final[Mapping[str, str]] = {
    "Q5": "person",
    "Q6256": "state",
    "Q3624078": "state",
    "Q41176": "building",
}
"""What instances of some items are, in a word."""
_NO_THINGS: Final[Mapping[str, str]] = {
    "Q4167410": "a disambiguation page",
    "Q13406463": "a list",
    "Q4167836": "a category",
    "Q11266439": "a template",
}
"""Items whose instances are pages of Wikimedia, and no things."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known here of items: kind and label of each, and what witnesses say of territories.

    `witnesses` has for each item the witness and the item that it gives for the same territory;
    `territories` the items that witnesses give for a name, folded.
    """

    items: dict[str, Item] = {}
    witnesses: dict[str, tuple[tuple[str, str], ...]] = {}
    territories: dict[str, frozenset[str]] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found of one row; what is no contradiction is a note."""

    where: str
    subject: str
    item: str
    rule: str
    message: str
    contradiction: bool = True


def read_known(lexicon: Path) -> Known:
    """Return what the lexicon and the witnesses say; nothing where there is no such folder.

    Args:
        lexicon: the folder with `entities.tsv`, `names` and `sources/territories.tsv`.
    """
    names: dict[str, dict[str, list[str]]] = {}
    for path in sorted((lexicon / "names").glob("*.tsv")):
        for row in _rows(path):
            names.setdefault(row["qid"], {}).setdefault(path.stem, []).append(row["name"])
    items = {
        row["qid"]: Item(
            qid=row["qid"],
            label=row["label"],
            kind=kind_of_item(row["kind"]),
            names={lang: tuple(some) for lang, some in names.get(row["qid"], {}).items()},
        )
        for row in _rows(lexicon / "entities.tsv")
    }
    witnesses: dict[str, tuple[tuple[str, str], ...]] = {}
    territories: dict[str, frozenset[str]] = {}
    for row in _rows(lexicon / "sources" / "territories.tsv"):
        said = tuple((name, row[name]) for name in _WITNESSES if row.get(name))
        if said:
            witnesses[row["qid"]] = said
            if row.get("name"):
                territories[fold(row["name"])] = frozenset(item for _, item in said)
        if row.get("kind") in KINDS:
            label = row.get("name", "")
            items.setdefault(row["qid"], Item(qid=row["qid"], label=label, kind=row["kind"]))
    return Known(items=items, witnesses=witnesses, territories=territories)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def check(known: Mapping[str, Subject], rows: Sequence[LinkRow], about: Known) -> list[Finding]:
    """Return what contradicts the exact matches, in their order, without asking anybody.

    Args:
        known: what the facts hold, from `kg.linking.subjects`.
        rows: the authority.
        about: what is known of items.
    """
    found: list[Finding] = []
    for row in rows:
        subject = known.get(row.subject_id)
        if subject is None:
            found.append(
                _finding(row, "no-record", "the facts have no such record", contradiction=False)
            )
            continue
        if not row.published or row.predicate_id != EXACT:
            continue
        qid = row.object_id.removeprefix("wd:")
        for witness, said in about.witnesses.get(qid, ()):
            if said != qid:
                found.append(
                    _finding(row, "witness", f"{witness} gives {said} for the same territory")
                )
        if subject.type == "State":
            names = {fold(name) for name in subject.labels.get("en", ())}
            others = [
                about.territories[name] for name in sorted(names) if name in about.territories
            ]
            if others and not any(qid in items for items in others):
                words = ", ".join(sorted(set().union(*others)))
                found.append(_finding(row, "witness", f"witnesses give {words} for this name"))
        found += _by_item(row, subject, about.items.get(qid), "the lexicon")
    return found


def _by_item(
    row: LinkRow,
    subject: Subject,
    item: Item | None,
    who: str,
) -> Iterator[Finding]:
    """Yield what somebody says of an item that contradicts a row.

    Args:
        who: whose words these are.
    """
    if item is None:
        return
    if item.kind and (problem := against(item, subject, ())):
        yield _finding(row, "kind", f"{who} says: {problem}")
    elif item.kind and row.object_kind and not _alike(item.kind, row.object_kind):
        yield _finding(row, "kind", f"{who} says {item.kind}, and the row {row.object_kind}")
    if problem := unlike(item, subject):
        yield _finding(row, "label", f"{who} says: {problem}")


def _alike(one: str, other: str) -> bool:
    """Return whether two kinds are of one sort; an unknown one is like any."""
    sorts = [KINDS.get(kind.partition(";")[0], "") for kind in (one, other)]
    return not all(sorts) or sorts[0] == sorts[1] or set(sorts) == {"state", "organisation"}


def _finding(row: LinkRow, rule: str, message: str, *, contradiction: bool = True) -> Finding:
    return Finding(
        where=row.origin,
        subject=row.subject_id,
        item=row.object_id,
        rule=rule,
        message=message,
        contradiction=contradiction,
    )


# --- Wikidata -------------------------------------------------------------------------------------


def check_online(
    known: Mapping[str, Subject],
    rows: Sequence[LinkRow],
    endpoint: str = ENDPOINT,
    *,
    wait_s: float = _WAIT_S,
    patience_s: float = _ALL_S,
) -> list[Finding]:
    """Return what Wikidata says against the matches, in their order.

    Args:
        known, rows: as of `check`.
        endpoint: of the action API of a Wikibase.
        wait_s: how long to wait before a request is made again, at first.
        patience_s: how long all of it may take.
    Raises:
        ConfigError: the endpoint is no address.
        QueryError: it does not answer in time, or not as the API does.
    """
    _must_be_address(endpoint)
    until = time.monotonic() + patience_s
    wanted = [row for row in rows if row.published and row.subject_id in known]
    items = sorted({row.object_id.removeprefix("wd:") for row in wanted}, key=lambda q: int(q[1:]))
    entities: dict[str, dict[str, Any]] = {}
    languages = sorted({tag for row in wanted for tag in known[row.subject_id].labels})
    for start in range(0, len(items), BATCH):
        some = items[start : start + BATCH]
        entities |= _entities(endpoint, some, languages, _Patience(wait_s, until))
    found: list[Finding] = []
    for row in wanted:
        qid = row.object_id.removeprefix("wd:")
        found += _by_entity(row, known[row.subject_id], qid, entities[qid])
    return found


def _must_be_address(endpoint: str) -> None:
    """Raise ConfigError unless an endpoint is an address of the web."""
    try:
        parts = urllib.parse.urlsplit(endpoint)
        host = (parts.hostname or "").encode("idna")
        good = parts.scheme in ("http", "https") and host and parts.port != 0
        good = good and endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            "this is no address",
            where="--endpoint",
            seen=endpoint,
            expected=f"that of an action API, such as {ENDPOINT}",
        )


def _by_entity(
    row: LinkRow, subject: Subject, qid: str, entity: dict[str, Any]
) -> Iterator[Finding]:
    """Yield what the description of an item says against a row."""
    if "missing" in entity:
        yield _finding(row, "deleted", "Wikidata has no such item")
        return
    if entity.get("id", qid) != qid:
        yield _finding(row, "redirected", f"Wikidata leads from {qid} to {entity['id']}")
    classes = list(_instance_of(entity))
    for one in classes:
        if one in _NO_THINGS:
            yield _finding(row, "kind", f"Wikidata says that it is {_NO_THINGS[one]}")
    if row.predicate_id != EXACT:
        return
    names: dict[str, tuple[str, ...]] = {}
    for part in ("labels", "aliases"):
        given = entity.get(part)
        for lang, some in given.items() if isinstance(given, dict) else ():
            for text in some if isinstance(some, list) else [some]:
                if isinstance(text, dict) and isinstance(text.get("value"), str):
                    names[lang] = (*names.get(lang, ()), text["value"])
    kinds = {_CLASSES[one] for one in classes if one in _CLASSES}
    kind = next(iter(sorted(kinds)), "")
    if subject.sort == "person" and classes and "person" not in kinds:
        yield _finding(row, "kind", "Wikidata does not say that it is a human being")
        kind = ""
    if kind and any(fits(one, subject) for one in kinds):
        kind = ""  # it may be several things at once
    item = Item(qid=qid, label=next(iter(names.get("en", ())), ""), kind=kind, names=names)
    yield from _by_item(row, subject, item, "Wikidata")


def _instance_of(entity: dict[str, Any]) -> Iterator[str]:
    """Yield what an item is an instance of, but for what is deprecated."""
    claims = entity.get("claims")
    given = claims.get("P31") if isinstance(claims, dict) else None
    for claim in given if isinstance(given, list) else ():
        try:
            if claim.get("rank") != "deprecated":
                one = claim["mainsnak"]["datavalue"]["value"]["id"]
                if isinstance(one, str):
                    yield one
        except (KeyError, TypeError, AttributeError):
            continue


class _Patience(NamedTuple):
    """How long to wait before a request is made again, at first; and until when at all."""

    wait_s: float
    until: float

    @property
    def left_s(self) -> float:
        """Return how many seconds are left."""
        return self.until - time.monotonic()


def _entities(
    endpoint: str, items: Sequence[str], languages: Sequence[str], patience: _Patience
) -> dict[str, dict[str, Any]]:
    """Return the descriptions of some items by the id that was asked for.

    An item that the API refuses to know is marked as missing, and the others are asked for again.

    Raises:
        QueryError: the endpoint does not answer, or not as the API does, or not of all items.
    """
    if not items:
        return {}
    asked = {
        "action": "wbgetentities",
        "format": "json",
        "formatversion": "2",
        "ids": "|".join(items),
        "languages": "|".join(["en", *(tag for tag in languages if tag != "en")][:BATCH]),
        "props": "info|labels|aliases|claims",
        "redirects": "yes",
        "maxlag": "5",
    }
    data = _get(f"{endpoint}?{urllib.parse.urlencode(asked)}", patience)
    given, error = data.get("entities"), data.get("error")
    if isinstance(error, dict) and error.get("code") == "no-such-entity":
        if error.get("id") in items:
            left = [one for one in items if one != error["id"]]
            gone = {str(error["id"]): {"missing": True}}
            return gone | _entities(endpoint, left, languages, patience)
        if len(items) == 1:
            return {items[0]: {"missing": True}}
        half = len(items) // 2
        return _entities(endpoint, items[:half], languages, patience) | _entities(
            endpoint, items[half:], languages, patience
        )
    if not isinstance(given, dict):
        words = error.get("info", "") if isinstance(error, dict) else ""
        raise QueryError(
            "the answer is not that of the API",
            where=endpoint,
            seen=str(words) or "no entities",
            expected="an answer to wbgetentities",
        )
    found: dict[str, dict[str, Any]] = {}
    for key, entity in given.items():
        if isinstance(entity, dict):
            redirect = entity.get("redirects")
            start = redirect.get("from") if isinstance(redirect, dict) else None
            found[start if isinstance(start, str) else key] = entity
            found.setdefault(key, entity)
    if lacking := [one for one in items if one not in found]:
        raise QueryError(
            "the answer does not describe all items that were asked for",
            where=endpoint,
            seen=f"nothing of {', '.join(lacking)}",
            expected="an object for each item",
        )
    return found


def _get(address: str, patience: _Patience) -> dict[str, Any]:
    """Return the JSON object at an address; a failure that may pass is tried again.

    Raises:
        QueryError: there is no answer in time, or none that is a JSON object.
    """
    where = address.partition("?")[0]
    headers = {"User-Agent": _AGENT, "Accept": "application/json"}
    request = urllib.request.Request(address, headers=headers)
    problem = ""
    for number in range(_TRIES):
        pause = patience.wait_s * 2**number
        if patience.left_s <= 0:
            problem = problem or "it took too long"
            break
        try:
            limit = min(_PATIENCE_S, patience.left_s)
            text = b""
            with urllib.request.urlopen(request, timeout=limit) as answer:
                while len(text) <= _MOST and (piece := answer.read1(1 << 16)):
                    text += piece
                    if patience.left_s <= 0:
                        raise TimeoutError("it took too long")
            if len(text) > _MOST:
                raise QueryError("the answer is too long", where=where, expected=f"{_MOST} bytes")
            data = json.loads(text)
            if not isinstance(data, dict):
                raise QueryError("the answer is no JSON object", where=where)
            error = data.get("error")
            if isinstance(error, dict) and error.get("code") == "maxlag":
                problem = "the server is behind"
            else:
                return data
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.reason}"
            if error.code != 429 and error.code < 500:
                break
            pause = _asked_for(error.headers.get("Retry-After"), pause)
        except (ValueError, RecursionError) as error:
            raise QueryError("the answer is no JSON", where=where, seen=str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            problem = str(getattr(error, "reason", "")) or str(error) or type(error).__name__
        if number + 1 < _TRIES:
            time.sleep(max(0.0, min(pause, patience.left_s)))
    raise QueryError(
        "there is no answer",
        where=where,
        seen=problem,
        expected="an answer to wbgetentities",
        hint="try again later, or leave out --online",
    )


def _asked_for(text: str | None, pause: float) -> float:
    """Return how long to wait where a server says so in seconds."""
    return (
        min(float(text), _LONGEST_WAIT_S) if text and text.isascii() and text.isdigit() else pause
    )
