"""Someone who renews tokens with the pages, and the list of her tokens as Azure DevOps itself shows it."""

import html
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit

import requests

from orchestrator.running_product import SAMPLE_RENEWAL
from sandbox.people import AZURE_DEVOPS
from tests.faults.browser import Browser
from tests.faults.forms import form_with
from tests.faults.stack import Stack
from tests.faults.waiting import until

OWNER = "Maya Sample"
_LIST = "/code-repositories/renewals/"
_UPN = "maya@example.com"
_RENEWALS = (
    "SELECT id, state, marker, authorization_id, old_authorization_id, revoke_asked_at, leased_until, asks,"
    " connection_id FROM connections_renewal ORDER BY id"
)
_ENDED = ("proved", "failed")


@dataclass(frozen=True)
class Row:
    """A renewal as the database has it."""

    pk: int
    state: str
    marker: str
    made: str
    old: str
    revoke_asked_at: object
    leased_until: object
    asks: int
    connection: int | None

    @property
    def page(self) -> str:
        """Where its page is."""
        return f"/code-repositories/renewals/{self.pk}/"

    @property
    def is_pending(self) -> bool:
        """Whether something remains to be done."""
        return self.state not in _ENDED


class Renewer:
    """Renews tokens of connections, and comes back when something went wrong."""

    def __init__(self, stack: Stack, browser: Browser) -> None:
        self._stack = stack
        self._browser = browser

    def rows(self, connection: int | None = None) -> list[Row]:
        """The renewals, oldest first."""
        rows = [Row(*row) for row in self._stack.ground.ask(_RENEWALS)]
        return [row for row in rows if connection in (None, row.connection)]

    def shown(self) -> set[str]:
        """The pages of renewals to which the list of them leads."""
        return set(re.findall(r'href="(/code-repositories/renewals/\d+/)"', self._browser.get(_LIST).text))

    def latest(self, connection: int) -> Row | None:
        """The newest renewal of a connection."""
        return next(reversed(self.rows(connection)), None)

    def begin(self, connection: int, **typed: str) -> str:
        """Ask for a new token and sign in at Microsoft. Returns where Microsoft sends people back to."""
        page = f"/code-repositories/{connection}/renew/"
        return _signed_in(self._browser.press(page, "Sign in at Microsoft and renew", **typed).text)

    def begin_extending(self, connection: int, *, days: int) -> str:
        """Sign in at Microsoft for a later date. Returns where Microsoft sends people back to."""
        page = f"/code-repositories/{connection}/extend/"
        return _signed_in(self._browser.press(page, "Sign in at Microsoft and extend", days=str(days)).text)

    def begin_revoking(self, row: Row) -> str:
        """Sign in at Microsoft for what is pending. Returns where Microsoft sends people back to."""
        return _signed_in(self._browser.press(row.page, "Sign in at Microsoft and revoke").text)

    def come_back(self, address: str) -> None:
        """Return from Microsoft, and let everything be done. The process may die meanwhile."""
        with suppress(requests.ConnectionError):
            self._browser.get(address)

    def identify(self, row: Row, old_token: str) -> None:
        """Say which token is the old one, unless that is known."""
        if not row.old:
            self._browser.press(row.page, "This is the old token", choice=old_token)

    def take_a_step(self, connection: int, old_token: str, *, times: int) -> bool:
        """Do what the pages offer next. Returns False if the old token is dead of so many renewals.

        A worker proves it at the same time, so the rows are read once.
        """
        rows = self.rows(connection)
        if sum(row.state == "proved" for row in rows) >= times:
            return False
        row = rows[-1] if rows else None
        if row is None or not row.is_pending:
            self.come_back(self.begin(connection))
        elif row.state == "created":
            self._browser.press(row.page, "Continue")
        elif row.state == "revoked" or (row.revoke_asked_at and not row.asks):
            until(lambda: self._was_asked_since(row), within=30, saying="a worker asks about the old token")
        else:
            if row.state == "swapped":
                self.identify(row, old_token)
            self.come_back(self.begin_revoking(row))
        return True

    def _was_asked_since(self, row: Row) -> bool:
        return any(now.asks > row.asks for now in self.rows() if now.pk == row.pk)

    def state(self, connection: int) -> str:
        """How far the newest renewal of a connection is; empty if there is none."""
        row = self.latest(connection)
        return row.state if row else ""


def _signed_in(page: str) -> str:
    """Follow the link to Microsoft and say who one is."""
    link = re.search(r'<a class="button primary" href="([^"]+)"', page)
    assert link, page[-3000:]
    address = html.unescape(link[1])
    form = form_with(requests.get(address, timeout=20).text, OWNER)
    assert form is not None
    here = address.partition("?")[0]
    answer = requests.get(here, params=form.pressed(OWNER), allow_redirects=False, timeout=20)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


class OwnTokens:
    """The owner's tokens, as she sees them in Azure DevOps without the product."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.azure_url}/acme/_apis"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {_persons_token(stack)}"

    def named(self, words: str, *, status: str = "active") -> dict[str, str]:
        """The names of those with these words in them, by id."""
        found: dict[str, str] = {}
        query = {"displayFilterOption": status, "$top": "100", "api-version": "7.1-preview", "continuationToken": ""}
        while True:
            answer = self._session.get(f"{self._url}/tokens/pats", params=query, timeout=20)
            answer.raise_for_status()
            page = answer.json()
            found |= {entry["authorizationId"]: entry["displayName"] for entry in page["patTokens"]}
            if not page["continuationToken"]:
                return {pk: name for pk, name in found.items() if words in name}
            query["continuationToken"] = page["continuationToken"]

    def expires_on(self, authorization_id: str) -> date:
        """The day on which one of them expires."""
        query = {"authorizationId": authorization_id, "api-version": "7.1-preview"}
        answer = self._session.get(f"{self._url}/tokens/pats", params=query, timeout=20)
        answer.raise_for_status()
        return date.fromisoformat(answer.json()["patToken"]["validTo"][:10])

    def accepts(self, token: str) -> bool:
        """Whether Azure DevOps accepts this token."""
        asking = {"X-TFS-FedAuthRedirect": "Suppress"}
        answer = requests.get(f"{self._url}/connectionData", auth=("", token), headers=asking, timeout=20)
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200


def _persons_token(stack: Stack) -> str:
    assert stack.entra is not None
    sample = json.loads(stack.environment[SAMPLE_RENEWAL])
    redirect, scope = "http://127.0.0.1:9/back", f"{AZURE_DEVOPS}/vso.pats"
    asked = {"client_id": sample["client"], "response_type": "code", "redirect_uri": redirect, "scope": scope}
    page = f"{sample['page']}/{sample['tenant']}/oauth2/v2.0/authorize"
    answer = requests.get(page, params={**asked, "person": _UPN}, allow_redirects=False, timeout=20)
    (code,) = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
    known = {"client_id": sample["client"], "client_secret": sample["secret"], "redirect_uri": redirect}
    endpoint = f"{stack.entra.authority}/{sample['tenant']}/oauth2/v2.0/token"
    form = {**known, "grant_type": "authorization_code", "code": code}
    return str(requests.post(endpoint, form, verify=stack.entra.ca_bundle, timeout=20).json()["access_token"])
