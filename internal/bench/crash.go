package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const (
	killEvery = 5 * time.Second
	kills     = 4
	// Short enough that what a kill leaves behind is settled within the run.
	crashCall, crashLease = "5s", "8s"
	crashSettle           = 90 * time.Second
)

// crashed is the engine under kills. Its posts must all arrive, none twice.
func crashed(o Options) entry {
	c := engineOf("momentcast", "MOMENTCAST_GATEWAY_TIMEOUT="+crashCall, "MOMENTCAST_LEASE="+crashLease)
	return crashes(c, o, `SELECT count(*) FROM posts WHERE state IN ('scheduled', 'claimed', 'sending')
		OR (state = 'unknown' AND reconcile_at < now() + interval '40 seconds')`, `SELECT url, state::text FROM posts`)
}

// crashedRiver is River under the same kills: jobs that were running stay so
// until its rescuer gives them up, which takes an hour, and MaxAttempts 1
// leaves them discarded then. Whether their calls were made nobody knows.
func crashedRiver(o Options) entry {
	c := riverOf("river-row", "River, moment id in a row", o.Best, "row", false)
	return crashes(c, o, `SELECT count(*) FROM river_job WHERE state IN ('available', 'scheduled', 'retryable')`,
		`SELECT p.url, CASE WHEN p.moment_id IS NOT NULL THEN 'sent' WHEN j.state IN ('running', 'discarded') THEN 'unknown' ELSE j.state::text END
		FROM posts p LEFT JOIN river_job j ON (j.args->>'id')::bigint = p.id`)
}

// crashes lets posts come at their times while the service is killed and
// started again. open counts what is still to be worked or looked for, told
// lists what the tables say of each post in the end.
func crashes(c contestant, o Options, open, told string) entry {
	return patient(entry{c.name, c.label, func(ctx context.Context, s *stage, round int) (f Figures, err error) {
		url, err := s.database(ctx)
		if err != nil {
			return f, err
		}
		posts := poisson(o.Rate, time.Now().Add(s.lead), kills*killEvery, s.accounts, o.Seed+int64(round))
		if err := s.ahead(ctx, c, url, posts); err != nil {
			return f, errors.Join(err, s.drop(ctx, url))
		}
		if err := s.reset(ctx); err != nil {
			return f, err
		}
		took, err := s.killing(ctx, c, url, open, posts[0].due)
		if err != nil {
			return f, err
		}
		if f, err = s.figures(ctx, len(posts)); err != nil {
			return f, err
		}
		f.Kills, f.Settled = kills, took
		if err := s.compare(ctx, url, told, posts, &f); err != nil {
			return f, err
		}
		f.Recorded, err = s.count(ctx, url, fmt.Sprintf(c.sent, 0))
		return f, errors.Join(err, s.drop(ctx, url))
	}})
}

// killing kills the service some times and waits until nothing is open after
// that. It returns how long that took.
func (s *stage) killing(ctx context.Context, c contestant, url, open string, from time.Time) (took time.Duration, err error) {
	var cmd *exec.Cmd
	defer func() { stop(cmd) }()
	for k := 0; ; k++ {
		if cmd, err = c.start(ctx, s, url); err != nil {
			return 0, err
		}
		if k == kills {
			break
		}
		// A time that is no multiple of anything the service does.
		t := time.NewTimer(time.Until(from.Add(time.Duration(k+1)*killEvery - 137*time.Millisecond)))
		select {
		case <-ctx.Done():
			t.Stop()
			return 0, ctx.Err()
		case <-t.C:
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		cmd = nil
	}
	began := time.Now()
	ctx, done := context.WithTimeout(ctx, crashSettle+killEvery)
	defer done()
	err = s.awaitNone(ctx, url, open)
	return time.Since(began), err
}
