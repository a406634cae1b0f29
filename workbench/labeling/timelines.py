"""Stretches of clips, marked on videos of their stills: a site's second project in Label Studio.

A task shows a part of a clip as a video with one still a frame; its data name the part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from workbench.domain import Site, Stretch, Taxonomy
from workbench.labeling.connection import ONCE, translated_errors
from workbench.labeling.hotkeys import assigned_hotkeys
from workbench.labeling.projects import Projects, title_of
from workbench.labeling.results import MARKING, Result, class_of_result
from workbench.progress import Progress, silent

__all__ = ["FPS", "PartTask", "Timelines", "result_to_stretches", "stretches_to_result", "taxonomy_to_timeline_config"]

FPS = 4
"""Stills a second, at which videos of them are shown."""

_VIDEO, _TIMELINE = "video", "timeline"
_AT_ONCE = 200


@dataclass(frozen=True)
class PartTask:
    """The task about a part of a clip, and the stretches that anybody marked."""

    task_id: int
    video_url: str
    stretches: tuple[Stretch, ...]


def taxonomy_to_timeline_config(taxonomy: Taxonomy) -> str:
    """Return the label configuration (XML) in which stretches of a video are given the timeline's classes."""
    view = Element("View")
    labels = SubElement(view, "TimelineLabels", name=_TIMELINE, toName=_VIDEO)
    by_name = {one.name: one for one in taxonomy.classes}
    classes = [by_name[name] for name in taxonomy.timeline]
    for one, key in zip(classes, assigned_hotkeys([one.hotkey for one in classes]), strict=True):
        label = SubElement(labels, "Label", value=one.name)
        label.attrib.update({"hotkey": key} if key else {})
        label.attrib.update({"hint": one.definition} if one.definition else {})
    SubElement(view, "Video", name=_VIDEO, value=f"${_VIDEO}", frameRate=str(FPS), height="480", timelineHeight="120")
    return tostring(view, encoding="unicode")


def stretches_to_result(stretches: Iterable[Stretch]) -> Result:
    return [
        {
            "id": f"stretch-{number}",
            "from_name": _TIMELINE,
            "to_name": _VIDEO,
            "type": MARKING,
            "value": {"ranges": [{"start": one.first, "end": one.last}], MARKING: [one.class_name]},
        }
        for number, one in enumerate(stretches, start=1)
    ]


def result_to_stretches(result: Sequence[Mapping[str, Any]]) -> tuple[Stretch, ...]:
    """Return the stretches that have a class; a mark of one frame has no end of its own."""
    return tuple(_stretches(result))


def _stretches(result: Sequence[Mapping[str, Any]]) -> Iterator[Stretch]:
    for region in result:
        value = region.get("value") or {}
        for class_name in value.get(MARKING) or []:
            for marked in value.get("ranges") or []:
                ends = [max(1, frame) for frame in (marked.get("start"), marked.get("end")) if frame is not None]
                if ends:
                    yield Stretch(class_name, min(ends), max(ends))


class Timelines(Projects):
    def find_timelines(self, site: Site) -> int | None:
        """Return the number of the project in which stretches are marked; None where there is none."""
        with translated_errors(self.url):
            found = self._projects_described(_description(site))
        return min(found, default=None)

    def ensure_timelines(self, site: Site, taxonomy: Taxonomy) -> int:
        """Return that project, made where it is missing, and made to offer the timeline's classes."""
        project_id = self.find_timelines(site)
        if project_id is None:
            config = taxonomy_to_timeline_config(taxonomy)
            return self._create_project(title_of(site, " (clips)"), _description(site), config)
        self.set_timeline_interface(project_id, taxonomy)
        return project_id

    def set_timeline_interface(self, project_id: int, taxonomy: Taxonomy) -> None:
        self.recount(project_id)
        with translated_errors(self.url):
            self._client.projects.update(
                project_id, label_config=taxonomy_to_timeline_config(taxonomy), request_options=ONCE
            )

    def add_parts(self, project_id: int, video_urls: Mapping[str, str], progress: Progress = silent) -> None:
        """Make a task of each part by its id; call it with those that have none."""
        parts = list(video_urls)
        for start in range(0, len(parts), _AT_ONCE):
            request = [{"data": _data(part_id, video_urls[part_id])} for part_id in parts[start : start + _AT_ONCE]]
            with translated_errors(self.url):
                self._client.projects.import_tasks(project_id, request=request, request_options=ONCE)
            progress(start + len(request), len(parts), "parts of clips asked about")

    def parts(self, project_id: int) -> dict[str, PartTask]:
        """Return the tasks by their part's id; one of two about the same has the stretches of both."""
        include = "id,data,annotations.result,annotations.was_cancelled"
        found: dict[str, PartTask] = {}
        for _, task in self._pages(project_id, (), include):
            answers = [dict(answer) for answer in task.annotations or () if not dict(answer)["was_cancelled"]]
            marked = [stretch for answer in answers for stretch in result_to_stretches(answer["result"])]
            data = task.data or {}
            if part_id := str(data.get("part_id") or ""):
                before = found[part_id].stretches if part_id in found else ()
                found[part_id] = PartTask(task.id, str(data.get(_VIDEO, "")), (*before, *marked))
        return found

    def renew_video_urls(self, new_urls: Mapping[int, tuple[str, str]], progress: Progress = silent) -> None:
        """Give tasks, by number, their (part id, video URL) anew."""

        def renew(item: tuple[int, tuple[str, str]]) -> None:
            task_id, (part_id, video_url) = item
            self._client.tasks.update(str(task_id), data=_data(part_id, video_url), request_options=ONCE)

        self._in_parallel(renew, new_urls.items(), len(new_urls), "video URLs renewed", progress)

    def suggestions_of(self, project_id: int, source: str) -> dict[int, tuple[int, str]]:
        """Return what ``source`` suggests for unanswered tasks: prediction number and class, by task number."""
        found = (one for one in self._suggestions(project_id) if one["model_version"] == source)
        return {one["task"]: (one["id"], class_of_result(one["result"])) for one in found}

    def withdraw_suggestions(self, prediction_ids: Iterable[int], progress: Progress = silent) -> None:
        numbers = list(prediction_ids)
        self._in_parallel(self._withdraw, numbers, len(numbers), "suggestions withdrawn", progress)

    def _withdraw(self, prediction_id: int) -> None:
        self._unless_done(
            lambda: self._client.predictions.delete(prediction_id, request_options=ONCE), HTTPStatus.NOT_FOUND
        )


def _description(site: Site) -> str:
    return f"Clips of site {site.name}, marked for the Site Workbench."


def _data(part_id: str, video_url: str) -> dict[str, str]:
    return {_VIDEO: video_url, "part_id": part_id}
