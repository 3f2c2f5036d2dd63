package gateway

import (
	"context"
	"sync"
	"time"

	"momentcast/internal/moment"
)

// loginPause is how long a refused login is not tried again: every post in the
// queue asks for a token, and an account that is asked too often gets locked.
const loginPause = 5 * time.Second

// tokens keeps the current token and fetches a new one when there is none, one
// login at a time.
type tokens struct {
	account, password string // "" = the token was given and cannot be renewed

	mu      sync.Mutex
	value   string
	flight  *flight // the login under way
	refusal error   // of the last login
	until   time.Time
}

// flight is one login that several callers wait for.
type flight struct {
	done   chan struct{} // closed when the rest is set
	token  string
	err    error
	gaveUp bool // its caller's context ended, which says nothing to the others
}

func (t *tokens) renewable() bool { return t.account != "" && t.password != "" }

// get returns the token, logging in if there is none. The first caller logs in
// with its own context, so that nothing runs on its own; if that context ends,
// one of those who wait takes over.
func (t *tokens) get(ctx context.Context, login func(context.Context) (string, error)) (string, error) {
	for {
		token, f, lead, err := t.join()
		switch {
		case err != nil || f == nil:
			return token, err
		case lead:
			return t.lead(ctx, f, login)
		}
		select {
		case <-f.done:
			if !f.gaveUp {
				return f.token, f.err
			}
		case <-ctx.Done():
			return "", &moment.Error{Kind: moment.Unavailable, Message: sentence("login"), Err: context.Cause(ctx)}
		}
	}
}

// join returns the token or the refusal that holds, or else the login to wait
// for, which the caller has to make if lead.
func (t *tokens) join() (token string, f *flight, lead bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value != "" {
		return t.value, nil, false, nil
	}
	if t.refusal != nil && time.Now().Before(t.until) {
		return "", nil, false, t.refusal
	}
	if t.flight == nil {
		t.flight = &flight{done: make(chan struct{})}
		return "", t.flight, true, nil
	}
	return "", t.flight, false, nil
}

func (t *tokens) lead(ctx context.Context, f *flight, login func(context.Context) (string, error)) (string, error) {
	f.token, f.err = login(ctx)
	f.gaveUp = f.err != nil && ctx.Err() != nil
	t.mu.Lock()
	t.flight, t.refusal = nil, nil
	switch {
	case f.err == nil:
		t.value = f.token
	case moment.KindOf(f.err) == moment.Unauthenticated:
		t.refusal, t.until = f.err, time.Now().Add(loginPause)
	}
	t.mu.Unlock()
	close(f.done)
	return f.token, f.err
}

// drop forgets token after the gateway did not accept it, unless a newer one
// has taken its place. A token that cannot be renewed is kept: the gateway may
// come to its senses.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == token && t.renewable() {
		t.value = ""
	}
}

// States of a gateway account. They can come with code 1000.
const (
	accountFrozen  = "1"
	accountExpired = "2"
)

// login fetches a token. Nobody ever logs out: that takes every instance offline.
func (c *Client) login(ctx context.Context) (string, error) {
	const path = "/member/login"
	ctx, cancel := context.WithTimeout(ctx, min(c.timeout, readTimeout))
	defer cancel()
	body := encode(struct {
		Account  string `json:"account"`
		Password string `json:"password"`
	}{c.tokens.account, c.tokens.password})
	a := read(c.exchange(ctx, path, "", body, maxReply))

	var data struct {
		Status        flex   `json:"status"`
		Authorization string `json:"Authorization"`
	}
	switch {
	case a.fate == refused || a.fate == unauthorized:
		return "", &moment.Error{Kind: moment.Unauthenticated, Message: "The gateway refused our account or password.",
			Err: a.detail(path, c.tokens.password)}
	case a.fate != done:
		return "", a.fail(path, c.tokens.password)
	}
	a.reply = nil // it holds the token, who knows where
	if err := a.decode(path, &data, c.tokens.password); err != nil {
		return "", err
	}
	switch data.Status {
	case accountFrozen:
		return "", moment.Errorf(moment.Unauthenticated, "The gateway account is frozen; its vendor has to release it.")
	case accountExpired:
		return "", moment.Errorf(moment.Unauthenticated, "The gateway account has expired; it has to be renewed with its vendor.")
	}
	if !validToken(data.Authorization) {
		return "", moment.Errorf(moment.Unavailable, "The gateway's login answered without a usable token.")
	}
	return data.Authorization, nil
}
