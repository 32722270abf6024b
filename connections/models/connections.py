"""Connections, their tokens and projects, and recent tests."""

import secrets
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce, Concat, Lower, Upper
from django.utils import timezone

from connections.domain import expiry, report_json
from connections.domain.health import NEEDS_ATTENTION, Health
from connections.input_rules import NAME_LENGTH
from connections.models.sealed import SealedCredential, fingerprint_of
from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.capability import Verdict
from connections.providers.credential import Credential, ReadDate
from connections.providers.organization import Place, ProjectRef
from core import encryption
from core.leases import Leased
from core.row_urls import row_url
from core.ten_minutes import TenMinutes

if TYPE_CHECKING:
    from connections.models.capabilities import CapabilityState


def choices(states: type[Health] | type[Verdict]) -> list[tuple[str, str]]:
    """What a column of these states may hold, with labels."""
    return [(state.value, state.value.replace("_", " ").capitalize()) for state in states]


def _due_by(*group: str, name: str) -> models.Index:
    """What a group has due, by ten minutes."""
    columns: list[str | TenMinutes] = [TenMinutes("next_check_at"), *group, "next_check_at", "id"]
    return models.Index(*columns, condition=models.Q(disabled=False), name=name)


class Connection(Leased):
    """A connection to one organization with one token. Audits lease it."""

    lease_setting, due_field, done_field = "AUDIT_LEASE_SECONDS", "next_check_at", "checked_at"

    class Reach(models.TextChoices):
        """Which organizations the token is valid for, as chosen in Azure DevOps."""

        ONE = "one", "This organization only"
        ALL = "all", "All accessible organizations"
        UNKNOWN = "unknown", "I don't know"

        @classmethod
        def at(cls, place: Place, reach: str) -> str:
            """The value to store for what the user chose. It is unknown on a server, where it has no meaning."""
            return reach if place == "organization" and reach else str(cls.UNKNOWN)

        @classmethod
        def is_all(cls, place: Place, reach: str) -> bool | None:
            """Whether a token is valid for all organizations of Azure DevOps Services; None if unknown.

            Tokens of a server never are.
            """
            if place == "collection":
                return False
            return {str(cls.ALL): True, str(cls.ONE): False}.get(reach)

    class Severity(models.IntegerChoices):
        """How bad the health of a connection is, for the order of the list. Expiry is not part of it."""

        REJECTED = 0
        PROBLEM = 1
        NONE = 2
        DISABLED = 3

    name = models.CharField(max_length=NAME_LENGTH)
    # The key of an entry in `connections.providers.registry`.
    provider = models.CharField(max_length=32, default=AZURE_DEVOPS.key)
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    organization_id = models.CharField(max_length=64)
    identity_id = models.CharField(max_length=64)
    identity_name = models.CharField(max_length=256)
    identity_account = models.CharField(max_length=256, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="connections")
    all_projects = models.BooleanField(default=True)
    token_reach = models.CharField(max_length=8, choices=Reach.choices, default=Reach.UNKNOWN)
    expires_on = models.DateField(null=True, blank=True)
    # The date that whoever issued the credential named for it; None if they were not asked.
    expires_read_on = models.DateField(null=True, editable=False)
    extra_recipients = models.TextField(blank=True)
    token_set_at = models.DateTimeField()
    disabled = models.BooleanField(default=False)
    # At most one connection, which forms preselect for everyone.
    is_default = models.BooleanField(default=False)
    health = models.CharField(max_length=16, choices=choices(Health), default=Health.NOT_CHECKED)
    problem = models.CharField(max_length=64, blank=True)
    # The host that answered, or that a redirect led to, if it is part of the problem.
    problem_host = models.CharField(max_length=253, blank=True)
    activity_id = models.CharField(max_length=64, blank=True)
    consecutive_failures = models.PositiveSmallIntegerField(default=0)
    checked_at = models.DateTimeField(null=True)
    # What the last notification said, and how many checks have confirmed a change since then.
    notified_health = models.CharField(max_length=16, default=Health.NOT_CHECKED)
    notified_lacking = models.JSONField(default=list, blank=True)
    confirmations = models.PositiveSmallIntegerField(default=0)
    health_since = models.DateTimeField()
    next_check_at = models.DateTimeField()
    created_at = models.DateTimeField()
    # Generated columns, so that lists read one index instead of every row.
    # The day by which it needs attention: the expiry date, or the earliest date if it has a problem or no date.
    attention_due_on = models.GeneratedField(
        expression=models.Case(
            models.When(health__in=[state.value for state in NEEDS_ATTENTION], then=models.Value(date.min)),
            default=Coalesce("expires_on", models.Value(date.min)),
        ),
        output_field=models.DateField(),
        db_persist=True,
    )
    severity = models.GeneratedField(
        expression=models.Case(
            models.When(disabled=True, then=models.Value(Severity.DISABLED.value)),
            models.When(health=Health.REJECTED.value, then=models.Value(Severity.REJECTED.value)),
            models.When(
                health__in=[Health.LIMITED.value, Health.UNREACHABLE.value],
                then=models.Value(Severity.PROBLEM.value),
            ),
            default=models.Value(Severity.NONE.value),
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    # Never NULL, because databases differ in how they sort NULL.
    last_checked = models.GeneratedField(
        expression=Coalesce("checked_at", models.Value(datetime(1970, 1, 1, tzinfo=UTC))),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    search_text = models.GeneratedField(
        expression=Upper(Concat("name", models.Value(" "), "organization", models.Value(" "), "identity_name")),
        output_field=models.TextField(),
        db_persist=True,
    )

    class Meta:
        ordering = (Lower("name"), "id")
        constraints = (
            models.UniqueConstraint(
                Lower("name"), name="connection_name_once", violation_error_message="This name is taken."
            ),
            models.UniqueConstraint(
                fields=("is_default",), condition=models.Q(is_default=True), name="one_default_connection"
            ),
        )
        indexes = (
            # These indexes cover the counts and the timeline of the list.
            # `disabled` comes second, because SQLite does not treat NOT disabled as a single value.
            models.Index(fields=("attention_due_on", "disabled"), name="connection_needs_person"),
            models.Index(fields=("expires_on", "disabled", "name"), name="connection_by_end"),
            models.Index("severity", "expires_on", Lower("name"), "id", name="connection_worst_first"),
            models.Index(Lower("organization"), Lower("name"), "id", name="connection_by_organization"),
            models.Index(fields=("last_checked",), name="connection_by_check"),
            models.Index(fields=("health", "disabled"), name="connection_by_health"),
            models.Index(fields=("token_reach", "disabled", "server"), name="connection_by_reach"),
            models.Index(Lower("name"), condition=models.Q(disabled=True), name="connection_disabled"),
            # These four are what claims of audits read: what is due, what each person and organization has due, and
            # what is under way.
            models.Index(
                fields=("next_check_at", "id"), condition=models.Q(disabled=False), name="connection_by_next_audit"
            ),
            _due_by("identity_id", name="connection_due_by_person"),
            _due_by("server", "organization", name="connection_due_by_org"),
            models.Index(
                fields=("leased_until",), condition=models.Q(leased_until__isnull=False), name="connection_leased"
            ),
            models.Index("provider", Lower("name"), name="connection_by_provider"),
            # Tells whether several connections see the same organization, for `delivery.same_things`.
            models.Index(fields=("server", "organization_id"), name="connection_by_organization_id"),
        )
        permissions = (
            ("test_connection", "Can test a connection"),
            ("rotate_connection", "Can update the token of a connection"),
            ("disable_connection", "Can disable and enable a connection"),
            ("audit_connection", "Can audit all connections"),
            ("calibrate_connection", "Can compare the answers of Azure DevOps with what is expected"),
        )

    def __str__(self) -> str:
        return self.name

    @classmethod
    def find_default(cls) -> "Connection | None":
        """The default connection. `first()` would walk through all names; an index knows it."""
        return next(iter(cls.objects.order_by().filter(is_default=True)), None)

    def get_absolute_url(self) -> str:
        """The page of the connection."""
        return row_url("connections:detail", self.pk)

    def is_token_dead(self, *, today: date) -> bool:
        """Whether the token has expired or is rejected, so that it can't be extended or regenerated."""
        if self.health == Health.REJECTED and self.problem in expiry.DEAD_TOKEN:
            return True
        if self.expires_on is None or self.expires_on >= today:
            return False
        # If Azure DevOps accepted it after that day, it was extended without recording the new date.
        accepted = self.health in (Health.HEALTHY, Health.LIMITED) and self.checked_at is not None
        return not (accepted and timezone.localdate(self.checked_at) > self.expires_on)

    @property
    def never_expires(self) -> bool:
        """Whether nothing of its credential expires. Its date is then `expiry.NEVER`, so that lists sort it last."""
        return expiry.never_expires(self.expires_on)

    @property
    def last_day(self) -> date | None:
        """The expiry date to show; None if it is not recorded, or if nothing expires."""
        return None if self.never_expires else self.expires_on

    @property
    def is_date_read(self) -> bool:
        """Whether whoever issued the credential named the expiry date, and no one has entered another since."""
        return self.expires_on is not None and self.expires_on == self.expires_read_on

    @property
    def application(self) -> "StoredCredential | None":
        """What is stored of its application of Microsoft Entra; None if it uses the token of a person."""
        stored = self.credential()
        return stored if stored.principal else None

    def credential(self) -> "StoredCredential":
        """What is stored of its credential, without the secret; an empty row if there is none."""
        stored = StoredCredential.objects.filter(connection=self).defer("sealed").first()
        return stored or StoredCredential(connection=self)

    @property
    def fingerprint(self) -> str:
        """The keyed fingerprint of its credential; empty if none is stored."""
        try:
            return self.stored_credential.fingerprint
        except StoredCredential.DoesNotExist:
            return ""

    def capability_states(self) -> "list[CapabilityState]":
        """What its token can do, in the order of the first check, since PostgreSQL returns rows in no fixed order."""
        return sorted(self.capabilities.all(), key=attrgetter("pk"))

    def verdicts(self) -> dict[str, str]:
        """The last definite verdict on each capability, by its key."""
        return {state.capability: state.verdict for state in self.capabilities.all()}

    def limited_to(self) -> tuple[ProjectRef, ...]:
        """The projects that it is limited to; empty if it covers all."""
        if self.all_projects:
            return ()
        return tuple(ProjectRef(project.project_id, project.name) for project in self.chosen_projects.all())


class StoredCredential(SealedCredential):
    """The encrypted credential, in its own table so that an unreadable one never breaks a list."""

    sealed_for = "connection"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="stored_credential"
    )
    fingerprint = models.CharField(max_length=64, db_index=True, editable=False)
    # The tenant and client id of an application; empty for a token of a person.
    principal = models.CharField(max_length=80, blank=True, db_index=True, editable=False)
    # The previous token and its owner, to tell whether another connection still uses it before advising to revoke it.
    replaced_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    replaced_identity_name = models.CharField(max_length=256, blank=True, editable=False)
    replaced_identity_account = models.CharField(max_length=256, blank=True, editable=False)
    replaced_kind = models.CharField(max_length=32, blank=True, editable=False)
    # What a credential says about itself that is no secret, such as the thumbprints of a certificate.
    facts = models.JSONField(default=dict, blank=True, editable=False)
    # When its expiry date was last looked for where it was issued, and why it was not found there, as in `ReadDate`.
    date_asked_at = models.DateTimeField(null=True, editable=False)
    date_reason = models.CharField(max_length=16, blank=True, editable=False)
    date_candidates = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        default_permissions = ()
        db_table = "connections_storedtoken"

    def __str__(self) -> str:
        return f"Credential of connection {self.pk}"

    def seal(self, credential: Credential) -> None:
        """Encrypt the credential for this row, and take its fingerprint. The caller saves."""
        super().seal(credential)
        self.principal = credential.principal
        self.facts = credential.facts()
        self.fingerprint = fingerprint_of(credential)

    def remember_as_replaced(self, connection: Connection) -> None:
        """Record the current token as the replaced one. The caller then seals the new one and saves."""
        self.replaced_fingerprint = self.fingerprint
        self.replaced_kind = self.kind
        self.replaced_identity_name = connection.identity_name
        self.replaced_identity_account = connection.identity_account

    def note_date(self, read: ReadDate | None, *, at: datetime) -> None:
        """Record what was found out about the expiry date, None if nothing was asked. The caller saves."""
        self.date_asked_at = at if read else None
        self.date_reason = read.reason if read else ""
        self.date_candidates = report_json.read_date_to_json(read)["candidates"] if read else []

    @property
    def possible_dates(self) -> list[tuple[str, date]]:
        """The names and dates of the credentials of which it is one."""
        return [(name, date.fromisoformat(day)) for name, day in self.date_candidates]

    @property
    def tenant(self) -> str:
        """The tenant id of an application."""
        return self.principal.partition("/")[0]

    @property
    def client(self) -> str:
        """The client id of an application."""
        return self.principal.partition("/")[2]


class ChosenProject(models.Model):
    """A project that the connection is limited to, by its Azure DevOps id, so that renames don't matter."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="chosen_projects")
    project_id = models.CharField(max_length=64)
    name = models.CharField(max_length=256)
    # When a check first found that the owner of the token can't see it; None while it is visible.
    not_visible_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("connection", "project_id"), name="project_chosen_once"),)

    def __str__(self) -> str:
        return self.name


def _new_key() -> str:
    return secrets.token_urlsafe(24)


class ProbeResult(models.Model):
    """The result of a recent test, kept for a few minutes for one user, server, organization and token.

    The page carries only the signed key. The row identifies the token by a keyed digest that is specific to it.
    """

    key = models.CharField(max_length=64, unique=True, default=_new_key)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    token_digest = models.CharField(max_length=64)
    report = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Test of {self.organization} at {self.created_at:%Y-%m-%d %H:%M}"

    def digest(self, token: Credential) -> str:
        """The keyed digest of `token` for this row."""
        return encryption.fingerprint(token, purpose=f"test {self.key}")

    def is_for(self, *, server: str, organization: str, token: Credential) -> bool:
        """Whether this result is for exactly this server, organization and token."""
        same_place = (self.server, self.organization) == (server, organization)
        return same_place and secrets.compare_digest(self.token_digest, self.digest(token))
