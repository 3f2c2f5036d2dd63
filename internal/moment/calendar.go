package moment

import "time"

// CalendarQuery selects the posts of a calendar's days. Zero fields select
// everything, States everything but what was cancelled.
type CalendarQuery struct {
	// Days are the instants at which a day begins, in order, and last the one at
	// which the last day ends.
	Days       []time.Time
	States     []State
	InstanceID int64
	CampaignID int64  // 0 = of all, and of none
	Group      string // instances that have this tag
	PerDay     int    // how many posts of a day are listed
}

// CalendarMost is how far the posts of a day are counted.
const CalendarMost = 1000

// CalendarDay is what a calendar shows of a day.
type CalendarDay struct {
	Posts []PostView // the first of the day, by time
	Total int        // at most CalendarMost
}
