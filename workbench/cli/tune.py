"""``workbench tune``: adapt the base model to a site."""

import os
from typing import TYPE_CHECKING

from rich.table import Table

from workbench.cli.console import (
    DatasetOption,
    JsonOption,
    SiteOption,
    actor_name,
    emit,
    errors,
    open_workspace,
    progress_bar,
)
from workbench.cli.recipe import RecipeArgument, SetOption

if TYPE_CHECKING:
    from workbench.tuning.tuner import Preflight


def tune(
    file: RecipeArgument,
    site: SiteOption,
    overrides: SetOption = None,
    dataset_id: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune the base model on a site's dataset, tracked in MLflow, and print the run's id and adapter."""
    # Read when torch is loaded: its threads then sleep at a barrier, and do not slow down others who share the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from workbench.workflows import tune as workflow

    with progress_bar() as progress:
        result = workflow.tune(
            open_workspace(),
            file,
            site=site,
            overrides=overrides or [],
            dataset_id=dataset_id,
            actor=actor_name(),
            progress=progress,
            announce=_announce,
        )
    best = "the last step" if result.best_step is None else f"step {result.best_step}, chosen on the validation split"
    told = (
        f"Run {result.run_id}: {result.steps} steps in {result.seconds:.0f} s, training loss {result.final_loss:.3f}; "
        f"kept {best}.\nThe adapter is in {result.adapter_dir}.\n"
        f"Next: workbench evaluate --site {site} --model {result.run_id}"
    )
    emit(result, as_json, told)


def _announce(preflight: "Preflight") -> None:
    table = Table("part", "trained", "weights", "of", title=f"Training on {preflight.base_version}")
    for part in preflight.parts:
        table.add_row(part.part, part.train, f"{part.trainable:,}", f"{part.parameters:,}")
    errors.print(table)
    learnt = ", ".join(f"{mask.learnt} of {len(mask.tokens)}" for mask in preflight.masks)
    errors.print(
        f"{preflight.steps} steps on {preflight.train_frames} frames, {preflight.validation_frames} for validation; "
        f"tokens in the loss of one frame's examples: {learnt}.",
        soft_wrap=True,
    )
