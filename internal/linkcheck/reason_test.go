package linkcheck

import (
	"slices"
	"testing"

	"momentcast/internal/lint"
)

// TestReasonsHaveTexts: lint turns reasons into findings by their names, and
// cannot know of a new one.
func TestReasonsHaveTexts(t *testing.T) {
	t.Parallel()
	for _, r := range Reasons() {
		for _, key := range []string{"reach." + string(r), "thumb.reach." + string(r)} {
			if !slices.Contains(lint.Keys(), key) {
				t.Errorf("lint has no text for %s", key)
			}
		}
	}
}
