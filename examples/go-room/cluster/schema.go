package cluster

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// Schema is what a server hosts: a file made of its .proto files, put into etcd as it is.
type Schema struct {
	blob []byte
	// Hash is the SHA-256 of what is inside of the gzip, in hex.
	Hash string
}

// ReadSchema fails where the file is not there, or is none.
func ReadSchema(path string) (Schema, error) {
	blob, err := os.ReadFile(path)
	if err != nil {
		return Schema{}, err
	}
	inside, err := gzip.NewReader(bytes.NewReader(blob))
	if err != nil {
		return Schema{}, err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, inside); err != nil {
		return Schema{}, err
	}
	return Schema{blob, hex.EncodeToString(hash.Sum(nil))}, nil
}

func (s Schema) key(prefix string) string {
	return prefix + "/schemas/" + s.Hash
}
