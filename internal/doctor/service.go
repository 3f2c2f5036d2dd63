package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// vacuumWarn is how old a transaction may get before it costs: dead rows pile
// up behind it, and claiming slows down.
const vacuumWarn = 5 * time.Minute

// named is how many instances a finding lists.
const named = 5

// service says whether anybody works, and whether they may.
func (r *Report) service(ctx context.Context, db *postgres.DB) {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	h, err := db.Health(ctx)
	if err != nil {
		r.add(Fail, "service", nextStep(err), "%s", oneLine(err))
		return
	}
	if h.Replicas == 0 {
		r.add(Warn, "service", "start it: momentcast serve", "no momentcast works on this database")
	} else {
		r.add(OK, "service", "", "%d processes work on this database", h.Replicas)
	}
	if h.Paused {
		r.add(Warn, "pause", "when it is time: momentcast resume", "everything is paused by %s: %s", h.PausedBy, h.PausedReason)
	}
	if down := h.GatewayDownFor(); down > 0 && h.Replicas > 0 {
		r.add(Fail, "gateway, seen by the service", "check that it can be reached from where the service runs", "not reached for %s: %s", down.Round(time.Second), h.GatewayError)
	}
	switch f := h.Failover; {
	case f.Unread > 0:
		r.add(Warn, "failover", "those that are online are read by themselves; where that fails, look at the account, then: momentcast instance release …",
			"%d instances are held since the database moved to another history (%s); %d of them could not be read yet", f.Unread, f.Why, f.Stuck)
	case !f.Told && h.Schema >= 18:
		r.add(Warn, "failover", "allow pg_current_wal_lsn() and pg_walfile_name(pg_lsn), or replicate synchronously", "the database does not tell its timeline: a failover that loses commits may go unnoticed")
	}
	switch {
	case h.Overdue == 0 || h.Paused:
		r.add(OK, "overdue", "", "nothing is overdue without a hold")
	case h.Replicas == 0:
		r.add(Fail, "overdue", "start the service", "%d instances should have sent, the first %s ago, and nobody works", h.Overdue, h.Now.Sub(h.OverdueSince).Round(time.Second))
	default:
		r.add(Fail, "overdue", "see the service's log and its /readyz", "%d instances should have sent, the first %s ago, although nothing holds them", h.Overdue, h.Now.Sub(h.OverdueSince).Round(time.Second))
	}
}

// instances says which of them cannot post, and why.
func (r *Report) instances(ctx context.Context, db *postgres.DB, logins []moment.Login) {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	var offline, maturing, paused []string
	known := map[string]bool{}
	total := 0
	for q := (moment.InstanceQuery{Limit: 500}); ; {
		page, more, err := db.Instances(ctx, q)
		if err != nil {
			r.add(Fail, "instances", nextStep(err), "%s", oneLine(err))
			return
		}
		for _, i := range page {
			total, q.After, known[i.WcID] = total+1, i.ID, true
			switch left := i.MaturesAt(i.Pace().OnlineAge).Sub(i.Now); {
			case i.Paused:
				paused = append(paused, label(i))
			case !i.Online:
				offline = append(offline, label(i))
			case left > 0:
				maturing = append(maturing, fmt.Sprintf("%s (in %s)", label(i), left.Round(time.Minute)))
			}
		}
		if !more {
			break
		}
	}
	r.registered(total, known, logins)
	r.list("instances offline", "log them in at the gateway; their posts wait, or miss their time", offline)
	r.list("instances maturing", "nothing: they post when they have been online for long enough; an account that has been for longer can be told so: momentcast instance set … --online-since", maturing)
	r.list("instances paused", "when it is time: momentcast instance resume …", paused)
}

// registered compares what we have with what the gateway lists.
func (r *Report) registered(total int, known map[string]bool, logins []moment.Login) {
	strangers := 0
	for _, l := range logins {
		if !known[l.WcID] {
			strangers++
		}
	}
	switch {
	case total == 0:
		r.add(Warn, "instances", "register what the gateway lists: momentcast instance sync", "none is registered")
	case strangers > 0:
		r.add(Warn, "instances", "to post from them, too: momentcast instance sync", "%d are registered; the gateway lists %d more", total, strangers)
	default:
		r.add(OK, "instances", "", "%d are registered", total)
	}
}

func (r *Report) list(subject, next string, names []string) {
	if len(names) == 0 {
		return
	}
	shown := strings.Join(names[:min(len(names), named)], ", ")
	if more := len(names) - named; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	r.add(Warn, subject, next, "%d: %s", len(names), shown)
}

func label(i moment.InstanceView) string {
	if i.Name == "" {
		return i.WcID
	}
	return i.Name
}

// work says what waits for a person.
func (r *Report) work(ctx context.Context, db *postgres.DB) {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	f, err := db.Figures(ctx)
	if err != nil {
		r.add(Warn, "posts", nextStep(err), "%s", oneLine(err))
		return
	}
	steps := []struct {
		state moment.State
		what  string
		next  string
	}{
		{moment.Unknown, "posts of unknown outcome", "look at each one's feed, then: momentcast post resolve …"},
		{moment.Failed, "posts that failed", "momentcast post list --state failed; retry those whose cause is mended"},
		{moment.Missed, "posts that missed their time", "momentcast post list --state missed; send now, give a new time, or cancel"},
	}
	clean := true
	for _, s := range steps {
		if n := f.Attention[string(s.state)]; n > 0 {
			clean = false
			r.add(Warn, string(s.state), s.next, "%d %s", n, s.what)
		}
	}
	if clean {
		r.add(OK, "posts", "", "none waits for a person")
	}
}

// transactions says whether somebody keeps old rows from being cleaned up.
func (r *Report) transactions(ctx context.Context, db *postgres.DB) {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	list, err := db.OldTransactions(ctx, vacuumWarn)
	if err != nil {
		r.add(Warn, "vacuum", nextStep(err), "%s", oneLine(err))
		return
	}
	r.forgotten(list)
}

func (r *Report) forgotten(list []postgres.OldTransaction) {
	if len(list) == 0 {
		r.add(OK, "vacuum", "", "no transaction older than %s holds it back", vacuumWarn)
		return
	}
	t := list[0]
	r.add(Warn, "vacuum", fmt.Sprintf("end it (select pg_terminate_backend(%d)), and set idle_in_transaction_session_timeout for whoever it is", t.PID),
		"%d old transactions keep dead rows from being cleaned up, which slows down claiming; the oldest is %s old, %s, by %q",
		len(list), t.Age.Round(time.Second), t.State, t.Program)
}

func (r *Report) tokens(ctx context.Context, db *postgres.DB) {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	n, err := db.CountTokens(ctx)
	switch {
	case err != nil:
		r.add(Warn, "API tokens", nextStep(err), "%s", oneLine(err))
	case n == 0:
		r.add(Warn, "API tokens", "make one: momentcast token create NAME --scope admin", "there is none: nobody can use the API")
	default:
		r.add(OK, "API tokens", "", "%d work", n)
	}
}
