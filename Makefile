# `make` lists the targets. Everything that is built goes to bin/.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The linter is a tool of its own and not in go.mod, where its 200 modules would
# be ours. A linter built by an older Go refuses our code: hence both in the name.
LINT_VERSION := v2.15.0
LINT         := bin/golangci-lint-$(LINT_VERSION)-$(shell go env GOVERSION)
VULN_VERSION := v1.9.0

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ROUNDS   ?= 500
MINUTES  ?= 60
FUZZTIME ?= 30s
MINUTES  ?= 10
SEED     ?= 0
ARGS     ?=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what this machine lacks (PostgreSQL's programs, a compiler, a browser for the tests, …)
	@scripts/setup.sh

# What only the tests need is not fetched for a look at the program.
.PHONY: setup-run
setup-run:
	@scripts/setup.sh run

.PHONY: demo
demo: setup-run build ## try it: own PostgreSQL, simulated gateway, nothing to configure
	@bin/momentcast demo $(ARGS)

.PHONY: build
build: ## bin/momentcast
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/momentcast ./cmd/momentcast

# PostgreSQL tests share a server per package, started on demand; see
# internal/postgres/postgrestest. The timeout is one package's.
.PHONY: test
test: setup ## all tests, with the race detector, in random order
	go test -race -shuffle=on -timeout 14m $(ARGS) ./...

.PHONY: screens
screens: setup ## take the pictures in docs/images again
	go test -count=1 -run TestPicturesOfTheDocuments -v ./internal/browser -args -documents

.PHONY: cover
cover: setup ## tests with coverage, shown as a page
	go test -coverpkg=./... -coverprofile=coverage.out -timeout 14m ./...
	go tool cover -html=coverage.out

.PHONY: check
check: setup fmt-check vet modules arch lint ## everything that has to pass besides the tests

.PHONY: fmt-check
fmt-check:
	@unformatted=$$(gofmt -l .); if [[ -n $$unformatted ]]; then echo "gofmt needed: $$unformatted" >&2; exit 1; fi

# Code behind a build tag or for another system is compiled by nobody else.
.PHONY: vet
vet:
	go vet ./...
	go vet -tags failpoints ./...
	go vet -tags clocks ./internal/crash
	go vet -tags brokenfence ./internal/dispatch
	go vet -tags brokendoubt ./internal/dispatch
	cd internal/bench/river && go vet ./...
	GOOS=darwin go vet ./internal/localpg
	GOOS=windows go vet ./internal/localpg

.PHONY: modules
modules:
	go mod tidy -diff
	go mod verify
	cd internal/bench/river && go mod tidy -diff

.PHONY: arch
arch:
	go test -count=1 ./internal/archtest

.PHONY: lint
lint: $(LINT) ## golangci-lint, staticcheck in it
	$(LINT) run ./...
	cd internal/bench/river && $(CURDIR)/$(LINT) run ./...

$(LINT):
	@mkdir -p bin
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv bin/golangci-lint $@

.PHONY: vuln
vuln: ## known vulnerabilities; asks a database on the internet
	go run golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION) ./...

.PHONY: bench
bench: setup-run build bench-river ## measure scenarios beside River; ARGS="burst paced --rounds=3" says which
	bin/momentcast bench $(ARGS)

# On a machine that does nothing else. A run that was cut off goes on with ARGS=--resume.
.PHONY: bench-all
bench-all: setup-run build bench-river ## all scenarios, five rounds, perhaps half an hour: artifacts/bench/report.md
	bin/momentcast bench --report=artifacts/bench $(ARGS)

.PHONY: bench-sweep
bench-sweep: setup-run build bench-river ## River's best settings on this machine
	bin/momentcast bench sweep $(ARGS)

# The peer is a module of its own: no dependency of ours.
.PHONY: bench-river
bench-river:
	@mkdir -p bin
	cd internal/bench/river && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(CURDIR)/bin/momentcast-bench-river .

.PHONY: crash
crash: setup ## kill and freeze it ROUNDS times and count what was sent
	go test -count=1 -timeout 6h -run TestCrashMatrix -v ./internal/crash -args -rounds=$(ROUNDS) $(ARGS)

.PHONY: chaos
chaos: setup ## harm replicas, database, network and gateway for MINUTES, and prove every promise of the engine
	go test -count=1 -timeout 0 -run 'TestChaos$$' -v ./internal/crash -args -minutes=$(MINUTES) $(ARGS)

.PHONY: expand
expand: setup ## kill replicas while they expand campaigns, ROUNDS times, and count what is there
	go test -count=1 -timeout 3h -run TestExpansionSurvivesKills -v ./internal/crash -args -expand-rounds=$(ROUNDS) $(ARGS)

.PHONY: clocks
clocks: setup ## replicas whose clocks are ten minutes off
	go test -count=1 -tags clocks -run TestClocks -v ./internal/crash

.PHONY: plans
plans: setup ## read the engine's query plans beside 5 M finished posts
	MOMENTCAST_PLAN_SCALE=10 go test -count=1 -timeout 30m -run TestPlans -v ./internal/postgres

.PHONY: history
history: setup build ## the pages and exports beside 2 M posts of history, and what the search costs
	@# One package at a time: go test shows the output of several only when they are over. On disk: it is more than memory should hold.
	TMPDIR=$${TMPDIR:-/var/tmp} MOMENTCAST_HISTORY=$(or $(POSTS),2000000) go test -count=1 -timeout 3h -run TestHistoryScale -v ./internal/web
	MOMENTCAST_HISTORY=1 go test -count=1 -timeout 1h -run TestSearchCost -v ./internal/postgres

.PHONY: zones
zones: ## every IANA zone at every change of its clock, 2026-2031
	MOMENTCAST_ZONES=all go test -count=1 -timeout 30m -run TestEveryZone -v ./internal/schedule

.PHONY: licences
licences: ## write docs/licences.md and docs/licence-texts.txt anew; `make check` compares
	go test -count=1 -run TestLicences ./internal/archtest -args -update

.PHONY: fuzz
fuzz: setup ## every fuzz test for FUZZTIME, with a table at the end; ONLY= picks some by name
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

.PHONY: fuzz-api
fuzz-api: setup ## calls drawn from the OpenAPI document for MINUTES, as everybody; SEED=… draws the same again
	go test -count=1 -timeout $$(( $(MINUTES) + 20 ))m -run . -v ./internal/apifuzz -args -length=$(MINUTES)m -seed=$(SEED)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin artifacts coverage.out
