"""The page of one mail."""

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from connections.notifications import notify
from tests.factories import ConnectionFactory


def test_a_connection_that_is_disconnected_is_named_and_not_linked(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("olga"))
    gone, present = ConnectionFactory.create(name="Gone"), ConnectionFactory.create(name="Present")
    reader = notify.Recipient("olga@example.com", "you own this connection")
    facts = notify.facts(gone) | {"problem": None}
    (mail,) = notify.enqueue_mail("rejected", [reader], facts, about=[gone, present], now=timezone.now())
    Connection.objects.filter(pk=gone.pk).delete()
    page = client.get(reverse("connections:mail", args=[mail.pk])).text
    assert f'<dd>Gone, <a href="{present.get_absolute_url()}">Present</a></dd>' in page
