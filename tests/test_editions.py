"""Parts that are for the pages alone, or for print alone."""

import json

import pytest
from sphinx.testing.util import SphinxTestApp

CONF = """
extensions = ["myst_nb", "sphinx_design", "sphinxext.typst", "sphinxext.vegalite", "sphinxext.editions"]
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
epub_title = epub_copyright = epub_basename = "book"
epub_show_urls = "no"
"""


def cell(tag, text):
    return {"cell_type": "code", "id": text, "execution_count": 1, "metadata": {"tags": [tag]}, "source": "1", "outputs": [
        {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": text}}]}


@pytest.fixture
def text(tmp_path):
    """The book in one edition, as text of its only page."""
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Book\n\n" + "\n\n".join(
        f"Before.\n\n:::{{div}} {kind}-only\n{kind}-text\n:::" for kind in ("html", "print"))},
        cell("html-only", "html-cell"), cell("print-only", "print-cell"), cell("hide-input", "any-cell")]
    (tmp_path / "index.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}}), "utf-8")
    (tmp_path / "conf.py").write_text(CONF, "utf-8")

    def run(builder, name):
        app = SphinxTestApp(builder, srcdir=tmp_path, builddir=tmp_path / "_build", freshenv=False)
        try:
            app.build(force_all=True)
        finally:
            app.cleanup()
        return (tmp_path / "_build" / builder / name).read_text("utf-8").replace("\\", "")
    return run


@pytest.mark.parametrize(("builder", "name", "here", "elsewhere"), [
    ("html", "index.html", "html", "print"), ("epub", "index.xhtml", "print", "html"), ("typst", "book.typ", "print", "html")])
def test_each_edition_has_its_own_parts_and_the_common_ones(text, builder, name, here, elsewhere):
    page = text(builder, name)
    assert f"{here}-text" in page and f"{here}-cell" in page and "any-cell" in page
    assert f"{elsewhere}-text" not in page and f"{elsewhere}-cell" not in page
