package pipeline

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// folder is a folder of dead letters in memory.
type folder struct {
	err  error
	kept []module.Message
}

func (f *folder) Keep(m module.Message, _ module.DeadLetter) error {
	if f.err != nil {
		return f.err
	}
	f.kept = append(f.kept, m)
	return nil
}

// letterTest runs a test with a pipeline whose signal "a" makes a dead letter of each message, with a folder.
func letterTest(t *testing.T, test func(t *testing.T, r *rig, f *folder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &folder{}
		r := start(t, f)
		r.route(consumer(func(s *Share) bool {
			s.DeadLetter(module.DeadLetter{Reason: "trap", Description: "it fell", Guest: "g", Digest: "sha256:0", Attempts: 2})
			s.Finish()
			return true
		}))
		test(t, r, f)
	})
}

func TestDeadLetterCarriesTheMessageAndWhatHappened(t *testing.T) {
	letterTest(t, func(t *testing.T, r *rig, _ *folder) {
		input := r.deliver(t, 1, "body", mid, "m1", "color", "red", module.PropertyContentType, "text/plain", "mqtt-dup", "true")
		letter := r.last(t)
		assert.Equal(t, module.OutputDeadLetter, letter.output)
		assert.Equal(t, "body", letter.body)
		want := map[string]string{
			"color": "red", module.PropertyContentType: "text/plain", module.PropertyCorrelationID: "m1",
			PropertySourceDevice: "dev", PropertySourceModule: "sensor", PropertyMessageType: "deadletter",
			"deadletter-reason": "trap", "deadletter-description": "it fell", "deadletter-signal": "a", "deadletter-guest": "g",
			"deadletter-digest": "sha256:0", "deadletter-attempts": "2", "deadletter-input": "in",
			"deadletter-time": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			mid:               MessageID("id\x00dev/sensor\x00m1", "a/deadletter", 0),
		}
		got := map[string]string{}
		for _, p := range letter.properties {
			got[p.Name] = p.Value
		}
		assert.Equal(t, want, got)
		assert.False(t, input.acked())
		r.ack(1)
		assert.True(t, input.acked())
	})
}

func TestDeadLettersBeyondTheMinutesShareAreKeptInTheFolder(t *testing.T) {
	letterTest(t, func(t *testing.T, r *rig, f *folder) {
		r.SetLimits(Limits{Outbox: 1 << 20, DeadLettersPerMinute: 2, Spool: 1 << 20})
		for range 4 {
			input := r.deliver(t, 1, "x")
			r.ack(1)
			assert.True(t, input.acked())
		}
		assert.Len(t, r.written, 2)
		assert.Len(t, f.kept, 2)
		time.Sleep(time.Minute)
		r.deliver(t, 1, "x")
		assert.Len(t, r.written, 3, "a new minute")
	})
}

func TestDeadLetterThatTheFolderCannotTakeGoesToEdgeHub(t *testing.T) {
	letterTest(t, func(t *testing.T, r *rig, f *folder) {
		r.SetLimits(Limits{Outbox: 1 << 20, DeadLettersPerMinute: 0, Spool: 1 << 20})
		f.err = errors.New("disk full")
		r.deliver(t, 1, "x")
		assert.Len(t, r.written, 1)
	})
}

// refuseLarge refuses bodies as edgeHub does, with a limit for the properties too.
func refuseLarge(_ module.OutputName, m module.Message) *UnsendableError {
	properties := 0
	for _, p := range m.Properties {
		properties += len(p.Name) + len(p.Value)
	}
	if len(m.Body)+properties > 200<<10 || properties > 10<<10 {
		return &UnsendableError{Reason: module.ReasonTooLarge, Err: errors.New("too large")}
	}
	return nil
}

func TestDeadLetterThatDoesNotFitIsCutAndKeptWhole(t *testing.T) {
	letterTest(t, func(t *testing.T, r *rig, f *folder) {
		r.refuse = refuseLarge
		body := strings.Repeat("0123456789", 20<<10)
		r.deliver(t, 1, body, "color", "red")
		letter := r.last(t)
		assert.Equal(t, body[:letterBody], letter.body, "its end is gone")
		assert.Equal(t, "204800", letter.properties.Value("deadletter-truncated"))
		assert.Equal(t, "trap", letter.properties.Value("deadletter-reason"))
		assert.Equal(t, "red", letter.properties.Value("color"))
		require.Len(t, f.kept, 1)
		assert.Equal(t, body, string(f.kept[0].Body))
	})
}

func TestDeadLetterWhosePropertiesDoNotFitLosesThoseOfTheMessage(t *testing.T) {
	letterTest(t, func(t *testing.T, r *rig, f *folder) {
		r.refuse = refuseLarge
		r.deliver(t, 1, "x", "color", strings.Repeat("red", 10<<10))
		letter := r.last(t)
		_, there := letter.properties.Get("color")
		assert.False(t, there)
		assert.Equal(t, "trap", letter.properties.Value("deadletter-reason"))
		assert.NotEmpty(t, letter.properties.Value(mid))
		assert.Equal(t, "x", letter.body)
		assert.Len(t, f.kept, 1, "once")
	})
}

func TestDeadLetterThatIsRefusedWhateverIsCutIsGivenUp(t *testing.T) {
	letterTest(t, func(t *testing.T, r *rig, f *folder) {
		r.refuse = func(module.OutputName, module.Message) *UnsendableError {
			return &UnsendableError{Reason: module.ReasonInvalid, Err: errors.New("no")}
		}
		input := r.deliver(t, 1, "x")
		assert.True(t, input.acked())
		assert.Len(t, f.kept, 1)
		assert.Zero(t, r.Counts().Outbox)
	})
}

func TestResultThatEdgeHubWouldNotTakeBecomesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &folder{}
		r := start(t, f)
		r.refuse = refuseLarge
		body := strings.Repeat("x", 300<<10)
		r.route(emits("out", "before", body, "after"))
		input := r.deliver(t, 1, "x", mid, "m1")
		require.Len(t, r.written, 3)
		letter := r.written[1]
		assert.Equal(t, "before", r.written[0].body)
		assert.Equal(t, module.OutputDeadLetter, letter.output)
		assert.Equal(t, module.ReasonTooLarge, letter.properties.Value("deadletter-reason"))
		assert.Equal(t, "a", letter.properties.Value("deadletter-signal"))
		assert.Equal(t, MessageID("id\x00dev/sensor\x00m1", "a", 1), letter.properties.Value(mid), "it stands for the result")
		require.Len(t, f.kept, 1)
		assert.Len(t, f.kept[0].Body, len(body))
		r.ack(all)
		assert.True(t, input.acked())
	})
}

func TestUnsendableResultsBeyondTheMinutesShareAreKeptInTheFolderAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &folder{}
		r := start(t, f)
		r.SetLimits(Limits{Outbox: 1 << 20, DeadLettersPerMinute: 1, Spool: 1 << 20})
		r.refuse = refuseLarge
		r.route(emits("out", strings.Repeat("x", 300<<10)))
		r.deliver(t, 1, "1")
		second := r.deliver(t, 1, "2")
		assert.Len(t, r.written, 1)
		assert.Len(t, f.kept, 2)
		r.ack(all)
		assert.True(t, second.acked())

		f.err = errors.New("disk full")
		r.deliver(t, 1, "3")
		assert.Len(t, r.written, 2, "the folder has it not, so edgeHub gets it")
	})
}

func TestLongDescriptionIsCutBetweenCharacters(t *testing.T) {
	description := cut(strings.Repeat("é", 300), 511)
	assert.True(t, utf8.ValidString(description))
	assert.Equal(t, strings.Repeat("é", 255)+"…", description)
	assert.Equal(t, "short", cut("short", 5))
}

func TestPassingOnLeavesOutWhatEdgeHubAloneMaySet(t *testing.T) {
	of := module.Properties{{Name: mid, Value: "m1"}, {Name: module.PropertySenderDevice, Value: "dev"},
		{Name: module.PropertySenderModule, Value: "sensor"}, {Name: "mqtt-dup", Value: "true"}, {Name: "color", Value: "red"}}
	inherited := Inherit(of, 4)
	assert.Equal(t, module.Properties{{Name: "color", Value: "red"}}, inherited)
	Trace(&inherited, of, true)
	assert.Equal(t, module.Properties{{Name: "color", Value: "red"}, {Name: module.PropertyCorrelationID, Value: "m1"},
		{Name: PropertySourceDevice, Value: "dev"}, {Name: PropertySourceModule, Value: "sensor"}}, inherited)
}

func TestTracingLeavesWhatIsThere(t *testing.T) {
	to := module.Properties{{Name: module.PropertyCorrelationID, Value: "mine"}, {Name: PropertySourceDevice, Value: "origin"}}
	Trace(&to, module.Properties{{Name: mid, Value: "m1"}, {Name: module.PropertySenderDevice, Value: "dev"}}, true)
	assert.Equal(t, module.Properties{{Name: module.PropertyCorrelationID, Value: "mine"}, {Name: PropertySourceDevice, Value: "origin"}}, to)
	t.Run("and hands on an input's own correlation id", func(t *testing.T) {
		var to module.Properties
		Trace(&to, module.Properties{{Name: mid, Value: "m1"}, {Name: module.PropertyCorrelationID, Value: "c1"}}, false)
		assert.Equal(t, "c1", to.Value(module.PropertyCorrelationID))
	})
}

func TestTheDeadLetterOfAMessageWithTwoNamesThatDifferInCaseHasTheFirst(t *testing.T) {
	original := module.Message{Body: []byte("x"), Properties: module.Properties{{Name: "Level", Value: "1"}, {Name: "level", Value: "2"}, {Name: "ΟΔΟΣ", Value: "1"}, {Name: "οδος", Value: "2"}, {Name: "DeadLetter-Reason", Value: "theirs"}}}
	letter := letterMessage(original, module.DeadLetter{Reason: module.ReasonInvalid})
	var names []string
	for _, p := range letter.Properties {
		names = append(names, p.Name)
	}
	assert.Equal(t, []string{"Level", "ΟΔΟΣ", "deadletter-reason", PropertyMessageType, "deadletter-time"}, names)
	assert.Equal(t, module.ReasonInvalid, letter.Properties.Value("deadletter-reason"))
	assert.Len(t, original.Properties, 5, "the original is not changed")
}
