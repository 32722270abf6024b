"""A person at the pages, over real HTTP, without JavaScript."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.faults.forms import Form, form_with
from tests.faults.stack import PASSWORD
from tests.faults.waiting import until

# What a person waits for a page before they give up.
PATIENCE = 60.0


class Browser:
    """Signed in as one person. Every answer is kept as its status, so that none is overlooked."""

    def __init__(self, site: str, username: str) -> None:
        self._site = site
        self._session = requests.Session()
        # A kept connection may be let go the moment it is used again; a real browser then asks once more by itself.
        self._session.headers["Connection"] = "close"
        self.statuses: list[int] = []
        answer = self.get("/sign-in/")
        answer = self.post("/sign-in/", username=username, password=PASSWORD)
        assert answer.status_code == 302, answer.text[-2000:]

    def get(self, path: str, *, patience: float = PATIENCE) -> requests.Response:
        """The page; redirects are not followed."""
        return self._kept(self._session.get(self._site + path, timeout=patience, allow_redirects=False))

    def post(self, path: str, *, patience: float = PATIENCE, **fields: Any) -> requests.Response:
        """Send a form, with the token that the last page brought."""
        headers = {"X-CSRFToken": self._session.cookies.get("csrftoken", ""), "Referer": self._site + path}
        answer = self._session.post(
            self._site + path, data=fields, headers=headers, timeout=patience, allow_redirects=False
        )
        return self._kept(answer)

    def form_on(self, path: str, button: str) -> Form:
        """The form with a button of these words, once the page has one."""
        seen = until(lambda: form_with(self.get(path).text, button), within=20, saying=f"{path} offers {button!r}")
        assert seen is not None
        return replace(seen, action=seen.action or path)

    def press(self, path: str, button: str, *, choice: str = "", **typed: str) -> requests.Response:
        """Send the form with this button, with the choice whose label begins like this, and what is typed."""
        form = self.form_on(path, button)
        fields: dict[str, Any] = form.pressed(button) | (form.chosen(choice) if choice else {}) | typed
        return self.post(form.action, **fields)

    def version_on(self, path: str) -> str:
        """The version that the first form of a page carries; empty when there is no such page any more."""
        found = re.search(r'name="version" value="([^"]*)"', self.get(path).text)
        return found[1] if found else ""

    def _kept(self, answer: requests.Response) -> requests.Response:
        self.statuses.append(answer.status_code)
        return answer


def connection_in(answer: requests.Response) -> int:
    """The id of the connection that an answer leads to."""
    found = re.search(r"/code-repositories/(\d+)/", urlsplit(answer.headers["Location"]).path)
    assert found, answer.headers["Location"]
    return int(found[1])
