package moment

import "time"

// ImportKind is what the rows of a file become.
type ImportKind string

// The kinds.
const (
	ImportPosts     ImportKind = "posts"
	ImportCampaigns ImportKind = "campaigns" // drafts, whatever else is asked for
)

// ImportKinds lists every kind.
var ImportKinds = []ImportKind{ImportPosts, ImportCampaigns}

// ImportFile is a file as somebody sends it.
type ImportFile struct {
	Kind     ImportKind // "" = posts
	Name     string
	Data     []byte
	Headless bool              // it has no header row: columns are named A, B, … as spreadsheets do
	Map      map[string]string // header → field, "" = none; other columns are read as they were last, or as their headers say
}

// ImportState is where an import stands.
type ImportState string

// The states of an import.
const (
	ImportChecking   ImportState = "checking"   // its rows are being checked
	ImportChecked    ImportState = "checked"    // nothing is made of it yet; somebody decides
	ImportCommitting ImportState = "committing" // its rows are being stored, or were until the program ended
	ImportDone       ImportState = "done"
)

// Limits of an import.
const (
	MaxImportRows    = 100_000
	MaxImportColumns = 100
	MaxImportBytes   = 32 << 20 // of the file
	ImportBatch      = 500      // rows that are checked, or stored, in one transaction
	MaxFindings      = 5_000    // that are kept of one import
)

// Import is a file on its way in: of posts, or of campaigns.
type Import struct {
	ID        int64
	Kind      ImportKind
	File      string // its name
	Format    string // "csv" or "xlsx"
	Encoding  string // "UTF-8", "UTF-16" or "GBK"; "" for xlsx
	Date1904  bool   // the file counts days from 1904
	Header    []string
	Rows      int
	Batches   int
	Options   ImportOptions
	State     ImportState
	Counts    ImportCounts
	NextBatch int  // the first that is not stored yet
	Busy      bool // some replica works on it
	Author    string
	Version   int64
	CreatedAt time.Time
	ExpiresAt time.Time // from then on its rows are gone
}

// Stopped reports whether storing its rows ended before its end.
func (i *Import) Stopped() bool { return i.State == ImportCommitting && !i.Busy }

// Done is how many rows are dealt with.
func (i *Import) Done() int { return min(i.NextBatch*ImportBatch, i.Rows) }

// ImportOptions say how rows are read.
type ImportOptions struct {
	Columns    []string       `json:"columns"`     // of each column of the file the field it is read as; "" = none
	Zone       string         `json:"zone"`        // of times that name none; "" = each account's own, of campaigns the service's
	Instance   int64          `json:"instance"`    // of rows that name none; 0 = they are wrong
	Visibility VisibilityMode `json:"visibility"`  // of rows that name none: "everyone"; "" = they are wrong
	AudienceID int64          `json:"audience_id"` // likewise; 0 = none
	Draft      bool           `json:"draft"`       // rows may be incomplete: posts become drafts, as campaigns do in any case
}

// ImportCounts say what rows of an import are, and became.
type ImportCounts struct {
	New     int `json:"new"`     // not there yet
	Exists  int `json:"exists"`  // there already, and the same
	Differs int `json:"differs"` // there already under the same key, with another content
	Wrong   int `json:"wrong"`   // nothing can be made of them
	Warned  int `json:"warned"`  // of the new ones, those that somebody should look at
	Created int `json:"created"` // by the commit, so far
}

// Missed is how many rows were new when they were checked and were not stored,
// now that the import is done: somebody else has made them, or their time is over.
func (c ImportCounts) Missed() int { return max(c.New-c.Created, 0) }

// ImportRow is one row of the file.
type ImportRow struct {
	Number   int      `json:"n"` // as spreadsheets count: the header is 1
	Cells    []string `json:"c"`
	Formulas []int    `json:"f,omitempty"` // columns whose cell computes its value
}

// ImportFinding is what is wrong with, or worth knowing about, a row of an import.
type ImportFinding struct {
	Row      int    `json:"row"`
	Column   string `json:"column"`   // as the file heads it; "" = the row as a whole
	Field    string `json:"field"`    // what it was read as
	Severity string `json:"severity"` // "error", "differs" or "warn"
	Message  string `json:"message"`  // in English
	Chinese  string `json:"chinese"`  // "" = say.<Message> has it
}
