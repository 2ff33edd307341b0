"""The flags of the command line: the same names as the TypeScript chat's."""

import re
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.certificates import Certificates, read_certificates

LEAST_TOKEN_BYTES = 32
SCHEMA = Path(__file__).parents[2] / "chat/gen/chat.nanoschema"


@dataclass(frozen=True)
class Flags:
    id: str
    endpoints: Sequence[str]
    prefix: str
    cluster: str
    tokens: Sequence[str]
    certificates: Certificates | None
    """None: servers speak no TLS."""
    schema: Path
    report_s: float


def read_flags() -> Flags:
    """Ends the process with code 2 where a flag makes no sense."""
    parser = ArgumentParser(prog="python-room", description="A server of the chat's rooms.")
    parser.add_argument("--id", default="python-1", help="unique in the cluster")
    parser.add_argument("--discovery", default="etcd://127.0.0.1:2379", metavar="etcd://HOST:PORT[,HOST:PORT]")
    parser.add_argument("--prefix", default="/chat", help="where the cluster's keys lie in etcd")
    parser.add_argument("--cluster", default="127.0.0.1:0", metavar="HOST:PORT", help="where the others reach this server")
    parser.add_argument("--token-file", type=Path, help="a file with the secrets of the cluster, a line each: at least 32 bytes")
    parser.add_argument(
        "--tls-cert", type=Path, help="this server's certificate, a PEM file; with --tls-key and --tls-ca servers speak TLS"
    )
    parser.add_argument("--tls-key", type=Path, help="its key")
    parser.add_argument("--tls-ca", type=Path, help="the authority of all servers' certificates")
    parser.add_argument("--tls-name", default="nano.cluster", help="the DNS name in the certificates of all servers")
    parser.add_argument("--schema", type=Path, default=SCHEMA, help="what the server hosts, as nano-cli schema writes it")
    parser.add_argument(
        "--report", type=float, default=0, metavar="SECONDS", help="how often to say who is in the rooms of all servers"
    )
    given = parser.parse_args()

    scheme, _, endpoints = given.discovery.partition("://")
    if scheme != "etcd" or not endpoints:
        parser.error(f"--discovery is etcd://HOST:PORT, not {given.discovery}")
    tokens = _read_tokens(parser, given.token_file) if given.token_file else []
    if any(len(token.encode()) < LEAST_TOKEN_BYTES for token in tokens):
        parser.error(f"--token-file holds a secret of fewer than {LEAST_TOKEN_BYTES} bytes")
    certificates = None
    files = (given.tls_cert, given.tls_key, given.tls_ca)
    if any(files):
        if not all(files):
            parser.error("--tls-cert, --tls-key and --tls-ca come together")
        try:
            certificates = read_certificates(*files, given.tls_name)
        except OSError as error:
            parser.error(f"--tls-cert, --tls-key and --tls-ca: {error}")
    host, _, _ = given.cluster.rpartition(":")
    if not tokens and not certificates and not re.fullmatch(r"127\.[\d.]+|localhost|\[::1\]", host):
        parser.error(f"the cluster port on {host} is open to strangers: give --token-file, or --tls-cert, --tls-key and --tls-ca")
    return Flags(given.id, endpoints.split(","), given.prefix, given.cluster, tokens, certificates, given.schema, given.report)


def _read_tokens(parser: ArgumentParser, file: Path) -> Sequence[str]:
    try:
        return [line.strip() for line in file.read_text().strip().split("\n")]
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"--token-file: {error}")
