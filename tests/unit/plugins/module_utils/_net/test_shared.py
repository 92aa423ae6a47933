# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Plans that wait for what they share.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Shared, Wait
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits

pytestmark = pytest.mark.usefixtures("nothing_is_left_over")


class Post:
    """Something that several plans wait for: it comes once, for all of them."""

    def __init__(self):
        self.waiting, self.stopped = [], []

    def wait(self):
        box = []

        def begin(then):
            box.append(then)
            self.waiting.append(then)

        def stop(why):
            self.stopped.append(why)
            box[0]("nothing")

        return (yield Shared(begin, stop))

    def bring(self, value):
        waiting, self.waiting = self.waiting, []
        for then in waiting:
            then(value)


def run(driver, *plans, deadline=None):
    return dict(driver.run(iter(enumerate(plans)), deadline))


def bring(driver, post, value):
    yield Wait(driver.clock())
    post.bring(value)


def test_all_that_wait_get_it():
    driver, post = Driver(Limits()), Post()
    assert run(driver, post.wait(), post.wait(), bring(driver, post, "a")) == {0: "a", 1: "a", 2: None}
    assert post.stopped == []


def test_it_may_be_there_at_once():
    def plan():
        found = []
        for number in range(3):
            found.append((yield Shared(lambda then, number=number: then(number), None)))
        return found

    assert run(Driver(Limits()), plan()) == {0: [0, 1, 2]}


def test_the_value_comes_once():
    driver, kept = Driver(Limits()), []

    def plan():
        first = yield Shared(kept.append, lambda _why: None)
        second = yield Shared(kept.append, lambda _why: None)
        return first, second

    def act():
        yield Wait(driver.clock())
        kept[0]("first")
        kept[0]("again")
        kept[1]("second")

    assert run(driver, plan(), act())[0] == ("first", "second")


@pytest.mark.parametrize("how", ["deadline", "stop"])
def test_the_end_comes_to_all_that_wait(how):
    driver, post = Driver(Limits()), Post()

    def act():
        yield Wait(driver.clock())
        if how == "stop":
            driver.stop()
        return (yield from post.wait())

    deadline = driver.clock() + 0.5 if how == "deadline" else None
    assert run(driver, post.wait(), post.wait(), act(), deadline=deadline) == dict.fromkeys(range(3), "nothing")
    assert len(post.stopped) == 3


def test_a_fault_in_the_beginning_is_the_plan_s_result():
    def fail(_then):
        raise ZeroDivisionError

    def plan():
        yield Shared(fail, lambda _why: None)

    results = run(Driver(Limits()), plan(), (value for value in ()))
    assert isinstance(results[0], ZeroDivisionError)


def test_who_waits_counts_as_one_that_runs():
    """However many plans there are, so many are in memory."""
    driver, post, begun = Driver(Limits(concurrency=3)), Post(), []

    def plan(number):
        begun.append(number)
        if number == 2:
            driver.loop.at(driver.clock() + 0.05, lambda: post.bring("a"))
        value = yield from post.wait()
        return value, len(begun)

    def last():
        begun.append(99)
        return
        yield

    results = run(driver, plan(0), plan(1), plan(2), last())
    assert [results[number] for number in range(3)] == [("a", 3)] * 3
