# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a conversation yields: say, hear, start TLS.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Generator, Optional, Sequence, Union

    from ..commands import Command


class Say(NamedTuple):
    """Commands that leave in one write."""

    commands: Sequence[Command]


class Hear(NamedTuple):
    """Wait for one reply."""

    stage: str
    within: Optional[float] = None  # seconds, where less than the attempt has left
    or_silence: bool = False  # that nothing comes by then is an answer too: None


class StartTls(NamedTuple):
    """Let the TLS handshake begin now."""


if TYPE_CHECKING:
    Step = Union[Say, Hear, StartTls]
    # Say is answered by None, Hear by a Reply, StartTls by TlsFacts: a union would need a cast at every yield.
    Steps = Generator[Step, Any, None]
