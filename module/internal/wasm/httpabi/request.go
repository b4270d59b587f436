package httpabi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// read makes a request of what the guest wrote into its memory. The order of the checks is the crate's.
func (r *Responses) read(memory []byte, a Arguments) (*http.Request, Code) {
	address, code := readText(memory, a.URL, a.URLLen)
	if code != Success {
		return nil, code
	}
	target, err := url.Parse(address)
	if err != nil || target.Host == "" {
		return nil, InvalidURL
	}
	if err := r.check(target); err != nil {
		r.tell(target, err)
		return nil, NotAllowed
	}
	method, code := readMethod(memory, a.Method, a.MethodLen)
	if code != Success {
		return nil, code
	}
	body, ok := slice(memory, a.Body, a.BodyLen)
	if !ok {
		return nil, BufferTooSmall
	}
	header, code := readHeaders(memory, a.Headers, a.HeadersLen)
	if code != Success {
		return nil, code
	}
	request, err := http.NewRequest(method, address, bytes.NewReader(bytes.Clone(body))) // net/http may read on after its answer
	if err != nil {
		return nil, InvalidURL
	}
	request.Header = header
	return request, Success
}

var errNothingAllowed = errors.New("this guest has no permissions.http")

func (r *Responses) check(target *url.URL) error {
	if r.config.Client == nil {
		return errNothingAllowed
	}
	return r.config.Client.Check(target)
}

func readText(memory []byte, pointer, size uint32) (string, Code) {
	text, ok := slice(memory, pointer, size)
	switch {
	case !ok:
		return "", BufferTooSmall
	case !utf8.Valid(text):
		return "", NotUTF8
	}
	return string(text), Success
}

// readMethod takes any token but CONNECT, which asks for a tunnel. The library for AssemblyScript sends DELET for DELETE.
func readMethod(memory []byte, pointer, size uint32) (string, Code) {
	method, code := readText(memory, pointer, size)
	switch {
	case code != Success:
		return "", code
	case method == "DELET":
		return http.MethodDelete, Success
	case !isToken(method), strings.EqualFold(method, http.MethodConnect):
		return "", InvalidMethod
	}
	return method, Success
}

// readHeaders reads "name:value\n" for each header. Of those with one name, whatever its case, the last one counts.
func readHeaders(memory []byte, pointer, size uint32) (http.Header, Code) {
	text, code := readText(memory, pointer, size)
	if code != Success {
		return nil, code
	}
	if len(text) > maxHeaders {
		return nil, InvalidEncoding
	}
	header, spelled := make(http.Header), make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || strings.ContainsFunc(value, isControl) {
			return nil, InvalidEncoding
		}
		lower := strings.ToLower(name)
		delete(header, spelled[lower])
		spelled[lower], header[name] = name, []string{value}
	}
	return header, Success
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// isToken reports whether a text is a token of RFC 9110, 5.6.2.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}

// send sends a request and reads its response to the end.
func (r *Responses) send(request *http.Request) (status int, got *response, code Code) {
	var err error
	r.config.Wait(func() { status, got, err = r.exchange(request) })
	switch {
	case err == nil:
		return status, got, Success
	case request.Context().Err() == nil:
		r.tell(request.URL, err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return 0, nil, NotAllowed
	}
	return 0, nil, RequestFailed
}

func (r *Responses) exchange(request *http.Request) (int, *response, error) {
	answer, err := r.config.Client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // what it says was read
	room := maxBytes - r.bytes
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(room)+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read response: %w", err)
	}
	got := &response{header: answer.Header, body: body, bytes: len(body)}
	for name, values := range answer.Header {
		for _, value := range values {
			got.bytes += len(name) + len(value)
		}
	}
	if got.bytes > room {
		return 0, nil, fmt.Errorf("read response: the responses that are open have more than %d bytes", maxBytes)
	}
	return answer.StatusCode, got, nil
}

// tell logs why a request failed: without the rest of the address, which may hold what is nobody else's business.
func (r *Responses) tell(target *url.URL, err error) {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its text is the whole address
	}
	r.config.Log(fmt.Sprintf("request to %s://%s: %v", target.Scheme, target.Host, err))
}
