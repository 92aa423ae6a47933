# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whole domains by chance, from a seed: of SPF, DMARC, MX, MTA-STS and TLS-RPT each has one of the ways to publish them
# below, right ones and wrong ones. Together they are one zone, that of the root.

from __future__ import annotations

import random
from typing import Dict, List, NamedTuple, Optional

SUFFIXES = ("zone.test", "walk.test", "a.b.c.d.e.f.g.walk.test")  # two have a parent with a DMARC record
VALID_POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.{domain}\r\nmax_age: 604800\r\n"


def txt(*strings: str) -> str:
    return "TXT " + " ".join('"%s"' % string.replace('"', '\\"') for string in strings)


def includes(count: int) -> str:
    return "v=spf1 " + "".join("include:i%d.spf.test " % number for number in range(count)) + "-all"


# Label -> the records at the domain itself.
SPF: Dict[str, List[str]] = {
    "none": [],
    "nothing sends": [txt("v=spf1 -all")],
    "its relays": [txt("v=spf1 mx -all")],
    "networks": [txt("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all")],
    "an include": [txt("v=spf1 include:i1.spf.test -all")],
    "a redirect": [txt("v=spf1 redirect=i1.spf.test")],
    "ten includes": [txt(includes(10))],
    "eleven includes": [txt(includes(11))],
    "beside another text": [txt("v=spf1 -all"), txt("site-verification=0123")],
    "two records": [txt("v=spf1 mx -all"), txt("v=spf1 -all")],
    "of another version": [txt("v=spf10 -all")],
    "a blank before it": [txt(" v=spf1 -all")],
    "in capitals": [txt("V=SPF1 MX -ALL")],
    "several blanks": [txt("v=spf1   mx   -all  ")],
    "several strings": [txt("v=spf1 ip4:192.0.2.1 ip4:19", "2.0.2.2 -all")],
    "include of nothing": [txt("v=spf1 include:gone.spf.test -all")],
    "include of a name without SPF": [txt("v=spf1 include:text.spf.test -all")],
    "redirect to nothing": [txt("v=spf1 redirect=gone.spf.test")],
    "include of itself": [txt("v=spf1 include:{domain} -all")],
    "includes in a circle": [txt("v=spf1 include:circle1.spf.test -all")],
    "include of two records": [txt("v=spf1 include:twice.spf.test -all")],
    "include with an error": [txt("v=spf1 include:wrong.spf.test -all")],
    "two that find nothing": [txt("v=spf1 a:gone1.spf.test a:gone2.spf.test -all")],
    "three that find nothing": [txt("v=spf1 a:gone1.spf.test a:gone2.spf.test a:gone3.spf.test -all")],
    "no such address": [txt("v=spf1 ip4:192.0.2.300 -all")],
    "an IPv4 network of 33 bits": [txt("v=spf1 ip4:192.0.2.0/33 -all")],
    "an a of 33 bits": [txt("v=spf1 a/33 -all")],
    "a with two lengths": [txt("v=spf1 a:mx.{domain}/24//64 -all")],
    "an unknown mechanism": [txt("v=spf1 ipv4:192.0.2.1 -all")],
    "an unknown modifier": [txt("v=spf1 ra=postmaster x-ours=1 -all")],
    "an include of no name": [txt("v=spf1 include: -all")],
    "all with a value": [txt("v=spf1 all:example.com")],
    "no blank before all": [txt("v=spf1 ip4:192.0.2.1-all")],
    "terms behind all": [txt("v=spf1 -all mx")],
    "an error behind all": [txt("v=spf1 -all ipv4:192.0.2.1")],
    "redirect and all": [txt("v=spf1 redirect=i1.spf.test -all")],
    "two redirects": [txt("v=spf1 redirect=i1.spf.test redirect=i2.spf.test")],
    "two explanations": [txt("v=spf1 exp=text.spf.test exp=text.spf.test -all")],
    "everybody": [txt("v=spf1 +all")],
    "neutral": [txt("v=spf1 mx ?all")],
    "without an end": [txt("v=spf1 mx")],
    "ptr": [txt("v=spf1 ptr -all")],
    "a macro": [txt("v=spf1 exists:%{i}.spf.test -all")],
    "a broken macro": [txt("v=spf1 exists:%{x}.spf.test -all")],
    "a percent sign": [txt("v=spf1 exists:%i.spf.test -all")],
    "a tab between": [txt("v=spf1 mx\\009-all")],
}
# Label -> the records at _dmarc.
DMARC: Dict[str, List[str]] = {
    "none": [],
    "reject": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@{domain}")],
    "none, and reports": [txt("v=DMARC1; p=none; rua=mailto:dmarc@{domain}; ruf=mailto:dmarc@{domain}")],
    "all tags": [txt("v=DMARC1; p=quarantine; sp=none; np=reject; adkim=s; aspf=s; fo=1; psd=n; t=y")],
    "two records": [txt("v=DMARC1; p=reject"), txt("v=DMARC1; p=none")],
    "beside another text": [txt("v=DMARC1; p=reject"), txt("v=spf1 -all")],
    "another text alone": [txt("v=spf1 -all")],
    "no policy": [txt("v=DMARC1; rua=mailto:dmarc@{domain}")],
    "no policy and no reports": [txt("v=DMARC1; adkim=s")],
    "an unknown policy": [txt("v=DMARC1; p=block")],
    "the policy last": [txt("v=DMARC1; rua=mailto:dmarc@{domain}; p=reject")],
    "the version last": [txt("p=reject; v=DMARC1")],
    "a small v": [txt("v=dmarc1; p=reject")],
    "capitals": [txt("V=DMARC1; P=REJECT")],
    "blanks everywhere": [txt("v = DMARC1 ; p = reject ; ")],
    "no semicolons": [txt("v=DMARC1 p=reject")],
    "a blank before it": [txt(" v=DMARC1; p=reject")],
    "a tag twice": [txt("v=DMARC1; p=reject; p=none")],
    "an unknown tag": [txt("v=DMARC1; p=reject; x-ours=1")],
    "tags that are gone": [txt("v=DMARC1; p=reject; pct=50; rf=afrf; ri=3600")],
    "an unknown alignment": [txt("v=DMARC1; p=reject; adkim=x")],
    "unknown options for failures": [txt("v=DMARC1; p=reject; fo=x")],
    "an unknown subdomain policy": [txt("v=DMARC1; p=reject; sp=block")],
    "reports to somebody who agrees": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@agrees.test")],
    "reports to somebody who does not": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@disagrees.test")],
    "reports to no address": [txt("v=DMARC1; p=reject; rua=dmarc@{domain}")],
    "reports to a web address": [txt("v=DMARC1; p=reject; rua=https://{domain}/")],
    "a limit of size": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@{domain}!10m")],
    "the version alone": [txt("v=DMARC1")],
    "in quotes": [txt('"v=DMARC1; p=reject"')],
}
# Label -> the MX records.
MX: Dict[str, List[str]] = {
    "one": ["MX 10 mx.{domain}."],
    "two": ["MX 20 backup.{domain}.", "MX 10 mx.{domain}."],
    "of one preference": ["MX 10 mx.{domain}.", "MX 10 backup.{domain}."],
    "none": [],
    "null": ["MX 0 ."],
    "null beside another": ["MX 0 .", "MX 10 mx.{domain}."],
    "null with a preference": ["MX 10 ."],
    "in capitals": ["MX 10 MX.{domain}."],
    "missing": ["MX 10 gone.{domain}."],
    "an address": ["MX 10 192.0.2.25."],
}


class Policy(NamedTuple):
    """What is published about MTA-STS: the records at _mta-sts, and the policy; None: there is none to fetch."""

    records: List[str]
    text: Optional[str]


_RECORD = [txt("v=STSv1; id=20261128;")]
MTA_STS: Dict[str, Policy] = {
    "none": Policy([], None),
    "enforce": Policy(_RECORD, VALID_POLICY),
    "testing": Policy(_RECORD, VALID_POLICY.replace("enforce", "testing")),
    "switched off": Policy(_RECORD, "version: STSv1\nmode: none\nmax_age: 86400\n"),
    "no policy": Policy(_RECORD, None),
    "lines that end in LF": Policy(_RECORD, VALID_POLICY.replace("\r", "")),
    "no end of the last line": Policy(_RECORD, VALID_POLICY.rstrip()),
    "an empty line": Policy(_RECORD, VALID_POLICY + "\r\n"),
    "an unknown key": Policy(_RECORD, VALID_POLICY + "x-ours: 1\r\n"),
    "a key twice": Policy(_RECORD, VALID_POLICY + "mode: none\r\n"),
    "a line without a colon": Policy(_RECORD, VALID_POLICY + "hello\r\n"),
    "no blank behind the colon": Policy(_RECORD, VALID_POLICY.replace(": ", ":")),
    "a blank before the colon": Policy(_RECORD, VALID_POLICY.replace("mode:", "mode :")),
    "another version": Policy(_RECORD, VALID_POLICY.replace("STSv1", "STSv2")),
    "an unknown mode": Policy(_RECORD, VALID_POLICY.replace("enforce", "strict")),
    "no age": Policy(_RECORD, VALID_POLICY.replace("max_age: 604800\r\n", "")),
    "too long": Policy(_RECORD, VALID_POLICY.replace("604800", "31557601")),
    "an age with a sign": Policy(_RECORD, VALID_POLICY.replace("604800", "+604800")),
    "no host": Policy(_RECORD, VALID_POLICY.replace("mx: mx.{domain}\r\n", "")),
    "a wildcard": Policy(_RECORD, VALID_POLICY.replace("mx: mx.", "mx: *.")),
    "a wildcard inside": Policy(_RECORD, VALID_POLICY.replace("mx: mx.", "mx: mx.*.")),
    "a host that is not there": Policy(_RECORD, VALID_POLICY + "mx: other.{domain}\r\n"),
    "another host": Policy(_RECORD, VALID_POLICY.replace("mx: mx.", "mx: other.")),
    "two records": Policy(_RECORD + [txt("v=STSv1; id=2;")], VALID_POLICY),
    "beside another text": Policy(_RECORD + [txt("v=spf1 -all")], VALID_POLICY),
    "another version of the record": Policy([txt("v=STSv2; id=1;")], VALID_POLICY),
    "no id": Policy([txt("v=STSv1;")], VALID_POLICY),
    "an id with a dash": Policy([txt("v=STSv1; id=2026-11-28;")], VALID_POLICY),
    "an id that is too long": Policy([txt("v=STSv1; id=%s;" % ("1" * 33))], VALID_POLICY),
    "no semicolon at the end": Policy([txt("v=STSv1; id=1")], VALID_POLICY),
    "an extension": Policy([txt("v=STSv1; id=1; x-ours=1;")], VALID_POLICY),
    "blanks around an equals sign": Policy([txt("v=STSv1; id = 1;")], VALID_POLICY),
    "a field without a value": Policy([txt("v=STSv1; id=1; x-ours")], VALID_POLICY),
    "the id first": Policy([txt("id=1; v=STSv1;")], VALID_POLICY),
}
# Label -> the records at _smtp._tls.
TLS_RPT: Dict[str, List[str]] = {
    "none": [],
    "an address": [txt("v=TLSRPTv1; rua=mailto:tls@{domain}")],
    "a web address": [txt("v=TLSRPTv1; rua=https://{domain}/tls")],
    "both": [txt("v=TLSRPTv1;rua=mailto:tls@{domain},https://{domain}/tls;")],
    "two records": [txt("v=TLSRPTv1; rua=mailto:a@{domain}"), txt("v=TLSRPTv1; rua=mailto:b@{domain}")],
    "beside another text": [txt("v=TLSRPTv1; rua=mailto:tls@{domain}"), txt("v=spf1 -all")],
    "no address": [txt("v=TLSRPTv1;")],
    "an address without mailto": [txt("v=TLSRPTv1; rua=tls@{domain}")],
    "another scheme": [txt("v=TLSRPTv1; rua=ftp://{domain}/")],
    "another version": [txt("v=TLSRPTv2; rua=mailto:tls@{domain}")],
    "an extension": [txt("v=TLSRPTv1; rua=mailto:tls@{domain}; x-ours=1")],
    "blanks around an equals sign": [txt("v=TLSRPTv1; rua = mailto:tls@{domain}")],
    "a field without a value": [txt("v=TLSRPTv1; rua=mailto:tls@{domain}; x-ours")],
}
WAYS = {"spf": SPF, "dmarc": DMARC, "mx": MX, "mta_sts": MTA_STS, "tls_rpt": TLS_RPT}

SHARED = [
    ". SOA ns.test. hostmaster.test. 1 3600 600 86400 60",
    ". NS ns.test.",
    "ns.test. A 127.0.0.1",
    *("i%d.spf.test. %s" % (number, txt("v=spf1 ip4:192.0.2.%d -all" % number)) for number in range(11)),
    "text.spf.test. " + txt("hello"),
    "circle1.spf.test. " + txt("v=spf1 include:circle2.spf.test -all"),
    "circle2.spf.test. " + txt("v=spf1 include:circle1.spf.test -all"),
    "twice.spf.test. " + txt("v=spf1 -all"),
    "twice.spf.test. " + txt("v=spf1 mx -all"),
    "wrong.spf.test. " + txt("v=spf1 ipv4:192.0.2.1 -all"),
    "agrees.test. MX 10 mx.agrees.test.",
    "mx.agrees.test. A 192.0.2.30",
    "*._report._dmarc.agrees.test. " + txt("v=DMARC1;"),
    "disagrees.test. MX 10 mx.agrees.test.",
    "_dmarc.walk.test. " + txt("v=DMARC1; p=reject; sp=quarantine; rua=mailto:dmarc@walk.test"),
    "walk.test. MX 10 mx.agrees.test.",
]


class Domain(NamedTuple):
    name: str
    ways: Dict[str, str]  # what -> the label of its way

    @property
    def policy(self) -> Optional[str]:
        text = MTA_STS[self.ways["mta_sts"]].text
        return None if text is None else text.replace("{domain}", self.name)


def domains(count: int, seed: int) -> List[Domain]:
    """Each way of each thing comes at least once, if there are as many domains."""
    chance = random.Random(seed)
    columns = {}
    for what, ways in WAYS.items():
        labels = (list(ways) * (count // len(ways) + 1))[:count]
        chance.shuffle(labels)
        columns[what] = labels
    return [
        Domain(
            "d%d.%s" % (number, SUFFIXES[number % len(SUFFIXES)]),
            {what: labels[number] for what, labels in columns.items()},
        )
        for number in range(count)
    ]


def zone(found: List[Domain]) -> str:
    """The zone of the root, as a file."""
    lines = list(SHARED)
    for domain in found:
        ways = domain.ways
        at = {
            "": SPF[ways["spf"]] + MX[ways["mx"]] + ["A 192.0.2.80"],
            "mx.": ["A 192.0.2.25", "AAAA 2001:db8::25"],
            "backup.": ["A 192.0.2.26"],
            "_dmarc.": DMARC[ways["dmarc"]],
            "_mta-sts.": MTA_STS[ways["mta_sts"]].records,
            "_smtp._tls.": TLS_RPT[ways["tls_rpt"]],
        }
        for prefix, records in at.items():
            lines += ["%s%s. %s" % (prefix, domain.name, one.replace("{domain}", domain.name)) for one in records]
    return "$TTL 300\n" + "".join(line.replace(" ", " IN ", 1) + "\n" for line in lines)
