"""The same sources give the same bytes in another folder, time zone and locale, and with another order of sets."""

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "4711", "LANGUAGE": "tr",
             "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "1767225600")}


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """The whole book once more, from nothing, in a folder of its own; only the drawings are those of the first."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone of the repository")
    folder = tmp_path_factory.mktemp("another-place") / "book"
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "_build/.cache", folder / "_build/.cache")
    env = os.environ | ELSEWHERE | {"GIT_DIR": str(ROOT / ".git"), "GIT_WORK_TREE": str(ROOT)}
    bin = Path(sys.executable).parent
    for command in ([bin / "jupyter-book", "config", "sphinx", "."], [sys.executable, "-m", "sphinxext.build", "html", "--then", "evidence.exports", "-j", "1"],
                    [sys.executable, "-m", "sphinxext.build", "typst"], [sys.executable, "-m", "sphinxext.build", "epub", "-a"]):
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder / "_build"


def files(build):
    """What readers get: every file of the pages and the exports, the PDF, the EPUB. The last two stand beside the pages too."""
    found = {p.relative_to(build).as_posix(): p for p in [*build.glob("html/**/*"), build / "pdf/book.pdf", build / "epub/book.epub"] if p.is_file()}
    return {name: path for name, path in found.items() if name not in ("html/book.pdf", "html/book.epub")}


def test_two_builds_are_the_same_byte_for_byte(second, html, pdf, epub):
    """The first build may have grown step by step, and still hold files that no page names any more; those are not compared."""
    here, there = files(ROOT / "_build"), files(second)
    assert there.keys() - here.keys() == set()
    assert [name for name in there if here[name].read_bytes() != there[name].read_bytes()] == []


def test_no_output_names_a_place_or_a_machine(second):
    """Text of the pages and exports, and of what is packed in the EPUB; the PDF's is compared above."""
    places = [str(second.parent), str(second.parent.parent.name), str(ROOT), *([platform.node()] if len(platform.node()) > 5 else [])]
    wanted = re.compile("|".join(map(re.escape, places)).encode())
    named = [name for name, path in files(second).items() if wanted.search(path.read_bytes())]
    with zipfile.ZipFile(second / "epub/book.epub") as packed:
        named += [f"book.epub, {e.filename}" for e in packed.infolist() if wanted.search(packed.read(e))]
        assert {e.date_time for e in packed.infolist()} == {(2026, 1, 1, 0, 0, 0)}
    assert named == []
