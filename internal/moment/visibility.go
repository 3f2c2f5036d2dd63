package moment

import (
	"fmt"
	"strings"
)

// VisibilityMode says how Users and Labels are read.
type VisibilityMode string

// The modes. There is no default: "everyone" must be chosen, so that a list
// lost on the way never shows a card to everyone.
const (
	Everyone VisibilityMode = "everyone" // all of the account's contacts
	Allow    VisibilityMode = "allow"    // only these users and labels
	Deny     VisibilityMode = "deny"     // all but these users and labels
)

// Visibility is who may see a moment.
type Visibility struct {
	Mode   VisibilityMode `json:"mode"`
	Users  []string       `json:"users"`  // wxids
	Labels []string       `json:"labels"` // label ids of the instance, decimal
}

// Limits on a visibility list. The gateway documents none; these keep one
// request below what a proxy in between accepts.
const (
	MaxVisibilityUsers  = 2000
	MaxVisibilityLabels = 200
)

func (v Visibility) fields() []Field {
	var fs []Field
	add := func(path, format string, args ...any) {
		fs = append(fs, Field{"visibility." + path, fmt.Sprintf(format, args...)})
	}
	n := len(v.Users) + len(v.Labels)
	switch v.Mode {
	case Everyone:
		if n > 0 {
			add("mode", "everyone takes neither users nor labels; choose allow or deny to use them")
		}
	case Allow, Deny:
		if n == 0 {
			add("users", "%s needs at least one user or label; an empty list is never read as everyone", v.Mode)
		}
	case "":
		add("mode", "is required: everyone, allow or deny")
	default:
		add("mode", "must be everyone, allow or deny")
	}
	if len(v.Users) > MaxVisibilityUsers {
		add("users", "at most %d", MaxVisibilityUsers)
	}
	if len(v.Labels) > MaxVisibilityLabels {
		add("labels", "at most %d", MaxVisibilityLabels)
	}
	for i, u := range v.Users {
		if !validWxID(u) {
			add(fmt.Sprintf("users[%d]", i), "is not a wxid (letters, digits, - _ @ . only, at most 64)")
		}
	}
	for i, l := range v.Labels {
		if l == "" || len(l) > 18 || strings.Trim(l, "0123456789") != "" {
			add(fmt.Sprintf("labels[%d]", i), "is not a label id (digits only)")
		}
	}
	return fs
}

// validWxID accepts what an account id may consist of. A comma would split
// into two ids on the wire, so the alphabet is closed.
func validWxID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9',
			r == '_', r == '-', r == '@', r == '.':
		default:
			return false
		}
	}
	return true
}
