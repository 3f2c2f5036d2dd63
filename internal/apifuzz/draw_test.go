package apifuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// marker is in every text that is made up; no answer to a wrong request repeats
// what was sent.
const marker = "zq7marker"

// hostile are values that no caller of ours sends.
var hostile = []any{
	nil, true, -1, 0, 1 << 62, json.Number("9223372036854775808"), json.Number("1e999"), json.Number("-0.5"), "", " ", marker, "\x00" + marker, marker + "\u202e\ufeff",
	"'; DROP TABLE posts; --" + marker, "<script>alert(1)</script>" + marker, "javascript:" + marker, "../../" + marker, "%00%ff" + marker, strings.Repeat("长", 6000) + marker,
	strings.Repeat("\U0001F600", 300), "0000-00-00T00:00:00Z", "9999-12-31T23:59:59+23:59", "10000-01-01T00:00:00Z", "-9999999h", "2562048h", "NaN", "Local", "//evil.example/" + marker,
	"http://169.254.169.254/" + marker, "https://user:" + marker + "@shop.invalid", []any{}, map[string]any{}, []any{nil, []any{}, marker}, map[string]any{"": marker},
	[]any{1, 1, 1}, "cron * * * * *", "cron 0 0 30 2 * zone=Asia/Shanghai", "cron */61 * * * *", "23:00-23:00", "24:00-25:00", "{{instance.name}}{{n}}{{nothing}}", "\u0085\u2028" + marker,
}

// call is one request to the API.
type call struct {
	op     *operation
	method string
	path   string // as it is sent, query included
	header http.Header
	body   []byte
	wild   bool // its path may lead nowhere
}

// String implements fmt.Stringer.
func (c call) String() string {
	return fmt.Sprintf("%s %.300s %v %.600q", c.method, c.path, c.header, c.body)
}

// drawer draws calls.
type drawer struct {
	*rand.Rand
	w    *world
	evil float64 // share of values that are hostile
	n    int
}

func (d *drawer) often(share float64) bool { return d.Float64() < share }

func pick[T any](d *drawer, from []T) T { return from[d.IntN(len(from))] }

// call draws a call of the operation.
func (d *drawer) call(op *operation) call {
	c := call{op: op, method: op.method, path: "/api/v1" + op.path, header: http.Header{}}
	query := url.Values{}
	for _, p := range op.Parameters {
		switch p.In {
		case "path":
			id := d.id(op, p.Name)
			if d.often(d.evil) {
				id, c.wild = d.text(pick(d, hostile)), true
			}
			if id == "" || id == " " {
				id = "0"
			}
			c.path = strings.ReplaceAll(c.path, "{"+p.Name+"}", url.PathEscape(id))
		case "query":
			if p.Required || d.often(0.3) {
				query.Set(p.Name, d.text(d.value(p.Schema, p.Name, 0)))
			}
		case "header":
			d.setHeader(c.header, p.Name)
		}
	}
	if d.often(d.evil / 4) {
		query.Set("unknown"+marker, marker)
	}
	if len(query) > 0 {
		c.path += "?" + query.Encode()
	}
	if op.RequestBody != nil {
		d.fillBody(&c)
	}
	return c
}

func (d *drawer) setHeader(h http.Header, name string) {
	value := ""
	switch {
	case d.often(d.evil):
		value = printable(d.text(pick(d, hostile)))
	case name == "If-Match":
		value = pick(d, []string{"*", "*", "*", `"1"`, `"2"`, `"99"`, ""})
	case name == "Idempotency-Key":
		value = pick(d, []string{"", fmt.Sprintf("key-%d", d.n), "key-1"})
	}
	if value != "" {
		h.Set(name, value)
	}
}

// printable is what an HTTP client lets through as a header; the rest never
// reaches a handler.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s[:min(len(s), 2000)]))
}

// id draws the id of something that a path names; sometimes of another kind.
func (d *drawer) id(op *operation, name string) string {
	pool := name
	if name == "id" {
		pool = strings.TrimSuffix(strings.Split(op.path, "/")[1], "s")
	}
	if ids := d.w.ids[pool]; len(ids) > 0 && !d.often(0.03) {
		return pick(d, ids)
	}
	return pick(d, []string{"1", "2", "424242", "0", "-1", "9223372036854775807"})
}

func (d *drawer) fillBody(c *call) {
	kinds := c.op.RequestBody.Content
	kind := pick(d, slices.Sorted(maps.Keys(kinds)))
	m := kinds[kind]
	c.header.Set("Content-Type", kind)
	if kind != "application/json" {
		d.fillFile(c, kind)
		return
	}
	v := m.Example
	if v == nil || d.often(0.8) {
		v = d.value(m.Schema, "", 0)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte(`{"a":1e999}`)
	}
	if d.often(d.evil) {
		raw = d.spoil(raw)
	}
	if d.often(d.evil / 4) {
		c.header.Set("Content-Type", pick(d, []string{"text/plain", "application/xml", "", "application/json; charset=latin1", marker}))
	}
	c.body = raw
}

// fillFile is a table, whole or spoilt.
func (d *drawer) fillFile(c *call, kind string) {
	raw := []byte(table)
	if d.often(0.3 + d.evil) {
		raw = d.spoil(raw)
	}
	if kind != "multipart/form-data" {
		c.body = raw
		return
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, _ := form.CreateFormFile(pick(d, []string{"file", "file", marker}), "t.csv") // a buffer takes everything
	_, _ = part.Write(raw)
	_ = form.Close()
	c.body = b.Bytes()
	c.header.Set("Content-Type", form.FormDataContentType())
	if d.often(d.evil) {
		c.body = d.spoil(c.body)
	}
}

// spoil makes bytes wrong: cut, doubled, nested, not UTF-8.
func (d *drawer) spoil(raw []byte) []byte {
	raw = bytes.Clone(raw)
	at := d.IntN(len(raw) + 1)
	switch d.IntN(9) {
	case 0:
		return raw[:at]
	case 1:
		return slices.Insert(raw, at, 0)
	case 2:
		return slices.Insert(raw, at, 0xff, 0xfe)
	case 3:
		return slices.Insert(raw, at, []byte(pick(d, []string{`\ud800`, `"`, `{`, `]`, `,`, "\n", `\u0000`}))...)
	case 4:
		return append(raw, raw...)
	case 5:
		return []byte(`{"posts":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`)
	case 6:
		if len(raw) > 2 && raw[0] == '{' {
			return append([]byte(`{"reason":"`+marker+`","reason":2,"name":1,"name":1,`), raw[1:]...)
		}
		return append([]byte("\xef\xbb\xbf"), raw...)
	case 7:
		return []byte(pick(d, []string{"null", "[]", `""`, "0", "{}", "", " ", "true", `{"` + strings.Repeat("x", 5000) + `":1}`}))
	}
	if at < len(raw) {
		raw[at] ^= 1 << d.IntN(8)
	}
	return raw
}

// value draws a value of the schema, or by the name of the field where that
// tells what makes sense.
func (d *drawer) value(s *schema, name string, depth int) any {
	if s = d.w.doc.resolve(s); s == nil || d.often(d.evil/2) && depth > 0 {
		return pick(d, hostile)
	}
	if len(s.AnyOf) > 0 {
		return d.value(pick(d, s.AnyOf), name, depth)
	}
	if v, ok := d.sensible(name); ok && !d.often(0.05) {
		return v
	}
	types := s.types()
	switch {
	case len(s.Enum) > 0:
		return pick(d, s.Enum)
	case len(types) > 1 && d.often(0.1):
		return nil
	case len(s.Examples) > 0 && !d.often(0.2):
		return pick(d, s.Examples)
	case len(types) == 0:
		return d.scalar("string")
	}
	switch types[0] {
	case "object":
		out := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, key) || d.often(0.45) {
				out[key] = d.value(s.Properties[key], key, depth+1)
			}
		}
		for _, pair := range [][]string{{"wc_id", "instance_id"}, {"audience_id", "visibility"}} { // either, never both
			if out[pair[0]] != nil && out[pair[1]] != nil && !d.often(0.1) {
				delete(out, pick(d, pair))
			}
		}
		if d.often(d.evil / 8) {
			out["unknown"] = marker
		}
		return out
	case "array":
		out := []any{}
		for range d.IntN(4) + 1 {
			out = append(out, d.value(s.Items, name+"[]", depth+1))
		}
		return out
	}
	return d.scalar(types[0])
}

func (d *drawer) scalar(kind string) any {
	d.n++
	switch kind {
	case "integer":
		return pick(d, []int{0, 1, 2, 3, 7, 200, 2026})
	case "boolean":
		return d.often(0.5)
	}
	return pick(d, []string{fmt.Sprintf("text %d", d.n), "文案", "a", "x\ny"})
}

// sensible is a value that a field of the name may well have.
func (d *drawer) sensible(name string) (any, bool) {
	d.n++
	number := func(pool string) any { return json.Number(pick(d, d.w.ids[pool])) }
	day := time.Now().Add(time.Duration(d.IntN(60*24)) * time.Hour).Truncate(time.Minute)
	switch name {
	case "instance_id", "instances[]", "instance_ids[]":
		return number("instance"), true
	case "audience_id":
		return number("audience"), true
	case "post_id":
		return number("post"), true
	case "from_occurrence":
		return number("occurrence"), true
	case "wc_id":
		return pick(d, []string{"wxid_one", "wxid_two", fmt.Sprintf("wxid_new%d", d.n)}), true
	case "content":
		return "date,name,kind\n2031-01-01,新年,off\n", true
	case "region":
		return "xx", true
	case "schedule":
		return pick(d, []string{"cron 0 9 * * 1 zone=Asia/Shanghai", "cron 30 8 1 * * zone=Europe/Berlin rule=working_days region=cn"}), true
	case "external_key":
		return fmt.Sprintf("key-%d", d.n), true
	case "url", "thumb_url":
		return fmt.Sprintf("https://shop.invalid/%d", d.n), true
	case "due_at", "matured_at", "online_since", "due_from", "due_to", "from", "to":
		return day.Format(time.RFC3339), true
	case "date", "remove[]":
		return day.Format(time.DateOnly), true
	case "at":
		return day.Format("2006-01-02T15:04"), true
	case "limit", "n", "days":
		if name == "days" {
			return nil, false
		}
		return 1 + d.IntN(100), true
	case "visibility":
		return pick(d, []any{map[string]any{"mode": "everyone"}, map[string]any{"mode": "allow", "users": []string{"wxid_friend"}}, map[string]any{"mode": "deny", "labels": []string{"3"}}}), true
	case "card", "variants[]":
		return map[string]any{"content": "x", "title": "t", "url": fmt.Sprintf("https://shop.invalid/%d", d.n), "thumb_url": "https://shop.invalid/c.jpg"}, true
	case "colour":
		return "#1f6feb", true
	case "min_gap", "max_lateness", "online_age", "stagger", "no_repeat", "relogin_keeps":
		if name == "stagger" {
			return nil, false
		}
		return pick(d, []string{"15m", "72h", "0s"}), true
	case "quiet_hours":
		return pick(d, []string{"", "23:00-07:00"}), true
	case "time_zone", "zone":
		return "Asia/Shanghai", true
	case "scopes":
		return pick(d, [][]string{{"read"}, {"write", "read"}}), true
	case "cursor":
		return "", d.often(0.8)
	case "moment_id":
		return fmt.Sprintf("130000000000000%05d", d.n%100000), true
	}
	return nil, false
}

// text is a value as a query or a path has it.
func (d *drawer) text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return marker
	}
	return string(raw)
}
