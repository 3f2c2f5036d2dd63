package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Limits on time. A call other than Publish reads or changes something small;
// one that takes longer than readTimeout is better given up and tried later.
const (
	defaultTimeout = 60 * time.Second
	readTimeout    = 15 * time.Second
)

// Config is what a Client needs. Either Token or Account and Password are
// required; with both, Token is used until the gateway stops accepting it.
type Config struct {
	BaseURL  string // scheme://host[:port][/prefix]; http is allowed and usual
	Token    string // value of the Authorization header, as is
	Account  string // for /member/login, asked lazily
	Password string

	// Timeout bounds a Publish whose context carries no deadline, and all other
	// calls where it is below 15 s; 0 = 60 s.
	Timeout time.Duration

	Log zerolog.Logger // the zero value discards
}

// String keeps secrets out of logs that print the whole configuration.
func (c Config) String() string {
	return fmt.Sprintf("gateway %s, account %q, timeout %s, secrets [redacted]", c.BaseURL, c.Account, c.Timeout)
}

// check reports everything wrong with c and returns its base URL without a
// trailing slash.
func (c *Config) check() (base *url.URL, err error) {
	var errs []error
	base, err = parseBase(c.BaseURL)
	if err != nil {
		errs = append(errs, err)
	}
	if c.Token == "" && (c.Account == "" || c.Password == "") {
		errs = append(errs, errors.New("gateway: a token, or an account and its password, is required"))
	}
	if c.Token != "" && !validToken(c.Token) {
		errs = append(errs, errors.New("gateway token: has spaces or characters that a header cannot carry"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("gateway timeout: must not be negative"))
	}
	return base, errors.Join(errs...)
}

// parseBase never repeats what it was given: a user name and password in the
// URL would end up in a log.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("gateway base URL: is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("gateway base URL: must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("gateway base URL: names no host")
	case u.User != nil:
		return nil, errors.New("gateway base URL: must not carry a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("gateway base URL: must not have a query or fragment")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// validToken reports whether s can stand in a header exactly as it is: the
// transport would refuse control characters and trim spaces.
func validToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' && s[i] != ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != "" && s == strings.TrimSpace(s)
}

// inClear reports whether what is sent to u can be read on its way: plain http
// to another machine.
func inClear(u *url.URL) bool {
	if u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}
