"""Measure a model on held-out frames: ask it, score it, compare it with the base, and put the evidence into MLflow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.domain import EvaluationReport, Interval, LabelledFrame, Site, Split, utc_now
from workbench.errors import TrackingError
from workbench.evaluation import Answers, Assessment, FrameResult, assess, compare, render_html
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.tracking import RunLog
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import learnt_from, load_rows
from workbench.workflows.golden import load_golden
from workbench.workflows.predict import BASE, CHAMPION, decode_image, load_site_model, tuned_run
from workbench.workflows.workspace import Workspace

__all__ = ["GOLDEN", "Evaluation", "evaluate"]

GOLDEN = "golden"
_KIND = "evaluate"
_REPORT = "report/report.html"
_ROWS_AT_ONCE = 64
_WORST_FRAMES = 12


@dataclass(frozen=True)
class Evaluation:
    """``baseline`` and ``differences`` (paired, this model minus the base) are empty when the base was measured.

    ``learnt_from`` of the frames the model was tuned on, as on an older version that had them in another split: its
    figures flatter it. None where that version is gone. ``golden`` is what came out on the site's golden set.
    """

    report: EvaluationReport
    run_id: str
    html_path: Path
    worst_frames: tuple[FrameResult, ...]
    baseline: EvaluationReport | None
    differences: Mapping[str, Interval]
    learnt_from: int | None = 0
    golden: EvaluationReport | None = None


def evaluate(
    workspace: Workspace,
    *,
    site: str,
    model: str = CHAMPION,
    split: Split = Split.TEST,
    dataset_id: str | None = None,
    actor: str,
    progress: Progress = silent,
) -> Evaluation:
    """Measure ``base``, ``champion`` or the adapter of a run on one split of a dataset version (the latest by default).

    An adapter is measured beside the base that it was tuned from, on the same frames. The evidence stands in a run of
    its own, and on the tuning run as well, under ``<split>/`` and ``base_<split>/``, where promotion looks for it.
    With the test split goes the golden set in force, if the site has one: ``golden/`` and ``base_golden/``.
    """
    known_site = workspace.store.sites.get(site)
    version = dataset_of(workspace, site, dataset_id)
    rows = load_rows(workspace, version, split)
    exams = [_Exam(workspace, known_site, split.value, version.id, rows, progress)]
    if split is Split.TEST and workspace.store.golden_sets.all(site):
        golden, golden_frames = load_golden(workspace, site)
        exams.append(_Exam(workspace, known_site, GOLDEN, golden.id, golden_frames, progress))
    tuned = tuned_run(workspace, site, model)
    learnt = learnt_from(workspace, tuned.datasets.get("training", ""), rows.rows) if tuned else 0
    progress(0, None, "loading the model")
    vlm = load_site_model(workspace, site, tuned.id if tuned else BASE)
    held, *of_golden = [exam.sit(vlm) for exam in exams]
    tags = {"model": model, "model_version": vlm.version, "manner": vlm.manner, "split": split.value}
    with workspace.tracker.run(site, f"{model[:12]} on {split.value}", kind=_KIND, tags=tags) as run:
        run.log_dataset(version, split.value)
        run.log_metrics({"rows": held.own.report.rows, **_flat(held.own.report)})
        if learnt is not None:
            run.log_metrics({"rows_learnt_from": learnt})
        run.log_table(_table(held.own), "predictions.json")
        for sitting in (held, *of_golden):
            run.log_json(_answers_to_json(sitting.answers, sitting.exam.rows), sitting.exam.answers_file)
            run.log_text(sitting.html, sitting.exam.report_file)
        for sitting in of_golden:
            _log_evidence(run, GOLDEN, sitting.own.report)
    if tuned:
        _log_on_tuning_run(workspace, tuned.id, [held, *of_golden])
    workspace.store.audit.append(
        actor=actor,
        action="evaluate",
        subject=site,
        detail={
            "run_id": run.id,
            "model": vlm.version,
            "dataset": version.id,
            "split": split.value,
            "golden": of_golden[0].exam.set_id if of_golden else "",
        },
    )
    return Evaluation(
        report=held.own.report,
        run_id=run.id,
        html_path=_report_path(workspace, run.id),
        worst_frames=held.own.worst_frames(_WORST_FRAMES),
        baseline=held.base.report if held.base else None,
        differences=held.differences,
        learnt_from=learnt,
        golden=of_golden[0].own.report if of_golden else None,
    )


@dataclass(frozen=True, eq=False)
class _Exam:
    """The frames of one ``part`` (a split, or the golden set) of what has this id, to be put to a model."""

    workspace: Workspace
    site: Site
    part: str
    set_id: str
    rows: Sequence[LabelledFrame]
    progress: Progress

    @property
    def answers_file(self) -> str:
        return "golden/answers.json" if self.part == GOLDEN else "answers.json"

    @property
    def report_file(self) -> str:
        return "report/golden.html" if self.part == GOLDEN else _REPORT

    def sit(self, vlm: Vlm) -> "_Sitting":
        """Measure the model, and the base that it was tuned from, which need not be asked twice."""
        answers = self._ask(vlm)
        own = self._assess(answers)
        with vlm.without_adapter() as base:
            baseline = self._assess(self._remembered(base) or self._ask(base)) if base else None
        differences = compare(own, baseline) if baseline else {}
        html = render_html(
            own,
            site=self.site.name,
            baseline=baseline,
            differences=differences,
            made_at=f"{utc_now():%Y-%m-%d %H:%M} UTC",
            is_golden=self.part == GOLDEN,
        )
        return _Sitting(self, answers, own, baseline, differences, html)

    def _assess(self, answers: Answers) -> Assessment:
        split = Split.TEST if self.part == GOLDEN else Split(self.part)
        return assess(self.rows, answers, dataset_id=self.set_id, split=split)

    def _ask(self, vlm: Vlm) -> Answers:
        return _ask(vlm, self.rows, self.site.class_names, self.progress)

    def _remembered(self, vlm: Vlm) -> Answers | None:
        tracker = self.workspace.tracker
        for run in tracker.runs(self.site.name, _KIND):
            if (
                run.state == "FINISHED"
                and (run.tags.get("model_version"), run.tags.get("manner")) == (vlm.version, vlm.manner)
                and self.set_id in (run.datasets.get(self.part), run.tags.get(f"{self.part}.dataset_id"))
                and (path := tracker.file(run.id, self.answers_file)) is not None
            ):
                answers = _json_to_answers(json.loads(path.read_text()), self.rows)
                if answers is not None and answers.class_names == self.site.class_names:
                    return answers
        return None


@dataclass(frozen=True, eq=False)
class _Sitting:
    """What came out when a model sat an exam; ``differences`` are paired, its own figures minus the base's."""

    exam: _Exam
    answers: Answers
    own: Assessment
    base: Assessment | None
    differences: Mapping[str, Interval]
    html: str


def _ask(vlm: Vlm, rows: Sequence[LabelledFrame], class_names: tuple[str, ...], progress: Progress) -> Answers:
    """Return the model's answers; class answers are chosen among ``class_names`` by likelihood."""
    what = f"frames answered by {vlm.version}"
    probabilities = [np.zeros((0, len(class_names)))]
    captions: list[str] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        progress(start, len(rows), what)
        images = [decode_image(row.image_jpeg) for row in rows[start : start + _ROWS_AT_ONCE]]
        probabilities.append(vlm.class_probabilities(images, class_names))
        captions += vlm.generate_captions(images)
    progress(len(rows), len(rows), what)
    return Answers(vlm.version, class_names, np.concatenate(probabilities), tuple(captions))


def _answers_to_json(answers: Answers, rows: Sequence[LabelledFrame]) -> dict[str, object]:
    return {
        "model_version": answers.model_version,
        "class_names": list(answers.class_names),
        "frame_ids": [row.frame_id for row in rows],
        "probabilities": answers.probabilities.tolist(),
        "captions": list(answers.captions),
    }


def _json_to_answers(stored: Mapping[str, list[str]], rows: Sequence[LabelledFrame]) -> Answers | None:
    """Return the answers if they are for exactly ``rows``."""
    if stored["frame_ids"] != [row.frame_id for row in rows]:
        return None
    probabilities = np.array(stored["probabilities"], dtype=np.float64)
    version, names = str(stored["model_version"]), tuple(stored["class_names"])
    return Answers(version, names, probabilities, tuple(stored["captions"]))


def _table(assessment: Assessment) -> list[dict[str, object]]:
    return [
        {
            "frame_id": result.frame.frame_id,
            "camera": result.frame.camera,
            "taken_at": result.frame.taken_at.isoformat(),
            "true_class": result.frame.class_name,
            "class": result.class_name,
            "probability": round(result.probability, 4),
            "reference": result.frame.caption,
            "caption": result.caption,
            "cider": round(result.cider, 4),
        }
        for result in assessment.frames
    ]


def _flat(report: EvaluationReport) -> dict[str, float]:
    """Return every figure of a report with its bounds, by the names under which MLflow keeps them."""
    figures = dict(report.metrics)
    for camera, metrics in report.by_camera.items():
        figures |= {f"camera/{camera}/{name}": interval for name, interval in metrics.items()}
    flat: dict[str, float] = {}
    for name, interval in figures.items():
        flat |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return flat


def _log_on_tuning_run(workspace: Workspace, run_id: str, sittings: Sequence[_Sitting]) -> None:
    with workspace.tracker.reopen(run_id) as run:
        for one in sittings:
            _log_evidence(run, one.exam.part, one.own.report)
            if one.base is not None:
                _log_evidence(run, f"base_{one.exam.part}", one.base.report)
            run.log_text(one.html, one.exam.report_file)


def _log_evidence(run: RunLog, prefix: str, report: EvaluationReport) -> None:
    figures = {"rows": float(report.rows), **_flat(report)}
    run.log_metrics({f"{prefix}/{name}": value for name, value in figures.items()})
    run.log_tags({f"{prefix}.dataset_id": report.dataset_id})


def _report_path(workspace: Workspace, run_id: str) -> Path:
    path = workspace.tracker.file(run_id, _REPORT)
    if path is None:
        raise TrackingError(
            expected=f"the report of run {run_id} in MLflow",
            found="none, though it was written a moment ago",
            remedy="check MLflow's artifact store",
        )
    return path
