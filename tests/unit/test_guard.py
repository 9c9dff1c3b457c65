from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.web.guard import (
    BASE,
    CHAIN,
    DECLARATIONS,
    DEPTH,
    LENGTH,
    PATH,
    TOKEN,
    TOKENS,
    WEIGHT,
    Checked,
    QueryFailure,
    check,
    position,
)

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
        "VERSION '1.2' PREFIX x: <http://x/> VERSION \"1.2\" ASK { ?s ?p ?o ~ ?r {| ?a ?b |} }",
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


# What the engine joins, nests or goes through one inside the other: each is a chain to it.
CHAINS: dict[str, Callable[[int], str]] = {
    "sum": lambda n: "ASK { FILTER(" + "1+" * n + "1) }",
    "and": lambda n: "ASK { FILTER(" + "?a && " * n + "1) }",
    "not": lambda n: "ASK { FILTER(" + "!" * n + "1) }",
    "triples": lambda n: "ASK {" + "?s ?p ?o . " * n + "}",
    "union": lambda n: "ASK {" + "{} UNION " * (n // 2) + "{} }",
    "optional": lambda n: "ASK {" + "OPTIONAL { ?s ?p ?o }" * (n // 2) + "}",
    "bind": lambda n: "ASK {" + "BIND(1 AS ?x)" * n + "}",
    "filter": lambda n: "ASK {" + "FILTERSTR(1)" * n + "}",
    "glued": lambda n: "ASK {" + "?s ?p trueFILTER(1) " * n + "}",
    "objects": lambda n: "ASK { ?s ?p " + "1," * n + "1 }",
    "predicates": lambda n: "ASK { ?s ?p 1" + ";" * n + "}",
    "collection": lambda n: "ASK { ?s ?p (" + "1 " * n + ") }",
    "names": lambda n: "ASK { ?s ?p (" + "ex:a " * n + ") }",
    "truths": lambda n: "ASK { ?s ?p (" + "true " * n + ") }",
    "typed": lambda n: "ASK { ?s ?p (" + "'1'^^ex:t " * n + ") }",
    "nodes": lambda n: "ASK { ?s ?p (" + "[] " * n + ") }",
    "empty lists": lambda n: "ASK { ?s ?p (" + "() " * n + ") }",
    "lists": lambda n: "ASK { ?s ?p " + ", ".join(["(1 1 1 1)"] * (n // 5)) + " }",
    "properties": lambda n: "ASK { " + "[ ?p 1 ; ?q 2 ] . " * (n // 2) + " }",
    "triple terms": lambda n: "ASK { ?s ?p (" + "<<( ?s ?p ?o )>> " * n + ") }",
    "paths": lambda n: "ASK { ?s " + "ex:a/" * 49 + "ex:a " + ", ".join(["1"] * (n // 50)) + "}",
    "select": lambda n: "SELECT " + "(1 AS ?x)" * n + " {}",
    "variables": lambda n: "SELECT " + "?x " * n + " {}",
    "subselect": lambda n: "ASK { { SELECT " + "(1 AS ?x)" * n + " {} } }",
    "describe": lambda n: "DESCRIBE " + "ex:a " * n,
    "group": lambda n: "SELECT (1 AS ?x) {} GROUP BY " + "?x " * (n - 2),
    "having": lambda n: "ASK { { SELECT * {} HAVING " + "STR(1)" * (n - 2) + " } }",
    "order": lambda n: "ASK { { SELECT * {} ORDER BY " + "?x " * (n - 2) + " } }",
    "from": lambda n: "ASK " + "FROM ex:g " * n + " {}",
    "columns": lambda n: "ASK { VALUES (" + "?x " * n + ") {} }",
    "template": lambda n: "CONSTRUCT { ?s ?p (" + "1 " * n + ") } WHERE {}",
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_counts_chains(chain: Callable[[int], str]) -> None:
    assert passed(chain(CHAIN - 2)).form in ("ASK", "SELECT", "DESCRIBE", "CONSTRUCT")
    error = refused(chain(CHAIN + 60))
    assert (error.reason, error.line) == ("complexity", 1)
    assert f"{CHAIN:,}" in error.expected
    assert CHAIN / 10 < error.column < len(chain(CHAIN + 60))


def test_counts_the_parts_of_a_whole_query() -> None:
    group = "{" + "?s ?p ?o ." * (CHAIN - 2) + "}"
    times = WEIGHT // CHAIN
    assert passed("ASK {" + group * times + "}").form == "ASK"
    error = refused("ASK {" + group * (times + 1) + "}")
    assert (error.reason, error.expected) == ("complexity", f"at most {WEIGHT:,}")
    assert refused("ASK { VALUES ?x {" + " 1" * TOKENS + "} }").reason == "complexity"


@pytest.mark.parametrize(
    "query",
    [
        "ASK { VALUES ?x { " + "-1 <http://example.org/a> " * 20_000 + "} }",
        "ASK { VALUES (?x ?y) { " + "(1 UNDEF)" * 20_000 + "} }",
        "ASK {} VALUES (?x ?y) { " + "(1 '1'^^ex:t)" * 20_000 + "}",
        "ASK { FILTER(?x IN (" + "-1, " * 20_000 + "1)) }",
        "ASK { FILTER(?x NOT IN (" + "'1'^^ex:t, " * 20_000 + "1)) }",
        "SELECT (CONCAT(" + "?x, " * 20_000 + "1) AS ?y) {}",
    ],
)
def test_lists_of_values_may_be_long(query: str) -> None:
    assert passed(query).form in ("ASK", "SELECT")


@pytest.mark.parametrize(
    "path",
    [
        lambda n: "ex:a/" * (n - 1) + "ex:a",
        lambda n: "(" + "ex:a|" * (n - 1) + "ex:a)+",
        lambda n: "(" + "ex:a/" * (n - 2) + "ex:a)/ex:a",
        lambda n: "!(" + "^ex:a|" * (n - 1) + "ex:a)",
        lambda n: "ex:a/" + "^(ex:b|" * 30 + "ex:b" + "/ex:c" * (n - 32) + ")*" * 30,
        lambda n: "a" + "/a" * (n - 1),
    ],
)
def test_counts_the_steps_of_a_path(path: Callable[[int], str]) -> None:
    for around in ("ASK {{ ?s {} ?o }}", "ASK {{ [ {} ?o ] }}", "ASK {{ ?x ex:p [ {} ?o ] }}"):
        assert passed(around.format(path(PATH))).form == "ASK"
        error = refused(around.format(path(PATH + 1)))
        assert (error.reason, error.expected) == ("complexity", f"at most {PATH} steps")


@pytest.mark.parametrize(
    "between", [" . ", " ; ", " FILTER(1/2) ", " OPTIONAL { } ", " {} ", " BIND(1 AS ?y) "]
)
def test_each_path_is_counted_for_itself(between: str) -> None:
    subject = "" if between == " ; " else "?s "
    one = f"{subject}ex:a/(ex:b|ex:c) ?o{between}"
    assert passed("ASK { " + ("" if subject else "?s ") + one * (PATH - 2) + " }").form == "ASK"


@pytest.mark.parametrize(
    "query",
    [
        "ASK { FILTER(/) }",
        "ASK { FILTER ex:f(/) }",
        "ASK { ?s ?p ?o BIND((/) AS ?x) }",
        "SELECT ?x (/ AS ?y) {}",
        "ASK { { SELECT ?x (/ AS ?y) {} GROUP BY ?x (/) HAVING (/) ORDER BY (/) } }",
    ],
)
def test_division_is_no_path(query: str) -> None:
    assert passed(query.replace("/", "?x" + "/2" * PATH)).form in ("ASK", "SELECT")


def test_counts_declarations_and_bounds_what_they_are_resolved_against() -> None:
    assert passed("PREFIX a: <x> " * DECLARATIONS + "ASK {}").form == "ASK"
    error = refused("PREFIX a: <x> " * (DECLARATIONS + 1) + "ASK {}")
    assert (error.reason, error.column) == ("complexity", DECLARATIONS * 14 + 1)
    assert refused("BASE <http://x/" + "y" * BASE + "> ASK {}").reason == "complexity"
    deeper = "".join(f"BASE <{'y/' * 100}> " for _ in range(100))
    error = refused("BASE <http://x/> " + deeper + "ASK {}")
    assert (error.reason, error.expected) == ("complexity", f"at most {BASE:,} characters")


def test_counts_characters() -> None:
    fine = "ASK {}" + " " * (LENGTH - 6)
    assert passed(fine).form == "ASK"
    assert refused(fine + " ").reason == "length"


LONG = [
    "a." * 500_000,
    "a-" * 500_000,
    "VALUES ?x {" + "a." * 500_000,
    "VALUES ?x {" + "a.b-" * 250_000,
    "VALUES ?x {" + (" _:a" + "." * 300) * 3_000,
    ":a" + "." * 1_000_000,
    ":a" + "." * 1_000_000 + "a",
    ":" + "a" * 1_000_000,
    ":" + "a." * 500_000,
    ":" + "%41" * 300_000,
    "_:a" + ".a" * 500_000,
    "?" + "a" * 1_000_000,
    "a" * 1_000_000,
    "1 " * 500_000,
    "1" * 1_000_000,
    '"' * 1_000_000,
    "'" + "\\n" * 500_000 + "'",
    '"""' + 'a""' * 300_000 + '"""',
    '?s ?p """' + '"" ' * 300_000,
    "<a" * 500_000,
    "<" + "a" * 1_000_000,
    "<" + "\\u0041" * 150_000 + ">",
    "''@a" + "-b" * 500_000,
    "#" * 1_000_000,
    "#\n" * 500_000,
    " " * 1_000_000,
    "é" * 1_000_000,
    "} FROM <a> " * 90_000,
]


@pytest.mark.parametrize("body", LONG, ids=lambda body: repr(body[:20]))
def test_long_texts_take_no_longer_than_they_are(body: str) -> None:
    # Backtracking would take hours for each of these; the time limit of a test is what checks it.
    with contextlib.suppress(QueryFailure):
        passed("ASK { " + body)


@pytest.mark.parametrize("body", LONG, ids=lambda body: repr(body[:20]))
def test_long_texts_take_little_memory(body: str) -> None:
    # Places that could be gone back to would take hundreds of bytes for each character.
    query = "PREFIX : <http://example.org/> ASK { " + body
    tracemalloc.start()
    try:
        with contextlib.suppress(QueryFailure):
            passed(query)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(query)
    finally:
        tracemalloc.stop()


def calls(query: str) -> int:
    """Return how many functions are called to check a query."""
    count = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        passed(query)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "part",
    [
        "VALUES ?x { 1 ex:a 'a'@en }",
        "?s ?p ?o .",
        "{ ?s ?p (1 [ ?p 2 ]) } UNION { ?s (ex:a/ex:b)* ?o }",
        "FILTER(?x IN (1, -2, ex:a(3)) && EXISTS { ?s ?p ?o })",
        "<urn:a> ex:a '''a''' ; # comment\n ex:b 1.5e6 .",
    ],
)
def test_twice_the_text_takes_twice_the_steps(part: str) -> None:
    few, many = (calls("ASK {" + part * times + "}") for times in (25, 50))
    assert few * 1.5 < many < few * 2.1


def test_the_terminals_leave_nothing_to_go_back_to() -> None:
    # Repetitions without bound are possessive. The one that is not is of single characters, which
    # are gone through twice at most.
    unbounded = re.findall(r"[\])][*+](?!\+)", TOKEN.pattern)
    assert unbounded == ["]*"]


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("", 1, 1),
        ("  # nothing", 1, 12),
        ("{}", 1, 1),
        ("hello", 1, 1),
        ("'1.2' ASK {}", 1, 1),
        ("PREFIX '1.2' ASK {}", 1, 8),
        ("PREFIX a: <http://x/>", 1, 22),
        ("ASK {\n  ?s no:thing ?o\n}", 2, 6),
        ("ASK { ?s ?p 'x }", 1, 13),
        ("ASK { ?s ?p 'কিম' ; \\q }", 1, 21),
        ("\ufeffASK {}", 1, 1),
        ("ASK { ?s ?p 'a\nb' }", 1, 13),
        ("BASE <http://x/> ASK\nFROM <//[> {}", 2, 6),
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
        (r"ASK FROM <http:\u002f/ex\U00000061mple.org/g> {}", ("http://example.org/g",), ()),
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


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { VALUES ?x { - 1 } }",
        "SELECT * { VALUES ?x { 2 + 1.5 } }",
        "SELECT * { VALUES (?x) { (-#hidden\n1) } }",
        "CONSTRUCT { <a:a> <a:b> - 1 } {}",
        "SELECT * { ?s ?p + 1 }",
        "SELECT * { ?s <a:p> 1, + 2 }",
        "SELECT * { ?s <a:p> ( 1 - 2 ) }",
        "SELECT * { ?s <a:p> ( <a:b> + 2 ) }",
    ],
)
def test_a_number_apart_from_its_sign_is_none(query: str) -> None:
    with pytest.raises(QueryFailure) as refused:
        check(query, prefixes={})
    assert refused.value.reason == "syntax"
    assert "sign" in refused.value.what


@pytest.mark.parametrize(
    "query",
    [
        "SELECT (- 1 AS ?x) (2 - 1 AS ?y) (2 -1 AS ?z) (ABS(- 1) + 1 AS ?a) {}",
        "SELECT (IF(true, - 1, + 2) AS ?x) { FILTER(?x IN (- 1, 1)) }",
        "SELECT * { ?s <a:p>+ 1 . ?s <a:p> + 1 . ?s (<a:p>/a) + 1 ; a + 1 ; <a:p> -1, +1 }",
        "SELECT * { VALUES ?x { -1 +1.5 -1e3 } BIND(- ?x AS ?y) } ORDER BY (- 1) DESC(2 - 1)",
        "SELECT * { ?s ?p ?o } HAVING (?o > - 1)",
    ],
)
def test_a_sign_may_stand_apart_in_expressions_and_paths(query: str) -> None:
    check(query, prefixes={})
