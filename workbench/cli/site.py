"""``workbench site`` and ``workbench camera``."""

from typing import Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Mask, MaskStyle

sites = typer.Typer(help="Sites: places that get their own adapter.", no_args_is_help=True)
cameras = typer.Typer(help="Cameras: the fixed viewpoints of a site.", no_args_is_help=True)


def outline(text: str) -> tuple[tuple[float, float], ...]:
    """Return the corners in ``0,0 0.3,0 0.3,1``: parts of the view's width and height."""
    try:
        return tuple((float(u), float(v)) for u, v in (corner.split(",") for corner in text.split()))
    except ValueError as exc:
        raise typer.BadParameter(f"expected corners such as '0,0 0.3,0 0.3,1 0,1', but found {text!r}") from exc


@sites.command("add")
def add_site(
    name: Annotated[str, typer.Argument(help="Name of the site; its registered model bears it too.")],
    classes: Annotated[str, typer.Option("--classes", help="The classes a frame can have: a,b,c.")],
    as_json: JsonOption = False,
) -> None:
    """Add a site with the classes that its frames are told apart by."""
    from workbench.workflows import sites as workflow

    names = [part.strip() for part in classes.split(",") if part.strip()]
    site = workflow.add_site(open_workspace(), name, names, actor=actor_name())
    emit(site, as_json, f"Site {site.name} has the classes {', '.join(site.class_names)}.")


@sites.command("list")
def list_sites(as_json: JsonOption = False) -> None:
    """List the sites, their classes and cameras."""
    store = open_workspace().store
    cameras_of = {site: store.sites.cameras(site.name) for site in store.sites.all()}
    lines = [
        f"{site.name}: classes {', '.join(site.class_names)}; "
        f"cameras {', '.join(camera.name for camera in seen) or '(none)'}"
        for site, seen in cameras_of.items()
    ]
    found = [{"site": site, "cameras": seen} for site, seen in cameras_of.items()]
    emit(found, as_json, "\n".join(lines) or "No site yet: add one with `workbench site add NAME --classes a,b,c`.")


@cameras.command("add")
def add_camera(
    name: Annotated[str, typer.Argument(help="Name of the camera.")], site: SiteOption, as_json: JsonOption = False
) -> None:
    """Add a camera to a site."""
    from workbench.workflows import sites as workflow

    camera = workflow.add_camera(open_workspace(), site, name, actor=actor_name())
    emit(camera, as_json, f"Camera {camera.name} belongs to site {camera.site}.")


@cameras.command("list")
def list_cameras(site: SiteOption, as_json: JsonOption = False) -> None:
    """List a site's cameras and what of their views is hidden."""
    store = open_workspace().store
    store.sites.get(site)
    known = store.sites.cameras(site)
    table = Table("camera", "masks", "faces")
    for camera in known:
        table.add_row(camera.name, str(len(camera.masks)), "hidden" if camera.hides_faces else "shown")
    emit(known, as_json, table if known else "No camera yet: add one with `workbench camera add`.")


@cameras.command("hide")
def hide(
    name: Annotated[str, typer.Argument(help="Name of the camera.")],
    site: SiteOption,
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="CORNERS", help="A mask's corners as parts of the view: '0,0 0.3,0 0.3,1'."),
    ] = None,
    style: Annotated[MaskStyle, typer.Option(help="How the areas are covered.")] = MaskStyle.BLACK,
    faces: Annotated[bool, typer.Option("--faces", help="Blur the faces that can be found, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what of a camera's view nobody is to see; this replaces what was said before.

    Stills that were taken already are covered as well, in the store and in Label Studio. What was covered stays so.
    """
    from workbench.workflows import privacy as workflow

    masks = [Mask(outline(corners), style) for corners in area or ()]
    with progress_bar() as progress:
        report = workflow.hide(
            open_workspace(), site=site, camera=name, masks=masks, faces=faces, actor=actor_name(), progress=progress
        )
    told = [f"{len(masks)} masks hide parts of {name}; {report.stills_covered} stills were covered."]
    if report.datasets:
        told.append(f"Uncovered copies may remain in the datasets {', '.join(name[:12] for name in report.datasets)}.")
    emit(report, as_json, "\n".join([*told, *report.problems]))
    if report.problems:
        raise typer.Exit(1)
