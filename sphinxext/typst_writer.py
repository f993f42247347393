"""Documents as Typst source: one translator a document, one set of places a book."""
from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from docutils import nodes
from sphinx.locale import admonitionlabels
from sphinx.util.docutils import SphinxTranslator
from sphinx.util.logging import getLogger

from .typst_math import MathError, typst_math

if TYPE_CHECKING:
    from .typst import TypstBuilder

log = getLogger(__name__)

DOC = "doc:"  # how the builder marks a link to another document: doc:chapters/one#section
SPECIAL = re.compile(r"[\\#$*_`<>@\[\]~/\-=+\"'({}.;:]")
PARAGRAPH = "\n\n"
NUMERIC = re.compile(r"[\d\s.,;:%/()\[\]<>=~≈±+*†–—−£$€-]*")  # a cell in a column of numbers
SHORT_TABLE = 16  # lines, as estimated; no page break in so few
RAGGED = 2  # characters that a broken line leaves free
TABLE_ROOM = 95  # characters in a line of a table as wide as the page
LONG_CELL = 900  # characters; a table with a longer cell may break inside a row
PAGED = (nodes.section, nodes.figure, nodes.table)  # a reference to one of these gives its page
LABELLED = (*PAGED, nodes.math_block, nodes.citation, nodes.footnote)  # these bear their labels themselves


def escape(text: str) -> str:
    """Text as Typst markup that shows exactly that text, each run of white space as one space."""
    return re.sub(r"[ \t\n\r\f\v\u2028\u2029\x85]+", " ", SPECIAL.sub(r"\\\g<0>", _printable(text)))


def string(text: str) -> str:
    """Text as a Typst string literal."""
    text = _printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\t", "\\t") + '"'


def array(items: Iterable[str]) -> str:
    """Typst expressions as a Typst array (a trailing comma, or one item would be no array)."""
    return "(" + "".join(f"{item}, " for item in items) + ")"


def call(function: str, *arguments: str, **options: str | None) -> str:
    """A Typst function call; options that are None are left out."""
    named = [f"{key.replace('_', '-')}: {value}" for key, value in options.items() if value is not None]
    return f"#{function}({', '.join([*arguments, *named])})"


def _printable(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0e-\x1f]", "", text.replace("\r\n", "\n"))


def _length(value: str | None) -> str | None:
    """A docutils length as Typst, None if there is none."""
    match = re.fullmatch(r"([\d.]+)\s*(px|pt|em|ex|mm|cm|in|pc|%|)", value or "")
    if not match:
        return None
    number, unit = float(match[1]), match[2] or "px"
    scale, unit = {"px": (0.75, "pt"), "ex": (0.5, "em"), "pc": (12, "pt")}.get(unit, (1, unit))
    return f"{number * scale:g}{unit}"


class Place(NamedTuple):
    """Where a link can lead: a Typst label and the node that bears it."""
    label: str
    node: nodes.Element


class Chapter(NamedTuple):
    """A document and where it stands: its heading level, its depth under a chapter, its part's caption."""
    docname: str
    tree: nodes.document
    level: int
    depth: int
    part: str | None


class Column(NamedTuple):
    """What decides a table column's width and alignment; lengths are in characters, those of its widest cells."""
    width: int
    word: int
    number: bool
    align: str

    @classmethod
    def of(cls, entries: Sequence[nodes.entry]) -> Column:
        """The measures of the cells in a column."""
        texts = [entry.astext() for entry in entries]
        lines = [line for text in texts for line in text.split("\n\n")]
        words = [word for text in texts for word in re.split(r"[\s/_–—-]+", text)]
        number = any(texts) and all(NUMERIC.fullmatch(text) for text in texts)
        asked = {_alignment(entry) for entry in entries}
        align = (len(asked) == 1 and asked.pop()) or ("right" if number else "left")
        return cls(max(map(len, lines), default=0), max(map(len, words), default=0), number, align)


def _shares(columns: Sequence[Column], rows: Sequence[Sequence[int]]) -> list[int]:
    """The widths in characters at which a table of a page's width is about as low as it can be.

    columns: their measures. rows: the length of each cell. Each column has its longest word; the rest goes, a character at
    a time, where it saves most lines of the rows that the column makes high.
    """
    widths = [max(it.width if it.number else min(it.width, it.word), 1) for it in columns]
    for _ in range(TABLE_ROOM - 2 * len(columns) - sum(widths)):
        saved = [0.0] * len(columns)
        for row in rows:
            lines, highest = max((length / max(width - RAGGED, 1), x) for x, (length, width) in enumerate(zip(row, widths)))
            saved[highest] += lines / widths[highest] if row[highest] > widths[highest] else 0
        widths[saved.index(max(saved))] += 1
    return widths


def _alignment(entry: nodes.entry) -> str | None:
    """The alignment a cell asks for, if any."""
    return next((name for name in ("left", "center", "right") if f"text-{name}" in entry["classes"]), None)


def _entries_by_column(rows: Iterable[nodes.row], count: int) -> list[list[nodes.entry]]:
    """The cells that stand in each column, those that span several left out."""
    columns: list[list[nodes.entry]] = [[] for _ in range(count)]
    covered = [0] * count  # rows from here down that a cell above still covers
    for row in rows:
        free = iter([x for x in range(count) if not covered[x]])
        covered = [max(left - 1, 0) for left in covered]
        for entry in row.children:
            across = [next(free) for _ in range(entry.get("morecols", 0) + 1)]
            if len(across) == 1:
                columns[across[0]].append(entry)
            for x in across:
                covered[x] = entry.get("morerows", 0)
    return columns


def _child(node: nodes.Element, kind: type | tuple[type, ...]) -> nodes.Element | None:
    """A node's first child of a kind."""
    return next((it for it in node.children if isinstance(it, kind)), None)


def _inside(kind: type, node: nodes.Node) -> bool:
    while node := node.parent:
        if isinstance(node, kind):
            return True
    return False


def _section(node: nodes.Node | None) -> nodes.Node | None:
    """The section a node is in, or is."""
    while node and not isinstance(node, nodes.section):
        node = node.parent
    return node


def _first_sentence(text: str) -> str:
    """A caption's first sentence, without its stop: its line in the list of figures or tables."""
    return re.split(r"(?<=[.?!])\s", " ".join(text.split()), maxsplit=1)[0].removesuffix(".")


def _is_listing(node: nodes.Node) -> bool:
    """Whether a node is a code block with a caption."""
    return isinstance(node, nodes.container) and "literal-block-wrapper" in node["classes"]


class Places:
    """Every place in the book that something links to."""

    def __init__(self, chapters: Collection[Chapter]) -> None:
        self._places: dict[str, Place] = {}
        self.linked: dict[str, nodes.Element] = {}  # the labels that are needed, each with a link to it
        self.written: set[str] = set()  # those that stand in the source already
        for chapter in chapters:
            self._collect(chapter.docname, chapter.tree)
        for chapter in chapters:
            for kind in (nodes.reference, nodes.footnote_reference):
                for node in chapter.tree.findall(kind):
                    if place := self.find(chapter.docname, node):
                        self.linked.setdefault(place.label, node)

    def _collect(self, docname: str, tree: nodes.document) -> None:
        for node in tree.findall(lambda it: isinstance(it, (nodes.container, nodes.compound))):
            # The page of a wrapper is the page of what it holds.
            if not _is_listing(node) and node.children and isinstance(node[0], nodes.Body):
                node[0]["ids"], node["ids"] = node["ids"] + node[0]["ids"], []
        for node in tree.findall(nodes.Element):
            for name in node.get("ids", ()):
                self._places.setdefault(f"{docname}#{name}", Place(f"{docname}#{node['ids'][0]}", node))
        if first := next(tree.findall(nodes.section), None):
            self._places[f"{docname}#"] = Place(f"{docname}#{first['ids'][0]}", first)

    def sources(self) -> Iterator[tuple[str, str]]:
        """Each source that something cites: its label, and its authors and year, of many only the first."""
        for label in self.linked:
            place = self._places[label]
            if isinstance(place.node, nodes.citation):
                text = " ".join(it.astext() for it in place.node.children if not isinstance(it, nodes.label))
                named = re.match(r"(.*?) (\(\d{4}\w?\))", text)
                people = named[1].split(", ") if named else []
                name = f"{people[0]} and others" if len(people) > 2 else " and ".join(people)
                yield label, f"{name} {named[2]}" if named else text[:60]

    def find(self, docname: str, reference: nodes.Element) -> Place | None:
        """The place an internal reference in a document leads to, None if there is no such place."""
        uri = reference.get("refuri", "")
        if "refid" in reference:
            uri = f"{docname}#{reference['refid']}"
        elif uri.startswith(DOC):
            uri = uri.removeprefix(DOC) + ("" if "#" in uri else "#")
        elif uri.startswith("#"):
            uri = docname + uri
        return self._places.get(uri)


def _around(before: str, after: str = "]") -> tuple[Callable, Callable]:
    """The visit and depart methods of a node that is a Typst function around its children."""
    return lambda self, node: self.body.append(before), lambda self, node: self.body.append(after)


def _nothing(self, node: nodes.Element) -> None:
    """For nodes whose children say it all."""


def _skip(self, node: nodes.Element) -> None:
    raise nodes.SkipNode


class TypstTranslator(SphinxTranslator):
    """Writes one document as Typst markup that calls the functions of book.typ."""

    builder: TypstBuilder

    def __init__(self, chapter: Chapter, builder: TypstBuilder, places: Places) -> None:
        super().__init__(chapter.tree, builder)
        self.chapter, self.places = chapter, places
        self.body: list[str] = []
        self.leaves: list[str] = []
        self.depth = 0
        self.abbreviations: set[str] = set()

    def astext(self) -> str:
        self._close_leaf()
        return "".join(self.leaves)

    def _close_leaf(self) -> None:
        """Set what was written since the chapter's title in the width of text; Typst breaks no page inside."""
        text, self.body = "".join(self.body), []
        shown = re.sub(r"^// .*", "", text, flags=re.M).strip()
        self.leaves.append(f"\n#leaf[\n{text}\n]\n" if shown else text)

    # How nodes are reached.

    def dispatch_visit(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Element):
            if node.line and isinstance(node, nodes.Body) and not isinstance(node, nodes.Inline):
                self.body.append(f"\n// {self._place(node)}\n")  # so that errors name a place
            if not isinstance(node, LABELLED) and not _is_listing(node) and (label := self.label(node)):
                self.call("anchor", label)
        super().dispatch_visit(node)

    def unknown_visit(self, node: nodes.Node) -> None:
        self.warn(node, "node", "no rule for the node %s", type(node).__name__)

    def unknown_departure(self, node: nodes.Node) -> None:
        pass

    @staticmethod
    def warn(node: nodes.Node, subtype: str, message: str, *values: object) -> None:
        """Warn of what print cannot show, naming the place."""
        log.warning(f"typst: {message}", *values, location=node, type="typst", subtype=subtype)

    def content(self, children: Iterable[nodes.Node]) -> str:
        """Nodes as a Typst content block."""
        outer, self.body = self.body, []
        for node in children:
            node.walkabout(self)
        inner, self.body = "".join(self.body).strip(), outer
        return f"[{inner}\n]" if "//" in inner else f"[{inner}]"  # a comment ends with its line

    def call(self, function: str, *arguments: str, **options: str | None) -> None:
        """Write a function call in running text."""
        self.body.append(call(function, *arguments, **options))

    def block(self, function: str, *arguments: str, **options: str | None) -> None:
        """Write a function call that stands between paragraphs."""
        self.body.append("\n" + call(function, *arguments, **options) + "\n\n")

    def label(self, node: nodes.Element) -> str | None:
        """The Typst string of a node's label; None if nothing links to it, or a copy of it has the label."""
        label = f"{self.chapter.docname}#{node['ids'][0]}" if node.get("ids") else ""
        if label not in self.places.linked or label in self.places.written:
            return None
        self.places.written.add(label)
        return string(label)

    def _place(self, node: nodes.Node) -> str:
        while node.parent and not node.line:
            node = node.parent
        return f"{self.chapter.docname}:{node.line or 1}"

    # Text.

    def visit_Text(self, node: nodes.Text) -> None:
        self.body.append(escape(node.astext()))

    depart_Text = _nothing

    visit_emphasis, depart_emphasis = _around("#emph[")
    visit_title_reference = visit_manpage = visit_emphasis
    depart_title_reference = depart_manpage = depart_emphasis
    visit_strong, depart_strong = _around("#strong[")
    visit_subscript, depart_subscript = _around("#sub[")
    visit_superscript, depart_superscript = _around("#super[")
    visit_centered, depart_centered = _around("\n#align(center)[", "]\n\n")
    visit_problematic, depart_problematic = visit_strong, depart_strong

    visit_inline = depart_inline = visit_generated = depart_generated = _nothing
    visit_acronym = depart_acronym = visit_target = depart_target = _nothing

    def visit_literal(self, node: nodes.literal) -> None:
        if "kbd" in node["classes"]:
            self.call("key", f"[{escape(node.astext())}]")
        else:
            self.call("code", string(node.astext()))
        raise nodes.SkipNode

    visit_abbreviation = _nothing

    def depart_abbreviation(self, node: nodes.abbreviation) -> None:
        """Print has no pointer to hover: spell an abbreviation out the first time in a chapter."""
        text = node.astext()
        if node.get("explanation") and text not in self.abbreviations and not _inside(nodes.title, node):
            self.abbreviations.add(text)
            self.body.append(escape(f" ({node['explanation']})"))

    def visit_math(self, node: nodes.math) -> None:
        if formula := self._formula(node):
            self.call("formula", string(node.astext()), f"${formula}$")
        raise nodes.SkipNode

    def visit_math_block(self, node: nodes.math_block) -> None:
        if formula := self._formula(node):
            self.block("display-formula", string(node.astext().strip()), f"$ {formula} $",
                       number=self._equation_number(node), target=self.label(node))
        raise nodes.SkipNode

    def _formula(self, node: nodes.Element) -> str | None:
        try:
            return typst_math(node.astext())
        except MathError as error:
            self.warn(node, "math", "formula %r: %s", node.astext(), error)
            self.call("code", string(node.astext()))
            return None

    def _equation_number(self, node: nodes.math_block) -> str | None:
        if not node.get("number"):
            return None
        if self.config.math_numfig and self.config.numfig:
            if number := self._number("displaymath", node):
                return string(number)
        return string(str(node["number"]))

    # Links.

    def visit_reference(self, node: nodes.reference) -> None:
        uri, text = node.get("refuri", ""), node.astext()
        if _inside(nodes.title, node) or not node.children:
            return  # the contents list links headings already
        if re.match(r"(https?|ftp|mailto|tel):", uri):
            bare = uri.removeprefix("mailto:")
            if text in (uri, bare, bare.partition("://")[2]):
                self.call("autolink", string(uri), string(text))
            else:
                self.call("link", string(uri), self.content(node.children))
        elif place := self.places.find(self.chapter.docname, node):
            self._link_inside(node, place)
        else:
            self.warn(node, "link", "link to a missing place: %s", uri or node.get("refid", text))
            return
        raise nodes.SkipNode

    depart_reference = _nothing

    def _link_inside(self, node: nodes.reference, place: Place) -> None:
        mark = any("finding" in it.get("classes", ()) for it in (node.parent, *node.findall(nodes.Element)))
        if isinstance(place.node, nodes.citation):
            function = "cite-link"
        elif mark and not _inside(nodes.table, node):  # in a table marks stand in lists, which must break
            function = "finding"
            self.body.append(self.body.pop().rstrip(" ") if self.body else "")
        elif isinstance(place.node, PAGED) and not mark and _section(place.node) is not _section(node):
            function = "inside-page"
        else:
            function = "inside"
        aside = "true" if function == "cite-link" and _inside(nodes.table, node) else None
        self.call(function, string(place.label), self.content(node.children), aside=aside)

    # A download is a file beside the web page; print has its name.
    visit_download_reference = depart_download_reference = _nothing

    def visit_footnote_reference(self, node: nodes.footnote_reference) -> None:
        mark, place = string(node.astext()), self.places.find(self.chapter.docname, node)
        if place is None or _inside(nodes.title, node):  # the contents list would repeat the note
            self.warn(node, "note", "a footnote %s, which print cannot have",
                      "without text" if place is None else "in a title")
        elif label := self.label(place.node):
            text = [it for it in place.node.children if not isinstance(it, nodes.label)]
            self.call("note", mark, label, self.content(text))
        else:
            self.call("note-again", mark, string(place.label))
        raise nodes.SkipNode

    visit_footnote = _skip  # set where it is first referred to

    def visit_citation(self, node: nodes.citation) -> None:
        label = _child(node, nodes.label)
        if getattr(self.config, "bibtex_reference_style", "label") not in ("label", "super"):
            label = None  # the text cites by author and year
        self.block("source", self.label(node) or "none",
                   f"[{escape(f'[{label.astext()}]')}]" if label else "none",
                   self.content(it for it in node.children if not isinstance(it, nodes.label)))
        raise nodes.SkipNode

    # Sections.

    visit_document = depart_document = _nothing

    def visit_section(self, node: nodes.section) -> None:
        self.depth += 1

    def depart_section(self, node: nodes.section) -> None:
        self.depth -= 1

    def visit_title(self, node: nodes.title) -> None:
        """A section's title; those of tables, panels and topics are written by these."""
        section, depth = node.parent, self.chapter.depth + self.depth - 1
        options = {"level": str(self.chapter.level + self.depth - 1), "number": self._section_number(section),
                   "target": self.label(section)}
        title = self.content(node.children)
        if depth == 0:
            part = self.chapter.part if section is next(self.chapter.tree.findall(nodes.section)) else None
            self._close_leaf()
            self.leaves.append("\n" + call("chapter", title, part=part and f"[{escape(part)}]", **options) + "\n")
        else:
            self.block("section", title, depth=str(depth), **options)
        raise nodes.SkipNode

    def _section_number(self, section: nodes.section) -> str | None:
        numbers = self.builder.env.toc_secnumbers.get(self.chapter.docname, {})
        names = [f"#{name}" for name in section["ids"]] + [""] * (self.depth == 1)
        number = next((numbers[name] for name in names if numbers.get(name)), None)
        return number and string(".".join(map(str, number)))

    def visit_rubric(self, node: nodes.rubric) -> None:
        self.block("rubric", self.content(node.children))
        raise nodes.SkipNode

    def visit_transition(self, node: nodes.transition) -> None:
        if "footnotes" not in node["classes"]:  # MyST's line above the footnotes
            self.block("transition")
        raise nodes.SkipNode

    # Paragraphs, quotations and lists.

    visit_paragraph = _nothing

    def depart_paragraph(self, node: nodes.paragraph) -> None:
        self.body.append("\n\n")

    def visit_block_quote(self, node: nodes.block_quote) -> None:
        attribution = _child(node, nodes.attribution)
        self.block("quote", self.content(it for it in node.children if it is not attribution), block="true",
                   attribution=self.content(attribution.children) if attribution else None)
        raise nodes.SkipNode

    def _items(self, node: nodes.Element) -> list[str]:
        return [self.content([item]) for item in node.children]

    visit_list_item = depart_list_item = _nothing

    @staticmethod
    def _tight(node: nodes.Element) -> str:
        paragraphs = (sum(isinstance(it, nodes.paragraph) for it in item.children) for item in node.children)
        return "false" if any(count > 1 for count in paragraphs) else "true"

    def visit_bullet_list(self, node: nodes.bullet_list) -> None:
        self.block("list", *self._items(node), tight=self._tight(node))
        raise nodes.SkipNode

    def visit_enumerated_list(self, node: nodes.enumerated_list) -> None:
        sign = {"loweralpha": "a", "upperalpha": "A", "lowerroman": "i", "upperroman": "I"}
        numbering = node.get("prefix", "") + sign.get(node.get("enumtype"), "1") + node.get("suffix", ".")
        self.block("enum", *self._items(node), tight=self._tight(node), numbering=string(numbering),
                   start=str(node.get("start", 1)))
        raise nodes.SkipNode

    def _terms(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.block("terms", *(f"terms.item({term}, {text})" for term, text in pairs), tight="false")

    def visit_definition_list(self, node: nodes.definition_list) -> None:
        def pairs() -> Iterator[tuple[str, str]]:
            for item in node.children:
                heads = [it for it in item.children if not isinstance(it, nodes.definition)]
                yield self.content(heads), self.content(item.children[len(heads):])
        self._terms(pairs())
        raise nodes.SkipNode

    def visit_term(self, node: nodes.term) -> None:
        if node is not node.parent[0]:
            self.body.append("#linebreak()")

    depart_term = _nothing
    visit_classifier, depart_classifier = _around("#text(weight: 400)[ : #emph[", "]]")
    visit_definition = depart_definition = _nothing

    def visit_field_list(self, node: nodes.field_list) -> None:
        self._terms(tuple(self.content(part.children) for part in field.children) for field in node.children)
        raise nodes.SkipNode

    def visit_option_list(self, node: nodes.option_list) -> None:
        def head(group: nodes.Element) -> str:
            return f"[{call('code', string(', '.join(it.astext() for it in group.children)))}]"
        self._terms((head(item[0]), self.content(item[1].children)) for item in node.children)
        raise nodes.SkipNode

    def visit_line_block(self, node: nodes.line_block) -> None:
        lines: list[str] = []
        for child in node.children:
            if isinstance(child, nodes.line_block):
                self.block("line-block", *lines)
                lines = []
                self.block("deeper", self.content([child]))
            else:
                lines.append(self.content(child.children))
        if lines:
            self.block("line-block", *lines)
        raise nodes.SkipNode

    # Panels.

    def _panel(self, kind: str, node: nodes.Element, title: str | None = None) -> None:
        own = _child(node, nodes.title)
        head = self.content(own.children) if own else f"[{escape(title)}]" if title else "none"
        body = self.content(it for it in node.children if it is not own)
        self.block("admonition", string(kind), head, body)
        raise nodes.SkipNode

    def visit_Admonition(self, node: nodes.Element) -> None:
        name = type(node).__name__
        if "short-answer" in node["classes"]:
            kind = "short-answer"
        elif {"attention", "caution", "danger", "error", "warning"}.intersection([name, *node["classes"]]):
            kind = "warning"
        else:
            kind = "note"
        self._panel(kind, node, str(admonitionlabels.get(name, "")))

    def visit_topic(self, node: nodes.topic) -> None:
        if "contents" in node["classes"]:
            raise nodes.SkipNode  # the book has its own
        self._panel("note", node)

    def visit_sidebar(self, node: nodes.sidebar) -> None:
        self._panel("note", node)

    visit_subtitle, depart_subtitle = _around("#emph[", "]\n\n")
    visit_versionmodified = depart_versionmodified = _nothing

    # Containers: notebook cells, and sphinx-design's cards, grids, tabs and dropdowns.

    def visit_container(self, node: nodes.container) -> None:
        if node.get("nb_element") == "cell_code_source":
            raise nodes.SkipNode
        if _is_listing(node):
            self._captioned(node, "raw", "code-block", breakable="true")
        if "definition" in node["classes"]:
            self.block("definition", self.content(node.children))
            raise nodes.SkipNode
        component = node.get("design_component")
        if component in ("card", "dropdown"):
            self.block("card", self.content(node.children))
            raise nodes.SkipNode
        if component == "card-title":
            self.block("rubric", self.content(node.children))
            raise nodes.SkipNode

    def depart_container(self, node: nodes.container) -> None:
        self.body.append("\n\n")

    visit_compound = depart_compound = visit_glossary = depart_glossary = _nothing
    visit_hlist = depart_hlist = visit_hlistcol = depart_hlistcol = _nothing
    visit_acks = depart_acks = visit_decoration = depart_decoration = _nothing
    visit_PassthroughTextElement = depart_PassthroughTextElement = _nothing

    # Code.

    def visit_literal_block(self, node: nodes.literal_block) -> None:
        self.block("raw", string(node.astext().rstrip()), block="true")
        raise nodes.SkipNode

    visit_doctest_block = visit_literal_block

    def visit_raw(self, node: nodes.raw) -> None:
        if "typst" in node.get("format", "").split():
            self.body.append(node.astext() + ("" if isinstance(node.parent, nodes.TextElement) else "\n\n"))
        raise nodes.SkipNode

    # Pictures and figures.

    def visit_image(self, node: nodes.image) -> None:
        name = self.builder.images.get(node["uri"])
        if name is None:
            self.warn(node, "image", "no picture for %s", node["uri"])
            raise nodes.SkipNode
        if "alt" not in node:
            self.warn(node, "image", "picture without alt text: %s", node["uri"])
        alt = string(node["alt"]) if node.get("alt") else None
        picture = call("image", string(f"{self.builder.imagedir}/{name}"), alt=alt)[1:]
        options = {"width": _length(node.get("width")), "artifact": None if alt else "true"}
        beside = [it for it in node.parent.children if it is not node and it.astext().strip()]
        if isinstance(node.parent, nodes.TextElement) and (beside or _inside(nodes.entry, node)):
            self.call("inline-picture", picture, height=_length(node.get("height")), **options)
        else:
            picture = call("picture", picture, bitmap=None if name.endswith(".svg") else "true", **options)
            if _inside(nodes.figure, node):
                self.body.append(picture)
            else:
                self.block("loose", f"[{picture}]")
        raise nodes.SkipNode

    def visit_figure(self, node: nodes.figure) -> None:
        self._captioned(node, "image", "figure")

    visit_legend = depart_legend = _nothing

    def _captioned(self, node: nodes.Element, kind: str, figtype: str, body: str | None = None,
                   breakable: str | None = None) -> None:
        """A figure, table or listing with its caption; `body` if its other children are not to be written."""
        captions = [it for it in node.children if isinstance(it, (nodes.caption, nodes.title, nodes.legend))]
        body = body or self.content(it for it in node.children if it not in captions)
        text = PARAGRAPH.join(self.content(it.children)[1:-1] for it in captions)
        number = self._number(figtype, node) if captions else None
        label = number and string(self.config.numfig_format[figtype] % number)
        brief = label and f"[{escape(_first_sentence(captions[0].astext()))}]"
        self.block("captioned", body, kind=kind, number=label, brief=brief, target=self.label(node),
                   caption=f"[{text}]" if captions else None, breakable=breakable)
        raise nodes.SkipNode

    def _number(self, figtype: str, node: nodes.Element) -> str | None:
        """The number Sphinx gave a figure, table, listing or equation, such as 2.1."""
        numbers = self.builder.env.toc_fignumbers.get(self.chapter.docname, {}).get(figtype, {})
        number = next((numbers[name] for name in node["ids"] if name in numbers), None)
        return number and ".".join(map(str, number))

    # Tables.

    def visit_table(self, node: nodes.table) -> None:
        group = _child(node, nodes.tgroup)
        head, body = ([row for part in group.children if isinstance(part, kind) for row in part.children]
                      for kind in (nodes.thead, nodes.tbody))
        table = self._table(group, head, body, "colwidths-given" in node["classes"])
        short = len(head + body) + len(group.astext()) / TABLE_ROOM <= SHORT_TABLE
        breakable = "false" if short else "true"
        if node["ids"] or _child(node, nodes.title):
            self._captioned(node, "table", "table", f"[{table}]", breakable)
        self.block("loose", f"[{table}]", breakable=breakable)
        raise nodes.SkipNode

    def _table(self, group: nodes.tgroup, head: Sequence[nodes.row], body: Sequence[nodes.row],
               widths_given: bool) -> str:
        specs = [it for it in group.children if isinstance(it, nodes.colspec)]
        below, whole = (_entries_by_column(rows, len(specs)) for rows in (body, [*head, *body]))
        columns, widths = (list(map(Column.of, entries)) for entries in (below, whole))
        stubs = {id(entry) for spec, entries in zip(specs, below) if spec.get("stub") for entry in entries}
        aligned = {id(entry): column.align for column, entries in zip(columns, whole) for entry in entries}
        rows = [", ".join(self._cell(it, aligned.get(id(it)), id(it) in stubs) for it in row.children)
                for row in [*head, *body]]
        if head:
            rows = [f"table.header({', '.join(rows[:len(head)])})", *rows[len(head):]]
        shares = _shares(widths, list(zip(*([len(it.astext()) for it in entries] for entries in whole))))
        sizes = [f"(width: {width.width}, word: {width.word}, share: {share}, number: {str(column.number).lower()})"
                 for width, share, column in zip(widths, shares, columns)]
        return call(
            "grid-table", *[f"\n  {row}" for row in rows if row], place=string(self._place(group)),
            header_rows=str(len(head)), align=array(column.align for column in columns), columns=array(sizes),
            given=array(str(spec["colwidth"]) for spec in specs) if widths_given else None,
            breakable_rows="true" if max((it.width for it in columns), default=0) > LONG_CELL else None)

    visit_entry = depart_entry = _nothing

    def _cell(self, entry: nodes.entry, aligned: str | None, stub: bool) -> str:
        """A cell, given the alignment of its column."""
        spans = {"rowspan": entry.get("morerows", 0) + 1, "colspan": entry.get("morecols", 0) + 1}
        options = {name: str(count) for name, count in spans.items() if count > 1}
        if (align := _alignment(entry)) and align != aligned:
            options["align"] = align
        content = self.content([entry])
        if stub:
            content = f"[#strong{content}]"
        return call("table.cell", content, **options)[1:] if options else content

    # What print has no use for, and what Sphinx has dealt with.

    visit_comment = visit_substitution_definition = visit_system_message = visit_meta = _skip
    visit_index = visit_tabular_col_spec = visit_toctree = visit_highlightlang = visit_pending = _skip
    visit_docinfo = visit_label = visit_attribution = _skip
