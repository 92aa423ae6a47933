# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a domain is advised to publish: records for the DNS, each with its reason and what must be true first.

from __future__ import annotations

from typing import NamedTuple

TTL = 3600  # seconds: long enough to be kept, short enough to be taken back


class Record(NamedTuple):
    """One record, as a zone has it."""

    name: str  # A-labels, no dot at the end
    type: str
    value: str
    ttl: int  # seconds
    reason: str  # what it is good for
    after: str  # what must be true before it is published; "" if nothing
