"""The Sphinx builder `typst`: the whole book as one tagged PDF, with no system package.

Configuration, besides Sphinx's own author, language, release and today:

typst_title            the title; html_title if not given
typst_subtitle         a line under it
typst_description      what it is, for the PDF's metadata
typst_keywords         for the PDF's metadata
typst_cover            the chart on the cover, if any: a notebook and the name it glued it under, notebook.ipynb::name
typst_cover_caption    what the chart on the cover shows
typst_imprint          what stands behind the cover: names and texts; {version} is the book's
typst_index            the title of the index of sources; none without
typst_fonts            folders of the book's typefaces, from the source folder
typst_contents_depth   headings in the contents list: 1 chapters, 2 sections, 3 subsections
"""
from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typst
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config
from sphinx.errors import SphinxError
from sphinx.util.docutils import LoggingReporter
from sphinx.util.logging import getLogger

from .numref import outlines
from .parallel import apart
from .typst_writer import DOC, Chapter, Places, TypstTranslator, array, call, escape, string
from .vegalite import cache_folder, draw, glued_chart, source_uri

log = getLogger(__name__)

TEMPLATE = Path(__file__).with_name("book.typ")


class TypstError(SphinxError):
    """Typst could not make the PDF."""

    category = "Typst error"


class TypstBuilder(Builder):
    """Writes book.pdf, and beside it book.typ, the source Typst made it from."""

    name = format = "typst"
    epilog = "The PDF is %(outdir)s/book.pdf."
    default_translator_class = TypstTranslator
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]

    def get_outdated_docs(self) -> str:
        return "the book"

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        return DOC + docname

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        return self.get_target_uri(to, typ)  # all documents are one

    def init(self) -> None:
        self.imagedir = "images"

    def write(self, *_: Any) -> None:
        chapters = self._chapters()
        places = Places(chapters.values())
        texts: dict[str, str] = {}

        def translated(docnames: Iterable[str]) -> tuple[dict[str, str], set[str]]:
            return {name: self._translated(chapters[name], places) for name in docnames}, places.written

        for some, written in apart(self.app, chapters, translated):
            texts |= some
            places.written |= written
        parts = [texts[name] for name in chapters]
        for label in sorted(places.linked.keys() - places.written):
            TypstTranslator.warn(places.linked[label], "link", "link to a place that is not in the PDF: %s", label)
            parts.append(call("anchor", string(label)))
        if self.config.typst_index and (sources := sorted(places.sources(), key=lambda it: it[1].casefold())):
            parts.append(call("index", f"[{escape(self.config.typst_index)}]",
                              *(array([string(label), f"[{escape(name)}]"]) for label, name in sources)))
        front = self._front()
        self._copy_images()
        source = Path(self.outdir, "book.typ")
        source.write_text("\n".join([TEMPLATE.read_text("utf-8"), front, *parts]), "utf-8")
        self._compile(source)

    def _translated(self, chapter: Chapter, places: Places) -> str:
        translator = self.create_translator(chapter, self, places)
        chapter.tree.walkabout(translator)
        return translator.astext()

    def _chapters(self) -> dict[str, Chapter]:
        """Every document in reading order, by name."""
        order = dict(self._order(self.config.root_doc))
        trees = {}
        for some, images in apart(self.app, order, self._resolved):
            trees |= some
            self.images |= images
        for name, tree in trees.items():
            tree.reporter = LoggingReporter(self.env.doc2path(name))
        return {name: Chapter(name, trees[name], *rest) for name, rest in order.items()}

    def _order(self, docname: str, level: int = 1, depth: int = 0, part: str | None = None,
               seen: set[str] | None = None) -> Iterator[tuple[str, tuple[int, int, str | None]]]:
        """A document and those under it in the contents, in reading order: level, depth and part of each."""
        seen = seen if seen is not None else set()
        seen.add(docname)
        yield docname, (level, depth, part)
        # Those under the root are chapters; those under another are as deep as the section that lists them.
        top = docname == self.config.root_doc
        for toctree in outlines(self.env)[docname].findall(addnodes.toctree):
            caption = toctree.get("caption") if top else None
            deeper = 0 if top else _depth(toctree)
            under = level + bool(caption) + deeper
            for name in toctree["includefiles"]:
                if name not in seen:
                    yield from self._order(name, under, depth + deeper, caption, seen)
                    caption = None  # a part is announced by its first chapter

    def _resolved(self, docnames: Iterable[str]) -> tuple[dict[str, nodes.document], dict[str, str]]:
        """The trees of documents, without lists of contents, as another process can take them; their pictures."""
        trees = {}
        for name in docnames:
            tree = trees[name] = self.env.get_doctree(name)
            for toctree in list(tree.findall(addnodes.toctree)):
                toctree.parent.remove(toctree)
            self.env.resolve_references(tree, name, self)
            self.post_process_images(tree)
            tree.reporter = tree.transformer = tree.settings.env = None
        return trees, self.images

    def _copy_images(self) -> None:
        """Put the pictures beside the source; warn of typefaces in them that the book does not have."""
        fonts = typst.Fonts(include_system_fonts=False, font_paths=self._font_folders())
        known = {name.lower() for name in fonts.families()}
        folder = Path(self.outdir, self.imagedir)
        folder.mkdir(parents=True, exist_ok=True)
        for source, name in self.images.items():
            data = Path(self.srcdir, source).read_bytes()
            if name.endswith(".svg"):
                asked = re.findall(rb"""font-family\s*[:=]\s*["']?\s*([^,;"'<>]+)""", data)
                for family in sorted({it.decode("utf-8").strip() for it in asked}):
                    if family.lower() not in known:
                        log.warning("typst: picture %s asks for the typeface %s, which the book does not "
                                    "have", source, family, type="typst", subtype="font")
            Path(folder, name).write_bytes(data)

    def _font_folders(self) -> list[str]:
        return [str(Path(self.srcdir, folder)) for folder in self.config.typst_fonts]

    def _front(self) -> str:
        language, _, region = (self.config.language or "en").replace("-", "_").partition("_")
        if drawing := cover_drawing(self.app):
            self.images[source_uri(drawing, self.app).lstrip("/")] = drawing.name
        book = call(
            "book.with", f'cover: {cover(self.app, self.imagedir)[1:]}',
            title=string(self.config.typst_title), authors=array(map(string, _authors(self.config))),
            keywords=array(map(string, self.config.typst_keywords)),
            description=string(self.config.typst_description) if self.config.typst_description else None,
            date=self._date(), imprint_items=self._imprint(),
            language=string(language), region=string(region or "GB") if region or language == "en" else None,
            contents_depth=str(self.config.typst_contents_depth))
        return f"#show: {book[1:]}\n"

    @staticmethod
    def _date() -> str | None:
        """The date in the metadata: SOURCE_DATE_EPOCH's; none without, so that the PDF follows from its sources."""
        if not (epoch := os.environ.get("SOURCE_DATE_EPOCH")):
            return None
        day = datetime.fromtimestamp(int(epoch), UTC)
        return f"datetime(year: {day.year}, month: {day.month}, day: {day.day})"

    def _imprint(self) -> str:
        def linked(text: str) -> str:
            parts = re.split(r"(https?://\S*\w/?)", text.format(version=self.config.version))
            return "".join(call("autolink", string(it), string(it.partition("://")[2])) if n % 2 else escape(it)
                           for n, it in enumerate(parts))
        return array(f"([{escape(name)}], [{linked(text)}])" for name, text in self.config.typst_imprint.items())

    def _compile(self, source: Path) -> None:
        """Make the PDF by PDF/UA-1; if the book breaks that standard, say so and make it without."""
        try:
            pdf = self._typst(source, ["ua-1"])
        except TypstError as error:
            if "PDF/UA-1 error" not in str(error):
                raise
            log.warning("typst: %s", error, type="typst", subtype="ua")
            pdf = self._typst(source, [])
        unfinished = source.with_suffix(".pdf.part")  # so that no reader ever finds half a PDF
        unfinished.write_bytes(pdf)
        os.replace(unfinished, source.with_suffix(".pdf"))

    def _typst(self, source: Path, standards: list[str]) -> bytes:
        try:
            pdf, warnings = typst.compile_with_warnings(
                str(source), font_paths=self._font_folders(), ignore_system_fonts=True,
                pdf_standards=standards)
        except typst.TypstError as error:
            raise TypstError(_located(error.diagnostic, source)) from None
        for warning in warnings:
            log.warning("typst: %s", _located(warning.diagnostic, source), type="typst", subtype="typst")
        return pdf


def _authors(config: Config) -> list[str]:
    return [it.strip() for it in config.author.split(",") if it.strip() and it != "unknown"]


def cover_drawing(app: Sphinx) -> Path | None:
    """The file of the chart on the cover, if there is to be one. Raises ValueError, naming it, if it cannot be drawn."""
    return draw(glued_chart(Path(app.srcdir), app.config.typst_cover), cache_folder(app)) if app.config.typst_cover else None


def cover(app: Sphinx, folder: str) -> str:
    """The Typst call that sets the cover; folder: of its drawing, as seen from the source."""
    config, picture = app.config, None
    if drawing := cover_drawing(app):
        alt = str(glued_chart(Path(app.srcdir), config.typst_cover).get("description", ""))
        picture = call("image", string(f"{folder}/{drawing.name}"), alt=string(alt))[1:]
    return call("cover", string(config.typst_title), string(config.typst_subtitle), array(map(string, _authors(config))),
                picture=picture, caption=f"[{escape(config.typst_cover_caption)}]" if config.typst_cover_caption else None)


def cover_png(app: Sphinx) -> bytes:
    """The cover as a picture, for an e-book: 909 by 1286 pixels."""
    with TemporaryDirectory() as folder:
        if drawing := cover_drawing(app):
            shutil.copy(drawing, folder)
        source = Path(folder, "cover.typ")
        source.write_text(TEMPLATE.read_text("utf-8") + cover(app, "."), "utf-8")
        return typst.compile(str(source), format="png", ppi=110, ignore_system_fonts=True,
                             font_paths=[str(Path(app.srcdir, it)) for it in app.config.typst_fonts])


def _depth(node: nodes.Node) -> int:
    """How many sections a node is in."""
    return 0 if node.parent is None else _depth(node.parent) + isinstance(node.parent, nodes.section)


def _located(diagnostic: str, source: Path) -> str:
    """Typst's messages, each with the place in the book that its line of book.typ came from."""
    lines = source.read_text("utf-8").splitlines()
    kind = "error" if re.search("^error: ", diagnostic, re.M) else "warning"
    messages = []
    for report in re.findall(rf"^{kind}: (.*(?:\n(?!error: |warning: ).*)*)", diagnostic, re.M):
        message = report.partition("\n")[0]
        # The calls that led to it are listed too; the last line of all is the document's own.
        number = max(map(int, re.findall(r"book\.typ:(\d+)", report)), default=0)
        above = (line for line in reversed(lines[:number]) if re.fullmatch(r"// \S+:\d+", line))
        place = next(above, "").removeprefix("// ")
        where = ", ".join(filter(None, [place, f"book.typ:{number}" if number else ""]))
        messages.append(f"{message} ({where})" if where else message)
    return "; ".join(messages) or diagnostic


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinxext.numref")
    app.add_builder(TypstBuilder)
    app.add_config_value("typst_title", lambda config: config.html_title, "", [str])
    app.add_config_value("typst_subtitle", "", "", [str])
    app.add_config_value("typst_description", "", "", [str])
    app.add_config_value("typst_keywords", [], "", [list])
    app.add_config_value("typst_cover", "", "", [str])
    app.add_config_value("typst_cover_caption", "", "", [str])
    app.add_config_value("typst_imprint", {}, "", [dict])
    app.add_config_value("typst_index", "", "", [str])
    app.add_config_value("typst_fonts", ["_static/fonts"], "", [list])
    app.add_config_value("typst_contents_depth", 2, "", [int])
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
