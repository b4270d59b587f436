package artifact

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

func keysIn(t *testing.T, file string) trust.Keys {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	keys, err := trust.ParseKeys(text)
	require.NoError(t, err)
	return keys
}

func TestOnlyASignedFileIsTaken(t *testing.T) {
	dir := t.TempDir()
	trusted := newSigner(t)
	put := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	for _, name := range []string{"signed", "unsigned", "tampered", "strangers", "garbled"} {
		put(name+".wasm", name)
	}
	put("signed.wasm.sig", trusted.sign(t, []byte("signed"))+"\n")
	put("tampered.wasm.sig", trusted.sign(t, []byte("as it was")))
	put("strangers.wasm.sig", newSigner(t).sign(t, []byte("strangers")))
	put("garbled.wasm.sig", "?")
	s := storeOf(t, Config{Guests: dir, Keys: keysOf(t, trusted)})
	_, err := s.Find(Request{Source: "file:signed.wasm"})
	require.NoError(t, err)
	for name, want := range map[string]string{
		"unsigned": "it is not signed", "tampered": "its signature is not one of a trusted key, or is of another binary",
		"strangers": "its signature is not one of a trusted key", "garbled": "it is neither base64 nor a bundle",
	} {
		_, err := s.Find(Request{Source: "file:" + name + ".wasm"})
		assert.ErrorContains(t, err, want, name)
	}
	_, err = s.Find(Request{Source: "file:unsigned.wasm", Unsigned: true})
	assert.NoError(t, err, "it is no code")
}

func TestASignatureLiesBesideAFileOnAServer(t *testing.T) {
	trusted := newSigner(t)
	signature := trusted.sign(t, guestBytes)
	address, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/signed.sig":
			_, _ = w.Write([]byte(signature))
		case strings.HasSuffix(r.URL.Path, ".sig"):
			http.NotFound(w, r)
		default:
			fileServer(w, r)
		}
	})
	s := storeOf(t, Config{Roots: roots, Keys: keysOf(t, trusted)})
	_, err := once(t, s, Request{Source: address + "/unsigned", Digest: Digest(guestBytes)})
	assert.ErrorContains(t, err, "it is not signed")
	_, err = once(t, s, Request{Source: address + "/signed", Digest: Digest(guestBytes)})
	assert.NoError(t, err)
}

func TestACorruptEntryOfTheCacheIsFetchedAgain(t *testing.T) {
	dir := t.TempDir()
	address, roots := serve(t, fileServer)
	s := storeOf(t, Config{Cache: dir, Roots: roots})
	request := Request{Source: address + "/g", Digest: Digest(guestBytes)}
	_, err := once(t, s, request)
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(dir, "*.bin"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(files[0], guestBytes[1:], 0o600))
	_, err = s.Find(request)
	assert.ErrorIs(t, err, ErrAbsent)
	assert.NoFileExists(t, files[0])
	_, err = once(t, s, request)
	require.NoError(t, err)
	_, err = s.Find(request)
	assert.NoError(t, err)
}

func TestADiskThatTakesNothingKeepsNoGuestFromRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "binaries")
	address, roots := serve(t, fileServer)
	s := storeOf(t, Config{Cache: dir, Roots: roots})
	require.NoError(t, os.RemoveAll(dir))
	request := Request{Source: address + "/g", Digest: Digest(guestBytes)}
	_, err := once(t, s, request)
	require.NoError(t, err)
	_, err = s.Find(request)
	assert.NoError(t, err)
}

func TestTheCacheLetsGoOfWhatIsOldAndNotNeeded(t *testing.T) {
	dir := t.TempDir()
	c, err := openCache(dir)
	require.NoError(t, err)
	old := time.Now().Add(-2 * cacheAge)
	digests := map[string]string{}
	for name, at := range map[string]time.Time{"needed": old, "old": old, "new": time.Now()} {
		digests[name] = Digest([]byte(name))
		c.keep(digests[name], kept{bytes: []byte(name)})
		require.NoError(t, os.Chtimes(c.path(digests[name], binaryExt), at, at))
	}
	there := func() (names []string) {
		for _, name := range []string{"needed", "old", "new"} {
			if _, err := os.Stat(c.path(digests[name], binaryExt)); err == nil {
				names = append(names, name)
			}
		}
		return names
	}
	c.prune(1 << 30)
	assert.Equal(t, []string{"needed", "old", "new"}, there(), "nobody has said what is needed")
	c.need(map[string]bool{digests["needed"]: true})
	assert.Equal(t, []string{"needed", "new"}, there())
	c.prune(1 << 30)
	assert.Equal(t, []string{"needed"}, there())
	require.NoError(t, os.WriteFile(filepath.Join(dir, unfinished+"1"), nil, 0o600))
	_, err = openCache(dir)
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(dir, unfinished+"1"), "what a crash left")
}
