# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A real browser for the HTML report: Debian's Chromium without a window, spoken to by the DevTools protocol over two
# pipes (JSON, each message ended by a NUL), so that no driver and no library is needed.

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from ansible_collections.postmaster.mailcheck.tests.real import servers

TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class BrowserError(Exception):
    """What the browser, or a script in its page, did not do."""


class Page:
    """One open page; `complaints` holds every error, exception and refused load so far, `requests` every address asked for."""

    def __init__(self, send_to: int, read_from: int) -> None:
        self._out, self._in, self._buffer, self._last = send_to, read_from, b"", 0
        self._session: Optional[str] = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded = False

    def start(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(domain + ".enable")

    def open(self, path: Path) -> None:
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + servers.PATIENCE
        while not self._loaded:
            self._receive(deadline)

    def call(self, method: str, **parameters: Any) -> Any:
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + servers.PATIENCE
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, once it is kept."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        code = {"Tab": 9, "Enter": 13, "Escape": 27}.get(key, ord(text.upper()) if text else 0)
        common = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="\r" if key == "Enter" else text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def accessible(self) -> list[tuple[str, str]]:
        """What a screen reader is told: role and name of every node that is not ignored."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def picture(self, path: Path, whole: bool = False) -> None:
        """Leave a picture (PNG) of the window, or of the whole page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        clip = {"clip": {**self.call("Page.getLayoutMetrics")["cssContentSize"], "scale": 1}} if whole else {}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise BrowserError(f"no answer within {servers.PATIENCE} s")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise BrowserError("the browser has ended")
            self._buffer += data
        raw, _end, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, event: Optional[str], told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"]["text"])
        elif event == "Page.javascriptDialogOpening":
            self.complaints.append("dialog: " + told["message"])


@contextlib.contextmanager
def open_browser(folder: Path) -> Iterator[Page]:
    """Chromium in `folder`, without a window or a network, with one blank page."""
    program = servers.find_program("chromium", "chromium-browser")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    command = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}",
        "--window-size=1280,900", "--remote-debugging-pipe", "about:blank",
    ]  # fmt: skip

    def as_three_and_four() -> None:
        # Both are duplicated beyond 4 first, to numbers that are free: one of them may be 3 or 4 already.
        read, write = (fcntl.fcntl(end, fcntl.F_DUPFD, 5) for end in (to_read, from_write))
        os.dup2(read, 3)
        os.dup2(write, 4)

    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=False,
            preexec_fn=as_three_and_four,
            start_new_session=True,
        )
    os.close(to_read)
    os.close(from_write)
    try:
        page = Page(to_write, from_read)
        page.start()
        yield page
    finally:
        process.terminate()
        try:
            process.wait(servers.PATIENCE)
        finally:
            servers.end_group(process.pid)
            os.close(to_write)
            os.close(from_read)


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


def follow(page: Page, link: str) -> str:
    """Click a link within the page; return what it leads to, as it is seen then."""
    page.evaluate(f"document.querySelector({link!r}).click()")
    page.evaluate(TWO_FRAMES)
    return str(page.evaluate("document.querySelector(location.hash).innerText"))
