package moment

import (
	"slices"
	"testing"
	"time"
)

func TestSameLink(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		asked, stored string
		same          bool
	}{
		{"https://a.com/x", "https://a.com/x", true},
		{"https://a.com/x?a=1&b=2", "https://a.com/x?a=1&amp;b=2", true},
		{"https://a.com/x?a=1", "https://a.com/x?a=1&from=timeline&isappinstalled=0", true},
		{"https://a.com/x#frag", "https://a.com/x?from=timeline#frag", true},
		{"https://A.com/x", "https://a.com/x", true},
		{"https://a.com/x?a=1", "https://a.com/x?a=2", false},
		{"https://a.com/x?a=1", "https://a.com/x", false},
		{"https://a.com/x", "http://a.com/x", false},
		{"https://a.com/x", "https://a.com/y", false},
		{"https://a.com/x", "https://b.com/x", false},
		{"https://a.com/x#one", "https://a.com/x#two", false},
		{"https://a.com/%e4%bd%a0", "https://a.com/你", true},
		{"%zz", "https://a.com", false},
	} {
		if got := SameLink(tc.asked, tc.stored); got != tc.same {
			t.Errorf("%s and %s: %v, want %v", tc.asked, tc.stored, got, tc.same)
		}
	}
}

func TestProofDifferences(t *testing.T) {
	t.Parallel()
	card := Card{Content: "a\nb ", Title: "t", URL: "https://a.com"}
	p := Proof{Content: "a\r\nb", Title: "t", URL: "https://a.com"}
	if d := p.Differences(card); len(d) != 0 {
		t.Errorf("differences %v in what differs in line ends only", d)
	}
	p.Title, p.URL, p.Content = "x", "https://b.com", "y"
	if d := p.Differences(card); !slices.Equal(d, []string{"content", "title", "url"}) {
		t.Errorf("differences %v", d)
	}
}

func TestBackoffGrowsToTwoMinutes(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for n := range 40 {
		d := BackoffAfter(n)
		if d < last || d > 2*time.Minute || d < 2*time.Second {
			t.Errorf("after %d calls %v", n, d)
		}
		last = d
	}
}

// What follows a verdict is decided once, here.
func TestNext(t *testing.T) {
	t.Parallel()
	for v, want := range map[Verdict]Action{Delivered: ActSucceed, Rejected: ActFail, NeverLeft: ActRelease, InDoubt: ActDoubt, "": ActDoubt} {
		if got, wait := (&Post{Attempt: 1}).Next(Result{Verdict: v}); got != want || (wait > 0) != (got == ActRelease) {
			t.Errorf("%q: %s after %v, want %s", v, got, wait, want)
		}
	}
}

// The read-backs reach beyond the longest call and the quarantine, so that even
// a call that was frozen on its way is found before a person is asked.
func TestReadBacksOutlastTheQuarantine(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for _, w := range ReconcileWaits {
		sum += w
	}
	if sum < 20*time.Minute {
		t.Errorf("the last read-back is after %v", sum)
	}
}
