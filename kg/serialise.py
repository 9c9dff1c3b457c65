"""Writes Turtle and JSON-LD: for the dumps of a release and for the documents of the site.

Both read alike because both are written here, under one list of prefixes and one context. What is
written is given as tokens of N-Triples; a blank node keeps its label.

Spec: RDF 1.1 Turtle and TriG; JSON-LD 1.1; RDF 1.1 N-Triples
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, get_args

import msgspec

from kg.errors import ReleaseError
from kg.vocab import COMMON, EDTF, PREFIXES, RDF, SHAPES, XSD, Kind, data_iri

Pairs = list[tuple[str, str]]
"""The distinct predicates and objects of one subject, as N-Quads tokens in their sorted order."""

TYPE: Final = f"<{RDF}type>"
PARTS: Final = ("participation", "quantity", "span", "time")
"""Kinds of nodes that are parts of others, and are shown inside of them."""
LOCAL: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_-]*")
_NATIVE: Final = {
    XSD + "integer": re.compile("0|-?[1-9][0-9]{0,14}"),
    XSD + "boolean": re.compile("true|false"),
}
"""Literals that JSON has itself and that every parser turns back into the same lexical form."""

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_KIND_KEY: Final = re.compile("[a-z0-9-]+/[a-z0-9-]+")
_KNOWN: Final = 1 << 14
"""Terms that are remembered as they were written."""


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


def subjects(triples: Iterable[str], *, blank: bool = False) -> Iterator[tuple[str, Pairs]]:
    """Yield each subject with its distinct predicates and objects, in the order that is given.

    Args:
        triples: `S P O` in N-Triples tokens, sorted by code point; a repeated one counts once.
        blank: whether there may be blank nodes.
    Raises:
        ReleaseError: a subject or object is a triple, or a blank node where there may be none.
    """
    subject, pairs, before = "", Pairs(), ""
    none = ("<<",) if blank else ("<<", "_:")
    for triple in triples:
        if triple == before:
            continue
        before = triple
        s, p, o = triple.split(" ", 2)
        refused = o[:2] in none
        if s != subject:
            if pairs:
                yield subject, pairs
            subject, pairs = s, []
            refused = refused or s[:2] in none
        if refused:
            raise ReleaseError(
                "a blank node or a triple term cannot be published", seen=triple, expected="an IRI"
            )
        pairs.append((p, o))
    if pairs:
        yield subject, pairs


# --------------------------------------------------------------------------------------------------
# Turtle and TriG

_BARE: Final = {
    XSD + "integer": re.compile("0|-?[1-9][0-9]*"),
    XSD + "decimal": re.compile(r"-?[0-9]+\.[0-9]+"),
    XSD + "boolean": re.compile("true|false"),
}
"""Literals that Turtle writes without quotes and that mean the same lexical form."""

VOCABULARIES: Final = dict(
    sorted({**PREFIXES, "edtf": EDTF.removesuffix("EDTF"), "shapes": SHAPES}.items())
)
"""The namespaces of the vocabularies that we use, by prefix."""


class _Known(dict[str, str]):
    """What was made of tokens; makes what is asked for, and forgets it all when it is too much."""

    def __init__(self, make: Callable[[str], str]) -> None:
        self._make = make

    def __missing__(self, token: str) -> str:
        if len(self) > _KNOWN:
            self.clear()
        found = self[token] = self._make(token)
        return found


class Prefixes:
    """The prefixes of a Turtle document, and how terms are written with them."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._names = {iri: name for name, iri in table.items()}
        self._known = _Known(self._turtle)
        self.header = "".join(f"@prefix {name}: <{table[name]}> .\n" for name in sorted(table))

    def turtle(self, token: str) -> str:
        """Return the Turtle form of an IRI or literal that is given as in N-Quads."""
        return self._known[token] if token[-1] == ">" else token

    def _turtle(self, token: str) -> str:
        """Return the Turtle form of an IRI, or of a literal with a datatype."""
        if token[0] == "<":
            cut = max(token.rfind("/"), token.rfind("#")) + 1
            name = self._names.get(token[1:cut])
            if name is not None and LOCAL.fullmatch(token, cut, len(token) - 1):
                return f"{name}:{token[cut:-1]}"
            return token
        quoted, datatype = token.rsplit("^^", 1)
        bare = _BARE.get(datatype[1:-1])
        if bare is not None and bare.fullmatch(quoted, 1, len(quoted) - 1):
            return quoted[1:-1]
        return f"{quoted}^^{self.turtle(datatype)}"

    def block(self, subject: str, pairs: Pairs) -> str:
        """Return the Turtle statement about one subject: its types first, then by predicate."""
        known = self._known
        objects: dict[str, str] = {TYPE: ""}
        for p, o in pairs:
            value = known[o] if o[-1] == ">" else o
            there = objects.get(p)
            objects[p] = f"{there}, {value}" if there else value
        types = objects.pop(TYPE)
        parts = [f"a {types}"] if types else []
        parts += [f"{known[p]} {values}" for p, values in objects.items()]
        return f"{self.turtle(subject)} " + " ;\n    ".join(parts) + " .\n"


def namespaces(base_iri: str, *, imported: bool) -> dict[str, str]:
    """Return the shared prefixes of the Turtle and TriG files of a release."""
    if imported:
        return {**COMMON, **VOCABULARIES}
    return VOCABULARIES | {kind: data_iri(base_iri, kind, "") for kind in get_args(Kind)}


def document(first: str, triples: Iterable[str], table: Mapping[str, str]) -> str:
    """Return a whole Turtle document of `S P O` in N-Triples tokens, sorted but for the `first`."""
    prefixes = Prefixes(table)
    ordered = sorted(set(triples), key=lambda triple: (not triple.startswith(f"{first} "), triple))
    blocks = (prefixes.block(subject, pairs) for subject, pairs in subjects(ordered))
    return prefixes.header + "\n" + "\n".join(blocks)


# --------------------------------------------------------------------------------------------------
# JSON-LD

_ID: Final = '"id"'
_TYPE: Final = '"type"'
_encode: Final = msgspec.json.Encoder().encode


def _json(text: str) -> str:
    return _encode(text).decode()


def _array(values: Sequence[str]) -> str:
    """Return values as JSON, a single one as it is."""
    return values[0] if len(values) == 1 else f"[{','.join(values)}]"


class Documents:
    """Writes whole documents under one JSON-LD context, which stands in each of them."""

    def __init__(self, context: Mapping[str, object]) -> None:
        self._nodes = Nodes(context)
        self._head = f'{{"@context": {by_line(context)},\n"@graph": ['

    def text(self, triples: Iterable[tuple[str, str, str]]) -> str:
        """Return a document of these triples: the node objects of `Nodes.framed`.

        Args:
            triples: N-Triples tokens; what the first is about stands first, and by itself.
        Raises:
            ReleaseError: a term cannot be written under the context.
        """
        pairs: dict[str, set[tuple[str, str]]] = {}
        for s, p, o in triples:
            pairs.setdefault(s, set()).add((p, o))
        found = {s: sorted(some) for s, some in pairs.items()}
        nodes = self._nodes.framed(found, first=next(iter(found), ""))
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
        self._part = re.compile(
            f"<{re.escape(self._data)}({'|'.join(PARTS)})/" if self._data else "$."
        )
        self._parts: Mapping[str, Pairs] = {}
        self._placed: set[str] = set()
        self._within: list[str] = []
        self._terms: dict[str, tuple[str, str]] = {}
        self._classes: dict[str, str] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        """The key and the coercion of a predicate that was written before."""
        self._known = {"": _Known(partial(self._alone, ""))}
        """What tokens are written as, by coercion."""
        for name, value in context.items():
            if isinstance(value, dict):
                coercion = value.get("@container") or self._expand(value.get("@type", ""))
                self._terms[self._expand(value["@id"])] = (name, coercion)
            elif isinstance(value, str) and name not in names and not value.startswith("@"):
                self._classes[self._expand(value)] = name

    def text(self, subject: str, pairs: Pairs) -> str:
        """Return the node object of one subject, a property a line, its types first."""
        members = self._members(subject, pairs)
        return "{" + ",\n ".join([f"{key}: {value}" for key, value in members.items()]) + "}"

    def framed(self, found: Mapping[str, Pairs], first: str = "") -> Iterator[str]:
        """Yield node objects of all these subjects, parts inside of what they are parts of.

        A part is a node of one of the kinds `PARTS`; it stands wherever it is referred to, and by
        itself where nothing refers to it. Everything else stands by itself.

        Args:
            found: predicates and objects by subject; the order of the subjects is kept.
            first: a subject that stands by itself whatever it is.
        """
        self._parts = {s: pairs for s, pairs in found.items() if s != first and self._part.match(s)}
        try:
            for subject, pairs in found.items():
                if subject not in self._parts:
                    yield self.text(subject, pairs)
            for subject in [s for s in self._parts if s not in self._placed]:
                if subject not in self._placed:
                    self._placed.add(subject)
                    yield self.text(subject, self._parts[subject])
        finally:
            self._parts, self._placed = {}, set()

    def _members(self, subject: str, pairs: Pairs) -> dict[str, str]:
        """Return the members of a node object as JSON, in their order."""
        objects: dict[str, list[str]] = {TYPE: []}
        for p, o in pairs:
            if p == TYPE and o[0] != "<":
                p = f"{p} "
            if p in objects:
                objects[p].append(o)
            else:
                objects[p] = [o]
        members = {_ID: _json(self._node(subject))}
        if types := objects.pop(TYPE):
            names = [_json(self._classes.get(o[1:-1]) or self._iri(o[1:-1])) for o in types]
            members[_TYPE] = _array(names)
        self._within.append(subject)
        for p, values in objects.items():
            key, coercion = self._keys.get(p) or self._key(p)
            if coercion == "@language":
                members[key] = self._by_language(values)
            elif len(values) == 1:
                members[key] = self._value(values[0], coercion)
            else:
                members[key] = _array([self._value(o, coercion) for o in values])
        self._within.pop()
        return members

    def _key(self, predicate: str) -> tuple[str, str]:
        """Return the key of a predicate as JSON, and what its term coerces to."""
        iri = predicate.rstrip()[1:-1]
        key, coercion = self._terms.get(iri) or (self._iri(iri), "")
        if len(self._keys) > _KNOWN:
            self._keys.clear()
        if coercion not in self._known:
            self._known[coercion] = _Known(partial(self._alone, coercion))
        found = self._keys[predicate] = _json(key), coercion
        return found

    def _by_language(self, objects: Sequence[str]) -> str:
        """Return what stands behind a key whose term has a language map."""
        by_language: dict[str, list[str]] = {}
        for o in objects:
            text, language, _ = read_literal(o) if o[0] == '"' else ("", "", "")
            by_language.setdefault(language, []).append(text)
        if "" in by_language:
            # Under a term with a language map only an array can hold anything else.
            return f"[{','.join([self._value(o, '') for o in objects])}]"
        found = [
            f"{_json(language)}:{_array([_json(text) for text in texts])}"
            for language, texts in by_language.items()
        ]
        return f"{{{','.join(found)}}}"

    def _value(self, token: str, coercion: str) -> str:
        """Return one value under a term that coerces to a datatype, to `@id`, or to nothing."""
        if token in self._parts and token not in self._within:
            self._placed.add(token)
            members = self._members(token, self._parts[token])
            return "{" + ",".join([f"{key}:{value}" for key, value in members.items()]) + "}"
        return self._known[coercion][token]

    def _alone(self, coercion: str, token: str) -> str:
        """Return a value of which no part is told."""
        if token[0] in "<_":
            node = _json(self._node(token))
            return node if coercion == "@id" else f'{{"id":{node}}}'
        text, language, datatype = read_literal(token)
        if language:
            return f'{{"@value":{_json(text)},"@language":{_json(language)}}}'
        if coercion in ("", datatype):
            native = _NATIVE.get(datatype)
            if native is not None and native.fullmatch(text):
                return text
            if coercion == datatype:
                return _json(text)
        if datatype:
            return f'{{"@value":{_json(text)},"@type":{_json(self._iri(datatype))}}}'
        return f'{{"@value":{_json(text)}}}'

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
