#!/usr/bin/env bash
# Builds the program once more with what was learnt from watching it work (profile-guided optimisation), which takes about a
# tenth off an audit:
#   docs/dist.sh             target/dist/smtpspec
# It is built with counters first, reads the project's captures and a made-up one, runs the catalogue against the
# reference adapter and serves a client that sends small messages; the counts then tell the compiler which paths are taken. Needs
# llvm-profdata of the toolchain's own LLVM (rustup component add llvm-tools), and python3.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. docs/served_port.sh
target=${CARGO_TARGET_DIR:-$root/target}
host=$(rustc --version --verbose | sed -n 's/^host: //p')
profdata=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
[ -x "$profdata" ] || { echo "missing: llvm-profdata (rustup component add llvm-tools)" >&2 && exit 2; }
work=$target/dist-work
rm -rf "$work/counts" "$work/out"
mkdir -p "$work/out"

# A named target keeps the flags away from build scripts, which would count too.
build() {
    RUSTFLAGS="${RUSTFLAGS:-} $1" cargo build --quiet --release --target "$host" --target-dir "$work/$2" -p smtpspec
}

build "-Cprofile-generate=$work/counts" counted
cargo build --quiet --release -p smtpspec-lab --example synthetic
smtpspec=$work/counted/$host/release/smtpspec
synthetic=$target/release/examples/synthetic
# 1 is the answer where a claim did not hold or a client failed a case.
answers() { "$@" >/dev/null 2>&1 || [ $? -eq 1 ]; }

answers "$smtpspec" run --quiet --out "$work/out/run"
"$synthetic" 60 >"$work/out/synthetic.pcapng"
for threads in 1 2; do
    answers "$smtpspec" audit --quiet --threads "$threads" "$work/out/synthetic.pcapng"
    answers "$smtpspec" audit --quiet --threads "$threads" captures/*.pcapng captures/clients "$work/out/run"
done
for format in json jsonl md html sarif; do
    answers "$smtpspec" audit --quiet --format "$format" captures/*.pcapng
done

"$smtpspec" serve --listen 127.0.0.1:0 --out "$work/out/serve" >/dev/null 2>"$work/out/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
python3 - "$(served_port "$work/out/log")" <<'PY'
import smtplib
import sys
from email.message import EmailMessage

message = EmailMessage()
message["From"], message["To"], message["Subject"] = "a@client.example", "b@open.example", "Order 4711"
message.set_content("Forty pieces, as always.\n" * 150)
for number in range(600):
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as client:
        for _ in range(1 if number % 2 else 6):
            client.send_message(message)
PY
kill -INT "$server"
wait "$server" || [ $? -eq 1 ]
trap - EXIT

"$profdata" merge --output "$work/profile" "$work/counts"
build "-Cprofile-use=$work/profile" built
mkdir -p "$target/dist"
cp "$work/built/$host/release/smtpspec" "$target/dist/"
rm -rf "$work/counts" "$work/out"
echo "${target#"$root"/}/dist/smtpspec"
