"""``workbench tune``: adapt the base model to a site."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import (
    DatasetOption,
    JsonOption,
    actor_name,
    emit,
    errors,
    open_workspace,
    progress_bar,
    warn,
)
from workbench.cli.recipe import SetOption
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.tuning.estimate import Estimate
    from workbench.tuning.search_tuner import SearchPreflight
    from workbench.tuning.tuner import Preflight

FileArgument = Annotated[Path | None, typer.Argument(help="Recipe file, such as recipes/demo.yaml.")]
TunedSiteOption = Annotated[str | None, typer.Option("--site", help="Name of the site.")]
ResumeOption = Annotated[
    str | None, typer.Option("--resume", metavar="RUN", help="Go on with this run, which was stopped.")
]
PreflightOption = Annotated[
    bool, typer.Option("--preflight", help="Show and check what would be trained, and train nothing.")
]


def tune(
    file: FileArgument = None,
    site: TunedSiteOption = None,
    overrides: SetOption = None,
    dataset_id: DatasetOption = None,
    run_to_resume: ResumeOption = None,
    only_preflight: PreflightOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tune the base model on a site's dataset, tracked in MLflow, and print the run's id and adapter."""
    if run_to_resume is not None:
        _require_nothing_else(file, site, overrides, dataset_id, only_preflight)
    else:
        _required(file, site)
    workspace = open_workspace(site)
    from workbench.workflows import tune as workflow
    from workbench.workflows.run_kinds import TUNE

    with progress_bar() as progress:
        if run_to_resume is not None:
            result = workflow.resume(
                workspace, run_to_resume, actor=actor_name(), progress=progress, announce=_announce, warn=warn
            )
        else:
            recipe, known_site = _required(file, site)
            chosen = overrides or []
            if only_preflight:
                checked = workflow.preflight(
                    workspace, recipe, site=known_site, overrides=chosen, dataset_id=dataset_id, progress=progress
                )
                emit(checked, as_json, _told(checked))
                return
            result = workflow.tune(
                workspace,
                recipe,
                site=known_site,
                overrides=chosen,
                dataset_id=dataset_id,
                actor=actor_name(),
                progress=progress,
                announce=_announce,
                warn=warn,
            )
    best = "the last step" if result.best_step is None else f"step {result.best_step}, chosen on the validation split"
    measure = "evaluate" if result.kind == TUNE else "search evaluate"
    told = (
        f"Run {result.run_id}: {result.steps} steps in {result.seconds:.0f} s, training loss {result.final_loss:.3f}; "
        f"kept {best}.\nThe adapter is in {result.adapter_dir}.\n"
        f"Next: workbench {measure} --site {result.site} --model {result.run_id}"
    )
    emit(result, as_json, told)


def _required(file: Path | None, site: str | None) -> tuple[Path, str]:
    if file is None or site is None:
        raise UsageError(
            expected="a recipe file and --site, or --resume with a run",
            found="no recipe file" if file is None else "no --site",
            remedy="run e.g. `workbench tune recipes/demo.yaml --site dock`",
        )
    return file, site


def _require_nothing_else(*given: object) -> None:
    if any(given):
        raise UsageError(
            expected="--resume alone",
            found="other choices beside it",
            remedy="leave them out: a run goes on with the recipe, site and dataset that it began with",
        )


def _announce(preflight: "Preflight | SearchPreflight") -> None:
    table = Table("part", "trained", "weights", "of", title=f"Training on {preflight.base_version}")
    for part in preflight.parts:
        table.add_row(part.part, part.train, f"{part.trainable:,}", f"{part.parameters:,}")
    errors.print(table)
    errors.print(_told(preflight), soft_wrap=True)


def _told(preflight: "Preflight | SearchPreflight") -> str:
    frames = f"{preflight.train_frames} frames, {preflight.validation_frames} for validation"
    cost = [_cost(preflight.estimate)] if preflight.estimate else []
    return "\n".join([f"{preflight.steps} steps on {frames}; {_learnt(preflight)}", *cost, *preflight.notes])


def _learnt(preflight: "Preflight | SearchPreflight") -> str:
    from workbench.tuning.search_tuner import SearchPreflight

    if not isinstance(preflight, SearchPreflight):
        learnt = ", ".join(f"{mask.learnt} of {len(mask.tokens)}" for mask in preflight.masks)
        return f"tokens in the loss of one frame's examples: {learnt}."
    once = " and ".join(tower.replace("_", " ") for tower in preflight.towers_seen_once)
    cut = f" ({preflight.captions_cut} too long to be read whole)" if preflight.captions_cut else ""
    return (
        f"{preflight.captions} different captions{cut}, "
        f"{preflight.near_copies} pairs of near-copies that are not told apart"
        f"{once and f'; what the {once} sees is computed once'}."
    )


def _cost(cost: "Estimate") -> str:
    return (
        f"About {cost.total_s / 60:.0f} min at {cost.step_s:.2f} s a step, and {cost.memory_mib / 1024:.1f} of "
        f"{cost.available_mib / 1024:.1f} GiB of memory, on {cost.device}."
    )
