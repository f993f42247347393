"""Numbers of figures and tables, and references by them, that look at an outline of each page.

Sphinx loads the whole of every page from disk to number what is on it, on each build, and again the page that a {numref} leads to,
for each of them: a tenth of the time of a build, and most of that of an edit. What it looks for there is kept of each page as it is read.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.environment.collectors.toctree import TocTreeCollector

HELD = (nodes.caption, nodes.title, nodes.literal_block)  # what a figure, a table and code must hold to have a number
_number = TocTreeCollector.assign_figure_numbers


def outline(page: nodes.document) -> nodes.document:
    """A page's sections, lists of contents, figures, tables, formulas and captioned code, one in another; its ids lead to them."""
    found = page.copy()
    kept = {page: found}
    for node in page.findall(nodes.Element):
        numbered = isinstance(node, (nodes.figure, nodes.table, nodes.math_block)) or isinstance(node, nodes.container) and "literal_block" in node
        if numbered or isinstance(node, (nodes.section, addnodes.toctree)):
            above = node.parent
            while above not in kept:
                above = above.parent
            kept[node] = node.copy()
            kept[above] += kept[node]
            if numbered:
                kept[node] += [child.deepcopy() for child in node if isinstance(child, HELD)]
    found.settings = found.reporter = None  # they lead to the environment, which the outline is kept in
    for node in found.findall(nodes.Node):
        node.document = found  # and copies lead to the page
    other = nodes.Element()
    found.ids = {name: kept.get(node, other) for name, node in page.ids.items()}
    return found


class Outlines(EnvironmentCollector):
    """Keeps the outline of each page in the environment, as `book_outlines`: by page, a document."""

    def process_doc(self, app, doctree: nodes.document) -> None:
        """Keep a page's."""
        outlines(app.env)[app.env.docname] = outline(doctree)

    def clear_doc(self, app, env: BuildEnvironment, docname: str) -> None:
        """Forget a page's."""
        outlines(env).pop(docname, None)

    def merge_other(self, app, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
        """Take in those that another process made."""
        outlines(env).update({name: outlines(other)[name] for name in docnames})


def outlines(env: BuildEnvironment) -> dict[str, nodes.document]:
    """The outline of each page."""
    if not hasattr(env, "book_outlines"):
        env.book_outlines = {}
    return env.book_outlines


class Outlined:
    """The build environment, but a page is its outline."""

    def __init__(self, env: BuildEnvironment):
        vars(self)["_env"] = env

    def __getattr__(self, name: str):
        return getattr(self._env, name)

    def __setattr__(self, name: str, value) -> None:
        setattr(self._env, name, value)

    def get_doctree(self, docname: str) -> nodes.document:
        """The outline of a page, kept or made."""
        kept = outlines(self._env)
        return kept[docname] if docname in kept else outline(self._env.get_doctree(docname))


class Standard(StandardDomain):
    """Sphinx's own domain of labels and numbers."""

    def _resolve_numref_xref(self, env, *rest):
        return super()._resolve_numref_xref(Outlined(env), *rest)


def setup(app) -> dict:
    """Put them in the place of Sphinx's own."""
    app.add_env_collector(Outlines)
    app.add_domain(Standard, override=True)
    TocTreeCollector.assign_figure_numbers = lambda self, env: _number(self, Outlined(env))
    return {"version": "1", "env_version": 3, "parallel_read_safe": True, "parallel_write_safe": True}
