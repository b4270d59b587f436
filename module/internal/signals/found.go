package signals

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Found is one value that a message has for a signal. What it refers to belongs to the message: it is read, never
// changed, and not kept longer than that.
type Found struct {
	Value     []byte         // JSON, as it stands in the message; nil for an item that carries a status alone
	Timestamp time.Time      // of the source; zero where the message has none
	Quality   module.Quality // as the source tells it, Good where it does not
	Partition string         // empty where the signal is not partitioned
	Untimed   bool           // the message has a timestamp that cannot be read
}
