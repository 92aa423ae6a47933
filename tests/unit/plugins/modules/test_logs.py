# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a module leaves in the journal, in syslog and in its result: no secret, wherever among the options it stands and
# whatever it is made of. Each secret here has a beginning and an end of its own, so that a piece of one is found too.

from __future__ import annotations

import contextlib
import io
import json
import re
import syslog
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple
from unittest import mock

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible.module_utils import basic
from ansible.module_utils.ansible_release import __version__ as CORE
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.modules import (
    domain_check,
    smtp_audit,
    smtp_check,
    smtp_sweep,
    wait_for_mail,
)

try:
    from ansible.module_utils._internal._json import _profiles  # from ansible-core 2.19
except ImportError:
    _profiles = None

BEGIN, END = "Kq7w", "Zx9v"
ODD = st.text(st.sampled_from("\\'\"\n\t\r\0 @:/,={}[]%*éß日🔑\ud800n"), max_size=4)
SECRETS = st.builds("".join, st.tuples(ODD, st.just(BEGIN), ODD, st.just(END), ODD))
INTERNAL = {"_ansible_no_log": False, "_ansible_debug": True}
if tuple(map(int, CORE.split(".")[:2])) >= (2, 21):
    INTERNAL["_ansible_inject_invocation"] = True  # before, the result always had it
MODULES = {
    "domain_check": (domain_check, "check_domains"),
    "smtp_audit": (smtp_audit, "work"),
    "smtp_check": (smtp_check, "check"),
    "smtp_sweep": (smtp_sweep, "sweep"),
    "wait_for_mail": (wait_for_mail, "wait_for_mail"),
}


def run(name: str, options: Mapping[str, Any], journal: bool) -> Tuple[List[str], str]:
    """Run a module whose engine has nothing to do; return what it logged, a text each, and its result."""
    module, engine = MODULES[name]
    logged: List[str] = []
    sent = mock.Mock(send=lambda **fields: logged.extend(map(str, fields.values())))
    arguments = {"ANSIBLE_MODULE_ARGS": {**INTERNAL, **options}}
    printed = io.StringIO()
    with contextlib.ExitStack() as patches:
        for patch in (
            mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode()),
            mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True),  # from ansible-core 2.19
            mock.patch.object(basic, "has_journal", journal),
            mock.patch.object(basic, "journal", sent, create=True),
            mock.patch.object(syslog, "syslog", lambda *words: logged.append(str(words[-1]))),
            mock.patch.object(module, engine, side_effect=OptionError("host", "nothing is to be checked.")),
            contextlib.redirect_stdout(printed),
        ):
            patches.enter_context(patch)
        if _profiles is not None:
            # Where tests of filters have loaded the controller's code, options are looked at as only a controller does.
            patches.enter_context(mock.patch.object(_profiles, "_string_encoding_check_enabled", lambda: False))
        patches.enter_context(pytest.raises(SystemExit))
        module.main()
    return logged, printed.getvalue()


def filled(spec: Mapping[str, Any], secrets: Iterator[str]) -> Dict[str, Any]:
    """Options in which every secret one is set, and every nested one that holds such."""
    options: Dict[str, Any] = {}
    for name, row in spec.items():
        if row.get("no_log"):
            options[name] = next(secrets)
        elif row.get("options"):
            inner = filled(row["options"], secrets)
            if inner:
                options[name] = [inner, inner] if row["type"] == "list" else inner
        elif row.get("required"):
            options[name] = "relay.example.com"
    return options


def repeated(secret: str) -> Dict[str, Any]:
    """Options that are no secrets, and hold one all the same."""
    return {
        "sender": secret,
        "recipients": ["a" + secret, secret + "b"],
        "extra_commands": ["X-LOGIN " + secret, secret],
        "xclient": {"LOGIN": secret},
        "mail_parameters": {"X": secret, secret: "x"},
        "proxy_protocol": {"source_address": secret},
        "test_message": {
            "body": secret + "\n",
            "attachments": [{"content": secret}],
            "headers": {"X": secret},
        },
        "expect": {"greeting_matches": ["^" + secret]},
    }


@pytest.mark.parametrize("journal", [True, False])
@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_secret_is_logged_however_nested_and_whatever_characters(name: str, journal: bool, data: Any) -> None:
    secrets = iter(lambda: data.draw(SECRETS), None)
    spec = MODULES[name][0].SPEC
    options = filled(spec, secrets)
    if data.draw(st.booleans()):
        more = repeated(options["password"]) if "password" in options else {}
        options.update((option, more[option]) for option in more if option in spec)
    logged, result = run(name, options, journal)
    text = "\n".join(logged)
    assert "Invoked with" in text and "timeout=" in text
    assert BEGIN not in text and END not in text
    values = json.loads(result)["invocation"]["module_args"]
    values.pop("mail_parameters", None)  # Ansible masks values, and no keys
    assert values.get("port") is None
    assert BEGIN not in str(values) and END not in str(values)


def paths_of(spec: Mapping[str, Any], wanted: Callable[[str, Mapping[str, Any]], bool], above: str = "") -> List[str]:
    """The options of a spec, nested ones too, that are `wanted`."""
    found = [above + name for name, row in spec.items() if wanted(name, row)]
    for name, row in spec.items():
        found += paths_of(row.get("options", {}), wanted, "%s%s." % (above, name))
    return found


SECRET_NAME = re.compile(
    "password|passphrase|secret|credentials?$|token(?!s?$)|access_token|api_key|private", re.IGNORECASE
)


def test_every_option_that_sounds_like_a_secret_is_one() -> None:
    """Derived from the specs, so that none can be forgotten. `token`, `tokens` name messages, and are shown."""
    secret: List[str] = []
    for module, _engine in MODULES.values():
        named = paths_of(module.SPEC, lambda name, _row: bool(SECRET_NAME.search(name)))
        kept = paths_of(module.SPEC, lambda _name, row: bool(row.get("no_log")))
        assert sorted(named) == sorted(kept)
        secret += kept
    # The names that the command knows as secrets, too (tests/cli).
    assert {path.rpartition(".")[2] for path in secret} == {name for name, row in OPTIONS.items() if row.get("no_log")}
    assert {"endpoints.password", "mailbox.password", "outside_mailbox.access_token"} <= set(secret)
    assert {path.stem for path in Path(smtp_check.__file__).parent.glob("[a-z]*.py")} == set(MODULES)


def test_nothing_that_is_run_starts_a_process() -> None:
    """So that no secret is an argument of one, or in its environment."""
    collection = Path(smtp_check.__file__).parents[2]
    files = [*(collection / "plugins").rglob("*.py"), *(collection / "src").rglob("*.py")]
    assert len(files) > 200
    for path in files:
        found = re.search(
            r"\b(subprocess|multiprocessing|pty|os\.(system|popen|fork|exec\w*|spawn\w*|posix_spawn)"
            r"|create_subprocess\w*|run_command)\b",
            path.read_text(encoding="utf-8"),
        )
        assert found is None, "%s: %s" % (path, found)


SECRET = "\\'\"%s\\n\"'%s\\" % (BEGIN, END)
ENTRY = {"host": "relay.example.com", "password": SECRET}
ODD_FORMS: Dict[str, Dict[str, Any]] = {
    "an entry as JSON": {"endpoints": [json.dumps(ENTRY)]},
    "an entry as key=value": {"endpoints": ["host=relay.example.com password=%s%s" % (BEGIN, END)]},
    "a list": {"password": [SECRET], "endpoints": [{**ENTRY, "password": [SECRET, [SECRET]]}]},
    "a dictionary": {"password": {"a": SECRET}, "endpoints": [{**ENTRY, "password": {"a": {"b": SECRET}}}]},
    "a number": {"password": 1, "endpoints": [{**ENTRY, "access_token": 73519.25}]},
    "all entries as JSON": {"endpoints": json.dumps([ENTRY, ENTRY])},
    "one entry instead of a list": {"endpoints": ENTRY},
    "no option": {"password": SECRET, "endpoints": [{**ENTRY, "prot": 25}]},
    "no number": {"password": SECRET, "endpoints": [{**ENTRY, "port": "x"}]},
    "no choice": {"password": SECRET, "endpoints": [{**ENTRY, "tls": "x"}]},
    "an entry that is none": {"password": SECRET, "endpoints": [ENTRY, "relay.example.com"]},
    "an entry of a list": {"endpoints": [[ENTRY]]},
    "entries among which are lists": {"password": SECRET, "endpoints": [ENTRY, ["password", SECRET]]},
    "an entry that is a number": {"password": SECRET, "endpoints": [ENTRY, 25]},
    "one that begins with another": {
        "endpoints": [{**ENTRY, "password": "sesame"[:count]} for count in range(2, 7)]
        + [{**ENTRY, "password": "sesame" + BEGIN}],
        "sender": "sesame" + BEGIN + "@example.com",
    },
    "true in place of suboptions": {"password": SECRET, "endpoints": [ENTRY], "proxy_protocol": True},
    "a number in place of a rule's": {"password": SECRET, "endpoints": [ENTRY], "expect": {"relaying_refused": 1}},
    "a misspelt option": {"pasword": SECRET, "endpoints": [{"host": "relay.example.com", "access-token": [SECRET]}]},
    "another option that is malformed": {"password": SECRET, "endpoints": [ENTRY], "dsn": "never"},
}  # fmt: skip


@pytest.mark.parametrize("form", ODD_FORMS)
def test_no_secret_is_logged_where_options_are_malformed(form: str) -> None:
    logged, result = run("smtp_sweep", ODD_FORMS[form], journal=False)
    assert json.loads(result)["failed"] is True
    for text in (result, *logged):
        assert BEGIN not in text and END not in text and "73519" not in text
