"""Vega-Lite charts: drawn as SVG when the book is built, and live in HTML.

A notebook stores a chart as its specification, under `MIME`. MyST-NB hands it to `VegaLite`, which puts
a plain image of the chart into the document, so captions, numbers and every builder treat the chart as
any other picture. In HTML a transform then swaps the image for a `vega_chart`, which carries the
specification too, and charts.js makes it live when a reader comes near it.
"""

import hashlib
import html
import json
import os
import posixpath
import re
import shutil
import xml.etree.ElementTree as ElementTree
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

MIME = "application/vnd.vegalite.v6+json"
GLUED = "application/papermill.record/"  # MyST-NB's mark of an output that is stored and not shown
MAJOR = 6  # of Vega-Lite: the charts' and the library's that draws them
STATIC_WIDTH = 600  # px: a chart as wide as its column has no column when it is drawn
FONT = "Inter"  # of a chart that names none
FONTS = Path(__file__).resolve().parent.parent / "_static" / "fonts"
LAZY = Path(__file__).with_name("lazy.js")  # what charts.js, and the table of explore.py, begin with
LOADER = Path(__file__).with_name("charts.js")
#: Words in a pale colour of the charts take a darker step of it, or they could not be read on paper; book.css does so with live charts.
WORDS = {"#e39a2d": "#8f5a00", "#8a76c6": "#6b55b0", "#22907f": "#1a7567", "#d8b365": "#7a5c14"}
IMAGE_HREF = "{http://www.w3.org/1999/xlink}href"


class VegaLite:
    """MyST-NB's renderer of charts; it finds it by the entry point group `myst_nb.mime_renderers`."""

    # (builder, MIME type, priority), the lowest number first; None is never. MyST-NB knows nothing of the
    # builder typst, and would put scripts into an EPUB.
    mime_priority_overrides = [
        ("*", MIME, 1),
        ("epub", "text/markdown", 5),
        ("epub", "application/javascript", None),
        ("epub", "application/vnd.jupyter.widget-view+json", None),
        ("typst", "text/markdown", 10),
        ("typst", "text/latex", 20),
        ("typst", "image/svg+xml", 30),
        ("typst", "image/png", 40),
        ("typst", "image/jpeg", 50),
        ("typst", "text/plain", 60),
    ]

    @staticmethod
    def handle_mime(renderer, data, inline: bool) -> list[nodes.Element] | None:
        """Return the image of a chart, or nothing, after a warning, if it cannot be drawn; else None."""
        if data.mime_type != MIME:
            return None

        app = renderer.renderer.sphinx_env.app
        name = "chart" if data.cell_index is None else f"chart of cell {data.cell_index + 1}"

        def warn(message: object) -> None:
            renderer.logger.warning(f"{name}: {message}", subtype="vegalite", line=data.line)

        try:
            spec = checked(data.content)
            drawing = draw(spec, cache_folder(app))
        except ValueError as error:
            warn(error)
            return []
        alt = str(spec.get("description") or "").strip()
        if not alt:
            warn("no description; it is the text for readers who cannot see the chart")
        image = nodes.image(uri=source_uri(drawing, app), alt=alt)
        if not inline:
            image["vega"] = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
        return [image]


class Picture(SphinxDirective):
    """Show on one page a small chart that another page's notebook glued, as a plain image.

        :::{picture} chapters/theme.ipynb::name
        :::

    MyST-NB's own directive pastes only bitmaps from one page into another.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Element]:
        """Return the image; an error names what was not found."""
        notebook = self.arguments[0].partition("::")[0]
        try:
            spec = glued_chart(Path(self.env.srcdir), self.arguments[0])
            drawing = draw(spec, cache_folder(self.env.app))
        except ValueError as error:
            raise self.error(f"{self.arguments[0]}: {error}") from error
        relative, _ = self.env.relfn2path(f"/{notebook}")
        self.env.note_dependency(relative)
        alt = str(spec.get("description", ""))
        return [nodes.image(uri=source_uri(drawing, self.env.app), alt=alt, classes=["small-picture"])]


def glued_chart(folder: Path, name: str) -> dict:
    """Return the specification of a chart that a notebook glued, named as `notebook.ipynb::name`.

    Raises ValueError, naming it, if there is none or it cannot be read.
    """
    path, _, glued = name.partition("::")
    try:
        cells = json.loads((folder / path).read_text("utf-8"))["cells"]
        return checked(next(
            output["data"][GLUED + MIME] for cell in cells for output in cell.get("outputs", [])
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == glued))
    except StopIteration:
        raise ValueError(f"no chart is glued as {glued} in {path}") from None
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}, {glued}: {error}") from error


def source_uri(file: Path, app) -> str:
    """Return a file's address for an image, from the root of the sources."""
    return "/" + Path(os.path.relpath(file, app.srcdir)).as_posix()


def checked(content: object) -> dict:
    """Return a chart's specification, in the book's font if it names none.

    Raises ValueError if it is not one for the Vega-Lite that draws it.
    """
    config = content.get("config", {}) if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        raise ValueError("the specification, or its config, is not a JSON object")
    schema = str(content.get("$schema", ""))
    if schema and f"/vega-lite/v{MAJOR}" not in schema:
        raise ValueError(f"written for {schema}; this book draws Vega-Lite {MAJOR}")
    # Labels of an axis keep their distance, or some are left out: on a phone they would touch.
    return {**content, "config": {"font": FONT, **config, "axis": {"labelSeparation": 8, **config.get("axis", {})}}}


def fills_column(spec: Mapping) -> bool:
    """Tell whether a chart is as wide as its column."""
    return spec.get("width") == "container"


def control_count(spec: Mapping) -> int:
    """Count the input elements (sliders, menus) that a live chart puts below itself."""
    binds = [param.get("bind") for param in spec.get("params", [])]
    return sum(1 if "input" in bind else len(bind) for bind in binds if isinstance(bind, Mapping))


# Drawing


def draw(spec: Mapping, folder: Path) -> Path:
    """Return the file of a chart's SVG in the cache `folder`, drawing it if it is not there.

    Raises ValueError if Vega-Lite refuses it, or it needs a file or a font that the book does not hold.
    """
    if fills_column(spec):
        spec = {"autosize": {"type": "fit-x", "contains": "padding"}, **spec, "width": STATIC_WIDTH}
    text = json.dumps(spec)
    key = hashlib.sha256(f"{drawing_version()} {text}".encode()).hexdigest()
    return cached(folder / f"vega-{key[:20]}.svg", lambda: svg(text).encode())


def svg(spec: str) -> str:
    """Draw a chart as SVG text: the same text each time, its fonts inside. Raises ValueError, as `draw`."""
    import vl_convert  # here, since a build that draws nothing need not load it

    register_fonts()
    try:
        drawing = vl_convert.vegalite_to_svg(spec, vl_version=vegalite_version(), allowed_base_urls=[])
    except ValueError as error:  # a line of context, the error, then a JavaScript stack
        raise ValueError(" ".join(str(error).splitlines()[:2])) from error
    drawing = re.sub(r"</?a\b[^>]*>", "", drawing)  # a link in a picture leads nowhere
    drawing = re.sub(r'(<text\b[^>]* fill=")(#\w{6})', lambda m: m[1] + WORDS.get(m[2], m[2]), drawing)
    return embed_fonts(number_ids(drawing))


def number_ids(drawing: str) -> str:
    """Number an SVG's ids from 0: Vega counts on from the chart it drew before."""
    ids = [element.get("id") for element in ElementTree.fromstring(drawing).iter() if element.get("id")]
    numbers = {name: f"i{number}" for number, name in enumerate(ids)}
    return re.sub(r'( id="|url\(#)([\w-]+)(?=[")])', lambda m: m[1] + numbers.get(m[2], m[2]), drawing)


def size(drawing: Path) -> tuple[int, int]:
    """Return the width and height of an SVG, in px."""
    root = drawing.read_text("utf-8").partition(">")[0]
    width, height = (re.search(rf' {side}="([\d.]+)', root)[1] for side in ("width", "height"))
    return round(float(width)), round(float(height))


def vegalite_version() -> str:
    """Return the newest version of Vega-Lite that vl-convert holds in the charts' major version."""
    import vl_convert

    versions = [v for v in vl_convert.get_vegalite_versions() if v.startswith(f"{MAJOR}.")]
    return max(versions, key=lambda v: [int(part) for part in v.split(".")])


# Fonts. A browser shows an SVG in an <img> with its own fonts or those inside the SVG, not the page's.


class Face(NamedTuple):
    """A font file: its family, weight (400 is regular) and slope."""

    family: str
    weight: int
    italic: bool
    file: Path


@cache
def faces() -> list[Face]:
    """Return the faces of the fonts that the book ships."""
    from fontTools.ttLib import TTFont

    found = []
    for file in sorted(FONTS.glob("*.ttf")):
        font = TTFont(file, lazy=True)
        style = font["OS/2"]
        family = font["name"].getBestFamilyName()
        found.append(Face(family, style.usWeightClass, bool(style.fsSelection & 1), file))
    return found


@cache
def register_fonts() -> None:
    """Let vl-convert measure text with the book's fonts."""
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))


def face_of(text: ElementTree.Element) -> Face:
    """Return the face an SVG text is set in. Raises ValueError if the book has no such family."""
    family = text.get("font-family", "").split(",")[0].strip("\"' ")
    weight = {"bold": 700, "normal": 400}.get(name := text.get("font-weight", "normal")) or int(name)
    italic = text.get("font-style") in ("italic", "oblique")
    choice = [face for face in faces() if face.family == family]
    if not choice:
        raise ValueError(f"text set in {family!r}, a font that _static/fonts does not hold")
    return min(choice, key=lambda face: (face.italic != italic, abs(face.weight - weight), face.weight))


def embed_fonts(drawing: str) -> str:
    """Put into an SVG the glyphs it uses. Raises ValueError if the book's fonts lack one of them."""
    used = defaultdict(set)
    for element in ElementTree.fromstring(drawing).iter():
        if element.tag.endswith("}text"):
            used[face_of(element)].update("".join(element.itertext()))
        elif element.tag.endswith("}image") and not element.get(IMAGE_HREF, "").startswith("data:"):
            raise ValueError(f"a picture from elsewhere, {element.get(IMAGE_HREF)}")
    rules = "".join(font_face(face, used[face]) for face in sorted(used))
    return drawing.replace(">", f"><style>{rules}</style>", 1)


def font_face(face: Face, characters: set[str]) -> str:
    """Return the CSS rule that holds a face, cut down to some characters."""
    from fontTools import subset

    # Inter's substitutions would take most of the time of a drawing, and a chart's words need none.
    options = subset.Options(flavor="woff2", hinting=False, name_IDs=[], notdef_outline=True, layout_features=["kern"])
    options.drop_tables += ["GSUB", "GDEF"]
    font = subset.load_font(face.file, options)
    if missing := sorted(c for c in characters if not c.isspace() and ord(c) not in font.getBestCmap()):
        raise ValueError(f"{face.file.name} has no glyph for {', '.join(missing)}")
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(characters))
    subsetter.subset(font)
    subset.save_font(font, buffer := BytesIO(), options)
    style = "italic" if face.italic else "normal"
    return (
        f"@font-face{{font-family:{face.family};font-weight:{face.weight};font-style:{style};"
        f"src:url(data:font/woff2;base64,{b64encode(buffer.getvalue()).decode()})}}"
    )


# The cache, which all builders share


def cache_folder(app) -> Path:
    """Return the folder of drawings and bundle, beside the builders' outputs; deleting it is safe."""
    return Path(app.outdir).parent / ".cache" / "vega"


@cache
def drawing_version() -> str:
    """Return a digest of all that shapes a drawing besides its specification."""
    digest = hashlib.sha256()
    for file in (Path(__file__), *sorted(FONTS.glob("*.ttf"))):
        digest.update(file.read_bytes())
    for package in ("vl-convert-python", "fonttools", "brotli"):
        digest.update(version(package).encode())
    return digest.hexdigest()


def cached(file: Path, make: Callable[[], bytes]) -> Path:
    """Return `file`, made first if it is missing; nobody sees half of it."""
    if not file.exists():
        content = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        partial.write_bytes(content)
        partial.replace(file)
    return file


# HTML


class vega_chart(nodes.image):
    """A chart in HTML: its image, and its specification in the attribute `vega`."""


class LiveCharts(SphinxPostTransform):
    """Swap the charts' images for charts that can be made live, and small pictures for drawings within the page."""

    default_priority = 200  # after MyST-NB has chosen each output's MIME type
    formats = ("html",)

    def run(self, **kwargs) -> None:
        if has_scripts(self.app.builder):
            for image in list(self.document.findall(nodes.image)):
                if "vega" in image:
                    if isinstance(image.parent, nodes.figure) and image.parent["ids"]:
                        image.parent += nodes.raw("", self.data_of(image), format="html")
                    image.replace_self(vega_chart(**image.attributes))
                elif "small-picture" in image["classes"]:
                    drawing = Path(self.app.srcdir, image["uri"].lstrip("/"))
                    image.replace_self(nodes.raw("", within_page(drawing, image["alt"]), format="html"))


    def data_of(self, image: nodes.image) -> str:
        """Return what stands under a figure's caption: its data to download, and room for pages.js to show them as a table."""
        root = "../" * self.env.docname.count("/") + "data/charts/"
        label = image.parent["ids"][0]
        files = [f"{label}-{n}" if n > 1 else label for n in range(1, len(json.loads(image["vega"]).get("datasets", {})) + 1)]
        links = ", ".join(f'<a href="{root}{html.escape(file)}.csv">{html.escape(file)}.csv</a>' for file in files)
        return f'<details class="chart-data"><summary>Data of this chart</summary><p>{links}</p></details>' if files else ""


def within_page(drawing: Path, alt: str) -> str:
    """Return an SVG as a part of a page, which lends it its fonts and its colours."""
    text = re.sub("<style>.*?</style>", "", drawing.read_text("utf-8"), count=1)
    text = re.sub(r'( id="|url\(#)', rf"\g<1>{drawing.stem}-", text)  # a page has more than one
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1).replace('class="marks"', 'class="small-picture"', 1)


def has_scripts(builder) -> bool:
    """Tell whether a builder's pages run scripts."""
    return builder.format == "html" and builder.name != "epub"


def visit_vega_chart(self, node: vega_chart) -> None:
    """Write the image, its place kept free, and the specification."""
    spec = json.loads(node["vega"])
    width, height = size(Path(self.builder.srcdir, node["uri"]))
    source = posixpath.join(self.builder.imgpath, quote(self.builder.images[node["uri"]]))
    # A live chart keeps its height in a narrow column, where the image shrinks; controls come on top.
    room = [f"--chart-height:{height}px"] if fills_column(spec) else []
    room += [f"--chart-controls:{count}"] if (count := control_count(spec)) else []
    style = f' style="{";".join(room)}"' if room else ""
    listed = " listed" if "listing" in spec.get("usermeta", {}) else ""  # its controls stand above it (explore.py)
    self.body.append(
        f'<div class="vega-chart{listed}"{style}>\n'
        f'<img src="{source}" width="{width}" height="{height}" loading="lazy"'
        f' alt="{html.escape(node["alt"])}">\n'
        # As < would end the script in "</script>"; JSON reads the escape as the same character.
        f'<script type="application/json">{node["vega"].replace("<", chr(92) + "u003c")}</script>\n</div>\n'
    )
    raise nodes.SkipNode


def write_scripts(app) -> None:
    """Put the loader into the static files of HTML builders."""
    if not has_scripts(app.builder):
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    for script in (LAZY, LOADER):
        shutil.copyfile(script, static / script.name)


def write_bundle(app, error) -> None:
    """Put the Vega bundle, built once, beside the loader.

    At the end, as it starts threads: a process that another starts by a fork lacks them, and could wait for them for ever.
    """
    if not error and has_scripts(app.builder):
        bundle = cached(cache_folder(app) / f"vega-{drawing_version()[:20]}.js", javascript_bundle)
        shutil.copyfile(bundle, Path(app.outdir) / "_static" / "vega.js")


def javascript_bundle() -> bytes:
    """Build the script that defines `vegaEmbed`, all it needs included."""
    import vl_convert

    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vegalite_version())
    return f"(() => {{{script}}})();".encode()  # its many short names stay its own


def add_loader(app, pagename, templatename, context, doctree) -> None:
    """Load charts.js, and what it begins with, on the pages that hold a chart."""
    if doctree and next(doctree.findall(vega_chart), None):
        app.add_js_file(LAZY.name, loading_method="defer")
        app.add_js_file(LOADER.name, loading_method="defer")


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_node(vega_chart, html=(visit_vega_chart, None))
    app.add_directive("picture", Picture)
    app.add_post_transform(LiveCharts)
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_loader)
    app.connect("build-finished", write_bundle)
    # Pages read by an earlier version hold the names of its drawings: read them again.
    return {"env_version": drawing_version(), "parallel_read_safe": True, "parallel_write_safe": True}
