from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.web import negotiation as n


@pytest.mark.parametrize(
    ("names", "accept"),
    [
        (["json"], "application/sparql-results+json, application/ld+json"),
        (["xml", "xml"], "application/sparql-results+xml, application/rdf+xml"),
        (["tsv", "text/tab-separated-values"], "text/tab-separated-values"),
        (["json-ld", "application/ld+json,application/x-json+ld"], "application/ld+json"),
        (["N3"], "text/turtle"),
        (["csv", "tsv"], None),
        (["csv", "rubbish"], None),
        (["rubbish"], None),
        ([], None),
    ],
)
def test_what_clients_name_in_a_parameter(names: list[str], accept: str | None) -> None:
    assert n.accept_of(names, (*n.RESULT_FORMATS, *n.GRAPH_FORMATS)) == accept


def test_of_graphs_xml_and_json_mean_formats_of_graphs() -> None:
    assert n.accept_of(["xml"], n.GRAPH_FORMATS) == "application/rdf+xml"
    assert n.accept_of(["json"], n.GRAPH_FORMATS) == "application/ld+json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/sparql-results+json"),
        ("", "application/sparql-results+json"),
        ("*/*", "application/sparql-results+json"),
        ("application/*", "application/sparql-results+json"),
        ("text/*", "text/csv"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/csv;q=0.5, application/sparql-results+xml;q=0.9", "application/sparql-results+xml"),
        ("application/json", "application/json"),
        ("application/json, application/sparql-results+json", "application/sparql-results+json"),
        ("*/*, text/csv", "text/csv"),
        ("*/*;q=0.1, text/csv;q=0", "application/sparql-results+json"),
        ("application/*;q=0, */*", "text/csv"),
        ("application/*;q=0, application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/csv;q=0", None),
        ("text/turtle", None),
        ("text/turtle, text/csv;q=0.001", "text/csv"),
        ("text/csv; charset=utf-8; q=0.3", "text/csv"),
        ('text/csv;header="a;b";q=0.3', "text/csv"),
        ("nonsense", "application/sparql-results+json"),
        ("text/csv;q=2", "application/sparql-results+json"),
        ("text/csv;q=x, text/tab-separated-values", "text/tab-separated-values"),
        ("*/csv, text/tab-separated-values", "text/tab-separated-values"),
        ("application/*;q=0, application/json", "application/json"),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/xml",
        ),
    ],
)
def test_chooses_a_format_for_results(accept: str | None, expected: str | None) -> None:
    found = n.choose(accept, n.RESULT_FORMATS)
    assert (found[1] if found else None) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "html"),
        ("*/*", "html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("text/turtle, */*", "ttl"),
        ("text/turtle, */*;q=0.1", "ttl"),
        ("application/ld+json, application/rdf+xml;q=0.9", "jsonld"),
        ("application/json", "jsonld"),
        ("application/json, text/plain, */*", "jsonld"),
        ("application/n-quads;q=0.9, application/trig", "trig"),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"', "jsonld"),
        ("text/*", "html"),
        ("text/html;q=0, */*", "ttl"),
    ],
)
def test_chooses_a_format_for_pages(accept: str | None, expected: str) -> None:
    found = n.choose(accept, n.PAGE_FORMATS)
    assert found is not None
    assert found[0].name == expected


def test_every_format_is_reached_by_its_name_type_and_suffix() -> None:
    for formats in (n.RESULT_FORMATS, n.PAGE_FORMATS):
        for one in formats:
            assert n.by_name(one.name, formats) is one
            assert n.by_name(one.media_type.upper(), formats) is one
            assert n.by_suffix(f"/doc/agent/a{one.suffix}", formats) is one
            assert n.choose(one.media_type, formats) == (one, one.media_type)
    assert n.by_name("pdf", n.PAGE_FORMATS) is None
    assert n.by_suffix("/doc/agent/a", n.PAGE_FORMATS) is None


def test_text_types_name_their_charset() -> None:
    assert n.CSV.content_type == "text/csv; charset=utf-8"
    assert n.JSON.content_type == "application/sparql-results+json"


@given(st.text(max_size=200))
def test_reads_any_header_without_failing(accept: str) -> None:
    found = n.choose(accept, n.RESULT_FORMATS)
    assert found is None or found[0] in n.RESULT_FORMATS


@given(
    st.dictionaries(
        st.sampled_from([one.media_type for one in n.GRAPH_FORMATS]),
        st.integers(0, 1000),
        min_size=1,
    )
)
def test_the_highest_quality_wins(wanted: dict[str, int]) -> None:
    accept = ", ".join(f"{name};q={value / 1000:.3f}" for name, value in wanted.items())
    found = n.choose(accept, n.GRAPH_FORMATS)
    best = max(wanted.values())
    if best == 0:
        assert found is None
    else:
        assert found is not None
        assert wanted[found[1]] == best


@pytest.mark.parametrize(
    ("header", "gzip", "identity"),
    [
        ("", False, True),
        ("gzip", True, True),
        ("x-gzip", True, True),
        ("GZip ; Q=0.5", True, True),
        ("gzip, deflate, br, zstd", True, True),
        ("br", False, True),
        ("identity", False, True),
        ("gzip;q=0", False, True),
        ("gzip;q=0.5, identity", False, True),
        ("gzip, identity", True, True),
        ("gzip, identity;q=0.5", True, True),
        ("*", False, True),
        ("gzip, *;q=0", True, False),
        ("*;q=0", False, False),
        ("identity;q=0", False, False),
        ("br, identity;q=0", False, False),
        ("identity;q=0, *", True, False),
        ("identity;q=0, gzip;q=0.1", True, False),
        ("gzip;q=0, *", False, True),
        ("gzip;q=7", False, True),
        ("gzip;;", False, True),
        ("identity;q=0;", False, True),
    ],
)
def test_codings(header: str, gzip: bool, identity: bool) -> None:
    assert n.coding(header) == n.Coding(gzip, identity)


@given(st.text(max_size=60))
def test_no_header_of_codings_is_too_strange(header: str) -> None:
    n.coding(header)
