"""One entry of the menus is marked as current, whichever page is open."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

CURRENT = re.compile(r'<a href="([^"]*)" aria-current="page">')


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("connections:list", "connections:list"),
        ("connections:auditor-report", "connections:auditor-report"),
        ("connections:channels", "connections:outbox"),
        ("connections:guide", "connections:guide"),
    ],
)
def test_the_menus_mark_where_one_is(client: Client, db: None, name: str, current: str) -> None:
    client.force_login(User.objects.create_superuser("root"))
    # One of them is streamed.
    page = b"".join(client.get(reverse(name))).decode()
    menus = page[page.index('<header class="top">') : page.index("</header>")]
    assert set(CURRENT.findall(menus)) == {reverse(current)}
