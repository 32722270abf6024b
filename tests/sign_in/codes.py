"""Codes as an authenticator app makes them (RFC 6238), and what an app would read."""

import base64
import hmac
import re
import struct
import time

from django.test import Client
from django.urls import reverse

from tests.sign_in.conftest import PASSWORD

STEP = 30


def code_of(secret: str, at: float | None = None) -> str:
    """The six digits for this half minute."""
    counter = int(time.time() if at is None else at) // STEP
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", counter), "sha1")
    offset = digest[-1] & 0xF
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def confirm(client: Client, to: str) -> str:
    """Open a page that wants the password once more, give it, and return the page."""
    answer = client.get(reverse(to), follow=True)
    assert "Enter your password to change your second factor" in answer.content.decode()
    where = answer.redirect_chain[-1][0]
    return client.post(where, {"password": PASSWORD, "next": reverse(to)}, follow=True).content.decode()


def add_app(client: Client) -> str:
    """Add an authenticator app; the key that it keeps."""
    page = confirm(client, "mfa_activate_totp")
    found = re.search(r'Key: <code class="mono">([A-Z2-7]+)</code>', page)
    assert found, page
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(found[1])}, follow=True)
    assert "Recovery codes" in answer.content.decode()
    return found[1]
