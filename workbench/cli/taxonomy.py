"""``workbench taxonomy``: what labellers of a site are asked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar

if TYPE_CHECKING:
    from workbench.workflows.taxonomy import TaxonomyPlan

app = typer.Typer(
    help="Taxonomies: the classes, caption guide, questions and boxes that labellers are asked for.",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(help="Taxonomy file (YAML), such as data/demo/taxonomy.yaml.")]
RenameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rename",
        metavar="OLD=NEW",
        help="Answers follow: truck=lorry, boxes:truck=lorry, QUESTION:option=option, question:name=name (repeatable).",
    ),
]


@app.command()
def show(site: SiteOption, as_json: JsonOption = False) -> None:
    """Print a site's taxonomy as the YAML that `set` takes, and how many answers leave each question open."""
    from workbench.labeling.taxonomy_file import taxonomy_to_yaml
    from workbench.workflows.taxonomy import unanswered_questions

    workspace = open_workspace()
    taxonomy = workspace.store.sites.taxonomy(site)
    unanswered = unanswered_questions(workspace, site)
    open_questions = [f"# {count} answers leave question {name} open\n" for name, count in unanswered.items() if count]
    text = "".join([taxonomy_to_yaml(taxonomy), *open_questions])
    emit({"site": site, "taxonomy": taxonomy, "unanswered": unanswered}, as_json, text.rstrip())


@app.command()
def check(
    file: FileArgument,
    site: Annotated[str | None, typer.Option("--site", help="Tell as well what it would change at this site.")] = None,
    renames: RenameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a taxonomy file, all of its problems together, and tell what it would change; nothing is written."""
    from workbench.labeling.taxonomy_file import read_taxonomy
    from workbench.workflows.taxonomy import plan_taxonomy

    taxonomy = read_taxonomy(file)
    if site is None:
        emit({"file": str(file), "taxonomy": taxonomy}, as_json, f"{file} is a valid taxonomy.")
        return
    plan = plan_taxonomy(open_workspace(), site, taxonomy, renames or [])
    emit(plan, as_json, _planned(plan))
    if plan.in_use:
        raise typer.Exit(1)


@app.command("set")
def set_taxonomy(
    file: FileArgument, site: SiteOption, renames: RenameOption = None, as_json: JsonOption = False
) -> None:
    """Ask labellers for what a taxonomy file says, in Label Studio as well; what is in use is never taken away."""
    from workbench.labeling.taxonomy_file import read_taxonomy
    from workbench.workflows import taxonomy as workflow

    taxonomy = read_taxonomy(file)
    with progress_bar() as progress:
        plan = workflow.set_taxonomy(
            open_workspace(), site, taxonomy, renames or [], actor=actor_name(), progress=progress
        )
    emit(plan, as_json, _done(plan))


def _planned(plan: "TaxonomyPlan") -> str:
    if not plan.does_something:
        return f"Nothing would change at {plan.site}."
    against = [f"It cannot be set: {used}." for used in plan.in_use]
    return "\n".join([f"At {plan.site}:", *_lines(plan), *against])


def _done(plan: "TaxonomyPlan") -> str:
    return "\n".join([f"Changed at {plan.site}:", *_lines(plan)]) if plan.does_something else "Nothing changed."


def _lines(plan: "TaxonomyPlan") -> list[str]:
    by_hand = ["the labelling interface, which was changed by hand in Label Studio, is restored"]
    follow = [f"{plan.answers} answers follow"] if plan.answers else []
    told = [*plan.changes, *follow, *(by_hand if plan.changed_by_hand else []), *plan.notes]
    return [f"- {line}" for line in told]
