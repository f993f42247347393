"""make serve: an edit is on its page at once, then all is built; after a change of settings, from a new Python."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INDEX = "Title\n=====\n\nFirst.\n\n.. toctree::\n\n   other\n"


@pytest.fixture
def served(tmp_path, root):
    """A small book that is served, and its folder."""
    for name, text in {"conf.py": "project = author = copyright = 'Someone'\n", "index.rst": INDEX, "other.rst": "Other\n=====\n"}.items():
        (tmp_path / name).write_text(text, "utf-8")
    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen([sys.executable, "-m", "sphinxext.serve", "--port", "0", "--re-ignore", "/_build/|said", "-b", "html", ".", "_build/html"],
                                   cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}, stdout=said, stderr=said,
                                   start_new_session=True)
        try:
            wait_for(tmp_path / "said", "Waiting to detect changes")
            time.sleep(2)
            yield tmp_path
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def save(file, text):
    """Change a file in one step: a busy machine may take what is written in two, empty and full, for two changes."""
    beside = file.parent.with_name("saved")
    beside.write_text(text, "utf-8")
    beside.replace(file)


def wait_for(file, text, times=1):
    end = time.monotonic() + 90
    while not file.exists() or file.read_text("utf-8").count(text) < times:
        assert time.monotonic() < end, f"{text!r} is not in {file.name} after 90 s"
        time.sleep(0.1)


def pids(folder):
    """The processes that work in a folder."""
    return [p for p in Path("/proc").glob("[0-9]*") if (p / "cwd").is_symlink() and os.access(p / "cwd", os.R_OK) and (p / "cwd").resolve() == folder]


def test_an_edit_is_shown_then_built_and_the_next_is_ready(served):
    page, said = served / "_build/html/index.html", served / "said"
    for words in ("Second.", "Third."):
        before = said.read_text("utf-8").count("Built,")
        save(served / "index.rst", INDEX.replace("First.", words))
        wait_for(page, words)
        wait_for(said, "Built,", before + 1)
    assert said.read_text("utf-8").count("Shown,") == 2
    assert said.read_text("utf-8").count("> python -m sphinx") == 1, "only the first build"


def test_a_mistake_is_not_shown_at_once_but_told_by_the_build(served):
    said = served / "said"
    save(served / "index.rst", INDEX.replace("First.", ":doc:`nowhere`"))
    wait_for(said, "unknown document: 'nowhere'")
    wait_for(said, "Built,")
    assert "Shown," not in said.read_text("utf-8")
    assert said.read_text("utf-8").count("unknown document: 'nowhere'") == 1


def test_what_a_page_says_elsewhere_follows_with_the_build(served):
    """The title of another page in the contents of the first."""
    save(served / "other.rst", "Renamed\n=======\n")
    wait_for(served / "_build/html/other.html", "Renamed")
    wait_for(served / "_build/html/index.html", "Renamed")


def test_after_a_change_of_settings_it_is_a_new_python(served):
    save(served / "conf.py", "project = author = copyright = 'Another'\n")
    wait_for(served / "said", "Loading code and settings again")
    wait_for(served / "_build/html/index.html", "Another")


@pytest.mark.parametrize("mistake, said", [("import nowhere\n", "Code or settings do not load: ModuleNotFoundError: No module named 'nowhere'"),
                                           ("html_theme = 'nothing'\n", "no theme named 'nothing' found")])
def test_settings_with_a_mistake_are_named_and_once_mended_it_goes_on(served, mistake, said):
    conf, log = served / "conf.py", served / "said"
    good = conf.read_text("utf-8")
    save(conf, good + mistake)
    wait_for(log, "Not built")
    time.sleep(2)
    assert log.read_text("utf-8").count(said) == 1 and "multiprocessing" not in log.read_text("utf-8")
    save(conf, good.replace("Someone", "Another"))
    wait_for(served / "_build/html/index.html", "Another")


def test_a_page_that_goes_and_an_editor_s_lock_do_not_stop_it(served):
    log = served / "said"
    (served / "other.rst").unlink()
    save(served / "index.rst", "Title\n=====\n\nAlone.\n")
    (served / ".#references.bib").symlink_to("nowhere")
    wait_for(served / "_build/html/index.html", "Alone.")
    wait_for(log, "Built,")
    for words in ("Again.", "And again."):
        save(served / "index.rst", f"Title\n=====\n\n{words}\n")
        wait_for(served / "_build/html/index.html", words)
    assert "Traceback" not in log.read_text("utf-8") and log.read_text("utf-8").count("Error") == 0


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_nothing_of_it_is_left_when_it_ends(served, by):
    assert len(pids(served)) > 2
    os.kill(next(int(p.name) for p in pids(served) if b"sphinxext.serve" in (p / "cmdline").read_bytes()), by)
    end = time.monotonic() + 20
    while pids(served):
        assert time.monotonic() < end, "processes are left"
        time.sleep(0.1)
    assert "Traceback" not in (served / "said").read_text("utf-8")
