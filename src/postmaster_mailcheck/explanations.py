# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what a reply, a line of a log or a bounce, a code, a cause, or a rule means, from the engine's tables.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError, did_you_mean
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import (
    CAUSES,
    Cause,
    Failure,
    hint_of,
    may_pass_later,
    verdict_of,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.codes import (
    explain_code,
    explain_enhanced_code,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.explaining import (
    explanation_of,
    facts_of,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.wording import (
    cause_of,
    first_enhanced_code,
)
from postmaster_mailcheck.client_words import UNTOLD, cause_in

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import RuleKind

_CODES_ALONE = re.compile(r"\s*([2-5][0-9]{2})?(?:\s*[#(]*([245](?:\.[0-9]{1,3}){2})\)?)?\s*")
_LINE = re.compile(r"\s*([2-5][0-9]{2})(?:[ -](.*)|$)")
_NO_CODE = re.compile(r"\s*[016-9][0-9]{2}(?:[\s-]|$)")  # RFC 5321 4.2.1: no reply has it
# In a log or a bounce a reply follows other words: `said: 550 5.1.1 ...`, `smtp; 550 ...`, `RCPT TO:<x>: 550-...`.
_QUOTED = re.compile(
    r"(?:[:;>\"'(=]\s?|<<<\s|\b(?:said|response|reply|error|code)\s)"
    r"([2-5][0-9]{2})(?:[ -]|$|, b['\"])"  # as Python's smtplib shows it: (550, b'5.1.1 ...')
)
# What a log writes around a text: `relay=none`, `X=TLS1.3:TLS_AES_256_GCM_SHA384:256`, a port. None of it is the text;
# `reject=550 5.7.1 ...` and `spf=fail` are.
_FIELD = re.compile(
    r"(?<!\S)(?!(?:spf|dkim|dmarc)=)[\w-]+=(?![2-5][0-9]{2}(?:[\s-]|$))(?:<[^<>]*>|[^\s(]\S*)|(?<=\]):[0-9]{1,5}\b"
)
# qmail writes its log with `_` for a space, and `/` for a line end.
_QMAIL = re.compile(r"\bdelivery [0-9]+: (?:deferral|failure): |_said:_")
# Where the enhanced code is all there is, as in what Postfix writes of a filter: `...: 5.7.1 Spam message rejected`.
_CODED = re.compile(r":\s(?=[245](?:\.[0-9]{1,3}){2}\s\S)")
_STATUS = re.compile(r"(?<!\S)dsn=([245](?:\.[0-9]{1,3}){2})\b")
# A client that puts its message off, which the words of the cause alone do not say.
_PUT_OFF = re.compile(r"\bsta(?:tus|t)=deferred|\bdefer\b|delivery temporarily suspended", re.IGNORECASE)
_OF_THE_CLIENT = 403  # sendmail's own code, for what no server has said: 403 4.7.0 TLS handshake failed
# Exim and sendmail write of a host that did not answer, with no code that says so (RFC 3463 3.5: 4.4.1).
_NO_ANSWER = ("connection_lost", "connection_refused", "connection_timed_out", "host_unreachable")
# A server that could not ask whether a password is right (RFC 4954 6: 4.7.0).
_NOBODY_JUDGED = re.compile(r"\bauth\w* fail\w*\b.{0,200}(?:connection lost|temporar|tim(?:ed|e) ?out)", re.IGNORECASE)
# Who refuses so is a relay, or its filter, whatever it says of names, connections and certificates besides.
_BY_A_RELAY = re.compile(
    r"\breject(?:ed)?\b|\b(?:spf|dkim|dmarc|rbl|dnsbl)\b|\breverse\b|\b(?:black|block|deny)[ -]?list(?:ed)?\b(?!\.)"
    r"|\blisted\b",
    re.IGNORECASE,
)
# What Postfix, Exim, sendmail and qmail write about when it was said, and the stage.
_SAID_AT = (
    (r"end of data|message content|sending data block|END-OF-MESSAGE|after I sent the message", "message"),
    (r"RCPT TO|RCPT command|RCPT from|rejected RCPT|check_rcpt|does not like recipient", "rcpt"),
    (r"MAIL FROM|MAIL command|rejected MAIL|check_mail|sender was rejected", "mail"),
    (r"(?:in reply to|after|sending|reject:|>>>) DATA", "data"),
    (r"(?:in reply to|after|sending|rejected|reject:) (?:EHLO|HELO|LHLO)|my name was rejected", "ehlo"),
    (r"(?:in reply to|after|sending) STARTTLS|refused to start TLS|TLS not available", "starttls"),
    (r"(?:in reply to|after|sending) AUTH|SASL (?:\w+ )?auth|authenticator failed|\(auth failed", "auth"),
    (r"login attempts|basic auth", "auth"),
    (r"refused to talk to me|initial connection|reject: CONNECT|check_relay|greeting failed", "greeting"),
)
_SIGN_IN_FAILED = re.compile(r"\bauth\w* fail", re.IGNORECASE)  # as a log says it of a client, without the reply
# As Postfix and Exim write a server: mx.example.net[192.0.2.44]:25. What a connection comes from is a client.
_SERVER = re.compile(r"(?<![\w.-])(?<!from )([\w.-]{0,255})\[([0-9A-Fa-f.:]{2,45})\]:([0-9]{1,5})(?![\w.])")
_REMARK = re.compile(r"\(in reply to [\w ]{1,40}\)\)?")
# Where nothing tells the stage, the codes do: RFC 4954 6, RFC 3463 3.7; else most refusals are of recipients.
_STAGE_OF_CODE = {432: "auth", 525: "auth", 534: "auth", 535: "auth", 538: "auth", 354: "data"}
_STAGE_OF_DETAIL = (("1\\.[78]|7\\.27", "mail"), ("6\\..*|7\\.2[0-9]", "message"))

# What codes that say little most often stand for.
_OFTEN: Dict[str, Tuple[str, ...]] = {
    "421": ("service_closing", "rate_limited", "client_refused", "tls_required"),
    "450": ("greylisted", "recipient_deferred", "client_name_missing", "sender_rejected"),
    "451": ("greylisted", "system_error", "tls_required"),
    "452": ("system_full", "mailbox_full", "too_many_recipients"),
    "454": ("relay_denied", "auth_temporarily_failed", "tls_unavailable"),
    "550": ("mailbox_unknown", "relay_denied", "client_blocked", "sender_rejected", "policy_rejected"),
    "551": ("mailbox_unknown", "mailbox_moved"),
    "552": ("mailbox_full", "message_too_large"),
    "553": ("sender_rejected", "mailbox_unknown", "relay_denied"),
    "554": ("relay_denied", "client_blocked", "greeting_refused", "message_is_spam", "policy_rejected"),
    "x.7.0": ("policy_rejected", "authentication_required", "tls_required", "client_refused", "message_is_spam"),
    "x.7.1": ("relay_denied", "client_blocked", "client_refused", "sender_not_authorised", "policy_rejected"),
}


# What people call a rule or a cause that has another name.
_CALLED = {
    "open_relay": "relaying_refused",
    "open_relays": "relaying_refused",
    "greylist": "greylisted",
    "greylisting": "greylisted",
    "quota": "mailbox_full",
    "timeout": "timed_out",
}
# What no name holds, most replies do. All rules and profiles, whose names these may be, take their time to load.
_MAY_BE_A_NAME = re.compile(r"[\s_-]*[A-Za-z][A-Za-z0-9\s_-]*")
# Rules that are called as what goes wrong, too: most people ask for that.
_GOES_WRONG = {"dkim": "dkim_failed", "dmarc": "dmarc_failed", "spam": "message_is_spam", "spf": "spf_failed"}


class _Said(NamedTuple):
    """A reply as it was found in a text; codes are None where there is none."""

    code: Optional[int]
    enhanced_code: Optional[str]
    text: str


def explain(reply: str, stage: Optional[str] = None) -> Dict[str, Any]:
    """Say what a relay's reply means.

    `reply`: a whole reply of one or several lines, a line of a log or a bounce that holds one, bare codes
    (`554 5.7.1`), what a client writes of a connection or a certificate, or the name of a cause or a rule, in plain
    words, too (`open relay`). `stage`: where it was said
    (`greeting`, `ehlo`, `starttls`, `auth`, `mail`, `rcpt`, `data`, `message`); without it, the text and the codes
    tell.

    Returns `cause` (None for rules, bare codes, and a reply that is no refusal), `causes` (those that it can stand
    for; of a rule what goes wrong where it is called so, too), `stage`, `code`, `enhanced_code`, `text`, `verdict`,
    `facts`, `explanation` and `hint`; of a rule also `rule` and `asked`, the command that asks for it; of a cause, or
    what a client writes, also `stages`. Raises OptionError, also for a text that holds no reply code, no enhanced code,
    and no words that tell a cause.
    """
    if stage is not None and stage not in STAGES:
        raise OptionError("stage", "must be one of %s.%s" % (", ".join(STAGES), did_you_mean(stage, STAGES)))
    if not isinstance(reply, str) or not reply.strip():
        raise OptionError("reply", "must be the text of a reply, codes, or a cause.")
    name = named(reply)
    if name is not None:
        return explain_cause(name) if name in CAUSES else explain_rule(name)
    codes = _CODES_ALONE.fullmatch(reply)
    if codes:
        return _explain_codes(codes.group(1), codes.group(2))
    reply = _with_spaces(reply)
    said = _find(reply)
    heard = cause_in(reply) if said.code in (None, _OF_THE_CLIENT) and not _by_a_relay(reply) else None
    by_client = None if stage else heard
    if by_client:
        return _explain_client(by_client, reply, said)
    said = _with_code(said, reply, heard)
    stage = stage or _stage(reply, said)
    unknown = by_client == UNTOLD or (said.code is None and not _tells(said, stage))
    if unknown or (said.code is None and _NO_CODE.match(reply)):
        raise OptionError(
            "reply",
            "holds no reply code (200 to 599, before the words), and nothing else that tells a cause. Give the reply "
            "as the relay sent it, such as 550 5.1.1 User unknown; a line of a log or a bounce that holds one; codes, "
            "such as 554 5.7.1; or the name of a cause or a rule, such as relay_denied.",
        )
    return _explain_reply(said, stage, reply)


def named(text: str) -> Optional[str]:
    """Return the cause or the rule that a text is the name of, as it is written or in plain words; else None."""
    if not _MAY_BE_A_NAME.fullmatch(text):
        return None
    name = "_".join(re.findall(r"[^\s_-]+", text)).lower()
    name = _CALLED.get(name, name)
    return name if name in CAUSES or name in rules() else None


def rules() -> Dict[str, Tuple[str, RuleKind]]:
    """Return every rule that there is, with the commands that ask for it."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.rules import RULES
    from postmaster_mailcheck.commands.rules import tables

    known = {"audit": RULES, **tables()}
    return {name: (commands, kind) for commands, table in reversed(known.items()) for name, kind in table.items()}


def explain_rule(name: str) -> Dict[str, Any]:
    from postmaster_mailcheck.commands.rules import asked_by

    commands, kind = rules()[name]
    told = kind.text.replace("%s", "VALUE").rstrip(".")
    return {
        **_nothing(_Said(None, None, "")),
        "causes": [cause for cause in (_GOES_WRONG.get(name, name),) if cause in CAUSES],
        "rule": name,
        "explanation": "%s%s (severity %s)." % (told[0].upper(), told[1:], kind.severity),
        "asked": asked_by(commands, name, kind),
        "hint": kind.remedy,
    }


def profile_named(text: str) -> Optional[str]:
    """Return the profile of the collection that a text is the name of, in plain words, too; else None."""
    if not _MAY_BE_A_NAME.fullmatch(text):
        return None
    name = "-".join(re.findall(r"[^\s_-]+", text)).lower()
    return name if name in profiles() else None


def profiles() -> Sequence[str]:
    """Return the names of the collection's profiles."""
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import shipped_profiles

    return shipped_profiles()


def explain_profile(name: str) -> Dict[str, Any]:
    """Say what a profile of the collection is. Raises ImportError without PyYAML."""
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import AUDIT, DOMAIN, RELAY, applied

    (profile,) = applied([name])
    # How it is asked for, by what it is about.
    how = {RELAY: "FILE --profile ", AUDIT: "FILE --audit-profile ", DOMAIN: "--mail-domains FILE --domain-profile "}
    return {
        **_nothing(_Said(None, None, "")),
        "profile": name,
        "explanation": "%s: a profile of %ss. %s" % (profile["title"], profile["kind"], profile["description"]),
        "asked": "mailcheck assess " + how[profile["kind"]] + name,
    }


def explain_cause(name: str) -> Dict[str, Any]:
    cause: Cause = CAUSES[name]
    return {
        **_nothing(_Said(None, None, "")),
        "cause": name,
        "causes": [name],
        "stages": cause.stages.split(),
        "verdict": cause.verdict,
        "said_by": [codes for codes, often in _OFTEN.items() if name in often],
        "retried": may_pass_later(Failure(cause.stages, name)),
        "explanation": cause.explanation,
        "hint": hint_of(name, "HOST", "PORT"),
    }


def _explain_codes(code: Optional[str], enhanced_code: Optional[str]) -> Dict[str, Any]:
    said = _Said(int(code) if code else None, enhanced_code, "")
    explanation = explain_code(int(code), enhanced_code) if code else explain_enhanced_code(str(enhanced_code))
    return {**_nothing(said), "causes": _possible(said), "explanation": explanation}


def _possible(said: _Said) -> List[str]:
    """The causes that codes without words can stand for: what the enhanced code says, or what is usual."""
    number = _number(said)
    if number < 400:
        return []
    alone = cause_of("rcpt", number, said.enhanced_code, "")
    if said.enhanced_code and not alone.startswith("recipient_"):
        return [alone]
    often = _OFTEN.get("x" + said.enhanced_code[1:] if said.enhanced_code else "") or _OFTEN.get(str(said.code))
    if often:
        return list(often)
    stages = ("greeting", "ehlo", "auth", "mail", "rcpt", "message")
    return list(dict.fromkeys(cause_of(stage, number, said.enhanced_code, "") for stage in stages))


def _explain_reply(said: _Said, stage: str, text: str) -> Dict[str, Any]:
    number = _number(said)
    if number < 400:
        meaning = explain_code(number, said.enhanced_code)
        return {**_nothing(said), "stage": stage, "explanation": "This is no refusal. %s." % meaning}
    cause = cause_of(stage, number, said.enhanced_code, said.text)
    failure = Failure(stage, cause, said.code, said.enhanced_code, said.text)
    return {
        **_nothing(said),
        "cause": cause,
        "causes": [cause],
        "stage": stage,
        "verdict": verdict_of(failure._replace(code=number)),
        "facts": facts_of(failure),
        "explanation": explanation_of(failure),
        "hint": hint_of(cause, *_server_in(text)),
    }


def _by_a_relay(text: str) -> bool:
    """Whether these are no client's words, whatever a client might say so, too."""
    return bool(_NO_CODE.match(text) or _NOBODY_JUDGED.search(text) or _BY_A_RELAY.search(text))


def _explain_client(cause: str, text: str, said: _Said) -> Dict[str, Any]:
    stages = CAUSES[cause].stages.split()
    put_off = _number(said) < 500 or _PUT_OFF.search(text)
    return {
        **_nothing(said),
        "cause": cause,
        "causes": [cause],
        "stage": _stage_said(text) if len(stages) > 1 or stages == ["any"] else stages[0],
        "stages": stages,
        "verdict": verdict_of(Failure("", cause, 450)) if put_off else CAUSES[cause].verdict,
        "explanation": CAUSES[cause].explanation,
        "hint": hint_of(cause, *_server_in(text)),
    }


def _server_in(text: str) -> Tuple[str, str]:
    """Return host and port of the server that a line of a log names, or what stands for them."""
    found = _SERVER.search(text)
    return (found.group(1) or found.group(2), found.group(3)) if found else ("HOST", "PORT")


def _nothing(said: _Said) -> Dict[str, Any]:
    named: Dict[str, Any] = {"cause": None, "causes": [], "stage": None, "verdict": None, "facts": {}, "hint": ""}
    return {**said._asdict(), **named}


def _tells(said: _Said, stage: str) -> bool:
    """Whether a reply without a code tells something: an enhanced code, or words that say more than none do."""
    signs_in = stage == "auth" and _SIGN_IN_FAILED.search(said.text) is not None
    return said.enhanced_code is not None or signs_in or _told_by_words(said, stage)


def tells(word: str) -> bool:
    """Whether a word that is no name tells a cause all the same, as `blacklisted` does."""
    said = _find(word)
    return bool(cause_in(word)) or (word.isalpha() and _tells(said, _stage(word, said)))


def _told_by_words(said: _Said, stage: str) -> bool:
    number = _number(said)
    return cause_of(stage, number, None, said.text) != cause_of(stage, number, None, "")


def _number(said: _Said) -> int:
    """The reply code, or one of the class that the enhanced code has; words alone are a refusal for good."""
    return said.code or int((said.enhanced_code or "5")[0]) * 100 + 50


# Finding the reply in what was pasted


def _with_spaces(text: str) -> str:
    return text.replace("_", " ").rstrip("/ \n") if _QMAIL.search(text) else text


def _find(text: str) -> _Said:
    lines = [_LINE.match(line) for line in text.strip().splitlines()]
    quoted = None if lines[0] else _QUOTED.search(_FIELD.sub(lambda field: " " * len(field.group()), text))
    if quoted:
        code, rest = quoted.group(1), _REMARK.sub("", text[quoted.end() :])
        return _said(int(code), re.sub(r"(?<=\s)%s[ -](?=\S)" % code, "", rest).strip())
    found = [(line.group(1), line.group(2) or "") for line in lines if line]
    if found:
        return _said(int(found[-1][0]), "\n".join(words for _code, words in found))
    said, status = _said(None, _CODED.split(_FIELD.sub("", text), maxsplit=1)[-1].strip()), _STATUS.search(text)
    return said._replace(enhanced_code=said.enhanced_code or (status.group(1) if status else None))


def _with_code(said: _Said, text: str, heard: Optional[str]) -> _Said:
    """Add the code that words stand for which have none. `heard`: the cause that they would tell as a client's."""
    if said.code is not None or said.enhanced_code is not None:
        return said
    by_words = "4.7.0" if _NOBODY_JUDGED.search(text) else "4.4.1" if heard in _NO_ANSWER else None
    return said._replace(enhanced_code=by_words)


def _said(code: Optional[int], text: str) -> _Said:
    enhanced_code = first_enhanced_code(text)
    return _Said(code, enhanced_code, "\n".join(printable(line) for line in text.splitlines()))


def _stage_said(text: str) -> Optional[str]:
    return next((stage for words, stage in _SAID_AT if re.search(words, text, re.IGNORECASE)), None)


def _stage(text: str, said: _Said) -> str:
    by_words = _stage_said(text)
    if by_words:
        return by_words
    detail = (said.enhanced_code or "")[2:]
    by_detail = (stage for details, stage in _STAGE_OF_DETAIL if re.fullmatch(details, detail))
    told = _STAGE_OF_CODE.get(said.code or 0) or next(by_detail, None)
    return told or next((stage for stage in ("rcpt", "message") if _told_by_words(said, stage)), "rcpt")
