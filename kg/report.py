"""Validation reports: results as SHACL defines them, for people, programs and other validators.

A result leads to where the fault is: the file and line of its record, if those are known.

Spec: SHACL (W3C Recommendation, 20 July 2017), section 3.6; docs/reference/shapes.md
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final, NamedTuple

from kg.errors import one_line
from kg.literals import RDF, XSD, parse_literal
from kg.shacl import SH
from kg.vocab import CH, SHAPES

DC: Final = "http://purl.org/dc/elements/1.1/"
WHOLE_GRAPH: Final = CH.removesuffix("#")
"""The focus node of the constraints that range over the whole graph: the ontology. They run once
and name the offending nodes as values."""

_SEVERITIES: Final = ("Violation", "Warning", "Info")
_SHOWN: Final = 5
_ON_PAGE: Final = 100
_LONG: Final = 200
SHORT: Final = (
    (SHAPES, ""),
    (SH, "sh:"),
    (CH, "ch:"),
    ("http://www.w3.org/2000/01/rdf-schema#", "rdfs:"),
    ("http://www.w3.org/2004/02/skos/core#", "skos:"),
    ("http://www.w3.org/2002/07/owl#", "owl:"),
    ("http://www.w3.org/ns/prov#", "prov:"),
    ("http://purl.org/dc/terms/", "dcterms:"),
    ("https://schema.org/", "schema:"),
    (RDF, "rdf:"),
    (XSD, "xsd:"),
)
_IRI_IN_TEXT: Final = re.compile(
    r"<(?P<iri>https?://[^\s<>]*)>|https?://[^\s<>\"'`,;]*[^\s<>\"'`,;.:]"
)
_DATA_IRI: Final = re.compile(r"^[^<>\"]*/id/([a-z]+/[^/]+)$")
_TYPED: Final = re.compile(r'(".*"\^\^)<([^<>"]*)>', re.DOTALL)
_IN_BRACKETS: Final = re.compile(r"<([^<>]*)>")


class Names:
    """The short forms in which people know IRIs.

    Args:
        prefixes: namespaces by prefix, as the files of shapes and data have them; the longest for
            an IRI counts, of equal ones the first, and they come before those known without.
    """

    def __init__(self, prefixes: Mapping[str, str] | None = None) -> None:
        own = [
            (iri, f"{name}:") for name, iri in (prefixes or {}).items() if iri not in ("", SHAPES)
        ]
        self._known = (*sorted(own, key=lambda pair: -len(pair[0])), *SHORT)

    def short(self, text: str) -> str:
        """Return a term or a path of a result with short names."""
        if text.startswith(("<", "^", "(")):
            return _IN_BRACKETS.sub(lambda match: self.short(match[1]), text)
        if text.startswith('"'):
            typed = _TYPED.fullmatch(text)
            return f"{typed[1]}{self.short(typed[2])}" if typed else text
        for namespace, prefix in self._known:
            if text.startswith(namespace):
                return prefix + text[len(namespace) :]
        match = _DATA_IRI.match(text)
        return match[1] if match else text

    def shorten(self, message: str) -> str:
        """Return a message in one line, with its IRIs in short form."""
        text = _IRI_IN_TEXT.sub(lambda match: self.short(match["iri"] or match[0]), message)
        return " ".join(text.split())

    def name_of(self, component: str) -> str:
        """Return the name of a component or severity, without the words of SHACL around it."""
        if component.startswith(SH):
            return component.removeprefix(SH).removesuffix("ConstraintComponent")
        return self.short(component)


@dataclass(frozen=True)
class Result:
    """One validation result.

    IRIs stand as they are, literals in their N-Triples form (they begin with a quotation mark),
    blank nodes as `_:b0`; a path that is not one property is a SPARQL 1.1 property path. `value`,
    `path`, `constraint` (the SPARQL constraint) and `origin` (`file:line`) may be empty.
    """

    focus: str
    path: str
    value: str
    severity: str
    component: str
    shape: str
    constraint: str
    message: str
    origin: str
    detail: tuple[Result, ...] = ()
    """What the value does not conform to, where the constraint is another shape."""
    messages: tuple[tuple[str, str], ...] = ()
    """All messages, each with its language or none; `message` is what is told in English."""
    label: str = ""
    """How a source shape without a name can be found: by the shape around it, and its path."""

    def order(self) -> tuple[object, ...]:
        """Return what results are sorted by: severity, shape, component, then the node."""
        name = self.severity.removeprefix(SH)
        rank = _SEVERITIES.index(name) if name in _SEVERITIES else -1
        what = (self.shape, self.component, self.constraint)
        return (rank, *what, self.focus, self.path, self.value, self.message)


@dataclass(frozen=True)
class Omitted:
    """How many results of one constraint a report does not show, because there are so many."""

    severity: str
    shape: str
    component: str
    constraint: str
    count: int
    label: str = ""


@dataclass(frozen=True)
class Checked:
    """What was validated: how many shapes, their focus nodes (of all shapes), and triples."""

    shapes: int
    focus_nodes: int
    triples: int

    def __str__(self) -> str:
        shapes = f"{self.shapes:,} shapes with targets were"
        if self.shapes == 1:
            shapes = "1 shape with targets was"
        nodes = "1 focus node" if self.focus_nodes == 1 else f"{self.focus_nodes:,} focus nodes"
        triples = "1 triple" if self.triples == 1 else f"{self.triples:,} triples"
        return f"{shapes} held against {nodes} in {triples}"


@dataclass(frozen=True)
class Report:
    """The results of one validation, sorted; equal data and shapes give equal reports.

    `conforms` is that of the standard: there is no result of any severity. `blocks` says whether
    there is a violation, which is what keeps data from being published. Where a constraint has more
    results than a report may hold, `omitted` says how many are left out; they are counted.
    """

    results: tuple[Result, ...]
    omitted: tuple[Omitted, ...] = ()
    checked: Checked | None = field(default=None, compare=False)
    prefixes: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What `to_table` and `to_html` shorten IRIs with: namespaces by prefix."""

    @property
    def conforms(self) -> bool:
        """Return whether there are no results at all."""
        return not self.results and not self.omitted

    @property
    def blocks(self) -> bool:
        """Return whether there is a result that is no mere warning or information."""
        severities = {r.severity for r in self.results} | {m.severity for m in self.omitted}
        return bool(severities - {SH + "Warning", SH + "Info"})

    def fails(self, severity: str) -> bool:
        """Return whether there are results of a severity, or of one above it.

        Args:
            severity: `violation` (with severities of one's own), `warning` or `info`.
        """
        counts = self.counts
        if severity == "violation":
            return self.blocks
        return self.blocks or counts["Warning"] > 0 or (severity == "info" and not self.conforms)

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of results by severity: Violation, Warning, Info, then others."""
        out = dict.fromkeys(_SEVERITIES, 0)
        for result in self.results:
            name = result.severity.removeprefix(SH)
            out[name] = out.get(name, 0) + 1
        for more in self.omitted:
            name = more.severity.removeprefix(SH)
            out[name] = out.get(name, 0) + more.count
        return out

    def to_turtle(self) -> str:
        """Return the `sh:ValidationReport` as Turtle; equal reports give equal bytes."""
        out = [f"@prefix sh: <{SH}> .\n@prefix dc: <{DC}> .\n\n"]
        for more in self.omitted:
            kind = Names().name_of(more.component)
            left = f"{more.count} more results of {more.shape} ({kind}) are not shown"
            out.append(f"# {left}\n")
        out.append(
            f"[] a sh:ValidationReport ;\n    sh:conforms {'true' if self.conforms else 'false'}"
        )
        for r in self.results:
            out.append(f" ;\n    sh:result {_turtle_result(r, '    ')}")
        return "".join([*out, " .\n"])

    def to_json(self) -> str:
        """Return the report as JSON text: `conforms`, `blocks`, `counts` and `results`."""
        value: dict[str, object] = {
            "conforms": self.conforms,
            "blocks": self.blocks,
            "counts": self.counts,
            **({"checked": vars(self.checked)} if self.checked else {}),
            "results": [_json_result(r) for r in self.results],
        }
        if self.omitted:
            value["omitted"] = [vars(more) for more in self.omitted]
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    def to_table(self) -> str:
        """Return the report for people: grouped by shape, with the first examples of each."""
        names = Names(self.prefixes)
        out = [f"{self.verdict}\n"]
        if self.checked:
            out.append(f"{self.checked}.\n")
        for group in self.groups():
            out.append(f"\n{group.title}  {_many(group.total, 'result')}\n")
            if group.common:
                out.append(f"  {names.shorten(group.common)}\n")
            shown = group.results[:_SHOWN]
            for r in shown:
                out.append(f"    {r.origin or '(no line)'}  {_subject(r, names)}\n")
                if not group.common and r.message:
                    out.append(f"      {names.shorten(r.message)}\n")
                out += (f"      - {_of_detail(d, names)}\n" for d in r.detail[:_SHOWN])
            more = len(group.results) - len(shown)
            if more:
                out.append(f"    and {more:,} more, in the JSON and Turtle reports\n")
            if group.omitted:
                out.append(f"    and {group.omitted:,} that no report shows (--max-results)\n")
        return "".join(f"{one_line(line)}\n" for line in "".join(out).split("\n")[:-1])

    def to_html(self, title: str = "Validation report") -> str:
        """Return the report as a page for people: complete, without scripts, nothing from outside.

        Of each constraint the first hundred results are on it, and how many there are.
        """
        groups, names = self.groups(), Names(self.prefixes)
        out = [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
            f'<h1>{escape(title)}</h1>\n<p class="verdict">{escape(self.verdict)}</p>\n'
        ]
        if self.checked:
            out.append(f'<p class="soft">{escape(str(self.checked))}.</p>\n')
        if len(groups) > 1:
            out.append('<table>\n<thead><tr><th scope="col">Shape</th>')
            out.append('<th scope="col">Severity</th><th scope="col">Results</th></tr></thead>\n')
            out.append("<tbody>\n")
            for n, group in enumerate(groups, 1):
                severity = names.name_of(group.severity)
                out.append(
                    f'<tr><td><a href="#g{n}">{_escaped(group.name)}</a></td>'
                    f'<td>{escape(severity)}</td><td class="n">{group.total:,}</td></tr>\n'
                )
            out.append("</tbody>\n</table>\n")
        for n, group in enumerate(groups, 1):
            out.append(_html_group(group, n, names))
        out.append("</main>\n</body>\n</html>\n")
        return "".join(out)

    def to(self, form: str) -> str:
        """Return the report as `table`, `json`, `turtle` or `html`.

        Raises:
            KeyError: it has no such form.
        """
        forms = {
            "table": self.to_table,
            "json": self.to_json,
            "turtle": self.to_turtle,
            "html": self.to_html,
        }
        return forms[form]()

    @property
    def verdict(self) -> str:
        """Return the outcome in a sentence, with the number of results by severity."""
        if self.conforms:
            return "Conforms: no results."
        counts = ", ".join(_many(n, name) for name, n in self.counts.items() if n)
        return f"Does not conform{'' if self.blocks else ', but nothing blocks'}: {counts}."

    def groups(self) -> list[Group]:
        """Return the results by what they are results of, in the order of the report."""
        names = Names(self.prefixes)
        found: dict[tuple[str, str, str, str], dict[Result, None]] = {}
        totals: Counter[tuple[str, str, str, str]] = Counter()
        for r in self.results:
            key = (r.severity, r.shape, r.component, r.constraint)
            found.setdefault(key, {})[r] = None
            totals[key] += 1
        left = {(m.severity, m.shape, m.component, m.constraint): m.count for m in self.omitted}
        labels = {m.shape: m.label for m in self.omitted}
        return [
            Group(
                *key,
                tuple(found.get(key, ())),
                totals[key] + left.get(key, 0),
                left.get(key, 0),
                names,
                labels.get(key[1], ""),
            )
            for key in dict.fromkeys((*found, *left))
        ]


class Group(NamedTuple):
    """The results of one constraint: each once, how many there are, and how many are left out."""

    severity: str
    shape: str
    component: str
    constraint: str
    results: tuple[Result, ...]
    total: int
    omitted: int
    names: Names
    label: str

    @property
    def name(self) -> str:
        """Return shape and component, short."""
        label = self.results[0].label if self.results else self.label
        shape = self.names.shorten(label) or self.names.short(self.shape)
        return f"{shape}  ({self.names.name_of(self.component)})"

    @property
    def title(self) -> str:
        """Return severity, shape and component, short."""
        return f"{self.names.name_of(self.severity)}  {self.name}"

    @property
    def common(self) -> str:
        """Return the message, if that of all is one; a message with values in it differs."""
        messages = {r.message for r in self.results}
        return messages.pop() if len(messages) == 1 else ""


_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d1b18; --soft: #5f5a52; --rule: #ddd8ce;
  --paper: #fbfaf7; --link: #1f4a6e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9e6df; --soft: #a8a399; --rule: #353940;
  --paper: #15171a; --link: #8fbfe6; } }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, "Noto Sans", "Noto Sans Bengali", "Noto Sans Devanagari", sans-serif; }
main { width: min(72rem, 100% - 2.5rem); margin-inline: auto; padding-block: 1rem 3rem; }
a { color: var(--link); } h2 { margin-block: 2rem .2rem; font-size: 1.15rem; }
.verdict { font-size: 1.15rem; } .soft, .where { color: var(--soft); }
.where { font-family: ui-monospace, "Noto Sans Mono", monospace; font-size: .875rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem 1.25rem .25rem 0;
  border-bottom: 1px solid var(--rule); vertical-align: top; } .n { text-align: right; }
th, td { overflow-wrap: normal; } td:first-child { overflow-wrap: anywhere; }
ol { padding-left: 1.5rem; } li { padding-block: .35rem; border-bottom: 1px solid var(--rule); }
ul { margin: .2rem 0; }
""".strip()


def _html_group(group: Group, number: int, names: Names) -> str:
    """Return a section of the page: what should hold, and where it does not."""
    severity = names.name_of(group.severity)
    out = [
        f'<section id="g{number}">\n<h2>{_escaped(group.name)}</h2>\n'
        f'<p class="soft">{escape(severity)}, {_many(group.total, "result")}</p>\n'
    ]
    if group.common:
        out.append(f"<p>{_escaped(names.shorten(group.common))}</p>\n")
    out.append("<ol>\n")
    for r in group.results[:_ON_PAGE]:
        about = r.value if r.focus == WHOLE_GRAPH else r.focus
        where = f'<span class="where">{_escaped(r.origin)}</span><br>' if r.origin else ""
        path = f" {_escaped(names.short(r.path))}" if r.path else ""
        value = f" = {_html_term(r.value, names)}" if r.value and r.value != about else ""
        out.append(f"<li>{where}{_html_term(about, names)}{path}{value}")
        if not group.common and r.message:
            out.append(f"<br>{_escaped(names.shorten(r.message))}")
        if r.detail:
            told = "".join(f"<li>{_escaped(_of_detail(d, names))}</li>" for d in r.detail[:_SHOWN])
            out.append(f"<ul>{told}</ul>")
        out.append("</li>\n")
    out.append("</ol>\n")
    more = len(group.results) - _ON_PAGE
    if more > 0:
        out.append(f'<p class="soft">and {more:,} more, in the JSON and Turtle reports</p>\n')
    if group.omitted:
        out.append(f'<p class="soft">and {group.omitted:,} that no report shows</p>\n')
    return "".join([*out, "</section>\n"])


def _of_detail(result: Result, names: Names) -> str:
    """Return path, message and value of a detail in one line."""
    path, message = names.short(result.path), names.shorten(result.message)
    start = f"{path}: " if path and not message.startswith(path) else ""
    value = f" (= {names.short(result.value)})" if result.value and result.path else ""
    return f"{start}{message}{value}"


def _html_term(term: str, names: Names) -> str:
    """Return a term for the page: an IRI of the web as a link, a literal with its language."""
    if term.startswith(("http://", "https://")):
        return f'<a href="{escape(term)}">{_escaped(names.short(term))}</a>'
    if term.startswith('"'):
        literal = parse_literal(term)
        tag = f' lang="{escape(literal.language)}"' if literal.language else ""
        shown = literal.lexical
        if len(shown) > _LONG:
            shown = f"{shown[:_LONG]}…"
        kind = f"@{literal.language}" if literal.language else ""
        if not kind and literal.datatype != XSD + "string":
            kind = f" {names.short(literal.datatype)}"
        mark = f' <span class="soft">{_escaped(kind)}</span>' if kind else ""
        return f'<q dir="auto"{tag}>{_escaped(shown)}</q>{mark}'
    return _escaped(term)


def _escaped(text: str) -> str:
    """Return a text as HTML, with what cannot be seen written out."""
    return escape(one_line(text))


# --- writing ----------------------------------------------------------------------------------

_PATH_SUFFIXES: Final = {"zeroOrMorePath": "*", "oneOrMorePath": "+", "zeroOrOnePath": "?"}
_STEP: Final = re.compile(r"<[^>]*>|[()^/|*+?]")


def _turtle_path(path: str) -> str:
    """Return a path as Turtle, from the text that `_path` gives."""
    if not path.startswith(("<", "^", "(")):
        return _turtle(path)
    tokens = _STEP.findall(path)
    words = {s: f"sh:{name}" for name, s in _PATH_SUFFIXES.items()}

    def element() -> str:
        token = tokens.pop(0)
        if token == "^":
            out = f"[ sh:inversePath {element()} ]"
        elif token == "(":
            parts, kind = [element()], ""
            while (token := tokens.pop(0)) != ")":
                kind = token
                parts.append(element())
            out = parts[0] if len(parts) == 1 else "( " + " ".join(parts) + " )"
            if kind == "|":
                out = f"[ sh:alternativePath {out} ]"
        else:
            out = token
        while tokens and tokens[0] in words:
            out = f"[ {words[tokens.pop(0)]} {out} ]"
        return out

    return element()


def _turtle_result(r: Result, indent: str) -> str:
    """Return a result as a blank node of Turtle."""
    lines = ["a sh:ValidationResult", f"sh:focusNode {_turtle(r.focus)}"]
    if r.path:
        lines.append(f"sh:resultPath {_turtle_path(r.path)}")
    if r.value:
        lines.append(f"sh:value {_turtle(r.value)}")
    lines.append(f"sh:resultSeverity {_turtle(r.severity)}")
    lines.append(f"sh:sourceConstraintComponent {_turtle(r.component)}")
    if r.constraint:
        lines.append(f"sh:sourceConstraint {_turtle(r.constraint)}")
    lines.append(f"sh:sourceShape {_turtle(r.shape)}")
    for text, language in r.messages or (((r.message, ""),) if r.message else ()):
        tag = f"@{language}" if language else ""
        lines.append(f"sh:resultMessage {_quoted(text)}{tag}")
    if r.origin:
        lines.append(f"dc:source {_quoted(r.origin)}")
    lines += (f"sh:detail {_turtle_result(d, indent + '    ')}" for d in r.detail)
    return f"[\n{indent}    " + f" ;\n{indent}    ".join(lines) + f"\n{indent}]"


def _json_result(r: Result) -> dict[str, object]:
    out = dict(vars(r))
    del out["messages"]
    if not r.label:
        del out["label"]
    if r.detail:
        out["detail"] = [_json_result(d) for d in r.detail]
    else:
        del out["detail"]
    return out


def _turtle(text: str) -> str:
    """Return a term of a result as Turtle."""
    if text.startswith(('"', "_:")):
        return text
    if text.startswith(SH) and text[len(SH) :].isalpha():
        return f"sh:{text[len(SH) :]}"
    return f"<{text}>"


_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted(text: str) -> str:
    escaped = "".join(
        _ESCAPED.get(c) or (f"\\u{ord(c):04X}" if c < " " or c == "\x7f" else c) for c in text
    )
    return f'"{escaped}"'


def _many(count: int, noun: str) -> str:
    if noun in ("Violation", "Warning", "result"):
        return f"{count:,} {noun.lower()}{'' if count == 1 else 's'}"
    return f"{count:,} {'info' if noun == 'Info' else Names().short(noun)}"


def _subject(result: Result, names: Names) -> str:
    """Return focus node, path and value in one line, short."""
    value = names.short(result.value)
    if len(value) > _LONG:
        value = f"{value[:_LONG]}… ({len(result.value):,} characters)"
    if result.focus == WHOLE_GRAPH:
        parts = [value, names.short(result.path)]
    else:
        if result.value == result.focus:
            value = ""
        parts = [names.short(result.focus), names.short(result.path), f"= {value}" if value else ""]
    return "  ".join(part for part in parts if part)
