# `make demo` runs the main job on a fresh machine, `make test` proves it; both install what they miss.
PYTHON ?= python3.11
BIN := .venv/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: demo test lint up down wheel freeze clean
.DELETE_ON_ERROR:

demo: .venv/.ready .venv-labelstudio/.ready
	$(BIN)/workbench demo

test: lint .venv-labelstudio/.ready chromium rtsp-server postgresql
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadgroup --durations 25

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

clean:
	rm -rf .venv .venv-labelstudio dist build
