"""The schema of what a server hosts: a file made of its .proto files, put into etcd as it is."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Schema:
    blob: bytes
    hash: str

    def key(self, prefix: str) -> str:
        return f"{prefix}/schemas/{self.hash}"


def read_schema(path: Path) -> Schema:
    """Raises OSError where the file is not there, or is none."""
    blob = path.read_bytes()
    return Schema(blob, hashlib.sha256(gzip.decompress(blob)).hexdigest())
