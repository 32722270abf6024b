"""What people enter about an API token."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from api import input_rules
from api.scopes import SCOPES
from connections import reads
from connections.fields import checked, offer
from core.widgets import TextInput

_DAYS = (30, 90, 180, 365)
_MOST_NAMES = 100


class TokenForm(forms.Form):
    """Name, permissions, lifetime and, optionally, connections of a new token."""

    name = forms.CharField(
        label="Name",
        widget=TextInput,
        help_text="Where you will use it, for example “Terraform”. The history names it with every change.",
        error_messages={"required": "Enter a name for the token."},
    )
    permissions = forms.MultipleChoiceField(
        label="Permissions",
        widget=forms.CheckboxSelectMultiple,
        initial=["connections.view_connection"],
        help_text="Changing or testing something also needs the permission to read it. If your role loses a "
        "permission, the token loses it too.",
        error_messages={"required": "Choose at least one permission."},
    )
    connections = forms.CharField(
        label="Only these connections",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One name on each line. Leave it empty for all connections.",
    )
    days = forms.TypedChoiceField(
        label="Valid for", coerce=int, choices=[(days, f"{days} days") for days in _DAYS], initial=90
    )

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = [(scope.permission, scope.label) for scope in SCOPES if owner.has_perm(scope.permission)]
        offer(self, "permissions", scopes)

    def clean_name(self) -> str:
        """The name as it is stored."""
        return checked(input_rules.token_name, str(self.cleaned_data["name"]))

    def clean_connections(self) -> list[int] | None:
        """The ids of the named connections; None for all."""
        names = [line.strip() for line in str(self.cleaned_data["connections"]).splitlines() if line.strip()]
        if len(names) > _MOST_NAMES:
            raise forms.ValidationError(f"Name at most {_MOST_NAMES} connections.", code="too_many_connections")
        return [_id_of(name) for name in names] or None


def _id_of(name: str) -> int:
    found = reads.connection_named(name)
    if found is None:
        words = f"No connection is called “{name[:100]}”."
        raise forms.ValidationError(words, code="connection_unknown")
    return found.pk
