package supervise

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// inPlant runs a test in a bubble with a plant of its own.
func inPlant(t *testing.T, test func(t *testing.T, p *plant)) {
	synctest.Test(t, func(t *testing.T) { test(t, newPlant(t, zerolog.Nop())) })
}

// diesOn makes instances die on a message.
func diesOn(body string) program {
	return program{message: func(i *fakeInstance, m module.Message) (module.Verdict, error) {
		if string(m.Body) == body {
			return 0, i.die()
		}
		return module.Pass, nil
	}}
}

func TestWhatIsSentCarriesTheHostsPropertiesAndTheSignals(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		body := []byte("emitted")
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			assert.Equal(t, "in", m.Properties.Value("$input"))
			i.effects.Emitted = []module.Emitted{{Output: "alerts", Message: module.Message{Body: body, Properties: module.Properties{{Name: "$.ct", Value: "text/plain"}, {Name: "signal", Value: "forged"}}}}}
			return module.Pass, nil
		}
		w := workOf(g)
		w.Signal.Properties = map[string]string{"site": "north", "asset": "s"}
		p.start(t, w)
		p.deliver(t, "in")
		copy(body, "-------") // the instance's buffer is used again

		require.Len(t, p.sent, 2)
		emitted, passed := p.sent[0], p.sent[1]
		assert.Equal(t, module.OutputName("alerts"), emitted.output)
		assert.Equal(t, "emitted", string(emitted.Body))
		assert.Equal(t, module.Properties{{Name: "$.ct", Value: "text/plain"}, {Name: "signal", Value: "s"}, {Name: "messageType", Value: "event"},
			{Name: "$.cid", Value: "1"}, {Name: "sourceDeviceId", Value: "dev"}, {Name: "sourceModuleId", Value: "sensor"},
			{Name: "asset", Value: "s"}, {Name: "site", Value: "north"}, {Name: "$.mid", Value: emitted.Properties.Value("$.mid")}}, emitted.Properties)
		assert.Equal(t, "in", string(passed.Body))
		assert.Equal(t, "early", passed.Properties.Value("shift"))
		assert.NotEqual(t, emitted.Properties.Value("$.mid"), passed.Properties.Value("$.mid"))
		_, forwarded := passed.Properties.Get("$.cdid")
		assert.False(t, forwarded)
		assert.Equal(t, 1, p.acknowledged())
	})
}

func TestOriginPropertiesCanBeSwitchedOff(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.SetModule(module.ModuleSettings{OriginProperties: false})
		p.start(t, workOf(nil))
		p.deliver(t, "in")
		_, there := p.sent[0].Properties.Get("sourceDeviceId")
		assert.False(t, there)
	})
}

func TestAHostOnlySignalSendsTheSampleThatItSelects(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		w := workOf(nil)
		w.Signal.Selector, w.Signal.Unit = "/t", "Cel"
		p.start(t, w)
		p.deliver(t, `{"t": 1.50}`)
		require.Len(t, p.sent, 1)
		assert.JSONEq(t, `{"signal":"s","value":1.50,"unit":"Cel","sourceTimestamp":"2000-01-01T00:00:00.000Z","reason":"first"}`, string(p.sent[0].Body))
		for name, value := range map[string]string{"messageType": "sample", "$.ct": "application/json", "$.ce": "utf-8", "shift": "early"} {
			assert.Equal(t, value, p.sent[0].Properties.Value(name))
		}
		p.results()
		p.deliver(t, `{"x": 1}`) // for somebody else
		p.deliver(t, `{`)
		assert.Equal(t, []string{"deadletter: { (not-json, attempts )"}, p.results())
		assert.Equal(t, 3, p.acknowledged())
		assert.EqualValues(t, 1, p.state().Ends[signals.NoValue])
	})
}

func TestAnInstanceThatDiesOnceIsReplacedAndTheMessageTriedAgain(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if len(g.instances) == 1 {
				return 0, i.die()
			}
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		began := p.state().LastStart
		time.Sleep(time.Second)
		synctest.Wait()
		p.deliver(t, "a")

		assert.Equal(t, []string{"telemetry: a"}, p.results())
		assert.True(t, g.instances[0].closed)
		s := p.state()
		assert.Equal(t, module.Running, s.Status)
		assert.Equal(t, 1, s.RestartCount)
		assert.EqualValues(t, 1, s.Traps)
		assert.Equal(t, time.Second, s.LastStart.Sub(began))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Zero(t, p.state().RestartCount, "a healthy minute clears it")
	})
}

func TestAMessageThatKillsTwoInstancesIsADeadLetterAndTheSignalBacksOff(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{program: diesOn("bad")}
		p.start(t, workOf(g))
		p.deliver(t, "bad")
		assert.Equal(t, []string{"deadletter: bad (trap, attempts 2)"}, p.results())
		assert.Equal(t, module.Backoff, p.state().Status)
		assert.Contains(t, p.state().Description, "unreachable; restarting in 10s")
		assert.Len(t, g.instances, 2)

		p.deliver(t, "meanwhile")
		assert.Empty(t, p.results())
		assert.Equal(t, 2, p.acknowledged(), "no input waits for a signal that is not running")
		assert.Equal(t, 1, p.state().Spooled)

		time.Sleep(10 * time.Second)
		synctest.Wait()
		p.deliver(t, "good")
		assert.Equal(t, []string{"telemetry: meanwhile", "telemetry: good"}, p.results(), "it works its spool off first")
		assert.Zero(t, p.state().Spooled)
		assert.Equal(t, module.Running, p.state().Status)
		assert.Equal(t, 1, p.state().RestartCount)
		assert.Empty(t, p.state().Description)
	})
}

func TestWhatIsForASignalThatWillNotRunIsADeadLetter(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		w := workOf(&fakeGuest{program: diesOn("bad")})
		w.Spec.RestartPolicy = module.RestartNever
		p.start(t, w)
		p.deliver(t, "bad")
		p.results()
		p.deliver(t, "good")
		assert.Equal(t, []string{"deadletter: good (signal-not-running, attempts )"}, p.results())
	})
}

func TestAFullSpoolMakesDeadLetters(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		small := limits
		small.Spool = 1
		p.pipeline.SetLimits(small)
		p.start(t, workOf(&fakeGuest{program: diesOn("bad")}))
		p.deliver(t, "bad")
		p.results()
		p.deliver(t, "first")
		p.deliver(t, "second")
		assert.Equal(t, []string{"deadletter: second (signal-not-running, attempts )"}, p.results())
		assert.Equal(t, 3, p.acknowledged())
	})
}

func TestASlowSignalIsServedBesideThePathOfAcknowledgements(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.took = 3 * time.Second
			time.Sleep(i.took)
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "a")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.True(t, p.state().Slow)
		assert.Equal(t, 1, p.acknowledged())
		p.deliver(t, "b")
		p.deliver(t, "c")
		assert.Equal(t, 3, p.acknowledged(), "before the guest has worked on them")
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: a", "telemetry: b", "telemetry: c"}, p.results())
		g.last().message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) { i.took = 0; return module.Drop, nil }
		p.deliver(t, "d")
		assert.False(t, p.state().Slow)
	})
}

func TestWhatWaitsInMemoryForTooLongIsSpooled(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(*fakeInstance, module.Message) (module.Verdict, error) {
			time.Sleep(time.Minute)
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "a")
		p.deliver(t, "b")
		time.Sleep(22 * time.Second)
		synctest.Wait()
		assert.Equal(t, 1, p.acknowledged(), "the one that waits, not the one that is being worked on")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: a", "telemetry: b"}, p.results())
	})
}

func TestStateThatCannotBeKeptIsADeadLetterAndTheGuestForgetsIt(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if string(m.Body) != "plain" {
				i.effects.State = []module.StateChange{{Key: "n", Value: m.Body}}
			}
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "1")
		p.results()
		p.disk.full.Store(true)
		p.deliver(t, "2")
		assert.Equal(t, []string{"deadletter: 2 (state-not-kept, attempts 1)"}, p.results())
		assert.Equal(t, map[string][]byte{"n": []byte("1")}, g.last().options.State)
		p.deliver(t, "plain")
		assert.Equal(t, []string{"telemetry: plain"}, p.results(), "passing on goes on")
		assert.Equal(t, 3, p.acknowledged())
	})
}

func TestWhatIsForASignalThatIsNotRunningCanBeDropped(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.SetModule(module.ModuleSettings{OnUnavailable: module.ActionDrop})
		w := workOf(&fakeGuest{program: diesOn("bad")})
		w.Spec.RestartPolicy = module.RestartNever
		p.start(t, w)
		p.deliver(t, "bad")
		p.results()
		p.deliver(t, "good")
		assert.Empty(t, p.results())
		assert.EqualValues(t, 1, p.state().Unavailable)
		assert.Equal(t, 2, p.acknowledged())
	})
}

func TestAFailedVerdictIsADeadLetterAndTheInstanceLivesOn(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(*fakeInstance, module.Message) (module.Verdict, error) {
			return -1, &module.GuestError{Kind: module.KindFailed}
		}
		p.start(t, workOf(g))
		p.deliver(t, "a")
		assert.Equal(t, []string{"deadletter: a (failed, attempts 1)"}, p.results())
		assert.Equal(t, module.Running, p.state().Status)
		assert.Len(t, g.instances, 1)
	})
}

func TestNeverMeansNoFreshInstance(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{program: diesOn("bad")}
		w := workOf(g)
		w.Spec.RestartPolicy = module.RestartNever
		p.start(t, w)
		p.deliver(t, "bad")
		assert.Equal(t, []string{"deadletter: bad (trap, attempts 1)"}, p.results())
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, module.Failed, p.state().Status)
		assert.Len(t, g.instances, 1)
	})
}

func TestASignalThatFailsAgainAndAgainIsQuarantinedUntilItsEntryChanges(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		bad := &fakeGuest{program: diesOn("bad")}
		p.start(t, workOf(bad))
		for p.state().Status != module.Quarantined {
			p.deliver(t, "bad")
			for p.state().Status == module.Backoff {
				time.Sleep(time.Second)
				synctest.Wait()
			}
		}
		assert.Equal(t, 1+2*failureLimit+1, len(bad.instances))
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.Equal(t, module.Quarantined, p.state().Status)

		w := workOf(&fakeGuest{program: diesOn("bad")})
		w.Version = 2
		require.NoError(t, p.apply(w))
		assert.Equal(t, module.Running, p.state().Status)
		assert.Zero(t, p.state().RestartCount)
		p.deliver(t, "bad")
		assert.Contains(t, p.state().Description, "restarting in 10s")
	})
}

func TestTheGuestsStateOutlivesItsInstance(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		key := []byte("key")
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			i.effects.State = []module.StateChange{{Key: "n", Value: key}, {Key: "gone", Delete: true}}
			if string(m.Body) == "bad" {
				return 0, i.die()
			}
			return module.Drop, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "good")
		copy(key, "---")
		p.deliver(t, "bad")
		assert.Equal(t, map[string][]byte{"n": []byte("key")}, g.last().options.State, "what the failed call changed is not kept")
	})
}

func TestNewSettingsReachTheInstanceBetweenTwoMessages(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, withSettings(workOf(g), `{"high":1}`))
		require.NoError(t, p.apply(withSettings(workOf(g), `{"high":2}`)))
		assert.Len(t, g.instances, 1)
		assert.Equal(t, `{"high":2}`, g.last().settings)
	})
}

func TestSettingsThatAreRefusedLeaveTheOldOnesAtWork(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.configure = func(_ *fakeInstance, settings string) error {
			if settings == `{"high":"x"}` {
				return refusal
			}
			return nil
		}
		p.start(t, withSettings(workOf(g), `{"high":1}`))
		w := withSettings(workOf(g), `{"high":"x"}`)
		w.Version = 7
		require.ErrorIs(t, p.apply(w), refusal)
		assert.Equal(t, `{"high":1}`, g.last().settings)
		assert.Len(t, g.instances, 1)
		assert.EqualValues(t, 2, p.state().Version)
		p.deliver(t, "a")
		assert.Equal(t, []string{"telemetry: a"}, p.results())
	})
}

func TestSettingsThatKillTheInstanceLeaveAFreshOneWithTheOld(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.configure = func(i *fakeInstance, settings string) error {
			if settings == `{"high":"x"}` {
				return i.die()
			}
			return nil
		}
		p.start(t, withSettings(workOf(g), `{"high":1}`))
		require.ErrorIs(t, p.apply(withSettings(workOf(g), `{"high":"x"}`)), trap)
		assert.Len(t, g.instances, 2)
		assert.Equal(t, `{"high":1}`, g.last().settings)
		assert.True(t, g.instances[0].closed)
		p.deliver(t, "a")
		assert.Equal(t, []string{"telemetry: a"}, p.results())
	})
}

func TestANewVersionThatDoesNotStartLeavesTheOldAtWork(t *testing.T) {
	for name, next := range map[string]*fakeGuest{
		"traps":            {onStart: func(Options) error { return trap }},
		"refuses settings": {program: program{configure: func(*fakeInstance, string) error { return refusal }}},
	} {
		t.Run(name, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				old := &fakeGuest{}
				p.start(t, workOf(old))
				require.Error(t, p.apply(workOf(next)))
				p.deliver(t, "a")
				assert.Equal(t, []string{"telemetry: a"}, p.results())
				assert.Equal(t, 1, old.last().calls)
				assert.False(t, old.last().closed)
				assert.Equal(t, map[Guest]bool{old: true}, p.Guests())
				for _, i := range next.instances {
					assert.True(t, i.closed)
				}
			})
		})
	}
}

func TestANewVersionTakesOverWithTheState(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		old, next := &fakeGuest{}, &fakeGuest{}
		old.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.effects.State = []module.StateChange{{Key: "n", Value: []byte("1")}}
			return module.Pass, nil
		}
		p.start(t, workOf(old))
		p.deliver(t, "a")
		require.NoError(t, p.apply(workOf(next)))
		p.deliver(t, "b")
		assert.Equal(t, map[string][]byte{"n": []byte("1")}, next.last().options.State)
		assert.True(t, old.last().closed)
		assert.Equal(t, 1, next.last().calls)
	})
}

func TestAFirstStart(t *testing.T) {
	attempts := 0
	for _, test := range []struct {
		name  string
		guest *fakeGuest
		work  func(Work) Work
		now   module.RuntimeStatus
		taken bool
		later module.RuntimeStatus // after ten seconds
	}{
		{"that traps is tried again", &fakeGuest{onStart: func(Options) error {
			if attempts++; attempts == 1 {
				return trap
			}
			return nil
		}}, nil, module.Backoff, true, module.Running},
		{"that traps under restartPolicy never fails", &fakeGuest{onStart: func(Options) error { return trap }},
			func(w Work) Work { w.Spec.RestartPolicy = module.RestartNever; return w }, module.Failed, true, module.Failed},
		{"whose settings are refused fails", &fakeGuest{program: program{configure: func(*fakeInstance, string) error { return refusal }}}, nil,
			module.Failed, false, module.Failed},
		{"of a timer that the guest knows nothing of fails", &fakeGuest{noTimer: true}, func(w Work) Work { return ticking(w, time.Second) },
			module.Failed, false, module.Failed},
		{"of edge/1 that the twin wants run as a program fails", &fakeGuest{}, func(w Work) Work { w.Spec.Run = module.RunPerMessage; return w },
			module.Failed, false, module.Failed},
		{"with a selector that is none fails", &fakeGuest{}, func(w Work) Work { w.Signal.Selector = "x"; return w },
			module.Failed, false, module.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				w := workOf(test.guest)
				if test.work != nil {
					w = test.work(w)
				}
				assert.Equal(t, test.taken, p.apply(w) == nil)
				assert.Equal(t, test.now, p.state().Status)
				assert.NotEmpty(t, p.state().Description)
				p.route()
				p.deliver(t, "a")
				waits := p.results() == nil
				assert.Equal(t, test.now == module.Backoff, waits, "else it is a dead letter")
				assert.Equal(t, 1, p.acknowledged())
				time.Sleep(10 * time.Second)
				synctest.Wait()
				assert.Equal(t, test.later, p.state().Status)
				assert.Equal(t, waits, len(p.results()) > 0)
				if !test.taken {
					assert.Empty(t, p.Guests(), "its guest can be let go of")
					require.NoError(t, p.apply(workOf(&fakeGuest{})), "better work cures it")
					assert.Equal(t, module.Running, p.state().Status)
				}
			})
		})
	}
}

func TestASignalIsToldThatItCannotDoItsWork(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		cause := errors.New("no such file")
		require.NoError(t, p.Fail(t.Context(), workOf(nil), cause))
		assert.Equal(t, module.Failed, p.state().Status)
		assert.Equal(t, "no such file", p.state().Description)
		require.NoError(t, p.apply(workOf(nil)))
		require.NoError(t, p.Fail(t.Context(), workOf(nil), cause))
		assert.Equal(t, module.Running, p.state().Status, "one that ran goes on")
	})
}

func TestTicksComeInTimeAndThoseMissedAreSkippedAndCounted(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		began := time.Now()
		var ticks []time.Duration
		g := &fakeGuest{}
		g.tick = func(i *fakeInstance) (module.Verdict, error) {
			ticks = append(ticks, time.Since(began))
			switch len(ticks) {
			case 2:
				time.Sleep(25 * time.Second) // past two ticks
			case 3:
				time.Sleep(10 * time.Second) // to the very next one
			}
			i.effects.Emitted = []module.Emitted{{Message: module.Message{Body: []byte("tick")}}}
			return module.Pass, nil
		}
		require.NoError(t, p.apply(ticking(workOf(g), 10*time.Second)))
		time.Sleep(65 * time.Second)
		synctest.Wait()
		const s = time.Second
		assert.Equal(t, []time.Duration{10 * s, 20 * s, 50 * s, 60 * s}, ticks)
		assert.EqualValues(t, 2, p.state().MissedTicks)
		assert.Equal(t, []string{"telemetry: tick", "telemetry: tick", "telemetry: tick", "telemetry: tick"}, p.results(), "a tick itself is not passed on")
	})
}

func TestNewSettingsDoNotPutATickOff(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		w := ticking(workOf(g), 10*time.Second)
		require.NoError(t, p.apply(w))
		for range 3 {
			time.Sleep(4 * time.Second)
			synctest.Wait()
			w = withSettings(w, `{"n":`+time.Now().Format("5")+`}`)
			require.NoError(t, p.apply(w))
		}
		assert.Equal(t, 1, g.last().calls)
		require.NoError(t, p.apply(ticking(w, 5*time.Second)))
		time.Sleep(6 * time.Second)
		synctest.Wait()
		assert.Equal(t, 2, g.last().calls, "another interval counts from its begin")
	})
}

func TestATimerTicksAgainAfterItsBackoff(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.tick = func(i *fakeInstance) (module.Verdict, error) {
			if len(g.instances) <= 2 {
				return 0, i.die()
			}
			return module.Done, nil
		}
		require.NoError(t, p.apply(ticking(workOf(g), time.Second)))
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, []string{"deadletter:  (trap, attempts 2)"}, p.results())
		assert.Equal(t, module.Backoff, p.state().Status)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		assert.Equal(t, module.Running, p.state().Status)
		assert.Equal(t, 2, g.last().calls)
	})
}

func TestASignalThatIsRemovedWorksItsQueueOff(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(*fakeInstance, module.Message) (module.Verdict, error) {
			time.Sleep(time.Second)
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		for _, body := range []string{"a", "b", "c"} {
			p.deliver(t, body)
		}
		consumer := p.Consumer("s")
		require.NoError(t, p.Remove(t.Context(), "s"))
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: a", "telemetry: b", "telemetry: c"}, p.results())
		assert.True(t, g.last().closed)
		assert.Empty(t, p.Snapshot())
		assert.Empty(t, p.Guests())
		assert.Nil(t, p.Consumer("s"))
		assert.False(t, consumer.Take(&pipeline.Share{}))
		require.NoError(t, p.Remove(t.Context(), "s"), "it is gone")
	})
}

func TestASignalThatDoesNotComeToTheEndOfItsMessageInTimeIsStillThere(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(*fakeInstance, module.Message) (module.Verdict, error) {
			time.Sleep(time.Minute)
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Remove(ctx, "s"), context.DeadlineExceeded)
		require.ErrorIs(t, p.Apply(ctx, workOf(&fakeGuest{})), context.DeadlineExceeded)
		assert.Equal(t, map[Guest]bool{g: true}, p.Guests(), "it may still start instances")
		assert.NotNil(t, p.Consumer("s"))
		require.NoError(t, p.Remove(t.Context(), "s"))
	})
}

func TestAtAStopTheRunningCallEndsAndWhatWaitsComesAgain(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(*fakeInstance, module.Message) (module.Verdict, error) {
			time.Sleep(time.Second)
			return module.Drop, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "a")
		for range 100 {
			p.deliver(t, "waits")
		}
		p.stop()
		assert.Equal(t, 1, g.last().calls)
		assert.Equal(t, 1, p.acknowledged())
		assert.True(t, g.last().closed)
		assert.ErrorIs(t, p.apply(workOf(nil)), ErrStopped)
		assert.ErrorIs(t, p.Remove(context.Background(), "s"), ErrStopped)
	})
}

func TestAFullOutboxHoldsTheSignalBackAndLosesNothing(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.pipeline.SetLimits(pipeline.Limits{Outbox: 1, DeadLettersPerMinute: 1000})
		p.start(t, workOf(nil))
		p.setAway(true)
		for _, body := range strings.Split("abcdef", "") {
			p.deliver(t, body)
		}
		assert.Zero(t, p.acknowledged())
		p.setAway(false)
		assert.Len(t, p.results(), 6)
		assert.Equal(t, 6, p.acknowledged())
	})
}
