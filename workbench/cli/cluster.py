"""``workbench cluster``: what the Ray cluster has to give, and commands in its queue."""

from typing import Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, actor_name, emit, open_workspace, progress_bar

app = typer.Typer(help="The Ray cluster that WORKBENCH_RAY_ADDRESS names.", no_args_is_help=True)


@app.command()
def show(as_json: JsonOption = False) -> None:
    """List the machines of the cluster with what each has to give."""
    from workbench.workflows.remote import machines

    found = machines(open_workspace())
    table = Table("machine", "cores", "GPUs", "memory (GiB)", box=None)
    for one in found:
        table.add_row(one.address, str(one.cores), str(one.gpus), f"{one.memory_gib:.0f}")
    emit(found, as_json, table)


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    arguments: Annotated[list[str], typer.Argument(help="The command without `workbench`, behind `--`.")],
    cpus: Annotated[float, typer.Option("--cpus", min=0, help="Cores that it takes for itself.")] = 1.0,
    gpus: Annotated[float, typer.Option("--gpus", min=0, help="GPUs that it takes for itself.")] = 0.0,
    device: Annotated[bool, typer.Option("--device", help="A GPU for itself where the cluster has any.")] = False,
) -> None:
    """Run a command on the cluster once it has room, e.g. `workbench cluster run -- tune FILE --site dock`.

    What it prints is shown here, and it ends where this command is interrupted.
    """
    from workbench.workflows.remote import run_on_cluster

    with progress_bar():
        code = run_on_cluster(
            open_workspace(),
            arguments,
            cpus=cpus,
            gpus=gpus,
            device=device,
            actor=actor_name(),
            say=lambda text: print(text, end="", flush=True),
        )
    raise typer.Exit(code)
