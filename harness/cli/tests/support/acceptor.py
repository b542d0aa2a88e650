"""An NTLM acceptor by pyspnego: tokens as lines of hexadecimal, in and out.

NTLM_USER_FILE names the file with the accounts. After the last token it answers `accepted DOMAIN\\user` or `refused`.
"""

import sys

import spnego
from spnego.exceptions import SpnegoError

context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
for line in sys.stdin:
    try:
        token = context.step(bytes.fromhex(line.strip()))
    except SpnegoError:
        print("refused", flush=True)
        break
    if context.complete:
        print("accepted", context.client_principal, flush=True)
        break
    print(token.hex(), flush=True)
