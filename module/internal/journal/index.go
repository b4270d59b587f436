package journal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// ref says where the record lies that holds the latest value of a key.
type ref struct {
	segment  *segment
	at, size uint32
}

// index knows where the latest values lie. Only Run's goroutine changes it, and may therefore read it without the mutex.
type index struct {
	mu     sync.RWMutex
	tables map[string]map[string]ref
	live   int64 // bytes of all records that count
	disk   int64 // bytes of all segments
	lost   int64 // records that cleaning could not read
	closed bool
}

// find returns where the value of a key lies.
func (x *index) find(table, key string) (ref, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return ref{}, ErrClosed
	}
	r, ok := x.tables[table][key]
	if !ok {
		return ref{}, ErrNotFound
	}
	return r, nil
}

// keys returns the keys of a table, sorted.
func (x *index) keys(table string) []string {
	x.mu.RLock()
	keys := slices.AppendSeq(make([]string, 0, len(x.tables[table])), maps.Keys(x.tables[table]))
	x.mu.RUnlock()
	slices.Sort(keys)
	return keys
}

// names returns the names of the tables that begin with prefix, sorted.
func (x *index) names(prefix string) []string {
	x.mu.RLock()
	var names []string
	for name := range x.tables {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	x.mu.RUnlock()
	slices.Sort(names)
	return names
}

// sizes returns the bytes of the records of each table that begins with prefix.
func (x *index) sizes(prefix string) map[string]int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sizes := make(map[string]int64)
	for name, keys := range x.tables {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		for _, r := range keys {
			sizes[name] += int64(r.size)
		}
	}
	return sizes
}

// apply makes the records of a payload count that lies at offset at of a segment. The caller holds the mutex.
func (x *index) apply(s *segment, at int, payload []byte) {
	for offset, r := range records(payload) {
		switch r.kind {
		case kindPut:
			x.put(r.table, r.key, ref{s, uint32(at + offset), uint32(r.size)})
		case kindDelete:
			x.delete(string(r.table), string(r.key))
		case kindDeleteTable:
			x.deleteTable(string(r.table))
		}
	}
}

func (x *index) put(table, key []byte, r ref) {
	keys := x.tables[string(table)]
	if keys == nil {
		keys = make(map[string]ref)
		x.tables[string(table)] = keys
	}
	if old, ok := keys[string(key)]; ok {
		x.count(old, -1)
	}
	keys[string(key)] = r
	x.count(r, 1)
}

func (x *index) delete(table, key string) {
	old, ok := x.tables[table][key]
	if !ok {
		return
	}
	x.count(old, -1)
	delete(x.tables[table], key)
	if len(x.tables[table]) == 0 {
		delete(x.tables, table)
	}
}

func (x *index) deleteTable(table string) {
	for _, old := range x.tables[table] {
		x.count(old, -1)
	}
	delete(x.tables, table)
}

// count adds sign times a record to what counts.
func (x *index) count(r ref, sign int) {
	r.segment.records += sign
	r.segment.live += sign * int(r.size)
	x.live += int64(sign) * int64(r.size)
}

// growth returns by how many bytes what counts grows with a payload, negative where it shrinks. A key that the payload
// names twice is counted twice.
func (x *index) growth(payload []byte) (bytes int64) {
	for _, r := range records(payload) {
		keys := x.tables[string(r.table)]
		switch r.kind {
		case kindPut:
			bytes += int64(r.size) - int64(keys[string(r.key)].size)
		case kindDelete:
			bytes -= int64(keys[string(r.key)].size)
		case kindDeleteTable:
			for _, old := range keys {
				bytes -= int64(old.size)
			}
		}
	}
	return bytes
}

// read reads the value that r refers to, and checks that it is the value of that key.
func (r ref) read(table, key string) ([]byte, error) {
	b := make([]byte, r.size)
	if _, err := r.segment.file.ReadAt(b, int64(r.at)); err != nil {
		return nil, err
	}
	found, err := checkRecord(b)
	if err != nil || found.kind != kindPut || string(found.table) != table || string(found.key) != key {
		return nil, fmt.Errorf("%w: %s at %d", errRecord, r.segment.name, r.at)
	}
	return slices.Clip(found.value), nil
}
