package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

func TestOtherProcessesControlTheSimulation(t *testing.T) {
	address := make(chan string, 1)
	env, _, stop := testEnvironment(t, nil)
	env.stdout = writerFunc(func(line []byte) (int, error) {
		if found := regexp.MustCompile(`control at (http://\S+)`).FindSubmatch(line); found != nil {
			address <- string(found[1])
		}
		return len(line), nil
	})
	ended := make(chan int)
	go func() {
		ended <- execute([]string{"simulate", filepath.Join("testdata", "shared", "deployment.template.json"), "--no-module", "--control", "127.0.0.1:0"}, env)
	}()
	url := <-address

	status, text := post(t, url, "signals.machine.settings.high=30", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "desired 2: signals.machine.settings.high=30\n", text)
	status, text = post(t, url, "fault refuse 1", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "fault refuse 1: done\n", text)
	status, text = post(t, url, "fault explode", nil)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, text, `there is no fault "explode"`)
	status, _ = post(t, url, strings.Repeat("x", controlLineMax+1), nil)
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = post(t, url, "fault refuse 1", http.Header{"Origin": {"http://elsewhere"}})
	assert.Equal(t, http.StatusForbidden, status)

	response, err := http.Get(url + "stats")
	require.NoError(t, err)
	defer response.Body.Close()
	var stats sim.Stats
	require.NoError(t, json.NewDecoder(response.Body).Decode(&stats))
	assert.Contains(t, stats.Modules, "wasmOnEdge")

	stop()
	assert.Equal(t, exitOK, <-ended)
	_, err = http.Get(url)
	assert.Error(t, err)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }

func post(t *testing.T, url, line string, header http.Header) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(line))
	require.NoError(t, err)
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}
