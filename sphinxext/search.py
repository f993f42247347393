"""What Sphinx's own search finds besides pages and headings: each source of the references, each finding of the ledger.

Sphinx searches the names of what its domains describe, and links to the place; so this domain names sources by author,
year and title, and findings by mark and words.
"""

from collections.abc import Iterator
from html import escape

from docutils import nodes
from sphinx.domains import Domain, ObjType


class Book(Domain):
    """Sources and findings, as things that can be looked up."""

    name = "book"
    label = "Book"
    object_types = {"source": ObjType("source"), "finding": ObjType("finding")}

    def merge_domaindata(self, docnames: set[str], otherdata: dict) -> None:
        """Nothing: it keeps no data of its own."""

    def get_type_name(self, type: ObjType, primary: bool = False) -> str:
        """The word that the results put behind a name."""
        return type.lname

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Yield name, shown name, type, page, place and priority of each; a stop would split a name in two."""
        for kind, found in (("source", self._sources()), ("finding", self._findings())):
            for text, page, place in found:
                name = escape(" ".join(text.split()).rstrip(".").replace(". ", "; ").replace(".", "․"), quote=False)
                yield name, name, kind, page, place, 1

    def _sources(self) -> Iterator[tuple[str, str, str]]:
        if "cite" in self.env.domains:
            for citation in self.env.get_domain("cite").citations:
                said = citation.formatted_entry.text.render_as("text").split(". ")
                yield ": ".join(said[:2]), citation.bibliography_key.docname, citation.citation_id

    def _findings(self) -> Iterator[tuple[str, str, str]]:
        places = {}
        for label, (page, place) in self.env.get_domain("std").anonlabels.items():
            if label.startswith("finding-"):
                places.setdefault(page, {})[place] = label.removeprefix("finding-").upper()
        for page, marks in places.items():
            for row in self.env.get_doctree(page).findall(nodes.row):
                held = {i for node in row.findall(nodes.Element) for i in node.get("ids", ())}
                for place in held & marks.keys():
                    yield f"{marks[place]}: {max((cell.astext() for cell in row), key=len)}", page, place


def forget(app) -> list:
    """Drop from the index the words that no page has any more, as a build from nothing would; Sphinx keeps them, with no page."""
    if indexer := getattr(app.builder, "indexer", None):
        for words in (indexer._mapping, indexer._title_mapping):
            for word in [word for word, pages in words.items() if not pages]:
                del words[word]
    return []


def setup(app) -> dict:
    """Register the domain."""
    app.add_domain(Book)
    app.connect("html-collect-pages", forget)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
