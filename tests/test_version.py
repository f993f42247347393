"""One version, wherever it is written."""

import json
import re
import tomllib

import pytest

PLACES = {"CITATION.cff": r"^version: (\S+)$", "_config.yml": r'version: "(\S+)"', "README.md": r"Version (\d+\.\d+\.\d+)",
          "index.md": r"Version (\d+\.\d+\.\d+)", ".zenodo.json": r'"version": "(\S+)"', "ro-crate-metadata.json": r'"version": "(\S+)"'}


@pytest.mark.parametrize("place", PLACES)
def test_versions_agree(root, place):
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert re.search(PLACES[place], (root / place).read_text("utf-8"), re.M)[1] == version
    assert json.loads((root / "data/datapackage.json").read_text("utf-8"))["version"] == version
