package sim

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// record is a row of a recording.
type record struct {
	time  time.Time
	value float64
}

// recordTimes are the forms that a row's time may have. One without a zone is UTC.
var recordTimes = []string{time.DateTime, "2006-01-02T15:04:05", time.RFC3339}

// readRecording reads a CSV with the header timestamp,value. Its errors name the line.
func readRecording(r io.Reader) ([]record, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = 2
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read recording: header: %w", err)
	}
	if header[0] != "timestamp" || header[1] != "value" {
		return nil, fmt.Errorf("read recording: line 1: header is %q, want timestamp,value", header)
	}
	var records []record
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read recording: %w", err)
		}
		rec, err := parseRecord(row)
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("read recording: line %d: %w", line, err)
		}
		records = append(records, rec)
	}
}

func parseRecord(row []string) (record, error) {
	value, err := strconv.ParseFloat(row[1], 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return record{}, fmt.Errorf("value %q is not a number", row[1])
	}
	for _, form := range recordTimes {
		if t, err := time.Parse(form, row[0]); err == nil {
			return record{time: t.UTC(), value: value}, nil
		}
	}
	return record{}, fmt.Errorf("timestamp %q is not of the form %s", row[0], time.DateTime)
}
