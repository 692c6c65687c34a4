"""What ``benchmarks.gpu`` measures with: the device, the sizes and the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks._gpu_device import device_name
from benchmarks._gpu_model import random_model
from benchmarks._gpu_share import Share
from benchmarks._results import versions

#: Figures of the parts that were measured before, by part.
Found = Mapping[str, Mapping[str, Any]]
#: Packages whose versions matter.
PACKAGES = ("torch", "transformers", "trl", "peft", "vllm")


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    #: Most rounds of a median.
    rounds: int
    #: Rows and columns of the matrices, and MiB of the tensor that is copied.
    matrix: int
    copy_mib: int
    #: Cells that are scored, and tokens of a batch of the bound.
    scored_cells: int
    bound_tokens: tuple[int, ...]
    #: Completions, and most tokens of each.
    completions: int
    new_tokens: int
    #: Genes of a cell sentence of the random model.
    n_genes: int
    #: Cells of SFT, texts of an update, and most updates.
    sft_cells: int
    sft_texts: int
    sft_steps: int
    #: Prompts of an update of GRPO, completions of each, and most updates.
    grpo_prompts: int
    grpo_group: int
    grpo_steps: int
    #: Cells whose labels are compared at most; ``None`` for all shipped ones.
    compared_cells: int | None


GPU = Sizes(
    rounds=20, matrix=8192, copy_mib=2048, scored_cells=8192, bound_tokens=(16384, 32768, 65536), completions=512,
    new_tokens=201, n_genes=200, sft_cells=1024, sft_texts=64, sft_steps=60, grpo_prompts=16, grpo_group=8,
    grpo_steps=30, compared_cells=None,
)  # fmt: skip
#: For a CPU, and for ``--quick``.
SMALL = Sizes(
    rounds=2, matrix=256, copy_mib=16, scored_cells=16, bound_tokens=(1024,), completions=4, new_tokens=8, n_genes=16,
    sft_cells=16, sft_texts=16, sft_steps=3, grpo_prompts=2, grpo_group=4, grpo_steps=2, compared_cells=16,
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A run."""

    device: torch.device
    sizes: Sizes
    #: A key of ``SHAPES``.
    shape: str
    #: Where the random model and every result are kept.
    folder: Path
    seed: int = 0
    #: The time of the part that is measured, and the figures of those before it.
    share: Share = field(default_factory=lambda: Share(0))
    found: Found = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """What must be equal for results to belong together."""
        sizes = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self.sizes).items()}
        return {
            "device": device_name(self.device), "shape": self.shape, "sizes": sizes, "seed": self.seed,
            "versions": versions(("sc-duality", *PACKAGES)),
        }  # fmt: skip

    def models(self) -> dict[str, str]:
        """The packaged model, and the random one of this shape, by name."""
        return {"embedded": "embedded", self.shape: self.random_model()}

    def random_model(self) -> str:
        """Folder of the random model, made at first use."""
        return str(random_model(self.folder / self.shape, self.shape, n_genes=self.sizes.n_genes, seed=self.seed))

    def peak_tflop_per_s(self, dtype: str) -> float | None:
        """The rate of matrix products in this data type that the part ``card`` measured."""
        value = self.found.get("card", {}).get(f"matmul_{dtype}_tflop_per_s")
        return None if value is None else float(value)
