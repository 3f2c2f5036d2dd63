package app

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
)

// SignIn says how people reach the pages and sign in to them. The zero value is
// with a password and from anywhere, with no proxy between.
type SignIn struct {
	// TrustedProxies are addresses or networks of proxies that may say whom they
	// speak for (X-Forwarded-For, X-Forwarded-Proto).
	TrustedProxies []string

	Issuer       string // of an OpenID Connect provider; "" = none
	ClientID     string
	ClientSecret Secret
	Name         string   // of the provider on the login page; "" = its host
	GroupsClaim  string   // "" = groups
	Roles        []string // group=role, one for each role of a group
}

func (s SignIn) validate(publicURL string) error {
	var errs []error
	bad := func(name, format string, args ...any) { errs = append(errs, fmt.Errorf(name+": "+format, args...)) }
	for _, p := range s.TrustedProxies {
		if _, err := network(p); err != nil {
			bad("MOMENTCAST_TRUSTED_PROXIES", "are addresses or networks, such as 10.0.0.0/8")
			break
		}
	}
	if s.Issuer == "" {
		return errors.Join(errs...)
	}
	if m := checkBaseURL(s.Issuer); m != "" {
		bad("MOMENTCAST_OIDC_ISSUER", "%s", m)
	}
	if s.ClientID == "" {
		bad("MOMENTCAST_OIDC_CLIENT_ID", "is not set, but MOMENTCAST_OIDC_ISSUER is")
	}
	if publicURL == "" {
		bad("MOMENTCAST_PUBLIC_URL", "is not set, but MOMENTCAST_OIDC_ISSUER is: the provider sends browsers back there")
	}
	if _, err := s.roles(); err != nil {
		bad("MOMENTCAST_OIDC_ROLES", "%w", err)
	}
	return errors.Join(errs...)
}

// roles are those of each of the provider's groups.
func (s SignIn) roles() (map[string][]moment.Role, error) {
	out := make(map[string][]moment.Role)
	for _, pair := range s.Roles {
		i := strings.LastIndex(pair, "=") // a group may have one in its name
		if i <= 0 || !slices.Contains(moment.Roles, moment.Role(pair[i+1:])) {
			return nil, errors.New("are written group=role, with the role viewer, editor, approver, operator or admin")
		}
		out[pair[:i]] = append(out[pair[:i]], moment.Role(pair[i+1:]))
	}
	if len(out) == 0 {
		return nil, errors.New("is not set: without a role for any group the provider lets nobody in")
	}
	return out, nil
}

// apply completes how people sign in; validate has accepted s.
func (s SignIn) apply(c *auth.Config) {
	for _, p := range s.TrustedProxies {
		if n, err := network(p); err == nil {
			c.TrustedProxies = append(c.TrustedProxies, n)
		}
	}
	roles, _ := s.roles() // none where there is no provider
	c.OIDC = auth.OIDC{Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), Name: s.Name,
		GroupsClaim: s.GroupsClaim, Roles: roles}
}

// network reads an address or a network.
func network(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	if ip, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
	}
	return netip.ParsePrefix(s)
}
