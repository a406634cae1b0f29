"""``workbench sweep``: try several recipes for a site."""

from typing import Annotated

import typer
from rich.table import Table

from workbench.cli.console import (
    DatasetOption,
    JsonOption,
    SiteOption,
    actor_name,
    emit,
    open_workspace,
    progress_bar,
    warn,
)
from workbench.cli.recipe import RecipeArgument, SetOption

TryOption = Annotated[
    list[str],
    typer.Option(
        "--try",
        metavar="KEY=VALUES",
        help="Choices (lora.r=8,16) or a range (lora.r=4..64, with :log behind it on a logarithmic scale); repeatable.",
        show_default=False,
    ),
]
TrialsOption = Annotated[
    int | None, typer.Option(min=1, help="So many trials, proposed by Optuna; without it every combination is tried.")
]


def sweep(
    file: RecipeArgument,
    site: SiteOption,
    space: TryOption,
    trials: TrialsOption = None,
    overrides: SetOption = None,
    dataset_id: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune once for each of several choices, below one run in MLflow, and tell which was best on validation."""
    workspace = open_workspace(site)
    from workbench.workflows import sweep as workflow

    with progress_bar() as progress:
        result = workflow.sweep(
            workspace,
            file,
            site=site,
            space=space,
            trials=trials,
            overrides=overrides or [],
            dataset_id=dataset_id,
            actor=actor_name(),
            progress=progress,
            warn=warn,
        )
    table = Table("trial", "tried", result.metric, "run", title=f"Sweep {result.run_id}")
    for trial in result.trials:
        score = trial.failure if trial.score is None else f"{abs(trial.score):.3f}"
        best = " (best)" if trial is result.best else ""
        table.add_row(f"{trial.number}{best}", ", ".join(trial.overrides), score, (trial.run_id or "")[:12])
    emit(result, as_json, table)
