package api

import "momentcast/internal/moment"

// Scopes is the table of what each operation needs.
func Scopes() map[string]moment.Scope { return scopes }
