"""What is worked out once, or side by side, is what would be worked out each time."""

import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import nbformat
import pytest
from docutils import nodes
from pybtex.database import Entry, Person
from sphinx.builders import Builder
from sphinx.errors import SphinxError
from sphinx.highlighting import PygmentsBridge
from sphinx.util.logging import pending_warnings

from sphinxext import parallel, quick
from sphinxext.citations import style

ROOT = Path(__file__).resolve().parent.parent
TREE = nodes.section("", nodes.title("", "One"), nodes.paragraph("", "", nodes.Text("a"), nodes.emphasis("", "b"), nodes.Text("c")),
                     nodes.bullet_list("", nodes.list_item("", nodes.paragraph("", "d")), nodes.list_item()), nodes.comment())


def same(**how):
    expected = list(quick._findall(TREE, **how))
    assert [id(n) for n in quick.findall(TREE, **how)] == [id(n) for n in expected]
    return expected


def test_a_tree_is_searched_in_the_same_order():
    assert len(same()) == 14
    assert len(same(condition=nodes.paragraph)) == 2
    assert len(same(condition=lambda n: isinstance(n, nodes.Text) and n in "bd")) == 2
    assert len(same(condition=nodes.Text, include_self=False)) == 5


def test_a_tree_that_changes_while_it_is_searched_gives_the_same():
    def run(find):
        tree, seen = TREE.deepcopy(), []
        for node in find(tree, nodes.TextElement):
            seen.append(node.astext())
            if isinstance(node, nodes.emphasis):
                node.replace_self([nodes.strong("", "x"), nodes.strong("", "y")])
            if node.astext() == "d":
                node.children.append(nodes.inline("", "e"))
        return seen, tree.pformat()
    assert run(quick.findall) == run(quick._findall)


def test_an_entry_of_the_same_key_that_changed_is_formatted_again():
    entry = Entry("misc", {"title": "Old", "year": "2001"}, {"author": [Person("Doe, Jane")]})
    entry.key = "doe2001"
    text = lambda: str(next(style().format_entries([entry])).text)  # noqa: E731
    first = text()
    assert "Old" in first and text() == first
    changed = Entry("misc", {"title": "New", "year": "2001"}, {"author": [Person("Doe, Jane")]})
    changed.key = "doe2001"
    assert "New" in str(next(style().format_entries([changed])).text)


# A book built by plain Sphinx and by the book's own, one process and two.

CONF = """
import sys
extensions = ["sphinxcontrib.bibtex", *EXTENSIONS]
project = author = copyright = "Someone"
bibtex_bibfiles = ["r.bib"]
numfig = True
numfig_secnum_depth = 1
html_theme = "basic"
html_copy_source = False
"""
BIB = "".join(f"@article{{k{n}, author={{Doe, Jane and Roe, R{n}.}}, title={{Title {n}}}, journal={{J}}, year={{200{n}}}}}\n" for n in range(4))
INDEX = "Book\n====\n\n.. toctree::\n   :numbered:\n\n" + "".join(f"   p{n}\n" for n in range(7)) + "   refs\n\nSee :numref:`fig-p3`, :numref:`tab-p1`, :numref:`code-p2`, :eq:`eq-p5`.\n"
PAGE = """Page {n}
======

.. index:: entry {n}; sub

Cites :cite:t:`k{k}` and again :cite:t:`k{k}`, :cite:p:`k0,k{k}`, and :numref:`fig-p{m}`.

Deeper
------

.. _fig-p{n}:

.. figure:: a.png

   A caption with *words{n}*.

.. figure:: b.png

.. _tab-p{n}:

.. table:: A table

   ==  ==
   a   b
   1   2
   ==  ==

.. code-block:: python
   :caption: Code
   :name: code-p{n}

   print({n})

.. code-block:: python

   print("the same on every page")

.. math::
   :label: eq-p{n}

   x = {n}
"""
REFS = """References
==========

.. bibliography::
   :filter: docname in docnames or cited

Further
=======

.. bibliography::
   :list: enumerated
   :filter: {filter}
"""


def book(folder, extensions, processes, pages_filter="year >= '2002'"):
    """Build it; its files, without what names the extensions, and what Sphinx warned of."""
    source, out = folder / "source", folder / "out"
    source.mkdir(parents=True)
    texts = {f"p{n}.rst": PAGE.format(n=n, k=n % 4, m=(n + 2) % 7) + "\nLong.\n" * (50 * n) for n in range(7)}
    texts |= {"conf.py": CONF.replace("EXTENSIONS", repr(extensions)), "r.bib": BIB, "index.rst": INDEX, "refs.rst": REFS.format(filter=pages_filter)}
    for name, text in texts.items():
        (source / name).write_text(text, "utf-8")
    for name in ("a.png", "b.png"):
        (source / name).write_bytes(b"\x89PNG" + name.encode())
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-j", str(processes), "-b", "html", ".", str(out)], cwd=source, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    made = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file() and ".doctrees" not in p.parts and p.name != ".buildinfo"}
    index = Path("searchindex.js")
    made[index] = re.sub(rb'"envversion": *\{.*?\}', b"", made[index])
    return made, done.stderr.replace(str(folder), "")


OURS = ["sphinxext.quick", "sphinxext.numref", "sphinxext.parallel"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What Sphinx makes of it alone."""
    made, warned = book(tmp_path_factory.mktemp("plain"), [], 1)
    page = made[Path("p1.html")].decode()
    assert warned == "" and {"index.html", "p6.html", "_images/a.png"} <= {str(p) for p in made}
    assert all(words in page for words in ("Fig. 4.1", "Table 2.1", "Listing 2.1", "Doe and Roe ["))
    return made


@pytest.mark.parametrize("processes", [1, 2])
def test_a_whole_book_is_what_sphinx_makes_of_it(plain, tmp_path, processes):
    made, warned = book(tmp_path, OURS, processes)
    assert warned == "" and made.keys() == plain.keys()
    assert [str(name) for name in made if made[name] != plain[name]] == []
    kept = (tmp_path / "out/.doctrees/environment.pickle").read_bytes()
    assert len(kept) < 150_000
    for outline in pickle.loads(kept).book_outlines.values():
        assert outline.settings is None and {node.document for node in outline.findall(nodes.Node)} == {outline}, "it leads to nothing else"


@pytest.mark.parametrize("extensions", [[], OURS])
def test_a_filter_with_a_mistake_is_named(tmp_path, extensions):
    _, warned = book(tmp_path, extensions, 1, "year + '2002'")
    assert "refs.rst:10: WARNING: syntax error in :filter: expression" in warned


def test_code_with_a_mistake_is_named_each_time(monkeypatch):
    monkeypatch.setattr("sphinx.highlighting.highlight", quick.highlight)
    bridge, said = PygmentsBridge("html"), []
    for forced in (True, False, False):
        with pending_warnings() as warnings:
            bridge.highlight_block("def $", "python", force=forced)
            said.append(len(warnings.buffer))
            warnings.buffer.clear()
    assert said == [0, 1, 1]


def test_pages_are_shared_out_by_size(tmp_path):
    sizes = {"a": 10, "b": 1, "c": 6, "d": 5, "e": 2}
    for name, size in sizes.items():
        (tmp_path / name).write_text("x" * size)
    env = SimpleNamespace(doc2path=lambda name: tmp_path / name)
    found = parallel.shares(env, sizes, 2)
    assert sorted(sum(found, [])) == sorted(sizes) and [sum(map(sizes.get, share)) for share in found] == [12, 12]
    assert parallel.shares(env, ["a"], 2) == [["a"]]


def small_book(folder):
    (folder / "a").write_text("xx")
    (folder / "b").write_text("x")
    return SimpleNamespace(parallel=2, env=SimpleNamespace(doc2path=lambda name: folder / name))


def test_each_page_goes_to_a_process_that_is_free(tmp_path):
    both = multiprocessing.get_context("fork").Barrier(2)

    def work(docnames):
        return [(name, both.wait(60)) for name in docnames]  # would wait in vain if one process had both

    found = parallel.apart(small_book(tmp_path), ["b", "a"], work)
    assert sorted(name for pages in found for name, _ in pages) == ["a", "b"]


@pytest.mark.parametrize("fails_here", [True, False])
def test_a_process_that_fails_leaves_no_other(tmp_path, fails_here):
    here = os.getpid()

    def work(docnames):
        if (os.getpid() == here) == fails_here:
            raise SphinxError("what failed")
        return "x" * 10**7  # more than a pipe holds

    with pytest.raises(SphinxError, match="what failed"):
        parallel.apart(small_book(tmp_path), ["a", "b"], work)
    end = time.monotonic() + 20
    while multiprocessing.active_children():
        assert time.monotonic() < end, "a process is left"
        time.sleep(0.05)


def test_a_chart_makes_no_notebook_longer(tmp_path):
    chart = nbformat.v4.new_output("display_data", {"application/vnd.vegalite.v6+json": {"data": ["x" * 9999]}})
    text = nbformat.v4.new_output("display_data", {"text/markdown": "Some\nlines.", "text/plain": "y" * 9999})
    cells = [nbformat.v4.new_markdown_cell("Words."), nbformat.v4.new_code_cell("show()", outputs=[chart, text])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path := tmp_path / "a.ipynb")
    assert len("Words.show()Some\nlines.") <= parallel.size(path) < 120


def test_sphinx_reads_by_these_shares(tmp_path, monkeypatch):
    for name, length in {"a": 90, "b": 10, "c": 20, "d": 30, "e": 30}.items():
        (tmp_path / name).write_text("x" * length)
    read, builder = [], MagicMock(**{"app.verbosity": 0, "app.env.doc2path": lambda name: tmp_path / name})
    monkeypatch.setattr("sphinx.builders.make_chunks", None)
    monkeypatch.setattr("sphinx.builders.ParallelTasks", lambda count: MagicMock(add_task=lambda work, docnames, done: read.append(docnames)))
    parallel.setup(builder.app)
    Builder._read_parallel(builder, list("abcde"), 2)
    assert read == [["a"], ["d", "e", "c", "b"]]
