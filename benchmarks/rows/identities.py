"""Row 18: what applications of Microsoft Entra cost a process in memory, and what they cost one that has none."""

import gc
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from django.conf import settings

from benchmarks.place import memory, sandbox
from benchmarks.result import Measured
from connections import clients
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.credential import Credential
from orchestrator.free_ports import free_near
from sandbox.samples import secret

# What only certificates need, and what Microsoft's own libraries would bring.
ONLY_APPLICATIONS = ("cryptography.x509", "jwt", "msal", "azure.core")
GOAL = 20.0


def measure(*, short: bool) -> Iterator[Measured]:
    """Tests by a token until the memory no longer grows, then the first by a client secret and by a certificate."""
    with TemporaryDirectory(prefix="bench-entra-") as folder:
        options = ("--entra", folder, "--entra-port", str(free_near(0)))
        with sandbox(*options) as (url, _):
            sample = _sample(url)
            for _ in range(1 if short else 20):
                _test(PersonalAccessToken(secret("full")))
            loaded = [name for name in ONLY_APPLICATIONS if name in sys.modules]
            without = _resident()
            ids = sample["tenant"], sample["client_id"]
            by_secret = _added(EntraClientSecret.of(*ids, sample["secrets"][0]["value"]), without)
            content = (Path(folder) / "full.pem").read_bytes()
            certificate = EntraCertificate.of(*ids, content, None, now=datetime.now(UTC))
            by_certificate = _added(certificate, without)
    facts = {"MB without applications": without}
    yield Measured(18, "memory that the first Test by a client secret adds", "", by_secret, GOAL, "MB", facts=facts)
    yield Measured(18, "memory that this and one by a certificate add", "", by_certificate, GOAL, "MB", facts=facts)
    yield Measured(18, "libraries of applications in a process that uses none", "", len(loaded), 0.0, "libraries")


def _sample(url: str) -> dict[str, Any]:
    """The sample application that may do everything. From now on the product finds its issuer."""
    about = f"{url}/_sandbox/entra"
    found = requests.get(about, timeout=20).json()
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={url} kind=sandbox"
    settings.SANDBOX_ENTRA_AUTHORITY = found["authority"]
    settings.SANDBOX_ENTRA_CA_BUNDLE = found["ca_file"]
    made = requests.post(f"{about}/applications/full", json={"certificate": True}, timeout=20)
    sample: dict[str, Any] = made.json()
    return sample


def _resident() -> float:
    gc.collect()
    return memory(what="Rss")


def _added(credential: Credential, without: float) -> float:
    _test(credential)
    return _resident() - without


def _test(credential: Credential) -> None:
    report = clients.check_concurrently(clients.servers()[0], "acme", credential)
    assert report.accepted, report.failure
