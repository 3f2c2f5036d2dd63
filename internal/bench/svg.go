package bench

import (
	"fmt"
	"html"
	"strings"
)

// bar is one bar of a chart.
type bar struct {
	label string
	value float64
	ours  bool
}

// The chart's measures in pixels. Text is set in the reader's own font, so that
// the labels have room to spare.
const (
	chartWidth = 720
	labelWidth = 250
	valueWidth = 80
	barHeight  = 22
	barStep    = 32
	chartHead  = 44
)

// chart draws horizontal bars. It is made by hand: no library is needed for
// rectangles, and the file stays readable in a diff. Colours work on white and
// on dark; which bars are ours is also said by a mark.
func chart(title, unit string, bars []bar) string {
	most := 0.0
	for _, b := range bars {
		most = max(most, b.value)
	}
	height := chartHead + barStep*len(bars) + 8
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s" font-family="system-ui, sans-serif" font-size="13">`+"\n",
		chartWidth, height, chartWidth, height, html.EscapeString(title))
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&s, `<text x="8" y="26" font-size="15" font-weight="600" fill="#1f2328">%s <tspan font-weight="400" fill="#57606a">(%s)</tspan></text>`+"\n",
		html.EscapeString(title), html.EscapeString(unit))
	for i, b := range bars {
		y := chartHead + barStep*i
		colour, mark := "#8c959f", ""
		if b.ours {
			colour, mark = "#1f6feb", "▸ "
		}
		length := 0.0
		if most > 0 {
			length = b.value / most * (chartWidth - labelWidth - valueWidth)
		}
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end" fill="#1f2328">%s%s</text>`+"\n", labelWidth-10, y+16, mark, html.EscapeString(b.label))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n", labelWidth, y, max(length, 1), barHeight, colour)
		fmt.Fprintf(&s, `<text x="%.1f" y="%d" fill="#1f2328">%s</text>`+"\n", labelWidth+length+8, y+16, short(b.value))
	}
	s.WriteString("</svg>\n")
	return s.String()
}

// short writes a value with three digits that matter.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
