# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a relay says in clear: the version it agrees to, the group it chooses.

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.tests.support.chains import server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, policy_of, shake_hands

if TYPE_CHECKING:
    from typing import Any

VERSIONS = ["TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("curve", "group"), [
    ("prime256v1", "secp256r1"), ("secp384r1", "secp384r1"), ("secp521r1", "secp521r1"), ("", "x25519"),
])  # fmt: skip
def test_the_group_is_the_one_the_relay_has(world: World, tmp_path: Any, version: str, curve: str, group: str) -> None:
    """In TLS 1.3 all but the client's first guess come by a HelloRetryRequest."""
    server = server_context(world.below(world.middle), tmp_path)
    if curve:  # else what the client likes best
        server.set_ecdh_curve(curve)
    assert shake_hands(policy_of(world, version), server).facts.group == group


def test_no_group_without_one(world: World, tmp_path: Any) -> None:
    server = server_context(world.leaf(key="RSA-2048"), tmp_path)
    server.set_ciphers("kRSA")
    facts = shake_hands(policy_of(world, "TLSv1.2"), server).facts
    assert (facts.cipher, facts.group) == ("AES256-GCM-SHA384", None)
