# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Several evaluations at once, whoever answers, and how they end.

from __future__ import annotations

import gc
import weakref

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Wait
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.evaluations import (
    evaluate,
    evaluate_at_once,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Answer, Question
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits


class Later:
    """Answers what it is asked when the test says so, in the order that the test wants."""

    def __init__(self):
        self.waiting = {}

    def ask(self, question, then):
        self.waiting.setdefault(question, []).append(then)

    def answer(self, *questions):
        for question in questions:
            for then in self.waiting.pop(question):
                then(answer_to(question))


class AtOnce:
    def ask(self, question, then):
        then(answer_to(question))


def answer_to(question):
    return Answer(question, "present", ("%s %s" % question,), exists=True)


def asking(*rounds):
    """Ask round by round, and return what came of each."""
    found = []
    for names in rounds:
        answers = yield tuple(Question(name, "A") for name in names)
        found.append([answer.state if answer.state != "present" else answer.records[0] for answer in answers])
    return found


def driven(answerer, evaluations, then=lambda driver: None, deadline=None):
    """Run a plan that evaluates; `then` is called in a second one, which the driver begins after it."""
    driver = Driver(Limits())

    def act():
        then(driver)
        yield Wait(driver.clock())

    plans = [("evaluate", evaluate(answerer, evaluations)), ("act", act())]
    return dict(driver.run(iter(plans), None if deadline is None else driver.clock() + deadline))["evaluate"]


ROUNDS = [(["a", "b"], ["c"]), (), ([], ["d"], []), (["a"],)]
RESULTS = ([["a A", "b A"], ["c A"]], [], [[], ["d A"], []], [["a A"]])


def test_answers_that_are_known_at_once():
    assert evaluate_at_once(AtOnce(), [asking(*rounds) for rounds in ROUNDS]) == RESULTS
    assert driven(AtOnce(), [asking(*rounds) for rounds in ROUNDS]) == RESULTS
    assert evaluate_at_once(AtOnce(), []) == driven(AtOnce(), []) == ()


def test_answers_that_come_in_any_order():
    later = Later()

    def act(_driver):
        later.answer(Question("d", "A"), Question("b", "A"), Question("a", "A"))
        later.answer(Question("c", "A"))
        assert later.waiting == {}

    assert driven(later, [asking(*rounds) for rounds in ROUNDS], act) == RESULTS


def test_nobody_waits_for_another():
    """The second goes on while the first has no answer yet."""
    later = Later()

    def act(_driver):
        later.answer(Question("b", "A"))
        later.answer(Question("c", "A"))
        later.answer(Question("a", "A"))

    assert driven(later, [asking(["a"]), asking(["b"], ["c"])], act) == ([["a A"]], [["b A"], ["c A"]])


def test_many_rounds_are_no_deep_calls():
    rounds = [["a"]] * 5000
    assert evaluate_at_once(AtOnce(), [asking(*rounds)]) == ([["a A"]] * 5000,)


def test_the_end_is_not_determined_and_all_go_on_to_theirs():
    """Also what is asked for the first time after that."""
    later = Later()
    found = driven(later, [asking(["a", "b"], ["c"]), asking(["d"])], lambda _driver: None, deadline=0.5)
    assert found == ([["not_determined"] * 2, ["not_determined"]], [["not_determined"]])


def test_what_is_known_when_the_end_comes_counts():
    later = Later()
    found = driven(later, [asking(["a", "b"])], lambda _driver: later.answer(Question("a", "A")), deadline=0.5)
    assert found == ([["a A", "not_determined"]],)


def test_stopped_by_a_signal():
    later = Later()
    found = driven(later, [asking(["a"])], lambda driver: driver.stop())
    assert found == ([["not_determined"]],)


def test_an_answer_after_the_end_is_nobody_s():
    later = Later()
    driven(later, [asking(["a"], ["b"])], lambda driver: driver.stop())
    later.answer(Question("a", "A"))


def failing():
    yield (Question("a", "A"),)
    raise ZeroDivisionError("a fault")


def test_a_fault_is_raised_when_all_have_ended():
    ended = []

    def ending():
        yield (Question("b", "A"),)
        ended.append(True)

    with pytest.raises(ZeroDivisionError):
        evaluate_at_once(AtOnce(), [failing(), ending()])
    assert isinstance(driven(AtOnce(), [failing(), ending()]), ZeroDivisionError)
    assert ended == [True, True]


def test_an_exception_may_be_a_result():
    def returning():
        yield ()
        return ValueError("a value")

    ((result,),) = (evaluate_at_once(AtOnce(), [returning()]),)
    assert isinstance(result, ValueError)


@pytest.mark.parametrize("run", [evaluate_at_once, driven])
def test_nothing_of_an_evaluation_that_is_over_is_left_to_the_collector_of_garbage(run):
    class Known(AtOnce):
        """What all that is asked holds on to."""

    answerer = Known()
    kept = weakref.ref(answerer)
    gc.disable()
    try:
        assert run(answerer, [asking(*rounds) for rounds in ROUNDS]) == RESULTS
        del answerer
        assert kept() is None
    finally:
        gc.enable()
