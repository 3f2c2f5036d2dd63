package web

import (
	"context"
	"net/http"

	"momentcast/internal/moment"
)

// People is who signs people in and out.
type People interface {
	Login(w http.ResponseWriter, r *http.Request, name, password string) (moment.User, error)
	Logout(w http.ResponseWriter, r *http.Request) error
	NeedsSetUp(ctx context.Context) (bool, error)
	SetUp(w http.ResponseWriter, r *http.Request, secret, name, password string) (moment.User, error)

	// Provider is what the identity provider is called; "" if there is none.
	Provider() string
	BeginOIDC(w http.ResponseWriter, r *http.Request, next string) error
	FinishOIDC(w http.ResponseWriter, r *http.Request) (next string, err error)

	// Here is the session of the request; Sessions are all of its user's.
	Here(r *http.Request) moment.Session
	Sessions(r *http.Request) ([]moment.Session, error)
	EndSession(r *http.Request, id int64) error
	EndSessions(w http.ResponseWriter, r *http.Request) error
	ChangePassword(w http.ResponseWriter, r *http.Request, old, password string) error

	AddUser(ctx context.Context, u moment.User, password string, by moment.Origin) (moment.User, error)
	ResetPassword(ctx context.Context, id int64, password string, by moment.Origin) error
}

// PeopleStore is the part of the database that the pages about people and the
// audit trail need.
type PeopleStore interface {
	Users(ctx context.Context) ([]moment.User, error)
	UserByID(ctx context.Context, id int64) (moment.User, error)
	ChangeUser(ctx context.Context, id, ifVersion int64, change func(*moment.User) error, by moment.Origin) error
	Audit(ctx context.Context, q moment.EventQuery) (events []moment.Event, more bool, err error)
	AuditActions(ctx context.Context) ([]string, error)
}

// peopleRoutes are the pages about who does what.
func (s *Web) peopleRoutes() []route {
	const view, admin = moment.PermView, moment.PermAdmin
	return []route{
		{"GET /login", open, s.askLogin},
		{"POST /login", open, s.login},
		{"POST /logout", open, s.logout},
		{"GET /setup", open, s.askSetup},
		{"POST /setup", open, s.setup},
		{"GET /auth/oidc", open, s.toProvider},
		{"GET /auth/oidc/callback", open, s.fromProvider},
		{"GET /account", view, s.account},
		{"POST /account/password", view, s.changePassword},
		{"POST /account/sessions/{id}/end", view, s.endSession},
		{"POST /account/sessions/end", view, s.endSessions},
		{"GET /settings/users", admin, s.users},
		{"POST /settings/users", admin, s.addUser},
		{"GET /settings/users/{id}", admin, s.user},
		{"POST /settings/users/{id}", admin, s.changeUser},
		{"POST /settings/users/{id}/disable", admin, s.setDisabled(true)},
		{"POST /settings/users/{id}/enable", admin, s.setDisabled(false)},
		{"POST /settings/users/{id}/password", admin, s.resetPassword},
		{"GET /audit", admin, s.audit},
		{"GET /audit/export", admin, s.exportAudit},
	}
}

// by is who makes the request, with the address it came from: what is done to
// people is kept with it.
func (s *Web) by(r *http.Request) moment.Origin {
	by := origin(r)
	by.IP = s.people.Here(r).IP
	return by
}
