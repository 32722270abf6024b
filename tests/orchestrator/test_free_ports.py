"""Free ports of this machine."""

import socket
from contextlib import closing

from orchestrator.free_ports import HOST, free_near, listen_near, port_of


def test_a_busy_port_is_passed_over() -> None:
    with (
        closing(listen_near(0)) as busy,
        closing(listen_near(port_of(busy))) as mine,
    ):
        assert port_of(mine) > port_of(busy)


def test_a_free_port_is_taken() -> None:
    wanted = free_near(0)
    with closing(listen_near(wanted)) as mine:
        assert port_of(mine) == wanted


def test_the_last_port_there_is_does_not_end_the_search() -> None:
    with socket.socket() as busy:
        busy.bind((HOST, 65535))
        busy.listen()
        with closing(listen_near(65535)) as mine:
            assert 0 < port_of(mine) < 65535
