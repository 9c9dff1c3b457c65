"""Writes docs/reference/shapes.md from shapes/*.ttl; with --check, says whether it is current.

The sections are the files, in the order below; their shapes are in the order of the file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rdflib import RDF, RDFS, Graph, Namespace, URIRef
from rdflib.term import Node

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "reference" / "shapes.md"
SHAPES = DOCS.parent / "shapes"

SH = Namespace("http://www.w3.org/ns/shacl#")
_NAMES = Namespace("https://w3id.org/chancery/shapes#")
_ONTOLOGY = URIRef("https://w3id.org/chancery/ontology")
_FILES = {
    "claims": "Claims",
    "propositions": "Events and relations",
    "time-and-quantity": "Times and quantities",
    "evidence": "Documents, spans and runs",
    "registry": "Agents, places, things and positions",
    "links": "Links to outside",
    "notices": "What editors did",
    "derived": "Status and links between events",
    "uncontested": "Plain triples",
    "labels": "Labels",
    "addresses": "Addresses",
    "graph": "The graph as a whole",
}
_PREFIXES = {
    "https://w3id.org/chancery/ontology#": "ch:",
    str(_NAMES): "",
    str(SH): "sh:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://rdfs.org/ns/void#": "void:",
    "http://spdx.org/rdf/terms#": "spdx:",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "http://www.w3.org/2000/01/rdf-schema#": "rdfs:",
    "http://www.w3.org/2001/XMLSchema#": "xsd:",
    "http://www.w3.org/2002/07/owl#": "owl:",
    "http://www.w3.org/2004/02/skos/core#": "skos:",
    "http://www.w3.org/ns/dcat#": "dcat:",
    "http://www.w3.org/ns/prov#": "prov:",
    "https://schema.org/": "schema:",
}
_PLAIN = (
    "minCount",
    "maxCount",
    "class",
    "datatype",
    "nodeKind",
    "minInclusive",
    "maxInclusive",
    "minLength",
    "maxLength",
    "pattern",
    "uniqueLang",
    "lessThan",
    "lessThanOrEquals",
    "equals",
    "disjoint",
    "not",
    "qualifiedValueShape",
    "qualifiedMinCount",
    "qualifiedMaxCount",
)
_LISTS = ("in", "or", "xone")
_HEAD = """# The shapes

<!-- Written by docs/generate_shapes.py from shapes/*.ttl; edit those. -->

What the data must be like, as far as a machine can check it: SHACL shapes in `shapes/`, one file
for each concern. `kg build` publishes nothing that has a violation; warnings are told and block
nothing. A result names its shape: look for that name here.

Shapes look at the union of all graphs. A shape of *the graph* ranges over all of it and is checked
once: its focus node is the ontology, and it names the nodes that are wrong as values.

To add a constraint: write it in the file of its concern, with an address, a severity and a message
that says what to do; add a file to `tests/shapes/cases/` with an example that passes and one that
fails for exactly this constraint; run `python docs/generate_shapes.py`. A test fails where one of
these is missing.
"""


def shapes_page() -> str:
    """Return the page as Markdown.

    Raises:
        AssertionError: a file of shapes has no title here.
    """
    graph = Graph()
    order: dict[str, list[URIRef]] = {}
    for path in sorted(SHAPES.glob("*.ttl")):
        if path.stem == "ontology-lint":
            continue
        graph.parse(path)
        names = re.findall(
            r"^:([\w-]+) a sh:(?:Node|Property)Shape", path.read_text(), re.MULTILINE
        )
        order[path.stem] = [_NAMES[name] for name in names]
    out = [_HEAD]
    for stem, title in _FILES.items():
        out.append(f"\n## {title}\n\n`shapes/{stem}.ttl`\n\n")
        out.append("| shape | of | checks | message |\n|---|---|---|---|\n")
        for shape in order[stem]:
            out += _rows(graph, shape)
    left = sorted(order.keys() - _FILES.keys() - {"header", "kinds"})
    assert not left, f"no title in docs/generate_shapes.py: {left}"
    out.append("\n## Used by other shapes\n\n| shape | checks |\n|---|---|\n")
    for shape in sorted(s for shapes in order.values() for s in shapes):
        checks = _checks(graph, shape)
        if checks and not _targets(graph, shape):
            out.append(f"| `{_short(shape)}` | {_cell(checks)} |\n")
    return "".join(out)


def _rows(graph: Graph, shape: URIRef) -> list[str]:
    """Return the row of a shape, none if it has no constraints or no targets."""
    of = _targets(graph, shape)
    checks = _checks(graph, shape)
    if not of or not checks:
        return []
    severity = graph.value(shape, SH.severity)
    level = "" if severity == SH.Violation else f" ({_short(severity).removeprefix('sh:').lower()})"
    name = str(shape).removeprefix(_NAMES)
    messages = [
        str(m)
        for node in [shape, *sorted(graph.objects(shape, SH.sparql))]
        for m in graph.objects(node, SH.message)
    ]
    why = graph.value(shape, RDFS.comment)
    texts = ([f"*{why}*"] if why else []) + messages
    cells = (f'<a id="{name}"></a>`{name}`{level}', of, checks, "<br>".join(texts))
    return ["| " + " | ".join(_cell(c) for c in cells) + " |\n"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _targets(graph: Graph, shape: URIRef) -> str:
    """Return what the shape is applied to: its targets, or those of the shape that lists it."""
    owners = [shape, *graph.subjects(SH.property, shape)]
    classes = sorted(_short(o) for s in owners for o in graph.objects(s, SH.targetClass))
    subjects = sorted(_short(o) for s in owners for o in graph.objects(s, SH.targetSubjectsOf))
    parts = classes + [f"what has {p}" for p in subjects]
    if any(o == _ONTOLOGY for s in owners for o in graph.objects(s, SH.targetNode)):
        parts.append("the graph")
    return ", ".join(dict.fromkeys(parts))


def _checks(graph: Graph, shape: Node) -> str:
    """Return the path and the constraints, as they stand in the shape."""
    parts = []
    for name in _PLAIN:
        for value in sorted(graph.objects(shape, SH[name])):
            parts.append(f"{name} `{_short(value)}`")
    for name in _LISTS:
        for head in graph.objects(shape, SH[name]):
            members = ", ".join(_short(m) for m in graph.items(head))
            parts.append(f"{name} `{members}`")
    if (shape, SH.sparql, None) in graph:
        parts.append("SPARQL")
    if not parts:
        return ""
    path = graph.value(shape, SH.path)
    return (f"`{_path(graph, path)}`: " if path is not None else "") + ", ".join(parts)


def _path(graph: Graph, path: Node) -> str:
    inverse = graph.value(path, SH.inversePath)
    if inverse is not None:
        return f"^{_short(inverse)}"
    alternatives = graph.value(path, SH.alternativePath)
    if alternatives is not None:
        return "|".join(_short(a) for a in graph.items(alternatives))
    if (path, RDF.first, None) in graph:
        return "/".join(_short(step) for step in graph.items(path))
    return _short(path)


def _short(node: Node | None) -> str:
    text = str(node)
    for namespace, prefix in _PREFIXES.items():
        if text.startswith(namespace) and isinstance(node, URIRef):
            return prefix + text.removeprefix(namespace)
    return text


def main() -> int:
    """Write the page, or with --check return 1 if it is not current."""
    text = shapes_page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{PAGE.name} is not current: run python docs/generate_shapes.py", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
