"""How a figure falls as pictures get worse: one curve for each corruption, from the picture as it is to level 5."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.evaluation.beside import Beside
from workbench.evaluation.corruptions import CORRUPTIONS

__all__ = ["CLEAN", "RobustnessCurve", "condition_name", "robustness_curves"]

CLEAN = "clean"


@dataclass(frozen=True)
class RobustnessCurve:
    """``levels`` begin with 0, the picture as it is."""

    corruption: str
    levels: tuple[Beside, ...]


def condition_name(corruption: str, level: int) -> str:
    return f"{corruption}/{level}"


def robustness_curves(figures: Sequence[Beside]) -> list[RobustnessCurve]:
    """Return the curves of figures named ``clean`` and by :func:`condition_name`; none without the former."""
    by_name = {figure.name: figure for figure in figures}
    if CLEAN not in by_name:
        return []
    curves = []
    for corruption in CORRUPTIONS:
        levels = [figure for name, figure in by_name.items() if name.rpartition("/")[0] == corruption]
        levels.sort(key=lambda figure: figure.name)
        curves.append(RobustnessCurve(corruption, (by_name[CLEAN], *levels)))
    return curves
