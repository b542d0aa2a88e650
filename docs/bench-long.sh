#!/usr/bin/env bash
# A day's mail in one run: does the server's memory stay flat?
#   docs/bench-long.sh
# MESSAGES (1000000), STEP (100000: as often its resident size is taken), CONNECTIONS (20), LENGTH (512 bytes of body),
# OPTIONS (of `serve`, besides). Each message has a connection of its own, from Postfix's smtp-source (Debian's package,
# unpacked and not installed), so that a million sessions are captured and judged. Captures are rotated, and kept are the
# last two; a gigabyte of disk is enough. The exit status is 1 where a message or a session is missing in the end, or where the
# resident size at the end is more than 1.25 times that after the first two steps.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
messages=${MESSAGES:-1000000}
step=${STEP:-100000}
connections=${CONNECTIONS:-20}
length=${LENGTH:-512}
read -ra options <<<"${OPTIONS-}"
. docs/bench_postfix.sh
cargo build --quiet --release -p smtpspec
server=$target/release/smtpspec
out=$folder/long
rm -rf "$out"
: >"$folder/serve.log"
"$server" serve --listen 127.0.0.1:0 --rotate-size 256MiB --keep 2 --out "$out" "${options[@]}" >"$folder/report" 2>"$folder/serve.log" &
started=$!
trap 'kill "$started" 2>/dev/null || true' EXIT
port=$(served_port "$folder/serve.log")

size() { awk -v name="$1" '$1 == name ":" { print int($2 / 1024) }' "/proc/$started/status"; }
echo "messages   resident   a second"
sizes=()
for ((done = step; done <= messages; done += step)); do
    now begin
    (postfix smtp-source -s "$connections" -l "$length" -m "$step" -f a@client.example -t b@server.example "127.0.0.1:$port")
    now end
    sizes+=("$(size VmRSS)")
    printf '%8d   %4d MiB   %d\n' "$done" "${sizes[-1]}" $((step * 1000000000 / (end - begin)))
done
kill -INT "$started"
most=$(size VmHWM)
while kill -0 "$started" 2>/dev/null; do
    now=$(size VmHWM 2>/dev/null || true)
    most=${now:-$most}
    sleep 0.05
done
trap - EXIT
wait "$started" || true
echo "until it was judged, at the most $most MiB"
grep '^[0-9]* of [0-9]* messages' "$folder/report"
grep -q "^$messages of $messages messages crossed in clear" "$folder/report" || { echo "not every message was judged" >&2 && exit 1; }
python3 - "$out/serve-000001.json" "$messages" <<'END'
import json
import sys

answer = json.load(open(sys.argv[1]))["answer"]
assert answer["conversations"] == int(sys.argv[2]), answer["conversations"]
END
awk -v first="${sizes[1]:-${sizes[0]}}" -v last="${sizes[-1]}" 'BEGIN { exit last > 1.25 * first }' ||
    { echo "it grows: ${sizes[*]} MiB" >&2 && exit 1; }
