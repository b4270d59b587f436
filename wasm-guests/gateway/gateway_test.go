package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

func TestEachMessageIsPosted(t *testing.T) {
	var got []request
	run := edgetest.Start(t, newGuest(func(r request) (int, error) {
		r.body = append([]byte(nil), r.body...)
		got = append(got, r)
		return 200, nil
	}), `{"url":"https://erp.contoso.com/in"}`)
	for range 2 {
		result := run.Message("reading")
		require.NoError(t, result.Err)
		assert.Equal(t, edge.Drop, result.Verdict)
	}
	want := request{"https://erp.contoso.com/in", "application/text", []byte("reading")}
	assert.Equal(t, []request{want, want}, got)
	assert.Equal(t, 2.0, run.Counters["posted"])
}

func TestAnotherAnswerThanTheExpectedIsAFailure(t *testing.T) {
	answer, fault := 201, error(nil)
	run := edgetest.Start(t, newGuest(func(request) (int, error) { return answer, fault }), `{"url":"https://erp.contoso.com/in","status":204}`)
	assert.EqualError(t, run.Message("").Err, "post message: the answer has status 201, not 204")
	answer = 204
	assert.NoError(t, run.Message("").Err)
	fault = errors.New("refused")
	assert.EqualError(t, run.Message("").Err, "refused")
}

func TestAnAddressIsNeeded(t *testing.T) {
	assert.EqualError(t, edgetest.New(t, newGuest(post)).Configure(`{}`), `set "url": there is nowhere to post to`)
}
