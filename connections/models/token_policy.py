"""The stored token policy."""

from dataclasses import asdict

from django.db import models

from connections.domain.token_policy import Rule, TokenPolicy


class StoredTokenPolicy(models.Model):
    """The single row with the token policy; without it, the defaults apply."""

    # The subject kind of its events in the history, which is older than the name of this class.
    subject_kind = "guardrails"

    longest_life_days = models.PositiveSmallIntegerField()
    longest_life = models.CharField(max_length=8)
    reuse = models.CharField(max_length=8)
    missing_date = models.CharField(max_length=8)

    class Meta:
        db_table = "connections_guardrails"
        default_permissions = ()
        permissions = (
            ("view_guardrails", "Can view the token policy"),
            ("change_guardrails", "Can change the token policy"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name under which the history shows it."""
        return "Token policy"

    def policy(self) -> TokenPolicy:
        """The rules in this row."""
        return TokenPolicy(self.longest_life_days, Rule(self.longest_life), Rule(self.reuse), Rule(self.missing_date))

    def copy_from(self, policy: TokenPolicy) -> None:
        """Copy the rules into this row. The caller saves."""
        for name, value in asdict(policy).items():
            setattr(self, name, value)

    @classmethod
    def now(cls) -> TokenPolicy:
        """The current rules, or the defaults."""
        stored = cls.objects.filter(pk=1).first()
        return stored.policy() if stored else TokenPolicy()

    @classmethod
    def locked(cls) -> "StoredTokenPolicy":
        """The row, locked until the end of the transaction."""
        cls.objects.get_or_create(pk=1, defaults=asdict(TokenPolicy()))
        return cls.objects.select_for_update().get(pk=1)
