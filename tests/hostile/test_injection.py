# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a relay says stays text: no escape sequence reaches a terminal, no template is run by Ansible, no line of a
# report becomes two.

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import INSIDE, ONE, QUIT, READY, TLS
from ansible_collections.postmaster.mailcheck.tests.hostile.test_cases import options_of
from ansible_collections.postmaster.mailcheck.tests.support.authority import ODD_TEXTS

if TYPE_CHECKING:
    from typing import Any, Iterator

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

# A title of the terminal, a cleared screen in C1, a reversed line, a carriage return, a bell, a NUL, a separator.
STEERING = "\\x1b]0;owned\\x07 \\x9b2J \\xe2\\x80\\xae txt.exe \\x0d over \\x00 \\xe2\\x80\\xa8 end"
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def texts(value: Any) -> Iterator[str]:
    """Every text in a report, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts(name)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


# Where a relay may put its words.
PLACES = {
    "greeting": "S: 220 %s\nC: EHLO\nS: 250 relay\n" + QUIT,
    "greeting that refuses": "S: 554 %s\n" + QUIT,
    "no greeting at all": "S: %s\n",
    "capability": "S: 220 relay\nC: EHLO\nS: 250-%s\nS: 250-%s\nS: 250 X-%s\n" + QUIT,
    "mechanism": "S: 220 relay\nC: EHLO\nS: 250-relay\nS: 250 AUTH %s\n" + QUIT,
    "no reply": "S: 220 relay\nC: EHLO\nS: %s\n",
    "half a reply": "S: 220 relay\nC: EHLO\nS: 250-%s\\\ncloses\n",
    "unsolicited": "S: 220 relay\nC: EHLO\nS: 250 relay\nS: 250 %s\n",
    "unsolicited half": "S: 220 relay\nC: EHLO\nS: 250 relay\nS: %s\\\n",
    "MAIL": "S: 220 relay\nC: EHLO\nS: 250 relay\nC: MAIL\nS: 550 5.1.0 %s\n" + QUIT,
    "RCPT": "S: 220 relay\nC: EHLO\nS: 250 relay\nC: MAIL\nS: 250 ok\nC: RCPT\nS: 550-5.1.1 %s\nS: 550 5.1.1 %s\nC: RSET\n"
            "S: 250 ok\n" + QUIT,
    "QUIT": "S: 220 relay\nC: EHLO\nS: 250 relay\nC: MAIL\nS: 250 ok\nC: RCPT\nS: 250 ok\nC: RSET\nS: 250 ok\nC: QUIT\n"
            "S: 221 %s\n",
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_a_relay_says_steers_a_terminal(place: str, start: Any) -> None:
    script = PLACES[place].replace("%s", STEERING)
    relays = [start(script), start(script)]
    options = dict(ONE, tls="none", ehlo_name="client.example.org", timeout=5.0)
    report = check(relays[0].host, port=relays[0].port, **options)
    result = sweep(["%s:%d" % (relays[1].host, relays[1].port)], details="all", transcript="always", **options)
    for text in [*texts(report), *texts(result)]:
        assert not STEERS.search(text), text
    assert "\n" not in report["msg"] and "\n" not in result["msg"]
    assert "owned" in json.dumps(report) or place == "QUIT"
    json.dumps(report, ensure_ascii=False).encode("utf-8")  # nor a lone surrogate


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256"])
def test_nothing_inside_a_sign_in_steers_a_terminal(mechanism: str, start: Any, authority: Authority) -> None:
    import base64

    error = json.dumps({"status": "\x1b[2J", "\x9b2J": ["\u202e", "\x07"]}).encode()
    challenge = b"e=\x1b[2J\xc2\x9b" if mechanism.startswith("SCRAM") else error
    words = base64.b64encode(challenge).decode()
    relay = start(
        INSIDE + "S: 250-relay\nS: 250 AUTH %s\nC: AUTH\nS: 334 %s\nC:\nS: 535 no\n" % (mechanism, words) + QUIT
    )
    signed = {"username": "tim", "auth_mechanisms": [mechanism]}
    signed["password" if mechanism.startswith("SCRAM") else "access_token"] = "sesame-and-more"
    report = check(relay.host, port=relay.port, **options_of(dict(TLS, **signed), authority))
    assert report["failure"]["stage"] == "auth"
    for text in texts(report):
        assert not STEERS.search(text), text


def test_nothing_in_a_certificate_steers_a_terminal(start: Any, authority: Authority) -> None:
    relay = start(READY + "TLS odd-names\n")
    report = check(relay.host, port=relay.port, **options_of(TLS, authority))
    subject = report["tls"]["certificate"]["subject"]
    for text in texts(report):
        assert not STEERS.search(text), text
    assert "\\x1b[2J" in subject and "{{ lookup('pipe'\\,'id') }}" in subject
    assert len(ODD_TEXTS) == subject.count("OU=")


# Through Ansible

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  connection: local
  vars:
    ansible_python_interpreter: {python}
  tasks:
    - postmaster.mailcheck.smtp_check:
        host: 127.0.0.1
        port: {port}
        ehlo_name: client.example.org
        ca_path: {ca_path}
        tls_server_name: relay.example.com
        timeout: 5
      register: checked
      failed_when: false
    - ansible.builtin.set_fact:
        banner: "{{{{ checked.greeting.text }}}}"
        keyword: "{{{{ checked.capabilities_before_tls | list | first }}}}"
        subject: "{{{{ checked.tls.certificate.subject }}}}"
    - ansible.builtin.set_fact:
        again: "{{{{ banner ~ keyword }}}}"
    - ansible.builtin.debug:
        var: checked
    - ansible.builtin.debug:
        msg: "{{{{ checked.msg }}}} {{{{ again }}}} {{{{ subject }}}}"
    - ansible.builtin.copy:
        content: "{{{{ [banner, keyword, subject, again] | to_json }}}}"
        dest: {told}
"""


ROLES = """
- hosts: localhost
  gather_facts: false
  connection: local
  vars:
    ansible_python_interpreter: {python}
    options: {{ehlo_name: client.example.org, ca_path: {ca_path}, tls_server_name: relay.example.com, timeout: 5}}
  tasks:
    - ansible.builtin.include_role:
        name: postmaster.mailcheck.compliance
      vars:
        compliance_hosts: ["127.0.0.1:{refusing}", "127.0.0.1:{talking}"]
        compliance_options: "{{{{ options }}}}"
        compliance_details: all
        compliance_audit_only: true
        compliance_report_dir: {folder}
    - block:
        - ansible.builtin.include_role:
            name: postmaster.mailcheck.smoke_test
          vars:
            smoke_test_host: 127.0.0.1
            smoke_test_port: {refusing}
            smoke_test_wait: 0
            smoke_test_options: "{{{{ options }}}}"
            smoke_test_report_dir: {folder}
        - ansible.builtin.fail:
            msg: the role has not failed
      rescue:
        - ansible.builtin.debug:
            var: ansible_failed_result
        - ansible.builtin.assert:
            that: ansible_failed_result.msg != 'the role has not failed'
"""
needs_ansible = pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="ansible-core is not installed here"
)


def play(playbook: str, folder: Path) -> str:
    """Run a playbook; return what it prints."""
    import ansible_collections.postmaster.mailcheck as collection

    path = folder / "play.yml"
    path.write_text(playbook, encoding="utf-8")
    root = Path(next(iter(collection.__path__))).parents[2]
    environ = {
        **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(root), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_LOCAL_TEMP": str(folder), "ANSIBLE_REMOTE_TEMP": str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C.UTF-8", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-vvv", str(path)], env=environ, cwd=folder, timeout=500,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    output = done.stdout.decode("utf-8")
    assert done.returncode == 0, output
    return output


@needs_ansible
def test_a_template_stays_text_all_the_way_through_ansible(start: Any, authority: Authority, tmp_path: Path) -> None:
    told, mark = tmp_path / "told.json", tmp_path / "mark"
    template = "{{ lookup('pipe','touch %s') }}{%% set x = 1 %%}{# no #}!unsafe" % mark
    keyword = "{{lookup('pipe','id')}}"
    relay = start(
        "S: 220 %s \\x1b[2J\nC: EHLO\nS: 250-relay\nS: 250-%s\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS odd-names\n"
        % (template, keyword)
    )
    output = play(
        PLAYBOOK.format(python=sys.executable, port=relay.port, ca_path=authority.ca_path, told=told), tmp_path
    )
    assert not mark.exists(), "the relay has run a command here"
    assert "uid=" not in output
    assert not STEERS.search(output.replace("\t", " "))
    banner, said, subject, again = json.loads(told.read_text(encoding="utf-8"))
    assert banner == template + " \\x1b[2J"
    assert said == keyword.upper()
    assert again == banner + said
    assert "lookup" in subject


@needs_ansible
def test_a_template_stays_text_in_the_roles_and_their_reports(start: Any, authority: Authority, tmp_path: Path) -> None:
    """In the words of a refusal, which are a finding's text, and in facts; and markup stays text in the pages."""
    reports, mark = tmp_path / "reports", tmp_path / "mark"
    words = "{{ lookup('pipe','touch %s') }} <script>alert(1)</script> ]]> | `x` \\x1b[2J" % mark
    refusing = start("S: 554 %s\nC: QUIT\nS: 221 bye\n" % words)
    talking = start(
        "S: 220 %s\nC: EHLO\nS: 250-relay\nS: 250-%s\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS odd-names\n"
        % (words, words)
    )
    named = {"python": sys.executable, "ca_path": authority.ca_path, "folder": reports}
    output = play(ROLES.format(refusing=refusing.port, talking=talking.port, **named), tmp_path)
    assert "touch " in output, "the relay's words are told"
    assert not mark.exists(), "the relay has run a command here"
    assert not STEERS.search(output.replace("\t", " "))
    written = {path.name: path.read_text(encoding="utf-8") for path in reports.iterdir()}
    assert {"relays.html", "relays.json", "relays.md", "relays.prom", "relays.xml", "smoke_test.html"} <= set(written)
    for name, text in written.items():
        assert not STEERS.search(text.replace("\t", " ")), name
        assert "<script>alert" not in text or name.endswith((".json", ".prom")), name
        if name.endswith(".json"):
            assert isinstance(json.loads(text), dict)
        if name.endswith(".xml"):
            xml.etree.ElementTree.fromstring(text)
