package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// prefix is where the operations are.
const prefix = "/api/v1"

// Limits on request bodies, in bytes.
const (
	maxBody  = 1 << 20
	maxBatch = 8 << 20
)

// Store is the part of the database the API needs.
type Store interface {
	postChecker
	CampaignStore
	DayStore

	CreatePosts(ctx context.Context, posts []*moment.Post, key moment.RequestKey) (ids []int64, replayed bool, err error)
	Answered(ctx context.Context, key moment.RequestKey) ([]int64, error)
	Posts(ctx context.Context, q moment.PostQuery) (posts []moment.PostView, more bool, err error)
	Post(ctx context.Context, id int64) (*moment.PostView, error)
	PostDetail(ctx context.Context, id int64) (*moment.PostDetail, error)
	EditPost(ctx context.Context, id, ifVersion int64, change func(*moment.Post) error, by moment.Origin) error
	DeletePost(ctx context.Context, id, ifVersion int64, by moment.Origin) error
	ActOnPost(ctx context.Context, id, ifVersion int64, a moment.Act, by moment.Origin) (*moment.Post, error)

	Instances(ctx context.Context, q moment.InstanceQuery) (instances []moment.InstanceView, more bool, err error)
	Instance(ctx context.Context, id int64) (*moment.InstanceView, error)
	FindInstances(ctx context.Context, ids []int64, wcIDs []string) ([]moment.InstanceRef, error)
	AddInstance(ctx context.Context, i *moment.Instance, by moment.Origin) (id int64, err error)
	ChangeInstance(ctx context.Context, id, ifVersion int64, change func(*moment.Instance) error, by moment.Origin) error
	Adopt(ctx context.Context, logins []moment.Login, by moment.Origin) (added int, err error)

	SettingsStore
	Pause(ctx context.Context, reason string, by moment.Origin) error
	Resume(ctx context.Context, overdue moment.Overdue, by moment.Origin) error
	Status(ctx context.Context) (moment.Status, error)

	CreateToken(ctx context.Context, t moment.Token, hash [32]byte, by moment.Origin) (moment.Token, error)
	ListTokens(ctx context.Context, after int64, limit int) ([]moment.Token, error)
	RevokeToken(ctx context.Context, id int64, by moment.Origin) error
	TokenByHash(ctx context.Context, hash [32]byte) (moment.Token, error)

	ContactStore
	WorkCalendarStore
	AudienceStore
	ImportStore
}

// Gateway is the part of the gateway the API needs.
type Gateway interface {
	// Logins lists the accounts that are online.
	Logins(ctx context.Context) ([]moment.Login, error)
	// Delete removes a moment from the feed; it may be repeated.
	Delete(ctx context.Context, wID, momentID string) error
	// SetPrivate hides a moment from everyone but its account; it may be repeated.
	SetPrivate(ctx context.Context, wID, momentID string) error
}

// Engine is what the API tells the dispatcher of this process.
type Engine interface {
	// Wake makes it look for work now.
	Wake()
	// Recheck makes it look at who is online soon.
	Recheck()
}

// Config is what an API needs. All fields but Log and Version are required.
type Config struct {
	Store   Store
	Gateway Gateway
	Engine  Engine
	Books   AddressBooks
	Imports Importer
	Links   LinkChecker // nil = addresses are not looked at
	Log     zerolog.Logger
	Version string               // of the program; shown in the OpenAPI document
	Fixed   moment.FixedSettings // that the environment sets
}

// API serves /api/v1/…, /openapi.json, /docs and /gateway/callback/….
type API struct {
	store   Store
	gateway Gateway
	engine  Engine
	links   LinkChecker
	imports Importer
	log     zerolog.Logger
	fixed   moment.FixedSettings

	mux      *http.ServeMux
	huma     huma.API
	tokens   tokenCache
	books    AddressBooks
	callback callback
}

// New returns the API's handler. It does no work until requests come.
func New(cfg Config) *API {
	a := &API{
		store: cfg.Store, gateway: cfg.Gateway, engine: cfg.Engine, links: cfg.Links, imports: cfg.Imports, log: cfg.Log.With().Str("component", "api").Logger(),
		fixed: cfg.Fixed, mux: http.NewServeMux(),
	}
	a.tokens = tokenCache{lookUp: cfg.Store.TokenByHash, now: time.Now}
	a.books = cfg.Books
	a.callback = callback{settings: cfg.Store.Settings, recheck: throttle{do: cfg.Engine.Recheck, every: time.Second}}

	a.huma = humago.NewWithPrefix(a.mux, prefix, humaConfig(cfg.Version))
	a.huma.UseMiddleware(a.guard, a.takeBody)
	a.registerPosts()
	a.registerCheck()
	a.registerLooks()
	a.registerHistory()
	a.registerActions()
	a.registerInstances()
	a.registerContacts()
	a.registerAudiences()
	a.registerCampaigns()
	a.registerControl()
	a.registerSettings()
	a.registerTokens()
	a.registerHolidays()
	a.registerImports()
	a.registerCallback()
	a.registerDocs()
	return a
}

// register adds an operation. It is the one place where a handler's error
// becomes an answer.
func register[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	document(&op)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}
