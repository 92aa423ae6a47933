#!/usr/bin/env bash
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the real servers that the tests speak to, the browser that shows reports, the shells that complete commands, and
# what monitoring systems bring, on Debian, as root: Postfix, Dovecot, OpenDKIM, BIND, Unbound, Chromium, zsh, fish, swaks,
# promtool and check_smtp as packages, Exim unpacked into the folder given (its package and Postfix's exclude each other). What is
# there is left alone.
#
#   tests/real/install.sh /opt/mailcheck-exim

set -euo pipefail

exim_root=${1:?usage: install.sh FOLDER_FOR_EXIM}
packages=(postfix libsasl2-modules dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d dovecot-sieve dovecot-submissiond opendkim bind9 unbound chromium zsh fish swaks monitoring-plugins-basic prometheus)
guard=/usr/sbin/policy-rc.d
work=

[[ $(id -u) == 0 ]] || { echo "install.sh: must run as root" >&2; exit 1; }
command -v apt-get > /dev/null || { echo "install.sh: needs Debian's apt-get" >&2; exit 1; }

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || echo "$package"
  done
}

exim_works() {
  "$exim_root/usr/sbin/exim4" -C /dev/null -bV > /dev/null 2>&1
}

restore() {
  rm -f "$guard"
  if [[ -e $work/policy-rc.d ]]; then cp -a "$work/policy-rc.d" "$guard"; fi
  rm -rf "$work"
}

# Once something is to be installed: fresh package lists, and no service starts by itself meanwhile.
prepare() {
  [[ -z $work ]] || return 0
  work=$(mktemp -d)
  chown _apt "$work" # apt downloads as this user
  if [[ -e $guard ]]; then cp -a "$guard" "$work/policy-rc.d"; fi
  trap restore EXIT
  printf '#!/bin/sh\nexit 101\n' > "$work/guard"
  install -m 755 "$work/guard" "$guard"
  apt-get update --quiet --quiet
}

install_packages() {
  [[ $# -gt 0 ]] || return 0
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "$@" > /dev/null
}

mapfile -t missing < <(missing_packages "${packages[@]}")
if [[ ${#missing[@]} -gt 0 ]]; then
  prepare
  install_packages "${missing[@]}"
fi

id Debian-exim > /dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin Debian-exim

if ! exim_works; then
  prepare
  (cd "$work" && apt-get download --quiet --quiet exim4-daemon-heavy)
  mapfile -t libraries < <(dpkg-deb --field "$work"/exim4-daemon-heavy_*.deb Depends | tr ',' '\n' | grep -o '^ *lib[^ |(]*' | tr -d ' ')
  mapfile -t missing < <(missing_packages "${libraries[@]}")
  install_packages "${missing[@]}"
  mkdir -p "$exim_root"
  dpkg-deb --extract "$work"/exim4-daemon-heavy_*.deb "$exim_root"
  exim_works || { echo "install.sh: $exim_root/usr/sbin/exim4 does not run" >&2; exit 1; }
fi
