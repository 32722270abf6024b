"""What people may type."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django import forms

# No row has a greater one, and SQLite takes none.
LARGEST_ID = 2**63 - 1


class FilterForm(forms.Form):
    """Search, filter and order of the list of repositories; all of it stands in the URL."""

    q = forms.CharField(
        label="Search", required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"})
    )
    state = forms.ChoiceField(label="State", required=False)
    sort = forms.ChoiceField(
        label="Sort by", required=False, choices=[("", "Name"), ("project", "Project"), ("size", "Size")]
    )
    connection = forms.IntegerField(
        label="Connection", required=False, min_value=1, max_value=LARGEST_ID, widget=forms.Select
    )

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
        found = [self[name] for name in ("connection", "project") if name in self.fields]
        return [one for one in found if len(one.field.widget.choices) > 2 or one.value()]


class PipelineFilterForm(FilterForm):
    """Search, filter and order of the list of pipelines."""

    project = forms.IntegerField(
        label="Project", required=False, min_value=1, max_value=LARGEST_ID, widget=forms.Select
    )
    sort = forms.ChoiceField(label="Sort by", required=False, choices=[("", "Name"), ("newest", "Newest build")])


class ReleaseFilterForm(PipelineFilterForm):
    """Search, filter and order of the list of release pipelines."""

    sort = forms.ChoiceField(label="Sort by", required=False, choices=[("", "Name"), ("newest", "Newest release")])


def _line_of_text(value: str) -> None:
    """The path of a file that is there may hold whatever Git allows; only what no line can hold is a mistake."""
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
        raise forms.ValidationError("This contains a character that no path can have.", code="invisible")


def _visible_line(value: str) -> None:
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for letter in value):
        raise forms.ValidationError("This contains a character that cannot be seen.", code="invisible")


class NewRepositoryForm(forms.Form):
    """New repository."""

    project = forms.ChoiceField(label="Project", error_messages={"required": "Choose a project."})
    name = forms.CharField(
        label="Name",
        max_length=64,
        validators=[_visible_line],
        error_messages={
            "required": "Give the repository a name.",
            "max_length": "A repository's name has at most 64 characters.",
        },
    )

    def __init__(self, *args: Any, projects: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project = self.fields["project"]
        assert isinstance(project, forms.ChoiceField)  # noqa: S101  (declared above)
        project.choices = list(projects)


# What Git itself refuses in the name of a branch; letters and white space beyond ASCII it allows.
# https://git-scm.com/docs/git-check-ref-format
_NOT_IN_BRANCHES = re.compile(
    r"\.\.|@\{|//|[~^:?*\[\\\x00-\x20\x7f]|/\.|\.lock(?:/|\Z)|\.\Z|/\Z|\A[/.-]|\A(?:@|HEAD)\Z"
)
_ASCII_SPACE = " \t\r\n"


class BranchField(forms.CharField):
    """A branch's short name, as Git allows it."""

    def __init__(self, **kwargs: Any) -> None:
        # Branches exist already whose names hold what cannot be seen, such as the joiners of emoji.
        super().__init__(max_length=1000, strip=False, error_messages={"required": "Give the branch a name."}, **kwargs)

    def to_python(self, value: Any) -> str:
        """The name without the white space that comes along when it is pasted."""
        return str(super().to_python(value) or "").strip(_ASCII_SPACE)

    def clean(self, value: Any) -> str:
        """The name. Raises `ValidationError` beside this field."""
        name = str(super().clean(value)).removeprefix("refs/heads/")
        if _NOT_IN_BRANCHES.search(name) or not _is_encodable(name):
            raise forms.ValidationError(
                "Git does not allow this name: no blank, no .. and none of ~ ^ : ? * [ \\", code="invalid"
            )
        return name


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
        max_length=1000,
        strip=False,
        validators=[_line_of_text],
        help_text="From the top of the repository, for example docs/README.md.",
        error_messages={"required": "Say where the file lies."},
    )
    content = forms.CharField(
        label="Content",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "class": "mono"}),
    )
    comment = forms.CharField(
        label="Commit message",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what you changed."},
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, longest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.longest = longest

    def clean_path(self) -> str:
        """The path with one slash before it. Raises `ValidationError`."""
        typed = str(self.cleaned_data["path"])
        # The path of a file that is there is taken as it is.
        path = typed
        if not self.data.get("seen"):
            path = typed.strip(_ASCII_SPACE)
            _visible_line(path)
        parts = path.strip("/").split("/")
        if any(part.strip() in ("", ".", "..") or part == ".git" for part in parts):
            raise forms.ValidationError("This is not a path of a file inside the repository.", code="invalid")
        return "/" + "/".join(parts)

    def clean(self) -> dict[str, Any]:
        """Browsers send every line end as two characters; the file keeps those that it had when it is committed."""
        cleaned = super().clean() or self.cleaned_data
        if "content" in cleaned:
            cleaned["content"] = str(cleaned["content"]).replace("\r\n", "\n")
            if len(cleaned["content"].encode()) > self.longest:
                self.add_error("content", f"A file committed from here has at most {self.longest} bytes.")
        return cleaned
