package importer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"momentcast/internal/importer"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

const campaignHeader = "活动名称,账号,分组,发送计划,时区,开始,结束,次数,节假日,正文,标题,链接,缩略图,可见范围,标签,错峰,最晚时限,错过后,正文2,标题3,外部编号\n"

// groups puts accounts into groups.
func groups(t *testing.T, db *postgres.DB, members map[int64][]string) {
	t.Helper()
	for id, names := range members {
		change := func(i *moment.Instance) error { i.Groups = names; return nil }
		if err := db.ChangeInstance(t.Context(), id, 0, change, person); err != nil {
			t.Fatal(err)
		}
	}
}

func uploadCampaigns(t *testing.T, m *importer.Importer, text string, o moment.ImportOptions) int64 {
	t.Helper()
	id, err := m.Upload(t.Context(), moment.ImportFile{Kind: moment.ImportCampaigns, Name: "autumn.csv", Data: []byte(text)}, o, person)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func campaignRow(n int, key string) string {
	return fmt.Sprintf("活动 %d,wxid_0、店铺1,老客,\"每周一、三 9:30\",Asia/Shanghai,2026-12-01,2099-03-31,100,只在工作日,第 {{n}} 期,标题 %d {{date}},https://example.com/%d,https://example.com/a.jpg,部分可见,3,20分钟,2h,跳过,换个说法,第三种,%s\n", n, n, n, key)
}

// Campaigns become drafts, with everything that a row says of them; the same
// file again is nothing new, and a changed row is told and left alone.
func TestCampaignsAreImportedOnce(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	groups(t, db, map[int64][]string{3: {"老客"}})
	text := campaignHeader + campaignRow(1, "c-1") + campaignRow(2, "")
	id := uploadCampaigns(t, m, text, moment.ImportOptions{Zone: "UTC"})
	if i := look(t, db, id); i.Kind != moment.ImportCampaigns || i.Counts != (moment.ImportCounts{New: 2}) {
		findings, _ := db.ImportFindings(t.Context(), id, 0, 10)
		t.Fatalf("%+v, %+v", i, findings)
	}
	if list, _, err := db.Campaigns(t.Context(), moment.CampaignQuery{Limit: 10}); err != nil || len(list) != 0 {
		t.Fatalf("%d campaigns before anybody confirmed, %v", len(list), err)
	}
	if i := commit(t, db, m, id); i.Counts.Created != 2 {
		t.Fatalf("%+v", i.Counts)
	}
	found, err := db.CampaignsByKey(t.Context(), []string{"c-1"})
	if err != nil || found["c-1"] == nil {
		t.Fatal(found, err)
	}
	c := found["c-1"]
	want := moment.CampaignPlan{Schedule: "cron 30 9 * * 1,3 zone=Asia/Shanghai start=2026-12-01T00:00 end=2099-03-31T23:59 count=100 rule=working_days region=cn",
		Instances: []int64{1, 2}, Groups: []string{"老客"},
		Card:     moment.Card{Content: "第 {{n}} 期", Title: "标题 1 {{date}}", URL: "https://example.com/1", ThumbURL: "https://example.com/a.jpg"},
		Variants: []moment.Variant{{Content: "换个说法"}, {Title: "第三种"}}, Visibility: moment.Visibility{Mode: moment.Allow, Labels: []string{"3"}},
		Stagger: moment.Stagger{Spread: 1200}, MaxLateness: 7200, Missed: moment.MissedSkip}.WithDefaults()
	if c.State != moment.CampaignDraft || c.Name != "活动 1" || c.Author != "lin" || c.Plan.Hash() != want.Hash() {
		t.Errorf("%s %q by %q: %s", c.State, c.Name, c.Author, cmp.Diff(want, c.Plan))
	}
	again := uploadCampaigns(t, m, strings.Replace(text, "标题 1 ", "另一个 ", 1), moment.ImportOptions{})
	if got := look(t, db, again).Counts; got != (moment.ImportCounts{Exists: 1, Differs: 1}) {
		t.Errorf("the same file again: %+v", got)
	}
	findings, err := db.ImportFindings(t.Context(), again, 0, 10)
	if err != nil || len(findings) != 1 || findings[0].Message != fmt.Sprintf("exists as campaign %d, with another title; it stays as it is", c.ID) || !strings.Contains(findings[0].Chinese, "标题 不同") {
		t.Errorf("%+v, %v", findings, err)
	}
	if i := commit(t, db, m, again); i.Counts.Created != 0 {
		t.Errorf("%d were made twice", i.Counts.Created)
	}
}

// A campaign whose row names an audience, or that has the import's own, follows
// what that becomes, as one that was made by hand does.
func TestImportedCampaignsFollowTheirAudience(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	add := func(name string) int64 {
		id, err := db.AddAudience(t.Context(), &moment.Audience{Name: name, Visibility: moment.Visibility{Mode: moment.Allow, Users: []string{"wxid_u1"}}}, person)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	named, preset := add("VIP"), add("others")
	const text = "name,instances,schedule,zone,content,title,url,thumb_url,audience,visibility,external_key\n" +
		"a,wxid_0,daily at 09:00,Asia/Shanghai,c,t,https://e.com,https://e.com/a.jpg,vip,,named\n" +
		"b,wxid_0,daily at 09:00,Asia/Shanghai,c,t,https://e.com,https://e.com/a.jpg,,,preset\n" +
		"c,wxid_0,daily at 09:00,Asia/Shanghai,c,t,https://e.com,https://e.com/a.jpg,,everyone,own\n"
	id := uploadCampaigns(t, m, text, moment.ImportOptions{AudienceID: preset})
	// It changes after the dry run: what holds is what it is when the campaigns are made.
	change := func(audience int64, user string) {
		set := func(a *moment.Audience) error { a.Visibility.Users = []string{user}; return nil }
		if _, err := db.ChangeAudience(t.Context(), audience, 0, moment.RewritePosts, set, person); err != nil {
			t.Fatal(err)
		}
	}
	follow := func(key string, audience int64, users ...string) {
		t.Helper()
		found, err := db.CampaignsByKey(t.Context(), []string{key})
		if c := found[key]; err != nil || c == nil || c.Plan.AudienceID != audience || fmt.Sprint(c.Plan.Visibility.Users) != fmt.Sprint(users) {
			t.Errorf("%s: %+v, %v", key, c, err)
		}
	}
	change(named, "wxid_u2")
	if i := commit(t, db, m, id); i.Counts.Created != 3 {
		t.Fatalf("%+v", i.Counts)
	}
	follow("named", named, "wxid_u2")
	follow("preset", preset, "wxid_u1")
	follow("own", 0)
	change(named, "wxid_u3")
	change(preset, "wxid_u4")
	follow("named", named, "wxid_u3")
	follow("preset", preset, "wxid_u4")
	again := uploadCampaigns(t, m, text, moment.ImportOptions{AudienceID: preset})
	if got := look(t, db, again).Counts; got != (moment.ImportCounts{Exists: 3}) {
		t.Errorf("the same file again: %+v", got)
	}
}

// What is wrong with a campaign is told by row and column, all of it.
func TestCampaignRowsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	groups(t, db, map[int64][]string{3: {"老客"}, 4: {"新客"}})
	for account, label := range map[int64]string{1: "7", 2: "8"} {
		if err := db.KeepLabels(t.Context(), account, "w", []moment.Label{{ID: label, Name: "VIP"}}); err != nil {
			t.Fatal(err)
		}
	}
	good := map[string]string{"name": "a", "instances": "wxid_0", "schedule": "daily at 09:00", "zone": "Asia/Shanghai", "content": "c", "title": "t",
		"url": "https://e.com", "thumb_url": "https://e.com/a.jpg", "visibility": "everyone"}
	rows := []struct{ cells, column, message string }{
		{"content={{password}}", "content", "has an unknown variable; there are {{date}}, {{weekday}}, {{instance.name}} and {{n}}"},
		{"title_2={{x}}", "title 2", "has an unknown variable; there are {{date}}, {{weekday}}, {{instance.name}} and {{n}}"},
		{"title=", "title", "is required"},
		{"title= {{n", "title", "has {{ without }}"},
		{"name=", "name", "is required"},
		{"schedule=", "schedule", "is required"},
		{"schedule=TZ=UTC 0 9 * * *", "schedule", "must not name a time zone: the zone is a field of its own"},
		{"schedule=@every -1h", "schedule", "takes five fields and no shortcuts such as @daily"},
		{"schedule=*/61 9 * * *", "schedule", "minute: the step after / must be between 1 and 59, or it never comes round"},
		{"schedule=0 9 30 2 *", "schedule", "never fires: no month it names has that day"},
		{"schedule=monthly on 32 at 09:00", "schedule", "must be between 1 and 31"},
		{"schedule=whenever", "schedule", "is not understood; write every day at 09:00, weekly on 1,3 at 09:30, monthly on 1,15 at 09:00, dates with times, or a cron expression"},
		{"schedule=2020-01-01 09:00", "schedule", "never fires from now on: what it names lies in the past, or the work calendar drops it"},
		{"schedule=2026-02-30 09:00", "schedule", "is not understood; write every day at 09:00, weekly on 1,3 at 09:30, monthly on 1,15 at 09:00, dates with times, or a cron expression"},
		{"schedule=2099-12-01 09:00; 2099-12-32 09:00", "schedule", "is not a date and time such as 2026-12-01 09:00"},
		{"schedule=2099-12-01", "schedule", "names a day and no time of day; write both, or add a column with the time"},
		{"zone=Mars/Olympus", "zone", "is not a known IANA time zone"},
		{"start=2099-12-02|end=2099-12-01", "end", "lies before the start"},
		{"start=2099-02-30", "start", "is not a date and time such as 2026-12-01 09:00"},
		{"start=12/1/2099", "start", "can be read in two ways; write the year first, such as 2026-12-01 09:00"},
		{"schedule=0 9 29 2 *|start=2097-01-01|end=2098-01-01", "end", "the schedule never fires between the start and the end"},
		{"count=3", "count", "needs a start, from which it is counted"},
		{"count=-3", "count", "must be a whole number from 1 on"},
		{"rule=sometimes", "rule", "must be empty, skip_holidays, working_days or next_working_day"},
		{"rule=working days|region=xx", "region", "has no work calendar here"},
		{"schedule=working days at 09:00|rule=as is", "rule", "says otherwise than the schedule, which names working days"},
		{"instances=nobody", "instances", "names no account that is known here; write its wcId, its name, or its number"},
		{"instances=wxid_0 , wxid_x", "instances", "names no account that is known here; write its wcId, its name, or its number"},
		{"instances=", "instances", "name at least one instance or group"},
		{"groups=ghosts", "groups", "names a group that no account is in; put accounts into it first, or correct the name"},
		{"visibility=", "visibility", "is required: everyone, allow or deny"},
		{"visibility=allow", "users", "allow needs at least one user or label; an empty list is never read as everyone"},
		{"audience=nobody|visibility=", "audience", "is not the name of an audience; make it first, or correct the name"},
		{"instances=wxid_0,wxid_1|visibility=allow|labels=VIP", "labels", "names a label that has another number on each of these accounts; divide the row, one for each account"},
		{"spread=20", "spread", "is not a span of time such as 90m, 2h or 1d"},
		{"spread=3d", "spread", "must be between 0 and 24h0m0s"},
		{"max_lateness=-1h", "max lateness", "is not a span of time such as 90m, 2h or 1d"},
		{"missed=maybe", "missed", "must be skip, latest or all"},
		{"missed_cap=5000", "missed cap", "must be between 1 and 100"},
		{"colour=red", "colour", "must be written #rrggbb"},
		{"url=javascript:alert(1)", "url", "must begin with http:// or https://"},
		{"utm_source={{x}}", "utm source", "has an unknown variable; there are {{date}}, {{weekday}}, {{instance.name}} and {{n}}"},
	}
	var text strings.Builder
	fields := m.Fields(moment.ImportCampaigns)
	for i, f := range fields {
		fields[i] = strings.ReplaceAll(f, "_", " ")
	}
	text.WriteString(strings.Join(fields, "\t") + "\n")
	for _, r := range rows {
		cells := make(map[string]string)
		for f, v := range good {
			cells[f] = v
		}
		for part := range strings.SplitSeq(r.cells, "|") {
			f, v, _ := strings.Cut(part, "=")
			cells[f] = v
		}
		for _, f := range m.Fields(moment.ImportCampaigns) {
			text.WriteString(cells[f] + "\t")
		}
		text.WriteString("\n")
	}
	id := uploadCampaigns(t, m, text.String(), moment.ImportOptions{})
	findings, err := db.ImportFindings(t.Context(), id, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[int][]moment.ImportFinding)
	for _, f := range findings {
		if f.Severity == "error" {
			said[f.Row] = append(said[f.Row], f)
		}
	}
	for i, r := range rows {
		got := said[i+2]
		if len(got) != 1 || got[0].Column != r.column || got[0].Message != r.message {
			t.Errorf("%s: %+v", r.cells, got)
		}
	}
}

// A file may be loaded before the texts are written: then rows may be
// incomplete, and nothing broken gets in all the same.
func TestIncompleteCampaigns(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	id := uploadCampaigns(t, m, "name,title,schedule\nbare,,\nbroken,{{x}},\nnonsense,,never\n", moment.ImportOptions{Draft: true})
	if got := look(t, db, id).Counts; got.New != 1 || got.Wrong != 2 {
		t.Fatalf("%+v", got)
	}
	if i := commit(t, db, m, id); i.Counts.Created != 1 {
		t.Errorf("%+v", i.Counts)
	}
}

// Formula cells are told of, whatever they show.
func TestCampaignFormulasAreRefused(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	data := workbookWithFormula(t, [][]string{{"name", "schedule", "title"}, {"a", "daily at 09:00", "x"}}, "C2", "=A2")
	id, err := m.Upload(t.Context(), moment.ImportFile{Kind: moment.ImportCampaigns, Name: "a.xlsx", Data: data}, moment.ImportOptions{Draft: true}, person)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := db.ImportFindings(t.Context(), id, 0, 10)
	if err != nil || len(findings) != 1 || findings[0].Column != "title" || findings[0].Message != "is a formula; copy the cell and paste its value" {
		t.Errorf("%+v, %v", findings, err)
	}
}

// Two replicas commit two files with the same campaigns in another order: each
// is made once, and neither stops the other.
func TestTheSameCampaignsFromTwoFilesAtOnce(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	groups(t, db, map[int64][]string{3: {"老客"}})
	other := importer.New(db, func() {}, zerolog.Nop())
	defer other.Close()
	const rows = 2*moment.ImportBatch + 100
	var there, back strings.Builder
	for n := range rows {
		there.WriteString(campaignRow(n, fmt.Sprint("k-", n)))
		back.WriteString(campaignRow(rows-1-n, fmt.Sprint("k-", rows-1-n)))
	}
	a, b := uploadCampaigns(t, m, campaignHeader+there.String(), moment.ImportOptions{}), uploadCampaigns(t, m, campaignHeader+back.String(), moment.ImportOptions{})
	var both sync.WaitGroup
	done := make([]*moment.Import, 2)
	both.Go(func() { done[0] = commit(t, db, m, a) })
	both.Go(func() { done[1] = commit(t, db, other, b) })
	both.Wait()
	if n := done[0].Counts.Created + done[1].Counts.Created; n != rows {
		t.Errorf("%d and %d created, want %d together", done[0].Counts.Created, done[1].Counts.Created, rows)
	}
	again := uploadCampaigns(t, m, campaignHeader+there.String(), moment.ImportOptions{})
	if c := look(t, db, again).Counts; c.Exists != rows {
		t.Errorf("%+v", c)
	}
}

// A file of campaigns of the largest size is checked and stored in little memory.
func TestALargeFileOfCampaigns(t *testing.T) {
	if *rowsFlag < 10_000 {
		t.Skip("with -import.rows=100000 only")
	}
	db, m := open(t)
	groups(t, db, map[int64][]string{3: {"老客"}})
	var b strings.Builder
	b.WriteString(campaignHeader)
	for n := range *rowsFlag {
		b.WriteString(campaignRow(n, fmt.Sprint("k-", n)))
	}
	text := b.String()
	var id int64
	start := time.Now()
	before, most := heapDuring(func() { id = uploadCampaigns(t, m, text, moment.ImportOptions{}) })
	t.Logf("%d rows, %d MiB: dry run in %s, heap %d MiB at most (%d before)", *rowsFlag, len(text)>>20, time.Since(start).Round(time.Millisecond), most>>20, before>>20)
	if c := look(t, db, id).Counts; c.New != *rowsFlag {
		t.Fatalf("%+v", c)
	}
	start = time.Now()
	before, most = heapDuring(func() { commit(t, db, m, id) })
	t.Logf("commit in %s, heap %d MiB at most (%d before)", time.Since(start).Round(time.Millisecond), most>>20, before>>20)
}
