"""What a page says of itself to who shares, cites or indexes it: a summary, a picture, data about data, BibTeX.

Where the book will stand is known only on GitHub, from GITHUB_REPOSITORY, or from Sphinx's `html_baseurl`. What must be a
full address (the canonical page, the site map, the picture) is written only then. Nothing here asks another host for anything.
"""

import json
import os
import re
from pathlib import Path

from docutils import nodes

from sphinxext.vegalite import cached, register_fonts

SUMMARY = 200  # characters: what search engines and previews show
CARD = (1200, 630)  # px, as Open Graph has it
FACE = '<rect x="{x}" y="{y}" width="{s}" height="{s}" rx="{r}" fill="#14507a"/><rect x="{x2}" y="{y2}" width="{s}" height="{s}" rx="{r}" fill="#e39a2d" fill-opacity=".92"/>'


def base_url(environment=os.environ) -> str:
    """The address of the pages that GitHub publishes for a repository, or ''."""
    owner, _, name = environment.get("GITHUB_REPOSITORY", "").lower().partition("/")
    if not name or environment.get("GITHUB_SERVER_URL", "https://github.com") != "https://github.com":
        return ""
    return f"https://{owner}.github.io/" + ("" if name == f"{owner}.github.io" else f"{name}/")


def _configure(app, config) -> None:
    config.html_baseurl = config.html_baseurl or base_url()


def _not_found(app) -> list[tuple[str, dict, str]]:
    return [("404", {}, "404.html")] if app.builder.name == "html" else []


def summary(doctree: nodes.document) -> str:
    """The first sentences of a page, as many as a preview shows."""
    text = " ".join(" ".join(p.astext() for p in list(doctree.findall(nodes.paragraph))[:3]).split())
    if len(text) <= SUMMARY:
        return text
    cut = text[:SUMMARY]
    end = max(cut.rfind(mark) for mark in (". ", "? "))
    return cut[:end + 1] if end > SUMMARY / 3 else cut[:cut.rfind(" ")] + " …"


def bibtex(key: str, kind: str, **fields: str) -> str:
    """One BibTeX entry; empty fields are left out."""
    return f"@{kind}{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value) + "}"


def about(app, pagename: str, title: str, description: str) -> list[dict]:
    """What schema.org is told of a page: the front page is the report and its dataset, any other a chapter of it."""
    config, base = app.config, app.config.html_baseurl
    licence = "https://creativecommons.org/licenses/by/4.0/"
    whole = {"@context": "https://schema.org", "@type": "Report", "name": config.project, "inLanguage": config.language,
             "author": {"@type": "Organization", "name": config.author}, "version": config.version, "license": licence,
             "datePublished": str(config.copyright)}
    if base:
        whole["url"] = base
    if pagename != config.root_doc:
        return [{"@context": "https://schema.org", "@type": "Chapter", "name": title, "description": description,
                 "inLanguage": config.language, "isPartOf": {k: v for k, v in whole.items() if k != "@context"}}]
    package = Path(app.srcdir, "data", "datapackage.json")
    if not package.exists():
        return [whole | {"description": description}]
    data = json.loads(package.read_text("utf-8"))
    return [whole | {"description": description}, {
        "@context": "https://schema.org", "@type": "Dataset", "name": data["title"], "description": data["description"],
        "version": data.get("version", ""), "license": licence, "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": config.author},
        "distribution": [{"@type": "DataDownload", "encodingFormat": kind, "contentUrl": f"{base}data/{name}"}
                         for name, kind in ((f"{data['name']}.zip", "application/zip"), ("datapackage.json", "application/json"))]}]


def place(app, pagename: str) -> str:
    """The full address of a page, or '' where the book's is not known."""
    base = app.config.html_baseurl
    return base and base + ("" if pagename == app.config.root_doc else f"{pagename}.html")


def describe(app, pagename, templatename, context, doctree) -> None:
    """Give the layout the page's summary, data for schema.org, and how to cite it."""
    if app.builder.name != "html":
        return
    config = app.config
    title = re.sub(r"<.*?>", "", context.get("title", "")) or config.project
    title = re.sub(r"^[\d.]+\s+", "", title)
    description = summary(doctree) if doctree else ""
    base = config.html_baseurl
    context.update(description=description, plain_title=title, base_url=base, address=place(app, pagename),
                   card=f"{base}_static/card.png" if base else "")
    if not doctree:
        return
    context["structured"] = json.dumps(about(app, pagename, title, description), ensure_ascii=False).replace("<", "\\u003c")
    year, book = str(config.copyright), config.project
    common = {"author": "{" + config.author + "}", "year": year, "note": f"Version {config.version}"}
    if pagename == config.root_doc:
        context["citation"] = f"{config.author} ({year}). <em>{book}</em>. Version {config.version}."
        context["bibtex"] = bibtex("book", "book", title=book, **common, url=base)
    else:
        context["citation"] = f"{config.author} ({year}). {title}{'' if title[-1] in '?!' else '.'} In: <em>{book}</em>. Version {config.version}."
        key = re.sub(r"[^a-z0-9]+", "-", pagename.rpartition("/")[2].lower())
        context["bibtex"] = bibtex(key, "incollection", title=title, booktitle=book, **common, url=context["address"])


def card(title: str, author: str) -> bytes:
    """Draw the picture that a preview shows, as PNG: the book's title on its blue, in its typefaces."""
    import vl_convert

    register_fonts()
    head, _, tail = title.partition(":")
    width, height = CARD
    squares = FACE.format(x=90, y=92, x2=122, y2=124, s=56, r=6).replace("#14507a", "#8cc4ec")
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><rect width="{width}" height="{height}" fill="#16324f"/>{squares}'
           f'<text x="90" y="340" font-family="Inter" font-weight="600" font-size="84" fill="#fff">{head}</text>'
           f'<text x="90" y="420" font-family="Literata" font-size="52" fill="#dce8f2">{tail.strip()}</text>'
           f'<text x="90" y="550" font-family="Inter" font-size="28" fill="#a9c3d9">{author}</text></svg>')
    return vl_convert.svg_to_png(svg, scale=1)


def write_files(app, error) -> None:
    """Write the picture and, if the book's address is known, the site map."""
    if error or app.builder.name != "html":
        return
    out, config = Path(app.outdir), app.config
    name = re.sub(r"\W+", "-", f"{config.project} {config.author} {config.version}".lower())
    picture = cached(out.parent / ".cache" / "card" / f"{name}.png", lambda: card(config.project, config.author))
    (out / "_static" / "card.png").write_bytes(picture.read_bytes())
    if config.html_baseurl:
        pages = "".join(f"<url><loc>{place(app, name)}</loc></url>\n" for name in sorted(app.env.found_docs))
        (out / "sitemap.xml").write_text('<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
                                         f"{pages}</urlset>\n", "utf-8")


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("config-inited", _configure)
    app.connect("html-collect-pages", _not_found)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
