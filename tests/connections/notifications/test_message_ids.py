"""The Message-ID of a mail, which is unique and fits its column."""

import re

from pytest_django import Settings

from connections.models import Mail
from connections.notifications import emails


def test_a_message_id_fits_its_column_whatever_the_name_of_the_site(settings: Settings) -> None:
    settings.SITE_URL = f"https://{'a' * 40}.{'b' * 28}.{'c' * 60}.example.com"
    ids = {emails.new_message_id() for _ in range(100)}
    assert len(ids) == 100
    assert max(map(len, ids)) <= (Mail._meta.get_field("message_id").max_length or 0)
    assert all(re.fullmatch(r"<[\d.]+@c+\.example\.com>", message_id) for message_id in ids)
