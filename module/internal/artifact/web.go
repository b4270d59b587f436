package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

// maxSignature is how many bytes a file with a signature may have.
const maxSignature = 64 << 10

// web is a file on a web server.
type web struct {
	*client
	url    *url.URL
	secret secret
}

func (s *Store) openWeb(ctx context.Context, r Request) (place, error) {
	host, path, _ := strings.Cut(strings.TrimPrefix(r.Source, "https://"), "/")
	c, host, err := s.newClient(ctx, host)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse("https://" + host + "/" + path)
	if err != nil {
		return nil, refuse("it is no address")
	}
	secret, err := s.credentials(r.Credentials, u.Host)
	if err != nil {
		return nil, err
	}
	return &web{c, u, secret}, nil
}

func (w *web) request(ctx context.Context, suffix string) (*http.Request, error) {
	u := *w.url
	if suffix != "" {
		u.Path, u.RawPath = u.Path+suffix, ""
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	switch {
	case w.secret.user != "":
		request.SetBasicAuth(w.secret.user, w.secret.password)
	case w.secret.token != "":
		request.Header.Set("Authorization", "Bearer "+w.secret.token)
	}
	return request, nil
}

const userAgent = "wasm-on-edge"

// content asks for the rest of what has begun, if the server says that it is still the same (RFC 9110, 13.1.5 and 14.2).
func (w *web) content(ctx context.Context, p *partial) error {
	request, err := w.request(ctx, "")
	if err != nil {
		return err
	}
	if len(p.bytes) > 0 && p.validator != "" {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(p.bytes)))
		request.Header.Set("If-Range", p.validator)
	} else {
		p.reset()
	}
	response, err := w.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	return p.receive(response)
}

// receive takes an answer: all of it, or the rest.
func (p *partial) receive(response *http.Response) error {
	switch response.StatusCode {
	case http.StatusOK:
		p.reset()
		p.validator = validator(response.Header)
		return p.take(response.Body, max(response.ContentLength, 0))
	case http.StatusPartialContent:
		from, total, ok := contentRange(response.Header.Get("Content-Range"))
		if !ok || from != int64(len(p.bytes)) {
			p.reset()
			return errors.New("the server sends another part than was asked for")
		}
		p.resumed = true
		return p.take(response.Body, total)
	case http.StatusRequestedRangeNotSatisfiable:
		p.reset()
	}
	return fmt.Errorf("the server answers %s", response.Status)
}

// validator returns what names just this content: a strong entity tag, or when it was changed.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// contentRange reads "bytes FROM-TO/TOTAL".
func contentRange(text string) (from, total int64, ok bool) {
	span, whole, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	begin, _, dash := strings.Cut(span, "-")
	from, errFrom := strconv.ParseInt(begin, 10, 64)
	total, errTotal := strconv.ParseInt(whole, 10, 64)
	return from, total, ok && dash && errFrom == nil && errTotal == nil && from >= 0 && total > from
}

// proofs gets the signature file that lies beside.
func (w *web) proofs(ctx context.Context) ([]trust.Proof, error) {
	request, err := w.request(ctx, signatureSuffix)
	if err != nil {
		return nil, err
	}
	response, err := w.Do(request)
	if err != nil {
		return nil, fmt.Errorf("get its signature: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return nil, nil
	case http.StatusOK:
	default:
		return nil, fmt.Errorf("get its signature: the server answers %s", response.Status)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxSignature))
	if err != nil {
		return nil, fmt.Errorf("get its signature: %w", err)
	}
	proof, err := trust.ParseFile(content)
	if err != nil {
		return nil, refuse("%v", err)
	}
	return []trust.Proof{proof}, nil
}
