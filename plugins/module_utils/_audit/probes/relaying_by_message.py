# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Does it relay, with certainty? Each envelope that was taken at RCPT gets a message, to an address elsewhere that is
# the caller's: it arrives there, or a bounce tells that it does not, or it is found in a mailbox of the relay's own. A
# message to the caller's address at the relay is the control, which has to arrive.

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..._net.text import counted
from ..._smtp import commands
from ..._smtp.probes import own_networks
from ..._smtp.replies import is_success
from ..dialogue import ask, framed, open_question
from ..messages import END, hand_over, message
from ..model import Cost, Proof, finding, passed, unknown
from .envelopes import SESSIONS, suspects

if TYPE_CHECKING:
    from typing import Any, Generator, List, Sequence, Tuple

    from ..._mailbox.finding import Report
    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.probes import Trial
    from ..model import Arrivals, Audited, Judgement
    from .envelopes import Form

    Marked = Tuple[str, Form]  # its token

_CONTROL = 48  # number of its token; those of the envelopes follow
_MOST = 16  # envelopes: two that are plain, fourteen that are not
_TEXT = b"Was this relayed? It came by RCPT TO:<%s>.\r\n"


def _marked(audited: Audited, outcomes: Sequence[Outcome]) -> List[Marked]:
    """Return the envelopes to be proven, each with its token.

    Those in the name of the relay's own postmaster are left out: what comes back would go to him, and whoever takes
    them takes those in the name of the known recipient. Without a sender nothing comes back: so they are sent only
    where there are no others.
    """
    ours = (audited.outside_recipient, audited.known_recipient, audited.sender)
    suspected = suspects(audited, outcomes, held=False)  # messages settle what controls left open
    taken = [form for form in suspected if form.sender in ours]
    if not any(form.plain for form in taken):
        taken += [form for form in suspected if not form.sender]
    return [(audited.token(_CONTROL + number), form) for number, form in enumerate(taken[:_MOST], 1)]


def _trials(audited: Audited, outcomes: Sequence[Outcome]) -> List[Trial]:
    marked = _marked(audited, outcomes)
    dealt = [marked[first::SESSIONS] for first in range(SESSIONS)]
    return [framed(audited.endpoint, partial(_talk, audited, index == 0, group))
            for index, group in enumerate(filter(None, dealt))]  # fmt: skip


def _talk(audited: Audited, with_control: bool, group: Sequence[Marked], state: State) -> Generator[Any, Any, None]:
    if with_control:
        token, recipient = audited.token(_CONTROL), audited.mailbox_recipient
        content = message(audited.sender, recipient, token, audited.date, b"The control.")
        yield from hand_over(state, audited.sender, recipient, content + END)
    for token, form in group:
        body = _TEXT % form.recipient.encode("ascii")
        content = message(audited.sender, audited.outside_recipient, token, audited.date, body)
        reply = yield from hand_over(state, form.sender, form.recipient, content + END)
        if not is_success("message", reply.code):
            yield from ask(state, commands.rset())


def _tokens(audited: Audited) -> List[str]:
    return [audited.token(_CONTROL + number) for number in range(_MOST + 1)]


def _handed_over(token: str, proving: Sequence[Outcome]) -> bool:
    """Whether the message with this token was taken."""
    said = (reply for outcome in proving for reply in outcome.facts.extra_replies if token in reply.command)
    return any(is_success("message", reply.code) for reply in said)


def _left(audited: Audited, outcomes: Sequence[Outcome], proving: Sequence[Outcome], arrivals: Arrivals) -> List[Form]:
    """Return the envelopes of messages that were taken, and neither arrived nor came back."""
    settled = {**arrivals.own, **arrivals.outside, **arrivals.bounced}
    return [
        form
        for token, form in _marked(audited, outcomes)
        if token not in settled and _handed_over(token, proving)
    ]  # fmt: skip


def _waits(audited: Audited, outcomes: Sequence[Outcome], proving: Sequence[Outcome], arrivals: Arrivals) -> bool:
    if any(token in arrivals.outside for token, _form in _marked(audited, outcomes)):
        return False  # nothing more is needed
    control = audited.token(_CONTROL)
    control_comes = control not in arrivals.own and _handed_over(control, proving)
    return control_comes or bool(_left(audited, outcomes, proving, arrivals))


def _judge(audited: Audited, outcomes: Sequence[Outcome], proving: Sequence[Outcome], arrivals: Arrivals) -> Judgement:
    marked, left = _marked(audited, outcomes), _left(audited, outcomes, proving, arrivals)
    relayed = [form for token, form in marked if token in arrivals.outside]
    if relayed:
        text = "a message with MAIL FROM:<%s>, RCPT TO:<%s> arrived elsewhere" % relayed[0][:2]
        if len(relayed) > 1:
            text += ", and %d more by another envelope each" % (len(relayed) - 1)
        return finding(text + own_networks(outcomes[0].local_address), "message")
    if audited.token(_CONTROL) not in arrivals.own:
        return unknown("the control did not arrive within %.0f s" % arrivals.seconds)
    if left:
        text = "%s neither arrived nor came back within %.0f s, though taken, while the control arrived"
        return unknown(text % (counted(len(left), "message"), arrivals.seconds))
    refused = [form for token, form in marked if not _handed_over(token, proving)]
    if any(outcome.facts.failure for outcome in proving) or not marked:
        return unknown("not all that was taken at RCPT could be sent")
    why = _left_open(marked, proving, arrivals)
    if why:
        return unknown(why)
    local = sum(token in arrivals.own for token, _form in marked)
    text = "nothing was relayed of %s taken at RCPT: %d refused later, %d came back, %d stayed here"
    taken = counted(len(marked), "envelope")
    return passed(text % (taken, len(refused), len(marked) - len(refused) - local, local))


def _left_open(marked: Sequence[Marked], proving: Sequence[Outcome], arrivals: Arrivals) -> str:
    """Return why refusals and bounces do not show that it does not relay, or nothing."""
    refusals = [reply for outcome in proving for reply in outcome.facts.extra_replies if reply.code >= 400]
    hosts = [_next_host(arrivals.bounced[token]) for token, _form in marked if token in arrivals.bounced]
    handed_on = ["a message came back that was handed on to %s and refused there" % host for host in hosts if host]
    return next(filter(None, [*map(open_question, refusals), *handed_on]), "")


def _next_host(bounce: Report) -> str:
    """Return the host beyond the relay that refused a message, as its bounce has it (RFC 3464 2.3.5), or nothing.

    A delivery agent of the relay's own is none: it is reached on the loopback, or has the relay's name.
    """
    host = (bounce.remote_mta or "").strip("[]").lower()
    try:
        near = ip_address(host).is_loopback
    except ValueError:
        near = host in ("localhost", (bounce.reporting_mta or "").lower())
    return "" if near else host


PROOF = Proof(
    ("mailbox_recipient", "mailbox", "outside_recipient", "outside_mailbox"),
    Cost(connections=SESSIONS, errors=_MOST + 1, messages=_MOST + 1),
    _trials,
    _tokens,
    _waits,
    _judge,
)
