"""The settings: one table that feeds the code, the reference page and the tests.

Order, later over earlier: defaults, `kg.toml`, the environment (`KG_*`), flags. `kg.cli` builds
`Settings` once and passes it on; nothing reads the environment by itself.
"""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from kg.errors import ConfigError, KgError, raise_all

SETTINGS_FILE = "kg.toml"
"""Name of the settings file that the commands look for in the working directory."""

Kind = Literal["IRI", "folder", "text", "secret", "addresses", "integer", "number", "choice"]

_BASE_IRI = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/([A-Za-z0-9._~!$&'()*+,;=:@\-]|%[0-9A-Fa-f]{2})+)*/"
)
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")

NOT_SETTINGS = ("KG_REQUIRE",)
"""Variables that begin like a setting and are read by the tests only."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: what a setting is called, takes and means."""

    name: str
    kind: Kind
    default: str | int | float | Path | None
    unit: str
    help: str
    minimum: float
    maximum: float
    choices: tuple[str, ...]

    @property
    def variable(self) -> str:
        """Return the name of the environment variable: `KG_` and the name in capitals."""
        return f"KG_{self.name.upper()}"

    @property
    def accepted(self) -> str:
        """Return in words which values are accepted."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "IRI":
            return 'an http or https address that ends in "/", such as https://example.org/'
        if self.kind == "folder":
            return "the path of a folder"
        if self.kind == "addresses":
            return "addresses or networks of IP, with commas between them, or `*` for all"
        if self.kind in ("text", "secret"):
            return "text in one line"
        what = "a whole number" if self.kind == "integer" else "a number"
        if self.maximum < math.inf:
            return f"{what} from {self.minimum:.10g} to {self.maximum:.10g}"
        return f"{what}, {self.minimum:.10g} or more"


def _setting(
    kind: Kind,
    default: str | int | float | Path | None,
    help: str,  # noqa: A002 - the word of the table
    *,
    unit: str = "",
    minimum: float = -math.inf,
    maximum: float = math.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    """Return a field of `Settings` that carries its row of the table."""
    row = {
        "kind": kind,
        "default": default,
        "unit": unit,
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
    }
    return dataclasses.field(default=default, metadata=row, repr=kind != "secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set, with its defaults; never changes once it is built."""

    base_iri: str = _setting(
        "IRI",
        "https://chancery.example/",
        "What the addresses of all data begin with. Set it before publishing: "
        "it is written into every release.",
    )
    facts: Path | None = _setting(
        "folder", None, "The facts that `kg build` reads. Without it: those of the package."
    )
    mappings: Path | None = _setting(
        "folder",
        None,
        "Your own mappings, beside those of the package. They are programs, and are run.",
    )
    releases: Path = _setting(
        "folder", Path("releases"), "Where releases are written and served from."
    )
    agent: str = _setting(
        "text",
        "",
        "Who is responsible for a release, as named in its provenance. Without it: nobody.",
    )
    contact: str = _setting(
        "text",
        "",
        "Where readers report errors: an e-mail address, or an https address in which {address}, "
        "{release} and {title} stand for those of the page. Without it: nowhere.",
    )
    texts: Path | None = _setting(
        "folder",
        None,
        "Your own copies of the texts: `kg serve` shows the words of the evidence, to this machine "
        "only. Without it: numbers.",
    )
    host: str = _setting(
        "text", "127.0.0.1", "The address that `kg serve` listens on; 0.0.0.0 for every one."
    )
    private: str = _setting(
        "choice",
        "here",
        "To whom `kg serve` shows graphs that may not be handed on: `here` serves a release that "
        "has some on this machine only, `everywhere` on any address.",
        choices=("here", "everywhere"),
    )
    port: int = _setting(
        "integer",
        8000,
        "The port that `kg serve` listens on; 0 for any free one.",
        minimum=0,
        maximum=65535,
    )
    backend: str = _setting(
        "text",
        "",
        "The address of a SPARQL server that holds the release (`kg export --to`): `kg serve` has "
        "it evaluate the queries. Without it: our own engine.",
    )
    server_user: str = _setting(
        "text",
        "",
        "Who asks or fills another SPARQL server (`kg serve --backend`, `kg export --to`). "
        "Without it: nobody in particular.",
    )
    server_password: str = _setting(
        "secret",
        "",
        "Their password there. It is no flag: a list of processes would show it.",
    )
    workers: int = _setting(
        "integer",
        4,
        "Queries that run at once, each in a process of its own; slow ones have at most half "
        "of them. With 1, each query waits for the one before, however slow.",
        unit="processes",
        minimum=1,
        maximum=256,
    )
    spare_workers: int = _setting(
        "integer",
        1,
        "Processes beyond `workers` that stand ready to replace one that was ended.",
        unit="processes",
        minimum=0,
        maximum=64,
    )
    query_queue: int = _setting(
        "integer",
        64,
        "Queries that wait for a worker; one more is told to come again. "
        "One client has at most half of the places.",
        unit="queries",
        minimum=0,
        maximum=10_000,
    )
    query_timeout_s: float = _setting(
        "number",
        30.0,
        "How long a query may take, from the question to the end of the answer.",
        unit="seconds",
        minimum=0.1,
        maximum=86400,
    )
    first_byte_s: float = _setting(
        "number",
        30.0,
        "How long a query may take until its answer begins.",
        unit="seconds",
        minimum=0.1,
        maximum=86400,
    )
    slow_after_s: float = _setting(
        "number",
        0.25,
        "How long a query runs among the fast ones; then it goes on among the slow ones.",
        unit="seconds",
        minimum=0.01,
        maximum=86400,
    )
    slow_reader_s: float = _setting(
        "number",
        10.0,
        "How long a client may take to accept the next part of an answer (at most 256 KiB).",
        unit="seconds",
        minimum=0.1,
        maximum=86400,
    )
    query_memory_mib: int = _setting(
        "integer",
        512,
        "Address space that a query may use on top of what the open store occupies.",
        unit="MiB",
        minimum=64,
        maximum=1_000_000,
    )
    result_limit_mib: int = _setting(
        "integer",
        256,
        "Size at which an answer is broken off with an error.",
        unit="MiB",
        minimum=1,
        maximum=1_000_000,
    )
    row_limit: int = _setting(
        "integer",
        0,
        "Rows or statements after which an answer is cut, which its headers say; 0 for no limit.",
        unit="rows",
        minimum=0,
        maximum=100_000_000,
    )
    cache_mib: int = _setting(
        "integer",
        32,
        "Memory for answers that are kept to be given again, and as much for pages; 0 for none.",
        unit="MiB",
        minimum=0,
        maximum=1_000_000,
    )
    client_rate: int = _setting(
        "integer",
        0,
        "Queries that one client may ask in a minute; 0 for any number.",
        unit="queries a minute",
        minimum=0,
        maximum=1_000_000,
    )
    trusted_proxies: str = _setting(
        "addresses",
        "127.0.0.1",
        "Proxies whose X-Forwarded-For is believed.",
    )
    log_format: str = _setting(
        "choice",
        "text",
        "How messages are written: a line of text, or of JSON.",
        choices=("text", "json"),
    )
    log_level: str = _setting(
        "choice",
        "info",
        "The least severe messages that are shown on stderr.",
        choices=("debug", "info", "warning", "error"),
    )


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=field.name, **field.metadata) for field in dataclasses.fields(Settings)
)
"""The table, in the order of `Settings`."""


def load_settings(
    file: Path | None, env: Mapping[str, str], flags: Mapping[str, object]
) -> Settings:
    """Return the settings: defaults, over them `file`, over it `env`, over it `flags`.

    Args:
        file: a TOML file of settings by name, or None. A relative folder in it is relative to
            the file; one in a variable or flag, to the working directory.
        env: the environment; only `KG_*` is looked at. An empty variable counts as not set.
        flags: values by the name of the setting; None means that the flag was not given.
    Raises:
        ConfigError: the file cannot be read, a name is unknown or a value is not accepted.
        KgErrors: more than one of these.

    >>> load_settings(None, {"KG_PORT": "8001"}, {"host": "0.0.0.0"}).port
    8001
    """
    by_name = {row.name: row for row in SETTINGS}
    by_variable = {row.variable: row for row in SETTINGS}
    given: list[tuple[str, object, Mapping[str, Setting], str, Path]] = []
    if file is not None:
        for name, value in _read_file(file).items():
            given.append((name, value, by_name, f"{file}: {name}", file.parent))
    for name in sorted(env):
        if name.startswith("KG_") and name not in NOT_SETTINGS and env[name]:
            given.append((name, env[name], by_variable, f"environment: {name}", Path()))
    for name, value in flags.items():
        if value is not None:
            given.append((name, value, by_name, "--" + name.replace("_", "-"), Path()))

    values: dict[str, Any] = {}
    errors: list[KgError] = []
    for name, value, rows, where, folder in given:
        if name not in rows:
            errors.append(_unknown(name, rows, where))
            continue
        try:
            values[rows[name].name] = _read(rows[name], value, where, folder)
        except ConfigError as error:
            errors.append(error)
    raise_all(errors)
    return Settings(**values)


def settings_page() -> str:
    """Return the reference page of the settings, in Markdown; equal for equal tables."""
    lines = [
        "# Settings",
        "",
        "<!-- Written by docs/generate.py from the table in kg/config.py; edit that table. -->",
        "",
        "Later wins: defaults, the file `kg.toml` of the working directory, environment",
        "variables, flags. An unknown name is an error in each of them.",
        "",
        "A relative folder in `kg.toml` is relative to that file, one in a variable or a flag to",
        "the working directory. An empty variable counts as not set.",
        "",
        "| in `kg.toml` | variable | default | accepted | meaning |",
        "|---|---|---|---|---|",
    ]
    for row in SETTINGS:
        default = "" if row.default in (None, "") else f"`{row.default}`"
        unit = f" ({row.unit})" if row.unit else ""
        lines.append(
            f"| `{row.name}` | `{row.variable}` | {default} | {row.accepted}{unit} | {row.help} |"
        )
    others = ", ".join(f"`{name}`" for name in NOT_SETTINGS)
    lines += [
        "",
        f"Read by the tests only: {others} (`all`: a tool that is absent is a failure).",
        "",
    ]
    return "\n".join(lines)


def _read_file(file: Path) -> dict[str, object]:
    """Return the content of a settings file.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or is not TOML.
    """
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigError(
            "the settings file cannot be read", where=str(file), seen=error.strerror or str(error)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            "the settings file is not UTF-8",
            where=f"{file}: byte {error.start}",
            seen=f"0x{error.object[error.start]:02x}",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            "the settings file is not TOML",
            where=str(file),
            seen=str(error),
            expected="lines such as port = 8000",
        ) from error


def _unknown(name: str, rows: Mapping[str, Setting], where: str) -> ConfigError:
    """Return the error for a name that is in no row."""
    import difflib

    near = difflib.get_close_matches(name, rows, n=1)
    return ConfigError(
        "there is no such setting",
        where=where,
        expected="one of " + ", ".join(rows),
        hint=f"did you mean {near[0]}?" if near else "",
    )


def _read(row: Setting, value: object, where: str, folder: Path) -> str | int | float | Path:
    """Return `value` as the type that `row` has.

    Raises:
        ConfigError: the value is not accepted.
    """
    read: str | int | float | Path | None = None
    if row.kind in ("integer", "number"):
        read = _read_number(row, value)
    elif row.kind == "folder":
        text = str(value) if isinstance(value, Path) else value
        if isinstance(text, str) and text and text.isprintable():
            read = folder / text
    elif isinstance(value, str) and value.isprintable() and _accepts(row, value):
        read = value
    if read is None:
        raise ConfigError(
            "the value is not accepted",
            where=where,
            seen="a secret" if row.kind == "secret" else str(value),
            expected=row.accepted,
        )
    return read


def _accepts(row: Setting, value: str) -> bool:
    """Return whether `value`, one line of text, is one that `row` accepts."""
    if row.kind == "choice":
        return value in row.choices
    if row.kind == "addresses":
        return value in ("", "*") or all(map(_is_address, value.split(",")))
    return row.kind in ("text", "secret") or _BASE_IRI.fullmatch(value) is not None


def _is_address(text: str) -> bool:
    """Return whether a text is an address or a network of IP."""
    try:
        ip_network(text.strip())
    except ValueError:
        return False
    return True


def _read_number(row: Setting, value: object) -> int | float | None:
    """Return `value` as a number within the bounds of `row`, or None if it is none."""
    number: int | float
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        number = float(value)
    elif isinstance(value, int | float):
        number = value
    else:
        return None
    if not row.minimum <= number <= row.maximum:  # NaN too ends here
        return None
    if row.kind == "number":
        return float(number)
    return int(number) if number == int(number) else None
