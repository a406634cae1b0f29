"""Measure a model on held-out frames: ask it, score it, compare it with the base, and put the evidence into MLflow."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.domain import Contest, DatasetVersion, EvaluationReport, Interval, Split, utc_now
from workbench.errors import TrackingError
from workbench.evaluation import FrameResult, render_html
from workbench.evaluation.checks import Check, CheckResult
from workbench.evaluation.judging import CAPTION_RUBRIC, Rubric
from workbench.evaluation.slices import Learnt, SliceFigures, sliced
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.tracking import RunSummary
from workbench.workflows.build import dataset_of
from workbench.workflows.check_general import GeneralSkills
from workbench.workflows.check_objects import Mentions, object_words, probes_of
from workbench.workflows.check_robustness import Robustness
from workbench.workflows.checks import ModelCheck, run_check
from workbench.workflows.dataset_rows import learnt_from, load_rows, rows_learnt
from workbench.workflows.evidence_log import REPORT_FILE, Evidence
from workbench.workflows.exams import Exam, Sitting
from workbench.workflows.golden import load_golden
from workbench.workflows.judging import Answering, CaptionJudge, open_judge
from workbench.workflows.measured import GOLDEN
from workbench.workflows.predict import load_site_model
from workbench.workflows.run_kinds import MEASURE
from workbench.workflows.site_models import BASE, CHAMPION, tuned_run
from workbench.workflows.workspace import Workspace

__all__ = ["Evaluation", "evaluate"]

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
    learnt_from: int | None
    golden: EvaluationReport | None
    slices: tuple[SliceFigures, ...]
    checks: tuple[CheckResult, ...]


def evaluate(
    workspace: Workspace,
    *,
    site: str,
    model: str = CHAMPION,
    split: Split = Split.TEST,
    dataset_id: str | None = None,
    checks: Collection[Check] = (),
    judge: str | None = None,
    rubric: Rubric = CAPTION_RUBRIC,
    actor: str,
    progress: Progress = silent,
) -> Evaluation:
    """Measure ``base``, ``champion`` or the adapter of a run on one split of a dataset version (the latest by default).

    An adapter is measured beside the base that it was tuned from, on the same frames. The evidence stands in a run of
    its own, and on the tuning run as well, under ``<split>/`` and ``base_<split>/``, where promotion looks for it.
    With the test split goes the golden set in force, if the site has one: ``golden/`` and ``base_golden/``.

    ``checks`` are measured on the split as well; what captions mention always is. With a ``judge`` (a recipe's file, or
    the address of an endpoint) captions are judged by ``rubric``.
    """
    workspace.store.sites.get(site)
    workspace.tracker.require()
    opened = open_judge(workspace, judge) if judge else None
    version = dataset_of(workspace, site, dataset_id)
    exams = list(_exams(workspace, site, version, split, progress))
    tuned = tuned_run(workspace, site, model)
    learnt = learnt_from(workspace, _trained_on(tuned), exams[0].manifest_rows) if tuned else 0
    progress(0, None, "loading the model")
    asked_as = tuned.id if tuned else BASE
    vlm = load_site_model(workspace, site, asked_as)
    sittings = [exam.sit(vlm, asked_as) for exam in exams]
    evidence = _Scrutiny(sittings, vlm, tuned, opened, rubric).evidence(checks)
    held = sittings[0]
    tags = _tags(held, vlm, model, asked_as)
    with workspace.tracker.run(site, f"{model[:12]} on {split.value}", kind=MEASURE, tags=tags) as run:
        run.log_dataset(version, split.value)
        evidence.log(run)
        if learnt is not None:
            run.log_metrics({"rows_learnt_from": learnt})
    if tuned:
        with workspace.tracker.reopen(tuned.id) as tuning:
            evidence.log_on_tuning(tuning)
    golden = next((one for one in sittings if one.exam.part == GOLDEN), None)
    workspace.store.audit.append(
        actor=actor,
        action="evaluate",
        subject=site,
        detail={
            "run_id": run.id,
            "model": vlm.version,
            "dataset": version.id,
            "split": split.value,
            "golden": golden.exam.set_id if golden else "",
            "checks": [result.check.value for result in evidence.checks],
            "judge": judge or "",
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
        golden=golden.own.report if golden else None,
        slices=tuple(evidence.slices),
        checks=tuple(evidence.checks),
    )


def _exams(
    workspace: Workspace, site: str, version: DatasetVersion, split: Split, progress: Progress
) -> Iterator[Exam]:
    """Yield the split and, beside the test split, the golden set in force."""
    known_site = workspace.store.sites.get(site)
    rows = load_rows(workspace, version, split)
    yield Exam(workspace, known_site, split.value, version.id, rows, progress)
    if split is Split.TEST and workspace.store.golden_sets.all(site):
        golden, frames = load_golden(workspace, site)
        yield Exam(workspace, known_site, GOLDEN, golden.id, frames, progress)


@dataclass(frozen=True, eq=False)
class _Scrutiny:
    """What is looked at beside the figures of the first sitting."""

    sittings: list[Sitting]
    vlm: Vlm
    tuned: RunSummary | None
    judge: Answering | None
    rubric: Rubric

    def evidence(self, checks: Collection[Check]) -> Evidence:
        held = self.sittings[0]
        results = [run_check(check, self.vlm, held.own, held.base) for check in self._wanted(checks)]
        if self.judge is not None:
            judging = CaptionJudge(self._exam.workspace, self.judge, self._exam.rows, self._exam.progress, self.rubric)
            results.append(judging.result(held.own, held.base, self._contest))
        slices = sliced(held.own, held.base, learnt=self._learnt)
        pages = [_page(sitting, *((slices, results) if sitting is held else ((), ()))) for sitting in self.sittings]
        return Evidence(self.sittings, pages, slices, results)

    @property
    def _exam(self) -> Exam:
        return self.sittings[0].exam

    def _wanted(self, checks: Collection[Check]) -> Iterator[ModelCheck]:
        exam = self._exam
        words = object_words(exam.workspace, exam.site)
        yield Mentions(exam.rows, words)
        probes = probes_of(exam.rows, words, exam.progress) if Check.PROBES in checks else None
        if probes is not None:
            yield probes
        if Check.ROBUSTNESS in checks:
            yield Robustness(exam.rows, exam.site, exam.progress)
        if Check.GENERAL in checks:
            yield GeneralSkills(exam.progress)

    @property
    def _contest(self) -> Contest | None:
        """Where people may have compared this model with its base."""
        held, exam = self.sittings[0], self._exam
        if held.base is None:
            return None
        versions = held.own.report.model_version, held.base.report.model_version
        return Contest.of(exam.site.name, exam.set_id, exam.part, *versions)

    @property
    def _learnt(self) -> Learnt | None:
        workspace, site = self._exam.workspace, self._exam.site
        rows = rows_learnt(workspace, _trained_on(self.tuned)) if self.tuned else ()
        words = object_words(workspace, site)
        return Learnt.of(words, (row.caption for row in rows), (row.replies for row in rows)) if rows else None


def _page(sitting: Sitting, slices: Collection[SliceFigures], checks: Collection[CheckResult]) -> str:
    return render_html(
        sitting.own,
        site=sitting.exam.site.name,
        baseline=sitting.base,
        differences=sitting.differences,
        slices=tuple(slices),
        checks=tuple(checks),
        made_at=f"{utc_now():%Y-%m-%d %H:%M} UTC",
        is_golden=sitting.exam.part == GOLDEN,
    )


def _tags(held: Sitting, vlm: Vlm, model: str, asked_as: str) -> dict[str, str]:
    return {
        "model": model,
        "tuned_run": asked_as,
        "model_version": vlm.version,
        "base_version": held.base.report.model_version if held.base else "",
        "manner": vlm.manner,
        "split": held.exam.part,
    }


def _trained_on(tuned: RunSummary) -> str:
    return tuned.datasets.get("training", "")


def _report_path(workspace: Workspace, run_id: str) -> Path:
    path = workspace.tracker.file(run_id, REPORT_FILE)
    if path is None:
        raise TrackingError(
            expected=f"the report of run {run_id} in MLflow",
            found="none, though it was written a moment ago",
            remedy="check MLflow's artifact store",
        )
    return path
