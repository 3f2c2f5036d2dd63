package linkcheck

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// picture encodes a grey picture of the given size.
func picture(t testing.TB, kind string, w, h int) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Gray{0x80}})
	var b bytes.Buffer
	var err error
	switch kind {
	case "image/png":
		err = png.Encode(&b, img)
	case "image/gif":
		err = gif.Encode(&b, img, nil)
	case "image/jpeg":
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oneByOne is a WebP of a single pixel; the library writes none.
func oneByOne(t testing.TB) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// claiming is a PNG of a few bytes whose header claims any size.
func claiming(w, h uint32) []byte {
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	ihdr = append(ihdr, 8, 2, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	b = append(b, ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

func TestThumbOverHTTP(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"/jpeg": picture(t, "image/jpeg", 120, 120), "/png": picture(t, "image/png", 300, 200), "/gif": picture(t, "image/gif", 50, 51), "/webp": oneByOne(t),
		"/bomb": claiming(60_000, 60_000), "/thin": claiming(1, 20_000), "/wide": claiming(8_000, 8_000), "/huge": claiming(1<<31-1, 1<<31-1), "/zero": claiming(0, 10), "/cut": picture(t, "image/png", 9, 9)[:20],
		"/svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "/empty": nil, "/bmp": []byte("BM\x00\x00\x00\x00"),
	}
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "image/png") // hosts say what they like
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = rw.Write(body)
	}))
	for path, want := range map[string]ThumbInfo{
		"/jpeg": {Type: "image/jpeg", Width: 120, Height: 120},
		"/png":  {Type: "image/png", Width: 300, Height: 200},
		"/gif":  {Type: "image/gif", Width: 50, Height: 51},
		"/webp": {Type: "image/webp", Width: 1, Height: 1},
	} {
		got, err := w.checker.Thumb(t.Context(), w.base+path)
		wantReason(t, err, "")
		want.URL, want.Status, want.Bytes = w.base+path, http.StatusOK, int64(len(files[path]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for path, want := range map[string]Reason{
		"/bomb": TooManyPixels, "/thin": TooManyPixels, "/wide": TooManyPixels, "/huge": BadPicture, "/zero": BadPicture, "/cut": BadPicture,
		"/svg": WrongType, "/empty": WrongType, "/bmp": WrongType, "/none": Gone,
	} {
		got, err := w.checker.Thumb(t.Context(), w.base+path)
		wantReason(t, err, want)
		if got.Status == 0 || got.URL == "" {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestSquare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		w, h int
		want bool
	}{{100, 100, true}, {100, 98, true}, {98, 100, true}, {100, 97, false}, {1, 1, true}, {1, 2, false}, {50, 51, true}, {0, 0, false}, {300, 200, false}} {
		if got := (ThumbInfo{Width: tt.w, Height: tt.h}).Square(); got != tt.want {
			t.Errorf("%d by %d: %v", tt.w, tt.h, got)
		}
	}
}

// FuzzThumb: no header makes a decoder fall over, and what is accepted is within
// the limits.
func FuzzThumb(f *testing.F) {
	for _, kind := range []string{"image/jpeg", "image/png", "image/gif"} {
		f.Add(picture(f, kind, 8, 8))
	}
	f.Add(oneByOne(f))
	f.Add(claiming(60_000, 60_000))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var info ThumbInfo
		err := info.measure(body)
		if err == nil && (headers[info.Type] == nil || info.Width < 1 || info.Height < 1 || info.Width > maxSide || info.Height > maxSide || info.Width*info.Height > maxPixels) {
			t.Errorf("%+v", info)
		}
		if err != nil && ReasonOf(err) == "" {
			t.Error(err)
		}
	})
}
