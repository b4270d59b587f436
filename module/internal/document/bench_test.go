package document

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const small = `{"messageId":4711,"deviceId":"press-line-7","machine":{"temperature":21.5032,"pressure":1.0571},` +
	`"ambient":{"temperature":20.9,"humidity":24},"timeCreated":"2026-01-02T03:04:05.678Z","status":"ok"}`

// batch returns 300 items as OPC Publisher sends them, 60 KB.
func batch() string {
	items := make([]string, 300)
	for i := range items {
		items[i] = fmt.Sprintf(`{"NodeId":"nsu=http://example.com/plant/;s=Line%d.Temp","ApplicationUri":"urn:plant:server","DisplayName":"Temp%d",`+
			`"Value":{"Value":%d.25,"SourceTimestamp":"2026-01-02T03:04:05.6789012Z"}}`, i, i, i)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func TestParsingAllocatesTheDocumentAndItsListAlone(t *testing.T) {
	for _, text := range []string{small, batch()} {
		body := []byte(text)
		assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = Parse(body) }), 2.0)
	}
}

func BenchmarkParse(b *testing.B) {
	type reading struct {
		Machine struct{ Temperature float64 } `json:"machine"`
	}
	type item struct {
		NodeID, DisplayName string
		Value               struct {
			Value           float64
			SourceTimestamp string
		}
	}
	for name, text := range map[string]string{"200B": small, "60KB": batch()} {
		body := []byte(text)
		run := func(how string, f func() error) {
			b.Run(name+"/"+how, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					require.NoError(b, f())
				}
			})
		}
		run("document", func() error { _, err := Parse(body); return err })
		run("json.Valid", func() error {
			if !json.Valid(body) {
				return assert.AnError
			}
			return nil
		})
		run("json to any", func() error { var v any; return json.Unmarshal(body, &v) })
		if body[0] == '{' {
			run("json to struct", func() error { var v reading; return json.Unmarshal(body, &v) })
		} else {
			run("json to struct", func() error { var v []item; return json.Unmarshal(body, &v) })
		}
	}
}
