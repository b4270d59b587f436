package egress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
)

// placeholder stands for a secret in a header's value.
var placeholder = regexp.MustCompile(`\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}`)

// maxSecret bounds a secret, in bytes.
const maxSecret = 16 << 10

// fillIn puts secrets in the place of their placeholders, and returns the names of the headers that hold one then. Only
// values are replaced: an address stands in the logs of proxies and servers, and a body is the guest's own affair.
func (c *Client) fillIn(header http.Header) (filled []string, err error) {
	for name, values := range header {
		for n, value := range values {
			if !placeholder.MatchString(value) {
				continue
			}
			if values[n], err = c.expand(value); err != nil {
				return nil, err
			}
			filled = append(filled, name)
		}
	}
	return filled, nil
}

func (c *Client) expand(value string) (string, error) {
	var errs []error
	expanded := placeholder.ReplaceAllStringFunc(value, func(match string) string {
		name := placeholder.FindStringSubmatch(match)[1]
		secret, err := c.secret(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("read secret %q: %w", name, err))
		}
		return secret
	})
	return expanded, errors.Join(errs...)
}

var errNoSecret = errors.New("permissions.secrets does not name it")

// secret reads a secret, without the line's end that editors leave behind it. It is read with each use: whoever renews it
// replaces the file.
func (c *Client) secret(name string) (string, error) {
	file, allowed := c.guest.Permissions.Secrets[name]
	if !allowed || c.egress.secrets == "" {
		return "", errNoSecret
	}
	if !filepath.IsLocal(file) {
		return "", fmt.Errorf("%q is no name of a file", file)
	}
	f, err := os.Open(filepath.Join(c.egress.secrets, file))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was read only
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(text) > maxSecret {
		err = fmt.Errorf("it has more than %d bytes", maxSecret)
	}
	return string(bytes.TrimRight(text, "\r\n")), err
}
