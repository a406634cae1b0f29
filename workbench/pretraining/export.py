"""Writing a model directory that loads like one of the hub."""

from pathlib import Path

from transformers import PreTrainedModel, ProcessorMixin


def export_model(model: PreTrainedModel, processor: ProcessorMixin, directory: Path) -> None:
    """Write model and processor beside ``directory`` and move them in, so that a reader sees whole files."""
    unfinished = directory.with_name(f"{directory.name}.writing")
    model.save_pretrained(unfinished)
    processor.save_pretrained(unfinished)
    directory.mkdir(parents=True, exist_ok=True)
    for file in unfinished.iterdir():
        file.chmod(0o644)
        file.replace(directory / file.name)
    unfinished.rmdir()


def count_parameters(model: PreTrainedModel) -> int:
    """Return the number of weights; shared ones count once."""
    return sum(parameter.numel() for parameter in model.parameters())
