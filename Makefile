# `make` without a target lists the targets. Everything is installed into .venv; nothing outside this folder is changed.
.DEFAULT_GOAL := help
.PHONY: help run test test-postgresql test-faults test-clients check audit lock fix bench run-environment dev-environment client-packages
.NOTPARALLEL:

PY := .venv/bin/python
CANDIDATES := $(PY) $(PYTHON) python3.13 python3.12 python3.11 python3 python3.14
# Tests start many processes. Some images disable bytecode caching; each process would then compile everything again.
PYTHON_FOR_TESTS = env -u PYTHONDONTWRITEBYTECODE $(PY)
PYTEST = $(PYTHON_FOR_TESTS) -m pytest
# Production settings, with newly generated keys.
PRODUCTION = env $$($(PY) orchestrator/generate_keys.py) DEBUG=0 HTTPS=1 DATABASE_URL=sqlite://:memory: \
  BEHIND_TLS_PROXY=1 TRUSTED_PROXIES=10.0.0.5 ALLOWED_HOSTS=repositories.example.com SITE_URL=https://repositories.example.com

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: run-environment ## start the whole product in this terminal; Ctrl-C stops it
	@$(PY) manage.py up

test: dev-environment ## run the tests; those that need missing programs are skipped, or fail with REQUIRE_ALL=1
	@$(PYTEST) --numprocesses auto --dist loadgroup -rs $(ARGS)

test-postgresql: dev-environment ## run the tests that use the database again, on a PostgreSQL started for them
	@$(PYTHON_FOR_TESTS) -m tests.servers.on_postgresql -rs $(ARGS)

test-faults: dev-environment ## kill workers, brokers and databases, change the clock, break Azure DevOps, load the pages; about fifteen minutes
	@$(PYTEST) --numprocesses 2 --dist worksteal -m faults -rs $(ARGS) tests/faults

test-clients: dev-environment client-packages ## run clients of Azure DevOps and issuers of access tokens that are not ours; needs nodejs and npm
	@$(PYTEST) --numprocesses 0 -m clients -rs $(ARGS) tests/clients

check: dev-environment ## lint, format, types, insecure calls, import rules, migrations, deploy check
	@echo '== ruff check' && $(PY) -m ruff check .
	@echo '== ruff format' && $(PY) -m ruff format --check .
	@echo '== mypy' && $(PRODUCTION) $(PY) -m mypy
	@echo '== bandit' && $(PY) -m bandit --quiet --configfile pyproject.toml --recursive .
	@echo '== lint-imports' && $(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@echo '== makemigrations --check' && $(PRODUCTION) $(PY) manage.py makemigrations --check --dry-run
	@echo '== check --deploy' && $(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	@echo 'All checks passed.'

audit: dev-environment ## check every dependency for known vulnerabilities; needs the network, so not in CI
	$(call tool,audit,pip-audit)
	@.venv/audit/bin/pip-audit --strict --path "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

lock: dev-environment ## update requirements/*.lock from pyproject.toml; ARGS=--upgrade takes the newest permitted versions
	$(call tool,locking,uv)
	@$(PY) requirements/lock_files.py .venv/locking/bin/uv $(ARGS)

fix: dev-environment ## fix what ruff can fix automatically
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: dev-environment ## run the benchmarks, as ratios to a baseline measured in the same run; ARGS=--short only checks that they run
	@$(PY) -m benchmarks $(ARGS)

# Does nothing if the installation is newer than the lock. Otherwise runs bootstrap.py with the first Python that is new
# enough and can create virtual environments, or else one that is only new enough, which says what it lacks.
define environment
	@[ -x $(PY) ] && [ .venv/$(1).stamp -nt requirements/$(1).lock ] && exit 0; \
	for python in $(CANDIDATES) ''; do \
	  $${python:-false} -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; \
	[ -n "$$python" ] || for python in $(CANDIDATES) ''; do \
	  $${python:-false} -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; \
	[ -n "$$python" ] || { echo 'Python 3.11 or newer is needed, and none was found on PATH.' \
	  'Debian 12 and Ubuntu 24.04: sudo apt install python3 python3-venv. Elsewhere: https://www.python.org/downloads/'; \
	  exit 1; }; \
	$$python orchestrator/bootstrap.py $(1)
endef

# A tool in a virtual environment of its own, from its own lock.
define tool
	@[ -x .venv/$(1)/bin/$(2) ] && [ .venv/$(1)/bin/$(2) -nt requirements/$(1).lock ] || { $(PY) -m venv --clear .venv/$(1) && \
	  .venv/$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  --requirement requirements/$(1).lock; }
endef

run-environment:
	$(call environment,run)

dev-environment:
	$(call environment,dev)

# Into .venv/clients, unless the installation is newer than the list. Without npm the tests say what is missing.
client-packages:
	@! command -v npm >/dev/null || [ .venv/clients/node_modules/.package-lock.json -nt tests/clients/package-lock.json ] || { \
	  mkdir -p .venv/clients && cp tests/clients/package.json tests/clients/package-lock.json .venv/clients/ && \
	  cd .venv/clients && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error; }
