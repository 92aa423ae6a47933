# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What filters have written into a message: flags and scores.
#
# Below the receiver's own Received lines the sender may have written it, so only what stands above one of them counts.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .receiver import own_lines

if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Sequence, Tuple

    from .headers import Fields

    Found = Tuple[Optional[bool], Optional[float], Optional[float]]  # flagged, score, threshold

_NUMBER = r"(-?[0-9]{1,6}(?:\.[0-9]{1,9})?)(?![0-9.e])"
_MICROSOFT_THRESHOLD = 5.0  # from this spam confidence level on, Exchange files into Junk
MAX_FILTERS = 32


class Filter(NamedTuple):
    """One filter's word. None is what it does not say."""

    filter: str
    flagged: Optional[bool]  # as spam
    score: Optional[float]
    threshold: Optional[float]  # of its own, from which on it flags
    text: str


class Spam(NamedTuple):
    """`state`: present or absent. `flagged`: by any filter; score and threshold are those of the topmost."""

    state: str
    flagged: Optional[bool]
    score: Optional[float]
    threshold: Optional[float]
    filters: Tuple[Filter, ...]


def spam_of(fields: Fields, trusted: Sequence[str]) -> Spam:
    """Return what filters say above the Received lines of the receiver: the topmost, and those of trusted servers."""
    filters: List[Filter] = []
    own = own_lines(fields, {one.lower() for one in trusted})
    for name, value in fields[: own[-1] if own else 0]:
        row = _READERS.get(name.lower())
        if row is not None and len(filters) < MAX_FILTERS:
            known, read = row
            filters.append(Filter(known, *read(value), value[:500]))
    flags = [one.flagged for one in filters if one.flagged is not None]
    first = filters[0] if filters else Filter("", None, None, None, "")
    flagged = any(flags) if flags else None
    return Spam("present" if filters else "absent", flagged, first.score, first.threshold, tuple(filters))


def _search(pattern: str, text: str) -> Optional[float]:
    found = re.search(pattern, text, re.IGNORECASE)
    return None if found is None else float(found.group(1))


def _yes_or_no(value: str) -> Optional[bool]:
    word = re.split(r"[\s,;]", value.lower(), maxsplit=1)[0]
    yes = word in ("yes", "true", "spam", "blacklisted", "add", "rewrite", "reject", "soft")
    return True if yes else False if word in ("no", "false", "ham", "innocent", "whitelisted", "greylist") else None


def _spamassassin(value: str) -> Found:
    score = _search(r"\b(?:score|hits)=" + _NUMBER, value)
    return _yes_or_no(value), score, _search(r"\brequired=" + _NUMBER, value)


def _flag(value: str) -> Found:
    return _yes_or_no(value), None, None


def _score(value: str) -> Found:
    return None, _search(r"\A" + _NUMBER, value), None


def _rspamd(value: str) -> Found:
    said = re.search(r":\s*(true|false)", value[:200], re.IGNORECASE)
    threshold = _search(r"\[[^/\]]{1,20}/\s*" + _NUMBER, value)
    return _yes_or_no(said.group(1)) if said else None, _search(r"\[\s*" + _NUMBER, value), threshold


def _confidence(value: str) -> Found:
    level = _search(r"(?:\bSCL:|\A)" + _NUMBER, value)
    return None if level is None else level >= _MICROSOFT_THRESHOLD, level, _MICROSOFT_THRESHOLD


def _barracuda(value: str) -> Found:
    return _yes_or_no(value), _search(r"\bSCORE=" + _NUMBER, value), _search(r"\bKILL_LEVEL=" + _NUMBER, value)


def _proofpoint(value: str) -> Found:
    rule = re.search(r"\brule=(\w{1,60})", value)
    flagged = None if rule is None else rule.group(1).endswith("spam") and rule.group(1) != "notspam"
    return flagged, _search(r"\bscore=" + _NUMBER, value), None


def _bogofilter(value: str) -> Found:
    return _yes_or_no(value), _search(r"\bspamicity=" + _NUMBER, value), None


_READERS: Dict[str, Tuple[str, Callable[[str], Found]]] = {
    "x-spam-status": ("spamassassin", _spamassassin),
    "x-spam-flag": ("spamassassin", _flag),
    "x-spam-score": ("spamassassin", _score),
    "x-spamd-result": ("rspamd", _rspamd),
    "x-rspamd-action": ("rspamd", _flag),
    "x-rspamd-score": ("rspamd", _score),
    "x-ms-exchange-organization-scl": ("microsoft", _confidence),
    "x-forefront-antispam-report": ("microsoft", _confidence),
    "x-barracuda-spam-status": ("barracuda", _barracuda),
    "x-barracuda-spam-score": ("barracuda", _score),
    "x-proofpoint-spam-details": ("proofpoint", _proofpoint),
    "x-bogosity": ("bogofilter", _bogofilter),
    "x-mimecast-spam-score": ("mimecast", _score),
    "x-dspam-result": ("dspam", _flag),
}
