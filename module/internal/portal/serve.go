package portal

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// bodyMax is how large a request may be that is no guest.
const bodyMax = 1 << 20

// handler is all that the portal answers.
func (p *Portal) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", pages())
	mux.HandleFunc("GET /api/flow", p.getFlow)
	mux.HandleFunc("GET /api/stream", p.getStream)
	mux.HandleFunc("GET /api/logs", p.getLogs)
	mux.HandleFunc("GET /api/twin", p.getTwin)
	mux.HandleFunc("GET /api/schema", getSchema)
	mux.HandleFunc("GET /api/faults", getFaults)
	mux.HandleFunc("POST /api/twin", p.postTwin)
	mux.HandleFunc("POST /api/twin/check", p.postCheck)
	mux.HandleFunc("POST /api/guests/inspect", p.postInspect)
	mux.HandleFunc("POST /api/guests", p.postGuest)
	mux.HandleFunc("POST /api/methods", p.postMethod)
	mux.HandleFunc("POST /api/faults", p.postFault)
	mux.HandleFunc("POST /api/messages", p.postMessage)
	return p.guarded(mux)
}

// pages serves the built page. What has a digest in its name may be kept for ever.
func pages() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // it was embedded under this name
	}
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caching := "no-cache"
		if strings.HasPrefix(r.URL.Path, "/assets/") {
			caching = "public, max-age=31536000, immutable"
		}
		w.Header().Set("Cache-Control", caching)
		server.ServeHTTP(w, r)
	})
}

// answer writes an answer as JSON. Whoever has gone need not hear it.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// refusal is the answer to what is not done.
type refusal struct {
	Error    string    `json:"error"`
	Hint     string    `json:"hint,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

func refuse(w http.ResponseWriter, status int, reason, hint string) {
	answer(w, status, refusal{Error: reason, Hint: hint})
}

// read reads a request's JSON into v, or answers and reports false.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err == nil {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "read request: "+err.Error(), "")
		return false
	}
	return true
}
