"""pyspnego's NTLM over smtplib as a client under test: pyspnego_client.py key=value...

smtplib's own AUTH driver decodes the first 334, which MS-SMTPNTLM leaves free, so the exchange is driven here: a bare AUTH
NTLM, and NEGOTIATE after whatever is said to it.

Exit status: 0 sent, 1 not sent, 89 cannot be done.
"""

import base64
import smtplib
import ssl
import sys

import spnego

told = dict(word.split("=", 1) for word in sys.argv[1:])
recipients = [word.split("=", 1)[1] for word in sys.argv[1:] if word.startswith("recipient=")]


def context() -> ssl.SSLContext:
    """Certificates and names are checked; only the test's authority is trusted."""
    return ssl.create_default_context(cafile=told["ca"])


def log_in(server: smtplib.SMTP) -> None:
    with open(told["password-file"], encoding="utf-8") as file:
        password = file.read()
    client = spnego.client(
        told["domain"] + "\\" + told["user"],
        password,
        hostname=told["host"],
        service="SMTPSVC",
        protocol="ntlm",
        # The program's own NTLM, also where the system's GSSAPI has one.
        options=spnego.NegotiateOptions.use_ntlm,
    )
    answer(server, 334, "AUTH NTLM")
    _, text = answer(server, 334, base64.b64encode(client.step()).decode())
    try:
        authenticate = client.step(base64.b64decode(text, validate=True))
    except Exception:
        server.docmd("*")
        raise
    answer(server, 235, base64.b64encode(authenticate).decode())


def answer(server: smtplib.SMTP, wanted: int, line: str) -> tuple[int, bytes]:
    code, text = server.docmd(line)
    if code != wanted:
        raise smtplib.SMTPAuthenticationError(code, text)
    return code, text


def main() -> None:
    where = {
        "host": told["host"],
        "port": int(told["port"]),
        "local_hostname": told["ehlo"],
        "timeout": float(told["timeout"]),
    }
    tls = told["tls"]
    server = smtplib.SMTP_SSL(context=context(), **where) if tls == "implicit" else smtplib.SMTP(**where)
    with server:
        server.ehlo_or_helo_if_needed()
        if tls == "required" or tls == "opportunistic" and server.has_extn("starttls"):
            server.starttls(context=context())
            server.ehlo()
        if told["mode"] == "ntlm":
            log_in(server)
        with open(told["message"], "rb") as file:
            message = file.read()
        # As send_message does it.
        ascii_only = all(address.isascii() for address in [told["sender"], *recipients])
        mail = [] if ascii_only or not server.has_extn("smtputf8") else ["SMTPUTF8", "BODY=8BITMIME"]
        refused = server.sendmail(told["sender"], recipients, message, mail_options=mail)
        if refused:
            print(f"refused: {refused}", file=sys.stderr)
            sys.exit(1)


main()
