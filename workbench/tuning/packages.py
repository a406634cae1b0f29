"""The libraries that decide what a run computes."""

import importlib.metadata
from collections.abc import Mapping

__all__ = ["other_packages", "package_versions"]

_PACKAGES = ("accelerate", "bitsandbytes", "datasets", "peft", "tokenizers", "torch", "transformers")


def package_versions() -> dict[str, str]:
    """Return their versions here."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def other_packages(found: Mapping[str, str]) -> list[str]:
    """Return what was another version where these were ``found``, each as ``torch 2.13.0 instead of 2.12.1``."""
    here = package_versions()
    return [f"{name} {here[name]} instead of {version}" for name, version in found.items() if here[name] != version]
