package auth

import (
	"net/http"

	"momentcast/internal/moment"
)

// OIDC is an identity provider that people sign in through.
type OIDC struct{}

type oidcClient struct{}

func newOIDC(OIDC, string) *oidcClient { return nil }

// Provider is what the identity provider is called; "" if there is none.
func (a *Auth) Provider() string { return "" }

// BeginOIDC leads the browser to the identity provider.
func (a *Auth) BeginOIDC(http.ResponseWriter, *http.Request, string) error {
	return moment.Errorf(moment.NotFound, "There is no identity provider.")
}

// FinishOIDC signs in whom the identity provider vouches for.
func (a *Auth) FinishOIDC(http.ResponseWriter, *http.Request) (next string, err error) {
	return "", moment.Errorf(moment.NotFound, "There is no identity provider.")
}
