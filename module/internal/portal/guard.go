package portal

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// policy lets the page load what lies beside it, and nothing else from anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guarded refuses what does not come from the page: requests for another host's name, from other pages, and changes
// without the token.
func (p *Portal) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !p.ourHost(r.Host):
			refuse(w, http.StatusMisdirectedRequest, "not the address of this portal", "open the URL that simulate has printed")
		case !p.ourPage(r):
			refuse(w, http.StatusForbidden, "sent by another page", "open the URL that simulate has printed")
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !p.hasToken(r):
			refuse(w, http.StatusUnauthorized, "the token is missing or wrong", "open the URL that simulate has printed, with what stands behind #")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ourHost reports whether a Host header names the address that the portal listens on, or localhost with its port.
func (p *Portal) ourHost(host string) bool {
	address := p.listener.Addr().String()
	port := address[strings.LastIndexByte(address, ':'):]
	return host == address || host == "localhost"+port
}

// ourPage reports whether a request comes from the page itself, from an address typed in, or from a program that is no
// browser. A link from elsewhere may open the page, and nothing below it.
func (p *Portal) ourPage(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

func (p *Portal) hasToken(r *http.Request) bool {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return bearer && subtle.ConstantTimeCompare([]byte(given), []byte(p.token)) == 1
}
