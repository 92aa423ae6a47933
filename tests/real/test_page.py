# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The HTML report in a real browser: what relays say stays text, and it can be used at 1,000 relays with 20 rules each
# (how fast: `make bench ARGS="--only page"`), by keyboard, on a phone, in the dark, by a screen reader, and on paper.
# Pictures of it are left in tests/output/page for people to look at.

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.html import as_html
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.browser import TWO_FRAMES, Page, choose, follow, open_browser
from ansible_collections.postmaster.mailcheck.tests.support.fleet import forty
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import (
    DAY,
    EVIL,
    big_result,
    relay,
    result,
    rule,
    unreachable,
)

PICTURES = Path(__file__).resolve().parents[1] / "output" / "page"
WIDTHS = (390, 834, 1280)
SHOWN = "Array.from(document.querySelectorAll('.rows tr:not([hidden]):not(.later) th')).map(cell => cell.textContent)"
# Every text that is seen, what it is drawn with, and upon what: [words, its colour, the colour behind it].
COLOURS = """Array.from(document.querySelectorAll("body *")).flatMap(element => {
  const words = Array.from(element.childNodes).filter(node => node.nodeType === 3).map(node => node.data).join("").trim();
  const sign = getComputedStyle(element, "::before");
  const own = element.getClientRects().length && element.checkVisibility() ? getComputedStyle(element) : null;
  if (!own || (!words && sign.content === "none")) return [];
  const behind = (from) => {  // what is not see-through
    while (from && getComputedStyle(from).backgroundColor === "rgba(0, 0, 0, 0)") from = from.parentElement;
    return getComputedStyle(from || document.body).backgroundColor;
  };
  const found = [];
  if (words && own.fontSize !== "0px") found.push([words, element.closest("svg") ? own.fill : own.color, behind(element)]);
  if (sign.content !== "none" && sign.backgroundColor !== "rgba(0, 0, 0, 0)") {
    found.push([sign.content, sign.color, sign.backgroundColor]);
  }
  return found;
})"""
# What sticks out of the window at the side, but what can be scrolled to within it.
OUTSIDE = """Array.from(document.querySelectorAll("body *")).filter(element => {
  const box = element.getBoundingClientRect();
  return box.width && box.left > -500 && (box.right > innerWidth + 1 || box.left < -1) && !element.closest(".scroll, .skip")
    && !element.closest("svg");
}).map(element => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with servers.skip_where_unavailable(), open_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "fleet.html"
    path.write_text(as_html(assess(big_result(1000, 20), today=DAY)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty relays and two domains."""
    path = tmp_path_factory.mktemp("page") / "forty.html"
    path.write_text(as_html(forty()), encoding="utf-8")
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
    assert {address.partition("#")[0] for address in browser.requests} == {small.as_uri()}  # and nothing else, ever


def shown(page: Page) -> list[str]:
    names: list[str] = page.evaluate(SHOWN)
    return [name.partition(":")[0].partition(".")[0] for name in names]


def text_of(page: Page, name: str) -> str:
    return str(page.evaluate(f"document.getElementById({name!r}).innerText"))


def resize(page: Page, width: int, height: int = 900) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)


# What relays say


def test_what_relays_say_is_text(opened: Page) -> None:
    assert opened.evaluate("document.title") == " ".join(EVIL.split())
    assert opened.evaluate("document.images.length + document.querySelectorAll('body > script ~ *').length") == 0
    opened.evaluate("document.querySelectorAll('.subject, .dialogue').forEach(box => box.open = true)")
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
        ({}, ["broken", "dead", "old", "good"]), ({"text": "BROKEN"}, ["broken"]), ({"text": "old example"}, ["old"]),
        ({"state": "unreachable"}, ["dead"]), ({"outcome": "waived"}, ["old"]), ({"outcome": "unknown"}, ["broken", "dead"]),
        ({"outcome": "unmet", "rule": "check"}, ["dead"]), ({"rule": "one"}, ["broken"]), ({"text": "nothing like it"}, []),
        ({"state": "waived", "outcome": "met", "rule": "one"}, ["old"]), ({"text": "connection refused"}, ["dead"]),
    ],
)  # fmt: skip
def test_filters(opened: Page, filters: dict[str, str], left: list[str]) -> None:
    for control, value in filters.items():
        choose(opened, control, value)
    assert shown(opened) == left
    assert text_of(opened, "shown") == (f"{len(left)} of 4 relays fit" if filters else "4 relays")
    assert opened.evaluate("document.querySelectorAll('.subject:not([hidden])').length") == len(left)
    opened.evaluate("document.getElementById('filter').reset()")
    opened.evaluate(TWO_FRAMES)
    assert len(shown(opened)) == 4


def test_a_name_leads_to_its_details_whatever_the_filter_hides(opened: Page) -> None:
    choose(opened, "text", "good")
    assert "broken.example.com" in follow(opened, "#todo a[href='#s1']")
    assert opened.evaluate("document.activeElement.tagName + document.activeElement.innerText").startswith("SUMMARY")
    assert opened.evaluate("document.getElementById('s1').checkVisibility()") is True


# Size


def test_a_thousand_relays_are_filtered_and_found(browser: Page, fleet: Path) -> None:
    browser.complaints.clear()
    browser.open(fleet)
    browser.evaluate(TWO_FRAMES)
    assert text_of(browser, "shown") == "1000 relays"
    for text, left in (("relay001", 10), ("", 1000), ("unmet", 143), ("no such relay", 0), ("", 1000)):
        choose(browser, "text", text)
        assert text_of(browser, "shown") == (f"{left} of 1000 relays fit" if text else "1000 relays")
    assert len(shown(browser)) == 100
    browser.evaluate("document.getElementById('more').click()")
    assert len(shown(browser)) == 200
    assert "250 line 11" in follow(browser, "#r994 a") or browser.evaluate(
        "document.querySelector(location.hash).textContent.includes('250 line 11')"
    )
    assert browser.complaints == []


# Keyboard, screen reader, phone, dark, paper


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.innerText"))


def test_the_page_is_used_by_keyboard_alone(opened: Page) -> None:
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
    opened.evaluate(TWO_FRAMES)
    assert opened.evaluate("document.getElementById('s1').closest('details').open") is True
    assert opened.evaluate("document.activeElement.tagName") == "SUMMARY"
    for _control in range(3):  # on to the link back
        opened.press("Tab")
        if focused(opened) == "Back to its row":
            break
    opened.press("Enter")
    opened.evaluate(TWO_FRAMES)
    assert focused(opened) == "broken.example.com:25"  # back to where it was opened from


def test_what_a_screen_reader_is_told(opened: Page) -> None:
    opened.evaluate(TWO_FRAMES)  # what is below comes with the second
    told = opened.accessible()
    roles = [role for role, _name in told]
    assert ("table", "4 relays, 3 rules") in told and ("search", "") in told and ("status", "") in told
    assert [name for role, name in told if role == "columnheader"][:7] == [
        "Relay", "State", "Met", "TLS", "Days left", "check", "one",
    ]  # fmt: skip
    assert [name for role, name in told if role == "rowheader" and name.endswith(":25")] == [
        "broken.example.com:25", "dead.example.com:25", "old.example.com:25", "good.example.com:25",
    ]  # fmt: skip
    cells = [name for role, name in told if role in ("cell", "gridcell")]
    assert {"met", "unmet", "waived", "not judged"} <= set(cells)  # outcomes are words, not colours or signs
    for role in ("searchbox", "combobox", "button", "image", "region"):
        names = [name for told_role, name in told if told_role == role]
        assert names and all(names), role
    assert ("image", "When certificates expire: 0 expired, 0 within 30 days, 1 later") in told
    assert roles.count("heading") >= 6
    assert opened.evaluate("document.documentElement.lang") == "en"
    levels = opened.evaluate("Array.from(document.querySelectorAll('h1, h2, h3')).map(one => Number(one.tagName[1]))")
    assert levels[0] == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:]))


def contrast(one: str, other: str) -> float:
    """The ratio of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everything_can_be_read_in_light_and_dark(browser: Page, usual: Path, scheme: str, width: int) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    resize(browser, width)
    try:
        browser.open(usual)
        browser.evaluate("document.querySelectorAll('details').forEach((box, place) => box.open = place < 60)")
        browser.evaluate(TWO_FRAMES)
        colours: list[Any] = browser.evaluate(COLOURS)
        assert len(colours) > 500
        assert {"?", "✕", "w", "✓"} <= {words.strip('"')[0] for words, _text, _back in colours if words.startswith('"')}
        worst = min((contrast(text, back), words, text, back) for words, text, back in colours)
        assert worst[0] >= 4.5, worst  # WCAG 2, level AA
        page = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (contrast(page, "rgb(0, 0, 0)") < 2) is (scheme == "dark")
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
        browser.call("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_lost_at_the_side(browser: Page, usual: Path, width: int) -> None:
    resize(browser, width)
    try:
        browser.open(usual)
        browser.evaluate("document.querySelectorAll('.subject').forEach((box, place) => box.open = place < 5)")
        browser.evaluate(TWO_FRAMES)
        assert browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert browser.evaluate(OUTSIDE) == []
        # No port has been broken: each is a box of one line.
        assert browser.evaluate(
            "Array.from(document.querySelectorAll('.port')).every(one => one.getClientRects().length < 2)"
        )
        browser.evaluate("document.querySelectorAll('details').forEach(box => box.open = box.matches('#evidence *'))")
        browser.picture(PICTURES / f"forty-{width}.png", whole=True)
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_evil_words_push_nothing_to_the_side(opened: Page) -> None:
    resize(opened, 390)
    try:
        opened.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")
        opened.evaluate(TWO_FRAMES)
        assert opened.evaluate("document.documentElement.scrollWidth") == 390
        assert opened.evaluate(OUTSIDE) == []
    finally:
        opened.call("Emulation.clearDeviceMetricsOverride")


def test_every_column_is_seen_at_once(browser: Page, usual: Path) -> None:
    resize(browser, 1280)
    try:
        browser.open(usual)
        wide = browser.evaluate(
            "Array.from(document.querySelectorAll('.matrix')).map(one => one.tHead.rows[0].cells.length)"
        )
        assert max(wide) >= 15
        for scroll, inner in browser.evaluate(
            "Array.from(document.querySelectorAll('#matrix .scroll')).map(one => [one.scrollWidth, one.clientWidth])"
        ):
            assert scroll <= inner
        browser.evaluate("document.querySelector('#matrix .scroll').scrollTop = 1e6")
        browser.evaluate(TWO_FRAMES)
        head, box = browser.evaluate(
            "['thead th', '.scroll'].map(one => document.querySelector('#matrix ' + one).getBoundingClientRect().top)"
        )
        assert abs(head - box) < 3  # the head stays
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_the_name_stays_while_many_columns_are_scrolled(browser: Page, fleet: Path) -> None:
    resize(browser, 834)
    try:
        browser.open(fleet)
        browser.evaluate("document.querySelector('#matrix .scroll').scrollLeft = 1e6")
        browser.evaluate(TWO_FRAMES)
        name, box = browser.evaluate(
            "['.rows th', '.scroll'].map(one => document.querySelector('#matrix ' + one).getBoundingClientRect().left)"
        )
        assert abs(name - box) < 3
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_a_phone_shows_a_card_for_each_relay(browser: Page, usual: Path) -> None:
    resize(browser, 390, 844)
    try:
        browser.open(usual)
        cards: list[Any] = browser.evaluate(
            "Array.from(document.querySelectorAll('.rows tr')).map(row => [row.getBoundingClientRect().width, row.innerText])"
        )
        assert all(300 < width <= 390 for width, _text in cards)
        (broken,) = (text for _width, text in cards if text.startswith("relay-05."))
        lines = [line for line in broken.splitlines() if line.strip()]
        assert lines[0] == "relay-05.ams2.example.com:25" and lines[1] == "failed"
        seen = " ".join(lines)
        assert "unmet relaying refused" in seen and "TLSv1.2" in seen
        # Of what is met the card has the number, and the details that its name leads to have all of them.
        told = follow(browser, "#r5 a").splitlines()
        assert "8 of 10" in seen and [told.count(word) for word in ("met", "unmet")] == [8, 2]
        heights = (
            "Array.from(document.querySelectorAll('form button, form input, form select')).map(e => e.offsetHeight)"
        )
        assert min(browser.evaluate(heights)) >= 32
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_forty_relays_fit_on_three_sheets(browser: Page, usual: Path) -> None:
    browser.open(usual)
    pdf = browser.pdf()
    (PICTURES / "forty.pdf").write_bytes(pdf)
    assert pdf.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 3


def test_the_page_on_paper(opened: Page) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert opened.evaluate("getComputedStyle(document.getElementById('filter')).display") == "none"
        assert opened.evaluate("getComputedStyle(document.querySelector('#matrix .scroll')).overflow") == "visible"
        assert opened.evaluate("document.querySelector('#matrix table').scrollWidth <= document.body.clientWidth")
        assert opened.evaluate("document.querySelector('.sign').checkVisibility()")
        assert not opened.evaluate("document.getElementById('details').checkVisibility()")
        opened.evaluate("document.querySelector('.subject').open = true")
        assert opened.evaluate("document.getElementById('details').checkVisibility()")  # what is open is printed
    finally:
        opened.call("Emulation.setEmulatedMedia", media="")


def test_without_scripts_the_page_tells_everything(browser: Page, usual: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(usual)
        told = browser.accessible()
        assert len([name for role, name in told if role == "rowheader" and name.endswith(":25")]) >= 40
        assert "search" not in [role for role, _name in told]  # no filter that would not work
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    browser.open(Path(f"{usual}"))
    assert "EHLO probe.example.com" in browser.evaluate("document.getElementById('s5').textContent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_for_people_to_look_at(browser: Page, usual: Path, scheme: str) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    resize(browser, 1280)
    try:
        browser.open(usual)
        browser.picture(PICTURES / f"forty-{scheme}.png")
        assert (PICTURES / f"forty-{scheme}.png").stat().st_size > 10_000
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
        browser.call("Emulation.setEmulatedMedia", features=[])
