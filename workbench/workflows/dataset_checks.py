"""Check a dataset version again, with every picture read, and have the findings stand beside it."""

from collections.abc import Callable
from typing import TypeVar

from workbench.datasets import Manifest, load_manifest
from workbench.datasets.card import CARD_FILE
from workbench.datasets.checks import CHECKS_FILE, CheckReport, check_files
from workbench.datasets.disk import changed_splits, read_derived, write_derived
from workbench.datasets.leak_report import LEAKS_FILE, LeakReport
from workbench.domain import DatasetVersion, utc_now
from workbench.errors import DatasetError, StorageError
from workbench.progress import Progress, silent
from workbench.workflows.dataset_rows import gone_from
from workbench.workflows.describe_dataset import card_of, find_label_noise, findings_of
from workbench.workflows.frame_looks import looks_of
from workbench.workflows.workspace import Workspace

__all__ = ["check_dataset", "known_card", "known_checks", "known_leaks", "refused_leaks"]

_Report = TypeVar("_Report", CheckReport, LeakReport)


def check_dataset(
    workspace: Workspace, version: DatasetVersion, *, reads_pictures: bool = True, progress: Progress = silent
) -> CheckReport:
    """Return everything that is found about ``version`` as it is now, and put it and the card beside the manifest.

    Without ``reads_pictures`` they are looked up in the catalogue alone.

    Raises:
        DatasetError: The manifest is not what was built.
        StorageError: The pictures' place does not answer, or a full disk.
    """
    manifest = load_manifest(version)
    gone = gone_from(workspace, manifest.site, manifest.rows)
    changed: set[str] = set()
    if reads_pictures:
        gone, changed = _read_all(workspace, manifest, gone, progress)
    unreadable = {*gone, *changed}
    looks = looks_of(workspace, [row.frame_id for row in manifest.rows], gone=unreadable, progress=progress)
    leaks, suspects = known_leaks(version), find_label_noise(manifest.rows, looks)
    found = findings_of(workspace, manifest, suspects, compared=leaks is not None, gone=gone, changed=changed)
    findings = (*check_files(changed_splits(version, manifest)), *found)
    report = CheckReport(version.id, utc_now(), reads_pictures, findings)
    write_derived(version, CHECKS_FILE, report.text)
    write_derived(version, CARD_FILE, card_of(workspace, manifest, leaks, findings))
    return report


def known_checks(version: DatasetVersion) -> CheckReport | None:
    """Return what the last check of ``version`` found; None where there is nothing of it that can be read."""
    return _parsed(CheckReport.from_text, read_derived(version, CHECKS_FILE))


def known_leaks(version: DatasetVersion) -> LeakReport | None:
    """Return what the leak check found when ``version`` was built; None where nothing of it can be read.

    That is so of versions of earlier releases. What was allowed stands in the manifest, whatever becomes of this file.
    """
    return _parsed(LeakReport.from_text, read_derived(version, LEAKS_FILE))


def refused_leaks(workspace: Workspace, site: str) -> LeakReport | None:
    """Return what the leak check found in the last build, if that was refused and none succeeded since."""
    return _parsed(LeakReport.from_text, workspace.store.datasets.refusal(workspace.store.sites.get(site).name))


def known_card(version: DatasetVersion) -> str:
    """Return the dataset card of ``version``; DatasetError when it is gone, as it is for an earlier release's."""
    text = read_derived(version, CARD_FILE)
    if text is None:
        raise DatasetError(
            expected=f"a dataset card of version {version.id[:12]}",
            found="none",
            remedy="have it written with `workbench dataset check`",
        )
    return text


def _parsed(from_text: Callable[[str], _Report], text: str | None) -> _Report | None:
    try:
        return from_text(text) if text else None
    except ValueError:
        return None


def _read_all(
    workspace: Workspace, manifest: Manifest, gone: set[str], progress: Progress
) -> tuple[set[str], set[str]]:
    """Return the frames whose pictures are gone, and those whose pictures are not what was stored.

    StorageError when the pictures' place does not answer, which says nothing about the pictures.
    """
    broken = {"none": set(gone), "other bytes": set[str]()}
    for done, row in enumerate(manifest.rows, start=1):
        try:
            if row.frame_id not in gone:
                workspace.frame_files.read(row.frame_id)
        except StorageError as error:
            if error.found not in broken:
                raise
            broken[error.found].add(row.frame_id)
        progress(done, len(manifest.rows), "pictures read")
    return broken["none"], broken["other bytes"]
