# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# dnspython's names, records and errors → the plain values of model.py, whether they come from a server or a zone file.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..text import cut, decode, printable
from .model import Caa, Mx, Tlsa, not_determined

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Sequence

    from .model import Answer, Question


def name_text(name: Any) -> str:
    """Return a name without the last dot, what is no host's letter as RFC 1035 5.1 escapes it; "" is the root."""
    text = str(name.to_text(True))
    return "" if text == "." else text


# Kind → what there is of a record.
_READERS: Dict[str, Callable[[Any], Any]] = {
    "A": lambda rdata: str(rdata.address),
    "AAAA": lambda rdata: str(rdata.address),
    "CAA": lambda rdata: Caa(rdata.flags, decode(rdata.tag), cut(decode(rdata.value))),
    "CNAME": lambda rdata: name_text(rdata.target),
    "MX": lambda rdata: Mx(rdata.preference, name_text(rdata.exchange)),
    "NS": lambda rdata: name_text(rdata.target),
    "PTR": lambda rdata: name_text(rdata.target),
    "SOA": lambda rdata: name_text(rdata.mname),
    "TLSA": lambda rdata: Tlsa(rdata.usage, rdata.selector, rdata.mtype, bytes(rdata.cert)),
    "TXT": lambda rdata: tuple(rdata.strings),
}


def record_of(kind: str, rdata: Any) -> Any:
    """Return a record of this kind as an Answer has it."""
    return _READERS[kind](rdata)


def circle(question: Question, aliases: Sequence[str]) -> Answer:
    """Return the answer of a name whose aliases lead nowhere."""
    text = "its CNAME records lead in a circle, or are too many: %s" % ", ".join(aliases[:5])
    return not_determined(question, printable(cut(text)))


def in_words(error: BaseException) -> str:
    """Return what dnspython, or Python, says of a fault in what a peer or a file has."""
    return printable(cut(str(error) or type(error).__name__))
