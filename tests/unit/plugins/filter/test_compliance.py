# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The filters as Ansible finds them: documented, and clear about what they cannot use.

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.postmaster.mailcheck.plugins.filter import compliance
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import FORMAT
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import relay

FILTERS = compliance.FilterModule().filters()


def test_each_filter_has_its_documentation_beside_it() -> None:
    folder = Path(compliance.__file__).parent
    documented = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.yml")}
    assert set(documented) == set(FILTERS)
    assert all(page["DOCUMENTATION"]["name"] == name and page["EXAMPLES"] for name, page in documented.items())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (5, "this input is of no use here: it is of type int"),
        ("{", "the text is no JSON"),
        ("[" * 3000, "the text is no JSON"),
        ("[]", "the text holds no assessment"),
        ({}, "no endpoints, domains or verdict"),
        ({"endpoints": [1]}, "not the shape"),
        ({"endpoints": [{"verdict": "passed"}]}, "not the shape"),
        ({"endpoints": [relay(tls="yes")]}, "not the shape"),
        ({"format": FORMAT}, "not the shape"),
    ],
)
def test_a_filter_names_itself_in_what_it_cannot_use(given: object, told: str) -> None:
    use = FILTERS["report_junit"]
    with pytest.raises(AnsibleFilterError, match="^postmaster.mailcheck.report_junit: .*" + told):
        use(given)


def test_the_table_of_some_rows_alone() -> None:
    """Without the certificates of the whole: a row of a sweep knows its own days left."""
    rows = [dict(relay("a.example.com"), tls={"version": "TLSv1.2", "certificate": "12ab", "days_left": 5})]
    table = FILTERS["report_table"]
    assert table(rows).splitlines()[1].split() == ["met", "passed", "a.example.com:25", "TLSv1.2", "5"]
    assert len(table([]).splitlines()) == 1  # the head: nobody to tell of
    for given in ([1], [{"host": "a"}]):
        with pytest.raises(AnsibleFilterError, match="holds no assessment"):
            table(given)
