"""What a renewal handles is nowhere afterwards: codes, access tokens, the secret of the application, and tokens."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

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
    renewing: Renewing,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    form = "/code-repositories/bulk-renewals/start/"
    parameters = sent_back(to_microsoft(root, form, {"days": "60", "connection": [lived.connection.pk]}))
    shown = [of_answer(root.get(BACK, parameters, follow=True))]
    renewal = lived.connection.renewals.latest("pk")
    assert (renewal.state, len(sandbox.entra.codes)) == ("swapped", 1)
    secrets |= {f"access token {number}": text for number, text in enumerate(sandbox.state.access_tokens)}
    secrets |= {f"made {token.name}": token.secret for token in renewing.made(renewal)}
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
