package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

// Certificates are how servers know each other: one's own, and the authority that has made those of all.
type Certificates struct {
	own       tls.Certificate
	authority *x509.CertPool
	// In the certificates of all, which so need not know addresses.
	name string
}

// ReadCertificates reads PEM files.
func ReadCertificates(certFile, keyFile, authorityFile, name string) (*Certificates, error) {
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(authorityFile)
	if err != nil {
		return nil, err
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", authorityFile)
	}
	return &Certificates{own, authority, name}, nil
}

// serving lets in whoever has a certificate of the authority; nil where there are none.
func (c *Certificates) serving() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		Certificates: []tls.Certificate{c.own},
		ClientCAs:    c.authority,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}
}

// calling takes a server for one of the cluster by its certificate; nil where there are none.
func (c *Certificates) calling() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{c.own}, RootCAs: c.authority, ServerName: c.name}
}

// ofFrontend says whether a caller may hold clients: its certificate names that, or nothing of the kind. Without certificates everybody may.
func ofFrontend(connection *tls.ConnectionState) bool {
	if connection == nil {
		return true
	}
	silent := true
	for _, name := range connection.PeerCertificates[0].URIs {
		if name.String() == "nano:frontend" {
			return true
		}
		silent = silent && name.Scheme != "nano"
	}
	return silent
}

// protocols are HTTP/2 alone, over TLS where there are certificates.
func (c *Certificates) protocols() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(c != nil)
	protocols.SetUnencryptedHTTP2(c == nil)
	return protocols
}
