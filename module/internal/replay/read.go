package replay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

// Read reads the dead letters of JSON values one after the other, on a line each or spread over many, or of arrays of such:
//
//   - events as az iot hub monitor-events --properties all --output json prints them;
//   - records of a storage endpoint of IoT Hub, in JSON, or in Avro that a tool has made JSON of;
//   - files of the folder of dead letters of a device.
//
// What is no dead letter is passed over. An error is the last that comes.
func Read(r io.Reader) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		buffered := bufio.NewReader(r)
		if err := skipHeading(buffered); err != nil {
			yield(Letter{}, fmt.Errorf("read dead letters: %w", err))
			return
		}
		decoder := json.NewDecoder(buffered)
		for {
			var value json.RawMessage
			err := decoder.Decode(&value)
			if errors.Is(err, io.EOF) {
				return
			}
			more := true
			if err == nil {
				more, err = letters(value, func(l Letter) bool { return yield(l, nil) })
			}
			if err != nil {
				yield(Letter{}, fmt.Errorf("read dead letters before byte %d: %w", decoder.InputOffset(), err))
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// skipHeading passes over the lines that the Azure CLI prints before the first event.
func skipHeading(r *bufio.Reader) error {
	for {
		next, err := r.Peek(1)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || next[0] == '{' || next[0] == '[' {
			return err
		}
		if _, err := r.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
}

// letters finds the letters in a JSON value, and reports whether take wants more.
func letters(value json.RawMessage, take func(Letter) bool) (more bool, err error) {
	if value[0] == '[' {
		var values []json.RawMessage
		if err := json.Unmarshal(value, &values); err != nil {
			return false, err
		}
		for _, v := range values {
			if more, err := letters(v, take); err != nil || !more {
				return more, err
			}
		}
		return true, nil
	}
	l, ok, err := letter(value)
	if err != nil || !ok {
		return true, err
	}
	return take(l), nil
}

// letter reads one value; ok is false where it is no dead letter.
func letter(value json.RawMessage) (l Letter, ok bool, err error) {
	var shape struct {
		Event      json.RawMessage `json:"event"`
		Reason     string          `json:"reason"`
		Properties json.RawMessage `json:"properties"` // also as Properties
	}
	if err := json.Unmarshal(value, &shape); err != nil {
		return Letter{}, false, err
	}
	var m module.Message
	switch {
	case shape.Event != nil:
		m, err = event(shape.Event)
	case shape.Reason != "":
		kept, err := store.DecodeLetter(value)
		return fromFolder(kept), true, err
	case shape.Properties != nil:
		m, err = record(value)
	}
	if err != nil {
		return Letter{}, false, err
	}
	l, ok = fromProperties(m)
	return l, ok, nil
}
