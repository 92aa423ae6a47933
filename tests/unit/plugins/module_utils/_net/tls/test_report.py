# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.bounds import (
    MAX_CERTIFICATES,
    MAX_ITEMS,
    Bounds,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import Secrets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.judging import is_kept, read_chain
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.report import tls_report

NOW = 1.8e9
DAY = 86400


def facts_of(sent):
    return TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "a", True, (), read_chain(sent), sent, "X25519")


@pytest.fixture(scope="module")
def chain():
    made = trustme.CA()
    issued = made.issue_cert("relay.example.com", "tanstaafl.example.com")
    return tuple(
        ssl.PEM_cert_to_DER_cert(pem.decode()) for pem in (issued.cert_chain_pems[0].bytes(), made.cert_pem.bytes())
    )


@pytest.fixture(scope="module")
def many_names():
    issued = trustme.CA().issue_cert(*("a%d.example" % number for number in range(MAX_ITEMS + 3)))
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


def test_the_same_chain_has_facts_of_its_own_in_each_report(chain):
    assert is_kept(chain)
    first = tls_report(facts_of(chain), Bounds(Secrets()), NOW)
    untouched = tls_report(facts_of(chain), Bounds(Secrets()), NOW)
    first["certificate"]["subject_alt_names"].append("DNS:other.example.com")
    first["certificate"]["public_key"]["bits"] = 1
    first["certificate"]["subject"] = "other"
    assert tls_report(facts_of(chain), Bounds(Secrets()), NOW) == untouched
    later = tls_report(facts_of(chain), Bounds(Secrets()), NOW + 2 * DAY)
    assert later["certificate"]["days_left"] == untouched["certificate"]["days_left"] - 2
    assert later["certificate"] is later["chain"][0] and len(later["chain"]) == 2


def test_kept_or_not_the_facts_are_the_same_but_for_the_secrets(chain):
    kept = tls_report(facts_of(chain), Bounds(Secrets()), NOW)
    assert kept == tls_report(facts_of(chain), Bounds(Secrets(("something else",))), NOW)
    hidden = tls_report(facts_of(chain), Bounds(Secrets(("tanstaafl",))), NOW)
    assert hidden["certificate"]["subject_alt_names"] == ["DNS:relay.example.com", "DNS:<redacted>.example.com"]
    assert {**hidden["certificate"], "subject_alt_names": kept["certificate"]["subject_alt_names"]} == kept[
        "certificate"
    ]


@pytest.mark.parametrize("secrets", [(), ("something else",)])
@pytest.mark.parametrize("padding", [0, 2])
def test_what_a_chain_has_too_much_of_is_told(many_names, secrets, padding):
    """Twice: what is kept tells it too. With more certificates than a report shows, none is kept."""
    sent = (many_names,) * (1 + padding * MAX_CERTIFICATES)
    assert is_kept(sent) is not padding
    for _report in range(2):
        bounds = Bounds(Secrets(secrets))
        report = tls_report(facts_of(sent), bounds, NOW)
        assert len(report["chain"]) == min(len(sent), MAX_CERTIFICATES)
        assert len(report["certificate"]["subject_alt_names"]) == MAX_ITEMS
        told = ["chain: 17 more were left out."] if padding else []
        assert bounds.left_out == [*told, "certificate.subject_alt_names: 3 more were left out."]


def test_no_chain():
    report = tls_report(facts_of(())._replace(chain=None), Bounds(Secrets()), NOW)
    assert (report["certificate"], report["chain"], report["group"]) == (None, None, "X25519")
