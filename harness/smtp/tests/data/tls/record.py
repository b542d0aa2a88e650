#!/usr/bin/env python3
"""Records TLS sessions of OpenSSL with itself, in memory, for the tests of smtp::tls: what rustls does not speak.

Python's ssl module runs both ends; nothing goes over a socket. Each file holds the key log, and the bytes of each turn
in hexadecimal: C from the client, S from the server. The keys and certificates are made for this and thrown away.

    python3 record.py            # writes the files beside it; needs the openssl program
"""
import os, ssl, subprocess, tempfile, textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
NO_ETM = 0x80000
TALK = [("S", b"220 mx.example.test ESMTP\r\n"), ("C", b"EHLO client.example.test\r\n"),
        ("S", b"250-mx.example.test\r\n250 SIZE\r\n"), ("C", b"MAIL FROM:<a@example.test>\r\n"),
        ("S", b"250 2.1.0 Ok\r\n"), ("C", b"QUIT\r\n"), ("S", b"221 Bye\r\n")]
# name, version, suite, no encrypt-then-mac, arguments of `openssl req`, and of the key
CASES = [
    ("tls12-cbc-sha1", "TLSv1_2", "AES128-SHA", True, "-sha256 -days 3650", "rsa:2048"),
    ("tls12-cbc-sha256-etm", "TLSv1_2", "ECDHE-RSA-AES128-SHA256", False, "-sha256 -days 3650", "rsa:2048"),
    ("tls12-cbc-sha384", "TLSv1_2", "ECDHE-RSA-AES256-SHA384", True, "-sha256 -days 3650", "rsa:2048"),
    ("tls12-cbc-sha384-etm", "TLSv1_2", "ECDHE-RSA-AES256-SHA384", False, "-sha256 -days 3650", "rsa:2048"),
    ("tls12-gcm-rsa", "TLSv1_2", "DHE-RSA-AES256-GCM-SHA384", False, "-sha256 -days 3650", "rsa:2048"),
    ("tls11-cbc", "TLSv1_1", "DHE-RSA-AES128-SHA", True, "-sha256 -days 3650", "rsa:2048"),
    ("tls10-cbc", "TLSv1", "AES256-SHA", True, "-md5 -days 1", "rsa:1024"),
    ("tls10-cbc-etm", "TLSv1", "AES256-SHA", False, "-sha1 -days 3650", "rsa:1024"),
    ("tls12-null", "TLSv1_2", "NULL-SHA256", False, "-sha256 -days 3650", "rsa:2048"),
    ("tls12-anonymous", "TLSv1_2", "AECDH-AES128-SHA", False, "-sha256 -days 3650", "rsa:2048"),
]


def context(side, version, suite, no_etm):
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = getattr(ssl.TLSVersion, version)
    context.set_ciphers(suite + ":@SECLEVEL=0")
    if no_etm:
        context.options |= NO_ETM
    return context


def record(name, version, suite, no_etm, request, key):
    folder = tempfile.mkdtemp()
    pem, log = os.path.join(folder, "pem"), os.path.join(folder, "log")
    subprocess.run(["openssl", "req", "-x509", "-newkey", key, "-nodes", "-keyout", pem, "-out", pem + ".crt", "-subj",
                    "/O=Example/CN=mx.example.test", "-addext", "subjectAltName=DNS:mx.example.test,IP:192.0.2.1",
                    *request.split()], check=True, capture_output=True)
    prime = pem + ".dh"
    subprocess.run(["openssl", "dhparam", "-dsaparam", "-out", prime, "1024"], check=True, capture_output=True)
    server = context(ssl.PROTOCOL_TLS_SERVER, version, suite, no_etm)
    server.load_cert_chain(pem + ".crt", pem)
    server.load_dh_params(prime)
    client = context(ssl.PROTOCOL_TLS_CLIENT, version, suite, no_etm)
    client.keylog_filename = log
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = {"C": client.wrap_bio(to_client, to_server, server_hostname="mx.example.test"),
            "S": server.wrap_bio(to_server, to_client, server_side=True)}
    turns = []

    def flush(who):
        # A copy goes on to the peer, since reading empties the buffer.
        out = to_server if who == "C" else to_client
        data = out.read()
        if data:
            turns.append((who, data))
            out.write(data)

    done = set()
    while len(done) < 2:
        for who in "CS":
            if who not in done:
                try:
                    ends[who].do_handshake()
                    done.add(who)
                except ssl.SSLWantReadError:
                    pass
                flush(who)
    for who, line in TALK:
        ends[who].write(line)
        flush(who)
        assert ends["S" if who == "C" else "C"].read(65536) == line
    for who in "CS":
        try:
            ends[who].unwrap()
        except ssl.SSLWantReadError:
            pass
        flush(who)
    with open(os.path.join(HERE, name + ".txt"), "w") as out:
        out.write(f"# {version}, {suite}, made by record.py with {ssl.OPENSSL_VERSION}\n")
        out.writelines(line for line in open(log) if not line.startswith("#"))
        for who, data in turns:
            out.writelines(f"{who} {part}\n" for part in textwrap.wrap(data.hex(), 116))


for case in CASES:
    record(*case)
