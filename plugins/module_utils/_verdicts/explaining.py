# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A failure in plain words: what its cause means, what the codes add to that, and what else the relay's words tell.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .causes import CAUSES
from .codes import explain_code
from .wording import CHARACTERS_READ, contradicts, first_address, first_url

if TYPE_CHECKING:
    from typing import Dict

    from .causes import Failure

_ABOUT_THE_CLIENT = ("client_blocked", "client_name_missing", "client_refused", "rate_limited", "spf_failed")
# A host name after such words; the gaps are short, so that no text takes long.
_LIST = re.compile(
    r"\b(?:blocked|listed|rejected|refused|found|blacklisted|blocklisted)\b[^;]{0,60}?"
    r"\b(?:using|by|at|in|on|from|site)\s+"
    r"((?:[\w-]+\.)+[a-z]{2,})\b|"
    r"(?<![\w.-])((?:[\w-]+\.)*(?:spamhaus|spamcop|sorbs|uceprotect|barracudacentral)(?:\.[\w-]+)*)\b",
    re.IGNORECASE,
)
# Providers name a policy by a short mark: [TSS04], (S3150), AUP#1310. A standard is none: (RFC5322).
_POLICY = re.compile(r"[\[(](?!RFC)([A-Z]{1,6}[0-9]{2,6})[\])]|\b([A-Z]{2,6}#[A-Z0-9.]{2,12})")
_LIMIT = re.compile(
    r"\b(?:limit|maximum|max|size(?! [0-9])|allowed|than)\b[^0-9.;]{0,30}([0-9]{1,12})\b(?!\.[0-9])", re.IGNORECASE
)
_LIMITING = (
    "message_too_large", "too_many_recipients", "sending_limit_reached", "rate_limited", "mailbox_rate_limited",
)  # fmt: skip


def facts_of(failure: Failure) -> Dict[str, str]:
    """Return what else the relay's words hold of `blocklist`, `client_address`, `limit`, `policy` and `url`."""
    words = failure.text[:CHARACTERS_READ].replace("\n", " ")
    found = {"url": first_url(words), "policy": _named(_POLICY, words)}
    if failure.cause == "client_blocked":
        found["blocklist"] = _named(_LIST, words)
    if failure.cause in _ABOUT_THE_CLIENT:
        found["client_address"] = first_address(words)
    if failure.cause in _LIMITING:
        found["limit"] = _named(_LIMIT, words)
    return {name: found[name] for name in sorted(found) if found[name]}


def _named(pattern: re.Pattern[str], words: str) -> str:
    found = pattern.search(words)
    return next(filter(None, found.groups())) if found else ""


def explanation_of(failure: Failure) -> str:
    """Return what a failure means. A code's meaning that contradicts the relay's words is left out."""
    text = CAUSES[failure.cause].explanation
    if failure.code is None:
        return text
    codes = (failure.code, failure.enhanced_code)
    untrue = [code for code in codes if code is not None and contradicts(code, failure.cause)]
    return "%s %s." % (text, explain_code(failure.code, failure.enhanced_code, untrue))
