package moment

import "time"

// Day is what a span of time, commonly a day, looks like from above.
type Day struct {
	Hours []HourCount
	Late  Lateness
}

// HourCount counts the posts that are due within one hour and are in one state.
type HourCount struct {
	Hour  int // since the beginning of the span
	State State
	Posts int64
}

// Lateness is how long after their time the posts of a span were sent.
type Lateness struct {
	Sent          int64         // posts it speaks of; held ones count from when their hold ended
	Median, Worst time.Duration // zero where Sent is 0
	P95           time.Duration
	Held          int64 // sent posts that a rule held, which say nothing about speed
}
