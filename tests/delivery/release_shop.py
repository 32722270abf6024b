"""What tests of releases need: the same things as the sandbox has them, and time that passes."""

from dataclasses import dataclass

from django.test import Client
from django.urls import reverse

from delivery.models import Project
from history.models import Event
from sandbox.deployments import Approval, Environment, Release
from sandbox.server import Sandbox
from sandbox.state import Project as AzureProject
from tests.delivery.aging import age_what_was_read

DEPLOY, CANARY, MAC = 1, 2, 3
# Newest first: what waits for Maya, and what went through; each with Test, Staging and Production.
WAITING, THROUGH = "Release-2", "Release-1"


@dataclass
class Shop:
    """A project with releases: as the product knows it, and as the sandbox has it."""

    project: Project
    azure: AzureProject
    sandbox: Sandbox

    def release(self, name: str, definition: int = DEPLOY) -> Release:
        self.settle()
        return next(one for one in self.azure.releases if (one.name, one.definition.id) == (name, definition))

    def settle(self) -> None:
        for one in self.azure.releases:
            one.settle(self.sandbox.state.now(), self.azure.new_id)

    def stage(self, release: Release, name: str) -> Environment:
        self.settle()
        return next(one for one in release.environments if one.plan.name == name)

    def status(self, release: Release, name: str) -> str:
        return self.stage(release, name).status(self.sandbox.state.now())

    def approval(self, release: Release, stage: str = "Production") -> Approval:
        return self.stage(release, stage).attempts[-1].approvals[0]

    def later(self, seconds: float) -> None:
        """Let time pass at Azure DevOps, and what was read before grow old."""
        self.sandbox.state.advance(seconds)
        age_what_was_read()

    def page(self, pages: Client, release: Release) -> str:
        return pages.get(self.url("release", release.id)).content.decode()

    def url(self, name: str, *ids: int) -> str:
        return reverse(f"delivery:{name}", args=[self.project.pk, *ids])

    def post(self, pages: Client, name: str, *ids: int, **data: str) -> str:
        return pages.post(self.url(name, *ids), data, follow=True).content.decode()

    @property
    def writes(self) -> int:
        return sum(request.method in ("POST", "PATCH") for request in self.sandbox.requests)


def events(outcome: str) -> list[dict[str, object]]:
    return [one.detail for one in Event.objects.filter(kind__endswith=outcome).order_by("pk")]
