"""Time and weigh the book: `make bench`.

Every step stands beside its anchor, measured in the same run on the same machine: the pages beside nbconvert, which turns the
same notebooks into plain pages; nbval and make execute beside a bare run of the cells. So ratios mean more than seconds, and
both mean little when the load average says that the machine had other work. Steps are timed as whole commands, on a copy
of the sources, so the book at hand is left alone. The table is printed, and kept in _build/bench.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sphinxext.build import STRICT

ROOT = Path(__file__).resolve().parent.parent
NO_SOURCE = shutil.ignore_patterns("_build", ".*", "__pycache__", "tests")  # of the copy that is timed
THEME = "theme-1-improving-or-worse"
PYTHON = sys.executable
BARE = """
import sys, nbformat, pathlib
from nbclient import NotebookClient
for path in map(pathlib.Path, sys.argv[1:]):
    NotebookClient(nbformat.read(path, 4), kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
"""
IMPORTS = "import altair, pandas, myst_nb; import evidence as ev; ev.load()"  # what nearly every chapter begins with


@dataclass
class Step:
    """Something that was timed: wall seconds of each run, processor seconds of the median run, the load average before it.

    anchor is the step it is held against, and goal the most that it may take: times the anchor, or seconds where it has none.
    """

    name: str
    anchor: str = ""
    goal: float | None = None
    runs: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Median of the runs."""
        return statistics.median(self.runs)


class Clock:
    """Times steps, in the order in which they are first run."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}

    def step(self, name: str, work: Callable[[], object], anchor: str = "", goal: float | None = None, again: int = 1,
             before: Callable[[], object] = lambda: None) -> None:
        """Do work so many times; before is called before each, outside the clock. Work that returns a number has timed itself."""
        step = self.steps.setdefault(name, Step(name, anchor, goal))
        print(f"  {name}", file=sys.stderr, flush=True)
        for _ in range(again):
            before()
            step.load.append(os.getloadavg()[0])
            used, start = _processor(), time.perf_counter()
            own = work()
            step.runs.append(own if isinstance(own, float) else time.perf_counter() - start)
            step.processor.append(_processor() - used)


def _processor() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def table(steps: dict[str, Step]) -> list[dict]:
    """The steps as rows: name, seconds, of how many runs, processor seconds, load average, anchor, ratio to it, goal, met."""
    rows = []
    for step in steps.values():
        ratio = step.seconds / steps[step.anchor].seconds if step.anchor else None
        reached = step.seconds if ratio is None else ratio
        rows.append({"step": step.name, "seconds": round(step.seconds, 3), "runs": len(step.runs),
                     "processor": round(statistics.median(step.processor), 3), "load": round(statistics.median(step.load), 1),
                     "anchor": step.anchor, "ratio": None if ratio is None else round(ratio, 3), "goal": step.goal,
                     "met": None if step.goal is None else reached <= step.goal})
    return rows


def printed(rows: list[dict]) -> str:
    """The rows as text."""
    lines = [f"{'Step':42}{'seconds':>9}{'runs':>5}{'cpu':>8}{'load':>6}{'ratio':>7}{'goal':>6}  to"]
    for r in rows:
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
        goal = "" if r["goal"] is None else f"{r['goal']:.2f}"
        verdict = {None: "", True: ", met", False: ", MISSED"}[r["met"]]
        lines.append(f"{r['step']:42}{r['seconds']:9.2f}{r['runs']:5}{r['processor']:8.1f}{r['load']:6.1f}{ratio:>7}{goal:>6}  "
                     f"{r['anchor'] or ('seconds' if r['goal'] else '')}{verdict}")
    return "\n".join(lines)


# --- the steps -------------------------------------------------------------------------------------------

def measure(folder: Path, clock: Clock, runs: int) -> None:
    """Time every step on a copy of the sources in folder. Anchors are run between what is held against them."""
    shutil.copytree(ROOT, folder, ignore=NO_SOURCE, dirs_exist_ok=True)
    out, notebooks = folder / "_build", sorted(str(p) for p in (folder / "chapters").glob("*.ipynb"))
    drawn = ROOT / "_build" / ".cache"

    def run(*command: str, where: Path = folder) -> None:
        subprocess.run(command, cwd=where, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def build(builder: str, *more: str) -> Callable[[], None]:
        return lambda: run(PYTHON, "-m", "sphinx", *STRICT, "-b", builder, "-d", str(out / "doctrees"), *more, ".", str(out / builder))

    def clear(cache: bool = True) -> None:
        shutil.rmtree(out, ignore_errors=True)
        if cache:
            shutil.copytree(drawn, out / ".cache")

    def alone(builder: str) -> Callable[[], None]:  # whatever else is built, this is not
        return lambda: shutil.rmtree(out / builder, ignore_errors=True)

    converted = "nbconvert, the same notebooks"
    clock.step("Python and Sphinx start", lambda: run(PYTHON, "-c", "import sphinx.cmd.build, myst_nb, jupyter_book, sphinx_book_theme, sphinxcontrib.bibtex"), again=3)
    clock.step("pages, cold, no chart drawn before", build("html"), converted, before=lambda: clear(cache=False))
    for _ in range(runs):  # turn and turn about, so that another task slows both
        clock.step("pages, cold", build("html"), converted, 0.8, before=clear)
        clock.step(converted, lambda: run(PYTHON, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder / "converted"), *notebooks))
    clock.step("pages, nothing changed", build("html"), "pages, cold", again=runs)
    clock.step("pages, one chapter edited, a new Python", build("html"), again=runs, before=lambda: edit(folder))
    serve(folder, clock, runs)
    build("html")()  # the last edit, which the server had no time to build
    clock.step("PDF, after the pages", build("typst"), "pages, cold", 1.0, again=runs, before=alone("typst"))
    clock.step("EPUB, after the pages", build("epub", "-a"), "pages, cold", again=1, before=alone("epub"))
    clock.step("PDF, cold", build("typst"), "pages, cold", 1.0, before=clear)
    clock.step("check", lambda: run(PYTHON, "-m", "evidence.check", where=ROOT), again=3)
    clock.step("check, contents and notebooks", lambda: run(PYTHON, "-m", "sphinxext.sources", where=ROOT), again=3)

    bare = "cells alone, a kernel a notebook"
    nbval = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), *notebooks]
    clock.step("Python and imports of a chapter", lambda: run(PYTHON, "-c", IMPORTS, where=ROOT), again=3)
    clock.step("a kernel with an empty cell", lambda: run(PYTHON, "-c", BARE, str(_empty(folder))), again=3)
    clock.step(bare, lambda: run(PYTHON, "-c", BARE, *notebooks))
    clock.step("cells alone, half of them beside the other half", lambda: side_by_side(folder, notebooks), bare)  # what the machine has to give
    clock.step("nbval, 1 worker", lambda: run(*nbval, "-n", "0"), bare, 1.1)
    clock.step("nbval, 2 workers", lambda: run(*nbval, "-n", "2"), "nbval, 1 worker", 1 / 1.8)
    clock.step("execute", lambda: run(PYTHON, "-m", "sphinxext.execute", *notebooks), bare)


def side_by_side(folder: Path, notebooks: list[str]) -> None:
    """Run the cells of the notebooks, without nbval, in two processes at once."""
    largest = sorted(notebooks, key=lambda path: -Path(path).stat().st_size)
    started = [subprocess.Popen([PYTHON, "-c", BARE, *largest[n::2]], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for n in (0, 1)]
    if failed := [process.args for process in started if process.wait()]:
        raise RuntimeError(f"expected the cells to run: {failed[0]}")


def _empty(folder: Path) -> Path:
    import nbformat

    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path := folder / "empty.ipynb")
    return path


def edit(folder: Path, chapter: str = THEME) -> str:
    """Add a sentence to a chapter's last paragraph, as an editor who saves it; what was added."""
    path = folder / "chapters" / f"{chapter}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    added = f"Edited at {time.time_ns()}."
    last = [c for c in notebook["cells"] if c["cell_type"] == "markdown"][-1]
    last["source"] = "".join(last["source"]) + f"\n\n{added}\n"
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return added


def serve(folder: Path, clock: Clock, runs: int) -> None:
    """Time make serve: from the moment a chapter is saved until its page has the new sentence."""
    out, page = folder / "_build" / "html", folder / "_build" / "html" / "chapters" / f"{THEME}.html"
    server = subprocess.Popen([PYTHON, "-m", "sphinxext.serve", "--port", "0", "-b", "html", "-d", str(folder / "_build" / "doctrees"),
                               "--re-ignore", "/_build/", ".", str(out)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              start_new_session=True)

    def seen() -> float:
        added, start = edit(folder), time.perf_counter()
        while added not in page.read_text("utf-8"):
            if time.perf_counter() - start > 120:
                raise TimeoutError("expected an edit to be on its page within two minutes")
            time.sleep(0.01)
        return time.perf_counter() - start

    def said(words: str) -> None:
        if not any(words in line for line in server.stdout):
            raise RuntimeError(f"expected make serve to say {words!r}; it ended")

    def settled() -> None:
        said("Built")  # all of it, a few seconds after the page
        time.sleep(8)  # and the next build is ready

    try:
        said("Waiting to detect changes")
        time.sleep(8)
        seen()
        clock.step("make serve, from an edit to its page", seen, goal=1.0, again=runs, before=settled)
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # and its builds; asked to stop, it waits for one that goes on
        server.wait()


# --- weights ---------------------------------------------------------------------------------------------

def packed(*files: Path) -> int:
    """Bytes of the files, each compressed by gzip."""
    return sum(len(gzip.compress(f.read_bytes(), 6, mtime=0)) for f in files)


def weights(site: Path) -> dict[str, int]:
    """Compressed bytes of pages: what is fetched to read a theme's page, what its live charts add, and the heaviest page."""
    page = site / "chapters" / f"{THEME}.html"
    text = page.read_text("utf-8")
    linked = {(page.parent / m.split("?")[0]).resolve() for m in re.findall(r'(?:src|href)="([^"#:]+\.(?:js|css)(?:\?[^"]*)?)"', text)}
    pictures = {(page.parent / m).resolve() for m in re.findall(r'src="([^"]+\.svg)"', text)}
    fonts = set((site / "_static/fonts").glob("*.woff2"))
    sizes = {p.stem: packed(p) for p in site.glob("chapters/*.html")}
    heaviest = max(sizes, key=sizes.get)
    return {
        "a theme's page alone": sizes[THEME],
        "with its styles and scripts": sizes[THEME] + packed(*linked),
        "and the faces": sizes[THEME] + packed(*linked) + sum(f.stat().st_size for f in fonts),
        "pictures of its charts": packed(*pictures),
        "the script of live charts": packed(site / "_static/vega.js"),
        f"the heaviest page alone, {heaviest}": sizes[heaviest],
        "all pages alone": sum(sizes.values()) + packed(site / "index.html"),
    }


# --- the command -----------------------------------------------------------------------------------------

def report(rows: list[dict], weighed: dict[str, int], grown: dict[str, dict[int, float]]) -> dict:
    """All that was measured, as it stands in bench.json."""
    from sphinxext.growth import exponent

    return {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version(), "load": [round(n, 1) for n in os.getloadavg()]},
        "steps": rows, "bytes, compressed": weighed,
        "growth": [{"part": part, "seconds": {str(n): round(s, 3) for n, s in seconds.items()}, "exponent": round(exponent(seconds), 2),
                    "met": exponent(seconds) <= 1.05} for part, seconds in grown.items()],
    }


def main() -> int:
    """Measure, print the tables, write the file; 0 whatever the goals, for a machine may be slow or busy."""
    from sphinxext.growth import grow

    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2, help="of the steps that are held against each other")
    runs = parser.parse_args().runs
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    clock, start = Clock(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), clock, runs)
    print("  growth", file=sys.stderr, flush=True)
    found = report(table(clock.steps), weights(ROOT / "_build/html"), grow())
    print(printed(found["steps"]))
    print(f"\n{'Compressed':46}{'kB':>9}")
    for part, size in found["bytes, compressed"].items():
        print(f"{part:46}{size / 1000:9.1f}")
    sizes = list(found["growth"][0]["seconds"])
    print(f"\n{'Seconds with times the studies':32}" + "".join(f"{n + '×':>9}" for n in sizes) + f"{'power':>8}   1 is linear")
    for part in found["growth"]:
        print(f"{part['part']:32}" + "".join(f"{part['seconds'][n]:9.2f}" for n in sizes) + f"{part['exponent']:8.2f}{'' if part['met'] else '   STEEPER'}")
    (ROOT / "_build" / "bench.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"\nOn {found['machine']['processors']} processors, load average {found['machine']['load'][0]} at the end; "
          f"{time.perf_counter() - start:.0f} s in all. Also in _build/bench.json.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
