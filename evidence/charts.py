"""The look of every chart, and how a chart is stored in a notebook."""

from __future__ import annotations

import os
import textwrap

import altair as alt
import vl_convert

#: One meaning, one colour, everywhere. The steps in lightness keep them apart in grey print.
COLOURS = {
    "doctors": "#14507a",
    "managers": "#e39a2d",
    "doctor-managers": "#8a76c6",
    "both": "#6f7780",
    "strain": "#a8392b",
    "alignment": "#22907f",
    "mixed": "#d8b365",
    "neutral": "#c9cfd5",
    "ink": "#1d2a35",
    "quiet": "#5d6a75",
    "rule": "#d5dbe0",
}
FONT = "Inter, Helvetica, Arial, sans-serif"
#: A title of this many characters still fits a 350 pixel phone column at the sizes below.
TITLE_CHARS, SUBTITLE_CHARS = 43, 53

#: Altair's own mimetype has a dot before "json", which a notebook file cannot hold as an object.
MIME = "application/vnd.vegalite.v6+json"


@alt.theme.register("book", enable=True)
def theme() -> alt.theme.ThemeConfig:
    """Altair's theme of the book: its faces, its sizes, quiet axes and no frame."""
    axis = {"labelColor": COLOURS["ink"], "titleColor": COLOURS["quiet"], "labelFontSize": 12, "titleFontSize": 12,
            "titleFontWeight": "normal", "domainColor": COLOURS["rule"], "tickColor": COLOURS["rule"],
            "gridColor": COLOURS["rule"], "labelLimit": 220, "labelPadding": 5}
    return {"config": {
        "font": FONT, "background": "white", "padding": {"left": 4, "right": 10, "top": 4, "bottom": 4},
        "view": {"stroke": None}, "axis": axis, "axisY": {"grid": False, "domain": False, "ticks": False},
        "legend": {"labelColor": COLOURS["ink"], "labelFontSize": 12, "title": None, "orient": "top"},
        "title": {"anchor": "start", "frame": "bounds", "fontSize": 14, "fontWeight": 600, "color": COLOURS["ink"],
                  "subtitleFontSize": 12, "subtitleColor": COLOURS["quiet"], "subtitlePadding": 5, "offset": 14,
                  "lineHeight": 18, "subtitleLineHeight": 16},
        "text": {"fontSize": 12, "color": COLOURS["ink"]},
        "bar": {"color": COLOURS["both"]}, "point": {"filled": True, "size": 90},
    }}


#: Set in a notebook that somebody has open, in Jupyter or in Colab; never when the book's notebooks are run.
OPEN_NOTEBOOK = {"JPY_SESSION_NAME", "COLAB_RELEASE_TAG"}


def _bundle(spec: dict, **_) -> dict:
    shown = {MIME: spec, "text/plain": spec.get("description", "chart")}
    if OPEN_NOTEBOOK & os.environ.keys():  # Jupyter's own Vega-Lite is too old for this one, so it gets a picture
        wide = {**spec, "width": 600} if spec.get("width") == "container" else spec
        shown["image/svg+xml"] = vl_convert.vegalite_to_svg(wide)
    return shown


alt.renderers.register("book", _bundle)
alt.renderers.enable("book")


def titled(chart: alt.Chart | alt.LayerChart, title: str, measure: str, alt_text: str, height=None):
    """Finish a chart: title (the finding), measure (what is measured, and on how many), alt text (the message).

    The chart takes the width of its column, so that it can be read on a phone; height is in pixels, or
    {'step': pixels} for one row. Lines are wrapped, since a chart cannot wrap its own.
    """
    heading = alt.TitleParams(textwrap.wrap(title, TITLE_CHARS), subtitle=textwrap.wrap(measure, SUBTITLE_CHARS))
    size = {"width": "container"} | ({} if height is None else {"height": height})
    return chart.properties(title=heading, description=alt_text, **size)


def small(chart: alt.Chart | alt.LayerChart, alt_text: str, height: int = 110):
    """Finish a small picture for the front page: no title, no live chart; alt text (the message); 300 pixels wide."""
    return chart.properties(width=300, height=height, description=alt_text, autosize={"type": "fit-x", "contains": "padding"})


def order(*keys: str) -> alt.Scale:
    """A colour scale of the named meanings, in this order: order('strain', 'alignment')."""
    return alt.Scale(domain=list(keys), range=[COLOURS[k] for k in keys])
