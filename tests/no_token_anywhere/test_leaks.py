"""A token that someone pastes to find out where it is stored is kept nowhere, and shown nowhere."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import prove_leak
from connections.models import LeakedToken
from sandbox.server import Sandbox
from tests.everything import Lived
from tests.leaks import everywhere, hits, of_answer


def test_a_pasted_token_is_nowhere_whether_it_is_stored_or_not(
    root: Client, lived: Lived, sandbox: Sandbox, secrets: dict[str, str], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    check = reverse("connections:check-leak")
    shown = [of_answer(root.post(check, {"token": secret})) for secret in secrets.values()]
    shown += [of_answer(root.post(check, {"token": f"{secret} {secret}"})) for secret in secrets.values()]
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


def test_a_declared_token_is_only_sealed_in_its_row(
    root: Client, lived: Lived, sandbox: Sandbox, secrets: dict[str, str], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stored = lived.connection.stored_credential.reveal()
    found = root.post(reverse("connections:check-leak"), {"token": stored.reveal()})
    declared = root.post(reverse("connections:declare-leak"), {"key": found.context["found"].key}, follow=True)
    leak = LeakedToken.objects.get(pk=declared.context["leak"].pk)
    assert leak.reveal().reveal() == stored.reveal()
    for leak_id, lease in prove_leak.claim_due(now=leak.next_ask_at or timezone.now()):
        prove_leak.ask_claimed(leak_id, lease=lease, clock=timezone.now)
    again = root.post(
        reverse("connections:test-new"),
        {"name": "X", "organization": "acme", "expires": "90", "token_reach": "one", "token": stored.reveal()},
    )
    shown = [of_answer(found), of_answer(declared), of_answer(again)]
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()
