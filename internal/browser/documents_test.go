package browser_test

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var documents = flag.Bool("documents", false, "take the pictures of the documents again; see make screens")

// images is where the documents find their pictures.
const images = "../../docs/images"

// The pictures of the documents, taken again by `make screens`.
func TestPicturesOfTheDocuments(t *testing.T) {
	if !*documents {
		t.Skip("only for make screens")
	}
	s := newWorld(t).newTeam()
	for _, lang := range []string{"zh-CN", "en"} {
		b := newTab(t, s.base)
		b.picturesAt = s.gw
		b.resize(size{1280, 800})
		b.signIn("admin", lang)
		for name, open := range map[string]func(){
			"overview":  func() { b.open("/") },
			"calendar":  func() { b.open("/calendar") },
			"queue":     func() { b.open("/queue") },
			"inbox":     func() { b.open("/inbox") },
			"approvals": func() { b.open("/approvals") },
			"post":      func() { b.open(postAt(func(s *team) int64 { return s.sent }, "")(s)) },
			"compose": func() {
				b.open("/posts/new")
				b.typeCard()
				eval[bool](b, `window.scrollTo(0, 0), true`)
			},
		} {
			if strings.Contains(name, "calendar") && s.get("/calendar") == 404 {
				continue
			}
			open()
			b.calm()
			b.step("picture of "+name, func(ctx context.Context) error {
				shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				if err != nil {
					return err
				}
				return keepSmall(filepath.Join(images, name+"."+lang+".png"), shot)
			})
		}
		b.heard.wrong.take() // pictures, not a test
	}
}

// keepSmall stores a picture with the 256 colours that it has most of, which is
// enough for pages and a third of the size.
func keepSmall(file string, shot []byte) error {
	in, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return err
	}
	often := make(map[color.RGBA]int)
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(in.At(x, y)).(color.RGBA) }
	for y := range in.Bounds().Dy() {
		for x := range in.Bounds().Dx() {
			often[at(x, y)]++
		}
	}
	all := make([]color.RGBA, 0, len(often))
	for c := range often {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int { return often[b] - often[a] })
	var palette color.Palette
	for _, c := range all[:min(256, len(all))] {
		palette = append(palette, c)
	}
	out, nearest := image.NewPaletted(in.Bounds(), palette), make(map[color.RGBA]uint8)
	for y := range in.Bounds().Dy() {
		for x := range in.Bounds().Dx() {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// link is one in a document, to a page or a picture.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)|src="([^"]+)"|href="([^"]+)"`)

// Links in the documents lead to files that are there, and no picture is large.
func TestLinksInTheDocuments(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range append(files, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to, anchor, _ := strings.Cut(m[1]+m[2]+m[3], "#")
			if strings.Contains(to, "://") {
				continue
			}
			n++
			at := file
			if to != "" {
				at = filepath.Join(filepath.Dir(file), to)
			}
			in, err := os.ReadFile(at)
			if st, statErr := os.Stat(at); err != nil && (statErr != nil || !st.IsDir()) {
				t.Errorf("%s leads to %s, which is not there", file, to)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(string(in)), anchor) {
				t.Errorf("%s leads to %s#%s, and there is no such heading", file, to, anchor)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d links were found: this test looks for the wrong thing", n)
	}
	pictures, err := filepath.Glob(filepath.Join(images, "*.png"))
	if err != nil || len(pictures) < 4 {
		t.Fatalf("%d pictures: %v", len(pictures), err)
	}
	for _, p := range pictures {
		if st, err := os.Stat(p); err != nil || st.Size() > 150<<10 {
			t.Errorf("%s has %d KiB, want at most 150 (%v)", p, st.Size()>>10, err)
		}
	}
}

// anchors are what the headings of a document are linked by.
func anchors(text string) (out []string) {
	drop := regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			name := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			out = append(out, strings.ReplaceAll(drop.ReplaceAllString(name, ""), " ", "-"))
		}
	}
	return out
}
