package portal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// guestMax is how large a dropped guest may be.
const guestMax = 64 << 20

// Inspection is what a binary is, without running it.
type Inspection struct {
	Digest      string   `json:"digest"`
	Bytes       int      `json:"bytes"`
	Runs        bool     `json:"runs"`
	Reason      string   `json:"reason,omitempty"` // why it does not run
	ABI         string   `json:"abi,omitempty"`
	MemoryPages uint64   `json:"memoryPages"` // of 64 KiB, at the start
	Imports     []string `json:"imports"`
	Exports     []string `json:"exports"`
	Permissions []string `json:"permissions"` // fields of the twin that it can make use of
}

// postInspect looks at a binary and keeps nothing of it.
func (p *Portal) postInspect(w http.ResponseWriter, r *http.Request) {
	if wasm, ok := readGuest(w, r); ok {
		answer(w, http.StatusOK, p.config.Inspect(wasm))
	}
}

func readGuest(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	wasm, err := io.ReadAll(http.MaxBytesReader(w, r.Body, guestMax))
	if err != nil {
		refuse(w, http.StatusBadRequest, "read guest: "+err.Error(), "a guest may have 64 MiB")
		return nil, false
	}
	return wasm, true
}

// postGuest writes a binary into the directory of guests, and never over another one.
func (p *Portal) postGuest(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if !module.ValidName(name) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is no name", name), "1 to 64 of A-Z a-z 0-9 _ -")
		return
	}
	wasm, ok := readGuest(w, r)
	if !ok {
		return
	}
	inspected := p.config.Inspect(wasm)
	if !inspected.Runs {
		refuse(w, http.StatusUnprocessableEntity, inspected.Reason, "")
		return
	}
	file, err := writeGuest(p.config.Guests, name, inspected.Digest, wasm)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error(), "--guests names the directory")
		return
	}
	answer(w, http.StatusOK, map[string]string{"source": "file:" + file, "digest": inspected.Digest})
}

// writeGuest writes a binary as NAME.wasm or, where that is another one, with a part of its digest in the name.
func writeGuest(dir, name, digest string, wasm []byte) (file string, err error) {
	digest = strings.TrimPrefix(digest, "sha256:")
	for _, file := range []string{name + ".wasm", name + "-" + digest[:12] + ".wasm"} {
		path := filepath.Join(dir, file)
		there, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(there, wasm):
			return file, nil
		case err == nil:
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("read guest: %w", err)
		}
		if err := os.WriteFile(path, wasm, 0o600); err != nil {
			return "", fmt.Errorf("write guest: %w", err)
		}
		return file, nil
	}
	return "", fmt.Errorf("write guest: %s.wasm is another one", name)
}
