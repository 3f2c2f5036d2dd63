package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-chi/httprate"

	"momentcast/internal/moment"
)

// clientIP is the address that a request comes from: the last one that no proxy
// of ours has written.
func (a *Auth) clientIP(r *http.Request) string {
	ip := remoteIP(r)
	if !a.trusts(ip) {
		return ip.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // what follows further left is anybody's word
		}
		if ip = next.Unmap().WithZone(""); !a.trusts(ip) {
			break
		}
	}
	return ip.String()
}

// isSecure reports whether the browser's end of the connection is encrypted.
func (a *Auth) isSecure(r *http.Request) bool {
	return a.secure || r.TLS != nil || a.trusts(remoteIP(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

func (a *Auth) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func remoteIP(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, _ := netip.ParseAddr(host) // what is none is the zero Addr, which nothing trusts
	return ip.Unmap().WithZone("")
}

// allow counts a try of the request's address. Addresses of one IPv6 network
// are one.
func (a *Auth) allow(w http.ResponseWriter, r *http.Request) error {
	if a.tries.OnLimit(w, r, httprate.CanonicalizeIP(visitOf(r.Context()).ip)) {
		return moment.Errorf(moment.Limited, "There were too many tries from this address; wait a minute.")
	}
	return nil
}
