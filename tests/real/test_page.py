# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The HTML report in a real browser: what relays say stays text, it is quick at 1,000 relays with 20 rules each, and it
# can be used by keyboard, on a phone, in the dark, by a screen reader, and on paper.

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.formats import as_html
from ansible_collections.postmaster.mailcheck.tests.compliance.sweeps import (
    DAY,
    EVIL,
    big_result,
    relay,
    result,
    rule,
    unreachable,
)
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.browser import Page, open_browser

# Seconds of the page's own thread, about ten times what they take on a small machine of today.
OPENS_WITHIN = 5.0
FILTERS_WITHIN = 1.5
DETAILS_WITHIN = 1.5
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SHOWN = "Array.from(document.querySelectorAll('#rows tr:not([hidden]):not(.later) th')).map(cell => cell.textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with servers.skip_where_unavailable(), open_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "fleet.html"
    path.write_text(as_html(assess(big_result(1000, 20), today=DAY)), encoding="utf-8")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Four relays, one of each kind, that speak in markup."""
    said = {"at": 0.5, "from": "server", "text": f"220 {EVIL}", "tls": False}
    broken = relay(
        "broken.example.com", [rule("one", "unmet", text=EVIL, observed=EVIL, remedy=EVIL), rule("two", "unknown")],
        transcript=[said], greeting={"code": 220, "text": EVIL}, msg=EVIL, labels={"site": EVIL},
        checked_at="2026-06-15T10:00:00Z",
    )  # fmt: skip
    old = relay("old.example.com", [rule("one"), rule("two", "unmet", "low")])
    swept = result(relay("good.example.com"), broken, old, unreachable())
    waivers = [
        {"rule": "two", "endpoint": "old*", "reason": EVIL, "owner": "ops", "expires": "2027-01-01"},
        {"rule": "one", "endpoint": "*", "reason": "past", "owner": "ops", "expires": "2026-01-01"},
    ]
    before = assess(result(relay("good.example.com"), relay("broken.example.com")), today=DAY)
    path = tmp_path / "small.html"
    page = as_html(assess(swept, waivers=waivers, previous=before, title=EVIL, today=DAY))
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Page, small: Path) -> Iterator[Page]:
    browser.complaints.clear()
    browser.requests.clear()
    browser.open(small)
    yield browser
    assert browser.complaints == []
    assert browser.requests == [small.as_uri()]  # and nothing else, ever


def thread_seconds(page: Page) -> float:
    metrics = page.call("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def choose(page: Page, control: str, value: str) -> None:
    """Set a filter as a person would, and wait until it has been applied."""
    page.evaluate(
        f"""(async () => {{
          const control = document.getElementById({control!r});
          control.value = {value!r};
          control.dispatchEvent(new Event("input", {{bubbles: true}}));
          await new Promise(done => setTimeout(done, 80));
          await {TWO_FRAMES};
        }})()"""
    )


def shown(page: Page) -> list[str]:
    names: list[str] = page.evaluate(SHOWN)
    return [name.partition(":")[0].partition(".")[0] for name in names]


def text_of(page: Page, name: str) -> str:
    return str(page.evaluate(f"document.getElementById({name!r}).innerText"))


# What relays say


def test_what_relays_say_is_text(opened: Page) -> None:
    assert opened.evaluate("document.title") == " ".join(EVIL.split())
    assert opened.evaluate("document.images.length + document.querySelectorAll('#data ~ script ~ *').length") == 0
    opened.evaluate("document.querySelectorAll('#rows button')[1].click()")
    details = text_of(opened, "details")
    assert details.count("</script><script>document.title='owned'</script><img src=x onerror=alert(1)>") >= 5
    assert f"< 220 {EVIL}" in details
    assert opened.evaluate("document.title") == " ".join(EVIL.split())  # no script of theirs has run
    assert opened.evaluate("document.images.length") == 0


def test_a_script_that_did_get_in_would_not_run(browser: Page, small: Path) -> None:
    # The second lock: were something not escaped, the page's policy would still refuse it.
    evil = "<script>document.title='owned'</script><p onclick=x style='color:red'><img src=x onerror=\"document.title='owned'\">"
    small.write_text(small.read_text(encoding="utf-8").replace("<main>", "<main>" + evil), encoding="utf-8")
    browser.complaints.clear()
    browser.open(small)
    assert browser.evaluate("document.title") == " ".join(EVIL.split())
    refused = " ".join(browser.complaints)
    assert "script-src" in refused and "img-src" in refused and "style-src" in refused


# Filters


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, ["good", "broken", "old", "dead"]), ({"text": "BROKEN"}, ["broken"]), ({"text": "old example"}, ["old"]),
        ({"verdict": "unreachable"}, ["dead"]), ({"outcome": "waived"}, ["old"]), ({"outcome": "unknown"}, ["broken", "dead"]),
        ({"outcome": "unmet", "rule": "check"}, ["dead"]), ({"rule": "one"}, ["broken"]), ({"text": "nothing like it"}, []),
        ({"verdict": "failed", "outcome": "met", "rule": "one"}, ["old"]), ({"text": "connection_refused"}, ["dead"]),
    ],
)  # fmt: skip
def test_filters(opened: Page, filters: dict[str, str], left: list[str]) -> None:
    for control, value in filters.items():
        choose(opened, control, value)
    assert shown(opened) == left
    assert text_of(opened, "shown") == f"{len(left)} of 4 relays fit"
    opened.evaluate("document.getElementById('filter').reset()")
    opened.evaluate(TWO_FRAMES)
    assert len(shown(opened)) == 4


# Size


def test_a_thousand_relays_open_and_filter_without_a_hitch(browser: Page, fleet: Path) -> None:
    browser.complaints.clear()
    browser.call("Performance.enable", timeDomain="threadTicks")
    try:
        began = thread_seconds(browser)
        browser.open(fleet)
        browser.evaluate(TWO_FRAMES)
        took = [thread_seconds(browser) - began]
        assert text_of(browser, "shown") == "1000 of 1000 relays fit"
        for text, left in (("relay001", 10), ("", 1000), ("unmet", 143), ("no such relay", 0), ("", 1000)):
            began = thread_seconds(browser)
            choose(browser, "text", text)
            took.append(thread_seconds(browser) - began)
            assert text_of(browser, "shown") == f"{left} of 1000 relays fit"
        assert len(shown(browser)) == 100
        browser.evaluate("document.getElementById('more').scrollIntoView()")
        browser.evaluate(f"{TWO_FRAMES}.then(() => {TWO_FRAMES})")
        assert len(shown(browser)) == 200  # scrolling shows more
        browser.evaluate("document.getElementById('more').click()")
        assert len(shown(browser)) >= 300
        began = thread_seconds(browser)
        browser.evaluate("document.querySelectorAll('#rows button')[994].click()")
        browser.evaluate(TWO_FRAMES)
        took.append(thread_seconds(browser) - began)
        assert "250 line 11" in text_of(browser, "details")
    finally:
        browser.call("Performance.disable")
    opening, *filtering, details = took
    print(f"seconds: open {opening:.2f}, filter {max(filtering):.2f} at most, details {details:.2f}")
    assert opening < OPENS_WITHIN and max(filtering) < FILTERS_WITHIN and details < DETAILS_WITHIN
    assert browser.complaints == []


# Keyboard, screen reader, phone, dark, paper


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.innerText"))


def test_all_of_it_by_keyboard(opened: Page) -> None:
    opened.press("Tab")
    assert focused(opened) == "Skip to the table of relays"
    opened.press("/", "/")
    assert focused(opened) == "text"
    for letter in "broken":
        opened.press(letter, letter)
    opened.evaluate("new Promise(done => setTimeout(done, 150))")
    assert shown(opened) == ["broken"]
    for _control in range(20):
        opened.press("Tab")
        if focused(opened).startswith("broken.example.com"):
            break
    assert focused(opened) == "broken.example.com:25"
    opened.press("Enter")
    assert opened.evaluate("document.getElementById('details').open") is True
    assert focused(opened) == "close"
    opened.press("Escape")
    assert opened.evaluate("document.getElementById('details').open") is False
    assert focused(opened) == "broken.example.com:25"  # back to where it was opened from


def test_what_a_screen_reader_is_told(opened: Page) -> None:
    opened.evaluate(TWO_FRAMES)  # what is below comes with the second
    told = opened.accessible()
    roles = [role for role, _name in told]
    assert ("table", "Relays and rules") in told and ("search", "") in told and ("status", "") in told
    assert [name for role, name in told if role == "columnheader"][:7] == [
        "Relay", "Verdict", "TLS", "Days left", "Why", "check", "one",
    ]  # fmt: skip
    assert [name for role, name in told if role == "rowheader"] == [
        "good.example.com:25", "broken.example.com:25", "old.example.com:25", "dead.example.com:25",
    ]  # fmt: skip
    cells = [name for role, name in told if role in ("cell", "gridcell")]
    assert {"met", "unmet", "waived", "unknown"} <= set(cells)  # outcomes are words, not colours
    for role in ("searchbox", "combobox", "button", "meter"):
        names = [name for told_role, name in told if told_role == role]
        assert names and all(names), role
    assert roles.count("heading") >= 6
    assert opened.evaluate("document.documentElement.lang") == "en"
    opened.evaluate("document.querySelector('#rows button').click()")
    assert ("dialog", "good.example.com:25") in opened.accessible()


def contrast(one: str, other: str) -> float:
    """The ratio of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_light_and_dark(opened: Page, scheme: str) -> None:
    opened.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        script = """Array.from(document.querySelectorAll("h1, .soft, button, .o, thead th, .tiles li, caption")).map(element => {
          let back = element;
          while (getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)" && back.parentElement) back = back.parentElement;
          return [element.className, getComputedStyle(element).color, getComputedStyle(back).backgroundColor];
        })"""
        colours: list[Any] = opened.evaluate(script)
        assert len(colours) > 20
        worst = min((contrast(text, back), name) for name, text, back in colours if back != "rgba(0, 0, 0, 0)")
        assert worst[0] >= 4.5, worst  # WCAG 2, level AA
        page = opened.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (contrast(page, "rgb(0, 0, 0)") < 2) is (scheme == "dark")
    finally:
        opened.call("Emulation.setEmulatedMedia", features=[])


def test_a_phone_shows_the_page_without_scrolling_it_sideways(opened: Page) -> None:
    opened.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    try:
        assert opened.evaluate("document.documentElement.scrollWidth") == 360
        heights = (
            "Array.from(document.querySelectorAll('form button, form input, form select')).map(e => e.offsetHeight)"
        )
        assert min(opened.evaluate(heights)) >= 32
        opened.evaluate("document.querySelector('#rows button').click()")
        assert opened.evaluate("document.getElementById('details').getBoundingClientRect().right") <= 360
    finally:
        opened.call("Emulation.clearDeviceMetricsOverride")


def test_paper(opened: Page) -> None:
    pdf = opened.pdf()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 1
    opened.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert opened.evaluate("getComputedStyle(document.getElementById('filter')).display") == "none"
        assert opened.evaluate("getComputedStyle(document.querySelector('#matrix .scroll')).overflow") == "visible"
        assert opened.evaluate("document.querySelector('#matrix table').scrollWidth <= document.body.clientWidth")
    finally:
        opened.call("Emulation.setEmulatedMedia", media="")


def test_without_scripts_the_page_still_tells_everything_but_details(browser: Page, small: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(small)
        told = browser.accessible()
        assert [role for role, _name in told].count("rowheader") == 4
        assert "search" not in [role for role, _name in told]  # no filter that would not work
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
