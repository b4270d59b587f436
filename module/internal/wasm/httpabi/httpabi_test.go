package httpabi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client answers requests to any host but "denied".
type client struct {
	got    *http.Request
	body   string // of the request
	answer *http.Response
	err    error
}

func (c *client) Check(u *url.URL) error {
	if u.Host == "denied" {
		return fs.ErrPermission
	}
	return nil
}

func (c *client) Do(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	c.got, c.body = r, string(body)
	return c.answer, c.err
}

func answerOf(status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// guest is a memory of which the first bytes take what functions write, and the rest their arguments.
type guest struct {
	*Responses
	client *client
	memory []byte
	next   uint32 // where the next arguments go
	logs   []string
}

const (
	statusAt, handleAt, writtenAt = 0, 8, 16
	bufferAt, argumentsAt, pages  = 1024, 8192, 128 << 10
	outside                       = pages - 1 // where one byte fits
)

func newGuest() *guest {
	g := &guest{client: &client{answer: answerOf(200, http.Header{"Content-Type": {"a/b"}, "X-Two": {"1", "2"}}, "body")}, memory: make([]byte, pages), next: argumentsAt}
	for n := range bufferAt {
		g.memory[n] = 0xee
	}
	g.Responses = New(Config{Client: g.client, Wait: func(f func()) { f() }, Log: func(text string) { g.logs = append(g.logs, text) }})
	return g
}

// arguments writes the parts of a request into memory. Those that are empty dangle, as Rust's empty slices do.
func (g *guest) arguments(address, method, headers, body string) Arguments {
	put := func(text string) (pointer, size uint32) {
		if text == "" {
			return 1, 0
		}
		pointer = g.next
		g.next += uint32(copy(g.memory[pointer:], text))
		return pointer, uint32(len(text))
	}
	a := Arguments{Status: statusAt, Handle: handleAt}
	a.URL, a.URLLen = put(address)
	a.Method, a.MethodLen = put(method)
	a.Headers, a.HeadersLen = put(headers)
	a.Body, a.BodyLen = put(body)
	return a
}

func (g *guest) send(address, method, headers, body string) Code {
	g.next = argumentsAt
	return g.Request(context.Background(), g.memory, g.arguments(address, method, headers, body))
}

func (g *guest) number(at int) int {
	return int(g.memory[at]) | int(g.memory[at+1])<<8 | int(g.memory[at+2])<<16
}

func (g *guest) buffer() string { return string(g.memory[bufferAt : bufferAt+g.number(writtenAt)]) }

func TestARequestIsSentAsTheGuestMadeIt(t *testing.T) {
	g := newGuest()
	require.Equal(t, Success, g.send("https://host/a?b", "POST", "X-Name:a:b \nx-name:last\nEmpty:\r\n", "body"))
	assert.Equal(t, "POST https://host/a?b body", g.client.got.Method+" "+g.client.got.URL.String()+" "+g.client.body)
	assert.Equal(t, http.Header{"x-name": {"last"}, "Empty": {""}}, g.client.got.Header, "the last of two counts")
	assert.Equal(t, []byte{200, 0, 0xee, 0xee}, g.memory[statusAt:statusAt+4], "a status has two bytes")
	assert.Equal(t, []byte{0, 0, 0, 0, 0xee}, g.memory[handleAt:handleAt+5], "handles begin at 0")
}

func TestWhatIsEmptyMayDangle(t *testing.T) {
	g := newGuest()
	a := g.arguments("https://host/", "GET", "", "")
	a.Headers, a.Body = 0xffffffff, 0xfffffff0
	assert.Equal(t, Success, g.Request(context.Background(), g.memory, a))
}

func TestTheLibraryForAssemblyScriptSpellsDELETEShort(t *testing.T) {
	g := newGuest()
	require.Equal(t, Success, g.send("https://host/", "DELET", "", ""))
	assert.Equal(t, "DELETE", g.client.got.Method)
}

func TestEachFaultOfARequestHasItsCodeInTheOrderOfTheChecks(t *testing.T) {
	g := newGuest()
	ok := g.arguments("https://host/", "GET", "a:b\n", "body")
	denied := g.arguments("https://denied/", "bad method", "a\n", "")
	cases := []struct {
		name string
		a    Arguments
		want Code
	}{
		{"the address is outside memory", Arguments{URL: outside, URLLen: 2}, BufferTooSmall},
		{"its end wraps around", Arguments{URL: 0xffffffff, URLLen: 0xffffffff}, BufferTooSmall},
		{"the address is no text", Arguments{URL: 0, URLLen: 2}, NotUTF8},
		{"there is no address", Arguments{}, InvalidURL},
		{"the destination is denied, and the method and headers are bad too", denied, NotAllowed},
		{"the method is outside memory", with(ok, func(a *Arguments) { a.Method = outside }), BufferTooSmall},
		{"the method is none, and the body is outside memory", with(ok, func(a *Arguments) { a.MethodLen = 0; a.Body = outside }), InvalidMethod},
		{"the body is outside memory, and the headers are bad", with(ok, func(a *Arguments) { a.Body = outside; a.HeadersLen = 1 }), BufferTooSmall},
		{"the headers are outside memory", with(ok, func(a *Arguments) { a.Headers = outside }), BufferTooSmall},
		{"the headers are no text", with(ok, func(a *Arguments) { a.Headers = 0 }), NotUTF8},
		{"the status is outside memory", with(ok, func(a *Arguments) { a.Status = outside }), MemoryAccess},
		{"the handle is outside memory", with(ok, func(a *Arguments) { a.Handle = outside }), MemoryAccess},
	}
	for _, c := range cases {
		memory := append([]byte(nil), g.memory...)
		assert.Equal(t, c.want, g.Request(context.Background(), memory, c.a), c.name)
	}
	assert.Equal(t, Success, g.Request(context.Background(), g.memory, ok))
	assert.Zero(t, g.number(handleAt), "no handle was lost")
}

func with(a Arguments, change func(*Arguments)) Arguments {
	change(&a)
	return a
}

func TestWhatIsNoURLMethodOrHeaderIsRefused(t *testing.T) {
	g := newGuest()
	for _, address := range []string{"host", "/path", "https://", "https://a b/", "http://[::1", "%zz"} {
		assert.Equal(t, InvalidURL, g.send(address, "GET", "", ""), address)
	}
	for _, method := range []string{"", "GE T", "GET\n", "CONNECT", "connect", "G\u00c9T"} {
		assert.Equal(t, InvalidMethod, g.send("https://host/", method, "", ""), method)
	}
	for _, headers := range []string{"line", "a:b\nline\n", "\n", ":v", "a b:c", "a:\x00", "a:\x7f", "a:b\rc\n", "a:" + strings.Repeat("x", maxHeaders)} {
		assert.Equal(t, InvalidEncoding, g.send("https://host/", "GET", headers, ""), "%q", headers[:min(len(headers), 9)])
	}
	assert.Nil(t, g.client.got)
}

func TestWithoutPermissionsNothingIsAllowed(t *testing.T) {
	g := newGuest()
	g.config.Client = nil
	assert.Equal(t, NotAllowed, g.send("https://host/secret?key", "GET", "", ""))
	assert.Equal(t, []string{"request to https://host: this guest has no permissions.http"}, g.logs)
}

func TestAFailureIsToldInTheLogWithoutThePath(t *testing.T) {
	g := newGuest()
	g.client.err = &url.Error{Op: "Get", URL: "https://host/key", Err: errors.New("no route to host")}
	assert.Equal(t, RequestFailed, g.send("https://host/key", "GET", "", ""))
	g.client.err = fmt.Errorf("redirect: %w", fs.ErrPermission)
	assert.Equal(t, NotAllowed, g.send("https://host/key", "GET", "", ""))
	assert.Equal(t, []string{"request to https://host: no route to host", "request to https://host: redirect: permission denied"}, g.logs)
}

func TestARequestThatIsCalledOffIsNotAnswered(t *testing.T) {
	g := newGuest()
	ctx, cancel := context.WithCancel(t.Context())
	g.config.Wait = func(f func()) { cancel(); f() }
	assert.Equal(t, CalledOff, g.Request(ctx, g.memory, g.arguments("https://host/", "GET", "", "")))
}

func TestFortyTwoResponsesMayBeOpenAndSixtyFour(t *testing.T) {
	g := newGuest()
	for n := range maxOpen {
		g.client.answer = answerOf(200, nil, fmt.Sprint(n))
		require.Equal(t, Success, g.send("https://host/", "GET", "", ""), n)
		require.Equal(t, n, g.number(handleAt))
	}
	assert.Equal(t, TooManyResponses, g.Request(context.Background(), g.memory, Arguments{URL: outside, URLLen: 9}), "before all else")
	require.Equal(t, Success, g.Close(41))
	g.client.answer = answerOf(200, nil, "new")
	require.Equal(t, Success, g.send("https://host/", "GET", "", ""))
	assert.Equal(t, 41, g.number(handleAt), "what is free is used again")
	require.Equal(t, Success, g.BodyRead(g.memory, 41, bufferAt, 10, writtenAt))
	assert.Equal(t, "new", g.buffer())
	require.Equal(t, Success, g.BodyRead(g.memory, 42, bufferAt, 10, writtenAt))
	assert.Equal(t, "42", g.buffer())
}

func TestToCloseWhatIsNoHandleIsNoError(t *testing.T) {
	g := newGuest()
	for _, handle := range []uint32{0, 63, 64, 0xffffffff} {
		assert.Equal(t, Success, g.Close(handle))
	}
}

func TestABodyIsReadInPiecesUpToItsEnd(t *testing.T) {
	g := newGuest()
	require.Equal(t, Success, g.send("https://host/", "GET", "", ""))
	for _, want := range []string{"bod", "y", "", ""} {
		require.Equal(t, Success, g.BodyRead(g.memory, 0, bufferAt, 3, writtenAt))
		assert.Equal(t, want, g.buffer())
	}
}

func TestAPieceThatCannotBeWrittenIsNotLost(t *testing.T) {
	g := newGuest()
	require.Equal(t, Success, g.send("https://host/", "GET", "", ""))
	assert.Equal(t, MemoryAccess, g.BodyRead(g.memory, 0, outside, 2, writtenAt))
	assert.Equal(t, MemoryAccess, g.BodyRead(g.memory, 0, bufferAt, 2, outside))
	require.Equal(t, Success, g.BodyRead(g.memory, 0, bufferAt, 0xffffffff, writtenAt), "a buffer as large as it says need not be there")
	assert.Equal(t, "body", g.buffer())
}

func TestAHeaderIsFoundWhateverItsCase(t *testing.T) {
	g := newGuest()
	require.Equal(t, Success, g.send("https://host/", "GET", "", ""))
	get := func(name string, size uint32) Code {
		at := uint32(argumentsAt)
		copy(g.memory[at:], name)
		return g.HeaderGet(g.memory, 0, at, uint32(len(name)), bufferAt, size, writtenAt)
	}
	for _, name := range []string{"Content-Type", "content-type", "CONTENT-TYPE"} {
		require.Equal(t, Success, get(name, 3))
		assert.Equal(t, "a/b", g.buffer())
	}
	require.Equal(t, Success, get("x-two", 4096))
	assert.Equal(t, "1", g.buffer(), "the first of several")
	assert.Equal(t, BufferTooSmall, get("content-type", 2), "and the guest tries again with more")
	assert.Equal(t, HeaderNotFound, get("none", 4096))
	assert.Equal(t, HeaderNotFound, get("", 4096))
	assert.Equal(t, NotUTF8, get("\xff", 4096))
	assert.Equal(t, BufferTooSmall, g.HeaderGet(g.memory, 0, outside, 2, bufferAt, 4096, writtenAt))
}

func TestAllHeadersComeAsLinesInLowerCase(t *testing.T) {
	g := newGuest()
	g.client.answer.Header.Set("X-Bytes", "\xff")
	require.Equal(t, Success, g.send("https://host/", "GET", "", ""))
	require.Equal(t, Success, g.HeadersGetAll(g.memory, 0, bufferAt, 4096, writtenAt))
	assert.Equal(t, "content-type:a/b\nx-bytes:\ufffd\nx-two:1\nx-two:2\n", g.buffer())
	assert.Equal(t, BufferTooSmall, g.HeadersGetAll(g.memory, 0, bufferAt, 10, writtenAt))
	assert.Equal(t, MemoryAccess, g.HeadersGetAll(g.memory, 0, outside, 4096, writtenAt))
	assert.Equal(t, MemoryAccess, g.HeadersGetAll(g.memory, 0, bufferAt, 4096, outside))
}

func TestAnUnknownHandleIsACode(t *testing.T) {
	g := newGuest()
	for _, handle := range []uint32{0, 64, 0xffffffff} {
		assert.Equal(t, InvalidHandle, g.BodyRead(g.memory, handle, bufferAt, 1, writtenAt))
		assert.Equal(t, InvalidHandle, g.HeaderGet(g.memory, handle, 0, 0, bufferAt, 1, writtenAt))
		assert.Equal(t, InvalidHandle, g.HeadersGetAll(g.memory, handle, bufferAt, 1, writtenAt))
	}
}

func TestOpenResponsesAreBoundedTogether(t *testing.T) {
	g := newGuest()
	large := func(bytes int) Code {
		g.client.answer = answerOf(200, http.Header{"A": {"b"}}, strings.Repeat("x", bytes))
		return g.send("https://host/", "GET", "", "")
	}
	require.Equal(t, Success, large(maxBytes-1000))
	assert.Equal(t, RequestFailed, large(997), "a header counts too")
	assert.Equal(t, Success, large(996))
	require.Equal(t, Success, g.Close(0))
	assert.Equal(t, Success, large(maxBytes-2000))
	g.CloseAll()
	assert.Equal(t, Success, large(maxBytes-2))
	assert.Contains(t, g.logs[0], "have more than 4194304 bytes")
}

func FuzzAnyArgumentsAreAnswered(f *testing.F) {
	f.Add([]byte("https://host/GETa:b\n"), uint32(0), uint32(13), uint32(13), uint32(3), uint32(16), uint32(4), uint32(1), uint32(0), uint32(30), uint32(40))
	f.Fuzz(func(t *testing.T, memory []byte, a, b, c, d, e, g, h, i, j, k uint32) {
		r := New(Config{Client: &client{answer: answerOf(204, http.Header{"A": {"b"}}, "body")}, Wait: func(f func()) { f() }, Log: func(string) {}})
		code := r.Request(t.Context(), memory, Arguments{a, b, c, d, e, g, h, i, j, k})
		assert.True(t, code >= Success && code <= TooManyResponses)
		r.HeaderGet(memory, a%2, b, c, d, e, g)
		r.HeadersGetAll(memory, a%2, b, c, d)
		r.BodyRead(memory, a%2, b, c, d)
		assert.Equal(t, Success, r.Close(a))
	})
}
