"""Rows 1 and 2: Test Connection, from the form's post to the rendered result."""

from collections.abc import Iterator

import requests
from azure.devops._file_cache import OPTIONS_CACHE, RESOURCE_CACHE
from azure.devops.client import Client as OfficialClient
from azure.devops.connection import Connection as Official
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from msrest.authentication import BasicAuthentication

from benchmarks.place import cpu_seconds, sandbox
from benchmarks.result import Measured, seconds, side_by_side
from sandbox.samples import SAMPLES

LATENCY = 0.1
SECRET = next(sample.secret for sample in SAMPLES if sample.name == "full")


def measure(*, short: bool) -> Iterator[Measured]:
    """The sandbox answers after 100 ms, in a process of its own."""
    with sandbox("--latency", str(LATENCY)) as (url, pid):
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={url} kind=sandbox"
        browser = Client()
        browser.force_login(User.objects.create_superuser("bench"))
        times = 2 if short else 15

        def bare() -> None:
            requests.get(f"{url}/acme/_apis/connectionData", auth=("", SECRET), timeout=10).raise_for_status()

        def test() -> None:
            answer = browser.post(reverse("connections:test-new"), _FORM, headers={"HX-Request": "true"})
            assert "Connection successful" in answer.content.decode()

        def official() -> None:
            _forget()
            client = Official(base_url=f"{url}/acme", creds=BasicAuthentication("", SECRET))
            assert client.clients.get_core_client().get_projects()

        busy = cpu_seconds(pid)
        floor, ours, theirs = side_by_side([bare, test, official], times)
        busy = cpu_seconds(pid) - busy
        share = busy / (seconds(bare) + (times + 1) * (floor + ours + theirs))
        facts = {"one request": floor, "test": ours, "share of one core used by the sandbox": share}
        work = "Test Connection of a full token, 100 ms an answer"
        yield Measured(1, work, "one bare request", ours / floor, 4.0, facts=facts)
        facts = {"official client": theirs, "test": ours}
        yield Measured(
            2, "the same beside get_projects of the official client", "that client", ours / theirs, 1.2, facts=facts
        )


def _forget() -> None:
    """As on a cold start: the official client keeps addresses in its class, in memory and in files."""
    OfficialClient._locations_cache.clear()  # noqa: SLF001 - it has no other way
    for cache in (OPTIONS_CACHE, RESOURCE_CACHE):
        cache.clear()
        cache.load()


_FORM = {
    "server": "Sandbox",
    "name": "Bench",
    "organization": "acme",
    "token": SECRET,
    "expires": "90",
    "token_reach": "one",
}
