"""Schemas of bodies, and of what they say about an application of Microsoft Entra."""

from enum import StrEnum
from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field, SecretStr, StringConstraints

# Longer than any; the actions say what a name, an address or a token may be.
Line = Annotated[str, StringConstraints(max_length=1000)]
SecretText = Annotated[SecretStr, Field(max_length=10_000, json_schema_extra={"writeOnly": True})]
CertificateText = Annotated[SecretStr, Field(max_length=100_000, json_schema_extra={"writeOnly": True})]


class Input(Schema):
    """A body."""

    model_config = ConfigDict(extra="forbid")


class ServerIdentity(StrEnum):
    """An identity of this server."""

    WORKLOAD = "workload"
    MANAGED = "managed"


class ApplicationInput(Input):
    """An application of Microsoft Entra with a client secret or a certificate. Either is stored encrypted.

    It is never returned, and a private key leaves this server in no other way either.
    """

    tenant: Line = Field(description="Directory (tenant) ID.")
    client: Line = Field(description="Application (client) ID.")
    client_secret: SecretText | None = Field(None, description="The value of a client secret, not its ID.")
    certificate: CertificateText | None = Field(
        None, description="A certificate with its private key: PEM, or a PFX file in base64."
    )
    certificate_password: SecretText | None = Field(None, description="The password of the file. It is not stored.")
