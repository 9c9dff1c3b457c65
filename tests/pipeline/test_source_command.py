"""Sources as a user meets them: `kg source`, and what `kg build --source` says of what is wrong."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kg.cli import main


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return the function that runs `kg` in an empty folder."""

    def run(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["kg", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        found = capsys.readouterr()
        return Done(int(end.value.code or 0), found.out, found.err)

    return run


@pytest.fixture
def build(run: Run, checkout: Path) -> Run:
    """Return the function that builds with the tutorial's facts and the feed of calls at ports."""

    def build(*arguments: str | Path) -> Done:
        place = checkout / "docs/tutorial/facts"
        more = ("--mappings", checkout / "tests/pipeline", "--processes", "1")
        return run("build", "--facts", place, *more, *arguments)

    return build


@pytest.fixture
def rows(checkout: Path) -> Path:
    return checkout / "tests/sources/samples"


GOOD = "id,day,ship,flag,port,latitude,longitude,containers,told_by\n" + "".join(
    f"{n},2024-03-01,Ship {n % 7},AUS,Port Solen,54.5,18.25,{n},\n" for n in range(1, 31)
)


# --- kg source ------------------------------------------------------------------------------------


def test_sources_are_listed(run: Run, checkout: Path) -> None:
    found = run("source", "list", "--mappings", checkout / "tests/pipeline")
    assert found.code == 0
    assert "articles: " in found.out
    assert "    facts files\n" in found.out
    assert "port_calls: Calls at ports\n    feed, tables calls, reports\n" in found.out
    listed = json.loads(run("source", "list", "--json").out)
    assert [one["id"] for one in listed] == sorted(one["id"] for one in listed)
    by_id = {one["id"]: one for one in listed}
    assert by_id["articles"]["holds"] == "articles"
    assert by_id["gdelt"] == {
        "id": "gdelt",
        "title": "GDELT",
        "holds": "feed",
        "publisher": "The GDELT Project",
        "licence": "https://www.gdeltproject.org/about.html",
        "redistribution": "open",
        "tables": ["events", "mentions", "history"],
        "mapping": by_id["gdelt"]["mapping"],
        "problem": "",
    }


def test_the_setting_names_a_folder_too(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("kg.toml").write_text(f'mappings = "{checkout / "tests/pipeline"}"\n', encoding="utf-8")
    assert "port_calls: " in run("source", "list").out
    Path("kg.toml").unlink()
    monkeypatch.setenv("KG_MAPPINGS", str(checkout / "tests/pipeline"))
    assert "port_calls: " in run("source", "list").out
    found = run("source", "list", "--mappings", "nowhere")
    assert (found.code, found.err) == (
        2,
        "--mappings: no such folder; seen nowhere; `kg source new` makes it\n",
    )


def test_a_source_is_shown(run: Run, checkout: Path) -> None:
    found = run("source", "show", "port-calls", "--mappings", checkout / "tests/pipeline")
    assert found.code == 0
    for words in (
        "citation        Harbour office of Bostmark: Calls at ports, 2024",
        "licence         https://creativecommons.org/licenses/by/4.0/",
        "retrieved       2024-03-12",
        "more than 20% of the rows are bad",
        "a file is of it if its first line names id, or it has 9 columns and no header",
        "key: call, address; further ones are counted",
        "needs: a record of calls, by call",
    ):
        assert words in found.out
    shown = json.loads(run("source", "show", "gdelt", "--json").out)
    assert shown["problems"] == shown["unfinished"] == []
    assert shown["tables"][0]["ignored"]["Year"] == "the date again"
    assert shown["tables"][2]["recognised"] == "it has 58 or 57 columns and no header"
    assert "records         facts files" in run("source", "show", "articles").out


def test_a_file_is_tried_before_a_build(run: Run, rows: Path, checkout: Path) -> None:
    own = ("--mappings", checkout / "tests/pipeline")
    found = run("source", "show", "port_calls", *own, "--file", rows / "port_calls")
    assert found.code == 0
    assert "2024-03.calls.csv: table calls, 9 rows, 4 mapped\n" in found.out
    assert "columns that the mapping does not know: shed" in found.out
    assert "1  rejected: containers: no number; first in row 7, 'many'" in found.out
    assert not list(Path.cwd().iterdir())
    few = run("source", "show", "port_calls", *own, "--file", rows / "port_calls", "--json",
              "--rows", "2")  # fmt: skip
    files = {one["file"]: one for one in json.loads(few.out)["files"]}
    one = files["2024-03.calls.csv"]
    assert (one["records"], one["mapped"], one["issues"]) == (2, 2, [])
    assert one["classes"]["Event"]["nodes"] == 2
    assert one["graphs"]["port-calls-2024-03"] > 0
    quads = run("source", "show", "gdelt", "--file", rows / "gdelt/20130401.export.CSV", "--quads")
    assert all(line.endswith("> .") for line in quads.out.splitlines())
    assert "<https://chancery.example/id/event/gdelt-901> " in quads.out
    assert "table history, 2 rows, 2 mapped" in quads.err


def test_a_file_that_cannot_be_tried(run: Run, rows: Path, checkout: Path) -> None:
    own = ("--mappings", checkout / "tests/pipeline")
    other = run("source", "show", "gdelt", *own, "--file", rows / "port_calls/2024-03.calls.csv")
    assert other.code == 2
    assert "this is no file of gdelt" in other.err
    assert "is it of port_calls?" in other.err
    assert run("source", "show", "gdelt", "--quads").err == "--quads: --quads needs --file\n"
    articles = run("source", "show", "articles", "--file", rows)
    assert articles.code == 2
    assert "its records are facts files" in articles.err
    Path("bad.csv").write_text("x,2024,A\n", encoding="utf-8")
    assert run("source", "show", "port_calls", *own, "--file", "bad.csv").code == 2
    lines = GOOD.replace("2024-03-01", "yesterday")
    Path("bad.csv").write_text(lines, encoding="utf-8")
    assert run("source", "show", "port_calls", *own, "--file", "bad.csv").code == 1


# --- kg source new --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sample", "form", "columns", "header"),
    [
        ("a.csv", 'No,"Day, local",Title\n1,2024-01-02,A\n', "csv", ["No", "Day, local", "Title"],
         "always"),
        ("a.tsv", "1\t2024-01-02\tA\n2\t2024-01-03\tB\n", "tsv",
         ["column_1", "column_2", "column_3"], "never"),
        ("a.json", '{"uid": 1, "p": {"q": "}"}, "t": "x"}\n', "json", ["uid", "p", "t"], "always"),
    ],
)  # fmt: skip
def test_a_new_mapping_works_at_once(
    run: Run, name: str, sample: str, form: str, columns: list[str], header: str
) -> None:
    Path(name).write_text(sample, encoding="utf-8")
    made = run("source", "new", "my_own", "--sample", name)
    assert made.code == 0
    assert made.out == "mappings/my_own.py\nmappings/test_my_own.py\n"
    assert "Its key is a guess" in made.err
    shown = json.loads(run("source", "show", "my_own", "--mappings", "mappings", "--json").out)
    table = shown["tables"][0]
    assert (table["form"], table["columns"], table["header"]) == (form, columns, header)
    assert table["key"] == columns[:1]
    assert shown["problems"] == []
    assert shown["redistribution"] == "none"
    assert {"licence", "publisher", "citation"} <= set(shown["unfinished"])
    tried = run("source", "show", "my_own", "--mappings", "mappings", "--file", name, "--json")
    assert tried.code == 0
    (one,) = json.loads(tried.out)["files"]
    assert (
        one["records"]
        == one["mapped"]
        == len(sample.splitlines()) - (header == "always" and form != "json")
    )
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "mappings"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout
    before = Path("mappings/my_own.py").read_bytes()
    again = run("source", "new", "my_own", "--form", "tsv")
    assert again.code == 2
    assert again.err.startswith("mappings/my_own.py: the file is there already")
    assert Path("mappings/my_own.py").read_bytes() == before


def test_what_a_new_mapping_cannot_be(run: Run) -> None:
    for arguments, told in (
        (("My9",), "no id"),
        (("gdelt",), "a source of this id comes with the package"),
        (("mine", "--form", "xml"), "no such form"),
        (("mine", "--sample", "absent.csv"), "the file cannot be read"),
    ):
        found = run("source", "new", *arguments)
        assert found.code == 2
        assert told in found.err
    assert not Path("mappings").exists()


def test_a_new_mapping_of_the_package_has_no_test_beside_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract test of the repository holds it, and mappings are packaged."""
    Path("mappings").mkdir()
    monkeypatch.setattr("kg.sources.folder", lambda name: Path("mappings"))
    monkeypatch.setattr("kg.resources.folder", lambda name: Path("mappings"))
    made = run("source", "new", "mine")
    assert (made.code, made.out) == (0, "mappings/mine.py\n")
    assert "takes made-up rows from tests/sources/samples/mine/" in made.err


def test_a_mapping_that_fails_is_named_with_its_line(run: Run) -> None:
    run("source", "new", "mine")
    path = Path("mappings/mine.py")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("identifier = row[0]", "identifier = row[7]"), encoding="utf-8")
    Path("a.csv").write_text("id,date,title\n1,2024,A\n", encoding="utf-8")
    number = text.splitlines().index("        identifier = row[0]") + 1
    found = run("source", "show", "mine", "--mappings", "mappings", "--file", "a.csv")
    assert found.code == 2
    assert found.err.startswith(f"a.csv:2, mine.py:{number}: the mapping fails; seen IndexError")
    path.write_text("SOURCE = Feed(\n", encoding="utf-8")
    found = run("build", "--mappings", "mappings", "--source", "mine=a.csv")
    assert (found.code, "mine.py:1: the mapping cannot be loaded; seen SyntaxError" in found.err) \
        == (2, True)  # fmt: skip
    listed = run("source", "list", "--mappings", "mappings")
    assert listed.code == 0
    assert "mine: mine.py:1: the mapping cannot be loaded" in listed.out


# --- kg build --source ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("port_call=x.csv", "no such source; seen port_call; expected one of"),
        ("port_call=x.csv", "did you mean port_calls?"),
        ("nothing_like_it=x.csv", "`kg source list` shows them; --mappings FOLDER adds your own"),
        ("articles=x.csv", "its records are facts files; seen articles; name their folder with"),
        ("port_calls", "--source: no feed and file; seen port_calls; expected ID=FILE"),
        ("=x.csv", "no feed and file"),
        ("port_calls=", "no feed and file"),
        ("port_calls=absent.csv", "absent.csv: no such file"),
        ("port_calls=empty.csv", "empty.csv: the file is empty; fetch it again"),
        ("port_calls=folder", "folder: the folder has no files"),
        ("port_calls=empty.zip", "empty.zip: there is no file in it"),
        ("port_calls=short.csv.gz", "short.csv.gz: the file cannot be read to its end"),
        ("port_calls=other.csv", "other.csv: this is no file of port_calls; seen 1\\t20"),
        ("port_calls=other.csv", "is it of gdelt? --source gdelt=FILE"),
        ("port_calls=strange.csv", "is it of another source? `kg source list` shows them"),
    ],
)
def test_what_cannot_be_built_is_told(build: Run, rows: Path, option: str, told: str) -> None:
    Path("empty.csv").touch()
    Path("folder").mkdir()
    Path("folder/.hidden").write_text("x", encoding="utf-8")
    with zipfile.ZipFile("empty.zip", "w") as archive:
        archive.writestr("__MACOSX/x.csv", "x")
    Path("short.csv.gz").write_bytes(gzip.compress(GOOD.encode())[:-20])
    first = (rows / "gdelt/20240101000000.export.CSV").read_text("utf-8").splitlines()[0]
    Path("other.csv").write_text(first[3:] + "\n", encoding="utf-8")
    Path("strange.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    found = build("--source", option)
    assert found.code == 2
    assert told in found.err
    assert "Traceback" not in found.err
    assert not Path("releases/current").exists()


def test_too_many_bad_rows_publish_nothing(build: Run) -> None:
    Path("calls.csv").write_text(GOOD, encoding="utf-8")
    assert build("--source", "port_calls=calls.csv").code == 0
    current = os.readlink("releases/current")
    bad = GOOD.replace("2024-03-01,Ship 1", "someday,Ship 1").replace(
        "03-01,Ship 2", "13-01,Ship 2"
    )
    Path("calls.csv").write_text(bad, encoding="utf-8")
    found = build("--source", "port_calls=calls.csv", "--json")
    assert found.code == 1
    assert json.loads(found.out) == {
        "release": None,
        "conforms": False,
        "quads": 0,
        "sources": [
            {"id": "port_calls", "records": 30, "mapped": 20, "rejected": 10, "repeated": 0,
             "unresolved": 0}
        ],
    }  # fmt: skip
    assert "10 of 30 rows of port_calls cannot be mapped" in found.err
    assert "expected at most 20% of the rows; see rejected/issues.jsonl" in found.err
    assert "The release that was current still is." in found.err
    issues = Path("releases/rejected/issues.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(issues) == 10
    assert json.loads(issues[0])["file"] == "calls.csv"
    assert os.readlink("releases/current") == current


def test_what_was_set_aside_is_counted_and_kept(build: Run, rows: Path) -> None:
    Path("in").mkdir()
    (Path("in") / "2024-03.calls.csv").write_text(
        GOOD + "7,2024-03-09,Late,AUS,Port Solen,,,1,\n", encoding="utf-8"
    )
    lines = "".join(f"{n}\thttps://courier.example/{n}\t0.5\n" for n in (1, 2, 3, 4, 99))
    (Path("in") / "2024-03.reports.tsv").write_text(lines + "3\tx\t7\n", encoding="utf-8")
    found = build("--source", "port_calls=in", "--json")
    assert found.code == 0
    told = json.loads(found.out)
    (calls,) = [one for one in told["sources"] if one["id"] == "port_calls"]
    assert calls == {
        "id": "port_calls", "records": 37, "mapped": 34, "rejected": 3, "repeated": 1,
        "unresolved": 1,
    }  # fmt: skip
    assert "34 of 37 records mapped, 3 set aside (1 repeated, 1 unresolved)" in found.err
    release = Path("releases/current")
    text = (release / "issues.jsonl").read_text(encoding="utf-8")
    issues = [json.loads(line) for line in text.splitlines()]
    assert [one.get("kind", "rejected") for one in issues] == ["repeated", "unresolved", "rejected"]
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert calls in manifest["sources"]
    again = build("--source", "port_calls=in", "--json")
    assert "already there" in again.err
    assert json.loads(again.out) == told


def test_the_day_on_which_files_were_fetched_is_published(build: Run) -> None:
    Path("calls.csv").write_text(GOOD, encoding="utf-8")
    said = {}
    for day in ("", "2026-11-20", "2026-11-21"):
        option = ("--retrieved", f"port-calls={day}") if day else ()
        found = build("--source", "port_calls=calls.csv", *option, "--json")
        assert found.code == 0, found.err
        said[json.loads(found.out)["release"]] = day
        release = Path("releases/current")
        terms = f"retrieved {day}" if day else "terms as of 2024-03-12"
        assert f", {terms}), mapped" in (release / "void.ttl").read_text(encoding="utf-8")
        quads = [
            line
            for part in (release / "parts").glob("port-calls-registry*.nq")
            for line in part.read_text(encoding="utf-8").splitlines()
            if "#asOf> " in line
        ]
        assert quads
        assert all(f'"{day or "2024-03-12"}"' in line for line in quads)
    assert len(said) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("port_calls=2026-02-30",), "no feed and day, or two days of one feed; seen port_calls=2"),
        (("port_calls=20261120",), "expected ID=DATE, e.g. gdelt=2026-11-20"),
        (("2026-11-20",), "no feed and day"),
        (("port_calls=2026-11-20", "port-calls=2026-11-21"), "two days of one feed"),
        (("gdelt=2026-11-20",), "no files are given of a feed whose day is told; seen gdelt"),
    ],
)
def test_a_day_that_is_none(build: Run, given: tuple[str, ...], told: str) -> None:
    Path("calls.csv").write_text(GOOD, encoding="utf-8")
    options = [part for one in given for part in ("--retrieved", one)]
    found = build("--source", "port_calls=calls.csv", *options)
    assert found.code == 2
    assert "--retrieved: " in found.err
    assert told in found.err
    assert not Path("releases/current").exists()


def test_a_folder_of_mappings_is_an_input(run: Run, checkout: Path) -> None:
    shutil.copytree(checkout / "docs/tutorial/facts", "facts")
    Path("mine").mkdir()
    shutil.copy(checkout / "tests/pipeline/port_calls.py", "mine")
    Path("calls.csv").write_text(GOOD, encoding="utf-8")
    options = ("build", "--facts", "facts", "--mappings", "mine", "--json", "--processes", "1")

    def release(*more: str) -> dict[str, Any]:
        found = run(*options, *more)
        assert found.code == 0, found.err
        return dict(json.loads(found.out))

    first = release("--source", "port_calls=calls.csv")["release"]
    manifest = json.loads(Path("releases/current/manifest.json").read_text(encoding="utf-8"))
    assert "mappings-2/port_calls.py" in {one["name"] for one in manifest["inputs"]}
    Path("mine/test_port_calls.py").write_text("# a test is no input\n", encoding="utf-8")
    assert release("--source", "port_calls=calls.csv")["release"] == first
    text = Path("mine/port_calls.py").read_text(encoding="utf-8")
    Path("mine/port_calls.py").write_text(text.replace("Call of", "Visit of"), encoding="utf-8")
    second = release("--source", "port_calls=calls.csv")
    assert second["release"] != first
    without = release()
    assert {one["id"] for one in without["sources"]} == {"articles"}
    manifest = json.loads(Path("releases/current/manifest.json").read_text(encoding="utf-8"))
    assert not [one for one in manifest["inputs"] if one["name"].startswith("mappings-")]


def test_what_may_not_be_handed_on_is_in_no_dump(run: Run, checkout: Path) -> None:
    """As with a new mapping: nobody has read the licence yet."""
    Path("a.csv").write_text("id,date,title\n1,2024,A\n", encoding="utf-8")
    run("source", "new", "mine")
    place = checkout / "docs/tutorial/facts"
    found = run("build", "--facts", place, "--mappings", "mappings", "--source", "mine=a.csv")
    assert found.code == 0
    assert "the mapping mine still has to say: title, publisher, url, licence" in found.err
    manifest = json.loads(Path("releases/current/manifest.json").read_text(encoding="utf-8"))
    private = {one["key"] for one in manifest["graphs"] if one["private"]}
    assert private == {"mine-a", "mine-registry", "mine-status"}
    assert run("export", "--to", "dumps").code == 0
    dumps = [path.read_bytes() for path in Path("dumps").iterdir()]
    assert any(b"id/event/" in text for text in dumps)
    assert not any(b"event/mine-1" in text for text in dumps)


def test_an_id_of_the_package_is_taken(run: Run, checkout: Path) -> None:
    Path("mine").mkdir()
    shutil.copy(checkout / "mappings/gdelt.py", "mine")
    found = run("build", "--mappings", "mine", "--source", "gdelt=x.csv")
    assert found.code == 2
    assert "two mappings have one id" in found.err


def test_a_file_called_registry_is_a_batch_of_its_own(build: Run) -> None:
    for name in ("registry.csv", "status.csv"):
        first = "1" if name == "registry.csv" else "2"
        text = GOOD.replace("\n", f"\n{first}0", 30).removesuffix(f"{first}0")
        Path(name).write_text(text, encoding="utf-8")
    found = build(
        "--source", "port_calls=registry.csv", "--source", "port_calls=status.csv", "--json"
    )
    assert found.code == 0, found.err
    manifest = json.loads(Path("releases/current/manifest.json").read_text(encoding="utf-8"))
    graphs = {one["key"]: one["quads"] for one in manifest["graphs"]}
    assert {key for key in graphs if key.startswith("port-calls-")} == {
        "port-calls-file-registry",
        "port-calls-file-status",
        "port-calls-registry",
        "port-calls-status",
    }
    assert manifest["classes"]["https://w3id.org/chancery/ontology#FeedRecord"] == 60


def test_two_graphs_of_one_address_are_refused(run: Run, checkout: Path) -> None:
    """Else the document, or the rows, would be gone without a word."""
    shutil.copytree(checkout / "docs/tutorial/facts", "facts")
    path = Path("facts/harbour-visit.yaml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("id: harbour-visit\n", "id: port-calls-calls\n", 1), "utf-8")
    Path("calls.csv").write_text(GOOD, encoding="utf-8")
    place = checkout / "tests/pipeline"
    found = run(
        "build", "--facts", "facts", "--mappings", place, "--source", "port_calls=calls.csv"
    )
    assert found.code == 2
    assert "--source: two graphs have one address; seen " in found.err
    assert found.err.endswith("rename the document, or the file of the feed\n")


SLOW = """
import os
import time

def slowly(mapper):
    def made(table, out):
        inner = mapper(table, out)
        def map_row(row):
            if os.environ.get("SLOW") and row[0] == "900":
                time.sleep(60)
            inner(row)
        return map_row
    return made

mapper = slowly(mapper)
"""


def test_an_interrupt_leaves_the_old_release_and_what_was_done(
    elsewhere: Path, checkout: Path
) -> None:
    """Ctrl-C reaches the command and its processes; the next build goes on from there."""
    Path("mine").mkdir()
    text = (checkout / "tests/pipeline/port_calls.py").read_text(encoding="utf-8")
    Path("mine/port_calls.py").write_text(text + SLOW, encoding="utf-8")
    Path("2024-01.csv").write_text(GOOD, encoding="utf-8")
    header, _, rest = GOOD.partition("\n")
    more = "".join(f"{n + 899}{line[line.index(','):]}\n" for n, line in
                   enumerate(rest.splitlines(), 1))  # fmt: skip
    Path("2024-02.csv").write_text(f"{header}\n{more}", encoding="utf-8")
    command = [
        sys.executable, "-m", "kg", "build", "--facts", str(checkout / "docs/tutorial/facts"),
        "--mappings", "mine",
    ]  # fmt: skip
    feeds = ["--source", "port_calls=2024-01.csv", "--source", "port_calls=2024-02.csv"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    current = os.readlink("releases/current")
    mapped = Path("releases/.build/feeds/mapped")
    with subprocess.Popen(
        [*command, *feeds, "--processes", "2"],
        env={**environment, "SLOW": "yes"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as building:
        end = time.monotonic() + 100
        while not list(mapped.glob("*/[0-9a-f]*")) and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(building.pid, signal.SIGINT)
        _, said = building.communicate()
    assert building.returncode == 130
    assert "Interrupted: nothing was published." in said
    assert "Traceback" not in said
    assert os.readlink("releases/current") == current
    (done,) = mapped.glob("*/[0-9a-f]*")
    before = done.stat()
    whole = subprocess.run(
        [*command, *feeds, "--json"], env=environment, check=True, capture_output=True, text=True
    )
    assert json.loads(whole.stdout)["sources"][-1]["mapped"] == 60
    assert os.readlink("releases/current") != current
    after = done.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
