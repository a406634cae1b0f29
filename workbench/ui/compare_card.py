"""Two measured models beside each other: figures with intervals, kinds of frames, confusions that open their frames."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Interval
from workbench.errors import UsageError
from workbench.evaluation import Assessment, FrameResult
from workbench.metric_texts import METRIC_TEXTS, MetricText
from workbench.statistics.permutation import FEWEST_CLIPS
from workbench.ui.charts import line_chart
from workbench.ui.fragments import badge, empty_state, explained, frame_grid, frame_link, note, table
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card
from workbench.workflows.compare import Comparison, compare_models
from workbench.workflows.measured import GOLDEN, Measured, measured
from workbench.workflows.workspace import Workspace

__all__ = ["CompareCard", "model_choices"]

_PARTS = {"test": "held-out stills", GOLDEN: "golden set"}
_WORST = 8
_SURE = 0.05
_TONES = {"better": "good", "worse": "bad", "unclear": "quiet"}


class CompareCard:
    """To be placed once; ``view`` is what it shows when somebody comes to the tab."""

    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        desk = _Desk(workspace)
        with card("Compare two models"):
            with gr.Row():
                one = gr.Dropdown(label="This model", choices=[], interactive=True)
                other = gr.Dropdown(label="beside this one", choices=[], interactive=True)
                part = gr.Dropdown(label="on", choices=[(told, part) for part, told in _PARTS.items()], value="test")
            go = gr.Button("Compare", variant="primary")
            shown = gr.HTML()
        self.view = View(workspace, desk.look, [one, other, shown])
        go.click(desk.show_comparison, [site, one, other, part], shown)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None) -> tuple[object, ...]:
        choices = model_choices(self.workspace, site, "test")
        first, second = (choices[0][1], choices[-1][1]) if choices else (None, None)
        told = "" if len(choices) > 1 else empty_state("Nothing to compare yet", "Measure two models, above.")
        return gr.Dropdown(choices=choices, value=first), gr.Dropdown(choices=choices, value=second), told

    @one_sentence_errors
    def show_comparison(
        self, site: str | None, one: str | None, other: str | None, part: str, request: gr.Request
    ) -> Markup:
        require(self.workspace, request)
        if not one or not other:
            raise UsageError(expected="two measured models", found="fewer", remedy="measure the base and a run above")
        return _shown(compare_models(self.workspace, require_site(site), one, other, part=part))


def model_choices(workspace: Workspace, site: str | None, part: str) -> list[tuple[str, str]]:
    """Return the models measured on that part by a name for people, newest first."""
    known = [one for one in measured(workspace, site) if one.part == part] if site else []
    return [(_label(one), one.key) for one in known]


def _label(one: Measured) -> str:
    return f"{one.name.partition(' on ')[0]} · {one.model_version.rpartition('+')[2]} · data {one.set_id[:8]}"


def _shown(found: Comparison) -> Markup:
    parts = [_metrics(found), _heading("By kind of still", _about_slices(found)), _slices(found)]
    parts += [_heading("In poor conditions", "0 is the still as it is, 5 the worst"), _robustness(found)]
    parts += [_heading("What is confused with what", "Rows are what people said; a number opens its stills.")]
    parts += [
        _confusion(found.of_own),
        _heading("Where this model is furthest behind", found.other.name),
        _behind(found),
    ]
    return Markup("").join(parts)


def _heading(title: str, told: str) -> Markup:
    return Markup("<h4>{} <span>{}</span></h4>").format(title, told)


def _about_slices(found: Comparison) -> str:
    return f"how often the class is right; p is corrected for {len(found.slices)} kinds looked at together"


def _metrics(found: Comparison) -> Markup:
    rows = []
    for one in found.metrics:
        text = METRIC_TEXTS[one.name]
        rows.append(
            (
                explained(text.title, text.meaning),
                _with_bounds(text, one.own),
                _with_bounds(text, one.other),
                badge(text.change(one.difference), _TONES[text.verdict(one.difference)]),
                _p(one.p_value),
            )
        )
    return table(["measure", "this model", "the other", "difference", "p"], rows, numeric=[1, 2, 3, 4])


def _slices(found: Comparison) -> Markup:
    text = METRIC_TEXTS["class_accuracy"]
    rows = [
        (
            one.kind,
            one.value.replace("_", " "),
            Markup("{} <small>in {} {}</small>").format(one.frames, one.clips, "clip" if one.clips == 1 else "clips"),
            _with_bounds(text, one.metric),
            _difference(text, one.difference, one.p_value),
            _p(one.p_value),
        )
        for one in found.slices
    ]
    if not rows:
        return note("There are too few stills to divide them.")
    return table(["kind", "stills", "number", "this model", "difference", "p"], rows, numeric=[2, 3, 4, 5])


def _difference(text: MetricText, difference: Interval | None, p_value: float | None) -> Markup | str:
    if difference is None:
        return "–"
    if p_value is None:
        return badge(text.change(difference))
    return badge(text.change(difference), _TONES[text.verdict(difference)] if p_value < _SURE else "quiet")


def _with_bounds(text: MetricText, interval: Interval) -> Markup:
    return Markup("{} <small>{}</small>").format(text.number(interval.value), text.bounds(interval))


def _robustness(found: Comparison) -> Markup:
    if not found.robustness:
        return note("Measure both with “poor conditions” ticked, above.")
    names = ("this model", "the other")
    charts = []
    for curves in found.robustness:
        series = {
            name: [(level, figure.own.value) for level, figure in enumerate(curve.levels)]
            for name, curve in zip(names, curves, strict=True)
        }
        title = curves[0].corruption.replace("_", " ")
        charts.append(
            Markup("<figure><figcaption>{}</figcaption>{}</figure>").format(title, line_chart(series, x_title="level"))
        )
    return Markup('<div class="wb-charts">{}</div>').format(Markup("").join(charts))


def _confusion(assessment: Assessment) -> Markup:
    cells: dict[tuple[str, str], list[FrameResult]] = defaultdict(list)
    for result in assessment.frames:
        cells[result.frame.class_name, result.class_name].append(result)
    names = assessment.class_names
    rows = [(name.replace("_", " "), *(_cell(name, said, cells[name, said]) for said in names)) for name in names]
    columns = ["people say", *(name.replace("_", " ") for name in names)]
    return table(columns, rows, numeric=range(1, len(columns)))


def _cell(truth: str, said: str, results: Sequence[FrameResult]) -> Markup | str:
    """Return a number that opens its frames in a layer of the browser's own."""
    if not results:
        return ""
    anchor = f"wb-cell-{results[0].frame.frame_id[:12]}"
    title = f"{truth.replace('_', ' ')}, answered as {said.replace('_', ' ')}"
    frames = frame_grid((result.frame.frame_id, result.caption) for result in results)
    return Markup(
        '<button type="button" class="wb-cell {}" popovertarget="{}">{}</button>'
        '<div popover id="{}" class="wb-popover"><h4>{}</h4>{}</div>'
    ).format("wb-right" if truth == said else "", anchor, len(results), anchor, title, frames)


def _behind(found: Comparison) -> Markup:
    pairs = found.furthest_behind(_WORST)
    if not pairs:
        return note("On no still.", tone="good")
    rows = [
        (
            frame_link(own.frame.frame_id, own.frame.caption),
            _said(badge(own.frame.class_name), own.frame.caption),
            _answered(own),
            _answered(other),
        )
        for own, other in pairs
    ]
    columns = ["still", "people say", "this model", "the other"]
    return Markup('<div class="wb-samples">{}</div>').format(table(columns, rows))


def _answered(result: FrameResult) -> Markup:
    class_name = badge(result.class_name, "good" if result.is_right else "bad")
    held = Markup("{} <small>{:.0f} % on the true class</small>").format(class_name, 100 * result.truth_probability)
    return _said(held, result.caption)


def _said(class_name: Markup, caption: str) -> Markup:
    return Markup("{}<p>{}</p>").format(class_name, caption)


def _p(value: float | None) -> Markup | str:
    if value is None:
        return explained("–", f"Fewer than {FEWEST_CLIPS} clips can never tell two models apart.")
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
