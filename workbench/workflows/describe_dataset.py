"""What is told of a dataset version: its card, its leak report and what its checks found, beside its manifest."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from workbench.datasets import Manifest, ManifestRow, save_dataset
from workbench.datasets.card import CARD_FILE, CardFacts, write_card
from workbench.datasets.checks import CHECKS_FILE, CheckReport, Finding, check_captions, check_manifest, check_pictures
from workbench.datasets.leak_report import LEAKS_FILE, LeakReport
from workbench.datasets.looks import Looks
from workbench.datasets.suspects import Suspects, find_suspects
from workbench.domain import Interval, utc_now
from workbench.progress import Progress
from workbench.statistics.clusters import clusters_of
from workbench.workflows.leak_check import LeakCheck
from workbench.workflows.workspace import Workspace

__all__ = ["card_of", "find_label_noise", "findings_of", "save_version"]


def save_version(
    workspace: Workspace, manifest: Manifest, check: LeakCheck, leaks: LeakReport, *, progress: Progress
) -> Path:
    """Check the version and write its folder, whole or not at all; return the folder."""
    places = {row.frame_id: place for place, row in enumerate(check.rows)}
    looks = check.looks.of(np.array([places[row.frame_id] for row in manifest.rows], np.intp))
    progress(0, None, "looking for label noise")
    findings = findings_of(workspace, manifest, find_label_noise(manifest.rows, looks))
    report = CheckReport(manifest.id, utc_now(), pictures_read=False, findings=findings)
    derived = {
        CARD_FILE: card_of(workspace, manifest, leaks, findings),
        CHECKS_FILE: report.text,
        LEAKS_FILE: leaks.text,
    }
    return save_dataset(manifest, workspace.settings.datasets_dir, derived, progress=progress)


def findings_of(
    workspace: Workspace,
    manifest: Manifest,
    suspects: Suspects,
    *,
    compared: bool = True,
    gone: Collection[str] = (),
    changed: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return everything that is found about the version, failures first."""
    guide = workspace.store.sites.taxonomy(manifest.site).caption_guide
    found = [
        *check_pictures(manifest.rows, gone, changed),
        *check_manifest(manifest, suspects, compared=compared),
        *check_captions(manifest.rows, guide),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity))


def find_label_noise(rows: Sequence[ManifestRow], looks: Looks) -> Suspects:
    """Return the rows whose class may be wrong; those without a picture are not judged."""
    known = np.flatnonzero(looks.known)
    judged = [rows[place] for place in known]
    stretches = clusters_of([row.clip_id for row in judged], [row.taken_at for row in judged])[:, 1]
    suspects = find_suspects(looks.embeddings[known], [row.class_name for row in judged], stretches)
    return suspects.at(known)


def card_of(workspace: Workspace, manifest: Manifest, leaks: LeakReport | None, findings: Sequence[Finding]) -> str:
    cameras = [camera.name for camera in workspace.store.sites.cameras(manifest.site)]
    return write_card(manifest, CardFacts(cameras, leaks, findings, _agreement(workspace, manifest)))


def _agreement(workspace: Workspace, manifest: Manifest) -> Mapping[str, Interval]:
    """Return how far labellers agree, as it is now, where several people looked at some frame."""
    if not any(len(row.annotators) > 1 for row in manifest.rows):
        return {}
    from workbench.workflows.agreement import measure_agreement

    overall = measure_agreement(workspace.store, manifest.site).overall
    told = {
        "Classes, Krippendorff's alpha (1: always, 0: as by chance)": overall.classes.coefficient,
        "Classes, share of equal pairs of answers": overall.classes.share,
        "Captions, consensus CIDEr (0 to 10)": overall.captions,
    }
    return {name: interval for name, interval in told.items() if interval is not None}
