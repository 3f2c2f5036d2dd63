package moment

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Permission is one thing that somebody may do. Pages, the API and the command
// line ask for permissions only; who has which stands in the two tables below.
type Permission string

// The permissions. None includes another.
const (
	PermView    Permission = "view"    // look at everything but people and tokens
	PermWrite   Permission = "write"   // create, edit, submit, cancel, reschedule
	PermApprove Permission = "approve" // approve, reject
	PermOperate Permission = "operate" // retry, send now, resolve, recall, pause, resume, instances
	PermAdmin   Permission = "admin"   // people, tokens, settings
)

// Permissions lists every permission.
var Permissions = []Permission{PermView, PermWrite, PermApprove, PermOperate, PermAdmin}

// Role is what somebody is on the team; a person may have several.
type Role string

// The roles.
const (
	RoleViewer   Role = "viewer"
	RoleEditor   Role = "editor"
	RoleApprover Role = "approver"
	RoleOperator Role = "operator"
	RoleAdmin    Role = "admin"
)

// Roles lists every role, in the order shown to people.
var Roles = []Role{RoleViewer, RoleEditor, RoleApprover, RoleOperator, RoleAdmin}

// rolePermissions is what each role may do.
var rolePermissions = map[Role][]Permission{
	RoleViewer:   {PermView},
	RoleEditor:   {PermView, PermWrite},
	RoleApprover: {PermView, PermApprove},
	// Whoever repairs must be able to give a post a new time, or to drop it.
	RoleOperator: {PermView, PermWrite, PermOperate},
	RoleAdmin:    Permissions,
}

// scopePermissions is what a token of each scope may do: the same permissions,
// cut for programs, which get no more than they were given by name.
var scopePermissions = map[Scope][]Permission{
	ScopeRead:    {PermView},
	ScopeWrite:   {PermWrite},
	ScopeApprove: {PermApprove},
	ScopeOperate: {PermOperate, PermApprove}, // from before approve was a scope of its own
	ScopeAdmin:   Permissions,
}

// Permissions lists what the role allows.
func (r Role) Permissions() []Permission { return slices.Clone(rolePermissions[r]) }

// May reports whether the role allows p.
func (r Role) May(p Permission) bool { return slices.Contains(rolePermissions[r], p) }

// May reports whether the scope allows p.
func (s Scope) May(p Permission) bool { return slices.Contains(scopePermissions[s], p) }

// Scope is the least scope of a token that allows p.
func (p Permission) Scope() Scope {
	i := slices.IndexFunc(Scopes, func(s Scope) bool { return s.May(p) })
	return Scopes[i]
}

// User is a person who signs in.
type User struct {
	ID          int64
	Name        string // signs in with it, and the actor in the audit trail; never changes
	Display     string // as pages show them; "" = Name
	Roles       []Role
	Disabled    bool
	CreatedAt   time.Time
	LastLoginAt time.Time // zero = never
	LockedUntil time.Time // zero = not locked after wrong passwords
	External    bool      // signs in through the identity provider and has no password here
	Version     int64
}

// May reports whether the person has the permission. Who is disabled has none.
func (u User) May(p Permission) bool {
	return !u.Disabled && slices.ContainsFunc(u.Roles, func(r Role) bool { return r.May(p) })
}

// Shown is the person's name as pages show it.
func (u User) Shown() string {
	if u.Display != "" {
		return u.Display
	}
	return u.Name
}

// Limits of a person's name, in characters.
const (
	MinUserName = 3
	MaxUserName = 64
)

// Check reports everything wrong with a person who is to be stored.
func (u *User) Check() error {
	var fs []Field
	if m := checkUserName(u.Name); m != "" {
		fs = append(fs, Field{"name", m})
	}
	if m := checkText(u.Display, false, MaxName); m != "" {
		fs = append(fs, Field{"display", m})
	}
	if m := checkRoles(u.Roles); m != "" {
		fs = append(fs, Field{"roles", m})
	}
	return InvalidFields(fs)
}

func checkUserName(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case s == "":
		return "is required"
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case n < MinUserName || n > MaxUserName:
		return "must have 3 to 64 characters"
	case strings.ContainsFunc(s, func(r rune) bool { return !nameRune(r) }):
		return "may consist of letters, digits and . _ - @ only"
	}
	return ""
}

// nameRune reports the runes of a name. Combining marks are none: two names
// that look alike would be two people.
func nameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '_' || r == '-' || r == '@'
}

func checkRoles(roles []Role) string {
	if len(roles) == 0 {
		return "at least one is required: viewer, editor, approver, operator, admin"
	}
	for i, r := range roles {
		switch {
		case !slices.Contains(Roles, r):
			return "must be of viewer, editor, approver, operator, admin"
		case slices.Contains(roles[:i], r):
			return "one is named twice"
		}
	}
	return ""
}
