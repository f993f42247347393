"""Launch and source links that follow the repository the book is built from.

GitHub Actions says which one in GITHUB_SERVER_URL and GITHUB_REPOSITORY, so a fork's book launches the fork.
Built elsewhere, the book has no such links.
"""

import os


def _links(app, config) -> None:
    server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if not (server and name):
        return
    config.html_theme_options |= {
        "repository_url": f"{server}/{name}",
        "repository_provider": "github",
        "repository_branch": os.environ.get("GITHUB_REF_NAME", "main"),
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "colab_url": "https://colab.research.google.com",
                           "notebook_interface": "jupyterlab"},
    }


def _no_buttons_in_print(app) -> None:
    if app.builder.name != "html":
        app.config.html_theme_options.pop("launch_buttons", None)


def setup(app) -> dict:
    """Set the theme's options before the theme reads them; only pages have buttons."""
    app.connect("config-inited", _links, priority=100)
    app.connect("builder-inited", _no_buttons_in_print, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
