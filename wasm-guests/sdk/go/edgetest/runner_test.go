package edgetest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// The documentation of both packages shows this guest.
type settings struct{ High float64 }

var guest = edge.Guest[settings]{Sample: func(_ *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
	value, ok := s.Float()
	return edge.PassIf(ok && value > set.High), nil
}}

func TestAFilterOfTenLines(t *testing.T) {
	run := edgetest.Start(t, guest, `{"high":80}`)
	assert.Equal(t, edge.Pass, run.Number(81.5).Verdict)
	assert.Equal(t, edge.Drop, run.Number(79).Verdict)
	assert.Equal(t, edge.Drop, run.Sample(edgetest.Sample{Value: "hot"}).Verdict)
}

func TestStartEndsTheTestWhereSettingsAreRefused(t *testing.T) {
	probe := &probe{TB: t}
	edgetest.Start(probe, guest, `{"hihg":80}`)
	assert.Equal(t, `configure guest: unknown setting "hihg" (known: high)`, probe.fatal)
}

func TestAFailedCallWithoutAReasonSaysSo(t *testing.T) {
	run := edgetest.Start(t, edge.Guest[struct{}]{Tick: func(*edge.Host, *struct{}) (edge.Verdict, error) {
		return -1, nil
	}}, `{}`)
	assert.EqualError(t, run.Tick().Err, "guest gave no reason")
}

func TestMetricsBeyondTheLimitAreNotKept(t *testing.T) {
	run := edgetest.Start(t, edge.Guest[struct{}]{Tick: func(h *edge.Host, _ *struct{}) (edge.Verdict, error) {
		for i := range 33 {
			h.Count(strings.Repeat("n", i+1), 1)
		}
		h.Count("n", 1)
		return edge.Done, nil
	}}, `{}`)
	require.NoError(t, run.Tick().Err)
	assert.Len(t, run.Counters, 32)
	assert.Equal(t, 2.0, run.Counters["n"])
}

// probe keeps the message of a test that would have ended.
type probe struct {
	testing.TB
	fatal string
}

func (p *probe) Fatalf(format string, args ...any) {
	p.fatal = fmt.Sprintf(format, args...)
}
