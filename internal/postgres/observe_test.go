package postgres

import (
	"testing"
	"time"

	"momentcast/internal/moment"
)

func (w *world) observe(logins ...moment.Login) map[string]string {
	w.Helper()
	changes, err := w.db.Observe(w.Context(), logins, replica)
	if err != nil {
		w.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range changes {
		got[c.WcID] = c.What
	}
	return got
}

func (w *world) age(wcID string) time.Duration {
	w.Helper()
	return one[time.Duration](w, `SELECT now() - online_since FROM instances WHERE wc_id = $1`, wcID)
}

func TestOneMissingLookClosesTheGateTwoTakeItOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	p := w.post(inst, -time.Second)
	here := moment.Login{WcID: "a", WID: "w-a"}

	if got := w.observe(here); len(got) != 0 {
		t.Errorf("nothing changed, but %v", got)
	}
	if got := w.observe(); got["a"] != "missing" {
		t.Errorf("first look without it: %v", got)
	}
	if len(w.claim(1)) != 0 {
		t.Error("claimed though the last look missed the instance")
	}
	if got := w.observe(); got["a"] != "missing" {
		t.Errorf("a second look right after the first is the same look: %v", got)
	}
	if got := w.observe(here); got["a"] != "found" {
		t.Errorf("found again: %v", got)
	}
	if age := w.age("a"); age < 99*time.Hour {
		t.Errorf("a look that missed it restarted the clock: %v", age)
	}
	w.observe()
	w.exec(`UPDATE instances SET missing_since = now() - interval '5 seconds'`)
	if got := w.observe(); got["a"] != "offline" {
		t.Errorf("second look without it: %v", got)
	}
	if why := one[string](w, `SELECT hold_reason FROM instances`); why != "offline" {
		t.Errorf("held by %q, want offline", why)
	}
	if got := w.observe(here); got["a"] != "online" {
		t.Errorf("back: %v", got)
	}
	if claims := w.claim(1); len(claims) != 1 || claims[0].ID != p {
		t.Errorf("not sent after it came back: %+v", claims)
	}
}

func TestReloginKeepsTheClockOnlyForAWhile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		setup   string
		wID     string
		keeps   bool
		matured bool // an instant set by hand survives
	}{
		{"same session, long offline", `UPDATE instances SET online = false, offline_at = now() - interval '9 hours'`, "w-a", true, true},
		{"new session, seen a moment ago", ``, "w-2", true, true},
		{"new session, offline for 29 minutes", `UPDATE instances SET online = false, offline_at = now() - interval '29 minutes'`, "w-2", true, true},
		{"new session, offline for 31 minutes", `UPDATE instances SET online = false, offline_at = now() - interval '31 minutes'`, "w-2", false, false},
		{"new session, nobody looked for an hour", `UPDATE gateway_status SET observed_at = now() - interval '1 hour'`, "w-2", false, false},
		{"new session, setting off", `UPDATE settings SET relogin_keeps = '0'`, "w-2", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.instance("a")
			w.observe(moment.Login{WcID: "a", WID: "w-a"})
			w.exec(`UPDATE instances SET matured_at = now()`)
			if tc.setup != "" {
				w.exec(tc.setup)
			}
			w.observe(moment.Login{WcID: "a", WID: tc.wID})
			if kept := w.age("a") > time.Hour; kept != tc.keeps {
				t.Errorf("clock kept = %v, want %v", kept, tc.keeps)
			}
			if set := one[bool](w, `SELECT matured_at IS NOT NULL FROM instances`); set != tc.matured {
				t.Errorf("matured_at kept = %v, want %v", set, tc.matured)
			}
			if got := one[string](w, `SELECT w_id FROM instances`); got != tc.wID {
				t.Errorf("session %s, want %s", got, tc.wID)
			}
		})
	}
}

func TestAgeGateOpensByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	w.exec(`UPDATE settings SET online_age = '72 hours'`)
	w.exec(`UPDATE instances SET online_since = now() - interval '71 hours 59 minutes'`)
	p := w.post(inst, -time.Second)
	if len(w.claim(1)) != 0 {
		t.Fatal("claimed before 72 h")
	}
	if why := one[string](w, `SELECT hold_reason FROM instances`); why != "online_age" {
		t.Errorf("held by %q, want online_age", why)
	}
	until := one[time.Duration](w, `SELECT ready_at - now() FROM instances`)
	if until < 55*time.Second || until > time.Minute {
		t.Errorf("held for another %v, want a minute", until)
	}
	w.exec(`UPDATE instances SET online_since = online_since - interval '1 minute'`) // the minute has passed
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := w.claimed()
	if c.ID != p {
		t.Errorf("claimed %d, want %d", c.ID, p)
	}
}

func TestNextSendUsesTheNewLoginSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(w.instance("a"), -time.Second)
	claims := w.claim(1)
	w.observe(moment.Login{WcID: "a", WID: "w-new"}) // between claim and intent
	if begun := w.begin(claims...); len(begun) != 1 || begun[0].WID != "w-new" {
		t.Errorf("begun %+v, want through w-new", begun)
	}
}

func TestAdoptRegistersOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := moment.Origin{Actor: "ann", Source: "api"}
	logins := []moment.Login{{WcID: "wxid_1", WID: "s1"}, {WcID: "wxid_2", WID: "s2"}, {WcID: "bad id!", WID: "s3"}}
	for _, want := range []int{2, 0} {
		if n, err := w.db.Adopt(t.Context(), logins, by); err != nil || n != want {
			t.Errorf("Adopt = %d, %v; want %d", n, err, want)
		}
	}
	if n := one[int](w, `SELECT count(*) FROM instances WHERE online AND w_id <> '' AND online_since IS NOT NULL`); n != 2 {
		t.Errorf("%d instances online, want 2", n)
	}
}
