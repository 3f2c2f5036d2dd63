package postgres

import (
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func (w *world) stand() moment.HistoryMove {
	w.Helper()
	m, err := w.db.Stand(w.Context(), replica, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
	return m
}

// moveTo makes the database believe that it worked on another timeline before.
func (w *world) moveTo(timeline string) {
	w.Helper()
	w.exec(`UPDATE history SET timeline = $1`, timeline)
}

// Nothing is claimed and nothing begins between a move and what is done about it.
func TestMovedHistoryHoldsBeforeAnybodyHasNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.instance("a"), w.instance("b")
	w.post(first, -time.Second)
	w.post(second, -time.Second)
	if m := w.stand(); m.Moved {
		t.Errorf("a new database has moved: %+v", m)
	}
	claims := w.claim(1)
	w.moveTo("000000FF")
	if begun := w.begin(claims...); len(begun) != 0 {
		t.Errorf("began %v on another history", begun)
	}
	if more := w.claim(1); len(more) != 0 {
		t.Errorf("claimed %v on another history", more)
	}
	if _, ok, err := w.db.NextReady(t.Context()); ok || err != nil {
		t.Errorf("somebody is ready: %v", err)
	}
	m := w.stand()
	if !m.Moved || m.Why != moment.MovedTimeline || m.Accounts != 2 || m.Paused {
		t.Errorf("noticed %+v", m)
	}
	if again := w.stand(); again.Moved {
		t.Errorf("noticed twice: %+v", again)
	}
	if more := w.claim(2); len(more) != 0 {
		t.Errorf("claimed %v before the accounts were read", more)
	}
}

// An account goes on when its timeline was read, with what was found on it.
func TestUnreadAccountGoesOnWhenRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("a")
	sent, left := w.post(i, -time.Minute), w.post(i, -time.Second)
	w.stand()
	w.moveTo("000000FF")
	w.stand()
	if list, err := w.db.TakeUnread(t.Context(), 8, time.Minute); err != nil || len(list) != 0 {
		t.Fatalf("read before the last call can have ended: %v, %v", list, err)
	}
	w.exec(`UPDATE unread_accounts SET read_at = now()`)
	list, err := w.db.TakeUnread(t.Context(), 8, time.Minute)
	if err != nil || len(list) != 1 || len(list[0].Posts) != 2 || list[0].Posts[0].ID != sent {
		t.Fatalf("taken %+v, %v", list, err)
	}
	credit := []moment.Credit{{PostID: sent, Moment: moment.StoredMoment{ID: "77", WcID: "a", CreatedAt: time.Now()}}}
	if err := w.db.SettleUnread(t.Context(), list[0], credit, replica); err != nil {
		t.Fatal(err)
	}
	if got := one[string](w, `SELECT state::text || ' ' || moment_id FROM posts WHERE id = $1`, sent); got != "sent 77" {
		t.Errorf("the found post is %s", got)
	}
	w.exec(`UPDATE instances SET next_slot_at = '-infinity', sent_count = 0`)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if claims := w.claim(2); len(claims) != 1 || claims[0].ID != left {
		t.Errorf("claimed %v, want post %d", claims, left)
	}
}

// A database that lacks what this process has seen in it was put back.
func TestHistoryThatWentBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(w.instance("a"), -time.Second)
	w.stand()
	if err := w.db.Heartbeat(t.Context(), replica, "", 0); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE history SET alive_at = alive_at - interval '1 minute'`)
	if claims := w.claim(1); len(claims) != 0 {
		t.Errorf("claimed %v", claims)
	}
	if m := w.stand(); m.Why != moment.MovedBack || m.Accounts != 1 || m.Paused {
		t.Errorf("noticed %+v", m)
	}
	w.exec(`UPDATE history SET alive_at = alive_at - interval '1 hour'`)
	if m := w.stand(); m.Why != moment.MovedBack || !m.Paused {
		t.Errorf("an hour is missing: %+v", m)
	}
	if reason := one[string](w, `SELECT paused_reason FROM settings`); !strings.Contains(reason, "restored backup") {
		t.Errorf("paused for %q", reason)
	}
}

// A server that keeps its timeline to itself is worked on all the same.
func TestTimelineThatIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(w.instance("a"), -time.Second)
	w.exec(`CREATE OR REPLACE FUNCTION this_timeline() RETURNS text LANGUAGE sql STABLE AS $$ SELECT '' $$`)
	if m := w.stand(); m.Moved {
		t.Errorf("moved: %+v", m)
	}
	h, err := w.db.Health(t.Context())
	if err != nil || h.Failover.Told {
		t.Errorf("health says %+v, %v", h.Failover, err)
	}
	if claims := w.claim(1); len(claims) != 1 {
		t.Errorf("claimed %v", claims)
	}
}

// What a replica remembers is told to a server that has lost it, once.
func TestOutcomesAreRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("a")
	id := w.post(i, -time.Second)
	o := moment.Outcome{
		Claim:  moment.Claim{Ref: moment.Ref{ID: id, Token: 9}, InstanceID: i, WcID: "a", Attempt: 1},
		Action: moment.ActSucceed, Result: moment.Result{Verdict: moment.Delivered, MomentID: "55"}, Begun: time.Now(),
	}
	for _, want := range []int{1, 0} {
		if n, err := w.db.Restore(t.Context(), []moment.Outcome{o}); err != nil || n != want {
			t.Errorf("restored %d, %v; want %d", n, err, want)
		}
	}
	if got := one[string](w, `SELECT state::text || ' ' || moment_id || ' ' || attempt FROM posts WHERE id = $1`, id); got != "sent 55 1" {
		t.Errorf("the post is %s", got)
	}
	if n := one[int](w, `SELECT count(*) FROM attempts WHERE post_id = $1`, id); n != 1 {
		t.Errorf("%d attempts", n)
	}
	doubt := w.post(i, -time.Second)
	o.Claim.ID, o.Action, o.Result = doubt, moment.ActDoubt, moment.Result{Verdict: moment.InDoubt, Message: "reset"}
	if n, err := w.db.Restore(t.Context(), []moment.Outcome{o}); err != nil || n != 1 {
		t.Errorf("restored %d, %v", n, err)
	}
	if got := one[string](w, `SELECT state::text FROM posts WHERE id = $1`, doubt); got != "unknown" {
		t.Errorf("the doubtful post is %s", got)
	}
}
