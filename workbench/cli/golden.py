"""``workbench dataset golden``: the frames that decide on promotion."""

from collections import Counter
from typing import Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, emit, open_workspace
from workbench.cli.credentials import AsUserOption, PasswordStdinOption, sign_in
from workbench.errors import UsageError

app = typer.Typer(
    help="Golden set: frozen frames that decide on promotion and are never trained on.", no_args_is_help=True
)


@app.command("freeze")
def freeze(
    site: SiteOption,
    user: AsUserOption,
    clip: Annotated[
        list[str] | None,
        typer.Option("--clip", help="Freeze the labelled frames of this clip; may be repeated."),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option("--version", help="Freeze this version's test frames; the latest's if neither is given."),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="A remark for the audit trail.")] = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Freeze a golden set; needs the role reviewer. The next build leaves its frames, and what is near them, out."""
    from workbench.workflows.build import dataset_of
    from workbench.workflows.freeze_golden import freeze_golden

    if clip and version:
        raise UsageError(
            expected="clips, or a version whose test frames are frozen", found="both", remedy="leave out one of them"
        )
    workspace, actor = sign_in(user, from_stdin=password_stdin)
    chosen = None if clip else dataset_of(workspace, site, version)
    frozen = freeze_golden(workspace, site=site, actor=actor, version=chosen, clips=clip or (), note=note)
    told = f"Golden set {frozen.golden.id[:12]} of {site}: {frozen.golden.frames} frames."
    emit({**vars(frozen.golden), "seen_by_champion": frozen.seen}, as_json, f"{told} {frozen.warning}".strip())


@app.command("list")
def list_sets(site: SiteOption, as_json: JsonOption = False) -> None:
    """List the site's golden sets, oldest first; the last one is in force."""
    store = open_workspace().store
    found = store.golden_sets.all(store.sites.get(site).name)
    lines = [
        f"{golden.id[:12]}  {golden.frozen_at:%Y-%m-%d %H:%M} UTC  {golden.frames} frames, by {golden.frozen_by}"
        + (f": {golden.note}" if golden.note else "")
        for golden in found
    ]
    emit(found, as_json, "\n".join(lines) or "No golden set yet: a reviewer freezes one with `dataset golden freeze`.")


@app.command("show")
def show(
    site: SiteOption,
    golden_id: Annotated[
        str, typer.Argument(help="Id of a golden set, or how it begins; the one in force if left out.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show what a golden set holds, by class, camera and clip."""
    from workbench.workflows.golden import load_golden

    golden, frames = load_golden(open_workspace(), site, golden_id)
    counts = {
        what: dict(sorted(Counter(str(getattr(row, name)) for row in frames.rows).items()))
        for what, name in (("classes", "class_name"), ("cameras", "camera"), ("clips", "clip_name"))
    }
    lines = [f"Golden set {golden.id[:12]} of {site}: {golden.frames} frames, frozen by {golden.frozen_by}."]
    lines += [f"{what}: " + ", ".join(f"{name} {count}" for name, count in of.items()) for what, of in counts.items()]
    shown = {**vars(golden), **counts, "frame_ids": [row.frame_id for row in frames.rows]}
    emit(shown, as_json, "\n".join(lines))
