"""Writes out what a release hands on, for those who do not ask a server for it.

Spec: docs/reference/release.md, "The dumps"
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from kg.dumps import GRAPHS, SUFFIXES, WHOLE, Dumps, part_files
from kg.errors import ConfigError, KgError, ReleaseError, raise_all
from kg.identity import digest, io_errors
from kg.manifest import SUMS

_log = logging.getLogger(__name__)

_PARTIAL: Final = ".partial"


def export_dumps(release: Path, names: Sequence[str], out: Path) -> list[Path]:
    """Return the files that were written below `out`, in the order of `names`.

    Each is compared with its checksum while it is written, and is there whole or not at all. Beside
    them stands `SHA256SUMS`, with the lines of these files.

    Args:
        release: the folder of a release.
        names: such as `graph.ttl.gz` and `graphs/registry.nq`; none for all of the whole graph.
        out: is made where it is missing.
    Raises:
        ConfigError: there is no dump of a name.
        KgErrors: several of these.
        ReleaseError: a file of the release is not what was published, or nothing can be written.
    """
    dumps = Dumps(release)
    wanted = list(dict.fromkeys(names)) or [WHOLE + suffix for suffix in SUFFIXES]
    _must_be(dumps, wanted)
    written = []
    with io_errors(out, "the files cannot be written"):
        for name in wanted:
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + _PARTIAL)
            try:
                with partial.open("wb") as file:
                    _copy(dumps, name, file)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            _log.info("wrote %s, %d bytes", path, path.stat().st_size)
            written.append(path)
        lines = (f"{dumps.sums[name]}  {name}\n" for name in wanted if name in dumps.sums)
        (out / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
    return written


def export_dump(release: Path, name: str, file: IO[bytes]) -> None:
    """Write one dump to an open file.

    Raises:
        ConfigError: there is no dump of that name.
        ReleaseError: a file of the release is not what was published; what was written is no dump.
        OSError: nothing more can be written.
    """
    dumps = Dumps(release)
    _must_be(dumps, [name])
    _copy(dumps, name, file)


def _must_be(dumps: Dumps, names: Sequence[str]) -> None:
    missing: list[KgError] = [
        ConfigError(
            "there is no dump of this name",
            seen=name,
            expected=f"{WHOLE} or {GRAPHS}<key>, then one of {' '.join(SUFFIXES)}",
            hint="the keys of graphs are in `kg release show`",
        )
        for name in names
        if dumps.find(name) is None
    ]
    raise_all(missing)


def _copy(dumps: Dumps, name: str, file: IO[bytes]) -> None:
    if name not in dumps.sums:
        _check_parts(dumps, name)
    sha256 = hashlib.sha256()
    for chunk in dumps.get(name).read():
        sha256.update(chunk)
        file.write(chunk)
    if sha256.hexdigest() != dumps.sums.get(name, sha256.hexdigest()):
        raise _damaged(name)


def _check_parts(dumps: Dumps, name: str) -> None:
    """See to it that the parts are what was published, of a dump without a checksum of its own."""
    for parts in dumps.parts.values():
        for part in parts:
            for path, size, sha256 in part_files(part):
                if digest(dumps.folder / path) != (size, sha256):
                    raise _damaged(name)


def _damaged(name: str) -> ReleaseError:
    return ReleaseError(
        "the release is damaged: this dump is not what was published",
        where=name,
        hint="see `kg release verify`",
    )
