package linkcheck

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// want is what one purpose asks for and accepts.
type want struct {
	accept   string
	encoding string
	types    []string // media types that may be declared; "" = none declared
	cut      bool     // the beginning of a longer body will do
}

// A page's title and description stand at its beginning. Thumbnails are wanted
// whole, since their size is a question, and are compressed already.
var (
	wantPage = want{
		accept:   "text/html,application/xhtml+xml;q=0.9",
		encoding: "gzip",
		types:    []string{"", "text/html", "application/xhtml+xml"},
		cut:      true,
	}
	wantThumb = want{
		accept:   "image/jpeg,image/png,image/gif;q=0.9,image/webp;q=0.8",
		encoding: "identity",
		types: []string{
			"", "application/octet-stream", "binary/octet-stream", // what a bucket says of a file it was told nothing about
			"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png", "image/gif", "image/webp",
		},
	}
)

func (c *Checker) read(resp *http.Response, a *answer, want want) error {
	a.contentType = resp.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(a.contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		media = strings.ToLower(strings.TrimSpace(a.contentType))
	}
	if !slices.Contains(want.types, media) {
		return fail(WrongType, fmt.Errorf("declared %.100q", media))
	}
	if !want.cut && resp.ContentLength > c.config.MaxBytes {
		return fail(TooLarge, fmt.Errorf("%d bytes announced", resp.ContentLength))
	}
	a.body, a.cut, err = readBody(resp.Body, resp.Header.Get("Content-Encoding"), c.config.MaxBytes)
	switch {
	case a.cut && !want.cut:
		return fail(TooLarge, nil)
	case err != nil && !a.cut:
		return readProblem(err)
	}
	if media == "" && want.cut && !strings.HasPrefix(http.DetectContentType(a.body), "text/html") {
		return fail(WrongType, errors.New("nothing declared, and not like a page"))
	}
	return nil
}

var errEncoding = errors.New("content encoding that was not asked for")

// readBody reads no more than limit bytes from the wire, and no more than limit
// out of the decompression of them: a bomb is cut like any body that is too long,
// and so is a stream that unpacks to nothing for ever. cut tells that there was
// more of either.
func readBody(body io.Reader, encoding string, limit int64) (data []byte, cut bool, err error) {
	wire := &io.LimitedReader{R: body, N: limit + 1}
	var plain io.Reader = wire
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip", "x-gzip":
		if plain, err = gzip.NewReader(wire); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, errEncoding
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(plain, limit+1))
	if n > limit {
		buf.Truncate(int(limit))
		return buf.Bytes(), true, nil
	}
	return buf.Bytes(), wire.N == 0, err
}

// readProblem tells bodies that stopped coming from those that are wrong.
func readProblem(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, errEncoding) {
		return fail(Broken, err)
	}
	if p := classify(err); ReasonOf(p) == NoAnswer {
		return p
	}
	return fail(Broken, err)
}
