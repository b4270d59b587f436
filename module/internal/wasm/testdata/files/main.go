// Command files is a guest that keeps its messages as lines of a file, with what Go has for that, and emits how many
// there are, the last one, and what else is in its directory.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"
)

//go:wasmimport edge emit
func emit(output unsafe.Pointer, outputLen uint32, body unsafe.Pointer, bodyLen uint32, properties unsafe.Pointer, propertiesLen uint32) int32

//go:wasmimport edge fail
func fail(reason unsafe.Pointer, reasonLen uint32)

var room []byte

//go:wasmexport edge_alloc
func alloc(size uint32) unsafe.Pointer {
	room = make([]byte, size+1)
	return unsafe.Pointer(unsafe.SliceData(room))
}

//go:wasmexport edge_message
func message(_ unsafe.Pointer, size uint32) int32 {
	said, err := work(string(room[:size]))
	if err != nil {
		reason := err.Error()
		fail(unsafe.Pointer(unsafe.StringData(reason)), uint32(len(reason)))
		return -1
	}
	emit(nil, 0, unsafe.Pointer(unsafe.StringData(said)), uint32(len(said)), nil, 0)
	return 2
}

func work(line string) (string, error) {
	if err := os.MkdirAll("/log/old", 0o755); err != nil {
		return "", err
	}
	if _, err := os.ReadFile("log/none"); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read of nothing: %w", err)
	}
	if _, err := os.Open("../secret"); err == nil {
		return "", errors.New("the way out is open")
	}
	file, err := os.OpenFile("log/lines", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	if _, err = fmt.Fprintln(file, line); err != nil {
		return "", err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return "", err
	}
	lines, err := os.ReadFile("/log/lines")
	if err != nil {
		return "", err
	}
	all := bytes.Split(bytes.TrimSpace(lines), []byte("\n"))
	said := fmt.Sprintf("%d lines, the last is %s", len(all), all[len(all)-1])
	if err := os.WriteFile("last.new", []byte(said), 0o600); err != nil {
		return "", err
	}
	if err := os.Rename("last.new", "last"); err != nil {
		return "", err
	}
	if read, err := os.ReadFile("last"); err != nil || string(read) != said {
		return "", fmt.Errorf("%q is not what was written: %w", read, err)
	}
	var names []string
	err = filepath.WalkDir("/", func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	return said + ": " + strings.Join(names, " "), err
}

func main() {}
