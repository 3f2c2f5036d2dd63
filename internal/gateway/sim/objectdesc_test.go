package sim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// undump is a decoder of its own, written from the format's description.
func undump(t *testing.T, desc string) []byte {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(desc, "iLen: %d\n", &n); err != nil {
		t.Fatalf("%.40q: %v", desc, err)
	}
	_, rest, _ := strings.Cut(desc, "\nbuffer: \"")
	rest, ok := strings.CutSuffix(rest, "\"\n")
	if !ok {
		t.Fatalf("no end: %q", desc)
	}
	var out []byte
	for i := 0; i < len(rest); i++ {
		if rest[i] != '\\' {
			if rest[i] < 0x20 || rest[i] >= 0x7f || rest[i] == '"' || rest[i] == '\'' {
				t.Fatalf("byte %#x stands unescaped", rest[i])
			}
			out = append(out, rest[i])
			continue
		}
		i++
		if named := strings.IndexByte(`nrt"'\`, rest[i]); named >= 0 {
			out = append(out, "\n\r\t\"'\\"[named])
			continue
		}
		v, err := strconv.ParseUint(rest[i:i+3], 8, 8)
		if err != nil {
			t.Fatalf("escape %q: %v", rest[i:i+3], err)
		}
		out, i = append(out, byte(v)), i+2
	}
	if len(out) != n {
		t.Fatalf("%d bytes, iLen says %d", len(out), n)
	}
	return out
}

type timeline struct {
	ID          string `xml:"id"`
	Private     string `xml:"private"`
	ContentDesc string `xml:"contentDesc"`
	Content     struct {
		Style       int    `xml:"contentStyle"`
		Title       string `xml:"title"`
		Description string `xml:"description"`
		URL         string `xml:"contentUrl"`
		Media       struct {
			URL   string `xml:"url"`
			Thumb string `xml:"thumb"`
		} `xml:"mediaList>media"`
	} `xml:"ContentObject"`
}

func parseTimeline(t *testing.T, b []byte) timeline {
	t.Helper()
	var tl timeline
	if err := xml.Unmarshal(b, &tl); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return tl
}

func TestObjectDescRoundTrip(t *testing.T) {
	t.Parallel()
	hostile := "第一行\n\t'单' \"双\" \\反斜杠\\346 ]]> ]]]]>> <b>&amp; 😀 ]"
	r := start(t, Config{})
	link := `https://example.com/?a=1&b=%22'x'`
	var s sent
	r.ok("/snsSendUrl", with(card(r.wID(old), 1), "content", hostile, "title", hostile+"t", "description", "", "url", link), &s)
	tl := parseTimeline(t, undump(t, s.Object.ObjectDesc))
	if d := cmp.Diff(hostile, tl.ContentDesc); d != "" {
		t.Error(d)
	}
	if tl.ID != s.Object.ID || tl.Content.Style != 3 || tl.Content.Title != hostile+"t" || tl.Content.URL != link ||
		tl.Content.Media.Thumb != "https://example.com/t.jpg" || tl.Private != "0" {
		t.Errorf("%+v", tl)
	}
}

func TestEveryByteSurvivesTheDump(t *testing.T) {
	t.Parallel()
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	var desc string
	if err := json.Unmarshal(append(append([]byte{'"'}, appendDump(nil, all)...), '"'), &desc); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(all, undump(t, desc)); d != "" {
		t.Error(d)
	}
}

func TestCharactersXMLDoesNotHave(t *testing.T) {
	t.Parallel()
	m := &moment{id: 1, req: SendRequest{Content: "a\x00b\x0bc\uFFFEd\xffe"}}
	tl := parseTimeline(t, appendXML(nil, m, old, false))
	if want := "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe"; tl.ContentDesc != want {
		t.Errorf("%q", tl.ContentDesc)
	}
}

// outline is the elements and attributes of a document, in order.
func outline(t *testing.T, b []byte) []string {
	t.Helper()
	var out []string
	dec := xml.NewDecoder(strings.NewReader(string(b)))
	for {
		tok, err := dec.Token()
		if tok == nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return out
		}
		switch e := tok.(type) {
		case xml.StartElement:
			out = append(out, fmt.Sprint("<", e.Name.Local, e.Attr))
		case xml.EndElement:
			out = append(out, "/"+e.Name.Local)
		}
	}
}

func TestStructureIsTheVendorsOwn(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/snsSendUrl-success.json")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct{ Data sent }
	if err := json.Unmarshal(raw, &sample); err != nil {
		t.Fatal(err)
	}
	vendor := undump(t, sample.Data.Object.ObjectDesc)
	v := parseTimeline(t, vendor)
	id, _ := strconv.ParseUint(v.ID, 10, 64)
	m := &moment{id: id, req: SendRequest{
		Content: v.ContentDesc, Title: v.Content.Title, Description: v.Content.Description, URL: v.Content.URL, ThumbURL: v.Content.Media.URL,
	}}
	ours := appendXML(nil, m, sample.Data.Object.UserName, false)
	if d := cmp.Diff(outline(t, vendor), outline(t, ours)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(string(vendor), string(ours)); d != "" {
		t.Errorf("not byte for byte: %s", d)
	}
}
