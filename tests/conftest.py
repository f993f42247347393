"""Where the built things are, for every test."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def built(*parts: str) -> Path:
    """A file that make has built; its absence is a failure, not a skip."""
    path = ROOT.joinpath("_build", *parts)
    assert path.exists(), f"{path.relative_to(ROOT)} is missing: run make test, which builds it first"
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of built pages."""
    return built("html", "index.html").parent


@pytest.fixture(scope="session")
def pdf() -> Path:
    """The built PDF."""
    return built("pdf", "book.pdf")


@pytest.fixture(scope="session")
def epub() -> Path:
    """The built EPUB."""
    return built("epub", "book.epub")


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the dataset and the bibliography, to be broken."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "references.bib", tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; without one the test is skipped, unless BOOK_REQUIRE_BROWSER says it must run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        message = "no Chromium on this machine"
        pytest.fail(message) if os.environ.get("BOOK_REQUIRE_BROWSER") else pytest.skip(message)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=[
            "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-first-run"])
        yield running
        running.close()
