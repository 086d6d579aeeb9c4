"""server.py PORT DIRECTORY [CERTIFICATE KEY]: a mail server that keeps each letter as a file, with who logged in and whether by TLS.

With a certificate it offers STARTTLS, and takes the user "lvsdeck" with the password "s3cret". It refuses recipients that begin with
"no".
"""

import os
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, directory = int(sys.argv[1]), sys.argv[2]
letters = 0


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("no"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global letters
        letters += 1
        login = session.auth_data.login.decode() if session.auth_data else "nobody"
        head = f"{session.host_name}|{login}|{'tls' if session.ssl else 'clear'}|{envelope.mail_from}|{','.join(envelope.rcpt_tos)}\n"
        with open(f"{directory}/new", "wb") as file:
            file.write(head.encode() + envelope.content)
        os.rename(f"{directory}/new", f"{directory}/letter{letters}")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"lvsdeck", b"s3cret")
    return AuthResult(success=good, auth_data=data, handled=False)


words = {}
if len(sys.argv) > 3:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*sys.argv[3:5])
    words = {"tls_context": context, "authenticator": authenticate, "auth_required": False}
controller = Controller(Handler(), hostname="127.0.0.1", port=port, **words)
controller.start()
print("ready", flush=True)
time.sleep(600)
