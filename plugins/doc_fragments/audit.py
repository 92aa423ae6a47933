# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import yaml

from ansible_collections.postmaster.mailcheck.plugins.doc_fragments.connection import ModuleDocFragment as Connection


class ModuleDocFragment:
    # Documents RELAY_OPTIONS of plugins/module_utils/_audit/options.py, in its order, but what connection.py does.
    DOCUMENTATION = r"""
options:
  port:
    description:
      - The relay's TCP port.
      - If not set, it is V(25), or V(465) with O(tls=implicit).
    type: int
  tls:
    description:
      - V(opportunistic) takes STARTTLS where it is offered, V(implicit) begins with TLS, V(none) stays in clear.
        Certificates are judged, and stop nothing.
      - If not set, it is V(opportunistic), but V(implicit) with O(port=465), which a warning says.
    type: str
    choices: [opportunistic, implicit, none]
  intensity:
    description:
      - V(safe) draws no error. V(active) draws some, which stand in the relay's log, V(intrusive) may have the relay
        ban this host for a while. Each holds those before it.
    type: str
    choices: [safe, active, intrusive]
    default: safe
  probes:
    description:
      - The probes to make, by name; C(mailcheck audit --list) has them all. If not set, all that O(intensity) allows
        and for which there is what they need; RV(not_made) has the others.
    type: list
    elements: str
  known_recipient:
    description:
      - An address that the relay takes mail for, yours. It is the control of each probe about recipients. Nothing is
        sent to it.
    type: str
  outside_recipient:
    description:
      - An address elsewhere, yours too, that the relay has no reason to take mail for. Nothing is sent to it, unless
        O(outside_mailbox) says where that arrives.
    type: str
  mailbox_recipient:
    description:
      - An address whose mailbox is yours, that the relay takes mail for. The messages of the probe V(smuggling) go there,
        eight of them, and more where O(mailbox) says where that is.
    type: str
  sender:
    description:
      - The reverse-path to use, to which goes what comes back. If not set, O(known_recipient).
    type: str
  pause:
    description:
      - Seconds to wait between two connections.
    type: float
    default: 0
  ehlo_name:
    description:
      - The name to give in EHLO. If not set, the host's name where that has a dot, else the address.
    type: str
  tls_server_name:
    description:
      - The name to ask for, and to hold the certificate against. If not set, O(host).
    type: str
  timeout:
    description:
      - Seconds that each connection may take.
    type: float
    default: 30
"""

    # The same options once more, for one relay of many: a default would override the task's own option.
    ENDPOINTS: str = yaml.safe_dump(
        {
            "options": {
                "endpoints": {
                    "description": ["Relays with options of their own, which override those of the task."],
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "suboptions": {
                        "host": {
                            "description": ["The relay. A host name, an IPv4 or an IPv6 address."],
                            "type": "str",
                            "required": True,
                        },
                        "name": {"description": ["What to call this row; by default its host."], "type": "str"},
                        "labels": {"description": ["What shall come back with the row, as it is."], "type": "dict"},
                        **{
                            name: {key: text for key, text in option.items() if key != "default"}
                            for documented in (DOCUMENTATION, Connection.DOCUMENTATION)
                            for name, option in yaml.safe_load(documented)["options"].items()
                        },
                    },
                }
            }
        }
    )
