"""The pages, built again on each change: `make serve`.

sphinx-autobuild starts a new Python for each build; loading Sphinx, what the last build left and the templates takes far longer
than one page. Here two processes stand ready that have loaded all that. On a change the one shows the changed page at once, with
the links of the last build, and ends; then the other builds, as Sphinx always does. The next two are made ready from a process
that has only code loaded; when code or settings have changed since, that is a new Python too.

    server --paths--> maker, a new Python with all code loaded, forks
                          look: reads the paths, answers SHOWN
                          build: as Sphinx does; then the maker answers DONE
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import nbformat
import sphinx.cmd.build as command
import sphinx_autobuild.__main__ as autobuild
import sphinx_autobuild.middleware as served
import watchfiles
from sphinx.util.logging import WarningSuppressor, suppress_logging
from sphinx.util.osutil import relative_uri
from sphinx_autobuild.build import Builder
from sphinx_autobuild.server import RebuildServer

#: What a build does not load anew in a process that has it: code, scripts, settings, and the bibliography, which is parsed once.
LOADED = ("sphinxext/*.py", "sphinxext/*.js", "evidence/*.py", "conf.py", "_config.yml", "_toc.yml", "*.bib")
#: What a build loads only when it comes to a page.
LATE = ["myst_nb.sphinx_", "pydata_sphinx_theme", "sphinx_book_theme", "sphinx.builders.html", "sphinx.search.en", "sphinx.writers.html5",
        "pybtex.style.formatting", "pybtex_docutils", "latex2mathml.converter", "pygments.lexers.python", "pygments.styles.default",
        "docutils.readers.standalone", "docutils.parsers.rst.directives.tables", "jinja2.ext"]
#: What is added to each page: a file, as the pages' policy allows no other script within them.
RELOAD = '<script src="/_static/reload.js"></script>'
SHOWN, DONE = "shown", "done"
GONE, FAULTY = 3, 4  # exit statuses: of what finds no server to work for; of what cannot start
AT_ONCE = 2  # pages: with more, the whole build is not much later


# --- the server's process ------------------------------------------------------------------------------

class Kept(Builder):
    """sphinx-autobuild's builder: the first build in a new Python, as it does; the others by the maker."""

    maker = None

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        atexit.register(self.stop)

    def __call__(self, *, changed_paths: Sequence[Path]) -> None:
        """Build for the first time, and start the maker."""
        super().__call__(changed_paths=changed_paths)
        self.start()

    def start(self) -> None:
        """Start a maker, or a new one in the place of one whose code is out of date."""
        self.stop()
        spawn, self.started = multiprocessing.get_context("spawn"), time.time()
        self.pipe, other = spawn.Pipe()
        self.maker = spawn.Process(target=make, args=(["-q", *self.sphinx_args], other))
        self.maker.start()
        other.close()

    def stop(self) -> None:
        """End the maker, and the build that waits, which reads from the pipe."""
        if self.maker:
            self.pipe.close()
            self.maker.join()
            self.maker = None

    def build(self, paths: list[str], shown: Callable[[], object]) -> None:
        """Have the changes built; shown is called when there is something new to see."""
        if not (self.maker and self.maker.is_alive()) or max(map(changed, loaded()), default=0) > self.started:
            print("Loading code and settings again", flush=True)
            self.start()
        try:
            self.pipe.send(paths)
            while self.pipe.recv() != DONE:
                shown()
        except (EOFError, OSError):
            print("Not built; the next change is built from a new Python.", flush=True)
        shown()


def loaded() -> list[Path]:
    """The files that are loaded once."""
    return [path for pattern in LOADED for path in Path().glob(pattern)]


def changed(path: Path) -> float:
    """When a file was changed; long ago if it is not there, as an editor's lock is not."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


class Server(RebuildServer):
    """sphinx-autobuild's server, whose pages show a change twice: at once, and when all is built."""

    async def watch(self) -> None:
        """Build on each change, and tell the pages."""
        loop = asyncio.get_running_loop()
        async for changes in watchfiles.awatch(*self.paths, watch_filter=lambda _, path: not self.ignore(path)):
            paths = sorted({path for _, path in changes})
            await asyncio.to_thread(self.change_callback.build, paths, lambda: loop.call_soon_threadsafe(self.flag.set))


# --- the maker's process, and its forks ------------------------------------------------------------------

def make(args: list[str], pipe: Connection) -> None:
    """Keep ready what shows the next change and what builds it, until the server is gone or code or settings do not load."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word
    try:
        for name in LATE + runpy.run_path("conf.py").get("extensions", []):
            import_module(name)
    except Exception as error:
        print(f"Code or settings do not load: {type(error).__name__}: {error}", flush=True)
        return
    nbformat.validate(nbformat.v4.new_notebook())  # compiles its rules
    fork = multiprocessing.get_context("fork")
    while True:
        go = fork.Event()
        first, whole = fork.Process(target=look, args=(args, pipe)), fork.Process(target=build, args=(args, go))
        first.start()
        whole.start()
        first.join()
        if first.exitcode == GONE:
            whole.terminate()
            return
        go.set()
        whole.join()
        if first.exitcode:  # code or settings with a mistake, which the build has said
            return
        try:
            pipe.send(DONE)
        except OSError:
            return


def ready(args: list[str], act: Callable) -> None:
    """Run Sphinx; when it has loaded all it needs to build, act, given it and what builds."""
    class Ready(command.Sphinx):
        def build(self, *rest) -> None:
            act(self, lambda: super(Ready, self).build(*rest))

    command.Sphinx = Ready
    command.main(args)


def look(args: list[str], pipe: Connection) -> None:
    """Wait for a change and show it at once."""
    def act(app: command.Sphinx, _) -> None:
        warm(app)
        try:
            paths = [Path(path) for path in pipe.recv()]
        except EOFError:
            os._exit(GONE)
        print("Changed:", ", ".join(path.name for path in paths[:5]), flush=True)
        start = time.monotonic()
        if show(app, paths):
            try:
                pipe.send(SHOWN)
            except OSError:
                os._exit(GONE)
            print(f"Shown, {time.monotonic() - start:.1f} s", flush=True)
        os._exit(0)  # without the second it takes to tidy up

    with redirect_stderr(StringIO()):  # what is wrong, the build says as well
        ready(args, act)
    os._exit(FAULTY)


def build(args: list[str], go: Event) -> None:
    """Build as Sphinx does, when the change has been shown."""
    def act(app: command.Sphinx, whole: Callable[[], None]) -> None:
        maker = os.getppid()
        while not go.wait(1):
            if os.getppid() != maker:
                os._exit(GONE)
        start = time.monotonic()
        whole()
        print(f"{'Not built' if app.statuscode else 'Built'}, {time.monotonic() - start:.1f} s", flush=True)

    ready(args, act)


def warm(app: command.Sphinx) -> None:
    """Write the page whose source was last changed, as it is, so that what it needs is loaded: it is likely to be the next."""
    sources = {name: changed(Path(app.env.doc2path(name))) for name in app.env.all_docs}
    if any(sources.values()):
        with suppress_logging():
            app.builder.prepare_writing(set())
            write(app, max(sources, key=sources.get))


def show(app: command.Sphinx, paths: list[Path]) -> bool:
    """Write the pages of changed sources, and tell whether; not if they are many, or if there is a warning, which the build will give."""
    pages = sorted({name for path in paths if (name := app.env.path2doc(path)) in app.env.all_docs})
    if not 0 < len(pages) <= AT_ONCE:
        return False
    stop = Stop(logging.WARNING)
    stop.addFilter(WarningSuppressor(app))
    logging.getLogger("sphinx").handlers = [stop]
    try:
        for name in pages:
            app.emit("env-purge-doc", app.env, name)
            app.env.clear_doc(name)
            app.builder.read_doc(name)
        app.emit("env-get-updated", app.env)  # numbers of sections and figures
        for name in pages:
            write(app, name)
        app.builder.copy_image_files()
    except (Exception, SystemExit):
        return False
    return True


class Stop(logging.Handler):
    """Ends what is done at a warning."""

    def emit(self, record: logging.LogRecord) -> None:
        """End it; Sphinx does not catch this, and docutils passes it on."""
        raise SystemExit


def write(app: command.Sphinx, name: str) -> None:
    """Write a page from what was read."""
    builder = app.builder
    doctree = app.env.get_and_resolve_doctree(name, builder)
    builder.imgpath = relative_uri(builder.get_target_uri(name), builder.imagedir)
    builder.post_process_images(doctree)
    builder.write_doc(name, doctree)


def main() -> None:
    """The command; its options are sphinx-autobuild's. What is to run before or after a build runs with the first alone."""
    autobuild.Builder, autobuild.RebuildServer = Kept, Server
    served.web_socket_script = lambda _: RELOAD
    autobuild.main(sys.argv[1:])


if __name__ == "__main__":
    main()
