package wasm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// bagGuest emits an empty body with its message as the property bag, and returns what emit said, or done.
func bagGuest(t testing.TB) []byte {
	return guestOf(t, importEmit, "(global $r (mut i32) (i32.const 0))", `
		(global.set $r (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len)))
		(select (i32.const 2) (global.get $r) (i32.eqz (global.get $r)))`)
}

// outputGuest emits to the output that its message names, as bagGuest does with a bag.
func outputGuest(t testing.TB) []byte {
	return guestOf(t, importEmit, "(global $r (mut i32) (i32.const 0))", `
		(global.set $r (call $emit (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
		(select (i32.const 2) (global.get $r) (i32.eqz (global.get $r)))`)
}

const (
	overLimit  = module.Verdict(-1) // what emit answers, as the verdict of the guests above
	notAllowed = module.Verdict(-2)
)

func TestEmittedMessagesComeInOrderWithTheirProperties(t *testing.T) {
	i := run(t, file(t, "emit_twice"))
	verdict, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict)
	emitted := i.Effects().Emitted
	require.Len(t, emitted, 2)
	assert.Equal(t, "first", string(emitted[0].Body))
	assert.Empty(t, emitted[0].Output)
	assert.Empty(t, emitted[0].Properties)
	assert.Equal(t, "second", string(emitted[1].Body))
	assert.Equal(t, module.OutputName("alerts"), emitted[1].Output)
	assert.Equal(t, module.Properties{{Name: "alert", Value: "high"}, {Name: "a&b", Value: "1/2 é"}}, emitted[1].Properties)
}

func TestABagIsDecodedOrRefusedAsAWhole(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("k%d=v&", 65), "&")
	for n := range 65 {
		many = strings.Replace(many, "%d", string(rune('0'+n/10))+string(rune('0'+n%10)), 1)
	}
	i := run(t, bagGuest(t))
	for bag, want := range map[string]struct {
		code       module.Verdict
		properties module.Properties
	}{
		"":                         {module.Done, nil},
		"a=1":                      {module.Done, module.Properties{{Name: "a", Value: "1"}}},
		"a=":                       {module.Done, module.Properties{{Name: "a", Value: ""}}},
		"a=b=c":                    {module.Done, module.Properties{{Name: "a", Value: "b=c"}}},
		"a+b=c+d":                  {module.Done, module.Properties{{Name: "a+b", Value: "c+d"}}},
		"%24.ct=text%2Fplain":      {module.Done, module.Properties{{Name: "$.ct", Value: "text/plain"}}},
		"$.ce=utf-8&$.schema=s":    {module.Done, module.Properties{{Name: "$.ce", Value: "utf-8"}, {Name: "$.schema", Value: "s"}}},
		"=1":                       {notAllowed, nil},
		"a":                        {notAllowed, nil},
		"a=1&":                     {notAllowed, nil},
		"&a=1":                     {notAllowed, nil},
		"a=1&&b=2":                 {notAllowed, nil},
		"a=1&a=2":                  {notAllowed, nil},
		"a=1&%61=2":                {notAllowed, nil},
		"a=%zz":                    {notAllowed, nil},
		"a=%":                      {notAllowed, nil},
		"a=%4":                     {notAllowed, nil},
		"a=%00":                    {notAllowed, nil},
		"a=\x00":                   {notAllowed, nil},
		"a%00=1":                   {notAllowed, nil},
		"a=%ff":                    {notAllowed, nil},
		"a=\xc3":                   {notAllowed, nil},
		"a=%ed%a0%80":              {notAllowed, nil}, // a surrogate
		"a=%f4%90%80%80":           {notAllowed, nil}, // behind the last code point
		"a=%c0%af":                 {notAllowed, nil}, // overlong
		"$.mid=forged":             {notAllowed, nil},
		"%24%2Emid=forged":         {notAllowed, nil},
		"$.cdid=other":             {notAllowed, nil},
		"$.other=1":                {notAllowed, nil},
		"iothub-x=1":               {notAllowed, nil},
		"deviceId=x":               {notAllowed, nil},
		"moduleId=x":               {notAllowed, nil},
		"mqtt-retain=1":            {notAllowed, nil},
		"deadletter-reason=1":      {notAllowed, nil},
		"ok=1&deadletter-reason=1": {notAllowed, nil},
		many:                       {overLimit, nil},
	} {
		verdict, _ := i.Message(message(bag))
		require.Equal(t, want.code, verdict, "bag %q", bag)
		if verdict == module.Done {
			require.Len(t, i.Effects().Emitted, 1, "bag %q", bag)
			assert.ElementsMatch(t, want.properties, i.Effects().Emitted[0].Properties, "bag %q", bag)
		} else {
			assert.Empty(t, i.Effects().Emitted, "bag %q", bag)
		}
	}
}

func TestAnOutputIsANameThatIsNotTheHosts(t *testing.T) {
	i := run(t, outputGuest(t))
	for output, want := range map[string]module.Verdict{
		"": module.Done, "alerts": module.Done, "A-z_0": module.Done, strings.Repeat("x", 64): module.Done,
		"deadletter": notAllowed, "a/b": notAllowed, "a b": notAllowed, "é": notAllowed, "a\x00": notAllowed,
		strings.Repeat("x", 65): notAllowed,
	} {
		verdict, _ := i.Message(message(output))
		assert.Equal(t, want, verdict, "output %q", output)
	}
}

func TestAGuestIsToldOfARefusalAndCanGoOn(t *testing.T) {
	for _, name := range []string{"bad_bag", "deny_output", "deny_property"} {
		i := run(t, file(t, name))
		_, err := i.Message(message("body"))
		require.NoError(t, err, name)
		assert.Equal(t, []string{"code -2"}, bodies(i), name)
	}
}

func TestACallEmitsSoManyMessages(t *testing.T) {
	i := run(t, file(t, "emit_flood"))
	for range 2 { // the count starts again with each call
		_, err := i.Message(message("x"))
		require.NoError(t, err)
		assert.Len(t, i.Effects().Emitted, limits().EmitsPerCall)
	}
}

func TestACallEmitsSoManyBytes(t *testing.T) {
	l := limits()
	l.EmitBytesPerCall = 3*8 + 2
	i := start(t, compile(t, file(t, "emit_flood")), wasm.Options{Limits: l})
	_, err := i.Message(message("12345678"))
	require.NoError(t, err)
	assert.Equal(t, []string{"12345678", "12345678", "12345678"}, bodies(i))
	_, err = i.Message(message(strings.Repeat("x", l.EmitBytesPerCall)))
	require.NoError(t, err)
	assert.Len(t, bodies(i), 1, "one of exactly the limit")
	_, err = i.Message(message(strings.Repeat("x", l.EmitBytesPerCall+1)))
	require.NoError(t, err)
	assert.Empty(t, bodies(i))
}

func TestACallThatEndsBadlyLeavesNothing(t *testing.T) {
	for _, name := range []string{"emit_then_fail", "emit_then_trap"} {
		i := run(t, file(t, name))
		_, err := i.Message(message("body"))
		require.Error(t, err, name)
		assert.Empty(t, i.Effects().Emitted, name)
		assert.Empty(t, i.Effects().State, name)
		assert.Empty(t, i.Effects().Metrics, name)
	}
}
