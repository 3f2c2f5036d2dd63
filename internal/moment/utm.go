package moment

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// UTM are the parameters by which a site's statistics tell where visitors came
// from. Empty ones are not added.
type UTM struct {
	Source   string
	Medium   string
	Campaign string
	Term     string
	Content  string
}

func (t UTM) pairs() [][2]string {
	return [][2]string{
		{"utm_source", t.Source}, {"utm_medium", t.Medium}, {"utm_campaign", t.Campaign}, {"utm_term", t.Term}, {"utm_content", t.Content},
	}
}

// AddTo returns link with the parameters that it does not have yet: those that
// somebody wrote by hand stay, and adding twice adds once. Everything else stays
// as it was, byte for byte: order and spelling of a query are the site's
// business, and signatures are made of them. The parameters go before the
// fragment, also where a page has a second query inside it.
func (t UTM) AddTo(link string) (string, error) {
	if m := checkURL(link); m != "" {
		return "", InvalidFields([]Field{{"url", m}})
	}
	rest, fragment, hasFragment := strings.Cut(link, "#")
	address, query, hasQuery := strings.Cut(rest, "?")
	have := ParamNames(query)
	var add []string
	for _, p := range t.pairs() {
		if p[1] != "" && !slices.Contains(have, p[0]) {
			add = append(add, p[0]+"="+url.QueryEscape(p[1]))
		}
	}
	if len(add) == 0 {
		return link, nil
	}
	if query != "" && !strings.HasSuffix(query, "&") {
		query += "&"
	}
	if !hasQuery && !strings.Contains(strings.SplitN(address, "://", 2)[1], "/") {
		address += "/" // "https://example.com?x" is right, and read wrongly by many
	}
	out := address + "?" + query + strings.Join(add, "&")
	if hasFragment {
		out += "#" + fragment
	}
	if len(out) > MaxURL {
		return "", InvalidFields([]Field{{"url", fmt.Sprintf("is longer than %d bytes with its UTM parameters", MaxURL)}})
	}
	return out, nil
}

// ParamNames returns the names in a query in their order, unescaped, in lower
// case, and as often as they occur.
func ParamNames(query string) []string {
	var names []string
	for p := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if name != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}
