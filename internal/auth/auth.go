package auth

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/httprate"
	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// Store is the part of the database that signing in needs.
type Store interface {
	TryLogin(ctx context.Context, name string) (moment.Credential, error)
	LoginFailed(ctx context.Context, name string, failures int, ip string) error
	SignIn(ctx context.Context, in moment.SignIn) (moment.User, error)

	Session(ctx context.Context, hash [32]byte) (moment.Session, moment.User, error)
	Sessions(ctx context.Context, user int64) ([]moment.Session, error)
	StartSession(ctx context.Context, s moment.Session) error
	KeepSession(ctx context.Context, hash [32]byte, data []byte) error
	EndSession(ctx context.Context, hash [32]byte) error
	EndSessionOf(ctx context.Context, user, id int64, by moment.Origin) error
	EndSessions(ctx context.Context, user int64, keep [32]byte, by moment.Origin) error
	SweepSessions(ctx context.Context) error

	CountUsers(ctx context.Context) (int, error)
	CreateUser(ctx context.Context, u moment.User, hash string, by moment.Origin) (moment.User, error)
	SetPassword(ctx context.Context, id int64, hash string, keep [32]byte, by moment.Origin) error
	UserByID(ctx context.Context, id int64) (moment.User, error)
	SetupSecret(ctx context.Context, candidate string) (string, error)
	SetUp(ctx context.Context, secret string, u moment.User, hash string, by moment.Origin) (moment.User, error)
	SubjectUser(ctx context.Context, subject string, u moment.User, by moment.Origin) (moment.User, error)
	EnsureFirstUser(ctx context.Context, u moment.User, hash string, by moment.Origin) (bool, error)
}

// Config is what signing in needs. Store and Log are required.
type Config struct {
	Store     Store
	Log       zerolog.Logger
	PublicURL string // how browsers reach us; with https:// cookies are never sent in the clear

	// TrustedProxies may say in X-Forwarded-For and X-Forwarded-Proto whom they
	// speak for; nobody else is believed.
	TrustedProxies []netip.Prefix

	// PerMinute is how often one address may try to sign in or set up; 0 = 30.
	PerMinute int

	OIDC OIDC // sign-in through somebody else; the zero value = none
}

// Auth signs people in and knows who makes a request.
type Auth struct {
	store   Store
	log     zerolog.Logger
	hasher  *Hasher
	scs     *scs.SessionManager
	tries   *httprate.RateLimiter
	secure  bool
	proxies []netip.Prefix
	oidc    *oidcClient // nil = none
}

// New returns an Auth. It does no work until it is asked.
func New(cfg Config) *Auth {
	if cfg.PerMinute == 0 {
		cfg.PerMinute = 30
	}
	a := &Auth{
		store:   cfg.Store,
		log:     cfg.Log.With().Str("component", "auth").Logger(),
		hasher:  NewHasher(),
		tries:   httprate.NewRateLimiter(cfg.PerMinute, time.Minute, httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"})),
		secure:  strings.HasPrefix(cfg.PublicURL, "https://"),
		proxies: cfg.TrustedProxies,
	}
	// Not scs.New: that starts a store in memory, with a goroutine that never ends.
	a.scs = &scs.SessionManager{Store: scsStore{a}, Codec: scs.GobCodec{}, Lifetime: moment.SessionLimit, HashTokenInStore: true}
	a.oidc = newOIDC(cfg.OIDC, cfg.PublicURL)
	return a
}

// sweepEvery is how often what is over is looked for.
const sweepEvery = 10 * time.Minute

// Run forgets sessions that are over until ctx ends.
func (a *Auth) Run(ctx context.Context) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := a.store.SweepSessions(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn().Err(err).Msg("sessions that are over are not forgotten; trying again later")
			}
		}
	}
}
