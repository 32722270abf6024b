"""Servers as operators write them: what is read, what is refused and in which words."""

from pathlib import Path

import pytest

from connections.providers.azure_devops import servers
from connections.providers.azure_devops.models import SERVICES_URL, Server
from connections.providers.azure_devops.servers import InvalidServers, authorities_problem, parse_servers
from tests.connections.providers.azure_devops.authority import Authority

OWN = "Own=https://devops.example.com/tfs"
PLAIN = "Own=http://devops.example.com/tfs"
WORDS = "anybody on the network can read the tokens"


def test_servers_are_read_in_their_order() -> None:
    text = "Services=https://dev.azure.com, Own = https://devops.example.com/tfs/ ,Here=http://127.0.0.1:8061,"
    assert parse_servers(text) == (
        Server("Services", "https://dev.azure.com"),
        Server("Own", "https://devops.example.com/tfs"),
        Server("Here", "http://127.0.0.1:8061"),
    )


@pytest.mark.parametrize("address", ["HTTPS://DEV.Azure.com/", "https://dev.azure.com:443"])
def test_microsofts_own_service_is_known_in_any_dress(address: str) -> None:
    (server,) = parse_servers(f"A={address}")
    assert server.is_services
    assert server.url == SERVICES_URL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists no server"),
        (" , ", "lists no server"),
        ("https://dev.azure.com", "Entry 1 of"),
        ("=https://dev.azure.com", "Entry 1 of"),
        ("A=", "Entry 1 of"),
        ("A=dev.azure.com", "does not have the form Name=https://server"),
        ("A=ftp://devops.example.com", "does not have the form Name=https://server"),
        ("A=https://", "does not have the form"),
        ("A=https://a.example.com,B=https://b c", "Entry 2 of"),
        ("A=https://devops.example.com/t\nfs", "does not have the form"),
        ("A=https://devöps.example.com", "does not have the form"),
        ("A=https://[::1", "does not have the form"),
        ("A=https://devops.example.com:port", "does not have the form"),
        ("A=http://devops.example.com", "plain HTTP, so anyone on the network could read its tokens"),
        ("A=http://localhost.evil.example", "plain HTTP"),
        ("A=https://user@devops.example.com", "must not contain a user name"),
        ("A=https://user:password@devops.example.com", "must not contain a user name"),
        ("A=https://devops.example.com/?x=1", "must not contain a user name, a query or a fragment"),
        ("A=https://devops.example.com/#x", "must not contain a user name, a query or a fragment"),
        ("A=https://a.example.com,a=https://b.example.com", "two servers with the same name"),
        (f"{'A' * 101}=https://devops.example.com", "more than 100"),
        ("A\x01=https://devops.example.com", "an invisible one"),
        ("A=https://dev.azure.com/acme", "belongs to Azure DevOps Services"),
        ("A=http://dev.azure.com", "plain HTTP"),
        ("A=https://dev.azure.com:8443", "belongs to Azure DevOps Services"),
        ("A=https://acme.visualstudio.com", "belongs to Azure DevOps Services"),
        ("A=https://vsrm.dev.azure.com", "belongs to Azure DevOps Services"),
        ("A=https://devops.example.com/tfs/..", "is not the path of a server"),
        ("A=https://devops.example.com/%2e%2e/tfs", "is not the path of a server"),
        ("A=https://devops.example.com/a%2fb", "is not the path of a server"),
        ("A=https://devops.example.com//tfs", "is not the path of a server"),
        ("A=https://devops.example.com/tfs/_home", "is not the path of a server"),
        ("A=https://devops.example.com/tfs/DefaultCollection", "contains a collection"),
        ("A=http://127.0.0.1:8061 kind=service", "Only kind=sandbox can follow"),
        ("A=http://127.0.0.1:8061 kind=sandbox kind=sandbox", "Only kind=sandbox can follow"),
        ("A=https://devops.example.com kind=sandbox", "must run on this machine"),
        ("A=http://127.0.0.1:1 kind=sandbox, B=http://127.0.0.1:2 kind=sandbox", "Only one is allowed"),
    ],
)
def test_servers_that_cannot_be_used_are_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(InvalidServers) as raised:
        parse_servers(text)
    assert said in str(raised.value)
    assert "password" not in str(raised.value)


def test_the_sandbox_is_the_server_of_that_kind_whatever_its_name() -> None:
    found = parse_servers("Sandbox=http://127.0.0.1:8062/tfs, Practice=http://127.0.0.1:8061  kind=sandbox")
    assert [(server.name, server.url, server.is_sandbox, server.place) for server in found] == [
        ("Sandbox", "http://127.0.0.1:8062/tfs", False, "collection"),
        ("Practice", "http://127.0.0.1:8061", True, "organization"),
    ]


def test_each_server_has_its_own_authorities_and_proxy() -> None:
    found = parse_servers(
        f"{OWN}, Other=https://other.example.com, Third=https://third.example.com",
        ca_bundles="Own=/etc/ssl/own.pem",
        proxies="Own=http://proxy:3128, Other=none",
    )
    assert [(one.ca_bundle, one.proxy) for one in found] == [
        ("/etc/ssl/own.pem", "http://proxy:3128"),
        (None, ""),
        (None, None),
    ]


@pytest.mark.parametrize("setting", ["ca_bundles", "proxies", "plain_http"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Elsewhere=x", "Entry 1 of {} names none of the servers in AZURE_DEVOPS_SERVERS: “Own”."),
        ("own=x", "names none of the servers in AZURE_DEVOPS_SERVERS"),
        ("Own", "Entry 1 of {} does not have the form Name=value."),
        ("Own=", "Entry 1 of {} does not have the form Name=value."),
        ("=x", "Entry 1 of {} does not have the form Name=value."),
        ("Own=x,Own=y", "{} lists “Own” twice."),
    ],
)
def test_an_entry_that_fits_no_server_is_refused_by_its_place(setting: str, text: str, said: str) -> None:
    name = {"ca_bundles": servers.CA_BUNDLES, "proxies": servers.PROXIES, "plain_http": servers.PLAIN_HTTP}[setting]
    with pytest.raises(InvalidServers) as raised:
        parse_servers(OWN, **{setting: text})
    assert said.format(name) in str(raised.value)


@pytest.mark.parametrize("address", ["http://proxy:3128", "http://someone:p%40ss@proxy:3128", "http://10.0.0.1"])
def test_a_proxy_may_need_a_password(address: str) -> None:
    (server,) = parse_servers(OWN, proxies=f"Own={address}/")
    assert server.proxies == {"http": address, "https": address}


@pytest.mark.parametrize("address", ["http://someone:sesame@proxy:3128", "http://sesame:@proxy"])
def test_a_server_does_not_show_the_password_of_its_proxy(address: str) -> None:
    (server,) = parse_servers(OWN, proxies=f"Own={address}")
    assert "sesame" not in f"{server} {server!r}"


@pytest.mark.parametrize(
    "address",
    [
        "proxy:3128",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "http://proxy:sesame",
        "http://proxy:0",
        "http://someone:ses/ame@proxy",
        "http://someone:ses?ame@proxy",
        "http://someone:ses#ame@proxy",
        "http://someone:ses,ame@proxy",
        "http://someone:ses,ame=x@proxy",
        "http://someone:ses ame@proxy",
        "http://someone:sesäme@proxy",
        "http://proxy/path",
    ],
)
def test_what_is_no_proxy_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(InvalidServers) as raised:
        parse_servers(OWN, proxies=f"Own={address}")
    assert servers.PROXIES in str(raised.value)
    assert "ses" not in str(raised.value).replace("uses", "")
    assert "ame@" not in str(raised.value)


@pytest.mark.parametrize("words", [WORDS, WORDS.upper(), f"  {WORDS.replace(' ', '   ')} "])
def test_plain_http_is_allowed_to_who_says_what_it_means(words: str) -> None:
    (server,) = parse_servers(PLAIN, plain_http=f"Own={words}")
    assert server == Server("Own", "http://devops.example.com/tfs")
    assert server.shows_tokens


@pytest.mark.parametrize("words", ["1", "yes", "true", "Own", f"{WORDS}, really".replace(",", "")])
def test_plain_http_is_not_allowed_by_less(words: str) -> None:
    with pytest.raises(InvalidServers, match=f"must contain exactly: Own={WORDS}"):
        parse_servers(PLAIN, plain_http=f"Own={words}")


def test_plain_http_for_one_server_is_not_for_another() -> None:
    with pytest.raises(InvalidServers, match="The address of “Other” uses plain HTTP"):
        parse_servers(f"{PLAIN}, Other=http://other.example.com", plain_http=f"Own={WORDS}")


def test_the_refusal_says_what_would_have_to_be_written() -> None:
    with pytest.raises(InvalidServers) as raised:
        parse_servers(PLAIN)
    (setting, words) = str(raised.value).rpartition(" set ")[2].split("=", 1)
    assert setting == servers.PLAIN_HTTP
    assert parse_servers(PLAIN, plain_http=words)


def test_an_allowance_that_is_not_needed_any_more_does_not_stay_by_accident() -> None:
    with pytest.raises(InvalidServers, match="whose address is https"):
        parse_servers(OWN, plain_http=f"Own={WORDS}")


def test_authorities_without_a_certificate_to_check_are_a_mistake() -> None:
    with pytest.raises(InvalidServers, match="which uses plain HTTP and has no certificate"):
        parse_servers("Here=http://127.0.0.1:8061", ca_bundles="Here=/etc/ssl/own.pem")


@pytest.mark.parametrize(
    ("url", "shows"),
    [("https://a.example.com", False), ("http://127.0.0.1:1", False), ("HTTP://a.example.com", True)],
)
def test_only_plain_http_to_another_machine_shows_tokens(url: str, *, shows: bool) -> None:
    assert Server("A", url).shows_tokens is shows


@pytest.mark.parametrize("value", ["0", "false", "no", "none", "off", "verify=0"])
def test_nothing_switches_the_check_of_certificates_off(value: str) -> None:
    (server,) = parse_servers(OWN, ca_bundles=f"Own={value}")
    assert authorities_problem(server.ca_bundle or "") == "is not an absolute path"


def test_a_file_of_authorities_is_looked_into(authority: Authority, tmp_path: Path) -> None:
    assert authorities_problem(authority.bundle) == ""
    missing, folder, empty, key = (tmp_path / name for name in ("missing.pem", "folder", "empty.pem", "key.pem"))
    folder.mkdir()
    empty.write_text("nothing here")
    authority.server("127.0.0.1")
    key.write_bytes((Path(authority.bundle).parent / "127.0.0.110.pem").read_bytes())
    assert authorities_problem(str(missing)) == "does not exist"
    assert authorities_problem(str(folder)) == "is a folder, not a file"
    assert authorities_problem(str(empty)) == "contains no certificate in PEM format"
    assert authorities_problem(str(key)).startswith("contains a private key")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_file_of_authorities_may_have_been_written_by_windows(
    authority: Authority, tmp_path: Path, encoding: str
) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "own.pem").write_text(f"{mark}{Path(authority.bundle).read_text()}", encoding=encoding, newline="\r\n")
    assert authorities_problem(str(tmp_path / "own.pem")) == ""
    key = "-----BEGIN PRIVATE KEY-----"
    (tmp_path / "key.pem").write_text(f"{mark}{key}", encoding=encoding)
    assert authorities_problem(str(tmp_path / "key.pem")).startswith("contains a private key")


def test_a_file_that_may_not_be_read_is_no_missing_file(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert authorities_problem(authority.bundle) == "cannot be read"
