package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"momentcast/internal/moment"
)

// needs says which permission each operation takes. What is not here is refused
// to everybody.
var needs = map[string]moment.Permission{
	"create-post":          moment.PermWrite,
	"create-posts":         moment.PermWrite,
	"check-post":           moment.PermView,
	"check-link":           moment.PermWrite,
	"check-thumb":          moment.PermWrite,
	"lint-card":            moment.PermWrite,
	"list-posts":           moment.PermView,
	"export-history":       moment.PermView,
	"daily-stats":          moment.PermView,
	"get-post":             moment.PermView,
	"edit-post":            moment.PermWrite,
	"delete-post":          moment.PermWrite,
	"submit-post":          moment.PermWrite,
	"cancel-post":          moment.PermWrite,
	"reschedule-post":      moment.PermWrite,
	"approve-post":         moment.PermApprove,
	"reject-post":          moment.PermApprove,
	"retry-post":           moment.PermOperate,
	"send-post-now":        moment.PermOperate,
	"recall-post":          moment.PermOperate,
	"resolve-post":         moment.PermOperate,
	"create-instance":      moment.PermOperate,
	"sync-instances":       moment.PermOperate,
	"list-instances":       moment.PermView,
	"get-instance":         moment.PermView,
	"edit-instance":        moment.PermOperate,
	"list-labels":          moment.PermView,
	"list-contacts":        moment.PermView,
	"pause":                moment.PermOperate,
	"resume":               moment.PermOperate,
	"get-settings":         moment.PermAdmin,
	"edit-settings":        moment.PermAdmin,
	"get-status":           moment.PermView,
	"create-token":         moment.PermAdmin,
	"list-tokens":          moment.PermAdmin,
	"revoke-token":         moment.PermAdmin,
	"list-holidays":        moment.PermView,
	"list-holiday-regions": moment.PermView,
	"change-holidays":      moment.PermAdmin,
	"import-holidays":      moment.PermAdmin,
	"gateway-callback":     public,
	"get-openapi-json":     public,
	"create-audience":      moment.PermWrite,
	"list-audiences":       moment.PermView,
	"get-audience":         moment.PermView,
	"edit-audience":        moment.PermWrite,
	"delete-audience":      moment.PermWrite,

	"create-import":       moment.PermWrite,
	"list-imports":        moment.PermWrite,
	"get-import":          moment.PermWrite,
	"list-findings":       moment.PermWrite,
	"commit-import":       moment.PermWrite,
	"delete-import":       moment.PermWrite,
	"get-import-template": moment.PermWrite,

	"create-campaign":   moment.PermWrite,
	"list-campaigns":    moment.PermView,
	"get-campaign":      moment.PermView,
	"edit-campaign":     moment.PermWrite,
	"delete-campaign":   moment.PermWrite,
	"activate-campaign": moment.PermWrite,
	"approve-campaign":  moment.PermApprove,
	"reject-campaign":   moment.PermApprove,
	"pause-campaign":    moment.PermWrite,
	"resume-campaign":   moment.PermWrite,
	"stop-campaign":     moment.PermWrite,
	"clone-campaign":    moment.PermWrite,
	"preview-schedule":  moment.PermView,
	"preview-campaign":  moment.PermView,
	"dry-run":           moment.PermView,
	"dry-run-campaign":  moment.PermView,
	"list-occurrences":  moment.PermView,
	"get-occurrence":    moment.PermView,
	"change-occurrence": moment.PermWrite,
}

// public marks what needs no token: the callback, whose path is its secret, and
// the documentation.
const public moment.Permission = ""

// caller is who makes a request.
type caller struct {
	token  moment.Token
	source string // "api" or "cli"
}

func callerOf(ctx context.Context) caller { c, _ := ctx.Value(keyCaller).(caller); return c }

// origin is the caller as the audit trail names it.
func origin(ctx context.Context) moment.Origin {
	c := callerOf(ctx)
	return moment.Origin{Actor: c.token.Name, Source: c.source, Owner: c.token.CreatedBy}
}

// cliAgent begins the User-Agent of our own command line.
const cliAgent = "momentcast-cli/"

// guard lets a request through that carries a token with the permission that
// its operation needs.
func (a *API) guard(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation().OperationID
	r, w := humago.Unwrap(ctx)
	c := context.WithValue(ctx.Context(), keyOperation, op)
	token, err := a.authenticate(c, r)
	if err == nil {
		err = authorize(token, op)
	}
	if err != nil {
		p := a.problem(c, err)
		if p.Status == http.StatusUnauthorized {
			p = p.with("WWW-Authenticate", `Bearer realm="momentcast"`)
		}
		p.write(w, requestID(c))
		return
	}
	who := caller{token, "api"}
	if strings.HasPrefix(r.UserAgent(), cliAgent) {
		who.source = "cli"
	}
	next(huma.WithContext(ctx, context.WithValue(c, keyCaller, who)))
}

func authorize(t moment.Token, op string) error {
	need, listed := needs[op]
	if !listed || need == public {
		return moment.Errorf(moment.Forbidden, "Nobody may call this operation.")
	}
	if !t.May(need) {
		return moment.Errorf(moment.Forbidden, "The token lacks the scope %q.", need.Scope())
	}
	return nil
}

func (a *API) authenticate(ctx context.Context, r *http.Request) (moment.Token, error) {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	value = strings.TrimSpace(value)
	if !strings.EqualFold(kind, "Bearer") || value == "" {
		return moment.Token{}, moment.Errorf(moment.Unauthenticated, "A token is needed: Authorization: Bearer <token>.")
	}
	t, err := a.tokens.get(ctx, moment.HashToken(value))
	if moment.KindOf(err) == moment.NotFound {
		return t, moment.Errorf(moment.Unauthenticated, "The token is not valid: it is unknown, revoked or expired.")
	}
	return t, err
}

// tokenLife is how long a token is believed without asking the database: the
// longest that a token revoked elsewhere still works.
const tokenLife = 5 * time.Second

// tokenCache spares the database a query a request. Only tokens that exist are
// kept, so guessing does not fill it.
type tokenCache struct {
	lookUp func(context.Context, [32]byte) (moment.Token, error)
	now    func() time.Time

	mu    sync.Mutex
	known map[[32]byte]knownToken
}

type knownToken struct {
	moment.Token
	until time.Time
}

func (c *tokenCache) get(ctx context.Context, hash [32]byte) (moment.Token, error) {
	asked := c.now()
	c.mu.Lock()
	k, ok := c.known[hash]
	c.mu.Unlock()
	if ok && asked.Before(k.until) {
		return k.Token, nil
	}
	t, err := c.lookUp(ctx, hash)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		delete(c.known, hash)
		return t, err
	}
	if c.known == nil {
		c.known = make(map[[32]byte]knownToken)
	}
	until := asked.Add(tokenLife)
	if !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(until) {
		until = t.ExpiresAt
	}
	c.known[hash] = knownToken{t, until}
	return t, nil
}

// forget makes the next use of every token ask the database.
func (c *tokenCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
}
