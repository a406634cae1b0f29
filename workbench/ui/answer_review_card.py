"""A reviewer goes through the stills that wait: accepts an answer, fixes it, or sends the still back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.domain import Decision, Role, User
from workbench.errors import NotFoundError
from workbench.ui.case_fragments import case_shown, decided, nothing_waits, waiting
from workbench.ui.fragments import note
from workbench.ui.session import one_sentence_errors, require, require_site, sees_others
from workbench.ui.view import View, card
from workbench.workflows.gold import add_gold
from workbench.workflows.review_answers import accept_answer, fix_answer, send_back
from workbench.workflows.review_queue import Case, ReviewQueue, review_queue
from workbench.workflows.workspace import Workspace

__all__ = ["AnswerReviewCard"]

_SCRIPT = Path(__file__).with_name("answer_review.js").read_text(encoding="utf-8")
_KEYS = "Keys: 1 to 9 accept an answer, F goes to the caption, B to the note, N to the next still."


class AnswerReviewCard:
    """To be placed once; ``view`` is what it shows, ``summary`` only how many stills wait."""

    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        desk = _Desk(workspace)
        with card("Review answers", Role.REVIEWER, Role.ENGINEER):
            summary = gr.HTML()
            case = gr.HTML(js_on_load=_SCRIPT, elem_classes="wb-review")
            with gr.Column(visible=False) as form:
                with gr.Row():
                    class_name = gr.Radio(label="Class", choices=[], interactive=True)
                    caption = gr.Textbox(
                        label="Caption", lines=2, max_length=2000, elem_classes="wb-review-caption", scale=2
                    )
                remark = gr.Textbox(
                    label="Note: labellers read it with a still that is sent back",
                    lines=1,
                    max_length=1000,
                    elem_classes="wb-review-note",
                )
                gold = gr.Checkbox(label="Once decided, measure labellers by it: make it a gold task")
                with gr.Row():
                    fix = gr.Button("Fix: this class and caption", variant="primary")
                    back = gr.Button("Send back")
            skip = gr.Button("Next", elem_classes="wb-review-next")
            gr.HTML(note(_KEYS))
            shown, skipped = gr.State(None), gr.State([])
        outputs = [summary, case, form, class_name, caption, remark, gold, fix, back, shown, skipped]
        self.view = View(workspace, desk.look, outputs, personal=True)
        self.summary = View(workspace, desk.look_summary, [summary], personal=True)
        typed = [class_name, caption, remark, gold]
        for event, do, inputs, name in (
            (case.select, desk.accept_answer, [site, shown, remark, gold, skipped], "accept_answer"),
            (fix.click, desk.fix_answer, [site, shown, *typed, skipped], "fix_answer"),
            (back.click, desk.send_back, [site, shown, remark, skipped], "send_back"),
            (skip.click, desk.look_next, [site, shown, skipped], "look_next"),
        ):
            event(do, inputs, outputs, show_progress="hidden", api_name=name)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None, user: User) -> tuple[Any, ...]:
        return self._shown(site, user, [])

    def look_summary(self, site: str | None, user: User) -> tuple[Markup]:
        return (waiting(self._queue(site, user, [])) if site and sees_others(user) else Markup(""),)

    @one_sentence_errors
    def look_next(
        self, site: str | None, shown: Case | None, skipped: list[str], request: gr.Request
    ) -> tuple[Any, ...]:
        user = require(self.workspace, request)
        return self._shown(site, user, [*(skipped or []), *([shown.frame.id] if shown else [])])

    @one_sentence_errors
    def accept_answer(
        self,
        site: str | None,
        shown: Case | None,
        remark: str,
        gold: bool,
        skipped: list[str],
        request: gr.Request,
        event: gr.EventData,
    ) -> tuple[Any, ...]:
        user = require(self.workspace, request, Role.REVIEWER)
        site, case = require_site(site), _require_case(shown)
        decision = accept_answer(
            self.workspace,
            site=site,
            frame_id=case.frame.id,
            annotation_id=int(event.answer),
            actor=user,
            note=remark,
            seen=case.seen,
        )
        return self._decided(site, user, decision, gold, skipped)

    @one_sentence_errors
    def fix_answer(
        self,
        site: str | None,
        shown: Case | None,
        class_name: str | None,
        caption: str,
        remark: str,
        gold: bool,
        skipped: list[str],
        request: gr.Request,
    ) -> tuple[Any, ...]:
        user = require(self.workspace, request, Role.REVIEWER)
        site, case = require_site(site), _require_case(shown)
        decision = fix_answer(
            self.workspace,
            site=site,
            frame_id=case.frame.id,
            class_name=class_name or "",
            caption=caption,
            actor=user,
            note=remark,
            seen=case.seen,
        )
        return self._decided(site, user, decision, gold, skipped)

    @one_sentence_errors
    def send_back(
        self, site: str | None, shown: Case | None, remark: str, skipped: list[str], request: gr.Request
    ) -> tuple[Any, ...]:
        user = require(self.workspace, request, Role.REVIEWER)
        site, case = require_site(site), _require_case(shown)
        decision = send_back(self.workspace, site=site, frame_id=case.frame.id, note=remark, actor=user, seen=case.seen)
        return self._decided(site, user, decision, False, skipped)

    def _decided(self, site: str, user: User, decision: Decision, gold: bool, skipped: list[str]) -> tuple[Any, ...]:
        if gold:
            add_gold(self.workspace, site=site, frame_id=decision.frame_id, actor=user)
        summary, case, *rest = self._shown(site, user, skipped)
        return summary, decided(decision) + case, *rest

    def _queue(self, site: str, user: User, skipped: list[str]) -> ReviewQueue:
        reviewer = user if Role.REVIEWER in user.roles else None
        return review_queue(self.workspace.store, site, limit=1, reviewer=reviewer, skipped=skipped or [])

    def _shown(self, site: str | None, user: User, skipped: list[str]) -> tuple[Any, ...]:
        """Return the first still that waits and was not skipped; once all were, the first again."""
        if not site or not sees_others(user):
            return Markup(""), "", gr.Column(visible=False), *[gr.skip()] * 6, None, []
        queue = self._queue(site, user, skipped)
        if not queue.cases and skipped:
            skipped, queue = [], self._queue(site, user, [])
        case = next(iter(queue.cases), None)
        may_decide = Role.REVIEWER in user.roles
        return (
            waiting(queue),
            case_shown(case, may_decide) if case else nothing_waits(),
            gr.Column(visible=case is not None),
            gr.Radio(
                choices=list(self.workspace.store.sites.get(site).class_names),
                value=case.said[-1].class_name if case else None,
            ),
            case.said[-1].caption if case else "",
            "",
            False,
            gr.Button(interactive=may_decide),
            gr.Button(interactive=may_decide),
            case,
            skipped,
        )


def _require_case(shown: Case | None) -> Case:
    if shown is None:
        raise NotFoundError(
            expected="a still to decide about", found="none shown", remedy="press Next, or reload the page"
        )
    return shown
