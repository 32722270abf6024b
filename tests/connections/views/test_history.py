"""The history of a connection."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import ConnectionFactory


@pytest.mark.parametrize("field", ["since", "until"])
def test_a_day_that_cannot_be_read_is_said_beside_it(pages: Client, field: str) -> None:
    page = pages.get(reverse("connections:history", args=[ConnectionFactory.create().pk]), {field: "yesterday"}).text
    beside = page.split(f'id="id_{field}_errors"')[1].split("</div>")[0]
    assert "Enter a date as year, month and day" in beside
    assert f'id="id_{field}_error"' in beside
