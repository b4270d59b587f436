package wasm_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// stateModel is what the state of a signal must be: a map, a copy of it at the beginning of the call, and the quota.
type stateModel struct {
	now, committed map[string]string
	bytes, journal int
	touched        map[string]bool
}

// set answers as the host must. The journal of a call holds each touched entry once, as it was.
func (m *stateModel) set(key, value string) int32 {
	added := len(key) + len(value) + 64
	old, had := m.now[key]
	bytes := m.bytes + added
	if had {
		bytes -= len(key) + len(old) + 64
	}
	if added > quota || m.journal+added > 2*quota || bytes > quota {
		return -1
	}
	m.touch(key, old)
	m.now[key], m.bytes = value, bytes
	return 0
}

func (m *stateModel) remove(key string) {
	if old, had := m.now[key]; had {
		m.touch(key, old)
		m.bytes -= len(key) + len(old) + 64
		delete(m.now, key)
	}
}

func (m *stateModel) touch(key, old string) {
	if !m.touched[key] {
		m.touched[key] = true
		m.journal += len(key) + len(old) + 64
	}
}

// end commits or rolls back.
func (m *stateModel) end(ok bool) {
	if ok {
		m.committed = maps.Clone(m.now)
	} else {
		m.now = maps.Clone(m.committed)
	}
	m.bytes, m.journal, m.touched = 0, 0, map[string]bool{}
	for key, value := range m.now {
		m.bytes += len(key) + len(value) + 64
	}
}

const quota = 4 << 10 // of limits()

// FuzzState runs random operations in calls that end well, fail or trap, against a map. What the calls report as changed
// is what the next instance is started with.
func FuzzState(f *testing.F) {
	f.Add([]byte("\x00\x01\x05\x10\x01\x00\x20\x02\x01\x30\x01\x00\x60\x00\x00\x10\x01\x00\x70\x01\x01\x20\x02\x00"))
	f.Add([]byte("\x00\x01\xff\x00\x02\xff\x00\x03\xff\x50\x00\x00\x10\x01\x00\x10\x02\x00\x40\x00\x00\x20\x01\x00\x20\x02\x00"))
	guest := compile(f, scriptGuest(f))
	f.Fuzz(func(t *testing.T, program []byte) {
		i := start(t, guest, wasm.Options{})
		m := &stateModel{}
		m.end(false)
		m.now, m.committed = map[string]string{}, map[string]string{}
		kept := map[string][]byte{} // as the store would have it
		for script, answers := "", ""; len(program) >= 3; program = program[3:] {
			key := string(rune('a'+program[1]%32)) + string(make([]byte, program[1]/16))
			value := string(make([]byte, int(program[2])*3))
			end := byte(0)
			switch program[0] >> 4 {
			case 0, 1, 2, 3, 4, 5, 6:
				script, answers = script+op('s', key, value), answers+answer(m.set(key, value), "")
			case 7, 8, 9:
				m.remove(key)
				script, answers = script+op('d', key, ""), answers+answer(0, "")
			case 10, 11, 12:
				code, found := int32(-1), m.now[key]
				if _, ok := m.now[key]; ok {
					code = int32(len(found))
				}
				script, answers = script+op('g', key, ""), answers+answer(code, found)
			case 13:
				end = 'f'
			case 14:
				end = 't'
			case 15:
				end = 'e'
			}
			if len(program) < 6 && end == 0 {
				end = 'e'
			}
			if end == 0 && len(script) < 30_000 {
				continue
			}
			if end == 'f' || end == 't' {
				script += op(end, "", "")
			} else {
				end = 'e'
			}
			_, err := i.Message(message(script))
			require.Equal(t, end == 'e', err == nil, "%v", err)
			require.Equal(t, end == 't', i.Dead())
			m.end(end == 'e')
			if end == 'e' {
				require.Equal(t, []string{answers}, bodies(i))
			}
			apply(kept, i.Effects().State)
			requireSame(t, m.committed, kept)
			if end == 't' {
				i.Close()
				i = start(t, guest, wasm.Options{State: kept})
			}
			script, answers = "", ""
		}
	})
}

func apply(kept map[string][]byte, changes []module.StateChange) {
	for _, c := range changes {
		if c.Delete {
			delete(kept, string([]byte(c.Key)))
		} else {
			kept[string([]byte(c.Key))] = append([]byte{}, c.Value...)
		}
	}
}

func requireSame(t *testing.T, want map[string]string, have map[string][]byte) {
	t.Helper()
	require.Len(t, have, len(want))
	for key, value := range want {
		require.Equal(t, value, string(have[key]), "key %q", key)
	}
}
