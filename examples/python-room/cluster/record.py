"""Records: what servers write into etcd about themselves, signed where the cluster has a secret."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from google.protobuf import json_format
from nano.cluster.v1.record_pb2 import ServerRecord

MAX_BYTES = 4096
# ,"signature":"<44 characters>"}
_SIGNATURE_BYTES = 60


def record_key(prefix: str, record: ServerRecord) -> str:
    return f"{prefix}/servers/{record.type}/{record.id}"


def write_record(key: str, record: ServerRecord, tokens: Sequence[str]) -> bytes:
    """The value of a record, signed with the first token. Raises ValueError where it is too large."""
    value = json_format.MessageToJson(record, indent=None, ensure_ascii=False).encode()
    if tokens:
        value = value[:-1] + _signature(key, value, tokens[0])
    if len(value) > MAX_BYTES:
        raise ValueError(f"the record of {record.id} has {len(value)} bytes: at most {MAX_BYTES}")
    return value


def read_record(prefix: str, key: str, value: bytes, tokens: Sequence[str]) -> ServerRecord | None:
    """A record out of etcd. None where it is none, lies in another's place, or nobody of the cluster has signed it."""
    if len(value) > MAX_BYTES:
        return None
    if tokens:
        value, signature = value[:-_SIGNATURE_BYTES] + b"}", value[-_SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(_signature(key, value, token), signature) for token in tokens):
            return None
    try:
        record = json_format.Parse(value, ServerRecord(), ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError):
        return None
    return record if record.incarnation and record_key(prefix, record) == key else None


def _signature(key: str, json: bytes, token: str) -> bytes:
    mac = _mac(_derived_key(token), f"{key}\n".encode() + json)
    return b',"signature":"' + base64.b64encode(mac) + b'"}'


def _derived_key(token: str) -> bytes:
    """HKDF-SHA-256 of 32 bytes: one step of extracting, one of expanding."""
    return _mac(_mac(bytes(32), token.encode()), b"nano/record/1\x01")


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()
