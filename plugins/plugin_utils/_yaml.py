# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The one way to read somebody's YAML: what it costs grows with its length, and no error quotes it.

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from typing import Any, Optional, Union


class YamlError(ValueError):
    """What is wrong, and where, as the end of a sentence. What was given is not shown: it may hold passwords."""


_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_LONGEST_NUMBER = 100  # characters


class _Costly(Exception):
    """There is what would cost more than it is long; the text says where."""


class _Loader(yaml.SafeLoader):
    """Takes no aliases: by nine of them, each of the one before, 500 octets mean a thousand million values. Nor numbers
    of any length: for 1:1:1:1, which has the base 60, twice the digits cost four times as much.
    """

    def compose_node(self, parent: Optional[yaml.Node], index: int) -> Optional[yaml.Node]:
        line = self.peek_event().start_mark.line + 1
        if self.check_event(yaml.AliasEvent):
            raise _Costly("has an alias (*) in line %d: write out what it stands for" % line)
        node: Optional[yaml.Node] = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            raise _Costly("has a number of more than %d characters in line %d" % (_LONGEST_NUMBER, line))
        return node


def read_yaml(source: Union[str, bytes]) -> Any:
    """Return what one YAML document holds. Raises YamlError."""
    try:
        return yaml.load(source, _Loader)  # a SafeLoader
    except _Costly as error:
        raise YamlError(str(error)) from None
    except Exception as error:  # noqa: BLE001  # YAMLError, and whatever else PyYAML fails with: `!!int x`, 2026-99-99
        mark = getattr(error, "problem_mark", None)  # PyYAML's own words quote the document
        where = ": see line %d, column %d" % (mark.line + 1, mark.column + 1) if mark else ""
        raise YamlError("is no YAML%s" % where) from None
