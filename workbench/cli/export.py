"""``workbench dataset export``."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import DatasetOption, JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.labeling.formats.kinds import ExportFormat

__all__ = ["export_dataset"]


def export_dataset(
    folder: Annotated[Path, typer.Argument(help="Folder to write: a new or an empty one.")],
    site: SiteOption,
    format_: Annotated[ExportFormat, typer.Option("--format", help="How others are to read it.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset version with its pictures for other tools: COCO, chat JSONL, `datasets` on disk and others."""
    from workbench.workflows import export as workflow

    with progress_bar() as progress:
        report = workflow.export_dataset(
            open_workspace(), site, folder, format_=format_, dataset_id=dataset, actor=actor_name(), progress=progress
        )
    emit(
        report,
        as_json,
        f"{report.pictures} pictures of dataset {report.dataset_id[:12]} are now {report.format} in {report.folder}.",
    )
