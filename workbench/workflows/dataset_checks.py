"""Check a dataset version again, with every picture read, and have the findings stand beside it."""

from workbench.datasets import Manifest, load_manifest
from workbench.datasets.card import CARD_FILE
from workbench.datasets.checks import CHECKS_FILE, CheckReport, check_files
from workbench.datasets.disk import changed_splits, read_derived, write_derived
from workbench.datasets.leak_report import LEAKS_FILE, LeakOutcome, LeakReport
from workbench.domain import DatasetVersion, utc_now
from workbench.errors import DatasetError, StorageError
from workbench.progress import Progress, silent
from workbench.workflows.dataset_rows import gone_from
from workbench.workflows.describe_dataset import card_of, find_label_noise, findings_of
from workbench.workflows.frame_looks import looks_of
from workbench.workflows.workspace import Workspace

__all__ = ["check_dataset", "known_card", "known_checks", "known_leaks", "refused_leaks"]


def check_dataset(
    workspace: Workspace, version: DatasetVersion, *, reads_pictures: bool = True, progress: Progress = silent
) -> CheckReport:
    """Return everything that is found about ``version`` as it is now, and put it and the card beside the manifest.

    Without ``reads_pictures`` they are looked up in the catalogue alone. DatasetError when the manifest is not what was
    built.
    """
    manifest = load_manifest(version)
    gone = gone_from(workspace, manifest.site, manifest.rows)
    changed: set[str] = set()
    if reads_pictures:
        gone, changed = _read_all(workspace, manifest, gone, progress)
    unreadable = {*gone, *changed}
    looks = looks_of(workspace, [row.frame_id for row in manifest.rows], gone=unreadable, progress=progress)
    leaks = known_leaks(version) or LeakReport(LeakOutcome.NONE, pictures=0)
    suspects = find_label_noise(manifest.rows, looks)
    found = findings_of(workspace, manifest, leaks, suspects, gone=sorted(gone), changed=sorted(changed))
    findings = (*check_files(changed_splits(version, manifest)), *found)
    report = CheckReport(version.id, utc_now(), reads_pictures, findings)
    write_derived(version, CHECKS_FILE, report.text)
    write_derived(version, CARD_FILE, card_of(workspace, manifest, leaks, findings))
    return report


def known_checks(version: DatasetVersion) -> CheckReport | None:
    """Return what the last check of ``version`` found, None for a version of an earlier release."""
    text = read_derived(version, CHECKS_FILE)
    return CheckReport.from_text(text) if text else None


def known_leaks(version: DatasetVersion) -> LeakReport | None:
    """Return what the leak check found when ``version`` was built, None for a version of an earlier release."""
    text = read_derived(version, LEAKS_FILE)
    return LeakReport.from_text(text) if text else None


def refused_leaks(workspace: Workspace, site: str) -> LeakReport | None:
    """Return what the leak check found in the last build, if that was refused and none succeeded since."""
    text = workspace.store.datasets.refusal(workspace.store.sites.get(site).name)
    return LeakReport.from_text(text) if text else None


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


def _read_all(
    workspace: Workspace, manifest: Manifest, gone: set[str], progress: Progress
) -> tuple[set[str], set[str]]:
    """Return the frames whose pictures are gone, and those whose pictures are not what was stored."""
    changed: set[str] = set()
    gone = set(gone)
    for done, row in enumerate(manifest.rows, start=1):
        try:
            if row.frame_id not in gone:
                workspace.frame_files.read(row.frame_id)
        except StorageError as error:
            (gone if error.found == "none" else changed).add(row.frame_id)
        progress(done, len(manifest.rows), "pictures read")
    return gone, changed
