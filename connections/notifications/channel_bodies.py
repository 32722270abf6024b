"""What is posted for a message: a Slack message, an Adaptive Card for Teams, or a signed event for a webhook.

Names come from people and from Azure DevOps, so they stand only where the receiver interprets no markup.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connections.models import ChannelTarget, Mail, NotificationChannel
from connections.notifications.message_parts import MessageParts
from core.secrets import Secret

KEY_PREFIX = "whsec_"
Kind = NotificationChannel.Kind
# https://docs.slack.dev/reference/block-kit/blocks
_SLACK_HEADER, _SLACK_TEXT, _SLACK_FIELDS = 150, 3000, 10
# A message has at most 28 KB. https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/
_TEAMS_TEXT, _TEAMS_ACTIONS = 4000, 6
_CARD = "application/vnd.microsoft.card.adaptive"
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


def request_of(mail: Mail, target: ChannelTarget, *, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of the request that delivers a message."""
    parts = MessageParts.from_json(mail.payload)
    if mail.channel_kind == Kind.SLACK:
        return _encoded(slack_message(parts)), {}
    if mail.channel_kind == Kind.TEAMS:
        return _encoded(teams_message(parts)), {}
    content = _encoded(webhook_event(mail, parts))
    return content, signature_headers(target.signing_secret, mail.message_id, content, now=now)


def _encoded(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def slack_message(parts: MessageParts) -> dict[str, Any]:
    """A message of Block Kit, with a text for notifications. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(parts.headline, _SLACK_HEADER)}]
    if parts.facts:
        fields = [_plain(f"{label}: {value}", 2000) for label, value in parts.facts[:_SLACK_FIELDS]]
        blocks.append({"type": "section", "fields": fields})
    if parts.body:
        blocks.append({"type": "section", "text": _plain(parts.body, _SLACK_TEXT)})
    if parts.links:
        links = "\n".join(f"<{_slack_url(url)}|{_slack_escaped(label)}>" for label, url in parts.links)
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": links, "verbatim": True}})
    fallback = _slack_escaped(_shortened(parts.headline, _SLACK_TEXT))
    return {"text": fallback, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _shortened(text, longest), "emoji": False}


def _slack_escaped(text: str) -> str:
    # The three characters that Slack interprets.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_url(url: str) -> str:
    # A | would end the URL of a link.
    return _slack_escaped(url.replace("|", "%7C"))


def teams_message(parts: MessageParts) -> dict[str, Any]:
    """A message with an Adaptive Card. Its texts are runs of rich text, in which Teams interprets no Markdown."""
    blocks = [_rich_text([_run(parts.headline, size="Large", weight="Bolder")])]
    blocks += [_rich_text([_run(f"{label}: ", weight="Bolder"), _run(value)]) for label, value in parts.facts]
    blocks += [_rich_text([_run(line)]) for line in _shortened(parts.body, _TEAMS_TEXT).splitlines() if line.strip()]
    links = parts.links[:_TEAMS_ACTIONS]
    card = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in links],
    }
    return {"type": "message", "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}]}


def _rich_text(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": _shortened(text, _TEAMS_TEXT), **style}


def webhook_event(mail: Mail, parts: MessageParts) -> dict[str, Any]:
    """An event of the Standard Webhooks scheme: its type, when it happened, and what a mail would say."""
    return {
        "type": f"connection.{mail.kind}" if mail.about else mail.kind,
        "timestamp": mail.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "subject": mail.subject,
            "headline": parts.headline,
            "text": parts.body,
            "facts": dict(parts.facts),
            "links": [{"label": label, "url": url} for label, url in parts.links],
            "connections": mail.about,
        },
    }


def signature_headers(secret: Secret, message_id: str, content: bytes, *, now: datetime) -> dict[str, str]:
    """The headers with which a receiver verifies a request.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    seconds = str(int(now.timestamp()))
    key = base64.b64decode(secret.reveal().removeprefix(KEY_PREFIX))
    digest = hmac.new(key, f"{message_id}.{seconds}.".encode() + content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
