# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What every module of the collection says about itself; each adds its own `details` where they differ.
    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, which runs on the controller.
    support: full
    details:
      - Where the module would run on the controller anyway (the implicit C(localhost), C(delegate_to=localhost),
        C(ansible_connection=local)), its work is done in Ansible's own process, by Ansible's own Python. The result is
        the same.
      - With C(become), C(async) or C(environment), or where C(ansible_python_interpreter) is another Python than
        Ansible's own, the module runs as any other does.
      - So it does if the variable C(ansible_mailcheck_in_process), the environment variable
        C(ANSIBLE_MAILCHECK_IN_PROCESS), or C(in_process) in the section C([mailcheck]) of C(ansible.cfg) is C(false).
  action_group:
    description: Use C(group/postmaster.mailcheck.mailcheck) in C(module_defaults) to set options once for all modules.
    support: full
    membership:
      - postmaster.mailcheck.mailcheck
  check_mode:
    description: Can run in C(check_mode) and predict what would change, without changing it.
    support: full
  diff_mode:
    description: Returns details of what has changed, or would change, in C(diff_mode).
    support: none
  platform:
    description: The operating systems that the module runs on.
    support: full
    platforms: posix
"""
