"""Whose answers about held-out frames are known: what ``evaluate`` left in MLflow, found again by model."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.domain import LabelledFrame, Split
from workbench.errors import DatasetError, NotFoundError, UsageError
from workbench.evaluation import Answers, Assessment, assess
from workbench.evaluation.beside import Beside
from workbench.evaluation.checks import CheckResult, result_from_json
from workbench.tracking import RunSummary
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.golden import load_golden
from workbench.workflows.run_kinds import MEASURE
from workbench.workflows.site_models import BASE, CHAMPION, champion_of
from workbench.workflows.workspace import Workspace

__all__ = [
    "CHECKS_FILE",
    "GOLDEN",
    "Measured",
    "StoredAnswers",
    "answers_file",
    "assessments_of",
    "measured",
    "stored_answers",
    "stored_checks",
    "two_measured",
]

GOLDEN = "golden"
CHECKS_FILE = "checks.json"


@dataclass(frozen=True)
class Measured:
    """A model's answers on one ``part`` (a split, or the golden set) of the set with that id, kept in run ``run_id``.

    ``manner`` is how it was held and asked (``Vlm.manner``). ``tuned_run`` is the run that tuned it, or ``base``;
    ``is_beside`` marks a base that was measured beside the model of that run.
    """

    site: str
    name: str
    model_version: str
    manner: str
    tuned_run: str
    part: str
    set_id: str
    run_id: str
    is_beside: bool = False

    @property
    def key(self) -> str:
        """What ``two_measured`` takes for exactly this one."""
        return f"{self.run_id}:{BASE}" if self.is_beside else self.run_id


@dataclass(frozen=True)
class StoredAnswers:
    """What a model said, in the order of ``frame_ids``."""

    frame_ids: tuple[str, ...]
    answers: Answers


def answers_file(part: str, *, is_beside: bool = False) -> str:
    """Return the artifact in which the answers on a part lie, or those of the base beside them."""
    name = "base_answers.json" if is_beside else "answers.json"
    return f"golden/{name}" if part == GOLDEN else name


def measured(workspace: Workspace, site: str) -> list[Measured]:
    """Return whose answers are known, newest first; of a model measured twice on the same frames the newest."""
    found: dict[tuple[str, str, str], Measured] = {}
    for run in workspace.tracker.runs(site, MEASURE):
        if run.state != "FINISHED":
            continue
        for one in _of_run(site, run):
            found.setdefault((one.model_version, one.part, one.set_id), one)
    return list(found.values())


def two_measured(
    workspace: Workspace, site: str, one: str, other: str, *, part: str = "test"
) -> tuple[Measured, Measured]:
    """Return two models that answered about the same frames.

    They are named by their key, by the run that measured or tuned them (the beginning of its id is enough), or as
    ``base`` or ``champion``. NotFoundError for a model that was not measured, DatasetError when the two answered about
    different frames.
    """
    workspace.store.sites.get(site)
    _require_part(part)
    first, second = (_measured(workspace, site, name, part) for name in (one, other))
    if first.model_version == second.model_version:
        raise UsageError(
            expected="two different models",
            found=f"{first.model_version} twice",
            remedy="choose another to compare with",
        )
    if first.set_id != second.set_id:
        raise DatasetError(
            expected="two models measured on the same frames",
            found=f"the {part} part of {first.set_id[:12]} and of {second.set_id[:12]}",
            remedy="evaluate both on the newest dataset version",
        )
    return first, second


def stored_answers(workspace: Workspace, model: Measured) -> StoredAnswers:
    """Return what the model said; NotFoundError where an older release did not keep it."""
    path = workspace.tracker.file(model.run_id, answers_file(model.part, is_beside=model.is_beside))
    if path is None:
        raise NotFoundError(
            expected=f"the answers of {model.model_version} in run {model.run_id}",
            found="none, as of an older release",
            remedy="evaluate the model again",
        )
    stored: Mapping[str, Sequence[str]] = json.loads(path.read_text(encoding="utf-8"))
    probabilities = np.array(stored["probabilities"], dtype=np.float64)
    names, captions = tuple(stored["class_names"]), tuple(stored["captions"])
    return StoredAnswers(tuple(stored["frame_ids"]), Answers(model.model_version, names, probabilities, captions))


def stored_checks(workspace: Workspace, model: Measured) -> list[CheckResult]:
    """Return what was measured of the model beside its answers; a base's figures stand as its own."""
    path = None if model.part == GOLDEN else workspace.tracker.file(model.run_id, CHECKS_FILE)
    if path is None:
        return []
    results = [result_from_json(stored) for stored in json.loads(path.read_text(encoding="utf-8"))]
    if not model.is_beside:
        return results
    return [
        replace(result, figures=tuple(Beside(one.name, one.base, None, None) for one in result.figures if one.base))
        for result in results
    ]


def assessments_of(workspace: Workspace, models: Sequence[Measured]) -> list[Assessment]:
    """Return the figures of models measured on the same frames, computed anew from their answers.

    All are counted over the classes that any of them chose among: the site may have gained one in between.
    """
    rows = list(_rows(workspace, models[0]))
    said = [_answers_about(workspace, model, rows) for model in models]
    class_names = tuple(dict.fromkeys(name for answers in said for name in answers.class_names))
    split = Split.TEST if models[0].part == GOLDEN else Split(models[0].part)
    return [assess(rows, answers.over(class_names), dataset_id=models[0].set_id, split=split) for answers in said]


def _answers_about(workspace: Workspace, model: Measured, rows: Sequence[LabelledFrame]) -> Answers:
    stored = stored_answers(workspace, model)
    if list(stored.frame_ids) != [row.frame_id for row in rows]:
        raise DatasetError(
            expected=f"the frames that {model.name} was measured on",
            found="others, as pictures were covered since",
            remedy="evaluate the model again",
        )
    return stored.answers


def _rows(workspace: Workspace, model: Measured) -> Sequence[LabelledFrame]:
    if model.part == GOLDEN:
        return load_golden(workspace, model.site, model.set_id)[1]
    return load_rows(workspace, workspace.store.datasets.get(model.set_id), Split(model.part))


def _measured(workspace: Workspace, site: str, name: str, part: str) -> Measured:
    if name == CHAMPION:
        champion = champion_of(workspace, site)
        name = champion.run_id if champion else BASE
    known = [one for one in measured(workspace, site) if one.part == part]
    found = next((one for one in known if name in (one.key, one.tuned_run)), None) or _begun(known, name)
    if found is None:
        split = Split.TEST.value if part == GOLDEN else part
        remedy = f"run `workbench evaluate --site {site} --model {name} --split {split}` first"
        if part == GOLDEN and not workspace.store.golden_sets.all(site):
            remedy = "have a reviewer freeze a golden set, then evaluate both models on the test split"
        raise NotFoundError(
            expected=f"a model that was measured on the {part} part, by the id of its run", found=name, remedy=remedy
        )
    return found


def _begun(known: Sequence[Measured], name: str) -> Measured | None:
    """Return whose run's id begins with ``name``, as measured last; UsageError when there are several."""
    runs = {one: {one.run_id, one.tuned_run} - {BASE} for one in known if name and not one.is_beside}
    found = [one for one, ids in runs.items() if any(id_.startswith(name) for id_ in ids)]
    if len({one.tuned_run for one in found}) > 1:
        raise UsageError(
            expected=f"the beginning of one run's id as {name}",
            found=", ".join(dict.fromkeys(one.tuned_run[:12] for one in found)),
            remedy="give more of it",
        )
    return found[0] if found else None


def _require_part(part: str) -> None:
    parts = [*(split.value for split in Split), GOLDEN]
    if part not in parts:
        raise UsageError(
            expected=f"a part of what models are measured on: {', '.join(parts)}", found=part, remedy="choose one"
        )


def _of_run(site: str, run: RunSummary) -> Iterator[Measured]:
    """Yield whom a run measured: a model, and its base where the run asked that as well."""
    split, manner = run.tags.get("split", ""), run.tags.get("manner", "")
    version, base = run.tags.get("model_version", ""), run.tags.get("base_version", "")
    tuned = run.tags.get("tuned_run", run.tags.get("model", ""))
    sets = {split: run.datasets.get(split, ""), GOLDEN: run.tags.get(f"{GOLDEN}.dataset_id", "")}
    for part, set_id in sets.items():
        if part and set_id:
            yield Measured(site, run.name, version, manner, tuned, part, set_id, run.id)
            if base:
                yield Measured(site, BASE, base, manner, BASE, part, set_id, run.id, is_beside=True)
