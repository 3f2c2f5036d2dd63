package api

import "momentcast/internal/moment"

// Needs is the table of what each operation needs.
func Needs() map[string]moment.Permission { return needs }
