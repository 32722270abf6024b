"""The forms for renewing a token, and for reading what Azure DevOps says about tokens."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator

from connections.domain import renewal as rules
from connections.models import StoredTokenPolicy
from connections.token_import_reads import MOST_ORGANIZATIONS, Place, places

SAME, ALL = "same", "all"


class DaysForm(forms.Form):
    """For how many days from now a token is valid."""

    days = forms.IntegerField(label="Valid for (days)", min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = StoredTokenPolicy.now()
        self.longest = rules.longest_days(policy)
        days = self.fields["days"]
        if isinstance(days, forms.IntegerField):
            days.max_value = self.longest
            days.validators.append(MaxValueValidator(self.longest))
            days.widget.attrs["max"] = self.longest
        allows = "Azure DevOps" if self.longest == rules.LONGEST_DAYS else "The token policy"
        days.help_text = f"{allows} allows up to {self.longest} days. The organization may shorten it."
        days.initial = rules.usual_days(policy)


class RenewForm(DaysForm):
    """For how many days the new token is valid, and with which scopes."""

    scopes = forms.ChoiceField(label="Scopes", widget=forms.RadioSelect, choices=((SAME, ""), (ALL, "")))

    def __init__(self, *args: Any, verdicts: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.same, self.all = rules.needed_scopes(verdicts), rules.needed_scopes(verdicts, everything=True)
        scopes = self.fields["scopes"]
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


class ImportForm(forms.Form):
    """In which organizations a person reads their own tokens."""

    organizations = forms.MultipleChoiceField(
        label="Organizations",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one organization."},
        help_text=f"Up to {MOST_ORGANIZATIONS} at once.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = {place.key: place for place in places()}
        field = self.fields["organizations"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(key, _place_label(place)) for key, place in self.places.items()]
        if len(self.places) == 1:
            field.initial = list(self.places)

    def clean_organizations(self) -> list[Place]:
        """The chosen organizations, which are on one server."""
        chosen = [self.places[key] for key in self.cleaned_data["organizations"]]
        if len(chosen) > MOST_ORGANIZATIONS:
            raise forms.ValidationError(f"Choose up to {MOST_ORGANIZATIONS} organizations.", code="too_many")
        if len({place.server for place in chosen}) > 1:
            raise forms.ValidationError("Choose organizations of one server.", code="several_servers")
        return chosen

    def chosen(self) -> tuple[str, list[str]]:
        """The server, and its organizations that were chosen."""
        found: list[Place] = self.cleaned_data["organizations"]
        return found[0].server, [place.organization for place in found]


def _place_label(place: Place) -> str:
    return f"{place.organization} ({place.connections} connection{'' if place.connections == 1 else 's'})"
