"""The embedded model's words, its architecture and how its loss is minimised."""

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

from benchmarks._corpus import N_GENES, Corpus
from benchmarks._recipe import ANNOTATION, Batch

#: Width of the part of a gene's first vector that comes from a truncated SVD.
SVD = 64
CONTROL = ["<pad>", "<s>", "</s>", "<unk>"]
#: Prompt, answer and control words of the longest text, a response.
LENGTH = 2 * N_GENES + 8
#: How strongly the labels of a contrast are told apart, and how much that counts beside the other losses.
SHARPNESS, CONTRAST = 0.3, 0.5
#: The weights that are kept are a running average over the last two thirds, of which each update leaves this share.
KEPT = 0.999


def make_tokenizer(words: list[str]) -> PreTrainedTokenizerFast:
    """One token a word, split at spaces."""
    known = {word: i for i, word in enumerate([*CONTROL, *words])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
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
            vocab_size=-(-len(tokenizer) // 256) * 256,  # runs of other folds have matrices of the same shape
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
    model.set_attn_implementation("eager")  # on a processor a step takes a fifth less
    return model


def set_vectors(
    model: LlamaForCausalLM, corpus: Corpus, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], seed: int
) -> None:
    """Start the embeddings from the training cells, so that few of them teach the rest.

    Of a gene: a truncated SVD of the cells, and which types' sentences name it oftener than others', one number a
    type; of a type's word: that one number.
    """
    vectors = corpus.gene_vectors(SVD, np.random.default_rng(seed))
    leanings = corpus.leanings(labels)
    genes = tokenizer.convert_tokens_to_ids(corpus.genes.tolist())
    words = tokenizer.convert_tokens_to_ids([ANNOTATION.answer(label) for label in labels])
    stop = SVD + len(labels)
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        scale = table.std()
        table[genes, :SVD] = torch.tensor(vectors, dtype=table.dtype) * scale
        table[genes, SVD:stop] = torch.tensor(leanings / leanings.std(), dtype=table.dtype) * scale
        table[words, SVD:stop] = torch.eye(len(labels)) * scale * len(labels) ** 0.5


def take(model: LlamaForCausalLM, folder: str | Path, tokenizer: PreTrainedTokenizerFast, share: float) -> None:
    """Mix in this share of the weights of another model; words that it lacks stay as they are.

    All of them (1) to go on from where it ended; half of them to average two runs from one start, which
    holds better on cells of other origin than either.
    """
    other = LlamaForCausalLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
    theirs, words = dict(other.named_parameters()), AutoTokenizer.from_pretrained(folder).get_vocab()
    known = {row: words[word] for word, row in tokenizer.get_vocab().items() if word in words}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            of_words = name.endswith("embed_tokens.weight")
            rows, same = (list(known), list(known.values())) if of_words else (slice(None), slice(None))
            weight[rows] = (1 - share) * weight[rows] + share * theirs[name][same]


def train(model: LlamaForCausalLM, feed: Iterator[Batch], steps: int, lr: float, compiled: bool = False) -> list[float]:
    """Minimise the loss; returns that of every step, and leaves the average of the later weights in ``model``.

    ``compiled`` is faster, and needs a C++ compiler.
    """
    loss_on = torch.compile(loss_of, dynamic=False) if compiled else loss_of
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    warmup = min(100, steps // 10 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warmup, (steps - i) / max(1, steps - warmup))
    )
    model.train()
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(KEPT))
    losses: list[float] = []
    bar = trange(steps, desc="training", mininterval=10)
    for _ in bar:
        loss = loss_on(model, next(feed))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if len(losses) >= steps // 3:
            averaged.update_parameters(model)
        losses.append(loss.item())
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
    model.load_state_dict(averaged.module.state_dict())
    return losses


def loss_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Weighted cross-entropy of the words, and that of the right label among the labels of a contrast.

    A label is judged by the likelihood of the hidden genes after it: this makes a judge of the dual
    (likelihood alone lets it ignore the label where other genes are in view).
    """
    weight = batch.weight[:, 1:].flatten()
    # The same number of positions each time, the weightiest first; padding stands last and is never looked at.
    counted = weight.topk(batch.ids.numel() // 6).indices
    places = torch.cat([counted, batch.judged.flatten()])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=batch.ids).last_hidden_state[:, :-1]
        logits = model.lm_head(hidden.flatten(0, 1)[places])
    each = functional.cross_entropy(logits.float(), batch.ids[:, 1:].flatten()[places], reduction="none")
    loss = (each[: len(counted)] * weight[counted]).sum() / (batch.weight.sum(1) > 0).sum()
    if len(batch.judged):
        evidence = -each[len(counted) :].view(batch.judged.shape).sum(-1) * batch.scale[:, None]
        right = torch.zeros(len(evidence), dtype=torch.long)
        loss = loss + CONTRAST * functional.cross_entropy(SHARPNESS * evidence, right)
    return loss
