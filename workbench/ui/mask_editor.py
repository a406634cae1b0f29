"""Masks drawn on a camera's newest still: a click sets a corner, a click on the first corner closes the area.

The picture comes from ``/frames/``, so that Gradio keeps no copy of it. The value is what the script edits:
``{"image": address, "areas": [closed outlines], "open": [corners so far]}``, corners as parts of width and height.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from workbench.domain import Mask, MaskStyle
from workbench.errors import UsageError

__all__ = ["drawn_masks", "mask_editor", "shown_masks"]

_TEMPLATE = Path(__file__).with_name("mask_editor.html").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_name("mask_editor.js").read_text(encoding="utf-8")


def mask_editor() -> gr.HTML:
    return gr.HTML(shown_masks(None, ()), html_template=_TEMPLATE, js_on_load=_SCRIPT, elem_classes="wb-mask-editor")


def shown_masks(frame_id: str | None, masks: Sequence[Mask]) -> dict[str, Any]:
    """Return the editor's value for a still, or for none, and the masks that are in force."""
    areas = [[list(corner) for corner in mask.outline_uv] for mask in masks]
    return {"image": f"/frames/{frame_id}.jpg" if frame_id else "", "areas": areas, "open": []}


def drawn_masks(value: Any, style: MaskStyle) -> list[Mask]:
    """Return the masks that were drawn; UsageError when an area is still open."""
    if value and value["open"]:
        raise UsageError(
            expected="closed areas",
            found=f"one with {len(value['open'])} corners that is still open",
            remedy="click its first corner to close it, or undo its corners",
        )
    return [Mask(tuple((u, v) for u, v in area), style) for area in (value or {}).get("areas", [])]
