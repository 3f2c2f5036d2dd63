package web

import (
	"context"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// Store is the part of the database the pages need.
type Store interface {
	JobStore
	ViewStore

	Posts(ctx context.Context, q moment.PostQuery) (posts []moment.PostView, more bool, err error)
	CountPosts(ctx context.Context, q moment.PostQuery, limit int) (n int, err error)
	Post(ctx context.Context, id int64) (*moment.PostView, error)
	PostDetail(ctx context.Context, id int64) (*moment.PostDetail, error)
	LastAttempts(ctx context.Context, posts []int64) (map[int64]moment.Attempt, error)
	DeletePost(ctx context.Context, id, ifVersion int64, by moment.Origin) error
	ActOnPost(ctx context.Context, id, ifVersion int64, a moment.Act, by moment.Origin) (*moment.Post, error)

	Instances(ctx context.Context, q moment.InstanceQuery) (instances []moment.InstanceView, more bool, err error)
	InstancesOfConcern(ctx context.Context, limit int) ([]moment.InstanceView, error)
	Instance(ctx context.Context, id int64) (*moment.InstanceView, error)
	ChangeInstance(ctx context.Context, id, ifVersion int64, change func(*moment.Instance) error, by moment.Origin) error
	Adopt(ctx context.Context, logins []moment.Login, by moment.Origin) (added int, err error)

	SettingsStore
	Pause(ctx context.Context, reason string, by moment.Origin) error
	Resume(ctx context.Context, overdue moment.Overdue, by moment.Origin) error
	Status(ctx context.Context) (moment.Status, error)
	Day(ctx context.Context, from, to time.Time) (moment.Day, error)
	LastEvent(ctx context.Context) (id int64, err error)

	ContactStore
	WorkCalendarStore
	ComposeStore
	ApprovalStore
	AudienceStore
	CalendarStore
	ImportStore
	CampaignStore
}

// Gateway is the part of the gateway the pages need.
type Gateway interface {
	// Logins lists the accounts that are online.
	Logins(ctx context.Context) ([]moment.Login, error)
	// Delete removes a moment from the feed; it may be repeated.
	Delete(ctx context.Context, wID, momentID string) error
	// SetPrivate hides a moment from everyone but its account; it may be repeated.
	SetPrivate(ctx context.Context, wID, momentID string) error
}

// Engine is what the pages tell the dispatcher of this process.
type Engine interface {
	// Wake makes it look for work now.
	Wake()
}

// Session says who makes a request.
type Session interface {
	// Current returns the user who is logged in; false if nobody is.
	Current(r *http.Request) (moment.User, bool)
}

// Config is what the pages need. All fields but Links, Log and Version are
// required.
type Config struct {
	Store   Store
	Users   PeopleStore
	Gateway Gateway
	Engine  Engine
	Books   AddressBooks
	Imports Importer
	Session Session
	People  People
	Links   LinkChecker // nil = addresses are not looked at
	Log     zerolog.Logger
	Version string // of the program, shown at the foot of every page

	Fixed      moment.FixedSettings // that the environment sets
	GatewayURL string               // without credentials
	PublicURL  string               // how the gateway reaches us; "" = it cannot
}

// Web serves the pages.
type Web struct {
	*site
	store   Store
	gateway Gateway
	engine  Engine
	books   AddressBooks
	imports Importer
	session Session

	people      People
	peopleStore PeopleStore
	links       LinkChecker

	fixed                 moment.FixedSettings
	gatewayURL, publicURL string

	routes  []route
	handler http.Handler
	known   known
	live    *live
	worker  *worker
}

// New returns the pages' handler. It does no work until requests come; Close
// ends what they have started.
func New(cfg Config) *Web {
	s := &Web{
		site:  newSite(cfg.Log.With().Str("component", "web").Logger(), cfg.Version),
		store: cfg.Store, gateway: cfg.Gateway, engine: cfg.Engine, books: cfg.Books, imports: cfg.Imports, session: cfg.Session,
		people: cfg.People, peopleStore: cfg.Users, links: cfg.Links,
		fixed: cfg.Fixed, gatewayURL: cfg.GatewayURL, publicURL: cfg.PublicURL,
	}
	s.known.read = s.readKnown
	s.live = newLive(cfg.Store.LastEvent)
	s.worker = newWorker(cfg.Store, s.log, func() { s.known.forget(); cfg.Engine.Wake() })
	s.routes = s.table()
	s.handler = s.serve()
	return s
}

// ServeHTTP implements http.Handler.
func (s *Web) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the streams that browsers listen to, and waits for that. A server
// that shuts down would wait for them for ever.
func (s *Web) Close() { s.live.close() }

// origin says in the audit trail who makes the request.
func origin(r *http.Request) moment.Origin {
	return moment.Origin{Actor: userOf(r).Name, Source: "web"}
}
