"""Python's smtplib: send.py MECHANISM CASE, to the server on port 587 of the loopback."""

import smtplib
import sys
import zlib
from email.message import EmailMessage
from email.utils import format_datetime
from datetime import datetime, timezone

mechanism, case = sys.argv[1:3]
TIME = format_datetime(datetime(2026, 11, 2, 10, 0, tzinfo=timezone.utc))


def der(tag: int, content: bytes) -> bytes:
    """One DER element."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def compressed(entity: bytes) -> bytes:
    """CompressedData of RFC 3274: few builds of openssl can make one."""
    content_type = bytes.fromhex("060b2a864886f70d0109100109")
    zlib_algorithm = der(0x30, bytes.fromhex("060b2a864886f70d0109100308"))
    data = bytes.fromhex("06092a864886f70d010701")
    inner = der(0x30, data + der(0xA0, der(0x04, zlib.compress(entity, 9))))
    return der(0x30, content_type + der(0xA0, der(0x30, b"\x02\x01\x00" + zlib_algorithm + inner)))


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "a@client.example"
    mail["To"] = "b@server.example"
    mail["Date"] = TIME
    mail["Message-ID"] = f"<python-{case}@client.example>"
    if case == "compressed":
        mail["Subject"] = "Squeezed"
        entity = b"Content-Type: text/plain\r\n\r\n" + b"Pay 4711 to the usual account.\r\n" * 8
        mail.set_content(compressed(entity), "application", "pkcs7-mime", filename="smime.p7z", disposition="attachment")
        mail.replace_header(
            "Content-Type", 'application/pkcs7-mime; smime-type=compressed-data; name="smime.p7z"'
        )
        return mail
    mail["Subject"] = "Prüfbericht für Zürich"
    mail.set_content("Siehe Anhang – 3 Seiten.\n.Punkt\n")
    if case == "attachments":
        mail.add_alternative("<p>Siehe Anhang</p>\n", subtype="html")
        mail.add_attachment(b"%PDF-1.4\n%%EOF\n", "application", "pdf", filename="Prüfbericht.pdf")
        mail.add_attachment("a;b\n", subtype="csv", filename="tabelle.csv")
    return mail


with smtplib.SMTP("127.0.0.1", 587, local_hostname="client.example", timeout=20) as server:
    server.ehlo()
    if mechanism == "STARTTLS":
        server.starttls()
        server.ehlo()
    elif mechanism != "none":
        server.user, server.password = "alice", "wonder land 7"
        method = getattr(server, "auth_" + mechanism.lower().replace("-", "_"))
        server.auth(mechanism, method)
    server.send_message(message())
