"""The directive `provenance`: which state of the sources a copy of the book was built from.

    ```{provenance}
    ```

It lists the commit, and the lock of the packages with those installed otherwise, if any. Nothing of the machine, the
folder or the hour is in it, so two builds of one commit are the same.
"""

import functools
import hashlib
import os
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from docutils import nodes
from packaging.requirements import Requirement
from sphinx.util.docutils import SphinxDirective

LOCK = "requirements.txt"


@functools.cache
def commit(folder: str) -> str:
    """The commit in folder, and whether there is more than the commit; an empty string outside git."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    try:
        return git("rev-parse", "HEAD") + (", with changes that are not in it" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("GITHUB_SHA", "")


def otherwise(lock: str) -> list[str]:
    """Packages that are locked for this system and installed in another version, or not at all."""
    found = []
    for line in re.findall(r"^([\w.-]+(?:\[[\w,]+\])?==[^\\\n]+)", lock, re.M):
        wanted = Requirement(line.strip())
        if wanted.marker and not wanted.marker.evaluate():
            continue
        try:
            have = version(wanted.name)
        except PackageNotFoundError:
            have = "absent"
        if have not in wanted.specifier:
            found.append(f"{wanted.name} {have}, locked {wanted.specifier}")
    return found


class Provenance(SphinxDirective):
    """A list of what the copy at hand was built from."""

    def run(self) -> list[nodes.Node]:
        """A bullet list; Sphinx reads the page again when the commit or the lock is another."""
        self.env.metadata[self.env.docname]["provenance"] = _state(self.env.srcdir)
        lock = Path(self.env.srcdir, LOCK).read_text("utf-8")
        digest, others = hashlib.sha256(lock.encode()).hexdigest(), otherwise(lock)
        name, _, more = commit(str(self.env.srcdir)).partition(",")
        lines = [["Commit ", nodes.literal(text=name), f"{more and ','}{more}."] if name else ["Commit: not known, built outside git."],
                 ["Packages: all as ", nodes.literal(text=LOCK), " locks them", f", except {', '.join(others)}. " if others else ". ",
                  "Its SHA-256 begins with ", nodes.literal(text=digest[:16]), "."]]
        items = [nodes.list_item("", nodes.paragraph("", "", *(nodes.Text(p) if isinstance(p, str) else p for p in line))) for line in lines]
        return [nodes.bullet_list("", *items)]


def _state(folder) -> str:
    return commit(str(folder)) + hashlib.sha256(Path(folder, LOCK).read_bytes()).hexdigest()


def _outdated(app, env, added, changed, removed) -> list[str]:
    """Pages whose list is of another state."""
    now = _state(app.srcdir)
    return [name for name, values in env.metadata.items() if values.get("provenance", now) != now]


def setup(app) -> dict:
    """Register the directive."""
    app.add_directive("provenance", Provenance)
    app.connect("env-get-outdated", _outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
