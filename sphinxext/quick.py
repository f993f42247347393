"""What docutils, pybtex and Sphinx work out anew each time, worked out once; what they find is the same.

Together more than half the time of a build, and of one page.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator

import pybtex.plugin
from docutils import nodes
from pybtex.richtext import Text
from sphinx.search.en import SearchEnglish

_findall = nodes.Node.findall


def walk(root: nodes.Node) -> Iterator[nodes.Node]:
    """A node and all below it, in the order of the tree; docutils passes each through as many generators as it is deep."""
    yield root
    levels = [iter(root.children)]
    while levels:
        for node in levels[-1]:
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
    if condition is None:
        return walk(self)
    if isinstance(condition, type):
        return (node for node in walk(self) if isinstance(node, condition))
    return (node for node in walk(self) if condition(node))


def once(owner: object, name: str) -> None:
    """Keep what a function or a method of a class found for the same arguments."""
    found = getattr(owner, name)
    if not hasattr(found, "cache_info"):
        setattr(owner, name, functools.cache(found))


def declare(app, config) -> None:
    """Say for two extensions that pages may be read side by side; they say nothing, and keep nothing while a page is read."""
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"):
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True


def setup(app) -> dict:
    """Put them in place."""
    gc.set_threshold(300_000, 20, 100)  # trees of nodes are all cycles, and few are garbage: a third of a build was looking for it
    app.connect("config-inited", declare, priority=900)
    nodes.Node.findall = findall
    once(pybtex.plugin, "find_plugin")  # looked up for every citation, 13 ms a time
    once(Text, "from_latex")  # every name and title is read as LaTeX wherever it is cited; the texts are never changed
    once(SearchEnglish, "stem")  # of each word, on each page
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
