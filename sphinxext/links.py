"""Addresses as they are written: MyST escapes them for HTML, which every builder does again, so that an & led elsewhere."""

from xml.sax.saxutils import unescape

from docutils import nodes


def mend(app, doctree: nodes.document) -> None:
    """Give each link its address."""
    for link in doctree.findall(nodes.reference):
        if "refuri" in link:
            link["refuri"] = unescape(link["refuri"], {"&quot;": '"'})


def setup(app) -> dict:
    """Mend each page as it is read."""
    app.connect("doctree-read", mend)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
