"""What a release is called: a hash over every byte and every choice that it was made from.

Spec: docs/reference/release.md, "The id"; RFC 8785 (canonical JSON)
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import os
import platform
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

import kg
from kg.errors import ReleaseError
from kg.manifest import IMPORT, Input, canonical_json

_SMALL: Final = 1 << 20
_NO_INPUT: Final = frozenset({".git", "__pycache__", "_resources", "node_modules"})
_NO_INPUT_FILES: Final = (".pyc", ".proposals.sssom.tsv", ".sssom.tsv.tmp")


class ReleaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a release is called and on whose behalf it is made: inputs that are not files.

    `time` is an xsd:dateTime and None where none was given: then the release carries no time.
    `versions` comes from `engine_versions`. `options` holds every other choice that shapes the
    output, e.g. which sources were built, or `IMPORT`. `licence` is empty where none is claimed.
    `about` says in English what the data is, and `rights` which parts are under another licence;
    both are constants of the code, which is an input already; so is `licences`: by what the keys
    of graphs begin with, that of the feeds that they are made of.
    """

    base_iri: str
    title: str
    licence: str
    agent: str = ""
    time: str | None = None
    versions: Mapping[str, str] = {}
    options: Mapping[str, str] = {}
    about: str = ""
    rights: str = ""
    licences: Mapping[str, str] = {}

    @property
    def imported(self) -> bool:
        """Return whether this is RDF that was imported, neither mapped nor validated."""
        return IMPORT in self.options

    def identity(self) -> dict[str, str]:
        """Return every setting by name, as `release_id` takes them."""
        return identity(
            self.base_iri,
            self.title,
            self.licence,
            self.agent,
            self.time,
            self.versions,
            self.options,
        )


def engine_versions() -> dict[str, str]:
    """Return the versions of everything whose output ends up in a release."""
    found = {
        "software": kg.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "sqlite": sqlite3.sqlite_version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }
    for name in ("msgspec", "numpy", "pyarrow", "pyoxigraph", "pyshacl", "rdflib", "zstandard"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def collect_inputs(folders: Mapping[str, Path]) -> tuple[Input, ...]:
    """Return one Input per file in the folders, sorted by name: `<key of the folder>/<path>`.

    Byte code, caches, `.git`, packaged copies of the resource folders (`_resources`) and front-end
    assets that were built or installed are no inputs: a wheel and a checkout have the same ones.
    Nor are proposals of links, and tables of links that are being written: no build reads them.

    Args:
        folders: for instance `{"facts": …, "mappings": …, "kg": …}`.
    Raises:
        ReleaseError: a folder or a file cannot be read.
    """
    found = []
    for key, root in folders.items():
        with io_errors(root, "the inputs cannot be read"):
            for folder, subfolders, files in os.walk(root, onerror=raise_error):
                within = Path(folder).relative_to(root)
                subfolders[:] = [
                    name
                    for name in subfolders
                    if name not in _NO_INPUT
                    and not name.endswith("_cache")
                    and (within / name).parts[-2:] != ("assets", "built")
                ]
                prefix = (Path(key) / within).as_posix()
                for file in files:
                    if not file.endswith(_NO_INPUT_FILES):
                        size, sha256 = digest(f"{folder}/{file}")
                        found.append(Input(name=f"{prefix}/{file}", sha256=sha256, bytes=size))
    return tuple(sorted(found, key=lambda one: one.name))


def release_id(inputs: Sequence[Input], settings: Mapping[str, str]) -> str:
    """Return the id of a release: 64 lower-case hex digits; equal inputs give equal ids.

    Args:
        inputs: every file that was read; their order does not matter.
        settings: everything else that shapes the output, e.g. `ReleaseSettings.identity()`.
    Raises:
        ReleaseError: two inputs have one name.
    Spec: RFC 8785 (canonical JSON); SHA-256
    """
    hashes: dict[str, str] = {}
    for one in inputs:
        if hashes.setdefault(one.name, one.sha256) != one.sha256:
            raise ReleaseError("two different inputs have one name", seen=one.name)
    identity = {"inputs": hashes, "settings": dict(settings)}
    return hashlib.sha256(canonical_json(identity)).hexdigest()


def identity(
    base_iri: str,
    title: str,
    licence: str,
    agent: str,
    time: str | None,
    versions: Mapping[str, str],
    options: Mapping[str, str],
) -> dict[str, str]:
    """Return the settings of a release by name; the ontology's version is among the inputs."""
    return {
        "base_iri": base_iri,
        "title": title,
        "licence": licence,
        "agent": agent,
        "time": time or "",
        **{f"version {name}": value for name, value in versions.items() if name != "ontology"},
        **{f"option {name}": value for name, value in options.items()},
    }


def digest(path: Path | str) -> tuple[int, str]:
    """Return size and SHA-256 of a file."""
    with open(path, "rb", buffering=0) as file:
        data = file.read(_SMALL)
        sha256 = hashlib.sha256(data)
        size = len(data)
        while data:
            data = file.read(_SMALL)
            sha256.update(data)
            size += len(data)
        return size, sha256.hexdigest()


def raise_error(error: OSError) -> None:
    """Raise what `os.walk` would pass over in silence."""
    raise error


_HINTS: Final = {
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOSPC: "make room on the disk and try again",
    errno.EDQUOT: "make room on the disk and try again",
}


@contextlib.contextmanager
def io_errors(where: Path, what: str) -> Iterator[None]:
    """Turn what the operating system, SQLite or the store reports into a ReleaseError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        number = getattr(error, "errno", None)
        name = getattr(error, "filename", None)
        raise ReleaseError(
            f"{what}: {getattr(error, 'strerror', None) or error}",
            where=str(name or where),
            hint=_HINTS.get(number or 0, ""),
        ) from error
