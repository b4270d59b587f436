package signals

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestItemsAreFoundByTheirNamesInTheOrderOfTheMessage(t *testing.T) {
	want := make(map[string][]int)
	var body []byte
	for i := range 1000 {
		first, second := fmt.Sprint("n", i%97), fmt.Sprint("n", i%89)
		want[first] = append(want[first], i)
		if second != first {
			want[second] = append(want[second], i)
		}
		body = fmt.Appendf(body, `,{"NodeId":%q,"DisplayName":%q,"Value":%d}`, first, second, i)
	}
	is, err := NewContent(append([]byte("["), append(body[1:], ']')...)).itemsOf(opcSamples)
	assert.NoError(t, err)
	for name, items := range want {
		assert.Equal(t, items, slices.Collect(is.names.find(name)), name)
	}
	assert.Empty(t, slices.Collect(is.names.find("n97")))
}
