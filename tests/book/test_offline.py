"""The network is cut off while tests run, here and in every process that a test starts."""

import socket
import subprocess
import sys

import pytest

OUTSIDE = "192.0.2.1"  # an address that belongs to nobody (RFC 5737)


def test_connections_to_the_outside_fail_at_once():
    with pytest.raises(OSError, match="tests must not reach the network"):
        socket.create_connection((OUTSIDE, 80), timeout=5)
    with pytest.raises(OSError, match="tests must not reach the network"):
        socket.getaddrinfo("example.org", 80)


def test_also_in_other_processes():
    code = f"import urllib.request; urllib.request.urlopen('http://{OUTSIDE}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "tests must not reach the network" in done.stderr


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass
