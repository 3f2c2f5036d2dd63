// Package client talks to the API of a running service, for the command line
// and for other programs. It knows paths and errors, and leaves the rest as the
// service answers it.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is the largest answer that is taken in.
const maxAnswer = 64 << 20

// tries is how often a request that may be repeated is made; retryWait is the
// wait before the second, twice that before the third.
const (
	tries     = 3
	retryWait = 300 * time.Millisecond
)

// Client makes requests to one service.
type Client struct {
	base  *url.URL
	token string
	agent string
	http  *http.Client
}

// New returns a client of the service at server, such as
// http://127.0.0.1:8080. Version is that of the calling program.
func New(server, token, version string) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, errors.New("the server's address is written http://host:port")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the server's address is scheme, host and port, and perhaps a path")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token has characters that no token has")
	}
	return &Client{
		base: u, token: token, agent: "momentcast-cli/" + version,
		http: &http.Client{
			// The token is for this server, and an action is not to be made twice.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Request is one call of the API.
type Request struct {
	Method string
	Path   string // below /api/v1: "/posts/7"
	Query  url.Values
	Body   any    // sent as JSON; nil = none
	File   []byte // sent as it is, in place of Body; nil = none
	Type   string // of File
	Key    string // Idempotency-Key; "" = none
	Match  string // If-Match; "" = none
}

// Answer is what a call that succeeded was answered with.
type Answer struct {
	Body     json.RawMessage // empty for 204; a file where one was asked for
	ETag     string
	Replayed bool // the creation was answered before, under the same key
}

// Decode reads the answer's body into v.
func (a *Answer) Decode(v any) error {
	if err := json.Unmarshal(a.Body, v); err != nil {
		return fmt.Errorf("the service's answer cannot be read: %w", err)
	}
	return nil
}

// Do makes the call. What may be repeated without doing anything twice is tried
// again when the service cannot be reached or cannot answer now. The error is a
// *Problem if the service said what is wrong.
func (c *Client) Do(ctx context.Context, q Request) (*Answer, error) {
	body := q.File
	if q.Body != nil {
		var err error
		if body, err = json.Marshal(q.Body); err != nil {
			return nil, err
		}
	}
	repeatable := q.Method == http.MethodGet || q.Key != ""
	for n := 1; ; n++ {
		a, err := c.once(ctx, q, body)
		var p *Problem
		again := err != nil && (!errors.As(err, &p) || p.Status == http.StatusServiceUnavailable)
		if !again || !repeatable || n == tries {
			return a, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(retryWait << (n - 1)):
		}
	}
}

// patience is how long a whole answer may take.
const patience = 2 * time.Minute

func (c *Client) once(ctx context.Context, q Request, body []byte) (*Answer, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	resp, err := c.send(ctx, q, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the answer from %s broke off: %w", c.base.Host, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, readProblem(resp, answer)
	}
	return &Answer{Body: answer, ETag: resp.Header.Get("ETag"), Replayed: resp.Header.Get("Idempotency-Replayed") == "true"}, nil
}

// Download writes the answer to w as it arrives, however long it takes and
// however large it is. After an error w has a part of it at most.
func (c *Client) Download(ctx context.Context, q Request, w io.Writer) error {
	resp, err := c.send(ctx, q, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode/100 != 2 {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // the status says enough
		return readProblem(resp, answer)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the file from %s is not whole: %w", c.base.Host, err)
	}
	return nil
}

// send makes the request; the caller closes the answer.
func (c *Client) send(ctx context.Context, q Request, body []byte) (*http.Response, error) {
	u := c.base.JoinPath("/api/v1", q.Path)
	u.RawQuery = q.Query.Encode()
	req, err := http.NewRequestWithContext(ctx, q.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json, */*;q=0.5")
	for k, v := range map[string]string{"Idempotency-Key": q.Key, "If-Match": q.Match} {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", cmp.Or(q.Type, "application/json"))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer from %s: %w", c.base.Host, err)
	}
	return resp, nil
}

// Problem is what the service says is wrong.
type Problem struct {
	Status    int     `json:"status"`
	Code      string  `json:"code"`
	Detail    string  `json:"detail"`
	RequestID string  `json:"request_id"`
	Errors    []Field `json:"errors"`
}

// Field is one thing wrong with a request.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func readProblem(resp *http.Response, body []byte) error {
	p := &Problem{}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(body, p) == nil && p.Detail != "" {
		return p
	}
	return &Problem{Status: resp.StatusCode, Detail: "The server answered " + resp.Status + "; is it a momentcast?"}
}

// Error says everything, a line for each field.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	for _, f := range p.Errors {
		fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(f.Location, "body."), f.Message)
	}
	if p.Status >= http.StatusInternalServerError && p.RequestID != "" {
		fmt.Fprintf(&b, "\n  (request %s in the service's log)", p.RequestID)
	}
	return b.String()
}
