package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

const keepsFile = `{"schemaVersion":"1.0","guests":{"g":{"source":"file:keep_file.wasm","permissions":{"files":"private"}}},
	"signals":{"s":{"source":"input:a","guest":"g"}}}`

func TestAGuestKeepsItsFilesOverARestart(t *testing.T) {
	d := newDevice(t, keepsFile, "keep_file")
	stop := d.run()
	d.send("a", "one,")
	d.waitBodies("telemetry", "one,")
	stop()
	d.run()
	d.send("a", "two")
	d.waitBodies("telemetry", "one,", "one,two")
}

func TestFilesGoWithTheirSignal(t *testing.T) {
	d := newDevice(t, keepsFile, "keep_file")
	d.run()
	d.send("a", "one")
	d.waitBodies("telemetry", "one")
	file := filepath.Join(d.storage, "files", "s", "lines")
	for _, step := range []struct{ version, patch string }{
		{"2", `{"signals":{"s":{"status":"stopped"}}}`},
		{"3", `{"signals":{"s":{"status":"running","guest":"nobody"}}}`}, // refused
	} {
		d.patch(step.patch)
		d.waitReported("lastDesiredVersion", step.version)
		assert.FileExists(t, file, "it is named: %s", step.patch)
	}
	d.patch(`{"signals":{"s":null}}`)
	d.wait(func() bool {
		_, err := os.Stat(filepath.Dir(file))
		return errors.Is(err, fs.ErrNotExist)
	}, "the files of a signal that is gone to be removed")
}

func TestAGuestHasNoFilesWithoutPermission(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:keep_file.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`, "keep_file")
	d.run()
	d.send("a", "one")
	d.wait(func() bool { return len(d.messages("deadletter")) == 1 }, "the message to be a dead letter")
	assert.NoDirExists(t, filepath.Join(d.storage, "files"))
}
