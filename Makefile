# Minyi 民意: `make demo` and `make test` do everything on a fresh machine with Python 3.11 or newer.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
# One more than there are cores, for tests that wait for a browser; more than four only get in each other's way.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$(( n < 3 ? n + 1 : 4 )))

.DEFAULT_GOAL := help
.PHONY: help demo test proof lint dev messages screenshots clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.python: 
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 或更新的版本（现在是 $$($(PYTHON) --version 2>&1)）。 / Python 3.11 or newer is needed."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "缺少 venv：Debian/Ubuntu 请先 apt install python3-venv。 / The venv module is missing."; exit 1; }
	@echo "第 1 步：建立虚拟环境 …… / Making a virtual environment ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.txt | $(VENV)/.python
	@echo "第 2 步：安装依赖（首次约一两分钟）…… / Installing dependencies (a minute or two, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/.python
	@echo "安装测试依赖 …… / Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

demo: $(VENV)/.runtime ## set up, build the model city and start the site on SQLite, without a broker
	@MINYI_ENV=demo MINYI_PUBLIC_URL=http://127.0.0.1:$(PORT) $(BIN)/python manage.py demo --port $(PORT)

test: $(VENV)/.dev ## set up and pass the tests
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports
	@MINYI_ENV=test $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

proof: $(VENV)/.dev ## the long proofs: simulations, kill runs, load; writes docs/proof/
	@MINYI_ENV=test $(BIN)/python -m tests.proof $(ARGS)

lint: $(VENV)/.dev ## ruff and the ladder
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

dev: $(VENV)/.dev ## migrate and serve with debug on
	@MINYI_ENV=development MINYI_DEBUG=true $(BIN)/python manage.py migrate --verbosity 0
	@MINYI_ENV=development $(BIN)/python manage.py createcachetable
	@MINYI_ENV=development MINYI_DEBUG=true $(BIN)/python manage.py runserver $(PORT) --noreload

messages: $(VENV)/.dev ## compile the translation catalogues
	@cd survey && ../$(BIN)/python ../manage.py compilemessages

screenshots: $(VENV)/.dev ## docs/images from the running program (needs Chromium)
	@$(BIN)/python -m docs.screenshots $(ARGS)

clean: ## remove the virtual environment and everything made at run time
	rm -rf $(VENV) var build .hypothesis .ruff_cache .import_linter_cache
