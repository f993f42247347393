"""What a reader can ask of a page: a chart's marks, a table of many rows, an address.

address.js is on every page, and says so where an address asks for what is not there. listing.js is on the pages with a chart
whose specification has `usermeta.listing`. explorer.js is on the pages with a table of class `explorer`, and fetches DataTables.
"""

import re
import shutil
from importlib.metadata import distribution
from pathlib import Path

from docutils import nodes

from sphinxext.vegalite import LAZY, cache_folder, cached, has_scripts, vega_chart

HERE = Path(__file__).parent
ITABLES = distribution("itables")  # not imported: that takes pandas, and a third of a second
SCRIPTS = ["address.js", "listing.js", "explorer.js"]
EXPORT = re.compile(r"\bexport\s*\{[^}]*?\b(\w+) as jQuery\b[^}]*\};?")


def datatables() -> bytes:
    """Return DataTables as a plain script that sets window.jQuery, from the module in the itables package.

    A page opened as a file may not load modules. Raises ValueError if the module no longer exports jQuery.
    """
    module = Path(ITABLES.locate_file("itables/html/dt_bundle.js")).read_text("utf-8")
    script, found = EXPORT.subn(r"window.jQuery = \1;", module)
    if found != 1:
        raise ValueError("expected a module of itables that exports jQuery once")
    return f"(() => {{{script}}})();".encode()


def write_scripts(app) -> None:
    """Put the scripts into the static files of pages that run scripts."""
    if not has_scripts(app.builder):
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        shutil.copyfile(HERE / name, static / name)
    shutil.copyfile(cached(cache_folder(app).parent / f"datatables-{ITABLES.version}.js", datatables), static / "datatables.js")


def add_scripts(app, pagename, templatename, context, doctree) -> None:
    """Load on a page the scripts that something on it needs."""
    if not doctree or not has_scripts(app.builder):
        return
    app.add_js_file("address.js", loading_method="defer")
    if any('"listing":' in chart["vega"] for chart in doctree.findall(vega_chart)):
        app.add_js_file("listing.js", loading_method="defer", priority=501)
    if any("explorer" in table["classes"] for table in doctree.findall(nodes.table)):
        app.add_js_file(LAZY.name, loading_method="defer")
        app.add_js_file("explorer.js", loading_method="defer", priority=501)


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
