package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

var metricsAt = regexp.MustCompile(`metrics at http://(\S+)/metrics`)

func TestAModuleIsAskedForItsHealthBesideIt(t *testing.T) {
	var told bytes.Buffer
	var asking sync.WaitGroup
	code := -1
	stdout := &watched{text: "/metrics\n"}
	env, _, stop := testEnvironment(t, stdout)
	stdout.found = sync.OnceFunc(func() {
		address := metricsAt.FindStringSubmatch(stdout.buffer.String())[1]
		asking.Go(func() {
			beside := *env
			beside.stdout = &told
			beside.getenv = func(name string) string { return map[string]string{"WASM_ON_EDGE_METRICS": address}[name] }
			code = execute([]string{"check", "--health"}, &beside)
			stop()
		})
	})
	assert.Equal(t, exitOK, execute([]string{"simulate", filepath.Join("testdata", "shared", "deployment.template.json"), "--metrics", "127.0.0.1:0"}, env))
	asking.Wait()
	assert.Equal(t, exitOK, code)
	assert.Equal(t, "well: 5 parts answer\n", told.String())
}
