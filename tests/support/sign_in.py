# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Signing in without a connection: an exchange, and a mechanism's dialogue played by hand.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import Exchange, SaslError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.mechanisms import MECHANISMS

if TYPE_CHECKING:
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import Dialogue

USERNAME, PASSWORD, TOKEN = "tim", "tanstaaftanstaaf", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


def exchange(**changes: Any) -> Exchange:
    given: Dict[str, Any] = {"username": USERNAME, "password": PASSWORD, "access_token": TOKEN}
    given.update(changes)
    return Exchange(**given)


def begin(mechanism: str, what: Exchange) -> Tuple[Dialogue, Optional[bytes]]:
    dialogue = MECHANISMS[mechanism].dialogue(what)
    return dialogue, next(dialogue)


def succeed(dialogue: Dialogue) -> None:
    """The server answers 235, and the mechanism is content."""
    with pytest.raises(StopIteration):
        dialogue.send(None)


def fails(dialogue: Dialogue, answer: Optional[bytes]) -> SaslError:
    with pytest.raises(SaslError) as caught:
        dialogue.send(answer)
    return caught.value
