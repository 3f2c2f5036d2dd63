package web_test

import (
	"net/http"
	"testing"
)

// An account that is held after a failover says so everywhere, and goes on when
// somebody who has looked says so.
func TestAccountHeldAfterAFailover(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	path := "/instances/" + id(i)
	s.exec(`UPDATE history SET moved_at = now(), moved_from = now() - interval '10 minutes', moved_why = 'timeline'`)
	s.exec(`INSERT INTO unread_accounts (instance_id, since, read_at, problem) VALUES ($1, now(), now(), 'refused')`, i)
	s.exec(`UPDATE instances SET unread = true, ready_at = NULL, hold_reason = 'failover' WHERE id = $1`, i)
	s.get("/queue").want(http.StatusOK).has("moved to another server", "1 accounts are held", "could not be read")
	version := s.get(path).want(http.StatusOK).has("Held after a failover", "Release the account").field("version")
	s.submit(path+"/release", "version", version).want(http.StatusUnprocessableEntity).has("Please confirm that you have looked")
	s.submit(path+"/release", "version", "1000", "looked", "yes").want(http.StatusConflict)
	s.submit(path+"/release", "version", version, "looked", "yes").to(path)
	if got := s.text(`SELECT (NOT unread)::text || ' ' || (SELECT count(*) FROM unread_accounts) FROM instances`); got != "true 0" {
		t.Errorf("released: %s", got)
	}
}

// A reboot looks like an older copy, but most likely is none: the banner says so.
func TestBannerAfterARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.exec(`UPDATE history SET moved_at = now(), moved_from = now() - interval '10 minutes', moved_why = 'restart'`)
	s.exec(`INSERT INTO unread_accounts (instance_id, since, read_at) VALUES ($1, now(), now())`, i)
	s.exec(`UPDATE instances SET unread = true, ready_at = NULL, hold_reason = 'failover' WHERE id = $1`, i)
	s.get("/queue").want(http.StatusOK).has("started anew while no replica ran", "1 accounts are held").lacks("moved to another server")
}
