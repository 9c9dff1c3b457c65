"""Describes how a release was made, in the words of PROV-O: from what, by what, for whom.

It stands in the release beside its quads and not among them: no graph tells the checksum of a file.
Without a time that was given there is none: the same inputs give the same description.

Spec: PROV-O; RFC 6920 (names of things by their hashes); docs/reference/release.md, "Provenance"
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Final

from kg.identity import ReleaseSettings
from kg.manifest import Input
from kg.register import BLINDED
from kg.serialise import Prefixes
from kg.vocab import DCTERMS, PROV, RDFS, SCHEMA, XSD, literal

_SPDX: Final = "http://spdx.org/rdf/terms#"
_FOAF: Final = "http://xmlns.com/foaf/0.1/"
_TABLE: Final[Mapping[str, str]] = {
    "dcterms": DCTERMS,
    "foaf": _FOAF,
    "prov": PROV,
    "rdfs": RDFS,
    "schema": SCHEMA,
    "spdx": _SPDX,
    "xsd": XSD,
}


def content_name(sha256: str) -> str:
    """Return the IRI of a content by its hash.

    Spec: RFC 6920, section 3

    >>> content_name("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    'ni:///sha-256;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'
    """
    packed = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{packed}"


def describe_run(
    settings: ReleaseSettings,
    name: str,
    inputs: Iterable[Input],
    versions: Mapping[str, str],
    dumps: Iterable[str],
) -> str:
    """Return the provenance of a release as Turtle.

    Args:
        settings: on whose behalf it was made, and when if that was given.
        name: the id of the release.
        inputs: every file that was read.
        versions: of everything whose output is in the release.
        dumps: the names of the files of the whole graph.
    """
    release = f"<{settings.base_iri}releases/{name}>"
    run = f"<{settings.base_iri}releases/{name}#run>"
    # Where something was suppressed, nobody is told the hashes of what it came from.
    told = (one for one in inputs if not one.name.startswith(BLINDED))
    found = sorted(told, key=lambda one: one.name)
    used = sorted({content_name(one.sha256) for one in found})
    blocks = [
        Prefixes(_TABLE).header,
        _block(
            release,
            "prov:Collection",
            ("rdfs:label", literal(f"Release {name[:12]} of {settings.title}", lang="en")),
            ("prov:wasGeneratedBy", run),
            *((("prov:wasAttributedTo", _agent(release)),) if settings.agent else ()),
            *((("prov:generatedAtTime", _time(settings.time)),) if settings.time else ()),
            *(("prov:hadMember", f"<{settings.base_iri}download/{name}/{dump}>") for dump in dumps),
        ),
        _block(
            run,
            "prov:Activity",
            ("rdfs:label", literal(f"The build of release {name[:12]}", lang="en")),
            *((("prov:endedAtTime", _time(settings.time)),) if settings.time else ()),
            ("prov:wasAssociatedWith", _software(release)),
            *((("prov:wasAssociatedWith", _agent(release)),) if settings.agent else ()),
            *(("prov:used", f"<{one}>") for one in used),
        ),
        _block(
            _software(release),
            "prov:SoftwareAgent",
            ("rdfs:label", literal(f"chancery-kg {versions.get('software', '')}".strip())),
            *((("prov:actedOnBehalfOf", _agent(release)),) if settings.agent else ()),
            *(
                ("schema:softwareRequirements", literal(f"{key} {version}"))
                for key, version in sorted(versions.items())
                if key not in ("software", "ontology")
            ),
        ),
    ]
    if settings.agent:
        blocks.append(_block(_agent(release), "prov:Agent", ("foaf:name", literal(settings.agent))))
    by_content: dict[str, list[Input]] = {}
    for one in found:
        by_content.setdefault(content_name(one.sha256), []).append(one)
    for content in used:
        some = by_content[content]
        blocks.append(
            _block(
                f"<{content}>",
                "prov:Entity",
                *(("dcterms:title", literal(one.name)) for one in some),
                ("spdx:checksum", f"<{content}#sha256>"),
            )
        )
        blocks.append(
            _block(
                f"<{content}#sha256>",
                "spdx:Checksum",
                ("spdx:algorithm", "spdx:checksumAlgorithm_sha256"),
                ("spdx:checksumValue", f'"{some[0].sha256}"^^xsd:hexBinary'),
            )
        )
    return "\n".join(blocks)


def _agent(release: str) -> str:
    return f"{release[:-1]}#agent>"


def _software(release: str) -> str:
    return f"{release[:-1]}#software>"


def _time(text: str) -> str:
    return f'"{text}"^^xsd:dateTime'


def _block(subject: str, klass: str, *statements: tuple[str, str]) -> str:
    """Return statements about one subject; equal predicates stand together as they are given."""
    parts = [f"{subject} a {klass}"]
    before = ""
    for predicate, value in statements:
        if predicate == before:
            parts[-1] += f", {value}"
        else:
            parts.append(f"    {predicate} {value}")
        before = predicate
    return " ;\n".join(parts) + " .\n"
