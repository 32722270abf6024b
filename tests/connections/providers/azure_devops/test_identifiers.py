"""Names and tokens as people paste them: what is taken, what is refused and why."""

import pytest

from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import (
    InvalidOrganizationName,
    InvalidToken,
    looks_like_token,
    parse_organization,
    read_token,
)
from connections.providers.azure_devops.models import SERVICES_URL, Server
from tests.connections.providers.azure_devops.conftest import SECRET

OLDER = "abcdefghijklmnopqrstuvwxyz234567" + "abcdefghijklmnopqrst"
SERVICES = Server("Services", SERVICES_URL)
OWN = Server("Own", "https://devops.example.com/tfs")
HIGH = Server("High", "https://devops.example.com:8443")
SANDBOX = Server("Practice", "http://127.0.0.1:8061", kind="sandbox")


@pytest.mark.parametrize(
    "typed",
    [
        "acme",
        "  acme\t",
        "ACME",
        "dev.azure.com/acme",
        "https://dev.azure.com/acme",
        "https://dev.azure.com/acme/",
        "HTTPS://Dev.Azure.Com/Acme",
        "https://dev.azure.com:443/acme",
        "https://dev.azure.com/acme/Web%20Shop/_git/shop?path=/readme.md#L1",
        "https://dev.azure.com/acme/Größe/_build",
        "https://acme@dev.azure.com/acme/Web/_git/shop",
        "https://acme:secret@dev.azure.com/acme/Web/_git/shop",
        "https://acme.visualstudio.com",
        "https://acme.visualstudio.com/DefaultCollection/Web/_git/shop",
        "https://acme.vsrm.visualstudio.com/_apis",
        "acme.visualstudio.com",
        "git@ssh.dev.azure.com:v3/acme/Web/shop",
        "ssh://git@ssh.dev.azure.com/v3/acme/Web/shop",
        "acme@vs-ssh.visualstudio.com:v3/acme/Web/shop".replace("acme@", "git@"),
    ],
)
def test_an_organization_is_found_in_a_name_an_address_or_a_clone_url(typed: str) -> None:
    assert parse_organization(typed, SERVICES, others=(OWN, SANDBOX)).name == "acme"


def test_white_space_around_the_name_is_left_out() -> None:
    assert parse_organization(" Acme ", SERVICES).name == "acme"


def test_the_pretend_service_understands_addresses_of_the_real_one_where_that_cannot_be_chosen() -> None:
    assert parse_organization("http://127.0.0.1:8061/acme/_git/x", SANDBOX).name == "acme"
    assert parse_organization("https://dev.azure.com/Fabrikam/_git/x", SANDBOX, others=(OWN,)).name == "fabrikam"
    with pytest.raises(InvalidOrganizationName) as raised:
        parse_organization("https://dev.azure.com/Fabrikam/_git/x", SANDBOX, others=(SERVICES,))
    assert (raised.value.code, raised.value.server) == ("belongs_to_another", "Services")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("DefaultCollection", "DefaultCollection"),
        ("  Our Collection ", "Our Collection"),
        ("Our%20Collection", "Our Collection"),
        ("v1.2 (old)", "v1.2 (old)"),
        ("Größe", "Größe"),
        ("Gro\u0308ße", "Größe"),
        ("項目", "項目"),
        ("a" * 64, "a" * 64),
        ("https://devops.example.com/tfs/DefaultCollection", "DefaultCollection"),
        ("https://devops.example.com/tfs/DefaultCollection/_git/x", "DefaultCollection"),
        ("https://devops.example.com:443/TFS/Our%20Collection/Web%20Shop/_git/x?path=/a.md#L1", "Our Collection"),
        ("http://devops.example.com/tfs/DefaultCollection", "DefaultCollection"),
        ("HTTPS://Devops.Example.Com/tfs/DefaultCollection/", "DefaultCollection"),
        ("devops.example.com/tfs/DefaultCollection", "DefaultCollection"),
        ("https://someone:secret@devops.example.com/tfs/DefaultCollection/_git/x", "DefaultCollection"),
        ("ssh://devops.example.com:22/tfs/DefaultCollection/_git/x", "DefaultCollection"),
        ("ssh://git@devops.example.com/tfs/DefaultCollection/_git/x", "DefaultCollection"),
    ],
)
def test_a_collection_is_found_in_a_name_an_address_or_a_clone_url(typed: str, name: str) -> None:
    assert parse_organization(typed, OWN, others=(SERVICES, HIGH)).name == name


@pytest.mark.parametrize(
    ("typed", "code", "server"),
    [
        ("", "empty", ""),
        ("a" * 65, "too_long", ""),
        pytest.param("a" * 10_000_000, "too_long", "", id="ten million letters"),
        ("..", "path_climbs", ""),
        ("../x", "path_climbs", ""),
        ("%2e%2e", "path_climbs", ""),
        ("%252e%252e", "path_climbs", ""),
        ("DefaultCollection/../x", "path_climbs", ""),
        ("https://devops.example.com/tfs/../x", "path_climbs", ""),
        ("https://devops.example.com/tfs/%2e%2e/x", "path_climbs", ""),
        ("https://devops.example.com/tfs/a%2f..%2fb", "path_climbs", ""),
        ("https://devops.example.com/tfs/a%2fb", "not_an_organization", ""),
        ("https://devops.example.com/tfs/a%252fb", "not_an_organization", ""),
        ("https://devops.example.com/tfs", "not_an_organization", ""),
        ("https://devops.example.com/tfs/_home", "not_an_organization", ""),
        ("a..b", "not_an_organization", ""),
        (".a", "not_an_organization", ""),
        ("a.", "not_an_organization", ""),
        ("_git", "not_an_organization", ""),
        *((f"a{letter}b", "not_an_organization", "") for letter in "\\~&;'\"?<>|#$*}{,+=[]%"),
        ("a:b", "not_an_organization", ""),
        ("a@b", "not_an_organization", ""),
        ("a/b", "not_an_organization", ""),
        ("a\r\nHost: b", "control_characters", ""),
        ("a\0b", "control_characters", ""),
        ("a%00b", "control_characters", ""),
        ("https://devops.example.com/tfs/a%0d%0ab", "control_characters", ""),
        ("a\u200bb", "control_characters", ""),
        ("a\u202eb", "control_characters", ""),
        ("a\u00a0b", "control_characters", ""),
        ("https://evil.example/tfs/DefaultCollection", "other_server", ""),
        ("https://devops.example.com@evil.example/tfs/DefaultCollection", "other_server", ""),
        ("https://devops.example.com.evil.example/tfs/DefaultCollection", "other_server", ""),
        ("https://devops.example.com:9443/tfs/DefaultCollection", "other_server", ""),
        ("https://devops.example.com/other/DefaultCollection", "other_server", ""),
        ("https://dev\u043eps.example.com/tfs/DefaultCollection", "not_an_organization", ""),
        ("git@evil.example:tfs/DefaultCollection/x", "other_server", ""),
        ("https://dev.azure.com/acme/_git/x", "belongs_to_another", "Services"),
        ("https://acme.visualstudio.com", "belongs_to_another", "Services"),
        ("git@ssh.dev.azure.com:v3/acme/Web/shop", "belongs_to_another", "Services"),
        ("https://devops.example.com:8443/DefaultCollection", "belongs_to_another", "High"),
    ],
)
def test_anything_else_is_no_collection_and_says_why(typed: str, code: str, server: str) -> None:
    with pytest.raises(InvalidOrganizationName) as raised:
        parse_organization(typed, OWN, others=(SERVICES, HIGH))
    assert (raised.value.code, raised.value.server) == (code, server)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        (" \t\r\n", "empty"),
        ("a" * 51, "too_long"),
        pytest.param("a" * 10_000_000, "too_long", id="ten million letters"),
        ("https://dev.azure.com/" + "a" * 51, "too_long"),
        ("acme\r\nHost: evil.example", "control_characters"),
        ("ac\0me", "control_characters"),
        ("ac\x7fme", "control_characters"),
        ("acme/../x", "path_climbs"),
        ("https://dev.azure.com/acme/../x", "path_climbs"),
        ("https://dev.azure.com/%2e%2e/x", "path_climbs"),
        ("https://dev.azure.com/%252e%252e/x", "path_climbs"),
        ("..\\x", "path_climbs"),
        ("..", "path_climbs"),
        (".", "path_climbs"),
        ("%2e%2e", "path_climbs"),
        ("acme%2f..", "path_climbs"),
        ("acme%2fx", "not_an_organization"),
        ("acme%00", "not_an_organization"),
        ("@", "not_an_organization"),
        ("acme@evil.example", "not_an_organization"),
        ("-acme", "not_an_organization"),
        ("acme-", "not_an_organization"),
        ("ac me", "not_an_organization"),
        ("ac_me", "not_an_organization"),
        ("<script>", "not_an_organization"),
        ("'; DROP TABLE", "not_an_organization"),
        ("ａcme", "not_an_organization"),
        ("\u0430cme", "not_an_organization"),
        ("acm\u212a", "not_an_organization"),
        ("acme\u200b", "not_an_organization"),
        ("acme\u202e", "not_an_organization"),
        ("١٢٣", "not_an_organization"),
        ("https://\u0430cme.visualstudio.com", "not_an_organization"),
        ("https://acm\u212a.visualstudio.com", "not_an_organization"),
        ("https://dev.azure.com/\u0430cme", "not_an_organization"),
        ("https://dev.azure.com/acme%2Fx", "not_an_organization"),
        ("https://dev.azure.com/acme%0d%0a", "not_an_organization"),
        ("https://dev.azure.com", "not_an_organization"),
        ("https://dev.azure.com/_apis/projects", "not_an_organization"),
        ("https://dev.azure.com:8443/acme", "other_server"),
        ("https://dev.azure.com:x/acme", "not_an_organization"),
        ("https://[::1/acme", "not_an_organization"),
        ("ftp://dev.azure.com/acme", "not_an_organization"),
        ("javascript:alert(1)", "not_an_organization"),
        ("file:///etc/passwd", "not_an_organization"),
        ("https://evil.example/acme", "other_server"),
        ("https://dev.azure.com.evil.example/acme", "other_server"),
        ("https://dev.azure.com@evil.example/acme", "other_server"),
        ("https://evil.example/dev.azure.com/acme", "other_server"),
        ("https://devops.example.com/other/acme", "other_server"),
        ("https://devops.example.com/tfs/acme", "belongs_to_another"),
        ("https://devops.example.com/tfs", "belongs_to_another"),
        ("http://127.0.0.1:8061/acme", "belongs_to_another"),
        ("http://169.254.169.254/latest", "other_server"),
        ("git@evil.example:v3/acme/Web/shop", "other_server"),
        ("git@ssh.dev.azure.com:v3", "not_an_organization"),
    ],
)
def test_anything_else_is_refused_and_says_why(typed: str, code: str) -> None:
    with pytest.raises(InvalidOrganizationName) as raised:
        parse_organization(typed, SERVICES, others=(OWN, SANDBOX))
    assert raised.value.code == code


@pytest.mark.parametrize("around", ["{}", " {}\n", "\t{}\r\n", '"{}"', "'{}'", "`{}`", "“{}”", "‘{}’", ' "{}" '])
@pytest.mark.parametrize("secret", [SECRET, OLDER, "short", "with:colon/and+more="])
def test_a_token_is_read_without_what_stands_around_it(around: str, secret: str) -> None:
    assert read_token(around.format(secret)).reveal() == secret


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ('""', "empty"),
        ("x" * 201, "too_long"),
        pytest.param("x" * 10_000_000, "too_long", id="ten million letters"),
        ("two words", "inner_white_space"),
        ("a\r\nHost: b", "inner_white_space"),
        ("a\u00a0b", "inner_white_space"),
        ("a\0b", "not_printable_ascii"),
        ("tök", "not_printable_ascii"),
        ("\u0430bc", "not_printable_ascii"),
    ],
)
def test_what_cannot_be_a_token_is_refused_and_not_repeated(pasted: str, code: str) -> None:
    with pytest.raises(InvalidToken) as raised:
        read_token(pasted)
    assert raised.value.code == code
    assert str(raised.value) == code
    assert vars(raised.value) == {"code": code}


@pytest.mark.parametrize(
    ("secret", "looks"),
    [(SECRET, True), (OLDER, True), (SECRET[:-1], False), (OLDER.upper(), False), ("password", False), ("", False)],
)
def test_the_two_known_forms_are_recognised(secret: str, looks: bool) -> None:
    assert looks_like_token(PersonalAccessToken(secret)) is looks


def test_the_pages_of_a_server_carry_encoded_names() -> None:
    server = Server("A", "https://dev.azure.com")
    assert server.tokens_page("acme") == "https://dev.azure.com/acme/_usersSettings/tokens"
    assert OWN.tokens_page("Our Collection") == "https://devops.example.com/tfs/Our%20Collection/_usersSettings/tokens"


@pytest.mark.parametrize(
    ("server", "place"),
    [
        (SERVICES, "organization"),
        (SANDBOX, "organization"),
        (OWN, "collection"),
        (Server("Own", "http://127.0.0.1:8062/tfs"), "collection"),
        (Server("Sandbox", "http://127.0.0.1:8061"), "collection"),
    ],
)
def test_projects_live_in_an_organization_of_the_service_or_a_collection_of_a_server(
    server: Server, place: str
) -> None:
    assert server.place == place
