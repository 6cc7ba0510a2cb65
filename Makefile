# Every target sets up what it needs, the first time and after each change of the lock.
# PYTHON=/path/to/python chooses the interpreter; any Python from 3.11 on will do.

.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz check audit sbom clauses conformance screenshots bench bench-delivery bench-failover bench-growth bench-overload soak docs docs-serve lock clean dist

# What was compiled once is kept, whatever the environment says: the tests start many processes.
export PYTHONDONTWRITEBYTECODE =

BIN := .venv/bin
MINUTES := 10
RECORD := build/clauses.json
# SlipCover says that it will not follow the tests themselves, which nobody asks for.
UNMEASURED := ignore:Unable to activate pytest branch coverage:RuntimeWarning

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv from the hashed lock (the other targets do so themselves)
	@scripts/setup.sh

demo: setup ## Run a flow in each delivery mode (ARGS=--once: then stop)
	@scripts/ensure-redis.sh --or-embedded
	@$(BIN)/python scripts/demo.py $(ARGS)

test: setup ## Run the whole test suite, measure coverage, record the proven clauses
	@scripts/ensure-redis.sh
	@scripts/ensure-openssl.sh
	@scripts/ensure-nginx.sh
	@scripts/ensure-node.sh
	@scripts/ensure-chromium.sh
	@scripts/ensure-docs.sh
	@$(BIN)/python -W '$(UNMEASURED)' -m slipcover \
		-m pytest tests -n 4 --dist worksteal --clause-record=$(RECORD)
	@$(BIN)/python -m tools.coverage

fuzz: setup ## Fuzz every parser for some minutes (MINUTES=10)
	@scripts/ensure-redis.sh --or-embedded
	@scripts/fuzz.sh $(MINUTES)

check: setup ## Check format, style, types, the direction of imports, and the dependencies
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@scripts/ensure-node.sh
	@scripts/check-pages.sh
	@$(BIN)/python -m tools.audit

audit: setup ## Ask for known weaknesses of the dependencies (CI_AUDIT=required: or fail)
	@$(BIN)/python -m tools.audit

sbom: setup ## Write what the service is made of to build/sbom.cdx.json (CycloneDX)
	@$(BIN)/python -m tools.sbom

dist: setup ## Build wheel and sdist into dist/, the same bytes from the same sources
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || date +%s)} \
		$(BIN)/python -m hatchling build -t sdist -t wheel -d dist

clauses: setup $(RECORD) ## Show which requirements the last run of the tests proved
	@$(BIN)/python -m tools.clauses $(ARGS)

$(RECORD):
	@$(MAKE) test

conformance: setup ## Hold our service to the specifications, write docs/conformance (ARGS=fapi-ciba-ping: a part)
	@scripts/ensure-redis.sh --or-embedded
	@$(BIN)/python scripts/conformance.py $(ARGS)

bench: setup ## Measure speed beside node-oidc-provider, write docs/benchmarks.md (ARGS=--quick: less)
	@scripts/ensure-peer.sh
	@$(BIN)/python -m benchmarks.speed.run $(ARGS)

bench-delivery: setup ## Measure delivery and write docs/benchmarks.md (ARGS=bulkheads or polls: only that)
	@scripts/ensure-redis.sh --or-embedded
	@$(BIN)/python -m benchmarks.delivery $(ARGS)

bench-failover: setup ## Kill masters, count what is lost, write docs/benchmarks.md (ARGS=--quick: less)
	@scripts/ensure-redis.sh
	@$(BIN)/python -m benchmarks.replication.run $(ARGS)

bench-growth: setup ## Measure growth, write docs/benchmarks.md and capacity.md (ARGS=phones: a part)
	@scripts/ensure-redis.sh
	@$(BIN)/python -m benchmarks.growth.run $(ARGS)

bench-overload: setup ## Ask for four times what can be done, write docs/benchmarks.md (ARGS=--quick: less)
	@scripts/ensure-redis.sh
	@$(BIN)/python -m benchmarks.overload $(ARGS)

soak: setup ## Judge 100,000 flows under faults of every kind (ARGS="--only kills --flows 2000": a part)
	@scripts/ensure-redis.sh
	@$(BIN)/python -m benchmarks.soak $(ARGS)

screenshots: setup ## Take the pictures of the pages in docs/images anew
	@scripts/ensure-redis.sh --or-embedded
	@scripts/ensure-chromium.sh
	@$(BIN)/python -m tools.screenshots

docs: setup ## Build the documentation into build/site; a warning is an error
	@scripts/ensure-docs.sh
	@$(BIN)/python -m tools.site

docs-serve: setup ## Build the documentation and show it at http://127.0.0.1:8099 (ARGS="--port N")
	@scripts/ensure-docs.sh
	@$(BIN)/python -m tools.site --serve $(ARGS)

lock: setup ## Pin the dependencies anew (ARGS=--upgrade: to the newest versions)
	@scripts/lock.sh $(ARGS)

clean: ## Remove .venv and everything that was generated
	rm -rf .venv build dist tests/interop/node_modules tools/site/node_modules benchmarks/speed/peer/node_modules .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
