"""Citations and references as British readers write them.

In the text 'Davies and others (2003a)'; in the list 'Davies HTO, Hodges CL, Rundall TG (2003a). Title. …'. The role
{reference} writes that line of the list anywhere, {worktitle} the title alone; both take a key.
"""

import functools
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from docutils import nodes
from pybtex.database import Entry, parse_file
from pybtex.plugin import register_plugin as register_pybtex
from pybtex.richtext import Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting import BaseStyle
from pybtex.style.names import BaseNameStyle, name_part
from pybtex.style.template import field as entry_field
from pybtex.style.template import first_of, href, join, names, optional, sentence, tag
from pybtex_docutils import Backend
from sphinx.util.docutils import SphinxRole
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


class SurnameInitials(BaseNameStyle):
    """'Davies HTO': the surname, then initials without stops."""

    def format(self, person, abbr=False):
        """One person's name as a template."""
        initials = "".join(part[0] for name in person.first_names + person.middle_names
                           for part in name.replace("-", " ").split() if part[0].isalpha())
        return join(sep=" ")[name_part(tie=True)[person.rich_prelast_names], name_part[person.rich_last_names], initials]


_formatted: dict[str, tuple[Entry, FormattedEntry]] = {}


class BookStyle(BaseStyle):
    """The list of references: authors, year, title as printed, where it appeared, DOI."""

    def __init__(self, **options):
        super().__init__(**options)
        self.format_name = SurnameInitials().format
        self.sort = self._by_name

    def format_entry(self, label, entry, bib_data=None):
        """The entry as formatted before, if it was: the lists, their tooltips and {reference} are the same text."""
        before, formatted = _formatted.get(entry.key, (None, None))
        if before != entry:
            formatted = super().format_entry(label, entry, bib_data)
            _formatted[entry.key] = entry, formatted
        return FormattedEntry(entry.key, formatted.text, label)

    def _by_name(self, entries):
        """In order of names, as a reader looks for them: no braces, no 'The'."""
        def key(entry):
            people = [str(self.format_name(p).format()).lower().removeprefix("the ") for p in entry.persons.get("author", [])]
            return people, entry.fields.get("year", ""), entry.fields.get("title", "")
        return sorted(entries, key=key)

    def _template(self, entry):
        title = entry_field("title")
        volume = join[tag("strong")[entry_field("volume")], optional["(", entry_field("number"), ")"]]
        place = first_of[
            optional[join(sep=" ")[tag("em")[entry_field("journal")], optional[volume]]],
            optional["In ", tag("em")[entry_field("booktitle")]],
            optional[entry_field("institution")],
            optional[entry_field("publisher")],
            "",
        ]
        pages = optional[", pp. ", entry_field("pages")]
        doi = optional[" ", href[join["https://doi.org/", entry_field("doi")], join["doi:", entry_field("doi")]]]
        appeared = entry.fields.keys() & {"journal", "booktitle", "institution", "publisher"}
        named = title if "journal" in entry.fields or "booktitle" in entry.fields else tag("em")[title]
        return join[
            names("author", sep=", "), " (", entry_field("year"), "). ",
            sentence[named], sentence(sep="")[" ", place, pages] if appeared else "", doi,
        ]

    get_article_template = get_book_template = get_incollection_template = _template
    get_techreport_template = get_misc_template = get_phdthesis_template = _template


@functools.cache
def bibliography(files: tuple[Path, ...]) -> dict:
    """The entries of the bibliography, by key."""
    return {key: entry for file in files for key, entry in parse_file(file, "bibtex").entries.items()}


style = functools.cache(BookStyle)  # pybtex looks a style's parts up anew for each, 60 ms a time


class ReferenceRole(SphinxRole):
    """A source as the list of references has it, or its title alone."""

    def __init__(self, part: str):
        super().__init__()
        self.part = part

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The text of the source with this key; an unknown key is an error that names it."""
        files = tuple(Path(self.env.app.confdir, f) for f in self.config.bibtex_bibfiles)
        for file in files:
            self.env.note_dependency(str(file))
        entry = bibliography(files).get(self.text)
        if entry is None:
            error = self.inliner.reporter.error(f"no source has the key {self.text!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, error)], [error]
        text = Text.from_latex(entry.fields["title"]) if self.part == "title" else style().format_entry("", entry).text
        return text.render(Backend()), []


def remember(app, env) -> None:
    """Have the entries that the last build formatted, in this style and without a mistake, formatted already."""
    domain = env.get_domain("cite")
    for citation in domain.citations:
        if citation.tooltip_entry and domain.bibliographies[citation.bibliography_key].style == "book":
            _formatted.setdefault(citation.entry.key, (citation.entry, citation.formatted_entry))


def setup(app) -> dict:
    """Register the roles, and the styles as `bibtex_reference_style: book` and `bibtex_default_style: book`."""
    app.add_role("reference", ReferenceRole("reference"))
    app.add_role("worktitle", ReferenceRole("title"))
    register_plugin("sphinxcontrib.bibtex.style.referencing", "book", BookReferenceStyle, force=True)
    register_pybtex("pybtex.style.formatting", "book", BookStyle, force=True)
    app.connect("env-updated", remember, priority=400)  # before they are formatted
    return {"env_version": sha256(Path(__file__).read_bytes()).hexdigest(), "parallel_read_safe": True, "parallel_write_safe": True}
