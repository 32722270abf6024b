"""What a renewal handles is nowhere afterwards: codes, access tokens, the secret of the application, and tokens."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connections.actions import bulk_renew
from connections.models import BulkRenewal, Connection
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of, sent_back
from tests.connections.views.test_renewal import BACK, FORM, to_microsoft
from tests.everything import Lived
from tests.leaks import everywhere, hits, of_answer


def short_ones_in(places: dict[str, bytes], sandbox: Sandbox, parameters: dict[str, str]) -> list[str]:
    """The places with a code, the state of the address, or the secret of the application."""
    texts = [*sandbox.entra.codes, parameters["state"], sandbox.entra.directory.named("sign-in").secrets[0].value]
    return [place for place, written in places.items() if any(text.encode() in written for text in texts)]


def test_a_renewal_leaves_no_secret_behind(
    root: Client,
    lived: Lived,
    renewing: Renewing,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    form = f"/code-repositories/{lived.connection.pk}/renew/"
    parameters = sent_back(to_microsoft(root, form, FORM))
    shown = [of_answer(root.get(BACK, parameters))]
    renewal = lived.connection.renewals.latest("pk")
    root.post(renewal.get_absolute_url(), {"step": "pick", "entry": entry_of(sandbox, "full")})
    renewing.user = User.objects.get(username="root")
    renewing.wait_for_the_longest_request()
    renewing.settle(renewal)
    shown += [of_answer(root.get(page)) for page in (renewal.get_absolute_url(), "/code-repositories/renewals/", form)]
    renewing.prove(renewal)
    secrets |= {f"access token {number}": text for number, text in enumerate(sandbox.state.access_tokens)}
    secrets |= {f"made {token.name}": token.secret for token in renewing.made(renewal)}
    assert len(sandbox.entra.codes) == 2
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(secrets, places) == set()
    assert short_ones_in(places, sandbox, parameters) == []


def test_renewing_several_leaves_no_secret_behind(
    root: Client,
    lived: Lived,
    connected: Callable[..., Connection],
    renewing: Renewing,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    several = [lived.connection, connected("Acme", token="full-again")]
    form = {"days": "60", "connection": [connection.pk for connection in several]}
    parameters = [sent_back(to_microsoft(root, "/code-repositories/bulk-renewals/start/", form))]
    # There is time for the first one only, so that the other one is renewed in a second sign-in.
    with monkeypatch.context() as patched:
        patched.setattr(bulk_renew, "_SECONDS", 0.0)
        shown = [of_answer(root.get(BACK, parameters[0], follow=True))]
    page = BulkRenewal.objects.latest("pk").get_absolute_url()
    parameters.append(sent_back(to_microsoft(root, page, {})))
    shown += [of_answer(root.get(BACK, parameters[1], follow=True)), of_answer(root.get(page))]
    renewals = [connection.renewals.latest("pk") for connection in several]
    assert {renewal.state for renewal in renewals} == {"swapped"}
    secrets |= {f"access token {number}": text for number, text in enumerate(sandbox.state.access_tokens)}
    secrets |= {f"made {token.name}": token.secret for renewal in renewals for token in renewing.made(renewal)}
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(secrets, places) == set()
    assert [short_ones_in(places, sandbox, returned) for returned in parameters] == [[], []]


@pytest.mark.parametrize("is_answered", [True, False])
def test_an_extension_leaves_no_secret_behind(
    root: Client,
    lived: Lived,
    renewing: Renewing,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    is_answered: bool,
) -> None:
    connection, extend = lived.connection, f"/code-repositories/{lived.connection.pk}/extend/"
    root.get(BACK, sent_back(to_microsoft(root, f"/code-repositories/{connection.pk}/renew/", FORM)))
    parameters = sent_back(to_microsoft(root, extend, {"days": "90"}))
    if not is_answered:
        sandbox.behaviour.add("close", method="PUT", path="/tokens/pats", carried_out=True)
        sandbox.behaviour.add("status", method="GET", path="/tokens/pats", query="authorizationId", status=503, after=1)
    shown = [of_answer(root.get(BACK, parameters, follow=True)), of_answer(root.get(extend))]
    shown.append(of_answer(root.get(connection.get_absolute_url())))
    assert connection.extensions.exists() is not is_answered
    secrets |= {f"access token {number}": text for number, text in enumerate(sandbox.state.access_tokens)}
    secrets |= {f"made {token.name}": token.secret for token in renewing.made(connection.renewals.latest("pk"))}
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(secrets, places) == set()
    assert short_ones_in(places, sandbox, parameters) == []


def test_a_failed_return_leaves_no_code_behind(
    root: Client,
    lived: Lived,
    renewing: Renewing,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    form = f"/code-repositories/{lived.connection.pk}/renew/"
    parameters = sent_back(to_microsoft(root, form, FORM))
    sandbox.entra.behaviour.add("entra_error", code=7000215)
    shown = [of_answer(root.get(BACK, parameters, follow=True)), of_answer(root.get(BACK, parameters, follow=True))]
    root.logout()
    shown.append(of_answer(root.get(BACK, parameters, follow=True)))
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(secrets, places) == set()
    assert short_ones_in(places, sandbox, parameters) == []


def test_an_import_leaves_no_secret_behind(
    root: Client,
    lived: Lived,
    renewing: Renewing,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    page = "/code-repositories/token-import/"
    lived.connection.refresh_from_db()
    place = f"Sandbox/{lived.connection.organization}"
    parameters = sent_back(to_microsoft(root, page, {"step": "sign-in", "organizations": place}))
    shown = [of_answer(root.get(BACK, parameters)), of_answer(root.get(page))]
    picks = {f"token-{lived.connection.pk}": entry_of(sandbox, "full")}
    shown += [of_answer(root.post(page, {"step": step, **picks})) for step in ("review", "use")]
    shown += [of_answer(root.get(page)), of_answer(root.get(lived.connection.get_absolute_url()))]
    lived.connection.refresh_from_db()
    assert lived.connection.is_date_read
    secrets |= {f"access token {number}": text for number, text in enumerate(sandbox.state.access_tokens)}
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(secrets, places) == set()
    assert short_ones_in(places, sandbox, parameters) == []
