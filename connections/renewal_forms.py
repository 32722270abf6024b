"""The form for renewing a token."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator

from connections.domain import renewal as rules
from connections.models import StoredTokenPolicy

SAME, ALL = "same", "all"


class RenewForm(forms.Form):
    """For how many days the new token is valid, and with which scopes."""

    days = forms.IntegerField(label="Valid for (days)", min_value=1)
    scopes = forms.ChoiceField(label="Scopes", widget=forms.RadioSelect, choices=((SAME, ""), (ALL, "")))

    def __init__(self, *args: Any, verdicts: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = StoredTokenPolicy.now()
        self.longest = rules.longest_days(policy)
        self.same, self.all = rules.needed_scopes(verdicts), rules.needed_scopes(verdicts, everything=True)
        days, scopes = self.fields["days"], self.fields["scopes"]
        if isinstance(days, forms.IntegerField):
            days.max_value = self.longest
            days.validators.append(MaxValueValidator(self.longest))
            days.widget.attrs["max"] = self.longest
        allows = "Azure DevOps" if self.longest == rules.LONGEST_DAYS else "The token policy"
        days.help_text = f"{allows} allows up to {self.longest} days. The organization may shorten it."
        days.initial = rules.usual_days(policy)
        if isinstance(scopes, forms.ChoiceField):
            scopes.choices = self._choices()
        scopes.initial = SAME

    def _choices(self) -> list[tuple[str, str]]:
        same = (SAME, f"As the token in use: {_listed(self.same)}")
        return [same] if set(self.same) == set(self.all) else [same, (ALL, f"Everything we use: {_listed(self.all)}")]

    def wanted(self) -> tuple[tuple[str, ...], int]:
        """The scopes and the days that were chosen."""
        scopes = self.all if self.cleaned_data["scopes"] == ALL else self.same
        return scopes, self.cleaned_data["days"]


def _listed(scopes: tuple[str, ...]) -> str:
    return "; ".join(rules.labels_of(scopes))
