"""The pages, built again on each change: `make serve`.

sphinx-autobuild starts a new Python for each build, and loading Sphinx takes longer than one page. Here a build is a fork of
this process, which has loaded all a build needs. When code or settings have changed since, it is a new Python after all.
"""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import sphinx_autobuild.__main__ as autobuild
import sphinx_autobuild.middleware as served
from sphinx.cmd.build import main as sphinx
from sphinx_autobuild.build import Builder

START = time.time()
#: What a build does not load anew in a process that has it: code, settings, and the bibliography, which is parsed once.
LOADED = ("sphinxext/**/*.py", "evidence/*.py", "conf.py", "_config.yml", "_toc.yml", "*.bib")
#: What a build loads only when it comes to a page.
LATE = ["myst_nb.sphinx_", "pydata_sphinx_theme", "sphinx_book_theme", "sphinx.builders.html", "sphinx.search.en", "sphinx.writers.html5",
        "pybtex.style.formatting", "pybtex_docutils", "latex2mathml.converter", "nbformat.v4", "pygments.lexers.python", "pygments.styles.default",
        "docutils.readers.standalone", "docutils.parsers.rst.directives.tables", "jinja2.ext", "itables"]


#: What is added to each page: a file, as the pages' policy allows no other script within them.
RELOAD = '<script src="/_static/reload.js"></script>'


class Forked(Builder):
    """Sphinx in this process, which sphinx-autobuild forks for each change."""

    def __call__(self, *, changed_paths: Sequence[Path]) -> None:
        """Build; the first time, and when what is loaded is out of date, in a new Python."""
        if not changed_paths or _outdated():
            super().__call__(changed_paths=changed_paths)
            return
        start = time.monotonic()
        status = sphinx(["-q", *self.sphinx_args])
        print(f"{'Not built' if status else 'Built'}, {time.monotonic() - start:.1f} s: {', '.join(p.name for p in changed_paths[:5])}", flush=True)


def _outdated() -> bool:
    return any(p.stat().st_mtime > START for pattern in LOADED for p in Path().glob(pattern))


def main() -> None:
    """The command; its options are sphinx-autobuild's."""
    for name in LATE + runpy.run_path("conf.py").get("extensions", []):
        import_module(name)
    autobuild.Builder = Forked
    served.web_socket_script = lambda _: RELOAD
    autobuild.main(sys.argv[1:])


if __name__ == "__main__":
    main()
