"""The page on which a reviewer decides on links: an application of its own, on loopback only.

It is no part of `kg serve`. Who has the address with its token, which is printed once, is let in;
then a cookie says so. A request that names another host, or that another site sends, is refused.

Spec: docs/how-to/link-to-wikidata.md; RFC 6265bis (SameSite)
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kg.errors import ConfigError, KgError
from kg.linking import KINDS, Review, Task, told
from kg.sssom import COLUMNS

LOOPBACK: Final = "127.0.0.1"
MOST_BYTES: Final = 64 * 1024
"""Bytes of a form."""
_LISTED: Final = 200
"""Tasks that the page lists."""
_HERE: Final = Path(__file__).resolve().parent
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_WORDS: Final = {
    "exact": "Accept: the same",
    "close": "Accept: nearly the same",
    "broad": "Accept: the item is broader",
    "related": "Accept: related",
    "reject": "Reject: it is not",
    "unsure": "Unsure",
    "not-found": "Not found: there is no item",
}
"""What the buttons say."""


_CONFIRMED: Final = {
    "reject": "Confirm: it is not",
    "unsure": "Confirm: unsure",
    "not-found": "Confirm: there is no item",
}
"""What they say where that stands there already."""


class _Refused(Exception):
    """A request that is not answered: its status and why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Page:
    """The application of one review.

    Args:
        review: what there is to decide.
        port: on which it listens.
    """

    def __init__(self, review: Review, port: int) -> None:
        self.review = review
        self.port = port
        self.token = secrets.token_urlsafe(32)
        self._cookie = f"kg-review-{port}"
        self._secret = secrets.token_urlsafe(32)
        self._csrf = secrets.token_urlsafe(32)
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._said: list[str] = []
        self._template = environment.get_template("review.html")
        self._style = (_HERE / "review.css").read_bytes()
        self.app: Final = Starlette(
            routes=[
                Route("/", self._index, methods=["GET"]),
                Route("/decide", self._decide, methods=["POST"]),
                Route("/review.css", self._css, methods=["GET"]),
            ],
            exception_handlers={_Refused: self._refusal, Exception: self._failure},
        )

    @property
    def address(self) -> str:
        """Return the address that lets in whoever has it."""
        return f"http://{LOOPBACK}:{self.port}/?{urlencode({'token': self.token})}"

    # who may come in

    def _must_be_ours(self, request: Request) -> None:
        """Raise unless the request names this host: another name may lead here too."""
        names = (LOOPBACK, "localhost", "[::1]")
        if request.headers.get("host", "") not in {f"{name}:{self.port}" for name in names}:
            raise _Refused(403, "This page is answered under the address of this machine only.")

    def _must_be_let_in(self, request: Request) -> None:
        given = request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise _Refused(403, "Open the address with the token that the command has printed.")

    async def _css(self, request: Request) -> Response:
        self._must_be_ours(request)
        return Response(self._style, 200, _HEADERS, "text/css")

    async def _index(self, request: Request) -> Response:
        self._must_be_ours(request)
        token = request.query_params.get("token")
        if token is not None:
            if not hmac.compare_digest(token.encode(), self.token.encode()):
                raise _Refused(403, "This is not the token that the command has printed.")
            answer = RedirectResponse("/", 303, _HEADERS)
            answer.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict")
            return answer
        self._must_be_let_in(request)
        asked = request.query_params
        return await run_in_threadpool(
            partial(self._shown, done=asked.get("done", "")),
            asked.get("at", ""),
            asked.get("after", ""),
        )

    async def _decide(self, request: Request) -> Response:
        self._must_be_ours(request)
        self._must_be_let_in(request)
        if request.headers.get("origin", f"http://{request.headers['host']}") != (
            f"http://{request.headers['host']}"
        ) or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise _Refused(403, "Another site sent this form.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise _Refused(415, "This takes the form of the page only.")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                raise _Refused(413, f"The form is longer than {MOST_BYTES} bytes.")
        try:
            fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)
        except ValueError:
            raise _Refused(400, "The form cannot be read.") from None
        form = {name: values[0] for name, values in fields.items()}
        if not hmac.compare_digest(form.get("csrf", "").encode(), self._csrf.encode()):
            raise _Refused(403, "The form is not from this page; open the page again.")
        return await run_in_threadpool(self._taken, form)

    async def _refusal(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, _Refused)
        words = f"{error}\n"
        return Response(words, error.status, _HEADERS, "text/plain")

    async def _failure(self, _: Request, error: Exception) -> Response:
        words = f"This failed: {type(error).__name__}. Nothing was written.\n"
        return Response(words, 500, _HEADERS, "text/plain")

    # what is shown and done

    def _taken(self, form: dict[str, str]) -> Response:
        """Take a decision, and lead to the next task."""
        key = (form.get("subject", ""), form.get("object", ""))
        try:
            every = self.review.tasks()
        except KgError as error:
            return self._stopped(error, form)
        at = next((n for n, one in enumerate(every) if one.key == key), None)
        if at is None:
            words = "This is decided already, or not proposed; nothing was written."
            return self._shown("", "", problem=words, status=409)
        task = every[at]

        def again(words: str, status: int) -> Response:
            return self._shown(_name(task), "", problem=words, form=form, status=status)

        if form.get("seen") != _seen(task):
            words = "Somebody else has decided on this in the meantime; this is how it is now."
            return again(words, 409)
        what = form.get("what", "")
        if not what:
            return again("Nothing was written: say with a button what you decide.", 422)
        if not form.get("evidence", "").strip():
            return again("Say what your decision rests on.", 422)
        try:
            row = self.review.decide(
                task,
                what,
                form["evidence"],
                comment=form.get("comment", ""),
                kind=form.get("kind", ""),
                overturn=form.get("overturn") == "yes",
            )
        except KgError as error:
            return again(str(error), 422)
        after = _name(every[at - 1]) if at else ""
        self._said.append(
            f"{row.decision}: {row.subject_label} – {row.object_label or row.object_id}"
        )
        query = urlencode({"after": after, "done": len(self._said)})
        return RedirectResponse(f"/?{query}", 303, _HEADERS)

    def _stopped(self, error: KgError, form: dict[str, str] | None) -> Response:
        """Return the page where a file cannot be read: why, and what the reviewer has typed."""
        text = self._template.render(
            task=None,
            left=0,
            problem=str(error),
            form=form or {},
            counts=None,
            done="",
            stopped=True,
            reviewer=self.review.reviewer,
            program=self.review.program,
            unreviewed=self.review.unreviewed,
        )
        return Response(text, 503, _HEADERS, "text/html")

    def _shown(
        self,
        at: str,
        after: str,
        *,
        done: str = "",
        problem: str = "",
        form: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """Return the page with one task: the one that is named, or the one after another."""
        try:
            every, counts = self.review.tasks(), self.review.status()
        except KgError as error:
            return self._stopped(error, form)
        names = [_name(one) for one in every]
        number = 0
        if at in names:
            number = names.index(at)
        elif after in names:
            number = (names.index(after) + 1) % len(names)
        task = every[number] if every else None
        said = dict(enumerate(self._said, 1))
        text = self._template.render(
            task=task,
            number=number,
            names=names,
            tasks=every[:_LISTED],
            more=max(0, len(every) - _LISTED),
            left=len(every),
            others=[row for row in task.decided if row != task.row] if task else [],
            seen=_seen(task) if task else "",
            counts=counts,
            csrf=self._csrf,
            form=form or {},
            problem=problem,
            done=said.get(int(done), "") if re.fullmatch("[0-9]{1,6}", done) else "",
            words=_words(task) if task else {},
            item=told(task.item, self.review.items) if task else None,
            stopped=False,
            kinds=tuple(KINDS),
            reviewer=self.review.reviewer,
            program=self.review.program,
            unreviewed=self.review.unreviewed,
        )
        return Response(text, status, _HEADERS, "text/html")


def _words(task: Task) -> dict[str, str]:
    """Return what the buttons of a task say, by what each decides."""
    found = {what: _WORDS[what] for what in task.offered}
    for what in filter(task.confirms, found):
        found[what] = _CONFIRMED.get(what, f"Confirm: {_WORDS[what].partition(': ')[2]}")
    return found


def _name(task: Task) -> str:
    """Return what a task is called in addresses."""
    return " ".join(task.key)


def _seen(task: Task) -> str:
    """Return what tells the rows that a reviewer was shown from any others."""
    rows: list[Any] = [[getattr(row, name) for name in COLUMNS] for row in task.decided]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def serve(review: Review, port: int, say: Callable[[str], object]) -> None:
    """Answer on loopback until interrupted.

    Args:
        review: what there is to decide.
        port: 0 for any that is free.
        say: is told the address, once somebody can ask.
    Raises:
        ConfigError: the port is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
        except OSError as error:
            raise ConfigError(
                f"the port cannot be used: {error.strerror}",
                where="--port",
                seen=str(port),
                hint="name another one, or 0 for any",
            ) from error
        listening.listen()
        page = Page(review, listening.getsockname()[1])
        say(page.address)
        # Its log would have the token in it.
        config = uvicorn.Config(
            page.app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
        )
        with contextlib.suppress(KeyboardInterrupt):  # that is how it ends
            uvicorn.Server(config).run(sockets=[listening])
