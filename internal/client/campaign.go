package client

import "time"

// Campaign is the part of a campaign that is shown to people.
type Campaign struct {
	ID         int64            `json:"id"`
	Name       string           `json:"name"`
	State      string           `json:"state"`
	Schedule   string           `json:"schedule"`
	AudienceID *int64           `json:"audience_id"`
	Reason     *string          `json:"reason"`
	NextFireAt *time.Time       `json:"next_fire_at"`
	Posts      map[string]int64 `json:"posts"`
	Problems   int64            `json:"problems"`
	Actions    []string         `json:"actions"`
	Version    int64            `json:"version"`
	Approval   struct {
		Needed  bool       `json:"needed"`
		Expired bool       `json:"expired"`
		Until   *time.Time `json:"until"`
	} `json:"approval"`
}

// Occurrence is one planned firing of a campaign.
type Occurrence struct {
	ID     int64            `json:"id"`
	Name   string           `json:"name"`
	At     *time.Time       `json:"at"`
	State  string           `json:"state"`
	Reason *string          `json:"reason"`
	Posts  map[string]int64 `json:"posts"`
}

// Preview is what a schedule does next.
type Preview struct {
	Words   string `json:"words"`
	Entries []struct {
		Local   string `json:"local"`
		Weekday string `json:"weekday"`
		Dropped bool   `json:"dropped"`
		Mark    string `json:"mark"`
		Why     string `json:"why"`
	} `json:"entries"`
	Ended       bool  `json:"ended"`
	Unpublished []int `json:"unpublished"`
}

// DryRun is what planned posts would come to.
type DryRun struct {
	Posts   int            `json:"posts"`
	OnTime  int            `json:"on_time"`
	Late    int            `json:"late"`
	Missed  int            `json:"missed"`
	Unknown int            `json:"unknown"`
	Reasons map[string]int `json:"reasons"`
	Partial bool           `json:"partial"`
	Worst   []struct {
		WcID     string     `json:"wc_id"`
		Title    string     `json:"title"`
		DueAt    *time.Time `json:"due_at"`
		LeavesAt *time.Time `json:"leaves_at"`
		Missed   bool       `json:"missed"`
		Why      string     `json:"why"`
	} `json:"worst"`
	Density *struct {
		Posts   int64 `json:"posts_a_day"`
		Allowed int64 `json:"allowed_a_day"`
		Breaks  bool  `json:"breaks"`
	} `json:"density"`
}

// Edited is the answer to a change of a campaign.
type Edited struct {
	Campaign   *Campaign `json:"campaign"`
	Difference *struct {
		Counts  map[string]int `json:"counts"`
		Partial bool           `json:"partial"`
	} `json:"difference"`
}
