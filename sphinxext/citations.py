"""Citations as British readers write them: 'Davies and others (2003a)'."""

from dataclasses import dataclass, field

from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle


def _round() -> BracketStyle:
    return BracketStyle(left="(", right=")", sep="; ")


@dataclass
class BookReferenceStyle(AuthorYearReferenceStyle):
    """Author and year in round brackets; three authors or more are the first 'and others'."""

    bracket_textual: BracketStyle = field(default_factory=_round)
    bracket_parenthetical: BracketStyle = field(default_factory=_round)
    person: PersonStyle = field(default_factory=lambda: PersonStyle(
        sep=", ", sep2=" and ", last_sep=" and ", other=" and others"))


def setup(app) -> dict:
    """Register the style as `bibtex_reference_style: book`."""
    register_plugin("sphinxcontrib.bibtex.style.referencing", "book", BookReferenceStyle, force=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
