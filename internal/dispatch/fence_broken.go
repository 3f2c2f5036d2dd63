//go:build brokenfence

package dispatch

import (
	"slices"

	"momentcast/internal/moment"
)

// fenced calls everything that was claimed, whether or not its intent is
// committed. No release can be made of it: see mustBeBroken.
func fenced(begun []moment.Begun, claims []moment.Claim, w *watch) []moment.Begun {
	mustBeBroken()
	for _, c := range claims {
		if !slices.ContainsFunc(begun, func(b moment.Begun) bool { return b.ID == c.ID }) {
			begun = append(begun, moment.Begun{ID: c.ID, WID: (*w.sessions.Load())[c.WcID]})
		}
	}
	return begun
}
