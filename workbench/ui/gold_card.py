"""Gold tasks: labellers' scores where the answer is known, and which tasks those are."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, User, Verdict
from workbench.errors import NotFoundError
from workbench.labeling.gold import GoldScore
from workbench.ui.fragments import badge, empty_state, frame_link, long_text, note, short_id, table
from workbench.ui.session import one_sentence_errors, require, require_site, sees_others
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.answers import named_frame
from workbench.workflows.gold import (
    ASKED,
    GoldStanding,
    LabellerScore,
    add_gold,
    gold_standings,
    remove_gold,
    score_labellers,
)
from workbench.workflows.workspace import Workspace

__all__ = ["gold_card", "right_share"]

_VERDICTS = {
    Verdict.PASS: ("reaches it", "good"),
    Verdict.FAIL: ("below it", "bad"),
    Verdict.NO_EVIDENCE: ("too few to tell", "warn"),
}
_EXPLAINED = (
    "Stills whose answer is known, offered to every labeller like any other. What labellers answer counts for their "
    "score alone; the known answer goes into datasets."
)


def gold_card(workspace: Workspace, site: gr.Dropdown) -> View:
    desk = _Desk(workspace)
    with card("Gold tasks", Role.ENGINEER, Role.REVIEWER):
        gr.HTML(note(_EXPLAINED))
        shown = gr.HTML()
        with gr.Column(elem_classes=f"wb-for-{Role.REVIEWER}"):
            with gr.Row():
                frame = gr.Textbox(
                    label="Id of a still, or how it begins",
                    max_length=64,
                    info="It stands in the address of the opened still.",
                )
                class_name = gr.Dropdown(label="Its known class", choices=[], interactive=True)
            caption = gr.Textbox(label="Its known caption", lines=2, max_length=2000)
            with gr.Row():
                add = gr.Button("Make it a gold task", variant="primary")
                remove = gr.Button("Take it out")
    view = View(workspace, desk.look, [shown, class_name], personal=True)
    typed = [frame, class_name, caption]
    when_clicked(add, desk.add_gold, [site, *typed], clears=[frame, caption], then=view, site=site)
    when_clicked(remove, desk.remove_gold, [site, frame], clears=[frame, caption], then=view, site=site)
    return view


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None, user: User) -> tuple[Any, ...]:
        if not site or not sees_others(user):
            return "", gr.skip()
        store = self.workspace.store
        classes = list(store.sites.get(site).class_names)
        return _shown(gold_standings(store, site), score_labellers(store, site)), gr.Dropdown(
            choices=classes, value=None
        )

    @one_sentence_errors
    def add_gold(
        self, site: str | None, frame: str, class_name: str | None, caption: str, request: gr.Request
    ) -> tuple[str, str]:
        user = require(self.workspace, request, Role.REVIEWER)
        site = require_site(site)
        frame_id = named_frame(self.workspace.store, site, _typed(frame))
        gold = add_gold(
            self.workspace, site=site, frame_id=frame_id, class_name=class_name or "", caption=caption, actor=user
        )
        gr.Info(f"Every labeller is offered it; the known class is {gold.answer.class_name}.", title="Gold task")
        return "", ""

    @one_sentence_errors
    def remove_gold(self, site: str | None, frame: str, request: gr.Request) -> tuple[str, str]:
        user = require(self.workspace, request, Role.REVIEWER)
        site = require_site(site)
        remove_gold(
            self.workspace, site=site, frame_id=named_frame(self.workspace.store, site, _typed(frame)), actor=user
        )
        return "", ""


def right_share(score: GoldScore) -> str:
    return f"{score.right.value:.0%} [{score.right.low:.0%}, {score.right.high:.0%}]"


def _typed(frame: str) -> str:
    if not frame.strip():
        raise NotFoundError(
            expected="the id of a still", found="none typed", remedy="copy it from the address of the opened still"
        )
    return frame.strip()


def _shown(standings: list[GoldStanding], scores: list[LabellerScore]) -> Markup:
    if not standings:
        return empty_state("No gold task yet", "A reviewer makes one of a still, best while deciding about it.")
    warnings = [
        note(f"{one.labeller} is below {ASKED:.0%} with enough evidence: talk it through.", tone="bad")
        for one in scores
        if one.score.verdict is Verdict.FAIL
    ]
    return Markup("").join([*warnings, _scores(scores), _tasks(standings)])


def _scores(scores: list[LabellerScore]) -> Markup:
    if not scores:
        return note("No labeller has answered a gold task yet.")
    rows = [
        (
            one.labeller,
            one.score.frames,
            right_share(one.score),
            badge(*_VERDICTS[one.score.verdict]),
            "; ".join(one.score.mistakes) or "–",
        )
        for one in scores
    ]
    columns = ["labeller", "gold tasks", "right class", f"against {ASKED:.0%}", "taken for another class"]
    return table(columns, rows, numeric=[1])


def _tasks(standings: list[GoldStanding]) -> Markup:
    rows = [
        (
            frame_link(one.gold.frame_id, one.gold.answer.caption),
            badge(one.gold.answer.class_name),
            long_text(one.gold.answer.caption),
            f"{len(one.right)} of {len(one.answered_by)}",
            one.gold.added_by,
            short_id(one.gold.frame_id),
        )
        for one in standings
    ]
    columns = ["still", "class", "caption", "right", "known from", "id"]
    return Markup('<details><summary>{}</summary><div class="wb-samples">{}</div></details>').format(
        f"{len(rows)} gold tasks", table(columns, rows)
    )
