"""What we keep: connections, their tokens, what the tokens can do, and test results that wait for Connect."""

import secrets
from dataclasses import asdict

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from connections import keyring
from connections.azure_devops.capabilities import Verdict
from connections.azure_devops.secret import PersonalAccessToken
from connections.azure_devops.types import Place
from connections.rails import Rails, Rule
from connections.status import Health

NAME_LENGTH = 64


def _choices(states: type[Health] | type[Verdict]) -> list[tuple[str, str]]:
    return [(state.value, state.value.replace("_", " ").capitalize()) for state in states]


class Connection(models.Model):
    """One organization, reached with one token."""

    class Reach(models.TextChoices):
        """For which organizations the token was made at Azure DevOps."""

        ONE = "one", "This organization only"
        ALL = "all", "All accessible organizations"
        UNKNOWN = "unknown", "I don't know"

        @classmethod
        def at(cls, place: Place, told: str) -> str:
            """What is kept of what somebody said. On a server of one's own the question means nothing."""
            return told if place == "organization" and told else str(cls.UNKNOWN)

    name = models.CharField(max_length=NAME_LENGTH)
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
    extra_recipients = models.TextField(blank=True)
    token_set_at = models.DateTimeField()
    disabled = models.BooleanField(default=False)
    # One for everybody: what forms choose beforehand.
    is_default = models.BooleanField(default=False)
    health = models.CharField(max_length=16, choices=_choices(Health), default=Health.NOT_CHECKED)
    problem = models.CharField(max_length=64, blank=True)
    activity_id = models.CharField(max_length=64, blank=True)
    troubles_in_a_row = models.PositiveSmallIntegerField(default=0)
    checked_at = models.DateTimeField(null=True)
    # What people were last told, and how often the news since then was seen.
    told_health = models.CharField(max_length=16, default=Health.NOT_CHECKED)
    told_lacking = models.JSONField(default=list, blank=True)
    looks_at_news = models.PositiveSmallIntegerField(default=0)
    health_since = models.DateTimeField()
    # The clock's own fields: when to look, and until when somebody is looking.
    next_check_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

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
            # All that the counts and the timeline of the list ask for, so that they read nothing else.
            models.Index(fields=("expires_on", "disabled", "health", "owner", "name"), name="connection_at_a_glance"),
            models.Index(fields=("checked_at", "name"), name="connection_by_check"),
            models.Index(fields=("name", "organization", "identity_name"), name="connection_by_words"),
            models.Index(fields=("health", "disabled"), name="connection_by_health"),
            models.Index(fields=("disabled", "next_check_at"), name="connection_by_next_check"),
        )
        permissions = (
            ("test_connection", "Can test a connection"),
            ("rotate_connection", "Can update the token of a connection"),
            ("disable_connection", "Can disable and enable a connection"),
            ("audit_connection", "Can audit all connections"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The connection's own page."""
        return reverse("connections:detail", args=[self.pk])


class StoredToken(models.Model):
    """The sealed token, in a table of its own: an unreadable key spoils one row and never a list."""

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="stored_token"
    )
    sealed = models.BinaryField(editable=False)
    fingerprint = models.CharField(max_length=64, db_index=True, editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Token of connection {self.pk}"

    def seal(self, token: PersonalAccessToken) -> None:
        """Take the token in, encrypted for this row. The caller saves."""
        self.sealed = keyring.seal(token, owner=self.seal_owner)
        self.fingerprint = keyring.fingerprint(token)

    def reveal(self) -> PersonalAccessToken:
        """Decrypt. Raises `keyring.UnreadableToken`."""
        return keyring.unseal(bytes(self.sealed), owner=self.seal_owner)

    def is_readable(self) -> bool:
        """Whether a key of the ring still opens it."""
        try:
            self.reveal()
        except keyring.UnreadableToken:
            return False
        return True

    @property
    def seal_owner(self) -> str:
        """The name of this row inside the sealed text."""
        return f"connection {self.pk}"


class AuditRun(models.Model):
    """A set of connections that is audited together, by the clock or by hand."""

    started_at = models.DateTimeField(db_index=True)
    started_by = models.CharField(max_length=150)
    by_hand = models.BooleanField()
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at", "-id")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=("by_hand",), condition=models.Q(finished_at=None), name="one_open_audit_of_each_kind"
            ),
        )

    def __str__(self) -> str:
        return f"Audit of {self.started_at:%Y-%m-%d %H:%M}"


class AuditedConnection(models.Model):
    """A connection's place in a run. It outlives the connection by its name."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        DONE = "done"
        CANCELLED = "cancelled"

    run = models.ForeignKey(AuditRun, on_delete=models.CASCADE, related_name="audited")
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="audits")
    name = models.CharField(max_length=NAME_LENGTH)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    health = models.CharField(max_length=16, blank=True)
    problem = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("run", "connection"), name="audited_once_in_a_run"),)
        indexes = (models.Index(fields=("connection", "state"), name="audited_by_connection"),)

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class Mail(models.Model):
    """A mail that is to be sent, or was. Written in the transaction of the fact it tells."""

    kind = models.CharField(max_length=32)
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="mails")
    # Of every connection it speaks of: the id, and the name by which the history knows it when it is gone.
    about = models.JSONField(default=list)
    recipient = models.EmailField()
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField()
    headers = models.JSONField(default=dict)
    message_id = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ("view",)
        permissions = (("resend_mail", "Can send mails again and send a test mail"),)
        indexes = (models.Index(fields=("sent_at", "due_at"), name="mail_by_due"),)

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"


class Reminder(models.Model):
    """The ledger: that people were reminded at this threshold.

    It counts days before the end, or, while no date is recorded, days since the token was stored.
    """

    class Kind(models.TextChoices):
        """What people were reminded of."""

        EXPIRY = "expiry", "the token's end"
        ALL_ORGANIZATIONS = "all_organizations", "the end of tokens for all organizations"
        UNDATED = "undated", "the missing date"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="reminders")
    token_set_at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.EXPIRY)
    expires_on = models.DateField(null=True)
    threshold = models.PositiveIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "token_set_at", "kind", "expires_on", "threshold"), name="reminded_once"
            ),
            # To a database one missing date is not the same as another.
            models.UniqueConstraint(
                fields=("connection", "token_set_at", "kind", "threshold"),
                condition=models.Q(expires_on=None),
                name="reminded_once_without_a_date",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}, {self.threshold} days"


class MutedReminders(models.Model):
    """Somebody who does not want reminders about this connection, or, without one, about any."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, related_name="muted")
    address = models.EmailField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("connection", "address"), name="muted_once"),
            models.UniqueConstraint(
                fields=("address",), condition=models.Q(connection=None), name="muted_everywhere_once"
            ),
        )

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """What the history calls it."""
        return self.address


class GuardRails(models.Model):
    """The one row of rules that an administrator sets; without it the usual ones hold."""

    longest_life_days = models.PositiveSmallIntegerField()
    longest_life = models.CharField(max_length=8)
    reuse = models.CharField(max_length=8)
    missing_date = models.CharField(max_length=8)

    class Meta:
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the history calls them."""
        return "Guard rails"

    def rails(self) -> Rails:
        """The rules in this row."""
        return Rails(self.longest_life_days, Rule(self.longest_life), Rule(self.reuse), Rule(self.missing_date))

    def take(self, rails: Rails) -> None:
        """Put rules into this row. The caller saves."""
        for name, value in asdict(rails).items():
            setattr(self, name, value)

    @classmethod
    def now(cls) -> Rails:
        """The rules in force."""
        stored = cls.objects.filter(pk=1).first()
        return stored.rails() if stored else Rails()

    @classmethod
    def locked(cls) -> "GuardRails":
        """The row, held until the end of the transaction."""
        cls.objects.get_or_create(pk=1, defaults=asdict(Rails()))
        return cls.objects.select_for_update().get(pk=1)


class CalendarFeed(models.Model):
    """A person's calendar of expiry dates. Its secret address is known here by a digest only."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feed")
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)
    # When what the calendar says last changed, so that a program that asks again is told that nothing did.
    content_digest = models.CharField(max_length=64, blank=True, editable=False)
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Calendar of {self.user_id}"


class ChosenProject(models.Model):
    """A project that the connection is limited to. Kept by Azure DevOps' id, so a rename is a rename."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="chosen_projects")
    project_id = models.CharField(max_length=64)
    name = models.CharField(max_length=256)

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("connection", "project_id"), name="project_chosen_once"),)

    def __str__(self) -> str:
        return self.name


class CapabilityState(models.Model):
    """What is known of one capability: the last firm verdict, and whether the latest look could not tell."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="capabilities")
    capability = models.CharField(max_length=32)
    verdict = models.CharField(max_length=16, choices=_choices(Verdict))
    reason = models.CharField(max_length=64, blank=True)
    doubt = models.CharField(max_length=64, blank=True)
    verified_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("connection", "capability"), name="capability_once"),)

    def __str__(self) -> str:
        return f"{self.capability}: {self.verdict}"


def _new_key() -> str:
    return secrets.token_urlsafe(24)


class ProbeResult(models.Model):
    """A fresh test that waits for Connect: for one person, server, organization and token, for minutes.

    The page holds only the signed key. The token is known here by a keyed digest made for this row alone.
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

    def digest(self, token: PersonalAccessToken) -> str:
        """The keyed digest of `token` for this row."""
        return keyring.fingerprint(token, purpose=f"test {self.key}")

    def is_for(self, *, server: str, organization: str, token: PersonalAccessToken) -> bool:
        """Whether this result speaks of exactly this server, organization and token."""
        same_place = (self.server, self.organization) == (server, organization)
        return same_place and secrets.compare_digest(self.token_digest, self.digest(token))
