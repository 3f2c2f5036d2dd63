// Package telemetry is how the service tells what it does: its log and its
// metrics.
package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Format is how log lines look.
type Format string

// The formats.
const (
	Auto    Format = "auto"    // console on a terminal, JSON elsewhere
	JSON    Format = "json"    // one object a line
	Console Format = "console" // for people
)

// timeLayout has milliseconds, which the order of sends is read from, and the
// offset, without which a log of another zone misleads.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// NewLog returns a log to w. level is trace, debug, info, warn or error; ""
// means info, and a "" format Auto.
func NewLog(w io.Writer, level string, format Format) (zerolog.Logger, error) {
	if level == "" {
		level = zerolog.LevelInfoValue
	}
	l, err := zerolog.ParseLevel(level)
	if err != nil || l < zerolog.TraceLevel || l > zerolog.ErrorLevel {
		return zerolog.Nop(), fmt.Errorf("log level: is trace, debug, info, warn or error")
	}
	switch format {
	case Auto, "":
		if terminal(w) {
			w = console(w)
		}
	case Console:
		w = console(w)
	case JSON:
	default:
		return zerolog.Nop(), fmt.Errorf("log format: is auto, json or console")
	}
	return zerolog.New(w).Level(l).Hook(stamp{}), nil
}

// stamp puts the time into every line. zerolog's own reads its layout from a
// package variable.
type stamp struct{}

// Run implements zerolog.Hook.
func (stamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().Format(timeLayout))
}

func console(w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{
		Out:     w,
		NoColor: os.Getenv("NO_COLOR") != "" || !terminal(w),
		FormatTimestamp: func(v any) string {
			s, _ := v.(string)
			t, err := time.Parse(timeLayout, s)
			if err != nil {
				return s
			}
			return t.Local().Format("15:04:05.000")
		},
		FormatFieldValue: fieldValue,
		FieldsExclude:    []string{"component"},
	}
}

// fieldValue spares people the digits of a duration that only programs read.
func fieldValue(v any) string {
	if n, ok := v.(json.Number); ok && strings.Contains(n.String(), ".") {
		if f, err := n.Float64(); err == nil {
			return strconv.FormatFloat(f, 'f', 1, 64)
		}
	}
	return fmt.Sprint(v)
}

// terminal reports whether w shows what is written to a person.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
