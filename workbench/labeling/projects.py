"""The project that each site has in Label Studio, and its labelling interface."""

from dataclasses import dataclass
from typing import Any

from workbench.domain import Site, Taxonomy
from workbench.errors import LabelStudioError
from workbench.labeling.connection import ONCE, translated_errors
from workbench.labeling.relabelling import Relabelling
from workbench.labeling.renames import Renames
from workbench.labeling.taxonomy import (
    Vocabulary,
    is_as_written,
    label_config_to_vocabulary,
    taxonomy_to_label_config,
)
from workbench.labeling.taxonomy_changes import lost_labels

__all__ = ["Projects", "SiteProject", "title_of"]

_SHORTEST_TITLE, _LONGEST_TITLE = 3, 50


@dataclass(frozen=True)
class SiteProject:
    """A site's project as it was found."""

    project_id: int
    label_config: str

    @property
    def vocabulary(self) -> Vocabulary:
        return label_config_to_vocabulary(self.label_config)

    @property
    def is_as_written(self) -> bool:
        """Whether nobody has changed the labelling interface by hand."""
        return is_as_written(self.label_config)


class Projects(Relabelling):
    """Project administration; a project is its site's by its description, whatever its number.

    A number that was lost, or one that means another project on another server, is so not taken for it.
    """

    def project_url(self, project_id: int) -> str:
        return f"{self.url}/projects/{project_id}"

    def find_project(self, site: Site, known_project_id: int | None) -> SiteProject | None:
        """Return the site's project; None where it was never made, or is gone."""
        with translated_errors(self.url):
            projects = self._projects_described(_description(site))
        if not projects:
            return None
        project_id = known_project_id if known_project_id in projects else min(projects)
        return SiteProject(project_id, projects[project_id].label_config)

    def ensure_project(self, site: Site, taxonomy: Taxonomy, known_project_id: int | None) -> int:
        """Return the site's project, made where it is missing, and made to ask for everything in ``taxonomy``.

        Raises LabelStudioError, before anything is changed, when labels that people have used would be lost.
        """
        found = self.find_project(site, known_project_id)
        if found is None:
            return self._create_project(title_of(site), _description(site), taxonomy_to_label_config(taxonomy))
        self._require_unused(site, taxonomy, found)
        self.set_interface(found, taxonomy)
        return found.project_id

    def require_project(self, site: Site, project_id: int | None) -> int:
        """Return ``project_id`` when it is the site's project; LabelStudioError when it is gone or was never made."""
        found = self.find_project(site, project_id)
        if project_id is None or found is None or found.project_id != project_id:
            raise LabelStudioError(
                expected=f"a project of site {site.name} at {self.url}",
                found="none" if project_id is None else f"project {project_id} deleted, or another's",
                remedy="run `workbench label push`, which makes one",
            )
        return project_id

    def set_interface(self, project: SiteProject, taxonomy: Taxonomy) -> None:
        """Make the project ask for everything in ``taxonomy``, whatever it was made to ask for by hand."""
        label_config = taxonomy_to_label_config(taxonomy)
        if project.label_config != label_config:
            if lost_labels(project.vocabulary, taxonomy, Renames()):
                self.recount(project.project_id)
            with translated_errors(self.url):
                self._client.projects.update(project.project_id, label_config=label_config, request_options=ONCE)

    def show_predictions_of(self, project_id: int, model_version: str) -> None:
        """Make ``model_version`` the one whose predictions labellers start from."""
        with translated_errors(self.url):
            self._client.projects.update(project_id, model_version=model_version, request_options=ONCE)

    def _require_unused(self, site: Site, taxonomy: Taxonomy, project: SiteProject) -> None:
        lost = lost_labels(project.vocabulary, taxonomy, Renames())
        if lost and (used := self.uses(project.project_id).told(lost)):
            raise LabelStudioError(
                expected=f"project {project.project_id} to use no label that the taxonomy of {site.name} lacks",
                found="; ".join(used),
                remedy="put it into the taxonomy (`workbench taxonomy set`), there with --rename OLD=NEW if it has "
                f"another name now, or give those frames other answers at {self.project_url(project.project_id)}",
            )

    def _projects_described(self, description: str) -> dict[int, Any]:
        projects = self._client.projects.list(page_size=100, include="id,description,label_config")
        return {project.id: project for project in projects if project.description == description}

    def _create_project(self, title: str, description: str, label_config: str) -> int:
        with translated_errors(self.url):
            project = self._client.projects.create(
                title=title,
                description=description,
                label_config=label_config,
                show_collab_predictions=True,
                request_options=ONCE,
            )
        return int(project.id)


def title_of(site: Site, suffix: str = "") -> str:
    """Return a title as long as Label Studio wants it: by its description a project is found, whatever its title."""
    name = site.name if len(site.name) >= _SHORTEST_TITLE else f"site {site.name}"
    return name[: _LONGEST_TITLE - len(suffix)] + suffix


def _description(site: Site) -> str:
    return f"Frames of site {site.name}, asked about by the Site Workbench."
