"""Short names of bodies and things say what they stand for: the first on a page, to who asks for it or hears the page.

The setting `abbreviations` gives each with its words.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class Abbreviations(SphinxPostTransform):
    """Mark the first of each in the text of a page or of an e-book's chapter; names in titles, links and code stay as they are."""

    default_priority = 800  # when links are links
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Put an abbreviation in the place of its letters."""
        left = dict(self.config.abbreviations)
        for text in list(self.document.findall(nodes.Text)):
            if left and isinstance(text.parent, nodes.paragraph) and (parts := split(str(text), left)):
                text.parent.replace(text, parts)


def split(text: str, left: dict[str, str]) -> list[nodes.Node]:
    """Return a text in parts, the first of each abbreviation marked and taken from those left; nothing if there is none."""
    parts, start = [], 0
    for found in re.finditer(rf"\b(?:{'|'.join(map(re.escape, left))})\b", text):
        if words := left.pop(found[0], None):
            parts += [nodes.Text(text[start:found.start()]), nodes.abbreviation(found[0], found[0], explanation=words)]
            start = found.end()
    return parts and [*parts, nodes.Text(text[start:])]


def setup(app) -> dict:
    """Register the setting and the transform."""
    app.add_config_value("abbreviations", {}, "env", dict)
    app.add_post_transform(Abbreviations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
