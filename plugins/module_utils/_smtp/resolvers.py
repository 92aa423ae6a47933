# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which name servers a check asks, and who asks them for it: over its own driver, one answerer for all checks that ask
# the same servers.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.options import seconds

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

    from .._net.dns.resolver import StubResolver
    from .._net.driver import Driver


class Resolvers(NamedTuple):
    """Whom to ask. No `servers`: those of the system."""

    servers: Tuple[str, ...]  # addresses, perhaps with a port
    timeout: float  # seconds for one question


def resolvers_of(options: Mapping[str, Any]) -> Resolvers:
    """Return what `dns_servers` and `dns_timeout` say. Raises OptionError."""
    if options["dns_servers"]:
        from .._net.dns.servers import checked_servers

        checked_servers("dns_servers", options["dns_servers"])
    return Resolvers(tuple(options["dns_servers"]), seconds("dns_timeout", options["dns_timeout"]))


class Answerers:
    """Those that the checks of one driver need. Raises OptionError where there are no name servers to ask."""

    def __init__(self, driver: Driver, needed: Iterable[Optional[Resolvers]]) -> None:
        self._made: Dict[Resolvers, StubResolver] = {}
        for resolvers in filter(None, dict.fromkeys(needed)):
            from .._net.dns.resolver import StubResolver
            from .._net.dns.servers import name_servers

            self._made[resolvers] = StubResolver(driver, name_servers(resolvers.servers), resolvers.timeout)

    def of(self, resolvers: Optional[Resolvers]) -> Optional[StubResolver]:
        """Return who asks them; None where a check has no questions."""
        return self._made[resolvers] if resolvers else None

    def __enter__(self) -> Answerers:
        return self

    def __exit__(self, *_error: object) -> None:
        for answerer in self._made.values():
            answerer.close()
