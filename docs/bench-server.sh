#!/usr/bin/env bash
# Times the scripted server under Postfix's smtp-source, capturing and judging every session, in one run and in turns: as a
# sink against Postfix's smtp-sink; keeping each message (--durability os and disk) beside the same, and, as root, against
# Postfix's own smtpd, which writes each to its queue and to the disk before it acknowledges. Then it weighs many sessions
# at the same time:
#   docs/bench-server.sh
# MESSAGES (20000 a round), KEPT (4000 a round where they are kept), ROUNDS (5), CONNECTIONS (20), LENGTH (4096 bytes of
# body), SESSIONS (10000 at the same time), BINARY (that of `just dist`, say, in place of the release build). Postfix comes
# out of Debian's package, which is unpacked and not installed. The seconds of the server count from the first connection
# to its exit, when the verdicts are out and the result is on the disk; those of smtp-sink end when smtp-source ends, and a
# second figure tells what the server does until then. A ratio is the median of those of the rounds: the speed of a machine
# that is shared changes from one to the next, and two runs that follow each other have the same. The exit status tells
# whether a tool was missing, not who won.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
messages=${MESSAGES:-20000}
rounds=${ROUNDS:-5}
connections=${CONNECTIONS:-20}
length=${LENGTH:-4096}
sessions=${SESSIONS:-10000}
. docs/bench_postfix.sh

[ -n "${BINARY:-}" ] || cargo build --quiet --release -p smtpspec
cargo build --quiet --release -p smtpspec-lab --example sessions
server=${BINARY:-$target/release/smtpspec}

# Messages are not removed before the end: where many files were just removed, ext4 is slow to make new ones. A capture is, as
# soon as it was looked at: its memory is used again. A virtual machine that holds one capture after the other has to be given
# more by its host, page by page, which takes a tenth from the speed of whoever writes; smtp-sink writes nothing.
rounds_in=$(mktemp -d "$folder/rounds.XXXX")
chmod 755 "$rounds_in"
started=
cleanup() {
    [ -z "$started" ] || kill "$started" 2>/dev/null || true
    rm -rf "$rounds_in"
}
trap cleanup EXIT

source_to() {
    (postfix smtp-source "${mode[@]}" -s "$connections" -l "$length" -m "$messages" -f a@client.example -t b@open.example "127.0.0.1:$1")
}

# Each prints its messages a second.
smtpd_queue() {
    local place port
    place=$(mktemp -d "$rounds_in/queue.XXXX")
    mkdir "$place/mail"
    chmod 755 "$place"
    port=$(free_port)
    # What is in the queue stays there: only smtpd, cleanup and the queue are timed.
    POSTFIX_MORE='defer_transports = virtual' "$kit/postfix.sh" "$agents" "$place" "$port" >"$place/output" 2>&1 &
    timed "$port"
    [ "$(find "$place/queue" -type f -path '*/active/*' -o -type f -path '*/incoming/*' -o -type f -path '*/deferred/*' | wc -l)" = "$messages" ] ||
        { echo "not every message is in the queue" >&2 && exit 1; }
}

smtp_sink() {
    local port
    port=$(free_port)
    postfix smtp-sink "${privileges[@]}" "127.0.0.1:$port" 1024 >"$folder/sink.log" 2>&1 &
    timed "$port"
}

# Times what was just started in the background, until smtp-source is done, and ends it.
timed() {
    local begin end
    started=$!
    listening "$1"
    now begin
    source_to "$1"
    now end
    kill "$started"
    wait "$started" 2>/dev/null || true
    started=
    awk -v n="$messages" -v t=$((end - begin)) 'BEGIN { printf "%.0f\n", n * 1e9 / t }'
}

serve() {
    local out begin accepted end port
    out=$(mktemp -d "$rounds_in/out.XXXX")
    : >"$folder/serve.log"
    "$server" serve --listen 127.0.0.1:0 --out "$out" "$@" >"$folder/report" 2>"$folder/serve.log" &
    started=$!
    port=$(served_port "$folder/serve.log")
    now begin
    source_to "$port"
    now accepted
    kill -INT "$started"
    # While it judges what is left: at the very end nothing is left of its memory either.
    IFS= read -r -d '' memory 2>/dev/null <"/proc/$started/status" || true
    wait "$started" || true
    now end
    started=
    memory=$(awk '/^VmHWM/ { print int($2 / 1024) }' <<<"$memory")
    # Every message was captured and judged, or the figure means nothing.
    grep -q "^$messages of $messages messages crossed in clear" "$folder/report" || { cat "$folder/report" >&2 && exit 1; }
    ! grep -q 'not followed to their end' "$out/serve-000001.json" || { echo "a session was given up" >&2 && exit 1; }
    rm "$out"/serve-*.pcapng
    awk -v n="$messages" -v t=$((end - begin)) -v a=$((accepted - begin)) -v m="${memory:-0}" \
        'BEGIN { printf "%.0f %d %.0f\n", n * 1e9 / t, m, n * 1e9 / a }'
}

median() { printf '%s\n' "$@" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

quotient() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", a / b }'; }

# compare TITLE PEER [OPTION...]: the peer and the server in turns.
compare() {
    local i peers=() serves=() accepts=() ratios=() until=() most=0 rate megabytes accepted title=$1 peer=$2
    shift 2
    for ((i = 0; i < rounds; i++)); do
        peers+=("$("$peer")")
        read -r rate megabytes accepted <<<"$(serve "$@")"
        serves+=("$rate")
        accepts+=("$accepted")
        ratios+=("$(quotient "$rate" "${peers[i]}")")
        until+=("$(quotient "$accepted" "${peers[i]}")")
        ((megabytes <= most)) || most=$megabytes
    done
    printf '%-34s %-11s %6d/s  (%s)\n' "$title" "${peer/_/-}" "$(median "${peers[@]}")" "${peers[*]}"
    printf '%-34s smtpspec    %6d/s  (%s)  at most %d MiB\n' '' "$(median "${serves[@]}")" "${serves[*]}" "$most"
    printf '%-34s ratio %s  (%s); until smtp-source ended %d/s, ratio %s\n' '' "$(median "${ratios[@]}")" "${ratios[*]}" \
        "$(median "${accepts[@]}")" "$(median "${until[@]}")"
}

echo "$(nproc) processors; $connections connections, $length bytes, $messages messages a round, $rounds rounds in turns; messages a second, median (all)"
mode=(-d)
compare "many messages a connection" smtp_sink
mode=()
compare "a connection a message" smtp_sink

messages=${KEPT:-4000}
compare "--durability os" smtp_sink --messages maildir --durability os
compare "--durability disk" smtp_sink --messages maildir --durability disk
if [ "$(id -u)" = 0 ]; then
    compare "--durability disk" smtpd_queue --messages maildir --durability disk
else
    echo "Postfix's smtpd is left out: its master insists on root"
fi

ulimit -n "$(ulimit -H -n)"
"$target/release/examples/sessions" "$server" "$sessions"
