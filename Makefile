# Every command of the book. `make book` first; the rest at will.
PYTHON ?= python3
BIN     = .venv/bin
# Each build takes the place of the last good one when it is whole, and not before.
BUILD   = $(BIN)/python -m sphinxext.build
NOTEBOOKS = $(wildcard chapters/*.ipynb)
# Sphinx does not notice a style sheet, a typeface or a template that changed; -a makes it write every page.
RESTYLED = $(if $(shell find _static _templates -newer _build/html/.buildinfo 2>/dev/null),-a)
# The pages carry no build time: two builds of one state are the same, byte for byte.
export SOURCE_DATE_EPOCH ?= 1767225600

.DELETE_ON_ERROR:
.PHONY: book test pdf epub check execute serve bench clean

book: check conf.py            ## the pages, in _build/html
	@echo "Building the pages"
	@$(BUILD) html --then evidence.exports $(RESTYLED)
	@echo "Open _build/html/index.html"

pdf: check conf.py             ## the printed book, _build/pdf/book.pdf
	@echo "Building the PDF"
	@$(BUILD) typst
	@$(call offered,_build/pdf/book.pdf)
	@echo "Open _build/pdf/book.pdf"

epub: check conf.py            ## the e-book, _build/epub/book.epub
	@echo "Building the EPUB"
	@$(BUILD) epub -a
	@$(call offered,_build/epub/book.epub)
	@echo "Open _build/epub/book.epub"

check: .venv/ready             ## the dataset, the bibliography and the notebooks' form, in seconds
	@$(BIN)/python -m evidence.check
	@$(BIN)/python -m sphinxext.sources

execute: .venv/ready           ## run every notebook again, in place
	@$(BIN)/python -m evidence.check
	@$(BIN)/python -m sphinxext.execute $(NOTEBOOKS)

test: book pdf epub            ## every test; the notebooks are run again and compared
	$(BIN)/python -m pytest -n 2 --nbval tests chapters

serve: book                    ## the pages, rebuilt on change, at http://localhost:8000
	@rm -rf _build/serve && mkdir _build/serve && cp -a _build/html _build/doctrees _build/.cache _build/serve
	@cp sphinxext/reload.js _build/serve/html/_static
	$(BIN)/python -m sphinxext.serve -b html -d _build/serve/doctrees --re-ignore '/(_build|\.venv|\.git)/' . _build/serve/html

bench: book                    ## time and weigh
	@$(BIN)/python -m sphinxext.bench

clean:                         ## remove all that was built; the environment stays
	rm -rf _build conf.py

# --- what the commands stand on ---

.venv/ready: requirements.txt pyproject.toml
	@echo "Setting up .venv (a minute or two, once)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "expected Python 3.11 or later, found %d.%d" % v[:2])'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The front page links to the PDF and the EPUB, which stand beside it.
offered = mkdir -p _build/html && cp $(1) _build/html/.part && mv _build/html/.part _build/html/$(notdir $(1))

# Jupyter Book turns _config.yml and _toc.yml into Sphinx's own settings.
conf.py: _config.yml _toc.yml .venv/ready
	@$(BIN)/jupyter-book config sphinx . >/dev/null
