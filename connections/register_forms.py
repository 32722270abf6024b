"""Forms about the register. What looks like a secret is refused, and is not drawn back into the page."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.datastructures import MultiValueDict

from connections import register_files, register_rules
from connections.actions.register_entries import EntryInput
from connections.fields import checked, new_owner_field
from connections.filters import ListFilterForm
from connections.models import RegisterEntry, RegisterImport
from connections.register_reads import STATUSES
from core.redaction import holds_secret
from core.widgets import DayField, TextInput


class RegisterFilterForm(ListFilterForm):
    """Search, filters and order of the register."""

    field_order = ("q", "status", "kind", "sort")
    status = forms.ChoiceField(label="Status", required=False, choices=[("", "Any status"), *STATUSES])
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "All kinds"), *RegisterEntry.Kind.choices])


class SecretFreeForm(forms.Form):
    """A form whose fields hold no secret: one that was entered is refused, and its field is drawn empty."""

    def full_clean(self) -> None:
        """Clean the fields, then forget what must not be drawn again."""
        super().full_clean()
        entered = {name: str(self.data.get(name, "")) for name in self.fields}
        empty = {name: [""] for name, text in entered.items() if holds_secret(text)}
        if empty and isinstance(self.data, MultiValueDict):
            self.data = MultiValueDict({**dict(self.data.lists()), **empty})


class LineField(forms.CharField):
    """One line of text that may be empty."""

    widget = TextInput

    def __init__(self, name: str, *, longest: int = register_rules.LINE_LENGTH, **kwargs: Any) -> None:
        self.name, self.longest = name, longest
        super().__init__(required=False, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Browsers then stop at the longest text allowed."""
        return {**super().widget_attrs(widget), "maxlength": str(self.longest)}

    def clean(self, value: Any) -> str:
        """The text as it is stored."""
        return checked(register_rules.one_line, str(super().clean(value)), field=self.name, longest=self.longest)


class UsedByField(forms.CharField):
    """What uses a credential, one per line, as it is stored."""

    def __init__(self) -> None:
        super().__init__(
            label="Used by",
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text="Pipelines, services and scripts, one per line: a name, and optionally a link and the mail "
            "address of someone to notify when the credential is replaced or leaks.",
        )

    def clean(self, value: Any) -> str:
        """The lines, normalized."""
        lines = checked(register_rules.consumers, str(super().clean(value)))
        return register_rules.consumers_text(lines)


class EntryForm(SecretFreeForm):
    """An entry of the register."""

    name = forms.CharField(
        label="Name",
        widget=TextInput(attrs={"maxlength": str(register_rules.NAME_LENGTH)}),
        help_text="Choose a name that others recognize, for example “Deploy key of the shop”.",
        error_messages={"required": "Enter a name."},
    )
    kind = forms.ChoiceField(label="Kind", choices=[("", "Choose a kind"), *RegisterEntry.Kind.choices])
    organization = LineField(
        "organization",
        longest=register_rules.ORGANIZATION_LENGTH,
        label="Organization",
        help_text="Where it is valid: an organization, a tenant or a host.",
    )
    owner = forms.ModelChoiceField(
        label="Owner",
        queryset=User.objects.none(),
        empty_label="Choose a person",
        help_text="The person here who gets the reminders.",
        error_messages={"required": "Choose the owner.", "invalid_choice": "Choose one of the people listed."},
    )
    outside_owner = LineField(
        "outside_owner",
        longest=register_rules.OUTSIDE_OWNER_LENGTH,
        label="Owner outside",
        help_text="If the credential belongs to someone who does not sign in here: their name or team.",
    )
    purpose = LineField("purpose", label="Purpose", help_text="What it is for.")
    scopes = LineField("scopes", label="Scopes", help_text="What it may do.")
    expires_on = DayField(label="Expires on", help_text="Leave it empty if you don't know. We then ask for it.")
    used_by = UsedByField()
    extra_recipients = forms.CharField(
        label="Additional mail recipients",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Mail addresses that get reminders as the owner does, one per line.",
    )
    notes = forms.CharField(label="Notes", required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, owner_id: int | None = None, **kwargs: Any) -> None:
        # Ids of its own: the scripts of the form of a connection look for those of its fields.
        super().__init__(*args, **{"auto_id": "entry_%s", **kwargs})
        people = User.objects.filter(Q(is_active=True) | Q(pk=owner_id)).order_by("username")
        field = self.fields["owner"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = people

    def clean_name(self) -> str:
        """The name as it is stored."""
        return checked(register_rules.entry_name, self.cleaned_data["name"])

    def clean_expires_on(self) -> Any:
        """A date that can be recorded."""
        return checked(register_rules.expiry_date, self.cleaned_data["expires_on"])

    def clean_extra_recipients(self) -> str:
        """Check each address."""
        return checked(register_rules.recipients, self.cleaned_data["extra_recipients"])

    def clean_notes(self) -> str:
        """The notes as they are stored."""
        return checked(register_rules.plain_text, self.cleaned_data["notes"], field="notes")

    def entered(self) -> EntryInput:
        """What was entered, after validation."""
        return EntryInput(**self.cleaned_data)


class ConsumersForm(SecretFreeForm):
    """What uses the credential of a connection."""

    used_by = UsedByField()


class CloseForm(SecretFreeForm):
    """Why an entry is closed."""

    reason = forms.ChoiceField(
        label="Reason",
        choices=RegisterEntry.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose why you close it."},
    )
    closed_note = LineField("closed_note", label="Note", help_text="Needed for another reason.")


class EntryOwnerForm(forms.Form):
    """The new owner of several entries."""

    to = new_owner_field(User.objects.filter(is_active=True).order_by("username"))


class CertificateForm(forms.Form):
    """A certificate file, of which only names and dates are read."""

    file = forms.FileField(
        label="Certificate",
        widget=forms.FileInput(attrs={"accept": ".pem,.crt,.cer,.der"}),
        help_text="PEM or DER, alone or with its chain. Never choose a file with a private key.",
        error_messages={"required": "Choose a certificate file.", "empty": "The file is empty."},
    )


class ImportForm(forms.Form):
    """A file of credentials, and how it is read."""

    file = forms.FileField(
        label="File",
        widget=forms.FileInput(attrs={"accept": ".csv,.json,.txt,text/csv,application/json"}),
        help_text=f"CSV or JSON, at most {register_files.MOST_BYTES // 1024**2} MB.",
        error_messages={
            "required": f"Choose a file of at most {register_files.MOST_BYTES // 1024**2} MB.",
            "empty": "The file is empty.",
        },
    )
    on_existing = forms.ChoiceField(
        label="If a name is in the register already",
        choices=RegisterImport.OnExisting.choices,
        widget=forms.RadioSelect,
        initial=RegisterImport.OnExisting.REFUSE,
    )
    slashes = forms.ChoiceField(
        label="Dates with slashes",
        choices=[("day", "Day first: 31/12/2026"), ("month", "Month first: 12/31/2026")],
        widget=forms.RadioSelect,
        initial="day",
        help_text="Dates such as 2026-12-31, 31.12.2026 and 31 Dec 2026 are read in any case.",
    )


def initial_of(entry: RegisterEntry) -> dict[str, Any]:
    """The values that the form of an entry begins with."""
    names = [name for name in EntryForm.base_fields if name not in ("used_by", "owner")]
    consumers = (consumer.as_input() for consumer in entry.consumers.all())
    used_by = register_rules.consumers_text(consumers)
    return {**{name: getattr(entry, name) for name in names}, "owner": entry.owner_id, "used_by": used_by}
