# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Runs evaluations (model.py) side by side: each goes on as soon as its own questions are answered.
#
# An answerer has a method `ask(question, then)`, which calls `then` with the answer, at once or later. A plan of the
# driver's uses evaluate(), a caller whose answerer knows at once (zone files, a table of a test) evaluate_at_once().

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ..attempts import Shared
from .model import not_determined

if TYPE_CHECKING:
    import typing
    from typing import Any, Callable, Generator, List, Optional, Sequence, Tuple

    from .model import Answer, Evaluation, Question

    class Answerer(typing.Protocol):
        """Who answers questions: name servers, zone files, a test."""

        def ask(self, question: Question, then: Callable[[Answer], None]) -> None:
            """Call `then`, once."""


def evaluate(answerer: Answerer, evaluations: Sequence[Evaluation[Any]]) -> Generator[Shared, Any, Tuple[Any, ...]]:
    """Return the results of evaluations, in their order; for plans: `results = yield from evaluate(...)`.

    When the driver has to end, all that is still asked is not determined, and why. Raises the first fault of an
    evaluation, when all have ended.
    """
    run = _Run(answerer, evaluations)
    return _results((yield Shared(run.begin, run.stop)))


def evaluate_at_once(answerer: Answerer, evaluations: Sequence[Evaluation[Any]]) -> Tuple[Any, ...]:
    """Return the same from an answerer that knows everything at once."""
    ended: List[Sequence[Any]] = []
    _Run(answerer, evaluations).begin(ended.append)
    (results,) = ended
    return _results(results)


class _Fault(NamedTuple):
    """What ended an evaluation that has no result."""

    error: Exception


def _results(ended: Sequence[Any]) -> Tuple[Any, ...]:
    for result in ended:
        if isinstance(result, _Fault):
            raise result.error
    return tuple(ended)


def _nothing(_ended: Any) -> None:
    """What is done before and after a run."""


class _Run:
    """Several evaluations, and what has come of each: its result, or a _Fault."""

    def __init__(self, answerer: Answerer, evaluations: Sequence[Evaluation[Any]]) -> None:
        self._ended: List[Any] = [None] * len(evaluations)
        self._open = len(evaluations)
        self._running = [
            _Running(answerer, evaluation, partial(self._keep, index)) for index, evaluation in enumerate(evaluations)
        ]
        self._then: Callable[[Any], None] = _nothing

    def begin(self, then: Callable[[Any], None]) -> None:
        self._then = then
        for running in self._running:
            running.go_on(None)
        if not self._ended:  # there was none
            then([])

    def stop(self, why: str) -> None:
        for running in self._running:
            running.stop(why)

    def _keep(self, index: int, result: Any) -> None:
        self._ended[index] = result
        self._open -= 1
        if not self._open:
            then, self._then, self._running = self._then, _nothing, []  # both hold on to us
            then(self._ended)


class _Running:
    """One evaluation: sends it its answers as soon as it has them all."""

    def __init__(self, answerer: Answerer, evaluation: Evaluation[Any], done: Callable[[Any], None]) -> None:
        self._answerer, self._evaluation, self._done = answerer, evaluation, done
        self._questions: Tuple[Question, ...] = ()
        self._answers: List[Optional[Answer]] = []
        self._missing = 0
        self._asking = False  # what is answered meanwhile is gone on with afterwards, however deep the questions go
        self._stopped: Optional[str] = None  # why

    def go_on(self, answers: Optional[Tuple[Answer, ...]]) -> None:
        """Send the evaluation what it waits for, until it waits for what is not known yet."""
        result: Any = None
        try:
            while True:
                questions = self._evaluation.send(answers)  # type: ignore[arg-type]  # None begins a generator
                if not self._ask(questions):
                    return
                answers = tuple(self._answers)  # type: ignore[arg-type]  # none is missing
        except StopIteration as stop:
            result = stop.value
        except Exception as bug:  # noqa: BLE001  # a fault in one evaluation is its result
            result = _Fault(bug)
        self._done(result)

    def _ask(self, questions: Tuple[Question, ...]) -> bool:
        """Return whether everything is known at once."""
        answers: List[Optional[Answer]] = [None] * len(questions)
        self._questions, self._answers, self._missing = questions, answers, len(questions)
        self._asking = True
        for index, question in enumerate(questions):
            if self._stopped is None:
                self._answerer.ask(question, partial(self._keep, answers, index))
            else:
                self._keep(answers, index, not_determined(question, self._stopped))
        self._asking = False
        return not self._missing

    def _keep(self, answers: List[Optional[Answer]], index: int, answer: Answer) -> None:
        if answers is not self._answers or answers[index] is not None:
            return  # it comes after the end
        answers[index] = answer
        self._missing -= 1
        if not self._missing and not self._asking:
            self.go_on(tuple(answers))  # type: ignore[arg-type]

    def stop(self, why: str) -> None:
        """Let what is missing be not determined, and whatever is asked from now on."""
        self._stopped, answers = why, self._answers
        for index, question in enumerate(self._questions):
            self._keep(answers, index, not_determined(question, why))
