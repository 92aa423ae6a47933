# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a probe does is its own: nothing that a check is told to do at a relay is done by a probe as well, whatever the
# option. What is needed to reach the relay, as the client that the check comes as, it takes over.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import OFFERED_VERSIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import request as request_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.actions import Actions
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.probes import (
    PROBES,
    Survey,
    refused_versions,
    survey_follow_up,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.tests.support.script import VERIFIED, request_for

# Rule with a probe -> what is expected.
EXPECT = {
    "tls_versions_refused": ["TLSv1", "TLSv1.1"],
    "tls_required": True,
    "auth_refused_in_clear": True,
    "auth_required": "anna@example.com",
    "relaying_refused": {"recipient": "stranger@example.net", "control_recipient": "anna@example.com"},
}
PLAIN = {"expect": EXPECT, "survey": True, "sender": "probe@example.org"}
SEND = {"recipients": ["bert@example.com"], "send": True}
PASSWORD = {"username": "tim", "password": "tanstaaftanstaaf"}
# Option -> a value that is not its default, with what it needs beside it.
OF_THE_RUN = ["dns_servers", "dns_timeout"]  # whom the run asks: no part of what is asked of one relay
CHANGES = {
    "port": {"port": 2525},
    "protocol": {"protocol": "lmtp", "tls": "starttls"},
    "address_family": {"address_family": "ipv4"},
    "source_address": {"source_address": "192.0.2.9"},
    "ehlo_name": {"ehlo_name": "other.example.org"},
    "tls": {"tls": "opportunistic"},
    "validate_certs": {"validate_certs": False},
    "ca_path": {"ca_path": "/ca.pem"},
    "tls_server_name": {"tls_server_name": "other.example.com"},
    "tls_min_version": {"tls_min_version": "TLSv1.3"},
    "tls_max_version": {"tls_max_version": "TLSv1.2"},
    "tls_ciphers": {"tls_ciphers": "ECDHE+AESGCM"},
    "tlsa": {"tlsa": ["3 1 1 " + "ab" * 32]},
    "dns_servers": {"dns_servers": ["192.0.2.53"]},
    "dns_timeout": {"dns_timeout": 1.0},
    "client_cert": {"client_cert": "/client.pem"},
    "client_key": {"client_cert": "/client.pem", "client_key": "/key.pem"},
    "client_key_password": {"client_key_password": "tanstaaf"},
    "username": PASSWORD,
    "password": PASSWORD,
    "access_token": {"username": "tim", "access_token": "tanstaaf"},
    "auth_mechanisms": {"auth_mechanisms": ["ANONYMOUS"]},
    "allow_plaintext_auth": {"allow_plaintext_auth": True},
    "sender": {"sender": "other@example.org"},
    "recipients": {"recipients": ["bert@example.com"]},
    "send": SEND,
    "dsn": {"dsn": {"notify": ["never"]}},
    "chunking": {"chunking": True},
    "requiretls": {"requiretls": True},
    "prdr": {"prdr": True},
    "mail_parameters": {"mail_parameters": {"BY": "120;R"}},
    "proxy_protocol": {"proxy_protocol": {"source_address": "192.0.2.7"}},
    "xclient": {"xclient": {"ADDR": "192.0.2.7"}},
    "extra_commands": {"extra_commands": ["VRFY tim"]},
    "survey": {"survey": False},
    "send_if": {"send_if": "all"},
    "test_message": dict(SEND, test_message={"subject": "x"}),
    "stop_after": {"stop_after": "rcpt"},
    "timeout": {"timeout": 31.0},
    "connect_timeout": {"connect_timeout": 11.0},
    "acceptance_timeout": {"acceptance_timeout": 121.0},
    "retry_for": {"retry_for": 5.0},
    "retry_interval": {"retry_interval": 5.0},
    "expect": {"expect": dict(EXPECT, capabilities=["DSN"])},
    "transcript": {"transcript": "never"},
}
EVERYTHING = {
    name: value
    for changes in CHANGES.values()
    for name, value in changes.items()
    if name not in ("survey", "tls_max_version", "access_token", "stop_after")  # which exclude others
}
ACTIONS = {
    "username", "password", "access_token", "auth_mechanisms", "allow_plaintext_auth", "sender", "recipients", "send",
    "dsn", "chunking", "requiretls", "prdr", "mail_parameters", "extra_commands", "send_if", "test_message",
    "stop_after",
}  # fmt: skip
# These speak a MAIL of their own, whose reverse-path is the caller's.
SAY_MAIL = ("auth_required", "relaying_refused")


@pytest.fixture(autouse=True)
def no_files(monkeypatch):
    """The certificates and keys above are nowhere."""
    monkeypatch.setattr(request_module, "_make_contexts", lambda *_policy, **_named: None)


def trials(request):
    """Rule, survey or its follow-up -> what is tried."""
    facts = Facts(Transcript(0.0))
    facts.tls = VERIFIED._replace(version="TLSv1.2", cipher="ECDHE-RSA-AES128-GCM-SHA256")
    same_suite = [Outcome(facts, (), None, None, 0.0, 0.0)] * 2
    return dict(plan._trials(request), follow_up=survey_follow_up(request.endpoint, same_suite))


def actions_of(request):
    return {name: [actions for _endpoint, actions in several] for name, several in trials(request).items()}


def test_every_option_and_every_probe_is_here():
    assert set(CHANGES) == set(OPTIONS)
    assert set(EXPECT) == set(PROBES)
    assert all(trials(request_for(**PLAIN)).values())


def test_which_options_are_actions():
    plain = request_for(**PLAIN)
    changed = {name: request_for(**dict(PLAIN, **changes)) for name, changes in CHANGES.items()}
    assert [name for name, request in changed.items() if request == plain] == OF_THE_RUN
    assert {name for name, request in changed.items() if request.actions != plain.actions} == ACTIONS


@pytest.mark.parametrize("option", sorted(OPTIONS))
@pytest.mark.parametrize("check_mode", [False, True])
def test_no_probe_inherits_an_action(option, check_mode):
    plain = actions_of(request_for(**PLAIN))
    probes = actions_of(request_for(check_mode=check_mode, **dict(PLAIN, **CHANGES[option])))
    for name, several in probes.items():
        if option == "sender" and name in SAY_MAIL:
            assert [actions.sender for actions in several] == ["other@example.org"]
            several = [actions._replace(sender="probe@example.org") for actions in several]
        assert several == plain[name]


@pytest.mark.parametrize("changes", [{}, EVERYTHING])
def test_a_probe_looks_and_no_more(changes):
    """No credentials, no command of the caller's, no message; an envelope where the rule is about one."""
    for name, several in actions_of(request_for(**dict(PLAIN, **changes))).items():
        for actions in several:
            own = actions._replace(stop_after="", sender=None, recipients=())
            assert own == Actions(), name
            assert bool(actions.recipients) is (name in SAY_MAIL)
            assert (actions.sender is not None) is (name in (*SAY_MAIL, "tls_required"))


@pytest.mark.parametrize("option", ["port", "source_address", "ehlo_name", "proxy_protocol", "xclient", "timeout"])
def test_a_probe_comes_to_the_same_relay_as_the_same_client(option):
    request = request_for(**dict(PLAIN, **CHANGES[option]))
    for several in trials(request).values():
        assert {str(getattr(endpoint, option)) for endpoint, _actions in several} == {
            str(getattr(request.endpoint, option))
        }


@pytest.mark.parametrize(
    "answers, refused",
    [
        ("accepted accepted refused refused", ["TLSv1.2", "TLSv1.3"]),
        ("refused refused accepted refused", ["TLSv1", "TLSv1.1", "TLSv1.3"]),
        ("accepted unknown refused not_tried", ["TLSv1.2"]),
        ("refused refused refused refused", []),  # whatever was asked for: perhaps it has no certificate
    ],
)
def test_what_a_survey_saw_refused_counts_where_it_saw_something_accepted(answers, refused):
    survey = Survey(dict(zip(OFFERED_VERSIONS, answers.split())), {}, {}, None)
    hung_up = Facts(Transcript(0.0))
    hung_up.failure = Failure("tls", "tls_handshake_reset")
    endpoint = request_for().endpoint
    assert refused_versions(endpoint, hung_up, survey) == refused
    assert refused_versions(endpoint, hung_up, None) == []
