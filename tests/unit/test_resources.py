"""kg.resources: packaged files first, then those of the checkout, else an error."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from kg import resources
from kg.errors import ResourceError


@pytest.mark.parametrize("name", get_args(resources.Folder))
def test_every_folder_is_found_from_any_working_directory(name, elsewhere: Path, checkout: Path):
    assert resources.folder(name) == checkout / name


def package_in(folder: Path) -> Path:
    package = folder / "kg"
    package.mkdir()
    return package


def test_packaged_files_win_over_the_checkout(tmp_path: Path):
    package = package_in(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "facts").mkdir()
    (package / "_resources" / "facts").mkdir(parents=True)
    assert resources._find(package, "facts") == package / "_resources" / "facts"


def test_a_folder_beside_the_package_is_ours_only_in_a_checkout(tmp_path: Path):
    package = package_in(tmp_path)
    (tmp_path / "facts").mkdir()
    with pytest.raises(ResourceError, match='"facts" of the package is missing'):
        resources._find(package, "facts")
    (tmp_path / "pyproject.toml").touch()
    assert resources._find(package, "facts") == tmp_path / "facts"


def test_a_missing_folder_says_where_it_was_looked_for(tmp_path: Path):
    package = package_in(tmp_path)
    with pytest.raises(ResourceError) as caught:
        resources._find(package, "shapes")
    assert caught.value.where == str(package)
    assert str(package / "_resources" / "shapes") in caught.value.expected
