"""``workbench search``: find a site's stills by words, and measure and choose the encoder that finds them."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import DatasetOption, JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Interval, Split

if TYPE_CHECKING:
    from workbench.workflows.evaluate_search import SearchEvaluation
    from workbench.workflows.search import SearchResult

app = typer.Typer(help="Search: find a site's stills by what they show, in words.", no_args_is_help=True)

EncoderOption = Annotated[
    str, typer.Option("--model", help="base, current (what the site has chosen) or the id of a run that tuned one.")
]


@app.command("find")
def find(
    text: Annotated[str, typer.Argument(help="What the stills should show.")],
    site: SiteOption,
    model: EncoderOption = "current",
    camera: Annotated[str | None, typer.Option("--camera", help="Only stills of this camera.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Show this many.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """List the stills that are nearest to a text, each with the class that is nearest to it."""
    workspace = open_workspace(site)
    from workbench.workflows.search import find_frames

    with progress_bar() as progress:
        found = find_frames(workspace, site, text, model=model, camera=camera, most=most, progress=progress)
    emit(found, as_json, _hits(found))


@app.command("evaluate")
def evaluate(
    site: SiteOption,
    model: EncoderOption = "current",
    split: Annotated[Split, typer.Option("--split", help="The part of the dataset to measure on.")] = Split.TEST,
    dataset_id: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure search in both directions and zero-shot classes on held-out stills, beside the base."""
    workspace = open_workspace(site)
    from workbench.workflows.evaluate_search import evaluate_search

    with progress_bar() as progress:
        found = evaluate_search(
            workspace,
            site=site,
            model=model,
            split=split,
            dataset_id=dataset_id,
            actor=actor_name(),
            progress=progress,
        )
    emit(found, as_json, _figures(found))


@app.command("use")
def use(
    model: Annotated[str, typer.Argument(help="base, or the id of a run that tuned a dual encoder.")],
    site: SiteOption,
    as_json: JsonOption = False,
) -> None:
    """Choose the encoder with which the site is searched, here and in `workbench queue --search`."""
    workspace = open_workspace(site)
    from workbench.workflows.search_encoder import choose_encoder

    chosen = choose_encoder(workspace, site, model, actor=actor_name())
    told = f"run {chosen.run_id}, adapter {chosen.adapter_digest[:12]}" if chosen else "the base"
    emit({"site": site, "encoder": chosen or "base"}, as_json, f"{site} is searched with {told}.")


def _hits(found: "SearchResult") -> Table:
    table = Table(
        "still",
        "camera",
        "clip",
        "at",
        "similarity",
        "nearest class",
        title=f"Nearest to “{found.text}” of {found.looked_at:,} stills, to {found.model_version}",
        title_justify="left",
    )
    for hit in found.hits:
        at = f"{hit.offset_s:.1f} s"
        table.add_row(hit.frame_id[:10], hit.camera, hit.clip, at, f"{hit.similarity:.3f}", hit.class_name)
    return table


def _figures(found: "SearchEvaluation") -> Table:
    report, baseline = found.report, found.baseline
    table = Table(
        title=f"{report.model_version} on {report.rows} {report.split.value} stills, {found.captions} captions",
        caption=f"{_learnt(found)}MLflow run: {found.run_id}",
        caption_justify="left",
    )
    for column in ("", "value [95 %]", *(("base", "difference") if baseline else ()), *report.by_camera):
        table.add_column(column, justify="right" if column else "left", no_wrap=not column)
    for name, interval in report.metrics.items():
        compared = (str(baseline.metrics[name]), _signed(found.differences[name])) if baseline else ()
        cameras = (str(metrics[name]) for metrics in report.by_camera.values())
        table.add_row(name, str(interval), *compared, *cameras)
    return table


def _learnt(found: "SearchEvaluation") -> str:
    if found.learnt_from is None:
        return "The version that it was tuned on is gone: nobody can tell whether it learnt from these stills.\n"
    if not found.learnt_from:
        return ""
    return f"It was tuned on {found.learnt_from} of these stills, or chosen by them: the figures flatter it.\n"


def _signed(difference: Interval) -> str:
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
