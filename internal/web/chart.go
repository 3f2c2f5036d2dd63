package web

import (
	"time"

	"momentcast/internal/moment"
)

// chart is the day's line of posts by hour and state, drawn here so that it
// needs no script. Its units are those of the SVG's view box.
type chart struct {
	Width, Height, Base int
	Bars                []bar
	Ticks               []tick
	Now                 int // where the present is; -1 = not on this day
	Top                 int // posts at the height of the scale
	Legend              []moment.State
}

type bar struct {
	X, Y, W, H int
	State      moment.State
	Text       string // what it stands for
}

type tick struct {
	X    int
	Text string
}

const (
	chartLeft   = 34
	chartTop    = 14
	chartHeight = 132
	hourWidth   = 28
)

// draw stacks the states of each hour. Days have 23 or 25 hours where clocks
// are changed.
func draw(c catalogue, counts []moment.HourCount, from, to, now time.Time) chart {
	hours := int(to.Sub(from).Hours())
	ch := chart{Width: chartLeft + hours*hourWidth + 6, Base: chartTop + chartHeight, Height: chartTop + chartHeight + 22, Now: -1, Top: 4}
	sums := make([]int, hours)
	for _, n := range counts {
		if n.Hour >= 0 && n.Hour < hours {
			sums[n.Hour] += int(n.Posts)
			ch.Top = max(ch.Top, sums[n.Hour])
		}
	}
	clear(sums)
	seen := map[moment.State]bool{}
	for _, state := range shownStates {
		for _, n := range counts {
			if n.State != state || n.Hour < 0 || n.Hour >= hours {
				continue
			}
			low := sums[n.Hour] * chartHeight / ch.Top
			sums[n.Hour] += int(n.Posts)
			high := max(sums[n.Hour]*chartHeight/ch.Top, low+1)
			ch.Bars = append(ch.Bars, bar{X: chartLeft + n.Hour*hourWidth + 4, Y: ch.Base - high, W: hourWidth - 8, H: high - low, State: state,
				Text: c.get("chart.bar", from.Add(time.Duration(n.Hour)*time.Hour).Format("15:04"), c.get("state."+string(state)), n.Posts)})
			seen[state] = true
		}
	}
	for _, state := range shownStates {
		if seen[state] {
			ch.Legend = append(ch.Legend, state)
		}
	}
	for h := 0; h < hours; h += 3 {
		ch.Ticks = append(ch.Ticks, tick{chartLeft + h*hourWidth, from.Add(time.Duration(h) * time.Hour).Format("15:04")})
	}
	if !now.Before(from) && now.Before(to) {
		ch.Now = chartLeft + int(now.Sub(from).Minutes())*hourWidth/60
	}
	return ch
}
