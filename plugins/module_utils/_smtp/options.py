# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The options of a check.
#
# OPTIONS is the one list of options that every module and the Python face share, in the form of an Ansible
# argument spec. What each of them means is checked where it becomes a record: endpoint.py, actions.py, request.py.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.options import CONNECTION_OPTIONS, SIGN_IN_OPTIONS, TLS_OPTIONS
from .._net.tls.model import OFFERED_VERSIONS, VERSIONS

if TYPE_CHECKING:
    from typing import Any, Dict

MESSAGE_OPTIONS: Dict[str, Dict[str, Any]] = {
    "subject": {"type": "str"},
    "body": {"type": "str"},
    "html": {"type": "str"},
    "headers": {"type": "dict"},
    "attachments": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "path"},
            "content": {"type": "str"},
            "filename": {"type": "str"},
            "content_type": {"type": "str"},
        },
    },
    "probe": {"type": "str", "choices": ["gtube", "eicar"]},
    "transfer_encoding": {"type": "str", "choices": ["7bit", "8bit"], "default": "7bit"},
    "file": {"type": "path"},
    "normalise_line_endings": {"type": "bool", "default": False},
}

# How a relay is reached and greeted, by whatever speaks to it.
RELAY_CONNECTION: Dict[str, Dict[str, Any]] = {**CONNECTION_OPTIONS, "ehlo_name": {"type": "str"}}

OPTIONS: Dict[str, Dict[str, Any]] = {
    "port": {"type": "int"},
    "protocol": {"type": "str", "choices": ["smtp", "lmtp"], "default": "smtp"},
    **RELAY_CONNECTION,
    "tls": {"type": "str", "choices": ["starttls", "opportunistic", "implicit", "none"]},
    **TLS_OPTIONS,
    **SIGN_IN_OPTIONS,
    "sender": {"type": "str"},
    "recipients": {"type": "list", "elements": "str", "default": []},
    "send": {"type": "bool", "default": False},
    "dsn": {
        "type": "dict",
        "options": {
            "notify": {"type": "list", "elements": "str", "choices": ["never", "success", "failure", "delay"]},
            "ret": {"type": "str", "choices": ["full", "hdrs"]},
            "envid": {"type": "str"},
            "orcpt": {"type": "bool", "default": False},
        },
    },
    "chunking": {"type": "bool", "default": False},
    "requiretls": {"type": "bool", "default": False},
    "prdr": {"type": "bool", "default": False},
    "mail_parameters": {"type": "dict"},
    "proxy_protocol": {
        "type": "dict",
        "options": {
            "version": {"type": "int", "choices": [1, 2], "default": 2},
            "source_address": {"type": "str", "required": True},
            "source_port": {"type": "int"},
            "destination_address": {"type": "str"},
            "destination_port": {"type": "int"},
        },
    },
    "xclient": {"type": "dict"},
    "extra_commands": {"type": "list", "elements": "str"},
    "survey": {"type": "bool", "default": False},
    "send_if": {"type": "str", "choices": ["any", "all"], "default": "any"},
    "test_message": {"type": "dict", "options": MESSAGE_OPTIONS},
    "stop_after": {"type": "str", "choices": ["greeting", "ehlo", "tls", "auth", "mail", "rcpt"]},
    "timeout": {"type": "float", "default": 30.0},
    "acceptance_timeout": {"type": "float", "default": 120.0},
    "retry_for": {"type": "float", "default": 0.0},
    "retry_interval": {"type": "float", "default": 2.0},
    "expect": {"type": "dict"},
    "tlsa": {"type": "list", "elements": "str", "default": []},
    "dns_servers": {"type": "list", "elements": "str", "default": []},
    "dns_timeout": {"type": "float", "default": 5.0},
    "transcript": {"type": "str", "choices": ["always", "on_failure", "never"]},
}

# The rules that `expect` may name, as suboptions: what Ansible checks of their values, before rules.py does. A unit
# test compares the two.
_WORDS: Dict[str, Any] = {"type": "list", "elements": "str"}
EXPECT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "capabilities": _WORDS,
    "capabilities_absent": _WORDS,
    "capabilities_before_tls": _WORDS,
    "capabilities_before_tls_absent": _WORDS,
    "auth_mechanisms": _WORDS,
    "auth_absent_before_tls": {"type": "bool"},
    "tls_version_min": {"type": "str", "choices": list(VERSIONS)},
    "certificate_days_left": {"type": "float"},
    "certificate_names": _WORDS,
    "public_key_min_bits": {"type": "raw"},
    "dane_valid": {"type": "bool"},
    "greeting_matches": {"type": "str"},
    "min_message_size": {"type": "float"},
    "max_seconds": {"type": "float"},
    "tls_versions_refused": {**_WORDS, "choices": list(OFFERED_VERSIONS)},
    "tls_required": {"type": "bool"},
    "auth_refused_in_clear": {"type": "bool"},
    "auth_required": {"type": "str"},
    "relaying_refused": {
        "type": "dict",
        "options": {name: {"type": "str"} for name in ("recipient", "control_recipient", "sender")},
    },
    "codes": {"type": "dict"},  # one of its stages has a name that Ansible keeps for itself among options: message
}
