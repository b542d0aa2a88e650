#!/usr/bin/env bash
# Unpacks the mail transport agents that the test `delivery` delivers through: install.sh FOLDER [NAME...], all of them by
# default. Debian and its kin, as root or with sudo.
#
# The packages exclude each other and would start daemons, so they are unpacked into FOLDER and not installed. Only shared
# libraries that they need are installed.
set -euo pipefail
home=$1
shift
names=("$@")
((${#names[@]})) || names=(aiosmtpd exim postfix opensmtpd)
export DEBIAN_FRONTEND=noninteractive
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
declare -A packages=(
    [aiosmtpd]="python3-aiosmtpd python3-public python3-attr"
    [exim]="exim4-daemon-light libnss-wrapper"
    [postfix]=postfix
    [opensmtpd]=opensmtpd
)

mkdir -p "$home"
# apt downloads as a user of its own.
work=$(mktemp -d)
chmod 777 "$work"
trap 'rm -rf "$work"' EXIT
as_root apt-get update -qq

libraries=()
for name in "${names[@]}"; do
    [ -e "$home/$name" ] && continue
    mkdir "$work/$name"
    chmod 777 "$work/$name"
    read -ra wanted <<<"${packages[$name]}"
    (cd "$work/$name" && apt-get download -qq "${wanted[@]}")
    for file in "$work/$name"/*.deb; do
        dpkg -x "$file" "$work/$name/unpacked"
        while read -r library; do
            case $library in lib[a-z]*[0-9]*) libraries+=("$library") ;; esac
        done < <(dpkg-deb -f "$file" Depends | tr ',' '\n' | sed 's/ *[|(].*//; s/^ *//')
    done
    mv "$work/$name/unpacked" "$home/$name"
done
if ((${#libraries[@]})); then
    as_root apt-get install -y -qq --no-install-recommends "${libraries[@]}" >/dev/null
fi
# Whoever the agents run as must be able to read them, and nothing is to run as anybody else because of where it lies.
chmod -R a+rX,u-s,g-s "$home"
