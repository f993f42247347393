"""The {definition} directive: what codes mean, beside the text that uses them, in the words of the dataset's own schema.

    :::{definition} findings.direction strain, alignment
    :::
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

SCHEMA = "data/datapackage.json"


class Definition(SphinxDirective):
    """A note in the margin with the meaning of some codes of a field."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[nodes.Element]:
        """Return a container of class definition, a paragraph a code; an error names what the schema has not."""
        field, wanted = self.arguments
        self.env.note_dependency(SCHEMA)
        try:
            known = meanings(Path(self.env.srcdir, SCHEMA), field)
            codes = {code: known[code] for code in map(str.strip, wanted.split(","))}
        except KeyError as error:
            raise self.error(f"{SCHEMA} gives no meaning to {error.args[0]!r}, asked for as {field} {wanted}") from None
        notes = [nodes.paragraph("", "", nodes.strong("", code.capitalize()), nodes.Text(f": {meaning}.".replace("'", "’")))
                 for code, meaning in codes.items()]
        return [nodes.container("", *notes, classes=["definition"])]


def meanings(schema: Path, field: str) -> dict[str, str]:
    """Return the codes of a field, named as table.field, each with its meaning. Raises KeyError with the name if there is none."""
    table, _, name = field.partition(".")
    for resource in json.loads(schema.read_text("utf-8"))["resources"]:
        for described in resource["schema"]["fields"] if resource["name"] == table else ():
            if described["name"] == name and "values" in described:
                return described["values"]
    raise KeyError(field)


def setup(app) -> dict:
    """Register the directive."""
    app.add_directive("definition", Definition)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
