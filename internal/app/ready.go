package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

const (
	readyLimit   = 2 * time.Second  // for the database to answer
	beatLimit    = 15 * time.Second // since the claim loop last turned
	gatewayLimit = time.Minute      // without a successful look at the gateway
)

// check is one answer to "can this process do its work?".
type check struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Message  string `json:"message"`
	NextStep string `json:"next_step,omitempty"`
}

// readiness is the answer of /readyz.
type readiness struct {
	Status string  `json:"status"` // ready or not_ready
	Checks []check `json:"checks"`
}

// healthz says that the process lives, and nothing of what it needs: to
// restart it would not bring a database back.
func (s *service) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// readyz says whether posts are being sent as they become due, and if not, why.
func (s *service) readyz(w http.ResponseWriter, r *http.Request) {
	answer, status := readiness{"ready", s.checks(r.Context())}, http.StatusOK
	for _, c := range answer.Checks {
		if !c.OK {
			answer.Status, status = "not_ready", http.StatusServiceUnavailable
		}
	}
	writeJSON(w, status, answer)
}

func (s *service) checks(ctx context.Context) []check {
	w := s.work.Load()
	if w == nil {
		return []check{s.checkStart()}
	}
	out := []check{checkBeat(w.dispatcher.Alive(beatLimit))}
	ctx, done := context.WithTimeout(ctx, readyLimit)
	defer done()
	h, err := w.db.Health(ctx)
	if err != nil {
		s.log.Debug().Err(err).Msg("readiness: no answer from the database")
		return append(out, check{
			Name: "database", Message: moment.MessageOf(unavailable(err)),
			NextStep: "Check that PostgreSQL runs and can be reached from here. Work goes on by itself when it is back.",
		})
	}
	return append(out,
		check{Name: "database", OK: true, Message: "The database answers."},
		checkSchema(h), checkGateway(h), checkOverdue(h), checkPause(h), checkFailover(h))
}

// unavailable gives an error of a database that does not answer the words for it.
func unavailable(err error) error {
	if moment.KindOf(err) == moment.Internal {
		return &moment.Error{Kind: moment.Unavailable, Message: "The database does not answer in time.", Err: err}
	}
	return err
}

func (s *service) checkStart() check {
	c := check{Name: "start", Message: "momentcast is starting.", NextStep: "Wait a moment."}
	if why := s.waiting.Load(); why != nil {
		c = check{Name: "database", Message: "The database cannot be reached; it is tried again every second.",
			NextStep: "Check MOMENTCAST_DATABASE_URL and that PostgreSQL runs; the log has the details."}
	}
	return c
}

func checkBeat(alive bool) check {
	if alive {
		return check{Name: "dispatcher", OK: true, Message: "The dispatcher turns."}
	}
	return check{Name: "dispatcher", Message: fmt.Sprintf("The dispatcher has not turned for %s.", beatLimit),
		NextStep: "If the database answers, restart this process and report the end of its log."}
}

func checkSchema(h postgres.Health) check {
	newest, err := postgres.NewestSchema()
	switch {
	case err != nil || h.Schema < newest:
		return check{Name: "migrations", Message: fmt.Sprintf("The database has migration %d, this program needs %d.", h.Schema, newest),
			NextStep: "Run: momentcast migrate up"}
	case h.Schema > newest:
		return check{Name: "migrations", Message: fmt.Sprintf("The database has migration %d, this program knows %d only.", h.Schema, newest),
			NextStep: "Restart with the newer version."}
	}
	return check{Name: "migrations", OK: true, Message: fmt.Sprintf("The schema is current (%d).", newest)}
}

func checkGateway(h postgres.Health) check {
	c := check{Name: "gateway", NextStep: "Check MOMENTCAST_GATEWAY_URL and the token, and that the gateway runs. Posts wait until it answers. `momentcast doctor` tells more."}
	switch down := h.GatewayDownFor(); {
	case h.GatewayObserved.IsZero() && h.GatewayDown.IsZero():
		c.Message = "The gateway has not been asked yet."
		c.NextStep = "Wait a moment."
	case h.GatewayObserved.IsZero():
		c.Message = "The gateway has never answered: " + h.GatewayError
	case down > gatewayLimit:
		c.Message = fmt.Sprintf("The gateway has not answered for %s: %s", down.Round(time.Second), h.GatewayError)
	case down > 0:
		return check{Name: "gateway", OK: true, Message: fmt.Sprintf("The gateway did not answer the last look (%s ago).", down.Round(time.Second))}
	default:
		return check{Name: "gateway", OK: true, Message: "The gateway answers."}
	}
	return c
}

func checkOverdue(h postgres.Health) check {
	if h.Overdue == 0 || h.Paused {
		return check{Name: "overdue", OK: true, Message: "Nothing is overdue without a hold."}
	}
	return check{Name: "overdue",
		Message: fmt.Sprintf("%d instances should have sent a post and have not, the first since %s, although nothing holds them.",
			h.Overdue, h.Now.Sub(h.OverdueSince).Round(time.Second)),
		NextStep: "If the gateway check fails, mend that first. Otherwise more calls may be needed at once (MOMENTCAST_CONCURRENCY), or the log says what fails."}
}

// checkPause never fails: a pause is somebody's decision.
func checkPause(h postgres.Health) check {
	if !h.Paused {
		return check{Name: "pause", OK: true, Message: "Not paused."}
	}
	return check{Name: "pause", OK: true, Message: fmt.Sprintf("Everything is paused by %s: %s", h.PausedBy, h.PausedReason),
		NextStep: "When it is time: momentcast resume"}
}

// failoverLimit is how long accounts may be held after a failover before a
// person has to look: reading them takes seconds once their calls have ended.
const failoverLimit = 10 * time.Minute

// checkFailover fails only where waiting does not help any more.
func checkFailover(h postgres.Health) check {
	f := h.Failover
	switch {
	case f.Stuck > 0 && h.Now.Sub(f.HeldFrom) > failoverLimit:
		return check{Name: "failover", Message: fmt.Sprintf("%d online instances cannot be read since the database moved to another history at %s, and stay held.", f.Stuck, f.At.UTC().Format(time.RFC3339)),
			NextStep: "See the messages in the log. Look at each account's feed, settle its posts, then: momentcast instance release …"}
	case f.Unread > 0:
		return check{Name: "failover", OK: true, Message: fmt.Sprintf("%d instances are held until they were read: the database moved to another history at %s and may not know what was sent since %s.",
			f.Unread, f.At.UTC().Format(time.RFC3339), f.From.UTC().Format(time.RFC3339)), NextStep: "Wait a minute; offline ones are read when they are online."}
	case !f.Told:
		return check{Name: "failover", OK: true, Message: "The database server does not tell its timeline: a failover that loses commits may go unnoticed.",
			NextStep: "Allow execution of pg_current_wal_lsn() and pg_walfile_name(pg_lsn), or replicate synchronously. See docs/failover.md."}
	}
	return check{Name: "failover", OK: true, Message: "The database's history stands."}
}
