#!/usr/bin/env bash
# Makes gen/ of the .proto files where one of them has changed, and bin/go-room.
set -euo pipefail
cd "$(dirname "$0")"
root=../..
protos=("$root"/proto/nano/*.proto "$root"/proto/nano/*/v1/*.proto "$root"/examples/chat/proto/chat/v1/*.proto)

command -v go >/dev/null || { echo "Go is not installed" >&2; exit 1; }

# One at a time.
exec 9>.lock
if command -v flock >/dev/null; then flock 9; fi

made=$(cat setup.sh buf.gen.yaml go.mod "${protos[@]}" | sha256sum)
if [[ ! -f gen/made-of || $(<gen/made-of) != "$made" ]]; then
  go build -o bin/ tool
  (cd "$root" && npx --no-install buf generate --template examples/go-room/buf.gen.yaml)
  echo "$made" >gen/made-of
fi
go build -buildvcs=false -o bin/go-room .
