"""The {finding} role: a small mark in the prose, linked to the finding's row in the ledger.

{finding}`T1-03` leads to the label finding-t1-03, which the ledger sets on that row. A mark without a row
is an unresolved reference, so Sphinx names the place and the build fails.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode


class FindingRole(SphinxRole):
    """A reference to a row of the findings ledger, shown as the finding's mark."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A pending reference; its content has the class 'finding', for every builder to style."""
        mark = self.text.strip()
        link = addnodes.pending_xref(
            self.rawtext, nodes.inline(self.rawtext, mark, classes=["finding"]),
            reftype="finding", reftarget=f"finding-{mark.lower()}", refwarn=True, refdoc=self.env.docname)
        self.set_source_info(link)
        return [link], []


def resolve(app, env, node, content) -> nodes.reference | None:
    """The link to the ledger's row; Sphinx's own {ref} would drop the content's class."""
    if node["reftype"] != "finding":
        return None
    place = env.get_domain("std").anonlabels.get(node["reftarget"])
    return place and make_refnode(app.builder, node["refdoc"], *place, content)


def setup(app) -> dict:
    """Register the role and the way it is resolved."""
    app.add_role("finding", FindingRole())
    app.connect("missing-reference", resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
