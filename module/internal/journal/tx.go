package journal

// Tx is a transaction: changes that are kept all or not at all, in the order in which they were added. The zero value is
// empty. It is built by one goroutine and, once submitted, not touched until it is done.
type Tx struct {
	payload []byte
	puts    bool // it does not only delete
}

// Put sets a key of a table. It copies the value.
func (t *Tx) Put(table, key string, value []byte) {
	t.payload = appendRecord(t.payload, kindPut, table, key, value)
	t.puts = true
}

// Delete removes a key of a table, if it is there.
func (t *Tx) Delete(table, key string) {
	t.payload = appendRecord(t.payload, kindDelete, table, key, nil)
}

// DeleteTable removes all keys of a table.
func (t *Tx) DeleteTable(table string) {
	t.payload = appendRecord(t.payload, kindDeleteTable, table, "", nil)
}

// Empty reports whether nothing was added.
func (t *Tx) Empty() bool { return len(t.payload) == 0 }
