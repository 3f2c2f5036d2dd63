package schedule

import (
	"math/bits"
	"strconv"
	"strings"
)

// Canonical is an expression in the shortest of the usual forms that fires when
// c does: ParseCron(c.Canonical()) is the same as c.
func (c Cron) Canonical() string {
	dom, dow := "*", "*"
	if c.days.month != 0 || c.days.last {
		dom = monthDaysText(c.days)
	}
	if c.days.weekday != 0 {
		dow = setText(c.days.weekday, 0, 6, false)
	}
	return strings.Join([]string{setText(c.minute, 0, 59, true), setText(c.hour, 0, 23, true), dom, setText(c.month, 1, 12, true), dow}, " ")
}

func monthDaysText(d days) string {
	var parts []string
	if d.month != 0 {
		parts = append(parts, setText(d.month, 1, 31, true))
	}
	if d.last {
		parts = append(parts, "L")
	}
	return strings.Join(parts, ",")
}

// setText writes a set of values from lo to hi as "*", a step (where those are
// allowed), or a list with ranges.
func setText(set uint64, lo, hi int, steps bool) string {
	if n := everyNth(set, lo, hi); n == 1 {
		return "*"
	} else if n > 1 && steps {
		return "*/" + strconv.Itoa(n)
	}
	var parts []string
	for _, r := range runs(set) {
		switch r[1] - r[0] {
		case 0:
			parts = append(parts, strconv.Itoa(r[0]))
		case 1:
			parts = append(parts, strconv.Itoa(r[0]), strconv.Itoa(r[1]))
		default:
			parts = append(parts, strconv.Itoa(r[0])+"-"+strconv.Itoa(r[1]))
		}
	}
	return strings.Join(parts, ",")
}

// everyNth is n if the set is every nth value from lo up to hi, at least three
// of them; otherwise 0.
func everyNth(set uint64, lo, hi int) int {
	v := values(set)
	if len(v) < 3 || v[0] != lo {
		return 0
	}
	n := v[1] - v[0]
	for i := range v {
		if v[i] != lo+i*n {
			return 0
		}
	}
	if v[len(v)-1]+n <= hi {
		return 0
	}
	return n
}

// values lists a set's members in order.
func values(set uint64) []int {
	v := make([]int, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		v = append(v, bits.TrailingZeros64(set))
	}
	return v
}

// runs lists a set's members as runs of neighbours: first and last of each.
func runs(set uint64) [][2]int {
	var all [][2]int
	for _, v := range values(set) {
		if n := len(all); n > 0 && all[n-1][1] == v-1 {
			all[n-1][1] = v
			continue
		}
		all = append(all, [2]int{v, v})
	}
	return all
}

// setOf is the set of the given values.
func setOf(values ...int) (set uint64) {
	for _, v := range values {
		set |= 1 << v
	}
	return set
}
