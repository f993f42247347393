"""How time grows with the dataset: part of `make bench`, with synthetic studies.

The dataset times ten is the dataset, and nine copies of each study under another key, each with a reference, citations and
published numbers of its own. Findings, sections and the other tables stay as they are: they are the review's.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from evidence.check import faults, read
from evidence.data import load
from evidence.datapackage import BIBLIOGRAPHY, DATA, PACKAGE, ROOT
from evidence.exports import write

TIMES = (1, 10, 100)
PAGES = ("study-explorer", "references")  # the chapters that list every study


def renamed(key: str, copy: int) -> str:
    """The key of a study's copy: letters before it, so that it keeps its form and its year; copy 0 is the study itself."""
    letters = ""
    while copy:
        copy, letter = divmod(copy - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return f"copy{letters}{key}" if letters else key


def synthetic(folder: Path, times: int) -> tuple[Path, Path]:
    """Write the dataset and the bibliography with so many times the studies; the folder of tables, and the .bib file.

    `make check` finds nothing wrong with them.
    """
    shutil.copytree(DATA, data := folder / "data")
    for name, key in {"studies": "", "figures": "figure", "citations": "citation"}.items():
        rows = read(DATA / f"{name}.csv")
        numbers = Counter(r["section"] for r in rows) if name == "citations" else {}
        for copy in range(1, times):
            for row in read(DATA / f"{name}.csv"):
                row["study"] = renamed(row["study"], copy)
                if name == "figures":
                    row["figure"] = renamed(row["figure"], copy)
                    row["conflicts_with"] = row["conflicts_with"] and renamed(row["conflicts_with"], copy)
                if name == "citations":
                    numbers[row["section"]] += 1
                    row["citation"] = f"{row['citation'].split('-')[0]}-c{numbers[row['section']]:02}"
                rows.append(row)
        with (data / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    # A section has fewer than a thousand citations in the book, and its schema says so.
    schema = (data / PACKAGE).read_text("utf-8")
    (data / PACKAGE).write_text(schema.replace("-c[0-9]{2,3}$", "-c[0-9]{2,}$"), "utf-8")
    entries = BIBLIOGRAPHY.read_text("utf-8")
    bibliography = folder / BIBLIOGRAPHY.name
    bibliography.write_text("\n".join(re.sub(r"(?m)^(@\w+\{)(\w+)", lambda m: m[1] + renamed(m[2], copy), entries)
                                      for copy in range(times)), "utf-8")
    return data, bibliography


def run_cells(notebook: Path, data: Path) -> list:
    """Run a chapter's code on another dataset, without a kernel; what its cells show, in order."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell, shown = InteractiveShell.instance(), []
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            with capture_output():  # the result is formatted for showing, as in a kernel
                done = shell.run_cell("".join(cell["source"]).replace("ev.load()", f"ev.load({str(data)!r})"))
            done.raise_error()
            shown += [] if done.result is None else [done.result]
    return shown


def grow(times: tuple[int, ...] = TIMES) -> dict[str, dict[int, float]]:
    """Seconds of each part at each number of times the studies."""
    found: dict[str, dict[int, float]] = {}
    faults()  # once beforehand, so that what is imported on the way is not counted
    for n in (times[0], *times):  # the first is run twice, the second time counts
        with tempfile.TemporaryDirectory() as folder:
            data, bibliography = synthetic(Path(folder), n)
            parts = {
                "ev.load": lambda: load(data),
                "check, every rule": lambda: faults(data, bibliography),
                "exports": lambda: write(Path(folder, "out"), data, bibliography),
                **{f"cells of {page}": lambda page=page: run_cells(ROOT / "chapters" / f"{page}.ipynb", data) for page in PAGES},
            }
            for part, work in parts.items():
                start = time.perf_counter()
                result = work()
                found.setdefault(part, {})[n] = time.perf_counter() - start
                if part.startswith("check") and result:
                    raise ValueError(f"expected a sound synthetic dataset, found {result[0]}")
    return found


def exponent(seconds: dict[int, float]) -> float:
    """The steepest power of the number of studies by which time grows between two sizes: 1 is linear."""
    sizes = sorted(seconds)
    return max(math.log(seconds[b] / seconds[a]) / math.log(b / a) for a, b in zip(sizes, sizes[1:]))
