"""``workbench queue``: what people are asked about next, and why."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import USUAL_WEIGHTS, QueueRules, Signal, text_to_weights

if TYPE_CHECKING:
    from workbench.domain import QueuePlan

app = typer.Typer(help="Queue: which stills people are asked about next, and why.", no_args_is_help=True)

_BY = ",".join(signal for signal in USUAL_WEIGHTS if signal is not Signal.SEARCH)

SizeOption = Annotated[int, typer.Option("--size", min=1, help="Choose this many stills.")]
ByOption = Annotated[
    str,
    typer.Option("--by", help="What counts, with commas between; uncertainty=2,diversity gives the first more weight."),
]
SearchOption = Annotated[str, typer.Option("--search", help="A text that the stills should match.")]
PerCameraOption = Annotated[int | None, typer.Option("--per-camera", min=1, help="At most this many of one camera.")]
LookAtOption = Annotated[
    int, typer.Option("--look-at", min=1, help="Let the model look at this many stills at most: it takes longest.")
]


@app.command("plan")
def plan(
    site: SiteOption,
    size: SizeOption = QueueRules.size,
    by: ByOption = _BY,
    search: SearchOption = "",
    per_camera: PerCameraOption = None,
    look_at: LookAtOption = QueueRules.look_at,
    as_json: JsonOption = False,
) -> None:
    """Tell which stills would be asked about next, and why; nobody is asked."""
    from workbench.workflows.queue import plan_queue

    rules = QueueRules(size, text_to_weights(by), per_camera, look_at, search.strip())
    with progress_bar() as progress:
        made = plan_queue(open_workspace(), site, rules, actor=actor_name(), progress=progress)
    emit(made, as_json, Group(_chosen(made), *_look_again(made), _told(made)))


@app.command("ask")
def ask(
    site: SiteOption,
    size: SizeOption = QueueRules.size,
    by: ByOption = _BY,
    search: SearchOption = "",
    per_camera: PerCameraOption = None,
    look_at: LookAtOption = QueueRules.look_at,
    prelabel: Annotated[bool, typer.Option(help="Let the current model make a guess about each still.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Choose the stills to ask about next and make their tasks in Label Studio, in that order."""
    from workbench.workflows.queue import ask_next

    rules = QueueRules(size, text_to_weights(by), per_camera, look_at, search.strip())
    with progress_bar() as progress:
        report = ask_next(open_workspace(), site, rules, actor=actor_name(), prelabel=prelabel, progress=progress)
    cut_off = " This completes a call that was cut off." if report.completed else ""
    told = f"{report.created} tasks created, each with its reason: {report.project_url}{cut_off}"
    emit(report, as_json, Group(_chosen(report.plan), _told(report.plan), told))


def _chosen(made: "QueuePlan") -> Table:
    table = Table("", "still", "camera", "why", title=f"To ask about next at {made.site}", title_justify="left")
    for place, item in enumerate(made.items, start=1):
        table.add_row(str(place), item.frame_id[:10], item.camera, item.reason)
    return table


def _look_again(made: "QueuePlan") -> list[Table]:
    if not made.look_again:
        return []
    table = Table("still", "camera", "why", title="Answers to look at again", title_justify="left")
    for one in made.look_again:
        table.add_row(one.frame_id[:10], one.camera, one.reason)
    return [table]


def _told(made: "QueuePlan") -> str:
    looked = f"{made.model_version} looked at {made.looked_at}" if made.model_version else "no model was asked"
    compared = f"{made.compared:,} of {made.unasked:,} stills that nobody was asked about were compared"
    return "\n".join(
        [
            f"{compared}, {made.near_copies:,} of them near copies; {looked}. It took {made.seconds:.0f} s.",
            f"{made.waiting:,} tasks wait for an answer already; Label Studio hands those out first.",
            *made.notes,
        ]
    )
