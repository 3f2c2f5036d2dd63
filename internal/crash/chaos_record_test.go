package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"momentcast/internal/crash/promise"
	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// record collects what is known of the run.
func (w *world) record(ctx context.Context) (*promise.Record, error) {
	w.book.mu.Lock()
	r := &promise.Record{
		Gap: chaosGap, CallTimeout: callTimeout, Settle: chaosPatience + lease,
		Changes: append([]promise.Change{}, w.book.changes...), Losses: append([]promise.Loss{}, w.book.losses...),
	}
	w.book.mu.Unlock()
	truth, err := w.truth(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, a := range truth {
		if a.Call == "snsSendUrl" {
			r.Arrivals = append(r.Arrivals, promise.Arrival{At: a.At, Account: a.WcID, MomentID: a.MomentID, Fault: string(a.Fault), Tag: tagOf(a)})
		}
	}
	if err := w.recordPosts(ctx, r); err != nil {
		return nil, err
	}
	attempts, err := ask[promise.Attempt](ctx, w, `
		SELECT post_id, number, started_at, duration, replica, verdict, cause FROM attempts`)
	if err != nil {
		return nil, err
	}
	r.Attempts = attempts
	r.Events, err = ask[promise.Event](ctx, w, `
		SELECT id, coalesce(post_id, 0), at, action, from_state, to_state, actor, source FROM events
		WHERE post_id IS NOT NULL OR action IN ('pause', 'resume') OR action LIKE 'campaign\_%'`)
	if err != nil {
		return nil, err
	}
	r.Campaigns, err = w.recordCampaigns(ctx)
	return r, err
}

func (w *world) recordPosts(ctx context.Context, r *promise.Record) error {
	type row struct {
		ID                   int64
		Account              string
		Content, Title, Text string
		URL, State, MomentID string
		DueAt                time.Time
		Attempt              int
		Version              int64
		Left                 bool
	}
	rows, err := ask[row](ctx, w, `
		SELECT p.id, i.wc_id, p.content, p.title, p.description, p.url, p.state::text, coalesce(p.moment_id, ''), p.due_at, p.attempt, p.version, p.left_at IS NOT NULL
		FROM posts p JOIN instances i ON i.id = p.instance_id`)
	if err != nil {
		return err
	}
	for _, p := range rows {
		tag := promise.ReadTag(p.Content, p.Title, p.Text, p.URL)
		r.Posts = append(r.Posts, promise.Post{
			ID: p.ID, Account: p.Account, Key: tag.Key, State: moment.State(p.State), DueAt: p.DueAt, Attempt: p.Attempt,
			MomentID: p.MomentID, Version: p.Version, Left: p.Left,
		})
	}
	return nil
}

// recordCampaigns reads the ticks beside what the schedules say.
func (w *world) recordCampaigns(ctx context.Context) (out []promise.Campaign, err error) {
	type row struct {
		ID       int64
		Schedule string
		Targets  int
		Began    time.Time
		Until    time.Time
		Stopped  bool
	}
	rows, err := ask[row](ctx, w, `
		SELECT id, plan->>'schedule', jsonb_array_length(plan->'instances'), created_at, expanded_until, state = 'stopped'
		FROM campaigns WHERE expanded_until IS NOT NULL ORDER BY id`)
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		spec, err := schedule.ParseSpec(c.Schedule)
		if err != nil {
			return nil, err
		}
		sched, err := schedule.New(spec, nil)
		if err != nil {
			return nil, err
		}
		p := promise.Campaign{ID: c.ID, Targets: c.Targets, Whole: !c.Stopped}
		for o := range sched.Between(c.Began, c.Until) {
			p.Want = append(p.Want, o.Name.String())
		}
		p.Ticks, err = ask[promise.Tick](ctx, w, `
			SELECT o.wall, o.state, o.reason, (SELECT count(*) FROM posts p WHERE p.occurrence_id = o.id) FROM occurrences o WHERE campaign_id = $1 ORDER BY o.planned_at`, c.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// keep saves all that is needed to find out why, and returns where.
func (w *world) keep(ctx context.Context, r *promise.Record, found []promise.Violation) string {
	dir := filepath.Join("..", "..", "artifacts", "chaos", fmt.Sprintf("%s-seed-%d", w.began.Format("20060102-150405"), w.seed))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.Error(err)
		return ""
	}
	save := func(name string, v any) {
		b, err := json.MarshalIndent(v, "", " ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			w.Error(err)
		}
	}
	logs, _ := filepath.Glob(filepath.Join(w.dir, "*.*"))
	for _, from := range logs {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(from)), b, 0o600)
		}
		if err != nil {
			w.Error(err)
		}
	}
	save("violations.json", found)
	if r == nil {
		return dir
	}
	cases := map[int64]any{}
	for _, v := range found {
		if cases[v.Post] == nil && len(cases) < 50 {
			cases[v.Post] = w.evidence(ctx, r, v)
		}
	}
	save("cases.json", cases)
	return dir
}

// evidence is everything about the post of a violation.
func (w *world) evidence(ctx context.Context, r *promise.Record, v promise.Violation) map[string]any {
	out := map[string]any{"violation": v}
	for what, q := range map[string]string{
		"post": `SELECT to_jsonb(p) FROM posts p WHERE id = $1`, "attempts": `SELECT to_jsonb(a) FROM attempts a WHERE post_id = $1 ORDER BY started_at`,
		"events": `SELECT to_jsonb(e) FROM events e WHERE post_id = $1 ORDER BY id`, "read_backs": `SELECT to_jsonb(b) FROM read_backs b WHERE post_id = $1`,
	} {
		rows, err := ask[struct{ V map[string]any }](ctx, w, q, v.Post)
		if err != nil {
			out[what] = err.Error()
			continue
		}
		out[what] = rows
	}
	var arrived []promise.Arrival
	for _, a := range r.Arrivals {
		if a.Account == v.Account {
			arrived = append(arrived, a)
		}
	}
	var changes []promise.Change
	for _, c := range r.Changes {
		if c.Post == v.Post && v.Post != 0 {
			changes = append(changes, c)
		}
	}
	out["arrivals of the account"], out["changes"] = arrived, changes
	return out
}
