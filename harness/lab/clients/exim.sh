#!/bin/sh
# exim as a client under test: exim.sh WORKDIR SENDER RETRIES RECIPIENT..., the message on standard input.
# Exit status: 0 all recipients were delivered to, 1 not, or not yet.
set -eu
work=$1 sender=$2 retries=$3
shift 3
mkdir -p "$work/spool"
cp "$(command -v exim4)" "$work/exim4"
# It gives up its privileges; whoever runs it without any stays who he is.
if [ "$(id -u)" = 0 ]; then
    user=Debian-exim
else
    user=$(id -un)
fi
{
    printf 'exim_user = %s\nexim_group = %s\n' "$user" "$(id -gn "$user")"
    # It starts itself again for each delivery, as a user who may not reach where it is installed.
    printf 'exim_path = %s\n' "$work/exim4"
    cat "$work/exim.conf"
} >"$work/exim.conf.whole"
# Its configuration stays with whoever starts it; what it reads and writes as itself is its own.
chmod 644 "$work/exim.conf.whole"
chown "$user" "$work" "$work/spool" "$work/password" "$work/ca.pem" 2>/dev/null || true

exim() { "$work/exim4" -C "$work/exim.conf.whole" "$@" 2>>"$work/said"; }
waiting() { exim -bpc; }

exim -odf -oi -f "$sender" -- "$@" || true
while [ "$retries" -gt 0 ] && [ "$(waiting)" != 0 ]; do
    sleep 1.1
    exim -q
    retries=$((retries - 1))
done

# Without privileges it writes its log to standard error. That it gave up its privileges is no news.
left=$(waiting)
cat "$work/paniclog" "$work/mainlog" "$work/said" 2>/dev/null | grep -v 'lost privilege' >"$work/log" || true
cat "$work/log" >&2
# `=>` is a delivery, `**` is a failure; what is left in the queue was put off.
[ "$left" = 0 ] && grep -q ' => ' "$work/log" && ! grep -q ' \*\* ' "$work/log"
