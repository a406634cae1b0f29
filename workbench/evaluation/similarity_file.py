"""Reads a square matrix of similarities, images by texts, matching pairs on the diagonal."""

from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np

from workbench.errors import UsageError
from workbench.statistics.statistic import Floats

__all__ = ["load_similarity"]

_MOST_EXACT = 2**53
"""Whole numbers beyond this are no float64 any more: two that differ would come out alike."""


def load_similarity(path: Path) -> Floats:
    """Return float64 ``[n_pairs, n_pairs]``. UsageError when the file holds anything else, or a value is no number."""
    try:
        with path.open("rb") as file:
            matrix = np.load(file, allow_pickle=False)
    except OSError as exc:
        raise _refused(path, exc.strerror or "something else") from exc
    except MemoryError as exc:
        raise _refused(path, "more numbers than the memory holds") from exc
    except (ValueError, EOFError, SyntaxError, TokenError, BadZipFile) as exc:
        raise _refused(path, "an empty file" if not path.stat().st_size else "something else") from exc
    if not isinstance(matrix, np.ndarray):
        raise _refused(path, "several arrays in one file")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise _refused(path, f"an array of shape {matrix.shape}")
    if matrix.dtype.kind not in "fiub":
        raise _refused(path, f"values of the kind {matrix.dtype}")
    if matrix.dtype.kind in "iu" and max(int(matrix.max()), -int(matrix.min())) > _MOST_EXACT:
        raise _refused(path, "whole numbers beyond 2**53, which cannot be told apart")
    similarity = matrix.astype(np.float64)
    wrong = int(np.count_nonzero(~np.isfinite(similarity)))
    if wrong:
        raise _refused(path, f"{wrong} values that are no finite number")
    return similarity


def _refused(path: Path, found: str) -> UsageError:
    return UsageError(
        expected=f"a square matrix of numbers, images by texts, saved by numpy.save in {path}",
        found=found,
        remedy="check what wrote it",
    )
