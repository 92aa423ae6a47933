# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The command in terminals of several widths, against Postfix: the result first, in lines that fit, and hints that work.

from __future__ import annotations

import re

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.support.screen import AS_MODULE, on_screen, without

WIDTHS = [60, 80, 120]
HOW = {"with rich": AS_MODULE, "without rich": without("rich")}


def words_for(pki: Pki, postfix: Postfix, listener: str, *more: str) -> list[str]:
    relay = "%s:%d" % (servers.HOST, postfix.ports[listener])
    return ["check", relay, "--ca-path", str(pki.ca), "--ehlo-name", "client.lab.test", *more]


@pytest.mark.parametrize("how", HOW.values(), ids=list(HOW))
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("listener, more, first", [
    ("mx", ("--survey",), "passed "),
    ("mx", ("--from", "a@lab.test", "--to", servers.STRANGER), "failed .*: relay_denied, at rcpt$"),
    ("expired", (), "failed .*: certificate_expired, at tls$"),
    ("open", ("--expect", "relaying_refused.recipient=x@stranger.test",
              "--expect", f"relaying_refused.control_recipient={servers.ACCEPTED}"), "failed .*: rule_unmet, at rcpt$"),
])  # fmt: skip
def test_the_result_comes_first_in_lines_that_fit(
    postfix: Postfix, pki: Pki, listener: str, more: tuple[str, ...], first: str, width: int, how: tuple[str, ...]
) -> None:
    lines = on_screen(width, *words_for(pki, postfix, listener, *more), how=how)
    assert re.match(first, " ".join(lines[0].split()))
    for line in lines:
        assert len(line) <= width or len(line.split()) == 1, (
            line
        )  # a word alone may be longer than the terminal is wide
    whole = " ".join(" ".join(lines).split())
    if first.startswith("failed"):
        assert " next " in whole
        assert "http" not in whole


def test_what_a_hint_says_can_be_typed(postfix: Postfix, pki: Pki) -> None:
    """The port expects TLS, and is spoken to in clear: what is said next makes it pass."""
    words = words_for(pki, postfix, "submissions")
    told = " ".join(" ".join(on_screen(120, *words, "--timeout", "0.5")).split())
    (hint,) = re.findall("next Set (--tls implicit), as for port 465", told)
    assert on_screen(120, *words, *hint.split())[0].startswith("passed ")
