"""Having Label Studio ask the workbench for a suggestion when somebody opens a task: its ML backend connections.

A connection's title is the model version. Label Studio asks live where a project's ``model_version`` is the title of
one of its connections, and its page begins with the prediction that has the project's ``model_version``: only where
both are the version itself is the right suggestion shown in the labelling stream and in a single task alike.
"""

from typing import Any

from workbench.labeling.connection import ONCE, Connection, translated_errors

__all__ = ["MlBackends"]

_DESCRIPTION = "Suggestions of the Site Workbench."


class MlBackends(Connection):
    def ensure_ml_backend(self, project_id: int, url: str, *, user: str, password: str, title: str) -> bool:
        """Have the project ask ``url`` for suggestions, by one connection alone, and tell whether it is a new one.

        Other connections of the workbench's are removed, and so is the webhook that Label Studio makes with each, which
        would post every task and answer. Raises LabelStudioError where the server does not reach the address.
        """
        wanted: dict[str, Any] = {
            "url": url,
            "project": project_id,
            "title": title,
            "description": _DESCRIPTION,
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": user,
            "basic_auth_pass": password,
        }
        with translated_errors(self.url):
            ours = self._ml_backends_of_ours(project_id)
            if ours:
                self._client.ml.update(ours[0].id, request_options=ONCE, **wanted)
            else:
                self._client.ml.create(request_options=ONCE, **wanted)
            for twin in ours[1:]:
                self._client.ml.delete(twin.id, request_options=ONCE)
            self._remove_webhooks(project_id, f"{url}/webhook")
            return not ours

    def _ml_backends_of_ours(self, project_id: int) -> list[Any]:
        known = self._client.ml.list(project=project_id, request_options=ONCE)
        return [backend for backend in known if backend.description == _DESCRIPTION]

    def _remove_webhooks(self, project_id: int, url: str) -> None:
        for webhook in self._client.webhooks.list(project=str(project_id), request_options=ONCE):
            if webhook.url == url:
                self._client.webhooks.delete(webhook.id, request_options=ONCE)
