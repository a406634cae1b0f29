"""Label Studio through its API; the only module that imports its SDK, and where its errors are translated.

Legacy tokens and personal access tokens (JWT refresh tokens, for which the SDK fetches short-lived access tokens
itself) are told apart by the SDK. Writes are never retried blindly: a request that timed out may have been carried
out, and the next push finds out by comparing frame ids.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

import httpx
from label_studio_sdk.client import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.parse_error import ParsingError

from workbench.domain import Annotation, Answer, Prediction, Site
from workbench.errors import LabelStudioError
from workbench.labeling.results import answer_to_result, prediction_to_result, result_to_answer
from workbench.labeling.taxonomy import class_names_to_label_config, label_config_to_class_names
from workbench.progress import Progress, silent

__all__ = ["NewTask", "Studio", "StudioTask", "translated_errors"]

_PAGE_TASKS = 1_000
_PARALLEL_WRITES = 4
_TIMEOUT_S = 120.0
_TASK_FIELDS = "id,data,annotations,completed_by,result,was_cancelled,updated_at,predictions,model_version"
_ANSWERED = json.dumps(
    {
        "filters": {
            "conjunction": "and",
            "items": [
                {"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0}
            ],
        }
    }
)
_ONCE: Any = {"max_retries": 0}

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class NewTask:
    """A frame to ask about, with what a model guesses or people have said already."""

    frame_id: str
    image_url: str
    reason: str
    prediction: Prediction | None = None
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class StudioTask:
    """A task as the server has it; ``incomplete`` counts answers that lack class or caption."""

    frame_id: str
    task_id: int
    image_url: str
    model_versions: frozenset[str]
    annotations: tuple[Annotation, ...]
    incomplete: int

    def about(self, frame_id: str) -> "StudioTask":
        """Return the same task as one about ``frame_id``."""
        answers = tuple(replace(annotation, frame_id=frame_id) for annotation in self.annotations)
        return replace(self, frame_id=frame_id, annotations=answers)

    def with_answers_of(self, other: "StudioTask") -> "StudioTask":
        return replace(
            self, annotations=self.annotations + other.annotations, incomplete=self.incomplete + other.incomplete
        )


@contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """Raise LabelStudioError for whatever goes wrong inside between here and the Label Studio at ``url``."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LabelStudioError(
            expected=f"Label Studio to answer at {url}",
            found=str(error) or type(error).__name__,
            remedy="run `workbench up`, or set WORKBENCH_LABELSTUDIO_URL to where it runs",
        ) from error
    except (ApiError, ParsingError) as error:
        raise _refusal(url, error.status_code, error.body) from error
    except json.JSONDecodeError as error:
        raise _refusal(url, None, error.doc) from error


class Studio:
    """A Label Studio at ``url``, worked with as the account that ``token`` belongs to.

    No connection outlives its request, so there is nothing to close.
    """

    def __init__(self, url: str, token: str) -> None:
        if not token:
            raise LabelStudioError(
                expected=f"a token for the Label Studio at {url}",
                found="none",
                remedy="run `workbench up`, which makes one, or set WORKBENCH_LABELSTUDIO_TOKEN",
            )
        self.url = url.rstrip("/")
        with translated_errors(self.url):
            connections = httpx.Client(
                timeout=_TIMEOUT_S, follow_redirects=True, limits=httpx.Limits(max_keepalive_connections=0)
            )
            self._client = LabelStudio(
                base_url=self.url, api_key=token, timeout=_TIMEOUT_S, max_retries=1, httpx_client=connections
            )

    def version(self) -> str:
        with translated_errors(self.url):
            return str(self._client.versions.get().release)

    def account(self) -> str:
        """Return the e-mail address of the token's account; LabelStudioError when the token is not valid."""
        with translated_errors(self.url):
            return str(self._client.users.whoami().email)

    def users(self) -> dict[int, str]:
        """Return the e-mail addresses of everyone in the organization by user id."""
        with translated_errors(self.url):
            return {user.id: user.email for user in self._client.users.list()}

    def invitation_path(self) -> str:
        """Return the path, with its token, at which somebody may sign up."""
        with translated_errors(self.url):
            return str(self._client.organizations.invites.get_invite_link().invite_url)

    def project_url(self, project_id: int) -> str:
        return f"{self.url}/projects/{project_id}"

    def ensure_project(self, site: Site, known_project_id: int | None) -> int:
        """Return the site's project, made where it is missing and brought to the site's classes.

        The project is recognised by its description, so that one whose number was lost, or a number that means
        another project on another server, is not taken for it.
        """
        label_config = class_names_to_label_config(site.class_names)
        with translated_errors(self.url):
            projects = self._site_projects(site)
            if not projects:
                return self._create_project(site, label_config)
            project_id = known_project_id if known_project_id in projects else min(projects)
            if label_config_to_class_names(projects[project_id].label_config) != site.class_names:
                self._client.projects.update(project_id, label_config=label_config, request_options=_ONCE)
            return project_id

    def require_project(self, site: Site, project_id: int | None) -> int:
        """Return ``project_id`` when it is the site's project; LabelStudioError when it is gone or was never made."""
        with translated_errors(self.url):
            projects = self._site_projects(site)
        if project_id is None or project_id not in projects:
            raise LabelStudioError(
                expected=f"a project of site {site.name} at {self.url}",
                found="none" if project_id is None else f"project {project_id} deleted, or another's",
                remedy="run `workbench label push`, which makes one",
            )
        return project_id

    def tasks(
        self, project_id: int, *, only_annotated: bool = False, progress: Progress = silent
    ) -> dict[str, StudioTask]:
        """Return the project's tasks by frame id; tasks that somebody made by hand have none and are left out.

        Where a frame has two, the first counts, with the answers to both.
        """
        emails = self.users()
        found: dict[str, StudioTask] = {}
        for done, total, task in self._pages(project_id, only_annotated):
            frame_id = (task.data or {}).get("frame_id")
            if frame_id:
                read = _studio_task(task, frame_id, emails)
                found[frame_id] = found[frame_id].with_answers_of(read) if frame_id in found else read
            if done == total or done % _PAGE_TASKS == 0:
                progress(done, total, "tasks read")
        return found

    def add_tasks(self, project_id: int, new: Sequence[NewTask]) -> list[int]:
        """Create all of ``new`` or none in one request and return their task ids in the same order."""
        with translated_errors(self.url):
            created = self._client.projects.import_tasks(
                project_id, request=[_import(task) for task in new], return_task_ids=True, request_options=_ONCE
            )
        if len(created.task_ids or ()) != len(new):
            raise LabelStudioError(
                expected=f"{len(new)} tasks to be created in project {project_id}",
                found=f"{len(created.task_ids or ())}",
                remedy="run the command again: it creates what is missing",
            )
        return list(created.task_ids)

    def add_predictions(self, project_id: int, predictions: Mapping[int, Prediction]) -> None:
        """Add what a model said, by task id, to tasks that exist."""
        request = [{"task": task_id, **_prediction(prediction)} for task_id, prediction in predictions.items()]
        with translated_errors(self.url):
            self._client.projects.import_predictions(project_id, request=request, request_options=_ONCE)

    def show_predictions_of(self, project_id: int, model_version: str) -> None:
        """Make ``model_version`` the one whose predictions labellers start from."""
        with translated_errors(self.url):
            self._client.projects.update(project_id, model_version=model_version, request_options=_ONCE)

    def renew_image_urls(self, new_urls: Mapping[int, tuple[str, str]], progress: Progress = silent) -> None:
        """Give tasks, by id, their (frame id, image URL) anew."""

        def renew(item: tuple[int, tuple[str, str]]) -> None:
            task_id, (frame_id, image_url) = item
            self._client.tasks.update(str(task_id), data=_data(frame_id, image_url), request_options=_ONCE)

        self._in_parallel(renew, new_urls.items(), len(new_urls), "image URLs renewed", progress)

    def create_annotations(self, answers: Mapping[int, Answer], progress: Progress = silent) -> None:
        """Submit answers by task id, as the token's account; about 15 a second.

        Answers that are known when a task is made go with :meth:`add_tasks`, a hundred times as fast.
        """

        def submit(item: tuple[int, Answer]) -> None:
            task_id, answer = item
            self._client.annotations.create(task_id, result=answer_to_result(answer), request_options=_ONCE)

        self._in_parallel(submit, answers.items(), len(answers), "annotations submitted", progress)

    def _site_projects(self, site: Site) -> dict[int, Any]:
        projects = self._client.projects.list(page_size=100, include="id,description,label_config")
        return {project.id: project for project in projects if project.description == _description(site)}

    def _create_project(self, site: Site, label_config: str) -> int:
        project = self._client.projects.create(
            title=site.name,
            description=_description(site),
            label_config=label_config,
            show_collab_predictions=True,
            request_options=_ONCE,
        )
        return int(project.id)

    def _pages(self, project_id: int, only_annotated: bool) -> Iterator[tuple[int, int, Any]]:
        done = 0
        for page in count(1):
            with translated_errors(self.url):
                pager = self._client.tasks.list(
                    project=project_id,
                    page=page,
                    page_size=_PAGE_TASKS,
                    fields="all",
                    include=_TASK_FIELDS,
                    query=_ANSWERED if only_annotated else None,
                    resolve_uri=False,
                )
            total = int(pager.response.total)
            for task in pager.items:
                done += 1
                yield done, total, task
            if done >= total or not pager.items:
                return

    def _in_parallel(
        self, call: Callable[[_Item], None], items: Iterable[_Item], total: int, what: str, progress: Progress
    ) -> None:
        with translated_errors(self.url), ThreadPoolExecutor(_PARALLEL_WRITES) as executor:
            for done, _ in enumerate(executor.map(call, items), start=1):
                progress(done, total, what)


def _refusal(url: str, status: int | None, body: Any) -> LabelStudioError:
    detail = body.get("detail", body) if isinstance(body, Mapping) else "an answer that is not Label Studio's"
    remedies = {
        401: "set WORKBENCH_LABELSTUDIO_TOKEN to a valid token of an account there (its Account & Settings page)",
        403: "use the token of an account that may do this",
        404: "run `workbench label push`, which makes what is missing anew",
    }
    return LabelStudioError(
        expected=f"the Label Studio at {url} to accept the request",
        found=f"{detail} (status {status})",
        remedy=remedies.get(status or 0, "run `workbench doctor` and read the server's log"),
    )


def _description(site: Site) -> str:
    return f"Frames of site {site.name}, asked about by the Site Workbench."


def _data(frame_id: str, image_url: str) -> dict[str, str]:
    return {"image": image_url, "frame_id": frame_id}


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        "model_version": prediction.model_version,
        "score": prediction.score,
        "result": prediction_to_result(prediction),
    }


def _import(task: NewTask) -> dict[str, Any]:
    return {
        "data": _data(task.frame_id, task.image_url),
        "meta": {"frame_id": task.frame_id, "reason": task.reason},
        "predictions": [_prediction(task.prediction)] if task.prediction else [],
        "annotations": [{"result": answer_to_result(answer)} for answer in task.answers],
    }


def _studio_task(task: Any, frame_id: str, emails: Mapping[int, str]) -> StudioTask:
    answers = [dict(answer) for answer in task.annotations or () if not dict(answer)["was_cancelled"]]
    annotations = [_annotation(answer, frame_id, emails) for answer in answers]
    return StudioTask(
        frame_id=frame_id,
        task_id=task.id,
        image_url=task.data["image"],
        model_versions=frozenset(str(dict(prediction)["model_version"]) for prediction in task.predictions or ()),
        annotations=tuple(annotation for annotation in annotations if annotation),
        incomplete=annotations.count(None),
    )


def _annotation(answer: Mapping[str, Any], frame_id: str, emails: Mapping[int, str]) -> Annotation | None:
    said = result_to_answer(answer["result"])
    if said is None:
        return None
    user_id = answer["completed_by"]
    return Annotation(
        frame_id=frame_id,
        class_name=said.class_name,
        caption=said.caption,
        labeller=emails.get(user_id, f"former-user-{user_id}"),
        updated_at=datetime.fromisoformat(str(answer["updated_at"])),
        annotation_id=answer["id"],
        replies=said.replies,
        boxes=said.boxes,
    )
