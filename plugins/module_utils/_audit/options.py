# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The options of an audit, in the form of an Ansible argument spec, and what they come to.
#
# Whatever goes beyond looking needs the caller's word that the relay is theirs to probe. Else it is refused
# here, before any socket opens.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError, did_you_mean
from .._mailbox.request import OPTIONS as MAILBOX_OPTIONS
from .._mailbox.request import request_of
from .._net.options import clean, seconds, with_defaults
from .._smtp.endpoint import SUBMISSIONS, about_port, endpoint_of
from .._smtp.options import OPTIONS, RELAY_CONNECTION
from .model import INTENSITIES, Cost
from .register import PROBES

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

    from .._mailbox.request import Request
    from .._smtp.endpoint import Endpoint
    from .model import Probe

# How the relay is spoken to: as a check does, but that a certificate is judged and stops nothing.
_CONNECTING = ("port", *RELAY_CONNECTION, "tls_server_name", "timeout")

# How a mailbox is reached, and as whom.
_MAILBOX = {
    "type": "dict",
    "options": {
        name: MAILBOX_OPTIONS[name]
        for name in (
            "host", "protocol", "path", "port", "tls", "ca_path", "validate_certs", "username", "password",
            "access_token", "folders",
        )
    },
}  # fmt: skip
_MAILBOXES = ("mailbox", "outside_mailbox")
_ADDRESSES = ("known_recipient", "outside_recipient", "mailbox_recipient", "sender")

# What one relay may have of its own.
RELAY_OPTIONS: Dict[str, Dict[str, Any]] = {
    **{name: OPTIONS[name] for name in _CONNECTING},
    "tls": {"type": "str", "choices": ["opportunistic", "implicit", "none"]},
    "intensity": {"type": "str", "choices": list(INTENSITIES), "default": "safe"},
    "probes": {"type": "list", "elements": "str"},
    "known_recipient": {"type": "str"},
    "outside_recipient": {"type": "str"},
    "mailbox_recipient": {"type": "str"},
    "sender": {"type": "str"},
    "pause": {"type": "float", "default": 0.0},
}
AUDIT_OPTIONS: Dict[str, Dict[str, Any]] = {
    **RELAY_OPTIONS,
    "authorised": {"type": "list", "elements": "str", "default": []},
    "mailbox": _MAILBOX,
    "outside_mailbox": _MAILBOX,
    "arrival_timeout": {"type": "float", "default": 60.0},
    "deadline": {"type": "float"},
}
# What an audit of several relays takes besides.
FLEET_OPTIONS: Dict[str, Dict[str, Any]] = {
    "hosts": {"type": "list", "elements": "str", "default": []},
    "endpoints": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "name": {"type": "str"},
            "labels": {"type": "dict"},
            **{name: {key: row[key] for key in row if key != "default"} for name, row in RELAY_OPTIONS.items()},
        },
    },
    "concurrency": {"type": "int", "default": 200},
    "details": {"type": "str", "choices": ["failures", "all", "none"], "default": "failures"},
}


class Wanted(NamedTuple):
    """One audit, every option validated."""

    endpoint: Endpoint
    intensity: str
    known_recipient: str
    outside_recipient: str
    mailbox_recipient: str
    sender: str
    pause: float  # seconds between connections
    probes: Tuple[Probe, ...]
    left_out: Tuple[Tuple[str, List[str]], ...]  # a probe that the intensity allows, and the options that it lacks
    beyond: Tuple[str, ...]  # the probes that take a higher intensity, where the caller has not chosen among them
    mailbox: Optional[Request]  # where mail for mailbox_recipient arrives
    outside_mailbox: Optional[Request]  # where mail for outside_recipient does
    arrival_timeout: float  # seconds
    warnings: Tuple[str, ...] = ()


def wanted_audit(host: str, options: Mapping[str, Any]) -> Wanted:
    """Return what is to be done, of all of AUDIT_OPTIONS. Raises OptionError."""
    connecting = {name: options[name] for name in (*_CONNECTING, "tls")}
    if options["tls"] is None and options["port"] != SUBMISSIONS:
        connecting["tls"] = "opportunistic"
    endpoint = endpoint_of(host, {**with_defaults({}, OPTIONS), **connecting})
    if endpoint.tls_policy is not None:
        endpoint = endpoint._replace(tls_policy=endpoint.tls_policy._replace(verify=False), validate_certs=False)
    authorised = _is_authorised(endpoint, options)
    addresses = {name: address_of(name, options[name]) for name in _ADDRESSES}
    known, outside = addresses["known_recipient"], addresses["outside_recipient"]
    if outside and _domain(outside) == _domain(known):
        raise OptionError("outside_recipient", "must not be of the domain of known_recipient, the relay's own.")
    mailboxes = {name: _mailbox(name, options[name]) for name in _MAILBOXES}
    own, elsewhere = (mailboxes[name] for name in _MAILBOXES)
    if own is not None and elsewhere is not None and own.place == elsewhere.place:
        raise OptionError("outside_mailbox", "must be another than mailbox, or none can tell where mail has gone.")
    probes, left_out = _chosen(options, {**addresses, **mailboxes, "authorised": authorised})
    if not authorised and options["intensity"] != INTENSITIES[0]:
        text = (
            "does not name %s. With intensity %s a relay is asked what it has to refuse, and its log shows that as an "
            "attack. If the relay is yours, or its owner has agreed, name it here; if not, leave it at intensity safe."
        )
        raise OptionError("authorised", text % (endpoint.host, options["intensity"]))
    return Wanted(
        endpoint,
        options["intensity"],
        known,
        outside,
        addresses["mailbox_recipient"],
        addresses["sender"] or known,
        seconds("pause", options["pause"], 0),
        probes,
        left_out,
        () if options["probes"] is not None else _beyond(options["intensity"]),
        own,
        elsewhere,
        seconds("arrival_timeout", options["arrival_timeout"]),
        tuple(about_port(connecting, endpoint)),
    )


def deadline_of(options: Mapping[str, Any], began: float) -> Optional[float]:
    """Return when all has to end, of the clock of `began`. Raises OptionError."""
    given = options["deadline"]
    return None if given is None else began + seconds("deadline", given)


def _is_authorised(endpoint: Endpoint, options: Mapping[str, Any]) -> bool:
    """Whether the relay stands in the list of those that the caller may probe: as host, or host:port."""
    names = {name.strip().lower().rstrip(".") for name in options["authorised"]}
    host = endpoint.host.lower().rstrip(".")
    with_port = "%s:%d" % ("[%s]" % host if ":" in host else host, endpoint.port)
    return not names.isdisjoint((host, with_port))


def _mailbox(option: str, given: Optional[Mapping[str, Any]]) -> Optional[Request]:
    """Return where a mailbox is, with no more than its options: what is looked for there is known later."""
    if given is None:
        return None
    try:
        return request_of({name: value for name, value in given.items() if value is not None})
    except OptionError as error:
        raise OptionError("%s.%s" % (option, error.option), str(error).partition(": ")[2]) from None


def address_of(option: str, given: Any) -> str:
    """Return a plain address, nothing for nothing. Raises OptionError."""
    if not given:
        return ""
    address: str = clean(option, given)
    local_part, _at, domain = address.rpartition("@")
    if not local_part or not domain or set(address) & set('<> "') or not address.isascii():
        raise OptionError(option, "is no plain address: give one as in user@example.com.")
    return address


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _chosen(
    options: Mapping[str, Any], given: Mapping[str, Any]
) -> Tuple[Tuple[Probe, ...], Tuple[Tuple[str, List[str]], ...]]:
    """Return the probes to make, in their order, and those left out because they lack options."""
    for index, name in enumerate(options["probes"] or ()):
        option = "probes[%d]" % index
        if name not in PROBES:
            raise OptionError(option, "there is no such probe.%s" % did_you_mean(name, PROBES))
        takes = takes_besides(PROBES[name], options["intensity"], given)
        if takes and takes != ["authorised"]:  # which alone is told with its reasons
            raise OptionError(option, "names the probe %s, which needs %s." % (name, the_options(takes)))
    names = PROBES if options["probes"] is None else options["probes"]
    probes = [probe for name, probe in PROBES.items() if name in names and _allowed(probe, options["intensity"])]
    left_out = [(probe.name, _lacks(probe, given)) for probe in probes if _lacks(probe, given)]
    made = (_with_proof(probe, options, given) for probe in probes if not _lacks(probe, given))
    return tuple(made), tuple(left_out)


def _beyond(intensity: str) -> Tuple[str, ...]:
    return tuple(name for name, probe in PROBES.items() if not _allowed(probe, intensity))


def _with_proof(probe: Probe, options: Mapping[str, Any], given: Mapping[str, Any]) -> Probe:
    """Return the probe with its proof and what that costs, or without it: messages are sent where they can be found."""
    proof = probe.proof
    if proof is None or options["intensity"] != INTENSITIES[-1] or not all(given[name] for name in proof.needs):
        return probe._replace(proof=None)
    return probe._replace(cost=Cost(*map(sum, zip(probe.cost, proof.cost))))


def _allowed(probe: Probe, intensity: str) -> bool:
    return INTENSITIES.index(probe.intensity) <= INTENSITIES.index(intensity)


def _lacks(probe: Probe, given: Mapping[str, Any]) -> List[str]:
    """Return the options that the probe cannot do without and the caller has not given."""
    return [name for name in probe.needs if not given[name]]


def takes_besides(probe: Probe, intensity: str, given: Mapping[str, Any]) -> List[str]:
    """Return all that a probe takes besides what is given, as a task has it: first a higher intensity, if it has to be.

    Beyond safe that goes with the caller's word.
    """
    higher = [] if _allowed(probe, intensity) else ["intensity: %s" % probe.intensity]
    beyond = higher or intensity != INTENSITIES[0]
    return [*higher, *(["authorised"] if beyond and not given["authorised"] else []), *_lacks(probe, given)]


def the_options(names: Sequence[str]) -> str:
    """Return options as a sentence names them, which the command can tell in its own words: see in_flags() there."""
    return "the option%s %s" % ("s" if len(names) > 1 else "", ", ".join(names))
