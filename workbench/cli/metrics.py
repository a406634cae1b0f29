"""``workbench metrics``: measure files that somebody brings; needs no site and no model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, emit, warn

if TYPE_CHECKING:
    from workbench.workflows.metrics import Figures

app = typer.Typer(help="Measure files that you bring: captions, answers, similarities.", no_args_is_help=True)


@app.command("captions")
def captions(
    references: Annotated[Path, typer.Option("--references", help='{"annotations": [{"image_id", "caption"}, …]}')],
    candidates: Annotated[Path, typer.Option("--candidates", help='[{"image_id", "caption"}, …], one an image.')],
    as_json: JsonOption = False,
) -> None:
    """Measure captions as coco-caption does: BLEU, ROUGE-L, CIDEr, METEOR."""
    from workbench.workflows.metrics import measure_captions

    figures = measure_captions(references, candidates)
    _tell(figures)
    emit(figures.values, as_json, _table(f"{figures.rows} images", {"": figures}))


@app.command("vqa")
def vqa(
    answers: Annotated[Path, typer.Option("--answers", help="What people answered, in the VQA challenge's layout.")],
    predictions: Annotated[Path, typer.Option("--predictions", help='[{"question_id", "answer"}, …]')],
    as_json: JsonOption = False,
) -> None:
    """Measure answers to questions by the VQA challenge's accuracy, in percent."""
    from workbench.workflows.metrics import measure_vqa

    figures = measure_vqa(answers, predictions)
    _tell(figures)
    emit(figures.values, as_json, _table(f"{figures.rows} questions, percent", {"": figures}))


@app.command("retrieval")
def retrieval(
    similarity: Annotated[Path, typer.Option("--similarity", help="A square matrix (.npy): images by their texts.")],
    as_json: JsonOption = False,
) -> None:
    """Measure how high the right text of an image, and image of a text, is ranked; shares from 0 to 1."""
    from workbench.workflows.metrics import measure_retrieval

    texts, images = measure_retrieval(similarity)
    _tell(texts)
    values = {"image_to_text": texts.values, "text_to_image": images.values}
    title = f"{texts.rows} pairs"
    emit(values, as_json, _table(title, {"text for image": texts, "image for text": images}))


def _tell(figures: "Figures") -> None:
    for remark in figures.remarks:
        warn(remark)


def _table(title: str, columns: "dict[str, Figures]") -> Table:
    table = Table(title=title)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    first = next(iter(columns.values()))
    for name in first.values:
        table.add_row(name, *(_shown(figures.values[name]) for figures in columns.values()))
    return table


def _shown(value: float | None) -> str:
    return "not available" if value is None else f"{value:.4f}"
