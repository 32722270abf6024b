"""How each kind of thing that is polled is read, and where it is stored."""

from collections.abc import Callable
from datetime import datetime

from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery.live import items, polling
from delivery.live.pipelines import read_pipelines
from delivery.live.release_pipelines import read_release_pipelines
from delivery.live.snapshots import Snapshot
from delivery.models import PollSubscription, Project


def _list(read: Callable[[AzureDevOpsClient, Project, datetime], None]) -> polling.Reader:
    def reader(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> None:
        read(client, subscription.project, now)

    return reader


def _item(read: Callable[[AzureDevOpsClient, str, int, datetime], Snapshot]) -> polling.Reader:
    def reader(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> Snapshot:
        return read(client, subscription.project.azure_id, subscription.number, now)

    return reader


READERS: dict[str, polling.Reader] = {
    polling.BUILDS: _list(read_pipelines),
    polling.RELEASES: _list(read_release_pipelines),
    polling.BUILD: _item(items.read_build),
    polling.RELEASE: _item(items.read_release),
    polling.PIPELINE_BUILDS: _item(items.read_builds),
    polling.PIPELINE_RELEASES: _item(items.read_releases),
}
