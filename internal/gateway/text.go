package gateway

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits on what is kept of a reply.
const (
	keptReply  = 64 << 10 // in a Result
	keptDetail = 2 << 10  // in the cause of an error
	keptText   = 200      // of the gateway's own words in a message for people
)

// clean makes a text from outside fit for storage: valid UTF-8 without NUL,
// which PostgreSQL refuses. A reply that could not be stored would turn a
// known outcome into an unknown one.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	if utf8.ValidString(s) { // far faster than ToValidUTF8, which looks at every character
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// clip cuts s to at most n bytes without splitting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// kept is what is stored of a reply: cleaned, at most n bytes.
func kept(reply string, n int) string {
	return clip(clean(reply[:min(len(reply), n)]), n)
}

// line is the gateway's own text made fit for one line in a message.
func line(s string) string {
	return clip(strings.Join(strings.Fields(clean(s)), " "), keptText)
}

// authField finds the token in a login reply, cut off or not.
var authField = regexp.MustCompile(`(?i)("authorization"\s*:\s*")(?:[^"\\]|\\.)*`)

const redacted = "[redacted]"

// redact takes our secrets out of a text that is logged or stored: a gateway
// may well repeat the token that it does not like.
func redact(s string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, redacted)
		}
	}
	return s
}
