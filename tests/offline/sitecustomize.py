"""Cut the network off: Python imports this at start-up when the folder is on PYTHONPATH.

It reaches every process that a test starts (kernels, the book's build), which a fixture could not. Connections to this
machine stay allowed: Jupyter talks to its kernels that way.

For the same reason, this is where Python is told to look for garbage less often. Tests mostly build networks and have
TensorFlow trace them, which makes millions of objects that live: to go through them took an eighth of the time.
"""

import gc
import ipaddress
import socket

gc.set_threshold(50_000)

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_getaddrinfo = socket.getaddrinfo


class NetworkIsCutOff(OSError):
    """Something in the tests tried to reach the network."""


def _is_this_machine(host):
    if host in ("", None, "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    # Ray's processes talk to each other by this machine's own address: it is reached from itself, and nothing is sent
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            _connect(probe, (host, 9))
        except OSError:
            return False
        return probe.getsockname()[0] == str(address)


def _check(host):
    if isinstance(host, bytes):
        host = host.decode()
    if not _is_this_machine(host):
        raise NetworkIsCutOff(f"tests must not reach the network, and something asked for {host!r}")


def _check_address(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        _check(address[0])


def _guarded_connect(self, address):
    _check_address(self, address)
    return _connect(self, address)


def _guarded_connect_ex(self, address):
    _check_address(self, address)
    return _connect_ex(self, address)


def _guarded_getaddrinfo(host, *args, **kwargs):
    _check(host)
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = _guarded_connect
socket.socket.connect_ex = _guarded_connect_ex
socket.getaddrinfo = _guarded_getaddrinfo
