package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// What this machine could do at all, with nothing promised: the two bare loops
// that any sender is made of. Who did both, one after the other on the same
// processors, would reach 1 / (1/database + 1/HTTP).

const (
	limitBatch = 100 // posts in a transaction
	limitSplit = 4   // connections to the database

	limitDBLabel   = "bare transactions, no gateway"
	limitHTTPLabel = "bare calls, no database"
)

// The minimal pair of transactions on our tables: take posts with the intent
// to call, keep their result. No gate is judged, nothing is locked, no attempt
// and no audit line is written.
const (
	limitTake = `
		UPDATE posts SET state = 'sending', claim_token = 1, claimed_by = 'limit', attempt = 1, intent_at = now(),
			call_until = now() + interval '1 minute', lease_until = now() + interval '90 seconds', updated_at = now()
		WHERE id = ANY($1::bigint[])`
	limitKeep = `
		UPDATE posts SET state = 'sent', lease_until = NULL, finished_at = now(), moment_id = (13900000000000000000 + id)::text, updated_at = now()
		WHERE id = ANY($1::bigint[])`
	limitBusy = `UPDATE instances SET in_flight = u.post, ready_at = NULL FROM unnest($1::bigint[], $2::bigint[]) u(id, post) WHERE instances.id = u.id`
	limitFree = `UPDATE instances SET in_flight = NULL, next_slot_at = now() FROM unnest($1::bigint[]) u(id) WHERE instances.id = u.id`
)

// limitDB is the rate at which the pair goes through PostgreSQL, with no
// gateway at all.
func limitDB(n int) entry {
	return entry{"limit-db", limitDBLabel, func(ctx context.Context, s *stage, _ int) (f Figures, err error) {
		t, err := s.filled(ctx, engineOf(""), n)
		if err != nil {
			return f, err
		}
		url, err := s.clone(ctx, t.name)
		if err != nil {
			return f, err
		}
		if err := s.checkpoint(ctx); err != nil {
			return f, err
		}
		before, err := s.usage(ctx)
		if err != nil {
			return f, err
		}
		f.PerSecond, err = pairs(ctx, url)
		if err != nil {
			return f, err
		}
		after, err := s.usage(ctx)
		if err != nil {
			return f, err
		}
		used := after.since(before)
		f.Posts, f.Accepted, f.CPU, f.WAL = n, n, used.cpu, used.wal
		if f.Recorded, err = s.count(ctx, url, `SELECT count(*) FROM posts WHERE state = 'sent'`); err != nil {
			return f, err
		}
		if f.Recorded != n {
			return f, fmt.Errorf("%d of %d posts went through", f.Recorded, n)
		}
		return f, s.drop(ctx, url)
	}}
}

// pairs sends all posts of the database through the pair of transactions.
func pairs(ctx context.Context, url string) (perSecond float64, err error) {
	conns := make([]*pgx.Conn, limitSplit)
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, url); err != nil {
			return 0, err
		}
		defer func() { _ = conns[i].Close(ctx) }() //nolint:gocritic // a few connections, for the whole function
	}
	// Dealt by instance, so that the connections do not wait for each other.
	rows, err := conns[0].Query(ctx, `SELECT id, instance_id FROM posts ORDER BY row_number() OVER (PARTITION BY instance_id ORDER BY id), id`)
	if err != nil {
		return 0, err
	}
	type pair struct{ ID, Instance int64 }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pair])
	if err != nil {
		return 0, err
	}
	share := make([][]pair, limitSplit)
	for _, p := range all {
		k := p.Instance % limitSplit
		share[k] = append(share[k], p)
	}
	began := time.Now()
	errs := make(chan error, limitSplit)
	for i, conn := range conns {
		go func() {
			for lo := 0; lo < len(share[i]); lo += limitBatch {
				var ids, instances []int64
				for _, p := range share[i][lo:min(lo+limitBatch, len(share[i]))] {
					ids, instances = append(ids, p.ID), append(instances, p.Instance)
				}
				if err := onePair(ctx, conn, ids, instances); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range conns {
		if e := <-errs; e != nil {
			err = e
		}
	}
	return float64(len(all)) / time.Since(began).Seconds(), err
}

func onePair(ctx context.Context, conn *pgx.Conn, ids, instances []int64) error {
	take, keep := &pgx.Batch{}, &pgx.Batch{}
	take.Queue("BEGIN")
	take.Queue(limitTake, ids)
	take.Queue(limitBusy, instances, ids)
	take.Queue("COMMIT")
	if err := conn.SendBatch(ctx, take).Close(); err != nil {
		return err
	}
	keep.Queue("BEGIN")
	keep.Queue(limitKeep, ids)
	keep.Queue(limitFree, instances)
	keep.Queue("COMMIT")
	return conn.SendBatch(ctx, keep).Close()
}

// limitHTTP is the rate of a bare loop of calls at the gateway, over as many
// connections as the engine has.
func limitHTTP(n, calls int) entry {
	return entry{"limit-http", limitHTTPLabel, func(ctx context.Context, s *stage, _ int) (f Figures, err error) {
		sessions, err := s.logins(ctx)
		if err != nil {
			return f, err
		}
		if err := s.reset(ctx); err != nil {
			return f, err
		}
		gateway, own := processCPU(s.sim.Process.Pid), processCPU(os.Getpid())
		if err := s.callAll(ctx, calls, sessions, burst(n, s.accounts)); err != nil {
			return f, err
		}
		gateway, own = processCPU(s.sim.Process.Pid)-gateway, processCPU(os.Getpid())-own
		f, err = s.figures(ctx, n)
		f.Gateway, f.Own = gateway, own
		return f, err
	}}
}

// callAll calls once for each post, over as many connections as there are calls
// at once.
func (s *stage) callAll(ctx context.Context, calls int, sessions []string, posts []post) error {
	transport := &http.Transport{MaxIdleConnsPerHost: calls, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, calls)
	for range calls {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(posts)); i = next.Add(1) - 1 {
				if err := s.callOnce(ctx, transport, sessions[posts[i].account], posts[i].url); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func (s *stage) callOnce(ctx context.Context, transport *http.Transport, session, link string) error {
	body := `{"wId":"` + session + `","content":"` + cardContent + `","title":"` + cardTitle + `","description":"` + cardDescription +
		`","url":"` + link + `","thumbUrl":"` + cardThumb + `"}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.gateway+"/snsSendUrl", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header["Content-Type"] = []string{"application/json"}
	req.Header["Authorization"] = []string{token}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
