"""Form fields for applications of Microsoft Entra: their ids, and a client secret or a certificate."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret, EntraCredential
from connections.providers.azure_devops.entra_input import (
    CLIENT_ERRORS,
    SECRET_ERRORS,
    TENANT_ERRORS,
    InvalidEntraInput,
    read_id,
    read_secret,
)
from connections.providers.azure_devops.entra_workloads import EntraFederatedToken, EntraManagedIdentity
from connections.providers.azure_devops.forms import AskedField, secret_input
from connections.providers.azure_devops.key_files import (
    ABOUT_THE_PASSWORD,
    CERTIFICATE_ERRORS,
    LONGEST_FILE,
    InvalidCertificate,
)
from connections.providers.credential import Credential, Words
from core.secrets import Secret
from core.widgets import TextInput

LONGEST_PASSWORD = 1000
CHOICES = {
    PersonalAccessToken.kind: "Personal access token",
    EntraClientSecret.kind: "Microsoft Entra application with a client secret",
    EntraCertificate.kind: "Microsoft Entra application with a certificate",
    EntraFederatedToken.kind: "Workload identity of this server",
    EntraManagedIdentity.kind: "Managed identity of this server",
}
_KINDS = (PersonalAccessToken, EntraClientSecret, EntraCertificate, EntraFederatedToken, EntraManagedIdentity)
_WORDS = {kind.kind: kind.words for kind in _KINDS}
# What people enter for an application, in this order.
OF_APPLICATIONS = (EntraClientSecret.kind, EntraCertificate.kind)


class EntraIdField(AskedField):
    """A tenant or client id."""

    def __init__(self, *, label: str, messages: Mapping[str, str]) -> None:
        self._messages = messages
        super().__init__(
            label=label, required=False, widget=TextInput(), error_messages={"required": messages["empty"]}
        )

    def read(self, text: str) -> str:
        """Read the id. Raises `ValidationError`."""
        try:
            return read_id(text)
        except InvalidEntraInput as error:
            raise forms.ValidationError(self._messages[error.code], code=error.code) from None


class ClientSecretField(AskedField):
    """The value of a client secret. With a known application, its credential; otherwise the text for one."""

    def __init__(self, *, label: str = "Client secret", application: tuple[str, str] | None = None) -> None:
        self._application = application
        super().__init__(
            label=label,
            required=False,
            widget=secret_input(),
            error_messages={"required": SECRET_ERRORS["empty"]},
            help_text="The Value, not the Secret ID. We send it only to Microsoft Entra, store it encrypted, and never "
            "show it again.",
        )

    def read(self, text: str) -> Credential | Secret:
        """Read the secret. Raises `ValidationError` without the submitted text."""
        try:
            secret = read_secret(text)
        except InvalidEntraInput as error:
            raise forms.ValidationError(SECRET_ERRORS[error.code], code=error.code) from None
        return EntraClientSecret.of(*self._application, secret) if self._application else Secret(secret)


class CertificateField(AskedField):
    """The content of a file with a certificate and its private key. It is kept in memory alone."""

    def __init__(self, *, label: str = "Certificate file") -> None:
        super().__init__(
            label=label,
            required=False,
            # Where htmx replaces the whole form, the input stays.
            widget=forms.FileInput(attrs={"accept": ".pem,.pfx,.p12,.crt,.cer,.key", "hx-preserve": "true"}),
            error_messages={"required": CERTIFICATE_ERRORS["empty"]},
            help_text="A PEM or PFX file with the certificate and its private key. The key stays here: we store it "
            "encrypted, never send it, and never show it again. The expiry date is read from the certificate.",
        )

    def to_python(self, value: Any) -> "UploadedFile[Any] | None":
        """The file, if one was sent."""
        return value if isinstance(value, UploadedFile) else None

    def read(self, file: "UploadedFile[Any] | None") -> bytes:
        """Read the file. Raises `ValidationError`."""
        if file is None or not file.size:
            raise _about_certificate("empty")
        if file.size > LONGEST_FILE:
            raise _about_certificate("too_long")
        return bytes(file.read())


class CertificatePasswordField(AskedField):
    """The password of the file, which may have none."""

    is_needed = False

    def __init__(self) -> None:
        super().__init__(
            label="Password of the file",
            required=False,
            widget=secret_input(),
            help_text="Only if the file has one. It opens the file once and is not stored.",
        )

    def read(self, text: str) -> Secret:
        """Any text, with its white space. Raises `ValidationError`."""
        if len(text) > LONGEST_PASSWORD:
            raise _about_certificate("wrong_password")
        return Secret(text)


def _about_certificate(code: str) -> forms.ValidationError:
    return forms.ValidationError(CERTIFICATE_ERRORS[code], code=code)


class AuthenticationForm(forms.Form):
    """How to authenticate, and the certificate if it is with one.

    `cleaned_data["token"]` is the credential of any kind. `FIELDS` names the fields that each kind needs; others are
    not read.
    """

    authentication = forms.ChoiceField(
        label="Authenticate with",
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": "Choose one of the options."},
    )
    certificate = CertificateField()
    certificate_password = CertificatePasswordField()

    FIELDS: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def offer_kinds(
        self, kinds: Iterable[str], *, usual: str, identities: Mapping[str, EntraCredential] | None = None
    ) -> None:
        """Ask for one of these kinds, and for nothing if there is no choice. `usual` is chosen if no other is.

        `identities` are those of this server, by kind, for which people enter nothing.
        """
        self.identities = identities or {}
        self.usual_kind, self.kinds = usual, (*kinds, *self.identities)
        if len(self.kinds) < 2:
            for name in {"authentication", *(name for names in self.FIELDS.values() for name in names)}:
                if name not in self.FIELDS[usual]:
                    del self.fields[name]
            return
        authentication = cast("forms.ChoiceField", self.fields["authentication"])
        authentication.choices = [(kind, CHOICES[kind]) for kind in self.kinds]
        authentication.initial = usual
        for name, field in self.fields.items():
            if isinstance(field, AskedField) and name not in self.FIELDS.get(self.kind, ()):
                field.is_asked = False

    @property
    def kind(self) -> str:
        """The chosen kind of credential."""
        chosen = self.data.get("authentication", "")
        return chosen if chosen in self.kinds else self.usual_kind

    @property
    def words(self) -> Words:
        """What to call a credential of this kind."""
        return _WORDS[self.kind]

    @property
    def is_by_application(self) -> bool:
        """Whether the credential is one of an application."""
        return self.kind != PersonalAccessToken.kind

    @property
    def asks_again(self) -> str:
        """What has to be entered again on a page without JavaScript; empty if nothing secret was."""
        if self.files.get("certificate"):
            return "Choose the file again, and enter its password."
        if self.data.get("client_secret") or (self.data.get("token") and self.is_by_application):
            return "Paste the secret again."
        return "Paste the token again." if self.data.get("token") else ""

    def field_for(self, name: str | None) -> str | None:
        """The field beside which an error of the field `name` is shown."""
        by_kind = {EntraCertificate.kind: "certificate", EntraClientSecret.kind: "client_secret"}
        field = (
            by_kind.get(self.kind, "authentication" if self.kind in self.identities else "token")
            if name == "token"
            else name
        )
        return field if field in self.fields else name

    def read_certificate(self, cleaned: Mapping[str, Any], tenant: str, client: str) -> EntraCertificate | None:
        """The certificate of this application; None if it is not usable, which is said beside its field."""
        content, password = cleaned.get("certificate"), cleaned.get("certificate_password")
        if content is None or password is None:
            return None
        try:
            return EntraCertificate.of(tenant, client, content, password.reveal(), now=timezone.localtime())
        except InvalidCertificate as error:
            field = "certificate_password" if error.code in ABOUT_THE_PASSWORD else "certificate"
            self.add_error(field, _about_certificate(error.code))
            return None


class ApplicationForm(AuthenticationForm):
    """How to authenticate, and the application if it is not with a personal access token."""

    tenant = EntraIdField(label="Directory (tenant) ID", messages=TENANT_ERRORS)
    client = EntraIdField(label="Application (client) ID", messages=CLIENT_ERRORS)
    client_secret = ClientSecretField()

    NAMES = ("tenant", "client", "client_secret", "certificate", "certificate_password")
    FIELDS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        PersonalAccessToken.kind: ("token",),
        EntraClientSecret.kind: ("tenant", "client", "client_secret"),
        EntraCertificate.kind: ("tenant", "client", "certificate", "certificate_password"),
    }

    def clean(self) -> dict[str, Any]:
        """Make one credential of the parts of an application."""
        return self.with_credential(super().clean() or self.cleaned_data)

    def with_credential(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What was entered, with the credential of a complete application as `token`."""
        if self.is_by_application:
            cleaned.pop("token", None)
            credential = self._credential(cleaned, cleaned.get("tenant") or "", cleaned.get("client") or "")
            if credential is not None and credential.tenant and credential.client:
                cleaned["token"] = credential
        return cleaned

    def _credential(self, cleaned: Mapping[str, Any], tenant: str, client: str) -> EntraCredential | None:
        if self.kind in self.identities:
            return self.identities[self.kind]
        if self.kind == EntraCertificate.kind:
            return self.read_certificate(cleaned, tenant, client)
        secret = cleaned.get("client_secret")
        return EntraClientSecret.of(tenant, client, secret.reveal()) if secret else None


class NewCredentialForm(AuthenticationForm):
    """A new credential of an application: a client secret, for which the field `token` asks, or a certificate."""

    FIELDS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        PersonalAccessToken.kind: ("token",),
        EntraClientSecret.kind: ("token",),
        EntraCertificate.kind: ("certificate", "certificate_password"),
    }
