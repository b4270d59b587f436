package sim

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	identityName = "identity.json"
	lockName     = "lock"
)

// identity is what a hub is known by, and its modules: whoever connected to it finds it again after it was killed.
type identity struct {
	Port, PortHTTP int // 0 for any that is free
	Certificates   certificates
	Modules        map[string]credentials
}

// certificates are the trust bundle of the modules, as PEM, and the hub's own certificate and key, as DER.
type certificates struct {
	Bundle, Server, Key []byte
}

// credentials are those of a module.
type credentials struct {
	Key        []byte // of its SAS tokens
	Generation string
	Batch      string // of the messages of the sensor that stands in for it
}

// identify gives the hub the identity that an earlier one has left in the directory, or a new one.
func (h *Hub) takeIdentity() error {
	h.identity = identity{Modules: map[string]credentials{}}
	if h.cfg.Keep {
		if err := h.lock(); err != nil {
			return err
		}
		if err := h.identity.read(h.cfg.Dir); err != nil {
			return err
		}
	}
	certificate, ok := h.identity.Certificates.tls()
	if !ok {
		var err error
		if h.identity.Certificates, certificate, err = newIdentityCertificates(); err != nil {
			return err
		}
	}
	h.tls = &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert, // as edgeHub does, which takes a token without one (ClientCertAuthEnabled)
	}
	return nil
}

// lock makes sure that no other hub keeps its state in the directory. The lock ends with the process.
func (h *Hub) lock() error {
	file, err := os.OpenFile(filepath.Join(h.cfg.Dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return fmt.Errorf("lock directory %q, which another hub may use: %w", h.cfg.Dir, err)
	}
	h.locked = file
	return nil
}

func (i *identity) read(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, i)
	}
	if err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	return nil
}

// saveIdentity keeps the identity for the next hub. A hub that is killed meanwhile leaves the old one or the new one.
func (h *Hub) saveIdentity() error {
	if !h.cfg.Keep {
		return nil
	}
	h.identity.Port, h.identity.PortHTTP = portOf(h.listener), portOf(h.web.listener)
	text, err := json.Marshal(h.identity)
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	name := filepath.Join(h.cfg.Dir, identityName)
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return nil
}

// credentials are those that a module had before, or new ones.
func (i *identity) credentials(module string) credentials {
	c, known := i.Modules[module]
	if !known {
		c = credentials{Key: make([]byte, 32), Generation: newGeneration(), Batch: newUUID()}
		rand.Read(c.Key)
		i.Modules[module] = c
	}
	return c
}

// again returns the address to listen at: where any port will do, the one that an earlier hub had.
func again(address string, before int) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != "0" || before == 0 {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(before))
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port } // the hub listens on TCP

// newIdentityCertificates makes certificates in the form that they are kept in, and the one to serve with.
func newIdentityCertificates() (certificates, tls.Certificate, error) {
	bundle, server, err := newCertificates()
	if err != nil {
		return certificates{}, server, err
	}
	key, err := x509.MarshalECPrivateKey(server.PrivateKey.(*ecdsa.PrivateKey)) // newCertificates makes no other
	return certificates{Bundle: bundle, Server: server.Certificate[0], Key: key}, server, err
}

// tls returns the certificate to serve with, if there is one that is still good for a while.
func (c certificates) tls() (tls.Certificate, bool) {
	key, err := x509.ParseECPrivateKey(c.Key)
	if err != nil {
		return tls.Certificate{}, false
	}
	leaf, err := x509.ParseCertificate(c.Server)
	if err != nil || time.Until(leaf.NotAfter) < certificateLife/2 {
		return tls.Certificate{}, false
	}
	return tls.Certificate{Certificate: [][]byte{c.Server}, PrivateKey: key, Leaf: leaf}, true
}
