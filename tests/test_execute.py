"""Running the notebooks: the outputs are the same each time, and a fault leaves the file as it was."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sphinxext.execute import execute, main


@pytest.fixture
def notebook(tmp_path):
    """A writer of small notebooks: each source is a code cell."""
    def write(*sources, name="chapter.ipynb"):
        cells = [new_markdown_cell("# Title"), *(new_code_cell(s) for s in sources)]
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        path = tmp_path / name
        nbformat.write(new_notebook(cells=cells), path)
        return path
    return write


def test_two_runs_give_the_same_bytes(notebook):
    path = notebook("1 + 1", "print('two')")
    assert main([str(path)]) == 0
    first = path.read_bytes()
    assert main([str(path)]) == 0 and path.read_bytes() == first
    ran = nbformat.read(path, as_version=4)
    assert [c.execution_count for c in ran.cells if c.cell_type == "code"] == [1, 2]
    assert ran.cells[1].outputs[0].data["text/plain"] == "2" and "execution" not in ran.cells[1].metadata


def test_a_notebook_that_raises_is_named_and_left_alone(notebook, capfd):
    good, bad = notebook("'fine'", name="good.ipynb"), notebook("x = 1", "raise ValueError('no such study')", "x", name="bad.ipynb")
    stored = nbformat.read(bad, as_version=4)  # as a chapter is, with outputs of an earlier run
    for number, cell in enumerate((c for c in stored.cells if c.cell_type == "code"), 1):
        cell.execution_count, cell.outputs = number, [nbformat.v4.new_output("stream", text="earlier")]
    nbformat.write(stored, bad)
    before = bad.read_bytes()
    assert main([str(bad), str(good)]) == 1
    assert bad.read_bytes() == before and not list(bad.parent.glob("*.tmp"))
    said = capfd.readouterr()
    assert f"{bad}, cell 3 (cell-2): ValueError: no such study" in said.err.splitlines() and "Traceback" not in said.err
    assert f"{good}: ran" in said.out


def test_a_file_that_is_no_notebook_is_named(tmp_path, capfd):
    path = tmp_path / "broken.ipynb"
    path.write_text("{", "utf-8")
    assert main([str(path)]) == 1
    said = capfd.readouterr().err
    assert f"{path}: expected a notebook" in said and "Traceback" not in said and path.read_text("utf-8") == "{"


def test_a_full_disk_leaves_the_notebook(notebook, monkeypatch):
    path = notebook("1 + 1")
    before = path.read_bytes()

    def full(content, target):
        Path(target).write_text("{", "utf-8")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("nbformat.write", full)
    assert execute(path) == f"{path}: could not be written, and is as it was: No space left on device"
    assert path.read_bytes() == before and not list(path.parent.glob("*.tmp"))


def test_ctrl_c_leaves_the_notebooks(notebook, tmp_path, root):
    """As a terminal does, to every process of the command; no further notebook is begun."""
    paths = [notebook("import pathlib, time", "pathlib.Path('begun').touch(); time.sleep(60)", name=f"{n}.ipynb") for n in range(9)]
    before = {p: p.read_bytes() for p in paths}
    running = subprocess.Popen([sys.executable, "-m", "sphinxext.execute", *map(str, paths)], stderr=subprocess.PIPE, text=True,
                               cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}, start_new_session=True)
    end = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < end:
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=20)[1]
    assert running.returncode == 130 and said == "Stopped. Each notebook is whole: as it was, or run again.\n"
    assert {p: p.read_bytes() for p in paths} == before and not list(tmp_path.glob("*.tmp"))


def test_nbval_names_the_cell_whose_output_changed(notebook, tmp_path):
    """What make test relies on: a stored output that a fresh run does not give is a failure."""
    path = notebook("1 + 1", "2 + 2")
    assert main([str(path)]) == 0
    path.write_text(path.read_text("utf-8").replace('"4"', '"5"'), "utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull,
                           "--rootdir", str(tmp_path), str(path)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout and "chapter.ipynb::Cell 1" in done.stdout
