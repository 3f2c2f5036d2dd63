package auth_test

import (
	"context"
	"testing"

	"momentcast/internal/moment"
)

func (w *world) exec(q string, args ...any) {
	w.Helper()
	if _, err := w.conn.Exec(w.Context(), q, args...); err != nil {
		w.Fatal(err)
	}
}

func (w *world) change(id int64, how func(*moment.User)) {
	w.Helper()
	err := w.db.ChangeUser(w.Context(), id, 0, func(u *moment.User) error { how(u); return nil }, moment.Origin{Actor: "boss", Source: "cli"})
	if err != nil {
		w.Fatal(err)
	}
}

func TestDisabledPeopleAreOutAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("ann", moment.RoleEditor)
	w.user("boss", moment.RoleAdmin)
	b := w.browser()
	b.login("ann", password, 200)
	w.change(u.ID, func(u *moment.User) { u.Disabled = true })
	b.is("")
	w.change(u.ID, func(u *moment.User) { u.Disabled = false })
	b.is("") // the old session is not back
	b.login("ann", password, 200)
	// Were the row there by some mistake, it would still not be believed.
	w.exec(`UPDATE users SET disabled_at = now() WHERE id = $1`, u.ID)
	b.is("")
}

func TestRolesChangeWithTheNextRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("ann", moment.RoleViewer)
	b := w.browser()
	b.login("ann", password, 200)
	w.change(u.ID, func(u *moment.User) { u.Roles = []moment.Role{moment.RoleApprover} })
	got, err := w.db.UserByName(t.Context(), "ann")
	if err != nil || !got.May(moment.PermApprove) {
		t.Error(got, err)
	}
	b.is("ann")
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	here, there := w.browser(), w.browser()
	here.login("ann", password, 200)
	there.login("ann", password, 200)
	for form, want := range map[[2]string]int{
		{"wrong password", "a new password"}: 422,
		{password, "short"}:                  422,
		{password, "1234567890"}:             422,
	} {
		if status, body, _ := here.do("POST", "/password", "old", form[0], "password", form[1]); status != want {
			t.Errorf("%v: %d %s", form, status, body)
		}
	}
	there.is("ann")
	if status, body, _ := here.do("POST", "/password", "old", password, "password", "a new password"); status != 200 {
		t.Fatal(status, body)
	}
	here.is("ann")
	there.is("")
	there.login("ann", password, 401)
	there.login("ann", "a new password", 200)
	if n := w.one(`SELECT count(*) FROM events WHERE action = 'password_set' AND actor = 'ann'`); n != 1 {
		t.Error("the change is not in the audit trail")
	}
	if n := w.one(`SELECT count(*) FROM events WHERE detail::text LIKE '%argon2%' OR detail::text LIKE '%password%'`); n != 0 {
		t.Error("the audit trail has secrets")
	}
}

func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	w.user("bob", moment.RoleViewer)
	a1, a2, b := w.browser(), w.browser(), w.browser()
	a1.login("ann", password, 200)
	a2.login("ann", password, 200)
	b.login("bob", password, 200)
	a1.do("POST", "/everywhere")
	a1.is("")
	a2.is("")
	b.is("bob")
}

func TestNobodyEndsSessionsOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.user("ann", moment.RoleViewer), w.user("bob", moment.RoleViewer)
	b := w.browser()
	b.login("bob", password, 200)
	list, err := w.db.Sessions(t.Context(), bob.ID)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if err := w.db.EndSessionOf(t.Context(), ann.ID, list[0].ID, moment.Origin{Actor: "ann", Source: "web"}); err != nil {
		t.Error(err)
	}
	b.is("bob")
	if err := w.db.EndSessionOf(t.Context(), bob.ID, list[0].ID, moment.Origin{Actor: "bob", Source: "web"}); err != nil {
		t.Error(err)
	}
	b.is("")
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	b := w.browser()
	b.login("ann", password, 200)
	// Eleven idle hours are taken and begin anew.
	w.exec(`UPDATE sessions SET last_seen_at = now() - interval '11 hours', expires_at = now() + interval '1 hour'`)
	b.is("ann")
	if n := w.one(`SELECT count(*) FROM sessions WHERE expires_at > now() + interval '11 hours' AND last_seen_at > now() - interval '1 minute'`); n != 1 {
		t.Error("use does not prolong")
	}
	// The last day has no twelve hours more.
	w.exec(`UPDATE sessions SET created_at = now() - interval '13 days 23 hours', last_seen_at = now() - interval '1 hour', expires_at = now() + interval '30 minutes'`)
	b.is("ann")
	if n := w.one(`SELECT count(*) FROM sessions WHERE expires_at = created_at + interval '14 days'`); n != 1 {
		t.Error("use prolongs beyond two weeks")
	}
	w.exec(`UPDATE sessions SET expires_at = now() - interval '1 second'`)
	b.is("")
	if err := w.db.SweepSessions(t.Context()); err != nil || w.one(`SELECT count(*) FROM sessions`) != 0 {
		t.Error("what is over is not swept", err)
	}
}

func TestEndedSessionIsNotBroughtBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	b := w.browser()
	b.login("ann", password, 200)
	list, err := w.db.Sessions(t.Context(), 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	b.do("POST", "/everywhere")
	// A request that was under way stores its data now.
	if err := w.db.KeepSession(context.Background(), list[0].Hash, list[0].Data); err != nil {
		t.Error(err)
	}
	if n := w.one(`SELECT count(*) FROM sessions`); n != 0 {
		t.Error("the session is back")
	}
}

func TestLoginThatCrossesAPasswordChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("ann", moment.RoleViewer)
	cred, err := w.db.TryLogin(t.Context(), "ann") // the old password is compared …
	if err != nil {
		t.Fatal(err)
	}
	if err := w.auth.ResetPassword(t.Context(), u.ID, "a new password", moment.Origin{Actor: "boss", Source: "cli"}); err != nil {
		t.Fatal(err)
	}
	_, err = w.db.SignIn(t.Context(), moment.SignIn{UserID: u.ID, Hash: cred.Hash, Session: moment.Session{Data: []byte{1}}})
	if moment.KindOf(err) != moment.Unauthenticated {
		t.Errorf("… and opens a session after it was replaced: %v", err)
	}
}

func TestNobodyIsKnownWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	b := w.browser()
	b.login("ann", password, 200)
	w.db.Close()
	b.is("")
	b.login("ann", password, 500)
}
