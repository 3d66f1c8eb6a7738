# The commands of this project. PYTHON is the interpreter that .venv is made with, 3.11 or later.
PYTHON ?= python3
PORT ?= 8000
STAGE ?= dev
BIN := .venv/bin
WORKERS ?= 2
PYTEST := $(BIN)/pytest
PYTEST_PARALLEL := $(PYTEST) --numprocesses=$(WORKERS)
# npm records there what it has installed.
INSTALLED := node_modules/.package-lock.json

.PHONY: run rooms test check soak fuzz bench lint format package deploy clean tools

run: .venv/installed ## Serve the chat on this machine, at PORT
	@PORT=$(PORT) $(BIN)/python -m localcloud

rooms: .venv/installed ## List the rooms and members of the chat that runs at PORT
	@PORT=$(PORT) $(BIN)/python -m localcloud.rooms

test: tools ## Run all the tests, in WORKERS processes
	$(PYTEST_PARALLEL)

check: .venv/installed tests/node/$(INSTALLED) ## Run lint, the unit tests and the contract tests: for use while working
	@$(MAKE) lint
	$(PYTEST_PARALLEL) tests/unit tests/contract

soak: .venv/installed ## Send messages over connections that are cut off: SENDERS, LISTENERS, MESSAGES of each sender, CUTS of 1
	SENDERS=$(or $(SENDERS),5) LISTENERS=$(or $(LISTENERS),5) MESSAGES=$(or $(MESSAGES),60) CUTS=$(or $(CUTS),0.05) \
		$(PYTEST) --timeout=3600 -s tests/localcloud/test_soak.py

fuzz: .venv/installed ## Run the generated tests with many examples: FRAMES frames, and more requests and histories
	FUZZ=1 FRAMES=$(or $(FRAMES),50000) $(PYTEST) --timeout=3600 \
		tests/contract/test_fuzz.py tests/contract/test_state_machine.py tests/localcloud/test_rest_schema.py

bench: benchmarks/node/$(INSTALLED) ## Measure the program against other ways to send
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.run

lint: .venv/installed ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint .chalice/resources.json
	BIN=$(BIN) .ci/audit

format: .venv/installed ## Write the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

package: .venv/installed ## Make build/STAGE/deployment.zip and sam.json
	$(BIN)/python -m localcloud.package $(STAGE) build/$(STAGE)

deploy: package ## Make or update the stack chalice-chat-STAGE on AWS; BUCKET is an S3 bucket of yours, ALARM_TOPIC an SNS topic
	@test "$(BUCKET)" || { echo "error: name an S3 bucket of yours: make deploy STAGE=$(STAGE) BUCKET=..." >&2; exit 1; }
	$(BIN)/aws cloudformation package --template-file build/$(STAGE)/sam.json --s3-bucket $(BUCKET) \
		--output-template-file build/$(STAGE)/packaged.json --use-json
	$(BIN)/aws cloudformation deploy --stack-name chalice-chat-$(STAGE) --template-file build/$(STAGE)/packaged.json \
		--s3-bucket $(BUCKET) --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
		$(if $(ALARM_TOPIC),--parameter-overrides AlarmTopic=$(ALARM_TOPIC))
	$(BIN)/aws cloudformation describe-stacks --stack-name chalice-chat-$(STAGE) \
		--query "Stacks[0].Outputs[?OutputKey=='EndpointURL'].OutputValue" --output text

clean: ## Remove all that the commands above made
	rm -rf .venv build benchmarks/node/node_modules tests/browser/node_modules tests/node/node_modules .chalice/deployments .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

tools: .venv/installed .venv/chromium tests/browser/$(INSTALLED) tests/node/$(INSTALLED) benchmarks/node/$(INSTALLED) \
		## Install what the tests need besides Python: Node.js, its packages, Chromium

.venv/chromium: tests/browser/install.sh | .venv/installed
	@BIN=$(BIN) sh $<
	@touch $@

.venv/node: tests/node/requirements.txt | .venv/installed
	@$(BIN)/python -m tests.nodejs
	@touch $@

# A Node.js of the virtual environment is there only if PATH has none that is recent enough.
%/$(INSTALLED): %/package.json | .venv/node
	@echo "Installing $<"
	@cd $* && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-audit --no-fund --silent
	@touch $@

.venv/installed: requirements.txt requirements-dev.txt
	@echo "Making .venv and installing requirements.txt and requirements-dev.txt"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
