"""TLS between servers: how they know each other by certificates."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc.aio import ServicerContext


@dataclass(frozen=True)
class Certificates:
    """One's own certificate, and the authority that has made those of all servers. All are PEM."""

    cert: bytes
    key: bytes
    authority: bytes
    name: str
    """The DNS name in the certificates of all, which so need not know addresses."""

    def serving(self) -> grpc.ServerCredentials:
        """Lets in whoever has a certificate of the authority."""
        return grpc.ssl_server_credentials([(self.key, self.cert)], self.authority, require_client_auth=True)

    def channel(self, address: str) -> grpc.aio.Channel:
        """Takes a server for one of the cluster by its certificate, wherever it is."""
        credentials = grpc.ssl_channel_credentials(self.authority, self.key, self.cert)
        return grpc.aio.secure_channel(address, credentials, options=[("grpc.ssl_target_name_override", self.name)])


def read_certificates(cert: Path, key: Path, authority: Path, name: str) -> Certificates:
    """Reads PEM files. Raises OSError where one cannot be read, holds no certificate or key, or is another certificate's key."""
    # grpc would say so only when somebody comes.
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trial.load_cert_chain(cert, key)
    trial.load_verify_locations(authority)
    return Certificates(cert.read_bytes(), key.read_bytes(), authority.read_bytes(), name)


def of_frontend(call: ServicerContext) -> bool:
    """Whether a caller may hold clients: its certificate names that, or nothing of nano's. Without certificates everybody may."""
    names = [uri for uri in call.auth_context().get("peer_uri", ()) if uri.startswith(b"nano:")]
    return not names or b"nano:frontend" in names
