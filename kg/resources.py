"""Where the files are that come with the package: ontology, shapes, queries, facts and so on.

An installed wheel carries them in `kg/_resources/`; an editable install has no such folder and
reads those of the checkout. Nothing depends on the working directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kg.errors import ResourceError

Folder = Literal["ontology", "shapes", "mappings", "queries", "facts", "docs", "lexicon"]


def folder(name: Folder) -> Path:
    """Return the absolute path of a folder of files that come with the package.

    Args:
        name: "ontology", "shapes", "mappings", "queries", "facts", "docs" or "lexicon".
    Raises:
        ResourceError: neither the package nor a checkout around it has the folder.
    """
    return _find(Path(__file__).resolve().parent, name)


def _find(package: Path, name: str) -> Path:
    """Return the folder `name` of `package`, or else of the checkout that `package` lies in.

    Raises:
        ResourceError: there is no such folder.
    """
    packaged = package / "_resources" / name
    if packaged.is_dir():
        return packaged
    checkout = package.parent
    # Without this mark the parent is site-packages, where a folder "facts" is somebody else's.
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise ResourceError(
        f'the folder "{name}" of the package is missing',
        where=str(package),
        expected=f"{packaged}, or a checkout with the folder {name}",
        hint="reinstall chancery-kg, or run from a complete checkout",
    )
