package schedule

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// String is s as one line, which ParseSpec reads back:
//
//	once 2026-10-01T09:00 zone=Asia/Shanghai
//	times 2026-10-01T09:00 2026-10-08T09:00 zone=Asia/Shanghai
//	cron 0 9 * * 1-5 zone=Asia/Shanghai start=2026-10-01T00:00 count=10 rule=working_days region=cn
//
// Nothing in an expression or a zone's name can be mistaken for a setting, as
// expressions may not contain "=".
func (s Spec) String() string {
	parts := []string{string(s.Kind)}
	for _, w := range s.Times {
		parts = append(parts, w.String())
	}
	if s.Cron != "" {
		parts = append(parts, s.Cron)
	}
	set := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	set("zone", s.Zone)
	set("start", s.Start.String())
	set("end", s.End.String())
	if s.Count != 0 {
		set("count", strconv.Itoa(s.Count))
	}
	set("rule", string(s.Rule))
	set("region", s.Region)
	return strings.Join(parts, " ")
}

// maxSpec is the longest text form in bytes: a full list of times.
const maxSpec = MaxTimes*(len(wallLayout)+1) + 1000

// ParseSpec reads what String writes and checks it as Check does. Times come
// back sorted, an expression in one case and with single spaces.
func ParseSpec(text string) (Spec, error) {
	if len(text) > maxSpec {
		return Spec{}, moment.InvalidFields([]moment.Field{{Path: "schedule", Message: "is too long"}})
	}
	var s Spec
	var fs []moment.Field
	var payload []string
	words := strings.Fields(text)
	if len(words) > 0 {
		s.Kind, words = Kind(words[0]), words[1:]
	}
	seen := map[string]bool{}
	for _, w := range words {
		name, value, setting := strings.Cut(w, "=")
		if !setting {
			payload = append(payload, w)
			continue
		}
		if seen[name] {
			fs = append(fs, moment.Field{Path: "schedule", Message: "states a setting twice"})
		}
		seen[name] = true
		if f, ok := s.set(name, value); !ok {
			fs = append(fs, f)
		}
	}
	fs = append(fs, s.setPayload(payload)...)
	if err := moment.InvalidFields(fs); err != nil {
		return Spec{}, err
	}
	return s.normal()
}

// set takes one name=value. ok is false where the field is wrong.
func (s *Spec) set(name, value string) (wrong moment.Field, ok bool) {
	var err error
	switch name {
	case "zone":
		s.Zone = value
	case "start":
		s.Start, err = ParseStart(value)
	case "end":
		s.End, err = ParseEnd(value)
	case "count":
		if s.Count, err = strconv.Atoi(value); err != nil {
			err = errors.New("is not a number")
		}
	case "rule":
		s.Rule = Rule(value)
	case "region":
		s.Region = value
	default:
		return moment.Field{Path: "schedule", Message: "knows the settings zone, start, end, count, rule and region, and no other"}, false
	}
	if err != nil {
		return moment.Field{Path: name, Message: err.Error()}, false
	}
	return moment.Field{}, true
}

func (s *Spec) setPayload(words []string) (fs []moment.Field) {
	if s.Kind == KindCron {
		s.Cron = strings.Join(words, " ")
		return nil
	}
	for i, w := range words {
		t, err := ParseWall(w)
		if err != nil {
			fs = append(fs, moment.Field{Path: "times[" + strconv.Itoa(i) + "]", Message: err.Error()})
		}
		s.Times = append(s.Times, t)
	}
	return fs
}

// normal checks s and returns it in the form in which it is stored.
func (s Spec) normal() (Spec, error) {
	c, fs := s.check()
	if err := moment.InvalidFields(fs); err != nil {
		return Spec{}, err
	}
	s.Cron = c.text
	s.Times = slices.Clone(s.Times)
	slices.SortFunc(s.Times, Wall.Compare)
	return s, nil
}

// MarshalText writes s as String does.
func (s Spec) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes, as ParseSpec does.
func (s *Spec) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSpec(string(b))
	return err
}
