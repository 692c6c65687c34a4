"""Rewards in TRL's signature, and the numbers behind them.

A reward function takes ``completions`` and columns with one value each: :func:`sc_duality.tl.train_grpo_duality` passes
``question``, the :class:`sc_duality.tasks.Question` of each completion, and ``example``, with any reward. It returns
one number a completion; TRL leaves out ``None``. A function with ``needs_truth = True`` reads the truth, which the data
must then hold.
"""

from ._completions import RewardFunction, completion_text, named_columns, read_answers, required_columns
from ._embedding_reward import embedding_reward
from ._format_reward import format_reward
from ._gene_program_reward import gene_program_reward
from ._ground_truth_reward import ground_truth_reward
from ._joint_annotation_reward import joint_annotation_reward
from ._negative_mse import negative_mse
from ._posterior import log_likelihood_gain, posterior
from ._semantic_reward import semantic_reward

__all__ = [
    "RewardFunction",
    "completion_text",
    "embedding_reward",
    "format_reward",
    "gene_program_reward",
    "ground_truth_reward",
    "joint_annotation_reward",
    "log_likelihood_gain",
    "named_columns",
    "negative_mse",
    "posterior",
    "read_answers",
    "required_columns",
    "semantic_reward",
]
