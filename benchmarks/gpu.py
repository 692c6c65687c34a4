"""A prepared hour on a GPU: ``python -m benchmarks.gpu [--minutes 10] [--shape 0.5b] [--folder FOLDER] [--quick]``.

No network and no weights are needed: the models are the packaged one and one with random weights in the shape of
Qwen2.5, with one token a gene. Without a CUDA GPU small sizes are measured on the CPU, which checks this script.
Parts, each with its share of the minutes:

``card``
    matrix products in bfloat16 and float32 (10¹² operations/s), and bytes copied in the card's memory.
``engine``
    cells/s of annotation scoring, next to plain forward passes over full batches; tokens/s of generation, next to
    reading the weights once a step.
``sft``
    tokens/s without padding and MFU (6·N a token and 12·L·d·S² a text, over ``card``), of ``tl.train_sft`` with TRL
    and of a plain step of torch.
``grpo``
    seconds of a step by phase, with TRL.
``agreement``
    labels and log-likelihoods of shipped cells in bfloat16 and float32, next to the CPU in float32.
``vllm``
    the rates of ``engine`` with vLLM, where it is installed.

Every figure is written to FOLDER at once, with the peak of the memory since the one before: a stopped run keeps its
figures and resumes with the parts that are not finished. A batch that does not fit into memory is halved. In the end
``results/gpu.json`` is written, and copied into FOLDER.

The package itself is needed, with its imports. To a machine with torch and transformers but no network, bring it as
wheels: ``pip wheel --no-deps -w wheels .`` here, ``pip download --no-deps -d wheels NAME`` for each of NEEDED and, for
TRL, TRAINING that is missing there, and there ``pip install --no-index --no-deps wheels/*.whl``.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

#: Distributions that the package and this script import, besides those of torch and transformers, and those of TRL.
#: Without scanpy, ``agreement`` compares 634 instead of 1,017 cells.
NEEDED = (
    *("annotated-types", "anndata", "array-api-compat", "cloudpickle", "donfig", "google-crc32c", "h5py", "joblib"),
    *("legacy-api-wrap", "llvmlite", "narwhals", "natsort", "numba", "numcodecs", "pandas", "platformdirs", "pydantic"),
    *("pydantic-core", "pydantic-settings", "python-dateutil", "python-dotenv", "pytz", "scikit-learn", "scipy"),
    *("scverse-misc", "session-info2", "six", "threadpoolctl", "typing-inspection", "tzdata", "zarr"),
)
TRAINING = ("accelerate", "datasets", "dill", "multiprocess", "psutil", "pyarrow", "trl", "xxhash")

try:
    import sc_duality as sd
    from benchmarks._gpu_agreement import agreement
    from benchmarks._gpu_card import card
    from benchmarks._gpu_cells import annotation_prompts, thinned
    from benchmarks._gpu_device import chosen_device, device_name
    from benchmarks._gpu_engine import engine, vllm
    from benchmarks._gpu_grpo import grpo
    from benchmarks._gpu_model import SHAPES
    from benchmarks._gpu_parts import Part, PartRecord, measured
    from benchmarks._gpu_setting import GPU, PACKAGES, SMALL, Setting
    from benchmarks._gpu_sft import sft
    from benchmarks._results import RESULTS, parser, report

    annotation_prompts(thinned(2, 0), "embedded")  # what is imported at first use
except ImportError as error:
    sys.exit(
        f"benchmarks.gpu cannot import {error.name or error}: install sc-duality here with what it needs; "
        "the docstring of benchmarks/gpu.py says how to bring it to a machine without network"
    )

#: Each part, and its share of the time.
PARTS: dict[str, tuple[Part, float]] = {
    "card": (card, 1),
    "engine": (engine, 5),
    "sft": (sft, 5),
    "grpo": (grpo, 5),
    "agreement": (agreement, 1),
    "vllm": (vllm, 3),
}


def records(setting: Setting, minutes: float) -> dict[str, PartRecord]:
    """The parts, one after the other; what one leaves of its time, the others share."""
    end = time.perf_counter() + 60 * minutes
    found: dict[str, PartRecord] = {}
    for i, (name, (part, share)) in enumerate(PARTS.items()):
        ahead = sum(one for _, one in list(PARTS.values())[i:])
        limit_s = max(0.0, end - time.perf_counter()) * share / ahead
        before = {other: record.figures for other, record in found.items()}
        found[name] = measured(name, part, setting, limit_s, before)
    return found


def main() -> None:
    options = parser(__doc__, "small sizes, each measured twice")
    options.add_argument("--minutes", type=float, default=10, help="time of all parts, 10 by default")
    options.add_argument("--shape", choices=list(SHAPES), help="of the random model: 0.5b, or tiny with small sizes")
    options.add_argument("--folder", type=Path, help="where figures are kept; temporary by default")
    args = options.parse_args()
    sd.settings.progress = sd.settings.cache = False

    device = chosen_device()
    small = args.quick or device.type == "cpu"
    setting = Setting(
        device=device,
        sizes=SMALL if small else GPU,
        shape=args.shape or ("tiny" if small else "0.5b"),
        folder=args.folder or Path(mkdtemp(prefix="gpu-")),
    )
    start = time.perf_counter()
    print(f"{device_name(device)}; figures are kept in {setting.folder}", flush=True)
    found = records(setting, args.minutes)
    figures = {
        "device": device_name(device),
        "shape": setting.shape,
        "seconds": round(time.perf_counter() - start, 1),
        **{name: record.figures for name, record in found.items()},
        "not_finished": {name: record.problem for name, record in found.items() if record.problem},
    }
    report(
        "gpu",
        figures,
        n=setting.sizes.scored_cells,
        seed=setting.seed,
        quick=small,
        packages=PACKAGES,
        model="embedded",
    )
    if not small:
        shutil.copyfile(RESULTS / "gpu.json", setting.folder / "gpu.json")


if __name__ == "__main__":
    main()
