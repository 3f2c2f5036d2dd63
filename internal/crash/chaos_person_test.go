package crash

import (
	"context"
	"math/rand"
	"time"

	"momentcast/internal/crash/promise"
	"momentcast/internal/gateway/sim"
)

// person settles what waits for one, as a person does who looks at the feed:
// retries and cancels what failed, and resolves what is unknown by what is
// there. With all set nothing is left out.
type person struct {
	w    *world
	r    *rand.Rand
	seen map[string][]sim.Accepted // by account and key
	last uint64
}

// certain is how long after a call's deadline nothing of it can be under way
// any more, however slow the network and however long a replica was frozen.
const certain = 30 * time.Second

func (p *person) work(ctx context.Context) {
	for ctx.Err() == nil {
		rest(ctx, time.Second)
		_ = p.round(ctx, false) // the next round sees what this one did not
	}
}

type doubtful struct {
	ID        int64
	Key       string
	State     string
	CallUntil *time.Time
	Left      bool
}

func (p *person) round(ctx context.Context, all bool) error {
	const q = `
		SELECT p.id, i.wc_id || ' ' || split_part(p.content, ' ', 1), p.state::text, p.call_until, p.left_at IS NOT NULL
		FROM posts p JOIN instances i ON i.id = p.instance_id
		WHERE p.state IN ('failed', 'unknown', 'missed') AND p.content LIKE 'p%' AND (p.state = 'unknown' OR p.updated_at > now() - interval '20 seconds')`
	posts, err := ask[doubtful](ctx, p.w, q)
	if err != nil {
		return err
	}
	// The feed is looked at after the deadline of the call is known.
	if err := p.look(ctx); err != nil {
		return err
	}
	for _, d := range posts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.settle(ctx, d, all)
	}
	return nil
}

func (p *person) look(ctx context.Context) error {
	more, err := p.w.truth(ctx, p.last)
	if err != nil {
		return err
	}
	for _, a := range more {
		p.last = max(p.last, a.Seq)
		t := tagOf(a)
		p.seen[a.WcID+" "+t.Key] = append(p.seen[a.WcID+" "+t.Key], a)
	}
	return nil
}

func (p *person) settle(ctx context.Context, d doubtful, all bool) {
	v, e := p.w.anyReplica(p.r), &entry{key: d.Key, id: d.ID}
	x := p.r.Intn(100)
	if d.State != "unknown" {
		if all {
			return
		}
		switch {
		case x < 20 && d.State == "failed":
			p.w.act(ctx, v, e, "retry", "retry", 0, nil)
		case x < 30:
			p.w.act(ctx, v, e, "send-now", "send-now", 0, nil)
		case x < 35:
			p.w.act(ctx, v, e, "cancel", "cancel", 0, nil)
		}
		return
	}
	resolve := func(action, outcome string, more map[string]any) {
		body := map[string]any{"outcome": outcome}
		for k, v := range more {
			body[k] = v
		}
		p.w.act(ctx, v, e, action, "resolve", 0, body)
	}
	there := p.seen[d.Key]
	switch {
	case len(there) > 0 && (all && d.Left || x < 5):
		resolve("found-sent", "sent", map[string]any{"moment_id": there[0].MomentID})
	case len(there) == 0 && !all && x < 20 && d.CallUntil != nil && time.Since(*d.CallUntil) > certain:
		resolve("not-sent", "not_sent", nil)
	case d.Left && x < 40:
		resolve("reopen", "reopen", nil)
	case !d.Left && !all && x < 3:
		resolve("leave", "leave", nil)
	}
}

// tagOf reads the tags of a request as the referee has it.
func tagOf(a sim.Accepted) promise.Tag {
	return promise.ReadTag(a.Request.Content, a.Request.Title, a.Request.Description, a.Request.URL)
}
