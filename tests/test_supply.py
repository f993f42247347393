"""Where what the book stands on comes from: the lock, the bill of materials, the actions, the state it was built from."""

import json
import re
import tomllib

import yaml

from sphinxext.provenance import otherwise


def test_each_requirement_says_why_it_is_there(root):
    project = (root / "pyproject.toml").read_text("utf-8")
    told = set(re.findall(r'^ +"([\w.-]+)[^"]*",? +# \w', project, re.M))
    settings = tomllib.loads(project)["project"]
    asked = {re.match(r"[\w.-]+", d)[0] for d in settings["dependencies"] + settings["optional-dependencies"]["test"]}
    assert asked - told == set()


def test_the_bill_of_materials_has_the_whole_lock_and_each_package_is_needed(root, html):
    bill = json.loads((html / "sbom.cdx.json").read_text("utf-8"))
    locked = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.+!-]+)", (root / "requirements.txt").read_text("utf-8"), re.M))
    assert {(c["name"], c["version"]) for c in bill["components"]} == locked
    needs = {d["ref"]: d["dependsOn"] for d in bill["dependencies"]}
    reached, left = set(), [bill["metadata"]["component"]["bom-ref"]]
    while left:
        if (ref := left.pop()) not in reached:
            reached.add(ref)
            left += needs[ref]
    assert reached == needs.keys()


def test_each_file_of_the_lock_has_a_hash(root):
    for package in re.split(r"^(?=[\w.-]+==)", (root / "requirements.txt").read_text("utf-8"), flags=re.M)[1:]:
        assert "--hash=sha256:" in package, package.partition("\n")[0]


def test_actions_are_pinned_by_digest_and_may_do_no_more_than_they_must(root):
    for path in (root / ".github/workflows").glob("*.yml"):
        text = path.read_text("utf-8")
        for used in re.findall(r"uses: (\S+)", text):
            assert used.startswith("./") or re.search(r"@[0-9a-f]{40}$", used), (path.name, used)
        assert yaml.safe_load(text)["permissions"] in ({}, {"contents": "read"}), path.name


def test_a_package_installed_in_another_version_is_named():
    lock = "pybtex==0.1 \\\n    --hash=sha256:0\nnobody-has-this==1 ; python_version >= '3' \\\nnor-this==1 ; sys_platform == 'plan9'\n"
    found = otherwise(lock)
    assert len(found) == 2 and found[0].endswith(", locked ==0.1") and found[1] == "nobody-has-this absent, locked ==1"


def test_the_page_says_which_commit_it_was_built_from(html, root):
    page = (html / "chapters/reproduce.html").read_text("utf-8")
    assert not (root / ".git").exists() or re.search(r"Commit <code[^>]*><span[^>]*>[0-9a-f]{40}</span>", page)
    assert "all as <code" in page, "packages are as the lock has them"


def test_the_crate_names_files_that_are_there(root):
    for part in json.loads((root / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]:
        if not part["@id"].startswith(("#", "http")):
            assert (root / part["@id"]).exists(), part["@id"]
