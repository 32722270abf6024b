"""Which targets may be entered: only https, only listed hosts, and no message repeats the URL."""

import pytest
from pytest_django import Settings

from connections.input_rules import InvalidInput
from connections.notifications import channel_hosts
from connections.notifications.channel_hosts import InvalidHosts

HOSTS = ["hooks.slack.com", "*.logic.azure.com", "chat.example.com:8443 private"]


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.NOTIFICATION_HOSTS = HOSTS


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T/B/x",
        "https://HOOKS.slack.com:443/services/T/B/x",
        "https://prod-12.westeurope.logic.azure.com:443/workflows/1?sig=abc",
        "https://chat.example.com:8443/in",
    ],
)
def test_targets_on_listed_hosts_are_accepted(url: str) -> None:
    assert channel_hosts.target_url(f" {url}\n") == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "target_missing"),
        ("hooks.slack.com/services/SECRET", "target_invalid"),
        ("http://hooks.slack.com/services/SECRET", "target_not_https"),
        ("https://hooks.slack.com.evil.example/SECRET", "target_host_not_listed"),
        ("https://evilhooks.slack.com/SECRET", "target_host_not_listed"),
        ("https://logic.azure.com/SECRET", "target_host_not_listed"),
        ("https://hooks.slack.com:8443/SECRET", "target_host_not_listed"),
        ("https://chat.example.com/SECRET", "target_host_not_listed"),
        ("https://hooks.slack.com@evil.example/SECRET", "target_invalid"),
        ("https://user:SECRET@hooks.slack.com/", "target_invalid"),
        ("https://hooks.slack.com/SECRET#fragment", "target_invalid"),
        ("https://hooks.slack.com:x/SECRET", "target_invalid"),
        ("https://hooks.slack.com/SEC RET", "target_invalid"),
        ("https://hooks.släck.com/SECRET", "target_invalid"),
        ("https://[::1/SECRET", "target_invalid"),
        ("https://169.254.169.254/SECRET", "target_host_not_listed"),
        ("https://hooks.slack.com/SECRET" + "x" * 2000, "target_invalid"),
    ],
)
def test_other_targets_are_refused_without_repeating_them(url: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        channel_hosts.target_url(url)
    assert refused.value.code == code
    assert "SECRET" not in refused.value.message


@pytest.mark.parametrize(
    "entry",
    ["https://hooks.slack.com", "hooks.slack.com/services", "*", "*.com", "*.x.com private", "a*b.com", "h.com public"],
)
def test_an_entry_that_cannot_be_meant_is_named(entry: str) -> None:
    with pytest.raises(InvalidHosts) as invalid:
        channel_hosts.parse([entry])
    assert entry in str(invalid.value)


def test_only_the_entry_that_says_so_allows_private_addresses() -> None:
    assert not channel_hosts.allowed_host("https://hooks.slack.com/x").is_private
    assert channel_hosts.allowed_host("https://chat.example.com:8443/x").is_private
