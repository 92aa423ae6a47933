# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the real servers have in common: each runs in a folder of its own, on free loopback ports, without
# service manager or syslog, is ready when it answers, and is gone, children included, when its context
# manager ends.

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Callable, Optional

import pytest

from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

HOST = "127.0.0.1"
PATIENCE = (
    60.0  # seconds, far more than anything here takes where the machine is busy: who waits for so long has failed
)
USERNAME = "user@lab.test"
PASSWORD = "secret"

# What every server here says to RCPT TO; anyone else at lab.test is unknown, any other domain is not relayed.
ACCEPTED = "user@lab.test"
FULL = "full@lab.test"  # 552 5.2.2
DEFERRED = "temp@lab.test"  # 451 4.3.0
UNKNOWN = "nobody@lab.test"  # 550 5.1.1
GONE = "gone@lab.test"  # Postfix and Exim take it, and cannot deliver it: a bounce, 5.1.1
STRANGER = "someone@stranger.test"  # relaying denied
DISCARDED = "anyone@discard.test"  # accepted and swallowed


class Unavailable(Exception):
    """Why a server cannot run on this machine."""


@contextlib.contextmanager
def skip_where_unavailable() -> Iterator[None]:
    """Skip the test, with the reason; fail it where MAILCHECK_REQUIRE_SERVERS=1 wants the servers there."""
    try:
        yield
    except Unavailable as reason:
        if os.environ.get("MAILCHECK_REQUIRE_SERVERS") == "1":
            pytest.fail(f"MAILCHECK_REQUIRE_SERVERS=1, yet {reason}", pytrace=False)
        pytest.skip(str(reason))


def require_root(*users: str) -> None:
    """Unavailable unless we are root, and the users that a server switches to exist."""
    if os.geteuid() != 0:
        raise Unavailable("the real servers need root: they switch to users of their own")
    for user in users:
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise Unavailable(f"no user {user} (tests/real/install.sh adds it)") from None


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own on `folder`, which holds so much and no more."""
    require_root()
    folder.mkdir()
    mounted = subprocess.run(
        [find_program("mount"), "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        raise Unavailable(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([find_program("umount"), str(folder)], check=True)


def find_program(*names: str) -> str:
    """The first of the programs (names or paths) that is there. Debian keeps servers off a user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    for name in names:
        found = shutil.which(name, path=path)
        if found is not None:
            return found
    raise Unavailable(f"not installed: {names[-1]} (tests/real/install.sh installs it)")


def free_ports(purposes: Sequence[str]) -> dict[str, int]:
    return {purpose: free_port() for purpose in purposes}


def poll_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Wait, 10 ms at a time, for what gives no event; AssertionError names it after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.01)


def read_greeting(port: int, address: str = HOST, timeout: float = 10.0) -> bytes:
    """The first bytes of a server's greeting: it is up once they came. OSError while it is not."""
    with socket.create_connection((address, port), timeout=timeout) as connection:
        return connection.recv(512)


def group_members(group: int) -> list[int]:
    """The live processes of a process group. Zombies are none: init may take seconds to collect them."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended since it was listed
            state, _parent, process_group = entry.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state not in "ZX":
                members.append(int(entry.parent.name))
    return members


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "(ended)"


def end_group(group: int, timeout: float = PATIENCE) -> None:
    """Wait until a stopped server's children are gone too; whatever outlasts the wait is killed, and told."""
    try:
        poll_until(lambda: not group_members(group), timeout, f"end of process group {group}")
    except AssertionError as late:
        left = [command_of(process) for process in group_members(group)]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        raise AssertionError(f"{late}: {left}") from None


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, log: Path, ready: Callable[[int], object] = read_greeting
) -> Iterator[None]:
    """A server that stays in the foreground, from when it is `ready` on `port` to the end of its last child.

    It leads a session of its own: a Ctrl-C in the terminal reaches the tests, which then stop it in order.
    What it prints is added to `log`.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def up() -> bool:
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}:\n{log.read_text()}"
        try:
            return bool(ready(port))
        except OSError:
            return False

    try:
        poll_until(up, PATIENCE, f"{command[0]} on port {port}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            end_group(process.pid)


def delivered_message(maildir: Path, token: bytes) -> Optional[bytes]:
    """The raw message with `token` anywhere in it, if it is in the maildir."""
    for folder in ("new", "cur"):
        for path in sorted((maildir / folder).glob("*")):
            # A mail client may move a message from new to cur at any moment; the next look finds it there.
            with contextlib.suppress(FileNotFoundError):
                content = path.read_bytes()
                if token in content:
                    return content
    return None


def wait_for_message(maildir: Path, token: str, timeout: float = PATIENCE) -> bytes:
    """The raw bytes of the delivered message with `token` (a Message-ID will do) in it, lines ended by CRLF.

    Both servers store the octets they were sent below the trace fields they add on top, so that
    `wait_for_message(...).endswith(sent)` holds. AssertionError when it is not there after `timeout` seconds.
    """
    found: list[bytes] = []

    def arrived() -> bool:
        message = delivered_message(maildir, token.encode())
        if message is not None:
            found.append(message)
        return bool(found)

    poll_until(arrived, timeout, f"a message with {token!r} in {maildir}")
    return found[0]
