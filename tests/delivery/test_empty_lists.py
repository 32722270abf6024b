"""A connection of which nothing is listed yet: its lists say so, and do not blame a search."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import ConnectionFactory

NONE_HERE = {
    "delivery:repositories": ("No repositories here", "No matching repositories"),
    "delivery:builds": ("No pipelines here", "No matching pipelines"),
    "delivery:releases": ("No release pipelines here", "No matching release pipelines"),
}


@pytest.mark.parametrize("name", NONE_HERE)
def test_what_a_connection_does_not_have_was_not_searched_for(pages: Client, name: str) -> None:
    connection = ConnectionFactory.create(name="Acme")
    none_here, no_match = NONE_HERE[name]
    page = pages.get(reverse(name), {"connection": connection.pk}).text
    assert none_here in page
    assert no_match not in page


@pytest.mark.parametrize("name", NONE_HERE)
@pytest.mark.parametrize("search", ["q", "state", "connection_name"])
def test_what_was_searched_for_does_not_match(pages: Client, name: str, search: str) -> None:
    connection = ConnectionFactory.create(name="Acme")
    ConnectionFactory(name="Fabrikam")
    none_here, no_match = NONE_HERE[name]
    searched = {"state": "gone" if name == "delivery:repositories" else "failed"}.get(search, "nowhere")
    page = pages.get(reverse(name), {"connection": str(connection.pk), search: searched}).text
    assert no_match in page
    assert none_here not in page
