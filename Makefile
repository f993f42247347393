# Every command of the book. `make book` first; the rest at will.
PYTHON ?= python3
BIN     = .venv/bin
SPHINX  = $(BIN)/sphinx-build -q -W --keep-going -n $(RESTYLED)
NOTEBOOKS = $(wildcard chapters/*.ipynb)
# Sphinx does not notice a style sheet or a typeface that changed; -a makes it write every page.
RESTYLED = $(if $(shell find _static -newer _build/html/.buildinfo 2>/dev/null),-a)
# The pages carry no build time: two builds of one state are the same, byte for byte.
export SOURCE_DATE_EPOCH ?= 1767225600
export PYTHONHASHSEED = 0

.PHONY: book test pdf epub check execute serve bench clean

book: check conf.py            ## the pages, in _build/html
	@echo "Building the pages"
	@$(SPHINX) -b html -d _build/doctrees . _build/html
	@$(BIN)/python -m evidence.exports _build/html/data
	@echo "Open _build/html/index.html"

pdf: check conf.py             ## the printed book, _build/pdf/book.pdf
	@echo "Building the PDF"
	@$(SPHINX) -b typst -d _build/doctrees . _build/pdf
	@$(call offered,_build/pdf/book.pdf)
	@echo "Open _build/pdf/book.pdf"

epub: check conf.py            ## the e-book, _build/epub/book.epub
	@echo "Building the EPUB"
	@$(SPHINX) -a -b epub -d _build/doctrees . _build/epub
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
	$(BIN)/sphinx-autobuild -b html -d _build/doctrees --re-ignore '/(_build|\.venv|\.git)/' . _build/html

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
offered = mkdir -p _build/html && cp $(1) _build/html/

# Jupyter Book turns _config.yml and _toc.yml into Sphinx's own settings.
conf.py: _config.yml _toc.yml .venv/ready
	@$(BIN)/jupyter-book config sphinx . >/dev/null
