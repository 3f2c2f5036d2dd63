// Package schedule turns what a person plans ("monthly on the 1st and 15th at
// 09:00 in Asia/Shanghai, not on public holidays") into occurrences: instants
// with a name.
//
// # Wall time decides, instants follow
//
// A schedule is evaluated on a wall clock that knows no daylight saving time;
// only then is each wall time mapped to an instant of the zone. robfig/cron
// reads the expression and never sees a zone: its own handling of zones skips
// and doubles firings, and misses whole days where midnight does not exist.
//
// The mapping is one sentence: an occurrence fires at the first instant at which
// the zone's clock shows its wall time or a later one. So a time that is skipped
// (spring forward) fires at the end of the gap, and a time that comes twice
// (fall back) fires at its first copy, once.
//
// A cron expression whose hour field is unrestricted is meant as "every so many
// minutes" and follows elapsed time instead: it fires in both copies of a
// repeated hour, and nothing is made up for a skipped one. The second copy's
// name ends in "#2", so that names stay unique.
//
// # One instant, one occurrence
//
// Several wall times may fall on the same instant: 02:00, 02:30 and 03:00 of a
// day whose clock jumps from 02:00 to 03:00, or the holidays of a week that all
// move to the next working day. They are merged into one occurrence, because
// each would send the same card to the same accounts at the same moment, and a
// double post is what this program exists to prevent. The occurrence is named by
// the latest of the wall times, the one that needed no moving if there is one;
// the others are listed in [Occurrence.Merged] and never fire by themselves.
// Instants are therefore strictly increasing.
//
// # Work calendars
//
// Which days are public holidays and which Saturdays are worked is data: rows of
// a [Calendar], one per region. A year without rows is not guessed. Its weekends
// are weekends, its holidays are unknown, and every occurrence that rests on
// such a day says so with [Occurrence.Unpublished].
package schedule
