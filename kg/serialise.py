"""Writes node objects of JSON-LD: for the dump of a release and for the documents of the site.

Both read alike because both are written here, under the one context of the release. What is
written is given as tokens of N-Triples; a blank node keeps its label.

Spec: JSON-LD 1.1; RDF 1.1 N-Triples
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from kg.errors import ReleaseError
from kg.vocab import RDF, XSD

Pairs = list[tuple[str, str]]
"""The distinct predicates and objects of one subject, as N-Quads tokens in their sorted order."""

TYPE: Final = f"<{RDF}type>"
LOCAL: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_-]*")
_NATIVE: Final = {
    XSD + "integer": re.compile("0|-?[1-9][0-9]{0,14}"),
    XSD + "boolean": re.compile("true|false"),
}
"""Literals that JSON has itself and that every parser turns back into the same lexical form."""

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_KIND_KEY: Final = re.compile("[a-z0-9-]+/[a-z0-9-]+")


def read_literal(token: str) -> tuple[str, str, str]:
    """Return lexical form, language tag and datatype IRI of a literal in N-Quads.

    A plain string has neither language nor datatype.

    Raises:
        ReleaseError: the literal has a base direction, which no parser of RDF 1.1 reads.
    """
    end = token.rindex('"')
    text, tail = token[1:end], token[end + 1 :]
    if "\\" in text:
        text = _ESCAPE.sub(
            lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else _ESCAPED.get(m[3], m[3]), text
        )
    if tail.startswith("@"):
        if "--" in tail:
            raise ReleaseError("a literal with a base direction cannot be published", seen=token)
        return text, tail[1:], ""
    return text, "", tail[3:-1]


class Documents:
    """Writes whole documents under one JSON-LD context, which stands in each of them."""

    def __init__(self, context: Mapping[str, object]) -> None:
        self._nodes = Nodes(context)
        self._head = f'{{"@context": {by_line(context)},\n"@graph": ['

    def text(self, triples: Iterable[tuple[str, str, str]]) -> str:
        """Return a document of these triples: a node object for each subject, as they arrive.

        Args:
            triples: N-Triples tokens.
        Raises:
            ReleaseError: a term cannot be written under the context.
        """
        subjects: dict[str, set[tuple[str, str]]] = {}
        for s, p, o in triples:
            subjects.setdefault(s, set()).add((p, o))
        nodes = (self._nodes.text(s, sorted(pairs)) for s, pairs in subjects.items())
        return self._head + ",".join(f"\n{node}" for node in nodes) + "\n]}\n"


class Nodes:
    """Writes node objects that mean the same triples under one JSON-LD context."""

    def __init__(self, context: Mapping[str, object]) -> None:
        names = {
            name: value
            for name, value in context.items()
            if isinstance(value, str) and value.endswith(("/", "#"))
        }
        self._prefixes = names
        self._namespaces = {iri: name for name, iri in names.items()}
        self._data = names.get("kg", "")
        self._terms: dict[str, tuple[str, str]] = {}
        self._classes: dict[str, str] = {}
        for name, value in context.items():
            if isinstance(value, dict):
                coercion = value.get("@container") or self._expand(value.get("@type", ""))
                self._terms[self._expand(value["@id"])] = (name, coercion)
            elif isinstance(value, str) and name not in names and not value.startswith("@"):
                self._classes[self._expand(value)] = name

    def text(self, subject: str, pairs: Pairs) -> str:
        """Return the node object of one subject, a property a line, its types first."""
        objects: dict[str, list[str]] = {TYPE: []}
        for p, o in pairs:
            objects.setdefault(p if p != TYPE or o[0] == "<" else f"{p} ", []).append(o)
        members: dict[str, object] = {"id": self._node(subject)}
        if types := objects.pop(TYPE):
            names = [self._classes.get(o[1:-1]) or self._iri(o[1:-1]) for o in types]
            members["type"] = names[0] if len(names) == 1 else names
        for p, values in objects.items():
            iri = p.rstrip()[1:-1]
            key, coercion = self._terms.get(iri) or (self._iri(iri), "")
            members[key] = self._values(values, coercion)
        return by_line(members)

    def _values(self, objects: Sequence[str], coercion: str) -> object:
        """Return what stands behind a key whose term has this coercion."""
        if coercion == "@language":
            by_language: dict[str, list[str]] = {}
            for o in objects:
                text, language, _ = read_literal(o) if o[0] == '"' else ("", "", "")
                by_language.setdefault(language, []).append(text)
            if "" not in by_language:
                return {
                    language: texts[0] if len(texts) == 1 else texts
                    for language, texts in by_language.items()
                }
            # Under a term with a language map only an array can hold anything else.
            return [self._value(o, "") for o in objects]
        values = [self._value(o, coercion) for o in objects]
        return values[0] if len(values) == 1 else values

    def _value(self, token: str, coercion: str) -> object:
        """Return one value under a term that coerces to a datatype, to `@id`, or to nothing."""
        if token[0] in "<_":
            node = self._node(token)
            return node if coercion == "@id" else {"id": node}
        text, language, datatype = read_literal(token)
        if language:
            return {"@value": text, "@language": language}
        if coercion in ("", datatype):
            native = _NATIVE.get(datatype)
            if native is not None and native.fullmatch(text):
                return text == "true" if datatype == XSD + "boolean" else int(text)
            if coercion == datatype:
                return text
        if datatype:
            return {"@value": text, "@type": self._iri(datatype)}
        return {"@value": text}

    def _node(self, token: str) -> str:
        """Return what names a node: the short form of its IRI, or the label of a blank node."""
        return token if token[0] == "_" else self._iri(token[1:-1])

    def _iri(self, iri: str) -> str:
        """Return the short form of an IRI under the context, or all of it.

        Raises:
            ReleaseError: its scheme is one of the prefixes, so it would be read as a short form.
        """
        if self._data and iri.startswith(self._data):
            rest = iri[len(self._data) :]
            if _KIND_KEY.fullmatch(rest):
                return f"kg:{rest}"
        cut = max(iri.rfind("/"), iri.rfind("#")) + 1
        name = self._namespaces.get(iri[:cut])
        if name is not None and LOCAL.fullmatch(iri, cut):
            return f"{name}:{iri[cut:]}"
        scheme, _, rest = iri.partition(":")
        if scheme in self._prefixes and not rest.startswith("//"):
            raise ReleaseError(
                "the scheme of an IRI is a prefix of the JSON-LD context",
                seen=f"<{iri}>",
                expected=f"a scheme that is none of {' '.join(sorted(self._prefixes))}",
            )
        return iri

    def _expand(self, curie: str) -> str:
        """Return the IRI that a short form of the context stands for."""
        name, _, local = curie.partition(":")
        return self._prefixes[name] + local if name in self._prefixes else curie


_XML_START: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_XML_NAME: Final = re.compile(f"[{_XML_START}][{_XML_START}.0-9\u00b7\u0300-\u036f\u203f\u2040-]*$")
_NOT_XML: Final = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def not_in_xml(predicate: str, text: str) -> str:
    """Return why RDF/XML cannot carry a statement, or nothing.

    The engine writes it all the same, as a document that nobody can read, or with another text.

    Args:
        predicate: an IRI.
        text: the value if it is a literal, else nothing.
    Spec: RDF 1.1 XML Syntax, section 2; XML 1.0, productions Char and NCName

    >>> not_in_xml("https://a.example/1", "")
    'the property https://a.example/1 does not end in a name of XML'
    >>> not_in_xml("https://a.example/নাম", "রাশিয়া")
    ''
    """
    if not _XML_NAME.search(predicate):
        return f"the property {predicate} does not end in a name of XML"
    if found := _NOT_XML.search(text):
        return f"a text holds the character U+{ord(found[0]):04X}"
    return ""


def by_line(members: Mapping[str, object]) -> str:
    """Return a JSON object with each member on a line of its own, in the order they have."""
    lines = (
        f"{msgspec.json.encode(key).decode()}: {msgspec.json.encode(value).decode()}"
        for key, value in members.items()
    )
    return "{" + ",\n ".join(lines) + "}"
