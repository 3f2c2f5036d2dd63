package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// campaignFilter is the campaign that a list shows the posts of.
type campaignFilter struct {
	ID    int64
	Name  string // "" = there is no such campaign
	State moment.CampaignState
	Waits bool // none of its posts leaves before somebody does something about it
}

// ofCampaign looks the campaign of a filter up; nil where there is no filter.
func (s *Web) ofCampaign(ctx context.Context, id int64) (*campaignFilter, error) {
	if id == 0 {
		return nil, nil
	}
	c, err := s.store.Campaign(ctx, id)
	switch {
	case moment.KindOf(err) == moment.NotFound:
		return &campaignFilter{ID: id}, nil // as any filter that nothing meets
	case err != nil:
		return nil, err
	}
	return &campaignFilter{id, c.Name, c.State, c.State == moment.CampaignPending || c.State == moment.CampaignPaused}, nil
}

// legendLine is a campaign in the calendar.
type legendLine struct {
	ID           int64
	Name, Colour string
	Posts        int // of those that are listed
	At           string
}

// legendOf names the campaigns of the days' posts. Without it a colour would
// have to be known by heart.
func legendOf(f calendarFilter, days []moment.CalendarDay) []legendLine {
	at := make(map[int64]int)
	var out []legendLine
	for _, day := range days {
		for i := range day.Posts {
			m := &day.Posts[i].Membership
			if m.CampaignID == 0 {
				continue
			}
			n, seen := at[m.CampaignID]
			if !seen {
				n = len(out)
				at[m.CampaignID] = n
				only := f
				only.Campaign = m.CampaignID
				out = append(out, legendLine{ID: m.CampaignID, Name: m.CampaignName, Colour: m.Colour, At: only.at("/calendar", f.View, f.Date)})
			}
			out[n].Posts++
		}
	}
	slices.SortFunc(out, func(a, b legendLine) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Without is the calendar of all campaigns.
func (p *calendarPage) Without() string {
	all := p.Filter
	all.Campaign = 0
	return all.at("/calendar", all.View, all.Date)
}

// CampaignCalendar is where the calendar shows a campaign alone.
func (p *campaignPage) CampaignCalendar() string {
	at := p.Now
	if !p.C.NextFireAt.IsZero() {
		at = p.C.NextFireAt
	}
	d := schedule.NewDate(at.In(location(p.Frame.Zone)).Date())
	return "/calendar?campaign=" + strconv.FormatInt(p.C.ID, 10) + "&date=" + d.String()
}
