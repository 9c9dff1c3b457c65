from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.web.guard import CHAIN, DEPTH, LENGTH, PATH, Checked, QueryFailure, check, position

PREFIXES = {"ex": "http://example.org/", "service": "http://service.example/"}
GRAPHS = frozenset({"http://example.org/g", "http://example.org/h"})


def passed(query: str) -> Checked:
    return check(query, prefixes=PREFIXES, graphs=GRAPHS)


def refused(query: str) -> QueryFailure:
    with pytest.raises(QueryFailure) as error:
        passed(query)
    return error.value


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * { ?s ?p "SERVICE <http://x/> {}" }',
        "SELECT * { ?s ?p 'SERVICE' , '''it's \"SERVICE\"\n''' }",
        'SELECT * { ?s ?p """ "" SERVICE <x> {} """ }',
        "SELECT * { ?s <http://example.org/SERVICE> ?o }",
        "SELECT * { ?SERVICE ?p $service }",
        "# SERVICE <http://x/> {}\nASK {} # SERVICE",
        "PREFIX SERVICE: <http://x/> ASK { ?s SERVICE:SERVICE service:service }",
        "ASK { ?s service:a ?o . { ?s ?p ?o } }",
        "ASK { GRAPH service:g { ?s ?p ?o } }",
        "ASK { ?s ex:SERVICE ex:a.SERVICE, _:SERVICE }",
        'ASK { ?s ?p "x"@service }',
        "ASK { FILTER(?a < ?b && ?c > ?d) }",
        "ASK { FILTER(?a<?b&&?c>?d) }",
        "ASK { VALUES (?a ?b) { (<urn:x#service> <urn:y#service>) } }",
        "ASK { ?s ?p ( ?x <http://example.org/a#b> ) }",
        "ASK { FILTER(?x IN (<urn:a#b>, <urn:c#d>)) }",
        "ASK { ?s (ex:a|^ex:b)/ex:c* ?o }",
        r"ASK { ?s ex:a\.b ex:%41 ; <http://example.org/\u0041> '\u0041\n' }",
        "ASK { ?s ?p 1, 1.5, .5, 1e6, -2 , +3.0E-7, true, '1'^^ex:t }",
        "ASK{?s ?p 1.ex:a ?q ?r}",
        "ASK { ?s ?p <<( ?a ?b ?c )>> }",
        "BASE <http://example.org/> ASK FROM <g> {}",
    ],
)
def test_lets_pass_what_is_no_service(query: str) -> None:
    assert passed(query).form in ("SELECT", "ASK")


# The engine reads keywords without looking at their end, and `<` as "less than" where it can.
SERVICE_TO_THE_ENGINE = [
    "ASK { SERVICE <U> {} }",
    "ASK { service silent <U> {} }",
    "ASK{FILTER(true)SERVICE<U>{}}",
    "ASK { SERVICE#\n<U> {} }",
    "ASK { #\rSERVICE <U> {} }",
    "PREFIX ex: <U> ASK { SERVICEex:a {} }",
    "PREFIX ex: <U> PREFIX SERVICEex: <U> ASK { SERVICEex:a {} }",
    "PREFIX : <U> PREFIX SERVICE: <U> ASK { SERVICE:a # {\n{} }",
    "PREFIX : <U> PREFIX SERVICESILENT: <U> ASK { SERVICESILENT:a {} }",
    "ASK { VALUES ?x { trueSERVICE } }",
    "ASK { ?s ?p trueSERVICE <U> {} }",
    "ASK { ?s ?p 1SERVICE <U> {} }",
    "ASK { ?s ?p 1.SERVICE <U> {} }",
    'ASK { ?s ?p ""SERVICE <U> {} }',
    "ASK { FILTER NOTEXISTS{SERVICE <U> {}} }",
    "ASK{FILTER(1<2)SERVICE#>\n<U>{}}",
    "PREFIX ex: <U> ASK{FILTER(1<2)SERVICE ex:a#>\n{}}",
    "PREFIX : <U> ASK{FILTER(1<2)SERVICE:a#>\n{}}",
    'ASK{FILTER(1<2#>"""\n)SERVICE <U> {} #"""\n}',
    "SELECT * { { SELECT * { SERVICE <U> { ?s ?p ?o } } } }",
    "CONSTRUCT { ?s ?p ?o } WHERE { OPTIONAL { SERVICE ?x { ?s ?p ?o } } }",
]


@pytest.mark.parametrize("query", SERVICE_TO_THE_ENGINE)
def test_refuses_what_the_engine_may_take_for_service(query: str) -> None:
    refused(query.replace("<U>", "<http://127.0.0.1:9/>"))


def test_the_refusal_of_service_shows_the_way_round() -> None:
    error = refused("ASK {\n  ?s ?p ?o .\n  SERVICE <http://example.org/> {}\n}")
    assert (error.reason, error.line, error.column) == ("service", 3, 3)
    assert "VALUES" in str(error)


class Listener:
    """A port on loopback that counts who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


def ask_engine(query: str, prefixes: dict[str, str]) -> bool:
    """Return whether the engine tried to ask another host."""
    store = ox.Store()
    store.add(ox.Quad(*[ox.NamedNode("http://example.org/a")] * 3))
    try:
        answer = store.query(query, prefixes=prefixes)
        bool(answer) if isinstance(answer, ox.QueryBoolean) else list(answer)
    except SyntaxError:
        return False
    except OSError:
        return True
    except (RuntimeError, ValueError):  # a service without a name, an unknown function
        return False
    return False


def test_the_engine_does_follow_some_of_them(listener: Listener) -> None:
    before = listener.connections
    for query in SERVICE_TO_THE_ENGINE:
        ask_engine(query.replace("<U>", f"<{listener.url}>"), {})
    assert listener.connections - before >= 8


PIECES = [
    "SERVICE",
    "service ",
    "SERVICE<U>{}",
    "SERVICE :x{}",
    "SERVICEex:x{}",
    "SERVICE:x{}",
    "SERVICE#>\n<U>{}",
    "SERVICE:a#>\n{}",
    'SERVICE#"""\n:x{}',
    "SERVICE#'\n<U>{}",
    "<U>",
    "{}",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "#",
    "\n",
    "\r",
    '"',
    '"""',
    "'",
    "'''",
    "\\",
    " ",
    "ex:",
    "ex:a",
    ":",
    "?x",
    "true",
    "1",
    "1.",
    ".5",
    "@en",
    "^^",
    "<",
    ">",
    "<=",
    "=",
    "&&",
    "/",
    "*",
    "-",
    "!",
    ".",
    ",",
    ";",
    "a",
    "_:b",
    "FILTER",
    "FILTER(1<2)",
    "FILTER(1<",
    "BIND(1 AS ?z)",
    "OPTIONAL{",
    "UNION",
    "MINUS{",
    "GRAPH ",
    "GRAPH service:x{",
    "EXISTS{",
    "VALUES ?x {",
    "VALUES(?x ?y){(",
    "SELECT * {",
    "<<",
    ">>",
    "<<(",
    ")>>",
    "?s ?p ?o.",
    "?s ?p ",
    "<2)SERVICE#>",
    "<a#b>",
    "FILTER(ex:a<ex:b)",
]


CONTEXTS = [
    "",
    "{}",
    "OPTIONAL{}",
    "BIND(1 AS ?z)",
    "FILTER(1<2)",
    "FILTER(ex:a<ex:b)",
    "FILTER(1 <2)",
    "FILTER(true)",
    "?s ?p true",
    "?s ?p 1.",
    "?s ?p ex:.",
    "?s ?p ''",
    "VALUES ?x{1}",
    "FILTER NOTEXISTS{",
]
CALLS = [piece for piece in PIECES if "SERVICE" in piece]
NAMES = ("", "ex", "service", "SERVICE", "SERVICEex", "trueSERVICE", "trueSERVICEex")


@settings(max_examples=1000)
@given(
    st.sampled_from(CONTEXTS),
    st.lists(st.sampled_from(PIECES), max_size=1),
    st.sampled_from(CALLS),
    st.lists(st.sampled_from(PIECES), max_size=2),
    st.booleans(),
)
def test_whatever_passes_asks_no_other_host(
    listener: Listener, context: str, before: list[str], call: str, behind: list[str], plain: bool
) -> None:
    pieces = [context, call] if plain else [context, *before, call, *behind]
    query = "ASK{" + "".join(pieces).replace("<U>", f"<{listener.url}>") + "}"
    if context.endswith("{"):
        query += "}"
    prefixes = dict.fromkeys(NAMES, listener.url)
    try:
        check(query, prefixes=prefixes)
    except QueryFailure:
        return
    connections = listener.connections
    assert not ask_engine(query, prefixes), query
    assert listener.connections == connections


@given(st.text())
def test_any_text_is_passed_or_refused(text: str) -> None:
    with contextlib.suppress(QueryFailure):
        passed(text)
    with contextlib.suppress(QueryFailure):
        passed("ASK { " + text)


@pytest.mark.parametrize("bracket", ["{", "(", "[", "<<(", "<< ", "{|", "(["])
def test_counts_brackets_of_every_kind(bracket: str) -> None:
    levels = DEPTH // len(bracket) if bracket == "([" else DEPTH
    fine = "ASK { ?s ?p " + bracket * (levels - 1)
    assert passed(fine).form == "ASK"
    error = refused(fine + "((((")
    assert error.reason == "complexity"
    assert error.column == len(fine) + (1 if bracket != "([" else 2)


def test_brackets_in_strings_comments_and_iris_are_none() -> None:
    many = "(" * 500
    assert passed(f"ASK {{ ?s <http://example.org/{many}> '{many}' # {many}\n }}").form == "ASK"


@pytest.mark.parametrize(
    "chain",
    [
        lambda n: "ASK { FILTER(" + "1+" * n + "1) }",
        lambda n: "ASK { FILTER(" + "?a && " * n + "1) }",
        lambda n: "ASK { FILTER(" + "!" * n + "1) }",
        lambda n: "ASK {" + "?s ?p ?o . " * n + "}",
        lambda n: "ASK {" + "{} UNION " * (n // 2) + "{} }",
        lambda n: "ASK {" + "OPTIONAL { ?s ?p ?o }" * (n // 2) + "}",
        lambda n: "ASK {" + "BIND(1 AS ?x)" * n + "}",
        lambda n: "SELECT " + "(1 AS ?x)" * n + " {}",
        lambda n: "ASK { ?s ?p " + "1," * n + "1 }",
    ],
)
def test_counts_chains(chain: Callable[[int], str]) -> None:
    assert passed(chain(CHAIN - 2)).form in ("ASK", "SELECT")
    assert refused(chain(CHAIN + 3)).reason == "complexity"


@pytest.mark.parametrize(
    "query",
    [
        "ASK { VALUES ?x { " + "-1 <http://example.org/a> " * 20_000 + "} }",
        "ASK { VALUES (?x ?y) { " + "(1 UNDEF)" * 20_000 + "} }",
        "ASK { FILTER(?x IN (" + "-1, " * 20_000 + "1)) }",
    ],
)
def test_lists_of_values_may_be_long(query: str) -> None:
    assert passed(query).form == "ASK"


def test_counts_the_steps_of_a_path() -> None:
    assert passed("ASK { ?s " + "ex:a/" * PATH + "ex:a ?o }").form == "ASK"
    assert refused("ASK { ?s " + "ex:a/" * (PATH + 1) + "ex:a ?o }").reason == "complexity"
    assert passed("ASK { " + "?s ex:a/ex:b ?o . " * (PATH + 1) + " }").form == "ASK"


def test_counts_characters() -> None:
    fine = "ASK {}" + " " * (LENGTH - 6)
    assert passed(fine).form == "ASK"
    assert refused(fine + " ").reason == "length"


@pytest.mark.parametrize(
    "body",
    [
        "a." * 500_000,
        "a-" * 500_000,
        "VALUES ?x {" + "a." * 500_000,
        "VALUES ?x {" + "a.b-" * 250_000,
        "VALUES ?x {" + (" _:a" + "." * 300) * 3_000,
        ":a" + "." * 1_000_000,
        "1 " * 500_000,
        '"' * 1_000_000,
        '?s ?p """' + '"" ' * 300_000,
        "<a" * 500_000,
        "é" * 1_000_000,
    ],
)
def test_long_texts_take_no_longer_than_they_are(body: str) -> None:
    # Backtracking would take hours for each of these; the time limit of a test is what checks it.
    with contextlib.suppress(QueryFailure):
        passed("ASK { " + body)


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("", 1, 1),
        ("  # nothing", 1, 12),
        ("{}", 1, 1),
        ("hello", 1, 1),
        ("PREFIX a: <http://x/>", 1, 22),
        ("ASK {\n  ?s no:thing ?o\n}", 2, 6),
        ("ASK { ?s ?p 'x }", 1, 13),
        ("ASK { ?s ?p 'কিম' ; \\q }", 1, 21),
        ("\ufeffASK {}", 1, 1),
        ("ASK { ?s ?p 'a\nb' }", 1, 13),
    ],
)
def test_says_where_a_query_is_not_one(query: str, line: int, column: int) -> None:
    error = refused(query)
    assert (error.reason, error.line, error.column) == ("syntax", line, column)


def test_names_the_prefixes_that_need_no_declaration() -> None:
    assert "ex:" in refused("ASK { ?s no:thing ?o }").hint


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { <http://x/a> <http://x/a> 1 }",
        "PREFIX a: <http://x/> DELETE WHERE { ?s ?p ?o }",
        "LOAD <file:///etc/passwd>",
        "clear all",
        "WITH <http://x/> DELETE { ?s ?p ?o } WHERE {}",
    ],
)
def test_refuses_updates(update: str) -> None:
    assert refused(update).reason == "update"


@pytest.mark.parametrize(
    ("query", "default", "named"),
    [
        ("ASK {}", None, None),
        ("ASK FROM <http://example.org/g> {}", ("http://example.org/g",), ()),
        ("ASK FROM NAMED ex:g {}", (), ("http://example.org/g",)),
        ("PREFIX x: <http://example.org/> ASK FROM x:g FROM NAMED x:h {}", None, None),
        ("BASE <http://example.org/a/> SELECT * FROM <../g> {}", ("http://example.org/g",), ()),
        (r"ASK FROM <http://example.org/\u0067> {}", ("http://example.org/g",), ()),
        ("ASK FROM ex:g FROM ex:g {}", ("http://example.org/g",), ()),
        ("ASK { ?s ?p 'FROM <http://example.org/g>' }", None, None),
    ],
)
def test_reads_the_dataset(
    query: str, default: tuple[str, ...] | None, named: tuple[str, ...] | None
) -> None:
    found = passed(query)
    if "x:h" in query:
        default, named = ("http://example.org/g",), ("http://example.org/h",)
    assert (found.default_graphs, found.named_graphs) == (default, named)


@pytest.mark.parametrize(
    "query",
    [
        "ASK FROM <file:///etc/passwd> {}",
        "ASK FROM <http://127.0.0.1/> {}",
        "ASK FROM NAMED ex:nothing {}",
        "SELECT * FROM <g> {}",
    ],
)
def test_refuses_graphs_that_are_not_of_the_release(query: str) -> None:
    assert refused(query).reason == "graph"


@pytest.mark.parametrize(
    ("query", "form", "rest"),
    [
        ("SELECT * WHERE { ?s ?p ?o }", "SELECT", " ?s ?p ?o }"),
        ("ASK{}", "ASK", "}"),
        ("CONSTRUCT { ?s ?p 1 } WHERE { ?s ?p 2 }", "CONSTRUCT", " ?s ?p 2 }"),
        ("CONSTRUCT { ?s ?p 1 } FROM ex:g { ?s ?p 2 }", "CONSTRUCT", " ?s ?p 2 }"),
        ("CONSTRUCT WHERE { ?s ?p 2 }", "CONSTRUCT", None),
        ("DESCRIBE ?s { ?s ?p 2 }", "DESCRIBE", " ?s ?p 2 }"),
        ("DESCRIBE ex:a", "DESCRIBE", None),
        ("SELECT ?x { ?x ?y ?z } VALUES ?x { 1 }", "SELECT", " ?x ?y ?z } VALUES ?x { 1 }"),
    ],
)
def test_knows_the_form_and_where_a_clause_begins(query: str, form: str, rest: str | None) -> None:
    found = passed(query)
    assert found.form == form
    assert (None if found.where is None else query[found.where :]) == rest


def test_positions_count_characters() -> None:
    assert position("কিম\nab", 5) == (2, 2)
