"""``workbench site`` and ``workbench camera``."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.cli.footage import (
    DistinctOption,
    PerCameraOption,
    PerHourOption,
    emit_sampling,
    seconds,
    selection_rules,
)
from workbench.domain import Mask, MaskStyle, Taking
from workbench.errors import StorageError

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
    classes: Annotated[str | None, typer.Option("--classes", help="The classes a frame can have: a,b,c.")] = None,
    taxonomy: Annotated[
        Path | None, typer.Option("--taxonomy", help="Or a taxonomy file, with the classes and all that is asked.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a site with the classes that its frames are told apart by."""
    from workbench.labeling.taxonomy_file import read_taxonomy
    from workbench.workflows import sites as workflow

    if (classes is None) == (taxonomy is None):
        raise typer.BadParameter("give either --classes or --taxonomy")
    whole = read_taxonomy(taxonomy) if taxonomy else None
    names = whole.class_names if whole else [part.strip() for part in (classes or "").split(",") if part.strip()]
    site = workflow.add_site(open_workspace(), name, names, taxonomy=whole, actor=actor_name())
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
    name: Annotated[str, typer.Argument(help="Name of the camera.")],
    site: SiteOption,
    stream: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where it streams (rtsp://…); - asks for it, unseen.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a camera to a site, or give one that is known another address.

    An address on the command line can be seen by other users of this machine: with a password in it, give - instead.
    """
    from workbench.workflows import sites as workflow

    address = _asked_address() if stream == "-" else stream
    camera = workflow.add_camera(open_workspace(), site, name, stream=address, actor=actor_name())
    emit(camera, as_json, f"Camera {camera.name} belongs to site {camera.site}.")


@cameras.command("list")
def list_cameras(site: SiteOption, as_json: JsonOption = False) -> None:
    """List a site's cameras, where they stream, how that is doing, and what of their views is hidden."""
    from workbench.workflows.record import is_going_on

    store = open_workspace().store
    store.sites.get(site)
    addresses, recordings = store.streams.addresses(site), store.streams.recordings(site)
    table = Table("camera", "masks", "faces", "streams at", "recording")
    found = []
    for camera in store.sites.cameras(site):
        recording = recordings.get(camera.name)
        state = recording.kind.value if recording and is_going_on(recording) else "no"
        faces = "hidden" if camera.hides_faces else "shown"
        table.add_row(camera.name, str(len(camera.masks)), faces, addresses.get(camera.name, ""), state)
        found.append({**vars(camera), "stream": addresses.get(camera.name), "recording": recording})
    emit(found, as_json, table if found else "No camera yet: add one with `workbench camera add`.")


@cameras.command("try")
def try_camera(
    name: Annotated[str, typer.Argument(help="Name of the camera.")],
    site: SiteOption,
    stream: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Try this address instead of its own; - asks for it, unseen.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the first picture to this JPEG file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Connect to a camera's stream and tell what its first picture is; nothing is stored."""
    from workbench.workflows import sites as workflow

    address = _asked_address() if stream == "-" else stream
    probe = workflow.try_stream(open_workspace(), site=site, camera=name, stream=address)
    if out is not None:
        _write(out, probe.jpeg.content)
    width, height = probe.size_wh
    shown = {
        "width": width,
        "height": height,
        "codec": probe.codec_name,
        "announced_fps": probe.announced_fps,
        "first_picture_s": round(probe.first_picture_s, 2),
    }
    fps = f"{probe.announced_fps:g} frames a second" if probe.announced_fps else "no frame rate announced"
    told = f"{width} x {height}, {probe.codec_name}, {fps}; the first picture came after {probe.first_picture_s:.1f} s."
    emit(shown, as_json, told)


@cameras.command("record")
def record(
    name: Annotated[str, typer.Argument(help="Name of the camera.")],
    site: SiteOption,
    every: Annotated[
        float | None, typer.Option("--every", parser=seconds, metavar="TIME", help="Take a still every 1s, 500ms, …")
    ] = None,
    taking: Annotated[
        Taking, typer.Option("--take", help="At even intervals; keyframes alone (fast); or where the view changes.")
    ] = Taking.EVERY,
    distinct: DistinctOption = False,
    per_hour: PerHourOption = None,
    per_camera: PerCameraOption = None,
    duration: Annotated[
        float | None,
        typer.Option("--duration", parser=seconds, metavar="TIME", help="How long; until you stop it, if left out."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take stills from a camera's stream as they come; what came so far is kept however it ends."""
    from workbench.workflows import record as workflow
    from workbench.workflows.sites import stream_address

    workspace = open_workspace()
    with progress_bar() as progress:
        sampling = workflow.record(
            workspace,
            stream_address(workspace, site, name),
            site=site,
            camera=name,
            every_s=every or 1.0,
            taking=taking,
            rules=selection_rules(distinct, None, per_hour, per_camera),
            duration_s=duration,
            actor=actor_name(),
            progress=progress,
        )
    emit_sampling(sampling, as_json)


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


def _asked_address() -> str:
    """Return the address that a person types unseen, or the first line that a script sends."""
    return getpass.getpass("Address of the stream: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageError(
            expected=f"to write the picture to {path}",
            found=error.strerror or str(error),
            remedy="name a file in a folder that can be written",
        ) from error
