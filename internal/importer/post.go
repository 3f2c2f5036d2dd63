package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// cardColumns are the texts that posts and campaigns have.
var cardColumns = []column{
	{field: "content", headers: []string{"正文", "文案", "内容", "朋友圈文案", "配文", "content", "text", "copy", "caption"}, example: [2]string{"今年的明前龙井到了，老朋友先挑", "New in: autumn 2026"}},
	{field: "title", headers: []string{"标题", "卡片标题", "链接标题", "title", "headline"}, example: [2]string{"2026 明前龙井 · 首批开售", "Autumn collection"}},
	{field: "description", headers: []string{"描述", "摘要", "简介", "卡片描述", "链接描述", "description", "summary", "desc"}, example: [2]string{"狮峰核心产区，手工辉锅", "Twelve looks"}},
	{field: "url", headers: []string{"链接", "网址", "链接地址", "跳转链接", "url", "link", "href"}, example: [2]string{"https://example.com/tea", "https://example.com/autumn"}},
	{field: "thumb_url", headers: []string{"缩略图", "封面", "图片", "缩略图链接", "封面图", "封面链接", "图片链接", "thumburl", "thumb", "thumbnail", "image", "cover", "picture"},
		example: [2]string{"https://example.com/tea.jpg", "https://example.com/autumn.jpg"}},
}

// whoColumns are who may see it, and what else both have.
var whoColumns = []column{
	{field: "audience", headers: []string{"人群", "人群名称", "audience", "preset"}},
	{field: "visibility", headers: []string{"可见范围", "谁可以看", "可见", "可见性", "visibility", "visible", "whoseesit"}, example: [2]string{"部分可见", "allow"}},
	{field: "labels", headers: []string{"标签", "可见标签", "标签编号", "labels", "label", "tags", "labelids"}, example: [2]string{"3", "3"}},
	{field: "users", headers: []string{"好友", "可见好友", "好友微信号", "users", "contacts", "wxids"}, example: [2]string{"wxid_a1b2c3,wxid_d4e5f6", "wxid_a1b2c3,wxid_d4e5f6"}},
	{field: "first_comment", headers: []string{"首评", "评论", "第一条评论", "首条评论", "firstcomment", "comment"}, example: [2]string{"下单备注「朋友圈」有礼", ""}},
}

var (
	latenessHeaders = []string{"最晚时限", "最晚", "最多迟到", "maxlateness", "lateness"}
	keyHeaders      = []string{"外部编号", "编号", "唯一编号", "外部键", "业务编号", "externalkey", "key", "id", "reference"}
)

var postColumns = columnsOf(
	[]column{
		{field: "instance", headers: []string{"账号", "实例", "微信号", "发送账号", "instance", "account", "wcid", "wxid", "instanceid"}, example: [2]string{"wxid_gia1nwcgpobz22", "wxid_gia1nwcgpobz22"}},
		{field: "due", headers: []string{"发送时间", "时间", "定时", "计划时间", "发布时间", "due", "dueat", "time", "sendat", "scheduledat", "datetime", "publishat"},
			example: [2]string{"2026-12-01 09:00", "2026-12-01 09:00"}},
		{field: "due_date", headers: []string{"日期", "发送日期", "发布日期", "date", "duedate", "senddate"}, rare: true},
		{field: "due_time", headers: []string{"时刻", "发送时刻", "几点", "钟点", "timeofday", "duetime", "hour"}, rare: true},
	},
	cardColumns, whoColumns,
	[]column{
		{field: "max_lateness", headers: latenessHeaders, rare: true},
		{field: "external_key", headers: keyHeaders, example: [2]string{"tea-001", "autumn-001"}},
	},
)

func columnsOf(parts ...[]column) (all []column) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// postPlanner makes posts of rows.
type postPlanner struct{ *book }

// post is a post as a row makes it, or as it is there.
type post struct{ *moment.Post }

func (p post) id() int64   { return p.ID }
func (p post) key() string { return p.ExternalKey }

func (p *postPlanner) there(ctx context.Context, keys []string) (map[string]thing, error) {
	found, err := p.book.store.PostsByKey(ctx, keys)
	out := make(map[string]thing, len(found))
	for key, one := range found {
		out[key] = post{one}
	}
	return out, err
}

func (p *postPlanner) store(ctx context.Context, id int64, batch int, things []thing) (bool, error) {
	posts := make([]*moment.Post, 0, len(things))
	for _, t := range things {
		if one, ok := t.(post); ok {
			posts = append(posts, one.Post)
		}
	}
	ours, err := p.book.store.CommitPosts(ctx, id, batch, posts)
	if ours {
		p.wake()
	}
	return ours, err
}

func (p *postPlanner) plan(r *rowReader) thing {
	one := &moment.Post{State: moment.Scheduled, Card: r.card(), FirstComment: r.cell("first_comment"), MaxLateness: r.span("max_lateness", r.settings.MaxLateness),
		ExternalKey: r.cell("external_key"), Author: r.by.Actor, Source: r.by.Source}
	if r.Draft {
		one.State = moment.Draft
	}
	zone, accounts := r.Zone, []int64(nil)
	if i := r.instance(); i != nil {
		one.InstanceID, accounts = i.ID, []int64{i.ID}
		if zone == "" {
			zone = i.TimeZone
		}
	}
	one.DueAt = r.due(zone)
	who, preset := r.audience(accounts)
	if one.Visibility = who; preset != nil {
		one.AudienceID = preset.ID
	}
	r.checkPost(one)
	if one.ExternalKey == "" {
		one.ExternalKey = derivedKey(one)
	}
	return post{one}
}

// checkPost is what the API asks of a post, and what lint has to say of a right
// one.
func (r *rowReader) checkPost(one *moment.Post) {
	if e, ok := asError(one.Check(r.now)); ok {
		for _, f := range e.Fields {
			field, _, _ := strings.Cut(strings.TrimPrefix(f.Path, "visibility."), "[")
			also := []string(nil)
			switch field {
			case "due_at":
				field, also = "due", []string{"due_date", "due_time"}
			case "mode":
				field, also = "visibility", []string{"audience"}
			case "users", "labels":
				also = []string{"audience", "visibility"}
			}
			if !r.said(append(also, field)...) {
				r.wrong(field, f.Message)
			}
		}
	}
	if !r.isWrong() {
		r.looks(lint.Input{Card: one.Card, FirstComment: one.FirstComment}, func(field string) string { return field })
	}
}

// instance finds the account of the row.
func (r *rowReader) instance() *moment.Instance {
	name := r.cell("instance")
	if name == "" && r.Instance != 0 {
		name = strconv.FormatInt(r.Instance, 10)
	}
	if name == "" {
		r.wrong("instance", "is required: the account's wcId, its name, or its number here")
		return nil
	}
	return r.account("instance", name)
}

func (r *rowReader) due(zone string) time.Time {
	text, field := r.cell("due"), "due"
	if text == "" {
		if text = r.cell("due_date"); text != "" {
			text, field = joinTime(text, r.cell("due_time"), r.date1904), "due_date"
		}
	}
	if text == "" {
		return time.Time{} // Check says whether it is needed
	}
	t, problem := parseTime(text, location(zone), r.date1904)
	if problem != "" {
		r.wrong(field, problem)
	}
	return t
}

// derivedKey names a post by its content, for rows that have no key of their
// own: the same row again is the same post, and a changed one is another.
func derivedKey(p *moment.Post) string {
	return hashKey(strconv.FormatInt(p.InstanceID, 10), p.DueAt.UTC().Format(time.RFC3339), p.Card.Content, p.Card.Title, p.Card.Description,
		p.Card.URL, p.Card.ThumbURL, p.FirstComment)
}

func hashKey(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return "import-" + hex.EncodeToString(h.Sum(nil))[:24]
}

func (p post) differences(other thing) []string {
	is, ok := other.(post)
	if !ok {
		return nil
	}
	return append(differing([]comparison{{"instance", is.InstanceID == p.InstanceID}, {"due", is.DueAt.Equal(p.DueAt)}}), append(cardDifferences(is.Card, p.Card),
		differing([]comparison{{"visibility", is.Visibility.Equal(p.Visibility)}, {"first_comment", is.FirstComment == p.FirstComment}})...)...)
}

// comparison says whether two things are the same in a field.
type comparison struct {
	field string
	same  bool
}

func differing(list []comparison) (out []string) {
	for _, c := range list {
		if !c.same {
			out = append(out, c.field)
		}
	}
	return out
}

func cardDifferences(a, b moment.Card) []string {
	return differing([]comparison{{"content", a.Content == b.Content}, {"title", a.Title == b.Title}, {"description", a.Description == b.Description},
		{"url", a.URL == b.URL}, {"thumb_url", a.ThumbURL == b.ThumbURL}})
}
