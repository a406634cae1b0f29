"""Hand a dataset version to others: its pictures and labels in a folder of their own, in a format that they know."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.datasets import Manifest, ManifestRow, load_manifest
from workbench.datasets import export_dataset as save_with_pictures
from workbench.domain import Frame, Split
from workbench.labeling.formats.file_label import FileLabel, PictureFile
from workbench.labeling.formats.kinds import ExportFormat, Format
from workbench.labeling.formats.layouts import Layout, Said, laid_out
from workbench.models.instructions import CAPTION_INSTRUCTION, choice_instruction, class_instruction, class_text
from workbench.progress import Progress, silent
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.new_folder import require_empty, whole
from workbench.workflows.workspace import Workspace

__all__ = ["ExportReport", "export_dataset"]


@dataclass(frozen=True)
class ExportReport:
    dataset_id: str
    format: str
    folder: str
    pictures: int


def export_dataset(
    workspace: Workspace,
    site: str,
    folder: Path,
    *,
    format_: ExportFormat,
    dataset_id: str | None = None,
    actor: str,
    progress: Progress = silent,
) -> ExportReport:
    """Write the site's version (the latest when none is named) into ``folder``, whole or not at all.

    Raises:
        UsageError: There is something in ``folder`` already.
        DatasetError: Pictures of the version are gone, because they were covered since.
        StorageError: A full disk.
    """
    version = dataset_of(workspace, site, dataset_id)
    require_empty(folder)
    manifest = load_manifest(version)
    pictures = {split: load_rows(workspace, version, split) for split in Split if manifest.of(split)}
    if format_ is ExportFormat.DATASETS:
        save_with_pictures(manifest, folder, workspace.frame_files.read, progress=progress)
    else:
        layout = _layout(workspace, manifest, Format(format_.value))
        with whole(folder) as built:
            _write_texts(built, layout.texts)
            for split, rows in pictures.items():
                for done, frame in enumerate(rows, start=1):
                    _write(built / layout.pictures[frame.frame_id], frame.image_jpeg)
                    progress(done, len(rows), f"pictures of {split} written")
    report = ExportReport(version.id, format_.value, str(folder.resolve()), len(manifest.rows))
    detail = {"dataset_id": version.id, "format": format_.value, "folder": report.folder, "pictures": report.pictures}
    workspace.store.audit.append(actor=actor, action="dataset.export", subject=site, detail=detail)
    return report


def _layout(workspace: Workspace, manifest: Manifest, kind: Format) -> Layout:
    frames = workspace.store.footage.by_id(manifest.site, [row.frame_id for row in manifest.rows])
    said = [_said(row, number, frames[row.frame_id], manifest) for number, row in enumerate(manifest.rows, start=1)]
    boxes = sorted({box.label for row in manifest.rows for box in row.boxes})
    return laid_out(kind, said, class_names=manifest.class_names, boxes=boxes)


def _said(row: ManifestRow, number: int, frame: Frame, manifest: Manifest) -> Said:
    questions = [question for question in manifest.questions if question.name in row.replies]
    replies = [(choice_instruction(one.text, one.options), row.replies[one.name]) for one in questions]
    label = FileLabel(
        shown=PictureFile(row.frame_id),
        where="",
        class_name=row.class_name,
        caption=row.caption,
        boxes=row.boxes,
        asked=(
            *([(CAPTION_INSTRUCTION, row.caption)] if row.caption else []),
            (class_instruction(manifest.class_names), class_text(row.class_name)),
            *replies,
        ),
        size_wh=frame.size_wh,
    )
    asked = tuple((one.text, row.replies[one.name]) for one in questions)
    return Said(row.frame_id, number, row.split.value, label, asked)


def _write_texts(built: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        _write(built / name, text.encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
