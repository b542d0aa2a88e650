"""Python's smtplib as a client under test: smtplib_client.py key=value...

Exit status: 0 sent, 1 not sent, 89 cannot be done with smtplib.
"""

import smtplib
import ssl
import sys

told = dict(word.split("=", 1) for word in sys.argv[1:])
recipients = [word.split("=", 1)[1] for word in sys.argv[1:] if word.startswith("recipient=")]


def context() -> ssl.SSLContext:
    """Certificates and names are checked; only the test's authority is trusted."""
    return ssl.create_default_context(cafile=told["ca"])


def log_in(server: smtplib.SMTP) -> None:
    with open(told["password-file"], encoding="utf-8") as file:
        password = file.read()
    mechanism = told["mechanism"]
    if mechanism == "any":
        # smtplib chooses, and tries one after the other.
        server.login(told["user"], password)
        return
    server.ehlo_or_helo_if_needed()
    server.user, server.password = told["user"], password
    server.auth(mechanism.upper(), getattr(server, "auth_" + mechanism))


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
        if tls == "required" or tls == "opportunistic" and offers_starttls(server):
            server.starttls(context=context())
        if told["mode"] == "basic":
            log_in(server)
        with open(told["message"], "rb") as file:
            message = file.read()
        # The library passes on whatever it is given: to ask only where DSN is offered is for its caller.
        server.ehlo_or_helo_if_needed()
        receipt = told.get("receipt") == "yes" and server.has_extn("dsn")
        options = ["NOTIFY=SUCCESS,FAILURE"] if receipt else []
        # As send_message does it.
        ascii_only = all(address.isascii() for address in [told["sender"], *recipients])
        mail = [] if ascii_only or not server.has_extn("smtputf8") else ["SMTPUTF8", "BODY=8BITMIME"]
        refused = server.sendmail(told["sender"], recipients, message, mail_options=mail, rcpt_options=options)
        if refused:
            print(f"refused: {refused}", file=sys.stderr)
            sys.exit(1)


def offers_starttls(server: smtplib.SMTP) -> bool:
    server.ehlo_or_helo_if_needed()
    return server.has_extn("starttls")


main()
