# `make demo` runs the main job on a fresh machine, `make test` proves it; both install what they miss.
PYTHON ?= python3.11
BIN := .venv/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: demo test test-families test-vllm lint up down wheel freeze clean
.DELETE_ON_ERROR:

demo: .venv/.ready .venv-labelstudio/.ready
	$(BIN)/workbench demo

test: lint .venv-labelstudio/.ready chromium rtsp-server postgresql
	OMP_NUM_THREADS=1 $(BIN)/pytest --ignore tests/cluster --numprocesses 3 --dist loadgroup --no-loadscope-reorder \
		--durations 25
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/cluster  # a Ray cluster of two machines needs both cores

# Every family of models, those included whose processors need torchvision; some gigabytes, so not part of `make test`.
test-families: .venv-families/.ready
	OMP_NUM_THREADS=1 .venv-families/bin/pytest tests/models/families --durations 10

# vLLM's answers beside ours; it wants an older transformers and 2.5 GB.
test-vllm: .venv/.ready .venv-vllm/.ready
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/models/test_vllm.py

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

up: .venv/.ready .venv-labelstudio/.ready
	$(BIN)/workbench up

down: .venv/.ready
	$(BIN)/workbench down

wheel: .venv/.ready
	$(BIN)/python -m build --wheel

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# The server of Label Studio pins libraries of its own, so it lives apart.
.venv-labelstudio/.ready: constraints-labelstudio.txt
	$(PYTHON) -m venv .venv-labelstudio
	.venv-labelstudio/bin/pip install --quiet --constraint constraints-labelstudio.txt label-studio
	touch $@

# torchvision fits the registry's own torch alone, whose version has no "+cpu": the third "=" asks for exactly that one.
TORCH = $(shell sed -n 's/^torch==//p' constraints.txt)
.venv-families/.ready: pyproject.toml constraints.txt constraints-families.txt
	$(PYTHON) -m venv .venv-families
	.venv-families/bin/pip install --quiet --constraint constraints.txt --constraint constraints-families.txt \
		--editable '.[dev,gpu]' 'torch===$(TORCH)'
	touch $@

# Without what it would pull in beside: torchvision and torchaudio of the registry are made for CUDA's torch and break it.
.venv-vllm/.ready: constraints-vllm.txt
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/pip install --quiet --no-deps --requirement constraints-vllm.txt
	touch $@

.PHONY: chromium
chromium:
	command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq chromium; }

# The camera of the tests, which Debian's own Python runs.
RTSP_SERVER := python3-gi gir1.2-gst-rtsp-server-1.0 $(addprefix gstreamer1.0-plugins-,base good bad ugly)

.PHONY: rtsp-server
rtsp-server:
	dpkg --status $(RTSP_SERVER) >/dev/null 2>&1 || \
		{ $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(RTSP_SERVER); }

.PHONY: postgresql
postgresql:
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || \
		{ $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends postgresql; }

freeze: .venv/.ready .venv-labelstudio/.ready
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	.venv-labelstudio/bin/pip freeze > constraints-labelstudio.txt
	! test -e .venv-families/.ready || \
		.venv-families/bin/pip freeze --exclude-editable | grep --invert-match --line-regexp --fixed-strings \
		--file constraints.txt > constraints-families.txt

clean:
	rm -rf .venv .venv-labelstudio .venv-families .venv-vllm dist build
