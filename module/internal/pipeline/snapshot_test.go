package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

func set(key, value string) []module.StateChange {
	return []module.StateChange{{Key: key, Value: []byte(value)}}
}

func TestWhicheverVersionStartsAfterACrashFindsTheStateThatIsItsOwn(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		require.NoError(t, l.kept.SetState(set("n", "1")))
		l.kept.Snapshot("old")
		require.NoError(t, l.kept.SetState(set("n", "2")))
		require.NoError(t, l.kept.SetState(set("m", "3")))
		for range 2 {
			l.begin(t)
			state, err := l.kept.StateFor("new")
			require.NoError(t, err)
			assert.Equal(t, map[string][]byte{"n": []byte("2"), "m": []byte("3")}, state)
			state, err = l.kept.StateFor("old")
			require.NoError(t, err)
			assert.Equal(t, map[string][]byte{"n": []byte("1")}, state)
		}
		require.NoError(t, l.kept.Begin("old", set("k", "4")))
		l.begin(t)
		state, err := l.kept.State()
		require.NoError(t, err)
		assert.Equal(t, map[string][]byte{"n": []byte("1"), "k": []byte("4")}, state, "what the new version stored is undone")
	})
}

func TestASnapshotThatIsDroppedDoesNotComeBack(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		l.kept.Snapshot("old")
		require.NoError(t, l.kept.SetState(set("n", "2")))
		l.DropSnapshots("a", "old")
		l.kept.DropSnapshot("old")
		state, err := l.kept.StateFor("old")
		require.NoError(t, err)
		assert.Empty(t, state, "it is for this version")
		l.DropSnapshots("a", "")
		time.Sleep(2 * time.Second) // what is only removed need not be soon
		state, err = l.kept.StateFor("old")
		require.NoError(t, err)
		assert.Equal(t, map[string][]byte{"n": []byte("2")}, state)
	})
}

func TestASnapshotThatFindsNoRoomKeepsTheChangeOut(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		require.NoError(t, l.kept.SetState(set("n", "1")))
		l.kept.Snapshot("old")
		l.disk.is.Store(true)
		require.ErrorIs(t, l.kept.SetState(set("n", "2")), journal.ErrFull)
		l.disk.is.Store(false)
		require.NoError(t, l.kept.SetState(set("n", "3")))
		state, err := l.kept.StateFor("old")
		require.NoError(t, err)
		assert.Equal(t, map[string][]byte{"n": []byte("1")}, state)
	})
}
