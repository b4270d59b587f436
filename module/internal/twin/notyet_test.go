package twin

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestWhatIsNotAtWorkYetIsRefusedByName(t *testing.T) {
	for path, fields := range map[string]string{
		"shadow": `"shadow": {"source": "file:y"}`,
	} {
		d := Parse([]byte(documentOf(`"guests": {"g": {"source": "file:x", `+fields+`}}`)), device)
		f := requireFinding(t, d, "guests.g."+path)
		assert.Equal(t, "not supported yet: "+path, f.Reason)
		assert.Equal(t, module.Refused, f.Severity)
		assert.Empty(t, d.Guests)
		assert.False(t, d.DocumentRefused())
	}
}

func TestAFieldAtItsDefaultIsNotHeldAgainstAnEntry(t *testing.T) {
	d := Parse([]byte(documentOf(`"guests": {"g": {"source": "file:x", "shadow": null}}`)), device)
	assert.Contains(t, d.Guests, module.GuestName("g"))
	assert.Empty(t, d.Findings)
}

func TestTheListNamesFieldsThatThereAre(t *testing.T) {
	guests := guestFields.names()
	for _, name := range slices.Concat(limitFields.names(), permissionFields.names()) {
		guests = append(guests, "limits."+name, "permissions."+name)
	}
	requireFields(t, guests, notYet.guests)
}

func requireFields(t *testing.T, names []string, rows []pending) {
	t.Helper()
	for _, row := range rows {
		require.Contains(t, names, row.field, fmt.Sprintf("no field %q", row.field))
	}
}
