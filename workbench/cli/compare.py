"""``workbench compare``: two measured models on the same frames."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, emit, open_workspace, output
from workbench.metric_texts import METRIC_TEXTS

if TYPE_CHECKING:
    from workbench.workflows.compare import Comparison

ModelArgument = Annotated[str, typer.Argument(help="Run that tuned or measured it, or `base` or `champion`.")]
PartOption = Annotated[str, typer.Option("--part", help="`test`, `validation`, `train` or `golden`.")]


def compare(
    one: ModelArgument, other: ModelArgument, site: SiteOption, part: PartOption = "test", as_json: JsonOption = False
) -> None:
    """Say whether the first model is better than the second, in all and by kind of frame, and how sure that is."""
    from workbench.workflows.compare import compare_models

    found = compare_models(open_workspace(), site, one, other, part=part)
    told = {"own": found.own, "other": found.other, "metrics": found.metrics, "slices": found.slices}
    emit(told, as_json, _metrics(found))
    if not as_json and found.slices:
        output.print(_slices(found))


def _metrics(found: "Comparison") -> Table:
    table = Table(title=f"{found.own.name} beside {found.other.name}", box=None)
    for title in ("measure", "first", "second", "difference", "", "p"):
        table.add_column(title)
    for one in found.metrics:
        text = METRIC_TEXTS[one.name]
        told = (text.number(one.own.value), text.number(one.other.value), text.change(one.difference))
        table.add_row(text.title, *told, text.verdict(one.difference), _p(one.p_value))
    return table


def _slices(found: "Comparison") -> Table:
    text = METRIC_TEXTS["class_accuracy"]
    table = Table(title=f"{text.title}, by kind of frame; p corrected for all of them (Holm)", box=None)
    for title in ("kind", "frames", "number", "first", "difference", "p"):
        table.add_column(title)
    for one in found.slices:
        change = text.change(one.difference) if one.difference else "–"
        table.add_row(one.kind, one.value, str(one.frames), text.number(one.metric.value), change, _p(one.p_value))
    return table


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
