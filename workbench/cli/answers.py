"""``workbench answers``: how far labellers agree, and what a reviewer makes of their answers."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.cli.credentials import AsUserOption, PasswordStdinOption, sign_in
from workbench.domain import Interval, OverlapRule

if TYPE_CHECKING:
    from workbench.domain import Decision
    from workbench.workflows.agreement import AgreementRow
    from workbench.workflows.review_queue import Case

app = typer.Typer(help="Answers: how far labellers agree, and what a reviewer decides.", no_args_is_help=True)

FrameArgument = Annotated[str, typer.Argument(help="Id of a frame, or enough of its beginning.")]
NoteOption = Annotated[str, typer.Option("--note", help="A remark, kept with the decision.")]


@app.command("overlap")
def overlap(
    site: SiteOption,
    share: Annotated[float, typer.Option(help="Share of the frames, 0 to 1, that several labellers answer.")],
    labellers: Annotated[int, typer.Option(help="How many labellers answer each of them.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Have a share of the site's tasks answered by several labellers each, also of those that are made later."""
    from workbench.workflows.handing_out import share_out

    rule = OverlapRule(share, labellers)
    with progress_bar() as progress:
        report = share_out(open_workspace(), site, rule, actor=actor_name(), progress=progress)
    told = f"{report.shared} of {report.tasks} tasks go to {labellers} labellers each; {report.changed} were changed."
    emit(report, as_json, told if report.tasks else "Nobody was asked yet: it holds for the tasks to come.")


@app.command("agreement")
def agreement(site: SiteOption, as_json: JsonOption = False) -> None:
    """Tell how far labellers agree about classes (Krippendorff's alpha, Cohen's kappa) and captions (CIDEr)."""
    from workbench.workflows.agreement import measure_agreement

    report = measure_agreement(open_workspace().store, site)
    shared = report.overall.classes.frames
    heading = f"{report.overall.answers} answers; {shared} frames were answered by several labellers, gold tasks apart."
    tables = [
        _agreement_table("class (alpha, against the rest)", report.by_class),
        _agreement_table("labeller (alpha, against the others)", (report.overall, *report.by_labeller)),
        _agreement_table("two labellers (Cohen's kappa)", report.by_pair),
    ]
    emit(report, as_json, Group(heading, *tables) if shared else f"{heading} There is nothing to compare yet.")


@app.command("list")
def list_answers(
    site: SiteOption,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many frames.")] = 20,
    decided: Annotated[bool, typer.Option("--decided", help="Show what was decided instead of what waits.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the frames that wait for a reviewer, most urgent first, with their answers."""
    from workbench.workflows.review_queue import decided_cases, review_queue

    store = open_workspace().store
    store.sites.get(site)
    if decided:
        cases, number = decided_cases(store, site, limit=limit)
    else:
        queue = review_queue(store, site, limit=limit)
        cases, number = list(queue.cases), sum(queue.waiting.values())
    rest = [f"and {number - limit} more"] if number > limit else []
    nothing = "Nothing was decided yet." if decided else "No frame waits for a decision."
    emit(cases, as_json, "\n".join([*map(_case, cases), *rest]) or nothing)


@app.command("accept")
def accept(
    frame: FrameArgument,
    site: SiteOption,
    user: AsUserOption,
    answer: Annotated[int, typer.Option("--answer", help="Number of the answer that is right.", show_default=False)],
    note: NoteOption = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make one labeller's answer the frame's, whatever others say; needs the role reviewer."""
    from workbench.workflows.answers import named_frame
    from workbench.workflows.review_answers import accept_answer

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    frame_id = named_frame(workspace.store, site, frame)
    decision = accept_answer(workspace, site=site, frame_id=frame_id, annotation_id=answer, actor=actor, note=note)
    emit(decision, as_json, _told(decision))


@app.command("fix")
def fix(
    frame: FrameArgument,
    site: SiteOption,
    user: AsUserOption,
    class_name: Annotated[str, typer.Option("--class", help="The class that is right.", show_default=False)],
    caption: Annotated[str, typer.Option("--caption", help="The caption that is right.", show_default=False)],
    based_on: Annotated[
        int | None, typer.Option("--based-on", help="Answer whose replies and boxes are kept; the newest if left out.")
    ] = None,
    note: NoteOption = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give the frame a class and caption of the reviewer's own; needs the role reviewer."""
    from workbench.workflows.answers import named_frame
    from workbench.workflows.review_answers import fix_answer

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    decision = fix_answer(
        workspace,
        site=site,
        frame_id=named_frame(workspace.store, site, frame),
        class_name=class_name,
        caption=caption,
        actor=actor,
        note=note,
        based_on=based_on,
    )
    emit(decision, as_json, _told(decision))


@app.command("send-back")
def send_back(
    frame: FrameArgument,
    site: SiteOption,
    user: AsUserOption,
    note: Annotated[
        str, typer.Option("--note", help="What labellers are to look at again; they read it.", show_default=False)
    ],
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have the frame answered again: its answers no longer count; needs the role reviewer."""
    from workbench.workflows import review_answers
    from workbench.workflows.answers import named_frame

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    frame_id = named_frame(workspace.store, site, frame)
    decision = review_answers.send_back(workspace, site=site, frame_id=frame_id, note=note, actor=actor)
    emit(decision, as_json, _told(decision))


def _agreement_table(what: str, rows: "tuple[AgreementRow, ...]") -> Table:
    table = Table(what, "answers", "shared", "equal", "agreement", "captions (CIDEr)")
    for row in rows:
        table.add_row(
            row.name,
            str(row.answers),
            str(row.classes.frames),
            f"{row.classes.share.value:.0%}" if row.classes.share else "–",
            _bounds(row.classes.coefficient) + _strength(row.classes.coefficient),
            _bounds(row.captions),
        )
    return table


def _bounds(interval: Interval | None) -> str:
    if interval is None:
        return "no evidence"
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _strength(interval: Interval | None) -> str:
    from workbench.labeling.agreement import strength_of

    return "" if interval is None else f": {strength_of(interval.value)}"


def _case(case: "Case") -> str:
    said = "; ".join(f"{one.annotation_id} {one.labeller}: {one.class_name}, “{one.caption}”" for one in case.said)
    guess = f"; {case.guess.model_version} guesses {case.guess.class_name}" if case.guess else ""
    state = case.reason or (_told(case.decision) if case.decision else "")
    changed = " Answers changed since." if case.decision and case.has_changed else ""
    return f"{case.frame.id[:12]}  {state}{changed}  {said or 'no answer now'}{guess}"


def _told(decision: "Decision") -> str:
    answer = f": {decision.answer.class_name}, “{decision.answer.caption}”" if decision.answer else ""
    note = f" ({decision.note})" if decision.note else ""
    return f"Frame {decision.frame_id[:12]} was {decision.kind} by {decision.reviewer}{answer}{note}."
