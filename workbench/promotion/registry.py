"""The MLflow Model Registry as deployment target: one registered model a site, adapters by their run."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

from workbench.tracking import Tracker, mlflow_errors

__all__ = ["ADAPTER_PATH", "MlflowRegistry"]

ADAPTER_PATH = "adapter"


class MlflowRegistry:
    """Versions point to ``runs:/<run>/adapter``; ``mlflow.register_model`` refuses such plain folders."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def register(self, site: str, run_id: str, tags: Mapping[str, str]) -> int:
        with self._errors():
            client = self._tracker.client
            if not self._exists(site):
                client.create_registered_model(site)
            source = f"runs:/{run_id}/{ADAPTER_PATH}"
            return int(client.create_model_version(site, source, run_id=run_id, tags=dict(tags)).version)

    def aliases(self, site: str) -> dict[str, int]:
        """Read by the model's name: MLflow's searches return versions without their aliases."""
        with self._errors():
            if not self._exists(site):
                return {}
            found = self._tracker.client.get_registered_model(site).aliases
            return {alias: int(version) for alias, version in found.items()}

    def point(self, site: str, alias: str, version: int | None) -> None:
        with self._errors():
            if version is None:
                self._tracker.client.delete_registered_model_alias(site, alias)
            else:
                self._tracker.client.set_registered_model_alias(site, alias, str(version))

    def label(self, site: str, version: int, tags: Mapping[str, str]) -> None:
        with self._errors():
            for name, value in tags.items():
                self._tracker.client.set_model_version_tag(site, str(version), name, value)

    def _exists(self, site: str) -> bool:
        return bool(self._tracker.client.search_registered_models(f"name = '{site}'"))

    def _errors(self) -> AbstractContextManager[None]:
        return mlflow_errors(self._tracker.uri)
