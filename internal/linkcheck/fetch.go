package linkcheck

import (
	"context"
	"net/http"
	"net/url"
)

// answer is what an address gave. Beside an error it says how far we came.
type answer struct {
	url       *url.URL // the last one that answered; nil = none did
	status    int      // 0 = no answer
	redirects int

	body        []byte
	contentType string // as declared, with parameters
	cut         bool   // the body was longer than allowed
}

// fetch asks for raw, follows redirects, and reads the body if it is wanted.
func (c *Checker) fetch(ctx context.Context, raw string, want want) (answer, error) {
	u, err := c.parse(raw)
	if err != nil {
		return answer{}, err
	}
	release, err := c.acquire(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()

	var a answer
	for {
		next, err := c.step(ctx, u, &a, want)
		if err != nil || next == "" {
			return a, err
		}
		if a.redirects == c.config.MaxRedirects {
			return a, fail(Redirects, nil)
		}
		a.redirects++
		if u, err = c.follow(u, next); err != nil {
			return a, err
		}
	}
}

// acquire takes one of the slots, or gives up soon: whoever waits long here
// would be told that the address is slow.
func (c *Checker) acquire(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout/5)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, fail(Busy, ctx.Err())
	}
}

// step makes one request, without any client around the transport: there are
// no cookies, no referrer and no redirect that we do not write ourselves. It
// returns where the answer forwards to, or reads the answer into a.
func (c *Checker) step(ctx context.Context, u *url.URL, a *answer, want want) (next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", fail(BadURL, err)
	}
	req.Header = http.Header{
		"User-Agent":      {userAgent},
		"Accept":          {want.accept},
		"Accept-Language": {"zh-CN,zh;q=0.9,en;q=0.5"},
		"Accept-Encoding": {want.encoding},
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return "", classify(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a.url, a.status = u, resp.StatusCode
	if to := resp.Header.Get("Location"); to != "" && forwards(resp.StatusCode) {
		return to, nil
	}
	if err := statusProblem(resp.StatusCode); err != nil {
		return "", err
	}
	return "", c.read(resp, a, want)
}

func forwards(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow judges the target of a redirect as if a person had typed it.
func (c *Checker) follow(from *url.URL, to string) (*url.URL, error) {
	ref, err := url.Parse(to)
	if err != nil {
		return nil, fail(BadRedirect, err)
	}
	u, err := c.judge(from.ResolveReference(ref))
	if ReasonOf(err) == BadURL {
		return nil, fail(BadRedirect, err)
	}
	return u, err
}
