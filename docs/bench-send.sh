#!/usr/bin/env bash
# Times `smtpspec send` against curl with a message that has an attachment of 25 MiB, to the same server, in one run and in
# turns:
#   docs/bench-send.sh
# ROUNDS (15), SIZE (26214400 bytes of attachment).
# Twice: a message that is ready in a file, and one that either of the two composes around the file. The server is Postfix's
# smtp-sink, out of Debian's package, which is unpacked and not installed. The exit status tells whether a tool was missing,
# not who won.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. docs/bench_postfix.sh
type -P curl >/dev/null || { echo "missing: curl" >&2 && exit 2; }
cargo build --quiet --release -p smtpspec

port=$(free_port)
postfix smtp-sink "${privileges[@]}" "127.0.0.1:$port" 64 >"$folder/sink.log" 2>&1 &
started=$!
trap 'kill "$started" 2>/dev/null || true' EXIT
listening "$port"

SMTPSPEC=$target/release/smtpspec PORT=$port FOLDER=$folder ROUNDS=${ROUNDS:-15} SIZE=${SIZE:-26214400} python3 - <<'END'
import os
import random
import shutil
import statistics
import time

port, folder, rounds = os.environ["PORT"], os.environ["FOLDER"], int(os.environ["ROUNDS"])
attachment, message = f"{folder}/large.bin", f"{folder}/large.eml"
with open(attachment, "wb") as file:
    left, source = int(os.environ["SIZE"]), random.Random(1)
    while left:
        file.write(source.randbytes(min(left, 1 << 20)))
        left -= min(left, 1 << 20)
send = [os.environ["SMTPSPEC"], "send", "--quiet", "--server", f"127.0.0.1:{port}"]
send += ["--from", "a@client.example", "--to", "b@server.example"]
curl = ["curl", "--silent", "--show-error", f"smtp://127.0.0.1:{port}/client.example"]
curl += ["--mail-from", "a@client.example", "--mail-rcpt", "b@server.example"]


def run(command, output=os.devnull):
    """Seconds, seconds of the processor, and MiB at the most."""
    begin = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(out, 1)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    assert status == 0, (command, status)
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def both(what, ours, theirs):
    times = {"curl": [], "smtpspec send": []}
    for number in range(rounds + 1):
        for name, command in (("curl", theirs), ("smtpspec send", ours)):
            result = run(command)
            # The first round fills the caches.
            if number:
                times[name].append(result)
    print(what)
    medians = {}
    for name, results in times.items():
        seconds, processor, memory = (statistics.median(column) for column in zip(*results))
        medians[name] = seconds
        best = min(result[0] for result in results)
        print(
            f"  {name:14} median {seconds * 1000:6.1f} ms, best {best * 1000:6.1f} ms,"
            f" processor {processor * 1000:6.1f} ms, {memory:4.0f} MiB at the most"
        )
    print(f"  ratio of the medians (curl / smtpspec send): {medians['curl'] / medians['smtpspec send']:.2f}")


run(send + ["--attach", attachment, "--subject", "large", "--dry-run"], message)
with open(message, "rb") as file:
    while file.readline() != b"\n":
        pass
    # By the piece: what this process holds counts for what it starts.
    with open(message + ".part", "wb") as out:
        shutil.copyfileobj(file, out)
os.replace(message + ".part", message)
octets = os.path.getsize(message)
both(
    f"a message of {octets} octets, ready in a file",
    send + ["--message", message],
    curl + ["--upload-file", message],
)
both(
    f"an attachment of {os.path.getsize(attachment)} octets, composed on the way",
    send + ["--attach", attachment, "--subject", "large"],
    curl + ["--form", "=;type=text/plain", "--form", f"=@{attachment};encoder=base64", "--header", "Subject: large"],
)
END
