"""What a page of the book is made of in HTML: its scripts, its folded code, its tables, its typefaces.

The layout is `_templates/book.html`, the look `_static/book.css`, the little that needs a script `pages.js`.
"""

import html
import re
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode

from sphinxext.vegalite import FONTS, cached

#: Scripts of Sphinx and of the theme that a page of the book does not need; the search page asks for its own.
UNUSED = {"documentation_options.js", "doctools.js", "sphinx_highlight.js", "sphinx-book-theme.js"}
#: Faces of the pages, and what they always hold: a reader may type any of it, and live charts write it.
#: In the order of their need.
FACES = ["Literata-Regular", "Literata-Italic", "Literata-Bold", "Inter-Regular", "Inter-SemiBold", "Inter-Italic"]
ALWAYS = {chr(code) for code in range(0x20, 0x7F)} | set("\u00a0–—‘’“”…−×")
SCRIPT = Path(__file__).with_name("pages.js")
#: The one script within the pages, as it must run before they are painted; the policy knows it by its digest.
FIRST = Path(__file__).with_name("first.js").read_text("utf-8")
#: What a page may load and run: nothing of another host, no other script within it, no text as a script. Drawings and
#: room kept for charts set styles on elements.
POLICY = "; ".join([
    "default-src 'none'", f"script-src 'self' 'sha256-{b64encode(sha256(FIRST.encode()).digest()).decode()}'",
    "style-src 'self'", "style-src-attr 'unsafe-inline'", "font-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "base-uri 'self'", "form-action 'self'"])
PAGE_ROOM = 350  # px: the width of a table on a phone


def of_the_book(script) -> bool:
    """Tell whether a page needs a script that Sphinx would give it."""
    name = str(script.filename or "").rpartition("/")[2].partition("?")[0]
    return name not in UNUSED and "DOCUMENTATION_OPTIONS" not in script.attributes.get("body", "")


def add_to_page(app, pagename, templatename, context, doctree) -> None:
    """Give the layout what it asks for, and no style sheet but the book's."""
    if app.builder.name != "html":
        return
    unused = re.compile(r"/(ebook|pygments|sphinx-book-theme|mystnb\.\w+)\.css")
    context["css_files"] = [css for css in context["css_files"] if not unused.search(str(css.filename))]
    context |= {"of_the_book": of_the_book, "first": FIRST, "policy": POLICY}
    context["body"] = PLAIN.sub(r"\1", context.get("body", ""))
    app.add_js_file(SCRIPT.name, loading_method="defer")


def write_script(app) -> None:
    """Put the pages' script into the static files."""
    if app.builder.name == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / SCRIPT.name).write_bytes(SCRIPT.read_bytes())


# Folded code


def visit_folded(self, node) -> None:
    """Write code that opens at its own words; MyST-NB names it 'Toggle hidden content' to who cannot see it."""
    self.body.append(f'<details class="code">\n<summary>{html.escape(node["prompt_show"])}</summary>\n')


def depart_folded(self, node) -> None:
    """End the code."""
    self.body.append("</details>\n")


# References


def visit_citation(self, node) -> None:
    """Write a reference as an item of a list; Sphinx gives it a role that ARIA has since withdrawn."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        self.body.append('<div role="list" class="citation-list">\n')
    self.body.append(self.starttag(node, "div", classes=["citation"], role="listitem"))


def depart_citation(self, node) -> None:
    """End a reference, and the list after the last one."""
    self.body.append("</div>\n")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        self.body.append("</div>\n")


# Tables


#: Names, stops and spaces of code, which look like the rest of it; with their tags a page has three times as many elements.
PLAIN = re.compile(r'<span class="(?:n|nn|nx|o|p|w)">([^<]*)</span>')
ROLES = {"tr": "row", "th": "columnheader", "td": "cell"}


def visit_table(self, node) -> None:
    """Write a table by the theme's way."""
    self.context.append(str(len(self.body)))
    type(self).visit_table(self, node)


def depart_table(self, node) -> None:
    """End a table. If a phone cannot show it, each row becomes a card there, and each cell has its heading with it.

    A style that makes cards of rows takes from rows and cells what they are to who hears them; so they say it themselves.
    """
    type(self).depart_table(self, node)
    start = int(self.context.pop())
    rows = [[cell.astext() for cell in row] for row in node.findall(nodes.row)]
    if "explorer" in node["classes"]:  # a reference is in the record; as the title of each link it would be half of the page
        self.body[start:] = [re.sub(r'(<a class="reference[^>]*) title="[^"]*"', r"\1", "".join(self.body[start:]))]
    if self.builder.name != "html" or "explorer" in node["classes"] or not rows or narrowest(rows) <= PAGE_ROOM:
        return
    column = iter(())

    def part(match: re.Match) -> str:
        nonlocal column
        if match[1] == "tr":
            column = iter(rows[0])
        heading = f' data-column="{html.escape(next(column, ""))}"' if match[1] == "td" else ""
        return f'<{match[1]} role="{ROLES[match[1]]}"{heading}'

    text = re.sub(r"<(tr|th|td)\b", part, "".join(self.body[start:]))
    self.body[start:] = [text.replace('class="table"', 'class="table cards"', 1)]


def narrowest(rows: list[list[str]]) -> float:
    """The least width in px at which a table's rows can be read: no word broken, no cell taller than some six lines."""
    return sum(max(max((len(word) for text in column for word in text.split()), default=1), max(map(len, column)) / 6) * 6.4 + 13
               for column in zip(*rows))


def visit_paragraph(self, node) -> None:
    """Write a paragraph; one that is all of a cell needs no tags."""
    if isinstance(node.parent, nodes.entry) and len(node.parent) == 1:
        self.context.append("")
    else:
        type(self).visit_paragraph(self, node)
        self.context.append("more")


def depart_paragraph(self, node) -> None:
    """End a paragraph."""
    if self.context.pop():
        type(self).depart_paragraph(self, node)


# Typefaces


def cut_fonts(app, error) -> None:
    """Write the pages' faces with the characters that the pages use: about 12 kB each."""
    if error or app.builder.name != "html":
        return
    used = set(ALWAYS)
    for page in Path(app.outdir).rglob("*.html"):
        used.update(html.unescape(page.read_text("utf-8")))
    for name in FACES:
        face = FONTS / f"{name}.ttf"
        key = sha256(face.read_bytes() + "".join(sorted(used)).encode()).hexdigest()[:20]
        cut = cached(Path(app.outdir).parent / ".cache" / "fonts" / f"{name}-{key}.woff2", lambda: subset(face, used))
        (Path(app.outdir) / "_static" / "fonts" / f"{name}.woff2").write_bytes(cut.read_bytes())


def subset(face: Path, characters: set[str]) -> bytes:
    """Return a face as WOFF2 with these characters, their kerning and their ligatures."""
    from fontTools import subset as fonttools

    options = fonttools.Options(flavor="woff2", hinting=False, layout_features=["kern", "liga", "ccmp", "locl", "mark", "tnum"])
    font = fonttools.load_font(face, options)
    subsetter = fonttools.Subsetter(options)
    subsetter.populate(text="".join(sorted(characters)))
    subsetter.subset(font)
    fonttools.save_font(font, buffer := BytesIO(), options)
    return buffer.getvalue()


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_node(HideCodeCellNode, override=True, html=(visit_folded, depart_folded))
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(nodes.table, override=True, html=(visit_table, depart_table))
    app.add_node(nodes.paragraph, override=True, html=(visit_paragraph, depart_paragraph))
    app.connect("builder-inited", write_script)
    app.connect("html-page-context", add_to_page)
    app.connect("build-finished", cut_fonts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
