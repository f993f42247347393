# Every command of the book. `make book` first; the rest at will.
PYTHON ?= python3
BIN     = .venv/bin
SPHINX  = $(BIN)/sphinx-build -W --keep-going -n
NOTEBOOKS = $(wildcard chapters/*.ipynb)
# The pages carry no build time: two builds of one state are the same, byte for byte.
export SOURCE_DATE_EPOCH ?= 1767225600
export PYTHONHASHSEED = 0

.PHONY: book test pdf epub check execute serve bench clean

book: check conf.py          ## the pages, in _build/html
	$(SPHINX) -b html -d _build/doctrees . _build/html
	@echo "Open _build/html/index.html"

pdf: check conf.py           ## the printed book, _build/pdf/book.pdf
	$(SPHINX) -b typst -d _build/doctrees-pdf . _build/pdf

epub: check conf.py          ## the e-book, _build/epub/book.epub
	$(SPHINX) -b epub -d _build/doctrees-epub . _build/epub

check: .venv/ready                       ## the dataset and the bibliography, in seconds
	@$(BIN)/python -m evidence.check

execute: check                           ## run every notebook again, in place
	@$(BIN)/python -m sphinxext.execute $(NOTEBOOKS)

test: book pdf epub                      ## every test; the notebooks are run again and compared
	$(BIN)/python -m pytest -n auto

serve: book                              ## the pages, rebuilt on change, at http://localhost:8000
	$(BIN)/sphinx-autobuild -b html -d _build/doctrees --ignore '*/_build/*' --ignore '*/.venv/*' . _build/html

bench: book                              ## time and weigh
	@$(BIN)/python -m sphinxext.bench

clean:                                   ## all that was built; the environment stays
	rm -rf _build conf.py

# --- what the commands stand on ---

.venv/ready: requirements.txt pyproject.toml
	@echo "Setting up .venv (a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or later, found " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Jupyter Book turns _config.yml and _toc.yml into Sphinx's own settings.
conf.py: _config.yml _toc.yml .venv/ready
	@$(BIN)/jupyter-book config sphinx . >/dev/null
