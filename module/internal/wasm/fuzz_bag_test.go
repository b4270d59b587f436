package wasm_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// decodeBag is the property bag once more, from the description in guests.md: what it means, or what emit answers.
func decodeBag(bag string) (properties module.Properties, code module.Verdict) {
	if bag == "" {
		return nil, module.Done
	}
	for pair := range strings.SplitSeq(bag, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, notAllowed
		}
		if len(properties) == 64 {
			return nil, overLimit
		}
		name, nameErr := url.PathUnescape(name)
		value, valueErr := url.PathUnescape(value)
		if nameErr != nil || valueErr != nil || !utf8.ValidString(name) || !utf8.ValidString(value) || strings.Contains(name+value, "\x00") {
			return nil, notAllowed
		}
		if _, twice := properties.Get(name); twice || !mayName(name) {
			return nil, notAllowed
		}
		properties = append(properties, struct{ Name, Value string }{name, value})
	}
	return properties, module.Done
}

func mayName(name string) bool {
	for _, prefix := range []string{"iothub-", "mqtt-", "deadletter-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return name != "" && name != "deviceId" && name != "moduleId" && (!strings.HasPrefix(name, "$.") || name == "$.ct" || name == "$.ce" || name == "$.schema")
}

func FuzzBag(f *testing.F) {
	for _, bag := range []string{"", "a=1", "a=1&b=2", "%24.ct=text%2Fplain&x=%C3%A9", "a=%zz", "a=1&%61=2", "$.mid=x", "mqtt-a=1", "a=%ed%a0%80", "=", "&",
		strings.Repeat("%f0%9f%98%80=&", 10), "a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10"} {
		f.Add(bag)
	}
	i := run(f, bagGuest(f))
	f.Fuzz(func(t *testing.T, bag string) {
		if len(bag) > limits().EmitBytesPerCall {
			t.Skip("over the limit for another reason")
		}
		want, code := decodeBag(bag)
		verdict, _ := i.Message(message(bag))
		require.Equal(t, code, verdict)
		require.False(t, i.Dead())
		if code == module.Done {
			require.Len(t, i.Effects().Emitted, 1)
			have := i.Effects().Emitted[0].Properties
			require.Len(t, have, len(want))
			for n := range want {
				require.Equal(t, want[n], have[n])
			}
		}
	})
}
