"""``workbench predict``: what a site's model says about one image."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from workbench.cli.console import JsonOption, SiteOption, emit, open_workspace


def predict(
    image: Annotated[Path, typer.Argument(help="Image file.")],
    site: SiteOption,
    model: Annotated[str, typer.Option("--model", help="base, champion or the id of a tuning run.")] = "champion",
    as_json: JsonOption = False,
) -> None:
    """Tell the class and a caption of an image; a site without a champion is answered by the base."""
    workspace = open_workspace(site)
    from workbench.workflows import predict as workflow

    prediction = workflow.predict(workspace, image, site=site, model=model)
    told = f"{prediction.class_name} ({prediction.score:.1%}): {prediction.caption}\n"
    emit(prediction, as_json, Text(told).append(prediction.model_version, "dim"))
