"""What a run is about to train, and what it learns of each token, before it costs anything."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from markupsafe import Markup

from workbench.recipe import leaves
from workbench.ui.fragments import badge, explained, facts, note, span_of, table

__all__ = ["preflight_view"]

_TONES = {"full": "warn", "lora": "good", "frozen": "quiet"}
_LEARNT = explained("learnt", "these tokens count in the loss: the answer and its end")
_MASKED = explained("read, not learnt", "these tokens are masked with −100: the pictures and the prompt")
_SPACES = {"Ġ": " ", "▁": " ", "Ċ": "↵"}
_SHOWN_REPEATS = 3


def preflight_view(found: Mapping[str, Any]) -> Markup:
    """Return the page's view of a ``Preflight`` as it is logged with runs and printed by ``tune --preflight``."""
    trainable = sum(part["trainable"] for part in found["parts"])
    parameters = sum(part["parameters"] for part in found["parts"])
    figures = {
        "optimiser steps": f"{found['steps']:,}",
        "stills to train on": f"{found['train_frames']:,}",
        "stills to choose by": f"{found['validation_frames']:,}",
        "weights trained": f"{trainable:,}",
        "of all in these parts": f"{trainable / max(1, parameters):.1%}",
        **_estimate(found.get("estimate")),
        **_pairs(found),
    }
    base = note(f"Base model: {found['base_version']}")
    contract = _contract(found.get("contract"))
    notes = map(note, found.get("notes", ()))
    return Markup("").join(
        [facts(figures), *notes, base, _parts(found["parts"]), _masks(found.get("masks", ())), contract]
    )


def _pairs(found: Mapping[str, Any]) -> dict[str, str]:
    """Return what is told of a dual encoder alone."""
    if "captions" not in found:
        return {}
    return {
        "different captions": f"{found['captions']:,}",
        "captions too long to be read whole": f"{found.get('captions_cut', 0):,}",
        "pairs of near-copies, not told apart": f"{found['near_copies']:,}",
        "computed once": ", ".join(found["towers_seen_once"]).replace("_", " ") or "–",
    }


def _masks(masks: Sequence[Mapping[str, Any]]) -> Markup:
    """Show of each example what is learnt; a dual encoder learns from whole captions."""
    if not masks:
        return Markup("")
    legend = Markup('<p class="wb-legend"><mark>{}</mark> <span>{}</span></p>').format(_LEARNT, _MASKED)
    return Markup("").join([_heading(), legend, *map(_mask, masks)])


def _parts(parts: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        (
            part["part"],
            badge(part["train"], _TONES.get(part["train"], "quiet")),
            f"{part['trainable']:,}",
            f"{part['parameters']:,}",
            f"{part['trainable'] / max(1, part['parameters']):.1%}",
        )
        for part in parts
    ]
    return table(["part", "trained as", "weights trained", "weights in all", "share"], rows, numeric=[2, 3, 4])


def _heading() -> Markup:
    return Markup("<h4>One still, as training sees it <span>token by token</span></h4>")


def _mask(mask: Mapping[str, Any]) -> Markup:
    learnt = sum(token["learnt"] for token in mask["tokens"])
    head = Markup('<p class="wb-line"><b>{}</b> <span>{} of {} tokens are learnt</span></p>').format(
        mask["instruction"], learnt, len(mask["tokens"])
    )
    runs = groupby((token["token"], bool(token["learnt"])) for token in mask["tokens"])
    tokens = Markup("").join(_token(*key, count=len(list(same))) for key, same in runs)
    return head + Markup('<div class="wb-tokens">{}</div>').format(tokens)


def _token(text: str, is_learnt: bool, count: int) -> Markup:
    """Show a token, one that repeats itself, as those of a picture do, with how often."""
    for mark, plain in _SPACES.items():
        text = text.replace(mark, plain)
    times = Markup(" <b>× {}</b>").format(count) if count > _SHOWN_REPEATS else ""
    shape = Markup("<mark>{}{}</mark>") if is_learnt else Markup("<span>{}{}</span>")
    one = shape.format(text, times)
    return one if times else one * count


def _estimate(estimate: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what was measured of one step; nothing where an earlier release measured none."""
    if not estimate:
        return {}
    memory_gib, available_gib = estimate["memory_mib"] / 1024, estimate["available_mib"] / 1024
    return {
        "for all steps": span_of(timedelta(seconds=estimate["total_s"])),
        "for each step": f"{estimate['step_s']:.2f} s",
        f"of memory, of {available_gib:.1f} free on {estimate['device']}": f"{memory_gib:.1f} GiB",
    }


def _contract(contract: Mapping[str, Any] | None) -> Markup:
    """Show what serving must use alike, such as the chat template's hash and the pixel budget."""
    if not contract:
        return Markup("")
    rows = [(name.replace("_", " "), "–" if value in (None, "") else value) for name, value in leaves(contract)]
    told = table(["part of the contract", "value that serving will use"], rows)
    return Markup("<details><summary>Contract between training and serving</summary>{}</details>").format(told)
