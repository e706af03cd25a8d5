.DEFAULT_GOAL := help
.PHONY: help setup setup-dev contract-tools generate drift lint types breaking release-contract check test chaos run bench lock clean grpcurl toxiproxy

PYTHON ?= python3
BIN := .venv/bin
BUF := tools/node_modules/.bin/buf
RELEASED := protos/released.binpb
GRPCURL := .tools/bin/grpcurl
GRPCURL_VERSION := v1.9.3
TOXIPROXY := .tools/bin/toxiproxy-server
TOXIPROXY_VERSION := v2.12.0

export PYTHON

help:  ## Say what can be made
	@awk -F ':.*##[ ]*' '/^[a-z-]+:.*##/ { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Install what the node needs to run into .venv, from the lock
	@tools/setup.sh runtime

setup-dev:  ## Install that and the tools of a developer
	@tools/setup.sh dev

$(BUF): tools/package.json tools/package-lock.json
	@tools/debian.sh contract
	@cd tools && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund
	@touch $@

contract-tools: setup-dev $(BUF)
	@tools/debian.sh contract

generate: contract-tools  ## Write generated/, the reasons and their page anew from protos/
	@$(BIN)/python tools/generate.py
	@$(BIN)/python tools/generate_errors.py
	@$(BUF) build --output - | php clients/php/tools/contract.php

drift: contract-tools  ## Fail when generated/ is not what protos/ says
	@$(BIN)/python tools/generate.py --check
	@$(BIN)/python tools/generate_errors.py --check

lint: setup-dev $(BUF)  ## Style, file lengths, import contracts and the contract's own lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python tools/check_lengths.py
	@$(BIN)/lint-imports --no-logo
	@$(BUF) lint

types: setup-dev  ## mypy, strict
	@$(BIN)/mypy

breaking: $(BUF)  ## Fail when protos/ breaks a caller of the released contract
	@if [ -e $(RELEASED) ]; then $(BUF) breaking --against $(RELEASED) && echo "The contract breaks no released caller."; \
	else echo "Nothing is released yet: $(RELEASED) appears with 'make release-contract'."; fi

release-contract: $(BUF)  ## Make today's protos/ the contract that `make breaking` defends
	@$(BUF) build --output $(RELEASED)

check: lint types drift breaking  ## Everything that needs no service: under two minutes
	@$(BIN)/python -m pytest tests/unit

test: setup-dev contract-tools $(GRPCURL) $(TOXIPROXY)  ## Every test: Python, PHP, grpcurl
	@tools/debian.sh test
	@$(BIN)/python -m pytest tests
	@tools/phpunit.sh

chaos: setup-dev $(TOXIPROXY)  ## Break everything while jobs are on their way (LONG=1, SEED=number)
	@CHAOS_LONG=$(LONG) CHAOS_SEED=$(SEED) $(BIN)/python -m pytest tests/chaos -s

run: setup  ## Start a demonstration node (ONCE=1 ends after one round)
	@$(BIN)/howdah up --demo $(if $(ONCE),--once)

bench: setup-dev  ## Measure (NAME=one of benchmarks/)
	@$(BIN)/python -m benchmarks $(NAME)

lock: setup-dev  ## Resolve requirements/*.txt anew (LOCK_ARGS=--upgrade to take newer versions)
	@tools/lock.sh

grpcurl: $(GRPCURL)  ## Build grpcurl into .tools/bin
$(GRPCURL):
	@command -v go >/dev/null || { echo "grpcurl $(GRPCURL_VERSION) needs Go 1.24 or later (Debian 12 packages an older one)."; exit 1; }
	@GOBIN=$(CURDIR)/.tools/bin go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL_VERSION)

toxiproxy: $(TOXIPROXY)  ## Build toxiproxy into .tools/bin
$(TOXIPROXY):
	@command -v go >/dev/null || { echo "toxiproxy $(TOXIPROXY_VERSION) needs Go 1.23 or later (Debian 12 packages an older one)."; exit 1; }
	@GOBIN=$(CURDIR)/.tools/build go install github.com/Shopify/toxiproxy/v2/cmd/server@$(TOXIPROXY_VERSION)
	@mkdir -p $(dir $@) && mv .tools/build/server $@

clean:  ## Remove what can be made again
	@rm -rf .venv .tools tools/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
