package web

import (
	"fmt"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// said is the visitor's text for what the domain says in English: the text of
// the key "say." and the message, or, for a message with something filled in,
// that of the format it was made with. Messages come from errors, and from
// rows that were stored long ago, so that a format is found by what it looks
// like. Not ok = there is none in this language.
func (c catalogue) said(message string) (text string, ok bool) {
	if text, ok := c["say."+message]; ok {
		return text, true
	}
	best, filled := "", []string(nil)
	for key := range c {
		format, ok := strings.CutPrefix(key, "say.")
		if !ok || !strings.Contains(format, "%") || len(format) < len(best) || len(format) == len(best) && format > best {
			continue
		}
		if args, ok := filledIn(format, message); ok {
			best, filled = format, args
		}
	}
	if best == "" {
		return "", false
	}
	args := make([]any, len(filled))
	for i, arg := range filled {
		args[i] = c.sayWord(arg)
	}
	return fmt.Sprintf(c["say."+best], args...), true
}

// sayWord is what was filled in, in the visitor's language where it is a
// message itself or a word of the domain; of several states, each.
func (c catalogue) sayWord(word string) string {
	if text, ok := c.said(word); ok {
		return text
	}
	if quoted, err := strconv.Unquote(word); err == nil {
		word = quoted
	}
	for _, kind := range []string{"state.", "campaign.state.", "occurrence.state.", "action.", "campaign.", "visibility."} {
		if text, ok := c[kind+word]; ok && word != "" {
			return text
		}
	}
	if list := strings.Split(strings.ReplaceAll(word, " or ", ", "), ", "); len(list) > 1 {
		for i, one := range list {
			text, ok := c["state."+one]
			if !ok {
				return plain(word)
			}
			list[i] = text
		}
		return strings.Join(list, c.get("say-separator"))
	}
	return plain(word)
}

// saidOr is said, or the English message itself.
func (c catalogue) saidOr(message string) string {
	if text, ok := c.said(message); ok {
		return text
	}
	return message
}

// saidFor is what a page adds of a message: in English the message itself where
// it has no other text, in another language nothing, for the page says in its
// own words what happened.
func (c catalogue) saidFor(message string) string {
	text, ok := c.said(message)
	if !ok && c["lang"] == en {
		return message
	}
	return text
}

// filledIn returns what stands in the message in the place of the format's
// verbs (%d, %s, %q and %v); not ok if it was made with another format.
func filledIn(format, message string) (args []string, ok bool) {
	for {
		before, verb, found := strings.Cut(format, "%")
		rest, ok := strings.CutPrefix(message, before)
		if !ok || !found {
			return args, ok && rest == ""
		}
		kind, after := verb[0], verb[1:]
		literal, _, more := strings.Cut(after, "%")
		end := len(rest)
		switch {
		case more && literal != "":
			end = strings.Index(rest, literal)
		case !more:
			end = len(rest) - len(literal)
		}
		if end < 0 || kind == 'd' && strings.Trim(rest[:end], "0123456789") != "" || end == 0 {
			return nil, false
		}
		args, format, message = append(args, rest[:end]), after, rest[end:]
	}
}

// sayProblem puts a domain error's own words into the visitor's.
func sayProblem(c catalogue, e *moment.Error) (why string, fields map[string]string) {
	why = c.saidFor(e.Message)
	if len(e.Fields) > 0 {
		fields = make(map[string]string)
		for _, f := range e.Fields {
			fields[f.Path] = c.saidOr(f.Message)
		}
	}
	return why, fields
}
