"""Forms for notification channels. The target and the signing secret are read, and never rendered again."""

from typing import Any

from django import forms

from connections.actions.manage_channels import ChannelInput
from connections.models import NotificationChannel
from connections.models.channels import NAME_LENGTH
from core.secrets import Secret
from core.widgets import TextInput

Kind = NotificationChannel.Kind
_LONGEST_INPUT = 4000
_SECRETS = {"url": "webhook URL", "signing_secret": "signing secret"}
_KEPT = " Leave it empty to keep the stored one."
URL_HELP = {
    Kind.SLACK: "In Slack: your app, Incoming Webhooks, Add New Webhook. It begins with https://hooks.slack.com/services/.",
    Kind.TEAMS: "In Teams: the channel, Workflows, “Send webhook alerts to a channel”. Copy the URL at the end. "
    "The retired Office 365 connectors don't work.",
    Kind.WEBHOOK: "The address that receives each notification as JSON, signed by the Standard Webhooks scheme.",
}
KEY_HELP = "whsec_ and base64 of at least 24 random bytes, as the receiver shows it."


class SecretField(forms.CharField):
    """A secret in one line. The input is always rendered empty, and the value is a `Secret`."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        )
        super().__init__(widget=widget, required=False, max_length=_LONGEST_INPUT, **kwargs)

    def clean(self, value: Any) -> Secret:
        """Wrap the text."""
        return Secret(str(super().clean(value)))


class ChannelForm(forms.Form):
    """Name, target and signing secret of a channel of one kind."""

    name = forms.CharField(
        label="Name",
        widget=TextInput,
        help_text="What people see when they choose it, for example “#platform-alerts”.",
        error_messages={"required": "Enter a name."},
    )
    url = SecretField(label="Webhook URL")
    signing_secret = SecretField(label="Signing secret")

    def __init__(self, *args: Any, kind: str, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = str(NAME_LENGTH)
        self.fields["url"].help_text = URL_HELP[Kind(kind)] + ("" if is_new else _KEPT)
        if kind != Kind.WEBHOOK:
            del self.fields["signing_secret"]
            return
        rest = " Leave it empty to generate one, which is shown once." if is_new else _KEPT
        self.fields["signing_secret"].help_text = KEY_HELP + rest

    @property
    def asks_again(self) -> str:
        """What has to be pasted again after an error; empty if nothing secret was sent."""
        sent = [f"the {words}" for name, words in _SECRETS.items() if name in self.fields and self.data.get(name)]
        return f"Paste {' and '.join(sent)} again." if sent and self.errors else ""

    def entered(self) -> ChannelInput:
        """What was entered, after validation."""
        cleaned = self.cleaned_data
        return ChannelInput(cleaned["name"], cleaned["url"], cleaned.get("signing_secret", Secret("")))
