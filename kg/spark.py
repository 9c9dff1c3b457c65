"""The jobs of feeds on many machines, by Apache Spark.

The jobs are those of `kg.pipeline`, and so is what they write: each a file under the name of all
that it depends on, put in place in one step. Spark hands out partitions of jobs, and gives one that
died to another process, where the jobs of it that were done are taken as they are. What is read are
the names that jobs return, never what lies in a folder: a job that ran twice has one result.

All machines need the folder of releases under one path, and this very code; processes check both.

Spec: docs/how-to/build-on-many-machines.md
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import logging
import os
import pickle
import re
import shutil
import socket
import sys
import traceback
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

import kg
from kg.errors import ConfigError, ReleaseError
from kg.identity import collect_inputs, engine_versions
from kg.index import FOLDER
from kg.pipeline import Setup, put
from kg.resources import folder

_log = logging.getLogger(__name__)

MASTER: Final = "local[*]"
_LOCAL: Final = re.compile(r"local(?:\[(\*|[1-9][0-9]*)(?:,([1-9][0-9]*))?\])?")
_TRIES: Final = 4
"""How often a partition is tried."""
_PARTITION: Final = 8
"""Jobs of a partition at most."""
_AT_ONCE: Final = 16
"""Jobs of Spark, each with some partitions, that run at once at most."""
_GUIDE: Final = "docs/how-to/build-on-many-machines.md"
_RESOURCES: Final = ("ontology", "shapes", "mappings", "lexicon")

_PYTHON: Final = "spark.pyspark.python"

R = TypeVar("R")


class _Head(msgspec.Struct, frozen=True):
    """What a process needs to know before it does a job.

    Attributes:
        function: module and name of what does it.
        mark: a file that is there if the folder of releases is.
        code: what `_code` returns where the build runs.
        folders: where the files of the package lie there.
        tries: how often a partition is tried.
    """

    function: str
    mark: str
    code: str
    folders: dict[str, str]
    tries: int


class Spark:
    """Runs jobs by Spark, which is started by the first of them. To be used with `with`.

    Args:
        releases: the folder of releases, which all machines have.
        master: as Spark takes it: `local[4]`, `spark://host:7077`, `yarn`; empty for `local[*]`, or
            for what `spark-submit` was given.
        settings: more of Spark's own, by their names.
    """

    def __init__(
        self, releases: Path, master: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        self._build = releases.absolute() / FOLDER
        self._place = self._build / f"spark-{socket.gethostname()}-{os.getpid()}"
        self._mark = self._place / f"shared-{os.urandom(8).hex()}"
        self._log = self._build / "spark.log"
        submitted = "PYSPARK_GATEWAY_PORT" in os.environ
        self._master = master or ("" if submitted else MASTER)
        self._given = dict(settings or {})
        self._context: Any = None
        try:
            self._pyspark: Any = importlib.import_module("pyspark")
            self._errors: tuple[type[Exception], ...] = (
                importlib.import_module("py4j.protocol").Py4JError,
                importlib.import_module("pyspark.errors").PySparkException,
                OSError,
            )
        except ImportError as error:
            raise ConfigError(
                "Spark is not installed",
                where="--engine spark",
                seen=str(error),
                hint="pip install 'chancery-kg[spark]'",
            ) from error
        home = os.environ.get("JAVA_HOME", "")
        if not submitted and not shutil.which("java", path=f"{home}/bin" if home else None):
            raise ConfigError(
                "Spark needs Java, and there is none",
                where="JAVA_HOME" if home else "--engine spark",
                seen=home,
                expected="Java 17 or later",
                hint="apt-get install default-jre-headless, or set JAVA_HOME",
            )

    def __enter__(self) -> Spark:
        return self

    def __exit__(self, *_: object) -> None:
        if self._context is not None:
            with contextlib.suppress(*self._errors):
                self._context.stop()
            self._context = None
        shutil.rmtree(self._place, ignore_errors=True)

    def run(self, function: Callable[[Any], R], jobs: Sequence[Any]) -> Iterator[tuple[int, R]]:
        """Yield what jobs return; see `kg.pipeline.Engine.run`.

        Args:
            function: it can be imported by its name, and says which types it takes and returns.
            jobs: structs of msgspec.
        Raises:
            ConfigError: Spark cannot be started.
            ReleaseError: it gave up; a machine has not the folder of releases, or other code.
            KgError: what a job raises.
        """
        if not jobs:
            return
        try:
            context = self._started()
            slots = max(1, int(context.defaultParallelism))
        except self._errors as error:
            raise ConfigError(
                "Spark cannot be started",
                where=f"--master {self._master}",
                seen=_logged(self._log) or _words(error),
                hint=f"its own words are in {self._log}",
            ) from error
        head = _Head(
            function=f"{function.__module__}:{function.__qualname__}",
            mark=str(self._mark),
            code=_code(),
            folders=_folders(),
            tries=self._tries,
        )
        result: type[R] = typing.get_type_hints(function)["return"]
        work = functools.partial(_work, msgspec.msgpack.encode(head))
        size = min(_PARTITION, max(1, len(jobs) // (4 * slots)))
        numbered = [(n, msgspec.msgpack.encode(job)) for n, job in enumerate(jobs)]
        partitions = [numbered[n : n + size] for n in range(0, len(numbered), size)]
        threads = min(_AT_ONCE, 2 * slots)
        share = -(-2 * slots // threads)
        shares = iter([partitions[n : n + share] for n in range(0, len(partitions), share)])

        def collect(some: list[list[tuple[int, bytes]]]) -> list[tuple[int, str, bytes]]:
            found: list[tuple[int, str, bytes]] = (
                context.parallelize(some, len(some)).mapPartitions(work).collect()
            )
            return found

        pool = ThreadPoolExecutor(threads)
        running: set[Future[list[tuple[int, str, bytes]]]] = set()
        try:
            while True:
                while len(running) < threads and (some := next(shares, None)):
                    running.add(pool.submit(collect, some))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    for n, kind, data in future.result():
                        if kind == "error":
                            raise pickle.loads(data)  # of this very program
                        yield n, msgspec.msgpack.decode(data, type=result)
        except self._errors as error:
            raise ReleaseError(
                "Spark gave up on a part of a feed",
                seen=_words(error),
                hint="processes may have been short of memory; what was done is kept: try again. "
                f"Its own words are in {self._log}",
            ) from error
        finally:
            if running:
                with contextlib.suppress(*self._errors):
                    context.cancelAllJobs()
            pool.shutdown(cancel_futures=True)

    def _started(self) -> Any:
        """Return the context of Spark, which is started if it is not yet."""
        if self._context is None:
            self._build.mkdir(parents=True, exist_ok=True)
            for old in self._build.glob(f"spark-{socket.gethostname()}-*"):
                if not _alive(old.name.rpartition("-")[2]):
                    shutil.rmtree(old, ignore_errors=True)
            put(self._mark, [])
            settings = self._settings()
            _log.info("starting Spark: %s", settings.get("spark.master", "as it was submitted"))
            logging.getLogger("py4j").setLevel(logging.ERROR)
            with _aside(self._log), _python(settings.get(_PYTHON, "")):
                config = self._pyspark.SparkConf().setAll(list(settings.items()))
                self._context = self._pyspark.SparkContext.getOrCreate(config)
        return self._context

    def _settings(self) -> dict[str, str]:
        """Return the settings of Spark: those that were given come last."""
        found = {
            "spark.app.name": "kg build",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.eventLog.enabled": "false",
            "spark.speculation": "false",
            "spark.task.maxFailures": str(_TRIES),
            # Java hands bytes on, and no more.
            "spark.driver.memory": "1g",
            "spark.executor.memory": "1g",
        }
        if self._master:
            found["spark.master"] = self._master
        if match := _LOCAL.fullmatch(self._master):
            paths = [str(Path(kg.__file__).resolve().parent.parent)]
            paths += [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
            found |= {
                # Without the second number a part whose process died is not tried again.
                "spark.master": f"local[{match[1] or 1},{match[2] or _TRIES}]",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1",
                "spark.local.dir": str(self._place),
                _PYTHON: sys.executable,
                "spark.executorEnv.PYTHONPATH": os.pathsep.join(paths),
            }
        return found | self._given

    @property
    def _tries(self) -> int:
        match = _LOCAL.fullmatch(self._master)
        if match:
            return int(match[2] or _TRIES)
        return int(self._context.getConf().get("spark.task.maxFailures", str(_TRIES)))


def read_settings(options: Sequence[str]) -> dict[str, str]:
    """Return settings of Spark that were given as `NAME=VALUE`.

    Raises:
        ConfigError: one is not of this form.

    >>> read_settings(["spark.executor.memory=2g"])
    {'spark.executor.memory': '2g'}
    """
    found = {}
    for text in options:
        name, sign, value = text.partition("=")
        if not sign or not name.startswith("spark."):
            raise ConfigError(
                "no setting of Spark",
                where="--spark-conf",
                seen=text,
                expected="NAME=VALUE, e.g. spark.executor.memory=2g",
            )
        found[name] = value
    return found


_RAISED: Final = re.compile(r"[A-Za-z_.]*(?:Error|Exception)(?:: .*)?")


def _words(error: Exception) -> str:
    """Return what an error says in a line: of a traceback the last one, else the first."""
    text = str(error)
    java = getattr(error, "java_exception", None)
    if java is not None:
        with contextlib.suppress(Exception):  # Java may be gone
            text = str(java.getMessage() or text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(line.endswith("Traceback (most recent call last):") for line in lines):
        lines = [line for line in lines if _RAISED.fullmatch(line)][-1:] or lines
    return lines[0] if lines else type(error).__name__


def _logged(log: Path) -> str:
    """Return the first error of a log; empty if it has none."""
    with contextlib.suppress(OSError):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if re.search(r"^(Exception|Error|Caused by)|Error:|Exception:", line):
                return line.strip()
    return ""


def _alive(number: str) -> bool:
    """Return whether there is a process of this number."""
    try:
        os.kill(int(number), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


@contextlib.contextmanager
def _aside(log: Path) -> Iterator[None]:
    """Let what processes that are started meanwhile print go to a file, for all their lives."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    try:
        with log.open("wb") as file:
            for number, _ in kept:
                os.dup2(file.fileno(), number)
        yield
    finally:
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)


@contextlib.contextmanager
def _python(path: str) -> Iterator[None]:
    """Let Spark start this Python for its processes; the setting itself is heard by no driver."""
    name = "PYSPARK_PYTHON"
    before = os.environ.get(name)
    if path:
        os.environ[name] = path
    try:
        yield
    finally:
        if path:
            del os.environ[name]
            if before is not None:
                os.environ[name] = before


@functools.cache
def _code() -> str:
    """Return what stands for all that the result of a job depends on beside the job."""
    versions = engine_versions()
    found = [(name, versions.get(name, "")) for name in ("python", "pyoxigraph", "zstandard")]
    places = {"kg": Path(kg.__file__).resolve().parent}
    places |= {name: Path(path) for name, path in _folders().items()}
    found += [(one.name, one.sha256) for one in collect_inputs(places)]
    return hashlib.sha256(msgspec.json.encode(found)).hexdigest()


def _folders() -> dict[str, str]:
    return {name: str(folder(name)) for name in _RESOURCES}


# --- in the processes ---------------------------------------------------------------------------


def _work(head: bytes, part: Iterable[list[tuple[int, bytes]]]) -> Iterator[tuple[int, str, bytes]]:
    """Yield the number of each job of a partition and what it returns or, last, raises."""
    one = msgspec.msgpack.decode(head, type=_Head)
    for jobs in part:
        for n, data in jobs:
            try:
                _check(one)
                yield n, "result", msgspec.msgpack.encode(_done(one, data))
            except OSError as error:
                # A folder of several machines may be out of order for a moment.
                context = importlib.import_module("pyspark").TaskContext.get()
                if context is not None and context.attemptNumber() + 1 < one.tries:
                    raise
                yield n, "error", pickle.dumps(_told(error))
                return
            except Exception as error:  # noqa: BLE001 - the build raises it
                yield n, "error", _pickled(error)
                return


def _done(head: _Head, data: bytes) -> Any:
    """Return what a job returns."""
    module, _, name = head.function.partition(":")
    function: Callable[[Any], Any] = getattr(importlib.import_module(module), name)
    hints = typing.get_type_hints(function)
    job = msgspec.msgpack.decode(data, type=next(iter(hints.values())))
    if isinstance(setup := getattr(job, "setup", None), Setup):
        job = msgspec.structs.replace(job, setup=_here(setup, head.folders))
    return function(job)


def _here(setup: Setup, there: Mapping[str, str]) -> Setup:
    """Return where the files of the package are on this machine."""

    def moved(path: str) -> str:
        for name, old in there.items():
            if Path(path).is_relative_to(old):
                return str(Path(_folders()[name]) / Path(path).relative_to(old))
        return path

    return msgspec.structs.replace(
        setup,
        ontology=moved(setup.ontology),
        shapes=tuple(map(moved, setup.shapes)),
        mappings=moved(setup.mappings),
    )


def _check(head: _Head) -> None:
    """Return nothing if this machine has the folder of releases and the same code.

    Raises:
        ReleaseError: it has not.
    """
    if not Path(head.mark).exists():
        raise ReleaseError(
            "a machine does not have the folder of releases",
            where=str(Path(head.mark).parent.parent.parent),
            seen=socket.gethostname(),
            expected="one folder that all machines have under this path",
            hint=f"share it, or name another with --out; see {_GUIDE}",
        )
    if _code() != head.code:
        raise ReleaseError(
            "a machine has other code, or another version of Python, pyoxigraph or zstandard",
            where=socket.gethostname(),
            seen=f"chancery-kg {kg.__version__} in {Path(kg.__file__).resolve().parent}",
            expected="exactly what the build itself has",
            hint=f"give all machines one environment; see {_GUIDE}",
        )


def _told(error: OSError) -> ReleaseError:
    """Return an error of the system in words, with what to do."""
    missing = isinstance(error, FileNotFoundError)
    return ReleaseError(
        "a file of the build is not there" if missing else "a job could not read or write",
        where=str(error.filename or ""),
        seen=f"{error.strerror or error} on {socket.gethostname()}",
        hint="do all machines have the folder of releases, and room in it? "
        f"what was done is kept: try again; see {_GUIDE}",
    )


def _pickled(error: Exception) -> bytes:
    """Return an error as bytes; of one that cannot be taken apart, what it says."""
    told = "".join(traceback.format_exception(error))
    try:
        error.add_note(f"on {socket.gethostname()}:\n{told}")
        data = pickle.dumps(error)
        pickle.loads(data)
    except Exception:  # noqa: BLE001 - whatever its class does
        data = pickle.dumps(RuntimeError(told))
    return data
