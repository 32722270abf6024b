"""Which project a check probes in: one that the connection is limited to, or any that the token sees."""

from collections.abc import Callable, Collection, Sequence

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import Project
from connections.providers.organization import ProjectRef

# How many chosen projects are asked for by id before the whole list is read.
LOOK_UPS = 3


class ProjectChooser:
    """Names one project after another, none twice.

    `chosen` are the projects that the connection is limited to, none for all. `look_up` asks for one project by its
    id and returns it, an `AzureDevOpsError`, or None when there was no time. Ids are compared in any case.
    """

    def __init__(self, chosen: Sequence[ProjectRef], look_up: Callable[[str], object]) -> None:
        self.chosen = tuple(chosen)
        self._look_up = look_up
        self._looked_up: dict[str, object] = {}
        self._named: set[str] = set()

    def next(self, listed: Sequence[Project], *, complete: bool) -> Project | None:
        """The next usable project. `listed` is what is known of the list, and `complete` whether that is all of it.

        A chosen project that an incomplete list does not show is looked up; one that was not chosen never stands in.
        """
        project = self._first_listed(listed)
        if project is None and not complete:
            project = self._first_looked_up(listed)
        if project is not None:
            self._named.add(project.id.lower())
        return project

    def found(self) -> tuple[Project, ...]:
        """The usable projects that were looked up, so the list need not hold them."""
        found = (project for project in self._looked_up.values() if isinstance(project, Project))
        return tuple(project for project in found if project.is_usable)

    def not_visible(self, listed: Sequence[Project], *, complete: bool) -> tuple[ProjectRef, ...]:
        """The chosen projects that are surely not there, or not usable, for the owner of the token."""
        usable = {project.id.lower() for project in listed if project.is_usable}
        return tuple(
            project for project in self.chosen if self._is_hidden(project.id.lower(), usable, complete=complete)
        )

    def _first_listed(self, listed: Sequence[Project]) -> Project | None:
        usable = {project.id.lower(): project for project in listed if project.is_usable}
        wanted = [project.id.lower() for project in self.chosen] or list(usable)
        return next((usable[key] for key in wanted if key in usable and key not in self._named), None)

    def _first_looked_up(self, listed: Sequence[Project]) -> Project | None:
        known = {project.id.lower() for project in listed}
        for chosen in self.chosen:
            key = chosen.id.lower()
            if key in known or key in self._named:
                continue
            if key not in self._looked_up and len(self._looked_up) < LOOK_UPS:
                self._looked_up[key] = self._look_up(chosen.id)
            found = self._looked_up.get(key)
            if isinstance(found, Project) and found.is_usable:
                return found
        return None

    def _is_hidden(self, key: str, usable: Collection[str], *, complete: bool) -> bool:
        if key in usable:
            return False
        found = self._looked_up.get(key)
        if isinstance(found, Project):
            return not found.is_usable
        return complete or isinstance(found, errors.NotFound)
