# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import contexts
from ansible_collections.postmaster.mailcheck.tests.support.chains import server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World

if TYPE_CHECKING:
    from typing import Any


@pytest.fixture(scope="module")
def world(tmp_path_factory: Any) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def own_contexts(monkeypatch: Any) -> None:
    """For a test that changes what contexts are made of: it leaves none behind, however it ends."""
    monkeypatch.setattr(contexts, "_held", {})


@pytest.fixture
def without_tls1(own_contexts: None, monkeypatch: Any) -> None:
    """As with an OpenSSL that was built without TLS 1.0: the version cannot be set."""
    monkeypatch.setitem(contexts._NUMBERS, "TLSv1", 0x0299)


@pytest.fixture
def demanding(world: World, tmp_path: Any) -> ssl.SSLContext:
    """A relay that wants a certificate by our root."""
    server = server_context(world.leaf(), tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(world.ca_path)
    return server
