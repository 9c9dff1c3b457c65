"""What the tests of the documentation share: a release of the built-in facts."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def release(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a release of the built-in facts."""
    from kg.build import publish

    path, built = publish(
        [checkout / "facts"], tmp_path_factory.mktemp("releases"), base="https://chancery.example/"
    )
    assert path is not None, built and built.report_table()
    return path
