# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole domains of a BIND beside checkdmarc: domain_peers.py [number of domains] [seed].

A disagreement is judged against the standard in JUDGED, by the way in which the domain publishes the thing. One that no
row explains fails, and so does, of enough domains, a row that explains nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import checkdmarc
import checkdmarc.mta_sts
from dns.nameserver import Do53Nameserver

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.tests.differential.domain_zones import WAYS, Domain, domains, zone
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.names import BIND, ZONE, answers

COUNT = 200  # of fewer domains some may not show all that is judged
_STOPS = (
    "it stops at the name; by RFC 9989 4.10 what is no record there is discarded, and the walk goes on to the parents"
)
_NO_RECORDS = (
    "a blank before it", "a small v", "another text alone", "in quotes", "no semicolons", "the version last",
)  # fmt: skip
# (what, the label of its way) -> why checkdmarc says otherwise.
JUDGED: Dict[Tuple[str, str], str] = {
    (
        "spf",
        "a tab between",
    ): "it takes any white space for a separator; RFC 7208 4.6.1 has spaces alone, so mx\\t-all is no term",
    ("spf", "an error behind all"): "it does not read what is behind all; RFC 7208 4.6 wants errors anywhere detected",
    (
        "spf",
        "in capitals",
    ): "it knows mechanisms in small letters alone; in ABNF letters have no case (RFC 5234 2.3, RFC 7208 12)",
    **{("dmarc", label): _STOPS for label in _NO_RECORDS},
    ("dmarc", "two records"): "it stops at the name; by RFC 9989 4.10 several are discarded, and the walk goes on",
    ("dmarc", "beside another text"): "it refuses the name; by RFC 9989 4.10 records without the version are discarded",
    (
        "dmarc",
        "an unknown tag",
    ): "it refuses the record; by RFC 9989 4.8 what is malformed behind the version is ignored",
    (
        "dmarc",
        "unknown options for failures",
    ): "it refuses the record; by RFC 9989 4.8 the default takes the value's place",
}


def theirs(domain: Domain, port: int) -> Dict[str, Any]:
    def serve(_name: str, **_options: Any) -> Dict[str, Any]:
        if domain.policy is None:
            raise checkdmarc.mta_sts.MTASTSPolicyDownloadError("404")
        return {"policy": domain.policy, "warnings": []}

    checkdmarc.mta_sts.download_mta_sts_policy = serve
    found: Any = checkdmarc.check_domains(
        [domain.name], nameservers=[Do53Nameserver(servers.HOST, port)], bimi_selector=None, timeout=20
    )
    sts, dmarc = found["mta_sts"], found["dmarc"]
    return {
        "spf": _if(found["spf"]["valid"], found["spf"]["record"]),
        "dmarc": _if(dmarc["valid"], dmarc["record"], dmarc["location"]),
        "mx": sorted((host["preference"], host["hostname"]) for host in found["mx"]["hosts"]),
        "mta_sts": (sts["id"], sts["policy"]["mode"]) if sts["valid"] else None,
        "tls_rpt": found["smtp_tls_reporting"]["valid"],
    }


def ours(report: Mapping[str, Any]) -> Dict[str, Any]:
    spf, dmarc, sts = report["spf"], report["dmarc"], report["mta_sts"]
    return {
        "spf": _if(spf["valid"], spf["record"]),
        "dmarc": _if(dmarc["valid"], dmarc["record"], dmarc["policy_domain"]),
        "mx": sorted((host["preference"], host["host"]) for host in report["mx"]["hosts"] if host["preference"] is not None),
        # checkdmarc does not hold the policy against the MX hosts
        "mta_sts": (sts["id"], sts["policy"]["mode"]) if sts["applies"] else None,
        "tls_rpt": bool(report["tls_rpt"]["valid"]),
    }  # fmt: skip


def _if(valid: Any, *seen: Any) -> Any:
    """Of what is not valid peers show more or less; that it is not is what they have to agree on."""
    return seen if valid else None


def reports(found: List[Domain], port: int) -> List[Dict[str, Any]]:
    result = check_domains(
        [one.name for one in found],
        dns_servers=[f"{servers.HOST}:{port}"],
        look_at=list(WAYS),
        mta_sts_policies={one.name: one.policy for one in found if one.policy is not None},
        dns_timeout=20,
    )
    listed: List[Dict[str, Any]] = result["domains"]
    return listed


def main() -> int:
    count, seed = (int(word) for word in (sys.argv[1:] + [str(COUNT), "1"][len(sys.argv) - 1 :]))
    found = domains(count, seed)
    with tempfile.TemporaryDirectory(prefix="mailcheck-") as name:
        folder, port = Path(name), servers.free_port()
        folder.chmod(0o755)
        (folder / "zone").write_text(zone(found))
        served = BIND.format(folder=folder, port=port) + ZONE.format(name=".", file=folder / "zone")
        (folder / "named.conf").write_text(served)
        command = [servers.find_program("named"), "-g", "-c", str(folder / "named.conf")]
        with servers.running(command, port, folder / "log", ready=answers):
            pairs = [
                (domain, ours(report), theirs(domain, port)) for domain, report in zip(found, reports(found, port))
            ]
    return compared(pairs)


def compared(pairs: List[Tuple[Domain, Dict[str, Any], Dict[str, Any]]]) -> int:
    agreed: Counter[str] = Counter()
    judged: Counter[Tuple[str, str]] = Counter()
    unexplained: Dict[Tuple[str, str], str] = {}
    seen = defaultdict(set)
    for domain, mine, its in pairs:
        for what, label in domain.ways.items():
            seen[what].add(label)
            if mine[what] == its[what]:
                agreed[what] += 1
            elif (what, label) in JUDGED:
                judged[what, label] += 1
            else:
                unexplained[what, label] = f"we say {mine[what]}, checkdmarc says {its[what]}"
    idle = [key for key in JUDGED if key[1] in seen[key[0]] and not judged[key]]
    print(f"{len(pairs)} domains; agreed: " + ", ".join(f"{what} {number}" for what, number in agreed.items()))
    for (what, label), number in sorted(judged.items()):
        print(f"{what}, {label}, {number} times: {JUDGED[what, label]}")
    for (what, label), text in sorted(unexplained.items()):
        print(f"not explained: {what}, {label}: {text}")
    for what, label in idle:
        print(f"explains nothing any more: {what}, {label}")
    print(f"{len(unexplained)} not explained")
    return 1 if unexplained or (idle and len(pairs) >= COUNT) else 0


if __name__ == "__main__":
    sys.exit(main())
