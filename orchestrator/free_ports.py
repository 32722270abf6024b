"""Ports that are free on this machine's loopback address."""

import socket

HOST = "127.0.0.1"
_TRIED = 100


def listen_near(wanted: int) -> socket.socket:
    """Return a listening socket on `wanted` or the next free port; on any free port when a hundred are busy."""
    for port in (*range(wanted, min(wanted + _TRIED, 65536)), 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if port and _is_answered(port):
                raise OSError
            listener.bind((HOST, port))
            listener.listen(512)
        except OSError:
            listener.close()
        else:
            return listener
    raise OSError(f"No port is free on {HOST}.")


def port_of(listener: socket.socket) -> int:
    """Return the port a socket listens on."""
    return int(listener.getsockname()[1])


def free_near(wanted: int) -> int:
    """Return the number of a port that was free a moment ago, for a program that binds it itself."""
    with listen_near(wanted) as listener:
        return port_of(listener)


def _is_answered(port: int) -> bool:
    """On macOS one may bind beside a server that listens on all addresses; on Linux this is never the case."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(0.2)
        return caller.connect_ex((HOST, port)) == 0
