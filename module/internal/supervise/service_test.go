package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// fakeService runs what its guest's serve says.
type fakeService struct {
	ServiceIO
	guest                 *fakeGuest
	options               Options
	settings              string
	running, ended, freed bool
}

func (g *fakeGuest) Serve(o Options, io ServiceIO) (Service, error) {
	if g.onStart != nil {
		if err := g.onStart(o); err != nil {
			return nil, err
		}
	}
	s := &fakeService{ServiceIO: io, guest: g, options: o}
	g.services = append(g.services, s)
	return s, nil
}

func (s *fakeService) Configure(document []byte) error {
	var d struct{ Settings json.RawMessage }
	err := json.Unmarshal(document, &d)
	s.settings = string(d.Settings)
	return err
}

func (s *fakeService) Run(ctx context.Context) error {
	for _, other := range s.guest.services {
		if other.running && !other.ended {
			panic("two services of a signal run at the same time")
		}
	}
	s.running = true
	defer func() { s.ended = true }()
	if s.guest.serve == nil {
		return echo(ctx, s)
	}
	return s.guest.serve(ctx, s)
}

func (s *fakeService) Memory() int64      { return 4096 }
func (s *fakeService) LogsDropped() int64 { return 3 }

func (s *fakeService) Close() {
	if s.running != s.ended || s.freed {
		panic("a service that runs, or was closed, is closed")
	}
	s.freed = true
}

func echo(ctx context.Context, s *fakeService) error {
	for {
		line, err := s.Read(ctx)
		if err != nil {
			return endOf(ctx, err)
		}
		s.Write(ctx, line)
	}
}

// endOf is what Run returns: nil at the end of its input, or of ctx.
func endOf(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}

// silent reads nothing and ends with ctx alone.
func silent(ctx context.Context, _ *fakeService) error {
	<-ctx.Done()
	return nil
}

var exit = &module.GuestError{Guest: "g", Signal: "s", Op: "serve", Kind: module.KindExit, Message: "exit code 3"}

func serving(g *fakeGuest, policy module.RestartPolicy) Work {
	w := workOf(g)
	g.isProgram = true
	w.Spec.Run, w.Spec.RestartPolicy = module.RunService, policy
	return w
}

func TestAServiceGetsMessagesAsLinesAndItsLinesAreMessages(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		w := withSettings(serving(g, module.RestartOnFailure), `{"high":7}`)
		w.Signal.Properties = map[string]string{"site": "north"}
		p.start(t, w)
		p.deliver(t, "a")
		p.deliver(t, "b")

		assert.Equal(t, `{"high":7}`, g.services[0].settings)
		require.Len(t, p.sent, 2)
		first, second := p.sent[0], p.sent[1]
		assert.Equal(t, module.OutputName("telemetry"), first.output)
		assert.Equal(t, "a", string(first.Body))
		assert.Equal(t, module.Properties{{Name: "messageType", Value: "event"}, {Name: "signal", Value: "s"}, {Name: "site", Value: "north"},
			{Name: "$.mid", Value: first.Properties.Value("$.mid")}}, first.Properties)
		assert.NotEqual(t, first.Properties.Value("$.mid"), second.Properties.Value("$.mid"))
		assert.Equal(t, 2, p.acknowledged())
		s := p.state()
		assert.Equal(t, module.Running, s.Status)
		assert.EqualValues(t, 2, s.In)
		assert.EqualValues(t, 2, s.Out)
		assert.EqualValues(t, 4096, s.Memory)
		assert.EqualValues(t, 3, s.LinesDropped)
	})
}

func TestAMessageForAServiceIsOneLine(t *testing.T) {
	for body, want := range map[string]string{
		"text\n": "text", "text\r\n": "text", "": "", "{\n \"a\": \"x\\ny\"\n}\n": `{  "a": "x\ny" }`,
	} {
		line, err := lineOf([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, want, string(line))
	}
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, serving(&fakeGuest{}, module.RestartOnFailure))
		p.deliver(t, "two\nlines")
		p.deliver(t, "one")
		assert.Equal(t, []string{"deadletter: two\nlines (message-invalid, attempts )", "telemetry: one"}, p.results())
		assert.Equal(t, 2, p.acknowledged())
	})
}

func TestWhatAServiceDoesNotReadWaitsAndIsFinishedInTheSpool(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		read := make(chan struct{})
		g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
			select {
			case <-read:
				return echo(ctx, s)
			case <-ctx.Done():
				return nil
			}
		}}
		p.start(t, serving(g, module.RestartOnFailure))
		for _, body := range []string{"a", "b", "c"} {
			p.deliver(t, body)
		}
		assert.Equal(t, 3, p.state().Waiting)
		assert.Zero(t, p.acknowledged())

		time.Sleep(25 * time.Second)
		synctest.Wait()
		assert.Equal(t, 3, p.state().Spooled)
		assert.Equal(t, 3, p.acknowledged())
		assert.Equal(t, module.Running, p.state().Status)

		close(read)
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: a", "telemetry: b", "telemetry: c"}, p.results())
		assert.Zero(t, p.state().Waiting)
	})
}

func TestAFullOutboxHoldsUpAService(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.pipeline.SetLimits(pipeline.Limits{Outbox: 4096, Spool: 1 << 20, DeadLettersPerMinute: 1})
		p.setAway(true)
		written := 0
		g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
			for ; written < 100; written++ {
				s.Write(ctx, []byte(strconv.Itoa(written)))
			}
			return silent(ctx, s)
		}}
		p.start(t, serving(g, module.RestartOnFailure))
		synctest.Wait()
		assert.Less(t, written, 20)
		p.setAway(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Len(t, p.results(), 100)
	})
}

func TestAServiceThatEndsIsStartedAgainAsItsPolicySays(t *testing.T) {
	for name, c := range map[string]struct {
		policy      module.RestartPolicy
		end         error
		status      module.RuntimeStatus
		description string
	}{
		"exit 0, always":      {module.RestartAlways, nil, module.Backoff, "ended with exit code 0; restarting in 10s"},
		"exit 0, on-failure":  {module.RestartOnFailure, nil, module.Stopped, "ended with exit code 0"},
		"exit 0, never":       {module.RestartNever, nil, module.Stopped, "ended with exit code 0"},
		"failure, always":     {module.RestartAlways, exit, module.Backoff, "exit code 3; restarting in 10s"},
		"failure, on-failure": {module.RestartOnFailure, exit, module.Backoff, "exit code 3; restarting in 10s"},
		"failure, never":      {module.RestartNever, exit, module.Failed, "exit code 3; restartPolicy is never"},
		"a trap, on-failure":  {module.RestartOnFailure, trap, module.Backoff, "unreachable; restarting in 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
					if len(s.guest.services) > 1 {
						return echo(ctx, s)
					}
					return c.end
				}}
				p.start(t, serving(g, c.policy))
				synctest.Wait()
				assert.Equal(t, c.status, p.state().Status)
				assert.Contains(t, p.state().Description, c.description)

				p.deliver(t, "a")
				assert.Equal(t, 1, p.acknowledged(), "no input waits for it")
				time.Sleep(11 * time.Second)
				synctest.Wait()
				if c.status == module.Backoff {
					assert.Equal(t, []string{"telemetry: a"}, p.results(), "it waited in the spool")
					assert.Equal(t, module.Running, p.state().Status)
				} else {
					assert.Equal(t, []string{"deadletter: a (signal-not-running, attempts )"}, p.results())
					assert.Equal(t, c.status, p.state().Status)
				}
			})
		})
	}
}

var errStart = &module.GuestError{Guest: "g", Signal: "s", Op: "serve", Kind: module.KindHost, Message: "64 services run"}

func TestAServiceThatCannotStartIsTriedAgain(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		tries := 0
		g := &fakeGuest{onStart: func(Options) error {
			if tries++; tries == 1 {
				return errStart
			}
			return nil
		}}
		p.start(t, serving(g, module.RestartOnFailure))
		assert.Equal(t, module.Backoff, p.state().Status)
		assert.Contains(t, p.state().Description, "64 services run; restarting in 10s")
		p.deliver(t, "a")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: a"}, p.results())
	})
}

func TestAServiceThatEndsAgainAndAgainIsQuarantined(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{serve: func(context.Context, *fakeService) error { return exit }}
		p.start(t, serving(g, module.RestartAlways))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		assert.Equal(t, module.Quarantined, p.state().Status)
		assert.EqualValues(t, failureLimit+1, p.state().Traps)
		for _, s := range g.services {
			assert.True(t, s.freed)
		}
	})
}

func TestNewSettingsAreForANewServiceAndNothingIsLostBetween(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
			for {
				line, err := s.Read(ctx)
				if err != nil {
					s.Write(ctx, []byte("last words"))
					return endOf(ctx, err)
				}
				s.Write(ctx, append(line, s.settings...))
			}
		}}
		w := withSettings(serving(g, module.RestartOnFailure), `{"n":1}`)
		p.start(t, w)
		p.deliver(t, "a")
		again := w
		again.Version++
		require.NoError(t, p.apply(again))
		assert.Len(t, g.services, 1, "the same work needs no other service")

		require.NoError(t, p.apply(withSettings(again, `{"n":2}`)))
		p.deliver(t, "b")
		assert.Equal(t, []string{`telemetry: a{"n":1}`, "telemetry: last words", `telemetry: b{"n":2}`}, p.results())
		assert.True(t, g.services[0].freed)
		assert.Equal(t, module.Running, p.state().Status)

		w.Spec.Run = module.RunPerMessage
		require.NoError(t, p.apply(w))
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: last words"}, p.results())
		p.deliver(t, "c")
		assert.Equal(t, []string{"telemetry: c"}, p.results(), "it is called now")
		assert.True(t, g.services[1].freed)
	})
}

func TestAServiceThatCannotTakeOverLeavesTheOldOneAtWork(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		w := serving(g, module.RestartOnFailure)
		p.start(t, w)
		g.onStart = func(Options) error { return errStart }
		assert.ErrorIs(t, p.apply(withSettings(w, `{"n":2}`)), errStart)
		p.deliver(t, "a")
		assert.Equal(t, []string{"telemetry: a"}, p.results())
	})
}

func TestAServiceThatIsRemovedGetsWhatWaitsForIt(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
			for {
				time.Sleep(100 * time.Millisecond)
				line, err := s.Read(ctx)
				if err != nil {
					return endOf(ctx, err)
				}
				s.Write(ctx, line)
			}
		}}
		p.start(t, serving(g, module.RestartOnFailure))
		for n := range 10 {
			p.deliver(t, strconv.Itoa(n))
		}
		require.NoError(t, p.Remove(t.Context(), "s"))
		assert.Len(t, p.results(), 10)
		assert.True(t, g.services[0].freed)
	})
}

func TestAServiceThatIgnoresTheEndOfItsInputIsStopped(t *testing.T) {
	for name, end := range map[string]func(p *plant){
		"removed":         func(p *plant) { _ = p.Remove(context.Background(), "s") },
		"the module ends": func(p *plant) { p.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				g := &fakeGuest{serve: silent}
				p.start(t, serving(g, module.RestartOnFailure))
				synctest.Wait()
				began := time.Now()
				end(p)
				assert.Equal(t, closeTime, time.Since(began))
				assert.True(t, g.services[0].freed)
			})
		})
	}
}

func TestAServiceIsNoGuestForATimer(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		err := p.apply(ticking(serving(&fakeGuest{}, module.RestartOnFailure), time.Second))
		assert.ErrorContains(t, err, "it is a service, which runs on its own and hears of no ticks")
		assert.Equal(t, module.Failed, p.state().Status)
	})
}

func TestWhatAServiceLogsIsInTheLogWithItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newPlant(t, zerolog.New(&log))
		g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
			s.Log(module.LogLine{Level: 3, Text: "words"})
			s.Log(module.LogLine{Level: 9, Text: "more"})
			return silent(ctx, s)
		}}
		p.start(t, serving(g, module.RestartOnFailure))
		synctest.Wait()
		assert.Contains(t, log.String(), `{"level":"warn","signal":"s","guest":"g","message":"words"}`)
		assert.Contains(t, log.String(), `{"level":"error","signal":"s","guest":"g","message":"more"}`)
	})
}

func TestNothingIsTakenFromAServiceBeforeRoutesAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := unroutedPlant(t, zerolog.Nop())
		g := &fakeGuest{serve: func(ctx context.Context, s *fakeService) error {
			s.Write(ctx, []byte("early"))
			return silent(ctx, s)
		}}
		require.NoError(t, p.apply(serving(g, module.RestartOnFailure)))
		synctest.Wait()
		assert.Empty(t, p.results())
		p.route()
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: early"}, p.results())
	})
}

func TestAServiceEndsWhereRoutesWereNeverKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := unroutedPlant(t, zerolog.Nop())
		g := &fakeGuest{}
		g.serve = func(ctx context.Context, s *fakeService) error {
			s.Write(ctx, []byte("early"))
			return echo(ctx, s)
		}
		require.NoError(t, p.apply(serving(g, module.RestartOnFailure)))
		p.stop()
		assert.True(t, g.services[0].freed)
	})
}
