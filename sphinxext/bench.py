"""Time and weigh the book: `make bench`.

Each time is the median of three runs of a whole command, in this one run on this one machine, so ratios mean
more than seconds. The yardstick is nbconvert, which turns the same notebooks into plain pages. Sizes are of
gzip, as a server would send them.
"""

from __future__ import annotations

import gzip
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = [sys.executable, "-m", "sphinx", "-q", "-b"]
THEME = "theme-1-improving-or-worse"
RUNS = 3


def seconds(prepare, *command: str) -> float:
    """Median wall time of a command, in seconds; prepare is called before each run, outside the clock."""
    taken = []
    for _ in range(RUNS):
        prepare()
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def times(folder: Path) -> dict[str, float]:
    """Seconds of each step, built into folder so that the book at hand is left alone."""
    out = folder / "_build"
    notebooks = sorted(str(p) for p in (ROOT / "chapters").glob("*.ipynb"))
    chapter = ROOT / "chapters" / f"{THEME}.ipynb"

    def clear() -> None:
        shutil.rmtree(out, ignore_errors=True)

    def html(*more: str) -> tuple[str, ...]:
        return (*BUILD, "html", "-d", str(out / "doctrees"), *more, ".", str(out / "html"))

    return {
        "pages, cold": seconds(clear, *html()),
        "pages, nothing changed": seconds(lambda: None, *html()),
        "pages, one chapter edited": seconds(chapter.touch, *html()),
        "PDF, after the pages": seconds(lambda: shutil.rmtree(out / "pdf", ignore_errors=True), *BUILD, "typst", "-d",
                                        str(out / "doctrees"), ".", str(out / "pdf")),
        "nbconvert, the same notebooks": seconds(lambda: None, sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir",
                                                 str(folder / "nbconvert"), *notebooks),
        "check": seconds(lambda: None, sys.executable, "-m", "evidence.check"),
    }


def packed(*files: Path) -> int:
    """Bytes of the files, each compressed by gzip."""
    return sum(len(gzip.compress(f.read_bytes(), 6, mtime=0)) for f in files)


def weights(site: Path) -> dict[str, int]:
    """Compressed bytes of a theme's page: what is fetched to read it, and what its live charts add."""
    page = site / "chapters" / f"{THEME}.html"
    text = page.read_text("utf-8")
    linked = {(page.parent / m.split("?")[0]).resolve() for m in re.findall(r'(?:src|href)="([^"#:]+\.(?:js|css)(?:\?[^"]*)?)"', text)}
    pictures = {(page.parent / m).resolve() for m in re.findall(r'src="([^"]+\.svg)"', text)}
    fonts = set((site / "_static/fonts").glob("*.woff2"))
    return {
        "the page alone": packed(page),
        "with its styles and scripts": packed(page, *linked),
        "and the faces": packed(page, *linked) + sum(f.stat().st_size for f in fonts),
        "pictures of its charts": packed(*pictures),
        "the script of live charts": packed(site / "_static/vega.js"),
    }


def main() -> int:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        measured = times(Path(folder))
    yardstick = measured["nbconvert, the same notebooks"]
    print(f"{'Step, median of ' + str(RUNS):34}{'seconds':>9}{'of nbconvert':>14}")
    for step, taken in measured.items():
        print(f"{step:34}{taken:9.2f}{taken / yardstick:14.2f}")
    print(f"\n{'Theme page, compressed':34}{'kB':>9}")
    for part, size in weights(ROOT / "_build/html").items():
        print(f"{part:34}{size / 1000:9.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
