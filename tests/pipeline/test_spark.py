"""Feeds by Spark on this machine: the bytes of one process, also where processes are killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from kg.errors import ConfigError, KgError
from kg.spark import Spark, read_settings

from .conftest import Build, below, call, calls, finish, hashes, results, write_feed

pytestmark = pytest.mark.timeout(900)
spark = pytest.mark.requires("spark", "java")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_feed(tmp_path_factory.mktemp("feed") / "in", files=10, rows=60)


def by_spark(number: int, *more: str) -> tuple[str, ...]:
    return ("--engine", "spark", "--master", f"local[{number}]", *more)


def mapped(out: Path, number: int) -> bool:
    return len(results(out)) >= number


def workers(pid: int) -> list[int]:
    """Return the processes in which Spark runs Python, without the one that starts them."""
    found = [one for one, words in below(pid).items() if "pyspark.daemon" in words]
    return [one for one in found if any(one in below(other) for other in found)]


@spark
def test_releases_are_those_of_one_process_whatever_is_killed(
    tmp_path: Path, place: Path, command: Build
):
    finish(command(tmp_path / "one", place, "--processes", "1"))
    expected = hashes(tmp_path / "one")

    for number in (2, 4):
        out = tmp_path / f"spark-{number}"
        said = finish(command(out, place, *by_spark(number)))
        assert hashes(out) == expected
        assert "WARN" not in said
        assert list(out.glob(".build/spark-*")) == []

    for number in (1, 8):  # results that stand when a process of Spark's is killed
        out = tmp_path / f"killed-process-{number}"
        process = command(out, place, *by_spark(2))
        before: dict[Path, tuple[int, int]] = {}
        lost = False
        while process.poll() is None and not lost:
            if before or mapped(out, number):
                before = before or results(out)
                for one in workers(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
                time.sleep(0.1)  # where all were idle nothing was lost, and the next ones go too
                lost = "crashed" in (out / ".build/spark.log").read_text()
            time.sleep(0.005)
        finish(process)
        assert lost
        assert hashes(out) == expected
        after = results(out)
        assert {path: after[path] for path in before if path in after} == {
            path: state for path, state in before.items() if path in after
        }

    for number in (2, 9):  # results that stand when the build itself is killed
        out = tmp_path / f"killed-build-{number}"
        process = command(out, place, *by_spark(2))
        while process.poll() is None and not mapped(out, number):
            time.sleep(0.005)
        others = below(process.pid)
        process.kill()
        process.communicate()
        before = results(out)
        assert len(before) >= number
        finish(command(out, place, *by_spark(2)))
        assert hashes(out) == expected
        after = results(out)
        assert {path: after[path] for path in before if path in after} == {
            path: state for path, state in before.items() if path in after
        }
        assert [one for one in others if Path(f"/proc/{one}").exists()] == []
        assert list(out.glob(".build/spark-*")) == []


@spark
def test_errors_of_jobs_are_those_of_one_process(tmp_path: Path, command: Build):
    # Too many rows are bad: told by the build. Pieces that are spoilt: told by a job.
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "calls.csv").write_text(
        calls(0, 4) + call(9, day="soon") + "\n" + call(10, day="late") + "\n"
    )
    one = finish(command(tmp_path / "one", bad, "--processes", "1"), 1)
    two = finish(command(tmp_path / "two", bad, *by_spark(2)), 1)
    assert "2 of 6 rows of port_calls cannot be mapped" in one
    told = [line for line in one.splitlines() if "rows of port_calls" in line]
    assert told == [line for line in two.splitlines() if "rows of port_calls" in line]
    rejected = "rejected/issues.jsonl"
    assert (tmp_path / "one" / rejected).read_bytes() == (tmp_path / "two" / rejected).read_bytes()

    said = []
    for name, options in (("one", ("--processes", "1")), ("two", by_spark(2))):
        out = tmp_path / name
        shutil.rmtree(out / ".build/feeds/mapped")
        for piece in out.glob(".build/feeds/cut/*/0*"):
            piece.write_bytes(b"")
        said.append(finish(command(out, bad, *options), 2).splitlines()[-1].replace(f"{out}", ""))
    assert "a piece is not what was cut" in said[0]
    assert said[1] == said[0]


@spark
def test_a_master_that_is_not_there_is_told(tmp_path: Path, command: Build, place: Path):
    options = ("--engine", "spark", "--master", "nonsense:7077")
    said = finish(command(tmp_path / "out", place, *options), 2).splitlines()[-1]
    assert "--master nonsense:7077: Spark cannot be started" in said
    assert "spark.log" in said
    assert "Master must either be yarn or start with spark, k8s, or local" in said


def test_spark_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def none(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("kg.spark.importlib.import_module", none)
    with pytest.raises(ConfigError, match=r"pip install 'chancery-kg\[spark\]'"):
        Spark(tmp_path)


@pytest.mark.requires("spark")
def test_java_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="Java 17 or later; apt-get install default-jre-headless"):
        Spark(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=f"JAVA_HOME: .*seen {tmp_path}"):
        Spark(tmp_path)


def test_settings_of_spark_have_a_name_and_a_value():
    assert read_settings(["spark.a=b=c"]) == {"spark.a": "b=c"}
    for text in ("spark.a", "a=b", ""):
        with pytest.raises(ConfigError, match="--spark-conf"):
            read_settings([text])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--engine", "flink"), "--engine: there is no such engine; seen flink"),
        (("--master", "yarn"), "--master: only Spark has masters"),
        (("--spark-conf", "spark.a=b"), "--spark-conf: only Spark has masters"),
        (("--engine", "spark", "--processes", "3"), "expected --master local[3]"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    options: tuple[str, ...], told: str, tmp_path: Path, command: Build, place: Path
):
    assert told in finish(command(tmp_path / "out", place, *options), 2)


def test_a_machine_without_the_folder_or_with_other_code_says_so(tmp_path: Path):
    import pickle

    import msgspec

    from kg.spark import _code, _folders, _Head, _work

    def said(**other: object) -> KgError:
        head = {
            "function": "kg.pipeline:_map",
            "mark": str(tmp_path / "releases/.build/spark/mark"),
            "code": _code(),
            "folders": _folders(),
            "tries": 1,
        }
        packed = msgspec.msgpack.encode(_Head(**{**head, **other}))  # type: ignore[arg-type]
        [(n, kind, data)] = list(_work(packed, [[(7, b"")]]))
        assert (n, kind) == (7, "error")
        found = pickle.loads(data)
        assert isinstance(found, KgError)
        return found

    missing = said()
    assert missing.where == str(tmp_path / "releases")
    assert "one folder that all machines have under this path" in str(missing)
    assert "docs/how-to/build-on-many-machines.md" in str(missing)
    other = said(mark=str(tmp_path), code="0" * 64)
    assert "a machine has other code" in str(other)
