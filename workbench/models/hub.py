"""Finding out quickly whether a named model is to be had, before transformers retries for minutes."""

from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import model_info, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from workbench.errors import ModelError

ANSWER_WITHIN_S = 10.0
HUB_ERRORS = (HfHubHTTPError, HFValidationError, HTTPError, OSError)
"""Every way in which the hub, or the way to it, refuses."""


def needs_no_network(source: str | Path, *, revision: str | None) -> bool:
    """Tell whether ``source`` lies on this machine: as a directory, or cached of a hub that does not answer.

    ModelError when it is neither a directory, nor cached, nor a model that the hub answers for.
    """
    if Path(source).is_dir():
        return True
    try:
        model_info(str(source), revision=revision, timeout=ANSWER_WITHIN_S)
    except HUB_ERRORS as exc:
        if _is_cached(str(source), revision):
            return True
        raise ModelError(
            expected=f"a model directory or a model that the hub gives out at {source}",
            found="neither, nor a copy in this machine's cache",
            remedy="correct the path or name, or give this machine access to the hub",
        ) from exc
    return False


def _is_cached(name: str, revision: str | None) -> bool:
    try:
        return isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str)
    except HFValidationError:
        return False
