package bench

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed report.md.tmpl
var reportText string

// document is what the report says.
type document struct {
	Date, Took                     string
	Machine, Kernel                string
	PostgreSQL, Go, River, Version string
	Rounds                         int
	Scale                          float64
	Best, Defaults                 River
	Quiet                          quiet
	Loud                           string
	Latency                        time.Duration
	Rate                           float64
	Calls                          int
	Claims                         []claim
	Sections                       []section
}

// section is one scenario.
type section struct {
	Title, About, Picture string // Picture is a file name; "" = none
	Rows                  []row
	Killed                bool
}

// row is one contestant's medians.
type row struct {
	Label string
	Figures
}

// Cells are the row's figures as they stand in the table.
func (r row) Cells() string {
	lateness := fmt.Sprintf("%.1f | %.1f | %.1f", ms(r.P50), ms(r.P99), ms(r.Max))
	if r.P99 == 0 {
		lateness = "– | – | –"
	}
	memory := "–"
	if r.Peak > 0 {
		memory = fmt.Sprint(r.Peak >> 20)
	}
	return fmt.Sprintf("%.0f | %s | %d | %d | %d | %s | %.0f | %.0f | %d", r.PerSecond, lateness, r.Doubles, r.Early, r.MaxOverlap,
		memory, ms(r.per1000(r.CPU)), ms(r.per1000(r.Own)), r.walPerPost())
}

// KilledCells are those of the scenario that kills.
func (r row) KilledCells() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d | %d | %d | %.0f", r.Kills, r.Posts, r.Accepted-r.Doubles, r.Doubles, r.Lost, r.Contradicting, r.Unknown, r.Settled.Seconds())
}

// report writes what was measured: into the directory, or to the terminal.
func (r *run) report(ctx context.Context, todo []scenario) error {
	d := r.document(ctx, todo)
	var text bytes.Buffer
	if err := d.write(&text); err != nil {
		return err
	}
	if r.o.Report == "" {
		_, err := r.out.Write(text.Bytes())
		return err
	}
	for _, sc := range todo {
		if p := r.picture(sc); p != "" {
			if err := os.WriteFile(filepath.Join(r.o.Report, sc.name+".svg"), []byte(p), 0o644); err != nil { //nolint:gosec // a report is for everybody
				return err
			}
		}
	}
	path := filepath.Join(r.o.Report, "report.md")
	r.say("%s", path)
	return os.WriteFile(path, text.Bytes(), 0o644) //nolint:gosec // likewise
}

func (d document) write(to io.Writer) error {
	t, err := template.New("report").Parse(reportText)
	if err != nil {
		return err
	}
	return t.Execute(to, d)
}

func (r *run) document(ctx context.Context, todo []scenario) document {
	d := document{
		Date: r.began.UTC().Format("2006-01-02 15:04 UTC"), Took: time.Since(r.began).Round(time.Second).String(),
		Machine: machine(), Kernel: kernel(), PostgreSQL: r.server, Go: runtime.Version(), River: riverVersion(ctx, r.o.Peer), Version: r.o.Version,
		Rounds: r.o.Rounds, Scale: r.o.Scale, Best: r.o.Best, Defaults: RiverDefaults, Quiet: r.quiet, Loud: r.quiet.loud(),
		Latency: r.o.Latency, Rate: r.o.Rate, Calls: r.o.Calls, Claims: r.claims(),
	}
	for _, sc := range todo {
		s := section{Title: sc.title, About: sc.about, Killed: sc.name == "crash"}
		for _, e := range sc.entries {
			if fs := r.of(sc.name, e.name); len(fs) > 0 {
				s.Rows = append(s.Rows, row{e.label, medians(fs)})
			}
		}
		if len(s.Rows) == 0 {
			continue
		}
		if r.o.Report != "" && r.picture(sc) != "" {
			s.Picture = sc.name + ".svg"
		}
		d.Sections = append(d.Sections, s)
	}
	return d
}

// picture is the scenario's chart; "" where there is nothing to see.
func (r *run) picture(sc scenario) string {
	var bars []bar
	unit := "posts/s"
	switch sc.name {
	case "crash":
		return ""
	case "paced", "now", "blocked":
		unit = "lateness p99, ms"
	}
	for _, e := range sc.entries {
		fs := r.of(sc.name, e.name)
		if len(fs) == 0 {
			continue
		}
		v := median(fs, func(f Figures) float64 { return f.PerSecond })
		if unit != "posts/s" {
			v = ms(median(fs, func(f Figures) time.Duration { return f.P99 }))
		}
		bars = append(bars, bar{e.label, v, strings.HasPrefix(e.name, "engine") || e.name == "deep" || e.name == "shallow"})
	}
	if len(bars) == 0 {
		return ""
	}
	return chart(sc.title, unit, bars)
}

// machine says what the figures were taken on.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := ""
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kib); err == nil {
			memory = fmt.Sprintf(", %d GiB", (kib+1<<19)>>20)
		}
	}
	return fmt.Sprintf("%d × %s%s", runtime.NumCPU(), model, memory)
}

func kernel() string {
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		return runtime.GOOS
	}
	var b []byte
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return "Linux " + string(b)
}
