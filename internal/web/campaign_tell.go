package web

import (
	"context"
	"reflect"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// tally is what became of posts of a campaign.
type tally struct {
	Of     moment.CampaignState
	Counts map[moment.State]int64
}

// campaignPost is the state of one of them.
type campaignPost struct {
	Of    moment.CampaignState
	State moment.State
}

// Paused reports whether the post waits for the campaign to be resumed, and not
// for an approval, as its own state says.
func (p campaignPost) Paused() bool {
	return p.Of == moment.CampaignPaused && p.State == moment.Pending
}

// planChange is a part of a plan that an edit changes.
type planChange struct {
	Name    string
	Was, Is string
	Told    bool // Was and Is say it
}

// planChanges lists what an edit changes of a campaign, but who sees it.
func planChanges(c catalogue, lang string, was *moment.CampaignView, name string, is *moment.CampaignPlan) (out []planChange) {
	before := was.Plan.WithDefaults()
	tell := func(key, was, is string) {
		if was != is {
			out = append(out, planChange{c.get(key), was, is, true})
		}
	}
	note := func(key string, was, is any) {
		if !reflect.DeepEqual(was, is) {
			out = append(out, planChange{Name: c.get(key)})
		}
	}
	tell("field.name", was.Name, name)
	tell("campaign.schedule", wordsOf(&before, lang), wordsOf(is, lang))
	tell("field.groups", strings.Join(before.Groups, ", "), strings.Join(is.Groups, ", "))
	note("campaign.instances", append([]int64{}, before.Instances...), append([]int64{}, is.Instances...))
	tell("field.content", before.Card.Content, is.Card.Content)
	tell("field.title", before.Card.Title, is.Card.Title)
	tell("field.description", before.Card.Description, is.Card.Description)
	tell("field.url", before.Card.URL, is.Card.URL)
	tell("field.thumb_url", before.Card.ThumbURL, is.Card.ThumbURL)
	tell("field.first_comment", before.FirstComment, is.FirstComment)
	type texts struct {
		variants []moment.Variant
		apart    moment.Seconds
	}
	note("campaign.variants", texts{append([]moment.Variant{}, before.Variants...), before.NoRepeat}, texts{append([]moment.Variant{}, is.Variants...), is.NoRepeat})
	note("campaign.utm", before.UTM, is.UTM)
	note("campaign.language", before.Language, is.Language)
	type pace struct {
		moment.Stagger
		late   moment.Seconds
		missed moment.MissedPolicy
		most   int
	}
	note("campaign.pace", pace{before.Stagger, before.MaxLateness, before.Missed, before.MissedCap}, pace{is.Stagger, is.MaxLateness, is.Missed, is.MissedCap})
	return out
}

// accountNames are what people call the instances.
func (s *Web) accountNames(ctx context.Context) (map[int64]string, error) {
	list, err := s.instanceOptions(ctx, 0)
	names := make(map[int64]string, len(list))
	for _, o := range list {
		names[o.Value] = o.Name
	}
	return names, err
}

// Account is what people call the instance.
func (p *campaignChangePage) Account(id int64) string {
	if name, ok := p.Accounts[id]; ok {
		return name
	}
	return "#" + strconv.FormatInt(id, 10)
}
