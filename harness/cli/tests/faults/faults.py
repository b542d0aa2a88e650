#!/usr/bin/env python3
"""What `smtpspec serve` keeps when things go wrong: faults under load, counted from outside.

Clients send messages with an id and note which were acknowledged. Then the folder is counted: every acknowledged message
must be stored, byte for byte, once, and on the wire. Nothing but the standard library is needed.
"""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PATIENCE = 30


class Server:
    """One run of `serve`."""

    def __init__(self, binary, out, options=(), limit=None):
        def prepare():
            if limit:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        self.out = out
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--out", str(out), "--format", "json", *options]
        self.said = []
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=prepare
        )
        for line in self.process.stderr:
            self.said.append(line.strip())
            found = re.search(r"^listening on .*:(\d+);", line)
            if found:
                self.port = int(found[1])
                break
        else:
            raise SystemExit(f"serve did not listen: {self.said}")
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line.strip())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE)


class Load:
    """Clients that send until they are stopped."""

    def __init__(self, seed, clients=6, tls=2):
        self.lock = threading.Lock()
        self.sent = {}
        self.acknowledged = {}
        self.refused = []
        self.events = 0
        self.port = None
        self.over = False
        self.threads = [
            threading.Thread(target=self.client, args=(number, random.Random(f"{seed}/{number}"), number < tls), daemon=True)
            for number in range(clients)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join(PATIENCE)

    def client(self, number, luck, tls):
        count = 0
        while not self.over:
            port = self.port
            if port is None:
                time.sleep(0.005)
                continue
            try:
                with connect(port, tls) as talk:
                    for _ in range(luck.randrange(1, 12)):
                        if self.over:
                            break
                        count += 1
                        self.deliver(talk, f"{number}-{count}", luck)
            except OSError:
                time.sleep(0.005)

    def deliver(self, talk, name, luck):
        for line, code in (("MAIL FROM:<a@client.example>", "250"), ("RCPT TO:<b@server.example>", "250"), ("DATA", "354")):
            if not talk.say(line).startswith(code):
                raise OSError("refused")
        message = content(name, luck)
        with self.lock:
            self.sent[name] = hashlib.sha256(message).hexdigest()
        reply = talk.send(stuff(message) + b".\r\n").reply()
        with self.lock:
            self.events += 1
            if reply.startswith("250"):
                self.acknowledged[name] = time.monotonic()
            elif reply[:3] in ("421", "452"):
                self.refused.append(time.monotonic())
        if reply.startswith("421"):
            raise OSError("connect again")
        if reply.startswith("452"):
            time.sleep(0.01)

    def wait_for(self, what, patience=PATIENCE):
        until = time.monotonic() + patience
        while not what():
            if time.monotonic() > until:
                raise SystemExit("it does not come to that")
            time.sleep(0.005)


class Talk:
    """One connection."""

    def __init__(self, stream):
        self.stream = stream
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, data):
        self.stream.sendall(data)
        return self

    def say(self, line):
        return self.send(line.encode() + b"\r\n").reply()

    def reply(self):
        while True:
            line, end, rest = self.rest.partition(b"\n")
            if end:
                self.rest = rest
                if line[3:4] != b"-":
                    return line.decode("ascii", "replace")
                continue
            more = self.stream.recv(65536)
            if not more:
                raise OSError("closed")
            self.rest += more


def connect(port, tls=False):
    talk = Talk(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
    talk.reply()
    talk.say("EHLO client.example")
    if tls and talk.say("STARTTLS").startswith("220"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        talk = Talk(context.wrap_socket(talk.stream))
        talk.say("EHLO client.example")
    return talk


def content(name, luck):
    lines = [f"Subject: {name}", f"X-Id: {name}", ""]
    for _ in range(luck.randrange(1, 200)):
        lines.append(luck.choice(("", ".", "..", ".x", "text " * luck.randrange(1, 15))))
    return "\r\n".join(lines).encode() + b"\r\n"


def stuff(message):
    return re.sub(rb"(?m)^\.", b"..", message)


def stored(folders):
    """Ids of the messages that are entered, each with the SHA-256 of its file and how often it is there."""
    found = {}
    for folder in folders:
        journal = folder / "journal.jsonl"
        if not journal.exists():
            continue
        for line in journal.read_bytes().split(b"\n")[:-1]:
            entry = json.loads(line)
            if entry["kind"] != "message":
                continue
            message = (folder / entry["file"]).read_bytes()
            name = re.search(rb"(?m)^X-Id: (\S+)\r$", message)[1].decode()
            found.setdefault(name, []).append(hashlib.sha256(message).hexdigest())
    return found


def verify(binary, folders):
    """Messages that are on the wire as they are stored; whether everything agrees; what was said."""
    total, well, said = 0, True, []
    for folder in folders:
        if not (folder / "journal.jsonl").exists():
            continue
        run = subprocess.run([binary, "verify", str(folder)], capture_output=True, text=True)
        well &= run.returncode == 0
        said.append(run.stdout + run.stderr)
        counts = re.search(r"(\d+) agree byte for byte", run.stdout)
        total += int(counts[1]) if counts else 0
        more = re.search(r"^(\d+) more stored whose acknowledgement", run.stdout, re.M)
        total += int(more[1]) if more else 0
    return total, well, "".join(said)


def readable(binary, folders):
    """How many captures there are, and how many of them the audit reads by themselves."""
    captures = [capture for folder in folders for capture in sorted(folder.glob("*.pcapng"))]
    good = 0
    for capture in captures:
        run = subprocess.run([binary, "audit", str(capture), "--format", "json"], capture_output=True, text=True)
        # One that breaks off is complained of, and judged; one that holds no conversation yet says so.
        good += '"conversations"' in run.stdout or "no SMTP conversation among" in run.stderr
    return good, len(captures)


class Table:
    def __init__(self, binary):
        self.binary = binary
        self.rows = []
        self.problems = []

    def count(self, name, load, folders, since=None, doubtful=0, note=""):
        """Adds a row. `since` leaves out what was acknowledged before, since its folder was removed by hand."""
        folders = [folder for folder in folders if folder.exists()]
        acknowledged = {one for one, when in load.acknowledged.items() if since is None or when >= since}
        kept = stored(folders)
        lost = [one for one in acknowledged if one not in kept]
        twice = [one for one, all in kept.items() if len(all) > 1]
        changed = [one for one, all in kept.items() if any(load.sent.get(one) != hash for hash in all)]
        unknown = [one for one in kept if one not in acknowledged]
        on_wire, agrees, said = verify(self.binary, folders)
        good, captures = readable(self.binary, folders)
        row = [name, len(acknowledged), len(kept), on_wire, len(lost), len(twice), len(changed), len(unknown), len(load.refused), f"{good}/{captures}"]
        self.rows.append(row)
        print(row, flush=True)
        wrong = {
            "lost": lost,
            "twice": twice,
            "changed": changed,
            "differences": [] if agrees else [said],
            "not on the wire": [] if on_wire == len(kept) else [said],
            "unreadable": [] if good == captures else [f"{good} of {captures}"],
            "nothing acknowledged": [] if acknowledged else [name],
        }
        self.problems += [f"{name}: {what}: {which[:5]}" for what, which in wrong.items() if which]

    def end(self, report):
        if report:
            report.write_text(self.markdown(HEADING))
        for problem in self.problems:
            print(problem)
        return bool(self.problems)

    def markdown(self, heading):
        head = ["fault", "acknowledged", "stored", "on the wire", "lost", "twice", "changed", "in doubt", "refused (452, 421)", "captures read"]
        lines = [heading, "", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
        lines += ["| " + " | ".join(map(str, row)) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"


def killed(table, folder, seed, kills, options, name):
    luck = random.Random(seed)
    out = folder / name.split()[0]
    load = Load(f"{seed}/{name}")
    before = 0
    for _ in range(kills):
        server = Server(table.binary, out, options)
        load.port = server.port
        # So that every kill is under load, and at another moment of it.
        load.wait_for(lambda: load.events >= before + 3)
        time.sleep(luck.uniform(0, 0.12))
        load.port = None
        server.kill()
        before = load.events
    load.stop()
    table.count(f"{kills} × kill -9, {' '.join(options[2:4])}", load, [out])


def full(table, folder, seed, options):
    """A disk of a few megabytes that fills, and has room again."""
    mount = folder / "tmpfs"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "faults", str(mount)], capture_output=True).returncode:
        print("may not mount; the disk that is full is left out", flush=True)
        return
    try:
        filler = mount / "filler"
        filler.write_bytes(b"x" * (3 << 20))
        out = mount / "out"
        server = Server(table.binary, out, options)
        load = Load(f"{seed}/full")
        load.port = server.port
        load.wait_for(lambda: len(load.refused) >= 40)
        filler.unlink()
        room = time.monotonic()
        load.wait_for(lambda: sum(when > room for when in load.acknowledged.values()) >= 20)
        load.port = None
        load.stop()
        server.stop()
        told = [line for line in server.said if "cannot be written" in line or "written again" in line]
        if not told:
            table.problems.append("disk full: it was not told")
        kept = folder / "full"
        shutil.copytree(out, kept)
        table.count("disk full, then room again", load, [kept])
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def limited(table, folder, seed, options):
    """No file may grow beyond a size (RLIMIT_FSIZE)."""
    out = folder / "limited"
    server = Server(table.binary, out, options, limit=700_000)
    load = Load(f"{seed}/limited")
    load.port = server.port
    load.wait_for(lambda: len(load.refused) >= 30)
    load.port = None
    load.stop()
    server.kill()
    table.count("file size limit reached", load, [out])


def moved(table, folder, seed, options, remove):
    """The folder is taken away under load, and made again a little later."""
    out, gone = folder / "moved", folder / "moved.gone"
    if remove:
        out = folder / "removed"
    server = Server(table.binary, out, options)
    load = Load(f"{seed}/moved/{remove}")
    load.port = server.port
    load.wait_for(lambda: len(load.acknowledged) >= 60)
    if remove:
        while out.exists():
            shutil.rmtree(out, ignore_errors=True)
    else:
        out.rename(gone)
    away = time.monotonic()
    load.wait_for(lambda: len(load.refused) >= 20)
    between = [one for one, when in load.acknowledged.items() if when > away + 0.05]
    if between:
        table.problems.append(f"acknowledged without a folder: {len(between)}")
    out.mkdir()
    back = time.monotonic()
    load.wait_for(lambda: sum(when > back for when in load.acknowledged.values()) >= 60)
    load.port = None
    load.stop()
    server.kill()
    if remove:
        # What was acknowledged while the folder was being removed went with it.
        table.count("capture folder removed, made again", load, [out], since=back)
    else:
        table.count("capture folder moved away, made again", load, [gone, out])


def stalled(table, folder, seed, options):
    out = folder / "stalled"
    server = Server(table.binary, out, [*options, "--idle", "1"])
    load = Load(f"{seed}/stalled")
    load.port = server.port
    talks = []
    for number in range(60):
        talk = connect(server.port)
        talk.say("MAIL FROM:<a@client.example>")
        if number % 3:
            talk.say("RCPT TO:<b@server.example>")
        if number % 3 == 2:
            talk.say("DATA")
            talk.send(b"Subject: half\r\n\r\nno end" * (number * 200))
        talks.append(talk)
    ended = 0
    for talk in talks:
        try:
            ended += talk.reply().startswith("421")
        except OSError:
            ended += 1
        talk.stream.close()
    load.port = None
    load.stop()
    server.stop()
    if ended != len(talks):
        table.problems.append(f"stalls: {ended} of {len(talks)} ended")
    table.count("60 clients that stall", load, [out])


def storm(table, folder, seed, options, resets):
    luck = random.Random(seed)
    out = folder / "storm"
    server = Server(table.binary, out, options)
    load = Load(f"{seed}/storm")
    load.port = server.port
    for number in range(resets):
        stream = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        talk = Talk(stream)
        try:
            if number % 4:
                talk.reply()
                talk.say("EHLO client.example")
            if number % 4 > 1:
                talk.say("MAIL FROM:<a@client.example>")
                talk.say("RCPT TO:<b@server.example>")
                talk.say("DATA")
                message = content(f"r-{number}", luck)
                load.sent[f"r-{number}"] = hashlib.sha256(message).hexdigest()
                # Reset inside the content, or behind its end without waiting for the reply.
                talk.send(stuff(message) + b".\r\n" if number % 4 == 3 else stuff(message)[: len(message) // 2])
        except OSError:
            pass
        stream.close()
    load.port = None
    load.stop()
    server.stop()
    table.count(f"{resets} × RST", load, [out])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--short", action="store_true", help="10 kills, no synced ones")
    parser.add_argument("--weak", action="store_true", help="kills alone, with --durability none: differences must be found")
    parser.add_argument("--report", type=Path)
    args = parser.parse_args()
    kills = 10 if args.short else args.kills
    base = ["--messages", "maildir", "--durability", "os", "--rotate-size", "512KiB"]
    table = Table(os.path.abspath(args.binary))
    folder = Path(tempfile.mkdtemp(prefix="smtpspec-faults-"))
    try:
        if args.weak:
            killed(table, folder, args.seed, 10, [*base[:3], "none", *base[4:]], "weak kills")
            return table.end(args.report)
        killed(table, folder, args.seed, kills, base, "os kills")
        if not args.short:
            killed(table, folder, args.seed, kills, [*base[:3], "disk", *base[4:]], "disk kills")
        full(table, folder, args.seed, base)
        limited(table, folder, args.seed, [*base[:4], "--rotate-size", "1GiB"])
        moved(table, folder, args.seed, base, remove=False)
        moved(table, folder, args.seed, base, remove=True)
        stalled(table, folder, args.seed, base)
        storm(table, folder, args.seed, base, 60 if args.short else 1000)
        return table.end(args.report)
    finally:
        if table.problems and not args.weak:
            print(f"left in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


HEADING = """# What is kept when things go wrong

`just bench-faults` (`harness/cli/tests/faults/faults.py`) wrote this: `smtpspec serve --messages maildir` under load from
six connections, two of them under TLS, with captures of 512 KiB. *Acknowledged*: the client read the 250. *Stored*: entered
in the journal, with its file. *On the wire*: `verify` found it in the captures, byte for byte as it is stored.
*In doubt*: stored, and the client did not read the 250 before the connection ended; no protocol can avoid that (RFC 1047).
*Lost*, *twice* and *changed* must be 0; the driver compares what it sent with what is stored by itself."""


if __name__ == "__main__":
    sys.exit(main())
