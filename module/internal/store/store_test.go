package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type twin struct{ Version int }

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	require.NoError(t, err)
	return s
}

func TestLastGoodTwinOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var loaded twin
	ok, err := s.Load(LastGood, &loaded)
	require.NoError(t, err)
	assert.False(t, ok, "there is none yet")

	require.NoError(t, s.Save(LastGood, twin{6}))
	require.NoError(t, s.Save(LastGood, twin{7}))
	ok, err = open(t, dir).Load(LastGood, &loaded)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, twin{7}, loaded)
}

func TestLastGoodTwinThatCannotBeReadIsSetAside(t *testing.T) {
	for name, content := range map[string]string{
		"empty":                   "",
		"cut off":                 `{"format":1,"value":{"Vers`,
		"zeros after a power cut": "\x00\x00\x00\x00",
		"another type":            `{"format":1,"value":{"Version":"seven"}}`,
		"without a format":        `{"value":{"Version":7}}`,
		"without a value":         `{"format":1}`,
		"of a newer format":       `{"format":2,"value":{"Version":7}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, LastGood.file())
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			s := open(t, dir)
			var loaded twin
			ok, err := s.Load(LastGood, &loaded)
			assert.False(t, ok)
			require.ErrorIs(t, err, ErrCorrupt)
			assert.ErrorContains(t, err, "last-good.json.corrupt")
			aside, err := os.ReadFile(path + ".corrupt")
			require.NoError(t, err)
			assert.Equal(t, content, string(aside))

			ok, err = s.Load(LastGood, &loaded)
			assert.False(t, ok)
			require.NoError(t, err, "said once")
			require.NoError(t, s.Save(LastGood, twin{8}))
			ok, err = s.Load(LastGood, &loaded)
			require.NoError(t, err)
			assert.True(t, ok)
		})
	}
}

func TestFormatOfTheLastGoodTwinIsTheOneThatIsRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir).Save(LastGood, twin{7}))
	content, err := os.ReadFile(filepath.Join(dir, LastGood.file()))
	require.NoError(t, err)
	assert.JSONEq(t, `{"format":1,"value":{"Version":7}}`, string(content))
}

func TestCrashBeforeTheRenameLeavesTheOldTwinAndNoRubbish(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir).Save(LastGood, twin{7}))
	for _, name := range []string{unfinished + "1", filepath.Join(deadLetterDir, unfinished+"2")} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(`{"format":1,"val`), 0o600))
	}
	var loaded twin
	ok, err := open(t, dir).Load(LastGood, &loaded)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, twin{7}, loaded)
	assert.Equal(t, []string{deadLetterDir, LastGood.file()}, files(t, dir))
	assert.Empty(t, files(t, filepath.Join(dir, deadLetterDir)))
}

func TestValueThatIsNoJSONIsRefusedAndTheOldOneStays(t *testing.T) {
	s := open(t, t.TempDir())
	require.NoError(t, s.Save(LastGood, twin{7}))
	require.Error(t, s.Save(LastGood, func() {}))
	var loaded twin
	_, err := s.Load(LastGood, &loaded)
	require.NoError(t, err)
	assert.Equal(t, twin{7}, loaded)
}

func TestFailedWriteIsSaidAndLeavesNoRubbish(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, LastGood.file()), 0o700)) // the rename cannot succeed
	require.ErrorContains(t, s.Save(LastGood, twin{7}), "save last-good")
	assert.Equal(t, []string{deadLetterDir, LastGood.file()}, files(t, dir))
}

func TestDirectoryThatCannotBeWrittenIsSaidAtOpen(t *testing.T) {
	t.Run("a file in its place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "storage")
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		_, err := Open(path)
		assert.ErrorContains(t, err, "open storage")
	})
	for _, name := range []string{"", deadLetterDir} {
		t.Run("read-only "+name, func(t *testing.T) {
			if os.Getuid() == 0 {
				t.Skip("root may write everywhere")
			}
			dir := t.TempDir()
			open(t, dir)
			readOnly := filepath.Join(dir, name)
			require.NoError(t, os.Chmod(readOnly, 0o500))
			t.Cleanup(func() { _ = os.Chmod(readOnly, 0o700) })
			_, err := Open(dir)
			assert.ErrorIs(t, err, fs.ErrPermission)
		})
	}
}

func TestDirectoryThatIsRemovedUnderneathIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "storage")
	s := open(t, dir)
	require.NoError(t, os.RemoveAll(dir))
	require.ErrorIs(t, s.Save(LastGood, twin{7}), fs.ErrNotExist)
	require.ErrorIs(t, s.Keep(letter("x")), fs.ErrNotExist)
	var loaded twin
	ok, err := s.Load(LastGood, &loaded)
	assert.False(t, ok)
	assert.NoError(t, err, "nothing is there")
}

func FuzzLastGoodTwin(f *testing.F) {
	f.Add([]byte(`{"format":1,"value":{"Version":7}}`))
	f.Add([]byte(`{"format":1,"value":`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, LastGood.file()), content, 0o600))
		var loaded twin
		ok, err := open(t, dir).Load(LastGood, &loaded)
		assert.Equal(t, ok, err == nil)
		assert.True(t, ok || errors.Is(err, ErrCorrupt))
	})
}

// files returns the names of what lies in dir.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func count(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	for _, name := range files(t, dir) {
		if strings.HasSuffix(name, ".json") {
			n++
		}
	}
	return n
}
