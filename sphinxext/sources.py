"""Check what the pages are made from besides the data: part of `make check`.

_config.yml, _toc.yml, index.md and the notebooks' form: one line for each fault, naming file, line, cell or key and what
was expected; exit status 1 when there is any. Nothing is written, and no notebook is run: that its outputs are true is
for `make test` to say.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7})( |$)", re.M)  # seven = alone underline a heading in Markdown
UNDOCUMENTED = {"only_build_toc_files"}  # keys that Jupyter Book reads and its schema lacks
NOTEBOOK = 4  # nbformat's version


def faults(root: Path = ROOT) -> list[str]:
    """Every fault of the sources in root, one line each, in the order contents, settings, pages."""
    found = [*_contents_faults(root), *_settings_faults(root)]
    for path in [root / "index.md", *sorted(root.glob("chapters/*.ipynb"))]:
        found += _notebook_faults(path, root) if path.suffix == ".ipynb" else _text(path, root)[1]
    return found


def _text(path: Path, root: Path) -> tuple[str, list[str]]:
    """A file's text, and what keeps it from being read as text."""
    where = path.relative_to(root)
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError:
        return "", [f"{where}: expected a file, found none"]
    except UnicodeDecodeError as error:
        return "", [f"{where}, line {raw[:error.start].count(bytes([10])) + 1}: expected UTF-8, found byte 0x{raw[error.start]:02x}"]
    if mark := CONFLICT.search(text):
        return text, [f"{where}, line {text.count(chr(10), 0, mark.start()) + 1}: expected text, found a merge conflict mark"]
    if odd := re.search(r"[^\S \n\r\t]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\ufeff\ufffd]", text):
        return text, [f"{where}, line {text.count(chr(10), 0, odd.start()) + 1}: expected characters that print, "
                      f"found U+{ord(odd[0]):04X}"]
    return text, [] if text.strip() else [f"{where}: expected text, found nothing"]


# --- _toc.yml and _config.yml ----------------------------------------------------------------------------

class _Once(yaml.SafeLoader):
    """YAML whose keys are not doubled; PyYAML takes the last and says nothing."""

    def construct_mapping(self, node, deep=False):
        """A mapping, or a fault at the second of two equal keys."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _yaml(path: Path, root: Path) -> tuple[dict, list[str]]:
    """A YAML file as a mapping, and what keeps it from being one."""
    text, found = _text(path, root)
    if found:
        return {}, found
    try:
        content = yaml.load(text, _Once)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        return {}, [f"{path.name}{place}: expected YAML: {getattr(error, 'problem', None) or ' '.join(str(error).split())}"]
    return (content, []) if isinstance(content, dict) else ({}, [f"{path.name}: expected keys and values"])


def _contents_faults(root: Path) -> Iterator[str]:
    """_toc.yml lists each chapter once, and every file it names is there."""
    from sphinx_external_toc.parsing import MalformedError, parse_toc_data

    content, found = _yaml(root / "_toc.yml", root)
    if found:
        yield from found
        return
    try:
        listed = list(parse_toc_data(content))
    except (MalformedError, TypeError, AttributeError, ValueError) as error:
        yield f"_toc.yml: expected contents as Jupyter Book reads them: {' '.join(str(error).split())}"
        return
    here = {p.relative_to(root).with_suffix("").as_posix() for p in [root / "index.md", *root.glob("chapters/*.ipynb")]}
    for name in listed:
        if name not in here:
            yield f"_toc.yml, file {name}: expected index.md or a notebook in chapters/, found none"
    for name in sorted(here - set(listed)):
        yield f"_toc.yml: expected file {name}, found a chapter that the contents leave out"


def _settings_faults(root: Path) -> Iterator[str]:
    """_config.yml has Jupyter Book's keys, with values of their kinds, and names what exists."""
    from jupyter_book.config import get_validator

    content, found = _yaml(root / "_config.yml", root)
    if found:
        yield from found
        return
    checker = get_validator()
    for error in checker.iter_errors(content):
        yield f"_config.yml, key {'/'.join(map(str, error.path))}: expected otherwise: {' '.join(error.message.split())[:200]}"
        return
    yield from (f"_config.yml, key {key}: expected a key of Jupyter Book" for key in _unknown(content, checker.schema))
    settings = content.get("sphinx", {}).get("config") or {}
    if not isinstance(settings, dict):
        yield "_config.yml, key sphinx/config: expected keys and values"
        return
    for key, wanted in {"only_build_toc_files": True, "execute/execute_notebooks": "off"}.items():
        value = content
        for part in key.split("/"):
            value = value.get(part, {})
        if value != wanted:  # without these two a build walks every folder, or runs the notebooks
            yield f"_config.yml, key {key}: expected {str(wanted).lower()}, found {value or 'nothing'!r}"
    for name in settings.get("extensions") or ["(none)"]:
        if not isinstance(name, str) or not _importable(name):
            yield f"_config.yml, key sphinx/config/extensions: expected modules that are installed, found {name!r}"
    named = {"bibtex_bibfiles": (content, root), "html_css_files": (settings, root / "_static"), "templates_path": (settings, root)}
    for key, (holder, folder) in named.items():
        values = holder.get(key) or ["(none)"]
        for value in values if isinstance(values, list) else [values]:
            if not (folder / str(value)).exists():
                yield f"_config.yml, key {key}: expected files that exist, found {value!r}"


def _unknown(content: dict, schema: dict, path: str = "") -> Iterator[str]:
    """Keys that Jupyter Book's own schema does not have, with the keys above them; Sphinx's settings are not in it."""
    for key, value in content.items():
        known = schema.get("properties", {})
        if key not in known and key not in UNDOCUMENTED:
            yield f"{path}{key}"
        elif isinstance(value, dict) and "properties" in known.get(key, {}):
            yield from _unknown(value, known[key], f"{path}{key}/")


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


# --- notebooks -------------------------------------------------------------------------------------------

def _notebook_faults(path: Path, root: Path) -> Iterator[str]:
    """A notebook is one, has no leftover of a merge, and ran from top to bottom."""
    where = path.relative_to(root)
    text, found = _text(path, root)
    if found:
        yield from found
        return
    try:
        content = json.loads(text)
        if content["nbformat"] != NOTEBOOK:
            raise ValueError(f"nbformat is {content['nbformat']!r}, not {NOTEBOOK}")
        ids = [cell.get("id") for cell in content["cells"]]
        if doubled := next((name for name in ids if ids.count(name) > 1), None):
            raise ValueError(f"the id {doubled} is of two cells")  # nbformat would give one of them another
        notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except json.JSONDecodeError as error:
        yield f"{where}, line {error.lineno}: expected a notebook in JSON: {error.msg}"
        return
    except Exception as error:  # nbformat raises many kinds for what is no notebook
        yield f"{where}: expected a notebook: {' '.join(str(error).split())[:200]}"
        return
    run = 0
    for number, cell in enumerate(notebook.cells, 1):
        place = f"{where}, cell {number} ({cell.id})"
        if CONFLICT.search(cell.source):
            yield f"{place}: expected text, found a merge conflict mark"
        if cell.cell_type != "code":
            continue
        run += 1
        if cell.execution_count != run:
            yield f"{place}: expected run number {run}, found {cell.execution_count}: run make execute"
        for output in cell.outputs:
            if output.output_type in ("error", "stream"):
                yield f"{place}: expected a result, found an output of kind {output.output_type}: run make execute"


def main() -> int:
    """Print the faults of the repository's sources; 1 if there are any."""
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print("The contents, the settings and the notebooks are sound.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
