"""kg.config: defaults < kg.toml < KG_* < flags, and nothing unknown."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kg.config import NOT_SETTINGS, SETTINGS, Settings, load_settings, settings_page
from kg.errors import ConfigError, KgErrors


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kg.toml"


def test_without_anything_the_defaults_hold():
    settings = load_settings(None, {}, {})
    assert settings == Settings()
    assert settings.base_iri == "https://chancery.example/"
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 4)
    assert settings.releases == Path("releases")
    assert settings.facts is None


def test_later_wins(file: Path):
    file.write_text("port = 1\nworkers = 3\nhost = 'a.example'\n")
    env = {"KG_PORT": "2", "KG_WORKERS": "4", "HOME": "/", "PORT": "9"}
    settings = load_settings(file, env, {"port": 5, "workers": None})
    assert (settings.port, settings.workers, settings.host) == (5, 4, "a.example")


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1


def test_an_empty_variable_counts_as_not_set():
    assert load_settings(None, {"KG_PORT": ""}, {}).port == 8000


def test_a_relative_folder_in_the_file_is_relative_to_the_file(file: Path):
    file.write_text("releases = 'out'\nfacts = '/srv/facts'\n")
    settings = load_settings(file, {}, {})
    assert settings.releases == file.parent / "out"
    assert settings.facts == Path("/srv/facts")
    assert load_settings(file, {"KG_RELEASES": "out"}, {}).releases == Path("out")
    assert load_settings(file, {}, {"releases": Path("out")}).releases == Path("out")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("base_iri", "http://localhost:8000/", "http://localhost:8000/"),
        ("base_iri", "https://example.org/kg/", "https://example.org/kg/"),
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("query_timeout_s", "2", 2.0),
        ("query_timeout_s", "0.5", 0.5),
        ("agent", "বাংলা ডেস্ক", "বাংলা ডেস্ক"),
        ("log_level", "debug", "debug"),
    ],
)
def test_a_variable_is_read_as_the_type_of_its_setting(name: str, value: str, read: object):
    seen = getattr(load_settings(None, {f"KG_{name.upper()}": value}, {}), name)
    assert seen == read
    assert type(seen) is type(read)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_iri", "https://example.org"),
        ("base_iri", "ftp://example.org/"),
        ("base_iri", "https://example.org/a#"),
        ("base_iri", "https://example.org/?a/"),
        ("base_iri", "https://example.org//"),
        ("base_iri", "https://user@example.org/"),
        ("base_iri", "https://example.org/a b/"),
        ("base_iri", "https://example.org/<a>/"),
        ("base_iri", "https://example.org/\n"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "80.5"),
        ("port", "0x50"),
        ("port", "1_000"),
        ("port", "eighty"),
        ("workers", "0"),
        ("workers", "২"),
        ("query_timeout_s", "0"),
        ("query_timeout_s", "nan"),
        ("query_timeout_s", "inf"),
        ("query_memory_mib", "1"),
        ("log_level", "loud"),
        ("host", "a\nb"),
        ("releases", "a\0b"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error(name: str, value: str):
    variable = f"KG_{name.upper()}"
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {variable: value}, {})
    row = next(row for row in SETTINGS if row.name == name)
    assert caught.value.where == f"environment: {variable}"
    assert caught.value.seen == value
    assert caught.value.expected == row.accepted


@pytest.mark.parametrize(
    "line",
    ["port = true", "port = '80 '", "host = 1", "releases = 1", "port = [1]", "workers = 1.5",
     "query_timeout_s = nan", "agent = 2023-10-18"],
)  # fmt: skip
def test_a_value_of_another_type_in_the_file_is_an_error(file: Path, line: str):
    file.write_text(line)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {}, {})
    assert caught.value.where == f"{file}: {line.split(' =')[0]}"


def test_an_unknown_name_is_an_error_in_each_place(file: Path):
    file.write_text("prot = 1\n")
    with pytest.raises(KgErrors) as caught:
        load_settings(file, {"KG_WORKER": "1"}, {"query_timeout": 1})
    where = [error.where for error in caught.value.errors]
    hints = [error.hint for error in caught.value.errors]
    assert where == [f"{file}: prot", "environment: KG_WORKER", "--query-timeout"]
    assert hints == [
        "did you mean port?",
        "did you mean KG_WORKERS?",
        "did you mean query_timeout_s?",
    ]


def test_all_errors_come_together(file: Path):
    file.write_text("port = 'x'\nnothing = 1\n")
    with pytest.raises(KgErrors) as caught:
        load_settings(file, {"KG_PORT": "y", "KG_LOG_LEVEL": "z"}, {"port": 70000})
    assert [error.seen for error in caught.value.errors] == ["x", "", "z", "y", "70000"]
    assert all(isinstance(error, ConfigError) for error in caught.value.errors)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"port = ", "is not TOML"),
        (b"agent = '\xff'", "is not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(file: Path, content: bytes | None, what: str):
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=what) as caught:
        load_settings(file, {}, {})
    assert caught.value.where.startswith(str(file))


@pytest.mark.parametrize("name", NOT_SETTINGS)
def test_variables_of_the_tests_are_no_settings(name: str):
    assert load_settings(None, {name: "all"}, {}) == Settings()


def test_every_default_is_a_value_that_its_setting_accepts():
    for row in SETTINGS:
        if row.default not in (None, ""):
            settings = load_settings(None, {}, {row.name: row.default})
            assert getattr(settings, row.name) == row.default


def test_every_setting_is_explained():
    for row in SETTINGS:
        assert row.help.endswith("."), row.name


def test_the_reference_page_names_every_setting_and_is_current(checkout: Path):
    page = settings_page()
    for row in SETTINGS:
        assert f"| `{row.name}` | `{row.variable}` |" in page
    assert (checkout / "docs/reference/settings.md").read_text(encoding="utf-8") == page
