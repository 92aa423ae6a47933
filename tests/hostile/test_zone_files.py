# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Zone files that are built to keep us busy, and some that are large. RFC 1035 5.1 has $INCLUDE and sets no limit; what is
# expected is ours: reading ends, and says in which file and line it went wrong.

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable, Dict, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import zone_files

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "$ORIGIN example.com.\n$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\n"
MOST_RECORDS = 3000  # here, to be quick
TOO_MANY_FILES = "more than 1000 files to include, or 10 that include one another"
NO_FILE = "the file to include cannot be read: it is no file of at most"

# What stands in line 5 of the file "zone" -> which file and line is told, and what is said.
MISTAKES: Dict[str, Tuple[str, str, str]] = {
    "it includes itself": ("$INCLUDE zone", "zone:5", TOO_MANY_FILES),
    "two include each other": ("$INCLUDE other", "zone:5", TOO_MANY_FILES),
    "each file includes the next one four times": ("$INCLUDE laughs0", "laughs", TOO_MANY_FILES),
    "it includes what is not there": ("$INCLUDE nowhere", "zone:5", "no such file or directory"),
    "it includes a folder": ("$INCLUDE .", "zone:5", NO_FILE),
    "it includes a file that nobody writes to": ("$INCLUDE fifo", "zone:5", NO_FILE),
    "it includes a device without end": ("$INCLUDE /dev/zero", "zone:5", NO_FILE),
    "it includes that by a symbolic link": ("$INCLUDE link", "zone:5", NO_FILE),
    "an included file includes it": ("$INCLUDE deeper", "deeper:1", NO_FILE),
    "$GENERATE without end": ("$GENERATE 1-2147483647 a$ A 192.0.2.1", "zone:5", "more than 3000 records"),
    "$GENERATE of one set": ("$GENERATE 1-2147483647 a TXT $", "zone:5", "a.example.com has more than 1000 records"),
    "$GENERATE of nothing": ("$GENERATE a-b c A 192.0.2.1", "zone:5", ""),
    "a string of 70,000 octets": ("a TXT %s" % ("x" * 70000), "zone:5", ""),
    "a string without end": ("a TXT \"%s" % ("x" * 70000), "zone:5", ""),
    "10,000 parentheses": ("a TXT %s" % ("( " * 10000), "zone:5", ""),
    "NUL": ("a A \0\0", "zone:5", ""),
    "a terminal's commands": ("a MX \x1b[2J \x9b", "zone:5", ""),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "other").write_text("$INCLUDE zone\n")
    (tmp_path / "deeper").write_text("$INCLUDE fifo\n")
    for number in range(9):
        (tmp_path / ("laughs%d" % number)).write_text("$INCLUDE laughs%d\n" % (number + 1) * 4)
    (tmp_path / "laughs9").write_text("")
    os.mkfifo(str(tmp_path / "fifo"))
    (tmp_path / "link").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zone_files, "MOST_RECORDS", MOST_RECORDS)
    return tmp_path


def refusal(*files: str) -> str:
    with pytest.raises(OptionError) as caught:
        check_domains(["example.com"], look_at=["mx"], zone_files=list(files))
    return str(caught.value)


@pytest.mark.parametrize("what", MISTAKES)
def test_reading_ends_and_says_where(what: str, folder: Path) -> None:
    line, where, said = MISTAKES[what]
    (folder / "zone").write_text(HEAD + line + "\n", encoding="utf-8")
    told = refusal("zone")
    assert told.startswith("zone_files[0]: ") and where in told and said in told
    assert told.isprintable() and len(told) < 1000
    before = set(os.listdir("/proc/self/fd"))
    refusal("zone")
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir], ids=["a FIFO", "a device", "a folder"]
)
def test_what_is_no_file_is_not_waited_for(make: Callable[[str], None], folder: Path) -> None:
    make(str(folder / "zone"))
    assert "zone cannot be read: it is no file of at most" in refusal("zone")


def test_whose_zone_it_is_is_not_looked_for_without_end(folder: Path) -> None:
    (folder / "zone").write_text("$ORIGIN example.com.\n$TTL 60\n$GENERATE 1-2147483647 a$ A 192.0.2.1\n")
    assert "zone:3: it has more than 3000 records" in refusal("zone")


def test_a_file_that_is_larger_than_any_is_not_read(folder: Path) -> None:
    with open(str(folder / "zone"), "wb") as file:
        file.truncate(zone_files.MOST_OCTETS + 1)
    assert "zone cannot be read: it is no file of at most" in refusal("zone")


def test_as_many_records_as_there_is_room_for_are_read(folder: Path) -> None:
    """And of a set as many as a reply may hold; with the files that are included."""
    (folder / "more").write_text("@ MX 10 mx\nmx A 192.0.2.1\n$GENERATE 1-1000 a TXT $\n")
    (folder / "zone").write_text(HEAD + "$INCLUDE more\n$GENERATE 1-%d b$ A 192.0.2.1\n" % (MOST_RECORDS - 1004))
    (report,) = check_domains(["example.com"], look_at=["mx"], zone_files=["zone"])["domains"]
    assert [host["host"] for host in report["mx"]["hosts"]] == ["mx.example.com"]
    (folder / "more").write_text("@ MX 10 mx\nmx A 192.0.2.1\n$GENERATE 1-1001 a TXT $\n")
    assert "a.example.com has more than 1000 records" in refusal("zone")
