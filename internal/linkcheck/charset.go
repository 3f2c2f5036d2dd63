package linkcheck

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// metaCharset finds a declaration that stands later than the 1024 bytes in which
// browsers have to look, which a page that begins with scripts easily has.
var metaCharset = regexp.MustCompile(`(?i)<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_:.-]{2,30})`)

// declaredWithin is how far metaCharset looks.
const declaredWithin = 64 << 10

// decode returns a page in UTF-8. Bytes that are no character become U+FFFD.
func decode(body []byte, contentType string) []byte {
	e := pick(body, contentType)
	if e == nil {
		return body
	}
	out, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return body
	}
	return out
}

// pick returns the encoding of a page, nil for UTF-8. Latin-1 is what servers
// declare when nobody told them, and what the library guesses when nobody
// declares: it is believed only of pages that are neither valid UTF-8 nor declare
// something else themselves. What nobody declares is Chinese here, not Latin.
func pick(body []byte, contentType string) encoding.Encoding {
	e, name, certain := charset.DetermineEncoding(body, contentType)
	switch {
	case name == "utf-8":
		return nil
	case name != "windows-1252":
		return e
	case validUTF8(body):
		return nil
	}
	if m := metaCharset.FindSubmatch(body[:min(len(body), declaredWithin)]); m != nil {
		if declared, n := charset.Lookup(string(bytes.ToLower(m[1]))); declared != nil {
			if n == "utf-8" {
				return nil
			}
			return declared
		}
	}
	if certain {
		return e
	}
	return simplifiedchinese.GB18030
}

// validUTF8 allows for a character that the limit cut in two.
func validUTF8(b []byte) bool {
	for range utf8.UTFMax - 1 {
		if r, size := utf8.DecodeLastRune(b); r != utf8.RuneError || size != 1 {
			break
		}
		b = b[:len(b)-1]
	}
	return utf8.Valid(b)
}
