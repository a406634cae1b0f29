"""``workbench site`` and ``workbench camera``."""

from typing import Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace

sites = typer.Typer(help="Sites: places that get their own adapter.", no_args_is_help=True)
cameras = typer.Typer(help="Cameras: the fixed viewpoints of a site.", no_args_is_help=True)


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
