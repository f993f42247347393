"""make serve: an edit is on its page; after a change of settings, from a new Python."""

import os
import signal
import subprocess
import sys
import time

import pytest


@pytest.fixture
def served(tmp_path, root):
    """A small book that is served, and its folder."""
    for name, text in {"conf.py": "project = author = copyright = 'Someone'\n", "index.rst": "Title\n=====\n\nFirst.\n"}.items():
        (tmp_path / name).write_text(text, "utf-8")
    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen([sys.executable, "-m", "sphinxext.serve", "--port", "0", "--re-ignore", "/_build/|said", "-b", "html", ".", "_build/html"],
                                   cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}, stdout=said, stderr=said,
                                   start_new_session=True)
        wait_for(tmp_path / "said", "Waiting to detect changes")
        time.sleep(2)
        yield tmp_path
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def wait_for(file, text):
    end = time.monotonic() + 90
    while not file.exists() or text not in file.read_text("utf-8"):
        assert time.monotonic() < end, f"{text!r} is not in {file.name} after 90 s"
        time.sleep(0.1)


def test_an_edit_is_on_its_page_without_a_new_python(served):
    page, said = served / "_build/html/index.html", served / "said"
    (served / "index.rst").write_text("Title\n=====\n\nSecond.\n", "utf-8")
    wait_for(page, "Second.")
    wait_for(said, "Built,")
    assert said.read_text("utf-8").count("> python -m sphinx") == 1, "only the first build"
    (served / "conf.py").write_text("project = author = copyright = 'Another'\n", "utf-8")
    wait_for(page, "Another")
    assert said.read_text("utf-8").count("> python -m sphinx") == 2
