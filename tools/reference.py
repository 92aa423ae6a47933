# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reference pages from the tables: rules, profiles, facts and metrics. Run it after a change there.

A test compares pages and tables. PYTHONPATH must lead to the collection, as for the tests: `make reference` sees to it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

import yaml

from ansible_collections.postmaster.mailcheck.plugins.doc_fragments.smtp import ModuleDocFragment
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import ALWAYS, WHERE_PRESENT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import RULES as DOMAIN_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.rules import RULES as MAIL_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES as RELAY_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import RuleKind, parse_expect
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.prometheus import as_prometheus
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import known_profiles, load_profiles
from ansible_collections.postmaster.mailcheck.tests.support.assessments import MAILBOX, WAIVERS, mixed
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/docsite/rst"
HEAD = """.. Written by tools/reference.py: change {source}, then run `make reference`.

.. _ansible_collections.postmaster.mailcheck.docsite.{name}:

{title}
{line}

{about}
"""
LINK = ":ref:`%s <ansible_collections.postmaster.mailcheck.docsite.rule_%s_%s>`"
LINKED = ("relay", "domain")  # an audit's rules are its probes, which have a page of their own
# What the wire sees of a rule that judges what is learned anyway.
NOTHING = "nothing of its own: it judges what the check has learned"
# What a look at each part of a domain asks the DNS, and whom else.
ASKED = {
    "mx": "MX of the domain, A and AAAA of each host",
    "dnssec": "SOA of the domain with DNSSEC's flags, NS of the root",
    "dane": "TLSA at _25._tcp of each MX host",
    "mta_sts": "TXT at _mta-sts, then the policy by HTTPS from mta-sts.DOMAIN",
    "tls_rpt": "TXT at _smtp._tls",
    "spf": "TXT of the domain, then what each term of the record leads to",
    "dkim": "TXT at SELECTOR._domainkey for each selector",
    "dmarc": "TXT at _dmarc of the domain and of names above it; at other domains that are to receive reports",
    "bimi": "TXT at default._bimi",
    "reverse": "PTR of each address, then A and AAAA of the name",
    "blocklists": "A and TXT of each address below each list's zone",
    "relays": "EHLO, STARTTLS, a handshake and QUIT at port 25 of each address of each MX host",
    "caa": "CAA of the domain, or of the nearest name above it that has some",
}
EXAMPLES: Dict[str, Any] = {
    "capabilities": ["PIPELINING", "8BITMIME"],
    "capabilities_absent": ["ETRN", "VRFY"],
    "capabilities_before_tls": ["STARTTLS"],
    "capabilities_before_tls_absent": ["AUTH"],
    "auth_mechanisms": ["SCRAM-SHA-256"],
    "tls_version_min": "TLSv1.3",
    "certificate_days_left": 30,
    "certificate_names": ["smtp.example.com"],
    "public_key_min_bits": {"RSA": 2048, "EC": 256},
    "greeting_matches": "^relay\\.example\\.com ESMTP$",
    "min_message_size": 25000000,
    "max_seconds": 5,
    "tls_versions_refused": ["TLSv1", "TLSv1.1"],
    "auth_required": "somebody@example.net",
    "relaying_refused": {"recipient": "somebody@example.net", "control_recipient": "postmaster@example.com"},
    "codes": {"rcpt": [550, 554]},
    "mta_sts_mode": "enforce",
    "spf_lookups": 10,
    "dkim_min_bits": {"RSA": 2048},
    "dmarc_policy": "quarantine",
    "arrived_within": 60,
    "folder": "INBOX",
    "bounce": {"status": "5.1.1", "within": 60},
    "dkim": ["pass"],
    "spf": ["pass"],
    "dmarc": ["pass"],
    "spam": False,
}


class Page(NamedTuple):
    name: str
    title: str
    source: str
    about: str
    body: Iterator[str]

    @property
    def file(self) -> Path:
        return PAGES / (self.name + ".rst")

    def text(self) -> str:
        head = HEAD.format(**self._asdict(), line="=" * len(self.title))
        return re.sub(r"[ \t]+$", "", head + "".join(self.body), flags=re.MULTILINE)


def pages() -> List[Page]:
    return [
        Page(
            "rules", "What may be expected", "the RULES of a wing, or the documentation of expect",
            """Each rule of ``expect``, with what it takes and what goes over the wire for it. A rule comes to ``met``,
``unmet`` or ``unknown``, and then its text says why. Relays are those of
:ansplugin:`postmaster.mailcheck.smtp_check#module` and :ansplugin:`postmaster.mailcheck.smtp_sweep#module`.""",
            rules(),
        ),
        Page(
            "profiles", "The profiles, rule by rule", "plugins/plugin_utils/data/profiles/",
            """What each profile that comes along expects, where that comes from, and why. The roles and
:ansplugin:`postmaster.mailcheck.profile#lookup` take them by name.""",
            profiles(),
        ),
        Page(
            "facts", "Every fact", "RETURN of the modules",
            "What the modules return, by the name under which a playbook finds it. Below a list, the name has ``[]``.",
            facts(),
        ),
        Page(
            "metrics", "Every metric", "plugins/plugin_utils/_formats/prometheus.py",
            "What the format ``prometheus`` writes, for the textfile collector of Prometheus' node exporter.",
            metrics(),
        ),
    ]  # fmt: skip


def title(text: str, line: str) -> str:
    return "\n%s\n%s\n" % (text, line * len(text))


def rst(text: str) -> str:
    """Ansible's markup as literals."""
    text = re.sub(r"\b(?:[VCOMPEI]|RV)\((?:ignore:)?((?:[^()\\]|\\.)*)\)", r"``\1``", text)
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)
    # An asterisk outside of literals would begin an emphasis.
    return "``".join(part if inside % 2 else part.replace("*", "\\*") for inside, part in enumerate(text.split("``")))


def inline(value: Any) -> str:
    """A value as YAML in a line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n...")[0].strip()


# Rules


def rules() -> Iterator[str]:
    relays = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    wings: Tuple[Tuple[str, str, Mapping[str, RuleKind], Any], ...] = (
        ("relay", "Of a relay", RELAY_RULES, relays),
        ("domain", "Of a mail domain", DOMAIN_RULES, documented("domain_check", "DOCUMENTATION")["options"]),
        (
            "message",
            "Of a message that is waited for",
            MAIL_RULES,
            documented("wait_for_mail", "DOCUMENTATION")["options"],
        ),
    )
    for wing, heading, table, options in wings:
        yield title(heading, "-")
        for name, kind in table.items():
            yield rule(wing, name, kind, table, options["expect"]["suboptions"][name])


def rule(wing: str, name: str, kind: RuleKind, table: Mapping[str, RuleKind], option: Mapping[str, Any]) -> str:
    example = EXAMPLES.get(name, True)
    parse_expect(table, {name: example})  # what is shown is taken
    about = option["description"]
    own = [text for text in about if "connection of its own" in text]
    wire = rst(own[0]) if own else "ask the DNS for %s" % ASKED[kind.stage] if wing == "domain" else NOTHING
    fields = [
        ("Takes", takes(option)),
        ("Example", "``%s: %s``" % (name, inline(example))),
        ("On the wire", wire),
        ("Severity", kind.severity),
        ("If unmet", rst(kind.remedy)),
    ]  # fmt: skip
    if wing == "domain":
        usual = "yes" if name in ALWAYS else "where there is such a record" if name in WHERE_PRESENT else "no"
        fields.insert(3, ("Expected of any domain", usual))
    label = "\n.. _ansible_collections.postmaster.mailcheck.docsite.rule_%s_%s:\n" % (wing, name)
    told = "\n\n".join(rst(text) for text in about if text not in own)
    return label + title(name, "^") + "\n%s\n\n%s" % (told, "".join(":%s: %s\n" % field for field in fields))


def takes(option: Mapping[str, Any]) -> str:
    if option["type"] == "raw":
        return "see above"
    kinds = {"bool": "true or false", "float": "a number", "str": "a text", "dict": "a dictionary"}
    text = kinds.get(option["type"]) or "a list of %s" % ("numbers" if option["elements"] == "int" else "words")
    if "choices" in option:
        text += ", of %s" % ", ".join("``%s``" % choice for choice in option["choices"])
    inner = [
        "``%s``, %s" % (name, ". ".join(map(uncapitalised, rst(" ".join(one["description"])).rstrip(".").split(". "))))
        for name, one in option.get("suboptions", {}).items()
    ]
    return text + (": " + "; ".join(inner) if inner else "")


def uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


# Profiles


def profiles() -> Iterator[str]:
    for name, kind in known_profiles().items():
        written = yaml.safe_load((ROOT / ("plugins/plugin_utils/data/profiles/%s.yml" % name)).read_text("utf-8"))
        load_profiles([name])
        yield title(name, "-") + "\n%s. %s Of %ss.\n" % (written["title"], written["description"], kind)
        yield table(("Rule", "Expected", "Severity", "Source", "Why"), (18, 22, 10, 16, 34), [
            (
                LINK % (rule, kind, rule) if kind in LINKED else "``%s``" % rule,
                "``%s``" % inline(entry["expect"]),
                str(entry.get("severity", "")),
                ("%s %s" % (entry.get("document", ""), entry.get("section", ""))).strip(),
                rst(str(entry.get("reason", ""))),
            )
            for rule, entry in written["rules"].items()
        ])  # fmt: skip


def table(head: Tuple[str, ...], widths: Tuple[int, ...], rows: List[Tuple[str, ...]]) -> str:
    lines = ["", ".. list-table::", "   :header-rows: 1", "   :widths: " + " ".join(map(str, widths)), ""]
    for row in (head, *rows):
        lines += ["   %s - %s" % ("*" if index == 0 else " ", cell) for index, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


# Facts


def documented(module: str, name: str) -> Dict[str, Any]:
    """A module's documentation, without importing it, which would take Ansible."""
    for node in ast.parse((ROOT / ("plugins/modules/%s.py" % module)).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return dict(yaml.safe_load(ast.literal_eval(node.value)))
    raise LookupError(name)


def facts() -> Iterator[str]:
    for module in sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__"):
        yield title(module, "-") + "\n:ansplugin:`postmaster.mailcheck.%s#module` returns:\n" % module
        rows = list(flattened(documented(module, "RETURN")))
        yield table(("Fact", "Type", "Example", "What it is"), (26, 10, 20, 44), rows)


def flattened(returned: Mapping[str, Any], before: str = "") -> Iterator[Tuple[str, ...]]:
    for name, fact in returned.items():
        path = before + name
        about = fact.get("description") or ""
        text = rst(" ".join(about) if isinstance(about, list) else about)
        sample = fact.get("sample")
        shown = "" if sample in (None, "") or fact.get("contains") else "``%s``" % " ".join(str(sample).split())[:80]
        kind = "list of %s" % fact["elements"] if "elements" in fact else fact["type"]
        yield "``%s``" % path, kind, shown, text
        if "contains" in fact:
            yield from flattened(fact["contains"], path + ("[]." if fact["type"] == "list" else "."))


# Metrics


def metrics() -> Iterator[str]:
    assessments = (mixed(waivers=WAIVERS), assess(MAILBOX, today=DAY))
    written = [line for one in assessments for line in as_prometheus(one).splitlines()]
    for line in dict.fromkeys(one for one in written if one.startswith("# HELP ")):
        _hash, _help, name, about = line.split(" ", 3)
        (kind,) = {one.split(" ")[3] for one in written if one.startswith("# TYPE %s " % name)}
        samples = [one for one in written if re.match(re.escape(name) + r"[{ ]", one)]
        labels = sorted({label for one in samples for label in re.findall(r'(\w+)="', one)})
        yield title(name, "-") + "\n%s\n\n" % about
        yield ":Type: %s\n" % kind
        yield ":Labels: %s\n" % (", ".join("``%s``" % label for label in labels) or "none")
        if samples:
            yield ":Example: ``%s``\n" % samples[0]


if __name__ == "__main__":
    for one in pages():
        one.file.write_text(one.text(), encoding="utf-8")
