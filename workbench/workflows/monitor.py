"""Compare what the cameras show now with what the site's model was trained on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

import numpy as np

from workbench.domain import DatasetVersion, DriftReport, Frame, LabelledFrame, Split
from workbench.drift import CameraWindows, Window, drift_reports
from workbench.footage.pictures import decode_image
from workbench.models.dual_encoder import DualEncoder, load_dual_encoder
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.store import Cursor, FrameFilter
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.predict import load_site_model
from workbench.workflows.run_kinds import DRIFT
from workbench.workflows.site_models import champion_of
from workbench.workflows.workspace import Workspace

__all__ = ["check_drift"]

_FRAMES_AT_ONCE = 64
_MOST_FRAMES = 1000
_Item = TypeVar("_Item")


def check_drift(
    workspace: Workspace,
    *,
    site: str,
    since: datetime | None = None,
    until: datetime | None = None,
    actor: str,
    progress: Progress = silent,
) -> list[DriftReport]:
    """Return one report per camera, and log each to MLflow.

    The reference are the training rows of the dataset that the champion was trained on (the latest version while there
    is no champion). The current window holds a camera's frames from ``since`` to ``until``; without either, those newer
    than the reference's last. Frames of the reference never count as current. Classes are the current model's answers
    in both windows. Of a long window at most a thousand frames are looked at, evenly spread.
    """
    known_site = workspace.store.sites.get(site)
    version = _reference_version(workspace, site)
    watcher = _Watcher(
        load_dual_encoder(workspace.settings.dual_encoder_dir),
        load_site_model(workspace, site),
        known_site.class_names,
        progress,
    )
    references = _by_camera(load_rows(workspace, version, Split.TRAIN, only_what_is_left=True))
    cameras = []
    for camera in workspace.store.sites.cameras(site):
        reference = references.get(camera.name, [])
        current = _current_frames(workspace, site, camera.name, reference, since, until)
        cameras.append(_windows(workspace, watcher, camera.name, reference, current))
    reports = drift_reports(site, cameras)
    for report in reports:
        _log(workspace, report, version, watcher.model_version)
    workspace.store.audit.append(
        actor=actor,
        action="drift.check",
        subject=site,
        detail={"dataset": version.id, "drifted": [report.camera for report in reports if report.drifted]},
    )
    return reports


class _Watcher:
    """Turns frames into windows: embeddings by the dual encoder, classes by the site's model."""

    def __init__(self, encoder: DualEncoder, vlm: Vlm, class_names: tuple[str, ...], progress: Progress) -> None:
        self._encoder, self._vlm, self._class_names, self._progress = encoder, vlm, class_names, progress
        self.model_version = vlm.version

    def look(self, frames: Sequence[Frame] | Sequence[LabelledFrame], jpegs: Sequence[bytes], what: str) -> Window:
        embeddings = [np.zeros((0, self._encoder.width), dtype=np.float32)]
        classes: list[str] = []
        for start in range(0, len(frames), _FRAMES_AT_ONCE):
            self._progress(start, len(frames), what)
            images = [decode_image(jpeg) for jpeg in jpegs[start : start + _FRAMES_AT_ONCE]]
            embeddings.append(self._encoder.embed_images(images))
            places = self._vlm.class_probabilities(images, self._class_names).argmax(axis=1)
            classes += [self._class_names[place] for place in places]
        self._progress(len(frames), len(frames), what)
        return Window(
            np.concatenate(embeddings).astype(np.float64),
            tuple(classes),
            tuple(frame.clip_id for frame in frames),
            tuple(frame.taken_at for frame in frames),
        )


def _by_camera(rows: Sequence[LabelledFrame]) -> dict[str, list[LabelledFrame]]:
    by_camera: dict[str, list[LabelledFrame]] = defaultdict(list)
    for row in rows:
        by_camera[row.camera].append(row)
    return by_camera


def _windows(
    workspace: Workspace, watcher: _Watcher, camera: str, reference: Sequence[LabelledFrame], current: Sequence[Frame]
) -> CameraWindows:
    """Look at both windows; when one of them is empty there is nothing to compare, and neither is looked at."""
    if not reference or not current:
        return CameraWindows(camera, _unseen(reference), _unseen(current))
    reference = _thinned(reference)
    jpegs = [workspace.frame_files.read(frame.id) for frame in current]
    return CameraWindows(
        camera,
        watcher.look(reference, [row.image_jpeg for row in reference], f"reference of {camera}"),
        watcher.look(current, jpegs, f"current frames of {camera}"),
    )


def _unseen(frames: Sequence[Frame] | Sequence[LabelledFrame]) -> Window:
    clip_ids, taken_at = (tuple(getattr(frame, name) for frame in frames) for name in ("clip_id", "taken_at"))
    return Window(np.zeros((len(frames), 0)), ("",) * len(frames), clip_ids, taken_at)


def _thinned(items: Sequence[_Item]) -> list[_Item]:
    places = np.linspace(0, len(items) - 1, min(len(items), _MOST_FRAMES)).round().astype(int)
    return [items[place] for place in places]


def _reference_version(workspace: Workspace, site: str) -> DatasetVersion:
    champion = champion_of(workspace, site)
    return workspace.store.datasets.get(champion.dataset_id) if champion else workspace.store.datasets.latest(site)


def _current_frames(
    workspace: Workspace,
    site: str,
    camera: str,
    reference: Sequence[LabelledFrame],
    since: datetime | None,
    until: datetime | None,
) -> list[Frame]:
    known = {row.frame_id for row in reference}
    if since is None and until is None:
        since = max((row.taken_at for row in reference), default=None)
    footage, only = workspace.store.footage, FrameFilter(camera, since, until)
    current = _thinned([frame_id for frame_id in footage.frame_ids(site, only) if frame_id not in known])
    return sorted(footage.by_id(site, current).values(), key=Cursor.of)


def _log(workspace: Workspace, report: DriftReport, version: DatasetVersion, model_version: str) -> None:
    tags = {"camera": report.camera, "model_version": model_version, "verdict": report.verdict.value}
    with workspace.tracker.run(report.site, f"drift of {report.camera}", kind=DRIFT, tags=tags) as run:
        run.log_dataset(version, "reference")
        run.log_metrics(
            {
                "reference_rows": report.reference_rows,
                "current_rows": report.current_rows,
                "drifted": float(report.drifted),
                **report.statistics,
                **{f"{test}_p": p_value for test, p_value in report.p_values.items()},
            }
        )
        run.log_json(asdict(report), "drift.json")
