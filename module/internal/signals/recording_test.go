package signals

import (
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

var record = flag.Bool("record", false, "write testdata/recording.csv anew")

// row is a line of a recording.
type row struct {
	time  time.Time
	text  string
	value float64
}

func readRecording(t *testing.T, file string) []row {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	rows := make([]row, 0, len(lines))
	for _, line := range lines[1:] {
		at, err := time.Parse(time.DateTime, line[0])
		require.NoError(t, err)
		value, err := strconv.ParseFloat(line[1], 64)
		require.NoError(t, err)
		rows = append(rows, row{time: at, text: line[1], value: value})
	}
	return rows
}

// replay takes a recording through a deadband of 0.5 and a heartbeat, and counts what was sent.
func replay(t *testing.T, rows []row, heartbeat time.Duration) (changes, heartbeats int) {
	stages := stagesOf(t, func(s *module.Signal) {
		s.DataType, s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "double", "absolute", 0.5, "statusValue"
		s.HeartbeatInterval = heartbeat
	})
	st := new(State)
	for _, row := range rows {
		for due := stages.Due(st); !due.IsZero() && due.Before(row.time); due = stages.Due(st) {
			_, outcome := stages.Heartbeat(st, due)
			require.True(t, outcome.Passed())
			heartbeats++
		}
		if _, outcome := stages.Take(st, Found{Value: []byte(row.text), Timestamp: row.time}, row.time); outcome.Passed() {
			changes++
		}
	}
	return changes, heartbeats
}

// count is the same in a few lines of its own.
func count(rows []row, heartbeat time.Duration) (changes, heartbeats int) {
	sent, known, last := math.Inf(1), 0.0, rows[0].time
	for _, row := range rows {
		for ; last.Add(heartbeat).Before(row.time); last = last.Add(heartbeat) {
			heartbeats, sent = heartbeats+1, known
		}
		if known = row.value; math.Abs(known-sent) > 0.5 {
			changes, sent, last = changes+1, known, row.time
		}
	}
	return changes, heartbeats
}

func TestRecordingThroughADeadbandAndAHeartbeat(t *testing.T) {
	rows := readRecording(t, "testdata/recording.csv")
	changes, heartbeats := replay(t, rows, 12*time.Minute)
	wantChanges, wantHeartbeats := count(rows, 12*time.Minute)
	assert.Equal(t, []int{wantChanges, wantHeartbeats}, []int{changes, heartbeats})
	assert.Equal(t, []int{1000, 255, 298}, []int{len(rows), changes, heartbeats}, "the figures of the file that is committed")
}

func TestRealRecordingThroughADeadbandAndAHeartbeat(t *testing.T) {
	folder := os.Getenv("WOE_DATA")
	if folder == "" {
		t.Skip("WOE_DATA does not name the folder of the real recording")
	}
	rows := readRecording(t, filepath.Join(folder, "machine_temperature_system_failure.csv"))
	for _, heartbeat := range []time.Duration{12 * time.Minute, 30 * time.Minute} {
		changes, heartbeats := replay(t, rows, heartbeat)
		wantChanges, wantHeartbeats := count(rows, heartbeat)
		assert.Equal(t, []int{wantChanges, wantHeartbeats}, []int{changes, heartbeats})
		t.Logf("%d values, heartbeat every %v: %d changes, %d heartbeats sent", len(rows), heartbeat, changes, heartbeats)
	}
}

// TestRecord writes the recording: the temperature of a machine that warms up, runs, is switched off for an hour and
// runs again, every five minutes, with noise and a gap.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	random := rand.New(rand.NewPCG(42, 7))
	var text strings.Builder
	text.WriteString("timestamp,value\n")
	value, now := 20.0, start
	for i := range 1000 {
		target := 75 + 3*math.Sin(float64(i)/60)
		if i >= 600 && i < 650 {
			target = 20
		}
		value += (target-value)/12 + random.NormFloat64()*0.35
		if now = now.Add(5 * time.Minute); i == 400 {
			now = now.Add(2 * time.Hour)
		}
		fmt.Fprintf(&text, "%s,%s\n", now.Format(time.DateTime), strconv.FormatFloat(value, 'f', 3, 64))
	}
	require.NoError(t, os.WriteFile("testdata/recording.csv", []byte(text.String()), 0o644))
}
