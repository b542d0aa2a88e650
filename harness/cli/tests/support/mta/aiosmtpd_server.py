"""aiosmtpd with one account, and mail as files: aiosmtpd_server.py FOLDER PORT."""

import asyncio
import itertools
import pathlib
import sys

from aiosmtpd.smtp import SMTP, AuthResult

ACCOUNT = (b"alice", b"wonder land 7")


class Files:
    """Keeps what arrives. Recipients in auth.example need a login."""

    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.endswith("@auth.example") and not session.authenticated:
            return "550 5.7.1 log in first"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        path = self.folder / str(next(self.numbers))
        path.write_bytes(envelope.content)
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, login):
    given = (login.login, login.password)
    return AuthResult(success=given == ACCOUNT)


async def main(folder, port):
    handler = Files(folder)

    def session():
        return SMTP(
            handler,
            data_size_limit=100_000_000,
            authenticator=authenticate,
            auth_require_tls=False,
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
