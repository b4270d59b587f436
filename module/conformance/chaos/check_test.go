//go:build cgo

package chaos

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// upstream is a line of the hub's about a message of the signal s.
func upstream(id, body, reason string) []byte {
	properties := fmt.Sprintf(`"$.mid":%q,"signal":"s"`, id)
	if reason != "" {
		properties = fmt.Sprintf(`"$.mid":%q,"deadletter-signal":"s","deadletter-reason":%q`, id, reason)
	}
	return fmt.Appendf(nil, `{"type":"message","properties":{%s},"bodyBase64":%q}`, properties, base64.StdEncoding.EncodeToString([]byte(body)))
}

func accountOf(t *testing.T, lines ...[]byte) *account {
	t.Helper()
	a := newAccount()
	for _, line := range lines {
		require.NoError(t, a.take(line))
	}
	return a
}

func TestAccountIsContentWithRepeatsAndDeadLetters(t *testing.T) {
	a := accountOf(t, upstream("a", `count=00000001 {"n":1}`, ""), upstream("b", `!{"n":2}`, "trap"),
		upstream("c", `count=00000002 {"n":3}`, ""), upstream("a", `count=00000001 {"n":1}`, ""))
	assert.Empty(t, a.missing([]string{"s"}, 3))
	assert.Empty(t, a.check())
	assert.Equal(t, 1, a.signals["s"].repeats)
}

func TestAccountMissesWhatDidNotCome(t *testing.T) {
	a := accountOf(t, upstream("a", `{"n":1}`, ""), upstream("c", `{"n":3}`, ""))
	assert.Equal(t, []int{2, 4}, a.missing([]string{"s"}, 4))
	assert.Equal(t, []int{1, 2, 3, 4}, a.missing([]string{"other"}, 4))
}

func TestAccountSettlesAMessageWhenEveryChainHas(t *testing.T) {
	a := accountOf(t, upstream("a", `{"n":1}`, ""), upstream("b", `{"n":2}`, "trap"), upstream("b", `{"n":2}`, "trap"))
	assert.Equal(t, 2, a.settled([][]string{{"s"}}))
	assert.Equal(t, 2, a.settled([][]string{{"other", "s"}}), "what befalls it in one of a chain")
	assert.Zero(t, a.settled([][]string{{"s"}, {"other"}}))
}

func TestAccountTellsWhatIsWrong(t *testing.T) {
	for want, lines := range map[string][][]byte{
		"message 1 came with two contents under $.mid a": {upstream("a", `{"n":1}`, ""), upstream("a", `{"n":1} `, "")},
		"message 1 came under several ids":               {upstream("a", `{"n":1}`, ""), upstream("b", `{"n":1}`, "")},
		"1 messages came after later ones":               {upstream("b", `{"n":2}`, ""), upstream("a", `{"n":1}`, "")},
		"the 2th count of 2 is 3":                        {upstream("a", `count=00000001 {"n":1}`, ""), upstream("b", `count=00000003 {"n":2}`, "")},
		"a message upstream has no number or no $.mid":   {upstream("", `{"n":1}`, "")},
		"its guest cannot write files in the end: errno 51": {
			[]byte(`{"type":"message","properties":{"$.mid":"a","signal":"s","errno":"51"},"body":{"n":1}}`)},
		"message 1 came under several ids, dead letter \"x": {upstream("a", `{"n":1}`, ""), upstream("b", `{"n":1}`, "x")},
	} {
		assert.Contains(t, strings.Join(accountOf(t, lines...).check(), "\n"), want)
	}
}

func TestAccountAgreesWithTheLedger(t *testing.T) {
	a := accountOf(t, upstream("a", `{"n":1}`, ""))
	assert.Empty(t, a.compare(strings.NewReader(`{"event":"acked","n":1}{"event":"upstream","mid":"a","n":1}`), 1))
	assert.Equal(t, []string{"ledger: message 2 is not acknowledged", "ledger: it knows of 0 messages upstream, the account of 1"},
		a.compare(strings.NewReader(`{"event":"acked","n":1}`), 2))
}
