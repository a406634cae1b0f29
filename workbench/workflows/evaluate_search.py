"""Measure a dual encoder on held-out frames: search in both directions and zero-shot classes, beside the base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain import EvaluationReport, Interval, LabelledFrame, Split
from workbench.errors import DatasetError
from workbench.footage.pictures import decode_image
from workbench.models.dual_encoder import DualEncoder, Embeddings
from workbench.models.ranking import rank_search
from workbench.progress import Progress, silent
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of, paired_difference
from workbench.statistics.statistic import Bools, Integers, Statistic, mean_of
from workbench.tracking import RunLog
from workbench.tuning.pairs import PairLabels
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import learnt_from, load_rows
from workbench.workflows.run_kinds import MEASURE_SEARCH
from workbench.workflows.search_encoder import CURRENT, load_site_encoder
from workbench.workflows.workspace import Workspace

__all__ = ["SearchEvaluation", "evaluate_search"]

_AT_ONCE = 64


@dataclass(frozen=True)
class SearchEvaluation:
    """``baseline`` and ``differences`` (paired, this model minus the base) are empty when the base was measured.

    ``captions`` are the different ones among which a frame's was looked for. ``learnt_from`` of the frames the model
    was tuned on: its figures flatter it; None where that version is gone.
    """

    report: EvaluationReport
    run_id: str
    captions: int
    baseline: EvaluationReport | None
    differences: Mapping[str, Interval]
    learnt_from: int | None = 0


def evaluate_search(
    workspace: Workspace,
    *,
    site: str,
    model: str = CURRENT,
    split: Split = Split.TEST,
    dataset_id: str | None = None,
    actor: str,
    progress: Progress = silent,
) -> SearchEvaluation:
    """Measure ``base``, ``current`` or the adapter of a run on one split of a dataset version (the latest by default).

    A text is found when a frame with that very caption is; classes are told by the contract's prompts alone. The
    evidence stands in a run of its own, and on the tuning run as well, under ``<split>/`` and ``base_<split>/``.
    """
    class_names = workspace.store.sites.get(site).class_names
    version = dataset_of(workspace, site, dataset_id)
    rows = load_rows(workspace, version, split)
    searcher = load_site_encoder(workspace, site, model)
    exam = _Exam(list(rows), class_names, version.id, split, progress)
    own, untuned = exam.sit(searcher.encoder), searcher.untuned()
    baseline = exam.sit(untuned) if untuned else None
    learnt: int | None = 0
    if searcher.run is not None:
        learnt = learnt_from(workspace, searcher.run.datasets.get("training", ""), rows.rows)
    tags = {"model": model, "model_version": searcher.encoder.version, "split": split.value}
    with workspace.tracker.run(site, f"{model[:12]} on {split.value}", kind=MEASURE_SEARCH, tags=tags) as run:
        run.log_dataset(version, split.value)
        run.log_metrics({"rows": own.report.rows, **_flat(own.report)})
        if learnt is not None:
            run.log_metrics({"rows_learnt_from": learnt})
        run.log_table(own.table, "frames.json")
    if searcher.run is not None and baseline is not None:
        with workspace.tracker.reopen(searcher.run.id) as tuning_run:
            _log_evidence(tuning_run, split.value, own.report)
            _log_evidence(tuning_run, f"base_{split.value}", baseline.report)
    detail = {"run_id": run.id, "model": searcher.encoder.version, "dataset": version.id, "split": split.value}
    workspace.store.audit.append(actor=actor, action="evaluate.search", subject=site, detail=detail)
    return SearchEvaluation(
        report=own.report,
        run_id=run.id,
        captions=own.captions,
        baseline=baseline.report if baseline else None,
        differences=exam.compare(own, baseline) if baseline else {},
        learnt_from=learnt,
    )


@dataclass(frozen=True, eq=False)
class _Sitting:
    report: EvaluationReport
    statistics: Mapping[str, Statistic]
    captions: int
    table: Sequence[Mapping[str, object]]


@dataclass(frozen=True, eq=False)
class _Exam:
    """The frames of one split, to be put to an encoder; DatasetError when there are none."""

    frames: Sequence[LabelledFrame]
    class_names: tuple[str, ...]
    dataset_id: str
    split: Split
    progress: Progress

    def __post_init__(self) -> None:
        if not self.frames:
            raise DatasetError(
                expected=f"frames in the {self.split} split",
                found="none",
                remedy="label more clips, or build the dataset with some pinned to this split",
            )

    def sit(self, encoder: DualEncoder) -> _Sitting:
        labels = PairLabels.of(self.frames, self.class_names)
        ranks = rank_search(
            self._images(encoder),
            encoder.embed_texts(labels.captions),
            encoder.embed_classes(self.class_names),
            caption_of=labels.caption_of.numpy(),
            class_of=labels.class_of.numpy(),
        )
        statistics = {
            name: mean_of(name, parts, is_share=not name.endswith("mrr")) for name, parts in ranks.figures().items()
        }
        everything = np.ones(len(self.frames), dtype=np.bool_)
        cameras = sorted({frame.camera for frame in self.frames})
        report = EvaluationReport(
            model_version=encoder.version,
            dataset_id=self.dataset_id,
            split=self.split,
            rows=len(self.frames),
            metrics=self._intervals(statistics, everything),
            by_camera={
                name: self._intervals(statistics, np.array([frame.camera == name for frame in self.frames]))
                for name in cameras
            },
        )
        table = [
            {
                "frame_id": frame.frame_id,
                "camera": frame.camera,
                "caption": frame.caption,
                "class": frame.class_name,
                "is_class_right": bool(right),
                "rank_of_frame": int(by_text),
                "rank_of_caption": int(by_image),
            }
            for frame, right, by_text, by_image in zip(
                self.frames, ranks.is_class_right, ranks.text_to_image, ranks.image_to_text, strict=True
            )
        ]
        return _Sitting(report, statistics, len(labels.captions), table)

    def compare(self, own: _Sitting, baseline: _Sitting) -> dict[str, Interval]:
        clusters = _clusters(self.frames)
        return {
            name: paired_difference(statistic, baseline.statistics[name], clusters)
            for name, statistic in own.statistics.items()
        }

    def _intervals(self, statistics: Mapping[str, Statistic], chosen: Bools) -> dict[str, Interval]:
        clusters = _clusters([frame for frame, is_chosen in zip(self.frames, chosen, strict=True) if is_chosen])
        return {name: interval_of(statistic.of_rows(chosen), clusters) for name, statistic in statistics.items()}

    def _images(self, encoder: DualEncoder) -> Embeddings:
        parts = []
        for start in range(0, len(self.frames), _AT_ONCE):
            self.progress(start, len(self.frames), f"frames embedded by {encoder.version}")
            some = self.frames[start : start + _AT_ONCE]
            parts.append(encoder.embed_images([decode_image(frame.image_jpeg) for frame in some]))
        self.progress(len(self.frames), len(self.frames), f"frames embedded by {encoder.version}")
        return np.concatenate(parts)


def _clusters(frames: Sequence[LabelledFrame]) -> Integers:
    return clusters_of([frame.clip_id for frame in frames], [frame.taken_at for frame in frames])


def _flat(report: EvaluationReport) -> dict[str, float]:
    """Return every figure of a report with its bounds, by the names under which MLflow keeps them."""
    figures = dict(report.metrics)
    for camera, metrics in report.by_camera.items():
        figures |= {f"camera/{camera}/{name}": interval for name, interval in metrics.items()}
    flat: dict[str, float] = {}
    for name, interval in figures.items():
        flat |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return flat


def _log_evidence(run: RunLog, prefix: str, report: EvaluationReport) -> None:
    figures = {"rows": float(report.rows), **_flat(report)}
    run.log_metrics({f"{prefix}/{name}": value for name, value in figures.items()})
    run.log_tags({f"{prefix}.dataset_id": report.dataset_id})
