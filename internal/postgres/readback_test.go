package postgres

import (
	"testing"
	"time"

	"momentcast/internal/moment"
)

func (w *world) readBacks(post int64) []moment.ReadBack {
	w.Helper()
	d, err := w.db.PostDetail(w.Context(), post)
	if err != nil {
		w.Fatal(err)
	}
	return d.ReadBacks
}

func (w *world) keep(d moment.Doubt, look moment.ReadBack, next time.Duration) {
	w.Helper()
	if err := w.db.KeepDoubt(w.Context(), d, look, next, replica); err != nil {
		w.Fatal(err)
	}
}

// Each round leaves what it saw; one that could not be read is told from its
// last try.
func TestReadBacksAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	other := w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActSucceed, "77")
	w.exec(`UPDATE instances SET next_slot_at = now() WHERE id = $1`, inst)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActDoubt, "")

	w.keep(w.doubt(), moment.ReadBack{Round: 1, Problem: moment.ReadOffline}, time.Second)
	w.keep(w.doubt(), moment.ReadBack{Round: 1, Problem: "unavailable", Message: "no\x00 answer \xff"}, time.Second)
	if got := w.readBacks(p); len(got) != 1 || got[0].Problem != "unavailable" || got[0].Message != "no answer \uFFFD" {
		t.Fatalf("after two tries of one round: %+v", got)
	}
	hostile := moment.Seen{ID: "78", CreatedAt: time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC), Title: "a\x00\xff<b>", Differs: []string{"url"}}
	w.keep(w.doubt(), moment.ReadBack{Round: 1, Seen: []moment.Seen{hostile, {ID: "77", Differs: []string{"time"}}}, More: 3}, time.Minute)
	got := w.readBacks(p)
	if len(got) != 1 || got[0].Problem != "" || got[0].More != 3 || len(got[0].Seen) != 2 || got[0].Attempt != 1 {
		t.Fatalf("after the round: %+v", got)
	}
	if s := got[0].Seen; s[0].Title != "a\uFFFD<b>" || s[0].PostID != 0 || s[1].PostID != other {
		t.Errorf("seen %+v; 77 is of post %d", s, other)
	}

	d := w.doubt()
	if err := w.db.FoundDoubt(t.Context(), d, moment.StoredMoment{ID: "79"}, moment.ReadBack{Round: 2, Found: "79", Seen: []moment.Seen{{ID: "79", Match: true}}}, replica); err != nil {
		t.Fatal(err)
	}
	w.want(p, moment.Sent)
	got = w.readBacks(p)
	if len(got) != 2 || got[1].Round != 2 || got[1].Found != "79" || got[1].Seen[0].PostID != p {
		t.Errorf("after it was found: %+v", got)
	}
	w.keep(d, moment.ReadBack{Round: 3}, time.Minute) // a second replica, too late
	if n := len(w.readBacks(p)); n != 2 {
		t.Errorf("%d rounds after the doubt was settled", n)
	}
}

// What a read-back saw is stored with what follows from it, or neither is.
func TestReadBackIsKeptWithItsOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActSucceed, "5")
	w.exec(`UPDATE instances SET next_slot_at = now() WHERE id = $1`, inst)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActDoubt, "")
	d := w.doubt()
	err := w.db.FoundDoubt(t.Context(), d, moment.StoredMoment{ID: "5"}, moment.ReadBack{Round: 1, Found: "5"}, replica)
	if moment.KindOf(err) != moment.Conflict {
		t.Errorf("a moment of another post was taken: %v", err)
	}
	w.want(p, moment.Unknown)
	if got := w.readBacks(p); len(got) != 0 {
		t.Errorf("kept without its outcome: %+v", got)
	}

	w.exec(`UPDATE settings SET auto_resend = true`)
	for _, step := range []struct {
		quarantine time.Duration
		kept       int
	}{{time.Hour, 0}, {-time.Hour, 1}} {
		resent, err := w.db.Resend(t.Context(), d, moment.ReadBack{Round: 7}, step.quarantine, replica)
		if n := len(w.readBacks(p)); err != nil || resent != (step.kept == 1) || n != step.kept {
			t.Errorf("quarantine %v: resent %v, %v, %d rounds kept", step.quarantine, resent, err, n)
		}
	}
}
