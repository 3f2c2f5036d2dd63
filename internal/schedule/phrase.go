package schedule

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// Phrase is what somebody wrote of when something repeats.
type Phrase struct {
	Cron Cron
	Rule Rule // WorkingDays where it says so, such as "每个工作日 09:00"
}

// ParsePhrase reads days and times of day as people write them in a cell, in
// Chinese or English: "weekly on 1,3 at 09:30", "每周一、三 9:30", "每月1日、最后一天
// 09:00", "every working day at 09:00"; and whatever [Cron.Words] tells of the
// simple forms of the editor. An error is a moment.Error of kind Invalid.
func ParsePhrase(text string) (Phrase, error) {
	if utf8.RuneCountInString(text) > maxPhrase {
		return Phrase{}, notAPhrase()
	}
	days, times := clocksIn(alike.Replace(strings.ToLower(text)))
	p := phrase{editor: Editor{Times: times}}
	for days != "" {
		rest, ok := p.word(days)
		if !ok {
			return Phrase{}, notAPhrase()
		}
		days = rest
	}
	return p.result()
}

// maxPhrase is the longest phrase in characters.
const maxPhrase = 300

func notAPhrase() error {
	return moment.InvalidFields([]moment.Field{{Path: "schedule",
		Message: "is not understood; write every day at 09:00, weekly on 1,3 at 09:30, monthly on 1,15 at 09:00, dates with times, or a cron expression"}})
}

// alike makes marks of both scripts alike.
var alike = strings.NewReplacer("：", ":", "、", ",", "，", ",", "；", ",", ";", ",", "　", " ", "\n", " ", "\t", " ", "（", "(", "）", ")", "–", "-", "—", "-", "～", "-", "~", "-",
	"０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6", "７", "7", "８", "8", "９", "9")

// timeOfDay is a time of day: 9:30, 9点半, 9点30分, 9点.
var timeOfDay = regexp.MustCompile(`(\d{1,2}) ?(?::(\d{2})|[点时](半|(\d{1,2})分?|整?))`)

// clocksIn takes the times of day out of a text, as HH:MM. Values out of range
// stay, for the editor to refuse.
func clocksIn(s string) (rest string, times []string) {
	rest = timeOfDay.ReplaceAllStringFunc(s, func(found string) string {
		m := timeOfDay.FindStringSubmatch(found)
		minute := m[2] + m[4]
		if m[3] == "半" {
			minute = "30"
		}
		pad := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
		if t := pad(m[1]) + ":" + pad(minute); !slices.Contains(times, t) {
			times = append(times, t)
		}
		return ","
	})
	return rest, times
}

// phrase is what was read so far.
type phrase struct {
	editor  Editor
	modes   []Mode
	rule    Rule
	chinese bool // after 周: 一 is Monday
	numbers []int
	ranged  bool // between two days: "to"
	last    *[]int
}

// filling are words that mean nothing by themselves; the longer first.
var filling = []string{"every", "each", "days", "day", "the", "on", "at", "of", "and", "以及", "每个", "每", "和", "及", "的", "在", "于", ",", " ", "(", ")", "发送", "发布"}

var modeWords = []struct {
	word string
	mode Mode
	rule Rule
}{
	{"every working day", EveryDay, WorkingDays}, {"working days", EveryDay, WorkingDays}, {"workdays", EveryDay, WorkingDays}, {"每个工作日", EveryDay, WorkingDays},
	{"每工作日", EveryDay, WorkingDays}, {"工作日", EveryDay, WorkingDays},
	{"every day", EveryDay, AsIs}, {"everyday", EveryDay, AsIs}, {"daily", EveryDay, AsIs}, {"每天", EveryDay, AsIs}, {"每日", EveryDay, AsIs}, {"天天", EveryDay, AsIs},
	{"every week", Weekly, AsIs}, {"weekly", Weekly, AsIs}, {"每个星期", Weekly, AsIs}, {"每星期", Weekly, AsIs}, {"每礼拜", Weekly, AsIs}, {"每周", Weekly, AsIs},
	{"every month", Monthly, AsIs}, {"monthly", Monthly, AsIs}, {"每个月", Monthly, AsIs}, {"每月", Monthly, AsIs},
	{"weekdays", Weekdays, AsIs},
}

var weekdayWords = map[string]int{
	"mondays": 1, "monday": 1, "mon": 1, "tuesdays": 2, "tuesday": 2, "tue": 2, "wednesdays": 3, "wednesday": 3, "wed": 3, "thursdays": 4, "thursday": 4, "thu": 4,
	"fridays": 5, "friday": 5, "fri": 5, "saturdays": 6, "saturday": 6, "sat": 6, "sundays": 7, "sunday": 7, "sun": 7,
}

var chineseDigits = map[rune]int{'一': 1, '二': 2, '三': 3, '四': 4, '五': 5, '六': 6, '日': 7, '天': 7}

var dayNumber = regexp.MustCompile(`^(\d{1,2})(?: ?(?:st|nd|rd|th|日|号))?`)

// word reads the first word of s and returns what follows it.
func (p *phrase) word(s string) (rest string, ok bool) {
	for _, w := range modeWords {
		if rest, ok := strings.CutPrefix(s, w.word); ok {
			p.modes, p.chinese = append(p.modes, w.mode), w.mode == Weekly
			if w.rule != AsIs {
				p.rule = w.rule
			}
			return rest, true
		}
	}
	for _, w := range []string{"星期", "礼拜", "周"} {
		if rest, ok := strings.CutPrefix(s, w); ok {
			p.chinese = true
			return rest, true
		}
	}
	for _, w := range []string{"最后一天", "月末", "月底", "last day", "last"} {
		if rest, ok := strings.CutPrefix(s, w); ok {
			p.editor.LastDay = true
			return rest, true
		}
	}
	if rest, ok := p.day(s); ok {
		return rest, true
	}
	for _, w := range []string{"through", "to", "至", "到", "-"} {
		if rest, ok := strings.CutPrefix(s, w); ok && p.last != nil && !p.ranged {
			p.ranged = true
			return rest, true
		}
	}
	for _, w := range filling {
		if rest, ok := strings.CutPrefix(s, w); ok {
			return rest, true
		}
	}
	return s, false
}

// day reads a weekday or a number.
func (p *phrase) day(s string) (rest string, ok bool) {
	if r, size := utf8.DecodeRuneInString(s); p.chinese && chineseDigits[r] > 0 {
		return s[size:], p.add(&p.editor.Weekdays, chineseDigits[r])
	}
	word := s[:len(s)-len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz"))]
	if d := weekdayWords[word]; d > 0 {
		return s[len(word):], p.add(&p.editor.Weekdays, d)
	}
	if m := dayNumber.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1]) // two digits
		return s[len(m[0]):], p.add(&p.numbers, n)
	}
	return s, false
}

// add takes a day, or all from the one before it up to that.
func (p *phrase) add(to *[]int, n int) bool {
	if p.ranged {
		from := (*to)[max(len(*to)-1, 0):]
		if p.last != to || len(from) == 0 || from[0] >= n {
			return false
		}
		for d := from[0] + 1; d < n; d++ {
			*to = append(*to, d)
		}
	}
	*to, p.last, p.ranged = append(*to, n), to, false
	return true
}

// result puts the words together; days that fit no mode, or modes that fit one
// another ill, are no phrase.
func (p *phrase) result() (Phrase, error) {
	e := p.editor
	slices.Sort(p.modes)
	modes := slices.Compact(p.modes)
	switch {
	case len(modes) == 0 && len(e.Weekdays) > 0:
		e.Mode = Weekly
	case len(modes) == 1:
		e.Mode = modes[0]
	}
	switch e.Mode {
	case Weekly:
		e.Weekdays = append(e.Weekdays, p.numbers...)
	case Monthly:
		e.MonthDays = p.numbers
	}
	days := len(e.Weekdays) + len(p.numbers)
	switch {
	case e.Mode == "", len(modes) > 1, p.ranged,
		e.LastDay && e.Mode != Monthly,
		e.Mode == Monthly && len(e.Weekdays) > 0,
		e.Mode == EveryDay && days > 0,
		e.Mode == Weekdays && (len(p.numbers) > 0 || len(e.Weekdays) > 0 && !slices.Equal(e.Weekdays, []int{1, 2, 3, 4, 5})):
		return Phrase{}, notAPhrase()
	}
	c, err := e.Cron()
	return Phrase{Cron: c, Rule: p.rule}, err
}
