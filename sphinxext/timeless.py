"""The EPUB without the hour it was made: its files carry the time that SOURCE_DATE_EPOCH says, as its pages do.

Sphinx zips the files with the times and rights they have on the machine, so two builds of one book would differ.
"""

import os
import time
from pathlib import Path
from zipfile import ZipFile, ZipInfo


def timeless(file: Path, moment: tuple) -> None:
    """Pack an EPUB again, in the same order, with one time for every file."""
    unfinished = file.with_suffix(".part")
    with ZipFile(file) as old, ZipFile(unfinished, "w") as new:
        for entry in old.infolist():
            same = ZipInfo(entry.filename, moment)
            same.external_attr = 0o644 << 16
            new.writestr(same, old.read(entry), entry.compress_type)
    os.replace(unfinished, file)


def _finish(app, exception) -> None:
    if app.builder.name == "epub" and not exception:
        moment = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")))[:6]  # 1980, the first that a zip can hold
        timeless(Path(app.outdir, f"{app.config.epub_basename}.epub"), moment)


def setup(app) -> dict:
    """Pack the EPUB again when Sphinx has made it."""
    app.connect("build-finished", _finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
