package linkcheck

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"

	"golang.org/x/image/webp"
)

// maxPixels and maxSide are more than any camera's. A picture of 2 MiB can claim
// to be 65535 by 65535: we read its header only, but a browser that previews it,
// and the gateway that sends it, decode it whole.
const (
	maxPixels = 40_000_000
	maxSide   = 16_384
)

// ThumbInfo is what is known of a picture.
type ThumbInfo struct {
	URL       string // the last that answered, after redirects; "" = none did
	Status    int    // of the last answer; 0 = there was none
	Redirects int

	Type   string // by its content: "image/jpeg", "image/png", "image/gif" or "image/webp"
	Width  int    // in pixels, before any rotation that its metadata asks for
	Height int
	Bytes  int64
}

// Square reports whether the sides differ by no more than a fiftieth, which
// nobody sees in a thumbnail.
func (t ThumbInfo) Square() bool {
	longer, shorter := max(t.Width, t.Height), min(t.Width, t.Height)
	return shorter > 0 && (longer-shorter)*50 <= longer
}

// Thumb fetches the picture at url and reads its header. An error is a
// moment.Error whose ReasonOf says why; beside it ThumbInfo holds what is known
// until then.
func (c *Checker) Thumb(ctx context.Context, url string) (ThumbInfo, error) {
	a, err := c.fetch(ctx, url, wantThumb)
	info := ThumbInfo{Status: a.status, Redirects: a.redirects}
	if a.url != nil {
		info.URL = a.url.String()
	}
	if err != nil {
		return info, err
	}
	return info, info.measure(a.body)
}

// headers reads the dimensions of each type and nothing else of the picture.
var headers = map[string]func(io.Reader) (image.Config, error){
	"image/jpeg": jpeg.DecodeConfig,
	"image/png":  png.DecodeConfig,
	"image/gif":  gif.DecodeConfig,
	"image/webp": webp.DecodeConfig,
}

// measure goes by the content, as WeChat does; what the host calls it is not
// asked.
func (t *ThumbInfo) measure(body []byte) error {
	t.Bytes = int64(len(body))
	sniffed := http.DetectContentType(body)
	read := headers[sniffed]
	if read == nil {
		return fail(WrongType, fmt.Errorf("looks like %s", sniffed))
	}
	t.Type = sniffed
	h, err := read(bytes.NewReader(body))
	if err != nil {
		return fail(BadPicture, err)
	}
	if h.Width <= 0 || h.Height <= 0 {
		return fail(BadPicture, fmt.Errorf("%d by %d", h.Width, h.Height))
	}
	t.Width, t.Height = h.Width, h.Height
	if h.Width > maxSide || h.Height > maxSide || int64(h.Width)*int64(h.Height) > maxPixels {
		return fail(TooManyPixels, fmt.Errorf("%d by %d", h.Width, h.Height))
	}
	return nil
}
