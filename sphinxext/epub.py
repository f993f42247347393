"""Sphinx's e-book, with a cover, what it says of its own accessibility, and nothing left from an earlier build.

The cover is the PDF's, drawn by Typst. Configuration, besides Sphinx's own for EPUB:

epub_subjects          keywords
epub_accessibility     a sentence on how far all readers can use it
"""
import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder, NavPoint
from sphinx.config import Config

from .typst import cover_png

COVER = "_static/cover.png"
#: What EPUB Accessibility 1.1 asks a book to say; schema.org's words.
ACCESS = {"accessMode": ["textual", "visual"], "accessModeSufficient": ["textual"], "accessibilityHazard": ["none"],
          "accessibilityFeature": ["alternativeText", "MathML", "structuralNavigation", "tableOfContents", "unlocked"]}


class EpubBuilder(Epub3Builder):
    """The e-book, in a folder that holds this build and no other, with the book's own style and no theme's."""

    def init(self) -> None:
        """Empty the folder, for what is in it is packed."""
        shutil.rmtree(self.outdir)
        Path(self.outdir).mkdir()
        super().init()

    @property
    def html_tag(self) -> str:
        """The language is on every page, for a voice to speak it."""
        lang = self.config.epub_language
        return f'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{lang}" xml:lang="{lang}">'

    def add_css_file(self, filename: str, **attributes: Any) -> None:
        """Link the styles of epub_css_files alone: the extensions' are for pages with scripts."""
        if filename in dict(self.config.epub_css_files):
            super().add_css_file(filename, **attributes)

    def toc_metadata(self, level: int, navpoints: list[NavPoint]) -> dict[str, Any]:
        """Sphinx's, but with the identifier of the book, which the older contents list must repeat."""
        return super().toc_metadata(level, navpoints) | {"uid": html.escape(self.config.epub_identifier)}

    def navigation_doc_metadata(self, navlist: list[NavPoint]) -> dict[str, Any]:
        """The contents list by parts, chapters and their sections; Sphinx's own knows no parts."""
        return super().navigation_doc_metadata(list(self._contents()))

    def _contents(self) -> Iterator[NavPoint]:
        """A part leads to its first chapter."""
        root = self.config.root_doc
        yield self._chapter(root)
        for toctree in self.env.get_doctree(root).findall(addnodes.toctree):
            chapters = list(map(self._chapter, toctree["includefiles"]))
            if chapters and toctree.get("caption"):
                yield NavPoint(html.escape(toctree["caption"]), chapters[0].refuri, chapters)
            else:
                yield from chapters

    def _chapter(self, docname: str) -> NavPoint:
        def points(items: nodes.bullet_list) -> Iterator[NavPoint]:
            for item in items:
                if isinstance(item, nodes.list_item):
                    link = next(item.findall(nodes.reference))
                    number = ".".join(map(str, self.env.toc_secnumbers.get(docname, {}).get(link["anchorname"], ())))
                    yield NavPoint(html.escape(f"{number} {link.astext()}".strip()), uri + link["anchorname"], [])
        uri, (top, *_) = self.get_target_uri(docname), self.env.tocs[docname]
        title = next(points([top]))
        below = next((it for it in top if isinstance(it, nodes.bullet_list)), [])
        return title._replace(refuri=uri, children=list(points(below)))

    def content_metadata(self) -> dict[str, Any]:
        """Sphinx's metadata, and after the date what its template has no place for."""
        metadata = super().content_metadata()
        lines = [f"<dc:subject>{html.escape(it)}</dc:subject>" for it in self.config.epub_subjects]
        lines += [f'<meta property="schema:{name}">{it}</meta>' for name, items in ACCESS.items() for it in items]
        if said := self.config.epub_accessibility:
            lines.append(f'<meta property="schema:accessibilitySummary">{html.escape(said)}</meta>')
        return metadata | {"extra": lines}

    def build_content(self) -> None:
        """Draw the cover and drop the files that nothing uses, then list the others."""
        folder = Path(self.outdir)
        styles = [folder / "_static" / name for name, _ in self.config.epub_css_files]
        used = {style.parent / it for style in styles for it in re.findall(r'url\("?([^")]+)', style.read_text("utf-8"))}
        for file in (folder / "_static").rglob("*"):
            if file.is_file() and file not in used.union(styles):
                file.unlink()
        (folder / COVER).write_bytes(cover_png(self.app))
        super().build_content()
        content = folder / "content.opf"
        text = content.read_text("utf-8")
        extra = "\n    ".join(self.content_metadata()["extra"])
        text = re.sub(r"(\n\s*)(</metadata>)", lambda m: f"\n    {extra}{m[1]}{m[2]}", text, count=1)
        cover = re.escape(COVER)
        content.write_text(re.sub(rf'(<item [^>]*href="{cover}"[^>]*?) ?/>', r'\1 properties="cover-image"/>', text), "utf-8")


def _covered(app: Sphinx, config: Config) -> None:
    config.epub_cover = (COVER, "epub-cover.html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Put the builder in the place of Sphinx's."""
    app.add_builder(EpubBuilder, override=True)
    app.connect("config-inited", _covered)
    app.add_config_value("epub_subjects", [], "epub", [list])
    app.add_config_value("epub_accessibility", "", "epub", [str])
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
