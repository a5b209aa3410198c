# From a fresh clone, with nothing but Python 3.11+, make and git: each command does its own set-up in .venv.
.DEFAULT_GOAL := help
.PHONY: help setup run demo pictures test lint prove bench fuzz reset package deploy token dead mutants audit

PY := .venv/bin/python
STAGE ?= prod
ifneq ($(origin USER),command line)
USER := admin@sample.test
endif

help:
	@echo "make run       the system on this machine: http://127.0.0.1:$${PORT:-8000} (WEEKLY_CAP=7 QUIET_HOURS=21:00-08:00)"
	@echo "make demo      a campaign from signup to counted receipt (RECIPIENTS=200 BEHAVIOUR='{}' AREAS=folder)"
	@echo "make test      everything CI checks"
	@echo "make prove     campaigns under faults, judged (SEED=7 PART=shown; MUTANTS=1: would it notice?)"
	@echo "make bench     figures, a line of JSON each (BENCH=name)"
	@echo "make token     a bearer token (USER=admin@sample.test), with make run up"
	@echo "make package   the template and zip for STAGE=prod        make deploy   with the AWS CLI"
	@echo "make dead      dead letters of a stage (STAGE=local|prod ARGS=list)"
	@echo "make fuzz      20,000 damaged bodies for each parser (FUZZ=n)"
	@echo "make mutants   mutation score of the models     make lint   only the static checks"
	@echo "make pictures  the photographs of docs/images, taken anew (Chromium)"
	@echo "make setup     only the set-up                  make reset  forgets the local data"

# The stamp carries the hash of both requirement files: nothing is installed twice.
setup:
	@sh scripts/setup.sh

run: setup
	@exec $(PY) -m local.run

demo: setup
	@exec $(PY) -m local.demo

test: setup
	@$(PY) -m scripts.check

pictures: setup
	@exec $(PY) -m local.pictures

lint: setup
	@$(PY) -m scripts.check --static

bench: setup
	@exec $(PY) -m bench '$(BENCH)'

prove: setup
	@exec $(PY) -m local.prove

reset:
	@rm -rf .local
	@echo "The local data is gone."

package: setup
	@$(PY) -m scripts.package --stage '$(STAGE)'

deploy: setup
	@sh scripts/deploy.sh '$(STAGE)'

token: setup
	@exec $(PY) -m local.token '$(USER)'

dead: setup
	@exec $(PY) -m scripts.dead_letters --stage '$(STAGE)' $(ARGS)

# Known holes in what is shipped; asks the package index.
audit: setup
	@.venv/bin/pip-audit --requirement requirements.txt --no-deps --disable-pip

fuzz: setup
	@FUZZ="$${FUZZ:-20000}" $(PY) -m pytest --quiet -n 2 tests/platforms/test_fuzz.py

mutants: setup
	@$(PY) -m scripts.mutants
