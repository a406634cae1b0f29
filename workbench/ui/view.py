"""What every tab hands to the app, and how a click becomes a change that shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

__all__ = ["View", "when_clicked"]


@dataclass(frozen=True)
class View:
    """How to show something anew: ``refresh(site, request)`` returns the values of ``outputs``."""

    refresh: Callable[..., Any]
    outputs: Sequence[Component]


def when_clicked(
    button: gr.Button,
    do: Callable[..., Any],
    inputs: Sequence[Component],
    *,
    clears: Sequence[Component] = (),
    then: View,
    site: gr.Dropdown,
) -> None:
    """Call ``do`` with ``inputs``; it returns the new values of ``clears``. After a success show ``then`` anew.

    Progress is hidden: Gradio would lay a failure over the fields and hide what was typed into them.
    """
    done = button.click(do, list(inputs), list(clears), show_progress="hidden")
    done.success(
        then.refresh, site, list(then.outputs), show_progress="hidden", api_name="look", api_visibility="undocumented"
    )
