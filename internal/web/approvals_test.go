package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// pending adds a post that waits for approval. Whoever visits is "lin".
func (s *site) pending(instance int64, author, title string, change func(*moment.Post)) int64 {
	s.t.Helper()
	s.exec(`UPDATE settings SET require_approval = true`)
	p := s.post(instance, title, func(p *moment.Post) {
		p.Author = author
		if change != nil {
			change(p)
		}
	})
	if got := s.state(p); got != "pending" {
		s.t.Fatalf("post %d is %s", p, got)
	}
	return p
}

func by(name string) moment.Origin { return moment.Origin{Actor: name, Source: "web"} }

// rule acts on the post as somebody else.
func (s *site) rule(post int64, a moment.Act, as string) {
	s.t.Helper()
	if _, err := s.db.ActOnPost(s.t.Context(), post, 0, a, by(as)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) retitle(post int64, title, as string) {
	s.t.Helper()
	err := s.db.EditPost(context.Background(), post, 0, func(p *moment.Post) error { p.Card.Title = title; return nil }, by(as))
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestApproverReviewsOneAfterAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	first := s.pending(i, "wang", "秋茶上新", func(p *moment.Post) { p.DueAt = time.Now().Add(20*time.Minute + 30*time.Second) })
	second := s.pending(i, "wang", "Second", nil)
	p := s.do("approver", http.MethodGet, "/approvals", nil).want(http.StatusOK)
	p.has(`name="next" value="`+id(second)+`"`, "2 waiting for approval", "秋茶上新", "Second", "Tea house", "wang", "Due soon", "in 20 min", "Submitted for the first time", "All contacts", `<span class="count">2</span>`)
	form := map[string][]string{"version": {p.field("version")}, "hash": {p.field("hash")}, "next": {id(second)}}
	s.do("approver", http.MethodPost, "/approvals/"+id(first)+"/approve", form).to("/approvals?post=" + id(second))
	if s.state(first) != "scheduled" || s.state(second) != "pending" || s.engine.wakes == 0 {
		t.Errorf("%s, %s", s.state(first), s.state(second))
	}
	s.do("approver", http.MethodPost, "/approvals/"+id(first)+"/approve", form).want(http.StatusConflict) // sent twice
	s.get("/approvals?post="+id(first)).has("does not wait for approval any more", "Second")
	path := "/approvals/" + id(second) + "/reject"
	s.submit(path, "version", "1", "reason", " ").want(http.StatusUnprocessableEntity).has("Please fill this in")
	s.submit(path, "version", "1", "reason", strings.Repeat("长", 501)).want(http.StatusUnprocessableEntity).has("Longer than 500")
	s.submit(path, "version", "1", "reason", "链接打不开").to("/approvals")
	s.get("/approvals").want(http.StatusOK).has("Nothing waits for approval")
	s.get("/posts/"+id(second)).want(http.StatusOK).has("Rejected by lin", "链接打不开", "Approvals", "rejected")
	s.get("/posts/"+id(first)).has("Approvals", "approved", "The approval holds until").lacks("Rejected by")
}

func TestNobodyApprovesWhatWasNotSeen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	post := s.pending(i, "wang", "as seen", nil)
	path := "/approvals/" + id(post) + "/approve"
	p := s.get("/approvals")
	s.submit(path).want(http.StatusUnprocessableEntity)
	s.submit(path, "version", "1").want(http.StatusUnprocessableEntity)
	s.submit(path, "version", "x", "hash", "\x00\xff").want(http.StatusUnprocessableEntity)
	s.submit(path, "version", "1", "hash", "1:"+strings.Repeat("0", 64)).want(http.StatusConflict)
	s.retitle(post, "changed meanwhile", "wang")
	s.submit(path, "version", p.field("version"), "hash", p.field("hash")).want(http.StatusConflict).has("changed meanwhile", "somebody changed it")
	s.submit(path, "version", "2", "hash", p.field("hash")).want(http.StatusConflict).has("changed after you looked")
	if s.state(post) != "pending" {
		t.Error("it was released")
	}
	s.submit("/approvals/999/approve", "version", "1", "hash", "1:0").want(http.StatusNotFound)
	s.get("/approvals?post=999").has("#999 does not wait")
	s.get("/approvals?post=-1&after=%00").want(http.StatusOK)
}

func TestOwnPostsSayWhyNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	own, edited := s.pending(i, "lin", "own", nil), s.pending(i, "wang", "edited", nil)
	s.retitle(edited, "by lin", "lin")
	s.get("/approvals?post="+id(own)).has("You wrote it; somebody else has to approve it").lacks("data-approve", `name="id"`)
	s.get("/approvals?post="+id(edited)).has("You edited it since it was last approved", "Edited by").lacks("data-approve")
	byToken := s.pending(i, "crm", "by a token", nil)
	s.exec(`UPDATE posts SET source = 'api' WHERE id = $1`, byToken)
	s.exec(`INSERT INTO api_tokens (name, hash, scopes, created_by) VALUES ('crm', sha256('x'), '{write}', 'lin')`)
	s.get("/approvals?post=" + id(byToken)).has("A token that you set up wrote or edited it").lacks("data-approve")
	p := s.submit("/approvals/"+id(own)+"/approve", "version", "1", "hash", s.hash(own))
	p.want(http.StatusForbidden).has("You wrote it")
	s.exec(`UPDATE settings SET own_approval = true`)
	pause(1100 * time.Millisecond) // pages know the settings for a second
	s.get("/approvals?post=" + id(own)).has("data-approve")
	s.submit("/approvals/"+id(own)+"/approve", "version", "1", "hash", s.hash(own)).to("/approvals")
}

// hash names the post's content as it is now.
func (s *site) hash(post int64) string {
	s.t.Helper()
	v, err := s.db.Post(s.t.Context(), post)
	if err != nil {
		s.t.Fatal(err)
	}
	return v.ContentHash()
}

func TestReviewShowsWhatChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.pending(s.instance("wxid_a", "a"), "wang", "秋茶上新 New tea", nil)
	s.rule(post, moment.Act{Action: moment.ActApprove}, "boss")
	s.retitle(post, "秋茶已上市 New teas", "wang")
	if s.state(post) != "pending" {
		t.Fatal("an approved post was edited and still leaves")
	}
	s.get("/approvals").has("Since the last ruling", "boss", `<ins><span class="visually-hidden">added: </span>已`,
		`<del><span class="visually-hidden">removed: </span>tea</del>`, `</span>teas</ins>`)
	s.retitle(post, "秋茶上新 New tea", "wang")
	s.get("/approvals").has("It is what it was at the last ruling")
	s.get("/posts/" + id(post)).has("void by now")
}

func TestOverdueApprovalSaysWhatHappens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	late := s.pending(i, "wang", "late", func(p *moment.Post) { p.DueAt = time.Now().Add(-10 * time.Minute) })
	missed := s.pending(i, "wang", "missed", func(p *moment.Post) { p.DueAt = time.Now().Add(-time.Hour) })
	far := s.pending(i, "wang", "far", func(p *moment.Post) { p.DueAt = time.Now().Add(60 * 24 * time.Hour) })
	s.get("/approvals?post="+id(late)).has("sent at once, and late", "Its time has passed", "/posts/"+id(late)+"/reschedule")
	s.get("/approvals?post=" + id(missed)).has("becomes missed at once")
	s.do("approver", http.MethodGet, "/approvals?post="+id(missed), nil).lacks("/reschedule") // not theirs to do
	s.get("/approvals?post=" + id(far)).has("due after the approval has expired")
}

func TestBulkApprovesWhatWasSeen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	a, changed, own, c := s.pending(i, "wang", "a", nil), s.pending(i, "wang", "b", nil), s.pending(i, "lin", "own", nil), s.pending(i, "wang", "c", nil)
	fields := []string{"key", s.get("/approvals").field("key")}
	for _, post := range []int64{a, changed, own} {
		fields = append(fields, "id", id(post)+"."+s.hash(post))
	}
	s.retitle(changed, "another text", "wang")
	s.settled(s.submit("/approvals/bulk", fields...)).has("1 changed, 2 were not", "#"+id(changed), "changed after you looked", "#"+id(own), "You wrote it")
	for post, want := range map[int64]string{a: "scheduled", changed: "pending", own: "pending", c: "pending"} {
		if got := s.state(post); got != want {
			t.Errorf("post %d is %s, want %s", post, got, want)
		}
	}
	s.settled(s.submit("/approvals/bulk", fields...)).has("1 changed, 2 were not") // the same form is the same job
	s.submit("/approvals/bulk", "key", strings.Repeat("k", 30)).to("/approvals")
	s.submit("/approvals/bulk", "key", "short", "id", id(c)+"."+s.hash(c)).want(http.StatusUnprocessableEntity)
	s.settled(s.submit("/approvals/bulk", "key", strings.Repeat("h", 30), "id", "x.y", "id", id(c), "id", id(c)+".2:x", "id", "\x00")).has("0 changed, 4 were not")
	if s.state(c) != "pending" {
		t.Error("released without its hash")
	}
}
