package sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certificateLife is how long the certificates hold; they are made anew for each hub.
const certificateLife = 365 * 24 * time.Hour

// newCertificates makes a certificate authority, which is the trust bundle of the modules, and a server certificate
// for edgeHub that it has signed.
func newCertificates() (bundle []byte, server tls.Certificate, err error) {
	authority, authorityKey, err := newAuthority()
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("make certificate authority: %w", err)
	}
	server, err = newServerCertificate(authority, authorityKey)
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("make server certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}), server, nil
}

func newAuthority() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	template := newTemplate(1, "Simulated Edge Hub CA")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return certificate, key, err
}

// newServerCertificate is for the names under which modules on this machine reach the hub, and for its name as a
// module, as edgelet makes it.
func newServerCertificate(authority *x509.Certificate, authorityKey *ecdsa.PrivateKey) (tls.Certificate, error) {
	template := newTemplate(2, gatewayHost)
	template.DNSNames = []string{gatewayHost, "edgeHub"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func newTemplate(serial int64, name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(certificateLife),
	}
}
