"""Choose the projects to probe in: those that the connection is limited to, or any visible one."""

from collections.abc import Callable, Collection, Sequence

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import Project
from connections.providers.organization import ProjectRef

# How many chosen projects are requested by id before the whole list is read.
LOOK_UPS = 3


class ProjectChooser:
    """Chooses projects one after another, none twice.

    `chosen` are the projects that the connection is limited to, empty for all. `look_up` requests a project by id and
    returns it, an `AzureDevOpsError`, or None if time ran out. Ids are compared case-insensitively.
    """

    def __init__(self, chosen: Sequence[ProjectRef], look_up: Callable[[str], object]) -> None:
        self.chosen = tuple(chosen)
        self._look_up = look_up
        self._looked_up: dict[str, object] = {}
        self._named: set[str] = set()

    def next(self, listed: Sequence[Project], *, complete: bool) -> Project | None:
        """The next usable project. `listed` are the projects read so far, and `complete` says whether that is all.

        A chosen project missing from an incomplete list is requested by id. Others are never used instead.
        """
        project = self._first_listed(listed)
        if project is None and not complete:
            project = self._first_looked_up(listed)
        if project is not None:
            self._named.add(project.id.lower())
        return project

    def found(self) -> tuple[Project, ...]:
        """The usable projects that were requested by id."""
        projects = (project for project in self._looked_up.values() if isinstance(project, Project))
        return tuple(project for project in projects if project.is_usable)

    def not_visible(self, listed: Sequence[Project], *, complete: bool) -> tuple[ProjectRef, ...]:
        """The chosen projects that certainly do not exist, or are not usable, for the token's owner."""
        usable = {project.id.lower() for project in listed if project.is_usable}
        return tuple(
            project for project in self.chosen if self._is_hidden(project.id.lower(), usable, complete=complete)
        )

    def _first_listed(self, listed: Sequence[Project]) -> Project | None:
        usable = {project.id.lower(): project for project in listed if project.is_usable}
        candidates = [project.id.lower() for project in self.chosen] or list(usable)
        return next((usable[key] for key in candidates if key in usable and key not in self._named), None)

    def _first_looked_up(self, listed: Sequence[Project]) -> Project | None:
        known = {project.id.lower() for project in listed}
        for chosen in self.chosen:
            key = chosen.id.lower()
            if key in known or key in self._named:
                continue
            if key not in self._looked_up and len(self._looked_up) < LOOK_UPS:
                self._looked_up[key] = self._look_up(chosen.id)
            project = self._looked_up.get(key)
            if isinstance(project, Project) and project.is_usable:
                return project
        return None

    def _is_hidden(self, key: str, usable: Collection[str], *, complete: bool) -> bool:
        if key in usable:
            return False
        outcome = self._looked_up.get(key)
        if isinstance(outcome, Project):
            return not outcome.is_usable
        return complete or isinstance(outcome, errors.NotFound)
