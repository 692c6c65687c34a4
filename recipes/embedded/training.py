"""Tokenizer, architecture and training loop of the embedded model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import trange
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from recipes.embedded.batches import Batch
from recipes.embedded.corpus import N_GENES, Corpus
from recipes.embedded.training_examples import completion_of

#: Dimensions of a gene's initial embedding that come from a truncated SVD.
SVD = 64
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
#: Context length: prompt, completion and control tokens of the longest task, response.
LENGTH = 2 * N_GENES + 8
#: Scale of the log-likelihoods in the contrastive loss, and its weight.
CONTRAST_SCALE, CONTRAST_WEIGHT = 0.3, 0.5
#: Decay of the exponential moving average of the weights, taken over the last two thirds of the updates.
DECAY = 0.999


def make_tokenizer(tokens: list[str]) -> PreTrainedTokenizerFast:
    """A word-level tokenizer that splits at spaces."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *tokens])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        padding_side="left",
        model_max_length=LENGTH,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, width: int, layers: int) -> LlamaForCausalLM:
    """A Llama with random weights; input and output share their embeddings."""
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=-(-len(tokenizer) // 256) * 256,  # the same shape in every fold
            hidden_size=width,
            intermediate_size=4 * width * 2 // 3 // 64 * 64,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            max_position_embeddings=LENGTH,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.set_attn_implementation("eager")  # a fifth less time per step on a CPU
    return model


def initialise_embeddings(
    model: LlamaForCausalLM, corpus: Corpus, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], seed: int
) -> None:
    """Initialise the embeddings from the training cells.

    The embedding of a gene holds its vector of a truncated SVD and its log enrichment in each type; that of a type is
    one-hot over types.
    """
    vectors = corpus.gene_vectors(SVD, np.random.default_rng(seed))
    enrichment = corpus.type_enrichment(labels)
    genes = tokenizer.convert_tokens_to_ids(corpus.genes.tolist())
    types = tokenizer.convert_tokens_to_ids([completion_of(label) for label in labels])
    stop = SVD + len(labels)
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        scale = table.std()
        table[genes, :SVD] = torch.tensor(vectors, dtype=table.dtype) * scale
        table[genes, SVD:stop] = torch.tensor(enrichment / enrichment.std(), dtype=table.dtype) * scale
        table[types, SVD:stop] = torch.eye(len(labels)) * scale * len(labels) ** 0.5


def copy_weights(model: LlamaForCausalLM, folder: str | Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Copy the weights of the model in ``folder``; embeddings of tokens that it lacks stay unchanged."""
    other = LlamaForCausalLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
    weights, vocabulary = dict(other.named_parameters()), AutoTokenizer.from_pretrained(folder).get_vocab()
    rows = {row: vocabulary[token] for token, row in tokenizer.get_vocab().items() if token in vocabulary}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("embed_tokens.weight"):
                weight[list(rows)] = weights[name][list(rows.values())]
            else:
                weight.copy_(weights[name])


def train(
    model: LlamaForCausalLM, batches: Iterator[Batch], steps: int, lr: float, compiled: bool = False
) -> list[float]:
    """Train and return the loss of every step; ``model`` gets the averaged weights.

    ``compiled`` is faster, and needs a C++ compiler.
    """
    compute_loss = torch.compile(loss, dynamic=False) if compiled else loss
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    warmup = min(100, steps // 10 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warmup, (steps - i) / max(1, steps - warmup))
    )
    model.train()
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    losses: list[float] = []
    bar = trange(steps, desc="training", mininterval=10)
    for _ in bar:
        value = compute_loss(model, next(batches))
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if len(losses) >= steps // 3:
            averaged.update_parameters(model)
        losses.append(value.item())
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
    model.load_state_dict(averaged.module.state_dict())
    return losses


def loss(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Weighted cross-entropy of the tokens plus the contrastive loss of the dual.

    The contrastive loss is the cross-entropy of the true label, with the log-likelihoods of the hidden genes given each
    label as logits. Without it, the dual can ignore the label where other genes are visible.
    """
    weight = batch.weight[:, 1:].flatten()
    # A fixed number of positions with the highest weights; padding has weight 0.
    counted = weight.topk(batch.ids.numel() // 6).indices
    positions = torch.cat([counted, batch.contrast_positions.flatten()])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=batch.ids).last_hidden_state[:, :-1]
        logits = model.lm_head(hidden.flatten(0, 1)[positions])
    each = functional.cross_entropy(logits.float(), batch.ids[:, 1:].flatten()[positions], reduction="none")
    total = (each[: len(counted)] * weight[counted]).sum() / (batch.weight.sum(1) > 0).sum()
    if len(batch.contrast_positions):
        log_likelihood = -each[len(counted) :].view(batch.contrast_positions.shape).sum(-1) * batch.scale[:, None]
        true = torch.zeros(len(log_likelihood), dtype=torch.long)
        total = total + CONTRAST_WEIGHT * functional.cross_entropy(CONTRAST_SCALE * log_likelihood, true)
    return total
