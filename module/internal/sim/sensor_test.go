package sim

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// thermometer is a manifest with the simulated sensor, whose messages go to $upstream.
func thermometer(t testing.TB, env map[string]string, desired string) manifest.Manifest {
	t.Helper()
	m := deployment(t, `FROM /messages/modules/sensor/outputs/temperatureOutput INTO $upstream`, `FROM /messages/modules/source/* INTO BrokeredEndpoint("/modules/sensor/inputs/control")`)
	m.Modules = append(m.Modules, manifest.Module{
		Name: "sensor", Image: "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.5", Env: env, Desired: json.RawMessage(desired),
	})
	return m
}

// sense runs a sensor in a bubble.
func sense(t *testing.T, env map[string]string, desired string, test func(t *testing.T, h *Hub, up *cloud)) {
	t.Helper()
	var up cloud
	bubble(t, Config{Manifest: thermometer(t, env, desired), Observer: up.observer()}, func(t *testing.T, h *Hub, _ func() *client) {
		s, err := NewSensor(h, "sensor", 1)
		require.NoError(t, err)
		ended := make(chan error)
		go func() { ended <- s.Run(t.Context()) }()
		synctest.Wait()
		test(t, h, &up)
		close(h.stopped)
		require.NoError(t, <-ended)
	})
}

// body is the sensor's message.
type body struct {
	Machine     struct{ Temperature, Pressure float64 }
	Ambient     struct{ Temperature, Humidity float64 }
	TimeCreated time.Time
}

func decode(t *testing.T, m Upstream) (b body) {
	t.Helper()
	require.NoError(t, json.Unmarshal(m.Message.Body, &b))
	return b
}

func TestSensorSendsMicrosoftsMessage(t *testing.T) {
	sense(t, nil, `{}`, func(t *testing.T, _ *Hub, up *cloud) {
		time.Sleep(5*time.Second + 100*time.Millisecond + 2300*time.Nanosecond)
		synctest.Wait()
		require.Len(t, up.all(), 2, "one at once, and one after five seconds")
		m := up.all()[1]
		assert.Equal(t, "sensor", m.Module)
		assert.Equal(t, "temperatureOutput", m.Output)
		batch, _ := m.Message.Properties.Get("batchId")
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, batch)
		assert.Equal(t, edgehub.Properties{
			{Name: "$.ct", Value: "application/json"}, {Name: "$.ce", Value: "utf-8"},
			{Name: "sequenceNumber", Value: "2"}, {Name: "batchId", Value: batch},
		}, m.Message.Properties)
		assert.Regexp(t, `^{"machine":{"temperature":2\d\.\d+,"pressure":\d\.\d+},"ambient":{"temperature":2\d\.\d+,"humidity":2[456]},"timeCreated":"2000-01-01T00:00:05Z"}$`, string(m.Message.Body))
	})
}

func TestSensorWarmsUpAndStaysThere(t *testing.T) {
	sense(t, map[string]string{"MessageCount": "-1", "MessageDelay": "00:00:01"}, `{}`, func(t *testing.T, _ *Hub, up *cloud) {
		time.Sleep(999 * time.Second)
		synctest.Wait()
		require.Len(t, up.all(), 1000, "without end")
		before := 21.0
		for _, m := range up.all() {
			b := decode(t, m)
			step := b.Machine.Temperature - before
			if before > 100 {
				assert.InDelta(t, 0, step, 0.5)
			} else {
				assert.InDelta(t, 0.5, step, 0.75)
			}
			assert.InDelta(t, 1+(b.Machine.Temperature-21)*9/79, b.Machine.Pressure, 1e-9)
			assert.InDelta(t, 21, b.Ambient.Temperature, 0.5)
			assert.InDelta(t, 25, b.Ambient.Humidity, 1)
			before = b.Machine.Temperature
		}
		assert.InDelta(t, 100, before, 10)
	})
}

func TestSensorIsSetByItsEnvironmentInAnyCase(t *testing.T) {
	env := map[string]string{"messagecount": "3", "MessageDelay": "00:00:00.25", "machineTempMin": "0", "machineTempMax": "10", "machinePressureMin": "2", "machinePressureMax": "3", "ambientTemp": "-5"}
	sense(t, env, `{}`, func(t *testing.T, _ *Hub, up *cloud) {
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, up.all(), 3)
		b := decode(t, up.all()[2])
		assert.InDelta(t, 1.5, b.Machine.Temperature, 2.25)
		assert.InDelta(t, 2+b.Machine.Temperature/10, b.Machine.Pressure, 1e-9)
		assert.InDelta(t, -5, b.Ambient.Temperature, 0.5)
		assert.Equal(t, 500*time.Millisecond, up.all()[2].Time.Sub(up.all()[0].Time))
	})
}

func TestSensorFollowsItsTwinAndReportsAfterAPatch(t *testing.T) {
	sense(t, nil, `{"SendInterval": 2, "SendData": false, "other": 1}`, func(t *testing.T, h *Hub, up *cloud) {
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Empty(t, up.all())
		reported, version := h.Reported("sensor")
		assert.Equal(t, `{}`, string(reported), "nothing at the start")
		assert.EqualValues(t, 1, version)

		_, err := h.PatchDesired("sensor", []byte(`{"SendData": true, "SendInterval": "often"}`))
		require.NoError(t, err)
		synctest.Wait()
		reported, _ = h.Reported("sensor")
		assert.Equal(t, `{"SendData":true,"SendInterval":2}`, string(reported))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		assert.Len(t, up.all(), 2)
		number, _ := up.all()[0].Message.Properties.Get("sequenceNumber")
		assert.Equal(t, "1", number, "what was not sent has no number")
	})
}

func TestSensorIsResetByMessageAndByMethod(t *testing.T) {
	for name, reset := range map[string]func(*testing.T, *Hub){
		"message": func(t *testing.T, h *Hub) { control(t, h, `{"command":"reset"}`) },
		"array":   func(t *testing.T, h *Hub) { control(t, h, `[{"command":1},{"command":0}]`) },
		"method": func(t *testing.T, h *Hub) {
			status, body, err := h.Invoke(t.Context(), "sensor", "reset", []byte(`{"any":1}`))
			require.NoError(t, err)
			assert.Equal(t, 200, status)
			assert.Empty(t, body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			sense(t, map[string]string{"MessageDelay": "00:00:01"}, ``, func(t *testing.T, h *Hub, up *cloud) {
				time.Sleep(60*time.Second + time.Millisecond)
				control(t, h, `{"command":"noOperation"}`)
				control(t, h, `{"command":"restart"}`)
				control(t, h, `nonsense`)
				time.Sleep(time.Second)
				synctest.Wait()
				assert.Greater(t, decode(t, up.all()[61]).Machine.Temperature, 30.0)
				reset(t, h)
				time.Sleep(time.Second)
				synctest.Wait()
				assert.InDelta(t, 21.5, decode(t, up.all()[62]).Machine.Temperature, 0.75)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				assert.Greater(t, decode(t, up.all()[72]).Machine.Temperature, 22.5, "once")
				require.NoError(t, h.WaitIdle(t.Context()))
			})
		})
	}
}

func control(t *testing.T, h *Hub, body string) {
	t.Helper()
	require.NoError(t, h.Publish(t.Context(), "source", "reset", edgehub.Message{Body: []byte(body)}))
}

func TestSensorDoesNotAnswerAnUnknownMethod(t *testing.T) {
	sense(t, nil, ``, func(t *testing.T, h *Hub, _ *cloud) {
		after(t, 30*time.Second, func() {
			status, _, err := h.Invoke(t.Context(), "sensor", "explode", nil)
			assert.Equal(t, 504, status)
			require.ErrorIs(t, err, ErrNoAnswer)
		})
	})
}

func TestSameSeedMakesTheSameReadingsInAnotherBatch(t *testing.T) {
	var bodies, batches []string
	for range 2 {
		sense(t, nil, ``, func(t *testing.T, _ *Hub, up *cloud) {
			time.Sleep(5 * time.Second)
			synctest.Wait()
			bodies = append(bodies, string(up.all()[1].Message.Body))
			batch, _ := up.all()[1].Message.Properties.Get("batchId")
			batches = append(batches, batch)
		})
	}
	assert.Equal(t, bodies[0], bodies[1])
	assert.NotEqual(t, batches[0], batches[1])
}

func TestSensorSaysWhatIsWrongWithItsEnvironment(t *testing.T) {
	h := start(t, Config{Manifest: thermometer(t, map[string]string{"MessageDelay": "5", "machineTempMax": "hot"}, ``)})
	_, err := NewSensor(h, "sensor", 0)
	require.ErrorContains(t, err, `simulate sensor "sensor": read variable MessageDelay: "5" is not of the form [d.]hh:mm[:ss[.fffffff]]`)
	require.ErrorContains(t, err, `read variable machineTempMax: strconv.ParseFloat: parsing "hot"`)
	_, err = NewSensor(h, "nobody", 0)
	require.ErrorIs(t, err, ErrNoModule)
}

func TestTimeSpansAreReadAsDotNetReadsThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"00:00:05":         5 * time.Second,
		"00:01":            time.Minute,
		"1.02:03:04.5":     26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"00:00:00.0000001": 100 * time.Nanosecond,
	} {
		got, err := parseTimeSpan(text)
		require.NoError(t, err)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "5s", "00:60:00", "24:00:00", "00:00:-1", "1.5.5:00", "1:2:3:4", "00:00:NaN"} {
		_, err := parseTimeSpan(text)
		require.Error(t, err, text)
	}
}

func TestSensorIsKnownByItsImage(t *testing.T) {
	assert.True(t, IsSensor(manifest.Module{Image: "contoso.azurecr.io/azureiotedge-simulated-temperature-sensor"}))
	assert.False(t, IsSensor(manifest.Module{Image: "${MODULES.filter}", Name: "SimulatedTemperatureSensor"}))
}

func TestDoublesAreWrittenAsNewtonsoftWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"21":                "21.0",
		"21.50":             "21.5",
		"74.93588199999998": "74.93588199999998",
		"-0.0001":           "-0.0001",
		"0.00001":           "1E-05",
		"100000000000000":   "100000000000000.0",
		"1e15":              "1E+15",
		"1.5e300":           "1.5E+300",
		"0":                 "0.0",
	} {
		v, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		assert.Equal(t, want, string(appendDouble(nil, v)))
	}
}

func TestReplayPlaysEachRowAsASensorsMessage(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: thermometer(t, nil, ``), Observer: up.observer()})
	r, err := NewReplay(h, "sensor", strings.NewReader("timestamp,value\n2013-12-02 21:15:00,73.96732207\n2013-12-02T21:20:00.25Z,21\n2013-12-02T22:25:00+01:00,100.0\n"), 0)
	require.NoError(t, err)
	require.NoError(t, r.Run(t.Context()))

	require.Len(t, up.all(), 3)
	for i, want := range []string{
		`{"machine":{"temperature":73.96732207,"pressure":7.034251881392405},"ambient":{"temperature":21.0,"humidity":25},"timeCreated":"2013-12-02T21:15:00Z"}`,
		`{"machine":{"temperature":21.0,"pressure":1.0},"ambient":{"temperature":21.0,"humidity":25},"timeCreated":"2013-12-02T21:20:00.25Z"}`,
		`{"machine":{"temperature":100.0,"pressure":10.0},"ambient":{"temperature":21.0,"humidity":25},"timeCreated":"2013-12-02T21:25:00Z"}`,
	} {
		m := up.all()[i]
		assert.Equal(t, want, string(m.Message.Body))
		assert.Equal(t, "temperatureOutput", m.Output)
		number, _ := m.Message.Properties.Get("sequenceNumber")
		assert.Equal(t, strconv.Itoa(i+1), number)
	}
}

func TestReplayKeepsTheRecordingsPace(t *testing.T) {
	var up cloud
	bubble(t, Config{Manifest: thermometer(t, nil, ``), Observer: up.observer()}, func(t *testing.T, h *Hub, _ func() *client) {
		r, err := NewReplay(h, "sensor", strings.NewReader("timestamp,value\n2013-12-02 21:15:00,1\n2013-12-02 21:20:00,2\n2013-12-02 21:15:00,3\n2013-12-02 21:25:00,4\n"), 60)
		require.NoError(t, err)
		after(t, 10*time.Second, func() { require.NoError(t, r.Run(t.Context())) })
		messages := up.all()
		assert.Equal(t, 5*time.Second, messages[1].Time.Sub(messages[0].Time))
		assert.Zero(t, messages[2].Time.Sub(messages[1].Time), "a row from the past comes at once")
	})
}

func TestReplayEndsWithItsContext(t *testing.T) {
	bubble(t, Config{Manifest: thermometer(t, nil, ``)}, func(t *testing.T, h *Hub, _ func() *client) {
		r, err := NewReplay(h, "sensor", strings.NewReader("timestamp,value\n2013-12-02 21:15:00,1\n2013-12-02 21:20:00,2\n"), 1)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		after(t, time.Minute, func() { require.NoError(t, r.Run(ctx)) })
	})
}

func TestReplaySaysWhichLineIsWrong(t *testing.T) {
	h := start(t, Config{Manifest: thermometer(t, nil, ``)})
	const header, row = "timestamp,value\n", "2013-12-02 21:15:00,1\n"
	for text, want := range map[string]string{
		"":                                   "read recording: header: EOF",
		"time,value\n" + row:                 `read recording: line 1: header is ["time" "value"], want timestamp,value`,
		header:                               "the recording has no rows",
		header + row + "yesterday,1\n":       `read recording: line 3: timestamp "yesterday" is not of the form 2006-01-02 15:04:05`,
		header + "2013-12-02 21:15:00,hot\n": `read recording: line 2: value "hot" is not a number`,
		header + "2013-12-02 21:15:00,NaN\n": `read recording: line 2: value "NaN" is not a number`,
		header + row + row + "1\n":           `read recording: record on line 4: wrong number of fields`,
	} {
		_, err := NewReplay(h, "sensor", strings.NewReader(text), 1)
		require.ErrorContains(t, err, `replay as sensor "sensor": `+want)
	}
	_, err := NewReplay(h, "sensor", strings.NewReader(header+row), -1)
	require.ErrorContains(t, err, "speed -1 is not possible")
}
