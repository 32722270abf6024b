"""The form of a calibration: what a person knows about the stored token."""

from typing import Any

from django import forms

from connections.domain.calibration import VALID, Told, levels, token_states
from connections.fields import offer
from connections.providers.organization import Place
from connections.providers.registry import CAPABILITIES

TOKEN_STATE_WORDS = {
    "valid": "valid",
    "expired": "expired",
    "revoked": "revoked in Azure DevOps",
    "another-organization": "created for another organization",
    "all-organizations": "created for all accessible organizations",
}


class CalibrationForm(forms.Form):
    """The state and scopes of a stored token, as the user knows them, to tell which responses to expect."""

    token_state = forms.ChoiceField(label="The token is")
    code = forms.ChoiceField(label="Code")
    build = forms.ChoiceField(label="Build")
    release = forms.ChoiceField(label="Release")

    def __init__(self, *args: Any, place: Place = "organization", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("token_state", [(state, TOKEN_STATE_WORDS[state]) for state in token_states(place)])
        for area, known in levels().items():
            by_key = {f"{area}_{level}": level for level in known}
            named = [
                (by_key[capability.key], capability.azure_label)
                for capability in CAPABILITIES.values()
                if capability.key in by_key
            ]
            self._offer(area, [(known[0], "no scope"), *named])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = offer(self, name, choices)
        # Django's own message repeats the submitted value.
        field.error_messages["invalid_choice"] = field.error_messages["required"] = "Choose one of the options."

    def told(self) -> Told:
        """The answers. Scopes matter only for a valid token."""
        given = dict(self.cleaned_data)
        state = given.pop("token_state")
        return Told(state, **given) if state == VALID else Told(state)
