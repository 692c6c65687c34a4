"""A new small language model with one token for each gene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .._validation import positive_integer
from ._gene_vectors import coexpression_vectors
from ._model_folder import write_spec
from ._spec import TOKENS_AROUND_GENES, ModelSpec

_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
#: Width of an attention head.
_HEAD = 64


def new_gene_model(
    folder: str | Path,
    genes: Iterable[str],
    *,
    n_genes: int = 100,
    context_length: int = 512,
    width: int = 128,
    layers: int = 3,
    cells: Sequence[Sequence[str]] = (),
    rng: int = 0,
) -> Path:
    """Make a small untrained language model with one token for each gene, to train on your own data.

    A Llama with random weights, in the prompt format ``"compact"``, with 1 to 2 million parameters for a few thousand
    genes: it learns a task in minutes on a CPU. :func:`sc_duality.tl.train_sft` adds the tokens of labels and
    perturbations.

    Parameters
    ----------
    folder
        New folder for the model.
    genes
        Gene symbols, such as ``adata.var_names``; a duplicate counts once.
    n_genes
        Genes of a cell sentence in a prompt.
    context_length
        Tokens of a prompt with its completion at most.
    width
        Width of the model, a multiple of 64.
    layers
        Number of layers.
    cells
        Cell sentences of training cells, as from :func:`sc_duality.get.gene_lists`: genes of the same cells then start
        with similar embeddings. By default all embeddings are random.
    rng
        Seed of the weights.

    Returns
    -------
    ``folder``, for ``model=`` of :func:`sc_duality.tl.train_sft`.

    Raises
    ------
    FileExistsError
        The folder is not empty.
    ValueError
        There are no genes, a gene cannot be one token, no cell has any of them, or a prompt of ``n_genes`` genes is
        longer than the context length.

    Examples
    --------
    >>> import tempfile
    >>> import sc_duality as sd
    >>> folder = tempfile.mkdtemp()
    >>> model = sd.models.new_gene_model(folder, ["CD79A", "MS4A1", "CD3E"], n_genes=3)
    >>> sorted(sd.models.resolve(model).genes)
    ['CD3E', 'CD79A', 'MS4A1']
    """
    folder, names = Path(folder), list(dict.fromkeys(map(str, genes)))
    if not names:
        raise ValueError("genes is empty: pass gene symbols, such as adata.var_names")
    wrong = [name for name in names if len(name.split()) != 1 or name.startswith(("<", "|"))]
    if wrong:
        raise ValueError(f"{wrong[0]!r} cannot be the token of a gene: pass gene symbols, without spaces, '<' and '|'")
    if len(cells) and set(names).isdisjoint(gene for cell in cells for gene in cell):
        raise ValueError("no cell of cells has any of the genes: pass sd.get.gene_lists(adata) of training cells")
    n_genes, context_length = positive_integer("n_genes", n_genes), positive_integer("context_length", context_length)
    width, layers = positive_integer("width", width), positive_integer("layers", layers)
    if width % _HEAD:
        raise ValueError(f"width={width} must be a multiple of {_HEAD}")
    if n_genes + TOKENS_AROUND_GENES > context_length:
        raise ValueError(
            f"n_genes={n_genes} does not fit into context_length={context_length}, as a prompt has "
            f"{TOKENS_AROUND_GENES} further tokens: pass a context_length of at least {n_genes + TOKENS_AROUND_GENES}"
        )
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: pass a new folder")

    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate((*_SPECIAL, *names))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pad, begin, end, unknown = _SPECIAL
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, bos_token=begin, eos_token=end, unk_token=unknown,
        padding_side="left", model_max_length=context_length,
    )  # fmt: skip
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=width, intermediate_size=4 * width * 2 // 3 // 64 * 64,
        num_hidden_layers=layers, num_attention_heads=width // _HEAD, max_position_embeddings=context_length,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(rng)
        model = LlamaForCausalLM(config)
    if len(cells):
        table: torch.Tensor = model.get_parameter("model.embed_tokens.weight")
        vectors = torch.tensor(coexpression_vectors(cells, names, width // 2, rng))
        with torch.no_grad():
            table[len(_SPECIAL) :, : vectors.shape[1]] = vectors * table.std()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    spec = ModelSpec(
        name=folder.name, source=str(folder), prompt_format="compact", n_genes=n_genes, tasks=(),
        n_parameters=model.num_parameters(), note="one token a gene",
    )  # fmt: skip
    write_spec(spec, folder)
    return folder
