"""Writes out what a release hands on, for those who do not ask a server for it.

Spec: docs/reference/release.md, "The dumps"
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from kg.dumps import GRAPHS, SUFFIXES, WHOLE, Dumps
from kg.errors import ConfigError, KgError, raise_all
from kg.identity import io_errors
from kg.manifest import SUMS

_log = logging.getLogger(__name__)

_PARTIAL: Final = ".partial"


def export_dumps(release: Path, names: Sequence[str], out: Path) -> list[Path]:
    """Return the files that were written below `out`, in the order of `names`.

    Each is compared with its checksum while it is written, and is there whole or not at all. Beside
    them stands `SHA256SUMS`, with the lines of these files and of those that were exported before.

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
                    dumps.write(name, file)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            _log.info("wrote %s, %d bytes", path, path.stat().st_size)
            written.append(path)
        sums = _kept(out, wanted)
        sums |= {name: dumps.sums[name] for name in wanted if name in dumps.sums}
        lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))
        (out / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
    return written


def _kept(out: Path, wanted: Sequence[str]) -> dict[str, str]:
    """Return the checksums of what an earlier export wrote and this one does not."""
    if not (out / SUMS).exists():
        return {}
    lines = (out / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {line[66:]: line[:64] for line in lines if line[64:66] == "  "}
    return {name: one for name, one in sums.items() if name not in wanted and (out / name).exists()}


def export_dump(release: Path, name: str, file: IO[bytes]) -> None:
    """Write one dump to an open file.

    Raises:
        ConfigError: there is no dump of that name.
        ReleaseError: a file of the release is not what was published; what was written is no dump.
        OSError: nothing more can be written.
    """
    dumps = Dumps(release)
    _must_be(dumps, [name])
    dumps.write(name, file)


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
