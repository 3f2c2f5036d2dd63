package moment

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// Scope is what an API token may do.
type Scope string

// The scopes; scopePermissions says what each allows. Admin includes all
// others, operate includes approve, and none of the others includes another.
const (
	ScopeRead    Scope = "read"
	ScopeWrite   Scope = "write"
	ScopeApprove Scope = "approve"
	ScopeOperate Scope = "operate"
	ScopeAdmin   Scope = "admin"
)

// Scopes lists every scope.
var Scopes = []Scope{ScopeRead, ScopeWrite, ScopeApprove, ScopeOperate, ScopeAdmin}

// Token is a credential of the API. Its value is shown once and never stored.
type Token struct {
	ID         int64
	Name       string // who or what it was made for; the actor in the audit trail
	Scopes     []Scope
	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero = never
	LastUsedAt time.Time // to the minute; zero = never
	RevokedAt  time.Time // zero = it still works
}

// May reports whether one of the token's scopes allows p.
func (t *Token) May(p Permission) bool {
	return slices.ContainsFunc(t.Scopes, func(s Scope) bool { return s.May(p) })
}

// Check reports everything wrong with a token that is to be made.
func (t *Token) Check() error {
	var fs []Field
	if m := checkText(t.Name, true, MaxName); m != "" {
		fs = append(fs, Field{"name", m})
	}
	if len(t.Scopes) == 0 {
		fs = append(fs, Field{"scopes", "at least one is required: read, write, approve, operate, admin"})
	}
	for i, s := range t.Scopes {
		switch {
		case !slices.Contains(Scopes, s):
			fs = append(fs, Field{fmt.Sprintf("scopes[%d]", i), "must be read, write, approve, operate or admin"})
		case slices.Contains(t.Scopes[:i], s):
			fs = append(fs, Field{fmt.Sprintf("scopes[%d]", i), "is named twice"})
		}
	}
	return InvalidFields(fs)
}

// NewTokenValue returns a fresh token: 256 random bits.
func NewTokenValue() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return "mc_" + base64.RawURLEncoding.EncodeToString(b[:])
}

// HashToken is what is stored of a token. A plain hash is enough: the value has
// 256 random bits, which nobody guesses.
func HashToken(value string) [32]byte { return sha256.Sum256([]byte(value)) }
