package artifact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFindReadsFilesOfTheGuestsDirectory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.wasm"), []byte("abc"), 0o600))
	const digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, example B.1

	b, err := storeOf(t, Config{Guests: dir}).Find(Request{Source: "file:a.wasm", Digest: digest})

	require.NoError(t, err)
	assert.Equal(t, "abc", string(b.Bytes))
	assert.Equal(t, digest, b.Digest)
}

func TestFindRefusesAnotherDigest(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.wasm"), []byte("abd"), 0o600))
	_, err := storeOf(t, Config{Guests: dir}).Find(Request{Source: "file:a.wasm", Digest: "sha256:" + strings.Repeat("0", 64)})
	assert.ErrorContains(t, err, "the twin asks for sha256:000")
}

func TestFindStaysInTheGuestsDirectory(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "guests")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(parent, "secret"), []byte("x"), 0o600))
	require.NoError(t, os.Symlink(filepath.Join(parent, "secret"), filepath.Join(dir, "link.wasm")))
	for _, source := range []string{"file:../secret", "file:link.wasm", "file:" + filepath.Join(parent, "secret"), "file:sub/../../secret"} {
		_, err := storeOf(t, Config{Guests: dir}).Find(Request{Source: source, Digest: ""})
		assert.Error(t, err, source)
	}
}

func TestFindNamesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	_, err := storeOf(t, Config{Guests: dir}).Find(Request{Source: "file:b.wasm", Digest: ""})
	assert.ErrorContains(t, err, `fetch "file:b.wasm": there is no such file in the guests directory `+dir)
}

func TestFindRefusesWhatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "big.wasm"))
	require.NoError(t, err)
	require.NoError(t, file.Truncate(maxBinary+1))
	require.NoError(t, file.Close())
	_, err = storeOf(t, Config{Guests: dir}).Find(Request{Source: "file:big.wasm", Digest: ""})
	assert.ErrorContains(t, err, "larger than 16 MiB")
}
