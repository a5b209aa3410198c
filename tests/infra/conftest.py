"""The packaged template, made once a test process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.deploy import package


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with sam.yaml and deployment.zip, without dependencies."""
    return package(tmp_path_factory.mktemp("packaged"))


@pytest.fixture(scope="session")
def resources(packaged: Path) -> dict[str, Any]:
    """The packaged template's resources."""
    loaded: dict[str, Any] = yaml.safe_load((packaged / "sam.yaml").read_text())["Resources"]
    return loaded


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of all resources of one type, by name."""
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}
