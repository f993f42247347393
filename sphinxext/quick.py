"""What docutils, pybtex and Sphinx work out anew each time, worked out once; what they find is the same.

Together more than half the time of a build, and of one page.
"""

from __future__ import annotations

import functools
import gc
from collections import defaultdict
from collections.abc import Callable, Iterator

import pybtex.plugin
import pygments
import sphinx.highlighting
from docutils import nodes
from pybtex.richtext import Text
from sphinx.search.en import SearchEnglish
from sphinxcontrib.bibtex import domain
from sphinxcontrib.bibtex.domain import BibtexDomain, _FilterVisitor

_findall = nodes.Node.findall
_entries, _references = BibtexDomain.get_filtered_entries, domain.format_references
_cited: dict[tuple, Text] = {}
_coloured: dict[tuple, str] = {}


def walk(root: nodes.Node, kind: type = nodes.Node) -> Iterator[nodes.Node]:
    """A node and all below it that are of a kind, in the order of the tree; docutils passes each through as many generators as it is deep."""
    if isinstance(root, kind):
        yield root
    levels = [iter(root.children)]
    while levels:
        for node in levels[-1]:
            if isinstance(node, kind):
                yield node
            if node.children:
                levels.append(iter(node.children))
                break
        else:
            levels.pop()


def findall(self: nodes.Node, condition: type | Callable | None = None, include_self=True, descend=True, siblings=False, ascend=False):
    """docutils' own, but that the usual search, of the whole tree below, is quicker."""
    if not include_self or not descend or siblings or ascend:
        return _findall(self, condition, include_self, descend, siblings, ascend)
    if condition is None or isinstance(condition, type):
        return walk(self, condition or nodes.Node)
    return filter(condition, walk(self))


def entries(self: BibtexDomain, bibliography_key) -> Iterator:
    """sphinxcontrib-bibtex's own, but that the citations are looked through once, not once for each entry."""
    bibliography, cited = self.bibliographies[bibliography_key], defaultdict(set)
    for citation in self.citation_refs:
        for target in citation.targets:
            cited[target.key].add(citation.docname)
    try:
        for entry in self.get_entries(bibliography.bibfiles):
            key = bibliography.keyprefix + entry.key
            chosen = _FilterVisitor(entry=entry, docname=bibliography_key.docname, cited_docnames=cited[key]).visit(bibliography.filter_)
            if chosen or entry.key in bibliography.keys:
                yield key, entry
    except ValueError:  # a filter with a mistake: its own says so
        yield from _entries(self, bibliography_key)


def references(style, role: str, cited: list[tuple]) -> Text:
    """sphinxcontrib-bibtex's own, but that sources cited on a page again are not formatted again."""
    same = role, tuple((entry.key, formatted.label, info) for entry, formatted, info in cited)
    if same not in _cited:
        _cited[same] = _references(style, role, cited)
    return _cited[same]


def highlight(source: str, lexer, formatter) -> str:
    """Pygments' own, but that code which stands on a page again, or was on it before an edit, is not coloured again."""
    same = source, type(lexer), repr(lexer.options), tuple(map(type, lexer.filters)), type(formatter), repr(formatter.options)
    if same not in _coloured:
        _coloured[same] = pygments.highlight(source, lexer, formatter)
    return _coloured[same]


def once(owner: object, name: str) -> None:
    """Keep what a function or a method of a class found for the same arguments."""
    found = getattr(owner, name)
    if not hasattr(found, "cache_info"):
        setattr(owner, name, functools.cache(found))


def setup(app) -> dict:
    """Put them in place."""
    gc.set_threshold(300_000, 20, 100)  # trees of nodes are all cycles, and few are garbage: a third of a build was looking for it
    app.connect("build-finished", lambda *_: gc.freeze(), priority=999)  # nor look for it at the end, 3 s
    nodes.Node.findall = findall
    BibtexDomain.get_filtered_entries, domain.format_references = entries, references
    sphinx.highlighting.highlight = highlight
    once(pybtex.plugin, "find_plugin")  # looked up for every citation, 13 ms a time
    once(Text, "from_latex")  # every name and title is read as LaTeX wherever it is cited; the texts are never changed
    once(SearchEnglish, "stem")  # of each word, on each page
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
