"""Model cards of the embedded base models in the Hugging Face format: YAML front matter, then what one must know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from textwrap import dedent

from workbench.domain import Interval

_HOW_BUILT = "## How it was built"
_LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "pillow")


@dataclass(frozen=True)
class BuildRecord:
    """How a base model was made, complete enough to make it again."""

    command: str
    seed: int
    steps: int
    scenes_per_step: int
    scenes: int
    held_out_scenes: int
    parameters: int
    training_s: float
    threads: int
    earlier: str = ""
    """How the model was built that this one went on from."""


@dataclass(frozen=True)
class TaskFigure:
    """A held-out share of right answers, how many questions it is of, and what guessing would reach."""

    name: str
    share: Interval
    questions: int
    by_guessing: float


def vlm_card(record: BuildRecord, tasks: Sequence[TaskFigure], captions: Mapping[str, float]) -> str:
    """Return the VLM's card (Markdown)."""
    rows = [
        f"| {task.name} | {_percent(task.share.value)} ({_percent(task.share.low)} to {_percent(task.share.high)}) "
        f"| {task.questions} | {_percent(task.by_guessing)} |"
        for task in tasks
    ]
    results = [(task.name, "accuracy", task.share.value) for task in tasks]
    results += [("caption", name, value) for name, value in captions.items()]
    scores = ", ".join(f"{name} {value:.3f}" for name, value in captions.items())
    table = "\n".join(["| instruction | right (95 % interval) | questions | by guessing |", "|---|---|---|---|", *rows])
    return "\n".join(
        [
            _front_matter("image-text-to-text", "site-workbench-base-vlm", results),
            _VLM_TEXT,
            "## Held-out figures\n",
            _VLM_MEASURE.format(scenes=record.held_out_scenes),
            table,
            f"\nCaptions, decoded greedily, one reference each: {scores}.\n",
            _how_built(record),
        ]
    )


def how_built(card: str) -> str:
    """Return what a card says about how its model was built."""
    return card.partition(_HOW_BUILT)[2].strip()


def clip_card(record: BuildRecord, recall: Mapping[int, float], *, scenes: int, distinct_captions: int) -> str:
    """Return the dual encoder's card (Markdown); ``recall`` maps a rank to the share found up to it."""
    results = [("retrieval", f"recall_at_{rank}", share) for rank, share in recall.items()]
    rows = [f"| {rank} | {_percent(share)} |" for rank, share in recall.items()]
    return "\n".join(
        [
            _front_matter("zero-shot-image-classification", "site-workbench-base-clip", results),
            _CLIP_TEXT,
            "## Held-out figures\n",
            _CLIP_MEASURE.format(scenes=scenes, captions=distinct_captions),
            "\n".join(["| k | recall@k |", "|---|---|", *rows]),
            "",
            _how_built(record),
        ]
    )


def _front_matter(pipeline: str, name: str, results: Sequence[tuple[str, str, float]]) -> str:
    lines = ["---", "license: apache-2.0", "language: en", "library_name: transformers", f"pipeline_tag: {pipeline}"]
    lines += ["tags: [surveillance, synthetic-data, site-workbench]", "model-index:", f"- name: {name}", "  results:"]
    for task, metric, value in results:
        lines += [
            f"  - task: {{type: {pipeline}, name: {task}}}",
            "    dataset: {name: rendered scenes (held out), type: synthetic}",
            f"    metrics: [{{type: {metric}, value: {value:.4f}}}]",
        ]
    return "\n".join([*lines, "---", ""])


def _how_built(record: BuildRecord) -> str:
    before = f"\nIt went on from a model that was built before:\n\n{record.earlier}\n" if record.earlier else ""
    return f"{_HOW_BUILT}\n\n{_steps_taken(record)}{before}"


def _steps_taken(record: BuildRecord) -> str:
    libraries = ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
    return dedent(
        f"""\
        `{record.command}`

        - {record.parameters / 1e6:.1f} million parameters, seed {record.seed}.
        - {record.steps} steps of {record.scenes_per_step} scenes from {record.scenes} rendered scenes.
        - {record.training_s / 60:.0f} minutes on {record.threads} CPU threads, in bfloat16 where that is safe.
        - {libraries}.
        """
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


_VLM_TEXT = """\
# Base VLM of the Site Workbench

A small instruction-following vision-language model (`Idefics3ForConditionalGeneration`, the class of SmolVLM) for
camera images of yards, docks, aisles, gates, car parks, corridors and rooms. It ships with the workbench so that the
whole loop of labelling, tuning, evaluation and promotion runs and is tested without a model hub.

## Use

It loads with `AutoModelForImageTextToText` and `AutoProcessor`, and knows four instructions, worded as in
`workbench/models/instructions.py`: *describe this image*, *choose one of these classes*, *yes or no*, *how many*.
It is meant to be adapted to one site with LoRA; a model of the SmolVLM or Qwen-VL families does the same with more
knowledge where a GPU is at hand.

## Limits

- It has seen rendered scenes only. Without adaptation, answers about real footage are poor.
- It knows the words of its scenes: people with and without helmet and vest, tables, forklifts, trucks, vans, cars,
  bicycles, pallets, boxes, spills, smoke; nothing of the world beyond, no other language, no conversation.
- Images are squeezed into 192 x 192 pixels: small and distant things are lost.
- It must not be the only basis of a decision about a person's safety or conduct, and identifies nobody.
"""

_VLM_MEASURE = """\
On {scenes} rendered scenes whose seeds were not trained on. Class answers are chosen by likelihood among the options of
the question; yes/no and count answers are decoded greedily and must match exactly. *By guessing*: a random option, or
always the commonest answer.
"""

_CLIP_MEASURE = """\
Text to image among {scenes} rendered scenes whose seeds were not trained on, with {captions} distinct captions: a
caption is found when a scene of that very caption is among the first k images.
"""

_CLIP_TEXT = """\
# Base dual encoder of the Site Workbench

A small `CLIPModel` that puts camera images and English sentences into one space of 128 numbers. The workbench uses it
to find near-duplicates, choose frames worth labelling, watch for drift and search. Its vision tower starts from that of
the base VLM, everything else from random weights.

## Limits

It has seen rendered scenes only: distances between real images are useful, its words for them are not reliable before
it is trained on real captions. Images are squeezed into 192 x 192 pixels, texts are cut at 64 tokens.
"""
