# Tieout. `make help` lists what can be made.
SHELL := /bin/bash
export CGO_ENABLED := 0
BIN := bin/tieout
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SOAKED := ./schemas/decimal ./transforms/money ./transforms/expression ./connectors/sql ./runner/schedule ./runner/vault ./runner/delivery ./runner/cmd/tieout
SERVERS := go run ./connectors/connectortest/servers/run --

.PHONY: help build demo test lint generate generate-diff check soak bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the program into bin/
	@go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./runner/cmd/tieout

demo: build ## run a catalog pipeline into an embedded database, twice
	@./docs/demo.sh $(BIN)

test: ## run all tests, with the servers they need
	@$(SERVERS) go test ./...

lint: ## gofmt, go vet and golangci-lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt on these files"; exit 1; }
	@go vet ./...
	@go run $(LINT) run ./...

generate: ## write the schemas and reference pages again
	@go test ./runner/cli -run TestGenerated -update

generate-diff: ## fail when a generated file is stale
	@go test ./runner/cli -run TestGenerated

check: lint generate-diff test ## what CI runs

soak: ## the long tests at their full counts, a JSON line each (about an hour and a half)
	@set -o pipefail; $(SERVERS) env TIEOUT_SOAK=1 go test -timeout 110m -count=1 -v $(SOAKED) | grep --line-buffered -E '^(\{|--- FAIL|FAIL|ok|panic)|_test\.go:[0-9]+: '
	@set -o pipefail; $(SERVERS) go test -count=1 -v -tags planted -run TestPlantedBug ./runner/vault ./runner/delivery ./runner/cmd/tieout | grep --line-buffered -E '^(\{|--- FAIL|FAIL|ok)|_test\.go:[0-9]+: '

bench: build ## the benchmarks of docs/performance.md, beside psql in the same run
	@$(SERVERS) go run ./runner/cmd/bench -tieout $(BIN) -large $(BENCH)

clean: ## remove what was built
	@rm -rf bin demo
