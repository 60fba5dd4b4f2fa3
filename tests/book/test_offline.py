"""The network is cut off while tests run, here and in every process that a test starts."""

import _socket
import socket
import subprocess
import sys

import pytest

OUTSIDE = "192.0.2.1"  # an address that belongs to nobody (RFC 5737)


def test_connections_to_the_outside_fail_at_once():
    with pytest.raises(OSError, match="tests must not reach the network"):
        socket.create_connection((OUTSIDE, 80), timeout=5)
    for to_all in ("224.0.0.1", "255.255.255.255"):  # anybody can bind to these
        with pytest.raises(OSError, match="tests must not reach the network"):
            socket.create_connection((to_all, 80), timeout=5)
    with pytest.raises(OSError, match="tests must not reach the network"):
        socket.getaddrinfo("example.org", 80)


def test_also_in_other_processes():
    code = f"import urllib.request; urllib.request.urlopen('http://{OUTSIDE}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "tests must not reach the network" in done.stderr


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass


def test_this_machine_can_be_reached_by_its_own_address():
    """Ray's processes do; the address is the one that would face the network, and nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            _socket.socket.connect(probe, (OUTSIDE, 80))  # past what cuts the network off
        except OSError:
            pytest.skip("this machine has no address but 127.0.0.1")
        address = probe.getsockname()[0]
    with socket.create_server((address, 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass
