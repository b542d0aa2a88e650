#!/usr/bin/env bash
# Times the scripted server as a sink, capturing and judging every session, against Postfix's smtp-sink, under Postfix's
# smtp-source, in one run and in turns; then weighs idle connections:
#   docs/bench-server.sh
# MESSAGES (20000 a round), ROUNDS (5), CONNECTIONS (20), LENGTH (4096 bytes of body), IDLE (10000 connections).
# The binaries come out of Debian's postfix package, which is unpacked and not installed; nothing of it runs but the two.
# The seconds of the server count from the first connection to its exit, when the verdicts are out and the result is on
# the disk; those of smtp-sink end when smtp-source ends. The exit status tells whether a tool was missing, not who won.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
messages=${MESSAGES:-20000}
rounds=${ROUNDS:-5}
connections=${CONNECTIONS:-20}
length=${LENGTH:-4096}
idle=${IDLE:-10000}
target=${CARGO_TARGET_DIR:-$root/target}
folder=$target/bench-server
postfix=$folder/postfix
mkdir -p "$folder"

fetch() {
    for tool in apt-get dpkg; do
        type -P "$tool" >/dev/null || { echo "missing: $tool (the Debian package postfix is needed)" >&2 && exit 2; }
    done
    (cd "$folder" && apt-get download --quiet --quiet postfix 2>/dev/null) || { echo "cannot download postfix" >&2 && exit 2; }
    dpkg -x "$folder"/postfix_*.deb "$postfix"
}
[ -x "$postfix/usr/sbin/smtp-source" ] || fetch
# smtp-sink changes its root and its user, and wants to be told whom it may become.
privileges=()
[ "$(id -u)" != 0 ] || privileges=(-u nobody)
# In the place of this shell, so that whoever kills it in the background kills the program.
postfix() {
    exec env LD_LIBRARY_PATH="$postfix/usr/lib/postfix" "$postfix/usr/sbin/$1" "${@:2}"
}

cargo build --quiet --release -p smtpspec
cargo build --quiet --release -p smtpspec-lab --example idle
server=$target/release/smtpspec

started=
cleanup() { [ -z "$started" ] || kill "$started" 2>/dev/null || true; }
trap cleanup EXIT

now() { date +%s%N; }
source_to() { (postfix smtp-source "${mode[@]}" -s "$connections" -l "$length" -m "$messages" "127.0.0.1:$1"); }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Each prints its messages a second.
sink() {
    local port begin end
    port=$(free_port)
    postfix smtp-sink "${privileges[@]}" "127.0.0.1:$port" 1024 >"$folder/sink.log" 2>&1 &
    started=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.05; done
    begin=$(now)
    source_to "$port"
    end=$(now)
    kill "$started"
    wait "$started" 2>/dev/null || true
    started=
    awk -v n="$messages" -v t=$((end - begin)) 'BEGIN { printf "%.0f\n", n * 1e9 / t }'
}

serve() {
    local out=$folder/out begin end port
    rm -rf "$out"
    : >"$folder/serve.log"
    "$server" serve --listen 127.0.0.1:0 --out "$out" >"$folder/report" 2>"$folder/serve.log" &
    started=$!
    until port=$(sed -n 's/^listening on .*:\([0-9]*\);.*/\1/p' "$folder/serve.log") && [ -n "$port" ]; do sleep 0.05; done
    begin=$(now)
    source_to "$port"
    memory=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$started/status")
    kill -INT "$started"
    wait "$started" || true
    end=$(now)
    started=
    # Every message was captured and judged, or the figure means nothing.
    grep -q "^$messages of $messages messages crossed in clear" "$folder/report" || { cat "$folder/report" >&2 && exit 1; }
    ! grep -q 'not followed to their end' "$out/serve-000001.json" || { echo "a session was given up" >&2 && exit 1; }
    awk -v n="$messages" -v t=$((end - begin)) -v m="$memory" 'BEGIN { printf "%.0f %d\n", n * 1e9 / t, m }'
}

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

compare() {
    local i sinks=() serves=() most=0 rate megabytes
    for ((i = 0; i < rounds; i++)); do
        sinks+=("$(sink)")
        read -r rate megabytes <<<"$(serve)"
        serves+=("$rate")
        ((megabytes <= most)) || most=$megabytes
    done
    printf '%-28s smtp-sink %6d/s  (%s)\n' "$1" "$(printf '%s\n' "${sinks[@]}" | median)" "${sinks[*]}"
    printf '%-28s smtpspec  %6d/s  (%s)  at most %d MiB\n' '' "$(printf '%s\n' "${serves[@]}" | median)" "${serves[*]}" "$most"
    awk -v a="$(printf '%s\n' "${serves[@]}" | median)" -v b="$(printf '%s\n' "${sinks[@]}" | median)" \
        'BEGIN { printf "%-28s ratio %.2f\n", "", a / b }'
}

echo "$(nproc) processors; $connections connections, $length bytes, $messages messages a round, $rounds rounds in turns; messages a second, median (all)"
mode=(-d)
compare "many messages a connection"
mode=()
compare "a connection a message"

ulimit -n "$(ulimit -H -n)"
"$target/release/examples/idle" "$server" "$idle"
