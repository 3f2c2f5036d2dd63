package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"momentcast/internal/dispatch"
	"momentcast/internal/gateway"
	"momentcast/internal/moment"
)

// Config is everything the service can be told from outside. The zero value of
// a field means its default.
type Config struct {
	Addr        string // host:port to listen on; default 127.0.0.1:8080
	DatabaseURL Secret // "" = a PostgreSQL of its own, in DataDir
	DataDir     string // default ./data
	PublicURL   string // how the gateway and browsers reach us; "" = no callback is registered
	Version     string // of the program
	Replica     string // names this process; default host name and a random suffix

	Gateway Gateway
	Pacing  Pacing
	SignIn  SignIn

	Concurrency int           // calls in flight at once; default 64
	Lease       time.Duration // time a call may take before it is given up; default Gateway.Timeout + 30s
	LookEvery   time.Duration // how old a look at who is online may be; default 10s
	Grace       time.Duration // time that calls and requests get to end; default 4s

	DebugAddr string // host:port for profiles, of this machine or a private network; "" = none

	// BootstrapToken becomes an API token with all rights if there is none yet.
	BootstrapToken Secret

	// BootstrapAdmin, name:password or name:@file, becomes an administrator if
	// there is nobody yet.
	BootstrapAdmin Secret

	// Shown on the start page: links beside our own, and where to find the API
	// token.
	Links     []Link
	TokenHint string

	listener net.Listener // instead of Addr; closed by Run
}

// Gateway says where the gateway is and who we are to it.
type Gateway struct {
	URL      string // scheme://host[:port][/prefix]
	Token    Secret // either this …
	Account  string // … or these two
	Password Secret
	Timeout  time.Duration // for one post; default 60s
}

// Pacing is what holds for all instances, as far as it was said explicitly: a
// nil field leaves what the database has.
type Pacing struct {
	OnlineAge       *time.Duration
	MaxLateness     *time.Duration
	MinGap          *time.Duration
	DailyCap        *int
	QuietHours      *string
	TimeZone        *string
	ReloginKeeps    *time.Duration
	RequireApproval *bool
	AutoResend      *bool
}

// Link is a line on the start page.
type Link struct{ URL, Text string }

// Defaults that are also named in the help of the command line.
const (
	DefaultAddr    = "127.0.0.1:8080"
	DefaultDataDir = "./data"

	minToken         = 16 // characters; the database refuses shorter ones, too
	defaultTimeout   = time.Minute
	defaultLeaseRoom = 30 * time.Second
	defaultGrace     = 4 * time.Second
	defaultLook      = 10 * time.Second
	defaultCalls     = 64
)

func (c Config) withDefaults() Config {
	def(&c.Addr, DefaultAddr)
	def(&c.DataDir, DefaultDataDir)
	def(&c.Version, "dev")
	def(&c.Gateway.Timeout, defaultTimeout)
	def(&c.Lease, c.Gateway.Timeout+defaultLeaseRoom)
	def(&c.LookEvery, defaultLook)
	def(&c.Grace, defaultGrace)
	def(&c.Concurrency, defaultCalls)
	if c.Replica == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "momentcast"
		}
		// The suffix keeps a process apart from the one it replaces.
		c.Replica = host + "-" + strings.ToLower(rand.Text()[:6])
	}
	return c
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports everything wrong with c at once, naming each setting as the
// environment does.
func (c Config) Validate() error {
	errs := []error{c.Gateway.validate(), c.Pacing.validate(), c.SignIn.validate(c.PublicURL)}
	bad := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf(name+": "+format, args...))
	}
	if _, _, err := net.SplitHostPort(c.Addr); c.Addr != "" && err != nil {
		bad("MOMENTCAST_ADDR", "is written host:port, such as %s", DefaultAddr)
	}
	if m := checkBaseURL(c.PublicURL); c.PublicURL != "" && m != "" {
		bad("MOMENTCAST_PUBLIC_URL", "%s", m)
	}
	if m := checkDebugAddr(c.DebugAddr); c.DebugAddr != "" && m != "" {
		bad("MOMENTCAST_DEBUG_ADDR", "%s", m)
	}
	if c.Concurrency < 0 || c.Concurrency > 10_000 {
		bad("MOMENTCAST_CONCURRENCY", "must be between 1 and 10000")
	}
	full := c.withDefaults()
	if full.Lease <= full.Gateway.Timeout {
		bad("MOMENTCAST_LEASE", "must be longer than MOMENTCAST_GATEWAY_TIMEOUT (%s): a call that still runs would be taken for lost", full.Gateway.Timeout)
	}
	if full.LookEvery < time.Second || full.LookEvery > 10*time.Minute {
		bad("MOMENTCAST_LOOK_EVERY", "must be between 1s and 10m")
	}
	if full.Grace < 0 || full.Grace > 10*time.Minute {
		bad("MOMENTCAST_GRACE", "must be between 0 and 10m")
	}
	if len(c.Replica) > 200 {
		bad("MOMENTCAST_REPLICA", "is longer than 200 bytes")
	}
	if t := c.BootstrapToken.Reveal(); t != "" && len(t) < minToken {
		bad("MOMENTCAST_BOOTSTRAP_TOKEN", "is shorter than 16 characters and could be guessed; make one with `openssl rand -hex 20`")
	}
	return errors.Join(errs...)
}

// Client is g as the client takes it.
func (g Gateway) Client() gateway.Config {
	return gateway.Config{BaseURL: g.URL, Token: g.Token.Reveal(), Account: g.Account, Password: g.Password.Reveal(), Timeout: g.Timeout}
}

func (g Gateway) validate() error {
	var errs []error
	if g.URL == "" {
		errs = append(errs, errors.New("MOMENTCAST_GATEWAY_URL is not set: where the gateway is, such as http://gateway:9899 (to try without one: momentcast demo)"))
	} else if m := checkBaseURL(g.URL); m != "" {
		errs = append(errs, errors.New("MOMENTCAST_GATEWAY_URL: "+m))
	}
	switch {
	case g.Token != "":
	case g.Account == "" && g.Password == "":
		errs = append(errs, errors.New("MOMENTCAST_GATEWAY_TOKEN is not set (nor MOMENTCAST_GATEWAY_ACCOUNT and MOMENTCAST_GATEWAY_PASSWORD)"))
	case g.Account == "":
		errs = append(errs, errors.New("MOMENTCAST_GATEWAY_ACCOUNT is not set, but MOMENTCAST_GATEWAY_PASSWORD is"))
	case g.Password == "":
		errs = append(errs, errors.New("MOMENTCAST_GATEWAY_PASSWORD is not set, but MOMENTCAST_GATEWAY_ACCOUNT is"))
	}
	if g.Timeout < 0 || g.Timeout > time.Hour {
		errs = append(errs, errors.New("MOMENTCAST_GATEWAY_TIMEOUT: must be between 1s and 1h"))
	}
	return errors.Join(errs...)
}

func (p Pacing) validate() error {
	var errs []error
	within := func(name string, d *time.Duration, limit time.Duration) {
		if d != nil && (*d < 0 || *d > limit) {
			errs = append(errs, fmt.Errorf("%s: must be between 0 and %s", name, limit))
		}
	}
	within("MOMENTCAST_ONLINE_AGE", p.OnlineAge, 365*24*time.Hour)
	within("MOMENTCAST_MAX_LATENESS", p.MaxLateness, 30*24*time.Hour)
	within("MOMENTCAST_MIN_GAP", p.MinGap, 30*24*time.Hour)
	within("MOMENTCAST_RELOGIN_KEEPS", p.ReloginKeeps, 365*24*time.Hour)
	if p.DailyCap != nil && (*p.DailyCap < 0 || *p.DailyCap > 1_000_000) {
		errs = append(errs, errors.New("MOMENTCAST_DAILY_CAP: must be between 0 (no cap) and 1000000"))
	}
	if p.QuietHours != nil {
		if _, err := moment.ParseQuietHours(*p.QuietHours); err != nil {
			errs = append(errs, fmt.Errorf("MOMENTCAST_QUIET_HOURS: %w", err))
		}
	}
	if p.TimeZone != nil {
		if m := moment.CheckZone(*p.TimeZone); m != "" {
			errs = append(errs, errors.New("MOMENTCAST_TIME_ZONE: "+m))
		}
	}
	return errors.Join(errs...)
}

// over puts what p says over s and reports whether it says anything.
func (p Pacing) over(s moment.Settings) (_ moment.Settings, said bool) {
	put(&s.Pacing.OnlineAge, p.OnlineAge, &said)
	put(&s.MaxLateness, p.MaxLateness, &said)
	put(&s.Pacing.MinGap, p.MinGap, &said)
	put(&s.Pacing.DailyCap, p.DailyCap, &said)
	put(&s.TimeZone, p.TimeZone, &said)
	put(&s.ReloginKeeps, p.ReloginKeeps, &said)
	put(&s.RequireApproval, p.RequireApproval, &said)
	put(&s.AutoResend, p.AutoResend, &said)
	if p.QuietHours != nil {
		said = true
		s.Pacing.QuietHours, _ = moment.ParseQuietHours(*p.QuietHours) // Validate has parsed it
	}
	return s, said
}

// fixed names what p says: what the environment sets is not changed by hand.
func (p Pacing) fixed() (names moment.FixedSettings) {
	for _, f := range []struct {
		name string
		said bool
	}{
		{"online_age", p.OnlineAge != nil}, {"max_lateness", p.MaxLateness != nil}, {"min_gap", p.MinGap != nil}, {"daily_cap", p.DailyCap != nil},
		{"quiet_hours", p.QuietHours != nil}, {"time_zone", p.TimeZone != nil}, {"relogin_keeps", p.ReloginKeeps != nil},
		{"require_approval", p.RequireApproval != nil}, {"auto_resend", p.AutoResend != nil},
	} {
		if f.said {
			names = append(names, f.name)
		}
	}
	return names
}

func put[T any](field *T, value *T, said *bool) {
	if value != nil {
		*field, *said = *value, true
	}
}

// checkBaseURL says what is wrong with a base URL, without repeating it: a user
// name and password in it would end up in a log.
func checkBaseURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return "must begin with http:// or https://"
	case u.Hostname() == "":
		return "names no host"
	case u.User != nil:
		return "must not carry a user name or password"
	case u.RawQuery != "" || u.Fragment != "":
		return "must not have a query or fragment"
	}
	return ""
}

func (c Config) dispatch() dispatch.Config {
	return dispatch.Config{
		Replica: c.Replica, Version: c.Version, Concurrency: c.Concurrency,
		CallTimeout: c.Gateway.Timeout, Lease: c.Lease, LookEvery: c.LookEvery, Grace: c.Grace,
	}
}
