package signals

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// plant returns OPC Publisher's samples of n tags, 200 bytes each.
func plant(n int) []byte {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`{"NodeId":"nsu=http://example.com/plant/;s=Line%d.Temp","ApplicationUri":"urn:plant:server","DisplayName":"Temp%d",`+
			`"Value":{"Value":%d.25,"SourceTimestamp":"2026-01-02T03:04:05.6789012Z"}}`, i, i, i)
	}
	return []byte("[" + strings.Join(items, ",") + "]")
}

func BenchmarkReadOneValue(b *testing.B) {
	body := []byte(`{"messageId":4711,"machine":{"temperature":21.5032,"pressure":1.0571},"ambient":{"temperature":20.9},"timeCreated":"2026-01-02T03:04:05.678Z"}`)
	r, found := readerOf(b, module.Signal{Selector: "/machine/temperature"}), []Found(nil)
	b.Run("parse alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = document.Parse(body)
		}
	})
	b.Run("through the stages", func(b *testing.B) {
		stages, st := scaled(b), new(State)
		b.ReportAllocs()
		for b.Loop() {
			found, _ = r.Read(found[:0], NewContent(body), nil)
			_, _ = stages.Take(st, found[0], start)
		}
	})
	b.Run("content", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			found, _ = r.Read(found[:0], NewContent(body), nil)
		}
	})
	b.Run("parsed before", func(b *testing.B) {
		c := NewContent(body)
		b.ReportAllocs()
		for b.Loop() {
			found, _ = r.Read(found[:0], c, nil)
		}
	})
	b.Run("json to struct", func(b *testing.B) {
		var v struct {
			Machine struct{ Temperature float64 } `json:"machine"`
		}
		b.ReportAllocs()
		for b.Loop() {
			_ = json.Unmarshal(body, &v)
		}
	})
}

func BenchmarkTwoHundredSignalsReadABatch(b *testing.B) {
	body := plant(300)
	readers := make([]*Reader, 200)
	for i := range readers {
		readers[i] = readerOf(b, module.Signal{Format: module.FormatOPCSamples, Node: fmt.Sprintf("nsu=http://example.com/plant/;s=Line%d.Temp", i)})
	}
	b.Run("parse alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = document.Parse(body)
		}
	})
	b.Run("content", func(b *testing.B) {
		var found []Found
		b.ReportAllocs()
		for b.Loop() {
			c := NewContent(body)
			for _, r := range readers {
				found, _ = r.Read(found[:0], c, nil)
			}
			require.Len(b, found, 1)
		}
	})
	b.Run("json to any", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v any
			_ = json.Unmarshal(body, &v)
		}
	})
}
