"""Settings of the trainers by the name of the paper that they are from."""

from __future__ import annotations

from typing import Any

from ..duality import Duality
from ..rewards import joint_annotation_reward

#: Cell-o1's SFT (appendix B.3): LoRA on all linear layers, 8 texts a device and 16 steps of accumulation.
SFT_PRESETS: dict[str, dict[str, Any]] = {
    "default": {"num_train_epochs": 3, "batch_size": 32, "learning_rate": 1e-5},
    "cell-o1": {
        "num_train_epochs": 10,
        "batch_size": 8 * 16,
        "learning_rate": 5e-5,
        "lora": {"r": 256, "target_modules": "all-linear"},
    },
}
#: CellDuality: G = 8, rollouts of 512 completions in mini-batches of 32, 200 rollouts, and the policy as its own
#: verifier by sampling (§3.4.1 and §4.1; that 512 counts completions, and 200 rollouts, is our reading). Cell-o1
#: (appendix B.3): 5 completions of each of 64 prompts an update, 20 epochs of 6,912 prompts, its learning rate is not
#: stated. C2S-Scale (§4.7.9, L1000): 24 completions a prompt (32 for cytokines), 3,000 steps; batches of 8 with 4 steps
#: of accumulation on the 3 GPUs that train are 4 prompts an update, which is our reading. The user names the program.
#: Its question answering (§4.7.8): 32 answers to each of 600 questions, β = 0.03, rewarded by similarity of meaning;
#: batches of 96 and one epoch, 200 updates, are our reading, as the paper does not state them.
GRPO_PRESETS: dict[str, dict[str, Any]] = {
    "default": {"reward": "duality", "duality": Duality()},
    "cellduality": {
        "reward": "duality",
        "duality": Duality(form="sample", context="observed", hidden_fraction=0.3, n_samples=1, verifier="policy"),
        "num_generations": 8,
        "generation_batch_size": 512,
        "batch_size": 32,
        "max_steps": 200 * 512 // 32,
    },
    "cell-o1": {
        "reward": joint_annotation_reward,
        "duality": Duality(),
        "num_generations": 5,
        "generation_batch_size": 5 * 64,
        "batch_size": 5 * 64,
        "max_steps": 20 * 6912 // 64,
        "beta": 0.001,
        "max_completion_length": 3000,
    },
    "c2s-scale": {
        "reward": None,
        "duality": Duality(),
        "num_generations": 24,
        "generation_batch_size": 8 * 4 * 3,
        "batch_size": 8 * 4 * 3,
        "max_steps": 3000,
        "learning_rate": 1e-6,
        "beta": 0.005,
    },
    "c2s-scale-qa": {
        "reward": "semantic",
        "duality": Duality(),
        "num_generations": 32,
        "generation_batch_size": 32 * 3,
        "batch_size": 32 * 3,
        "max_steps": 600 // 3,
        "learning_rate": 5e-7,
        "beta": 0.03,
    },
}
