package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// campaignForm makes or changes a campaign.
type campaignForm struct {
	Frame
	ID      int64  // 0 = a new one
	Version int64  // that was seen
	Key     string // of a new one: makes it once
	From    int64  // the occurrence from which on the change holds; 0 = all
	Name    string
	Colour  string
	When    scheduleForm
	Plan    moment.CampaignPlan
	Groups  string
	Known   []string // groups that there are
	Targets []option
	Who     *visibilityForm
	Draft   bool

	Since   string // the day the preview begins with; "" = now
	Words   string // of the schedule; "" = it is not right yet
	Preview []previewLine
	Years   []int // whose holidays are not known
	Ended   bool
	Card    *phoneCard
	choice  visibilityChoice
}

// previewLine is one firing of a preview.
type previewLine struct {
	Text    string // time and weekday
	Mark    string // 休 or 班
	Why     string
	Dropped bool
}

// scheduleForm is a schedule as the form has it.
type scheduleForm struct {
	Kind     string // once, times or cron
	Times    string // of once and times: a wall time a line
	Mode     string
	Clocks   string // HH:MM, separated
	Weekdays []int
	Days     string // of the month
	LastDay  bool
	Cron     string
	Zone     string
	Start    string
	End      string
	Count    string
	Rule     string
	Region   string
}

// On reports whether a weekday is chosen; 1 is Monday.
func (f scheduleForm) On(day int) bool {
	if day == 0 {
		day = 7
	}
	return slices.Contains(f.Weekdays, day)
}

// scheduleFormOf is what the form shows of a stored schedule.
func scheduleFormOf(text, zone string) scheduleForm {
	f := scheduleForm{Kind: "cron", Mode: string(schedule.EveryDay), Clocks: "09:00", Zone: zone, Region: schedule.RegionCN}
	spec, err := schedule.ParseSpec(text)
	if err != nil {
		return f
	}
	f.Kind, f.Zone, f.Start, f.End, f.Rule = string(spec.Kind), spec.Zone, spec.Start.String(), spec.End.String(), string(spec.Rule)
	if spec.Region != "" {
		f.Region = spec.Region
	}
	if spec.Count > 0 {
		f.Count = strconv.Itoa(spec.Count)
	}
	var times []string
	for _, w := range spec.Times {
		times = append(times, w.String())
	}
	f.Times = strings.Join(times, "\n")
	if spec.Kind == schedule.KindCron {
		f.Cron = spec.Cron
		if c, err := schedule.ParseCron(spec.Cron); err == nil {
			e := c.Editor()
			f.Mode, f.Clocks, f.Weekdays, f.LastDay = string(e.Mode), strings.Join(e.Times, " "), e.Weekdays, e.LastDay
			var days []string
			for _, d := range e.MonthDays {
				days = append(days, strconv.Itoa(d))
			}
			f.Days = strings.Join(days, " ")
		}
	}
	return f
}

func readSchedule(form url.Values) scheduleForm {
	f := scheduleForm{Kind: form.Get("kind"), Times: form.Get("walls"), Mode: form.Get("mode"), Clocks: clean(form.Get("clocks")), Days: clean(form.Get("days")),
		LastDay: form.Get("last_day") == "1", Cron: clean(form.Get("cron")), Zone: clean(form.Get("zone")), Start: clean(form.Get("start")),
		End: clean(form.Get("end")), Count: clean(form.Get("count")), Rule: form.Get("rule"), Region: clean(form.Get("region"))}
	for _, d := range form["weekday"] {
		if n := int(number(d)); n >= 1 && n <= 7 {
			f.Weekdays = append(f.Weekdays, n)
		}
	}
	return f
}

// spec is the schedule that the form says. An error names fields as they are in
// the form.
func (f scheduleForm) spec() (schedule.Spec, error) {
	spec := schedule.Spec{Kind: schedule.Kind(f.Kind), Zone: f.Zone, Rule: schedule.Rule(f.Rule)}
	var fs []moment.Field
	wrong := func(path string, err error) {
		if err == nil {
			return
		}
		if e, ok := asDomain(err); ok {
			for _, x := range e.Fields {
				fs = append(fs, moment.Field{Path: "schedule." + x.Path, Message: x.Message})
			}
			return
		}
		fs = append(fs, moment.Field{Path: "schedule." + path, Message: err.Error()})
	}
	var err error
	if f.Start != "" {
		spec.Start, err = schedule.ParseStart(f.Start)
		wrong("start", err)
	}
	if f.End != "" {
		spec.End, err = schedule.ParseEnd(f.End)
		wrong("end", err)
	}
	if f.Count != "" {
		if spec.Count = int(number(f.Count)); spec.Count == 0 {
			fs = append(fs, moment.Field{Path: "schedule.count", Message: "must be a number"})
		}
	}
	if spec.Rule != schedule.AsIs {
		spec.Region = f.Region
	}
	if f.Kind == string(schedule.KindCron) {
		c, err := f.editor().Cron()
		wrong("cron", err)
		spec.Cron = c.String()
	} else {
		for line := range strings.Lines(f.Times) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			w, err := schedule.ParseWall(line)
			wrong("times", err)
			spec.Times = append(spec.Times, w)
		}
	}
	if len(fs) == 0 {
		wrong("", spec.Check())
	}
	return spec, moment.InvalidFields(fs)
}

func (f scheduleForm) editor() schedule.Editor {
	e := schedule.Editor{Mode: schedule.Mode(f.Mode), Times: ids(f.Clocks), Weekdays: f.Weekdays, LastDay: f.LastDay, Expr: f.Cron}
	for _, d := range ids(f.Days) {
		e.MonthDays = append(e.MonthDays, int(number(d)))
	}
	return e
}

// readCampaign reads the form. What is wrong with its schedule is returned;
// everything else the campaign checks itself.
func readCampaign(form url.Values) (*campaignForm, error) {
	f := &campaignForm{Version: number(form.Get("version")), From: number(form.Get("from")), Name: clean(form.Get("name")), Colour: strings.ToLower(clean(form.Get("colour"))),
		When: readSchedule(form), Groups: form.Get("groups"), Since: clean(form.Get("preview_from")), choice: readVisibility(form)}
	p := &f.Plan
	text := func(name string) string {
		return strings.ToValidUTF8(strings.ReplaceAll(form.Get(name), "\r\n", "\n"), "\uFFFD")
	}
	p.Card = moment.Card{Content: text("content"), Title: text("title"), Description: text("description"), URL: strings.TrimSpace(text("url")), ThumbURL: strings.TrimSpace(text("thumb_url"))}
	at := func(name string, i int) string {
		if v := form[name]; i < len(v) {
			return strings.ToValidUTF8(strings.ReplaceAll(v[i], "\r\n", "\n"), "\uFFFD")
		}
		return ""
	}
	for i := range min(len(form["v_content"]), moment.MaxVariants+1) {
		v := moment.Variant{Content: at("v_content", i), Title: at("v_title", i), Description: at("v_description", i),
			URL: strings.TrimSpace(at("v_url", i)), ThumbURL: strings.TrimSpace(at("v_thumb_url", i))}
		if v != (moment.Variant{}) {
			p.Variants = append(p.Variants, v)
		}
	}
	for _, v := range form["instance"] {
		p.Instances = append(p.Instances, number(v))
	}
	for _, g := range strings.FieldsFunc(f.Groups, func(r rune) bool { return strings.ContainsRune(",，、\n\x00", r) }) {
		if g = clean(g); g != "" {
			p.Groups = append(p.Groups, g)
		}
	}
	p.UTM = moment.UTM{Source: text("utm_source"), Medium: text("utm_medium"), Campaign: text("utm_campaign"), Term: text("utm_term"), Content: text("utm_content")}
	p.FirstComment, p.Language = text("first_comment"), form.Get("language")
	seconds := func(name string, unit time.Duration) moment.Seconds {
		return moment.SecondsOf(time.Duration(min(number(form.Get(name)), 1_000_000)) * unit)
	}
	p.NoRepeat, p.MaxLateness = seconds("no_repeat", 24*time.Hour), seconds("max_lateness", time.Minute)
	p.Stagger = moment.Stagger{Spread: seconds("spread", time.Minute), Jitter: seconds("jitter", time.Second), Order: moment.StaggerOrder(form.Get("order"))}
	p.Missed, p.MissedCap = moment.MissedPolicy(form.Get("missed")), int(min(number(form.Get("missed_cap")), 1000))
	spec, err := f.When.spec()
	if err == nil {
		p.Schedule = spec.String()
	}
	return f, err
}

// apply makes the campaign what the form says.
func (f *campaignForm) apply(c *moment.Campaign) error {
	c.Name, c.Colour, c.Plan = f.Name, f.Colour, f.Plan
	if c.Plan.AudienceID != 0 {
		c.Plan.Visibility = moment.Visibility{} // what the audience is when this is stored
	}
	return nil
}

// audienceOf is what the form shows of a campaign's visibility: its audience
// where it still equals that, and else who sees it, as saving the form would
// change that.
func (s *Web) audienceOf(ctx context.Context, p *moment.CampaignPlan) (visibilityChoice, error) {
	if p.AudienceID != 0 {
		a, err := s.store.Audience(ctx, p.AudienceID)
		if err != nil {
			return visibilityChoice{}, err
		}
		if !a.Archived && a.Visibility.Equal(p.Visibility) {
			return visibilityChoice{Mode: presetMode, Preset: a.ID}, nil
		}
	}
	return choiceOf(p.Visibility), nil
}

// formKey names a form that makes something, and what it asks for: sent twice,
// it makes that once. A form without a key is none.
func formKey(r *http.Request) moment.RequestKey {
	key := r.PostForm.Get("key")
	if key == "" || len(key) > 100 {
		return moment.RequestKey{}
	}
	return moment.RequestKey{Actor: composerOf(userOf(r).Name), Key: clean(key), Hash: sha256.Sum256([]byte(r.URL.Path + "?" + r.PostForm.Encode()))}
}

// showCampaignForm fills what the form offers and previews, and writes it.
func (s *Web) showCampaignForm(w http.ResponseWriter, r *http.Request, f *campaignForm) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	c := s.texts[langOf(r)]
	if f.Targets, err = s.instanceOptions(r.Context(), 0); err != nil {
		return err
	}
	for i := range f.Targets {
		f.Targets[i].Selected = slices.Contains(f.Plan.Instances, f.Targets[i].Value)
	}
	is, _, err := s.store.Instances(r.Context(), moment.InstanceQuery{Limit: optionsMost})
	if err != nil {
		return err
	}
	for i := range is {
		f.Known = append(f.Known, is[i].Groups...)
	}
	slices.Sort(f.Known)
	f.Known = slices.Compact(f.Known)
	if f.Who, err = s.visibilityForm(r.Context(), c, f.choice, nil, f.Problem); err != nil {
		return err
	}
	if f.ID == 0 {
		f.Key = rand.Text() // who was refused may send something else
	}
	if err := s.previewCampaign(r, c, f); err != nil {
		return err
	}
	f.Card = f.phone(c, k.settings)
	for range 2 {
		if len(f.Plan.Variants) < moment.MaxVariants {
			f.Plan.Variants = append(f.Plan.Variants, moment.Variant{})
		}
	}
	return s.page(w, r, view{Status: statusFor(f.Problem), Page: "campaign_form", Block: "campaignPreview", Data: f})
}

// previewCampaign says when the schedule fires next.
func (s *Web) previewCampaign(r *http.Request, c catalogue, f *campaignForm) error {
	if f.Plan.Schedule == "" {
		return nil
	}
	var day *schedule.Date
	if d, err := schedule.ParseDate(f.Since); err == nil && d.Year() > firstYear && d.Year() < lastYear {
		day = &d
	}
	p, err := s.store.CampaignPreview(r.Context(), f.Plan.Schedule, day, 10)
	if moment.KindOf(err) == moment.Invalid {
		return nil
	}
	if err != nil {
		return err
	}
	lang := schedule.Lang(langOf(r))
	spec, err := schedule.ParseSpec(f.Plan.Schedule)
	if err != nil {
		return err
	}
	f.Words, f.Preview, f.Years, f.Ended = spec.Words(lang), previewLines(c, p, lang), p.Unpublished, p.Ended
	return nil
}

func previewLines(c catalogue, p schedule.Preview, lang schedule.Lang) []previewLine {
	out := make([]previewLine, len(p.Entries))
	for i, e := range p.Entries {
		out[i] = previewLine{Text: e.Local.Format("2006-01-02 15:04") + " " + c.get("weekday."+strconv.Itoa(int(e.Weekday))) + " " + e.Zone,
			Mark: e.Day.Mark(), Why: e.Why(lang), Dropped: e.Dropped}
	}
	return out
}

// phone draws the first post that the form would make; nil where it makes none.
func (f *campaignForm) phone(c catalogue, settings moment.Settings) *phoneCard {
	name := c.get("campaign.example")
	for _, o := range f.Targets {
		if o.Selected {
			name = o.Name
			break
		}
	}
	camp := &moment.Campaign{Plan: f.Plan.WithDefaults()}
	day := f.Now
	if day.IsZero() {
		day = time.Now()
	}
	o := &moment.Occurrence{Aim: day.In(location(settings.TimeZone)).Format("2006-01-02T15:04"), At: day, PlannedAt: day, Number: 1}
	p, _ := camp.Post(o, moment.Target{Name: name}) // what is wrong with it, the fields say
	if p == nil {
		return nil
	}
	if p.Visibility.Mode == "" {
		p.Visibility = f.choice.typed()
	}
	card := phoneOf(c, name, p, "", settings)
	return &card
}
