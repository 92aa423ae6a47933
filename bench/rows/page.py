# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The HTML report of 1,000 relays with 20 rules each in a real browser, by the seconds of the page's own thread.

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from typing import Any, Callable

from ansible_collections.postmaster.mailcheck.bench.rows.common import Bench, Row, seconds
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.html import as_html
from ansible_collections.postmaster.mailcheck.tests.real.browser import TWO_FRAMES, Page, choose, follow, open_browser
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, big_result

RELAYS, RULES = 1000, 20
WORK = f"a page of {RELAYS:,} relays with {RULES} rules each"
# Seconds at most. The slowest of some filters counts, as every letter that is typed asks for one.
TARGETS = {"opened": 1.0, "filtered": 0.5, "one relay's details": 0.5}


def page(bench: Bench) -> Iterator[Row]:
    folder = bench.subfolder("page")
    path = folder / "page.html"
    path.write_text(as_html(assess(big_result(RELAYS, RULES), today=DAY)), encoding="utf-8")
    took: dict[str, list[float]] = {name: [] for name in TARGETS}
    for run in range(bench.runs):
        with open_browser(
            bench.subfolder(f"browser-{run}")
        ) as browser:  # one of its own: its clock begins with the page
            browser.call("Accessibility.disable")  # without a screen reader, as most are
            browser.call("Performance.enable", timeDomain="threadTicks")
            browser.open(path)
            browser.evaluate(TWO_FRAMES)
            took["opened"].append(_thread_seconds(browser))
            texts = ("relay001", "", "unmet", "no such relay", "")
            took["filtered"].append(max(_cost(browser, partial(choose, browser, "text", text)) for text in texts))
            took["one relay's details"].append(_cost(browser, partial(follow, browser, f"#r{RELAYS - 6} a")))
    for name, target in TARGETS.items():
        figure = statistics.median(took[name])
        yield Row(f"{WORK}: {name}", seconds(figure), "", figure, target, "s", bench.runs)


def _cost(browser: Page, work: Callable[[], Any]) -> float:
    began = _thread_seconds(browser)
    work()
    return _thread_seconds(browser) - began


def _thread_seconds(browser: Page) -> float:
    metrics = browser.call("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))
