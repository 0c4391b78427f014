"""Slack's webhook and a mail server on loopback, for what alerts say."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any


@dataclass
class Receiver:
    """One of them.

    Attributes:
        port: where it listens.
        status: what Slack answers.
        received: texts that were posted, or mails.
        certificate: the mail server's, as a file; its own authority.
    """

    port: int = 0
    status: int = 200
    received: list[Any] = field(default_factory=list)
    certificate: Path | None = None

    @property
    def url(self) -> str:
        """Slack's webhook; its path is the credential."""
        return f"http://127.0.0.1:{self.port}/secret-hook"

    @property
    def mail_settings(self) -> dict[str, str]:
        """What the environment says of the mail server."""
        return {
            "MARQUEE_SMTP_HOST": "127.0.0.1",
            "MARQUEE_SMTP_PORT": str(self.port),
            "MARQUEE_SMTP_USER": "marquee",
            "MARQUEE_SMTP_PASSWORD": "secret-word",
            "MARQUEE_SMTP_SENDER": "marquee@example.com",
            "MARQUEE_SMTP_RECIPIENTS": "a@example.com, b@example.com",
            **({"SSL_CERT_FILE": str(self.certificate)} if self.certificate else {}),
        }


@contextmanager
def slack() -> Iterator[Receiver]:
    """Take what is posted to a webhook."""
    receiver = Receiver()

    class Hook(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(json.loads(body)["text"])
            self.send_response(receiver.status)
            self.end_headers()
            self.wfile.write(b"ok")

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Hook)) as receiver.port:
        yield receiver


@contextmanager
def mail_server(folder: Path) -> Iterator[Receiver]:
    """Take mails over TLS, and any password; the certificate is written to the folder."""
    receiver = Receiver(certificate=_certificate(folder / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem")

    class Session(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline():
                word = line.split()[0].upper()
                if word == b"EHLO":
                    self.say("250-here")
                    self.say("250 AUTH PLAIN")
                elif word == b"AUTH":
                    self.say("235 come in")
                elif word == b"DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    receiver.received.append(message_from_bytes(b"".join(lines)))
                    self.say("250 ok")
                elif word == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Print nothing: a client that does not trust the certificate ends the handshake."""

    with served(Server(("127.0.0.1", 0), Session)) as receiver.port:
        yield receiver


def text_of(mail: Message) -> str:
    """The text of a mail, whatever way it was encoded."""
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


class QuietHandler(BaseHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(server: socketserver.TCPServer) -> Iterator[int]:
    """Serve until the end of the block; yields the port."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _certificate(path: Path) -> Path:
    """Write a key and a certificate that it signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.com")])
    today = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, today, today + timedelta(1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
