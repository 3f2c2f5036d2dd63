package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestKeptDraftsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range keptMost + 5 {
		if err := w.db.SaveTyped(t.Context(), "lin", fmt.Sprint(n), map[string][]string{"title": {fmt.Sprint(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.db.SaveTyped(t.Context(), "wang", "0", nil); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](w, `SELECT count(*) FROM compose_autosaves WHERE actor = 'lin'`); n != keptMost {
		t.Errorf("%d are kept", n)
	}
	for form, want := range map[string]bool{"4": false, "5": true, fmt.Sprint(keptMost + 4): true} {
		if a, err := w.db.Typed(t.Context(), "lin", form); err != nil || (a != nil) != want {
			t.Errorf("form %s: %v, %v", form, a, err)
		}
	}
	if a, err := w.db.Typed(t.Context(), "wang", "0"); err != nil || a == nil {
		t.Errorf("of somebody else: %v, %v", a, err)
	}
}

func TestBulkChangeOfTheDisabledStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO users (name, roles, subject) VALUES ('boss', '{admin}', 'b'), ('lin', '{operator}', 'l')`)
	id := w.post(w.instance("one"), time.Hour)
	start := func(key, actor string) {
		t.Helper()
		j := moment.Job{Key: key, Kind: "cancel", By: who(actor), Back: "/queue"}
		if err := w.db.StartJob(t.Context(), j, []moment.JobItem{{PostID: id, Version: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	waits, runs, other := strings.Repeat("w", 26), strings.Repeat("r", 26), strings.Repeat("o", 26)
	start(waits, "lin")
	start(other, "boss")
	start(runs, "lin")
	w.exec(`UPDATE jobs SET state = 'running', token = 1, lease_until = now() + interval '1 hour' WHERE key = $1`, runs)
	disabled := one[int64](w, `SELECT id FROM users WHERE name = 'lin'`)
	if err := w.db.ChangeUser(t.Context(), disabled, 0, func(u *moment.User) error { u.Disabled = true; return nil }, who("boss")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{waits: "stopped true", runs: "running true", other: "waiting false"} {
		if got := one[string](w, `SELECT state || ' ' || stop FROM jobs WHERE key = $1`, key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
