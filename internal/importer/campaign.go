package importer

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// defaultColour is a campaign's that names none.
const defaultColour = "#1f6feb"

// campaignPlanner makes campaigns of rows: drafts, which somebody activates.
type campaignPlanner struct {
	*book
	calendars map[string]*schedule.Calendar
	schedules map[string]when // by what the cells say: most rows of a file are alike
}

// campaign is one as a row makes it, or as it is there.
type campaign struct{ *moment.Campaign }

func (c campaign) id() int64   { return c.ID }
func (c campaign) key() string { return c.ExternalKey }

func (p *campaignPlanner) there(ctx context.Context, keys []string) (map[string]thing, error) {
	found, err := p.book.store.CampaignsByKey(ctx, keys)
	out := make(map[string]thing, len(found))
	for key, one := range found {
		out[key] = campaign{one}
	}
	return out, err
}

func (p *campaignPlanner) store(ctx context.Context, id int64, batch int, things []thing) (bool, error) {
	campaigns := make([]*moment.Campaign, 0, len(things))
	for _, t := range things {
		if one, ok := t.(campaign); ok {
			campaigns = append(campaigns, one.Campaign)
		}
	}
	return p.book.store.CommitCampaigns(ctx, id, batch, campaigns, p.by)
}

func (p *campaignPlanner) plan(r *rowReader) thing {
	targets := r.targets()
	lateness := r.span("max_lateness", r.settings.MaxLateness)
	plan := moment.CampaignPlan{Instances: targets.instances, Groups: targets.groups, Card: r.card(), FirstComment: r.cell("first_comment"),
		NoRepeat: moment.SecondsOf(r.span("no_repeat", 0)), MaxLateness: moment.SecondsOf(lateness),
		Language: choice(r, "language", tongues, "must be zh-CN or en"),
		Missed:   choice(r, "missed", policies, "must be skip, latest or all"), MissedCap: r.number("missed_cap"),
		Stagger: moment.Stagger{Spread: moment.SecondsOf(r.span("spread", 0)), Jitter: moment.SecondsOf(r.span("jitter", 0)),
			Order: choice(r, "order", orders, "must be fixed or shuffled")},
		UTM: moment.UTM{Source: r.cell("utm_source"), Medium: r.cell("utm_medium"), Campaign: r.cell("utm_campaign"), Term: r.cell("utm_term"), Content: r.cell("utm_content")},
	}
	who, preset := r.audience(targets.all) // a campaign keeps the list itself: its approval is of that
	if plan.Visibility = who; preset != nil {
		plan.AudienceID = preset.ID
	}
	var numbers []int
	plan.Variants, numbers = r.variants()
	plan.Schedule = p.when(r)
	one := &moment.Campaign{Name: r.cell("name"), Colour: strings.ToLower(cmp.Or(r.cell("colour"), defaultColour)), Plan: plan.WithDefaults(),
		State: moment.CampaignDraft, Author: r.by.Actor, ExternalKey: r.cell("external_key")}
	r.checkCampaign(one, numbers)
	if one.ExternalKey == "" {
		one.ExternalKey = hashKey("campaign", one.Name, one.Plan.Hash())
	}
	return campaign{one}
}

// targets are whom a campaign goes out from.
type targets struct {
	instances []int64
	groups    []string
	all       []int64 // the accounts, with those that are in the groups today
}

const listMarks = ",;|，；、\n\t"

func (r *rowReader) targets() (t targets) {
	names := split(r.cell("instances"), listMarks)
	groups := split(r.cell("groups"), listMarks)
	if len(names)+len(groups) == 0 && r.Instance != 0 {
		names = []string{strconv.FormatInt(r.Instance, 10)}
	}
	for _, name := range names {
		if i := r.account("instances", name); i != nil {
			t.instances = append(t.instances, i.ID)
		}
	}
	t.all = slices.Clone(t.instances)
	for _, name := range groups {
		members := r.groups[name]
		if len(members) == 0 {
			r.wrong("groups", "names a group that no account is in; put accounts into it first, or correct the name")
		}
		t.groups, t.all = append(t.groups, name), append(t.all, members...)
	}
	if r.said("instances", "groups") {
		t.all = nil // who is meant is not known
	}
	return t
}

// variants are the further texts, with the numbers of their columns.
func (r *rowReader) variants() (out []moment.Variant, numbers []int) {
	for n := 2; n <= maxTexts; n++ {
		cell := func(field string) string { return r.cell(field + "_" + strconv.Itoa(n)) }
		v := moment.Variant{Content: cell("content"), Title: cell("title"), Description: cell("description"), URL: cell("url"), ThumbURL: cell("thumb_url")}
		if v != (moment.Variant{}) {
			out, numbers = append(out, v), append(numbers, n)
		}
	}
	return out, numbers
}

// checkCampaign is what activating asks of a campaign, unless rows may be
// incomplete; and what lint has to say of its texts.
func (r *rowReader) checkCampaign(one *moment.Campaign, numbers []int) {
	whole := *one
	if !r.Draft {
		whole.State = moment.CampaignPending
	}
	if e, ok := asError(whole.Check()); ok {
		for _, f := range e.Fields {
			field := campaignField(f.Path, numbers)
			also := []string{field}
			switch field {
			case "instances":
				also = append(also, "groups")
			case "visibility", "users", "labels":
				also = append(also, "audience", "visibility")
			}
			if !r.said(also...) {
				r.wrong(field, f.Message)
			}
		}
	}
	if one.ExternalKey != "" && len([]rune(one.ExternalKey)) > moment.MaxKey {
		r.wrong("external_key", "is longer than "+strconv.Itoa(moment.MaxKey)+" characters")
	}
	if !r.isWrong() {
		r.looksAt(one, numbers)
	}
}

var indexed = regexp.MustCompile(`^variants\[(\d+)\]\.?`)

// campaignField is the column that a field of a campaign is read from.
func campaignField(path string, numbers []int) string {
	if m := indexed.FindStringSubmatch(path); m != nil {
		i, _ := strconv.Atoi(m[1])
		return path[len(m[0]):] + "_" + strconv.Itoa(numbers[i])
	}
	path, _, _ = strings.Cut(path, "[")
	switch path {
	case "targets":
		return "instances"
	case "visibility.mode":
		return "visibility"
	}
	for _, part := range []string{"visibility.", "stagger."} {
		path = strings.TrimPrefix(path, part)
	}
	return strings.ReplaceAll(path, ".", "_")
}

// looksAt has the texts looked at as they would go out: the first post of each.
func (r *rowReader) looksAt(one *moment.Campaign, numbers []int) {
	for n, text := range one.Plan.Texts() {
		card, suffix := text, ""
		if n > 0 {
			suffix = "_" + strconv.Itoa(numbers[n-1])
		}
		o := &moment.Occurrence{Aim: r.now.UTC().Format("2006-01-02T15:04"), At: r.now, PlannedAt: r.now, Number: 1, Card: &card}
		sample, err := one.Post(o, moment.Target{Name: r.sampleName(one)})
		if err != nil {
			if !r.Draft && !r.said("url") {
				r.sayOf(err, suffix)
			}
			continue
		}
		comment := sample.FirstComment
		if n > 0 {
			comment = ""
		}
		r.looks(lint.Input{Card: sample.Card, FirstComment: comment}, func(field string) string {
			if suffix != "" && r.cell(field+suffix) != "" {
				return field + suffix
			}
			return field
		})
	}
}

// sayOf says why no post could be made of a text that is right by itself, such
// as a link that is too long with its UTM parameters.
func (r *rowReader) sayOf(err error, suffix string) {
	e, ok := asError(err)
	if !ok {
		return
	}
	for _, f := range e.Fields {
		field, _, _ := strings.Cut(f.Path, "[")
		if r.cell(field+suffix) != "" {
			field += suffix
		}
		if !r.said(field) {
			r.wrong(field, f.Message)
		}
	}
}

func (r *rowReader) sampleName(one *moment.Campaign) string {
	for _, id := range one.Plan.Instances {
		return r.named(strconv.FormatInt(id, 10))[0].Name
	}
	for _, g := range one.Plan.Groups {
		for _, id := range r.groups[g] {
			return r.named(strconv.FormatInt(id, 10))[0].Name
		}
	}
	return "x"
}

func (c campaign) differences(other thing) []string {
	is, ok := other.(campaign)
	if !ok {
		return nil
	}
	a, b := is.Plan.WithDefaults(), c.Plan.WithDefaults()
	out := append(differing([]comparison{{"name", is.Name == c.Name}, {"colour", is.Colour == c.Colour},
		{"instances", slices.Equal(a.Instances, b.Instances)}, {"groups", slices.Equal(a.Groups, b.Groups)}, {"schedule", a.Schedule == b.Schedule}}), cardDifferences(a.Card, b.Card)...)
	for n := range max(len(a.Variants), len(b.Variants)) {
		if n >= len(a.Variants) || n >= len(b.Variants) || a.Variants[n] != b.Variants[n] {
			out = append(out, "content_"+strconv.Itoa(n+2))
		}
	}
	return append(out, differing([]comparison{{"visibility", a.Visibility.Equal(b.Visibility)}, {"first_comment", a.FirstComment == b.FirstComment},
		{"spread", a.Stagger.Spread == b.Stagger.Spread}, {"jitter", a.Stagger.Jitter == b.Stagger.Jitter}, {"order", a.Stagger.Order == b.Stagger.Order},
		{"max_lateness", a.MaxLateness == b.MaxLateness}, {"missed", a.Missed == b.Missed}, {"missed_cap", a.MissedCap == b.MissedCap},
		{"no_repeat", a.NoRepeat == b.NoRepeat}, {"language", a.Language == b.Language}, {"utm_source", a.UTM == b.UTM}})...)
}

func location(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return time.UTC // the zone is wrong, and so is the row
	}
	return loc
}
