"""Math as MathML, which browsers show without a script."""

import re
import xml.etree.ElementTree as ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.locale import _
from sphinx.util.logging import getLogger
from sphinx.util.math import get_node_equation_number

log = getLogger(__name__)
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
# latex2mathml makes something of any input; too few children show that an argument was missing.
CHILDREN = {tag: 2 for tag in ("mfrac", "mroot", "msub", "msup", "munder", "mover")}
CHILDREN |= {"msubsup": 3, "munderover": 3}


def mathml(latex: str, display: str) -> str:
    """Return LaTeX as a MathML element; `display` is inline or block. Raises ValueError on bad LaTeX."""
    if unescaped(latex, "{") != unescaped(latex, "}"):
        raise ValueError("unbalanced braces")
    try:
        text = convert(known(latex), display=display)
    except Exception as error:  # latex2mathml's errors have no class of their own, and often no message
        raise ValueError(str(error) or type(error).__name__) from error
    text = re.sub(r"\\([%_#$])", r"\1", text).replace(r"\&", "&amp;")  # left as they are in \text
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError("an & outside an alignment") from error
    for element in tree.iter():
        tag = element.tag.removeprefix(NAMESPACE)
        if len(element) < CHILDREN.get(tag, 0):
            raise ValueError(f"an argument is missing (<{tag}>)")
        if tag == "mi" and (element.text or "").startswith("\\"):
            raise ValueError(f"unknown command {element.text}")
    return text


def unescaped(latex: str, brace: str) -> int:
    """Count a brace, other than as the text it stands for."""
    return len(re.findall(rf"(?<!\\)(?:\\\\)*{re.escape(brace)}", latex))


def known(latex: str) -> str:
    """Return LaTeX with the environments that latex2mathml lacks, or numbers itself, as their equals."""
    latex = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{split}", latex)
    latex = re.sub(r"\\(begin|end)\{(align|gather|equation)\}", r"\\\1{\2*}", latex)
    if r"\\" in latex and r"\begin" not in latex:  # as Sphinx does: lines of display math are aligned at &
        latex = rf"\begin{{split}}{latex}\end{{split}}"
    return latex


def converted(self, node: nodes.math | nodes.math_block, display: str) -> str:
    """Return a node's MathML; after a warning, its LaTeX."""
    try:
        return mathml(node.astext(), display)
    except ValueError as error:
        log.warning("math: %s in %s", error, " ".join(node.astext().split()), location=node, type="mathml")
        return f"<code>{self.encode(node.astext())}</code>"


def visit_math(self, node: nodes.math) -> None:
    """Write math within a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(converted(self, node, "inline") + "</span>")
    raise nodes.SkipNode


def visit_math_block(self, node: nodes.math_block) -> None:
    """Write math on lines of its own, with its number if it has a label."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(converted(self, node, "block") + "</div>\n")
    raise nodes.SkipNode


def setup(app) -> dict:
    """Register with Sphinx, as the `html_math_renderer` mathml."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
