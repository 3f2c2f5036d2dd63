package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"momentcast/internal/app"
)

// serveCmd runs the service.
type serveCmd struct {
	Addr           string     `env:"MOMENTCAST_ADDR" default:"127.0.0.1:8080" group:"http" help:"Address to listen on. Put a TLS proxy before it for others."`
	PublicURL      string     `env:"MOMENTCAST_PUBLIC_URL" placeholder:"URL" group:"http" help:"How the gateway and browsers reach us; the gateway is then asked to report lost logins there, and with https:// nobody's session is sent in the clear."`
	BootstrapToken app.Secret `env:"MOMENTCAST_BOOTSTRAP_TOKEN" placeholder:"SECRET" group:"http" help:"API token with all rights to create when there is none yet, 16 characters or more."`

	BootstrapAdmin app.Secret `env:"MOMENTCAST_BOOTSTRAP_ADMIN" placeholder:"NAME:PASSWORD" group:"http" help:"First person who can sign in to the pages, an administrator; NAME:@FILE reads the password from a file. Not set: the log has a secret for /setup."`

	Database databaseFlags `embed:"" group:"database"`
	Gateway  gatewayFlags  `embed:"" group:"gateway"`
	Pacing   pacingFlags   `embed:"" group:"pacing"`
	Engine   engineFlags   `embed:"" group:"engine"`
	SignIn   signInFlags   `embed:"" group:"signin"`
}

// signInFlags say how people sign in to the pages.
type signInFlags struct {
	TrustedProxies []string   `env:"MOMENTCAST_TRUSTED_PROXIES" placeholder:"CIDR" help:"Proxies that may say whom they speak for (X-Forwarded-For, X-Forwarded-Proto): addresses or networks."`
	Issuer         string     `name:"oidc-issuer" env:"MOMENTCAST_OIDC_ISSUER" placeholder:"URL" help:"OpenID Connect provider that people may sign in through, beside passwords."`
	ClientID       string     `name:"oidc-client-id" env:"MOMENTCAST_OIDC_CLIENT_ID" placeholder:"ID" help:"Who we are to it."`
	ClientSecret   app.Secret `name:"oidc-client-secret" env:"MOMENTCAST_OIDC_CLIENT_SECRET" placeholder:"SECRET" help:"How we prove that."`
	Name           string     `name:"oidc-name" env:"MOMENTCAST_OIDC_NAME" placeholder:"NAME" help:"What the login page calls it. Default: its host."`
	GroupsClaim    string     `name:"oidc-groups-claim" env:"MOMENTCAST_OIDC_GROUPS_CLAIM" default:"groups" placeholder:"NAME" help:"Where its answer has the groups."`
	Roles          []string   `name:"oidc-roles" env:"MOMENTCAST_OIDC_ROLES" placeholder:"GROUP=ROLE" help:"What its groups may do: viewer, editor, approver, operator, admin. Who is in none is not let in."`
}

// databaseFlags say where the database is.
type databaseFlags struct {
	URL     app.Secret `name:"database-url" env:"MOMENTCAST_DATABASE_URL" placeholder:"postgres://…" help:"PostgreSQL to use. Not set: one of its own, in the data directory."`
	DataDir string     `name:"data-dir" env:"MOMENTCAST_DATA_DIR" default:"./data" placeholder:"DIR" help:"Where what is our own is kept. Default ${default}."`
}

// gatewayFlags say where the gateway is and who we are to it.
type gatewayFlags struct {
	URL      string        `name:"gateway-url" env:"MOMENTCAST_GATEWAY_URL" placeholder:"http://HOST:PORT" help:"Base URL of the gateway."`
	Token    app.Secret    `name:"gateway-token" env:"MOMENTCAST_GATEWAY_TOKEN" placeholder:"SECRET" help:"Value of the Authorization header, as it is."`
	Account  string        `name:"gateway-account" env:"MOMENTCAST_GATEWAY_ACCOUNT" placeholder:"NAME" help:"Instead of a token: account to log in with …"`
	Password app.Secret    `name:"gateway-password" env:"MOMENTCAST_GATEWAY_PASSWORD" placeholder:"SECRET" help:"… and its password."`
	Timeout  time.Duration `name:"gateway-timeout" env:"MOMENTCAST_GATEWAY_TIMEOUT" default:"60s" help:"Time one post may take."`
}

// pacingFlags are nil where nothing was said.
type pacingFlags struct {
	OnlineAge       *time.Duration `env:"MOMENTCAST_ONLINE_AGE" placeholder:"72h" help:"Time an instance must have been online before it posts; 0 = at once. At first 72h."`
	MaxLateness     *time.Duration `env:"MOMENTCAST_MAX_LATENESS" placeholder:"30m" help:"A post later than this is missed, not sent; 0 = no limit. At first 30m."`
	MinGap          *time.Duration `env:"MOMENTCAST_MIN_GAP" placeholder:"15m" help:"Time between two posts of an instance; 0 = none. At first 15m."`
	DailyCap        *int           `env:"MOMENTCAST_DAILY_CAP" placeholder:"3" help:"Posts of an instance per day; 0 = no cap. At first 3."`
	QuietHours      *string        `env:"MOMENTCAST_QUIET_HOURS" placeholder:"23:00-07:00" help:"Hours in which nothing is sent, in the instance's time zone; empty = none. At first 23:00-07:00."`
	TimeZone        *string        `env:"MOMENTCAST_TIME_ZONE" placeholder:"Asia/Shanghai" help:"Time zone of instances that name none. At first Asia/Shanghai."`
	ReloginKeeps    *time.Duration `env:"MOMENTCAST_RELOGIN_KEEPS" placeholder:"30m" help:"A new login within this time keeps the online age; 0 = it never does. At first 30m."`
	RequireApproval *bool          `env:"MOMENTCAST_REQUIRE_APPROVAL" negatable:"" help:"Posts wait for approval. At first off."`
	AutoResend      *bool          `env:"MOMENTCAST_AUTO_RESEND" negatable:"" help:"Send again what did not show up in the timeline after an unknown outcome and a quarantine. At first off: a person decides."`
}

// engineFlags are limits of this process.
type engineFlags struct {
	Concurrency int            `env:"MOMENTCAST_CONCURRENCY" default:"64" help:"Calls of the gateway at once."`
	Lease       *time.Duration `env:"MOMENTCAST_LEASE" placeholder:"90s" help:"Time after which a call whose sender is gone is given up as unknown. Default: --gateway-timeout and 30s."`
	LookEvery   time.Duration  `env:"MOMENTCAST_LOOK_EVERY" default:"10s" help:"How old a look at who is online may be when a post is sent."`
	DebugAddr   string         `env:"MOMENTCAST_DEBUG_ADDR" placeholder:"HOST:PORT" help:"Where profiles (pprof) can be taken, on an address of this machine or of a private network. Not set: nowhere."`
	Grace       time.Duration  `env:"MOMENTCAST_GRACE" default:"4s" help:"Time that calls get to end when stopping; what is cut off becomes unknown and is read back."`
	Replica     string         `env:"MOMENTCAST_REPLICA" placeholder:"NAME" help:"Name of this process. Default: host name and a random suffix."`
}

// Validate refuses a zero where it would quietly mean the default.
func (c *serveCmd) Validate() error {
	var errs []error
	for name, zero := range map[string]bool{
		"MOMENTCAST_CONCURRENCY": c.Engine.Concurrency == 0, "MOMENTCAST_GATEWAY_TIMEOUT": c.Gateway.Timeout == 0,
		"MOMENTCAST_LOOK_EVERY": c.Engine.LookEvery == 0, "MOMENTCAST_GRACE": c.Engine.Grace == 0,
		"MOMENTCAST_LEASE": c.Engine.Lease != nil && *c.Engine.Lease == 0, // nil = it follows the call timeout
	} {
		if zero {
			errs = append(errs, fmt.Errorf("%s: must not be 0; leave it out for the default", name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// Run implements the command.
func (c *serveCmd) Run(ctx context.Context, f *logFlags, term *console) error {
	log, err := f.log(term)
	if err != nil {
		return err
	}
	for _, name := range term.unknown {
		log.Warn().Msgf("%s is not a setting and has no effect: see momentcast serve --help", name)
	}
	return app.Run(ctx, c.config(), log, func(net.Addr) {})
}

func (c *serveCmd) config() app.Config {
	var lease time.Duration
	if c.Engine.Lease != nil {
		lease = *c.Engine.Lease
	}
	return app.Config{
		Addr: c.Addr, DatabaseURL: c.Database.URL, DataDir: c.Database.DataDir, PublicURL: c.PublicURL,
		Version: version, Replica: c.Engine.Replica,
		Gateway:     app.Gateway(c.Gateway),
		Pacing:      app.Pacing(c.Pacing),
		SignIn:      app.SignIn(c.SignIn),
		Concurrency: c.Engine.Concurrency, Lease: lease, LookEvery: c.Engine.LookEvery, Grace: c.Engine.Grace, DebugAddr: c.Engine.DebugAddr,
		BootstrapToken: c.BootstrapToken, BootstrapAdmin: c.BootstrapAdmin,
	}
}
