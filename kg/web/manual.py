"""The documentation that comes with the package, as pages of the site.

Each page is a Markdown file in `docs/`. It is made into HTML once for each release and language of
the interface; links between pages become addresses of the site, and drawings stand in the page
itself, so that they follow its colours.

Spec: CommonMark 0.31, with tables
"""

from __future__ import annotations

import asyncio
import html
import itertools
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import Response

from kg.resources import folder
from kg.web.ask import Ask, accepted, cached
from kg.web.guard import QueryFailure
from kg.web.language import N_, Language
from kg.web.negotiation import HTML

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

INDEX: Final = "README"
"""The file that names all pages, each with a few words."""
SECTIONS: Final = (
    ("", N_("Begin here")),
    ("how-to", N_("How to")),
    ("reference", N_("Reference")),
    ("decisions", N_("Decisions")),
)
"""Folders of pages, and what they are called."""
TOOLS: Final = "how-to/load-into-tools"
"""The page whose sections the page of downloads shows."""
LOCAL: Final = "http://127.0.0.1:8000"
"""Where the documentation says that the site is."""
_MOST_HEADINGS: Final = 40
"""Headings up to which a table of contents has those of the third level too."""


@dataclass(frozen=True)
class Entry:
    """A page in the index: its name, which is also its address, its title and a few words."""

    name: str
    title: str
    words: str

    @property
    def section(self) -> str:
        """Return the folder that it is in."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True)
class Heading:
    """A heading of a page, for its table of contents."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Article:
    """A page: its title, its HTML, and its headings below the title."""

    title: str
    html: str
    headings: tuple[Heading, ...]

    @property
    def contents(self) -> tuple[Heading, ...]:
        """Return the headings of a table of contents that is not too long to be read."""
        short = len(self.headings) <= _MOST_HEADINGS
        return tuple(one for one in self.headings if one.level == 2 or short)


@dataclass(frozen=True)
class Words:
    """What differs between readers of one page: where the site stands, and words of buttons."""

    root: str
    tag: str
    copy: str
    copied: str


def words(root: str, language: Language) -> Words:
    """Return the words of the buttons in a language of the interface."""
    return Words(root, language.tag, language.gettext(N_("Copy")), language.gettext(N_("Copied")))


class Manual:
    """The pages of a folder of Markdown files.

    Args:
        docs: the folder; its `README.md` names every page.
    """

    def __init__(self, docs: Path) -> None:
        self._docs = docs
        self.entries = tuple(_entries((docs / f"{INDEX}.md").read_text(encoding="utf-8")))
        self.names = frozenset(one.name for one in self.entries)

    def sections(self) -> list[tuple[str, str, list[Entry]]]:
        """Return the entries by folder: what it is called in an address, its title, its entries."""
        return [
            (name or "start", title, [one for one in self.entries if one.section == name])
            for name, title in SECTIONS
        ]

    def entry(self, name: str) -> Entry:
        """Return the entry of a page.

        Raises:
            KeyError: there is no such page.
        """
        return {one.name: one for one in self.entries}[name]

    def article(self, name: str, words: Words) -> Article:
        """Return a page as HTML.

        Args:
            name: one of `names`.
            words: of the reader.
        Raises:
            OSError: its file cannot be read.
        """
        return self._article(name, self._text(name), words)

    def parts(self, name: str, words: Words, where: Mapping[str, str]) -> list[Article]:
        """Return the sections of a page, each as an article of its own.

        Args:
            name, words: as for `article`.
            where: what to write in the place of what, before anything else.
        Raises:
            OSError: its file cannot be read.
        """
        text = self._text(name)
        for old, new in where.items():
            text = text.replace(old, new)
        sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        return [self._article(name, f"## {one}", words) for one in sections]

    def _text(self, name: str) -> str:
        return (self._docs / f"{name}.md").read_text(encoding="utf-8")

    def _article(self, name: str, text: str, words: Words) -> Article:
        parser = _parser()
        tokens = parser.parse(text)
        headings = _headings(tokens)
        _tables(tokens)
        for token in tokens:
            for child in token.children or ():
                if child.type == "image":
                    self._draw(child, name)
            _link(token.children or (), name, self.names, words.root)
        title, *others = headings or [Heading(1, "", name)]
        written = parser.renderer.render(tokens, parser.options, {"words": words})
        return Article(title.text, str(written), tuple(others))

    def _draw(self, image: Token, name: str) -> None:
        """Put a drawing in the place of the image that names its file."""
        path = _within(name, str(image.attrs["src"]))
        text = (self._docs / path).read_text(encoding="utf-8")
        # What a style element says, the style sheet of the site says for its own colours.
        drawing = re.sub(r"\s*<style>.*?</style>|<\?xml.*?\?>\s*", "", text, flags=re.DOTALL)
        image.type, image.tag, image.content = "drawing", "", drawing


def _entries(text: str) -> list[Entry]:
    """Return the pages that an index names, in its order."""
    found = {}
    for title, name, words in re.findall(
        r"\[([^\]]+)\]\(([^)\s]+)\.md\)(?:[:,] ([^|\n]*[^|\n ]))?", text
    ):
        found[name] = Entry(name, title, words)
    return list(found.values())


def _within(name: str, target: str) -> str:
    """Return the path of a file in the folder of pages that a page links to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


# --- Markdown ------------------------------------------------------------------------------------


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    rules: dict[str, Any] = parser.renderer.rules  # type: ignore[attr-defined] # of its HTML one
    rules["fence"] = _fence
    rules["html_block"] = rules["html_inline"] = _markup
    rules["drawing"] = _drawing
    return parser


def _markup(tokens: Sequence[Token], index: int, *_: object) -> str:
    """Return nothing for a comment, and anything else as the text that it is."""
    text = tokens[index].content
    return "" if text.lstrip().startswith("<!--") else html.escape(text)


def _drawing(tokens: Sequence[Token], index: int, *_: object) -> str:
    return f'<span class="drawing scroll" tabindex="0">{tokens[index].content}</span>'


def _fence(tokens: Sequence[Token], index: int, _: object, env: Mapping[str, Any]) -> str:
    """Return a block of code, highlighted, with a button that copies it."""
    token = tokens[index]
    words: Words = env["words"]
    language = token.info.split()[0] if token.info.strip() else "text"
    copied = typed(token.content) if language == "console" else token.content.rstrip("\n")
    button = (
        f'<button type="button" hidden lang="{words.tag}" data-copy="{html.escape(copied)}" '
        f'data-copied="{html.escape(words.copied)}">{html.escape(words.copy)}</button>'
    )
    return (
        f'<div class="code">{button}<pre tabindex="0"><code class="language-{language}">'
        f"{highlighted(token.content, language)}</code></pre></div>\n"
    )


def typed(session: str) -> str:
    """Return what is typed in a session at a terminal, without what is printed.

    >>> typed("$ kg build\\nrelease 1\\n$ ls a \\\\\\n  b\\n")
    'kg build\\nls a \\\\\\n  b'
    """
    found: list[str] = []
    goes_on = False
    for line in session.splitlines():
        if goes_on or line.startswith("$ "):
            found.append(line if goes_on else line[2:])
            goes_on = line.endswith("\\")
    return "\n".join(found)


def highlighted(text: str, language: str) -> str:
    """Return code as HTML with a class on each of its words; escaped only, in an unknown language.

    >>> highlighted("ASK {}", "sparql")
    '<span class="k">ASK</span> <span class="p">{}</span>\\n'
    """
    from pygments import formatters, highlight, lexers  # type: ignore[import-untyped] # no stubs

    try:
        lexer = lexers.get_lexer_by_name(language, stripnl=False)
    except ValueError:
        return html.escape(text)
    return str(highlight(text, lexer, formatters.HtmlFormatter(nowrap=True)))


def _headings(tokens: Sequence[Token]) -> list[Heading]:
    """Return the headings, each with an anchor, which is written into it."""
    found: list[Heading] = []
    seen: dict[str, int] = {}
    for token, inside in itertools.pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(one.content for one in inside.children or ())
        anchor = slug(text)
        number = seen.get(anchor, 0)
        seen[anchor] = number + 1
        anchor = f"{anchor}-{number}" if number else anchor
        token.attrs["id"] = anchor
        found.append(Heading(int(token.tag[1]), anchor, text))
    return found


def slug(heading: str) -> str:
    """Return the anchor of a heading, as hosts of code make it.

    >>> slug("`ch:Event`: what happens")
    'chevent-what-happens'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _tables(tokens: Sequence[Token]) -> None:
    """Let tables that are wider than the screen be scrolled, under the name of their heading."""
    anchor = ""
    for token in tokens:
        if token.type == "heading_open":
            anchor = str(token.attrs["id"])
        elif token.type == "table_open":
            token.tag = f'div class="scroll" tabindex="0" role="group" aria-labelledby="{anchor}"'
            token.tag += "><table"
        elif token.type == "table_close":
            token.tag = "table></div"
        elif token.type == "th_open":
            token.attrs["scope"] = "col"
        if token.type in ("th_open", "td_open"):
            token.attrs.pop("style", None)


def _link(tokens: Sequence[Token], name: str, names: frozenset[str], root: str) -> None:
    """Give the links of a page their addresses; those to files that are not here become text."""
    open_: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs["href"])
            parts = urlsplit(target)
            path = _within(name, parts.path) if parts.path else f"{name}.md"
            page = path.removesuffix(".md")
            fragment = f"#{parts.fragment}" if parts.fragment else ""
            if parts.scheme:
                token.attrs = {"href": target, "class": "outside", "rel": "noopener noreferrer"}
            elif not parts.path:
                token.attrs = {"href": fragment}
            elif path == f"{INDEX}.md":
                token.attrs = {"href": f"{root}/docs"}
            elif path != page and page in names:
                token.attrs = {"href": f"{root}/docs/{quote(page)}{fragment}"}
            else:
                token.tag = "span"
                where = posixpath.normpath(posixpath.join("docs", path))
                token.attrs = {"class": "file", "title": where}
            open_.append(token.tag)
        elif token.type == "link_close":
            token.tag = open_.pop()


# --- pages ---------------------------------------------------------------------------------------


async def manual(ask: Ask) -> Manual:
    """Return the documentation that comes with the package.

    Raises:
        ResourceError: it did not come with it.
    """

    async def make() -> Manual:
        return await asyncio.to_thread(Manual, folder("docs"))

    found: Manual = await cached(ask.served, "manual", make)
    return found


async def guide_index(request: Request) -> Response:
    """Return the list of the pages of the documentation."""
    ask = Ask(request)
    accepted(request, (HTML,))
    headers = {"Vary": "Accept, Accept-Language", "ETag": ask.etag("/docs", *ask.reader)}
    if (same := ask.known(headers["ETag"], headers)) is not None:
        return same
    pages = await manual(ask)
    return ask.page(
        "guides.html",
        headers=headers,
        title=ask.language.gettext(N_("Documentation")),
        sections=pages.sections(),
    )


async def guide_root(request: Request) -> Response:
    """Return where the list of the pages is, whose address has no slash at the end."""
    root, query = request.scope.get("root_path", "").rstrip("/"), request.url.query
    where = f"{root}/docs?{query}" if query else f"{root}/docs"
    return Response(status_code=308, headers={"Location": where, "Cache-Control": "no-cache"})


async def guide_page(request: Request, path: str) -> Response:
    """Return a page of the documentation, such as `how-to/read-the-pages`."""
    ask = Ask(request)
    pages = await manual(ask)
    if path not in pages.names:
        raise QueryFailure("not-found", f"The documentation has no page {path!r}")
    accepted(request, (HTML,))
    headers = {"Vary": "Accept, Accept-Language", "ETag": ask.etag("/docs", path, *ask.reader)}
    if (same := ask.known(headers["ETag"], headers)) is not None:
        return same
    said = words(ask.root, ask.language)

    async def make() -> Article:
        return await asyncio.to_thread(pages.article, path, said)

    entry = pages.entry(path)
    beside = [one for one in pages.entries if one.section == entry.section]
    at = beside.index(entry)
    return ask.page(
        "guide.html",
        headers=headers,
        article=(article := await cached(ask.served, ("guide", path, said), make)),
        title=article.title,
        section=(entry.section or "start", dict(SECTIONS)[entry.section]),
        before=beside[at - 1] if at else None,
        after=beside[at + 1] if at + 1 < len(beside) else None,
    )
