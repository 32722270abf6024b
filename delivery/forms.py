"""What people may type."""

from collections.abc import Iterable
from typing import Any

from django import forms


class FilterForm(forms.Form):
    """Search, filter and order of the list of repositories; all of it stands in the URL."""

    q = forms.CharField(
        label="Search", required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"})
    )
    state = forms.ChoiceField(label="State", required=False)
    sort = forms.ChoiceField(
        label="Sort by", required=False, choices=[("", "Name"), ("project", "Project"), ("size", "Size")]
    )
    connection = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, states: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state = self.fields["state"]
        assert isinstance(state, forms.ChoiceField)  # noqa: S101  (declared above)
        state.choices = list(states)
