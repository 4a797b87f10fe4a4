# The project's tasks. Each first makes .venv with exactly what the lock files name, and costs a second when it is there.

.DEFAULT_GOAL := help
.PHONY: help demo test test-docs synth lint lock clean
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
# boto3 and what it needs come with the Lambda runtime.
IN_THE_RUNTIME := botocore python-dateutil six urllib3
# LiteRT wants it for compilers that are not used where it serves, and pip refuses it on every Python since 3.11.
WITHOUT_COMPILERS := --no-emit-package backports-strenum
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export JSII_NODE := $(CURDIR)/$(VENV)/bin/node
# Without compiled modules each start of aws-cdk-lib takes seven seconds more, and the tests start it dozens of times.
unexport PYTHONDONTWRITEBYTECODE
# Python's own warning at every aws-cdk import is not the reader's business; a real Node mismatch still fails the synth.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

help:  ## Show the tasks.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## Deploy the app onto the embedded AWS, train both networks, release them and ask them.
	@recognition demo

# Two processes share two cores; with threads for each core in both, they would wait for each other in spinning loops.
test: export OMP_NUM_THREADS := 1
test: export TF_NUM_INTRAOP_THREADS := 1
test: $(INSTALLED)  ## Run every test: unit, model, infrastructure and local end to end.
	@python -m pytest --numprocesses 2 --no-loadscope-reorder

test-docs: $(INSTALLED)  ## Type every line of README and docs in a fresh clone, and tell which fail.
	@python -m tools.run_documents

synth: $(INSTALLED)  ## Write the CloudFormation templates to cdk.out (no credentials, no network, no Docker).
	@cdk synth --quiet && echo "The templates are in cdk.out."

lint: $(INSTALLED)  ## Check style and format.
	@ruff check . && ruff format --check .

lock:  ## Resolve pyproject.toml and the requirements.in files anew (after a change of one).
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --python-platform aarch64-manylinux2014 --python-version 3.14 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" $(addprefix --no-emit-package ,$(IN_THE_RUNTIME)) \
	  lambdas/requirements.in --output-file lambdas/requirements.lock
	uv pip compile --quiet --python-platform aarch64-manylinux_2_28 --python-version 3.14 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" $(WITHOUT_COMPILERS) \
	  lambdas/litert/requirements.in --output-file lambdas/litert/requirements.lock
	uv pip compile --quiet --python-platform linux --python-version 3.13 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" $(WITHOUT_COMPILERS) serving/requirements.in --output-file serving/requirements.lock

clean:  ## Stop what runs and delete what was made here (not the downloaded data).
	@if [ -x $(VENV)/bin/recognition ]; then recognition down || true; fi
	rm -rf $(VENV) node_modules build cdk.out .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): requirements.lock package-lock.json lambdas/requirements.lock tools/install.sh
	@tools/install.sh $(VENV)
	@touch $@
