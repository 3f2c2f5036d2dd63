package moment

import "time"

// Autosave is what somebody has typed into a form and not submitted.
type Autosave struct {
	Form      string              // which form: "new", "clone:7", "edit:7"
	Typed     map[string][]string // its fields
	UpdatedAt time.Time
}

// MaxAutosave is how large an autosave may be, in bytes of JSON.
const MaxAutosave = 64 << 10
