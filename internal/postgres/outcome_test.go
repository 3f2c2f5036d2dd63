package postgres

import (
	"fmt"
	"time"

	"momentcast/internal/moment"
)

type outcomeFor struct{ post, instance int64 }

// outcomesOf are the parameters that record successes of claims with token 1.
func outcomesOf(posts []outcomeFor) []any {
	out := make([]moment.Outcome, len(posts))
	for i, p := range posts {
		out[i] = moment.Outcome{
			Claim:  moment.Claim{Ref: moment.Ref{ID: p.post, Token: 1}, InstanceID: p.instance},
			Action: moment.ActSucceed,
			Result: moment.Result{Verdict: moment.Delivered, MomentID: fmt.Sprint(1_000_000_000 + p.post), Created: time.Now()},
		}
	}
	return outcomeColumns(out)
}
