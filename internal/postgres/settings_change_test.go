package postgres

import (
	"sync"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// Of two changes made on the same version one is stored, whole.
func TestSettingsAreNotOverwritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var errs [8]error
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() {
			errs[n] = w.db.ChangeSettings(t.Context(), 1, func(s *moment.Settings) error { s.Pacing.DailyCap = n + 1; return nil }, person)
		})
	}
	all.Wait()
	stored := 0
	for _, err := range errs {
		switch moment.KindOf(err) {
		case "":
			stored++
		case moment.Precondition:
		default:
			t.Error(err)
		}
	}
	if stored != 1 || one[int64](w, `SELECT count(*) FROM events WHERE action = 'settings'`) != 1 {
		t.Errorf("%d were stored", stored)
	}
}

func TestTrySettingsStoresNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	later, offline := w.instance("later"), w.instance("offline")
	w.exec(`UPDATE instances SET online = false WHERE id = $1`, offline)
	w.post(later, time.Minute)
	w.post(offline, time.Minute)
	before := one[string](w, `SELECT settings::text || (SELECT string_agg(i::text, '' ORDER BY id) FROM instances i) FROM settings`)
	age := func(d time.Duration) func(*moment.Settings) error {
		return func(s *moment.Settings) error { s.Pacing.OnlineAge = d; return nil }
	}
	for d, want := range map[time.Duration]int{0: 0, time.Hour: 0, 200 * time.Hour: 1} {
		if n, earlier, err := w.db.TrySettings(t.Context(), age(d)); n != want || earlier != 0 || err != nil {
			t.Errorf("%s: %d later, %d earlier, %v", d, n, earlier, err)
		}
	}
	if _, _, err := w.db.TrySettings(t.Context(), age(-1)); moment.KindOf(err) != moment.Invalid {
		t.Error(err)
	}
	if got := one[string](w, `SELECT settings::text || (SELECT string_agg(i::text, '' ORDER BY id) FROM instances i) FROM settings`); got != before {
		t.Errorf("was %s, is %s", before, got)
	}
}
