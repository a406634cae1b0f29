"""Blind side-by-side: a person prefers one of two answers about a still, without knowing which model gave which."""

from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, User
from workbench.errors import UsageError
from workbench.ui.compare_card import model_choices
from workbench.ui.fragments import badge, empty_state, facts, note
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card
from workbench.workflows.side_by_side import (
    Pair,
    Said,
    Side,
    Standing,
    contest_between,
    next_pair,
    prefer,
    standing,
)
from workbench.workflows.workspace import Workspace

__all__ = ["SideBySideCard"]

_JUDGES = (Role.ENGINEER, Role.LABELLER, Role.REVIEWER)
_PART = "test"
_ABOUT = "Two models’ answers about the same still. Which model gave which is hidden and drawn anew each time."


class SideBySideCard:
    """To be placed once; ``view`` is what it shows when somebody comes to the tab."""

    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        desk = _Desk(workspace)
        with card("Which answers are better?", *_JUDGES):
            gr.HTML(note(_ABOUT))
            with gr.Row():
                one = gr.Dropdown(label="One model", choices=[], interactive=True)
                other = gr.Dropdown(label="Another model", choices=[], interactive=True)
            pair = gr.HTML()
            with gr.Row(visible=False) as buttons:
                left = gr.Button("Left is better")
                neither = gr.Button("Neither is better")
                right = gr.Button("Right is better")
            with gr.Row():
                begin = gr.Button("Show the next still", variant="primary")
                result = gr.Button("Show the result")
            told = gr.HTML()
            shown = gr.State(None)
        self.view = View(workspace, desk.look, [one, other, pair, buttons, told, shown])
        models, next_one = [site, one, other], [pair, buttons, shown, told]
        begin.click(desk.show_pair, models, next_one, show_progress="hidden")
        result.click(desk.show_standing, models, told, show_progress="hidden")
        for button, do in ((left, desk.prefer_left), (neither, desk.prefer_neither), (right, desk.prefer_right)):
            button.click(do, [*models, shown], next_one, show_progress="hidden")


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None) -> tuple[object, ...]:
        choices = model_choices(self.workspace, site, _PART)
        first, second = (choices[place][1] if place < len(choices) else None for place in (0, 1))
        lacks = "" if second else _nothing_to_compare()
        hidden = gr.Row(visible=False)
        return (
            gr.Dropdown(choices=choices, value=first),
            gr.Dropdown(choices=choices, value=second),
            lacks,
            hidden,
            "",
            None,
        )

    @one_sentence_errors
    def show_pair(
        self, site: str | None, one: str | None, other: str | None, request: gr.Request
    ) -> tuple[object, ...]:
        return self._next(require(self.workspace, request), site, one, other)

    @one_sentence_errors
    def show_standing(self, site: str | None, one: str | None, other: str | None, request: gr.Request) -> Markup:
        require(self.workspace, request)
        table = contest_between(self.workspace, require_site(site), *_two(one, other))
        return _standing(standing(self.workspace, table))

    @one_sentence_errors
    def prefer_left(
        self, site: str | None, one: str | None, other: str | None, shown: str | None, request: gr.Request
    ) -> tuple[object, ...]:
        return self._prefer("left", require(self.workspace, request, *_JUDGES), site, one, other, shown)

    @one_sentence_errors
    def prefer_neither(
        self, site: str | None, one: str | None, other: str | None, shown: str | None, request: gr.Request
    ) -> tuple[object, ...]:
        return self._prefer("neither", require(self.workspace, request, *_JUDGES), site, one, other, shown)

    @one_sentence_errors
    def prefer_right(
        self, site: str | None, one: str | None, other: str | None, shown: str | None, request: gr.Request
    ) -> tuple[object, ...]:
        return self._prefer("right", require(self.workspace, request, *_JUDGES), site, one, other, shown)

    def _prefer(
        self, side: Side, user: User, site: str | None, one: str | None, other: str | None, shown: str | None
    ) -> tuple[object, ...]:
        if shown is None:
            raise UsageError(expected="a still to judge", found="none shown", remedy="show the next still first")
        table = contest_between(self.workspace, require_site(site), *_two(one, other))
        prefer(self.workspace, table, shown, side, actor=user.name)
        return self._next(user, site, one, other)

    def _next(self, user: User, site: str | None, one: str | None, other: str | None) -> tuple[object, ...]:
        table = contest_between(self.workspace, require_site(site), *_two(one, other))
        pair = next_pair(self.workspace, table, user.name)
        if pair is None:
            told = _standing(standing(self.workspace, table))
            return (
                note("You have judged every still about which the two differ.", tone="good"),
                gr.Row(visible=False),
                None,
                told,
            )
        return _shown(pair), gr.Row(visible=True), pair.frame_id, ""


def _two(one: str | None, other: str | None) -> tuple[str, str]:
    if not one or not other:
        raise UsageError(
            expected="two models that were measured on the test split",
            found="fewer",
            remedy="measure the base and a tuned run above",
        )
    return one, other


def _nothing_to_compare() -> Markup:
    return empty_state("Nothing to compare yet", "Measure two models on the same dataset version, above.")


def _shown(pair: Pair) -> Markup:
    picture = Markup('<img src="/frames/{}.jpg" alt="the still that both describe">').format(pair.frame_id)
    progress = note(f"{pair.judged} judged, {pair.left_over} to go")
    return Markup('<div class="wb-duel">{}<div>{}{}</div></div>{}').format(
        picture, _answer("Left", pair.left), _answer("Right", pair.right), progress
    )


def _answer(side: str, said: Said) -> Markup:
    return Markup("<section><header>{} {}</header><p>{}</p></section>").format(
        side, badge(said.class_name), said.caption
    )


def _standing(told: Standing) -> Markup:
    if told.win_rate is None:
        return note("Nobody has judged these two yet.")
    rate = told.win_rate
    figures = {
        "preferred, a draw counting half": f"{100 * rate.value:.0f} %",
        "95 % interval": f"{100 * rate.low:.0f}–{100 * rate.high:.0f} %",
        "better / no difference / worse": f"{told.wins} / {told.draws} / {told.losses}",
        "stills judged": told.judged,
        "people": told.people,
        "stills with the same answer": f"{told.alike} of {told.frames}",
    }
    verdict = "unclear which is better" if rate.low <= 0.5 <= rate.high else ("better" if rate.low > 0.5 else "worse")
    return facts(figures) + note(f"{told.challenger}: {verdict}, where the two answer differently.")
