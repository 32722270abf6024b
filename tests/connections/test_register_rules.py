"""What people enter about a credential in the register, and what looks like a secret."""

import secrets
from datetime import date

import pytest

from connections import register_rules
from connections.input_rules import InvalidInput
from connections.register_rules import ConsumerInput
from core.redaction import holds_secret

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        "a2b3c4d5e6f7" * 7,
        "abcdefghijklmnopqrstuvwxyz234567" + "abcdefghijklmnopqrst",
        PEM,
        PEM.replace("RSA ", "OPENSSH "),
        PEM.replace("RSA PRIVATE", "ENCRYPTED PRIVATE"),
        "abc8Q~" + "d" * 34,
        "ghp_" + "a" * 36,
        "glpat-" + "a" * 20,
        "xoxb-1234567890",
        "Server=db;Password=correct-horse;",
        "AccountKey=0123456789==",
        "https://deploy:hunter22@example.com/",
    ],
)
def test_a_text_with_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        register_rules.plain_text(f"see {text}", field="notes")
    assert refused.value.code == "secret_in_text"
    assert text not in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "The password is in the vault of the platform team",
        "SHA256:" + "A" * 43,
        "aa" * 20,
        "12:34:AB:CD:" * 5,
        "https://dev.azure.com/acme/_build?definitionId=12",
        "vso.code_write vso.build_execute",
        str(date(2026, 12, 31)),
    ],
)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert not holds_secret(text)
    assert register_rules.plain_text(text, field="notes") == text


def test_a_consumer_is_a_name_a_link_and_a_mail_address_in_any_order() -> None:
    text = "Nightly build https://dev.azure.com/acme/_build ops@example.com\n\nops@example.com https://x.example.com/\nShop"
    assert register_rules.consumers(text) == (
        ConsumerInput("Nightly build", "https://dev.azure.com/acme/_build", "ops@example.com"),
        ConsumerInput("ops@example.com", "https://x.example.com/", "ops@example.com"),
        ConsumerInput("Shop"),
    )


@pytest.mark.parametrize(
    "line", ["a@x.example b@x.example", "http://a.example http://b.example", "https://a.example", "a@x.example", "a b"]
)
def test_a_shown_line_is_read_in_the_same_way_again(line: str) -> None:
    once = register_rules.consumers_text(register_rules.consumers(line))
    assert register_rules.consumers_text(register_rules.consumers(once)) == once


@pytest.mark.parametrize("link", ["javascript://alert(1)", "ftp://example.com/", "https://", "https://exa mple"])
def test_a_link_is_a_web_address(link: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        register_rules.consumers(f"Shop {link}")
    assert refused.value.code == "link_invalid"


def test_there_are_at_most_fifty_consumers() -> None:
    with pytest.raises(InvalidInput) as refused:
        register_rules.consumers("\n".join(secrets.token_hex(4) for _ in range(51)))
    assert refused.value.code == "consumers_too_many"


@pytest.mark.parametrize(
    ("day", "code"), [(date(1999, 12, 31), "expiry_too_old"), (date(2200, 1, 1), "expiry_too_far")]
)
def test_a_date_is_within_reason(day: date, code: str) -> None:
    assert register_rules.expiry_date(None) is None
    assert register_rules.expiry_date(date(2050, 1, 1)) == date(2050, 1, 1)
    with pytest.raises(InvalidInput) as refused:
        register_rules.expiry_date(day)
    assert refused.value.code == code


def test_notes_have_lines_and_other_texts_have_one() -> None:
    assert register_rules.plain_text(" a\r\nb 👩‍💻 ", field="notes") == "a\nb 👩‍💻"
    assert register_rules.one_line(" a\r\n b ", field="purpose") == "a b"
    for text, code in (("a\0b", "text_invisible"), ("word " * 101, "text_too_long")):
        with pytest.raises(InvalidInput) as refused:
            register_rules.one_line(text, field="purpose")
        assert refused.value.code == code
