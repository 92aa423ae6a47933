# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that Ansible collections share, by antsibull-nox, and `make test` as one session: `nox` runs the former.

What each session does is set in antsibull-nox.toml. Needs nox, antsibull-nox and ansible-core (whose ansible-galaxy
antsibull-nox asks).
"""

# /// script
# dependencies = ["nox >= 2025.2.9", "antsibull-nox >= 1.10", "ansible-core >= 2.18"]
# ///

from __future__ import annotations

import antsibull_nox
import nox

antsibull_nox.load_antsibull_nox_toml()


@nox.session(python=False, default=False)
def gates(session: nox.Session) -> None:
    """Every gate of `make test`, or those that are named: `nox -s gates -- units cli`."""
    session.run("python3", "tools/gates.py", *session.posargs)


if __name__ == "__main__":
    nox.main()
