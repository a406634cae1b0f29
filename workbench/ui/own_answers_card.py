"""What a labeller sees about the own answers; nobody else's figures are in it."""

from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, User
from workbench.ui.agreement_card import caption_score, coefficient
from workbench.ui.fragments import empty_state, facts, note
from workbench.ui.gold_card import right_share
from workbench.ui.view import View, card
from workbench.workflows.answers import label_account
from workbench.workflows.labeller_standing import LabellerStanding, standing_of
from workbench.workflows.workspace import Workspace

__all__ = ["own_answers_card"]


def own_answers_card(workspace: Workspace) -> View:
    with card("My answers", Role.LABELLER):
        shown = gr.HTML()
    return View(workspace, _Desk(workspace).look, [shown], personal=True)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None, user: User) -> tuple[Markup]:
        if not site or Role.LABELLER not in user.roles:
            return (Markup(""),)
        store = self.workspace.store
        labeller = label_account(store, user, store.reviews.labellers(site))
        if labeller is None:
            return (_unknown(),)
        return (_shown(standing_of(store, site, labeller)),)


def _unknown() -> Markup:
    return empty_state(
        "No answer of yours is known here yet",
        "Answer in Label Studio, then fetch the labels. If you have, ask an engineer to tell the workbench under which "
        "address you label.",
    )


def _shown(standing: LabellerStanding) -> Markup:
    figures: dict[str, object] = {
        "answers": standing.answers,
        "confirmed by a reviewer": standing.confirmed,
        "corrected": standing.corrected,
        "sent back": standing.sent_back,
    }
    told = [facts(figures)]
    if standing.agreement:
        told.append(
            note(
                Markup("Agreement with the others on classes: <b>{}</b>; captions: {}.").format(
                    coefficient(standing.agreement.classes.coefficient), caption_score(standing.agreement.captions)
                )
            )
        )
    if standing.gold:
        told.append(note(f"Right where the answer is known: {right_share(standing.gold)}."))
    told.append(note(f"You label as {standing.labeller}."))
    return Markup("").join(told)
