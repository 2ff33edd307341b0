#!/usr/bin/env bash
# Makes .venv with what requirements.txt names, and gen/ of the .proto files. Again only where one of them has changed.
set -euo pipefail
cd "$(dirname "$0")"
root=../..
protos=(
  examples/chat/proto/chat/v1/chat.proto
  proto/nano/options.proto
  proto/nano/client/v1/client.proto
  proto/nano/cluster/v1/link.proto
  proto/nano/cluster/v1/record.proto
  proto/nano/cluster/v1/session.proto
  proto/etcd/api/mvccpb/kv.proto
  proto/etcd/api/etcdserverpb/rpc.proto
)

# One at a time.
exec 9>.lock
if command -v flock >/dev/null; then flock 9; fi

made=$(cat setup.sh requirements.txt "${protos[@]/#/$root/}" | sha256sum)
[[ -f gen/made-of && $(<gen/made-of) == "$made" ]] && exit 0

"${PYTHON:-python3}" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
rm -rf gen
mkdir gen
.venv/bin/python -m grpc_tools.protoc -I "$root/proto" -I "$root/examples/chat/proto" \
  --python_out=gen --pyi_out=gen --grpc_python_out=gen "${protos[@]/#/$root/}"
echo "$made" >gen/made-of
