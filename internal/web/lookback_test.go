package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// looked stores a look at the timeline, as the engine would.
func (s *site) looked(post int64, look moment.ReadBack) {
	s.t.Helper()
	seen, err := json.Marshal(append([]moment.Seen{}, look.Seen...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.exec(`INSERT INTO read_backs (post_id, attempt, round, problem, message, found, seen, more) VALUES ($1, 1, $2, $3, $4, nullif($5, ''), $6, $7)`,
		post, look.Round, look.Problem, look.Message, look.Found, string(seen), look.More)
}

// Whoever has to decide sees what was on the timeline beside what was asked
// for, and takes a moment over with one step.
func TestDoubtIsDecidedByWhatWasSeen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	other := s.post(i, "other", nil)
	s.force(other, moment.Sent)
	p := s.post(i, "doubtful", nil)
	s.force(p, moment.Unknown)
	path := "/posts/" + id(p)
	s.get(path).has("Nothing was read back yet")
	taken := s.text(`SELECT moment_id FROM posts WHERE id = $1`, other)
	const near = "13367129656153944194"
	s.looked(p, moment.ReadBack{Round: 1, Problem: moment.ReadOffline})
	s.looked(p, moment.ReadBack{Round: 2, More: 4, Seen: []moment.Seen{
		{ID: "13367129656153944195", CreatedAt: time.Now(), Title: "<b>bold</b>", URL: "https://example.com/z", Differs: []string{"kind", "url", "title", "content"}},
		{ID: near, CreatedAt: time.Now(), Title: "doubtful", Content: "rewritten", URL: "https://example.com/shortened", Differs: []string{"url", "content"}},
		{ID: taken, CreatedAt: time.Now(), Title: "doubtful", URL: "https://example.com/a", Differs: []string{"content"}, Match: true},
		{ID: "13367129656153944196", CreatedAt: time.Now(), Title: "doubtful", Differs: []string{"account"}},
	}})
	page := s.get(path).want(http.StatusOK).has("1 of them are like", "was offline", "rewritten", "https://example.com/shortened", "Something else", "4 more", "no link card",
		"belongs to post", `href="`+path+`/found-sent?moment_id=`+near+`"`).lacks("<b>bold</b>", "found-sent?moment_id="+taken, "found-sent?moment_id=13367129656153944196")
	if strings.Index(page.body, near) > strings.Index(page.body, "13367129656153944195") {
		t.Error("what may be the post's own does not stand first")
	}
	s.do("viewer", http.MethodGet, path, nil).want(http.StatusOK).has("rewritten").lacks("found-sent?moment_id")

	form := s.get(path + "/found-sent?moment_id=" + near).want(http.StatusOK).has(`value="` + near + `"`)
	for _, bad := range []string{"0", "x", "-1", "99999999999999999999999", "%3Cb%3E", "007"} {
		s.get(path + "/found-sent?moment_id=" + bad).want(http.StatusOK).has(`name="moment_id" value=""`)
	}
	s.submit(path+"/found-sent", "version", form.field("version"), "moment_id", near, "reason", "seen").to(path)
	if got := s.text(`SELECT state || ' ' || moment_id FROM posts WHERE id = $1`, p); got != "sent "+near {
		t.Errorf("the post is %s", got)
	}
	s.get(path).has("What was read back", "2 rounds", "this post's own").lacks("found-sent?moment_id", "<details class=\"look-round\">")
	s.get("/posts/" + id(other)).lacks("What was read back")
}

// A copy can be begun of every post, by whoever may write; a post is edited
// where its state allows it only.
func TestCopyAndEditAreOfferedWhereTheyWork(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	for _, state := range []moment.State{moment.Draft, moment.Pending, moment.Scheduled, moment.Sending, moment.Sent, moment.Failed, moment.Unknown, moment.Missed, moment.Cancelled} {
		p := s.post(i, string(state), nil)
		s.force(p, state)
		path, clone := "/posts/"+id(p), `href="/posts/new?from=`+id(p)+`"`
		page := s.get(path).want(http.StatusOK).has(clone)
		_, refusal := state.After(moment.ActEdit)
		if offered := strings.Contains(page.body, `href="`+path+`/edit"`); offered != (refusal == nil) {
			t.Errorf("%s: edit offered: %v, allowed: %v", state, offered, refusal == nil)
		}
		want := http.StatusOK
		if refusal != nil {
			want = http.StatusConflict
		}
		s.get(path + "/edit").want(want)
		s.get("/posts/new?from=" + id(p)).want(http.StatusOK).has("text of " + string(state))
		s.do("viewer", http.MethodGet, path, nil).want(http.StatusOK).lacks(clone, path+"/edit")
	}
}
