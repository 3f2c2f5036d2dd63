package web

import (
	"slices"

	"momentcast/internal/moment"
)

// ruling is one decision of an approver, as the post's page shows it.
type ruling struct {
	moment.Approval
	Holds bool // the post may be sent under it
}

// rulingsOf are the rulings on a post, the latest first.
func rulingsOf(d *moment.PostDetail) []ruling {
	var out []ruling
	for i, a := range slices.Backward(d.Approvals) {
		out = append(out, ruling{a, i == len(d.Approvals)-1 && d.ApprovedHash != "" && a.Hash == d.ApprovedHash})
	}
	return out
}

// rejectionOf is why the draft was given back; nil where it was not, or is one
// no more.
func rejectionOf(d *moment.PostDetail) *moment.Approval {
	n := len(d.Approvals)
	if d.State != moment.Draft || n == 0 || d.Approvals[n-1].Ruling != moment.RuledRejected {
		return nil
	}
	return &d.Approvals[n-1]
}
