# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: files that arguments name: what they hold, and how they are written.
#
# No mistake shows what a file holds, or how it is called: either may be a secret that went astray.

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from postmaster_mailcheck.commands.endings import Mistake

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Sequence


class NoFile(Mistake):
    """What an argument names cannot be read."""


class FromLine(str):
    """What a line of a file says, and which line that is."""

    number: int


@contextlib.contextmanager
def told_by_place(argument: str, entries: Sequence[Any]) -> Iterator[None]:
    """Within this, a mistake in one of these entries says where in the file that `argument` names it stands.

    Raises Mistake, and OptionError of what comes from elsewhere.
    """
    try:
        yield
    except OptionError as error:
        if str(error).startswith("endpoints["):
            raise Mistake("%s: %s" % (argument, error)) from None
        found = re.match(r"(?:hosts|domains)\[(\d+)\](?:\.host: |: |\.)", str(error))
        entry = entries[int(found.group(1))] if found else None
        if not found or not isinstance(entry, FromLine):
            raise
        raise Mistake("%s, line %d: %s" % (argument, entry.number, str(error)[found.end() :])) from None


def read(file: str, name: str) -> str:
    """The text of a file, or of standard input for `-`; `name` is the argument that named it. Raises Mistake."""
    try:
        if file == "-":
            return sys.stdin.read()
        with open(file, encoding="utf-8") as opened:
            return opened.read()
    except OSError as error:
        raise NoFile("%s: %s" % (name, error.strerror)) from None
    except ValueError:
        raise Mistake("%s: is no text in UTF-8" % name) from None


def load(file: str, name: str) -> Any:
    """What a file holds: by its name JSON or YAML, else its lines, without comments. Raises Mistake."""
    text, suffix = read(file, name), os.path.splitext(file)[1].lower()
    try:
        return _parsed(text, suffix)
    except ValueError as error:  # JSON's and YAML's complaints
        raise Mistake("%s: %s" % (name, error)) from None


def _parsed(text: str, suffix: str) -> Any:
    if suffix == ".json":
        import json

        return json.loads(text)
    if suffix in (".yml", ".yaml"):
        try:
            from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._yaml import read_yaml
        except ImportError:
            raise ValueError("PyYAML is not installed. Install it, or write JSON or a relay a line.") from None
        return read_yaml(text)
    lines = [FromLine(line.partition("#")[0].strip()) for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        line.number = number
    return [line for line in lines if line]


def load_options(file: str, name: str, lines: str, entries: str) -> Dict[str, Any]:
    """The options that a file holds: a list is the option `entries`, but that of a file of lines is `lines`.

    Raises Mistake.
    """
    found = load(file, name)
    if isinstance(found, list):
        structured = os.path.splitext(file)[1].lower() in (".json", ".yml", ".yaml")
        found = {entries if structured else lines: found}
    if not isinstance(found, dict):
        raise Mistake("%s holds neither a list of %s nor a dictionary of options." % (name, entries))
    return {str(option): value for option, value in found.items()}


def check_place(path: str, flag: str) -> None:
    """Raises Mistake where no file can be written. What was given is not shown."""
    folder = os.path.dirname(path) or os.curdir
    if os.path.exists(path) and not os.path.isfile(path):
        raise Mistake("%s: there is something that is no file" % flag)
    if not os.path.isdir(folder):
        raise Mistake("%s: there is no such folder" % flag)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Mistake("%s: nothing can be written into this folder" % flag)


def write_whole(path: str, text: str, mode: int, flag: str) -> None:
    """Write a file so that whoever reads it finds the old one or the new one, and no half. Raises Mistake.

    A symbolic link is replaced, not followed: somebody else may have laid it.
    """
    import tempfile

    folder, name = os.path.split(path)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".%s." % name, dir=folder or os.curdir)
        try:
            with open(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(descriptor)
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise Mistake("%s: it could not be written: %s" % (flag, printable(str(error.strerror)))) from None
