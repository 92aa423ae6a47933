# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: an option as one says it on the command line.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Optional

# Secret option -> the option that it goes with: without that one, a secret that happens to be set is left alone.
SECRETS = {"password": "username", "access_token": "username", "client_key_password": "client_key"}


def flag_of(option: str) -> str:
    return "--" + option.replace("_", "-")


def variable_of(secret: str) -> str:
    """The variable of the environment that holds a secret: every user of a host may read a process's arguments."""
    return "MAILCHECK_" + secret.upper()


def as_argument(option: str, value: Optional[str] = None) -> str:
    """`--tls implicit`, `--no-validate-certs`, and for a secret its variable."""
    if option in SECRETS:
        return variable_of(option)
    if value == "false":
        return "--no-" + flag_of(option)[2:]
    return flag_of(option) + ("" if value in (None, "true") else " " + value)
