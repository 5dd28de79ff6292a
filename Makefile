# One place to learn every command. Logic lives in the binary, in web/ and in .ci/, not here.
# Where a desktop has set none, Vulkan loaders complain without one.
export XDG_RUNTIME_DIR ?= /tmp

WASM = -p kith-wasm --target wasm32-unknown-unknown

.DEFAULT_GOAL := help
.PHONY: help train test page encoders setup fmt lint sources audit rust wasm web browser www package consumers notebook dist soak soak-native kill fuzz fuzz-guided bench bench-gpu gallery

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

train: ## Train NNCLR on the built-in gallery for a few minutes, evaluate, write a report
	cargo run --release -- pretrain --data gallery --side 32 --recipe quick

# To link WebAssembly takes one core for minutes: meanwhile the other compiles the tests of all crates.
test: setup fmt lint sources ## Everything that must hold: format, lints, tests, also in a browser
	$(MAKE) --jobs=2 rust web
	.ci/browser
	.ci/page test

page: setup web ## Build the page and serve it on this machine
	.ci/page serve

encoders: setup web ## Fetch EfficientNet-Lite0 (PyPI, Apache-2.0), which the page offers from its next build on
	cargo build --release --workspace --bins
	node www/scripts/encoders.mjs

setup: ## Install what tests need and is missing
	.ci/setup

fmt: ## Check the formatting
	cargo fmt --all --check

lint: ## Clippy, natively and for both browser builds
	cargo clippy --release --workspace --all-targets -- -D warnings
	cargo clippy --release $(WASM) --features cpu -- -D warnings
	cargo clippy --release $(WASM) --features relaxed-simd -- -D warnings
	cargo clippy --release $(WASM) --features gpu -- -D warnings

sources: ## Licences, sources and advisories of crates and packages, as far as the machine can look
	.ci/audit

audit: ## The same, with cargo-deny installed first
	.ci/audit install

rust: ## Tests of all crates
	.ci/rust-tests

wasm: ## Build the core for browsers
	.ci/wasm

web: wasm ## Build the npm package, check its types and format
	cd web && npm run --silent build && npm run --silent check

browser: ## Test the npm package in Node and in headless Chromium
	.ci/browser

www: web ## Check and build the page, test it in headless Chromium
	.ci/page test

package: setup ## Build the npm package as released, with licences; checks its form, types and size
	.ci/package

consumers: package ## Use the packed npm package with bundlers, without one, in Node, Deno and Bun, and build examples/
	node tests/web/consumers/run.mjs
	node tests/web/consumers/sites.mjs

notebook: web ## Build the notebook widget, and run it in JupyterLab, which is installed for it alone
	node tests/notebook/run.mjs

dist: setup web ## Pack program, page, README and licences for this platform into dist/
	.ci/page build
	.ci/dist

soak: web ## The long form of the memory test in a browser; SECONDS for a longer one yet
	KITH_SOAK=full KITH_SOAK_SECONDS=$(or $(SECONDS),0) .ci/browser --project soak

kill: ## Kill long commands N times (KITH_KILL_SEED: which moments), and see that each ends the same
	KITH_KILLS=$(or $(N),1000) cargo test --release --workspace --test cli -- --nocapture kill::

fuzz: ## Give each reader of files N damaged ones (KITH_FUZZ_SEED: which)
	KITH_FUZZ=$(or $(N),100000) cargo test --release --workspace --test fuzz -- --nocapture

fuzz-guided: ## Give READER (all: each in turn) files for SECONDS (or RUNS files) that libFuzzer damages by what they make it do
	tests/fuzz/guided $(or $(READER),all) $(or $(SECONDS),60) $(RUNS)

soak-native: ## Train, evaluate and save for SECONDS, and see that the memory stays flat
	cargo build --release --workspace --bin kith
	.ci/soak-native $(or $(SECONDS),3600)

bench: web ## Time the training step (beside peers, if KITH_PEERS names them), features beside ONNX Runtime, the pipeline, and the tab beside its peers
	tests/bench/step.sh
	tests/bench/infer.sh
	tests/bench/pipeline.sh
	tests/bench/tab.sh

bench-gpu: ## Time the training step on this machine's GPU, beside PyTorch where python3 has it with CUDA
	tests/bench/gpu.sh

gallery: ## Make the built-in gallery anew from its npm packages
	node assets/gallery/make.mjs
