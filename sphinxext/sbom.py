"""A bill of materials beside the pages, sbom.cdx.json: every package of the lock, and what needs it, in CycloneDX's terms.

It is made from requirements.txt alone, which holds the digest of each file; no hour and no machine are in it.
"""

import json
import re
import tomllib
from pathlib import Path

FILE = "sbom.cdx.json"


def bill(lock: str, project: dict) -> dict:
    """The bill of a lock that pip reads; project is the table of that name in pyproject.toml."""
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    parts = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.+!-]+)(.*(?:\n[ #].*)*)", lock, re.M)
    refs = {name: [] for name, _, _ in parts} | {project["name"]: [own]}
    for name, version, _ in parts:
        refs[name].append(f"pkg:pypi/{name}@{version}")
    needs: dict[str, set[str]] = {ref: set() for found in refs.values() for ref in found}
    for name, version, rest in parts:
        for parent in re.findall(r"^ +#(?: via)? +([\w.-]+)", rest, re.M):
            for ref in refs.get(parent, []):
                needs[ref].add(f"pkg:pypi/{name}@{version}")
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": own, "name": project["name"], "version": project["version"]}},
        "components": [{"type": "library", "bom-ref": f"pkg:pypi/{n}@{v}", "name": n, "version": v, "purl": f"pkg:pypi/{n}@{v}"} for n, v, _ in parts],
        "dependencies": [{"ref": ref, "dependsOn": sorted(found)} for ref, found in needs.items()],
    }


def _write(app, exception) -> None:
    if app.builder.name == "html" and not exception:
        root = Path(app.srcdir)
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        made = bill((root / "requirements.txt").read_text("utf-8"), project)
        Path(app.outdir, FILE).write_text(json.dumps(made, indent=1) + "\n", "utf-8")


def setup(app) -> dict:
    """Write the bill when the pages are done."""
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
