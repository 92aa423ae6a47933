# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Documents CONNECTION_OPTIONS of plugins/module_utils/_net/options.py: how whatever is connected to is reached.
    DOCUMENTATION = r"""
options:
  address_family:
    description:
      - Which addresses of a host to connect to. With V(any) all of them are tried, IPv6 and IPv4 in turn, until one answers.
      - Of a relay the next one is tried after a quarter of a second without an answer (RFC 8305).
    type: str
    choices: [any, ipv4, ipv6]
    default: any
  source_address:
    description:
      - The local IP address to connect from. Only addresses of its family are connected to then.
    type: str
  ca_path:
    description:
      - A PEM file with the certificate authorities to trust, or a folder of such files.
      - OpenSSL reads them. In a block C(TRUSTED CERTIFICATE) it heeds what the authority is trusted with, and what not.
      - If not set, the system's authorities are trusted.
    type: path
  connect_timeout:
    description:
      - Seconds that the TCP connection to one address may take.
    type: float
    default: 10
"""
