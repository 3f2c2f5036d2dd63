package postgres

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
)

// who is a person at a page.
func who(name string) moment.Origin { return moment.Origin{Actor: name, Source: "web"} }

// needsApproval is a world where posts wait for an approver. Their author is
// "tester".
func needsApproval(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.exec(`UPDATE settings SET require_approval = true`)
	return w
}

func (w *world) actBy(id int64, a moment.Act, by string) error {
	w.Helper()
	_, err := w.db.ActOnPost(w.Context(), id, 0, a, who(by))
	return err
}

func (w *world) approve(id int64) {
	w.Helper()
	if err := w.actBy(id, moment.Act{Action: moment.ActApprove}, "boss"); err != nil {
		w.Fatal(err)
	}
}

func (w *world) retitle(id int64, title, by string) error {
	w.Helper()
	return w.db.EditPost(w.Context(), id, 0, func(p *moment.Post) error { p.Card.Title = title; return nil }, who(by))
}

func (w *world) detail(id int64) *moment.PostDetail {
	w.Helper()
	d, err := w.db.PostDetail(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func TestApprovalReleasesWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	id := w.post(w.instance("one"), -time.Second)
	if got := w.state(id); got != moment.Pending {
		t.Fatalf("%s, want pending", got)
	}
	seen := w.detail(id).ContentHash()
	if err := w.retitle(id, "another", "tester"); err != nil {
		t.Fatal(err)
	}
	if err := w.actBy(id, moment.Act{Action: moment.ActApprove, Hash: seen}, "boss"); moment.KindOf(err) != moment.Precondition {
		t.Fatalf("approved what was not seen: %v", err)
	}
	seen = w.detail(id).ContentHash()
	if err := w.actBy(id, moment.Act{Action: moment.ActApprove, Hash: seen}, "boss"); err != nil {
		t.Fatal(err)
	}
	d := w.detail(id)
	if d.State != moment.Scheduled || d.ApprovedHash != seen || len(d.Approvals) != 1 {
		t.Fatalf("%s %q, %d rulings", d.State, d.ApprovedHash, len(d.Approvals))
	}
	a := d.Approvals[0]
	if a.Ruling != moment.RuledApproved || a.By != "boss" || a.Hash != seen || a.Content.Card.Title != "another" || !a.ExpiresAt.Equal(d.ApprovedUntil) {
		t.Errorf("%+v", a)
	}
	if left := time.Until(d.ApprovedUntil); left < 29*24*time.Hour || left > 31*24*time.Hour {
		t.Errorf("the approval holds for %s", left)
	}
	if c := w.claim(1); len(c) != 1 || c[0].Card.Title != "another" {
		t.Errorf("claimed %+v", c)
	}
	w.consistent()
}

// Who wrote or edited a post may not release it, whichever way they come.
func TestNobodyApprovesTheirOwn(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	i := w.instance("one")
	approve := moment.Act{Action: moment.ActApprove}
	id := w.post(i, time.Hour)
	if err := w.actBy(id, approve, "Tester"); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("the author: %v", err)
	}
	for _, editor := range []string{"ed", "eve"} {
		if err := w.retitle(id, "by "+editor, editor); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.db.EditPost(t.Context(), id, 0, func(p *moment.Post) error { p.MaxLateness = 0; return nil }, who("tim")); err != nil {
		t.Fatal(err)
	}
	for _, editor := range []string{"ed", "eve"} { // not only the last of them
		if err := w.actBy(id, approve, editor); moment.KindOf(err) != moment.Forbidden {
			t.Errorf("%s, who edited it: %v", editor, err)
		}
	}
	if n := one[int64](w, `SELECT count(*) FROM approvals`); n != 0 {
		t.Errorf("%d rulings", n)
	}
	if err := w.actBy(id, approve, "tim"); err != nil { // changed no text
		t.Error(err)
	}
	// Released once, it is nobody's but the author's again.
	if err := w.retitle(id, "once more", "boss"); err != nil {
		t.Fatal(err)
	}
	if err := w.actBy(id, approve, "boss"); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("the editor since the approval: %v", err)
	}
	if err := w.actBy(id, approve, "ed"); err != nil {
		t.Errorf("an editor from before the approval: %v", err)
	}
	w.exec(`UPDATE settings SET own_approval = true`)
	if err := w.actBy(w.post(i, time.Hour), approve, "tester"); err != nil {
		t.Errorf("where it is allowed: %v", err)
	}
}

func TestEditMakesAnApprovalVoid(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	i := w.instance("one")
	for name, tt := range map[string]struct {
		change func(*moment.Post)
		to     moment.State
	}{
		"title":       {func(p *moment.Post) { p.Card.Title = "x" }, moment.Pending},
		"link":        {func(p *moment.Post) { p.Card.URL = "https://example.com/b" }, moment.Pending},
		"comment":     {func(p *moment.Post) { p.FirstComment = "first" }, moment.Pending},
		"audience":    {func(p *moment.Post) { p.Visibility = moment.Visibility{Mode: moment.Allow, Users: []string{"a"}} }, moment.Pending},
		"time":        {func(p *moment.Post) { p.DueAt = p.DueAt.Add(time.Hour) }, moment.Scheduled},
		"limit":       {func(p *moment.Post) { p.MaxLateness = 0 }, moment.Scheduled},
		"same again":  {func(p *moment.Post) { p.Visibility.Users = []string{"b", "a"} }, moment.Scheduled},
		"time & text": {func(p *moment.Post) { p.DueAt, p.Card.Title = p.DueAt.Add(time.Hour), "x" }, moment.Pending},
	} {
		v := moment.Visibility{Mode: moment.Deny, Users: []string{"a", "b"}}
		id := w.add(&moment.Post{InstanceID: i, DueAt: time.Now().Add(time.Hour), MaxLateness: time.Hour, Visibility: v})
		w.approve(id)
		if err := w.db.EditPost(t.Context(), id, 0, func(p *moment.Post) error { tt.change(p); return nil }, who("tester")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d := w.detail(id)
		if d.State != tt.to || (d.ApprovedHash == "") != (tt.to == moment.Pending) || d.ApprovedHash != "" && !d.HasContent(d.ApprovedHash) {
			t.Errorf("%s leads to %s, approved %q", name, d.State, d.ApprovedHash)
		}
		if tt.to == moment.Pending {
			last := d.Events[len(d.Events)-1]
			if last.Action != "edit" || last.From != moment.Scheduled || last.To != moment.Pending {
				t.Errorf("%s: the trail says %+v", name, last)
			}
		}
	}
	w.consistent()
}

// Switched on later, the rule lets what is scheduled go on as it is, and holds
// for what is changed from then on. Switched off, it leaves nothing half way.
func TestRequireApprovalIsSwitched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	before, edited := w.post(i, time.Hour), w.post(i, time.Hour)
	w.exec(`UPDATE settings SET require_approval = true`)
	if err := w.retitle(edited, "x", "tester"); err != nil {
		t.Fatal(err)
	}
	waiting, approved := w.post(i, time.Hour), w.post(i, time.Hour)
	w.approve(approved)
	w.exec(`UPDATE settings SET require_approval = false`)
	w.exec(`UPDATE posts SET approved_until = now() - interval '1 second' WHERE id = $1`, approved)
	if n, err := w.db.ExpireApprovals(t.Context(), replica); n != 0 || err != nil {
		t.Errorf("%d expired while none are needed, %v", n, err)
	}
	for id, want := range map[int64]moment.State{before: moment.Scheduled, edited: moment.Pending, waiting: moment.Pending, approved: moment.Scheduled} {
		if got := w.state(id); got != want {
			t.Errorf("post %d is %s, want %s", id, got, want)
		}
	}
	if err := w.retitle(approved, "x", "tester"); err != nil || w.state(approved) != moment.Scheduled || w.detail(approved).ApprovedHash != "" {
		t.Errorf("edited without the rule: %v, %s, %q", err, w.state(approved), w.detail(approved).ApprovedHash)
	}
}

// Whatever writes to the table, an approved text does not change under its
// approval.
func TestDatabaseRefusesUnapprovedText(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	i := w.instance("one")
	id := w.post(i, time.Hour)
	w.approve(id)
	w.exec(`UPDATE posts SET state = 'scheduled' WHERE id = $1`, w.post(i, time.Hour)) // never approved
	for _, q := range []string{
		`UPDATE posts SET title = 'x' WHERE id = $1`,
		`UPDATE posts SET visibility = 'deny', visible_users = '{a}' WHERE id = $1`,
		`UPDATE posts SET first_comment = 'x', approved_hash = NULL, approved_until = NULL WHERE id = $1`,
		`UPDATE posts SET title = 'x' WHERE id <> $1`,
	} {
		_, err := w.db.pool.Exec(t.Context(), q, id)
		if pe, ok := errors.AsType[*pgconn.PgError](err); !ok || pe.Code != "23514" {
			t.Errorf("%s: %v", q, err)
		}
	}
	w.exec(`UPDATE posts SET title = 'x', approved_hash = '1:of a campaign', approved_until = NULL WHERE id = $1`, id)
	w.exec(`UPDATE posts SET title = 'y', approved_hash = NULL, state = 'pending' WHERE id = $1`, id)
}

// An edit and the claim of the same post: one of them is first. What leaves is
// the approved text, or nothing.
func TestEditAgainstClaim(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	claimed, edited := 0, 0
	for n := range 60 {
		i := w.instance(fmt.Sprint("i", n))
		id := w.post(i, -time.Second)
		w.approve(id)
		var claims []moment.Claim
		var err error
		var both sync.WaitGroup
		both.Go(func() { err = w.retitle(id, "unapproved", "tester") })
		both.Go(func() { claims = w.claim(8) })
		both.Wait()
		for _, c := range claims {
			if c.Card.Title != "title" {
				t.Fatalf("claimed the text %q", c.Card.Title)
			}
		}
		switch got := w.state(id); {
		case len(claims) == 1 && moment.KindOf(err) == moment.Conflict && got == moment.Claimed:
			claimed++
		case len(claims) == 0 && err == nil && got == moment.Pending:
			edited++
		default:
			t.Fatalf("%d claims, edit: %v, post is %s", len(claims), err, got)
		}
		w.exec(`UPDATE posts SET state = 'cancelled', lease_until = NULL`)
		w.exec(`UPDATE instances SET in_flight = NULL, ready_at = NULL`)
	}
	t.Logf("the claim was first %d times, the edit %d times", claimed, edited)
	if claims := w.claim(100); len(claims) != 0 {
		t.Errorf("claimed %d more", len(claims))
	}
}

// An approval and an edit at once never release the edited text.
func TestApproveAgainstEdit(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	i := w.instance("one")
	for n := range 40 {
		id := w.post(i, time.Hour)
		seen := w.detail(id).ContentHash()
		var approved, edited error
		var both sync.WaitGroup
		both.Go(func() { approved = w.actBy(id, moment.Act{Action: moment.ActApprove, Hash: seen}, "boss") })
		both.Go(func() { edited = w.retitle(id, fmt.Sprint("edit ", n), "tester") })
		both.Wait()
		if edited != nil || approved != nil && moment.KindOf(approved) != moment.Precondition {
			t.Fatalf("edit: %v, approve: %v", edited, approved)
		}
		if d := w.detail(id); d.State != moment.Pending || d.ApprovedHash != "" {
			t.Fatalf("%s, approved %q, title %q", d.State, d.ApprovedHash, d.Card.Title)
		}
	}
}

func TestOldApprovalsExpire(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	ready, held := w.instance("ready"), w.instance("held")
	w.exec(`UPDATE instances SET paused = true, paused_reason = 'x', paused_by = 'x', paused_at = now() WHERE id = $1`, held)
	due, next, waits := w.post(ready, -time.Minute), w.post(ready, -time.Second), w.post(held, time.Hour)
	for _, id := range []int64{due, next, waits} {
		w.approve(id)
	}
	w.exec(`UPDATE posts SET approved_until = now() - interval '1 second' WHERE id IN ($1, $2)`, due, waits)
	// The claim itself looks, whether or not housekeeping came by; the next post of the instance goes on.
	var got []moment.Claim
	for range 3 {
		got = append(got, w.claim(8)...)
	}
	if len(got) != 1 || got[0].ID != next {
		t.Fatalf("claimed %+v", got)
	}
	if w.state(due) != moment.Pending || w.state(waits) != moment.Scheduled {
		t.Errorf("due: %s, held: %s", w.state(due), w.state(waits))
	}
	if n, err := w.db.ExpireApprovals(t.Context(), replica); n != 1 || err != nil {
		t.Errorf("%d expired, %v", n, err)
	}
	if n, err := w.db.ExpireApprovals(t.Context(), replica); n != 0 || err != nil {
		t.Errorf("%d expired again, %v", n, err)
	}
	for _, id := range []int64{due, waits} {
		d := w.detail(id)
		last := d.Events[len(d.Events)-1]
		if d.State != moment.Pending || d.ApprovedHash != "" || last.Action != "expire" || last.To != moment.Pending || last.Source != "system" {
			t.Errorf("post %d: %s, %q, %+v", id, d.State, d.ApprovedHash, last)
		}
		if len(d.Approvals) != 1 {
			t.Errorf("post %d: its %d approvals are the history", id, len(d.Approvals))
		}
	}
	w.exec(`UPDATE settings SET approval_expires = '0'`)
	w.approve(due)
	if d := w.detail(due); !d.ApprovedUntil.IsZero() || d.State != moment.Scheduled {
		t.Errorf("without expiry: %s until %s", d.State, d.ApprovedUntil)
	}
	w.consistent()
}

func TestRejectionTellsWhy(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	id := w.post(w.instance("one"), time.Hour)
	if err := w.actBy(id, moment.Act{Action: moment.ActReject, Reason: " \n"}, "boss"); moment.KindOf(err) != moment.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	if err := w.actBy(id, moment.Act{Action: moment.ActReject, Reason: "链接打不开"}, "boss"); err != nil {
		t.Fatal(err)
	}
	d := w.detail(id)
	if d.State != moment.Draft || len(d.Approvals) != 1 || d.Approvals[0].Ruling != moment.RuledRejected || d.Approvals[0].Reason != "链接打不开" {
		t.Errorf("%s, %+v", d.State, d.Approvals)
	}
	if err := w.actBy(id, moment.Act{Action: moment.ActSubmit}, "tester"); err != nil || w.state(id) != moment.Pending {
		t.Errorf("submitted again: %v, %s", err, w.state(id))
	}
}

// What was given up before posts needed approval, or whose approval is over,
// waits for it when somebody takes it up again.
func TestNothingUnapprovedIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	again := map[moment.State][]moment.Act{
		moment.Failed:  {{Action: moment.ActRetry}, {Action: moment.ActSendNow}, {Action: moment.ActReschedule, DueAt: time.Now().Add(time.Hour)}},
		moment.Missed:  {{Action: moment.ActSendNow}, {Action: moment.ActReschedule, DueAt: time.Now().Add(time.Hour)}},
		moment.Unknown: {{Action: moment.ActNotSent}},
	}
	force := func(state moment.State, approval string) int64 {
		id := w.post(i, time.Hour)
		w.exec(fmt.Sprintf(`UPDATE posts SET state = '%s', %s WHERE id = %d`, state, approval, id))
		return id
	}
	for state, acts := range again {
		for _, a := range acts {
			for approval, want := range map[string]moment.State{
				"approved_hash = NULL": moment.Pending,
				"approved_hash = 'x', approved_until = now() - interval '1 minute'":       moment.Pending,
				"approved_hash = 'x', approved_until = now() + interval '1 hour'":         moment.Scheduled,
				"approved_hash = 'x', approved_until = NULL, max_lateness = max_lateness": moment.Scheduled,
			} {
				w.exec(`UPDATE settings SET require_approval = false`)
				id := force(state, approval)
				w.exec(`UPDATE settings SET require_approval = true`)
				if err := w.actBy(id, a, "ops"); err != nil {
					t.Fatal(state, a.Action, err)
				}
				if got := w.state(id); got != want {
					t.Errorf("%s of a %s post with %s: %s, want %s", a.Action, state, approval, got, want)
				}
			}
		}
	}
}

// A token is no second pair of eyes for who made it.
func TestTokenDoesNotApproveForItsMaker(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	id := w.post(w.instance("one"), time.Hour)
	by := moment.Origin{Actor: "crm", Source: "api", Owner: "Tester"}
	if _, err := w.db.ActOnPost(t.Context(), id, 0, moment.Act{Action: moment.ActApprove}, by); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("approved: %v", err)
	}
	by.Owner = "boss"
	if _, err := w.db.ActOnPost(t.Context(), id, 0, moment.Act{Action: moment.ActApprove}, by); err != nil {
		t.Error(err)
	}
}

// Nor does the maker, as a person, approve what their token wrote.
func TestMakerOfATokenDoesNotApproveItsPosts(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	made := moment.Token{Name: "crm", Scopes: []moment.Scope{moment.ScopeWrite}}
	if _, err := w.db.CreateToken(t.Context(), made, moment.HashToken("x"), who("Lin")); err != nil {
		t.Fatal(err)
	}
	i, approve := w.instance("one"), moment.Act{Action: moment.ActApprove}
	byToken := w.post(i, time.Hour)
	w.exec(`UPDATE posts SET author = 'crm', source = 'api' WHERE id = $1`, byToken)
	if err := w.actBy(byToken, approve, "lin"); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("approved by the maker: %v", err)
	}
	if err := w.actBy(byToken, approve, "boss"); err != nil {
		t.Error(err)
	}
	byProgram := w.post(i, time.Hour)
	w.exec(`UPDATE posts SET author = 'crm', source = 'api' WHERE id = $1`, byProgram)
	if _, err := w.db.ActOnPost(t.Context(), byProgram, 0, approve, moment.Origin{Actor: "reviewer", Source: "api", Owner: "lin"}); err != nil {
		t.Errorf("by another program that the same person set up: %v", err)
	}
	person := w.post(i, time.Hour) // called like the token
	w.exec(`UPDATE posts SET author = 'crm', source = 'web' WHERE id = $1`, person)
	if err := w.actBy(person, approve, "lin"); err != nil {
		t.Errorf("of a person: %v", err)
	}
	w.exec(`UPDATE settings SET own_approval = true`)
	allowed := w.post(i, time.Hour)
	w.exec(`UPDATE posts SET author = 'crm', source = 'api' WHERE id = $1`, allowed)
	if err := w.actBy(allowed, approve, "lin"); err != nil {
		t.Errorf("where it is allowed: %v", err)
	}
}

// As with posts.
func TestTokenDoesNotApproveACampaignForItsMaker(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	id := w.active(w.plan(w.instance("one"))) // it waits for approval
	by := moment.Origin{Actor: "crm", Source: "api", Owner: "Tester"}
	if err := w.db.ActOnCampaign(t.Context(), id, 0, moment.CampaignAct{Action: moment.CampaignApprove}, by); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("approved: %v", err)
	}
	by.Owner = "boss"
	if err := w.db.ActOnCampaign(t.Context(), id, 0, moment.CampaignAct{Action: moment.CampaignApprove}, by); err != nil {
		t.Error(err)
	}
}

// Nor does the maker, as a person, approve a campaign that their token wrote or
// edited, nor a post that it edited; a token that a token made is theirs as well.
func TestMakerOfATokenDoesNotApproveItsCampaigns(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	token := func(name string, by moment.Origin) moment.Origin {
		made, err := w.db.CreateToken(t.Context(), moment.Token{Name: name, Scopes: []moment.Scope{moment.ScopeAdmin}}, moment.HashToken(name), by)
		if err != nil {
			t.Fatal(err)
		}
		return moment.Origin{Actor: name, Source: "api", Owner: made.CreatedBy}
	}
	crm := token("crm", who("Lin"))
	child, i := token("child", crm), w.instance("one")
	approve := func(id int64, by moment.Origin) error {
		return w.db.ActOnCampaign(t.Context(), id, 0, moment.CampaignAct{Action: moment.CampaignApprove}, by)
	}
	for name, campaign := range map[string]func() int64{
		"wrote":                        func() int64 { return w.activeBy(w.plan(i), crm) },
		"wrote, as a token of a token": func() int64 { return w.activeBy(w.plan(i), child) },
		"edited": func() int64 {
			id := w.active(w.plan(i))
			if err := w.db.ChangeCampaign(t.Context(), id, 0, func(c *moment.Campaign) error { c.Plan.Card.Title = "new"; return nil }, crm); err != nil {
				t.Fatal(err)
			}
			return id
		},
	} {
		id := campaign()
		if err := approve(id, who("lin")); moment.KindOf(err) != moment.Forbidden {
			t.Errorf("her token %s it, and she approved: %v", name, err)
		}
		if err := approve(id, moment.Origin{Actor: "reviewer", Source: "api", Owner: "lin"}); err != nil {
			t.Errorf("her token %s it, and another program of hers is refused: %v", name, err)
		}
	}
	id := w.activeBy(w.plan(i), crm)
	if err := approve(id, who("boss")); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	post := w.post(i, time.Hour)
	if err := w.db.EditPost(t.Context(), post, 0, func(p *moment.Post) error { p.Card.Title = "by the token"; return nil }, crm); err != nil {
		t.Fatal(err)
	}
	if err := w.actBy(post, moment.Act{Action: moment.ActApprove}, "lin"); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("her token edited the post, and she approved: %v", err)
	}
}

// activeBy is a campaign that they wrote and activated.
func (w *world) activeBy(p moment.CampaignPlan, by moment.Origin) int64 {
	w.Helper()
	id, err := w.db.CreateCampaign(w.Context(), &moment.Campaign{Name: "autumn", Colour: "#1f6feb", Plan: p}, "", by)
	if err == nil {
		err = w.db.ActOnCampaign(w.Context(), id, 0, moment.CampaignAct{Action: moment.CampaignActivate}, by)
	}
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// Who gives an occurrence a card of its own is no second pair of eyes for it.
func TestNobodyApprovesTheirOwnCardOfAnOccurrence(t *testing.T) {
	t.Parallel()
	w := needsApproval(t)
	id := w.active(w.plan(w.instance("one")))
	approve := moment.CampaignAct{Action: moment.CampaignApprove}
	w.actOn(id, approve)
	occs, _, err := w.db.Occurrences(t.Context(), moment.OccurrenceQuery{CampaignID: id, Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	card := w.plan().Card
	card.Content = "nobody has read this"
	if err := w.db.ChangeOccurrence(t.Context(), id, occs[2].ID, 0, moment.OccurrenceAct{Card: &card}, who("eve")); err != nil {
		t.Fatal(err)
	}
	if err := w.db.ActOnCampaign(t.Context(), id, 0, approve, who("Eve")); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("who wrote the card: %v", err)
	}
	w.count(id, "p.state = 'scheduled' AND p.content = 'nobody has read this'", 0)
	w.actOn(id, approve)
	w.count(id, "p.state = 'scheduled' AND p.content = 'nobody has read this'", 1)
}

func TestNoTimeIsOutOfBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.post(w.instance("one"), time.Hour)
	for _, due := range []time.Time{{}, time.Now().AddDate(0, 0, -3), time.Now().AddDate(8000, 0, 0)} {
		if err := w.actBy(id, moment.Act{Action: moment.ActReschedule, DueAt: due}, "ops"); moment.KindOf(err) != moment.Invalid {
			t.Errorf("%s: %v", due, err)
		}
	}
}
