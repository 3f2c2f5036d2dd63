package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"momentcast/internal/moment"
)

// Fields are what a column can be read as, in the order of the template file.
var Fields = []string{
	"instance", "due", "due_date", "due_time", "content", "title", "description", "url", "thumb_url", "audience", "visibility", "labels", "users",
	"first_comment", "max_lateness", "external_key",
}

// headers are what people call the fields, folded: without spaces, marks and
// capital letters. The first of each language heads the template.
var headers = map[string][]string{
	"instance":      {"账号", "实例", "微信号", "发送账号", "instance", "account", "wcid", "wxid", "instanceid"},
	"due":           {"发送时间", "时间", "定时", "计划时间", "发布时间", "due", "dueat", "time", "sendat", "scheduledat", "datetime", "publishat"},
	"due_date":      {"日期", "发送日期", "发布日期", "date", "duedate", "senddate"},
	"due_time":      {"时刻", "发送时刻", "几点", "钟点", "timeofday", "duetime", "hour"},
	"content":       {"正文", "文案", "内容", "朋友圈文案", "配文", "content", "text", "copy", "caption"},
	"title":         {"标题", "卡片标题", "链接标题", "title", "headline"},
	"description":   {"描述", "摘要", "简介", "卡片描述", "链接描述", "description", "summary", "desc"},
	"url":           {"链接", "网址", "链接地址", "跳转链接", "url", "link", "href"},
	"thumb_url":     {"缩略图", "封面", "图片", "缩略图链接", "封面图", "封面链接", "图片链接", "thumburl", "thumb", "thumbnail", "image", "cover", "picture"},
	"audience":      {"人群", "人群名称", "audience", "preset"},
	"visibility":    {"可见范围", "谁可以看", "可见", "可见性", "visibility", "visible", "whoseesit"},
	"labels":        {"标签", "可见标签", "标签编号", "labels", "label", "tags", "labelids"},
	"users":         {"好友", "可见好友", "好友微信号", "users", "contacts", "wxids"},
	"first_comment": {"首评", "评论", "第一条评论", "首条评论", "firstcomment", "comment"},
	"max_lateness":  {"最晚", "最多迟到", "最晚时限", "maxlateness", "lateness"},
	"external_key":  {"外部编号", "编号", "唯一编号", "外部键", "业务编号", "externalkey", "key", "id", "reference"},
}

// fold makes headers comparable.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// guess says for each header as which field it is read; "" = none. No field is
// taken twice: the first column that bears its name has it.
func guess(header []string) []string {
	out := make([]string, len(header))
	for i, h := range header {
		// What stands in brackets is a remark: "发送时间（北京时间）".
		name, _, _ := strings.Cut(strings.ReplaceAll(h, "（", "("), "(")
		name = fold(name)
		for _, f := range Fields {
			if name != "" && slices.Contains(headers[f], name) && !slices.Contains(out, f) {
				out[i] = f
				break
			}
		}
	}
	return out
}

// known makes columns what they may be: as many as the header has, each field
// once at most.
func known(columns, header []string) []string {
	out := make([]string, len(header))
	for i := range out {
		if i < len(columns) && slices.Contains(Fields, columns[i]) && !slices.Contains(out, columns[i]) {
			out[i] = columns[i]
		}
	}
	return out
}

// mapped changes columns to what somebody says of them by header.
func mapped(columns, header []string, by map[string]string) error {
	var wrong []moment.Field
	for _, name := range slices.Sorted(maps.Keys(by)) {
		field := by[name]
		i := slices.IndexFunc(header, func(h string) bool { return h == name || fold(name) != "" && fold(h) == fold(name) })
		switch {
		case i < 0:
			wrong = append(wrong, moment.Field{Path: "map", Message: "names a column that the file does not have: " + strconv.Quote(cut(name, 100))})
			continue
		case field != "" && !slices.Contains(Fields, field):
			wrong = append(wrong, moment.Field{Path: "map", Message: "names no field that a column can be read as; there are " + strings.Join(Fields, ", ")})
			continue
		}
		if was := slices.Index(columns, field); field != "" && was >= 0 {
			columns[was] = ""
		}
		columns[i] = field
	}
	return moment.InvalidFields(wrong)
}

// letters names n columns as spreadsheets do: A … Z, AA, AB …
func letters(n int) []string {
	out := make([]string, n)
	for i := range out {
		for k := i; k >= 0; k = k/26 - 1 {
			out[i] = string(rune('A'+k%26)) + out[i]
		}
	}
	return out
}
