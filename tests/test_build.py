"""A build that is stopped, or fails, leaves the last good one as it was, and the next one is right."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CONF = '''
import pathlib, time

extensions = ["sphinxext.navigation", "sphinxext.search"]
project = author = copyright = "Someone"
version = "1"

def slow(app, page, *_):
    if page == "b" and pathlib.Path("slow").exists():
        pathlib.Path("begun").touch()
        time.sleep(30)

def setup(app):
    app.connect("html-page-context", slow)
'''


@pytest.fixture
def project(tmp_path):
    """A small book, built once."""
    for name, text in {"conf.py": CONF, "index.rst": "Title\n=====\n\n.. toctree::\n\n   a\n   b\n", "a.rst": "One\n===\n", "b.rst": "Two\n===\n"}.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert run(tmp_path).returncode == 0
    return tmp_path


def command(folder, builder="html"):
    return dict(args=[sys.executable, "-m", "sphinxext.build", builder], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)})


def run(folder, builder="html", **more):
    return subprocess.run(**command(folder, builder), capture_output=True, text=True, **more)


def built(folder):
    """Every file under _build, its bytes and its time."""
    return {p.relative_to(folder): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.glob("_build/**/*") if p.is_file()}


def test_pages_that_grew_step_by_step_are_those_of_a_build_from_nothing(project):
    before = {name: content for name, (content, _) in built(project).items() if name.is_relative_to("_build/html")}
    for text in ("Headed\n======\n\nA zygote.\n", "One\n===\n"):
        (project / "a.rst").write_text(text, "utf-8")
        assert run(project).returncode == 0
        assert ("zygot" in (project / "_build/html/searchindex.js").read_text("utf-8")) == ("zygote" in text)
    assert {name: content for name, (content, _) in built(project).items() if name.is_relative_to("_build/html")} == before


def test_a_warning_leaves_the_last_good_pages_and_is_given_again(project):
    before = built(project)
    (project / "a.rst").write_text("New\n===\n\n:doc:`gone`\n", "utf-8")
    for _ in range(2):
        done = run(project)
        assert done.returncode and "a.rst:4: WARNING" in done.stderr and "_build/html is as it was" in done.stderr
        assert built(project) == before
    (project / "a.rst").write_text("New\n===\n", "utf-8")
    assert run(project).returncode == 0
    assert "New" in (project / "_build/html/b.html").read_text("utf-8"), "the page that leads back to it has its new title"
    assert {p.name for p in (project / "_build").iterdir()} == {"html", "doctrees"}


def test_ctrl_c_leaves_the_last_good_pages(project):
    before = built(project)
    for name in ("a.rst", "b.rst"):
        (project / name).write_text("New\n===\n", "utf-8")
    (project / "slow").touch()
    running = subprocess.Popen(**command(project), stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not (project / "begun").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert "New" in (project / "_build/html.new/a.html").read_text("utf-8"), "half of the pages are written"
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=30)[1]
    assert running.returncode and "Traceback" not in said
    assert built(project) == before
    (project / "slow").unlink()
    assert run(project).returncode == 0
    assert all("New" in (project / f"_build/html/{name}.html").read_text("utf-8") for name in ("index", "a", "b"))


def test_an_e_book_has_nothing_of_the_one_before(project):
    run(project, "epub")
    (project / "_build/epub/_images").mkdir()
    (project / "_build/epub/_images/old.svg").touch()
    assert run(project, "epub").returncode == 0
    assert not (project / "_build/epub/_images/old.svg").exists()


@pytest.mark.parametrize("builder", ["html", "epub"])
def test_a_full_disk_leaves_the_last_good_book(project, builder):
    assert run(project, builder).returncode == 0
    before = built(project)
    (project / "a.rst").write_text("New\n===\n\n" + 3000 * "More and more.\n\n", "utf-8")
    done = run(project, builder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    assert done.returncode and "is as it was" in done.stderr
    assert built(project) == before


def test_a_build_that_was_killed_between_two_steps_is_put_right(project):
    before = built(project)
    (project / "_build/html").rename(project / "_build/html.old")
    (project / "_build/html.new").mkdir()
    (project / "a.rst").write_text("New\n===\n\n:doc:`gone`\n", "utf-8")
    assert run(project).returncode
    assert built(project) == before
