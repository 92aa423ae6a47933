# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A slow network without a traffic shaper: two network namespaces, a TUN device in each, and this process
# between them, which holds every packet for half the round trip. Needs root.
#
#   python slow_link.py CLIENT_NAMESPACE SERVER_NAMESPACE SECONDS_EACH_WAY     (a child: see `slow_link()`)

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

HOSTS = "10.90.1."  # .1 to .254: the server's side answers for all of them
_CLIENT, _SERVERS = "10.90.0.1", HOSTS + "0/24"
_CLONE_NEWNET, _TUNSETIFF, _TUN_WITHOUT_HEADER = 0x40000000, 0x400454CA, 0x0001 | 0x1000


class Link(NamedTuple):
    """Command prefixes that run a program on either side."""

    client: tuple[str, ...]
    server: tuple[str, ...]


@contextlib.contextmanager
def slow_link(round_trip: float) -> Iterator[Link]:
    """Two sides that are `round_trip` seconds apart. Raises OSError or CalledProcessError where that cannot be."""
    names = [f"mailcheck-{side}-{os.getpid()}" for side in ("client", "server")]
    with contextlib.ExitStack() as stack:
        for name in names:
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
        carrier = subprocess.Popen(
            [sys.executable, __file__, *names, str(round_trip / 2)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        stack.enter_context(carrier)
        stack.callback(carrier.terminate)
        assert carrier.stdout is not None
        if carrier.stdout.readline() != b"ready\n":
            raise OSError("no TUN devices here")
        client, server = names
        _ip("-n", client, "address", "add", _CLIENT + "/32", "dev", "slow")
        _ip("-n", server, "route", "add", "local", _SERVERS, "dev", "lo")
        for name in names:
            _ip("-n", name, "link", "set", "slow", "up", "txqueuelen", "5000")
        _ip("-n", client, "route", "add", _SERVERS, "dev", "slow", "src", _CLIENT)
        _ip("-n", server, "route", "add", _CLIENT + "/32", "dev", "slow")
        yield Link(("ip", "netns", "exec", client), ("ip", "netns", "exec", server))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _tun(namespace: str) -> int:
    """Open a TUN device named `slow` in a namespace; it stays there when this process goes on to the next."""
    with open("/run/netns/" + namespace, "rb") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", b"slow", _TUN_WITHOUT_HEADER))
    return device


def _carry(one: int, other: int, delay: float) -> None:
    """Take packets from either device to the other, each `delay` seconds later."""
    held: deque[tuple[float, int, bytes]] = deque()
    target = {one: other, other: one}
    while True:
        pause = max(0.0, held[0][0] - time.monotonic()) if held else None
        readable, _writable, _failed = select.select([one, other], [], [], pause)
        for device in readable:
            with contextlib.suppress(BlockingIOError):
                while True:
                    held.append((time.monotonic() + delay, target[device], os.read(device, 65536)))
        while held and held[0][0] <= time.monotonic():
            _due, device, packet = held.popleft()
            with contextlib.suppress(OSError):  # a full queue loses packets, as networks do
                os.write(device, packet)


if __name__ == "__main__":
    client, server = (_tun(namespace) for namespace in sys.argv[1:3])
    print("ready", flush=True)
    _carry(client, server, float(sys.argv[3]))
