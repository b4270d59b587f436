package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func letter(body string) (module.Message, module.DeadLetter) {
	return module.Message{Body: []byte(body), Properties: module.Properties{{Name: "color", Value: "red"}}},
		module.DeadLetter{Reason: "trap", Signal: "a", Time: noon}
}

// kept returns the bodies of the letters in the folder, the oldest first.
func kept(t *testing.T, dir string) (bodies []string) {
	t.Helper()
	folder := filepath.Join(dir, deadLetterDir)
	for _, name := range files(t, folder) {
		content, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		var l KeptLetter
		require.NoError(t, json.Unmarshal(content, &l))
		bodies = append(bodies, string(l.Body))
	}
	return bodies
}

func TestDeadLetterIsKeptWhole(t *testing.T) {
	dir := t.TempDir()
	m, l := letter("a\x00body")
	require.NoError(t, open(t, dir).Keep(m, l))
	names := files(t, filepath.Join(dir, deadLetterDir))
	require.Equal(t, []string{"000000000001-20260102T120000.000Z.json"}, names)
	content, err := os.ReadFile(filepath.Join(dir, deadLetterDir, names[0]))
	require.NoError(t, err)
	var read KeptLetter
	require.NoError(t, json.Unmarshal(content, &read))
	assert.Equal(t, KeptLetter{Format: formatVersion, DeadLetter: l, Properties: m.Properties, Body: m.Body}, read)
}

func TestLettersOfTheSameTimeAreAllKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 3 {
		require.NoError(t, s.Keep(letter(strconv.Itoa(i))))
	}
	require.NoError(t, open(t, dir).Keep(letter("3"))) // after a restart, with a clock that stood still
	assert.Equal(t, []string{"0", "1", "2", "3"}, kept(t, dir))
}

func TestOldestLettersMakeWay(t *testing.T) {
	t.Run("by count, whatever the clock says", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir)
		for i := range deadLetterCount + 5 {
			m, l := letter(strconv.Itoa(i))
			l.Time = noon.Add(-time.Duration(i) * time.Hour)
			require.NoError(t, s.Keep(m, l))
		}
		bodies := kept(t, dir)
		require.Len(t, bodies, deadLetterCount)
		assert.Equal(t, "5", bodies[0])
		assert.Equal(t, "104", bodies[deadLetterCount-1])
	})
	t.Run("by bytes, over a restart", func(t *testing.T) {
		dir := t.TempDir()
		body := strings.Repeat("x", 3<<20) // 4 MiB encoded, and some
		for range 5 {
			require.NoError(t, open(t, dir).Keep(letter(body)))
		}
		assert.Equal(t, 3, count(t, filepath.Join(dir, deadLetterDir)))
	})
}

func TestLetterLargerThanTheFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	require.NoError(t, s.Keep(letter("small")))
	require.ErrorContains(t, s.Keep(letter(strings.Repeat("x", deadLetterBytes))), "keep dead letter")
	assert.Equal(t, []string{"small"}, kept(t, dir))
}

func TestLetterThatSomebodyElseRemovedIsNoError(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range deadLetterCount {
		require.NoError(t, s.Keep(letter(strconv.Itoa(i))))
	}
	folder := filepath.Join(dir, deadLetterDir)
	require.NoError(t, os.Remove(filepath.Join(folder, files(t, folder)[0])))
	require.NoError(t, s.Keep(letter("one more")))
	assert.Equal(t, deadLetterCount, count(t, folder))
}

func TestForeignFilesInTheFolderAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	note := filepath.Join(dir, deadLetterDir, "note.json")
	require.NoError(t, os.WriteFile(note, nil, 0o600))
	s := open(t, dir)
	for i := range deadLetterCount + 1 {
		require.NoError(t, s.Keep(letter(strconv.Itoa(i))))
	}
	assert.FileExists(t, note)
}

func TestLettersAreKeptFromManyGoroutines(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() { assert.NoError(t, s.Keep(letter(strconv.Itoa(i)))) })
	}
	group.Wait()
	assert.Len(t, kept(t, dir), 20)
}

func TestALetterOfANewerFormatIsNotRead(t *testing.T) {
	for format, readable := range map[int]bool{0: true, formatVersion: true, formatVersion + 1: false, -1: false} {
		_, err := DecodeLetter(fmt.Appendf(nil, `{"format":%d,"reason":"trap"}`, format))
		assert.Equal(t, readable, err == nil, format)
	}
}
