"""The ``workbench`` command. Each stage has one file; a command parses, calls one workflow and presents."""

import sys

import typer
from rich.text import Text

from workbench import __version__
from workbench.cli import (
    answers,
    base,
    cluster,
    compare,
    dataset,
    demo,
    drift,
    evaluate,
    footage,
    gold,
    jobs,
    label,
    metrics,
    model,
    predict,
    prelabels,
    promote,
    queue,
    recipe,
    search,
    services,
    site,
    sweep,
    taxonomy,
    timeline,
    tune,
    user,
)
from workbench.cli.console import errors
from workbench.errors import WorkbenchError
from workbench.openmp import wait_briefly

app = typer.Typer(
    name="workbench",
    help="Adapt a vision-language model to the cameras of one site, with evidence, on the site's own premises.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(site.sites, name="site")
app.add_typer(site.cameras, name="camera")
app.add_typer(user.app, name="user")
app.command("ingest")(footage.ingest)
label.app.command("connect")(prelabels.connect)
label.app.command("suggest")(prelabels.suggest)
label.app.command("quality")(prelabels.quality)
app.add_typer(label.app, name="label")
app.add_typer(answers.app, name="answers")
app.add_typer(gold.app, name="gold")
app.add_typer(queue.app, name="queue")
app.add_typer(taxonomy.app, name="taxonomy")
app.add_typer(timeline.app, name="timeline")
app.add_typer(dataset.app, name="dataset")
app.add_typer(recipe.app, name="recipe")
app.command("tune")(tune.tune)
app.command("sweep")(sweep.sweep)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.add_typer(metrics.app, name="metrics")
app.add_typer(search.app, name="search")
app.add_typer(jobs.app, name="jobs")
app.add_typer(cluster.app, name="cluster")
app.add_typer(drift.app, name="drift")
app.add_typer(promote.app, name="promote")
app.add_typer(model.app, name="model")
app.command("predict")(predict.predict)
app.add_typer(base.app, name="base")
app.add_typer(demo.app, name="demo")
app.command("up")(services.up)
app.command("down")(services.down)
app.command("doctor")(services.doctor)
app.command("ui")(services.ui)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print(__version__)


def main() -> None:
    """Run the command line: one sentence and the error's exit code for what a person can mend."""
    wait_briefly()
    try:
        app()
    except WorkbenchError as error:
        errors.print(Text.assemble(("Error: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(error.exit_code)
