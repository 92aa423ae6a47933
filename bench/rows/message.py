# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A message of 25 MiB, given as a file, beside curl: from the end of EHLO to the reply that accepts it.

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.postmaster.mailcheck.bench.lab.postfix import run_postfix
from ansible_collections.postmaster.mailcheck.bench.rows.common import (
    SERVER_NAME,
    Absent,
    Bench,
    Row,
    engine,
    program,
    race,
    ratio_row,
)

OCTETS = 25 * 1024 * 1024
SENDER, RECIPIENT = "bench@lab.test", "anyone@discard.test"
LINE = b"0123456789 " * 6 + b"0123456789\r\n"


def message(bench: Bench) -> Iterator[Row]:
    curl = program("curl")
    folder = bench.subfolder("message")
    file = folder / "message.eml"
    file.write_bytes(b"Subject: bench\r\n\r\n" + LINE * (OCTETS // len(LINE)))
    with run_postfix(folder, bench.pki.relay) as port:
        for tls, work in (("none", "25 MiB message, in clear"), ("starttls", "25 MiB message, STARTTLS")):
            options = {"host": "127.0.0.1", "port": port, "tls": tls, "sender": SENDER, "recipients": [RECIPIENT]}
            options.update(bench.tls_options(), test_message={"file": str(file)})
            contestants = {
                "ours": functools.partial(_ours, options),
                "curl": functools.partial(_curl, curl, port, tls, bench, file),
            }
            race(1, contestants)
            yield ratio_row(work, race(bench.runs, contestants), "ours", "curl", 1.2)


def _ours(options: dict[str, Any]) -> float:
    return float(engine("transfer", **options))


def _curl(curl: str, port: int, tls: str, bench: Bench, file: Path) -> float:
    """curl is "about to transfer" when EHLO is done, and has its total when the message is accepted."""
    words = [curl, "--silent", "--show-error", "--url", f"smtp://{SERVER_NAME}:{port}", "--upload-file", str(file)]
    words += ["--connect-to", f"::127.0.0.1:{port}", "--mail-from", SENDER, "--mail-rcpt", RECIPIENT]
    words += ["--ssl-reqd", "--cacert", str(bench.pki.ca)] if tls == "starttls" else []
    words += ["--write-out", "%{time_pretransfer} %{time_total} %{response_code}"]
    ended = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    times = ended.stdout.split()
    if ended.returncode or times[2:] != ["250"]:
        raise Absent(f"curl: {ended.stdout.strip()}")
    return float(times[1]) - float(times[0])
