package moment

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// VariableNames lists what may stand between {{ and }}.
var VariableNames = []string{"date", "weekday", "instance.name", "n"}

// variables are what the names stand for in one post.
type variables struct {
	day      time.Time // the occurrence's day; only its date counts
	language string
	instance string
	n        int
}

var chineseWeekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

func (v *variables) value(name string, link bool) string {
	switch name {
	case "date":
		if !link && v.language == "zh-CN" {
			return fmt.Sprintf("%d月%d日", v.day.Month(), v.day.Day())
		}
		return v.day.Format(time.DateOnly)
	case "weekday":
		if v.language == "zh-CN" {
			return chineseWeekdays[v.day.Weekday()]
		}
		return v.day.Weekday().String()
	case "instance.name":
		return v.instance
	case "n":
		return strconv.Itoa(v.n)
	}
	return ""
}

// text puts the values in. Values are not read again: an instance that is
// called "{{n}}" stays that.
func (v *variables) text(s string) string { return v.replace(s, false) }

// link puts the values in, escaped so that they can neither end the part of the
// address they stand in nor begin another.
func (v *variables) link(s string) string { return v.replace(s, true) }

func (v *variables) replace(s string, link bool) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}}")
		value := v.value(strings.TrimSpace(name), link)
		if link {
			value = strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
		}
		b.WriteString(value)
		s = after
	}
}

// unknownVariable says what is wrong with the variables in a text; "" if nothing is.
func unknownVariable(s string) string {
	for {
		_, rest, found := strings.Cut(s, "{{")
		if !found {
			return ""
		}
		name, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return "has {{ without }}"
		}
		if !slices.Contains(VariableNames, strings.TrimSpace(name)) {
			return "has an unknown variable; there are {{date}}, {{weekday}}, {{instance.name}} and {{n}}"
		}
		s = after
	}
}

// example is what a text is checked with before there is an occurrence.
var example = variables{day: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), language: "zh-CN", instance: "x", n: 1}

// textFields reports what is wrong with the texts and links of a plan.
func (p *CampaignPlan) textFields(draft bool) []Field {
	fs := cardFields("", p.Card, draft)
	if m := checkTemplate(p.FirstComment, false, MaxComment); m != "" {
		fs = append(fs, Field{"first_comment", m})
	}
	if len(p.Variants) > MaxVariants {
		fs = append(fs, Field{"variants", fmt.Sprintf("at most %d", MaxVariants)})
	}
	for i, v := range p.Variants {
		if v == (Variant{}) {
			fs = append(fs, Field{fmt.Sprintf("variants[%d]", i), "changes nothing"})
		}
		fs = append(fs, cardFields(fmt.Sprintf("variants[%d].", i), Card(v), true)...)
	}
	utm := p.UTM
	for _, u := range []struct{ path, value string }{{"source", utm.Source}, {"medium", utm.Medium},
		{"campaign", utm.Campaign}, {"term", utm.Term}, {"content", utm.Content}} {
		if m := checkTemplate(u.value, false, MaxName); m != "" {
			fs = append(fs, Field{"utm." + u.path, m})
		}
	}
	return fs
}

// cardFields reports what is wrong with a card that may have variables. Where
// sparse, fields may be empty.
func cardFields(prefix string, c Card, sparse bool) []Field {
	var fs []Field
	text := func(path, s string, required bool, limit int) {
		if m := checkTemplate(s, required && !sparse, limit); m != "" {
			fs = append(fs, Field{prefix + path, m})
		}
	}
	text("content", c.Content, true, MaxContent)
	text("title", c.Title, true, MaxTitle)
	text("description", c.Description, false, MaxDescription)
	for _, u := range []struct{ path, value string }{{"url", c.URL}, {"thumb_url", c.ThumbURL}} {
		if u.value == "" && sparse {
			continue
		}
		m := unknownVariable(u.value)
		if m == "" {
			m = checkURL(example.link(u.value))
		}
		if m != "" {
			fs = append(fs, Field{prefix + u.path, m})
		}
	}
	return fs
}

func checkTemplate(s string, required bool, limit int) string {
	if m := checkText(s, required, limit); m != "" {
		return m
	}
	return unknownVariable(s)
}

// CheckCard reports what is wrong with a card that may have variables.
func CheckCard(c Card) error { return InvalidFields(cardFields("", c, false)) }
