package app

import (
	"strings"
	"testing"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
)

func TestSignInSettings(t *testing.T) {
	t.Parallel()
	good := SignIn{TrustedProxies: []string{"10.0.0.0/8", "::1", "192.0.2.1"}, Issuer: "https://idp.example", ClientID: "mc", ClientSecret: "s",
		Roles: []string{"cn=bosses=admin", "editors=editor", "editors=approver"}}
	if err := good.validate("https://mc.example"); err != nil {
		t.Error(err)
	}
	var c auth.Config
	good.apply(&c)
	if len(c.TrustedProxies) != 3 || len(c.OIDC.Roles["editors"]) != 2 || c.OIDC.Roles["cn=bosses"][0] != moment.RoleAdmin {
		t.Errorf("%+v", c)
	}
	if err := (SignIn{}).validate(""); err != nil {
		t.Error(err)
	}
	for want, s := range map[string]SignIn{
		"MOMENTCAST_TRUSTED_PROXIES": {TrustedProxies: []string{"everybody"}},
		"MOMENTCAST_OIDC_ISSUER":     {Issuer: "idp.example", ClientID: "mc", Roles: good.Roles},
		"MOMENTCAST_OIDC_CLIENT_ID":  {Issuer: "https://idp.example", Roles: good.Roles},
		"MOMENTCAST_OIDC_ROLES":      {Issuer: "https://idp.example", ClientID: "mc", Roles: []string{"x=owner"}},
		"lets nobody in":             {Issuer: "https://idp.example", ClientID: "mc"},
		"MOMENTCAST_PUBLIC_URL":      {Issuer: "https://idp.example", ClientID: "mc", Roles: good.Roles},
	} {
		if err := s.validate(""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
