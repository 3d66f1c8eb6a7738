# PYTHON is the interpreter for .venv: 3.11 or later.
PYTHON ?= python3
PORT ?= 8000
STAGE ?= dev
BIN := .venv/bin
# More than the cores of a small machine, because many tests wait for an event.
WORKERS ?= 4
# Also the tests that plain `pytest` leaves out: pyproject.toml.
PYTEST := $(BIN)/pytest -m ''
PYTEST_PARALLEL := $(PYTEST) --numprocesses=$(WORKERS)
# npm records there what it has installed.
INSTALLED := node_modules/.package-lock.json
NODE_FOLDERS := web examples/nextjs tests/browser tests/node benchmarks/node
# Each has another WebSocket: tests/web/test_platforms.py.
NODE_VERSIONS := $(patsubst tests/node/node%.txt,build/nodes/%,$(wildcard tests/node/node*.txt))
NODE_PACKAGES := $(addsuffix /$(INSTALLED),$(NODE_FOLDERS))
# A Node.js of the virtual environment is there only if PATH has none that is recent enough.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --silent

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
	--custom-compile-command="make requirements"

# Only a STAGE on the command line chooses a stage on AWS. make exports the other variables on the command line.
OPERATE = STAGE=$(if $(filter command,$(origin STAGE)),$(STAGE),local) PORT=$(PORT) $(BIN)/python -m operations

# The tests start many Python processes, and each starts faster when the modules are compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run rooms close-room export-room delete-messages ban-source unban-source nextjs test browsers check mutate soak fuzz bench simulate generate page lint format requirements package resources deploy smoke undeploy clean tools quick-tests always

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build/run-$(PORT) ## Run the chat on this machine at PORT, by default 8000, until Ctrl-C

# Not phony, so that make deletes it when interrupted: localcloud/signals.py. With exec, SIGTERM reaches Python.
build/run-$(PORT): .venv/installed always
	@PORT=$(PORT) MAKE_TARGET=$@ exec $(BIN)/python -m localcloud

rooms: .venv/installed ## List the rooms of STAGE by SORT: age, members or traffic; without STAGE, of the chat that runs at PORT
	@$(OPERATE) $@

close-room: .venv/installed ## Close ROOM of STAGE, or of the chat that runs at PORT, and delete what it has stored
	@$(OPERATE) $@

export-room: .venv/installed ## Print the messages and events of ROOM of STAGE, or of the chat that runs at PORT, as JSON lines
	@$(OPERATE) $@

delete-messages: .venv/installed ## Delete the messages of MEMBER in ROOM of STAGE, or of the chat that runs at PORT
	@$(OPERATE) $@

ban-source: .venv/installed ## Ban SOURCE, an address or the source in a log line, from STAGE for DAYS, by default 7
	@$(OPERATE) $@

unban-source: .venv/installed ## End the ban of SOURCE from STAGE
	@$(OPERATE) $@

nextjs: examples/nextjs/$(INSTALLED) ## Run the front end in examples/nextjs for the chat that runs at PORT
	@cd examples/nextjs && NEXT_TELEMETRY_DISABLED=1 \
		NEXT_PUBLIC_CHAT_URL=http://127.0.0.1:$(PORT)/_aws/execute-api/chat-rest/local $(NPM) run dev -- --port=3000

test: tools ## Run all tests, in WORKERS processes
	$(PYTEST_PARALLEL)

browsers: tools .venv/engines ## Run the page in Chromium, Firefox and WebKitGTK; `make test` does that in those that are installed
	$(PYTEST) tests/browser/test_engines.py

check: .venv/installed tests/node/$(INSTALLED) web/$(INSTALLED) examples/nextjs/$(INSTALLED) ## Run lint and the quick tests, in two to three minutes
	@$(MAKE) --jobs=2 --output-sync=target --no-print-directory lint quick-tests

quick-tests:
	$(BIN)/pytest --numprocesses=$(WORKERS)

soak: .venv/installed ## Test delivery over unreliable connections: SENDERS, LISTENERS, MESSAGES per sender, CUTS (probability)
	SENDERS=$(or $(SENDERS),5) LISTENERS=$(or $(LISTENERS),5) MESSAGES=$(or $(MESSAGES),50) CUTS=$(or $(CUTS),0.05) \
		$(PYTEST) --timeout=3600 -s tests/localcloud/test_soak.py

mutate: .venv/installed ## Change chalicelib in random places, and report what no test notices: COUNT (200), SEED, ONLY=chat/rooms.py
	@COUNT=$(or $(COUNT),200) SEED=$(SEED) ONLY=$(ONLY) $(BIN)/python -m tests.mutation

fuzz: .venv/installed ## Run the generated tests with many examples: FRAMES frames, more requests, longer sequences of events
	FUZZ=1 FRAMES=$(or $(FRAMES),50000) $(PYTEST) --timeout=3600 \
		tests/faults/test_fuzz.py tests/faults/test_state_machine.py tests/localcloud/test_rest_schema.py

bench: benchmarks/node/$(INSTALLED) ## Benchmark against other implementations
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.run

simulate: .venv/installed ## Simulate crowds and large rooms on AWS, and write the figures of docs/scaling.md, in 5 to 10 minutes
	$(BIN)/python -m benchmarks.simulation

generate: .venv/installed ## Write what is generated: docs/openapi.yaml, docs/asyncapi.yaml, .chalice/policies, tables of costs
	$(BIN)/python -m docs.generate
	$(BIN)/python -m deployment.policies
	$(BIN)/python -m benchmarks.costs

page: web/$(INSTALLED) ## Build the page from web/page to chalicelib/static, and the tables of Unicode
	@$(NPM) --prefix web run build

lint: .venv/installed web/$(INSTALLED) examples/nextjs/$(INSTALLED) ## Check style, types, imports, the CloudFormation template and known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/cfn-lint .chalice/resources.json
	$(NPM) --prefix web run lint
	$(NPM) --prefix web run lint:nextjs
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/audit || { code=$$?; \
		test $$code = 2 -a "$(AUDIT)" != required || exit $$code; \
		echo "make lint goes on without an audit, because no database of advisories can be reached. AUDIT=required makes it fail."; }

format: .venv/installed web/$(INSTALLED) ## Format the code and fix what ruff and Biome can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NPM) --prefix web run format

requirements: .venv/installed ## Compile requirements*.in to requirements*.txt, with hashes; UPGRADE=1 takes the newest versions
	$(COMPILE) --output-file=requirements.txt requirements.in
	$(COMPILE) --output-file=requirements-sign-in.txt requirements-sign-in.in
	$(COMPILE) --no-deps --output-file=requirements-chalice.txt requirements-chalice.in
	$(COMPILE) --output-file=requirements-dev.txt requirements-dev.in

package: .venv/installed ## Write deployment.zip and sam.json for STAGE, by default dev, to build/STAGE
	$(BIN)/python -m deployment.package $(STAGE) build/$(STAGE)

resources: .venv/installed ## Write the stack that `chalice deploy` needs to build/STAGE/resources.json
	$(BIN)/python -m deployment.resources $(STAGE) build/$(STAGE)/resources.json

deploy: package ## Create or update the stack of STAGE on AWS; options: docs/deploying.md
	@$(BIN)/python -m deployment.deploy $(STAGE) build/$(STAGE)

smoke: .venv/installed ## Test the chat of STAGE on AWS, or at URL; optional: TOKEN (of a user), ONLY (a part of a scenario's name)
	@$(BIN)/python -m deployment.smoke '$(or $(URL),$(STAGE))'

undeploy: .venv/installed ## Delete the stack of STAGE and all its data from AWS, after a confirmation; YES=1 skips it
	@$(BIN)/python -m deployment.undeploy $(STAGE)

clean: ## Remove everything that the other targets create
	rm -rf .venv build web/build web/client/dist examples/nextjs/.next examples/nextjs/out $(addsuffix /node_modules,$(NODE_FOLDERS)) .chalice/deployments .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

tools: .venv/chromium $(NODE_PACKAGES) $(NODE_VERSIONS) ## Install what the tests need besides Python: Node.js and its packages, Chromium

.venv/chromium: tests/browser/install.sh | .venv/installed
	@BIN=$(BIN) sh $<
	@touch $@

.venv/engines: tests/browser/install_engines.sh | .venv/installed
	@sh $<
	@touch $@

.venv/node: tests/node/requirements.txt | .venv/installed
	@$(BIN)/python -m tests.support.nodejs
	@touch $@

build/nodes/%: tests/node/node%.txt | .venv/installed
	@echo "Installing $<"
	@rm -rf $@
	@$(BIN)/pip install --quiet --disable-pip-version-check --target $@ --requirement $<
	@touch $@

%/$(INSTALLED): %/package.json %/package-lock.json | .venv/node
	@echo "Installing $<"
	@cd $* && $(NPM) ci --no-audit --no-fund
	@touch $@

# npm copies the client library there, and does not notice when it changes.
examples/nextjs/$(INSTALLED): $(addprefix examples/nextjs/,package.json package-lock.json) web/client/package.json $(wildcard web/client/src/*.ts) | web/$(INSTALLED)
	@echo "Installing $<"
	@$(NPM) --prefix web/client run prepack
	@cd examples/nextjs && $(NPM) ci --no-audit --no-fund
	@touch $@

.venv/installed: requirements-dev.txt
	@echo "Creating .venv and installing requirements-dev.txt"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
