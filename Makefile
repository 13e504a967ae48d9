# Three rings of checks. `make test` is the one for everyday; .ci/run adds the real peers; `make proof` measures.

CARGO ?= cargo
TARGET_DIR := $(shell $(CARGO) metadata --format-version=1 --no-deps --offline 2>/dev/null | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
RELEASE := $(TARGET_DIR)/$(HOST)/release/muster

.PHONY: help test e2e fuzz proof curves lint release image archive

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

test: ## first ring: unit, property and command-line tests, the demo; needs nothing but Rust and a C linker
	$(CARGO) test --workspace --exclude muster-e2e

e2e: release ## second ring: real Serf, namespaces and the release binary (what is missing says "skipped: why")
	BINARY_UNDER_TEST=$(RELEASE) $(CARGO) test --package muster-e2e -- --nocapture --test-threads=8

FUZZ_SECONDS ?= 30
fuzz: ## every fuzz target over its kept corpus, FUZZ_SECONDS each (needs nightly and cargo-fuzz)
	bash fuzz/run $(FUZZ_SECONDS)

proof: release ## third ring: the figures under bench/results (long; resumable: finished parts are kept)
	BINARY_UNDER_TEST=$(RELEASE) $(CARGO) run --release --package muster-bench -- all
	$(CARGO) run --release --package muster-curves -- all
	MUSTER_E2E_LOSSY_MINUTES=10 BINARY_UNDER_TEST=$(RELEASE) $(CARGO) test --package muster-e2e -- --exact --nocapture \
	    lossy::forty_of_both_kinds_stay_alive_where_one_packet_of_twenty_is_lost

	MUSTER_E2E_STOPS=50 BINARY_UNDER_TEST=$(RELEASE) $(CARGO) test --package muster-e2e -- --nocapture --test-threads=1 \
	    retiring:: log_of_a_node::
	.ci/haproxy-roots
	MUSTER_E2E_HAPROXIES=1 MUSTER_E2E_CHANGES=100 MUSTER_E2E_KILLS=1000 BINARY_UNDER_TEST=$(RELEASE) $(CARGO) test --package muster-e2e -- \
	    --nocapture --test-threads=1 haproxy_driver:: haproxy:: templates::

curves: ## the part of proof that comes from the simulator: figures and pictures of clusters of thousands
	$(CARGO) run --release --package muster-curves -- all

lint: ## formatting, clippy, house rules
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	$(CARGO) xtask rules

release: ## the static binary
	$(CARGO) build --release
	@echo $(RELEASE)

image: release ## a Docker image FROM scratch around the static binary, which the registry is not asked for
	rm -rf $(TARGET_DIR)/docker
	mkdir -p $(TARGET_DIR)/docker
	$(RELEASE) install --into $(TARGET_DIR)/docker/image >/dev/null
	install -d -m 1777 $(TARGET_DIR)/docker/image/tmp $(TARGET_DIR)/docker/image/run/muster $(TARGET_DIR)/docker/image/run/service
	docker build --tag muster --file docker/Dockerfile $(TARGET_DIR)/docker

archive: image ## that image as one file, for `docker load`
	docker save muster | gzip >$(TARGET_DIR)/docker/muster.tar.gz
	@echo $(TARGET_DIR)/docker/muster.tar.gz
