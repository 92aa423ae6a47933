# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What leaves open what was asked, and how that is said: answers of the DNS, and causes that are our own.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.dns.model import BOGUS, NOT_DETERMINED
from .._net.text import printable

if TYPE_CHECKING:
    from .._net.dns.model import Answer

# Of the table of causes, those that say nothing of the peer: the check ended, or what fails is on our side.
OURS = (
    "interrupted", "deadline_reached", "not_checked", "internal_error", "name_server_failed", "network_unreachable",
    "no_address_of_family", "tls_version_unavailable",
)  # fmt: skip

# Whose fault a bogus answer is cannot be seen from one resolver.
_BOGUS = "%s. It may be the resolver's own fault: ask another resolver, or the authoritative name servers"


def is_open(answer: Answer) -> bool:
    """Return whether neither a record nor its absence is known."""
    return answer.state in (BOGUS, NOT_DETERMINED)


def why(answer: Answer) -> str:
    """Return what was asked, and why it is open."""
    reason = _BOGUS % answer.reason if answer.state == BOGUS else answer.reason
    return printable("%s %s: %s" % (answer.question.name, answer.question.kind, reason))
