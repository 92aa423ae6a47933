# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Signing in to a mailbox, whatever its protocol: the channel, the mechanism, the dialogue.

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from .._net.attempts import Broken
from .._net.sasl import choice
from .._net.sasl.exchange import CredentialError, SaslError, disguises, proof_in
from .._net.sasl.mechanisms import MECHANISMS
from .._verdicts.wording import cause_of

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence

    from .._net.sasl.exchange import Dialogue
    from .._net.tls.model import TlsFacts
    from .request import Request

# The codes of RFC 5530 (IMAP) and of RFC 2449 and 3206 (POP3) that say more than "no".
_SIGN_IN_CODES: Dict[str, str] = {
    "UNAVAILABLE": "auth_temporarily_failed",
    "SYS/TEMP": "auth_temporarily_failed",
    "IN-USE": "mailbox_unavailable",
    "INUSE": "mailbox_unavailable",
    "LOGIN-DELAY": "auth_limited",
    "LIMIT": "auth_limited",
    "PRIVACYREQUIRED": "tls_required",
    "EXPIRED": "auth_rejected",
    "AUTHENTICATIONFAILED": "auth_rejected",
    "AUTHORIZATIONFAILED": "auth_rejected",
}


def check_channel(request: Request, tls: Optional[TlsFacts]) -> None:
    """Raises Broken where credentials are not to be shown."""
    why = choice.withheld(tls, request.allow_plaintext_auth, request.validate_certs, "server")
    if why:
        raise Broken("credentials_withheld", why, "auth")


def mechanism_for(request: Request, offered: Sequence[str], tls: Optional[TlsFacts]) -> Optional[str]:
    """Return the SASL mechanism to use; None where none of those offered will do."""
    credentials: Any = request.credentials  # there are some: request_of() refuses a server without
    wanted = request.auth_mechanisms
    can_bind = choice.channel_binding(wanted, tls) is not None
    return choice.mechanism_for(credentials, offered, wanted, request.tls_policy, can_bind)


def answers(
    request: Request, mechanism: str, offered: Sequence[str], tls: Optional[TlsFacts]
) -> Callable[[Optional[bytes]], bytes]:
    """Return what answers each challenge; called with None once the server is content. Raises Broken, SaslError."""
    credentials: Any = request.credentials  # there are some, since a mechanism was chosen for them
    try:
        binding = choice.channel_binding(request.auth_mechanisms, tls)
        exchange = choice.exchange_of(credentials, request.host, request.port, offered, binding)
        dialogue = MECHANISMS[mechanism].dialogue(exchange)
        first: List[Optional[bytes]] = [next(dialogue, None)]
    except CredentialError as unusable:
        raise Broken("auth_protocol_error", str(unusable), "auth") from None

    def answer(challenge: Optional[bytes]) -> bytes:
        said = _answer(dialogue, first, challenge)
        request.secrets.add([b64encode(said).decode("ascii"), *disguises(proof_in(said) or "")])
        return said

    return answer


def _answer(dialogue: Dialogue, first: List[Optional[bytes]], challenge: Optional[bytes]) -> bytes:
    """Return the response; the first of a mechanism in which the client begins answers an empty challenge."""
    said = first.pop() if first else None
    if said is not None and challenge is None:
        raise SaslError("auth_protocol_error", "the server accepted the sign-in before it had heard the credentials")
    if said is not None:
        return said
    try:
        return dialogue.send(challenge) or b""
    except StopIteration:
        if challenge is None:
            return b""
        raise SaslError("auth_protocol_error", "the server asks for more than the mechanism has") from None


def refusal(text: str) -> str:
    """Return the cause of a refused sign-in: by its code, else by the server's words."""
    code = text.partition("]")[0].lstrip("[").split(" ")[0].upper() if text.startswith("[") else ""
    if code in _SIGN_IN_CODES and _SIGN_IN_CODES[code] != "auth_rejected":
        return _SIGN_IN_CODES[code]
    words = text.partition("]")[2] if code else text
    return cause_of("auth", 535, None, words)


def none_in_common(request: Request, offered: Sequence[str]) -> Broken:
    text = "offered: " + (" ".join(offered) or "nothing")
    return Broken("auth_no_common_mechanism" if offered else "auth_not_offered", text, "auth")
