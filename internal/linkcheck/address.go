package linkcheck

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"momentcast/internal/moment"
)

// insidePublic are addresses of the public ranges that nevertheless lead inside.
var insidePublic = []netip.Prefix{
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's host, from every machine there
}

// alsoDenied sorts prefixes by family, with those that everybody denies. One
// that covers IPv4-mapped addresses is meant for IPv4.
func alsoDenied(more []netip.Prefix) (v4, v6 []netip.Prefix) {
	for _, p := range slices.Concat(insidePublic, more) {
		switch a := p.Addr(); {
		case a.Is4In6() && p.Bits() >= 96:
			v4 = append(v4, netip.PrefixFrom(a.Unmap(), p.Bits()-96))
		case a.Is4():
			v4 = append(v4, p)
		default:
			v6 = append(v6, p)
		}
	}
	return v4, v6
}

// insideNames are the last labels of names that no public resolver knows. The
// dialled address would be refused anyway; these are not even looked up.
var insideNames = []string{
	"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "arpa",
	"test", "example", "invalid", "onion", "alt",
}

// parse returns the address in the form in which it is fetched, or why it is
// not. It decides by what the address says; what its name resolves to is the
// guard's to judge, at the moment of dialling.
func (c *Checker) parse(raw string) (*url.URL, error) {
	if len(raw) > moment.MaxURL {
		return nil, fail(BadURL, fmt.Errorf("%d bytes", len(raw)))
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fail(BadURL, err)
	}
	return c.judge(u)
}

func (c *Checker) judge(u *url.URL) (*url.URL, error) {
	if (u.Scheme != "http" && u.Scheme != "https") || u.Opaque != "" || u.User != nil {
		return nil, fail(BadURL, nil)
	}
	port := u.Port()
	if !c.portAllowed(u.Scheme, port) {
		return nil, fail(BadPort, nil)
	}
	host, err := c.host(u.Hostname())
	if err != nil {
		return nil, err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	clean := &url.URL{Scheme: u.Scheme, Host: host, Path: u.Path, RawPath: u.RawPath, RawQuery: escape(u.RawQuery), Fragment: u.Fragment, RawFragment: u.RawFragment}
	if len(clean.String()) > moment.MaxURL {
		return nil, fail(BadURL, nil)
	}
	return clean, nil
}

func (c *Checker) portAllowed(scheme, port string) bool {
	switch {
	case port == "" && scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && slices.Contains(c.config.Ports, uint16(n))
}

// host returns a host's name in ASCII, or its address.
func (c *Checker) host(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		// Other digits and dots become plain ones here; what follows sees those.
		ascii, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return "", fail(BadURL, err)
		}
		s = ascii
	}
	s = strings.ToLower(s)
	if ip, err := netip.ParseAddr(s); err == nil {
		if err := c.guard.SafeAddr(ip); err != nil {
			return "", fail(NotPublic, err)
		}
		return s, nil
	}
	return s, checkName(s)
}

// checkName refuses what is no name of a public host. Resolvers of the C library
// read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses, and so do browsers: a name
// whose last label is a number is therefore an address in disguise.
func checkName(s string) error {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.ContainsFunc(l, notInName) {
			return fail(BadURL, nil)
		}
	}
	last := labels[len(labels)-1]
	_, err := strconv.ParseUint(last, 0, 64)
	digits := strings.Trim(last, "0123456789") == ""
	switch {
	case len(s) > 253:
		return fail(BadURL, nil)
	case len(labels) == 1, err == nil, digits, strings.HasPrefix(last, "0x"), slices.Contains(insideNames, last):
		return fail(NotPublic, nil)
	}
	return nil
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// escape writes a query as browsers send it. Unlike a path, net/url leaves it as
// it is, and a space in it would end the request's first line.
func escape(query string) string {
	var b strings.Builder
	for _, ch := range []byte(query) {
		if ch <= ' ' || ch >= 0x7f || strings.IndexByte("\"<>`\\^{|}", ch) >= 0 {
			fmt.Fprintf(&b, "%%%02X", ch)
			continue
		}
		b.WriteByte(ch)
	}
	return b.String()
}
