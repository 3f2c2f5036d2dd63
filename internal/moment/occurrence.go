package moment

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// OccurrenceState says what becomes of an occurrence.
type OccurrenceState string

// The states of an occurrence.
const (
	OccurrencePlanned OccurrenceState = "planned"
	OccurrenceMoved   OccurrenceState = "moved"   // to another time, by the work calendar or a person
	OccurrenceEdited  OccurrenceState = "edited"  // it has a card of its own
	OccurrenceSkipped OccurrenceState = "skipped" // Reason says why
	OccurrenceMissed  OccurrenceState = "missed"  // nobody could plan or release it in time
	OccurrenceMerged  OccurrenceState = "merged"  // another one, named in Reason, fires for it
)

// Why an occurrence is what it is, beside the reasons of package schedule.
const (
	WhyPerson          = "person"           // somebody decided it
	WhyScheduleChanged = "schedule_changed" // the schedule has it no more
	WhyRepeat          = "repeat"           // its text would come back on the accounts too soon
	WhyLate            = "late"             // nobody was there to plan it
	WhyPaused          = "paused"           // its time came while the campaign was paused or not approved
)

// Occurrence is one planned firing of a campaign.
type Occurrence struct {
	ID         int64
	CampaignID int64
	Wall       string    // the wall time that names it: "2026-10-01T09:00", with "#2" for a repeated hour
	Aim        string    // the wall time it aims at
	PlannedAt  time.Time // when the schedule would fire it
	At         time.Time // when it fires
	Number     int       // {{n}}; 0 where it never counts
	State      OccurrenceState
	Reason     string

	Card     *Card // its own card; nil = the campaign's
	Approved bool  // its own card may leave; true where it has none
	Fixed    bool  // At is a person's or the catch-up's choice and stays

	Settled       int64 // the spec version that its posts reflect; 0 = they were never made, or not all of them
	Cursor        int64 // the instance up to which they do, where one step was not enough
	CursorVersion int64 // the spec version that Cursor is about; 0 = one step was always enough

	Problems []RenderProblem // posts that could not be made
	Version  int64
}

// RenderProblem is a post that could not be made from the campaign's text.
type RenderProblem struct {
	InstanceID int64  `json:"instance_id"`
	Field      string `json:"field"`
	Message    string `json:"message"`
}

// Fires reports whether the occurrence has posts.
func (o *Occurrence) Fires() bool {
	return o.State == OccurrencePlanned || o.State == OccurrenceMoved || o.State == OccurrenceEdited
}

// day is the date it aims at, which the variables tell.
func (o *Occurrence) day() time.Time {
	if len(o.Aim) < len(time.DateOnly) {
		return o.At
	}
	d, err := time.Parse(time.DateOnly, o.Aim[:len(time.DateOnly)])
	if err != nil {
		return o.At
	}
	return d
}

// Target is an instance that a campaign goes out from.
type Target struct {
	ID   int64
	WcID string
	Name string
}

// Texts lists the cards that take turns.
func (p *CampaignPlan) Texts() []Card {
	cards := []Card{p.Card}
	for _, v := range p.Variants {
		c := p.Card
		for _, f := range []struct {
			to   *string
			from string
		}{{&c.Content, v.Content}, {&c.Title, v.Title}, {&c.Description, v.Description}, {&c.URL, v.URL}, {&c.ThumbURL, v.ThumbURL}} {
			if f.from != "" {
				*f.to = f.from
			}
		}
		cards = append(cards, c)
	}
	return cards
}

// Turn is which of n texts the target has at an occurrence: each account begins
// somewhere else, and comes back to a text after all the others.
func (c *Campaign) Turn(o *Occurrence, t Target, n int) int {
	return int((uint64(o.Number) + c.hash(t.ID)) % uint64(n))
}

// Post is the post that the occurrence makes for the target. Which text, which
// place in time: the same answer every time it is asked. An error is what makes
// the post impossible.
func (c *Campaign) Post(o *Occurrence, t Target) (*Post, error) {
	card := c.Plan.Card
	if o.Card != nil {
		card = *o.Card
	} else if texts := c.Plan.Texts(); len(texts) > 1 {
		card = texts[c.Turn(o, t, len(texts))]
	}
	v := &variables{day: o.day(), language: c.Plan.Language, instance: t.Name, n: o.Number}
	utm := c.Plan.UTM
	for _, s := range []*string{&utm.Source, &utm.Medium, &utm.Campaign, &utm.Term, &utm.Content} {
		*s = v.text(*s)
	}
	p := &Post{
		InstanceID: t.ID, State: Scheduled,
		Card: Card{Content: v.text(card.Content), Title: v.text(card.Title), Description: v.text(card.Description),
			URL: v.link(card.URL), ThumbURL: v.link(card.ThumbURL)},
		Visibility: c.Plan.Visibility, FirstComment: v.text(c.Plan.FirstComment),
		DueAt: c.due(o, t), MaxLateness: c.Plan.MaxLateness.Duration(), Author: c.Author, Source: "campaign",
	}
	link, err := utm.AddTo(p.Card.URL)
	if err != nil {
		return nil, err
	}
	p.Card.URL = link
	return p, p.Check(p.DueAt)
}

// due is when the target's post of the occurrence is due. Places do not depend
// on who else is a target, so that a join moves nobody.
func (c *Campaign) due(o *Occurrence, t Target) time.Time {
	s := c.Plan.Stagger
	at := o.At
	if spread := uint64(s.Spread); spread > 0 {
		// Steps of the golden ratio spread neighbouring ids evenly.
		place := uint64(t.ID) * 0x9E3779B97F4A7C15
		if s.Order == OrderShuffled {
			place = c.hash(t.ID, o.PlannedAt.Unix())
		}
		at = at.Add(time.Duration((place>>32)*spread>>32) * time.Second)
	}
	if s.Jitter > 0 {
		at = at.Add(time.Duration(c.hash(t.ID, o.PlannedAt.Unix(), 1)%uint64(s.Jitter+1)) * time.Second)
	}
	return at
}

// hash mixes numbers into one that stays the same for the campaign and those
// that continue it.
func (c *Campaign) hash(numbers ...int64) uint64 {
	root := c.Root
	if root == 0 {
		root = c.ID
	}
	h := fnv.New64a()
	var b [8]byte
	for _, n := range append([]int64{root}, numbers...) {
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		_, _ = h.Write(b[:]) // never fails
	}
	x := h.Sum64()
	x ^= x >> 33 // the low digits of FNV are poor
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}
