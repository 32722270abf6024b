"""What people may type."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.urls import reverse_lazy

from connections.fields import checked
from connections.input_rules import NAME_LENGTH
from core.widgets import FilterInput, FilterSelect, SearchInput
from delivery import connection_names, input_rules

# No row has a greater one, and SQLite takes none.
LARGEST_ID = 2**63 - 1


class ConnectionNameField(forms.CharField):
    """The name of a connection, or a part of it. The browser suggests names while one types."""

    LIST = "connection-names"

    def __init__(self, **kwargs: Any) -> None:
        widget = FilterInput(
            attrs={
                "list": self.LIST,
                "autocomplete": "off",
                "hx-get": reverse_lazy("delivery:connection-names"),
                "hx-trigger": "input changed delay:200ms",
                "hx-target": f"#{self.LIST}",
            }
        )
        super().__init__(label="Connection", max_length=NAME_LENGTH, widget=widget, **kwargs)


class ConnectionForm(forms.Form):
    """A choice among all connections. Links of other pages name one by its id; people by its name."""

    connection = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)
    connection_name = ConnectionNameField(required=False)

    @property
    def typed_name(self) -> str:
        """What was typed; empty if nothing was, or too much."""
        self.is_valid()
        return str(self.cleaned_data.get("connection_name") or "")

    def chosen(self) -> int | None:
        """The id of the connection; None if no connection has this name, or none is chosen."""
        if self.typed_name:
            return connection_names.id_of(self.typed_name)
        found = self.cleaned_data.get("connection")
        return None if found is None else int(found)

    def show_name_of(self, connection_id: int) -> None:
        """Fill the field with the name of a connection that a link chose by its id."""
        self.data = {
            **{key: self.data[key] for key in self.data},
            "connection_name": connection_names.name_of(connection_id),
        }


class FilterChoiceField(forms.ChoiceField):
    """A choice by which a list is filtered or ordered."""

    widget = FilterSelect

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class FilterForm(ConnectionForm):
    """Search, filter and order of the list of repositories; all of it stands in the URL."""

    q = forms.CharField(label="Search", required=False, max_length=200, widget=SearchInput)
    state = FilterChoiceField(label="State")
    sort = FilterChoiceField(label="Sort by", choices=[("", "Name"), ("project", "Project"), ("size", "Size")])

    def __init__(self, *args: Any, states: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state = self.fields["state"]
        assert isinstance(state, forms.ChoiceField)  # noqa: S101  (declared above)
        state.choices = list(states)

    def offer(self, name: str, choices: Iterable[tuple[int, str]]) -> None:
        """What the select of this name offers. Another id in the URL is no error: it fits nothing, or is gone."""
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)  # noqa: S101  (declared so)
        widget.choices = [("", "Any"), *choices]

    @property
    def places(self) -> list[forms.BoundField]:
        """The selects of places among which there is something to choose."""
        found = [self["project"]] if "project" in self.fields else []
        return [field for field in found if len(field.field.widget.choices) > 2 or field.value()]


class PipelineFilterForm(FilterForm):
    """Search, filter and order of the list of pipelines."""

    project = forms.IntegerField(
        label="Project", required=False, min_value=1, max_value=LARGEST_ID, widget=forms.Select
    )
    sort = FilterChoiceField(label="Sort by", choices=[("", "Name"), ("newest", "Newest build")])


class ReleaseFilterForm(PipelineFilterForm):
    """Search, filter and order of the list of release pipelines."""

    sort = FilterChoiceField(label="Sort by", choices=[("", "Name"), ("newest", "Newest release")])


class NewRepositoryForm(forms.Form):
    """New repository."""

    project = forms.ChoiceField(label="Project", error_messages={"required": "Choose a project."})
    name = forms.CharField(
        label="Name",
        widget=forms.TextInput(attrs={"maxlength": input_rules.REPOSITORY_NAME_LENGTH}),
        error_messages={"required": "Enter a name for the repository."},
    )

    def __init__(self, *args: Any, projects: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project = self.fields["project"]
        assert isinstance(project, forms.ChoiceField)  # noqa: S101  (declared above)
        project.choices = list(projects)

    def clean_name(self) -> str:
        """As it is sent."""
        return checked(input_rules.repository_name, self.cleaned_data["name"])


class BranchField(forms.CharField):
    """A branch's short name, as Git allows it."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"maxlength": input_rules.BRANCH_LENGTH})
        errors = {"required": "Enter a name for the branch."}
        super().__init__(strip=False, widget=widget, error_messages=errors, **kwargs)

    def clean(self, value: Any) -> str:
        """The name. Raises `ValidationError` beside this field."""
        return checked(input_rules.branch_name, str(super().clean(value)))


class RunForm(forms.Form):
    """Run pipeline."""

    branch = BranchField(label="Branch")

    def __init__(self, *args: Any, has_suggestions: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_suggestions:
            self.fields["branch"].widget.attrs["list"] = "branches-to-run"


class NewBranchForm(forms.Form):
    """New branch."""

    source = BranchField(label="From the branch")
    name = BranchField(label="Name of the new branch")


class CommitForm(forms.Form):
    """One text file, on a branch."""

    branch = BranchField(label="Branch")
    path = forms.CharField(
        label="Path",
        strip=False,
        widget=forms.TextInput(attrs={"maxlength": input_rules.PATH_LENGTH}),
        help_text="From the root of the repository, for example docs/README.md.",
        error_messages={"required": "Enter the path of the file."},
    )
    content = forms.CharField(
        label="Content",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "class": "mono"}),
    )
    comment = forms.CharField(
        label="Commit message",
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": input_rules.COMMENT_LENGTH}),
        error_messages={"required": "Describe your change."},
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, longest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.longest = longest

    def clean_path(self) -> str:
        """The path with one slash before it. Raises `ValidationError`."""
        is_new = not self.data.get("seen")
        return checked(input_rules.file_path, self.cleaned_data["path"], is_new=is_new)

    def clean_content(self) -> str:
        """Browsers send every line end as two characters; the file keeps those that it had when it is committed."""
        return checked(input_rules.file_content, self.cleaned_data["content"], longest=self.longest)

    def clean_comment(self) -> str:
        """As it is sent."""
        return checked(input_rules.commit_message, self.cleaned_data["comment"])
