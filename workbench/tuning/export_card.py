"""The card of an exported model in the Hugging Face format: where it comes from, what was proved, how to load it."""

from collections.abc import Mapping, Sequence
from textwrap import dedent

from workbench.tuning.parity import Parity

__all__ = ["export_card"]

_MERGED = """\
from transformers import AutoModelForImageTextToText, AutoProcessor

model = AutoModelForImageTextToText.from_pretrained("this-folder")
processor = AutoProcessor.from_pretrained("this-folder")
"""
_ADAPTER = """\
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

base = AutoModelForImageTextToText.from_pretrained("the-base-model")
model = PeftModel.from_pretrained(base, "this-folder")
processor = AutoProcessor.from_pretrained("the-base-model")
"""
_SERVING = """\
`vllm serve this-folder --dtype {dtype}` serves the same weights; without the number type vLLM rounds them to 16 bits.
"""
_ASKING = """\
Ask as `chat_contract.json` says (system prompt, pixel budget, class names): other prompts give other answers.
The SHA-256 of every file stands in `manifest.json`.
"""


def export_card(
    lineage: Mapping[str, str],
    found: Sequence[Parity],
    tolerance: float,
    *,
    class_names: Sequence[str],
    merged_as: str | None,
) -> str:
    """Return the card (Markdown) of weights with this ``lineage``, ``found`` to answer within ``tolerance``.

    ``merged_as`` is the number type of merged weights, and None of an adapter alone.
    """
    head = f"""\
        ---
        library_name: {"transformers" if merged_as else "peft"}
        pipeline_tag: image-text-to-text
        tags: [site-workbench, fixed-camera]
        ---

        # {lineage["site"]}: {"merged weights" if merged_as else "LoRA adapter"} of run {lineage["run"][:12]}

        A vision-language model adapted to the cameras of one site.
        It chooses among these classes: {_told(class_names)}.
        """
    rows = [["what", "which"], ["---", "---"], *([name, value] for name, value in lineage.items())]
    return "\n".join(
        [
            dedent(head),
            "## Lineage\n",
            _table(rows),
            "## Parity\n",
            _parity(found, tolerance),
            "## Load\n",
            f"```python\n{_MERGED if merged_as else _ADAPTER}```\n",
            *([_SERVING.format(dtype=merged_as)] if merged_as else []),
            _ASKING,
        ]
    )


def _parity(found: Sequence[Parity], tolerance: float) -> str:
    intro = (
        f"Beside the adapter on its base, on the {found[0].frames} frames that `parity.json` names; a difference of a "
        f"probability above {tolerance:g} would have been refused.\n"
    )
    head = ["form", "class probability", "token probability", "log-likelihood", "other classes", "other captions"]
    rows = [
        [
            one.form,
            *(f"{value:.2g}" for value in (one.class_probability, one.token_probability, one.log_likelihood)),
            *map(str, (one.other_classes, one.other_captions)),
        ]
        for one in found
    ]
    return f"{intro}\n{_table([head, ['---', *['---:'] * 5], *rows])}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _told(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
