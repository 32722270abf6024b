"""The checklist of first steps for administrators, above the list until all of them are done."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from connections.notifications.emails import written_to
from history.queries import has_happened


@dataclass(frozen=True, slots=True)
class FirstStep:
    """A step and whether it is done. `command` is what to enter or to set where no page does it."""

    label: str
    is_done: bool
    help: str
    url: str = ""
    command: str = ""


def first_steps(user: User, *, has_connections: bool) -> list[FirstStep]:
    """The steps in the order to take them; empty for others than administrators, and once all are done."""
    if not user.has_perm("people.manage_people"):
        return []
    steps = [
        FirstStep(
            "Set up mail",
            not written_to(),
            "Reminders are saved to a folder until a mail server is set.",
            url=reverse("connections:outbox"),
            command="EMAIL_URL",
        ),
        FirstStep(
            "Add your mail address", bool(user.email), "Reminders reach you there.", url=reverse("people:account")
        ),
        FirstStep(
            "Connect the first organization",
            has_connections,
            "It takes a personal access token and two minutes.",
            url=reverse("connections:add"),
        ),
        *([_second_factor(user)] if settings.SECOND_FACTOR else []),
        FirstStep(
            "Make a backup",
            has_happened("backup.made"),
            "One file with the whole database. Keep the keys in another place.",
            command="python manage.py backup FILE",
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


def _second_factor(user: User) -> FirstStep:
    # allauth is installed only while the second factor is turned on.
    from allauth.mfa.utils import is_mfa_enabled

    help_text = "A code of an authenticator app protects your account."
    return FirstStep("Add a second factor", is_mfa_enabled(user), help_text, url=reverse("mfa_index"))
