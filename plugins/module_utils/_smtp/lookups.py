# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Names that are looked up before anything is checked: by the DNS, or by the system, over a driver of their own.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._net.attempts import Shared
from .._net.driver import Driver, Limits
from .._net.names import Question, ResolveError
from . import mx
from .resolvers import Answerers

if TYPE_CHECKING:
    from typing import Any, Callable, Generator, List, Optional, Sequence, Tuple, TypeVar, Union

    from .._net.dns.model import Evaluation
    from .._net.names import Address
    from .resolvers import Resolvers

    T = TypeVar("T")
    Part = Generator[Shared, Any, T]  # of a plan, which gets its value by `yield from`
    Found = Union[List[T], ResolveError]
    Asked = Tuple[str, int, str]  # host, port, address family


class LookUps:
    """Runs one plan, whose look-ups end by `until` of the monotonic clock: what has no answer then is `not_checked`.

    With `resolvers`, name servers are asked. Raises OptionError where there are none, or no dnspython.
    """

    def __init__(self, until: Optional[float], resolvers: Optional[Resolvers] = None) -> None:
        self._driver = Driver(Limits())
        self._until = until
        self._answerers = Answerers(self._driver, [resolvers])
        self._resolver = self._answerers.of(resolvers)

    def run(self, plan: Part[T]) -> T:
        """Return what the plan returns. Blocks."""
        if self._until is not None:
            self._driver.loop.at(self._until, self._driver.stop)
        with self._answerers:
            ((_key, result),) = self._driver.run(iter([("", plan)]))
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]

    def relays(self, domains: Sequence[str]) -> Part[List[Found[Tuple[Optional[int], str]]]]:
        """Return for each domain what mx.relays_of() does, or its ResolveError."""
        return (yield from self._evaluate([mx.relays_of(domain) for domain in domains]))

    def addresses(self, asked: Sequence[Asked]) -> Part[List[Found[str]]]:
        """Return for each host, port and address family the addresses of the DNS, or their ResolveError."""
        return (yield from self._evaluate([mx.addresses_of(host, family) for host, _port, family in asked]))

    def system_addresses(self, asked: Sequence[Asked]) -> Part[List[Found[str]]]:
        """Return the same as the system has it."""
        look_up = _SystemLookUp(self._driver, asked)
        found = yield Shared(look_up.begin, look_up.stop)
        return [one if isinstance(one, ResolveError) else [address.text for address in one] for one in found]

    def _evaluate(self, evaluations: Sequence[Evaluation[List[T]]]) -> Part[List[Found[T]]]:
        from .._net.dns.evaluations import evaluate

        asked = [self._in_time(one) for one in evaluations]
        return list((yield from evaluate(self._resolver, asked)))  # type: ignore[arg-type]  # there are `resolvers`

    def _in_time(self, evaluation: Evaluation[List[T]]) -> Evaluation[Found[T]]:
        found: Found[T]
        try:
            found = yield from evaluation
        except ResolveError as error:
            found = error
        except Exception as error:  # noqa: BLE001  # an odd name must not cost the others their answer
            found = ResolveError("name_not_found", str(error))
        return _not_looked_up() if self._driver.stopping else found


class _SystemLookUp:
    """Hosts looked up side by side: the addresses of each, or why it has none."""

    def __init__(self, driver: Driver, asked: Sequence[Asked]) -> None:
        self._names = driver.resolver
        self._found: List[Optional[Found[Address]]] = [None] * len(asked)
        self._questions = [
            Question(one, lambda: None, partial(self._keep, index)) for index, one in enumerate(asked)
        ]  # fmt: skip
        self._missing = len(asked)
        self._then: Callable[[Any], None] = lambda _found: None

    def begin(self, then: Callable[[Any], None]) -> None:
        self._then = then
        for question in self._questions:
            self._names.resolve(question)
        if not self._questions:
            then(())

    def stop(self, _why: str) -> None:
        for index, question in enumerate(self._questions):
            if self._found[index] is None:
                self._names.give_up(question)
                self._keep(index, _not_looked_up())

    def _keep(self, index: int, found: Found[Address]) -> None:
        self._found[index] = found
        self._missing -= 1
        if not self._missing:
            self._then(tuple(self._found))


def _not_looked_up() -> ResolveError:
    return ResolveError("not_checked", "the sweep ended before the name was looked up")
