"""``workbench gold``: frames whose answer is known, by which labellers are measured."""

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench.cli.answers import FrameArgument
from workbench.cli.console import JsonOption, SiteOption, emit, open_workspace
from workbench.cli.credentials import AsUserOption, PasswordStdinOption, sign_in
from workbench.domain import Verdict

app = typer.Typer(help="Gold tasks: frames with known answers, by which labellers are measured.", no_args_is_help=True)

_VERDICTS = {
    Verdict.PASS: ("reaches it", "green"),
    Verdict.FAIL: ("below it", "red"),
    Verdict.NO_EVIDENCE: ("too few to tell", "yellow"),
}


@app.command("add")
def add(
    frame: FrameArgument,
    site: SiteOption,
    user: AsUserOption,
    class_name: Annotated[str, typer.Option("--class", help="The known class; as decided about it if left out.")] = "",
    caption: Annotated[str, typer.Option("--caption", help="The known caption.")] = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Offer a frame with a known answer to every labeller, among all the others; needs the role reviewer."""
    from workbench.workflows.answers import named_frame
    from workbench.workflows.gold import add_gold

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    frame_id = named_frame(workspace.store, site, frame)
    gold = add_gold(workspace, site=site, frame_id=frame_id, class_name=class_name, caption=caption, actor=actor)
    emit(gold, as_json, f"Frame {frame_id[:12]} is a gold task: {gold.answer.class_name}, “{gold.answer.caption}”.")


@app.command("remove")
def remove(
    frame: FrameArgument,
    site: SiteOption,
    user: AsUserOption,
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a gold task a task like any other again; needs the role reviewer."""
    from workbench.workflows.answers import named_frame
    from workbench.workflows.gold import remove_gold

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    frame_id = named_frame(workspace.store, site, frame)
    remove_gold(workspace, site=site, frame_id=frame_id, actor=actor)
    emit({"site": site, "frame_id": frame_id}, as_json, f"Frame {frame_id[:12]} is no gold task any more.")


@app.command("list")
def list_gold(site: SiteOption, as_json: JsonOption = False) -> None:
    """List the site's gold tasks with who answered them."""
    from workbench.workflows.gold import gold_standings

    standings = gold_standings(open_workspace().store, site)
    table = Table("frame", "class", "caption", "added by", "answered by", "right")
    for one in standings:
        answer = one.gold.answer
        counts = (str(len(one.answered_by)), str(len(one.right)))
        table.add_row(one.gold.frame_id[:12], answer.class_name, answer.caption, one.gold.added_by, *counts)
    emit(standings, as_json, table if standings else "No gold task yet: add one with `workbench gold add FRAME`.")


@app.command("score")
def score(
    site: SiteOption,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Least share that a labeller is to get right.")] = 0.8,
    as_json: JsonOption = False,
) -> None:
    """Tell how often each labeller gives the known class, and which classes are taken for which."""
    from workbench.workflows.gold import score_labellers

    scores = score_labellers(open_workspace().store, site, asked=threshold)
    table = Table("labeller", "gold tasks", "right", f"against {threshold:.0%}", "taken for another class")
    for one in scores:
        right, (word, style) = one.score.right, _VERDICTS[one.score.verdict]
        told = f"{right.value:.0%} [{right.low:.0%}, {right.high:.0%}]"
        table.add_row(one.labeller, str(one.score.frames), told, Text(word, style), "; ".join(one.score.mistakes))
    warnings = [
        Text(f"{one.labeller} is below {threshold:.0%} with enough evidence: talk it through.", "red")
        for one in scores
        if one.score.verdict is Verdict.FAIL
    ]
    nothing = "No labeller has answered a gold task yet."
    emit(scores, as_json, Group(table, *warnings) if scores else nothing)
