"""What every tab hands to the app, how a click becomes a change that shows, and the cards of a tab."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency
from markupsafe import Markup

from workbench.domain import Role, User
from workbench.ui.session import asked_site, one_sentence_errors, require
from workbench.workflows.workspace import Workspace

__all__ = ["View", "all_of", "card", "contents", "when_clicked"]

_LINK = Markup(
    """<a href="#{0}" class="{1}" onclick="document.getElementById('{0}').scrollIntoView(); return false">{2}</a>"""
)
"""Followed as it is, a link would have Gradio's router open the page anew, at the first tab."""
_links: ContextVar[list[Markup] | None] = ContextVar("links", default=None)
"""Those of the cards made so far in a block of :func:`contents`."""


@dataclass(frozen=True)
class View:
    """Something that is shown of a site to whoever is signed in: ``look(site)`` returns the values of ``outputs``.

    What is ``personal`` depends on who looks: ``look(site, user)``.
    """

    workspace: Workspace
    look: Callable[..., Any]
    outputs: Sequence[Component]
    personal: bool = False

    @one_sentence_errors
    def refresh(self, site: str | None, request: gr.Request) -> Any:
        """Look anew; before the header has told the page its ``site``, at the one that the header will show."""
        user = require(self.workspace, request)
        return self.shown_to(user, site or asked_site(self.workspace, request))

    def shown_to(self, user: User, site: str | None) -> Any:
        return self.look(site, user) if self.personal else self.look(site)

    def show_on(self, event: Callable[..., Any], site: gr.Dropdown, *, name: str = "look") -> Dependency:
        """Refresh whenever ``event`` happens; ``name`` is the endpoint's."""
        return event(
            self.refresh,
            site,
            list(self.outputs),
            show_progress="hidden",
            api_name=name,
            api_visibility="undocumented",
        )


def all_of(workspace: Workspace, views: Sequence[View]) -> View:
    """Return one view of everything that ``views`` show."""
    outputs = [output for view in views for output in view.outputs]

    def look(site: str | None, user: User) -> tuple[Any, ...]:
        return tuple(shown for view in views for shown in view.shown_to(user, site))

    return View(workspace, look, outputs, personal=True)


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
    then.show_on(button.click(do, list(inputs), list(clears), show_progress="hidden").success, site)


@contextmanager
def contents() -> Iterator[None]:
    """Head what is made in the block with a link to each of its cards, for those who see the card."""
    shown = gr.HTML()
    token = _links.set([])
    yield
    links = Markup("").join(_links.get() or [])
    shown.value = Markup('<nav class="wb-contents" aria-label="On this page">{}</nav>').format(links)
    _links.reset(token)


@contextmanager
def card(title: str, *roles: Role) -> Iterator[gr.Column]:
    """Lay out what is made in the block as one card; cards of a row stand side by side where there is room.

    It shows to those who have one of ``roles``, none named to everybody. That is a courtesy of the style sheet, not
    protection: the handlers ask :func:`workbench.ui.session.require`.
    """
    anchor, classes = f"wb-{title.lower().replace(' ', '-')}", [f"wb-for-{role}" for role in roles]
    if (links := _links.get()) is not None:
        links.append(_LINK.format(anchor, " ".join(classes), title))
    with gr.Column(elem_id=anchor, elem_classes=["wb-card", *classes], min_width=320) as column:
        gr.HTML(Markup("<h3>{}</h3>").format(title))
        yield column
