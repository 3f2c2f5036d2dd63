package client

import (
	"fmt"
	"strings"
	"time"
)

// Page is one page of a list.
type Page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// Post is the part of a post that is shown to people.
type Post struct {
	ID         int64      `json:"id"`
	WcID       string     `json:"wc_id"`
	State      string     `json:"state"`
	Hold       *Hold      `json:"hold"`
	DueAt      *time.Time `json:"due_at"`
	Title      string     `json:"title"`
	Content    string     `json:"content"`
	URL        string     `json:"url"`
	Visibility *struct {
		Mode   string   `json:"mode"`
		Users  []string `json:"users"`
		Labels []string `json:"labels"`
	} `json:"visibility"`
	ExternalKey *string    `json:"external_key"`
	Author      string     `json:"author"`
	SentAt      *time.Time `json:"sent_at"`
	LatenessMS  *int64     `json:"lateness_ms"`
	MomentID    *string    `json:"moment_id"`
	Error       *string    `json:"error"`
	RecallMode  *string    `json:"recall_mode"`
	Actions     []string   `json:"actions"`
	Proof       *struct {
		Matches     bool     `json:"matches"`
		Differences []string `json:"differences"`
	} `json:"proof"`
	ContentHash string `json:"content_hash"`
	Approvals   []struct {
		Ruling    string     `json:"ruling"`
		By        string     `json:"by"`
		At        time.Time  `json:"at"`
		ExpiresAt *time.Time `json:"expires_at"`
		Reason    *string    `json:"reason"`
		Holds     bool       `json:"holds"`
	} `json:"approvals"`
	ReadBacks []ReadBack `json:"read_backs"`
	Attempts  []struct {
		Number     int       `json:"number"`
		StartedAt  time.Time `json:"started_at"`
		DurationMS int64     `json:"duration_ms"`
		Verdict    string    `json:"verdict"`
		Message    string    `json:"message"`
	} `json:"attempts"`
	Events []struct {
		At      time.Time `json:"at"`
		Action  string    `json:"action"`
		ToState *string   `json:"to_state"`
		Actor   string    `json:"actor"`
		Source  string    `json:"source"`
	} `json:"events"`
}

// Hold is why something waits.
type Hold struct {
	Reason  string     `json:"reason"`
	Until   *time.Time `json:"until"`
	Message string     `json:"message"`
}

// Instance is the part of an instance that is shown to people.
type Instance struct {
	ID           int64      `json:"id"`
	WcID         string     `json:"wc_id"`
	WID          *string    `json:"w_id"`
	Name         string     `json:"name"`
	Groups       []string   `json:"groups"`
	TimeZone     string     `json:"time_zone"`
	Online       bool       `json:"online"`
	OnlineSince  *time.Time `json:"online_since"`
	MaturedAt    *time.Time `json:"matured_at"`
	Unread       bool       `json:"unread"`
	Paused       bool       `json:"paused"`
	PausedReason *string    `json:"paused_reason"`
	SentToday    int        `json:"sent_today"`
	NextSlotAt   *time.Time `json:"next_slot_at"`
	Hold         *Hold      `json:"hold"`
	Pacing       struct {
		MinGap     string `json:"min_gap"`
		DailyCap   int    `json:"daily_cap"`
		QuietHours string `json:"quiet_hours"`
		OnlineAge  string `json:"online_age"`
	} `json:"pacing"`
	Counts map[string]int64 `json:"counts"`
}

// Paused is whether everything is paused.
type Paused struct {
	Paused bool       `json:"paused"`
	Reason *string    `json:"reason"`
	By     *string    `json:"by"`
	Since  *time.Time `json:"since"`
}

// Status is the whole picture.
type Status struct {
	Paused  Paused `json:"paused"`
	Gateway struct {
		ObservedAt *time.Time `json:"observed_at"`
		DownSince  *time.Time `json:"down_since"`
		Error      *string    `json:"error"`
	} `json:"gateway"`
	Replicas []struct {
		Name           string `json:"name"`
		Version        string `json:"version"`
		HeartbeatAgeMS int64  `json:"heartbeat_age_ms"`
		InFlight       int    `json:"in_flight"`
	} `json:"replicas"`
	Posts     map[string]int64 `json:"posts"`
	Overdue   int64            `json:"overdue"`
	DueHeld   map[string]int64 `json:"due_held"`
	NextDue   *time.Time       `json:"next_due"`
	Instances map[string]int64 `json:"instances"`
}

// Audience is a named visibility.
type Audience struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	Note       string `json:"note"`
	Visibility struct {
		Mode   string   `json:"mode"`
		Users  []string `json:"users"`
		Labels []string `json:"labels"`
	} `json:"visibility"`
	Waiting  int64 `json:"waiting"`
	Finished int64 `json:"finished"`
	Use      struct {
		Same    int64 `json:"same"`
		Differs int64 `json:"differs"`

		Campaigns []struct {
			ID    int64  `json:"id"`
			Name  string `json:"name"`
			State string `json:"state"`
			Same  bool   `json:"same"`
			Posts int64  `json:"posts"`
		} `json:"campaigns"`
	} `json:"use"`
	Campaigns          int64 `json:"campaigns"`
	Rewritten          int   `json:"rewritten"`
	RewrittenCampaigns int   `json:"rewritten_campaigns"`
}

// ReadBack is one look at an account's timeline for the moment of a doubtful
// call.
type ReadBack struct {
	Attempt int       `json:"attempt"`
	Round   int       `json:"round"`
	At      time.Time `json:"at"`
	Problem *string   `json:"problem"`
	Found   *string   `json:"found"`
	Seen    []Seen    `json:"seen"`
	More    int       `json:"more"`
}

// Seen is one moment that a read-back saw.
type Seen struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Match   bool     `json:"match"`
	Differs []string `json:"differs"`
	PostID  *int64   `json:"post_id"`
}

// Came says what came of the look.
func (b ReadBack) Came() string {
	switch {
	case b.Problem != nil:
		return "the timeline could not be read (" + *b.Problem + ")"
	case b.Found != nil:
		return "found " + *b.Found
	}
	return fmt.Sprintf("not found among %d moments", len(b.Seen)+b.More)
}

// Compared says how the moment compares with what was asked for.
func (m Seen) Compared() string {
	text := "differs in " + strings.Join(m.Differs, ", ")
	switch {
	case len(m.Differs) == 0:
		text = "the same"
	case m.Match:
		text = "matches, though it " + text
	}
	if m.PostID != nil {
		text += fmt.Sprintf("; belongs to post %d", *m.PostID)
	}
	return text
}

// Days is what became of each day's posts.
type Days struct {
	TimeZone string `json:"time_zone"`
	Items    []struct {
		Day      string           `json:"day"`
		Posts    map[string]int64 `json:"posts"`
		Measured int64            `json:"measured"`
		P50      int64            `json:"lateness_p50_ms"`
		P99      int64            `json:"lateness_p99_ms"`
	} `json:"items"`
}
