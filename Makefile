# SPDX-License-Identifier: Apache-2.0
#
# The front door. `make` alone lists what there is; the longer recipes are the scripts in .ci.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# SECONDS is a variable of bash as well, which must not be taken for the caller's: only the command line's counts.
fuzz-seconds := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)

examples := $(notdir $(patsubst %/,%,$(wildcard Sources/Examples/*/)))
# For make install: what it installs needs no toolchain, only the libraries of make deps.
configuration := $(or $(CONFIGURATION),release)
swift-sources := Package.swift Benchmarks/Package.swift Sources Tests Benchmarks/Benchmarks Benchmarks/Sources

# SwiftPM defines the traits for the compiler in the order of a set, which is random otherwise: with another order than
# before, everything is compiled again.
export SWIFT_DETERMINISTIC_HASHING := 1

# The trait NATS, for everything that is built here, where libnats-dev is installed (make nats-deps).
ifeq ($(shell pkg-config --exists libnats 2>/dev/null && echo yes),yes)
export PIPES_NATS := 1
endif

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-19s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: deps
deps: ## Install what the build needs and this machine lacks (Debian: libevent-dev, pkg-config)
	@.ci/install-deps libevent-dev pkg-config

.PHONY: build
build: deps ## Build everything (debug)
	swift build

.PHONY: run
run: deps ## Build pipectl (release) and let it demonstrate itself
	@swift build --configuration release --product pipectl
	@"$$(swift build --configuration release --show-bin-path)/pipectl" demo

.PHONY: install
install: deps ## Install pipectl with man pages, completions and unit templates: PREFIX=/usr/local, DESTDIR=
	@.ci/install-deps python3
	@swift build --configuration $(configuration) --static-swift-stdlib --product pipectl
	@PREFIX="$(or $(PREFIX),/usr/local)" DESTDIR="$(DESTDIR)" Sources/pipectl/Packaging/install \
		"$$(swift build --configuration $(configuration) --show-bin-path)/pipectl"

.PHONY: deb
deb: ## Make a Debian package of pipectl, which lintian accepts; CHECK=1: install, run and remove it in a fresh system
	@.ci/deb $(if $(CHECK),--check)

.PHONY: examples
examples: deps ## Build the example programs (release)
	@for example in $(examples); do swift build --configuration release --product "$$example"; done
	@echo "Examples: $(or $(examples),none yet)"

.PHONY: test
test: deps ## Build and run the whole test suite (debug); TEST="--filter Framing" for a part
	@.ci/test $(TEST)

.PHONY: test-address
test-address: deps ## The suite under AddressSanitizer and LeakSanitizer
	@.ci/test address $(TEST)

.PHONY: test-thread
test-thread: deps ## The suite under ThreadSanitizer
	@.ci/test thread $(TEST)

.PHONY: simulation
simulation: deps ## Everything in any legal order, from seeds: SEEDS=100000; SIMULATION_SEED=N for one again
	@.ci/simulation $(SEEDS)

.PHONY: hostile
hostile: deps ## Attack a server from other processes, beside a bystander who pings; LONG=1; ONLY=24,33
	@.ci/hostile suite $(if $(LONG),--long) $(if $(ONLY),--only $(ONLY))

.PHONY: soak
soak: deps ## Churn, floods and faults at a delegate, async handlers and JSON-RPC: MINUTES=5; memory must be flat
	@.ci/hostile soak --minutes $(or $(MINUTES),5)

.PHONY: network
network: deps ## Servers and clients on two hosts, behind a broker; the cable is cut, the broker far away or silent
	@.ci/network suite

.PHONY: network-soak
network-soak: deps ## A broker and servers that are killed and started again under load: MINUTES=5; nothing may grow
	@.ci/network soak --minutes $(or $(MINUTES),5)

.PHONY: hostile-peers
hostile-peers: deps ## The same attacks on redis, nginx, dbus-daemon, libevent's buffers and SwiftNIO: Tests/Programs/Hostile/results.md
	@.ci/install-deps libevent-dev pkg-config libuv1-dev redis-server nginx dbus-daemon
	@for program in c-bufferevent-echo nio-echo; do \
		swift build --package-path Benchmarks --configuration release --product "$$program"; done
	@.ci/hostile peers --output Tests/Programs/Hostile/results.md \
		--programs "$$(swift build --package-path Benchmarks --configuration release --show-bin-path)"

.PHONY: test-libevent-debug
test-libevent-debug: deps ## The tests of the pipes, one after the other, with libevent's debug mode switched on
	@.ci/test libevent-debug --no-parallel $(or $(TEST),--filter NamedPipesTests --skip '28 · rests|64 · that lose')

.PHONY: valgrind
valgrind: deps ## An exchange and a part of the suite under valgrind, which counts descriptors, too
	@.ci/install-deps valgrind
	@Tests/Programs/Torture/valgrind $(TEST)

.PHONY: torture
torture: deps ## Make system calls fail, each in every way it can; BRIEF=1: a few of them, in under a minute
	@.ci/install-deps python3
	@swift build --product TortureDriver
	@Tests/Programs/Torture/torture.py all --driver "$$(swift build --show-bin-path)/TortureDriver" \
		$(if $(BRIEF),--seeds 3 --calls 1 --errnos 2) $(TORTURE)

.PHONY: fuzz
fuzz: deps ## Fuzz every target for a minute in all; SECONDS=600: for longer; TARGET="varint address": only these
	@Tests/Programs/Fuzz/fuzz $(fuzz-seconds) $(TARGET)

.PHONY: nats-deps
nats-deps: ## Install what NamedPipesNATS and its tests need, where missing: libnats-dev, nats-server
	@.ci/install-deps pkg-config libnats-dev nats-server

.PHONY: interop-deps
interop-deps: nats-deps ## Install the foreign programs that the interoperability tests talk to, where missing
	@.ci/install-deps python3 python3-pip erlang-base nodejs socat netcat-openbsd python3-pylsp-jsonrpc python3-protobuf \
		redis-tools redis-server systemd tshark
	@.ci/install-peers

.PHONY: bench-deps
bench-deps: ## Install what the benchmarks need beyond the build, where missing: libuv, matplotlib, valgrind, strace
	@.ci/install-deps libevent-dev pkg-config libuv1-dev python3 python3-matplotlib valgrind strace

.PHONY: bench
bench: deps bench-deps nats-deps ## Measure against C and other peers, with pictures: half an hour; QUICK=1: under 2
	$(if $(QUICK),,@Benchmarks/bench cores --output Benchmarks/results)
	$(if $(QUICK),,@Benchmarks/bench beyond --output Benchmarks/results)
	@Benchmarks/bench run $(if $(QUICK),--quick)

.PHONY: bench-check
bench-check: deps ## Fail where a ratio to the C floor is below its limit; LONG=1: closely
	@.ci/install-deps python3
	@Benchmarks/bench check $(if $(LONG),--long)

.PHONY: bench-instructions
bench-instructions: deps ## Count and limit user instructions per message; LONG=1: SwiftNIO's, too
	@.ci/install-deps python3 valgrind
	@Benchmarks/bench instructions --check $(if $(LONG),--long)

.PHONY: bench-syscalls
bench-syscalls: deps ## Count system calls per message, and compare with C's
	@.ci/install-deps python3 strace
	@Benchmarks/bench syscalls --check

.PHONY: bench-redis
bench-redis: deps ## The example KeyValue beside redis-server, under redis-benchmark; QUICK=1: fewer rounds
	@.ci/install-deps python3 redis-tools redis-server
	@Benchmarks/bench redis --output Benchmarks/results $(if $(QUICK),--quick)
	@Benchmarks/bench report >/dev/null

.PHONY: bench-cores
bench-cores: deps ## A pool of two reactors beside a pool of one: what it gains and costs; QUICK=1: fewer rounds
	@.ci/install-deps python3
	@Benchmarks/bench cores --output Benchmarks/results $(if $(QUICK),--quick)
	@Benchmarks/bench report >/dev/null

.PHONY: bench-beyond
bench-beyond: deps nats-deps ## Sessions behind a NATS broker beside pipes, and beside C on libnats; QUICK=1: fewer rounds
	@.ci/install-deps python3
	@Benchmarks/bench beyond --output Benchmarks/results $(if $(QUICK),--quick)
	@Benchmarks/bench report >/dev/null

.PHONY: bench-rpc
bench-rpc: deps ## JSON-RPC beside grpc-swift 2 (13 minutes to build) and servers in Python; QUICK=1: fewer rounds
	@.ci/install-deps python3 python3-pip zlib1g-dev
	@.ci/install-peers
	@Benchmarks/bench rpc --output Benchmarks/results $(if $(QUICK),--quick)
	@Benchmarks/bench report >/dev/null

.PHONY: bench-micro
bench-micro: deps ## Run the microbenchmarks; BENCH="--filter Framing" for a part
	@swift package --package-path Benchmarks benchmark $(BENCH)

.PHONY: bench-test-programs
bench-test-programs: deps
	@for program in c-load c-epoll-echo pipes-echo pipes-async-echo pipes-load pipes-rpc-echo pipes-rpc-load; do \
		swift build --package-path Benchmarks --configuration release --product "$$program"; done

.PHONY: bench-test
bench-test: bench-test-programs ## Test what measures, the load and the harness, and that ours stands every kind of load
	@.ci/install-deps python3
	@programs="$$(swift build --package-path Benchmarks --configuration release --show-bin-path)"; \
		C_LOAD="$$programs/c-load" BENCH_PROGRAMS="$$programs" \
		python3 -m unittest discover --start-directory Benchmarks/harness/tests --top-level-directory Benchmarks

.PHONY: docs
docs: deps ## Build the documentation, one site; a warning or an undocumented declaration is an error
	@.ci/install-deps python3 libnats-dev
	@.ci/docs
	@.ci/docs-check --without-browser

.PHONY: docs-check
docs-check: ## Open pages of the built documentation in headless Chromium; screenshots in .build/docs-screenshots
	@.ci/install-deps python3 chromium fonts-dejavu-core
	@.ci/docs-check

.PHONY: docs-serve
docs-serve: ## Show the built documentation at an address of this machine, which is printed
	@.ci/install-deps python3
	@[[ -d .build/docs ]] || $(MAKE) docs
	@.ci/docs-serve

.PHONY: lint
lint: ## Check the format, names in Python, the rules of the house, and that its picture is not out of date
	@.ci/install-deps python3 flake8
	@swift format lint --strict --parallel --recursive $(swift-sources)
	@.ci/house
	@{ git ls-files --cached --others --exclude-standard '*.py'; git grep --untracked -lI '^#!/usr/bin/env python3'; } \
		| sort -u | xargs -r flake8 --isolated --select E9,F
	@.ci/promises
	@.ci/snippets --check
	@.ci/scenarios
	@.ci/draw-house --check

.PHONY: house-picture
house-picture: ## Draw the modules and rooms anew, for README and the Design guide
	@.ci/install-deps python3
	@.ci/draw-house

.PHONY: format
format: ## Format the sources in place
	@swift format --in-place --parallel --recursive $(swift-sources)

.PHONY: consumer
consumer: deps ## Build and run a program that depends on the last commit by URL
	@.ci/consumer

.PHONY: ci
ci: ## Everything that must hold before a merge
	@bash .ci/run

.PHONY: ci-long
ci-long: ## What takes too long for every change: many seeds, the long hostile suite, five minutes of soak
	@bash .ci/run-long

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf .build .build-* Benchmarks/.build
