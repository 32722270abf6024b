"""How each kind of subscription is read: lists fill tables, what has a number becomes a snapshot."""

from delivery.live import items, polling
from delivery.live.pipelines import read_pipelines
from delivery.live.release_pipelines import read_release_pipelines

READERS: dict[str, polling.Reader] = {
    polling.BUILDS: read_pipelines,
    polling.RELEASES: read_release_pipelines,
    polling.BUILD: items.read_build,
    polling.RELEASE: items.read_release,
    polling.PIPELINE_BUILDS: items.read_builds,
    polling.PIPELINE_RELEASES: items.read_releases,
}
