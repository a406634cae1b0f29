"""``workbench promote``: ask for, decide on and take back what a site runs."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace
from workbench.cli.credentials import AsUserOption, PasswordStdinOption, sign_in
from workbench.domain import Verdict

if TYPE_CHECKING:
    from workbench.domain import Candidate

app = typer.Typer(help="Promotion: one person requests, another approves.", no_args_is_help=True)

NoteOption = Annotated[str, typer.Option("--note", help="A remark for the audit trail.")]
VersionOption = Annotated[int, typer.Option("--version", help="Version of the candidate.", show_default=False)]
_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.NO_EVIDENCE: "yellow"}


@app.command("request")
def request(
    run: Annotated[str, typer.Argument(help="Id of the tuning run, or enough of its beginning.")],
    site: SiteOption,
    user: AsUserOption,
    note: NoteOption = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask that a run becomes the site's champion; its conditions are judged at once."""
    from workbench.workflows import promote

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    candidate = promote.request_promotion(workspace, site=site, run_id=run, actor=actor, note=note)
    emit(candidate, as_json, _card(candidate))


@app.command("approve")
def approve(
    site: SiteOption,
    version: VersionOption,
    user: AsUserOption,
    note: NoteOption = "",
    override: Annotated[str, typer.Option("--override", help="Why conditions that are not met do not matter.")] = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a candidate the champion; needs the role reviewer and another person than who requested."""
    from workbench.workflows import promote

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    decided = promote.approve(workspace, site=site, version=version, actor=actor, note=note, override=override)
    emit(decided, as_json, f"Version {version} is the champion of {site}.")


@app.command("reject")
def reject(
    site: SiteOption,
    version: VersionOption,
    user: AsUserOption,
    note: NoteOption = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn a candidate down; needs the role reviewer."""
    from workbench.workflows import promote

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    decided = promote.reject(workspace, site=site, version=version, actor=actor, note=note)
    emit(decided, as_json, f"Version {version} of {site} is rejected.")


@app.command("rollback")
def rollback(
    site: SiteOption,
    user: AsUserOption,
    note: NoteOption = "",
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the champion before the present one in force again; needs the role reviewer."""
    from workbench.workflows import promote

    workspace, actor = sign_in(user, from_stdin=password_stdin)
    version = promote.rollback(workspace, site=site, actor=actor, note=note)
    told = "The base model" if version is None else f"Version {version}"
    emit({"site": site, "champion": version}, as_json, f"{told} is in force at {site} again.")


@app.command("list")
def list_candidates(site: SiteOption, as_json: JsonOption = False) -> None:
    """List a site's candidates with their conditions, newest first, and its champion."""
    store = open_workspace().store
    store.sites.get(site)
    champion, candidates = store.promotions.champion(site), store.promotions.all(site)
    heading = f"Champion of {site}: {'the base model' if champion is None else f'version {champion}'}"
    told = Text("\n\n").join([Text(heading), *map(_card, candidates)])
    emit({"champion": champion, "candidates": candidates}, as_json, told)


@app.command("verify")
def verify(as_json: JsonOption = False) -> None:
    """Check the audit trail, and put aliases right that someone moved in the registry."""
    from workbench.workflows import reconcile

    found = reconcile.verify(open_workspace(), actor=actor_name())
    repairs = [
        f"{repair.site}: alias {repair.alias} stood for {repair.found or 'no version'}, "
        f"now for {repair.restored or 'no version'} as the ledger says."
        for repair in found.repairs
    ]
    told = "\n".join([f"The audit trail's {found.events} events are unchanged.", *repairs])
    emit(found, as_json, told if repairs else f"{told}\nThe registry's aliases are as the ledger says.")


def _card(candidate: "Candidate") -> Text:
    by = f" by {candidate.decided_by}" if candidate.decided_by else ""
    card = Text.assemble(
        f"Version {candidate.version} (run {candidate.run_id[:12]}, adapter {candidate.adapter_digest[:12] or '–'}), "
        f"requested by {candidate.requested_by}, compared with {candidate.compared_with}: ",
        (f"{candidate.state}{by}", "bold"),
    )
    for gate in candidate.gates:
        card.append("\n  ").append(gate.verdict, _STYLES[gate.verdict]).append(f"  {gate.name}. {gate.explanation}")
    for who, note in ((candidate.requested_by, candidate.note), (candidate.decided_by, candidate.decision_note)):
        card.append(f"\n  {who}: {note}" if note else "")
    return card
