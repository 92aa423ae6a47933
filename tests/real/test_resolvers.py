# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is said of a domain where a resolver keeps something back or makes something up, and where a zone is broken in
# part. Each outcome was written from the standards before it was seen.

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.tests.real.names import Names
from ansible_collections.postmaster.mailcheck.tests.real.resolvers import MADE_UP, Resolvers


def look(server: str, domain: str, **options: Any) -> dict[str, Any]:
    result = check_domains([domain], dns_servers=[server], dns_timeout=20, **options)
    (report,) = result["domains"]
    return {**report, "validates": result["resolvers"][0]["validates"]}


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {rule["id"]: rule["outcome"] for rule in report["rules"]}


def about_dnssec(report: dict[str, Any]) -> set[str]:
    return {outcomes(report)[name] for name in ("dnssec_secure", "dnssec_valid", "dane_present")}


# A resolver that strips AD. A stub that does not get AD knows nothing of the security of what it is told (RFC 4035
# 4.9.3); that is neither secure nor insecure (RFC 4033 5).


@pytest.mark.parametrize("domain", ["secure.test", "insecure.test", "unannounced.test"])
def test_behind_a_resolver_that_strips_ad_nothing_is_insecure(resolvers: Resolvers, domain: str) -> None:
    report = look(resolvers.stripping, domain)
    assert report["validates"] is False
    assert (report["mx"]["state"], report["spf"]["state"]) == ("present", "present")
    assert (report["dnssec"]["status"], report["dnssec"]["basis"]) == ("not_determined", "none")
    (dane,) = report["dane"]
    assert (dane["state"], dane["look_up_failed"], dane["records"]) == ("not_determined", False, [])
    assert about_dnssec(report) == {"unknown"}


def test_behind_a_resolver_that_strips_ad_what_is_bogus_is_no_absence(resolvers: Resolvers) -> None:
    """The validator behind it says SERVFAIL (RFC 4035 5.5): there may be records, or not."""
    report = look(resolvers.stripping, "expired.test")
    assert {report[name]["state"] for name in ("mx", "spf", "dmarc", "tls_rpt")} <= {"bogus", "not_determined"}
    assert "met" not in outcomes(report).values()
    assert {name for name, outcome in outcomes(report).items() if outcome == "unmet"} <= {"dnssec_secure", "dnssec_valid", "dane_present"}  # fmt: skip


# A validator that answers CD as if it were not there. Then only a SERVFAIL is seen, whose reason nobody has shown.


def test_a_validator_that_ignores_cd_shows_what_is_signed(resolvers: Resolvers) -> None:
    report = look(resolvers.obstinate, "secure.test")
    assert (report["validates"], report["dnssec"]["status"]) == (True, "secure")


@pytest.mark.parametrize("domain", ["expired.test", "mismatch.test"])
def test_servfail_with_and_without_cd_leaves_everything_open(resolvers: Resolvers, domain: str) -> None:
    report = look(resolvers.obstinate, domain)
    assert {report[name]["state"] for name in ("mx", "spf", "dmarc", "dnssec")} == {"not_determined"}
    assert set(outcomes(report).values()) == {"unknown"}
    assert report["verdict"] == "unreachable"
    assert "SERVFAIL" in report["mx"]["reason"]


# A resolver that makes addresses up where names do not exist. What is signed it cannot rewrite for who asks with DO.


def test_a_made_up_address_is_no_listing(resolvers: Resolvers) -> None:
    """RFC 5782 2.1: a listing is an address of 127.0.0.0/8."""
    report = look(
        resolvers.rewriting, "insecure.test", look_at=["blocklists"], blocklists=["list.insecure.test"],
        senders=["192.0.2.25"],
    )  # fmt: skip
    found = report["blocklists"]["list.insecure.test"]
    assert {(one["state"], one["listed"]) for one in found} == {("not_determined", None)}
    assert MADE_UP in found[0]["reason"]
    assert outcomes(report) == {"not_listed": "unknown"}


def test_a_domain_that_does_not_exist_has_no_mail_because_its_name_was_given_an_address(resolvers: Resolvers) -> None:
    """It says that the name exists, and has nothing but an address. What is signed it cannot say that of."""
    report = look(resolvers.rewriting, "gone.insecure.test")
    assert (report["verdict"], outcomes(report)["mx_present"]) == ("failed", "unmet")
    assert look(resolvers.rewriting, "gone.secure.test")["cause"] == "name_not_found"


# A zone that is broken in part: what is whole counts, what is not leaves open what depends on it.


def test_only_the_kind_that_has_lost_its_signatures_is_bogus(names: Names) -> None:
    report = look(names.resolver, "torn.test")
    assert (report["spf"]["state"], report["spf"]["valid"]) == ("bogus", None)
    assert (report["mx"]["state"], report["dnssec"]["status"], report["dane"][0]["state"]) == (
        "present",
        "secure",
        "present",
    )
    assert (outcomes(report)["spf_present"], outcomes(report)["mx_valid"]) == ("unknown", "met")
    assert not [record for record in report["records"] if record["name"] == "torn.test"]  # no SPF in its place


def test_servfail_for_tlsa_alone_is_not_the_lack_of_tlsa(names: Names) -> None:
    """RFC 7672 2.1: senders defer, however well the addresses are answered."""
    report = look(names.resolver, "partly.test")
    (dane,) = report["dane"]
    assert (dane["state"], dane["look_up_failed"]) == ("not_determined", True)
    assert "defers" in dane["explanation"]
    assert (report["mx"]["state"], report["spf"]["valid"], report["dnssec"]["status"]) == ("present", True, "secure")
    assert outcomes(report)["dane_present"] == "unknown"
    assert not [record for record in report["records"] if record["type"] == "TLSA"]


def test_a_delegation_to_who_refuses_leaves_everything_open(names: Names) -> None:
    report = look(names.resolver, "refusing.test")
    assert {report[name]["state"] for name in ("mx", "spf", "dmarc", "dnssec")} == {"not_determined"}
    assert report["verdict"] == "unreachable"


def test_sixty_relays(names: Names) -> None:
    """None of which exists."""
    report = look(names.resolver, "many.secure.test", look_at=["mx", "dnssec", "dane"])
    assert (report["mx"]["state"], len(report["mx"]["hosts"])) == ("present", 60)
    assert {host["state"] for host in report["mx"]["hosts"]} == {"absent"}
    assert (report["mx"]["valid"], outcomes(report)["mx_valid"]) == (False, "unmet")
    assert len(report["dane"]) == len(report["dnssec"]["hosts"]) == 60


# What is well, whatever its form: an alias, a wildcard's name, one between others, one with an address alone.
HEALTHY = [
    "secure.test", "insecure.test", "unannounced.test", "nullmx.secure.test", "mx.secure.test", "first.secure.test",
    "below.empty.secure.test", "deep.below.empty.secure.test", "any.wild.secure.test", "x.alias.secure.test",
    "elsewhere.secure.test", "exact.wild.secure.test", "long.secure.test", "gone.secure.test",
]  # fmt: skip
LOOK_AT = ["mx", "dnssec", "dane", "mta_sts", "tls_rpt", "spf", "dkim", "dmarc", "bimi", "caa"]


def test_of_healthy_zones_nothing_is_open(names: Names) -> None:
    result = check_domains(
        HEALTHY, dns_servers=[names.resolver], dns_timeout=20, look_at=LOOK_AT, selectors=["s1"], senders=["192.0.2.25"]
    )
    for report in result["domains"]:
        assert not {"bogus", "not_determined"} & states(report), report["domain"]
        assert "unknown" not in outcomes(report).values(), report["domain"]


def states(fact: Any) -> set[Any]:
    """Each `state` and `status`, however deep."""
    if isinstance(fact, dict):
        own = {fact[name] for name in ("state", "status") if isinstance(fact.get(name), str)}
        return own.union(*map(states, fact.values()))
    return set().union(*map(states, fact)) if isinstance(fact, list) else set()
