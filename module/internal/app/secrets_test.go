package app

import (
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// secret is in all that nobody may read in a log; each time with another begin.
const secret = "hunter2-9f3c"

// assertNothingSecret looks for secrets, as they are and as tokens carry them.
func assertNothingSecret(t *testing.T, log string) {
	t.Helper()
	for _, text := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), "SharedAccessSignature sr=", "sig=", "Bearer "} {
		assert.NotContains(t, log, text)
	}
}

// secretive is a twin with secrets wherever it may have text, in which much is wrong.
const secretive = `{"schemaVersion":"1.0",
 "guests":{
  "trap":{"source":"file:trap_on_message.wasm","settings":{"password":"in-settings-hunter2-9f3c"},"permissions":{"env":{"TOKEN":"in-env-hunter2-9f3c"}}},
  "refuse":{"source":"file:refuse_settings.wasm","settings":{"password":"in-settings-hunter2-9f3c"}},
  "start":{"source":"file:trap_on_start.wasm","permissions":{"env":{"TOKEN":"${env:DEVICE_SECRET}"}}},
  "broken":{"source":"file:broken.wasm","permissions":{"env":{"TOKEN":"in-env-hunter2-9f3c"}}},
  "remote":{"source":"https://contoso.com/a.wasm?sig=in-query-hunter2-9f3c"},
  "secrets":{"source":"file:pass.wasm","permissions":{"secrets":{"KEY":"no-such-file"},"env":{"":"in-env-hunter2-9f3c","A":["in-env-hunter2-9f3c"]}}}},
 "signals":{
  "a":{"source":"input:a","guest":"trap","settings":{"password":"in-settings-hunter2-9f3c"}},
  "b":{"source":"input:a","guest":"refuse"},"c":{"source":"input:a","guest":"start"},"d":{"source":"input:a","guest":"broken"},
  "e":{"source":"input:a","guest":"remote"},"f":{"source":"input:a","guest":"secrets"},
  "g":{"source":"input:a","settings":"in-settings-hunter2-9f3c"},
  "h":{"source":"input:a","selector":"/v"}}}`

func TestNoSecretIsEverLogged(t *testing.T) {
	d := newDevice(t, secretive, "trap_on_message", "refuse_settings", "trap_on_start", "pass")
	require.NoError(t, os.WriteFile(filepath.Join(d.guests, "broken.wasm"), []byte("no guest, in-file-"+secret), 0o600))
	d.level, d.variables = "trace", map[string]string{"DEVICE_SECRET": "in-variable-" + secret}
	stop := d.run()
	d.waitReported("signals.a.runtimeStatus", "running")
	d.send("a", "no JSON, in-body-"+secret, "password", "in-property-"+secret)
	d.wait(func() bool { return len(d.messages("deadletter")) > 0 }, "a dead letter")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.app.MetricsAddress()+"/metrics", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer in-header-"+secret)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	d.patch(`{"guests":{"trap":{"permissions":{"env":{"TOKEN":"changed-hunter2-9f3c"}}}},"signals":{"a":{"selectr":"x"}}}`)
	d.wait(func() bool { return strings.Contains(d.log.String(), "selectr") }, "the finding")
	d.stopHub()
	d.wait(func() bool { return strings.Contains(d.log.String(), "connecting again in") }, "edgeHub to be away")
	stop()
	log := d.log.String()
	for _, failure := range []string{"unreachable", "refused", "broken", "a query string can hold a secret"} {
		assert.Contains(t, log, failure, "a failure that could have told a secret")
	}
	assertNothingSecret(t, log)
}

func TestTheKeyOfAConnectionStringIsNeverLogged(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte(secret))
	for name, text := range map[string]string{
		"good":   "HostName=h.azure-devices.net;GatewayHostName=127.0.0.1;DeviceId=d;ModuleId=m;SharedAccessKey=" + key,
		"no key": "HostName=h.azure-devices.net;GatewayHostName=127.0.0.1;DeviceId=d;ModuleId=m;SharedAccessKey=%%" + secret,
		"broken": "HostName=h.azure-devices.net;SharedAccessKey" + key + ";x",
	} {
		t.Run(name, func(t *testing.T) {
			log := &logBuffer{t: t}
			variables := map[string]string{"EdgeHubConnectionString": text, "EdgeModuleCACertificateFile": "/nowhere.pem"}
			a, err := New(Config{Getenv: func(name string) string { return variables[name] }, LogFormat: observe.LogJSON, LogLevel: "trace", LogTo: log, Version: "0.0.0-test"})
			if err != nil {
				assertNothingSecret(t, err.Error())
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			require.NoError(t, a.Run(ctx))
			assert.Contains(t, log.String(), "connecting again in")
			assertNothingSecret(t, log.String())
		})
	}
}
