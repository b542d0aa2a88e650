#!/usr/bin/env bash
# Times the audit of a capture against what else reads one, all in one run:
#   docs/bench-audit.sh          makes a capture of real traffic over the loopback once, and reads it with each tool
#   docs/bench-audit.sh --big    pipes a made-up capture of 4 GB through zstd into the audit
# MEGABYTES (320), ROUNDS (5), SESSIONS (24 at a time), PORT (2526), RATE (100 MB a second while capturing), BENCH_DIR,
# BINARY (that of `just dist`, say, in place of the release build); MTU (1500): packets as on Ethernet, on the loopback of a
# network of its own; empty for the 64 KiB packets that the loopback of this machine passes, which no wire carries. Needs
# tcpdump (and root, for it), tshark, tcpflow, python3, and zstd for --big. The exit status tells whether a tool was
# missing, not who won.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${BENCH_DIR:-${TMPDIR:-/tmp}/smtpspec-bench}
megabytes=${MEGABYTES:-320}
rounds=${ROUNDS:-5}
sessions=${SESSIONS:-24}
port=${PORT:-2526}
mtu=${MTU-1500}
# As fast as tcpdump can keep up with here; many small packets are harder.
rate=${RATE:-$([ -n "$mtu" ] && echo 20 || echo 100)}
target=${CARGO_TARGET_DIR:-$root/target}/release
capture=$folder/load-$megabytes${mtu:+-mtu$mtu}.pcap

need() {
    local missing=()
    for tool in "$@"; do type -P "$tool" >/dev/null || missing+=("$tool"); done
    if ((${#missing[@]})); then
        echo "missing: ${missing[*]}" >&2
        exit 2
    fi
}

# Writes the load to a file, and sees that no packet was lost on the way.
record() {
    tcpdump -i lo -s 0 -B 262144 -Z root -w "$capture.part" tcp and port "$port" 2>"$folder/tcpdump.log" &
    local tcpdump=$!
    until grep -q 'listening on' "$folder/tcpdump.log"; do
        kill -0 "$tcpdump" 2>/dev/null || { cat "$folder/tcpdump.log" >&2 && exit 1; }
        sleep 0.1
    done
    "$target/examples/load" "$port" "$megabytes" "$sessions" "$rate" || { kill "$tcpdump" && exit 1; }
    sleep 1
    kill -INT "$tcpdump"
    wait "$tcpdump"
    grep -q '^0 packets dropped' "$folder/tcpdump.log" || { cat "$folder/tcpdump.log" >&2 && exit 1; }
    chmod 600 "$capture.part"
    mv "$capture.part" "$capture"
}

if [ "${1:-}" = --record ]; then
    record
    exit
fi

cd "$root"
if [ "${1:-}" = --big ]; then
    need zstd python3
    cargo build --quiet --release -p smtpspec
    cargo build --quiet --release -p smtpspec-lab --example synthetic
    exec python3 docs/bench_audit.py big "$target" "${GIGABYTES:-4}"
fi

need tcpdump tshark tcpflow python3
[ -n "${BINARY:-}" ] || cargo build --quiet --release -p smtpspec
cargo build --quiet --release -p smtpspec-lab --example load
mkdir -p "$folder"
if [ ! -e "$capture" ]; then
    if [ -n "$mtu" ]; then
        need unshare ip
        # Segments are not put together before the capture sees them, either.
        # shellcheck disable=SC2016
        unshare -n sh -c 'ip link set lo mtu "$1" gso_max_segs 1 up && exec "$0" --record' \
            "$root/docs/bench-audit.sh" "$mtu"
    else
        record
    fi
fi
exec python3 docs/bench_audit.py compare "${BINARY:-$target/smtpspec}" "$capture" "$port" "$rounds" "$folder"
