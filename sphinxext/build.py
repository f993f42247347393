"""Build the book and leave the last good one whole: `python -m sphinxext.build html`, as make does.

A build works on a copy of the last good one, so that it is quick, and takes its place only when it is done. Ctrl-C, a full
disk or a warning leaves what was there; and since a warning leaves no trace in what the next build starts from, that
build warns again.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx

OUT = Path("_build")
FOLDERS = {"html": "html", "typst": "pdf", "epub": "epub"}  # of each builder
STRICT = ["-q", "-W", "--keep-going", "-n", "-j", "auto"]
DOCTREES = OUT / "doctrees"  # what the pages were made from; the other builders read a copy


def build(builder: str, options: list[str], then: str = "") -> int:
    """Run a builder on the sources in this folder; the exit status.

    then is a module to run when the builder is done, given the new folder's data/.
    """
    place = OUT / FOLDERS[builder]
    new, doctrees = place.with_suffix(".new"), DOCTREES.with_suffix(f".{place.name}")
    kept = [(new, place)] + ([(doctrees, DOCTREES)] if builder == "html" else [])
    for _, good in kept:
        _restore(good)
    try:
        shutil.rmtree(new, ignore_errors=True)
        if builder == "html":  # the others write all they have, and what is old would stay in them
            _copy(place, new)
        _copy(DOCTREES, doctrees)
        status = sphinx([*STRICT, *options, "-b", builder, "-d", str(doctrees), ".", str(new)])
        if not status and then:
            status = subprocess.run([sys.executable, "-m", then, str(new / "data")]).returncode
        if not status:
            for made, good in kept:
                _replace(made, good)
    except KeyboardInterrupt:
        status = 130
    except OSError as error:
        print(f"{error.filename or new}: {error.strerror}", file=sys.stderr)
        status = 1
    finally:
        for made, good in ((new, place), (doctrees, DOCTREES)):
            shutil.rmtree(made, ignore_errors=True)
            _restore(good)
    if status:
        print(f"Not built; {place} is {'as it was' if place.exists() else 'not there'}.", file=sys.stderr)
    return status


def _copy(folder: Path, new: Path) -> None:
    """A copy with the files' times, by which Sphinx knows what is out of date."""
    shutil.rmtree(new, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, new)


def _replace(made: Path, good: Path) -> None:
    """Put one folder in another's place; what was there is gone only when it is done."""
    old = good.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if good.exists():
        good.rename(old)
    made.rename(good)
    shutil.rmtree(old, ignore_errors=True)


def _restore(good: Path) -> None:
    """Put back what a build that was stopped between two steps of _replace had set aside."""
    old = good.with_suffix(".old")
    if old.exists() and not good.exists():
        old.rename(good)


def main() -> int:
    """The command; options it does not know are Sphinx's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("builder", choices=FOLDERS)
    parser.add_argument("--then", default="", metavar="MODULE")
    known, options = parser.parse_known_args()
    return build(known.builder, options, known.then)


if __name__ == "__main__":
    sys.exit(main())
