package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// maxCallback is how much of a callback's body is taken in.
const maxCallback = 64 << 10

// secretLife is how long the callback's secret is believed, so that a flood of
// guesses does not reach the database.
const secretLife = 10 * time.Second

// secretWait is how long a callback may wait for the database. The gateway gives
// up after 6 s, and what it wanted to say is noticed without it, a little later.
const secretWait = 2 * time.Second

func (a *API) registerCallback() {
	a.mux.HandleFunc("POST /gateway/callback/{secret}", a.serveCallback)
	a.mux.HandleFunc("POST "+prefix+"/gateway/callback/{secret}", a.serveCallback)
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "gateway-callback", Method: http.MethodPost, Path: "/gateway/callback/{secret}", Tags: []string{"gateway"},
		Summary:     "What the gateway calls",
		Description: "Makes the service look soon at who is online; what the body says is not believed. Its secret is in the settings. Also served without /api/v1.",
		Parameters:  []*huma.Param{{Name: "secret", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		Security:    []map[string][]string{},
		Responses: map[string]*huma.Response{
			"200": {Description: "Taken note of", Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"code": "1000", "message": "success", "data": nil}}}},
			"404": {Description: "Not the secret"},
		},
	})
}

// callback is what callbacks need.
type callback struct {
	settings func(context.Context) (moment.Settings, error)
	recheck  throttle

	mu     sync.Mutex
	secret [32]byte // hashed, so that comparing takes the same time whatever its length
	until  time.Time
}

func (a *API) serveCallback(w http.ResponseWriter, r *http.Request) {
	ok, err := a.callback.known(r.Context(), r.PathValue("secret"))
	switch {
	case err != nil:
		a.problem(r.Context(), err).write(w, requestID(r.Context()))
		return
	case !ok:
		newProblem(http.StatusNotFound, string(moment.NotFound), "There is nothing at this path; /docs lists what there is.").write(w, requestID(r.Context()))
		return
	}
	// What it says does not matter: callbacks carry no signature, come twice and late, and name sessions long gone.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxCallback))
	a.callback.recheck.call()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"code":"1000","message":"success","data":null}`)
}

func (c *callback) known(ctx context.Context, secret string) (bool, error) {
	given := sha256.Sum256([]byte(secret))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.until) {
		ctx, done := context.WithTimeout(ctx, secretWait)
		defer done()
		s, err := c.settings(ctx)
		if err != nil {
			return false, err
		}
		c.secret, c.until = sha256.Sum256([]byte(s.CallbackSecret)), time.Now().Add(secretLife)
		if s.CallbackSecret == "" {
			c.secret = [32]byte{} // nothing hashes to it
		}
	}
	return subtle.ConstantTimeCompare(given[:], c.secret[:]) == 1, nil
}

// throttle calls do at most once in every; a call that comes too soon is made
// up for at the end of that time, so that the last one is never lost.
type throttle struct {
	do    func()
	every time.Duration

	mu      sync.Mutex
	last    time.Time
	waiting bool
}

func (t *throttle) call() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting {
		return
	}
	if wait := t.every - time.Since(t.last); wait > 0 && !t.last.IsZero() {
		t.waiting = true
		time.AfterFunc(wait, t.fire)
		return
	}
	t.last = time.Now()
	t.do()
}

func (t *throttle) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting, t.last = false, time.Now()
	t.do()
}
