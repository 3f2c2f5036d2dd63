package auth_test

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
)

func TestSetUpOnceUnderRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, err := w.auth.SetupSecret(t.Context())
	if err != nil || len(secret) < 26 {
		t.Fatal(secret, err)
	}
	// Another replica tells the same.
	other := auth.New(auth.Config{Store: w.db, Log: zerolog.Nop()})
	if again, err := other.SetupSecret(t.Context()); again != secret || err != nil {
		t.Error(again, err)
	}
	for _, wrong := range []string{"", "x", secret + "x"} {
		if status, _, _ := w.browser().do("POST", "/setup", "secret", wrong, "name", "mallory", "password", password); status != 422 {
			t.Errorf("%q: %d", wrong, status)
		}
	}
	var done, late atomic.Int32
	var all sync.WaitGroup
	for n := range 8 {
		b := w.browser()
		all.Go(func() {
			switch status, body, _ := b.do("POST", "/setup", "secret", secret, "name", numbered("boss", n), "password", password); status {
			case 200:
				done.Add(1)
				b.is(numbered("boss", n))
			case 409:
				late.Add(1)
				b.is("")
			default:
				t.Error(status, body)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || late.Load() != 7 {
		t.Errorf("%d set-ups succeeded, %d came late", done.Load(), late.Load())
	}
	if n := w.one(`SELECT count(*) FROM users WHERE roles = '{admin}'`); n != 1 {
		t.Errorf("%d administrators", n)
	}
	if s, err := w.auth.SetupSecret(t.Context()); s != "" || err != nil {
		t.Error("there is a secret again", err)
	}
}

func TestBootstrapAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := moment.System("one")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\nmore"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "boss", "boss:", ":" + password, "boss:short", "boss:@/nowhere", "b:" + password} {
		if made, err := w.auth.Bootstrap(t.Context(), bad, by); made || err == nil {
			t.Errorf("%q: %v", bad, made)
		}
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for range 4 { // replicas that start at once
		all.Go(func() {
			if ok, err := w.auth.Bootstrap(t.Context(), "boss:@"+file, by); err != nil {
				t.Error(err)
			} else if ok {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
	w.browser().login("boss", password, 200)
	if ok, err := w.auth.Bootstrap(t.Context(), "second:"+password, by); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.user("boss", moment.RoleAdmin), w.user("deputy", moment.RoleAdmin)
	errs := make(chan error, 2)
	var all sync.WaitGroup
	for _, u := range []moment.User{a, b} { // each disabled by somebody who sees the other
		all.Go(func() {
			errs <- w.db.ChangeUser(t.Context(), u.ID, u.Version, func(u *moment.User) error { u.Disabled = true; return nil }, moment.Origin{Actor: "x", Source: "web"})
		})
	}
	all.Wait()
	kinds := map[moment.Kind]int{moment.KindOf(<-errs): 1}
	kinds[moment.KindOf(<-errs)]++
	if kinds[""] != 1 || kinds[moment.Conflict] != 1 {
		t.Errorf("%v", kinds)
	}
}
