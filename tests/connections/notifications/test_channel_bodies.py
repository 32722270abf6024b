"""A name is never a mention, a link or markup, and long texts fit into what each service takes."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.models import ChannelTarget
from connections.notifications import channel_bodies, channel_outbox
from connections.notifications.channel_outbox import Verdict, judge
from connections.notifications.message_parts import MessageParts
from connections.notifications.webhook_post import Answer
from core.secrets import Secret
from tests.connections.webhooks import SIGNING_SECRET

ODD = "<!channel> [x](https://evil.example) *b* & @here"
PARTS = MessageParts(
    f"The token of “{ODD}” expires.",
    (("Connection", ODD),),
    f"Body {ODD}",
    (("Update", "https://a.example/?a=1&b=<|>"),),
)


def interpreted(message: Any) -> list[str]:
    """The texts in which Slack interprets markup."""
    if isinstance(message, dict):
        own = [message["text"]] if message.get("type") == "mrkdwn" else []
        return own + [text for value in message.values() for text in interpreted(value)]
    return [text for value in message for text in interpreted(value)] if isinstance(message, list) else []


def test_slack_interprets_only_our_own_links() -> None:
    message = channel_bodies.slack_message(PARTS)
    assert interpreted(message) == ["<https://a.example/?a=1&amp;b=&lt;%7C&gt;|Update>"]
    assert "<!channel>" not in message["text"]


def test_teams_interprets_nothing() -> None:
    (attachment,) = channel_bodies.teams_message(PARTS)["attachments"]
    assert {block["type"] for block in attachment["content"]["body"]} == {"RichTextBlock"}
    assert attachment["content"]["actions"][0]["url"] == PARTS.links[0][1]


def test_long_texts_are_shortened() -> None:
    facts, links = (("L" * 9000, "V" * 9000),) * 20, (("T" * 99, "https://a.example"),) * 20
    long = MessageParts("H" * 9000, facts, "B\n" * 9000, links)
    blocks = channel_bodies.slack_message(long)["blocks"]
    assert len(blocks[0]["text"]["text"]) == 150
    assert len(blocks[1]["fields"]) == 10
    assert max(len(field["text"]) for field in blocks[1]["fields"]) == 2000
    assert len(blocks[2]["text"]["text"]) == 3000


def test_the_signature_is_that_of_the_scheme() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    headers = channel_bodies.signature_headers(Secret(SIGNING_SECRET), "msg_1", b'{"a":1}', now=now)
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, b'msg_1.1795521600.{"a":1}', hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


@pytest.mark.parametrize(
    ("kind", "status", "body", "verdict"),
    [
        ("slack", 200, b"ok", Verdict.DELIVERED),
        ("slack", 200, b"invalid_payload", Verdict.REFUSED),
        ("slack", 200, b"<html>Sign in</html>", Verdict.REFUSED),
        ("slack", 403, b"invalid_token", Verdict.REFUSED),
        ("slack", 500, b"rollup_error", Verdict.UNAVAILABLE),
        ("slack", 410, b"channel_is_archived", Verdict.GONE),
        ("teams", 202, b"", Verdict.DELIVERED),
        ("teams", 200, b"", Verdict.DELIVERED),
        ("teams", 200, b"Webhook message delivery failed with error", Verdict.REFUSED),
        ("teams", 429, b"", Verdict.UNAVAILABLE),
        ("webhook", 204, b"", Verdict.DELIVERED),
        ("webhook", 200, b"whatever", Verdict.DELIVERED),
        ("webhook", 200, b'{"error": "no such topic"}', Verdict.REFUSED),
        ("webhook", 200, b'{"ok": false}', Verdict.REFUSED),
        ("webhook", 200, b'{"ok": true, "error": null}', Verdict.DELIVERED),
        ("webhook", 200, b"{broken", Verdict.DELIVERED),
        ("webhook", 302, b"", Verdict.REFUSED),
        ("webhook", 408, b"", Verdict.UNAVAILABLE),
        ("webhook", 404, b"", Verdict.REFUSED),
    ],
)
def test_what_an_answer_means(kind: str, status: int, body: bytes, verdict: Verdict) -> None:
    assert judge(kind, Answer(status, body, "")) is verdict


def test_a_quoted_answer_is_short_printable_and_without_secrets() -> None:
    target = ChannelTarget(Secret("https://a.example/hooks/abc%2Fdefghi?sig=0123456789"), Secret(SIGNING_SECRET))
    for part in (SIGNING_SECRET, "abc/defghi", "abc%2Fdefghi", "0123456789"):
        words = channel_outbox._words_of(Answer(400, f"no {part}".encode(), ""), target)
        assert words == "The target answered 400. Its text repeats the webhook URL or the signing secret."
    body = b"no \x1b[31m whsec_" + b"A" * 40 + b" " + b"why " * 500
    words = channel_outbox._words_of(Answer(400, body, ""), target)
    assert words.startswith("The target answered 400: no [31m [redacted] why why")
    assert words.isprintable()
    assert len(words) < 300


def test_parts_survive_storing() -> None:
    assert MessageParts.from_json(json.loads(json.dumps(PARTS.as_json()))) == PARTS
