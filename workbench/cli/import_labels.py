"""``workbench label import``."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Split
from workbench.errors import UsageError
from workbench.labeling.formats.kinds import Format

__all__ = ["import_labels"]


class Renaming(NamedTuple):
    old: str
    new: str


def renaming(text: str) -> Renaming:
    old, separator, new = text.partition("=")
    if not old.strip() or not separator:
        raise typer.BadParameter(f"expected OLD=NEW, or OLD= to leave it out, not '{text}'")
    return Renaming(old.strip(), new.strip())


def import_labels(
    labels: Annotated[Path, typer.Argument(help="File, folder or zip archive of labels, in one of the known formats.")],
    site: SiteOption,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Take the labels for this, whatever they look like.")
    ] = None,
    split: Annotated[Split | None, typer.Option("--split", help="Pin the frames to this split of a dataset.")] = None,
    renamings: Annotated[
        list[Renaming] | None,
        typer.Option(
            "--map",
            parser=renaming,
            metavar="OLD=NEW",
            help="Call a class or box of the file as the site does; OLD= leaves it out, *= all unknown ones.",
        ),
    ] = None,
    images: Annotated[
        str | None, typer.Option("--images", help="Folder of the labelled pictures, to be taken in first.")
    ] = None,
    camera: Annotated[str | None, typer.Option("--camera", help="The camera that took them.")] = None,
    known_only: Annotated[
        bool, typer.Option("--known-only", help="Leave out labels of pictures that the site does not have.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring existing labels into Label Studio: whole answers, and suggestions to complete. Twice adds nothing."""
    from workbench.workflows import import_labels as workflow

    if (images is None) != (camera is None):
        raise UsageError(
            expected="--images and --camera together",
            found="one of them",
            remedy="name the folder of the pictures and the camera that took them",
        )
    with progress_bar() as progress:
        report = workflow.import_labels(
            open_workspace(),
            workflow.LabelFile(labels.absolute(), format_, dict(renamings or ()), known_only),
            site=site,
            split=split,
            pictures=workflow.PicturesOf(images, camera) if images and camera else None,
            actor=actor_name(),
            progress=progress,
        )
    left_out = [f"Left out: {times} {what}." for what, times in report.left_out.items()]
    pictures = f"{report.pictures_added} pictures taken in, " if images else ""
    done = (
        f"{pictures}{report.rows} rows ({', '.join(report.formats)}): "
        f"{report.annotations_created} annotations created, {report.suggestions_created} suggestions to complete, "
        f"{report.already_there} already there." + (f" {report.pinned} pinned to {split}." if report.pinned else "")
    )
    emit(report, as_json, "\n".join([done, *left_out]))
