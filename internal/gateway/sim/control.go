package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// ownRoutes are the simulator's own: control calls and pages. The caller wraps
// them in protection against cross-site posts, since none of them asks for a
// token.
func (s *Sim) ownRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/stats", s.control(s.controlStats))
	mux.HandleFunc("GET /control/truth", s.control(s.controlTruth))
	mux.HandleFunc("GET /control/calls", s.control(func(*http.Request) (any, error) { return s.Calls(), nil }))
	mux.HandleFunc("POST /control/reset", s.control(func(*http.Request) (any, error) { return done, s.Reset() }))
	mux.HandleFunc("GET /control/faults", s.control(func(*http.Request) (any, error) { return s.faults.get(), nil }))
	mux.HandleFunc("POST /control/faults", s.control(s.controlFaults))
	mux.HandleFunc("POST /control/next", s.control(s.controlNext))
	mux.HandleFunc("POST /control/latency", s.control(s.controlLatency))
	mux.HandleFunc("GET /control/accounts", s.control(s.controlList))
	mux.HandleFunc("POST /control/accounts", s.control(s.controlAdd))
	mux.HandleFunc("POST /control/accounts/{wcId}/{what}", s.control(s.controlAccount))
	mux.HandleFunc("POST /control/react", s.control(s.controlReact))
	s.pages(mux)
	return mux
}

var done = map[string]bool{"ok": true}

// badControl is a mistake of the control call's author; status says which.
type badControl struct {
	status int
	text   string
}

func (e badControl) Error() string { return e.text }

func bad(format string, args ...any) error {
	return badControl{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// control answers with what do returns.
func (s *Sim) control(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		data, err := do(r)
		if err != nil {
			status = http.StatusInternalServerError
			var b badControl
			if errors.As(err, &b) {
				status = b.status
			}
			data = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(data); err != nil {
			s.log.Debug().Err(err).Msg("control answer not written")
		}
	}
}

// orderOf reads the body into v; an empty body leaves v alone.
func orderOf(r *http.Request, v any) error {
	return strict(http.MaxBytesReader(nil, r.Body, 64<<20), v)
}

// strict refuses unknown fields: a misspelt fault would make a test pass for
// nothing.
func strict(from io.Reader, v any) error {
	dec := json.NewDecoder(from)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return bad("%v", err)
	}
	return nil
}

// controlStats reads every post there is, unless it is asked to be brief: then
// it has what is counted as posts come in, and costs nothing.
func (s *Sim) controlStats(r *http.Request) (any, error) {
	if r.FormValue("brief") == "true" {
		st := Stats{DoubleURLs: []string{}, Accounts: []AccountStats{}}
		st.Calls, st.Outcomes, st.Manners = s.tally.snapshot()
		return st, nil
	}
	st := s.Stats()
	if r.FormValue("accounts") == "0" {
		st.Accounts = []AccountStats{}
	}
	return st, nil
}

func (s *Sim) controlTruth(r *http.Request) (any, error) {
	var after uint64
	if v := r.FormValue("after"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return nil, bad("after: %v", err)
		}
		after = n
	}
	return s.truthAfter(after), nil
}

func (s *Sim) controlFaults(r *http.Request) (any, error) {
	var f Faults
	if err := orderOf(r, &f); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, bad("%v", err)
	}
	s.faults.set(f)
	return f, nil
}

func (s *Sim) controlNext(r *http.Request) (any, error) {
	req := struct {
		WcID  string `json:"wc_id"`
		Fault Fault  `json:"fault"`
		Count int    `json:"count"`
	}{Count: 1}
	if err := orderOf(r, &req); err != nil {
		return nil, err
	}
	switch {
	case !req.Fault.known():
		return nil, bad("fault is one of %s", faultNames())
	case req.Count < 1:
		return nil, bad("count must be at least 1")
	case req.WcID != "" && s.account(req.WcID) == nil:
		return nil, badControl{http.StatusNotFound, "no account " + req.WcID}
	}
	s.FailNext(req.WcID, req.Fault, req.Count)
	return done, nil
}

func (s *Sim) controlLatency(r *http.Request) (any, error) {
	p := *s.pace.Load()
	var req struct {
		Latency *span `json:"latency"`
		Jitter  *span `json:"jitter"`
		SlowBy  *span `json:"slow_by"`
	}
	if err := orderOf(r, &req); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		from *span
		to   *time.Duration
	}{{req.Latency, &p.latency}, {req.Jitter, &p.jitter}, {req.SlowBy, &p.slowBy}} {
		if f.from != nil {
			*f.to = time.Duration(*f.from)
		}
	}
	s.pace.Store(&p)
	return map[string]string{"latency": p.latency.String(), "jitter": p.jitter.String(), "slow_by": p.slowBy.String()}, nil
}

func (s *Sim) controlReact(r *http.Request) (any, error) {
	var req struct {
		WcID    string  `json:"wc_id"`
		ID      bigUint `json:"id"`
		By      string  `json:"by"`
		Nick    string  `json:"nick"`
		Comment string  `json:"comment"`
	}
	if err := orderOf(r, &req); err != nil {
		return nil, err
	}
	if !s.React(req.WcID, uint64(req.ID), req.By, req.Nick, req.Comment) {
		return nil, badControl{http.StatusNotFound, "no such moment"}
	}
	return done, nil
}

// span is a non-negative duration in JSON, as "5ms".
type span time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *span) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New(`a duration is a string such as "5ms"`)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	if v < 0 {
		return errors.New("a duration must not be negative")
	}
	*d = span(v)
	return nil
}
