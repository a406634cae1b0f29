"""Having Label Studio tell when somebody answers: it posts to a URL, once, and forgets it where nobody listens."""

from collections.abc import Mapping
from typing import Any

from workbench.labeling.connection import ONCE, Connection, translated_errors

__all__ = ["Webhooks"]

_ACTIONS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_DELETED",
)


class Webhooks(Connection):
    """Webhooks are told apart by their headers: those of others are left alone."""

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        """Have the project post every change of its answers to ``url`` with ``headers``, without what changed.

        Raises LabelStudioError where the server does not post to such an address.
        """
        wanted: dict[str, Any] = {
            "url": url,
            "headers": dict(headers),
            "is_active": True,
            "send_for_all_actions": False,
            "send_payload": False,
        }
        with translated_errors(self.url):
            known = self._webhooks(project_id, headers)
            if not known:
                self._client.webhooks.create(project=project_id, actions=_ACTIONS, request_options=ONCE, **wanted)
            elif any(getattr(known[0], name) != value for name, value in wanted.items()):
                self._client.webhooks.update(known[0].id, actions=_ACTIONS, request_options=ONCE, **wanted)

    def remove_webhooks(self, project_id: int, headers: Mapping[str, str]) -> None:
        """Stop posting with ``headers``: a post to nobody makes each labeller wait for a second."""
        with translated_errors(self.url):
            for webhook in self._webhooks(project_id, headers):
                self._client.webhooks.delete(webhook.id, request_options=ONCE)

    def _webhooks(self, project_id: int, headers: Mapping[str, str]) -> list[Any]:
        known = self._client.webhooks.list(project=str(project_id), request_options=ONCE)
        return [webhook for webhook in known if webhook.headers == dict(headers)]
