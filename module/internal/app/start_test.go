package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkTenThousandSignals starts ten thousand host-only signals on a hundred inputs from a twin and a file beside it, and
// reports how long that takes, and the share of a processor that they take while nothing comes.
func BenchmarkTenThousandSignals(b *testing.B) {
	const signals, inputs, idle = 10_000, 100, 5 * time.Second
	var file strings.Builder
	file.WriteString(`{"signals":{`)
	for n := range signals {
		if n > 0 {
			file.WriteByte(',')
		}
		fmt.Fprintf(&file, `"s%d":{"source":"input:i%d","selector":"/v%d","deadbandType":"absolute","deadbandValue":0.5,"heartbeatIntervalMs":60000}`, n, n%inputs, n)
	}
	file.WriteString(`}}`)
	for b.Loop() {
		d := newDevice(b, `{"schemaVersion":"1.0","signalsFrom":{"all":{"source":"file:all.json"}}}`)
		require.NoError(b, os.WriteFile(filepath.Join(d.guests, "all.json"), []byte(file.String()), 0o600))
		began, work := time.Now(), processorTime(b)
		stop := d.run()
		d.waitReported("summary.running", strconv.Itoa(signals))
		b.ReportMetric(time.Since(began).Seconds(), "s/start")
		b.ReportMetric((processorTime(b) - work).Seconds(), "cpu-s/start")
		time.Sleep(2 * time.Second)
		before := processorTime(b)
		time.Sleep(idle)
		b.ReportMetric(100*(processorTime(b)-before).Seconds()/idle.Seconds(), "%idle")
		stop()
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
