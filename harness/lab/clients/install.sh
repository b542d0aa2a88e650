#!/usr/bin/env bash
# Installs the clients that smtpspec ships definitions for: harness/lab/clients/install.sh [CLIENT...], all by default.
#
# Debian and its kin. Packages come from apt, nodemailer from npm, pyspnego from PyPI, and lettre and sspi are built with
# cargo (sspi needs Rust 1.93). What is there already
# is left alone. Nothing here starts a daemon, and the system's own mail transport agent is not replaced: exim is unpacked
# into a folder of its own.
#
# That folder is SMTPSPEC_CLIENTS, by default ~/.local/share/smtpspec/clients; smtpspec looks for programs there, too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${SMTPSPEC_CLIENTS:-${XDG_DATA_HOME:-$HOME/.local/share}/smtpspec/clients}
mkdir -p "$home/bin"
export DEBIAN_FRONTEND=noninteractive
updated=0

all=(curl swaks msmtp smtplib pyspnego nodemailer lettre sspi javamail mono exim s-nail)
wanted=("$@")
((${#wanted[@]})) || wanted=("${all[@]}")

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
have() { type -P "$1" >/dev/null; }

update() {
    ((updated)) || as_root apt-get update -qq
    updated=1
}
packages() {
    update
    as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

install_curl() { have curl || packages curl ca-certificates; }

install_swaks() {
    have swaks || packages swaks
    # Its NTLM, CRAM-MD5 and TLS come from these.
    perl -MAuthen::NTLM -MDigest::HMAC_MD5 -MNet::SSLeay -e1 2>/dev/null ||
        packages libauthen-ntlm-perl libdigest-hmac-perl libnet-ssleay-perl
}

install_msmtp() { have msmtp || packages msmtp; }
install_smtplib() { have python3 || packages python3; }
install_s-nail() { have s-nail || packages s-nail; }

# Into Python's own place for the user: the client runs the python3 of the system.
install_pyspnego() {
    have python3 || packages python3
    python3 -c 'import spnego' 2>/dev/null && return
    python3 -m pip --version >/dev/null 2>&1 || packages python3-pip
    local pip=(python3 -m pip install --quiet --disable-pip-version-check 'pyspnego==0.12.4')
    # The second try is for a Python that the distribution manages.
    "${pip[@]}" 2>/dev/null || "${pip[@]}" --break-system-packages
}

install_nodemailer() {
    have node || packages nodejs
    [ -e "$home/node_modules/nodemailer-ntlm-auth" ] && return
    have npm || packages npm
    npm install --silent --no-audit --no-fund --prefix "$home" nodemailer@10.6.0 nodemailer-ntlm-auth@1.0.4
}

install_javamail() {
    have javac || packages default-jdk-headless
    [ -e /usr/share/java/jakarta-mail.jar ] || packages libjakarta-mail-java
}

install_mono() {
    if ! have mono || ! have mcs; then packages mono-runtime mono-mcs; fi
}

# The heavy one has NTLM. The package would become the system's mail transport agent and start a daemon, so it is unpacked, not installed.
install_exim() {
    have exim4 && exim4 -C /dev/null -bV 2>/dev/null | grep -qw spa && return
    # It does not start without its account.
    getent passwd Debian-exim >/dev/null || as_root useradd --system --user-group --no-create-home \
        --home-dir /nonexistent --shell /usr/sbin/nologin Debian-exim
    [ -x "$home/bin/exim4" ] && "$home/bin/exim4" -C /dev/null -bV 2>/dev/null | grep -qw spa && return
    local libraries=(libgnutls-dane0 libidn12 libmariadb3 libnsl2 libpq5 libsasl2-2 libspf2-2 libsqlite3-0)
    # These two are named after their version.
    libraries+=($(apt-cache depends exim4-daemon-heavy | grep -oE 'lib(ldap-?[0-9.-]+|perl[0-9.]+)'))
    packages "${libraries[@]}"
    local work
    work=$(mktemp -d)
    # apt downloads as a user of its own.
    chmod 755 "$work"
    (cd "$work" && apt-get download -qq exim4-daemon-heavy && dpkg -x exim4-daemon-heavy_*.deb unpacked)
    install -m 755 "$work/unpacked/usr/sbin/exim4" "$home/bin/exim4"
    rm -rf "$work"
}

install_lettre() {
    have smtpspec-lettre && return
    [ -x "$home/bin/smtpspec-lettre" ] && return
    cargo install --quiet --locked --path "$here/lettre" --root "$home"
}

install_sspi() {
    have smtpspec-sspi && return
    [ -x "$home/bin/smtpspec-sspi" ] && return
    cargo install --quiet --locked --path "$here/sspi" --root "$home"
}

for client in "${wanted[@]}"; do
    if ! printf '%s\n' "${all[@]}" | grep -qxF -- "$client"; then
        echo "there is no client $client; there is ${all[*]}" >&2
        exit 2
    fi
    echo "$client"
    "install_$client"
done
