package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// many fills a journal with several segments and closes it. Every value is that of its key for good.
func many(t testing.TB) (*disk, contents) {
	t.Helper()
	d := newDisk()
	j, _, err := open(small, d)
	require.NoError(t, err)
	model := contents{}
	for i := range 40 {
		key, value := fmt.Sprint(i), strings.Repeat(fmt.Sprint(i, " "), 20)
		tx := new(Tx)
		tx.Put("t", key, []byte(value))
		j.commit([]request{{tx: tx}})
		model[[2]string{"t", key}] = value
	}
	require.NoError(t, j.Close())
	return d, model
}

// files are the names of all files but the reserve, from the oldest segment.
func (d *disk) files() []string {
	names := slices.Sorted(maps.Keys(d.names))
	return slices.DeleteFunc(names, func(name string) bool { return name == reserveName })
}

// harmless requires that nothing is found that was never there, and returns how much is missing.
func harmless(t testing.TB, found, model contents) int {
	t.Helper()
	for key, value := range found {
		require.Equal(t, model[key], value)
	}
	return len(model) - len(found)
}

func TestADamagedByteCostsItsTransactionAlone(t *testing.T) {
	whole, model := many(t)
	file := whole.files()[1]
	for at := range whole.names[file].data {
		d := whole.found(seenNames, nothing)
		d.names[file].data[at] ^= 0x10
		j, damage, err := open(small, d)
		require.NoError(t, err)
		require.Len(t, damage, 1, "byte %d", at)
		assert.Equal(t, prefixDamaged+file, damage[0].File)
		assert.Equal(t, whole.names[file].data[at]^0x10, d.names[damage[0].File].data[at], "the copy shows what was found")
		require.LessOrEqual(t, harmless(t, read(t, j), model), 1, "byte %d", at)

		j.commit(puts("afterwards"))
		require.NoError(t, j.Close())
		assert.Contains(t, openDisk(t, d).Keys("t"), "afterwards", "and the damage is not found again")
	}
}

func TestDamageToTheLastBatchOfAJournalThatWasClosedIsFound(t *testing.T) {
	whole, model := many(t)
	file := whole.files()[len(whole.files())-1]
	for at := range openDisk(t, whole.found(seenNames, nothing)).active.size - frameHead { // the last frame is the mark
		d := whole.found(seenNames, nothing)
		d.names[file].data[at] ^= 1
		j, damage, err := open(small, d)
		require.NoError(t, err)
		assert.Len(t, damage, 1)
		assert.LessOrEqual(t, harmless(t, read(t, j), model), 1)
	}
}

// FuzzDamage changes bytes anywhere: each 3 bytes of changes are the file, the place and what is flipped there.
func FuzzDamage(f *testing.F) {
	f.Add([]byte{0, 0, 1})
	f.Add([]byte{0, 5, 0xFF, 1, 200, 3, 9, 255, 255})
	f.Add(bytes.Repeat([]byte{3, 17, 0x80}, 50))
	whole, model := many(f)
	files := whole.files()
	f.Fuzz(func(t *testing.T, changes []byte) {
		d := whole.found(seenNames, nothing)
		for c := range slices.Chunk(changes, 3) {
			if len(c) < 3 {
				break
			}
			data := d.names[files[int(c[0])%len(files)]].data
			data[int(c[1])*len(data)/256] ^= c[2]
		}
		j, _, err := open(small, d)
		require.NoError(t, err)
		harmless(t, read(t, j), model)
		left := read(t, j)
		require.NoError(t, j.Close())
		j, _, err = open(small, d)
		require.NoError(t, err)
		require.Equal(t, left, read(t, j), "what was saved stays")
	})
}

// FuzzSegment opens a file of any content, as a segment by its name.
func FuzzSegment(f *testing.F) {
	whole, _ := many(f)
	name := whole.files()[0]
	f.Add(whole.names[name].data)
	f.Add(header{version: formatVersion, before: 1 << 20}.append(nil))
	f.Add(header{version: 9}.append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, other := range []string{newSegmentName(0), newSegmentName(2)} {
			d := newDisk()
			d.names[name] = &inode{disk: d, data: bytes.Clone(content)}
			d.names[other] = &inode{disk: d, data: bytes.Clone(content)}
			j, _, err := open(small, d)
			require.NoError(t, err)
			read(t, j)
			j.commit(puts("k"))
			_, err = j.Get("t", "k")
			require.NoError(t, err)
		}
	})
}

func TestAValueThatLooksLikeFramesIsNoFrame(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	forged := new(Tx)
	forged.Put("t", "forged", []byte("x"))
	value := bytes.Repeat(magicFrame[:], 20)
	value = appendFrame(value, 0, 0, 0, forged.payload)
	value = append(value, j.active.file.(*inode).data[:j.active.size]...) // a true one, in another place
	tx := new(Tx)
	tx.Put("t", "trap", value)
	at := j.active.size
	j.commit([]request{{tx: tx}})
	j.commit(puts("1"))
	d.names[d.files()[0]].data[at] ^= 1

	j, damage, err := open(small, d)
	require.NoError(t, err)
	assert.Len(t, damage, 1)
	assert.Equal(t, []string{"0", "1"}, j.Keys("t"))
}

func TestASegmentOfAnotherVersionIsSetAsideWhole(t *testing.T) {
	d, _ := many(t)
	file := d.files()[0]
	newer := append(header{version: 2}.append(nil), "what a newer program wrote"...)
	d.names[file].data = newer
	j, damage, err := open(small, d)
	require.NoError(t, err)
	require.Len(t, damage, 1)
	assert.Equal(t, Damage{"version-" + file, "it has format version 2, 1 is read"}, damage[0])
	assert.Equal(t, newer, d.names["version-"+file].data)
	assert.NotEmpty(t, j.Keys("t"))
}

func TestASegmentThatIsMissingIsReported(t *testing.T) {
	d, model := many(t)
	delete(d.names, d.files()[2])
	j, damage, err := open(small, d)
	require.NoError(t, err)
	require.Len(t, damage, 1)
	assert.Equal(t, "segments before it are missing", damage[0].Reason)
	assert.Positive(t, harmless(t, read(t, j), model))
}

func TestASegmentThatIsTooShortIsReported(t *testing.T) {
	d, model := many(t)
	file := d.names[d.files()[1]]
	file.data = file.data[:len(file.data)-10]
	j, damage, err := open(small, d)
	require.NoError(t, err)
	assert.Len(t, damage, 1)
	assert.Equal(t, 1, harmless(t, read(t, j), model))
	openDisk(t, d)
}

func TestOnlyTheNewestDamagedSegmentsAreKept(t *testing.T) {
	d, _ := many(t)
	files := d.files()
	require.Greater(t, len(files), keptDamaged+1)
	for _, file := range files[:len(files)-1] {
		d.names[file].data[30] ^= 1
	}
	_, damage, err := open(small, d)
	require.NoError(t, err)
	assert.Len(t, damage, len(files)-1)
	kept := slices.DeleteFunc(d.files(), func(name string) bool { return !strings.HasPrefix(name, prefixDamaged) })
	assert.Len(t, kept, keptDamaged)
}

func TestWhatIsDamagedWhileTheJournalRunsIsNeverReturned(t *testing.T) {
	d, model := many(t)
	j := openDisk(t, d)
	oldest := d.files()[0]
	data := d.names[oldest].data
	at := bytes.Index(data, []byte("1 1 1"))
	data[at] ^= 1
	_, err := j.Get("t", "1")
	require.ErrorContains(t, err, "record is damaged")

	for len(j.segments) > 0 && j.segments[0].name == oldest {
		require.NoError(t, j.clean(0))
	}
	assert.Equal(t, int64(1), j.Usage().Lost)
	assert.Equal(t, 1, harmless(t, read(t, j), model), "cleaning saves the others")
	assert.Contains(t, d.files(), prefixDamaged+oldest, "and keeps what it could not read")
}

func TestAFrameThatSaysItIsHugeIsDamage(t *testing.T) {
	d, model := many(t)
	file := d.files()[1]
	f := newSegment(file)
	head := appendHead(nil, magicFrame, f.seed, headerSize, 0, 1<<32-1, 0)
	copy(d.names[file].data[headerSize:], head)
	binary.LittleEndian.PutUint32(d.names[file].data[headerSize+16:], headSum(f.seed, headerSize, head))
	j, damage, err := open(small, d)
	require.NoError(t, err)
	assert.Len(t, damage, 1)
	harmless(t, read(t, j), model)
}
