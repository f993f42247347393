"""Run the notebooks in place: `make execute`.

Nothing in a notebook changes from run to run: no timing, no kernel version. A notebook that raises is left
as it was; the message names the notebook, the cell and the error, and the exit status is 1. Ctrl-C and a full
disk leave every notebook whole: as it was, or run again.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

TIMEOUT = 120  # seconds a cell


def execute(path: Path) -> str:
    """Run one notebook and write it back; the fault in one line, or an empty string."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises many kinds for a file that is not a notebook
        return f"{path}: expected a notebook: {' '.join(str(error).split())[:200]}"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None  # what is filled again tells how far the run came
    client = NotebookClient(notebook, record_timing=False, timeout=TIMEOUT, kernel_name="python3",
                            resources={"metadata": {"path": str(path.parent)}})
    try:
        client.execute()
    except CellExecutionError as error:
        number, name = _running(notebook)
        return f"{path}, cell {number} ({name}): {error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        number, name = _running(notebook)
        return f"{path}, cell {number} ({name}): {' '.join(str(error).split())[:200]}"
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}
    try:
        nbformat.write(notebook, _unfinished(path))
        os.replace(_unfinished(path), path)  # whole or not at all
    except OSError as error:
        return f"{path}: could not be written, and is as it was: {error.strerror}"
    finally:
        _unfinished(path).unlink(missing_ok=True)
    return ""


def _unfinished(path: Path) -> Path:
    return path.with_suffix(".ipynb.tmp")


def _running(notebook) -> tuple[int, str]:
    """Number and id of the last cell that was begun."""
    begun = [(n, c.id) for n, c in enumerate(notebook.cells, 1)
             if c.cell_type == "code" and (c.execution_count or c.outputs)]
    return begun[-1] if begun else (1, notebook.cells[0].id)


def _quiet() -> None:
    """Drop what a kernel and its sockets say on stderr as they stop; faults come back as values."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main(paths: list[str]) -> int:
    """Run the notebooks side by side, a line of progress each."""
    notebooks = [Path(p) for p in paths]
    faults = 0
    pool = ProcessPoolExecutor(max_workers=os.cpu_count(), initializer=_quiet)
    try:
        for path, fault in zip(notebooks, pool.map(execute, notebooks)):
            print(fault or f"{path}: ran", file=sys.stderr if fault else sys.stdout, flush=True)
            faults += bool(fault)
    except (KeyboardInterrupt, BrokenProcessPool):
        for worker in multiprocessing.active_children():
            worker.kill()  # it would go on to the next notebook; its kernel stops without it
        for path in notebooks:
            _unfinished(path).unlink(missing_ok=True)
        print("Stopped. Each notebook is whole: as it was, or run again.", file=sys.stderr)
        return 130
    finally:
        pool.shutdown(cancel_futures=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
