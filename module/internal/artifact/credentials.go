package artifact

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// secret is what proves to a server who asks.
type secret struct {
	user, password string // basic authentication
	token          string // bearer
	refresh        string // an identity token, for which a registry gives access tokens
}

// maxCredentials is how many bytes a file of credentials may have.
const maxCredentials = 256 << 10

// VariablePrefix is what the names of variables with credentials begin with: the twin must not have others sent to a server
// of its choice.
const VariablePrefix = "WASM_ON_EDGE_CREDENTIALS_"

// credentials reads those of a name for a host: the file of that name or, where there is none, the variable. They are read
// each time, so that who changes them need not restart anything.
func (s *Store) credentials(name, host string) (secret, error) {
	if name == "" {
		return secret{}, nil
	}
	text, err := s.readCredentials(name)
	if errors.Is(err, fs.ErrNotExist) {
		variable := VariablePrefix + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
		if s.config.Getenv != nil {
			text = s.config.Getenv(variable)
		}
		if text == "" {
			return secret{}, fmt.Errorf("credentials %q: there is neither a file of that name in %q nor a variable %s", name, s.config.Credentials, variable)
		}
	} else if err != nil {
		return secret{}, fmt.Errorf("credentials %q: %w", name, err)
	}
	parsed, err := parseCredentials(strings.TrimSpace(text), host)
	if err != nil {
		return secret{}, fmt.Errorf("credentials %q: %w", name, err)
	}
	return parsed, nil
}

func (s *Store) readCredentials(name string) (string, error) {
	root, err := os.OpenRoot(s.config.Credentials)
	if err != nil {
		return "", fs.ErrNotExist
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxCredentials))
	return string(content), err
}

// parseCredentials takes a Docker configuration, "user:password", or a token alone.
func parseCredentials(text, host string) (secret, error) {
	if strings.HasPrefix(text, "{") {
		return parseDocker([]byte(text), host)
	}
	if user, password, ok := strings.Cut(text, ":"); ok {
		return secret{user: user, password: password}, nil
	}
	return secret{token: text}, nil
}

// parseDocker finds a host in a config.json of Docker's. Helpers are programs, and there are none in the container. What
// is wrong is said without what it holds.
func parseDocker(text []byte, host string) (secret, error) {
	var config struct {
		Auths map[string]struct {
			Auth, Username, Password, IdentityToken, RegistryToken string
		}
	}
	if json.Unmarshal(text, &config) != nil {
		return secret{}, errors.New("it is no Docker configuration")
	}
	for _, name := range []string{host, "https://" + host, "https://" + host + "/"} {
		entry, ok := config.Auths[name]
		if !ok {
			continue
		}
		decoded, err := base64.StdEncoding.DecodeString(entry.Auth)
		if err != nil {
			return secret{}, fmt.Errorf("its auth of %s is not base64", host)
		}
		if user, password, ok := strings.Cut(string(decoded), ":"); ok {
			entry.Username, entry.Password = user, strings.TrimRight(password, "\x00")
		}
		if entry.IdentityToken != "" {
			return secret{refresh: entry.IdentityToken}, nil
		}
		return secret{user: entry.Username, password: entry.Password, token: entry.RegistryToken}, nil
	}
	return secret{}, fmt.Errorf("it holds nothing for %s", host)
}
