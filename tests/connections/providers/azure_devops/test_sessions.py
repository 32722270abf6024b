"""What is read from an HTTP response."""

import urllib3

from connections.providers.azure_devops.sessions import headers_of


def test_headers_that_are_sent_several_times_are_joined() -> None:
    headers = urllib3.HTTPHeaderDict([("WWW-Authenticate", 'Basic realm="tfs"'), ("WWW-Authenticate", "NTLM")])
    response = urllib3.HTTPResponse(headers=headers)
    assert headers_of(response) == {"www-authenticate": 'Basic realm="tfs", NTLM'}
