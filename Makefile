# One word per task, the same locally and in CI.

PORT ?= 8000
SITE ?= datacenter
STATE ?=
READY_FILE ?=
PYTEST_ARGS ?=
# Tests wait for clusters more than they compute; each of these workers has a sandbox of its own.
TEST_WORKERS ?= 2
export PYTHON ?= python3

bin := .venv/bin
packages := hub spawner profiles images sandbox
code := $(packages) tests benchmarks docs tools

.PHONY: help up test realnode unit coverage lint docs bench images messages screenshots lock clean sandbox-environment \
	dev-environment

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: sandbox-environment ## start a hub on a control plane of its own (PORT, SITE, STATE, READY_FILE)
	@exec $(bin)/genkan-sandbox up --port "$(PORT)" --site "$(SITE)" \
		$(if $(STATE),--state "$(STATE)") $(if $(READY_FILE),--ready-file "$(READY_FILE)")

test: dev-environment ## run all tests: unit, cluster, browser
	@tools/system-packages
	$(bin)/genkan-sandbox binaries --with-helm
	@$(bin)/python -m tests.support.keycloak || true
	$(bin)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

realnode: dev-environment ## run the tests that need root, containerd and runc
	@tools/system-packages containers
	$(bin)/genkan-sandbox binaries --with-kubelet
	@$(bin)/python -m tests.support.single_user || true
	$(bin)/python -m pytest $(or $(REALNODE_TESTS),tests/realnode) $(PYTEST_ARGS)

unit: dev-environment ## run the tests that need no cluster
	$(bin)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder -m "not cluster and not browser" $(PYTEST_ARGS)

coverage: dev-environment ## run the unit tests and show what they do not reach
	$(bin)/coverage run -m pytest -m "not cluster and not browser" $(PYTEST_ARGS)
	$(bin)/coverage combine --quiet
	$(bin)/coverage report

lint: dev-environment ## check style, types and layers
	$(bin)/ruff check $(code)
	$(bin)/ruff format --check $(code)
	$(bin)/mypy
	$(bin)/pyright --warnings
	$(bin)/lint-imports

docs: dev-environment ## build the documentation into docs/_build/html
	$(bin)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: dev-environment ## measure, and write benchmarks/RESULTS.md
	$(bin)/python -m benchmarks $(BENCH_ARGS)

images: dev-environment ## build, check and promote images on this machine (root on Debian; IMAGES_ARGS)
	@tools/image-programs
	$(bin)/python -m tools.images $(IMAGES_ARGS)

messages: dev-environment ## bring the files of translations to what the code says
	$(bin)/python -m tools.messages

screenshots: dev-environment ## take pictures of all pages, and renew those of the documentation
	$(bin)/python -m tools.screenshots

lock: dev-environment ## renew the lock files
	tools/lock

clean: ## remove what was built in this checkout; sandboxes and caches of the user stay
	rm -rf .venv .venv.lock build dist docs/_build docs/reference/generated .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis .coverage .coverage.* test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

sandbox-environment:
	@tools/environment sandbox

dev-environment:
	@tools/environment dev
