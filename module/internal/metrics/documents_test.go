package metrics

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	dashboardFile = "../../../docs/grafana/wasm-on-edge.json"
	alertsFile    = "../../../docs/prometheus/alerts.yaml"
)

// named is a metric as a query names it: not a label, nor a function.
var named = regexp.MustCompile(`\b(?:wasm_on_edge|process|go)_[a-z0-9_]+`)

// known returns the names that a query may use.
func known(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, line := range scrape(t, configOf(plant(3, 1))) {
		name, _, _ := strings.Cut(line, "{")
		names[name] = true
	}
	return names
}

func assertKnown(t *testing.T, text string) {
	t.Helper()
	names, used := known(t), named.FindAllString(text, -1)
	require.NotEmpty(t, used)
	for _, name := range used {
		assert.True(t, names[name], "%s is no metric", name)
	}
}

func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(dashboardFile)
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	for _, panel := range dashboard.Panels {
		if panel.Type == "row" {
			continue
		}
		assert.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			assertKnown(t, target.Expr)
		}
	}
}

func TestTheAlertsAskForMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(alertsFile)
	require.NoError(t, err)
	assertKnown(t, string(text))
}

func TestPromtoolTakesTheAlerts(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: it comes with Prometheus")
	}
	out, err := exec.Command(promtool, "check", "rules", alertsFile).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}
