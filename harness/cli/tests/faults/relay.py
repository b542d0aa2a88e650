#!/usr/bin/env python3
"""What `smtpspec serve --relay` passes on when things go wrong: counted by the clients and by the server behind.

Clients send messages with an id and note which were acknowledged; a server behind counts what it answered 250. Every
acknowledged message must be there for every recipient, or in the queue, or in `failed`. Nothing but the standard library is
needed.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import faults

PATIENCE = 60


class Sink:
    """The server behind. `fault` is asked at each stage for a reply, `close`, or nothing."""

    def __init__(self, fault=lambda stage, argument: None, delay=0.0, port=0):
        self.lock = threading.Lock()
        self.taken = {}
        self.fault, self.delay = fault, delay
        self.weak = False
        self.cut = 0
        self.listen(port)

    def listen(self, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.streams = set()
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def away(self):
        """Nobody listens, and who was connected is cut off."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for stream in list(self.streams):
            # Each may be cut off between the end of the content and the reply to it.
            self.cut += 1
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.streams.add(stream)
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        try:
            self.talk(stream, stream.makefile("rb"))
        except OSError:
            pass
        finally:
            self.streams.discard(stream)
            stream.close()

    def say(self, stream, stage, argument, reply):
        if self.delay:
            time.sleep(self.delay)
        fault = self.fault(stage, argument)
        if fault == "close":
            raise OSError("a fault")
        stream.sendall((fault or reply).encode() + b"\r\n")
        return not fault

    def talk(self, stream, lines):
        self.say(stream, "greeting", "", "220 sink.example")
        recipients = []
        for line in lines:
            verb, _, argument = line.decode().strip().partition(" ")
            stage = verb.lower()
            if stage == "ehlo":
                self.say(stream, stage, argument, "250-sink.example\r\n250 8BITMIME")
            elif stage == "mail":
                recipients = []
                self.say(stream, stage, argument, "250 ok")
            elif stage == "rcpt":
                if self.say(stream, stage, argument, "250 ok"):
                    recipients.append(re.search("<(.*?)>", argument)[1])
            elif stage == "data":
                if self.say(stream, stage, argument, "354 go on"):
                    self.content(stream, lines, recipients)
            elif stage in ("rset", "noop"):
                stream.sendall(b"250 ok\r\n")
            elif stage == "quit":
                stream.sendall(b"221 bye\r\n")
                return
            else:
                stream.sendall(b"502 no\r\n")

    def content(self, stream, lines, recipients):
        message = []
        for line in lines:
            if line == b".\r\n":
                break
            message.append(line[1:] if line.startswith(b".") else line)
            if len(message) == 3 and self.fault("content", "") == "close":
                raise OSError("a fault")
        else:
            return
        text = b"".join(message)
        if text.startswith(b"Received:"):
            text = re.sub(rb"\A.*\r\n(?:[ \t].*\r\n)*", b"", text, count=1)
        name = re.search(rb"(?m)^X-Id: (\S+)\r$", text)[1].decode()
        if self.delay:
            time.sleep(self.delay)
        fault = self.fault("dot", "")
        if fault == "close":
            raise OSError("a fault")
        if not fault and not (self.weak and int(hashlib.sha256(name.encode()).hexdigest(), 16) % 5 == 0):
            # It answers for the message from here on.
            with self.lock:
                for recipient in recipients:
                    self.taken.setdefault((name, recipient), []).append(hashlib.sha256(text).hexdigest())
        stream.sendall((fault or "250 taken").encode() + b"\r\n")


class Load(faults.Load):
    """Clients whose messages have these recipients."""

    recipients = ("b@server.example",)

    def deliver(self, talk, name, luck):
        lines = [("MAIL FROM:<a@client.example>", "250"), *((f"RCPT TO:<{to}>", "250") for to in self.recipients), ("DATA", "354")]
        for line, code in lines:
            if not talk.say(line).startswith(code):
                raise OSError("refused")
        message = faults.content(name, luck)
        with self.lock:
            self.sent[name] = hashlib.sha256(message).hexdigest()
        reply = talk.send(faults.stuff(message) + b".\r\n").reply()
        with self.lock:
            self.events += 1
            if reply.startswith("250"):
                self.acknowledged[name] = time.monotonic()


def left(out):
    """What waits in the queue, and what is in `failed`, as (id, recipient)."""
    waiting, failed = set(), set()
    queue = out / "queue"
    for state in [*queue.glob("*.json"), *queue.glob("*.sending"), *queue.glob("failed/*.json")]:
        text = state.with_suffix(".eml").read_bytes()
        name = re.search(rb"(?m)^X-Id: (\S+)\r$", text)[1].decode()
        entry = json.loads(state.read_bytes())
        waiting.update((name, one["mailbox"]) for one in entry["recipients"])
        failed.update((name, one["mailbox"]) for one in entry.get("failed", ()))
    return waiting, failed


HEADING = """\
# What is passed on when things go wrong

`just bench-relay-faults` (`harness/cli/tests/faults/relay.py`) wrote this: `smtpspec serve --relay` under load from six
connections, with a server behind that counts. *Acknowledged*: messages, times their recipients, for which the client read the
250. *Delivered*: the server behind answers for it. *Lost*: neither delivered nor in the queue nor in `failed`. *Twice*:
delivered more than once; *told*: that this may happen was said, or will be by the next start, since the process was killed
between the end of the content and the reply to it (RFC 1047), or as many connections as a server cut off when it went. *Twice* may not exceed *told*. *In doubt*: delivered, and the client did not read the 250.
*Lost* and *changed* must be 0."""


class Table:
    def __init__(self, binary):
        self.binary, self.rows, self.problems = binary, [], []

    def count(self, name, load, sink, out, told=0, failures=False):
        waiting, failed = left(out)
        wanted = {(one, to) for one in load.acknowledged for to in load.recipients}
        with sink.lock:
            taken = dict(sink.taken)
        lost = wanted - set(taken) - waiting - failed
        twice = [one for one, all in taken.items() if len(all) > 1]
        changed = [one for one, all in taken.items() if any(hash != load.sent[one[0]] for hash in all)]
        doubt = set(taken) - wanted
        row = [name, len(wanted), len(wanted & set(taken)), len(waiting), len(failed), len(lost), len(twice), told, len(changed), len(doubt)]
        self.rows.append(row)
        print(row, flush=True)
        wrong = {
            "lost": lost,
            "twice": twice if len(twice) > told else (),
            "changed": changed,
            "failed": failed if not failures else (),
            "failed and delivered": failed & set(taken),
            "nothing acknowledged": () if wanted else (name,),
        }
        self.problems += [f"{name}: {what}: {list(which)[:5]}" for what, which in wrong.items() if which]

    def end(self, report):
        head = ["fault", "acknowledged", "delivered", "in the queue", "failed", "lost", "twice", "told", "changed", "in doubt"]
        lines = [HEADING, "", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
        lines += ["| " + " | ".join(map(str, row)) + " |" for row in self.rows]
        if report:
            report.write_text("\n".join(lines) + "\n")
        for problem in self.problems:
            print(problem)
        return bool(self.problems)


def options(sink, mode, *more):
    chosen = ["--relay", f"127.0.0.1:{sink.port}", "--relay-mode", mode]
    if mode == "queue":
        chosen += ["--relay-retry", "1s", "--relay-timeout", "10s"]
    return [*chosen, *more]


def told(server):
    return sum("may reach the server behind twice" in line for line in server.said)


def drain(out, patience=PATIENCE):
    """Waits until the queue is empty, for as long as it grows shorter."""
    until = time.monotonic() + patience
    queue = out / "queue"
    fewest = None
    while waiting := len([*queue.glob("*.json"), *queue.glob("*.sending")]):
        now = time.monotonic()
        if fewest is None or waiting < fewest:
            fewest, until = waiting, now + patience
        if now > until:
            break
        time.sleep(0.02)


def killed(table, folder, seed, kills, mode, durability):
    luck = random.Random(seed)
    out = folder / f"{mode}-{durability}"
    sink = Sink()
    load = Load(f"{seed}/{mode}/{durability}", tls=2 if mode == "queue" else 0)
    more = ["--durability", durability] if mode == "queue" else []
    before = warned = 0
    for _ in range(kills):
        server = faults.Server(table.binary, out, options(sink, mode, *more))
        load.port = server.port
        load.wait_for(lambda: load.events >= before + 3)
        time.sleep(luck.uniform(0, 0.12))
        load.port = None
        server.kill()
        server.reader.join(5)
        warned += told(server)
        before = load.events
    load.stop()
    if mode == "queue":
        waiting, _ = left(out)
        # The next start will speak of these.
        open_ends = len([*(out / "queue").glob("*.sending")])
        table.count(f"queue, {kills} × kill -9, {durability}, at the last kill", load, sink, out, told=warned + open_ends)
        server = faults.Server(table.binary, out, options(sink, mode, *more))
        drain(out)
        server.stop()
        server.reader.join(5)
        warned += told(server)
        name = f"queue, {kills} × kill -9, {durability}, then a last start"
        table.count(name, load, sink, out, told=warned)
        if left(out)[0]:
            table.problems.append(f"{name}: the queue is not empty")
        print(f"    {len(waiting)} waited at the last kill", flush=True)
    else:
        table.count(f"proxy, {kills} × kill -9", load, sink, out)


def served(table, folder, seed, mode, name, sink, seconds, act=lambda sink: None, failures=False, recipients=Load.recipients):
    """A run with a server behind that is no good, ended once the queue is empty."""
    out = folder / re.sub(r"\W+", "-", f"{mode}-{name}")
    server = faults.Server(table.binary, out, options(sink, mode))
    load = Load(f"{seed}/{name}", tls=0)
    load.recipients = recipients
    load.port = server.port
    act(sink)
    time.sleep(seconds)
    load.port = None
    load.stop()
    if mode == "queue":
        drain(out)
    server.stop()
    table.count(f"{mode}, {name}", load, sink, out, told=sink.cut, failures=failures)
    if mode == "queue" and left(out)[0]:
        table.problems.append(f"{name}: the queue is not empty")


def leaving(seed, stage):
    luck = random.Random(f"{seed}/{stage}")
    return lambda now, _: "close" if now == stage and luck.random() < 0.1 else None


def answering(seed):
    """Some recipients are put off now and then, some are refused for good."""
    luck = random.Random(f"{seed}/answers")

    def fault(stage, argument):
        if stage == "rcpt" and "never" in argument:
            return "550 5.1.1 nobody"
        if stage in ("rcpt", "mail", "data", "dot") and "always" not in argument and luck.random() < 0.05:
            return "451 4.3.0 later"
        return None

    return fault


def gone(sink):
    time.sleep(0.3)
    sink.away()
    time.sleep(1.5)
    sink.listen(sink.port)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--short", action="store_true", help="a few kills, none of them synced")
    parser.add_argument("--weak", action="store_true", help="a server behind that forgets messages: that must be found")
    parser.add_argument("--report", type=Path)
    args = parser.parse_args()
    table = Table(os.path.abspath(args.binary))
    folder = Path(tempfile.mkdtemp(prefix="smtpspec-relay-"))
    seed, short = args.seed, args.short
    seconds = 0.3 if short else 1.5
    kills = 5 if short else args.kills
    try:
        if args.weak:
            sink = Sink()
            sink.weak = True
            served(table, folder, seed, "queue", "server forgets", sink, seconds)
            served(table, folder, seed, "proxy", "server forgets", sink, seconds)
            return table.end(args.report)
        killed(table, folder, seed, kills, "queue", "os")
        if not short:
            killed(table, folder, seed, kills, "queue", "disk")
        killed(table, folder, seed, kills, "proxy", "none")
        for mode in ("queue", "proxy"):
            served(table, folder, seed, mode, "server dead for a while", Sink(), seconds, gone)
            served(table, folder, seed, mode, "server slow", Sink(delay=0.05), seconds)
            for stage in ("greeting", "ehlo", "mail", "rcpt", "data", "content", "dot"):
                if short and stage not in ("data", "dot"):
                    continue
                served(table, folder, seed, mode, f"server closes at {stage}", Sink(leaving(seed, stage)), seconds)
        three = ("always@server.example", "never@server.example", "later@server.example")
        served(table, folder, seed, "queue", "4yz and 5yz per recipient", Sink(answering(seed)), seconds, failures=True, recipients=three)
        return table.end(args.report)
    finally:
        if table.problems and not args.weak:
            print(f"left in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
