package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const callTimeout = time.Minute

// work lets River work until ctx ends.
func work(ctx context.Context, pool *pgxpool.Pool, o options) error {
	w := &sender{pool: pool, o: o, transport: newTransport()}
	cfg := &river.Config{
		Logger: quiet(), Workers: river.NewWorkers(), JobTimeout: callTimeout,
		FetchCooldown: o.cooldown, FetchPollInterval: o.poll,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.workers}},
	}
	river.AddWorker(cfg.Workers, w)
	client, err := river.NewClient(riverpgxv5.New(pool), cfg)
	if err != nil {
		return err
	}
	// River's own context outlives ctx, so that jobs under way may end.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if o.ready != "" {
		if err := os.WriteFile(o.ready, nil, 0o600); err != nil {
			return err
		}
	}
	<-ctx.Done()
	end, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	return client.Stop(end)
}

// newTransport is set as momentcast's own is.
func newTransport() *http.Transport {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		Protocols:           new(http.Protocols),
		MaxIdleConnsPerHost: 1024,
		DisableCompression:  true,
		IdleConnTimeout:     3 * time.Second,
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// sender works one post.
type sender struct {
	river.WorkerDefaults[Post]
	pool      *pgxpool.Pool
	o         options
	transport *http.Transport
}

// Work implements river.Worker.
func (s *sender) Work(ctx context.Context, job *river.Job[Post]) error {
	p := job.Args
	if s.o.gate {
		const enter = `UPDATE accounts SET in_flight = $2 WHERE id = $1 AND in_flight IS NULL`
		tag, err := s.pool.Exec(ctx, enter, p.Account, p.ID)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return river.JobSnooze(s.o.snooze)
		}
	}
	id, err := s.publish(ctx, &p)
	if err != nil {
		return err
	}
	return s.keep(ctx, &p, id)
}

// keep records the moment's id and, where there is a gate, opens it.
func (s *sender) keep(ctx context.Context, p *Post, id string) error {
	const sent = `UPDATE posts SET state = 'sent', sent_at = now(), moment_id = $2 WHERE id = $1 AND state = 'scheduled'`
	const leave = `UPDATE accounts SET in_flight = NULL WHERE id = $1 AND in_flight = $2`
	switch {
	case s.o.gate:
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, sent, p.ID, id); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, leave, p.Account, p.ID)
			return err
		})
	case s.o.record == "row":
		_, err := s.pool.Exec(ctx, sent, p.ID, id)
		return err
	}
	return nil
}

// publish makes the one call, with the body that momentcast sends.
func (s *sender) publish(ctx context.Context, p *Post) (id string, err error) {
	body, err := json.Marshal(struct {
		WID         string `json:"wId"`
		Content     string `json:"content"`
		Title       string `json:"title"`
		Description string `json:"description"`
		URL         string `json:"url"`
		ThumbURL    string `json:"thumbUrl"`
	}{p.WID, p.Content, p.Title, p.Description, p.URL, p.ThumbURL})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.gateway+"/snsSendUrl", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", s.o.token)
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var reply struct {
		Code string `json:"code"`
		Data struct {
			Object struct {
				ID string `json:"id"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(b, &reply); err != nil {
		return "", err
	}
	if reply.Code != "1000" || reply.Data.Object.ID == "" {
		return "", fmt.Errorf("the gateway answered %d: %s", resp.StatusCode, b)
	}
	return reply.Data.Object.ID, nil
}
