"""The command `kg validate`, as its users call it: forms, exit codes, wrong use, changed files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

X = "https://x.example/"
PREFIXES = f"""
@prefix : <{X}> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
SHAPES = """
:S a sh:NodeShape ; sh:targetClass :Thing ; sh:property :P , :Q .
:P sh:path :name ; sh:minCount 1 ; sh:datatype xsd:string .
:Q sh:path :part ; sh:node :Part .
:Part a sh:NodeShape ; sh:property :R .
:R sh:path :size ; sh:minCount 1 ; sh:message "A part has a size."@en .
"""
GOOD = ':a a :Thing ; :name "A" .'
BAD = ':a a :Thing ; :part :b . :c a :Thing ; :name "<b> & \\"c\\"", 1 .'


def kg(*arguments: str | Path, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kg", *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=100,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("shapes", SHAPES), ("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.ttl").write_text(PREFIXES + text, encoding="utf-8")
    return tmp_path


def validate(folder: Path, data: str, *more: str) -> subprocess.CompletedProcess[str]:
    return kg("validate", "--data", data, "--shapes", "shapes.ttl", *more, folder=folder)


def test_what_conforms_says_what_was_checked(folder: Path) -> None:
    done = validate(folder, "good.ttl")
    assert done.returncode == 0
    assert done.stdout == (
        "Conforms: no results.\n1 shape with targets was held against 1 focus node in 2 triples.\n"
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("given", "options", "code"),
    [
        (PREFIXES + BAD, ("--data-format", "ttl"), 1),
        (f"<{X}a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{X}Thing> <{X}g> .\n", (), 1),
        ("", (), 0),
        ("wrong\n", (), 2),
    ],
)
def test_the_standard_input_is_validated(
    folder: Path, given: str, options: tuple[str, ...], code: int
) -> None:
    done = kg(
        *("validate", "--data", "-", "--shapes", "shapes.ttl", *options), folder=folder, given=given
    )
    assert done.returncode == code, done.stderr
    if code == 1:
        assert f"    stdin{'' if options else ':1'}  :a" in done.stdout
    if code == 2:
        assert done.stderr.startswith("stdin:1: the line is no N-Quads")
        assert "--data-format tells" in done.stderr


def test_files_without_a_telling_name_are_read_as_told(folder: Path) -> None:
    (folder / "bad.txt").write_text((folder / "bad.ttl").read_text())
    assert validate(folder, "bad.txt").returncode == 2
    done = validate(folder, "bad.txt", "--data-format", "ttl")
    assert done.returncode == 1
    assert "bad.txt  :a" in done.stdout


def test_further_files_may_follow(folder: Path) -> None:
    done = validate(folder, "good.ttl", "bad.ttl", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["counts"]["Violation"] == 2  # :a of the first file has the name
    assert told["checked"]["triples"] == 6


@pytest.mark.parametrize(
    ("severity", "codes"),
    [
        ("sh:Violation", (1, 1, 1)),
        ("sh:Warning", (0, 1, 1)),
        ("sh:Info", (0, 0, 1)),
        (":X", (1,) * 3),
    ],
)
def test_what_fails_is_chosen(folder: Path, severity: str, codes: tuple[int, ...]) -> None:
    (folder / "shapes.ttl").write_text(
        PREFIXES + f":S sh:targetClass :Thing ; sh:nodeKind sh:Literal ; sh:severity {severity} ."
    )
    for limit, code in zip(("violation", "warning", "info"), codes, strict=True):
        assert validate(folder, "good.ttl", "--fail-on", limit).returncode == code


def test_strict_takes_no_shapes_without_effect_and_no_data_without_focus_nodes(
    folder: Path,
) -> None:
    assert validate(folder, "good.ttl", "--strict").returncode == 0
    assert validate(folder, "bad.ttl", "--strict").returncode == 1
    (folder / "other.ttl").write_text(PREFIXES + ":a a :Other .")
    done = validate(folder, "other.ttl", "--strict", "--format", "json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["conforms"]
    (folder / "shapes.ttl").write_text(PREFIXES + SHAPES + ":S sh:mincount 1 .")
    done = validate(folder, "good.ttl", "--strict")
    assert done.returncode == 4
    assert "did you mean sh:minCount?" in done.stderr


def test_shapes_without_targets_are_noted(folder: Path) -> None:
    (folder / "shapes.ttl").write_text(PREFIXES + ":S a sh:NodeShape .")
    done = validate(folder, "good.ttl")
    assert done.returncode == 0
    assert "there are no shapes with targets, so" in done.stderr
    done = validate(folder, "good.ttl", "--scope", "local")
    assert "there are no shapes with targets in the scope local, so" in done.stderr


def test_data_without_focus_nodes_is_noted(folder: Path) -> None:
    (folder / "other.ttl").write_text(PREFIXES + ":a a :Other .")
    done = validate(folder, "other.ttl")
    assert done.returncode == 0
    assert "no shape has a focus node in this data" in done.stderr


def test_every_form_tells_the_same_results(folder: Path) -> None:
    table = validate(folder, "bad.ttl")
    assert table.returncode == 1
    assert "Does not conform: 3 violations." in table.stdout
    assert "bad.ttl" in table.stdout
    assert "- :size: A part has a size." in table.stdout  # what the part lacks
    told = json.loads(validate(folder, "bad.ttl", "--format", "json").stdout)
    assert told["counts"]["Violation"] == len(told["results"]) == 3
    (of_part,) = (r for r in told["results"] if "Node" in r["component"])
    assert [d["message"] for d in of_part["detail"]] == ["A part has a size."]
    from rdflib import RDF, Graph, URIRef

    graph = Graph()
    graph.parse(data=validate(folder, "bad.ttl", "--format", "turtle").stdout, format="turtle")
    sh = "http://www.w3.org/ns/shacl#"
    assert len(list(graph.subjects(RDF.type, URIRef(sh + "ValidationResult")))) == 4
    assert len(list(graph.objects(None, URIRef(sh + "detail")))) == 1


def test_the_page_is_complete_and_escaped(folder: Path) -> None:
    from xml.etree import ElementTree

    done = validate(folder, "bad.ttl", "--format", "html")
    assert done.returncode == 1
    text = done.stdout
    # Well-formed but for the elements without an end, which are closed here.
    body = text.replace("<!doctype html>", "").replace("<br>", "<br/>")
    for line in ("meta charset", "meta name"):
        at = body.index(f"<{line}")
        end = body.index(">", at)
        body = f"{body[:end]}/{body[end:]}"
    page = ElementTree.fromstring(body)
    words = "".join(page.itertext())
    assert "Does not conform: 3 violations." in words
    assert "<b>" not in text
    assert f'href="{X}a"' in text
    assert "http" not in text.replace("http://www.w3.org/", "").replace(
        X, ""
    )  # nothing from outside
    assert "<script" not in text


def test_results_beyond_the_limit_are_counted(folder: Path) -> None:
    many = "\n".join(f":t{n} a :Thing ." for n in range(30))
    (folder / "many.ttl").write_text(PREFIXES + many)
    told = json.loads(validate(folder, "many.ttl", "--format", "json", "--max-results", "4").stdout)
    assert told["counts"]["Violation"] == 30
    assert len(told["results"]) == 4
    assert [o["count"] for o in told["omitted"]] == [26]
    table = validate(folder, "many.ttl", "--max-results", "4")
    assert "30 results" in table.stdout
    assert "and 26 that no report shows (--max-results)" in table.stdout
    turtle = validate(folder, "many.ttl", "--format", "turtle", "--max-results", "0").stdout
    assert "# 30 more results of" in turtle
    assert "sh:conforms false" in turtle


@pytest.mark.parametrize(
    "text",
    [
        ":S a sh:PropertyShape ; sh:targetClass :Thing .",
        ':S a sh:NodeShape ; sh:property [ sh:path :n ; sh:minCount "1" ] .',
        ":S a sh:NodeShape ; sh:targetClass :Thing ; sh:sparql [ sh:select "
        '"SELECT $this WHERE { $this ?p ?o MINUS { ?o ?p ?q } }" ] .',
        ":S a sh:NodeShape ; sh:targetClass :Thing ; sh:in ( 1 2 .",
    ],
)
def test_ill_formed_shapes_are_a_failure_of_their_own(folder: Path, text: str) -> None:
    (folder / "shapes.ttl").write_text(PREFIXES + text)
    done = validate(folder, "good.ttl")
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--data", "none.ttl"), "none.ttl: the file cannot be read; seen no such file"),
        (("--data", "none"), "none: the file cannot be read; seen no such file"),
        (("--data", "."), ".: the file cannot be read; seen a folder"),
        (("--data", "remote.jsonld"), "a @context that is elsewhere, which is not fetched"),
        (("good.ttl",), "FILE needs --data"),
        (("--strict",), "--strict needs --data"),
        (("--data", "good.ttl", "--watch", "--strict"), "--watch knows no --strict"),
        (("--data", "good.ttl", "--list-scopes"), "--list-scopes goes with --shapes alone"),
        (("--data", "good.ttl", "--fail-on", "none"), "no such fail-on"),
        (("--data", "shapes.csv"), "tells no RDF format"),
        (("--data", "good.ttl", "--format", "xml"), "no such format"),
        (("--data", "good.ttl", "--scope", "some"), "no such scope"),
        (("--shapes", "shapes.ttl"), "--shapes needs --data"),
        (("--scope", "local"), "--scope needs --data"),
        (("--watch",), "--watch needs --data"),
        (("--data", "-", "--watch"), "--watch needs files"),
        (("--data-format", "nt"), "--data-format needs --data"),
        (("--data", "good.ttl", "--shapes", "-"), "shapes are read from files"),
        (("--data", "good.ttl", "--data-format", "csv"), "no such data-format"),
        (("--data", "good.ttl", "--facts", "."), "--facts is not for --data"),
        (("--data", "good.ttl", "--base", "https://x.example/"), "--base is not for --data"),
    ],
)
def test_wrong_use(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    (folder / "shapes.csv").write_text("")
    (folder / "remote.jsonld").write_text('{"@context": "https://x.example/context"}')
    done = kg("validate", *arguments, folder=folder)
    assert done.returncode == 2
    assert says in done.stderr


def test_terms_that_shacl_does_not_know_are_told(folder: Path) -> None:
    (folder / "shapes.ttl").write_text(
        PREFIXES + ":S a sh:NodeShape ; sh:targetClass :Thing ; sh:minLenght 3 ; "
        "sh:severity sh:Warnng ; sh:rule [] ."
    )
    done = validate(folder, "good.ttl")
    assert done.returncode == 0
    for says in ("sh:minLenght, which SHACL does not know", "sh:Warnng", "Advanced Features"):
        assert says in done.stderr


def test_too_much_for_pyshacl_is_refused(folder: Path) -> None:
    """A shape that refers to itself is for pyshacl only; its limit is lowered here."""
    (folder / "shapes.ttl").write_text(
        PREFIXES + ":S a sh:NodeShape ; sh:targetClass :Thing ; sh:property :P ."
        ":P sh:path :part ; sh:node :S ."
    )
    script = (
        "import sys, kg.cli, kg.validate; kg.validate.MOST_FOR_PYSHACL = int(sys.argv.pop(1));"
        "kg.cli.main()"
    )
    arguments = ["validate", "--data", "good.ttl", "--shapes", "shapes.ttl"]
    for limit, code, says in (("9", 0, "is left to pyshacl"), ("1", 2, "too large for pyshacl")):
        done = subprocess.run(
            [sys.executable, "-c", script, limit, *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=100,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert says in done.stderr


def test_scopes_are_listed_and_validated_apart(folder: Path) -> None:
    done = kg("validate", "--shapes", "shapes.ttl", "--list-scopes", folder=folder)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert f"local  {X}P (in {X}S)" in lines
    assert any(line.startswith(f"whole  {X}Q (in {X}S): ") for line in lines)
    local = json.loads(validate(folder, "bad.ttl", "--scope", "local", "--format", "json").stdout)
    whole = json.loads(validate(folder, "bad.ttl", "--scope", "whole", "--format", "json").stdout)
    assert {r["shape"] for r in local["results"]} == {f"{X}P"}
    assert {r["shape"] for r in whole["results"]} == {f"{X}Q"}


def test_changed_files_are_validated_again(folder: Path) -> None:
    data, out = folder / "data.ttl", folder / "out.txt"
    data.write_text(PREFIXES + GOOD)
    with out.open("w") as stream:
        watching = subprocess.Popen(
            [
                *(sys.executable, "-m", "kg", "validate", "--data", "data.ttl"),
                *("--shapes", "shapes.ttl", "--watch"),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:

            def until(text: str) -> None:
                end = time.monotonic() + 60
                while text not in out.read_text():
                    assert time.monotonic() < end, out.read_text()
                    assert watching.poll() is None, out.read_text()
                    time.sleep(0.05)

            until("Conforms: no results.")
            data.write_text(PREFIXES + BAD)
            until("Does not conform: 3 violations.")
            data.write_text(PREFIXES + BAD + " <wrong")
            until("the file is no Turtle")
            data.write_text(PREFIXES + GOOD + ":d a :Thing .")
            until("Does not conform: 1 violation.")
            shapes = folder / "shapes.ttl"
            shapes.write_text(PREFIXES + SHAPES + " <wrong")
            until("shapes.ttl: the file is no Turtle")
            until("what was read before this change is kept")
            shapes.write_text(PREFIXES + SHAPES.replace("sh:minCount 1 ;", "sh:minCount 9 ;", 1))
            until("Does not conform: 2 violations.")
        finally:
            watching.terminate()
            watching.wait(timeout=30)
    assert "Traceback" not in out.read_text()
