package cluster

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
)

const (
	mostRecordBytes = 4096
	// ,"signature":"<44 characters>"}
	signatureBytes = 60
)

func recordKey(prefix string, record *clusterv1.ServerRecord) string {
	return fmt.Sprintf("%s/servers/%s/%s", prefix, record.GetType(), record.GetId())
}

// writeRecord gives the value of a record, signed with the first token.
func writeRecord(key string, record *clusterv1.ServerRecord, tokens []string) ([]byte, error) {
	value, err := protojson.Marshal(record)
	if err != nil {
		return nil, err
	}
	if len(tokens) > 0 {
		signed, err := signature(key, value, tokens[0])
		if err != nil {
			return nil, err
		}
		value = append(value[:len(value)-1], signed...)
	}
	if len(value) > mostRecordBytes {
		return nil, fmt.Errorf("the record of %s has %d bytes: at most %d", record.GetId(), len(value), mostRecordBytes)
	}
	return value, nil
}

// readRecord gives a record out of etcd; nil where it is none, lies in another's place, or nobody of the cluster has signed it.
func readRecord(prefix, key string, value []byte, tokens []string) *clusterv1.ServerRecord {
	if len(value) > mostRecordBytes {
		return nil
	}
	if len(tokens) > 0 {
		if value = signedBy(tokens, key, value); value == nil {
			return nil
		}
	}
	record := new(clusterv1.ServerRecord)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, record); err != nil {
		return nil
	}
	if record.GetIncarnation() == 0 || recordKey(prefix, record) != key {
		return nil
	}
	return record
}

// signedBy gives what was signed with one of the tokens; nil where nothing was.
func signedBy(tokens []string, key string, value []byte) []byte {
	at := len(value) - signatureBytes
	if at < 0 {
		return nil
	}
	unsigned := append(value[:at:at], '}')
	for _, token := range tokens {
		signed, err := signature(key, unsigned, token)
		if err == nil && hmac.Equal(signed, value[at:]) {
			return unsigned
		}
	}
	return nil
}

func signature(key string, json []byte, token string) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, []byte(token), nil, "nano/record/1", sha256.Size)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, derived)
	mac.Write([]byte(key + "\n"))
	mac.Write(json)
	return fmt.Appendf(nil, `,"signature":"%s"}`, base64.StdEncoding.EncodeToString(mac.Sum(nil))), nil
}
