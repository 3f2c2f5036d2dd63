package postgres

import (
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func (w *world) try(post int64, a moment.Act) error {
	w.Helper()
	_, err := w.db.ActOnPost(w.Context(), post, 0, a, moment.Origin{Actor: "ann", Source: "web"})
	return err
}

// openCases is how many posts of unknown outcome wait for a person, as every
// place that counts or lists them says.
func (w *world) openCases() int64 {
	w.Helper()
	st, err := w.db.Status(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	f, err := w.db.Figures(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	listed, _, err := w.db.Posts(w.Context(), moment.PostQuery{States: []moment.State{moment.Unknown}, Left: new(false), Limit: 10})
	if err != nil {
		w.Fatal(err)
	}
	if n := st.Posts[moment.Unknown]; n != f.Attention["unknown"] || n != int64(len(listed)) {
		w.Errorf("status counts %d, metrics %d, the list has %d", n, f.Attention["unknown"], len(listed))
	}
	return st.Posts[moment.Unknown]
}

func TestCaseThatWasLeftWaitsForNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(w.instance("a"), -1)
	c := w.claimed()
	w.record(c, moment.ActDoubt, "")
	if n := w.openCases(); n != 1 {
		t.Fatalf("%d open cases, want 1", n)
	}
	if err := w.try(c.ID, moment.Act{Action: moment.ActReopen}); moment.KindOf(err) != moment.Conflict {
		t.Errorf("an open case is reopened: %v", err)
	}
	if err := w.try(c.ID, moment.Act{Action: moment.ActLeave, Reason: "asked the account's owner"}); err != nil {
		t.Fatal(err)
	}
	w.want(c.ID, moment.Unknown)
	if n := w.openCases(); n != 0 {
		t.Errorf("%d open cases, want 0", n)
	}
	left, _, err := w.db.Posts(t.Context(), moment.PostQuery{Left: new(true), Limit: 10})
	if err != nil || len(left) != 1 || left[0].LeftAt.IsZero() {
		t.Errorf("closed cases %+v, %v", left, err)
	}
	if err := w.try(c.ID, moment.Act{Action: moment.ActLeave}); moment.KindOf(err) != moment.Conflict {
		t.Errorf("a closed case is closed: %v", err)
	}
	if err := w.try(c.ID, moment.Act{Action: moment.ActReopen}); err != nil {
		t.Fatal(err)
	}
	if n := w.openCases(); n != 1 {
		t.Errorf("%d open cases after it was reopened, want 1", n)
	}
}

// Whatever settles the outcome later settles the case: a person's word, a late
// success, another try.
func TestLeftCaseCanStillBeSettled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, settle := range map[string]func(moment.Claim) error{
		"found": func(c moment.Claim) error {
			return w.try(c.ID, moment.Act{Action: moment.ActFoundSent, MomentID: "77"})
		},
		"late success": func(c moment.Claim) error { w.record(c, moment.ActSucceed, "78"); return nil },
		"not sent": func(c moment.Claim) error {
			w.exec(`UPDATE posts SET call_until = now() - interval '1 minute' WHERE id = $1`, c.ID)
			return w.try(c.ID, moment.Act{Action: moment.ActNotSent})
		},
	} {
		w.post(w.instance(strings.ReplaceAll(name, " ", "_")), -1)
		c := w.claimed()
		w.record(c, moment.ActDoubt, "")
		if err := w.try(c.ID, moment.Act{Action: moment.ActLeave}); err != nil {
			t.Fatal(err)
		}
		if err := settle(c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s := w.state(c.ID); s == moment.Unknown || one[bool](w, `SELECT left_at IS NOT NULL FROM posts WHERE id = $1`, c.ID) {
			t.Errorf("%s: it is %s, and still a closed case", name, s)
		}
		w.exec(`UPDATE posts SET due_at = now() + interval '1 day', miss_at = NULL WHERE id = $1`, c.ID)
		if err := w.db.RefreshAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A comment has nothing to stand below once its post was taken back.
func TestRecallEndsACommentThatHadNoTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(&moment.Post{InstanceID: w.instance("a"), FirstComment: "first!", DueAt: time.Now().Add(-time.Second)})
	c := w.claimed()
	w.record(c, moment.ActSucceed, "5")
	if err := w.try(c.ID, moment.Act{Action: moment.ActRecall, Recall: moment.RecallDelete}); err != nil {
		t.Fatal(err)
	}
	if got := one[string](w, `SELECT state || coalesce(due_at::text, '') FROM first_comments WHERE post_id = $1`, c.ID); got != "failed" {
		t.Errorf("the comment is %s, want failed", got)
	}
}
