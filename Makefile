# Wasm-on-Edge. `make` lists what can be made; `make run` is the place to start.

GO   ?= go
# What simulate, or the comparison with rivals, is to be told: make run ARGS="--duration 1m".
ARGS ?=
# A platform of module.json, amd64 or arm64v8.
ARCH ?= $(patsubst arm64,arm64v8,$(shell $(GO) env GOARCH))

# The name that the tools give the image, so that what `make image` builds is what a generated manifest deploys.
IMAGE         := $(shell sed -n 's/.*"repository": *"\(.*\)".*/\1/p' module.json)
VERSION       := $(shell sed -n 's/.*"version": *"\(.*\)".*/\1/p' module.json)
LINT_VERSION  := v2.15.0
LINT          := $(CURDIR)/build/bin/golangci-lint-$(LINT_VERSION)
# The Go modules beside this one: the guests and their SDK, and the comparisons with other hosts, stores and modules.
COMPARE       := module/internal/wasm/compare
STORES        := module/internal/journal/compare
RIVALS        := module/conformance/rivals
OTHER_MODULES := $(patsubst %/go.mod,%,$(wildcard wasm-guests/*/go.mod wasm-guests/*/*/go.mod)) $(COMPARE) $(STORES) $(RIVALS)

# What must build without a C compiler: all but the engine and what is wired to it.
PURE = $(shell $(GO) list ./... | grep -Ev '/module/(internal/wasm|internal/app|internal/bench|internal/desk|cmd)(/|$$)')

.DEFAULT_GOAL := help
.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build guests ## simulate edgeHub and a sensor, and run the module on deployment.template.json
	build/bin/wasm-on-edge simulate $(ARGS)

.PHONY: build
build: needs ## build the binary into build/bin
	$(GO) build -o build/bin/ ./module/cmd/wasm-on-edge

.PHONY: guests
guests: needs ## build the guests into build/guests
	@$(MAKE) --no-print-directory -C wasm-guests GO=$(GO) OUT=$(CURDIR)/build/guests

# Without a network, or with a slow one, npm ends after a while and leaves no half behind.
NPM_CI := timeout 300 npm ci --no-audit --no-fund || { rm -rf node_modules; exit 1; }

# What the packages of the official Node SDK leave behind once they are installed.
NODE_SDK := module/conformance/node_modules/.package-lock.json
$(NODE_SDK): module/conformance/package-lock.json
	cd module/conformance && { $(NPM_CI); }

.PHONY: sdk
sdk:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_SDK) || \
	  echo "npm cannot install the official Node SDK: the checks against it are skipped" >&2; \
	else echo "npm is missing: the checks against the official Node SDK are skipped; install Node.js 20 or newer" >&2; fi

# The simulator's page, and what its tests in a browser are driven by.
PAGE     := module/internal/portal/web
PAGE_DEV := $(PAGE)/node_modules/.package-lock.json
$(PAGE_DEV): $(PAGE)/package-lock.json
	cd $(PAGE) && { $(NPM_CI); }

.PHONY: page
page: $(PAGE_DEV) ## build the simulator's page, which is committed and embedded (wants npm)
	cd $(PAGE) && npm run build

.PHONY: pagedev
pagedev:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PAGE_DEV) || \
	  echo "npm cannot install what drives the browser: the simulator's page is not tested in one" >&2; \
	else echo "npm is missing: the simulator's page is not tested in a browser; install Node.js 20.19 or newer" >&2; fi
	@command -v chromium >/dev/null || echo "chromium is missing: the simulator's page is not tested in a browser" >&2

# Every process with the race detector waits for a second before it exits, and tests start hundreds.
.PHONY: test
test: needs build guests sdk pagedev ## run all tests: with the race detector, without cgo, and those of the guests
	GORACE=atexit_sleep_ms=10 $(GO) test -race ./...
	CGO_ENABLED=0 $(GO) vet $(PURE)
	CGO_ENABLED=0 $(GO) test $(PURE)
	@$(MAKE) --no-print-directory -C wasm-guests GO=$(GO) test
	@$(MAKE) --no-print-directory -C wasm-guests TOOL=$(CURDIR)/build/bin/wasm-on-edge OUT=$(CURDIR)/build/guests try

.PHONY: lint
lint: needs $(LINT) ## gofmt, go vet and golangci-lint, in every Go module
	@files=$$(gofmt -l module wasm-guests); test -z "$$files" || { echo "not formatted by gofmt:" $$files >&2; exit 1; }
	$(GO) vet ./...
	@$(MAKE) --no-print-directory -C wasm-guests GO=$(GO) vet
	@set -e; for dir in . $(OTHER_MODULES); do (set -x; cd $$dir && $(LINT) run ./...); done

$(LINT): | needs
	GOBIN=$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(@D)/golangci-lint $@

.PHONY: bench
bench: build guests ## run the benchmarks, and compare the sandbox and the journal with others
	$(GO) test -run='^$$' -bench=. -benchmem ./...
	build/bin/wasm-on-edge bench
	$(GO) run -C $(COMPARE) ./table
	$(GO) run -C $(STORES) ./table

.PHONY: rivals
rivals: build ## compare a filter with one in native Go and one on the official Node SDK (wants npm)
	@command -v npm >/dev/null || { echo "make rivals wants npm: install Node.js 20 or newer" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(NODE_SDK)
	$(GO) build -C $(RIVALS) -o $(CURDIR)/build/bin/ ./native ./session
	$(GO) run -C $(RIVALS) . $(ARGS)

# How many messages the soak sends through all signals together.
SOAK ?= 1000000
.PHONY: soak
soak: needs ## a hundred signals, a tenth of them hostile: none misses a message, memory stays flat
	SOAK=$(SOAK) $(GO) test -count=1 -timeout=2h -run=TestSoak -v ./module/internal/app

# For how long chaos makes faults, and by which seed; without one by chance. It takes up to some minutes more to settle.
TIME ?= 30s
SEED ?=
.PHONY: chaos
chaos: needs ## kill module and hub, cut, fill and swap, by chance, and account for every message (TIME=1h SEED=7)
	CHAOS_TIME=$(TIME) CHAOS_SEED=$(SEED) $(GO) test -count=1 -timeout=0 -run=TestChaos -v ./module/conformance/chaos

.PHONY: conformance
conformance: needs ## run the checks against the official Node SDK (wants npm)
	@command -v npm >/dev/null || { echo "make conformance wants npm: install Node.js 20 or newer" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(NODE_SDK)
	$(GO) test -race -count=1 ./module/conformance/...

.PHONY: image
image: ## build the container image for ARCH (amd64 or arm64v8; wants Docker)
	@command -v docker >/dev/null || { echo "make image wants Docker" >&2; exit 1; }
	docker build -f Dockerfile.$(ARCH) -t $(IMAGE):$(VERSION)-$(ARCH) .

.PHONY: release-archives
release-archives: needs ## archives of the command for linux amd64 and arm64, into build/release (wants both C compilers)
	.ci/release archives

.PHONY: sbom
sbom: needs ## what is linked into the command, Wasmtime too, as CycloneDX, into build/release (wants jq)
	.ci/release sbom

.PHONY: clean
clean: ## remove what was built
	rm -rf build

# Say what is missing, all of it, before a build fails for it somewhere deep inside.
.PHONY: needs
needs:
	@ok=true; missing() { echo "missing: $$*" >&2; ok=false; }; \
	want=$$(sed -n 's/^go //p' go.mod); \
	have=$$($(GO) env GOVERSION 2>/dev/null | sed 's/^go//; s/ .*//'); \
	printf '%s\n' "$$want" "$${have:-0}" | sort -CV || missing "Go $$want or newer, found $${have:-none} (https://go.dev/dl)"; \
	cc=$$($(GO) env CC 2>/dev/null); cc=$${cc:-gcc}; \
	echo '#include <stdlib.h>' | $$cc -fsyntax-only -x c - 2>/dev/null || missing "a C compiler with its headers, tried $$cc (gcc and libc6-dev)"; \
	command -v git >/dev/null || missing "git"; \
	$$ok
