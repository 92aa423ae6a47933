# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A message's size is announced before its first octet leaves, by SIZE and BDAT; DATA announces its end by a dot. What is
# sent beyond it would be read as commands of a session that may be signed in. Here another one writes to the file.

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import ANNA, DATA, MAIL, OPEN, SEND_ONE
from ansible_collections.postmaster.mailcheck.tests.hostile.test_cases import options_of
from ansible_collections.postmaster.mailcheck.tests.hostile.test_secrets import ACCEPTED, RETRY, WAYS

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Callable, Dict

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority
    from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay

LINE = b"x" * 76 + b"\r\n"
SMALL, OF_SOME_BLOCKS, LARGE = (b"Subject: theirs\r\n\r\n" + LINE * lines for lines in (1, 2000, 100000))
SMUGGLED = b"MAIL FROM:<intruder@example.net>\r\n"


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(LINE * 3000 + SMUGGLED)


def _replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes() + SMUGGLED)
    os.replace(str(other), str(path))


def _truncate(path: Path) -> None:
    os.truncate(str(path), path.stat().st_size - len(LINE))


def _write_8bit(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"Subject: \xfc")


CHANGES: Dict[str, Callable[[Path], object]] = {
    "grows": _append,
    "is replaced by a larger one": _replace,
    "shrinks": _truncate,
    "is no longer ASCII": _write_8bit,
    "is emptied": lambda path: os.truncate(str(path), 0),
    "is gone": lambda path: path.unlink(),
}


def _unseen(change: Callable[[Path], object], path: Path) -> Callable[[], None]:
    """Return the change of a file whose times do not tell that there was one."""
    times = path.stat()

    def run() -> None:
        change(path)
        if path.exists():
            os.utime(str(path), ns=(times.st_atime_ns, times.st_mtime_ns))

    return run


def judge(report: Dict[str, Any], relay: ScriptedRelay, size: int) -> None:
    """The check says what happened; the relay has the beginning of a message that never ends, and no command after it."""
    failure = report["failure"]
    assert (report["verdict"], failure["stage"], failure["cause"]) == ("failed", "message", "message_changed")
    assert "test_message.file" in failure["text"]
    assert (report["changed"], len(report["addresses_tried"])) == (False, 1)
    relay.settle()
    (session,) = relay.sessions
    heard = bytes(session.clear + session.inside)
    _before, _line, begun = heard.partition(b"BDAT %d LAST\r\n" % size if b"BDAT" in heard else b"DATA\r\n")
    assert _line and len(begun) < size
    assert SMUGGLED not in heard and b"QUIT" not in heard and b"\r\n.\r\n" not in begun


@pytest.mark.parametrize("content", [SMALL, OF_SOME_BLOCKS], ids=["one block", "several blocks"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_changes_before_it_is_sent(
    way: str, change: str, content: bytes, start: Any, authority: Authority, tmp_path: Path
) -> None:
    begin, own, _dot = WAYS[way]
    path = tmp_path / "message.eml"
    path.write_bytes(content)
    options = options_of(dict(SEND_ONE, **own, **RETRY, test_message={"file": str(path)}), authority)
    relay = start("changes\n" + begin, change=_unseen(CHANGES[change], path))
    judge(check(relay.host, port=relay.port, **options), relay, len(content))


@pytest.mark.parametrize(
    "change", ["grows", "shrinks", "is emptied"]
)  # a file that is open is replaced for others only
@pytest.mark.parametrize("chunking", [False, True])
def test_a_file_that_changes_while_it_is_sent(chunking: bool, change: str, start: Any, tmp_path: Path) -> None:
    path = tmp_path / "message.eml"
    path.write_bytes(LARGE)
    offer = OPEN + "S: 250-relay.example.com\nS: 250-SIZE\nS: 250 CHUNKING\n"
    begin = offer + MAIL + ACCEPTED + ANNA + ACCEPTED + "C: BDAT\n" if chunking else DATA + "S: 354 go\n"
    relay = start(begin + "C: <1000 octets>\nchanges\n", receive_buffer=4096, change=_unseen(CHANGES[change], path))
    options = dict(SEND_ONE, tls="none", ehlo_name="client.example.org", chunking=chunking, **RETRY)
    report = check(relay.host, port=relay.port, timeout=20.0, test_message={"file": str(path)}, **options)
    judge(report, relay, len(LARGE))
