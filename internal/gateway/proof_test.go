package gateway

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

// recorded is the objectDesc of the vendor's own sample.
func recorded(t testing.TB) json.RawMessage {
	t.Helper()
	var v struct {
		Data struct {
			Object struct {
				ObjectDesc json.RawMessage `json:"objectDesc"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(vector(t, "snsSendUrl-success.json")), &v); err != nil {
		t.Fatal(err)
	}
	return v.Data.Object.ObjectDesc
}

func TestRecordedObjectDesc(t *testing.T) {
	t.Parallel()
	xml, n, err := DecodeObjectDesc(recorded(t))
	if err != nil || n != 2129 || len(xml) != 2129 {
		t.Fatalf("%d bytes, %d of text, %v", n, len(xml), err)
	}
	p, err := ParseProof(xml)
	if err != nil {
		t.Fatal(err)
	}
	const thumb = "http://dmjvip.oss-cn-shenzhen.aliyuncs.com/download/dailyimg/20200618155919206.jpg"
	want := moment.Proof{
		Content:     "测试哈哈哈哈",
		Title:       "jr加盟湖人",
		Description: "ddd",
		URL:         "https://mp.weixin.qq.com/s/cxJ7pLvkRwBV_NUfQxNEjA",
		ThumbURL:    thumb,
		Style:       moment.LinkStyle,
		CreatedAt:   time.Unix(1593486029, 0).UTC(),
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
}

func TestRecordedReply(t *testing.T) {
	t.Parallel()
	r := newClient(t, says(t, 200, vector(t, "snsSendUrl-success.json")).URL).Publish(t.Context(), "w", testCard, everyone)
	if r.MomentID != "13367129656153944194" || r.Created.Unix() != 1593486029 {
		t.Errorf("id %q, created %s", r.MomentID, r.Created)
	}
	p, ok := ReadProof(r.Reply)
	if !ok || p.Title != "jr加盟湖人" || p.Content != "测试哈哈哈哈" || p.Style != moment.LinkStyle {
		t.Errorf("proof %+v, %v", p, ok)
	}
	if r.Reply != vector(t, "snsSendUrl-success.json") {
		t.Error("the reply is not kept as it came")
	}
}

func TestDecodeObjectDesc(t *testing.T) {
	t.Parallel()
	dump := func(n int, buffer string) string {
		return strconv.Quote("iLen: " + strconv.Itoa(n) + "\nbuffer: \"" + buffer + "\"\n")
	}
	tests := []struct {
		name, raw, xml string
		n              int
		broken         bool
	}{
		{"absent", ``, "", 0, false},
		{"null", `null`, "", 0, false},
		{"empty", `""`, "", 0, false},
		{"plain text", `"<a>界</a>"`, "<a>界</a>", 10, false},
		{"object", `{"xml":"<a/>","len":4}`, "<a/>", 4, false},
		{"object, len as text and wrong", `{"xml":"<a/>","len":"9"}`, "<a/>", 4, false},
		{"object without xml", `{"len":4}`, "", 0, false},
		{"object with a dump in it", `{"xml":` + dump(1, `\101`) + `}`, "A", 1, false},
		{"NUL", `"a\u0000b"`, "a\uFFFDb", 3, false},
		{"escapes", dump(14, `\a\b\f\n\r\t\v\"\'\\\?\x41\1018`), "\a\b\f\n\r\t\v\"'\\?AA8", 14, false},
		{"octal of one to three digits", dump(4, `\0\12\1018`), "\uFFFD\nA8", 4, false},
		{"UTF-8", dump(3, `\347\225\214`), "界", 3, false},
		{"not UTF-8", dump(1, `\377`), "\uFFFD", 1, false},
		{"no byte", dump(4, `\777`), `\777`, 4, false},
		{"unknown escape stays", dump(2, `\q`), `\q`, 2, false},
		{"quote left unescaped", dump(3, `a"b`), `a"b`, 3, false},
		{"another length", dump(3, `ab`), "ab", 2, true},
		{"cut off", `"iLen: 5\nbuffer: \"ab"`, "ab", 2, true},
		{"no buffer", `"iLen: 5"`, "", 0, true},
		{"no length", `"iLen: \nbuffer: \"\""`, "", 0, true},
		{"no quotes", `"iLen: 1\nbuffer: a"`, "", 0, true},
		{"number", `5`, "", 0, true},
		{"list", `["a"]`, "", 0, true},
		{"broken JSON", `"a`, "", 0, true},
		{"broken object", `{"xml":5}`, "", 0, true},
	}
	for _, tt := range tests {
		xml, n, err := DecodeObjectDesc(json.RawMessage(tt.raw))
		if xml != tt.xml || n != tt.n || (err != nil) != tt.broken {
			t.Errorf("%s: %q, %d, %v; want %q, %d, error %t", tt.name, xml, n, err, tt.xml, tt.n, tt.broken)
		}
	}
}

func TestParseProof(t *testing.T) {
	t.Parallel()
	card := func(content string) string {
		return `<TimelineObject><contentDesc>t</contentDesc><ContentObject><contentStyle>3</contentStyle>` + content + `</ContentObject></TimelineObject>`
	}
	tests := []struct {
		name, xml string
		want      moment.Proof
		broken    bool
	}{
		{"backslashes in attributes", card(`<mediaList><media><url type=\"1\">u</url><thumb type=\'1\'>th</thumb></media></mediaList>`),
			moment.Proof{Content: "t", Style: 3, ThumbURL: "th"}, false},
		{"entities in attributes", card(`<mediaList><media><url type='\&quot;1\&quot;'>u</url></media></mediaList>`),
			moment.Proof{Content: "t", Style: 3, ThumbURL: "u"}, false},
		{"backslashes in text stay", card(`<x a=\"1\"/><title><![CDATA[say \"hi\"]]></title>`), moment.Proof{Content: "t", Style: 3, Title: `say \"hi\"`}, false},
		{"text in pieces", card("<title>\n<![CDATA[a]]><![CDATA[b]]></title>"), moment.Proof{Content: "t", Style: 3, Title: "\nab"}, false},
		{"escaped link", card(`<contentUrl> https://e.test/?a=1&amp;b=2 </contentUrl>`), moment.Proof{Content: "t", Style: 3, URL: "https://e.test/?a=1&b=2"}, false},
		{"bare ampersand", card(`<contentUrl>https://e.test/?a=1&b=2</contentUrl>`), moment.Proof{Content: "t", Style: 3, URL: "https://e.test/?a=1&b=2"}, false},
		{"the first picture", card("<mediaList><media><title>x</title><thumb>\n<![CDATA[1]]></thumb></media><media><thumb>2</thumb></media></mediaList>"),
			moment.Proof{Content: "t", Style: 3, ThumbURL: "1"}, false},
		{"private, in milliseconds", `<?xml version="1.0" encoding="gbk"?><TimelineObject><private>1</private><createTime>1593486029000</createTime></TimelineObject>`,
			moment.Proof{Private: true, CreatedAt: time.Unix(1593486029, 0).UTC()}, false},
		{"rubbish behind the content", strings.TrimSuffix(card(""), "</TimelineObject>") + `<<<`, moment.Proof{Content: "t", Style: 3}, false},
		{"cut off within the content", strings.TrimSuffix(card(`<title>a</title>`), `</ContentObject></TimelineObject>`), moment.Proof{}, true},
		{"cut off within a text", `<TimelineObject x=\"\"><ContentObject><title><![CDATA[abc`, moment.Proof{}, true},
		{"another document", `<html></html>`, moment.Proof{}, true},
		{"nothing", ``, moment.Proof{}, true},
		{"not XML", `hello`, moment.Proof{}, true},
		{"too deep", `<TimelineObject>` + strings.Repeat("<a>", 100), moment.Proof{}, true},
		{"too large", card(strings.Repeat(" ", maxXML)), moment.Proof{}, true},
	}
	for _, tt := range tests {
		got, err := ParseProof(tt.xml)
		if (err != nil) != tt.broken {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}
