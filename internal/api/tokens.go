package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

func (a *API) registerTokens() {
	op := func(id, method, path, summary, description string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"tokens"}}
	}
	create := op("create-token", http.MethodPost, "/tokens", "Make a token", "The token is in the answer, once. Only its hash is stored.")
	create.DefaultStatus = http.StatusCreated
	register(a, create, a.createToken)
	register(a, op("list-tokens", http.MethodGet, "/tokens", "List tokens", "Revoked and expired ones too; never their values."), a.listTokens)
	register(a, op("revoke-token", http.MethodDelete, "/tokens/{id}", "Revoke a token", "It stops working at once here, within 5 seconds on other replicas."), a.revokeToken)
}

// TokenBody is a token as a list shows it.
type TokenBody struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at" doc:"null = never."`
	LastUsedAt *time.Time `json:"last_used_at" doc:"To the minute; null = never."`
	RevokedAt  *time.Time `json:"revoked_at" doc:"null = it still works."`
}

type newTokenBody struct {
	TokenBody
	Token string `json:"token" doc:"Shown this once." example:"mc_…"`
}

func showToken(t moment.Token) TokenBody {
	b := TokenBody{ID: t.ID, Name: t.Name, CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt.UTC(),
		ExpiresAt: at(t.ExpiresAt), LastUsedAt: at(t.LastUsedAt), RevokedAt: at(t.RevokedAt)}
	for _, s := range t.Scopes {
		b.Scopes = append(b.Scopes, string(s))
	}
	return b
}

type createTokenInput struct {
	Body struct {
		Name      string   `json:"name" doc:"Who or what it is for; the actor in the audit trail. At most 100 characters." example:"crm"`
		Scopes    []string `json:"scopes" doc:"read, write, approve, operate, admin. Operate includes approve, admin everything; none of the others includes another." example:"[\"read\",\"write\"]"`
		ExpiresIn string   `json:"expires_in,omitempty" doc:"Not given = never." example:"2160h"`
	} `nameHint:"CreateTokenBody"`
}

type createTokenOutput struct {
	Body newTokenBody
}

func (a *API) createToken(ctx context.Context, in *createTokenInput) (*createTokenOutput, error) {
	t := moment.Token{Name: in.Body.Name}
	for _, s := range in.Body.Scopes {
		t.Scopes = append(t.Scopes, moment.Scope(s))
	}
	var fs fields
	fs.take(t.Check())
	if in.Body.ExpiresIn != "" {
		d := fs.duration("expires_in", in.Body.ExpiresIn)
		if d < time.Minute && len(fs) == 0 {
			fs.add("expires_in", "must be at least 1m")
		}
		t.ExpiresAt = time.Now().Add(d)
	}
	if len(fs) > 0 {
		return nil, fs.err()
	}
	value := moment.NewTokenValue()
	t, err := a.store.CreateToken(ctx, t, moment.HashToken(value), origin(ctx))
	if err != nil {
		return nil, err
	}
	return &createTokenOutput{newTokenBody{showToken(t), value}}, nil
}

type listTokensOutput struct {
	Body pageBody[TokenBody]
}

type listTokensInput struct {
	PageInput
}

func (a *API) listTokens(ctx context.Context, in *listTokensInput) (*listTokensOutput, error) {
	p, err := in.place("tokens")
	if err != nil {
		return nil, err
	}
	after := int64(0)
	if p != nil {
		after = p.ID
	}
	ts, err := a.store.ListTokens(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &listTokensOutput{pageBody[TokenBody]{Items: []TokenBody{}}}
	for i, t := range ts {
		if i == in.Limit {
			out.Body.NextCursor = place{ID: ts[i-1].ID}.cursor("tokens")
			break
		}
		out.Body.Items = append(out.Body.Items, showToken(t))
	}
	return out, nil
}

type revokeTokenInput struct {
	ID int64 `path:"id" doc:"The token's id."`
}

func (a *API) revokeToken(ctx context.Context, in *revokeTokenInput) (*struct{}, error) {
	if err := a.store.RevokeToken(ctx, in.ID, origin(ctx)); err != nil {
		return nil, err
	}
	a.tokens.forget()
	return nil, nil
}
