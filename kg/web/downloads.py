"""The files of a release that are handed on: which there are, and that they are what was published.

No byte of a file is sent before the whole file has been compared with its checksum once, and again
if it looks changed. A release that is opened is compared in the background; whoever asks for a file
before its turn waits for that one.

Spec: RFC 9110, sections 13.1.5 (If-Range) and 14 (ranges)
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.responses import Response, StreamingResponse

from kg.dumps import MEDIA_TYPES, NQ, Dump, Dumps, Segment, media_type, part_files
from kg.errors import ReleaseError
from kg.manifest import MANIFEST, PARTS, SUMS, Manifest
from kg.web.guard import QueryFailure
from kg.web.protocol import problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers

_log = logging.getLogger(__name__)

_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class Offered(NamedTuple):
    """A file that is handed on. `name` is its address below that of the release.

    `sha256` is empty where it has no checksum of its own; `etag` tells its bytes from any others.
    """

    name: str
    media_type: str
    sha256: str
    etag: str
    dump: Dump


class Files:
    """The files of one release that are handed on. May be used by several threads.

    Args:
        folder: that of the release.
        manifest: what it says of itself.
        before: the files of another release, some of which are perhaps the same.
    """

    def __init__(self, folder: Path, manifest: Manifest, before: Files | None = None) -> None:
        self.folder = folder
        self.manifest = manifest
        self._entries = {entry.path: entry for entry in manifest.files if not entry.private}
        self._lists = {entry.path: entry for entry in manifest.files if entry.path in (PARTS, SUMS)}
        self._lock = threading.Lock()
        self.closed = False
        """Whether nobody needs to know any more: ends `check`."""
        self._known: dict[tuple[int | str, ...], bool] = before._known if before else {}

    @cached_property
    def dumps(self) -> Dumps:
        """Return what is put together from the parts.

        Raises:
            ReleaseError: the list of parts cannot be read.
        """
        return Dumps(self.folder, self.manifest)

    @cached_property
    def _members(self) -> Mapping[str, tuple[int, str]]:
        """Return size and checksum of every file of a part by its path."""
        return {
            path: (size, sha256)
            for parts in self.dumps.parts.values()
            for part in parts
            for path, size, sha256 in part_files(part)
        }

    def find(self, path: str) -> Offered | None:
        """Return the file of a name such as `graph.ttl.gz`, or of a path in the release, or None.

        Raises:
            ReleaseError: the lists of parts or checksums cannot be read.
        """
        if path == MANIFEST:
            data = (self.folder / path).read_bytes()
            whole = Dump(self.folder, path, (Segment(path, 0, len(data)),))
            sha256 = hashlib.sha256(data).hexdigest()
            return Offered(path, "application/json", sha256, sha256, whole)
        entry = self._entries.get(path)
        if entry is not None:
            one = Dump(self.folder, path, (Segment(path, 0, entry.bytes),))
            return Offered(path, entry.media_type, entry.sha256, entry.sha256, one)
        try:
            dump = self.dumps.find(path)
            if dump is not None:
                sha256 = self.dumps.sums.get(path, "")
                return Offered(path, media_type(path), sha256, self.dumps.etag(path), dump)
        except OSError as error:
            raise ReleaseError("the checksums cannot be read", where=path) from error
        member = self._members.get(path)
        if member is None:
            return None
        one = Dump(self.folder, path, (Segment(path, 0, member[0]),))
        media = MEDIA_TYPES[NQ] if path.endswith(NQ) else "application/octet-stream"
        return Offered(path, media, member[1], member[1], one)

    def damaged(self, paths: Iterable[str]) -> str:
        """Return the first of some files that is not what was published, or nothing.

        What has been read before is not read again unless it looks changed.

        Args:
            paths: in the release.
        """
        with self._lock:
            return next((path for path in dict.fromkeys(paths) if not self._whole(path)), "")

    def check(self) -> list[str]:
        """Return every file that is not what was published, sorted. Reads all that is not known."""
        found = []
        for path in sorted({*self._lists, *self._entries, *self._members}):
            if self.closed:
                break
            if not self._whole(path):
                found.append(path)
        return found

    def _whole(self, path: str) -> bool:
        if path == MANIFEST:  # it is what the others are compared with
            return True
        try:
            status = (self.folder / path).stat()
            expected = self._expected(path)
            # Releases share files, so what is known of one is known of the other.
            key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, expected)
            known = self._known.get(key)
            if known is None:
                with (self.folder / path).open("rb") as file:
                    known = hashlib.file_digest(file, "sha256").hexdigest() == expected
                self._known[key] = known
        except OSError:
            return False
        return known

    def _expected(self, path: str) -> str:
        entry = self._lists.get(path) or self._entries.get(path)
        return entry.sha256 if entry is not None else self._members[path][1]


def answer(
    offered: Offered, files: Files, request: Headers, headers: Mapping[str, str], *, head: bool
) -> Response:
    """Return a file, or the range of it that is asked for. Reads the files; not for the event loop.

    One range is answered; where several are asked for the whole is sent, which the standard allows.

    Args:
        request: the header fields of the request.
        headers: those of the answer, with its ETag.
        head: whether only the header fields are asked for.
    Raises:
        QueryFailure: a file is not what was published.
    """
    size = offered.dump.size
    given = {**headers, "Accept-Ranges": "bytes"}
    start, stop, status = 0, size, 200
    asked = _RANGE.fullmatch(request.get("range", ""))
    condition = request.get("if-range")
    if not head and asked and (asked[1] or asked[2]) and condition in (None, headers["ETag"]):
        first = int(asked[1]) if asked[1] else max(size - int(asked[2]), 0)
        last = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
        # A range that ends before it begins is none, and is passed over.
        if not (asked[1] and asked[2]) or int(asked[1]) <= int(asked[2]):
            if first >= size or (not asked[1] and not int(asked[2])):
                return _no_such_range(size, request["range"])
            start, stop, status = first, last + 1, 206
            given["Content-Range"] = f"bytes {start}-{last}/{size}"
    given["Content-Length"] = str(stop - start)
    read = [one.path for one in offered.dump.within(start, stop)]
    if path := files.damaged([PARTS, SUMS, *read]):  # they say of what it is put together
        _log.error("%s of release %s is not what was published", path, files.manifest.id[:12])
        raise QueryFailure(
            "store",
            f"{path} is not what was published, so it is not handed on",
            hint="ask for another release; whoever runs this finds more with `kg release verify`",
        )
    if head:
        return Response(b"", status, given, offered.media_type)
    return StreamingResponse(offered.dump.read(start, stop), status, given, offered.media_type)


def _no_such_range(size: int, asked: str) -> Response:
    failure = QueryFailure("range", "the file has no such range", seen=asked)
    status, pairs, body = problem(failure)
    given = {name.decode(): value.decode() for name, value in pairs}
    return Response(body, status, {**given, "Content-Range": f"bytes */{size}"})
