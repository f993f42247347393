"""What one edition of the book shows and another does not.

A notebook cell with the tag `html-only` is in the pages alone; with `print-only`, in the PDF and the e-book alone. The
same words are classes for text:

    :::{div} print-only
    The pages have this table whole.
    :::

An output that has both text/html and text/markdown needs no tag: the pages take the first, print the second. The code of
cells is in the pages alone. Hide no heading, for contents lists are made before; nor a caption, for its number would be
missing from the others' count.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

PAGES = {"html", "dirhtml", "singlehtml"}


class Editions(SphinxPostTransform):
    """Take out what is for other editions, before anything looks for the places in it."""

    default_priority = 3  # MyST-NB chooses among each output's forms at 4

    def run(self, **kwargs) -> None:
        """Remove the containers that bear the other editions' tag or class."""
        other = "print-only" if self.app.builder.name in PAGES else "html-only"
        unwanted = {other, f"tag_{other}"}

        def elsewhere(node: nodes.Node) -> bool:
            code = other == "html-only" and node.get("nb_element") == "cell_code_source"  # a reader on paper cannot fold it
            return code or bool(unwanted & set(node.get("classes", ())))

        for node in [it for it in self.document.findall(nodes.Element) if elsewhere(it)]:
            node.parent.remove(node)
            if node.get("nb_element") == "cell_code_source" and not node.parent.children:
                node.parent.parent.remove(node.parent)  # a cell without output


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_post_transform(Editions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
