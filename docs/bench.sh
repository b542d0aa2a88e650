#!/bin/sh
# Times the bare start and the whole default run. Beside the run stands its floor: a curl for each case against a server
# that is up already, which is what sixty-odd real SMTP conversations cost a well-made client on this machine.
set -eu
binary=${1:-target/release/smtpspec}
runs=${2:-10}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

milliseconds() { # median of $runs runs
    i=0
    while [ "$i" -lt "$runs" ]; do
        start=$(date +%s%N)
        "$@" >/dev/null 2>&1 || true
        end=$(date +%s%N)
        echo $(((end - start) / 10000))
        i=$((i + 1))
    done | sort -n | awk '{ all[NR] = $1 } END { printf "%.2f", all[int((NR + 1) / 2)] / 100 }'
}

# One start is too short to time with a shell: fifty at a time.
fifty() {
    n=0
    while [ "$n" -lt 50 ]; do
        "$binary" --version
        n=$((n + 1))
    done
}
version=$(milliseconds fifty | awk '{ printf "%.2f", $1 / 50 }')
run=$(milliseconds "$binary" run --quiet --out "$folder/out")
cases=$("$binary" list scenarios | wc -l)
echo "smtpspec --version      $version ms"
echo "whole default run       $run ms ($cases cases)"

if command -v curl >/dev/null; then
    printf 'Subject: x\r\n\r\nhello\r\n' >"$folder/mail"
    "$binary" serve --listen 127.0.0.1:0 --out "$folder/serve" 2>"$folder/log" >/dev/null &
    server=$!
    until address=$(sed -n 's/^listening on \([0-9.:]*\).*/\1/p' "$folder/log") && [ -n "$address" ]; do sleep 0.05; done
    all() {
        i=0
        while [ "$i" -lt "$cases" ]; do
            curl -s "smtp://$address/bench" --mail-from a@example.test --mail-rcpt b@example.test -T "$folder/mail" \
                -u user:password --login-options AUTH=PLAIN
            i=$((i + 1))
        done
    }
    peer=$(milliseconds all)
    kill -INT "$server"
    wait "$server" || true
    echo "$cases times curl          $peer ms"
    awk -v a="$run" -v b="$peer" 'BEGIN { printf "ratio run / curl        %.2f\n", a / b }'
fi
