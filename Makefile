# One target a task; `tidegate --help` is the real interface.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
READY  := $(VENV)/.ready
ENGINE := $(shell find server/tidegate_server/engine -name '*.py')
FAST   := build/compiled/.ready

.DEFAULT_GOAL := help
.PHONY: help run demo test lint bench lines volatility torture oracle protos compiled lock clean

help:      ## list the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(READY)     ## a sample market, ready to call
	$(BIN)/tidegate serve --sample

demo: $(READY)    ## the main job end to end on a real trading day
	$(BIN)/tidegate demo

# In the order of folders: else the files with fewest tests come last, the longest among them. One
# process more than two cores have: much of the time some test waits for a server.
test: $(READY)    ## everything that must hold
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(READY)    ## style, types, import arrows, contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	cd protos && ../$(BIN)/buf lint
	$(BIN)/python -m pytest -q tests/test_house.py -k generated

bench: $(READY)   ## the ladder; the last line is JSON
	$(BIN)/python -m bench

lines: $(READY)   ## how soon a fall of one mark is noticed in every account past a line
	$(BIN)/python -m bench.lines

volatility: $(READY) ## the model over 33 years of closes; writes docs/volatility.md
	$(BIN)/python -m bench.volatility $(if $(CLOSES),--closes $(CLOSES))

torture: $(READY) ## the laws over many worlds, then the long proofs; SEED= replays one
	$(if $(SEED),,TIDEGATE_LAW_EXAMPLES=100 $(BIN)/python -m pytest -q -n 2 --dist loadfile tests/laws)
	$(BIN)/python -m tests.torture $(if $(SEED),--seed $(SEED))

oracle: $(READY)  ## 1 000 000 random commands against the oracle; SEED=, COMMANDS= for a part
	$(BIN)/python -m tests.oracle $(if $(SEED),--seed $(SEED)) $(if $(COMMANDS),--commands $(COMMANDS))

protos: $(READY)  ## generate the code beside the contract
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I protos --python_out=protos \
	  --mypy_out=quiet:protos --grpc_python_out=protos --mypy_grpc_out=quiet:protos protos/tidegate/v1/*.proto

compiled: $(FAST) ## machine code for the engine, then its tests and the oracle on it
	PYTHONPATH=$(CURDIR)/build/compiled $(BIN)/python -m pytest -q tests/engine tests/oracle

lock: $(READY)    ## pin every dependency with its hashes
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --all-extras --group dev pyproject.toml -o requirements.lock

# uv fetches in 3 s what takes pip 35; where it has no wheel, pip reads the same lock.
$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	@$(PIP) install uv && fetch="$(BIN)/uv pip install --quiet --python $(BIN)/python" || fetch="$(PIP) install"; \
	$$fetch --require-hashes --no-deps -r requirements.lock && $$fetch --no-deps --no-build-isolation -e .
	@touch $@

$(FAST): $(READY) $(ENGINE) hatch_build.py
	rm -rf build/compiled
	TIDEGATE_COMPILE=always $(PIP) install --no-deps --no-build-isolation --target build/compiled .
	@touch $@

clean:     ## forget everything that was made, data folders left
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
