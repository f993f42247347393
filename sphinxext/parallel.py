"""Pages read and written side by side, each process with as much to do as the others.

Sphinx shares pages out by their names, as many to each, so the longest can be in one share; and it has one process work out
what every page links to, which takes longer than writing it, while the others wait. Here shares that are read are of a size,
and a page that is written goes to the process that is free.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import sphinx.builders
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.util.build_phase import BuildPhase
from sphinx.util.parallel import ParallelTasks

#: What the index of words holds of a page: by page, and by word.
OF_PAGE = ("_titles", "_filenames", "_all_titles", "_index_entries")
OF_WORD = ("_mapping", "_title_mapping")
#: In a notebook's JSON, the lines of a cell and of an output that is text; charts are only copied.
TEXTS = re.compile(rb'"(?:source|text/markdown)": \[\n(.*?)\n +\]', re.DOTALL)


def size(source: Path) -> int:
    """Bytes of text in a source, by which the time goes that its page takes: of a notebook, what its cells say and show as text."""
    if source.suffix != ".ipynb":
        return source.stat().st_size
    return sum(map(len, TEXTS.findall(source.read_bytes())))


def sizes(env: BuildEnvironment, docnames: Iterable[str]) -> dict[str, int]:
    """The size of each page's source, the longest first."""
    found = {name: size(Path(env.doc2path(name))) for name in docnames}
    return {name: found[name] for name in sorted(found, key=lambda name: (-found[name], name))}


def shares(env: BuildEnvironment, docnames: Iterable[str], count: int) -> list[list[str]]:
    """Pages in so many shares, or fewer, of about the same size; the longest first."""
    measured = sizes(env, docnames)
    found: list[list[str]] = [[] for _ in range(count)]
    for name in measured:
        min(found, key=lambda share: sum(map(measured.get, share))).append(name)
    return [share for share in found if share]


def apart(app, docnames: Iterable[str], work: Callable[[Iterable[str]], Any]) -> list:
    """What work finds of some pages here and, where there may be more than one, in other processes; each takes the next page."""
    order, taken = list(sizes(app.env, docnames)), get_context("fork").Value("i", 0)

    def next_pages() -> Iterator[str]:
        while True:
            with taken.get_lock():
                n, taken.value = taken.value, taken.value + 1
            if n >= len(order):
                return
            yield order[n]

    found: list = []
    tasks = ParallelTasks(app.parallel)
    try:
        for _ in range(1, min(app.parallel, len(order))):
            tasks.add_task(lambda: work(next_pages()), None, lambda _, result: found.append(result))
        found.append(work(next_pages()))
        tasks.join()
    finally:  # what failed here would wait for the others, and they for it
        tasks.terminate()
    return found


class Pages(StandaloneHTMLBuilder):
    """Sphinx's own pages."""

    def _write_parallel(self, docnames: list[str], nproc: int) -> None:
        self._write_pages(docnames[:1])  # before the others start, so that they have the templates it reads
        for images, index in apart(self.app, docnames[1:], self._write_share):
            self.images.update(images)
            for kept in OF_PAGE:
                getattr(self.indexer, kept).update(index[kept])
            for kept in OF_WORD:
                for word, pages in index[kept].items():
                    getattr(self.indexer, kept).setdefault(word, set()).update(pages)
        entries = self.indexer._index_entries  # the one part of the index whose order shows
        for name in sorted(entries):
            entries[name] = entries.pop(name)

    def _write_pages(self, docnames: Iterable[str]) -> None:
        # As Sphinx writes pages in one process, which holds warnings back: here they would be given twice.
        for name in docnames:
            self.app.phase = BuildPhase.RESOLVING
            doctree = self.env.get_and_resolve_doctree(name, self)
            self.app.phase = BuildPhase.WRITING
            self.write_doc_serialized(name, doctree)
            self.write_doc(name, doctree)

    def _write_share(self, docnames: Iterable[str]) -> tuple[dict, dict]:
        """Write pages; what the end of the build asks for: their pictures and their part of the index."""
        index, whole = vars(self.indexer), {kept: getattr(self.indexer, kept) for kept in OF_PAGE + OF_WORD}
        index.update({kept: {} for kept in whole})
        self._write_pages(docnames)
        part = {kept: index[kept] for kept in whole}
        index.update(whole)
        return self.images, part


def declare(app, config) -> None:
    """Say for two extensions that pages may be read side by side; they say nothing, and keep nothing while a page is read."""
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"):
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True


def setup(app) -> dict:
    """Put the builder in the place of Sphinx's own."""
    app.add_builder(Pages, override=True)
    app.connect("config-inited", declare, priority=900)
    sphinx.builders.make_chunks = lambda docnames, count: shares(app.env, docnames, count)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
