"""Where the built things are, for every test."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from sphinx.util.docutils import docutils_namespace

#: A shell lets what it runs in the background ignore Ctrl-C, and so would the commands that the tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


def built(*parts: str) -> Path:
    """A file that make has built; its absence is a failure, not a skip."""
    path = ROOT.joinpath("_build", *parts)
    assert path.exists(), f"{path.relative_to(ROOT)} is missing: run make test, which builds it first"
    return path


@pytest.fixture(autouse=True, scope="module")
def docutils_as_it_was():
    """What one file of tests registers with docutils is gone for the next, whose Sphinx would warn of it."""
    with docutils_namespace():
        yield


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


def program(*names: str) -> str:
    """The first of some programs that this machine has; else the test is skipped, unless BOOK_REQUIRE_BROWSER says it must run."""
    if found := next(filter(None, map(shutil.which, names)), None):
        return found
    message = f"no {names[0]} on this machine"
    pytest.fail(message) if os.environ.get("BOOK_REQUIRE_BROWSER") else pytest.skip(message)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium."""
    program_file = program("chromium", "chromium-browser", "google-chrome")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program_file, args=[
            "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-first-run"])
        yield running
        running.close()
