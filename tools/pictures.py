# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/pictures, which the README shows, from a real run against the demonstration's relays.

`make pictures`: needs Chromium. What the terminal shows is what the command wrote to a terminal, with its colours; the
page is a report on the same relays, in the state of a small fleet.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.demo.run import relays
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.html import as_html
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.tests.real.browser import Page, open_browser

PICTURES = Path(__file__).resolve().parent.parent / "docs/pictures"
COLUMNS = 96
# What is typed; NAME_port stands for the port of one of the demonstration's relays.
TYPED = (
    "mailcheck check localhost:{expired_relay_port} --ca-path ca.pem",
    "mailcheck sweep relays.txt --ca-path ca.pem",
)
# A small fleet: name -> which relay it is.
FLEET = {
    "mail-1.fra.example.com": "smarthost",
    "mail-2.fra.example.com": "smarthost",
    "mail-3.fra.example.com": "open_relay",
    "mail-1.nyc.example.com": "smarthost",
    "mail-2.nyc.example.com": "deferring_relay",
    "mail-3.nyc.example.com": "open_relay",
    "old.example.com": "expired_relay",
    "submit.example.com": "smarthost",
}
WAIVERS = [
    {"rule": "relaying_refused", "endpoint": "mail-3.nyc.*", "reason": "Behind a firewall until it is replaced",
     "owner": "mail team", "expires": "2099-12-31"},
]  # fmt: skip
ASKED = {"recipient": "stranger@example.net", "control_recipient": "postmaster@example.com"}
COLOURS = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        *((72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)),
        *((88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)),
    ],
)
WINDOW = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 18px; background: {background}; color: {foreground}; display: inline-block; }}
pre {{ margin: 0; font: 14px/1.4 "DejaVu Sans Mono", monospace; }}
{stylesheet}</style><body><pre>{code}</pre></body>"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mailcheck-pictures-") as name, relays(name) as said:
        folder, ports = Path(name), json.loads(said)
        (folder / "browser").mkdir()
        addresses = ["localhost:%d" % port for name, port in ports.items() if name.endswith("_port")]
        (folder / "relays.txt").write_text("\n".join(addresses), encoding="utf-8")
        with open_browser(folder / "browser") as page:
            terminal(page, folder, ports)
            report(page, folder, ports)
    for path in sorted(PICTURES.glob("*.png")):
        print("%s: %d KB" % (path.relative_to(PICTURES.parents[1]), path.stat().st_size // 1024))


def terminal(page: Page, folder: Path, ports: dict[str, Any]) -> None:
    """What the commands show."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for typed in TYPED:
        command = typed.format(**ports)
        console.print(Text("$ " + command, style="bold"))
        console.print(Text.from_ansi(shown(command, folder)))
    path = folder / "terminal.html"
    path.write_text(console.export_html(theme=COLOURS, code_format=WINDOW), encoding="utf-8")
    page.call("Emulation.setScrollbarsHidden", hidden=True)
    page.open(path)
    width, height = page.evaluate("[document.body.offsetWidth, document.body.offsetHeight]")
    with window(page, width, height):
        page.picture(PICTURES / "terminal.png")


def shown(command: str, folder: Path) -> str:
    """What a command writes to a terminal of our width."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "postmaster_mailcheck", *shlex.split(command)[1:]],
        cwd=folder,
        env={**os.environ, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    octets = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while True:
            octets += os.read(ours, 65536)
    os.close(ours)
    process.wait(60)
    return octets.decode().replace("\r\n", "\n")


def report(page: Page, folder: Path, ports: dict[str, Any]) -> None:
    """What the page on a small fleet begins with."""
    profile = load_profiles(["relay"], {"relaying_refused": ASKED})
    endpoints = [{"name": name, "host": "localhost", "port": ports[kind + "_port"]} for name, kind in FLEET.items()]
    options = {"ca_path": ports["relay_ca_path"], "address_family": "ipv4", "expect": profile["expect"]}
    found = postmaster_mailcheck.sweep([], endpoints=endpoints, **options)
    # The last run knew neither the last relay nor what strangers may do.
    before = postmaster_mailcheck.sweep([], endpoints=endpoints[:-1], **{**options, "expect": {}})
    path = folder / "report.html"
    text = as_html(
        assess(found, profile, waivers=WAIVERS, previous=assess(before, profile), title="Mail relays of example.com")
    )
    path.write_text(text, encoding="utf-8")
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    with window(page, 1100, 740):
        page.open(path)
        page.picture(PICTURES / "page.png")


@contextlib.contextmanager
def window(page: Page, width: int, height: int) -> Iterator[None]:
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    yield
    page.call("Emulation.clearDeviceMetricsOverride")


if __name__ == "__main__":
    main()
