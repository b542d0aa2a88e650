"""Dovecot's authentication protocol for one account: dovecot_auth.py SOCKET PID. It ends when that process does."""

import base64
import os
import socketserver
import sys
import threading
import time

USER, PASSWORD = b"alice", b"wonder land 7"
HELLO = (
    "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
    "SPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\nDONE\n"
)


class Client(socketserver.StreamRequestHandler):
    """One smtpd process."""

    def handle(self):
        self.wfile.write(HELLO.encode())
        exchanges = {}
        for line in self.rfile:
            fields = line.decode().rstrip("\n").split("\t")
            if fields[0] == "AUTH":
                given = [one[5:] for one in fields if one.startswith("resp=")]
                exchanges[fields[1]] = [fields[2]]
                self.step(exchanges, fields[1], given[0] if given else None)
            elif fields[0] == "CONT":
                self.step(exchanges, fields[1], fields[2])

    def step(self, exchanges, number, text):
        mechanism, *said = exchanges[number]
        if text is not None:
            said.append(base64.b64decode(text))
            exchanges[number].append(said[-1])
        prompts = [b"Username:", b"Password:"] if mechanism == "LOGIN" else [b""]
        if len(said) < len(prompts):
            prompt = base64.b64encode(prompts[len(said)]).decode()
            self.say(f"CONT\t{number}\t{prompt}")
            return
        if mechanism == "PLAIN":
            said = said[0].split(b"\0")[1:]
        good = said == [USER, PASSWORD]
        self.say(f"OK\t{number}\tuser=alice" if good else f"FAIL\t{number}")

    def say(self, line):
        self.wfile.write(line.encode() + b"\n")


def watch(pid):
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.5)
    os._exit(0)


threading.Thread(target=watch, args=(int(sys.argv[2]),), daemon=True).start()
with socketserver.ThreadingUnixStreamServer(sys.argv[1], Client) as server:
    os.chmod(sys.argv[1], 0o666)
    server.daemon_threads = True
    server.serve_forever()
