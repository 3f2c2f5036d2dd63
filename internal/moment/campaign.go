package moment

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// CampaignState is where a campaign stands; docs/campaigns.md has the table.
type CampaignState string

// The states of a campaign.
const (
	CampaignDraft   CampaignState = "draft"   // being written; has no posts
	CampaignPending CampaignState = "pending" // planned, and nothing leaves before somebody approves
	CampaignActive  CampaignState = "active"
	CampaignPaused  CampaignState = "paused"  // planned, and nothing leaves before somebody resumes
	CampaignStopped CampaignState = "stopped" // for good
	CampaignEnded   CampaignState = "ended"   // its schedule is over and nothing is left to send
)

// CampaignStates lists every state.
var CampaignStates = []CampaignState{CampaignDraft, CampaignPending, CampaignActive, CampaignPaused, CampaignStopped, CampaignEnded}

// Planned reports whether the campaign has posts that wait for their time.
func (s CampaignState) Planned() bool {
	return s == CampaignPending || s == CampaignActive || s == CampaignPaused
}

// Campaign is a card, whom it goes out from, and when, again and again. It
// expands into occurrences and posts.
type Campaign struct {
	ID     int64
	Name   string
	Colour string // as the calendar shows it: "#1f6feb"
	State  CampaignState
	Plan   CampaignPlan

	RequireApproval bool          // whether the service asks for it, as of the reading
	Editors         []string      // who but the author changed the plan, or an occurrence's card, since it was last approved
	ApprovedHash    string        // the content that was approved; "" = none
	ApprovedBy      string        // who did
	ApprovedAt      time.Time     // and when
	ApprovedUntil   time.Time     // from then on that is void; zero = never
	ApprovalOver    bool          // whether that has come, as of the reading
	ApprovalExpires time.Duration // how long an approval given now holds, likewise; 0 = for ever
	Rejected        string        // why it was last sent back; "" = it was not

	Predecessor int64  // the campaign that this one continues; 0 = none
	Root        int64  // the first of that line, or itself
	NumberBase  int    // occurrences that the predecessors had
	Reason      string // of the pause or stop
	Author      string
	ExternalKey string // unique among campaigns; "" = none

	SpecVersion   int64 // grows with everything that posts must follow
	ExpandedUntil time.Time
	NextFireAt    time.Time // zero = none planned
	SettledAt     time.Time // since when every post reflects SpecVersion; zero = some don't yet
	Version       int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// CampaignPlan is everything about a campaign that an approver approves. It is
// stored as JSON; the hash of that is what approval is bound to.
type CampaignPlan struct {
	Schedule  string   `json:"schedule"`  // text of a schedule.Spec
	Instances []int64  `json:"instances"` // ids, beside those that are in one of
	Groups    []string `json:"groups"`    // these; who is in a group is asked when posts are made

	Card         Card       `json:"card"`
	Variants     []Variant  `json:"variants"`  // further texts that take turns with the card
	NoRepeat     Seconds    `json:"no_repeat"` // a text may come back on an account after that; 0 = no rule
	UTM          UTM        `json:"utm"`
	FirstComment string     `json:"first_comment"`
	Visibility   Visibility `json:"visibility"`
	AudienceID   int64      `json:"audience_id,omitempty"` // the audience that Visibility was copied from; 0 = none
	Language     string     `json:"language"`              // of {{date}} and {{weekday}}: "zh-CN" or "en"

	Stagger     Stagger      `json:"stagger"`
	MaxLateness Seconds      `json:"max_lateness"` // of each post; 0 = no limit
	Missed      MissedPolicy `json:"missed"`
	MissedCap   int          `json:"missed_cap"` // of MissedAll: at most so many are made up for
}

// Seconds is a duration that JSON tells in seconds.
type Seconds int64

// SecondsOf is d in whole seconds.
func SecondsOf(d time.Duration) Seconds { return Seconds(d / time.Second) }

// Duration is s as a duration.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// Variant is another text for the card. Empty fields are the card's.
type Variant struct {
	Content     string `json:"content"`
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url"`
	ThumbURL    string `json:"thumb_url"`
}

// Stagger spreads an occurrence's posts over time, so that not all accounts
// post at the same second. Nothing is sent before the occurrence.
type Stagger struct {
	Spread Seconds      `json:"spread"` // the accounts take places within it
	Jitter Seconds      `json:"jitter"` // each is later by up to that, differently every time
	Order  StaggerOrder `json:"order"`
}

// StaggerOrder says who takes which place.
type StaggerOrder string

// The orders.
const (
	OrderFixed    StaggerOrder = "fixed"    // an account has the same place every time
	OrderShuffled StaggerOrder = "shuffled" // another one every time
)

// MissedPolicy says what becomes of occurrences whose time passed while nobody
// could plan or release them.
type MissedPolicy string

// The policies.
const (
	MissedSkip   MissedPolicy = "skip"   // they are missed
	MissedLatest MissedPolicy = "latest" // the last one is sent now, the others are missed
	MissedAll    MissedPolicy = "all"    // the last MissedCap are sent now
)

// Limits of a campaign.
const (
	MaxVariants  = 20
	MaxTargets   = 1000 // instances named one by one; groups have no limit
	MaxGroups    = 50
	MaxMissedCap = 100
)

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// WithDefaults fills what was left out.
func (p CampaignPlan) WithDefaults() CampaignPlan {
	p.Language = cmp.Or(p.Language, "zh-CN")
	p.Stagger.Order = cmp.Or(p.Stagger.Order, OrderFixed)
	p.Missed = cmp.Or(p.Missed, MissedLatest)
	p.MissedCap = cmp.Or(p.MissedCap, 10)
	slices.Sort(p.Instances)
	p.Instances = slices.Compact(p.Instances)
	slices.Sort(p.Groups)
	p.Groups = slices.Compact(p.Groups)
	return p
}

// Check reports everything wrong with the campaign but its schedule, which is
// not for this package to read. A draft may be incomplete.
func (c *Campaign) Check() error {
	var fs []Field
	add := func(path, format string, args ...any) { fs = append(fs, Field{path, fmt.Sprintf(format, args...)}) }
	if m := checkText(c.Name, true, MaxName); m != "" {
		add("name", "%s", m)
	}
	if !colour.MatchString(c.Colour) {
		add("colour", "must be written #rrggbb")
	}
	draft := c.State == CampaignDraft
	if !draft && c.Plan.Schedule == "" {
		add("schedule", "is required")
	}
	return InvalidFields(append(fs, c.Plan.fields(draft)...))
}

func (p *CampaignPlan) fields(draft bool) []Field {
	fs := p.textFields(draft)
	add := func(path, format string, args ...any) { fs = append(fs, Field{path, fmt.Sprintf(format, args...)}) }
	if !draft || p.Visibility.Mode != "" || len(p.Visibility.Users)+len(p.Visibility.Labels) > 0 {
		fs = append(fs, p.Visibility.fields()...)
	}
	if !draft && len(p.Instances)+len(p.Groups) == 0 {
		add("targets", "name at least one instance or group")
	}
	if len(p.Instances) > MaxTargets {
		add("instances", "at most %d; use groups for more", MaxTargets)
	}
	if len(p.Groups) > MaxGroups {
		add("groups", "at most %d", MaxGroups)
	}
	for i, g := range p.Groups {
		if m := checkText(g, true, MaxName); m != "" {
			add(fmt.Sprintf("groups[%d]", i), "%s", m)
		}
	}
	span := func(path string, s Seconds, most time.Duration) {
		if s < 0 || s.Duration() > most {
			add(path, "must be between 0 and %s", most)
		}
	}
	span("stagger.spread", p.Stagger.Spread, 24*time.Hour)
	span("stagger.jitter", p.Stagger.Jitter, time.Hour)
	span("max_lateness", p.MaxLateness, 720*time.Hour)
	span("no_repeat", p.NoRepeat, 365*24*time.Hour)
	if p.Stagger.Order != OrderFixed && p.Stagger.Order != OrderShuffled {
		add("stagger.order", "must be fixed or shuffled")
	}
	if p.Missed != MissedSkip && p.Missed != MissedLatest && p.Missed != MissedAll {
		add("missed", "must be skip, latest or all")
	}
	if p.MissedCap < 1 || p.MissedCap > MaxMissedCap {
		add("missed_cap", "must be between 1 and %d", MaxMissedCap)
	}
	if p.Language != "zh-CN" && p.Language != "en" {
		add("language", "must be zh-CN or en")
	}
	return fs
}

// Hash names the plan: two plans with the same hash send the same. Which
// audience the visibility is a copy of nobody sees, so it is no part of that.
func (p *CampaignPlan) Hash() string {
	whole := p.WithDefaults()
	whole.AudienceID = 0
	b, err := json.Marshal(whole)
	if err != nil {
		panic(err) // plain values, all of them
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// Approved reports whether the plan as it is now was approved, and that holds
// still.
func (c *Campaign) Approved() bool {
	return c.ApprovedHash != "" && c.ApprovedHash == c.Plan.Hash() && !c.ApprovalOver
}
