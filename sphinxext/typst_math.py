"""LaTeX formulas as Typst math, by way of the same MathML that the web pages show."""
import re
from collections.abc import Callable, Iterable
from html import unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

ACCENTS = {"^": "hat", "~": "tilde", "¯": "overline", "―": "overline", "→": "arrow",
           "˙": "dot", "¨": "dot.double", "ˇ": "caron", "⏞": "overbrace"}
UNDER = {"_": "underline", "―": "underline", "⏟": "underbrace"}
LIMITS = {"lim", "max", "min", "sup", "inf", "argmax", "argmin"}
OPENING = set("([{⟨⌈⌊")
CLOSING = set(")]}⟩⌉⌋")


class MathError(ValueError):
    """A formula that cannot be read, or asks for what this module does not know."""


def typst_math(latex: str) -> str:
    """Return Typst math markup (what goes between two dollars) for a LaTeX formula.

    Raises MathError, with the reason, for a formula that cannot be converted.
    """
    try:
        tree = convert_to_element(latex)
    except Exception as error:  # latex2mathml's errors share no base class, and many have no text
        raise MathError(str(error) or type(error).__name__) from error
    for element in tree.iter():  # whose texts are still character references
        element.text = unescape(element.text or "")
    return _children(tree)


def _symbols(text: str) -> str:
    """Letters stand for themselves, anything else is an escape, so that nothing is Typst syntax."""
    return " ".join(c if c.isascii() and c.isalpha() else f"\\u{{{ord(c):x}}}" for c in text)


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _word(text: str) -> str:
    """An identifier or operator: one letter or sign, or a name such as log."""
    if "\\" in text:
        raise MathError(f"unknown command {text}")
    if len(text) > 1 and text.isalpha():
        return f"op({_string(text)}{', limits: #true' if text in LIMITS else ''})"
    return _symbols(text)


def _sequence(elements: Iterable[Element]) -> str:
    """Elements side by side; brackets that MathML would stretch become a Typst `lr`."""
    parts, depth = [], 0
    for element in elements:
        sign = element.text.strip()
        stretches = element.tag == "mo" and element.get("stretchy") != "false"
        if stretches and (sign in OPENING or element.get("form") == "prefix" and element.get("fence")):
            parts.append(f"lr({_symbols(sign)}")
            depth += 1
        elif depth and stretches and (sign in CLOSING or element.get("form") == "postfix"):
            parts.append(f"{_symbols(sign)})")
            depth -= 1
        else:
            parts.append(_element(element))
    return " ".join(parts) + ")" * depth


def _children(element: Element) -> str:
    return _sequence(element)


def _arguments(element: Element, count: int) -> list[str]:
    if len(element) != count:
        raise MathError(f"{element.tag} with {len(element)} parts, not {count}")
    return [_element(child) or '""' for child in element]


def _fraction(element: Element) -> str:
    top, bottom = _arguments(element, 2)
    if element.get("linethickness") == "0":
        return f"vec(delim: #none, {top}, {bottom})"
    return f"frac({top}, {bottom})"


def _attach(*places: str) -> Callable[[Element], str]:
    def convert(element: Element) -> str:
        base, *marks = _arguments(element, 1 + len(places))
        if element.tag.startswith(("munder", "mover")):
            base = f"limits({base})"
        return f"attach({base}, " + ", ".join(f"{p}: {m}" for p, m in zip(places, marks)) + ")"
    return convert


def _accent(known: dict[str, str], otherwise: Callable[[Element], str]) -> Callable[[Element], str]:
    def convert(element: Element) -> str:
        _arguments(element, 2)
        function = known.get("".join(element[1].itertext()).strip())
        return f"{function}({_element(element[0])})" if function else otherwise(element)
    return convert


def _table(element: Element) -> str:
    rows = [", ".join(_children(cell) or '""' for cell in row) for row in element]
    left = ", align: #left" if next(element.iter("mtd")).get("columnalign") == "left" else ""
    return f"mat(delim: #none{left}, {'; '.join(rows)})"


def _space(element: Element) -> str:
    if element.get("linebreak") == "newline":
        return "\\ "
    width = re.fullmatch(r"(-?[\d.]+)em", element.get("width", ""))
    return f"#h({width[1]}em);" if width else ""


def _identifier(element: Element) -> str:
    text = element.text.strip()
    return "&" if text == "&" else _word(text)  # an alignment point of LaTeX's aligned


RULES: dict[str, Callable[[Element], str]] = {
    **dict.fromkeys(("math", "mrow", "mstyle"), _children),
    "mi": _identifier,
    "mo": lambda e: _word(e.text.strip()),
    "mn": lambda e: e.text if re.fullmatch(r"[\d.]+", e.text) else _symbols(e.text),
    "mtext": lambda e: _string(e.text),
    "mspace": _space,
    "mfrac": _fraction,
    "msqrt": lambda e: f"sqrt({_children(e)})",
    "mroot": lambda e: "root({1}, {0})".format(*_arguments(e, 2)),
    "msub": _attach("b"),
    "msup": _attach("t"),
    "msubsup": _attach("b", "t"),
    "munder": _accent(UNDER, _attach("b")),
    "mover": _accent(ACCENTS, _attach("t")),
    "munderover": _attach("b", "t"),
    "mtable": _table,
}


def _element(element: Element) -> str:
    if element.tag not in RULES:
        raise MathError(f"no rule for {element.tag}")
    return RULES[element.tag](element)
