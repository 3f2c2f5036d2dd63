//go:build brokendoubt

package dispatch

import "momentcast/internal/moment"

// judged takes a call without a clear answer for one that never left, and so
// has it made again, as a usual queue does. No release can be made of it: see
// mustBeBroken.
func judged(r moment.Result) moment.Result {
	mustBeBroken()
	if r.Verdict == moment.InDoubt {
		r.Verdict = moment.NeverLeft
	}
	return r
}
