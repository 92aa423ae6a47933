# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The options that conversations of any kind share, and how any table of options is checked: names, types, choices,
# ranges. Tables have the form of an Ansible argument spec.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError, did_you_mean
from .names import is_literal, to_a_labels
from .text import Secrets, holds_control
from .tls.model import OFFERED_VERSIONS, TlsPolicy

if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

CONNECTION_OPTIONS: Dict[str, Dict[str, Any]] = {
    "address_family": {"type": "str", "choices": ["any", "ipv4", "ipv6"], "default": "any"},
    "source_address": {"type": "str"},
    "ca_path": {"type": "path"},
    "connect_timeout": {"type": "float", "default": 10.0},
}
TLS_OPTIONS: Dict[str, Dict[str, Any]] = {
    "validate_certs": {"type": "bool", "default": True},
    "tls_server_name": {"type": "str"},
    "tls_min_version": {"type": "str", "choices": list(OFFERED_VERSIONS), "default": "TLSv1.2"},
    "tls_max_version": {"type": "str", "choices": list(OFFERED_VERSIONS)},
    "tls_ciphers": {"type": "str"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "client_key_password": {"type": "str", "no_log": True},
}
SIGN_IN_OPTIONS: Dict[str, Dict[str, Any]] = {
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "access_token": {"type": "str", "no_log": True},
    "auth_mechanisms": {"type": "list", "elements": "str"},
    "allow_plaintext_auth": {"type": "bool", "default": False},
}
_HOST_NAME = re.compile(r"(?!-)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_TYPES: Dict[str, Tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
    "raw": (object,),
}


def with_defaults(given: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]], prefix: str = "") -> Dict[str, Any]:
    """Return every option of `table`, from `given` or by default, its type and choices checked."""
    options = {name: row.get("default") for name, row in table.items()}
    for given_name, value in given.items():
        name = given_name if given_name in table else _name_of_alias(given_name, table)
        if name is None:
            raise OptionError(
                prefix + str(given_name), "there is no such option.%s" % did_you_mean(str(given_name), table)
            )
        if value is not None:
            options[name] = _given(prefix + name, value, table[name])
    return options


def _name_of_alias(alias: str, table: Mapping[str, Mapping[str, Any]]) -> Optional[str]:
    return next((name for name, row in table.items() if alias in row.get("aliases", ())), None)


def _given(option: str, value: Any, row: Mapping[str, Any]) -> Any:
    kinds: Any = _TYPES[row["type"]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise OptionError(option, "must be of type %s, not %s." % (row["type"], type(value).__name__))
    if "choices" in row and "elements" not in row and value not in row["choices"]:
        choices = list(map(str, row["choices"]))
        raise OptionError(option, "must be one of %s.%s" % (", ".join(choices), did_you_mean(str(value), choices)))
    if "elements" in row:
        element = dict(row, type=row["elements"])
        del element["elements"]
        return [_given("%s[%d]" % (option, index), item, element) for index, item in enumerate(value)]
    if row.get("options"):
        return with_defaults(value, row["options"], option + ".")
    return value


def in_range(option: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise OptionError(option, "is out of range: give a number from %d to %d." % (low, high))
    return value


def seconds(option: str, value: float, low: float = 0.001) -> float:
    if not low <= value <= 86400:  # nan is not, either
        least = "more than 0" if low else "0 or more"
        raise OptionError(option, "will not do: give seconds, %s and at most 86400." % least)
    return float(value)


def clean(option: str, value: str) -> str:
    """Nothing that a caller gives may carry CR, LF, NUL or another control character to the wire."""
    if holds_control(value):
        raise OptionError(option, "holds CR, LF, NUL or another control character. Remove it.")
    return value


def source_address_of(options: Mapping[str, Any]) -> Optional[str]:
    """Return the address to connect from. Raises OptionError."""
    address: Optional[str] = options["source_address"]
    if address is not None and not is_literal(address):
        raise OptionError("source_address", "is no IP address.")
    return address


def host_name(host: Any) -> str:
    """Return a host name in A-labels, or an address without brackets. Raises OptionError."""
    if not isinstance(host, str) or not host.strip():
        raise OptionError("host", "is empty. Give a host name or an IP address.")
    text = clean("host", host)
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if text.lower().startswith("ipv6:"):
        text = text[5:]
    if is_literal(text):
        return text
    if ":" in text:
        raise OptionError("host", "is no host name. Give the port by the option port.")
    name = to_ascii("host", text)
    if not is_host_name(name):
        raise OptionError("host", "is no host name. Give a name as the DNS has it, or an IP address.")
    return name


def is_host_name(text: str) -> bool:
    """Whether the DNS may hold an address of this name (RFC 1123 2.1, with underscores)."""
    return len(text) <= 254 and _HOST_NAME.fullmatch(text) is not None


def to_ascii(option: str, name: str) -> str:
    """Return the A-labels of an internationalised name (RFC 5890)."""
    if name.isascii():
        return name
    try:
        return to_a_labels(name)
    except UnicodeError:
        text = "is no internationalised domain name, or could be written as two: give its A-labels (xn--…)."
        raise OptionError(option, text) from None


def server_name(given: Optional[str], host: str, tls: str) -> str:
    """The name a certificate is held against: without the dot that ends an absolute name. A Unix socket has none."""
    if given is None and host.startswith("/"):
        if tls != "none":
            raise OptionError("tls_server_name", "is needed: a Unix socket has no name to verify.")
        return ""
    name = host if given is None else to_ascii("tls_server_name", clean("tls_server_name", given))
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    name = name.rstrip(".").partition("%")[0]
    if given is not None and not ((_HOST_NAME.fullmatch(name) and len(name) < 254) or is_literal(name)):
        raise OptionError("tls_server_name", "is no host name.")
    return name


def tls_policy_of(options: Mapping[str, Any], tls: str) -> Optional[TlsPolicy]:
    """Return the policy that TLS_OPTIONS describe; None without TLS. Raises OptionError."""
    low, high = options["tls_min_version"], options["tls_max_version"]
    if high is not None and OFFERED_VERSIONS.index(high) < OFFERED_VERSIONS.index(low):
        raise OptionError("tls_max_version", "%s is lower than tls_min_version (%s)." % (high, low))
    if options["client_key"] and not options["client_cert"]:
        raise OptionError("client_key", "is of no use alone. Give client_cert too.")
    if tls == "none":
        return None
    # `opportunistic` only reports on a certificate, unless credentials are to follow.
    verify = options["validate_certs"] and (tls != "opportunistic" or signs_in(options))
    return TlsPolicy(
        ca_path=options["ca_path"],
        minimum=low,
        maximum=high,
        ciphers=options["tls_ciphers"],
        client_cert=options["client_cert"],
        client_key=options["client_key"],
        client_key_password=options["client_key_password"],
        verify=verify,
    )


def signs_in(options: Mapping[str, Any]) -> bool:
    """Whether credentials are to follow: they must not travel to somebody unknown."""
    return options["username"] is not None or bool(options["auth_mechanisms"])


class Credentials(NamedTuple):
    """What a caller can sign in with. Its repr shows no secret."""

    username: str = ""
    password: Optional[str] = None
    access_token: Optional[str] = None
    withheld: bool = False  # there were some, and they are not for this relay

    def __repr__(self) -> str:
        return "Credentials(username=%r, <redacted>)" % self.username


def credentials_of(options: Mapping[str, Any], tls: str) -> Optional[Credentials]:
    """Return what SIGN_IN_OPTIONS give to sign in with, if anything. Raises OptionError."""
    username, password, token = (options[name] for name in ("username", "password", "access_token"))
    if (password is not None or token is not None) and username is None:
        raise OptionError("username", "is needed where there is access_token, or a password.")
    if not signs_in(options):
        return None
    from .sasl.exchange import Exchange
    from .sasl.mechanisms import MECHANISMS

    bare = _without_secret(options["auth_mechanisms"] or (), MECHANISMS)
    if password is not None and token is not None:
        raise OptionError("access_token", "and password exclude each other. Give one of them.")
    if username is not None and password is None and token is None and not bare:
        raise OptionError("password", "is needed where there is a username; or give access_token.")
    if username is None and not bare:
        raise OptionError("auth_mechanisms", "need a username, with access_token or a password.")
    if tls == "none" and not options["allow_plaintext_auth"]:
        text = "none would send the credentials in clear. Use starttls or implicit; or set allow_plaintext_auth."
        raise OptionError("tls", text)
    Exchange(username, password, token)  # refuses what no mechanism could carry
    return Credentials(username or "", password, token)


def _without_secret(names: Sequence[str], known: Mapping[str, Any]) -> bool:
    """Return whether one of the mechanisms named needs neither password nor token."""
    for index, name in enumerate(names):
        if name.upper() not in known:
            text = "is not known. Known: %s.%s" % (", ".join(known), did_you_mean(name.upper(), known))
            raise OptionError("auth_mechanisms[%d]" % index, text)
    return any(known[name.upper()].needs in ("certificate", "nothing") for name in names)


def secrets_of(credentials: Optional[Credentials]) -> Secrets:
    """Return what no server is quoted with, from the first octet of the first connection: it may know us already."""
    given = (credentials.password, credentials.access_token) if credentials is not None else ()
    secrets = list(filter(None, given))
    if not secrets:
        return Secrets()
    from base64 import b64encode  # most checks do not sign in

    from .sasl.exchange import disguises

    username = credentials.username if credentials is not None else ""
    said = ["\0%s\0%s" % (username, secret) for secret in secrets]  # PLAIN (RFC 4616 2)
    encoded = [b64encode(text.encode("utf-8")).decode("ascii") for text in (*secrets, *said)]
    return Secrets([*(form for secret in secrets for form in disguises(secret)), *encoded])
