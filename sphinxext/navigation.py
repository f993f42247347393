"""Write every page again when a title or the order of chapters changed: each page lists them all.

Sphinx writes only the pages whose source changed, so a new title would be on its own page alone.
"""

from sphinx.environment import BuildEnvironment


def _listed(env: BuildEnvironment) -> dict:
    """What the contents list beside each page is made from."""
    return {name: (title.astext(), env.toctree_includes.get(name)) for name, title in env.titles.items()}


def _remember(app, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Keep what was listed before the changed sources are read."""
    app.listed = _listed(env)
    return []


def _all_or_none(app, env: BuildEnvironment) -> list[str]:
    """Every page, if the list is another."""
    return sorted(env.all_docs) if _listed(env) != app.listed else []


def setup(app) -> dict:
    """Compare what was listed before and after the sources are read."""
    app.connect("env-get-outdated", _remember)
    app.connect("env-updated", _all_or_none)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
