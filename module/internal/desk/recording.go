package desk

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
)

// record is a line of a recording: what the method trace answers with.
type record struct {
	Time    string          `json:"time"`
	Input   string          `json:"input"`
	Source  string          `json:"source"`
	Message methods.Message `json:"message"`
}

// Record reads a recording: messages of the method trace, one JSON object a line or the whole answer as az iot hub
// invoke-module-method prints it, or CSV with a header, each row of which is a message {"column": value, …}. The column
// timestamp, RFC 3339, is the time of the message's arrival too.
func Record(r io.Reader) iter.Seq2[trial.Message, error] {
	in := bufio.NewReader(r)
	if first, err := in.Peek(1); err == nil && first[0] != '{' && first[0] != '[' {
		return rows(in)
	}
	return func(yield func(trial.Message, error) bool) {
		d := json.NewDecoder(in)
		for n := 1; ; n++ {
			var value json.RawMessage
			err := d.Decode(&value)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = eachRecord(value, yield)
			}
			if errors.Is(err, errEnough) {
				return
			}
			if err != nil {
				yield(trial.Message{}, fmt.Errorf("read recording, value %d: %w", n, err))
				return
			}
		}
	}
}

var errEnough = errors.New("no more is wanted")

// eachRecord yields the records of a value: an answer of the method, with its status around it or not, or a record.
func eachRecord(value json.RawMessage, yield func(trial.Message, error) bool) error {
	var v struct {
		Payload  json.RawMessage   `json:"payload"`
		Messages []json.RawMessage `json:"messages"`
		record
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	switch {
	case v.Payload != nil:
		return eachRecord(v.Payload, yield)
	case v.Messages != nil:
		for _, m := range v.Messages {
			if err := eachRecord(m, yield); err != nil {
				return err
			}
		}
		return nil
	}
	m, err := v.record.message()
	if err != nil {
		return err
	}
	if !yield(m, nil) {
		return errEnough
	}
	return nil
}

func (r *record) message() (trial.Message, error) {
	if r.Message.Cut > 0 {
		return trial.Message{}, fmt.Errorf("the body of the message of %s was cut: %d bytes are missing", r.Time, r.Message.Cut)
	}
	body, err := r.Message.Bytes()
	if err != nil {
		return trial.Message{}, err
	}
	m := trial.Message{Message: module.Message{Body: body, Properties: r.Message.List()}, Input: module.InputName(r.Input), Source: r.Source}
	if r.Time != "" {
		if m.Time, err = time.Parse(time.RFC3339, r.Time); err != nil {
			return trial.Message{}, fmt.Errorf("read time: %w", err)
		}
	}
	return m, nil
}

// rows reads CSV.
func rows(in io.Reader) iter.Seq2[trial.Message, error] {
	return func(yield func(trial.Message, error) bool) {
		r := csv.NewReader(in)
		header, err := r.Read()
		for err == nil {
			var row []string
			if row, err = r.Read(); err != nil {
				break
			}
			if m, wrong := rowMessage(header, row); !yield(m, wrong) || wrong != nil {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(trial.Message{}, fmt.Errorf("read recording: %w", err))
		}
	}
}

func rowMessage(header, row []string) (m trial.Message, err error) {
	var b bytes.Buffer
	for i, name := range header {
		key, _ := json.Marshal(strings.TrimSpace(name)) // strings always encode
		value := []byte(row[i])
		if !json.Valid(value) {
			value, _ = json.Marshal(row[i])
		}
		b.WriteByte("{,"[min(i, 1)])
		b.Write(append(append(key, ':'), value...))
		if strings.TrimSpace(name) == "timestamp" {
			if m.Time, err = time.Parse(time.RFC3339, row[i]); err != nil {
				m.Time, err = time.Parse(time.DateTime, row[i])
			}
			if err != nil {
				return m, fmt.Errorf("read recording: %q is no timestamp", row[i])
			}
		}
	}
	b.WriteByte('}')
	m.Body = b.Bytes()
	return m, nil
}
