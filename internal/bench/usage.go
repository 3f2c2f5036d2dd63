package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// tick is the unit of processor time in /proc; Linux shows programs no other.
const tick = time.Second / 100

// usage is what PostgreSQL has used so far.
type usage struct {
	cpu time.Duration // of all its processes, those that have ended too
	wal int64         // bytes written to its log
}

func (u usage) since(before usage) usage { return usage{u.cpu - before.cpu, u.wal - before.wal} }

// usage reads what the server has used. Both are of the whole server: nothing
// else works on it.
func (s *stage) usage(ctx context.Context) (u usage, err error) {
	conn, err := pgx.Connect(ctx, s.pg.URL())
	if err != nil {
		return u, err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	const wal = `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`
	if err := conn.QueryRow(ctx, wal).Scan(&u.wal); err != nil {
		return u, err
	}
	u.cpu, err = familyCPU("/proc", s.pg.PID())
	return u, err
}

// checkpoint makes measurements begin alike: the first change of a page after
// one writes the page whole to the log.
func (s *stage) checkpoint(ctx context.Context) error {
	return s.exec(ctx, s.pg.URL(), "CHECKPOINT")
}

// familyCPU is the processor time of a process, of its children, and of those
// children that have ended and been waited for.
func familyCPU(proc string, pid int) (time.Duration, error) {
	own, err := readStat(proc, pid)
	if err != nil {
		return 0, err
	}
	total := own.cpu + own.waited
	entries, err := os.ReadDir(proc)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if st, err := readStat(proc, id); err == nil && st.parent == pid { // one that ends meanwhile is waited for and counted there
			total += st.cpu
		}
	}
	return total, nil
}

type procStat struct {
	parent      int
	cpu, waited time.Duration
}

// readStat reads /proc/<pid>/stat; its second field is a name in parentheses
// that may hold anything.
func readStat(proc string, pid int) (st procStat, err error) {
	b, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return st, err
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 15 {
		return st, fmt.Errorf("stat of process %d has %d fields", pid, len(f))
	}
	n := make([]int64, 15)
	for i := 1; i < 15; i++ {
		n[i], _ = strconv.ParseInt(f[i], 10, 64) // field 3 on: those below are numbers
	}
	return procStat{parent: int(n[1]), cpu: time.Duration(n[11]+n[12]) * tick, waited: time.Duration(n[13]+n[14]) * tick}, nil
}

// processCPU is the processor time of one process; 0 where it cannot be read.
func processCPU(pid int) time.Duration {
	st, err := readStat("/proc", pid)
	if err != nil {
		return 0
	}
	return st.cpu
}

// peakRSS is the most memory that a process has had resident, in bytes.
func peakRSS(pid int) int64 {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	return vmHWM(string(b))
}

func vmHWM(status string) int64 {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// quiet is how busy the machine was before the measurements.
type quiet struct {
	Load  float64 // of the last minute
	Cores int
	Busy  float64 // share of processor time used while nothing of ours ran
	Steal float64 // share that the host kept from us
}

// loud says why the figures cannot be trusted; "" = they can.
func (q quiet) loud() string {
	var why []string
	if q.Load > 0.3*float64(q.Cores) {
		why = append(why, fmt.Sprintf("the load was %.2f on %d cores", q.Load, q.Cores))
	}
	if q.Busy > 0.1 {
		why = append(why, fmt.Sprintf("%.0f %% of the processors were busy with something else", q.Busy*100))
	}
	if q.Steal > 0.02 {
		why = append(why, fmt.Sprintf("%.0f %% of their time was kept by the host", q.Steal*100))
	}
	return strings.Join(why, ", ")
}

// lookAround watches the idle machine for a while.
func lookAround(ctx context.Context, cores int, while time.Duration) (q quiet, err error) {
	q.Cores = cores
	q.Load, _ = strconv.ParseFloat(load(), 64) // 0 where it cannot be read
	before, err := os.ReadFile("/proc/stat")
	if err != nil {
		return q, nil // not Linux: nothing is known
	}
	t := time.NewTimer(while)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return q, ctx.Err()
	case <-t.C:
	}
	after, err := os.ReadFile("/proc/stat")
	if err != nil {
		return q, err
	}
	q.Busy, q.Steal = shares(string(before), string(after))
	return q, nil
}

// shares compares two readings of /proc/stat.
func shares(before, after string) (busy, steal float64) {
	a, b := cpuLine(before), cpuLine(after)
	var all, idle float64
	for i := range a {
		d := b[i] - a[i]
		all += d
		if i == 3 || i == 4 { // idle and waiting for disks
			idle += d
		}
	}
	if all == 0 {
		return 0, 0
	}
	return (all - idle) / all, (b[7] - a[7]) / all
}

// cpuLine is the first line of /proc/stat up to steal.
func cpuLine(stat string) (v [8]float64) {
	line, _, _ := strings.Cut(stat, "\n")
	for i, f := range strings.Fields(strings.TrimPrefix(line, "cpu")) {
		if i < len(v) {
			v[i], _ = strconv.ParseFloat(f, 64)
		}
	}
	return v
}

// BusyPercent is Busy for people.
func (q quiet) BusyPercent() float64 { return q.Busy * 100 }

// StealPercent is Steal for people.
func (q quiet) StealPercent() float64 { return q.Steal * 100 }
