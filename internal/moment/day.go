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

// MaxDays is how many days can be counted at once.
const MaxDays = 100

// DayQuery selects the days to count, and of whose posts.
type DayQuery struct {
	From, To   time.Time // To is excluded
	TimeZone   string    // whose days they are
	InstanceID int64     // 0 = all instances
}

// DayCounts is what became of the posts of a day.
type DayCounts struct {
	Day      string          // YYYY-MM-DD
	Posts    map[State]int64 // by shown state, without those of which there are none
	Measured int64           // sent posts that no rule held: those the lateness is of
	Median   time.Duration   // zero where Measured is 0
	P99      time.Duration
}
