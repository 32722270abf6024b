"""What is stored of the connected organizations, by Azure DevOps' own ids."""

from datetime import datetime

from django.db import models
from django.db.models.functions import Lower

from connections.models import Connection
from core.leases import Leased, LeasedQuerySet
from core.row_urls import row_url


class SyncState(Leased):
    """How far the sync of one connection's projects and repositories is, and when it runs next.

    A sync is under way from `started_at` until `finished_at` is set. It continues after a crash, a pause or a restart,
    because each project has when it was last listed.
    """

    lease_setting, due_field, done_field = "REFRESH_LEASE_SECONDS", "next_at", "finished_at"

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="sync_state")
    next_at = models.DateTimeField(db_index=True)
    started_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=150, blank=True)
    by_hand = models.BooleanField(default=False)
    finished_at = models.DateTimeField(null=True)
    complete_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=64, blank=True)
    activity_id = models.CharField(max_length=64, blank=True)
    consecutive_failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "delivery_inventory"
        default_permissions = ()

    def __str__(self) -> str:
        return f"Sync of connection {self.pk}"

    @property
    def under_way(self) -> bool:
        """Whether a sync has started and not finished."""
        return self.started_at is not None and self.finished_at is None

    @property
    def percent(self) -> int:
        """How far the sync is, as a whole number up to 100."""
        return 100 * self.done // self.total if self.total else 0


class ReadGeneration(models.Model):
    """How often this product changed something in an organization, counted for all web processes.

    What is read is cached under the number from before the request, so that no process shows what was read before a
    change.
    """

    server = models.CharField(max_length=100)
    organization_id = models.CharField(max_length=64)
    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("server", "organization_id"), name="read_generation_once"),)

    def __str__(self) -> str:
        return f"Generation {self.number}"


class Project(models.Model):
    """A project. `gone_at` says when Azure DevOps no longer listed it; `listed_at`, when its repositories last were.

    `releases_off` says whether classic releases are switched off; None where that is unknown, or does not matter.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="projects")
    azure_id = models.CharField(max_length=64)
    name = models.CharField(max_length=256)
    description = models.TextField(blank=True)
    visibility = models.CharField(max_length=32, blank=True)
    last_updated_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=64, blank=True)
    activity_id = models.CharField(max_length=64, blank=True)
    releases_off = models.BooleanField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("connection", "azure_id"), name="project_once"),)
        # Finds the same project of other connections: see `delivery.same_things`.
        indexes = (models.Index(fields=("azure_id",), name="project_by_azure_id"),)

    def __str__(self) -> str:
        return self.name


class Repository(models.Model):
    """A Git repository. One without a default branch is empty; `size` is in bytes."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="repositories")
    azure_id = models.CharField(max_length=64)
    name = models.CharField(max_length=256)
    default_branch = models.CharField(max_length=512, blank=True)
    size = models.BigIntegerField(default=0)
    disabled = models.BooleanField(default=False)
    web_url = models.CharField(max_length=2000, blank=True)
    https_url = models.CharField(max_length=2000, blank=True)
    ssh_url = models.CharField(max_length=2000, blank=True)
    added_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        ordering = (Lower("name"), "id")
        verbose_name_plural = "repositories"
        constraints = (models.UniqueConstraint(fields=("project", "azure_id"), name="repository_once"),)
        indexes = (models.Index(Lower("name"), "id", name="repository_by_name"),)
        permissions = (
            ("refresh_repository", "Can bring in projects and repositories anew"),
            ("create_repository", "Can create a repository at Azure DevOps"),
            ("write_code", "Can create branches and commit files at Azure DevOps"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The repository's own page."""
        return row_url("delivery:repository", self.pk)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever pushed to it."""
        return not self.default_branch

    @property
    def branch(self) -> str:
        """The short name of the default branch."""
        return self.default_branch.removeprefix("refs/heads/")


class PipelineBase(models.Model):
    """What pipelines and release pipelines have in common. `gone_at` says when Azure DevOps no longer listed it."""

    azure_id = models.IntegerField()
    name = models.CharField(max_length=256)
    web_url = models.CharField(max_length=2000, blank=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        default_permissions = ("view",)
        ordering = (Lower("name"), "id")

    def __str__(self) -> str:
        return self.name


class ReleasePipeline(PipelineBase):
    """A classic release pipeline, with its newest release as last read.

    `stages` are those that the pipeline plans, `newest_stages` those of the newest release: a list of objects with the
    name, and there the state (`delivery.domain.stages.StageState`) too. `whole` is a `ReleaseState` of that module, or
    empty. `pending` counts the pending approvals, of older releases too; `waiting` describes the newest.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="release_pipelines")
    path = models.CharField(max_length=400, blank=True)
    stages = models.JSONField(default=list)
    newest_id = models.IntegerField(null=True)
    newest_name = models.CharField(max_length=256, blank=True)
    newest_at = models.DateTimeField(null=True)
    newest_by = models.CharField(max_length=256, blank=True)
    newest_version = models.CharField(max_length=400, blank=True)
    newest_url = models.CharField(max_length=2000, blank=True)
    newest_stages = models.JSONField(default=list)
    whole = models.CharField(max_length=16, blank=True)
    pending = models.PositiveIntegerField(default=0)
    waiting = models.JSONField(default=list)

    class Meta(PipelineBase.Meta):
        constraints = (models.UniqueConstraint(fields=("project", "azure_id"), name="release_pipeline_once"),)
        indexes = (
            models.Index(Lower("name"), "id", name="release_pipeline_by_name"),
            models.Index(fields=("whole", "gone_at"), name="release_pipeline_by_state"),
            models.Index(fields=("-newest_at", "id"), name="release_pipeline_by_newest"),
        )
        permissions = (
            ("create_release", "Can create a release at Azure DevOps"),
            ("deploy_release", "Can deploy a stage of a release, and cancel it, at Azure DevOps"),
            ("approve_deployment", "Can approve and reject deployments at Azure DevOps"),
        )

    def get_absolute_url(self) -> str:
        """The release pipeline's own page."""
        return row_url("delivery:release-pipeline", self.project_id, self.azure_id)


class PollSubscription(Leased):
    """What open pages show of a project, polled in Azure DevOps once for all viewers.

    `kind` says what it is; `number` is Azure DevOps' id of one build, release or pipeline, and 0 for the lists of a
    whole project. It is polled until `watched_until`, or once when `once` is set. `read_at` is when it was last read:
    to its end, or with the problem "list_incomplete" as far as possible. `problem` says why the latest poll failed;
    what is known is kept. `snapshot` is what was read of one with a number (`delivery.live.snapshots`); lists have
    tables of their own.
    """

    lease_setting, due_field, done_field = "REFRESH_LEASE_SECONDS", "next_at", "read_at"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="watches")
    kind = models.CharField(max_length=32)
    number = models.PositiveIntegerField(default=0)
    watched_until = models.DateTimeField()
    once = models.BooleanField(default=False)
    next_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    snapshot = models.JSONField(null=True)
    problem = models.CharField(max_length=64, blank=True)
    activity_id = models.CharField(max_length=64, blank=True)
    consecutive_failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "delivery_watch"
        default_permissions = ()
        verbose_name_plural = "watches"
        constraints = (models.UniqueConstraint(fields=("project", "kind", "number"), name="watched_once"),)
        indexes = (
            models.Index(fields=("watched_until",), name="watch_by_viewers"),
            models.Index(fields=("once", "next_at"), name="watch_by_next"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.number or ''} of {self.project_id}"

    @staticmethod
    def due(now: datetime) -> LeasedQuerySet["PollSubscription"]:
        """What is viewed or to be polled once, is to be read by now, and is not being read."""
        is_wanted = models.Q(watched_until__gte=now) | models.Q(once=True)
        free = PollSubscription.objects.free(now)
        return free.filter(is_wanted, next_at__lte=now, project__connection__disabled=False)


class Pipeline(PipelineBase):
    """A pipeline, with its newest build as last read.

    `state` is a `delivery.domain.build_states.State`; `recent` are the newest builds, each as [id, number, state].
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pipelines")
    folder = models.CharField(max_length=400, blank=True)
    queue_status = models.CharField(max_length=16, blank=True)
    state = models.CharField(max_length=16, blank=True)
    build_id = models.IntegerField(null=True)
    build_number = models.CharField(max_length=256, blank=True)
    branch = models.CharField(max_length=512, blank=True)
    requested_for = models.CharField(max_length=256, blank=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    recent = models.JSONField(default=list)

    class Meta(PipelineBase.Meta):
        constraints = (models.UniqueConstraint(fields=("project", "azure_id"), name="pipeline_once"),)
        indexes = (
            models.Index(Lower("name"), "id", name="pipeline_by_name"),
            models.Index(fields=("state", "gone_at"), name="pipeline_by_state"),
            models.Index(fields=("-queued_at", "id"), name="pipeline_by_newest"),
        )
        permissions = (
            ("run_pipeline", "Can run a pipeline at Azure DevOps"),
            ("cancel_build", "Can cancel a build at Azure DevOps"),
        )

    def get_absolute_url(self) -> str:
        """The pipeline's own page."""
        return row_url("delivery:pipeline", self.pk)
