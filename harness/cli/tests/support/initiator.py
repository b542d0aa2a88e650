"""An SMTP client that authenticates with NTLM by pyspnego: initiator.py PORT bare|initial intact|spoiled USER

The password is the first line of standard input. `spoiled` flips a bit of the MIC (MS-NLMP section 2.2.1.3). Prints the
code of the final reply to AUTH and, where that is 235, the code of the reply to the message.
"""

import base64
import smtplib
import sys

import spnego

port, opening, mic, user = sys.argv[1:5]
password = sys.stdin.readline().rstrip("\n")

context = spnego.client(user, password, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
smtp = smtplib.SMTP("127.0.0.1", int(port), local_hostname="client.example", timeout=20)
smtp.ehlo()

negotiate = base64.b64encode(context.step()).decode()
if opening == "initial":
    code, text = smtp.docmd("AUTH NTLM " + negotiate)
else:
    code, text = smtp.docmd("AUTH NTLM")
    assert code == 334, (code, text)
    code, text = smtp.docmd(negotiate)
assert code == 334, (code, text)
authenticate = bytearray(context.step(base64.b64decode(text)))
if mic == "spoiled":
    assert any(authenticate[72:88]), "there is a MIC to spoil"
    authenticate[72] ^= 1
code, text = smtp.docmd(base64.b64encode(authenticate).decode())
print(code)
if code == 235:
    smtp.mail("a@client.example")
    smtp.rcpt("b@server.example")
    print(smtp.data("Subject: Order 4711\r\n\r\nEnd of order.\r\n")[0])
smtp.quit()
