"""What several commands share: options, the settings, and how they print.

Spec: docs/reference/cli.md
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from kg import logs
from kg.config import Settings, load_settings

FactsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--facts",
        help="A folder of facts files; give it again for more. [default: the built-in facts]",
    ),
]
ReleasesOption = Annotated[
    Path | None, typer.Option("--releases", help="The folder of releases. [default: releases]")
]
LinksOption = Annotated[
    Path | None,
    typer.Option("--links", help="The authority of outside links (SSSOM TSV). [default: ours]"),
]
MappingsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--mappings",
        metavar="FOLDER",
        help="A folder of your own mappings, which are programs and are run; give it again for "
        "more. [default: only the built-in ones]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A settings file. [default: kg.toml if there]")
]


def read_settings(config: Path | None = None, **flags: object) -> Settings:
    """Return the settings of the file, the environment and the options; logs are as they say.

    Raises:
        ConfigError: a setting is wrong.
    """
    default = Path("kg.toml")
    file = config or (default if default.is_file() else None)
    settings = load_settings(file, os.environ, flags)
    logs.set_up(settings.log_level, settings.log_format)
    return settings


def facts_folders(settings: Settings, given: list[Path] | None) -> list[Path]:
    """Return the folders of facts files: those given, that of the settings, or the built-in one."""
    if given:
        return given
    if settings.facts is not None:
        return [settings.facts]
    from kg.resources import folder

    return [folder("facts")]


def mapping_folders(settings: Settings, given: list[Path] | None) -> list[Path]:
    """Return the folders of mappings beside that of the package: those given, or the setting's."""
    return given or ([settings.mappings] if settings.mappings is not None else [])


def say(text: str) -> None:
    """Print a message on stderr."""
    typer.echo(text, err=True)


def print_json(value: object) -> None:
    """Print data as one line of JSON on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))
