package chatroom

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nano.example/go-room/cluster"
)

const leastTokenBytes = 32

// Flags are those of the command line: the same names as the TypeScript chat's.
type Flags struct {
	ID        string
	Endpoints []string
	Prefix    string
	Cluster   string
	Tokens    []string
	// Certificates are nil where servers speak no TLS.
	Certificates *cluster.Certificates
	Schema       string
	Report       time.Duration
}

// ReadFlags ends the process with code 2 where a flag makes no sense.
func ReadFlags() Flags {
	var flags Flags
	flag.StringVar(&flags.ID, "id", "go-1", "unique in the cluster")
	discovery := flag.String("discovery", "etcd://127.0.0.1:2379", "etcd://HOST:PORT[,HOST:PORT]")
	flag.StringVar(&flags.Prefix, "prefix", "/chat", "where the cluster's keys lie in etcd")
	flag.StringVar(&flags.Cluster, "cluster", "127.0.0.1:0", "HOST:PORT, where the others reach this server")
	tokenFile := flag.String("token-file", "", "a file with the secrets of the cluster, a line each: at least 32 bytes")
	certFile := flag.String("tls-cert", "", "this server's certificate, a PEM file; with --tls-key and --tls-ca servers speak TLS")
	keyFile := flag.String("tls-key", "", "its key")
	authorityFile := flag.String("tls-ca", "", "the authority of all servers' certificates")
	certName := flag.String("tls-name", "nano.cluster", "the DNS name in the certificates of all servers")
	flag.StringVar(&flags.Schema, "schema", defaultSchema(), "what the server hosts, as nano-cli schema writes it")
	report := flag.Float64("report", 0, "every so many seconds: who is in the rooms of all servers")
	flag.Parse()

	endpoints, isEtcd := strings.CutPrefix(*discovery, "etcd://")
	if !isEtcd || endpoints == "" {
		refuse("--discovery is etcd://HOST:PORT, not %s", *discovery)
	}
	flags.Endpoints = strings.Split(endpoints, ",")
	flags.Report = time.Duration(*report * float64(time.Second))
	if *tokenFile != "" {
		text, err := os.ReadFile(*tokenFile)
		if err != nil {
			refuse("--token-file: %v", err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			flags.Tokens = append(flags.Tokens, strings.TrimSpace(line))
		}
	}
	for _, token := range flags.Tokens {
		if len(token) < leastTokenBytes {
			refuse("--token-file holds a secret of fewer than %d bytes", leastTokenBytes)
		}
	}
	if *certFile != "" || *keyFile != "" || *authorityFile != "" {
		certificates, err := cluster.ReadCertificates(*certFile, *keyFile, *authorityFile, *certName)
		if err != nil {
			refuse("--tls-cert, --tls-key and --tls-ca: %v", err)
		}
		flags.Certificates = certificates
	}
	host, _, err := net.SplitHostPort(flags.Cluster)
	if err != nil {
		refuse("--cluster is HOST:PORT, not %s", flags.Cluster)
	}
	shut := len(flags.Tokens) > 0 || flags.Certificates != nil
	if loopback := host == "localhost" || net.ParseIP(host).IsLoopback(); !loopback && !shut {
		refuse("the cluster port on %q is open to strangers: give --token-file, or --tls-cert, --tls-key and --tls-ca", host)
	}
	return flags
}

// defaultSchema is found from the binary, which lies in bin/.
func defaultSchema() string {
	binary, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(binary), "../../chat/gen/chat.nanoschema")
}

func refuse(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "go-room: "+format+"\n", values...)
	os.Exit(2)
}
