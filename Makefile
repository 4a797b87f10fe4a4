# The project's tasks. Each first adds to .venv what it needs of what the lock files name, which costs a moment when it
# is there.
# GNU make 3.81, which macOS has, is enough.

.DEFAULT_GOAL := help
.PHONY: help audit check clean demo docs fuzz generate learn lint lock sbom synth test test-docs test-model test-native
.PHONY: test-nightly test-permissions
# Another shell than /bin/sh: without one, make 3.81 looks for programs on its own PATH, not on the one below.
SHELL := /bin/bash

VENV := .venv
# boto3 and what it needs come with the Lambda runtime.
IN_THE_RUNTIME := botocore python-dateutil six urllib3
# LiteRT wants it for compilers that are not used where it serves, and pip refuses it on every Python since 3.11.
WITHOUT_COMPILERS := --no-emit-package backports-strenum
# What commands make in build without being told a place.
MADE_IN_BUILD := bakeoff cdk-home cdk.out console cost-dev cost-prod demo distribution doctor-dev doctor-prod
MADE_IN_BUILD += embedded/state embedded/aws.log
MADE_IN_BUILD += embedded/keys.curl embedded/console.html fuzz fuzzer lambda-code other sbom site vendored
MADE_IN_BUILD += nightly nightly.unfinished data/cifar10 data/fashion_mnist data/imdb data/smartwatch
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export JSII_NODE := $(CURDIR)/$(VENV)/bin/node
# Without compiled modules each start of aws-cdk-lib takes seven seconds more, and the tests start it dozens of times.
unexport PYTHONDONTWRITEBYTECODE
# Python's own warning at every aws-cdk import is not the reader's business; a real Node mismatch still fails the synth.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
# uv and matplotlib keep their caches there by themselves; these have variables of their own.
ifdef XDG_CACHE_HOME
export npm_config_cache := $(XDG_CACHE_HOME)/npm
export CDK_HOME := $(XDG_CACHE_HOME)/cdk
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(XDG_CACHE_HOME)/jsii
endif

# Of pytest-xdist's schedulers, the one that gives a dead worker's other tests to the next; those by file hang.
DIVIDED := --numprocesses 2 --dist worksteal
# Beyond pytest's own limits, in pyproject.toml: an interpreter that hangs ends too.
LIMITED := python tools/limited.py 4800

# What computes most in TensorFlow and LiteRT: graphs against each other, the stand-ins' networks, tiny trainings.
NATIVE := $(addprefix tests/model/test_,litert.py serving.py serving_alike.py training.py gru_gradient.py) \
  $(addprefix tests/local/test_managed,.py _native.py _networks.py)

help:  ## Show the tasks.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: with-local  ## Deploy the app onto the embedded AWS, train both networks, release them and ask them.
	@recognition demo

# Two processes share two cores; with threads for each core in both, they would wait for each other in spinning loops.
test: export OMP_NUM_THREADS := 1
test: export TF_NUM_INTRAOP_THREADS := 1
test: with-dev  ## Run every test: unit, model, infrastructure and local end to end.
	@$(LIMITED) python -m pytest $(DIVIDED)

# Which code computes depends on both; TensorFlow switches oneDNN on by itself on some processors only.
test-native: with-dev  ## Run the tests of native code with oneDNN off and on, and with one thread and two.
	@for setting in "0 1" "1 2"; do \
	  read -r onednn threads <<< "$$setting"; \
	  echo "oneDNN $$onednn, threads $$threads"; \
	  TF_ENABLE_ONEDNN_OPTS=$$onednn OMP_NUM_THREADS=$$threads TF_NUM_INTRAOP_THREADS=$$threads \
	    $(LIMITED) python -m pytest $(DIVIDED) --quiet $(NATIVE) || exit 1; \
	done

# Hours, where the others have minutes: of each operation 200 requests, right and wrong ones, and real files of packages.
NIGHTLY := tests/nightly tests/local/deployed/test_the_contract.py
test-nightly: export SCHEMATHESIS_EXAMPLES := 200
test-nightly: with-dev build/nightly  ## Search the API for what breaks it, for hours, and test the benchmarks and what they recorded.
	@python tools/limited.py 14400 python -m pytest --quiet --override-ini session_timeout=14000 $(NIGHTLY)

# Pictures that packages carry, to be read and not run: only Pillow's source has its test images.
build/nightly:
	@uv pip install --quiet --no-deps --require-hashes --target build/nightly.unfinished/packages -r tools/pictures.lock
	@pip download --quiet --no-deps --no-binary pillow --require-hashes --dest build/nightly.unfinished \
	  -r tools/pictures.lock
	@tar -xzf build/nightly.unfinished/pillow-*.tar.gz -C build/nightly.unfinished
	@mv build/nightly.unfinished build/nightly

# An action of each role and flow is removed, and the flow has to fail; `make test` judges all of them by its record.
# A session of 0 seconds would be over after its first test.
UNLIMITED := --override-ini session_timeout=14000 --override-ini faulthandler_timeout=0
test-permissions: with-dev  ## Remove granted actions one at a time: the flow that needs one has to fail.
	@python -m pytest $(UNLIMITED) tests/local/deployed/each_grant.py

test-model: with-model-and-test  ## Run the tests of the networks alone, which need no CDK.
	@python -m pytest tests/model

test-docs: with-dev  ## Type every line of README and docs in a fresh clone, and tell which fail.
	@python -m tools.run_documents

# The theme's word about its successor is not the reader's business.
docs: export NO_MKDOCS_2_WARNING := 1
docs: with-docs  ## Build the documentation site in build/site; its lessons run while it is built.
	@TF_CPP_MIN_LOG_LEVEL=3 python -m mkdocs build --strict --quiet && echo "Open build/site/index.html."

learn: with-docs  ## Run the code of every lesson, and print what it prints.
	@TF_CPP_MIN_LOG_LEVEL=3 python -m tools.run_lesson

synth: with-deploy  ## Write the CloudFormation templates to cdk.out (no credentials, no network, no Docker).
	@cdk synth --quiet && echo "The templates are in cdk.out."

lint: with-dev  ## Check style, format, types and the documents' English.
	@ruff check . && ruff format --check . && pyright
	@proselint --config .proselintrc.json check README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs

check: lint with-dev  ## Check style and run the unit tests: what to do before each commit.
	@$(LIMITED) python -m pytest $(DIVIDED) --quiet tests/unit

GENERATED := client commands console_questions embedded_members errors examples_curve figures hyperparameters openapi
GENERATED += operations regret serving_figures settings stand_ins template_pages use_cases

generate: synth with-dev  ## Write every generated file anew: pictures, pages, the API's document and its client.
	@for one in $(addprefix tools.write_,$(GENERATED)) tools.draw_architecture; do python -m $$one || exit 1; done

lock:  ## Resolve pyproject.toml and the requirements.in files anew (after a change of one).
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --all-extras \
	  pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --python-platform aarch64-manylinux2014 --python-version 3.14 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" $(addprefix --no-emit-package ,$(IN_THE_RUNTIME)) \
	  lambdas/requirements.in --output-file lambdas/requirements.lock
	uv pip compile --quiet --python-platform aarch64-manylinux_2_28 --python-version 3.14 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" $(WITHOUT_COMPILERS) \
	  lambdas/litert/requirements.in --output-file lambdas/litert/requirements.lock
	uv pip compile --quiet --python-platform linux --python-version 3.13 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" $(WITHOUT_COMPILERS) serving/requirements.in --output-file serving/requirements.lock

	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" tools/audit.in --output-file tools/audit.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-deps \
	  --custom-compile-command "make lock" --constraint requirements.lock tools/pictures.in --output-file tools/pictures.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" tools/fuzz.in --output-file tools/fuzz.lock

LOCKS := requirements.lock lambdas/requirements.lock lambdas/litert/requirements.lock serving/requirements.lock
AUDITED := uv run --quiet --no-project --isolated --with-requirements tools/audit.lock --

sbom: with-dev  ## Write what all of it is made of to build/sbom, as CycloneDX lists of the lock files.
	@mkdir -p build/sbom
	@for one in $(LOCKS); do \
	  $(AUDITED) cyclonedx-py requirements $$one --output-format JSON \
	    --output-file build/sbom/$$(echo $${one%requirements.lock}python | tr / -).json || exit 1; \
	done
	@npm sbom --package-lock-only --sbom-format cyclonedx > build/sbom/npm.json
	@echo "The lists are in build/sbom."

audit: with-dev  ## Ask the advisories of PyPI and npm about every locked package (needs the internet).
	@for one in $(LOCKS); do $(AUDITED) pip-audit --strict --disable-pip --require-hashes --requirement $$one || exit 1; done
	@npm audit --package-lock-only

fuzz: with-dev build/fuzzer  ## Feed every parser of foreign bytes, ten minutes each; what fails is kept in build/fuzz.
	@python -m tools.fuzz

# Beside the environment and not in it: it is built for fewer systems than the rest.
build/fuzzer: tools/fuzz.lock
	@uv pip install --quiet --no-deps --require-hashes --target build/fuzzer -r tools/fuzz.lock
	@touch build/fuzzer

clean:  ## Stop what runs and delete what was made here (not downloads, nor what lies where you said).
	@if [ -x $(VENV)/bin/recognition ]; then recognition down || true; fi
	rm -rf $(VENV) node_modules cdk.out client/build *.egg-info client/*.egg-info .pytest_cache .ruff_cache .hypothesis
	rm -rf $(addprefix build/,$(MADE_IN_BUILD))
	@rmdir build/data build/embedded build 2>/dev/null || true
	@kept=$$(find build build/data -mindepth 1 -maxdepth 1 ! -path build/data 2>/dev/null || true); \
	  [ -z "$$kept" ] || printf 'Kept, because a command was told to write it there:\n%s\n' "$$kept"

# By extras of pyproject.toml.
with-%:
	@tools/install.sh $(subst -and-, ,$*)
